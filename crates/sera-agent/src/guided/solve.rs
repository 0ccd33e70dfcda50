//! The harness from the task's words to the best patches.
use super::locate::{Located, locate};
use super::rank::{Candidate, Ranked, rank_edits};
use super::{Guided, Source};
use crate::environment::Environment;
use crate::{dialect, edits_between, roll_out as open_loop};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::trajectory::TRAJECTORY_SCHEMA;
use sera_core::{
    Action, Cancel, FunctionKey, Model, ModelError, Outcome, Patch, Step, Task, Trajectory,
    TrajectoryId, TreePath, Usage,
};

/// What the harness is doing, for streaming.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A search with these words begins.
    Searching {
        /// The words.
        query: String,
    },
    /// Functions found, in retrieval's order.
    Hits(Vec<FunctionKey>),
    /// The model's order of them.
    Located(Vec<FunctionKey>),
    /// A function is opened, its edits are ranked.
    Opened(FunctionKey),
    /// So many edits of it were ranked.
    Ranked {
        /// How many.
        edits: usize,
    },
    /// The best patches are known.
    Proposals(usize),
}

/// One ranked patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The file.
    pub path: TreePath,
    /// The function that was opened.
    pub name: String,
    /// The change.
    pub patch: Patch,
    /// What it was ranked by; higher is better.
    pub score: f64,
    /// Where it came from.
    pub source: Source,
}

/// What the harness arrived at.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// What was done, as a trajectory's steps; ends with the edits of the best proposal and submit.
    pub steps: Vec<Step>,
    /// The best proposals, best first.
    pub ranked: Vec<Proposal>,
    /// How it ended: submitted the first proposal, or failed with `no-hits` or `no-proposal`.
    pub outcome: Outcome,
    /// The hits and both orders; `None` when it ended before.
    pub located: Option<Located>,
    /// Actions written freely that could be read and executed, of all written.
    pub valid: (usize, usize),
    /// Tokens that the model's own writing used.
    pub usage: Usage,
}

/// Whether an outcome's code says that there was nothing to propose, which is an answer; others say
/// that the student failed.
pub fn found_nothing(code: &str) -> bool {
    [NO_HITS, NO_PROPOSAL].contains(&code)
}

const NO_HITS: &str = "no-hits";
const NO_PROPOSAL: &str = "no-proposal";

impl Solved {
    /// The record of it as an attempt at `task`.
    pub fn trajectory(self, task: &Task, id: TrajectoryId, teacher: &str) -> Trajectory {
        Trajectory {
            schema: TRAJECTORY_SCHEMA.to_owned(),
            id,
            task: task.id,
            description: task.description.clone(),
            teacher: teacher.to_owned(),
            prompts: dialect::digest(),
            rng_seed: 0,
            steps: self.steps,
            outcome: self.outcome,
            usage: self.usage,
            cost_microdollars: 0,
        }
    }
}

/// A guided rollout: [`solve`] with nobody watching.
#[expect(clippy::too_many_arguments, reason = "a rollout is made of exactly these")]
pub fn roll_out(
    task: &Task,
    id: TrajectoryId,
    model: &mut dyn Model,
    environment: Environment,
    options: &Guided,
    cancel: &Cancel,
    teacher: &str,
) -> Trajectory {
    let solved = solve(&task.description, model, environment, options, &mut |_| {}, cancel);
    solved.trajectory(task, id, teacher)
}

/// Solves a task and never fails: errors are outcomes.
pub fn solve(
    description: &str,
    model: &mut dyn Model,
    mut environment: Environment,
    options: &Guided,
    watch: &mut dyn FnMut(Event),
    cancel: &Cancel,
) -> Solved {
    let mut solved = nothing();
    let task = Solving { description, options, cancel };
    if let Err(error) = task.run(model, &mut environment, watch, &mut solved) {
        solved.outcome = open_loop::ended(&error);
    }
    solved
}

/// Several attempts at a task that is ranked once, at most `most`: each submits an edit of its own,
/// drawn without replacement with odds that follow the ranking at the options' temperature (the
/// largest score plus Gumbel noise come first; Kool et al., arXiv 1903.06059). Fewer where fewer
/// edits parse; none where nothing was found.
pub fn sample(
    description: &str,
    model: &mut dyn Model,
    mut environment: Environment,
    options: &Guided,
    most: usize,
    cancel: &Cancel,
) -> Result<Vec<Solved>, ModelError> {
    let start = environment.clone();
    let task = Solving { description, options, cancel };
    let mut solved = nothing();
    let ranked = task.rank(model, &mut environment, &mut |_| {}, &mut solved)?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut noise = || {
        let uniform: f64 = rng.random_range(f64::EPSILON..1.0);
        -(-uniform.ln()).ln() * f64::from(options.temperature)
    };
    let mut all: Vec<_> = candidates(&ranked).map(|one| (one.0 + noise(), one)).collect();
    all.sort_by(|a, b| b.1.2.kept.cmp(&a.1.2.kept).then(b.0.total_cmp(&a.0)));
    let scored = solved.located.as_ref().is_some_and(|located| located.nats.is_some());
    let mut attempts: Vec<Solved> = Vec::new();
    for (_, one) in all {
        if attempts.len() >= most {
            break;
        }
        let (mut own, mut environment) = (solved.clone(), start.clone());
        task.propose(&[one], scored, &mut environment, &mut own);
        let new = own
            .ranked
            .first()
            .is_some_and(|found| attempts.iter().all(|known| known.ranked[0].patch != found.patch));
        if new {
            attempts.push(own);
        }
    }
    Ok(attempts)
}

