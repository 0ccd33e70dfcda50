//! Inverses of refactorings that move code: written out, nested, repeated, dead, unrolled.
use super::atoms::{is_plain_member, size};
use super::declarations::constants;
use super::operands::is_simple;
use super::refactorings::names_something_else;
use super::statements::{leaves, statement_of};
use crate::Operator;
use crate::functions::callee;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

/// Lines that are nested at most.
const NESTED: usize = 10;
/// Tokens of the longest statement that is repeated or put where it never runs.
const LONGEST: usize = 16;
/// How many statements of one function are repeated, and put where they never run.
const MADE: usize = 3;

pub(super) fn generate(scene: &mut Scene<'_>) {
    if scene.fixing() {
        return;
    }
    for (read, value) in constants(scene) {
        let single = !scene.text(value).contains('\n');
        let member = scene.ast.parent(read).filter(|&parent| {
            scene.ast.is(parent, Concept::Member)
                || scene.ast.kind(parent) == "class_constant_access_expression"
        });
        let whole = member.unwrap_or(read);
        if single && scene.is_open(whole) {
            let (text, name) = (scene.text(value), scene.text(read));
            scene.push(Operator::ConstantInlined, scene.ast.span(whole), text, name, Risk::Syntax);
        }
    }
    for id in scene.of(Concept::If) {
        nest_rest(scene, id);
    }
    for call in scene.of(Concept::Call) {
        inline_helper(scene, call);
    }
    repeat_statements(scene);
    add_dead_branches(scene);
    for id in scene.of(Concept::Assign) {
        unroll(scene, id);
    }
}

/// `f(a)` becomes what the file's `f` returns of `a`, where that is one expression.
fn inline_helper(scene: &mut Scene<'_>, call: Id) {
    let ast = scene.ast;
    let Some(called) = callee(ast, call).filter(|callee| callee.plain) else { return };
    let name = scene.text(called.name);
    let own = ast.head(scene.root, Role::Name).map_or("", |own| scene.text(own));
    let helper = scene.facts.helpers.get(name).copied().flatten();
    let Some(value) = helper.filter(|_| name != own) else { return };
    let parameters = scene.facts.parameters.get(name).map_or(&[][..], Vec::as_slice);
    let Some(list) = ast.role(call, Role::Arguments) else { return };
    let given = ast.given(list);
    let plain = [Concept::Identifier, Concept::Number, Concept::String, Concept::Boolean];
    let simple = given.iter().all(|&id| ast.any(id, &plain) || is_plain_member(scene, id));
    let shorthand = ast.subtree(value).any(|id| ast.kind(id).contains("shorthand"));
    let fits = given.len() == parameters.len() && size(scene, value) <= LONGEST;
    if !simple || shorthand || !fits {
        return;
    }
    let (mut text, mut at) = (String::new(), ast.start(value));
    let names = ast.subtree(value).filter(|&id| ast.is(id, Concept::Identifier));
    for id in names.filter(|&id| !names_something_else(scene, id)) {
        if let Some(place) = parameters.iter().position(|own| own == scene.text(id)) {
            text.push_str(&ast.source()[at..ast.start(id)]);
            text.push_str(scene.text(given[place]));
            at = ast.end(id);
        }
    }
    text.push_str(&ast.source()[at..ast.end(value)]);
    let written = if is_simple(scene, value) { text } else { format!("({text})") };
    scene.push(Operator::HelperInlined, ast.span(call), written, name, Risk::Syntax);
}

/// One step of indentation as the function writes it.
fn step(scene: &Scene<'_>, inner: Id, outer: Id) -> Option<String> {
    let (inner, outer) = (scene.indent_of(inner), scene.indent_of(outer));
    inner.strip_prefix(outer).filter(|step| !step.is_empty()).map(str::to_owned)
}

