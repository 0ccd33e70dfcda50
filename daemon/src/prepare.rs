//! From stored records to what training and evaluation take: examples, and items to measure.
//!
//! Benchmarks prepare their data here too, so that what is measured is what is shipped.
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sera_agent::dialect::{self, Shot};
use sera_agent::{Environment, reference_spans};
use sera_core::{
    Action, FunctionKey, Hole, Lesson, Message, Outcome, Step, Task, TaskId, Trajectory,
    TrajectoryId, TreePath,
};
use sera_datagen::{Attempt, Bases, Policy, Selected, Selection, Solved};
use sera_model::Tokenizer;
use sera_train::Example;
use sera_train::evaluate::{FixItem, HoleItem};
use sera_train::examples::{self, HoleFormat, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Length of the tiny tier's examples, in tokens.
pub const LENGTH: usize = 1024;
/// Loss weight of a token in which an edit's new text differs from the old: nearly all of an edit
/// is copied, and a student that only learns to copy writes edits that change nothing (16 of 24
/// training tasks with a weight of 1).
pub const STRESS: f32 = 16.0;
/// Loss weight of an edit's other tokens: where it is and what goes.
const EDIT: f32 = 6.0;
/// Demonstrations and neighbours shown by retrieval.
const SHOWN: usize = 2;
/// Bytes of neighbouring functions shown before a hole.
const NEIGHBOUR_BYTES: usize = 1_600;

/// What was chosen to be trained on, as it is trained on.
pub struct Chosen {
    /// Which trajectories, and why not the others.
    pub selected: Selected,
    /// The chosen ones, best first.
    pub taught: Vec<Taught>,
}

/// One trajectory as a student is taught it.
#[derive(Clone, Debug)]
pub struct Taught {
    /// The sequence.
    pub example: Example,
    /// The messages it is of, up to the last that carries loss.
    pub messages: Vec<Message>,
    /// Which of them carry loss.
    pub train: Vec<bool>,
    /// Share of the conversation's messages that fit the student's length.
    kept: f64,
}

/// Chooses among `attempts`. `stress` is [`STRESS`] but where its effect is measured.
pub fn choose(
    tokenizer: &Tokenizer,
    attempts: &[Attempt],
    selection: &Selection,
    stress: f32,
) -> Chosen {
    let taught = |attempt: &Attempt| taught(tokenizer, &attempt.trajectory, stress);
    let mut fixes: BTreeMap<TrajectoryId, Taught> = attempts
        .iter()
        .filter_map(|attempt| Some((attempt.trajectory.id, taught(attempt)?)))
        .collect();
    let kept = |attempt: &Attempt| fixes.get(&attempt.trajectory.id).map_or(0.0, |t| t.kept);
    let selected = sera_datagen::select(attempts, &kept, &Policy::default(), selection);
    let taught = selected.chosen.iter().filter_map(|id| fixes.remove(id)).collect();
    Chosen { selected, taught }
}

/// Everything that may be trained on, tokenised: selected trajectories, then lessons, then holes.
pub fn dataset(
    tokenizer: &Tokenizer,
    attempts: &[Attempt],
    (lessons, holes): (&[Lesson], &[Hole]),
    selection: &Selection,
    stress: f32,
) -> (Vec<Example>, Selected) {
    let Chosen { selected, taught } = choose(tokenizer, attempts, selection, stress);
    let format = HoleFormat::of_length(LENGTH);
    let hole = |hole: &Hole| examples::hole(tokenizer, hole, &format);
    let fixes = taught.into_iter().map(|taught| taught.example);
    let lessons = lessons.iter().filter_map(|lesson| of_lesson(tokenizer, lesson, stress));
    (fixes.chain(lessons).chain(holes.iter().filter_map(hole)).collect(), selected)
}

/// A lesson as an example. `None` where nothing of it fits.
fn of_lesson(tokenizer: &Tokenizer, lesson: &Lesson, stress: f32) -> Option<Example> {
    let source = lesson.subject.to_string();
    let taught = conversation(tokenizer, &source, &lesson.description, &lesson.steps, stress)?;
    Some(Example { kind: Kind::Lesson, ..taught.example })
}

fn taught(tokenizer: &Tokenizer, trajectory: &Trajectory, stress: f32) -> Option<Taught> {
    let Trajectory { id, description, steps, .. } = trajectory;
    conversation(tokenizer, &id.to_string(), description, steps, stress)
}

/// The conversation that serving would have: the same renderer, the same steps left out.
fn conversation(
    tokenizer: &Tokenizer,
    source: &str,
    description: &str,
    steps: &[Step],
    stress: f32,
) -> Option<Taught> {
    let dialect::Conversation { mut messages, changed, swapped } =
        dialect::guided(&[], description, steps).ended();
    let own: Vec<&Step> = steps.iter().filter(|step| dialect::is_own(step)).collect();
    let weigh = |message: usize, bytes: Range<usize>| {
        // The end of turn is an empty run.
        let inside = |span: &Range<usize>| {
            bytes.is_empty() || bytes.start < span.end && span.start < bytes.end
        };
        let mut spans = changed.iter().filter(|(of, _)| *of == message).map(|(_, span)| span);
        let edit = spans.clone().next().is_some();
        // After instruction and task, every step is one message and one observation.
        match own[(message - 2) / 2].masked {
            true => 0.0,
            false if spans.any(inside) => stress,
            false if edit => EDIT,
            false => 1.0,
        }
    };
    let examples::Conversation { mut example, kept, last } =
        examples::conversation(tokenizer, source, &messages, &weigh, LENGTH)?;
    for (message, old, new) in swapped {
        examples::unlike(tokenizer, &mut example, &messages, (message, old, new));
    }
    messages.truncate(last + 1);
    let spoken = |at: usize| at >= 2 && at.is_multiple_of(2);
    let train = (0..=last).map(|at| spoken(at) && weigh(at, 0..0) > 0.0).collect();
    Some(Taught { example, messages, train, kept })
}

/// Held-out tasks in an order that the clock cannot choose, with all that measuring them needs.
pub fn fix_items(tasks: &[Task], solved: &[Attempt], bases: &Bases, most: usize) -> Vec<FixItem> {
    let mut tasks: Vec<&Task> = tasks.iter().collect();
    tasks.sort_by_key(|task| (task.rng_seed, task.id));
    let shots = Shots::new(solved);
    let item = |(index, task): (usize, &&Task)| {
        let (environment, _) = bases.environment(task).ok()?;
        let ideal = reference_spans(task, environment.clone())?;
        let (place, after) = place(task, &ideal.steps, &environment)?;
        let found = shots.of(&task.description, Some(task));
        let other = tasks[(index + tasks.len() / 2) % tasks.len()];
        let other = other.description.clone();
        let task = (*task).clone();
        Some(FixItem { task, environment, ideal, place, after, shots: found, other })
    };
    tasks.iter().enumerate().take(most).filter_map(item).collect()
}

/// The first function the ideal solution opens, and its file's text as the reference leaves it.
fn place(task: &Task, steps: &[Step], environment: &Environment) -> Option<(FunctionKey, String)> {
    let opened = steps.iter().find_map(|step| match &step.action {
        Action::Open { path, name: Some(name) } => {
            Some(FunctionKey { path: path.clone(), name: name.clone() })
        }
        Action::Open { name: None, .. }
        | Action::Search { .. }
        | Action::View { .. }
        | Action::Create { .. }
        | Action::Insert { .. }
        | Action::Undo { .. }
        | Action::Edit { .. }
        | Action::Check { .. }
        | Action::Bash { .. }
        | Action::Diff
        | Action::Submit
        | Action::Unreadable { .. } => None,
    })?;
    let read = |path: &TreePath| environment.read_text(path).ok().map(|t| t.to_string());
    let after = task.reference.apply(&read, 0).ok()?;
    let text = after.into_iter().find(|(path, _)| *path == opened.path)?.1?;
    Some((opened, text))
}

/// Solved training tasks that can be shown.
pub struct Shots<'a> {
    by_task: BTreeMap<TaskId, &'a Attempt>,
    solved: Solved<'a>,
}

