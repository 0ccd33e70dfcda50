//! Arguments and elements: left out, exchanged, brought back.
use super::atoms::{is_literal, is_name, is_plain_member, short_texts, size, word_values};
use crate::Operator;
use crate::functions::{callee, callee_name};
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use std::ops::Range;

/// Tokens of the longest argument worth leaving out: what no reader could write back is no task.
const LONGEST: usize = 7;
/// How many values are tried as a new last argument of one call, the task's words not counted.
const VALUES: usize = 10;
/// How many names are tried for a new argument given by name.
const KEYWORDS: usize = 8;

/// How many values that the function passes elsewhere, that the file passes last to the same
/// callee, and members of the object that the function belongs to.
const PASSED: usize = 12;
const LAST: usize = 8;
const MEMBERS: usize = 8;
/// Values that are often passed to say "none" or "backwards".
const EMPTY: [&str; 5] = ["[]", "{}", "()", "''", "-1"];

pub(super) fn generate(scene: &mut Scene<'_>) {
    for call in scene.of(Concept::Call) {
        let ast = scene.ast;
        let Some(list) =
            ast.role(call, Role::Arguments).filter(|&list| ast.is(list, Concept::Arguments))
        else {
            continue;
        };
        if !scene.is_open(list) {
            continue;
        }
        let given = ast.given(list);
        if !ast.row().typed || has_optional(scene, call, &given) {
            drop_argument(scene, call, &given);
        }
        swap_arguments(scene, &given);
        if scene.fixing() && !ast.row().typed && takes_more(scene, call, &given) {
            pass_on(scene, &given);
            append_positional(scene, call, list, &given);
            append_keyword(scene, call, list, &given);
        }
    }
    for id in scene.of(Concept::Collection) {
        drop_element(scene, id);
    }
}

/// Whether a compiler takes the call with one argument less, as far as this file tells.
fn has_optional(scene: &Scene<'_>, call: Id, given: &[Id]) -> bool {
    let name = callee_name(scene.ast, call).map_or("", |name| scene.text(name));
    let optional = scene.facts.optional.get(name).copied().unwrap_or(0);
    let taken = scene.facts.parameters.get(name).map_or(0, Vec::len);
    given.len() + optional > taken && taken > 0
}

/// The bytes to delete so that a list loses its element `at` and one separator.
fn removal(scene: &Scene<'_>, items: &[Id], at: usize) -> Range<usize> {
    let ast = scene.ast;
    match (items.get(at + 1), at.checked_sub(1)) {
        (Some(&next), _) => ast.start(items[at])..ast.start(next),
        (None, Some(previous)) => ast.end(items[previous])..ast.end(items[at]),
        (None, None) => ast.span(items[at]),
    }
}

fn drop_argument(scene: &mut Scene<'_>, call: Id, given: &[Id]) {
    let ast = scene.ast;
    // What takes one argument seldom does without it, `split` and its like excepted.
    let method = callee(ast, call).is_some_and(|callee| callee.object.is_some());
    if let [only] = given
        && !ast.is(*only, Concept::Keyword)
        && !(method && ast.any(*only, &[Concept::String, Concept::Number]))
    {
        return;
    }
    let positional = given.iter().rposition(|&argument| !ast.is(argument, Concept::Keyword));
    for (at, &argument) in given.iter().enumerate() {
        let optional = ast.is(argument, Concept::Keyword) || positional == Some(at);
        let splat = ast.kind(argument).contains("splat") || ast.kind(argument).contains("spread");
        if !optional
            || splat
            || ast.is(argument, Concept::Closure)
            || size(scene, argument) > LONGEST
        {
            continue;
        }
        let subject = match ast.role_of(argument, Concept::Keyword, Role::Name) {
            Some(name) => scene.text(name),
            None => scene.text(argument),
        };
        scene.push(Operator::ArgumentDrop, removal(scene, given, at), "", subject, Risk::Syntax);
    }
}

fn swap_arguments(scene: &mut Scene<'_>, given: &[Id]) {
    let ast = scene.ast;
    for pair in given.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let plain = |id: Id| !ast.is(id, Concept::Keyword) && !ast.kind(id).contains("splat");
        if plain(a) && plain(b) && !scene.text(b).contains('\n') && !scene.text(a).contains('\n') {
            let between = &ast.source()[ast.end(a)..ast.start(b)];
            let swapped = [scene.text(b), between, scene.text(a)].concat();
            scene.push(
                Operator::ArgumentSwap,
                ast.start(a)..ast.end(b),
                swapped,
                scene.text(a),
                Risk::None,
            );
        }
    }
}