fn nothing() -> Solved {
    Solved {
        steps: Vec::new(),
        ranked: Vec::new(),
        outcome: failed(NO_HITS, "no function matches the words of the task"),
        located: None,
        valid: (0, 0),
        usage: Usage::default(),
    }
}

/// An edit with its whole score, and the function it is of.
type Scored<'a> = (f64, &'a Ranked, &'a Candidate);

fn candidates(opened: &[(f64, Ranked)]) -> impl Iterator<Item = Scored<'_>> {
    opened.iter().flat_map(|(place, ranked)| {
        ranked.candidates.iter().map(move |edit| (place + edit.score, ranked, edit))
    })
}

fn failed(code: &str, message: &str) -> Outcome {
    Outcome::Failed { code: code.to_owned(), message: message.to_owned() }
}

struct Solving<'a> {
    description: &'a str,
    options: &'a Guided,
    cancel: &'a Cancel,
}

impl Solving<'_> {
    fn run(
        &self,
        model: &mut dyn Model,
        environment: &mut Environment,
        watch: &mut dyn FnMut(Event),
        solved: &mut Solved,
    ) -> Result<(), ModelError> {
        let ranked = self.rank(model, environment, watch, solved)?;
        let Some(located) = solved.located.as_ref().filter(|found| !found.hits.is_empty()) else {
            return Ok(());
        };
        let scored = located.nats.is_some();
        let mut all: Vec<Scored<'_>> = candidates(&ranked).collect();
        all.sort_by(|a, b| b.2.kept.cmp(&a.2.kept).then(b.0.total_cmp(&a.0)));
        self.propose(&all, scored, environment, solved);
        watch(Event::Proposals(solved.ranked.len()));
        Ok(())
    }

    /// Finds the functions and ranks their edits.
    fn rank(
        &self,
        model: &mut dyn Model,
        environment: &mut Environment,
        watch: &mut dyn FnMut(Event),
        solved: &mut Solved,
    ) -> Result<Vec<(f64, Ranked)>, ModelError> {
        self.cancel.check()?;
        let query = crate::words::query_words(self.description).join(" ");
        watch(Event::Searching { query });
        let located = locate(self.description, model, environment, self.options, self.cancel)?;
        solved.steps.push(located.step.clone());
        watch(Event::Hits((0..located.hits.len()).map(|hit| located.key(hit)).collect()));
        watch(Event::Located(located.order.iter().map(|&hit| located.key(hit)).collect()));
        let best = self.open(&located, model, environment, watch, solved);
        solved.located = Some(located);
        best
    }

    /// Ranks the edits of the best functions.
    fn open(
        &self,
        located: &Located,
        model: &mut dyn Model,
        environment: &Environment,
        watch: &mut dyn FnMut(Event),
        solved: &mut Solved,
    ) -> Result<Vec<(f64, Ranked)>, ModelError> {
        let mut opened = Vec::new();
        let likeliest = located.order.first().map_or(0.0, |&first| located.log_share(first));
        for &hit in located.order.iter().take(self.options.opened) {
            self.cancel.check()?;
            let place = located.key(hit);
            let odds = (located.log_share(hit) - likeliest).exp();
            watch(Event::Opened(place.clone()));
            let steps = std::slice::from_ref(&located.step);
            let (options, cancel) = (&self.options.for_odds(odds), self.cancel);
            let ranked =
                rank_edits(self.description, steps, &place, model, environment, options, cancel)?;
            watch(Event::Ranked { edits: ranked.candidates.len() });
            solved.valid.0 += ranked.valid.0;
            solved.valid.1 += ranked.valid.1;
            solved.usage.prompt_tokens += ranked.usage.prompt_tokens;
            solved.usage.completion_tokens += ranked.usage.completion_tokens;
            opened.push((self.options.place * located.log_share(hit), ranked));
        }
        Ok(opened)
    }

    /// The best candidates that parse, as patches; submits the first.
    fn propose(
        &self,
        best: &[Scored<'_>],
        scored: bool,
        environment: &mut Environment,
        solved: &mut Solved,
    ) {
        for &(score, ranked, candidate) in best {
            if solved.ranked.len() >= self.options.proposals {
                break;
            }
            let Some((steps, patch)) = attempt(ranked, candidate, environment) else { continue };
            if solved.ranked.iter().any(|known| known.patch == patch) {
                continue;
            }
            if solved.ranked.is_empty() {
                let mut open = ranked.step.clone();
                // Retrieval's first hit is nobody's choice.
                open.masked |= !scored;
                solved.steps.push(open);
                solved.steps.extend(steps);
                let submit = open_loop::take(environment, Action::Submit);
                solved.steps.push(submit);
                solved.outcome = Outcome::Submitted { patch: patch.clone() };
            }
            let FunctionKey { path, name } = ranked.place.clone();
            solved.ranked.push(Proposal { path, name, patch, score, source: candidate.source });
        }
        if solved.ranked.is_empty() {
            solved.outcome = failed(NO_PROPOSAL, "no edit of the functions found parses");
        }
    }
}

/// The steps that lead to a candidate and its patch; `None` where it does not parse.
fn attempt(
    ranked: &Ranked,
    candidate: &Candidate,
    environment: &Environment,
) -> Option<(Vec<Step>, Patch)> {
    if !ranked.parses(candidate) {
        return None;
    }
    let path = &ranked.place.path;
    let mut environment = environment.clone();
    let edits = edits_between(path, &ranked.before, &candidate.text);
    let steps: Vec<Step> =
        edits.into_iter().map(|edit| open_loop::take(&mut environment, edit)).collect();
    let done = !steps.is_empty() && steps.iter().all(|step| step.observation.ok);
    done.then(|| (steps, environment.patch()))
}