impl<'a> Shots<'a> {
    /// Makes attempts at training tasks searchable.
    pub fn new(solved: &'a [Attempt]) -> Self {
        Self {
            by_task: solved.iter().map(|attempt| (attempt.task.id, attempt)).collect(),
            solved: Solved::new(solved.iter().map(|attempt| &attempt.task)),
        }
    }

    /// The most similar ones that were not made from the seed of `but`.
    pub fn of(&self, description: &str, but: Option<&Task>) -> Vec<Shot> {
        let similar = self.solved.similar(description, but, SHOWN);
        similar.iter().filter_map(|task| shot(self.by_task.get(&task.id)?)).collect()
    }
}

/// The first edit that solved a training task, as a student that had opened its place wrote it.
fn shot(attempt: &Attempt) -> Option<Shot> {
    let Trajectory { steps, description, outcome, .. } = &attempt.trajectory;
    let edit = |step: &Step| matches!(step.action, Action::Edit { .. }) && !step.masked;
    let submitted = matches!(outcome, Outcome::Submitted { .. });
    let first = steps.iter().position(edit).filter(|_| submitted)?;
    let told = dialect::guided(&[], description, &steps[..=first]).ended();
    let answer = told.messages.last()?.content.clone();
    Some(Shot { description: attempt.task.description.clone(), answer })
}