/// What follows a guard goes into its alternative.
fn nest_rest(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let whole = statement_of(scene, id);
    let (Some(list), Some(so)) = (ast.parent(whole), ast.role(id, Role::Consequence)) else {
        return;
    };
    if !ast.is(list, Concept::Statements) || ast.role(id, Role::Alternative).is_some() {
        return;
    }
    let last = ast.block(so).and_then(|block| ast.parts(block).last());
    let Some(last) = last.filter(|&last| leaves(scene, last)) else { return };
    let Some(step) = step(scene, last, id) else { return };
    let rest: Vec<Id> = ast.parts(list).filter(|&part| ast.start(part) >= ast.end(id)).collect();
    let (Some(&first), Some(&end)) = (rest.first(), rest.last()) else { return };
    let text = &ast.source()[ast.end(id)..ast.end(end)];
    let strings = rest.iter().flat_map(|&node| ast.subtree(node));
    let torn =
        strings.into_iter().any(|n| ast.is(n, Concept::String) && ast.text(n).contains('\n'));
    if torn || text.lines().count() > NESTED || scene.lines_of(first).is_none() {
        return;
    }
    let indent = scene.indent_of(id);
    let body = nested(text, indent, &step);
    let condition = ast.role(id, Role::Condition).map_or("if", |c| scene.text(c));
    let (at, rest) = if ast.row().indented {
        (ast.end(id), format!("\n{indent}else:\n{body}"))
    } else if scene.text(so).starts_with('{') {
        (ast.end(id), format!(" else {{\n{body}\n{indent}}}"))
    } else if ast.row().language == Language::Ruby && scene.text(id).ends_with("end") {
        (ast.end(id) - "end".len(), format!("else\n{body}\n{indent}end"))
    } else {
        return;
    };
    scene.push(Operator::GuardNested, at..ast.end(end), rest, condition, Risk::Syntax);
}

/// Lines that stand at `indent`, one `step` deeper.
fn nested(text: &str, indent: &str, step: &str) -> String {
    let deeper = |line: &str| match line.strip_prefix(indent) {
        _ if line.trim().is_empty() => String::new(),
        Some(own) => [indent, step, own].concat(),
        None => line.to_owned(),
    };
    let lines = text.trim_start_matches(['\n', '\r']).lines();
    lines.map(deeper).collect::<Vec<_>>().join("\n")
}

/// Statements on lines of their own with what they are in themselves.
fn short_statements(scene: &Scene<'_>) -> Vec<(Id, Id)> {
    let ast = scene.ast;
    let lists = scene.of(Concept::Statements).into_iter();
    let all = lists.flat_map(|list| ast.parts(list)).map(|one| (one, ast.inner(one)));
    let short = |&(statement, _): &(Id, Id)| {
        let text = scene.text(statement);
        !text.contains('\n')
            && size(scene, statement) <= LONGEST
            && scene.lines_of(statement).is_some()
    };
    all.filter(short).collect()
}

/// An assignment that does not read what it sets is written twice.
fn repeat_statements(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let mut made = 0;
    for (statement, inner) in short_statements(scene) {
        let Some(target) = ast.role_of(inner, Concept::Assign, Role::Left) else { continue };
        let name = scene.text(target);
        if made < MADE && is_idempotent(scene, inner, target) {
            made += 1;
            let line = ["\n", scene.indent_of(statement), scene.text(statement)].concat();
            let at = ast.end(statement);
            scene.push(Operator::StatementRepeated, at..at, line, name, Risk::Syntax);
        }
    }
}

/// Whether a second time changes nothing: one plain target, and a value that neither reads it nor
/// does anything.
fn is_idempotent(scene: &Scene<'_>, assignment: Id, target: Id) -> bool {
    let ast = scene.ast;
    let sets = ast.children(assignment).any(|child| scene.text(child) == "=");
    // Go writes lists, which usually hold one.
    let mut parts = ast.parts(target);
    let only =
        parts.next().filter(|_| ast.kind(target) == "expression_list" && parts.next().is_none());
    let set = only.unwrap_or(target);
    let one = ast.any(set, &[Concept::Identifier, Concept::Member, Concept::Index]);
    let acts = ["++", "--", "<-", "yield", "await", "="];
    let Some(value) = ast.value(assignment).filter(|_| sets && one) else { return false };
    let name = scene.text(target);
    let literal = ast.any(value, &[Concept::Number, Concept::Boolean, Concept::String]);
    // A second time Rust would find moved what is not copied.
    let moves = ast.row().language == Language::Rust && !literal;
    let again = ast.subtree(value).any(|node| {
        ast.is(node, Concept::Call) || ast.text(node) == name || acts.contains(&ast.text(node))
    });
    let steps = ast.subtree(target).any(|node| acts.contains(&ast.text(node)));
    !moves && !again && !steps
}