/// Whether the callee, where this file defines it, has a parameter left.
fn takes_more(scene: &Scene<'_>, call: Id, given: &[Id]) -> bool {
    let called = callee(scene.ast, call);
    let plain = called.as_ref().is_some_and(|callee| callee.plain);
    let callee = called.map(|callee| scene.text(callee.name));
    // A method of the same name says nothing of a plain function.
    if plain && callee.is_some_and(|callee| scene.facts.members.contains(callee)) {
        return true;
    }
    let parameters = callee.and_then(|callee| scene.facts.parameters.get(callee));
    let open_ended = callee.is_some_and(|callee| scene.facts.open_ended.contains(callee));
    open_ended || parameters.is_none_or(|parameters| given.len() < parameters.len())
}

/// Where a new last positional argument goes, and what separates it.
fn append_positional(scene: &mut Scene<'_>, call: Id, list: Id, given: &[Id]) {
    let ast = scene.ast;
    let last = given.iter().rposition(|&argument| !ast.is(argument, Concept::Keyword));
    let known: Vec<&str> = given.iter().map(|&argument| scene.text(argument)).collect();
    let repeated = given.last().filter(|_| known.len() > 1 && known.iter().all(|k| *k == known[0]));
    let (at, before, after) = match (last, given.first()) {
        (Some(last), _) => (ast.end(given[last]), ", ", ""),
        (None, Some(&first)) => (ast.start(first), "", ", "),
        (None, None) => (ast.start(list) + 1, "", ""),
    };
    let mut values: Vec<String> =
        scene.scope.visible_at(at).into_iter().take(VALUES).map(str::to_owned).collect();
    let row = ast.row();
    let literals = ["0", "1", row.literals.1, row.literals.0, row.literals.2.unwrap_or("0")];
    values.extend(literals.into_iter().chain(word_values(scene)).map(str::to_owned));
    values.extend(usual_last(scene, call));
    values.extend(passed(scene, list).into_iter().take(PASSED).map(str::to_owned));
    values.extend(EMPTY.iter().filter(|_| row.indented).map(|&value| value.to_owned()));
    for value in values {
        if repeated.is_some() || !known.contains(&value.as_str()) {
            let inserted = [before, value.as_str(), after].concat();
            scene.push(Operator::ArgumentDrop, at..at, inserted, &value, Risk::None);
        }
    }
}

/// What the file passes last to the same callee, and members of the function's object.
fn usual_last(scene: &Scene<'_>, call: Id) -> Vec<String> {
    let facts = scene.facts;
    let callee = callee_name(scene.ast, call).map_or("", |name| scene.text(name));
    let last = facts.passed_last.get(callee).map_or_else(Vec::new, |seen| seen.frequent(LAST));
    let mut values: Vec<String> = last.into_iter().map(str::to_owned).collect();
    for receiver in scene.receivers() {
        let members = facts.attributes.get(receiver).map_or_else(Vec::new, |m| m.frequent(MEMBERS));
        let dot = scene.ast.row().dot;
        values.extend(members.into_iter().map(|member| [receiver, dot, member].concat()));
    }
    values
}

/// What the function passes elsewhere that is more than a name.
fn passed<'a>(scene: &Scene<'a>, list: Id) -> Vec<&'a str> {
    use Concept::{Closure, Identifier, Keyword, Member, Number};
    let ast = scene.ast;
    let lists = scene.of(Concept::Arguments).into_iter().filter(|&other| other != list);
    let argument = |id: &Id| {
        !ast.any(*id, &[Keyword, Closure, Identifier, Number])
            && !ast.kind(*id).contains("splat")
            && !ast.kind(*id).starts_with("generator")
    };
    let mut nodes: Vec<Id> = lists.flat_map(|other| ast.given(other)).filter(argument).collect();
    nodes.extend(scene.of(Member).into_iter().filter(|&id| is_plain_member(scene, id)));
    nodes.extend(scene.of(Concept::Index));
    let start = ast.start(list);
    nodes.sort_by_key(|&id| ast.start(id).abs_diff(start));
    nodes.retain(|&id| !ast.span(id).contains(&start));
    short_texts(scene, nodes.into_iter())
}

