//! What holds for a block: resources released at its end, locks, handlers, copies.
use super::statements::lifted;
use crate::Operator;
use crate::functions::callee;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

pub(super) fn generate(scene: &mut Scene<'_>) {
    if scene.fixing() {
        return;
    }
    for id in scene.of(Concept::Deferred) {
        delete_deferred(scene, id);
    }
    for id in scene.of(Concept::Scoped) {
        unwrap_scope(scene, id);
    }
    for id in scene.of(Concept::Lock) {
        unwrap_lock(scene, id);
    }
    for id in scene.nodes() {
        keep_using(scene, id);
        forget_lock(scene, id);
    }
    for id in scene.of(Concept::Catch) {
        drop_handler(scene, id);
    }
    for id in scene.of(Concept::Raise) {
        swallow(scene, id);
    }
    for id in scene.of(Concept::Collection).into_iter().chain(scene.of(Concept::Index)) {
        drop_copy(scene, id);
    }
}

/// Go's `defer`, and what runs at the end whatever happens.
fn delete_deferred(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let text = scene.text(id);
    let unlocks = text.contains("Unlock()");
    let subject = text.split_whitespace().next().unwrap_or("defer");
    if ast.is(id, Concept::Deferred) && ast.parent(id).is_some_and(|p| listed(scene, p)) && !unlocks
    {
        scene.delete(Operator::ResourceScope, id, subject);
        return;
    }
    let Some(whole) = ast.parent(id).filter(|_| !unlocks) else { return };
    if ast.children(whole).any(|child| ast.is(child, Concept::Catch)) {
        let before = ast.source()[..ast.start(id)].trim_end().len();
        scene.push(Operator::ResourceScope, before..ast.end(id), "", subject, Risk::Syntax);
        return;
    }
    // Nothing is left that the block would be tried for.
    let body = ast.role(whole, Role::Body).and_then(|body| lifted(scene, whole, body));
    if let Some(inner) = body {
        scene.push(Operator::ResourceScope, ast.span(whole), inner, subject, Risk::Syntax);
    }
}

fn listed(scene: &Scene<'_>, id: Id) -> bool {
    scene.ast.is(id, Concept::Statements)
}

/// `with f(x) as y: a` becomes `y = f(x); a`; Java's resources become locals, C#'s too.
fn unwrap_scope(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(body) = ast.role(id, Role::Body) else { return };
    let Some(inner) = lifted(scene, id, body) else { return };
    let head = || ast.subtree(id).take_while(|&node| node < body);
    let opened: Vec<String> = match ast.row().language {
        Language::Python => head().filter_map(|n| as_assignment(scene, n)).collect(),
        Language::Java => {
            let declared =
                |n: &Id| ast.kind(*n) == "resource" && ast.role(*n, Role::Name).is_some();
            let resources = head().filter(declared);
            resources.map(|n| format!("{};", scene.text(n))).collect()
        }
        Language::CSharp => {
            let declared = ast.parts(id).filter(|&n| ast.kind(n) == "variable_declaration");
            declared.map(|n| format!("{};", scene.text(n))).collect()
        }
        Language::Rust
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Go
        | Language::C
        | Language::Cpp
        | Language::Ruby
        | Language::Php => Vec::new(),
    };
    // A handler belongs to the block and would be lost with it.
    let handled =
        ast.children(id).any(|child| ast.any(child, &[Concept::Catch, Concept::Deferred]));
    if opened.is_empty() || handled {
        return;
    }
    let indent = scene.indent_of(id);
    let lines: Vec<&str> = opened.iter().map(String::as_str).chain([inner.as_str()]).collect();
    let unwrapped = lines.join(&["\n", indent].concat());
    scene.push(Operator::ResourceScope, ast.span(id), unwrapped, "with", Risk::Syntax);
}

/// `f(x) as y` as `y = f(x)`.
fn as_assignment(scene: &Scene<'_>, item: Id) -> Option<String> {
    let ast = scene.ast;
    let held = ast.kind(item) == "as_pattern"
        && ast.parent(item).is_some_and(|parent| ast.kind(parent) == "with_item");
    let (value, name) = (ast.parts(item).next()?, ast.parts(item).last()?);
    held.then(|| format!("{} = {}", scene.text(name), scene.text(value)))
}

fn unwrap_lock(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let body = ast.role(id, Role::Body).or_else(|| ast.parts(id).last());
    if let Some(inner) = body.and_then(|body| lifted(scene, id, body)) {
        scene.push(Operator::LockRemoved, ast.span(id), inner, "lock", Risk::Syntax);
    }
}

/// C#'s `using var x = …` becomes a plain declaration.
fn keep_using(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let rest = scene.text(id).strip_prefix("using ");
    if ast.kind(id) == "local_declaration_statement"
        && let Some(rest) = rest
    {
        scene.push(Operator::ResourceScope, ast.span(id), rest, "using", Risk::Syntax);
    }
}

/// Go's `mu.Lock()` goes with the `defer mu.Unlock()` behind it.
fn forget_lock(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(list) = ast.parent(id).filter(|&list| listed(scene, list)) else { return };
    let locks = scene.text(id).ends_with(".Lock()") || scene.text(id).ends_with(".RLock()");
    let following = ast.parts(list).find(|&next| ast.start(next) >= ast.end(id));
    let Some(next) = following.filter(|_| locks) else { return };
    let unlocks = ast.is(next, Concept::Deferred) && scene.text(next).contains("Unlock()");
    let (Some(from), Some(to)) = (scene.lines_of(id), scene.lines_of(next)) else { return };
    if unlocks {
        scene.push(Operator::LockRemoved, from.start..to.end, "", "Lock", Risk::Syntax);
    }
}

/// Ruby's handlers stand among the statements of a method, and go with their lines.
fn drop_handler(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let held = ast.parent(id).is_some_and(|parent| listed(scene, parent));
    if let Some(span) = scene.lines_of(id).filter(|_| held) {
        scene.push(Operator::ErrorHandling, span, "", "rescue", Risk::Syntax);
    }
}

/// An error that a handler passes on goes no further.
fn swallow(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let statement = ast.parent(id).filter(|&p| ast.is(p, Concept::ExpressionStatement));
    let handler = ast.ancestors(id).take_while(|&n| n != scene.root);
    if handler.into_iter().any(|node| ast.is(node, Concept::Catch)) {
        scene.delete(Operator::ErrorHandling, statement.unwrap_or(id), scene.text(id));
    }
}

/// `[...x]`, `{**x}` and `x[:]` become `x`.
fn drop_copy(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let parts: Vec<Id> = ast.parts(id).collect();
    let spread = |node: Id| {
        let kind = ast.kind(node);
        kind.contains("splat") || kind.contains("spread")
    };
    let copied = match parts[..] {
        [only] if spread(only) => ast.parts(only).next(),
        [whole, all] if ast.is(all, Concept::Slice) && scene.text(all) == ":" => Some(whole),
        _ => None,
    };
    // A call that takes the copy apart needs it.
    let written = ast.parent(id).is_some_and(|p| {
        callee(ast, p).is_some() && ast.is(p, Concept::Call) || ast.role(p, Role::Left) == Some(id)
    });
    if let Some(copied) = copied.filter(|_| !written) {
        let text = scene.text(copied);
        scene.push(Operator::CopyDropped, ast.span(id), text, text, Risk::Syntax);
    }
}
