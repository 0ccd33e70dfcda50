//! Conditions and operators: clauses, bounds, negation, arithmetic, compound assignment.
use super::atoms::{short_texts, size};
use crate::Operator;
use crate::functions::callee;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

/// Comparisons with their neighbour at the bound, their opposite, and their mirror.
const COMPARISONS: &[(&str, &str, &str, &str)] = &[
    ("<", "<=", ">=", ">"),
    ("<=", "<", ">", ">="),
    (">", ">=", "<=", "<"),
    (">=", ">", "<", "<="),
    ("==", "", "!=", ""),
    ("!=", "", "==", ""),
    ("===", "", "!==", ""),
    ("!==", "", "===", ""),
    ("in", "", "not in", ""),
    ("not in", "", "in", ""),
    ("is", "", "is not", ""),
    ("is not", "", "is", ""),
];

/// How many clauses are tried beside one condition, and how many of them from elsewhere.
const CLAUSES: usize = 16;
const TESTS: usize = 8;
/// How many parameters are asked for beside one condition.
const PARAMETERS: usize = 3;

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::Binary) {
        comparison(scene, id);
        connective(scene, id);
        arithmetic(scene, id);
    }
    for id in scene.of(Concept::Unary) {
        drop_negation(scene, id);
    }
    for id in scene.nodes() {
        if is_condition(scene, id) {
            negate(scene, id);
        }
        range_end(scene, id);
    }
    for id in scene.of(Concept::Compound) {
        compound(scene, id);
    }
    for id in bounds(scene) {
        shift_bound(scene, id);
    }
    if scene.fixing() {
        for id in scene.of(Concept::Assign) {
            accumulate(scene, id);
        }
        for id in scene.nodes() {
            if is_condition(scene, id)
                && !is_side(scene, id)
                && scene.ast.kind(id) != "expression_list"
            {
                add_clause(scene, id);
            }
        }
    }
}

/// Whether the node is a side of a connective: a clause is added to the whole.
fn is_side(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let [and, or, _] = ast.row().logic;
    let parent = ast.parent(id).filter(|&parent| ast.is(parent, Concept::Binary));
    parent.and_then(|p| ast.operator(p)).is_some_and(|o| [and, or].contains(&ast.text(o)))
}

/// When fixing: `x` becomes `x and c` for what the function tests elsewhere and for null tests.
fn add_clause(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let [and, or, _] = ast.row().logic;
    let own = scene.text(id);
    if own.contains('\n') || size(scene, id) > 20 {
        return;
    }
    let fresh = |clause: &String| !own.contains(clause.as_str());
    for clause in clauses(scene, id).into_iter().filter(fresh).take(CLAUSES) {
        for sign in [and, or] {
            for joined in [format!("{clause} {sign} {own}"), format!("{own} {sign} {clause}")] {
                scene.push(Operator::ClauseDrop, ast.span(id), joined, &clause, Risk::Syntax);
            }
        }
    }
}

/// What may be asked beside the condition, if it does not ask that already: what other conditions
/// of the function ask, nearest first, whether the names in it have a value, and parameters.
fn clauses(scene: &Scene<'_>, id: Id) -> Vec<String> {
    let ast = scene.ast;
    let mut found: Vec<String> = Vec::new();
    if ast.row().indented {
        let named = ast.subtree(id).filter(|&n| ast.is(n, Concept::Identifier));
        let known = named.filter(|&n| scene.scope.variable(scene.text(n), ast.start(n)).is_some());
        let near = short_texts(scene, known).into_iter().take(2);
        found.extend(near.flat_map(|n| [format!("{n} is not None"), format!("{n} is None")]));
    }
    let given = scene.scope.variables().iter().filter(|v| v.parameter).take(PARAMETERS);
    if !ast.row().typed {
        found.extend(given.map(|v| v.name.clone()));
    }
    found.splice(0..0, tests_near(scene, id).into_iter().take(TESTS).map(str::to_owned));
    found
}

/// What the function asks outside of the node, nearest first.
pub(super) fn tests_near<'a>(scene: &Scene<'a>, id: Id) -> Vec<&'a str> {
    let ast = scene.ast;
    let (own, at) = (ast.span(id), ast.start(id));
    let outside = |&other: &Id| !ast.span(other).contains(&at) && !own.contains(&ast.start(other));
    let list = |id: Id| ast.kind(id) == "expression_list";
    let asks = |&id: &Id| (is_condition(scene, id) && !list(id)) || is_comparison(scene, id);
    let mut tests: Vec<Id> = scene.nodes().into_iter().filter(asks).filter(outside).collect();
    tests.sort_by_key(|&other| ast.start(other).abs_diff(at));
    short_texts(scene, tests.into_iter())
}

