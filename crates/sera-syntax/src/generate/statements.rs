//! Statements: guards, branches, calls, assignments, loop exits, error handling.
use crate::Operator;
use crate::functions::{callee, callee_name};
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::If) {
        if is_guard(scene, id) {
            delete_guard(scene, id);
        } else {
            unwrap(scene, id);
        }
        drop_else(scene, id);
    }
    for id in scene.nodes() {
        delete_effect(scene, id);
    }
    for concept in [Concept::Break, Concept::Continue] {
        for id in scene.of(concept) {
            exchange_exit(scene, id);
        }
    }
    for id in scene.of(Concept::Try) {
        unwrap_try(scene, id);
    }
    for id in scene.of(Concept::Catch) {
        widen_handler(scene, id);
    }
    propagate(scene);
}

/// The statement an expression like Rust's `if` stands in, or the node itself.
pub(super) fn statement_of(scene: &Scene<'_>, id: Id) -> Id {
    let ast = scene.ast;
    ast.parent(id).filter(|&parent| ast.is(parent, Concept::ExpressionStatement)).unwrap_or(id)
}

fn alternative(scene: &Scene<'_>, id: Id) -> Option<Id> {
    scene.ast.role(id, Role::Alternative)
}

/// The statements of a block, without its braces.
fn block_statements(scene: &Scene<'_>, block: Id) -> Vec<Id> {
    let ast = scene.ast;
    ast.block(block).map_or_else(Vec::new, |list| ast.parts(list).collect())
}

pub(super) fn leaves(scene: &Scene<'_>, statement: Id) -> bool {
    use Concept::{Break, Continue, Raise, Return};
    let ast = scene.ast;
    let inner = ast.inner(statement);
    let ends = || {
        let name = callee(ast, inner).filter(|_| ast.is(inner, Concept::Call))?.name;
        Some(ast.row().leaving.contains(&scene.text(name)))
    };
    ast.any(inner, &[Return, Raise, Continue, Break]) || ends() == Some(true)
}

/// An `if` without alternative that only leaves.
fn is_guard(scene: &Scene<'_>, id: Id) -> bool {
    let Some(block) = scene.ast.role(id, Role::Consequence) else { return false };
    if alternative(scene, id).is_some() {
        return false;
    }
    let body = block_statements(scene, block);
    let direct = scene.ast.block(block).is_none() && leaves(scene, block);
    direct || (body.len() <= 2 && body.last().is_some_and(|&last| leaves(scene, last)))
}

fn delete_guard(scene: &mut Scene<'_>, id: Id) {
    let condition =
        scene.ast.role(id, Role::Condition).map_or("if", |condition| scene.text(condition));
    // Go's `if err != nil { return err }` is a check of an error, not of input.
    let error = condition.contains("err ") && condition.contains("nil");
    let operator = if error { Operator::ErrorIgnored } else { Operator::GuardDeleted };
    scene.delete(operator, statement_of(scene, id), condition);
}

/// `if c { a }` becomes `a`.
fn unwrap(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(block) = ast.role(id, Role::Consequence) else { return };
    let statement = statement_of(scene, id);
    let chained =
        ast.parent(id).is_some_and(|parent| ast.any(parent, &[Concept::Else, Concept::If]));
    let binds = ast.children(id).any(|child| ast.field(child) == "initializer")
        || ast
            .role(id, Role::Condition)
            .is_some_and(|c| ast.subtree(c).any(|node| ast.kind(node) == "let_condition"));
    let listed = ast.parent(statement).is_some_and(|parent| ast.is(parent, Concept::Statements));
    if alternative(scene, id).is_some() || chained || binds || !listed {
        return;
    }
    let condition = ast.role(id, Role::Condition).map_or("if", |condition| scene.text(condition));
    if let Some(inner) = lifted(scene, statement, block) {
        scene.push(Operator::BranchUnwrapped, ast.span(statement), inner, condition, Risk::Syntax);
    }
}

/// The statements of `block` as they would be written in place of `statement`.
pub(super) fn lifted(scene: &Scene<'_>, statement: Id, block: Id) -> Option<String> {
    let ast = scene.ast;
    let mut body = block_statements(scene, block);
    if ast.block(block).is_none() {
        body.push(block);
    }
    let (first, last) = (*body.first()?, *body.last()?);
    let text = &ast.source()[ast.start(first)..ast.end(last)];
    let (inner, outer) = (scene.indent_of(first), scene.indent_of(statement));
    if ast.subtree(block).any(|node| ast.is(node, Concept::String) && ast.text(node).contains('\n'))
    {
        return None;
    }
    let mut lines = text.split('\n');
    let mut lifted = lines.next()?.to_owned();
    for line in lines {
        lifted.push('\n');
        match line.strip_prefix(inner) {
            Some(rest) => {
                lifted.push_str(outer);
                lifted.push_str(rest);
            }
            None => lifted.push_str(line),
        }
    }
    Some(lifted)
}

fn drop_else(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let (Some(block), Some(other)) = (ast.role(id, Role::Consequence), alternative(scene, id))
    else {
        return;
    };
    let statement = statement_of(scene, id);
    // An `if` whose value is used needs both sides.
    let listed = ast.parent(statement).is_some_and(|parent| ast.is(parent, Concept::Statements));
    let valued = !ast.row().indented && statement == id && ast.kind(id) == "if_expression";
    if !listed || valued {
        return;
    }
    scene.push(Operator::BranchUnwrapped, ast.end(block)..ast.end(other), "", "else", Risk::Syntax);
}

