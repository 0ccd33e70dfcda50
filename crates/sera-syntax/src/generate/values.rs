//! Values: wrapping calls, links of a chain, returned values, defaults for missing ones.
use super::atoms::{is_literal, is_name, is_path, size, value_sites, values_at, word_values};
use super::operands::is_simple;
use crate::Operator;
use crate::facts;
use crate::functions::{Callee, callee};
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;
use std::collections::HashSet;

/// How many usual links are tried around one value, the task's words not counted.
const USUAL: usize = 10;
/// How many functions that take one value are tried around one.
const WRAPPERS: usize = 20;
/// Tokens of the longest value that is wrapped, and that is linked.
const WRAPPED: usize = 24;
const LONGEST: usize = 12;

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::Call) {
        unwrap_call(scene, id);
    }
    for id in scene.of(Concept::Call) {
        remove_link(scene, id);
    }
    for id in scene.of(Concept::Return) {
        returned(scene, id);
    }
    for id in scene.nodes() {
        null_safety(scene, id);
    }
    for id in scene.of(Concept::Await) {
        remove_await(scene, id);
    }
    if scene.fixing() {
        for id in value_sites(scene) {
            wrap(scene, id);
            link(scene, id);
        }
        for id in scene.of(Concept::Binary) {
            wrap(scene, id);
        }
        for id in scene.nodes() {
            let holds = scene.ast.any(id, &[Concept::Member, Concept::Call]);
            let object = scene.ast.role(id, Role::Object).filter(|_| holds);
            if let Some(object) = object.filter(|&object| scene.is_open(object)) {
                wrap_object(scene, object);
                link(scene, object);
            }
        }
    }
}

/// `f(x)` becomes `x`.
fn unwrap_call(scene: &mut Scene<'_>, call: Id) {
    let ast = scene.ast;
    let (Some(called), Some(list)) = (callee(ast, call), ast.role(call, Role::Arguments)) else {
        return;
    };
    let [only] = ast.given(list)[..] else { return };
    let statement =
        ast.parent(call).is_some_and(|parent| ast.is(parent, Concept::ExpressionStatement));
    let path = is_path(scene, called.text);
    // `self.f(x)` and `x.f(y)` depend on their object; `module.f(x)` and `f(x)` wrap.
    let first = called.text.split(['.', '-']).next().filter(|_| called.object.is_some());
    let receiver = first.unwrap_or("");
    let method = scene.scope.variable(receiver, ast.start(call)).is_some()
        || ast.row().receivers.contains(&receiver);
    let unusual =
        ast.any(only, &[Concept::Keyword, Concept::Closure]) || ast.kind(only).contains("splat");
    let new = ["new_expression", "object_creation_expression"].contains(&ast.kind(call));
    if statement || !path || method || unusual || new || called.text == "super" {
        return;
    }
    let name = scene.text(called.name);
    if !list_is_plain(scene, list) || (ast.row().typed && !preserves(scene, name)) {
        return;
    }
    scene.push(Operator::WrapperRemoved, ast.span(call), scene.text(only), name, Risk::Syntax);
}

/// Whether the function or method returns what it takes, so that leaving it out compiles.
fn preserves(scene: &Scene<'_>, name: &str) -> bool {
    scene.facts.preserving.contains(name) || scene.ast.row().preserving.contains(&name)
}

fn list_is_plain(scene: &Scene<'_>, list: Id) -> bool {
    scene.ast.is(list, Concept::Arguments) && scene.is_open(list)
}

/// When fixing: `x` becomes `f(x)` for words and the usual wrappers.
fn wrap(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if size(scene, id) > WRAPPED
        || scene.text(id).contains('\n')
        || ast.any(id, &[Concept::Boolean, Concept::Null])
    {
        return;
    }
    let mut names = own_wrappers(scene);
    names.extend(scene.facts.wrappers.frequent(WRAPPERS).into_iter().map(str::to_owned));
    names.extend(ast.row().wrappers.iter().map(|&name| name.to_owned()));
    let last = |name: &str| name.rsplit(['.', ':']).next().unwrap_or("").to_owned();
    names.retain(|name| !ast.row().typed || preserves(scene, &last(name)));
    let words = scene.words().iter().filter(|word| is_path(scene, word));
    names.extend(words.filter(|word| scene.scope.variable(word, ast.start(id)).is_none()).cloned());
    let called = |id: Id| callee(ast, id).filter(|_| ast.is(id, Concept::Call)).map(|c| c.text);
    let own = called(id).unwrap_or("");
    let around = ast.holder(id).and_then(|list| ast.parent(list)).and_then(called).unwrap_or("");
    for name in names {
        if name != own && name != around {
            let wrapped = format!("{name}({})", scene.text(id));
            scene.push(Operator::WrapperRemoved, ast.span(id), wrapped, &name, Risk::None);
        }
    }
}

