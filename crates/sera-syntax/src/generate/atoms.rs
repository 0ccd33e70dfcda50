//! What a fixer can insert without inventing: names in scope, members seen, words of the task.
use crate::node::Id;
use crate::scene::Scene;
use crate::table::{Concept, Role};

/// Tokens of the longest expression that is brought from one place of a function to another.
const SHORT: usize = 9;

/// Whether `word` could stand as a variable.
pub(super) fn is_name(scene: &Scene<'_>, word: &str) -> bool {
    // PHP's variables begin with a sign of their own.
    let word = if scene.ast.row().receivers == ["$this"] {
        word.strip_prefix('$').unwrap_or(word)
    } else {
        word
    };
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !scene.ast.row().reserved.contains(&word)
}

/// Whether `word` is a number or a quoted string.
pub(super) fn is_literal(word: &str) -> bool {
    let number = word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
    let quoted =
        word.len() >= 2 && ["'", "\""].iter().any(|q| word.starts_with(q) && word.ends_with(q));
    number || quoted
}

/// Whether `word` is a name or names joined by dots.
pub(super) fn is_path(scene: &Scene<'_>, word: &str) -> bool {
    word.replace("->", ".")
        .replace("::", ".")
        .split('.')
        .all(|part| is_name(scene, part) || scene.ast.row().receivers.contains(&part))
}

/// Words of the task that can stand as a value at all.
pub(super) fn word_values<'a>(scene: &Scene<'a>) -> Vec<&'a str> {
    let words = scene.words().iter().map(String::as_str);
    words.filter(|word| is_literal(word) || is_path(scene, word)).collect()
}

/// Words of the task that mean something at `at`: literals, and names that are known there.
pub(super) fn visible_words(scene: &Scene<'_>, at: usize) -> Vec<String> {
    let known = |word: &&str| {
        !is_path(scene, word)
            || word.contains('.')
            || scene.scope.variable(word, at).is_some()
            || scene.facts.constants.names().any(|name| name == *word)
    };
    word_values(scene).into_iter().filter(known).map(str::to_owned).collect()
}

/// Names and members that may be inserted at `at`: variables, the function's members, words.
pub(super) fn values_at<'a>(scene: &Scene<'a>, at: usize) -> Vec<String> {
    let mut found: Vec<String> =
        scene.scope.visible_at(at).into_iter().map(str::to_owned).collect();
    let members = scene.of(Concept::Member);
    let members =
        members.into_iter().filter(|&id| is_plain_member(scene, id)).map(|id| scene.text(id));
    for value in word_values(scene).into_iter().chain(members) {
        if !found.iter().any(|known| known == value) {
            found.push(value.to_owned());
        }
    }
    found
}

/// `a.b`, not called and not part of a longer chain.
pub(super) fn is_plain_member(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let called =
        ast.fills(id, Role::Callee) && ast.parent(id).is_some_and(|p| ast.is(p, Concept::Call));
    let longer = ast.parent(id).is_some_and(|p| ast.is(p, Concept::Member));
    !called && !longer && ast.is(id, Concept::Member) && !ast.text(id).contains(['(', '[', '\n'])
}

/// Places that hold one value: arguments, right sides, operands, returned values, elements.
pub(super) fn value_sites(scene: &Scene<'_>) -> Vec<Id> {
    use Concept::{Arguments, Assign, Binary, Compound, Declare, Keyword, Pair, Return};
    let ast = scene.ast;
    let is_site = |&id: &Id| {
        let Some(parent) = ast.holder(id) else { return false };
        // What initialises an array is no expression where types are declared.
        let listed_out = ast.row().typed && ast.is(id, Concept::Collection);
        let label = ast.field(id) == "name" && ast.parent(id) != Some(parent);
        if !ast.named(id)
            || label
            || listed_out
            || ast.is(id, Concept::Argument)
            || ast.any(id, &[Keyword, Binary, Concept::Slice, Concept::Pattern, Concept::Comment])
        {
            return false;
        }
        let spread = ["splat", "spread", "variadic"].iter().any(|mark| ast.kind(id).contains(mark));
        // The object of an index, and what is assigned to, must stay what they are.
        let indexed = ast.is(parent, Concept::Index) && ast.parts(parent).next() != Some(id);
        let listed = indexed
            || ast.any(parent, &[Arguments, Binary, Return, Concept::Parenthesized])
            || (ast.kind(parent) == "expression_list" && !ast.fills(parent, Role::Left));
        if spread {
            return false;
        }
        let right = ast.any(parent, &[Assign, Declare, Compound, Keyword, Pair, Concept::Loop])
            && ast.value(parent) == Some(id);
        let chained = ast.kind(parent) == "conditional_access_expression";
        let tested =
            ast.fills(id, Role::Condition) && !ast.is(id, Concept::Parenthesized) && !chained;
        (listed || right || tested) && !scene.scope.is_binding(id)
    };
    scene.nodes().into_iter().filter(is_site).collect()
}

/// How many tokens the node holds.
pub(super) fn size(scene: &Scene<'_>, id: Id) -> usize {
    scene.ast.subtree(id).filter(|&node| scene.ast.leaf(node)).count()
}

/// Texts of `nodes` on one line and of few tokens, each once.
pub(super) fn short_texts<'a>(scene: &Scene<'a>, nodes: impl Iterator<Item = Id>) -> Vec<&'a str> {
    let mut texts: Vec<&str> = Vec::new();
    for id in nodes.filter(|&id| size(scene, id) <= SHORT) {
        let text = scene.text(id);
        if !text.contains('\n') && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}
