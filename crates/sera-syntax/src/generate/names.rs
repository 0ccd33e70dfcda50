//! Names: variables, members, callees, receivers.
use super::atoms::{is_name, is_path, value_sites, word_values};
use crate::Operator;
use crate::facts::{Tally, is_constant};
use crate::functions::{callee, callee_name};
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{ANTONYMS, Concept, Role, Row};
use std::collections::HashSet;

/// How many other variables are tried in one place: planting a fault, and fixing one.
const VARIABLES: (usize, usize) = (4, 16);
/// How many other members.
const MEMBERS: (usize, usize) = (4, 8);
/// Characters that two names share at their ends before one is taken to be of the other's type.
const ALIKE: usize = 4;
/// How many other callees.
const CALLEES: (usize, usize) = (4, 10);

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.nodes() {
        if is_read(scene, id) {
            swap_variable(scene, id);
        }
    }
    for id in scene.of(Concept::Member) {
        swap_member(scene, id);
    }
    for id in scene.of(Concept::Call) {
        swap_callee(scene, id);
    }
    if scene.fixing() {
        for id in value_sites(scene) {
            replace_value(scene, id);
        }
    }
}

fn limit(scene: &Scene<'_>, limits: (usize, usize)) -> usize {
    if scene.fixing() { limits.1 } else { limits.0 }
}

/// Whether the identifier reads a variable or constant.
fn is_read(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    if !ast.is(id, Concept::Identifier)
        || scene.scope.is_binding(id)
        || ast.row().receivers.contains(&scene.text(id))
    {
        return false;
    }
    let Some(parent) = ast.parent(id) else { return false };
    let kind = ast.kind(parent);
    let callee = ast.fills(id, Role::Callee) && ast.is(parent, Concept::Call);
    let property = ast.fills(id, Role::Property) && ast.is(parent, Concept::Member);
    let key = matches!(ast.field(id), "key" | "type" | "name" | "path" | "alias" | "label")
        || ast.field(parent) == "key";
    let label = kind.starts_with("scoped")
        || kind.starts_with("shorthand")
        || ast.kind(id).starts_with("shorthand");
    !(callee
        || property
        || key
        || label
        || kind.starts_with("global")
        || kind.starts_with("nonlocal"))
}

fn swap_variable(scene: &mut Scene<'_>, id: Id) {
    let (ast, name, at) = (scene.ast, scene.text(id), scene.ast.start(id));
    let known = scene.scope.variable(name, at).is_some();
    let mut others: Vec<String> = Vec::new();
    if known || scene.fixing() {
        others = near_names(scene, name, at);
    }
    if is_constant(name) {
        let constants = scene.facts.constants.names().filter(|other| *other != name);
        others.extend(constants.take(3).map(str::to_owned));
    }
    others.extend(near_state(scene, name));
    let parent = ast.parent(id).filter(|_| ast.fills(id, Role::Object));
    let receiver = parent.is_some_and(|member| {
        let called = ast.fills(member, Role::Callee)
            && ast.parent(member).is_some_and(|call| ast.is(call, Concept::Call));
        ast.is(member, Concept::Call) || (ast.is(member, Concept::Member) && called)
    });
    let operator = if receiver { Operator::ReceiverSwap } else { Operator::IdentifierSwap };
    let beside: Vec<String> = neighbours(scene, id);
    for other in others {
        if scene.fixing() || !beside.contains(&other) {
            scene.swap(operator, id, &other, Risk::None);
        }
    }
}

/// Ruby's variables of the object, which no scope binds: those of the file that look most alike.
fn near_state(scene: &Scene<'_>, name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return Vec::new();
    }
    closest(Some(&scene.facts.state), name, limit(scene, MEMBERS))
}

/// Other variables visible at `at`; those named nearest to it in the text come first.
fn near_names(scene: &Scene<'_>, name: &str, at: usize) -> Vec<String> {
    let parameter = scene.scope.variable(name, at).map(|variable| variable.parameter);
    let mut names: Vec<(bool, usize, String)> = scene
        .scope
        .visible_at(at)
        .into_iter()
        .filter(|other| *other != name && may_stand_for(scene, other, name, at))
        .map(|other| {
            let same =
                scene.scope.variable(other, at).map(|variable| variable.parameter) == parameter;
            (!same && !scene.fixing(), distance(scene, other, at), other.to_owned())
        })
        .collect();
    names.sort();
    names.truncate(limit(scene, VARIABLES));
    let mut names: Vec<String> = names.into_iter().map(|(_, _, name)| name).collect();
    for word in word_values(scene) {
        if word != name
            && is_path(scene, word)
            && !names.iter().any(|known| known == word)
            && in_file(scene, word)
        {
            names.push(word.to_owned());
        }
    }
    names
}