/// `x.a` becomes `f(x).a`, for names: of longer objects the whole value is wrapped.
fn wrap_object(scene: &mut Scene<'_>, object: Id) {
    let known = scene.scope.variable(scene.text(object), scene.ast.start(object)).is_some();
    if scene.ast.is(object, Concept::Identifier) && known {
        wrap(scene, object);
    }
}

/// What the function itself calls with one argument.
fn own_wrappers(scene: &Scene<'_>) -> Vec<String> {
    let ast = scene.ast;
    let single =
        |&call: &Id| ast.role(call, Role::Arguments).is_some_and(|l| ast.parts(l).count() == 1);
    let calls = scene.of(Concept::Call).into_iter().filter(single);
    let callees = calls.filter_map(|call| callee(ast, call));
    let mut seen = HashSet::new();
    let names = callees.map(|callee| callee.text).filter(|name| is_path(scene, name));
    names.filter(|&name| seen.insert(name)).take(USUAL).map(str::to_owned).collect()
}

/// `x.f()` becomes `x`, also in the middle of a chain.
fn remove_link(scene: &mut Scene<'_>, call: Id) {
    let ast = scene.ast;
    let Some(Callee { name, object: Some(object), .. }) = callee(ast, call) else { return };
    let statement =
        ast.parent(call).is_some_and(|parent| ast.is(parent, Concept::ExpressionStatement));
    let arguments = ast.role(call, Role::Arguments).map_or(0, |list| size(scene, list));
    let object_text = scene.text(object);
    let class =
        object_text.starts_with(char::is_uppercase) || ast.row().receivers.contains(&object_text);
    let known = ast.is(object, Concept::Identifier)
        && scene.scope.variable(object_text, ast.start(object)).is_none();
    let typed = ast.row().typed && !preserves(scene, scene.text(name));
    let literal = ast.is(object, Concept::String);
    if statement || class || known || typed || literal || arguments > 8 {
        return;
    }
    scene.push(
        Operator::LinkRemoved,
        ast.end(object)..ast.end(call),
        "",
        scene.text(name),
        Risk::Syntax,
    );
}

/// When fixing: `x` becomes `x.f()` for the links of the file, the usual ones, and words.
fn link(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let linkable =
        ast.any(id, &[Concept::Identifier, Concept::Call, Concept::Index, Concept::Member]);
    if !linkable || size(scene, id) > LONGEST || ast.row().receivers.contains(&scene.text(id)) {
        return;
    }
    let mut links: Vec<String> =
        scene.facts.links.frequent(USUAL).into_iter().map(str::to_owned).collect();
    links.extend(ast.row().links.iter().take(USUAL).map(|&link| link.to_owned()));
    let dot = ast.row().dot;
    let named = |link: &str| {
        let name = link.trim_start_matches(['.', '-', '>', '&', '?', ':']);
        name.split('(').next().unwrap_or("").to_owned()
    };
    links.retain(|link| !ast.row().typed || preserves(scene, &named(link)));
    links.extend(
        scene
            .words()
            .iter()
            .filter(|word| is_name(scene, word))
            .map(|word| format!("{dot}{word}()")),
    );
    let literals = || scene.words().iter().filter(|word| is_literal(word)).take(2);
    for word in scene.words().iter().filter(|word| is_name(scene, word)) {
        links.extend(literals().map(|literal| format!("{dot}{word}({literal})")));
    }
    let end = ast.end(id);
    for link in links {
        let name = named(&link);
        if !scene.text(id).ends_with(&link) {
            scene.push(Operator::LinkRemoved, end..end, link, &name, Risk::None);
        }
    }
}

/// Null, or another name, is returned.
fn returned(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(value) = ast.parts(id).next() else { return };
    // Ruby's `return` takes a list, of which one is the usual length.
    let listed = if ast.is(value, Concept::Arguments) { ast.given(value) } else { vec![value] };
    let [value] = listed[..] else { return };
    let literal =
        ast.any(value, &[Concept::Null, Concept::Boolean, Concept::Number, Concept::String]);
    if scene.fixing() {
        if literal || ast.is(value, Concept::Identifier) {
            let own = scene.receivers().into_iter().map(str::to_owned);
            let others = values_at(scene, ast.start(value)).into_iter().take(12);
            for other in others.chain(own).collect::<Vec<_>>() {
                scene.push(
                    Operator::ReturnChanged,
                    ast.span(value),
                    other,
                    scene.text(value),
                    Risk::None,
                );
            }
        }
        return;
    }
    if literal || size(scene, value) > 4 {
        return;
    }
    // A typed language would not take null for everything; of C, numbers and pointers are known.
    let pointer = || facts::marks(ast, scene.root).starts_with('*');
    let null = match ast.row().language {
        Language::C if pointer() => Some("NULL"),
        Language::Cpp if pointer() => ast.row().literals.2,
        Language::C | Language::Cpp if is_number(scene) => Some("0"),
        _ => ast.row().literals.2.filter(|_| !ast.row().typed),
    };
    if let Some(null) = null {
        scene.push(Operator::ReturnChanged, ast.span(value), null, scene.text(value), Risk::None);
    }
}

