//! Edits by what they touch. Each module makes both directions: what plants a fault, and what a
//! fixer who does not know which fault was planted would try.
use crate::scene::{Direction, Scene};
use crate::{Function, Mutation, Operator, Parsed};

mod arguments;
mod atoms;
mod conditions;
mod declarations;
mod literals;
mod names;
mod operands;
mod order;
mod refactorings;
mod restored;
mod rewritings;
mod scopes;
mod statements;
mod values;

/// Every viable single change of `function` in the faulty direction, by position and operator.
pub fn mutations(parsed: &Parsed, function: &Function) -> Vec<Mutation> {
    let mut made = generate(parsed, function, Direction::Fault);
    made.sort_by_key(|mutation| (mutation.span.start, mutation.span.end, mutation.operator));
    made
}

/// The single edits a fixer would try on `function`, likeliest operator first, in a fixed order.
/// `words` are identifiers and literals of the task which may be inserted. Of guards, clauses and
/// statements to bring back only those are among them that the rest of the function suggests.
pub fn edits(parsed: &Parsed, function: &Function, words: &[String]) -> Vec<Mutation> {
    let mut made = generate(parsed, function, Direction::Fix(words));
    made.sort_by(|a, b| {
        let weight = |operator: Operator| operator.weight();
        weight(b.operator).total_cmp(&weight(a.operator)).then(a.operator.cmp(&b.operator))
    });
    made
}

fn generate(parsed: &Parsed, function: &Function, direction: Direction<'_>) -> Vec<Mutation> {
    let Some(mut scene) = Scene::new(parsed, function, direction) else { return Vec::new() };
    names::generate(&mut scene);
    arguments::generate(&mut scene);
    operands::generate(&mut scene);
    values::generate(&mut scene);
    literals::generate(&mut scene);
    conditions::generate(&mut scene);
    statements::generate(&mut scene);
    order::generate(&mut scene);
    scopes::generate(&mut scene);
    declarations::generate(&mut scene);
    restored::generate(&mut scene);
    refactorings::generate(&mut scene);
    rewritings::generate(&mut scene);
    scene.finish()
}
