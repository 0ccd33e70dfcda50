//! Operands: left out, exchanged, brought back.
use super::atoms::{is_plain_member, short_texts, size, value_sites, visible_words};
use crate::Operator;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::Concept;

/// Tokens of the longest operand that is left out.
const DROPPED: usize = 4;
/// Tokens of the longest value that gets an operand, and of the longest operand brought to it.
const LONGEST: usize = 8;
const BROUGHT: usize = 6;
/// How many operands of the function are tried beside one value, and how many names.
const HALVES: usize = 12;
const NAMES: usize = 4;
/// What is put between a value and a name; the last where blocks are indented.
const SIGNS: [&str; 4] = ["+", "-", "*", "**"];

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::Binary) {
        operands(scene, id);
    }
    if !scene.fixing() {
        return;
    }
    let halves = halves(scene);
    let signs: Vec<String> = SIGNS.iter().map(|sign| as_written(scene, sign)).collect();
    for id in value_sites(scene).into_iter().chain(slice_ends(scene)) {
        add_operand(scene, id, &signs);
        add_half(scene, id, &halves);
    }
}

fn is_arithmetic(operator: &str) -> bool {
    matches!(
        operator,
        "+" | "-" | "*" | "/" | "//" | "%" | "**" | "<<" | ">>" | "&" | "|" | "^" | "@"
    )
}

/// The operands of a binary expression of two sides and the operator between them.
fn sides(scene: &Scene<'_>, id: Id) -> Option<(Id, Id, Id)> {
    let operator = scene.ast.operator(id)?;
    let sides: Vec<Id> = scene.ast.parts(id).filter(|&part| part != operator).collect();
    let [left, right] = sides[..] else { return None };
    Some((left, operator, right))
}

fn operands(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some((left, operator, right)) = sides(scene, id) else { return };
    let sign = scene.text(operator);
    let single = !scene.text(id).contains('\n');
    if is_arithmetic(sign) && single {
        for (kept, lost) in [(left, right), (right, left)] {
            if size(scene, lost) <= DROPPED {
                let (kept, lost) = (scene.text(kept), scene.text(lost));
                scene.push(Operator::OperandChange, ast.span(id), kept, lost, Risk::Syntax);
            }
        }
    }
    let ordered = matches!(
        sign,
        "-" | "/" | "//" | "%" | "**" | "<<" | ">>" | "<" | "<=" | ">" | ">=" | "in"
    );
    if ordered && single && is_simple(scene, left) && is_simple(scene, right) {
        let between = &ast.source()[ast.end(left)..ast.start(right)];
        let swapped = [scene.text(right), between, scene.text(left)].concat();
        scene.push(Operator::OperandChange, ast.span(id), swapped, scene.text(left), Risk::Syntax);
    }
}

/// A name, a member, a literal: what swaps without parentheses.
pub(super) fn is_simple(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    ast.any(id, &[Concept::Identifier, Concept::Number, Concept::Index, Concept::Call])
        || is_plain_member(scene, id)
}

/// Where slices begin and end.
fn slice_ends(scene: &Scene<'_>) -> Vec<Id> {
    let slices = scene.of(Concept::Slice).into_iter();
    slices.flat_map(|id| scene.ast.parts(id)).filter(|&id| scene.ast.named(id)).collect()
}

/// `x` becomes `x + w` for words, a variable or two, and what the function indexes or computes.
fn add_operand(scene: &mut Scene<'_>, id: Id, signs: &[String]) {
    let ast = scene.ast;
    if !is_simple(scene, id) || size(scene, id) > BROUGHT {
        return;
    }
    let own = scene.text(id);
    let inner =
        ast.parent(id).is_some_and(|p| ast.is(p, Concept::Binary)) && !is_compared(scene, id);
    let mut values = Vec::new();
    if !inner {
        values.push("1".to_owned());
        values.extend(visible_words(scene, ast.start(id)).into_iter().take(NAMES));
    }
    let near = scene.scope.visible_at(ast.start(id)).into_iter().take(NAMES);
    values.extend(near.filter(|value| *value != own).map(str::to_owned));
    values.extend(indexed_near(scene, id).into_iter().take(NAMES).map(str::to_owned));
    let signs = if ast.row().indented { signs } else { &signs[..3] };
    for value in values {
        for sign in signs.iter().filter(|sign| value != "1" || !sign.contains('*')) {
            let joined = [own, sign, &value].concat();
            scene.push(Operator::OperandChange, ast.span(id), joined, &value, Risk::None);
            if value != "1" && !sign.contains("**") {
                let joined = [&value, sign.as_str(), own].concat();
                scene.push(Operator::OperandChange, ast.span(id), joined, &value, Risk::None);
            }
        }
    }
}