/// Calls for their effect, and assignments to what exists already or to members.
fn delete_effect(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let listed = ast.parent(id).is_some_and(|parent| ast.is(parent, Concept::Statements));
    if !listed || !ast.named(id) || ast.is(id, Concept::Comment) {
        return;
    }
    let inner = ast.inner(id);
    let called = [
        Some(inner),
        ast.parts(inner).next().filter(|_| ast.any(inner, &[Concept::Await, Concept::Propagate])),
    ];
    let call = called
        .into_iter()
        .flatten()
        .find(|&node| ast.is(node, Concept::Call) && scene.is_open(node));
    if let Some(call) = call {
        let name = callee_name(ast, call).map_or("", |name| scene.text(name));
        if !matches!(name, "super" | "__init__" | "__construct") {
            scene.delete(Operator::CallDeleted, id, name);
        }
        return;
    }
    if !ast.any(inner, &[Concept::Assign, Concept::Compound]) {
        return;
    }
    let Some(target) = ast.role(inner, Role::Left).or_else(|| ast.parts(inner).next()) else {
        return;
    };
    let exists = !ast.is(target, Concept::Identifier) || {
        let (name, at) = (scene.text(target), ast.start(target));
        let before = scene.scope.variables().iter().any(|v| v.name == name && v.visible.start < at);
        before || name.starts_with('@')
    };
    if exists {
        scene.delete(Operator::AssignmentDeleted, id, scene.text(target));
    }
}

fn exchange_exit(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let text = scene.text(id);
    let other = match text.trim_end_matches(';') {
        "break" if ast.row().language == Language::Ruby => "next".to_owned(),
        "next" => "break".to_owned(),
        "break" => text.replace("break", "continue"),
        "continue" => text.replace("continue", "break"),
        _ => return,
    };
    let word = text.trim_end_matches(';');
    // Inside a switch, `break` does not leave the loop.
    let switched = ast
        .ancestors(id)
        .take_while(|&node| !ast.is(node, Concept::Loop))
        .any(|node| ast.is(node, Concept::Arm));
    if !switched || !matches!(word, "break" | "continue") || ast.row().indented {
        scene.push(Operator::LoopExit, ast.span(id), other, word, Risk::None);
    }
}

fn unwrap_try(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if let Some(inner) = ast.role(id, Role::Body).and_then(|block| lifted(scene, id, block)) {
        scene.push(Operator::ErrorHandling, ast.span(id), inner, "try", Risk::Syntax);
    }
}

/// `except KeyError` becomes `except Exception`, and in Python back to what is usual.
fn widen_handler(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(broad) = ast.row().broad_error else { return };
    let Some(caught) = caught(scene, id) else { return };
    let text = scene.text(caught);
    if text != broad {
        scene.push(Operator::ErrorHandling, ast.span(caught), broad, text, Risk::None);
    } else if scene.fixing() && ast.row().indented {
        let usual = [
            "ValueError",
            "KeyError",
            "TypeError",
            "OSError",
            "AttributeError",
            "IndexError",
            "ImportError",
        ];
        let words = scene
            .words()
            .iter()
            .map(String::as_str)
            .filter(|word| word.ends_with("Error") || word.ends_with("Exception"));
        for other in usual.into_iter().chain(words) {
            scene.push(Operator::ErrorHandling, ast.span(caught), other, text, Risk::None);
        }
    }
}

/// The type that a handler is for.
fn caught(scene: &Scene<'_>, handler: Id) -> Option<Id> {
    let ast = scene.ast;
    let of = |node: Id| {
        matches!(ast.field(node), "value" | "type" | "exceptions") || ast.kind(node) == "catch_type"
    };
    let head = ast.children(handler).flat_map(|child| {
        let inside = ast.children(child).filter(move |_| !ast.is(child, Concept::Statements));
        std::iter::once(child).chain(inside)
    });
    let kinds = head.into_iter().find(|&node| of(node) && ast.field(node) != "body")?;
    if !ast.row().indented {
        // Of several, none.
        return (!scene.text(kinds).contains(['|', ','])).then_some(kinds);
    }
    Some(ast.subtree(kinds).find(|&node| ast.is(node, Concept::Identifier)).unwrap_or(kinds))
}

/// Rust's `?` becomes `.unwrap()`, and back.
fn propagate(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    for id in scene.of(Concept::Propagate) {
        let Some(value) = ast.parts(id).next() else { continue };
        scene.push(
            Operator::ErrorIgnored,
            ast.end(value)..ast.end(id),
            ".unwrap()",
            "?",
            Risk::Syntax,
        );
    }
    if !scene.fixing() || ast.row().language != Language::Rust {
        return;
    }
    for id in scene.of(Concept::Call) {
        let end = ast.end(id);
        if let Some(from) =
            scene.text(id).strip_suffix(".unwrap()").map(|rest| ast.start(id) + rest.len())
        {
            scene.push(Operator::ErrorIgnored, from..end, "?", "unwrap", Risk::Syntax);
        } else if !ast.source()[end..].starts_with('?') {
            scene.push(Operator::ErrorIgnored, end..end, "?", "?", Risk::Syntax);
        }
    }
}