fn is_comparison(scene: &Scene<'_>, id: Id) -> bool {
    if !scene.ast.is(id, Concept::Binary) {
        return false;
    }
    let operator = scene.ast.operator(id).map_or("", |operator| scene.text(operator));
    COMPARISONS.iter().any(|(own, ..)| *own == operator)
}

fn comparison(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let operators = ast.children(id).filter(|&child| ast.fills(child, Role::Operator));
    for operator in operators.collect::<Vec<_>>() {
        let sign = scene.text(operator);
        let Some((_, bound, opposite, mirror)) = COMPARISONS.iter().find(|(own, ..)| *own == sign)
        else {
            continue;
        };
        let language = ast.row().language;
        let foreign = (sign == "in" && language != Language::Python)
            || (sign == "===" && language == Language::Ruby);
        if foreign {
            continue;
        }
        let mut swap = |kind: Operator, to: &str| {
            if !to.is_empty() {
                scene.push(kind, ast.span(operator), to, sign, Risk::None);
            }
        };
        swap(Operator::BoundaryShift, bound);
        swap(Operator::Negation, opposite);
        swap(Operator::Negation, mirror);
    }
}

fn connective(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let [and, or, _] = ast.row().logic;
    let Some(operator) = ast.operator(id) else { return };
    let sign = scene.text(operator);
    if sign != and && sign != or {
        return;
    }
    let other = if sign == and { or } else { and };
    scene.push(Operator::Negation, ast.span(operator), other, sign, Risk::None);
    let sides: Vec<Id> = ast.parts(id).filter(|&part| part != operator).collect();
    let [left, right] = sides[..] else { return };
    for (kept, lost) in [(left, right), (right, left)] {
        scene.push(
            Operator::ClauseDrop,
            ast.span(id),
            scene.text(kept),
            scene.text(lost),
            Risk::Syntax,
        );
    }
}

fn arithmetic(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(operator) = ast.operator(id) else { return };
    let sign = scene.text(operator);
    let stringy = sign == "+" && ast.subtree(id).any(|part| ast.is(part, Concept::String));
    let formatting =
        sign == "%" && ast.parts(id).next().is_some_and(|part| ast.is(part, Concept::String));
    if stringy || formatting {
        return;
    }
    for other in alternatives(scene, sign) {
        scene.push(Operator::ArithmeticSwap, ast.span(operator), other, sign, Risk::None);
    }
}