/// The sign with the space that the function puts around it; where it has none, as is usual.
fn as_written(scene: &Scene<'_>, sign: &str) -> String {
    let ast = scene.ast;
    let written = |id| {
        let (left, operator, right) = sides(scene, id)?;
        let between = &ast.source()[ast.end(left)..ast.start(right)];
        (scene.text(operator) == sign && !between.contains('\n')).then(|| between.to_owned())
    };
    let usual = || if sign == "**" { sign.to_owned() } else { format!(" {sign} ") };
    scene.of(Concept::Binary).into_iter().find_map(written).unwrap_or_else(usual)
}

/// What the function takes out of collections, nearest first.
fn indexed_near<'a>(scene: &Scene<'a>, id: Id) -> Vec<&'a str> {
    let (ast, at) = (scene.ast, scene.ast.start(id));
    let outside =
        |&other: &Id| !ast.span(other).contains(&at) && !ast.span(id).contains(&ast.start(other));
    let mut nodes: Vec<Id> = scene.of(Concept::Index).into_iter().filter(outside).collect();
    nodes.sort_by_key(|&other| ast.start(other).abs_diff(at));
    short_texts(scene, nodes.into_iter().filter(|&id| size(scene, id) <= BROUGHT))
}

pub(super) fn is_compared(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let operator = ast.parent(id).and_then(|parent| ast.operator(parent));
    operator.is_some_and(|operator| {
        matches!(scene.text(operator), "<" | "<=" | ">" | ">=" | "==" | "!=" | "===")
    })
}

/// One operand with its operator, as the function writes it: `2*` before a value, ` + n` after.
struct Half {
    before: bool,
    text: String,
    operand: Id,
}

fn halves(scene: &Scene<'_>) -> Vec<Half> {
    let ast = scene.ast;
    let mut halves = Vec::new();
    for id in scene.of(Concept::Binary) {
        let Some((left, operator, right)) = sides(scene, id) else { continue };
        if !is_arithmetic(scene.text(operator)) || scene.text(id).contains('\n') {
            continue;
        }
        let mut push = |before, operand, from, to| {
            if size(scene, operand) <= BROUGHT {
                halves.push(Half { before, text: ast.source()[from..to].to_owned(), operand });
            }
        };
        push(true, left, ast.start(left), ast.start(right));
        push(false, right, ast.end(left), ast.end(right));
        // Of `a*b*c` the middle operand stands behind one value and before another.
        if ast.is(left, Concept::Binary)
            && let Some((_, _, middle)) = sides(scene, left)
        {
            push(true, middle, ast.start(middle), ast.start(right));
        }
    }
    halves
}

/// `x` becomes `2*x` where the function multiplies something else by two; nearest first.
fn add_half(scene: &mut Scene<'_>, id: Id, halves: &[Half]) {
    let ast = scene.ast;
    if size(scene, id) > LONGEST || scene.text(id).contains('\n') {
        return;
    }
    let at = ast.start(id);
    let mut near: Vec<&Half> =
        halves.iter().filter(|half| !ast.span(id).contains(&ast.start(half.operand))).collect();
    near.sort_by_key(|half| ast.start(half.operand).abs_diff(at));
    let mut seen = std::collections::HashSet::new();
    near.retain(|half| seen.insert((half.before, half.text.as_str())));
    for half in near.into_iter().take(HALVES) {
        let place = if half.before { at } else { ast.end(id) };
        let subject = scene.text(half.operand);
        scene.push(Operator::OperandChange, place..place, &half.text[..], subject, Risk::None);
    }
}