/// A call of the function stands once more where it never runs.
fn add_dead_branches(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let calls = short_statements(scene)
        .into_iter()
        .filter(|&(statement, inner)| {
            // A bare call at the end of a block may be the block's value.
            let whole = ast.is(statement, Concept::ExpressionStatement)
                || ast.row().language == Language::Ruby;
            let moves = ast.row().language == Language::Rust && !passes_literals(scene, inner);
            whole && !moves && ast.is(inner, Concept::Call) && scene.is_open(inner)
        })
        .take(MADE);
    for (statement, _) in calls.collect::<Vec<_>>() {
        let outer = ast
            .ancestors(statement)
            .find(|&node| scene.indent_of(node) != scene.indent_of(statement));
        let step = outer.and_then(|outer| step(scene, statement, outer));
        let (Some(step), Some(lines)) = (step, scene.lines_of(statement)) else { continue };
        let (indent, text) = (scene.indent_of(statement), scene.text(statement));
        let (_, no, _) = ast.row().literals;
        let branch = match ast.row().language {
            Language::Python => format!("{indent}if {no}:\n{indent}{step}{text}\n"),
            Language::Ruby => format!("{indent}if {no}\n{indent}{step}{text}\n{indent}end\n"),
            Language::Rust | Language::Go => {
                format!("{indent}if {no} {{\n{indent}{step}{text}\n{indent}}}\n")
            }
            Language::C => format!("{indent}if (0) {{\n{indent}{step}{text}\n{indent}}}\n"),
            Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Java
            | Language::Cpp
            | Language::CSharp
            | Language::Php => {
                format!("{indent}if ({no}) {{\n{indent}{step}{text}\n{indent}}}\n")
            }
        };
        let at = lines.start;
        scene.push(Operator::DeadBranchAdded, at..at, branch, no, Risk::Syntax);
    }
}

fn passes_literals(scene: &Scene<'_>, call: Id) -> bool {
    let ast = scene.ast;
    let given = ast.role(call, Role::Arguments).map_or_else(Vec::new, |list| ast.given(list));
    let literal = [Concept::Number, Concept::Boolean, Concept::String, Concept::OtherLiteral];
    given.iter().all(|&id| ast.any(id, &literal) || scene.text(id).starts_with('&'))
}

/// `x = [f(y) for y in z if c]` becomes a loop that appends.
fn unroll(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let (Some(target), Some(list)) = (ast.role(id, Role::Left), ast.value(id)) else { return };
    let parts: Vec<Id> = ast.parts(list).collect();
    let statement = ast.parent(id).filter(|&p| ast.is(p, Concept::ExpressionStatement));
    // What reads what it sets would find it empty.
    let reads = ast.subtree(list).any(|node| ast.text(node) == ast.text(target));
    let plain = ast.any(target, &[Concept::Identifier, Concept::Member]);
    if reads
        || !plain
        || ast.kind(list) != "list_comprehension"
        || statement.is_none()
        || scene.text(id).contains('\n')
    {
        return;
    }
    let (clause, test) = match parts[..] {
        [_, clause] if ast.is(clause, Concept::Loop) => (clause, None),
        [_, clause, test] if ast.is(clause, Concept::Loop) && ast.kind(test) == "if_clause" => {
            (clause, Some(test))
        }
        _ => return,
    };
    let (indent, name) = (scene.indent_of(id), scene.text(target));
    let deep = if test.is_some() { "        " } else { "    " };
    let lines = [
        Some(format!("{name} = []")),
        Some(format!("{indent}{}:", scene.text(clause))),
        test.map(|test| format!("{indent}    {}:", scene.text(test))),
        Some(format!("{indent}{deep}{name}.append({})", scene.text(parts[0]))),
    ];
    let unrolled = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    scene.push(Operator::ComprehensionUnrolled, ast.span(id), unrolled, name, Risk::Syntax);
}