/// `name=name`, wherever among the arguments given by name.
fn pass_on(scene: &mut Scene<'_>, given: &[Id]) {
    let ast = scene.ast;
    let Some(sign) = ast.row().keyword else { return };
    let named: Vec<Id> = given.iter().copied().filter(|&id| ast.is(id, Concept::Keyword)).collect();
    let taken = |name: &str| {
        given.iter().any(|&id| {
            let id = ast.role_of(id, Concept::Keyword, Role::Name).unwrap_or(id);
            scene.text(id) == name || ["$", scene.text(id)].concat() == name
        })
    };
    let parameters = scene.scope.variables().iter().filter(|v| v.parameter && !taken(&v.name));
    let names: Vec<String> = parameters.map(|v| v.name.clone()).collect();
    for name in names {
        for &id in &named {
            let at = ast.start(id);
            let key = name.trim_start_matches('$');
            scene.push(
                Operator::ArgumentDrop,
                at..at,
                format!("{key}{sign}{name}, "),
                &name,
                Risk::None,
            );
        }
        if let Some(&last) = given.last() {
            let at = ast.end(last);
            let key = name.trim_start_matches('$');
            scene.push(
                Operator::ArgumentDrop,
                at..at,
                format!(", {key}{sign}{name}"),
                &name,
                Risk::None,
            );
        }
    }
}

fn append_keyword(scene: &mut Scene<'_>, call: Id, list: Id, given: &[Id]) {
    let ast = scene.ast;
    let Some(callee) = callee_name(ast, call).map(|name| scene.text(name)) else { return };
    let Some(sign) = ast.row().keyword else { return };
    // Nothing positional or named may follow `**more`.
    let rest = given.last().filter(|&&last| ast.kind(last) == "dictionary_splat");
    let (at, before, after) = match (given.last(), rest) {
        (_, Some(&rest)) => (ast.start(rest), "", ", "),
        (Some(&last), None) => (ast.end(last), ", ", ""),
        (None, None) => (ast.start(list) + 1, "", ""),
    };
    let used = |key: &str| {
        given.iter().any(|&g| {
            ast.role_of(g, Concept::Keyword, Role::Name).is_some_and(|n| ast.text(n) == key)
        })
    };
    let mut keys: Vec<String> = Vec::new();
    if let Some(tally) = scene.facts.keywords.get(callee) {
        keys.extend(tally.names().map(str::to_owned));
    }
    keys.extend(scene.facts.parameters.get(callee).into_iter().flatten().cloned());
    keys.truncate(KEYWORDS);
    keys.extend(scene.words().iter().filter(|word| is_name(scene, word)).cloned());
    let bare = |key: String| key.trim_start_matches('$').to_owned();
    let mut keys: Vec<String> = keys.into_iter().map(bare).collect();
    keys.retain(|key| !used(key));
    for key in keys {
        for value in keyword_values(scene, &key, at) {
            let inserted = format!("{before}{key}{sign}{value}{after}");
            scene.push(Operator::ArgumentDrop, at..at, inserted, &key, Risk::None);
        }
    }
}

fn keyword_values(scene: &Scene<'_>, key: &str, at: usize) -> Vec<String> {
    let row = scene.ast.row();
    let mut values = vec![row.literals.0.to_owned(), row.literals.1.to_owned()];
    if scene.scope.variable(key, at).is_some() {
        values.insert(0, key.to_owned());
    }
    for receiver in row.receivers {
        let seen = scene.facts.attributes.get(*receiver);
        if seen.is_some_and(|seen| seen.names().any(|name| name == key)) {
            values.push([*receiver, row.dot, key].concat());
        }
    }
    values.extend(scene.words().iter().filter(|word| is_literal(word)).cloned());
    values
}

fn drop_element(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let items: Vec<Id> = ast.parts(id).collect();
    let whole = ast.kind(id) == "field_initializer_list"
        && !items.iter().any(|&item| ast.kind(item) == "base_field_initializer");
    if whole || !(2..=8).contains(&items.len()) || (ast.kind(id) == "tuple" && items.len() < 3) {
        return;
    }
    for (at, &item) in items.iter().enumerate() {
        if size(scene, item) <= LONGEST {
            let subject = scene.text(item);
            scene.push(
                Operator::ElementDrop,
                removal(scene, &items, at),
                "",
                subject,
                Risk::Syntax,
            );
        }
    }
}
