//! Inverses of refactorings: what makes code worse without making it wrong.
use crate::Operator;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use std::collections::HashSet;

/// Names that say nothing, tried in this order.
const VAGUE: &[&str] = &["x", "tmp", "val", "data", "v", "y", "obj", "res"];
/// Shortest name worth making vague.
const TELLING: usize = 4;

pub(super) fn generate(scene: &mut Scene<'_>) {
    if scene.fixing() {
        rename_to_words(scene);
        return;
    }
    remove_docstring(scene);
    rename_locals(scene);
    if scene.ast.row().hinted {
        remove_annotations(scene);
    }
}

fn remove_docstring(scene: &mut Scene<'_>) {
    let Some(span) = scene.documentation.clone() else { return };
    let text = scene.ast.source();
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
    let alone = text[start..span.start].trim().is_empty() && text[span.end..end].trim().is_empty();
    if !alone || is_pragma(&text[span.clone()]) {
        return;
    }
    scene.push(Operator::DocstringRemoved, start..end, "", "documentation", Risk::Syntax);
}

/// Comments that tools read.
fn is_pragma(comment: &str) -> bool {
    ["eslint", "ts-ignore", "ts-expect", "go:", "+build", "SAFETY", "pylint", "noqa", "type:"]
        .iter()
        .any(|mark| comment.contains(mark))
}

/// Every name in the function, whatever it names.
fn all_names(scene: &Scene<'_>) -> HashSet<String> {
    let ast = scene.ast;
    let named = ast.subtree(scene.root).filter(|&node| ast.leaf(node) && ast.named(node));
    named.map(|node| ast.text(node).to_owned()).collect()
}

fn rename_locals(scene: &mut Scene<'_>) {
    let taken = all_names(scene);
    let locals: Vec<String> = scene
        .scope
        .variables()
        .iter()
        .filter(|variable| !variable.parameter && variable.name.len() >= TELLING)
        .map(|variable| variable.name.clone())
        .collect();
    let mut vague = VAGUE.iter().filter(|name| !taken.contains(**name)).cycle();
    let mut done = HashSet::new();
    for local in locals {
        if !done.insert(local.clone()) {
            continue;
        }
        if let Some(name) = vague.next() {
            rename(scene, &local, name);
        }
    }
}

/// When fixing: locals with a short name renamed to words of the task that nothing else has.
fn rename_to_words(scene: &mut Scene<'_>) {
    let taken = all_names(scene);
    let is_new = |word: &&String| {
        word.len() >= TELLING && super::atoms::is_name(scene, word) && !taken.contains(*word)
    };
    let words: Vec<&String> = scene.words().iter().filter(is_new).take(6).collect();
    let vague: Vec<String> = scene
        .scope
        .variables()
        .iter()
        .filter(|variable| !variable.parameter && VAGUE.contains(&variable.name.as_str()))
        .map(|variable| variable.name.clone())
        .collect();
    for name in vague {
        for word in &words {
            rename(scene, &name, word);
        }
    }
}

/// Renames every occurrence; the edit is the whole function.
fn rename(scene: &mut Scene<'_>, from: &str, to: &str) {
    let ast = scene.ast;
    let Some(places) = occurrences(scene, from) else { return };
    let span = ast.span(scene.root);
    let text = ast.source();
    let mut renamed = String::with_capacity(span.len());
    let mut at = span.start;
    for id in places {
        renamed.push_str(&text[at..ast.start(id)]);
        renamed.push_str(to);
        at = ast.end(id);
    }
    renamed.push_str(&text[at..span.end]);
    scene.push(Operator::LocalRenamed, span, renamed, from, Risk::Syntax);
}

/// Every place where the variable is named; none if some place cannot be renamed alone.
fn occurrences(scene: &Scene<'_>, name: &str) -> Option<Vec<Id>> {
    let ast = scene.ast;
    let mut places = Vec::new();
    for id in ast.subtree(scene.root) {
        let string = ast.is(id, Concept::String) && ast.text(id).contains(&format!("{{{name}"));
        let interpolated = ast.subtree(id).skip(1).any(|node| ast.is(node, Concept::Interpolation));
        if string && !interpolated {
            return None;
        }
        if !ast.is(id, Concept::Identifier) || ast.text(id) != name {
            continue;
        }
        let parent = ast.parent(id).map_or("", |parent| ast.kind(parent));
        let shared = parent.contains("shorthand")
            || ast.kind(id).contains("shorthand")
            || matches!(parent, "global_statement" | "nonlocal_statement");
        if shared {
            return None;
        }
        if !names_something_else(scene, id) {
            places.push(id);
        }
    }
    (places.len() >= 2).then_some(places)
}

/// Whether the name is that of an argument, a member or a method, not the variable's.
pub(super) fn names_something_else(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let Some(parent) = ast.parent(id) else { return false };
    let is = |role| ast.role(parent, role) == Some(id);
    let method = ast.is(parent, Concept::Call) && ast.role(parent, Role::Object).is_some();
    (ast.is(parent, Concept::Keyword) && is(Role::Name))
        || (ast.is(parent, Concept::Member) && is(Role::Property))
        || (method && is(Role::Callee))
        || ast.kind(parent).starts_with("scoped")
}

/// `a: int` becomes `a`, `-> int` goes.
fn remove_annotations(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let head = ast
        .subtree(scene.root)
        .take_while(|&id| id < scene.body)
        .filter(|&id| ast.is(id, Concept::Type));
    for id in head.collect::<Vec<_>>() {
        let Some(parent) = ast.parent(id) else { continue };
        let before = ast.children(parent).take_while(|&child| child != id).collect::<Vec<_>>();
        let [.., previous, mark] = before[..] else { continue };
        if matches!(ast.text(mark), ":" | "->") {
            let subject = if ast.text(mark) == ":" { ast.text(previous) } else { "return" };
            scene.push(
                Operator::AnnotationRemoved,
                ast.end(previous)..ast.end(id),
                "",
                subject,
                Risk::Syntax,
            );
        }
    }
}
