//! What a student does: where it looks, what it writes, which edit it ranks first.
//!
//! A greedy rollout of the guided harness opens one function and submits the best-ranked edit of
//! it. It is measured in its two halves, because the second is also asked with the right function
//! given: the rank of the reference among all edits says more than whether it came first.
use super::{Aid, Budget, Contestant, Desk, EvaluateError, FixItem, SHARES, Scope, of};
use sera_agent::Remembering;
use sera_agent::guided::{Guided, Pace, Ranked, locate, rank_edits};
use sera_core::overlap::overlap;
use sera_core::scorecard::{Arm, FixScore};
use sera_core::{Cancel, FilePatch, FunctionKey, Model, Patch};
use sera_model::{Base, Lora, Student};
use std::collections::BTreeMap;
use std::sync::Arc;

type Scores = BTreeMap<Arm, Vec<FixScore>>;

/// Measures what the arms do; the arm with another task's text has nothing to look for.
pub(super) fn measure(
    base: &Arc<Base>,
    contestants: &[Contestant],
    items: &[&FixItem],
    budget: &Budget,
    scores: &mut Scores,
    desk: &mut Desk<'_>,
) -> Result<(), EvaluateError> {
    let mut students = Students { base, students: Vec::new() };
    let measured = contestants.first().map_or(0, |c| scores.get(&c.arm).map_or(0, Vec::len));
    for pass in passes(budget) {
        let wanted = pass.items.min(measured);
        let mut pace = Pace::new(pass.edits.unwrap_or(0), wanted, pass.until);
        for (done, item) in items.iter().take(wanted).enumerate() {
            let begun = (desk.elapsed)();
            if done >= LEAST && pace.is_over(begun) {
                break;
            }
            let edits = pass.edits.map(|_| pace.edits(begun));
            let acting = |c: &&Contestant| c.aid != Aid::OtherText && c.scope != Scope::Holes;
            for contestant in contestants.iter().filter(acting) {
                if !(desk.pause)() {
                    return Err(EvaluateError::Cancelled);
                }
                if let Some(score) = of(scores, contestant.arm, &item.task) {
                    let student = students.with(contestant.lora.as_ref());
                    act(contestant, student, item, edits, score)?;
                }
            }
            let now = (desk.elapsed)();
            pace.done(now - begun, now);
            (desk.watch)(pass.stage, done + 1, wanted);
        }
    }
    Ok(())
}

/// One way through the items.
struct Pass {
    stage: &'static str,
    items: usize,
    /// Edits ranked in a rollout at most; `None` only looks for the place.
    edits: Option<usize>,
    /// Seconds after which only [`LEAST`] items are measured.
    until: f64,
}

/// Places first: many are needed to tell arms apart, and a rollout asks for them again for free.
/// Rollouts may take all the time that is left.
fn passes(budget: &Budget) -> [Pass; 2] {
    let locating = SHARES[2] * budget.seconds;
    [
        Pass { stage: "locating", items: budget.located, edits: None, until: locating },
        Pass {
            stage: "rollouts",
            items: budget.rollouts,
            edits: Some(budget.edits),
            until: budget.seconds,
        },
    ]
}

/// Arms with the same weights share a student, which answers each question once: base and
/// retrieval rank the same edits by the same likelihoods.
struct Students<'a> {
    base: &'a Arc<Base>,
    students: Vec<(Option<Arc<Lora>>, Remembering<Student>)>,
}

impl Students<'_> {
    fn with(&mut self, lora: Option<&Arc<Lora>>) -> &mut dyn Model {
        let same = |known: &Option<Arc<Lora>>| match (known, lora) {
            (Some(known), Some(lora)) => Arc::ptr_eq(known, lora),
            (known, lora) => known.is_none() && lora.is_none(),
        };
        let at = self.students.iter().position(|(known, _)| same(known)).unwrap_or_else(|| {
            let student = Student::new(Arc::clone(self.base), lora.cloned());
            self.students.push((lora.cloned(), Remembering::new(student)));
            self.students.len() - 1
        });
        &mut self.students[at].1
    }
}

/// Edits from which on as many reach the ranking's second stage as in serving.
const EDITS: usize = 48;
/// Edits that reach it in any case.
const FINALISTS: usize = 5;

/// Items that are acted on however late it is.
const LEAST: usize = 1;

/// Looks for the place and, where `edits` says how many to rank, rolls out.
fn act(
    contestant: &Contestant,
    student: &mut dyn Model,
    item: &FixItem,
    edits: Option<usize>,
    score: &mut FixScore,
) -> Result<(), EvaluateError> {
    let cancel = Cancel::default();
    let options = options(contestant, item, edits);
    let description = description(contestant, item);
    let mut environment = item.environment.clone();
    let located = locate(description, student, &mut environment, &options, &cancel)?;
    // One past the last hit: looked for and not found, which is not the same as not measured.
    let missed = located.hits.len() + 1;
    score.retrieved = Some(located.retrieved(&item.place).unwrap_or(missed));
    score.located = Some(located.rank(&item.place).unwrap_or(missed));
    if edits.is_none() {
        return Ok(());
    }
    let mut rank = |place: &FunctionKey| {
        let steps = std::slice::from_ref(&located.step);
        rank_edits(description, steps, place, student, &item.environment, &options, &cancel)
    };
    let given = rank(&item.place)?;
    score.candidates = Some(given.candidates.len());
    score.ranked = given.rank_of(&item.after);
    score.valid = Some(given.valid);
    let submitted = match located.order.first().map(|hit| located.key(*hit)) {
        Some(place) if place != item.place => rank(&place)?,
        Some(_) | None => given,
    };
    judge(item, &submitted, score);
    Ok(())
}

/// Compares the first-ranked edit, which a rollout submits, with the reference.
fn judge(item: &FixItem, submitted: &Ranked, score: &mut FixScore) {
    let path = &submitted.place.path;
    let first = submitted.candidates.iter().find(|candidate| submitted.parses(candidate));
    let first = first.map(|candidate| candidate.text.as_ref());
    let change =
        first.and_then(|after| FilePatch::between(path, Some(&submitted.before), Some(after)));
    let candidate = Patch { files: change.into_iter().collect() };
    let found = overlap(&item.task.reference, &candidate).unwrap_or_default();
    score.recall = Some(found.recall);
    score.f1 = Some(found.f1);
    let same = first.is_some_and(|after| submitted.same(after, &item.after));
    score.exact = Some(submitted.place == item.place && same);
    score.candidate = Some(candidate).filter(|patch| !patch.is_empty());
}

fn options(contestant: &Contestant, item: &FixItem, edits: Option<usize>) -> Guided {
    let shots = match contestant.aid {
        Aid::Retrieval => item.shots.clone(),
        Aid::Alone | Aid::Neighbours | Aid::OtherText => Vec::new(),
    };
    let (edits, all) = (edits.unwrap_or(0), Guided::default());
    // Half the edits, half the finalists: the time of a rollout goes down with both.
    let keep = (all.keep * edits).div_ceil(EDITS).clamp(FINALISTS, all.keep);
    Guided { opened: 1, shots, edits, keep, held: false, ..all }
}

fn description<'a>(contestant: &Contestant, item: &'a FixItem) -> &'a str {
    match contestant.aid {
        Aid::OtherText => &item.other,
        Aid::Alone | Aid::Neighbours | Aid::Retrieval => &item.task.description,
    }
}