/// Whether the function returns one of C's or C++'s numbers.
fn is_number(scene: &Scene<'_>) -> bool {
    let ast = scene.ast;
    let of = ast.children(scene.root).find(|&child| ast.field(child) == "type");
    let plain = ["int", "long", "size_t", "unsigned", "double", "float", "short", "bool"];
    of.is_some_and(|of| plain.contains(&scene.text(of)))
}

/// `x or d`, `x ?? d`, `x?.y`, `x.unwrap_or(d)` lose their care.
fn null_safety(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if is_chain(scene, id) {
        let careless = match scene.text(id) {
            "?->" => "->",
            "?." if ast.source()[ast.end(id)..].starts_with(['[', '(']) => "",
            "?" => "",
            _ => ".",
        };
        scene.push(Operator::NullSafety, ast.span(id), careless, scene.text(id), Risk::Syntax);
        return;
    }
    if ast.is(id, Concept::Binary) {
        let Some(operator) = ast.operator(id).map(|operator| scene.text(operator)) else { return };
        let parts: Vec<Id> = ast.parts(id).collect();
        let value = ast
            .parent(id)
            .is_some_and(|p| ast.any(p, &[Concept::Assign, Concept::Declare, Concept::Arguments]));
        let defaulting = operator == "??"
            || (operator == "or" && value)
            || (operator == "||" && value && ast.row().safety.is_some());
        if let ([kept, .., lost], true) = (&parts[..], defaulting) {
            scene.push(
                Operator::NullSafety,
                ast.span(id),
                scene.text(*kept),
                scene.text(*lost),
                Risk::Syntax,
            );
        }
    }
    if scene.fixing() {
        restore_safety(scene, id);
    }
}

/// What asks for a member of what may be missing.
fn is_chain(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let parent = ast.parent(id).map_or("", |parent| ast.kind(parent));
    ast.kind(id) == "optional_chain"
        || (ast.leaf(id) && matches!(scene.text(id), "?->" | "&."))
        || (parent == "conditional_access_expression" && scene.text(id) == "?")
}

fn restore_safety(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some((chain, operator)) = ast.row().safety else { return };
    let object = ast.role(id, Role::Object).filter(|_| !chain.is_empty());
    if let Some(object) = object.filter(|_| ast.any(id, &[Concept::Member, Concept::Call])) {
        let behind = &ast.source()[ast.end(object)..ast.end(id)];
        if behind.starts_with(ast.row().dot) {
            let span = ast.end(object)..ast.end(object) + ast.row().dot.len();
            scene.push(Operator::NullSafety, span, chain, chain, Risk::Syntax);
        }
    }
    if ast.is(id, Concept::Member) && !chain.is_empty() {
        return;
    }
    let valued = ast.parent(id).is_some_and(|p| ast.any(p, &[Concept::Assign, Concept::Declare]))
        && ast.parent(id).and_then(|parent| ast.value(parent)) == Some(id);
    if !valued || !is_simple(scene, id) {
        return;
    }
    if let Some(target) = ast.parent(id).and_then(|assigned| ast.role(assigned, Role::Left)) {
        let kept = format!("{} {operator} {}", scene.text(target), scene.text(id));
        scene.push(Operator::NullSafety, ast.span(id), kept, scene.text(target), Risk::None);
    }
    let defaults = ast.row().defaults.iter();
    let defaults: Vec<String> = defaults
        .map(|&d| d.to_owned())
        .chain(word_values(scene).into_iter().map(str::to_owned))
        .collect();
    for default in defaults.into_iter().take(10) {
        let safe = format!("{} {operator} {default}", scene.text(id));
        scene.push(Operator::NullSafety, ast.span(id), safe, &default, Risk::None);
    }
}

fn remove_await(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if let Some(value) = ast.parts(id).next() {
        scene.push(Operator::AwaitRemoved, ast.span(id), scene.text(value), "await", Risk::Syntax);
    }
}
