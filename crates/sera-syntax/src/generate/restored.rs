//! When fixing: what a function may have lost as a whole: the condition of a statement, and the
//! assignment of a parameter to a member. Not guards: any guard is usual code everywhere, and on 300
//! training faults they took first places from 71 others to bring one back.
use super::atoms::short_texts;
use super::conditions::tests_near;
use crate::Operator;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};

/// How many names of a statement are asked for before it runs.
const NAMES: usize = 4;
/// How many conditions of the function are tried before one statement.
const TESTS: usize = 4;

pub(super) fn generate(scene: &mut Scene<'_>) {
    if !scene.fixing() {
        return;
    }
    for id in scene.nodes() {
        let listed = scene.ast.parent(id).is_some_and(|p| scene.ast.is(p, Concept::Statements));
        if listed && scene.lines_of(id).is_some() && is_simple_statement(scene, id) {
            put_under_condition(scene, id);
            assign_member(scene, id);
        }
    }
}

fn is_simple_statement(scene: &Scene<'_>, id: Id) -> bool {
    use Concept::{Assign, Break, Compound, Continue, ExpressionStatement, Raise, Return};
    let ast = scene.ast;
    ast.any(id, &[Assign, Break, Compound, Continue, ExpressionStatement, Raise, Return])
        || ast.kind(id) == "delete_statement"
}

/// `a` becomes `if c: a`.
fn put_under_condition(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let (text, indent) = (scene.text(id), scene.indent_of(id));
    if ast.subtree(id).any(|n| ast.is(n, Concept::String) && ast.text(n).contains('\n')) {
        return;
    }
    let step = if indent.contains('\t') { "\t" } else { "    " };
    let inner = text.replace('\n', &["\n", step].concat());
    for test in tests(scene, id) {
        let under = if ast.row().indented {
            format!("if {test}:\n{indent}{step}{inner}")
        } else if ast.row().typed {
            format!("if {test} {{\n{indent}{step}{inner}\n{indent}}}")
        } else {
            format!("if ({test}) {{\n{indent}{step}{inner}\n{indent}}}")
        };
        scene.push(Operator::BranchUnwrapped, ast.span(id), under, &test, Risk::Syntax);
    }
}

/// Whether names of the statement have a value, and what the function tests nearby; not what holds
/// there already.
fn tests(scene: &Scene<'_>, id: Id) -> Vec<String> {
    let ast = scene.ast;
    let at = ast.start(id);
    let known = ast.subtree(id).filter(|&n| {
        ast.is(n, Concept::Identifier)
            && scene.scope.variables().iter().any(|v| v.name == ast.text(n) && v.visible.start < at)
    });
    let mut names = short_texts(scene, known);
    names.reverse();
    names.truncate(NAMES);
    let mut tests: Vec<String> = Vec::new();
    for name in names {
        match ast.row().literals.2 {
            Some("None") => {
                tests.extend(["is not None", "is None"].map(|test| format!("{name} {test}")));
            }
            Some(null) => tests.extend(["!=", "=="].map(|sign| format!("{name} {sign} {null}"))),
            None => {}
        }
        tests.extend([name.to_owned(), format!("{}{name}", ast.row().logic[2])]);
    }
    tests.extend(tests_near(scene, id).into_iter().take(TESTS).map(str::to_owned));
    let holding = |test: &str| {
        let mut conditions = ast.ancestors(id).filter_map(|a| ast.role(a, Role::Condition));
        conditions.any(|condition| scene.text(condition) == test)
    };
    tests.retain(|test| !holding(test));
    tests
}

/// `self.x = x` for a parameter that the function forgets, behind another such assignment.
fn assign_member(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let inner = ast.parts(id).next().filter(|_| ast.is(id, Concept::ExpressionStatement));
    let Some(target) = ast.role(inner.unwrap_or(id), Role::Left) else { return };
    let object = ast.role_of(target, Concept::Member, Role::Object).map(|o| scene.text(o));
    let Some(receiver) = object.filter(|object| ast.row().receivers.contains(object)) else {
        return;
    };
    let members = scene.of(Concept::Member);
    let read: Vec<&str> = members.into_iter().map(|id| scene.text(id)).collect();
    let names: Vec<String> =
        scene.scope.variables().iter().filter(|v| v.parameter).map(|v| v.name.clone()).collect();
    for name in names {
        if !read.contains(&format!("{receiver}.{name}").as_str()) {
            let end = if text_ends(scene, id) { ";" } else { "" };
            let line = format!("{receiver}.{name} = {name}{end}\n{}", scene.indent_of(id));
            let at = ast.start(id);
            scene.push(Operator::AssignmentDeleted, at..at, &line[..], &name, Risk::None);
            let line = format!("\n{}{receiver}.{name} = {name}{end}", scene.indent_of(id));
            let at = ast.end(id);
            scene.push(Operator::AssignmentDeleted, at..at, line, &name, Risk::None);
        }
    }
}

fn text_ends(scene: &Scene<'_>, id: Id) -> bool {
    scene.text(id).ends_with(';')
}