/// Held-out holes in a fixed random order, each with the most similar training functions.
pub fn hole_items(holes: &[Hole], training: &[Hole], most: usize) -> Vec<HoleItem> {
    let mut holes = holes.to_vec();
    holes.shuffle(&mut ChaCha8Rng::seed_from_u64(0x401e));
    holes.truncate(most);
    let neighbours = Neighbours::new(training);
    holes.into_iter().map(|hole| HoleItem { neighbours: neighbours.of(&hole), hole }).collect()
}

/// Training functions by the words they hold.
struct Neighbours<'a> {
    holes: Vec<(&'a Hole, BTreeSet<&'a str>)>,
}

impl<'a> Neighbours<'a> {
    fn new(holes: &'a [Hole]) -> Self {
        // The body of a file's last function has nothing after it either.
        let mut shown = BTreeSet::new();
        let whole = holes.iter().filter(|hole| hole.after.is_empty());
        let once = whole.filter(|hole| shown.insert(&hole.function));
        Self { holes: once.map(|hole| (hole, words(&hole.before))).collect() }
    }

    /// The code of the most similar training functions, most similar last: next to the hole.
    fn of(&self, hole: &Hole) -> String {
        let wanted = words(&hole.before);
        let similarity = |own: &BTreeSet<&str>| {
            let shared = own.intersection(&wanted).count() as f64;
            shared / (own.len() + wanted.len()).max(1) as f64
        };
        let mut ranked: Vec<(f64, &Hole)> =
            self.holes.iter().map(|(hole, own)| (similarity(own), *hole)).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let text = |hole: &Hole| {
            let whole = format!("{}{}\n\n", hole.before, hole.middle);
            let start = whole.len().saturating_sub(NEIGHBOUR_BYTES / SHOWN);
            let start = (start..=whole.len()).find(|i| whole.is_char_boundary(*i)).unwrap_or(0);
            whole[start..].to_owned()
        };
        let shown = ranked.iter().take(SHOWN).map(|(_, hole)| text(hole));
        shown.collect::<Vec<_>>().into_iter().rev().collect()
    }
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.len() > 2).collect()
}