/// Whether a compiler would take one variable for the other, as far as stated types tell.
fn may_stand_for(scene: &Scene<'_>, other: &str, name: &str, at: usize) -> bool {
    let stated =
        |name| scene.scope.variable(name, at).and_then(|variable| variable.stated.as_deref());
    let known = scene.scope.variable(name, at).is_some();
    scene.fixing() || !scene.ast.row().typed || (known && stated(other) == stated(name))
}

/// Whether the file names it anywhere: words of prose are no candidates for every place.
fn in_file(scene: &Scene<'_>, word: &str) -> bool {
    let facts = scene.facts;
    word.contains('.')
        || facts.constants.names().any(|known| known == word)
        || facts.attributes.contains_key(word)
        || facts.methods.contains_key(word)
        || scene.scope.variables().iter().any(|variable| variable.name == word)
        || facts.functions.names().any(|known| known == word)
}

/// Bytes from `at` to the nearest place where `name` stands before it.
fn distance(scene: &Scene<'_>, name: &str, at: usize) -> usize {
    let before = &scene.ast.source()[scene.ast.start(scene.root)..at];
    before.rfind(name).map_or(before.len(), |found| before.len() - found)
}

/// What stands right beside the node: `x < x` is no likely slip.
fn neighbours(scene: &Scene<'_>, id: Id) -> Vec<String> {
    let ast = scene.ast;
    let Some(parent) = ast.parent(id) else { return Vec::new() };
    let parts = ast.parts(parent).filter(|&part| part != id);
    parts.map(|part| ast.text(part).to_owned()).collect()
}

fn swap_member(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let (Some(object), Some(property)) = (ast.role(id, Role::Object), ast.role(id, Role::Property))
    else {
        return;
    };
    let called = ast.fills(id, Role::Callee)
        && ast.parent(id).is_some_and(|call| ast.is(call, Concept::Call));
    if called {
        return;
    }
    let name = scene.text(property);
    let seen = scene.facts.attributes.get(scene.text(object));
    let mut others = closest(seen, name, limit(scene, MEMBERS));
    let fields = &scene.facts.fields;
    if scene.ast.row().typed && !scene.fixing() {
        others.retain(|other| match (fields.get(name), fields.get(other)) {
            (Some(own), Some(of)) => own == of,
            _ => likeness(other, name) >= ALIKE,
        });
    }
    others.extend(new_words(scene, name, &others));
    if scene.fixing() {
        others.extend(read_here(scene, ast.start(property)));
    }
    for other in others {
        scene.push(Operator::AttributeSwap, ast.span(property), other, name, Risk::None);
    }
}

/// Words of the task that are one name and not yet among `known`.
fn new_words(scene: &Scene<'_>, name: &str, known: &[String]) -> Vec<String> {
    let words = scene.words().iter().filter(|word| is_name(scene, word) && *word != name);
    words.filter(|word| !known.contains(word)).take(12).cloned().collect()
}

/// The names of a tally that look most like `name`.
pub(super) fn closest(tally: Option<&Tally>, name: &str, limit: usize) -> Vec<String> {
    let Some(tally) = tally else { return Vec::new() };
    let mut names: Vec<&str> = tally.names().filter(|other| *other != name).collect();
    names.sort_by_key(|other| std::cmp::Reverse(likeness(other, name)));
    names.into_iter().take(limit).map(str::to_owned).collect()
}

/// Common characters at both ends.
fn likeness(a: &str, b: &str) -> usize {
    let front = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    front + back
}

