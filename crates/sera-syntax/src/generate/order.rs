//! What runs, and in which order: branches and statements exchanged, arms left out, loops cut short.
use super::atoms::size;
use crate::Operator;
use crate::functions::callee;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

/// How many pairs of neighbouring statements a fixer exchanges.
const PAIRS: usize = 12;
/// Tokens of the longest statement that is exchanged.
const LONGEST: usize = 24;

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::If) {
        swap_branches(scene, id);
    }
    swap_statements(scene);
    if scene.fixing() {
        return;
    }
    for id in scene.nodes() {
        if is_arm(scene, id) {
            drop_arm(scene, id);
        }
    }
    for id in scene.of(Concept::Loop) {
        leave_early(scene, id);
    }
    for concept in [Concept::Break, Concept::Continue] {
        let leaves = scene.of(concept).into_iter().filter(|&id| !ends_arm(scene, id));
        for id in leaves.collect::<Vec<_>>() {
            scene.delete(Operator::LoopExit, id, scene.text(id).trim_end_matches(';'));
        }
    }
}

/// `if c { a } else { b }` becomes `if c { b } else { a }`.
fn swap_branches(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let (Some(so), Some(otherwise)) =
        (ast.role(id, Role::Consequence), ast.role(id, Role::Alternative))
    else {
        return;
    };
    let chained = ast.is(otherwise, Concept::Elif)
        || ast.subtree(otherwise).take(3).any(|node| ast.is(node, Concept::If));
    let (Some(a), Some(b)) = (ast.block(so), ast.block(otherwise)) else { return };
    let held = ast.start(a) < ast.start(otherwise) && ast.end(a) <= ast.start(b);
    if chained || !held || size(scene, a) > LONGEST || size(scene, b) > LONGEST {
        return;
    }
    let Some((a, b)) = inside(scene, a).zip(inside(scene, b)) else { return };
    let text = ast.source();
    let swapped = [&text[b.clone()], &text[a.end..b.start], &text[a.clone()]].concat();
    let tested = ast.role(id, Role::Condition);
    let condition = tested.map_or("if", |c| scene.text(c));
    // What a condition binds is known on one side only.
    let binds = tested.is_some_and(|c| ast.subtree(c).any(|node| scene.scope.is_binding(node)));
    let tells = ast.row().typed && [" instanceof ", " is "].iter().any(|w| condition.contains(w));
    if binds || tells {
        return;
    }
    scene.push(Operator::BranchSwap, a.start..b.end, swapped, condition, Risk::Syntax);
}

/// From the first statement of a block to the end of its last.
fn inside(scene: &Scene<'_>, block: Id) -> Option<std::ops::Range<usize>> {
    let ast = scene.ast;
    let (first, last) = (ast.parts(block).next()?, ast.parts(block).last()?);
    Some(ast.start(first)..ast.end(last))
}

/// A statement that another depends on is exchanged with its neighbour.
fn swap_statements(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let mut tried = 0;
    for list in scene.of(Concept::Statements) {
        let statements: Vec<Id> = ast.parts(list).collect();
        for pair in statements.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let plain = movable(scene, a) && movable(scene, b) && depend(scene, a, b);
            if !plain || (scene.fixing() && tried >= PAIRS) {
                continue;
            }
            tried += 1;
            let between = &ast.source()[ast.end(a)..ast.start(b)];
            let swapped = [scene.text(b), between, scene.text(a)].concat();
            let subject = target(scene, a).unwrap_or_else(|| scene.text(a));
            let span = ast.start(a)..ast.end(b);
            scene.push(Operator::StatementSwap, span, swapped, subject, Risk::Syntax);
        }
    }
}

/// A call or assignment on a line of its own that may stand elsewhere.
fn movable(scene: &Scene<'_>, statement: Id) -> bool {
    let ast = scene.ast;
    let inner = ast.inner(statement);
    let call = ast.is(inner, Concept::Call) && scene.is_open(inner);
    let single = !scene.text(statement).contains('\n') && scene.lines_of(statement).is_some();
    let effect = call || ast.any(inner, &[Concept::Assign, Concept::Compound]);
    single && effect && size(scene, statement) <= LONGEST
}

/// What a statement assigns to, or the object that it calls.
fn target<'a>(scene: &Scene<'a>, statement: Id) -> Option<&'a str> {
    let ast = scene.ast;
    let inner = ast.inner(statement);
    if ast.is(inner, Concept::Call) {
        return callee(ast, inner)?.object.map(|object| scene.text(object));
    }
    ast.role(inner, Role::Left).map(|left| scene.text(left))
}

/// Whether the second statement names what the first changes.
fn depend(scene: &Scene<'_>, a: Id, b: Id) -> bool {
    let ast = scene.ast;
    let Some(changed) = target(scene, a).filter(|t| !ast.row().receivers.contains(t)) else {
        return false;
    };
    ast.subtree(b).any(|node| ast.named(node) && ast.text(node) == changed)
}

/// Whether it leaves a switch, not a loop: without it C# does not compile, and the last arm is the
/// same.
fn ends_arm(scene: &Scene<'_>, id: Id) -> bool {
    let nearest =
        scene.ast.ancestors(id).find(|&n| scene.ast.is(n, Concept::Loop) || is_arm(scene, n));
    nearest.is_some_and(|node| is_arm(scene, node))
}

fn is_arm(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    ast.is(id, Concept::Arm)
        || matches!(ast.kind(id), "switch_default" | "default_case" | "match_default_expression")
}

/// One branch of several goes, lines and all.
fn drop_arm(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(parent) = ast.parent(id) else { return };
    let arms: Vec<Id> = ast.parts(parent).filter(|&part| is_arm(scene, part)).collect();
    let is_rest = |&arm: &Id| ["_", "default"].iter().any(|rest| scene.text(arm).starts_with(rest));
    // Where every case must be covered, something must be left that covers it.
    let valued = ast.row().language == Language::Rust || ast.kind(id) == "switch_rule";
    let covered = !valued || (!is_rest(&id) && arms.iter().any(is_rest));
    let Some(span) = scene.lines_of(id).filter(|_| arms.len() > 1 && covered) else { return };
    let first = ast.parts(id).next().map_or("case", |value| scene.text(value));
    let lines = &ast.source()[span.clone()];
    if lines.lines().count() <= 12 {
        scene.push(Operator::ArmDrop, span, "", first, Risk::Syntax);
    }
}

/// The loop's body runs once.
fn leave_early(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let body = ast.role(id, Role::Body);
    let list = body.and_then(|body| ast.block(body));
    let Some(last) = list.and_then(|list| ast.parts(list).last()) else { return };
    let leaves = ast.any(
        ast.inner(last),
        &[Concept::Return, Concept::Break, Concept::Continue, Concept::Raise],
    );
    let alone = scene.lines_of(last).is_some();
    let end = match ast.row().language {
        Language::Python | Language::Ruby | Language::Go => "break",
        Language::Rust
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Java
        | Language::C
        | Language::Cpp
        | Language::CSharp
        | Language::Php => "break;",
    };
    let line = ["\n", scene.indent_of(last), end].concat();
    if alone && !leaves {
        let at = ast.end(last);
        scene.push(Operator::LoopExit, at..at, line, "loop", Risk::Syntax);
    }
}
