//! Evaluation: every arm on the same held-out work, item by item, inside a budget of time.
//!
//! Three kinds of measurement, cheapest first: likelihoods by the packed training forward,
//! re-ranking of retrieval's hits, and greedy rollouts of the guided harness through the very
//! code that serves. Each goes on in rounds over all arms until its share of the time is spent,
//! so that every arm has the same items and a slow machine measures fewer, never other ones.
use sera_agent::dialect::Shot;
use sera_agent::{Environment, Ideal};
use sera_core::scorecard::{Arm, FixScore, HoleScore, SCORECARD_SCHEMA, Scorecard};
use sera_core::{Digest, FunctionKey, Hole, ModelError, Task};
use sera_model::{Base, EngineError, Lora};
use std::collections::BTreeMap;
use std::sync::Arc;

mod actions;
mod likelihood;

/// The fixed general set: prose and code of our own that no repository's adapter should unlearn.
pub const GENERAL: &str = include_str!("evaluate/general.txt");

/// What an arm is given besides its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aid {
    /// Nothing.
    Alone,
    /// The two most similar solved training tasks, or training functions for a hole.
    Retrieval,
    /// Training functions for a hole, nothing for a task: how an adapter is served.
    Neighbours,
    /// Hindrance: another task's text.
    OtherText,
}

/// One arm.
#[derive(Clone)]
pub struct Contestant {
    /// Its name in the scorecard.
    pub arm: Arm,
    /// What is added to the base.
    pub lora: Option<Arc<Lora>>,
    /// What else it is given.
    pub aid: Aid,
    /// What it takes part in.
    pub scope: Scope,
}

/// What an arm takes part in: what serves *complete* need not be what serves *fix*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// Holes.
    Holes,
    /// Tasks.
    Tasks,
}

/// A held-out task, ready to be measured.
pub struct FixItem {
    /// The task.
    pub task: Task,
    /// Its base with the planted fault.
    pub environment: Environment,
    /// What a solver who knows the answer would write.
    pub ideal: Ideal,
    /// The function to be edited.
    pub place: FunctionKey,
    /// That function's file as the reference leaves it.
    pub after: String,
    /// The most similar solved training tasks.
    pub shots: Vec<Shot>,
    /// The description of another task.
    pub other: String,
}

/// A held-out hole with what retrieval adds to it.
pub struct HoleItem {
    /// The hole.
    pub hole: Hole,
    /// Text of the most similar training functions.
    pub neighbours: String,
}

/// How much may be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Wall time for everything; infinite measures all items.
    pub seconds: f64,
    /// Tasks whose likelihood is measured however long it takes.
    pub tasks: usize,
    /// Holes whose likelihood is.
    pub holes: usize,
    /// Items whose place is looked for.
    pub located: usize,
    /// Greedy rollouts per arm; the shuffled arm makes none.
    pub rollouts: usize,
    /// Enumerated edits ranked in one rollout at most.
    pub edits: usize,
    /// Longest sequence, in tokens.
    pub length: usize,
}

/// Why an evaluation ended without a scorecard.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The caller cancelled.
    #[error("the evaluation was cancelled")]
    Cancelled,
    /// The engine failed.
    #[error("failed to compute likelihoods")]
    Engine(#[from] EngineError),
    /// The student failed.
    #[error("failed to run the student")]
    Student(#[from] ModelError),
}

/// What an evaluation needs from outside: time passed so far, a gate, and someone who listens.
pub struct Desk<'a> {
    /// Seconds since the evaluation began.
    pub elapsed: &'a dyn Fn() -> f64,
    /// Called between layers; false ends the evaluation.
    pub pause: &'a dyn Fn() -> bool,
    /// Stage, done, total.
    pub watch: &'a mut dyn FnMut(&str, usize, usize),
}

/// Shares of the time, counted from the beginning, by which task likelihoods, holes and locating
/// end; rollouts take the rest.
const SHARES: [f64; 3] = [0.17, 0.32, 0.48];

/// Measures every contestant on every item that fits the budget. Tasks that are too long under any
/// arm are left out under all.
pub fn evaluate(
    base: &Arc<Base>,
    contestants: &[Contestant],
    fix: &[FixItem],
    holes: &[HoleItem],
    budget: &Budget,
    desk: &mut Desk<'_>,
) -> Result<Scorecard, EvaluateError> {
    let mut card = Scorecard { schema: SCORECARD_SCHEMA.to_owned(), ..Scorecard::default() };
    likelihood::general(base, contestants, &mut card, desk)?;
    let fits = |item: &&FixItem| likelihood::fits(base, contestants, item, budget.length);
    let fix: Vec<&FixItem> = fix.iter().filter(fits).collect();
    let task_rounds =
        Rounds { stage: "task likelihoods", group: 4, share: SHARES[0], least: budget.tasks };
    task_rounds.run(&fix, budget, desk, |items, pause| {
        for contestant in contestants.iter().filter(|c| c.scope != Scope::Holes) {
            let scores = likelihood::tasks(base, contestant, items, budget.length, pause)?;
            card.fix.entry(contestant.arm).or_default().extend(scores);
        }
        Ok(())
    })?;
    let hole_rounds =
        Rounds { stage: "hole likelihoods", group: 4, share: SHARES[1], least: budget.holes };
    hole_rounds.run(holes, budget, desk, |items, pause| {
        let filling = |c: &&Contestant| c.aid != Aid::OtherText && c.scope != Scope::Tasks;
        for contestant in contestants.iter().filter(filling) {
            let scores = likelihood::holes(base, contestant, items, budget.length, pause)?;
            card.complete.entry(contestant.arm).or_default().extend(scores);
        }
        Ok(())
    })?;
    actions::measure(base, contestants, &fix, budget, &mut card.fix, desk)?;
    Ok(card)
}

/// A kind of measurement that goes on in groups until its share of the time is spent.
struct Rounds {
    stage: &'static str,
    /// Items measured together under every arm.
    group: usize,
    /// Of the budget, counted from the evaluation's beginning.
    share: f64,
    /// Items that are measured in any case.
    least: usize,
}

impl Rounds {
    /// Measures groups of items, more than the least while there is time.
    fn run<T>(
        &self,
        items: &[T],
        budget: &Budget,
        desk: &mut Desk<'_>,
        mut measure: impl FnMut(&[T], &dyn Fn() -> bool) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let mut done = 0;
        for items_now in items.chunks(self.group) {
            if done >= self.least && (desk.elapsed)() > self.share * budget.seconds {
                break;
            }
            measure(items_now, desk.pause)?;
            done += items_now.len();
            (desk.watch)(self.stage, done, items.len());
        }
        Ok(())
    }
}

/// The scores of one arm by task, for filling in what is measured later.
fn of<'a>(
    scores: &'a mut BTreeMap<Arm, Vec<FixScore>>,
    arm: Arm,
    task: &Task,
) -> Option<&'a mut FixScore> {
    scores.get_mut(&arm)?.iter_mut().find(|score| score.task == task.id)
}

/// What a hole is called in scorecards: `path::name#digest`, where a function has several.
pub fn hole_name(hole: &Hole) -> String {
    let text = [hole.before.as_str(), &hole.middle, &hole.after].join("\0");
    let digest = Digest::of(text.as_bytes());
    format!("{}::{}#{}", hole.function.path, hole.function.name, digest.short())
}

fn hole_score(hole: &Hole, nll: f64, tokens: usize, exact: Option<bool>) -> HoleScore {
    HoleScore { item: hole_name(hole), cluster: hole.function.path.to_string(), nll, tokens, exact }
}