fn swap_callee(scene: &mut Scene<'_>, call: Id) {
    let ast = scene.ast;
    let Some(called) = callee(ast, call).filter(|called| scene.is_open(called.name)) else {
        return;
    };
    let name = scene.text(called.name);
    let mut others: Vec<String> =
        antonyms(ast.row(), name).filter(|other| exists(scene, other)).map(str::to_owned).collect();
    let many = limit(scene, CALLEES);
    let most = if scene.fixing() { many * 2 } else { many / 2 };
    let mut siblings = Vec::new();
    if let Some(object) = called.object.map(|object| scene.text(object)) {
        siblings.extend(closest(scene.facts.methods.get(object), name, many));
        if ast.row().receivers.contains(&object) {
            siblings.extend(closest(Some(&scene.facts.all_methods), name, most));
        }
    } else if called.plain {
        siblings.extend(closest(Some(&scene.facts.functions), name, many));
        if ast.row().implicit_receiver {
            siblings.extend(closest(Some(&scene.facts.all_methods), name, most));
        }
        if scene.fixing() {
            siblings.extend(closest(Some(&scene.facts.imported), name, many / 2));
        }
    }
    let given = ast.role(call, Role::Arguments).map_or(0, |list| ast.parts(list).count());
    let takes =
        |other: &str| scene.facts.parameters.get(other).is_none_or(|taken| taken.len() >= given);
    let own = ast.head(scene.root, Role::Name).map_or("", |own| scene.text(own));
    // `$f(x)` calls what a variable holds, `new T(x)` a type, `A<B>(x)` and `a::b(x)` more than a name.
    let alike = |other: &str| {
        other.starts_with('$') == name.starts_with('$')
            && !other.contains([':', '<', ' '])
            && !ast.row().reserved.contains(&other)
    };
    let created = ["new_expression", "object_creation_expression"].contains(&ast.kind(call));
    siblings.retain(|_| !created || scene.fixing() || !ast.row().typed);
    siblings.retain(|other| other != "constructor" && takes(other) && alike(other));
    siblings.retain(|other| scene.fixing() || other != own);
    siblings.truncate(if scene.fixing() { many * 2 } else { many });
    if !scene.fixing() {
        let signatures = &scene.facts.signatures;
        let capital = |name: &str| name.starts_with(char::is_uppercase);
        siblings.retain(|other| match (signatures.get(name), signatures.get(other)) {
            (Some(own), Some(of)) if scene.ast.row().typed => own == of,
            _ => {
                (!scene.ast.row().typed || likeness(other, name) >= ALIKE)
                    && capital(other) == capital(name)
            }
        });
    }
    others.extend(siblings);
    others.extend(new_words(scene, name, &others));
    if scene.fixing() {
        others.extend(called_here(scene, called.object.is_some()));
    }
    // A qualified name names no variable.
    others.retain(|other| called.plain || !other.starts_with('$'));
    for other in others {
        scene.push(Operator::CalleeSwap, ast.span(called.name), other, name, Risk::None);
    }
}

/// Whether the language surely has the function: one that does not compile is no likely slip.
fn exists(scene: &Scene<'_>, name: &str) -> bool {
    let facts = scene.facts;
    let seen = || facts.functions.names().chain(facts.all_methods.names()).any(|n| n == name);
    scene.fixing() || !scene.ast.row().typed || scene.ast.row().preserving.contains(&name) || seen()
}

/// What the function calls elsewhere in the same way, and for plain callees what it was handed.
fn called_here(scene: &Scene<'_>, member: bool) -> Vec<String> {
    let ast = scene.ast;
    let calls = scene.of(Concept::Call).into_iter();
    let alike = calls
        .filter(|&call| callee(ast, call).is_some_and(|other| other.object.is_some() == member));
    let mut names: Vec<&str> =
        alike.filter_map(|call| callee_name(ast, call)).map(|name| scene.text(name)).collect();
    if !member {
        names.extend(
            scene.scope.variables().iter().filter(|v| v.parameter).map(|v| v.name.as_str()),
        );
        names.extend(scene.receivers());
        names.extend(ast.row().wrappers);
    }
    let mut seen = HashSet::new();
    names.retain(|&name| seen.insert(name));
    names.into_iter().take(CALLEES.1 * 2).map(str::to_owned).collect()
}

/// Members that the function reads of anything, nearest to `at` first.
fn read_here(scene: &Scene<'_>, at: usize) -> Vec<String> {
    let ast = scene.ast;
    let mut nodes: Vec<Id> = scene.of(Concept::Member);
    nodes.sort_by_key(|&id| ast.start(id).abs_diff(at));
    let names = nodes.into_iter().filter_map(|id| ast.role(id, Role::Property));
    let mut seen = HashSet::new();
    let fresh = names.map(|id| scene.text(id)).filter(|&name| seen.insert(name));
    fresh.take(MEMBERS.1).map(str::to_owned).collect()
}

/// What is a likely slip for `name`, in any language or in that of `row`.
fn antonyms<'a>(row: &'a Row, name: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    ANTONYMS.iter().chain(row.antonyms).filter_map(move |&(a, b)| match name {
        _ if name == a => Some(b),
        _ if name == b => Some(a),
        _ => None,
    })
}

/// When fixing: a whole value replaced by a word of the task that is more than a name.
fn replace_value(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if ast.subtree(id).len() > 4
        || ast.any(id, &[Concept::Identifier, Concept::Number, Concept::String])
    {
        return;
    }
    for word in word_values(scene) {
        if word.contains('.') || scene.scope.variable(word, ast.start(id)).is_some() {
            scene.push(Operator::IdentifierSwap, ast.span(id), word, word, Risk::Syntax);
        }
    }
}