fn alternatives(scene: &Scene<'_>, sign: &str) -> Vec<&'static str> {
    let pairs = scene.ast.row().operators.iter();
    pairs
        .flat_map(|&(a, b)| [(a, b), (b, a)])
        .filter(|(from, _)| *from == sign)
        .map(|(_, to)| to)
        .collect()
}

fn compound(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(operator) = ast.operator(id) else { return };
    let sign = scene.text(operator);
    if sign == "=" {
        return;
    }
    for other in alternatives(scene, sign) {
        scene.push(Operator::ArithmeticSwap, ast.span(operator), other, sign, Risk::None);
    }
    if matches!(sign, "+=" | "-=" | "*=" | "|=" | ".=") {
        let target = ast.role(id, Role::Left).map_or("", |left| scene.text(left));
        scene.push(Operator::AccumulateOverwritten, ast.span(operator), "=", target, Risk::Syntax);
    }
}

/// When fixing: `=` becomes `+=` and its kind.
fn accumulate(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let sign = ast.children(id).find(|&child| ast.text(child) == "=" && !ast.named(child));
    let (Some(sign), Some(target)) = (sign, ast.role(id, Role::Left)) else { return };
    let fresh = ast.is(target, Concept::Identifier) && !is_bound_before(scene, target);
    if fresh {
        return;
    }
    for other in ["+=", "-=", "*=", "|="] {
        scene.push(
            Operator::AccumulateOverwritten,
            ast.span(sign),
            other,
            scene.text(target),
            Risk::Syntax,
        );
    }
}

fn is_bound_before(scene: &Scene<'_>, target: Id) -> bool {
    let (name, at) = (scene.text(target), scene.ast.start(target));
    scene.scope.variables().iter().any(|v| v.name == name && v.visible.start < at)
}

/// Whether the node decides: a condition, or a side of a connective in one.
fn is_condition(scene: &Scene<'_>, id: Id) -> bool {
    let ast = scene.ast;
    let Some(parent) = ast.parent(id) else { return false };
    let chained = ast.kind(parent) == "conditional_access_expression";
    if !ast.named(id)
        || ast.is(id, Concept::Comment)
        || ast.kind(id).starts_with("let_")
        || ast.any(id, &[Concept::Declare, Concept::Assign])
        || chained
    {
        return false;
    }
    let decides = |node: Id, holder: Id| {
        ast.fills(node, Role::Condition)
            || matches!(ast.kind(holder), "if_clause")
            || (ast.kind(holder) == "conditional_expression"
                && ast.parts(holder).nth(1) == Some(node))
            || ast.is(holder, Concept::Assert)
    };
    if ast.is(parent, Concept::Parenthesized) {
        return ast.parent(parent).is_some_and(|outer| decides(parent, outer));
    }
    if decides(id, parent) {
        return !ast.is(id, Concept::Parenthesized);
    }
    let [and, or, _] = ast.row().logic;
    let connects = ast.is(parent, Concept::Binary)
        && ast.operator(parent).is_some_and(|o| [and, or].contains(&ast.text(o)));
    connects || (scene.fixing() && ast.is(parent, Concept::Return))
}

/// `x` becomes `not x`.
fn negate(scene: &mut Scene<'_>, id: Id) {
    use Concept::{Call, Identifier, Index, Member, Parenthesized};
    let ast = scene.ast;
    let [_, _, not] = ast.row().logic;
    let binds_tighter = ast.any(id, &[Identifier, Call, Member, Index, Parenthesized]);
    if !binds_tighter || ast.kind(id).starts_with("let_") {
        return;
    }
    let negated = format!("{not}{}", scene.text(id));
    scene.push(Operator::Negation, ast.span(id), negated, scene.text(id), Risk::None);
}

/// `not x` becomes `x`.
fn drop_negation(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let [_, _, not] = ast.row().logic;
    let operator = ast.children(id).next().map_or("", |child| ast.text(child));
    if operator != not.trim() {
        return;
    }
    if let Some(value) = ast.parts(id).last() {
        scene.push(
            Operator::Negation,
            ast.span(id),
            scene.text(value),
            scene.text(value),
            Risk::Syntax,
        );
    }
}

/// `a..b` becomes `a..=b`, and back; in Ruby `a...b` is without its end.
fn range_end(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let sign = scene.text(id);
    let kind = ast.parent(id).map_or("", |parent| ast.kind(parent));
    let other = match (kind, sign) {
        ("range_expression", "..") if ast.row().language == Language::Rust => "..=",
        ("range_expression", "..=") | ("range", "...") => "..",
        ("range", "..") => "...",
        (..) => return,
    };
    if !ast.named(id) {
        scene.push(Operator::BoundaryShift, ast.span(id), other, sign, Risk::Syntax);
    }
}

/// Indices, ends of slices and ranges, and what is compared.
fn bounds(scene: &Scene<'_>) -> Vec<Id> {
    let ast = scene.ast;
    let counted = |id: Id| {
        let call = ast.holder(id).and_then(|list| ast.parent(list));
        call.filter(|&call| ast.is(call, Concept::Call))
            .and_then(|call| callee(ast, call))
            .is_some_and(|callee| callee.text == "range")
    };
    let is_bound = |&id: &Id| {
        let Some(parent) = ast.holder(id) else { return false };
        let within = ast.parts(parent).next() != Some(id)
            || matches!(ast.field(id), "subscript" | "index" | "start" | "end");
        let indexed = within
            && ast.any(parent, &[Concept::Index, Concept::Slice])
            && !ast.is(id, Concept::Argument);
        let sliced = ast.is(parent, Concept::Slice) && ast.named(id) && ast.field(id) != "operand";
        let compared = ast.is(parent, Concept::Binary)
            && ast
                .operator(parent)
                .is_some_and(|o| matches!(scene.text(o), "<" | "<=" | ">" | ">="));
        (indexed || sliced || compared || counted(id)) && ast.named(id) && size(scene, id) <= 6
    };
    scene.nodes().into_iter().filter(is_bound).collect()
}

/// `n` becomes `n - 1` or `n + 1`, and either becomes `n`.
fn shift_bound(scene: &mut Scene<'_>, id: Id) {
    use Concept::{Binary, Call, Identifier, Member};
    let ast = scene.ast;
    if ast.is(id, Binary) {
        let parts: Vec<Id> = ast.parts(id).collect();
        if let ([kept, .., one], Some(operator)) = (&parts[..], ast.operator(id))
            && scene.text(*one) == "1"
            && matches!(scene.text(operator), "+" | "-")
        {
            scene.push(
                Operator::BoundaryShift,
                ast.span(id),
                scene.text(*kept),
                scene.text(id),
                Risk::Syntax,
            );
        }
        return;
    }
    let compared = ast.parent(id).is_some_and(|parent| ast.is(parent, Binary));
    let shifts = !compared || scene.fixing();
    if shifts && ast.any(id, &[Identifier, Member, Call]) {
        for shifted in [" - 1", " + 1"] {
            let shifted = [scene.text(id), shifted].concat();
            scene.push(Operator::BoundaryShift, ast.span(id), shifted, scene.text(id), Risk::None);
        }
    }
}
