//! Soft Verified Generation with a teacher that writes (arXiv 2601.20789, section 3).
//!
//! One function and one family go through eight steps, and everything that came of it is one
//! record: a vague request; a first rollout that answers it; the teacher's own judgement of that;
//! a description of the problem as it was before; a second rollout that is given nothing else; and
//! how much of the first patch the second one reproduces. No test is run.
mod texts;

use crate::{Attempt, Bases, DropReason};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sera_agent::dialect::{self, Dialect, Reader};
use sera_agent::roll_out::{LOST, NOWHERE, OVERFLOW, REFUSED, UNFIT, UNSUPPORTED};
use sera_agent::verify::{leaks, touched};
use sera_agent::{Limits, Thresholds, Views, reference_spans, roll_out, verify};
use sera_core::split::held_out_function;
use sera_core::task::{Base, TASK_SCHEMA};
use sera_core::trajectory::Limit;
use sera_core::{
    Action, Cancel, CommitId, Digest, Family, FunctionKey, FunctionSeed, Language, Model,
    ModelError, Origin, Outcome, Patch, Prompt, Register, Reply, SeedId, Step, Task, TaskId,
    Trajectory, TrajectoryId, TreePath, Usage,
};
use sera_sandbox::Overlay;
use sera_sandbox::container::{Pool, Shell};
use sera_syntax::families::FAMILIES;
use sera_syntax::parse;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The schema word every stored generation opens with.
pub const GENERATION_SCHEMA: &str = "sera-generation/1";

/// First rollouts until the teacher finds that one answers the request (SERA §1.4).
const FIRST: usize = 3;
/// Steps of a rollout in which commands can be run (SERA §1.4).
const STEPS_WITH_COMMANDS: usize = 115;
/// Descriptions until one gives nothing away.
const DESCRIPTIONS: usize = 3;
/// Bytes of a description at least and at most.
const DESCRIPTION: std::ops::RangeInclusive<usize> = 24..=3000;
/// Tokens of an answer of one word, thinking included, and of a description.
const JUDGEMENT_TOKENS: usize = 1024;
const DESCRIPTION_TOKENS: usize = 2048;

/// One first rollout and what the teacher thinks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct First {
    /// What was done.
    pub trajectory: Trajectory,
    /// Whether it does what was asked, in the teacher's own judgement; none where that was not
    /// asked, since it changed nothing.
    pub as_asked: Option<bool>,
}

/// Everything that one function went through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// [`GENERATION_SCHEMA`].
    pub schema: String,
    /// What it was made from.
    pub seed: SeedId,
    /// The function asked about.
    pub function: FunctionKey,
    /// What kind of change was asked for.
    pub family: Family,
    /// The commit whose tree is changed.
    pub base: CommitId,
    /// The teacher's name.
    pub teacher: String,
    /// All that is set about it and decides what it says.
    #[serde(default)]
    pub settings: Option<Digest>,
    /// Seed of every random choice.
    pub rng_seed: u64,
    /// The request of the first rollouts.
    pub request: String,
    /// First rollouts, the last of which the rest is about.
    pub first: Vec<First>,
    /// The message of this repository that the description was to be like.
    pub demonstration: Option<String>,
    /// The problem, as the teacher describes it.
    pub description: Option<String>,
    /// What may be trained on: the first rollout, then the second.
    pub attempts: Vec<Attempt>,
    /// The same patches, each arrived at as a guided student's harness would: what such a student
    /// learns from. Empty where there is no such way.
    #[serde(default)]
    pub guided: Vec<Vec<Step>>,
    /// Why there is no accepted second rollout.
    pub dropped: Option<DropReason>,
    /// Tokens of everything.
    pub usage: Usage,
    /// Cost of everything, micro-dollars.
    pub microdollars: u64,
}

/// One function to generate from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The function.
    pub seed: &'a FunctionSeed,
    /// The family asked for.
    pub family: &'static str,
    /// What the description is to be like.
    pub demonstration: Option<&'a str>,
    /// Seed of every random choice.
    pub rng_seed: u64,
}

/// Which functions are asked about, each with its family and demonstration: the same for the same
/// seeds. `weight` says how much more often a function is chosen than one of weight 1. Functions of
/// `done` pairs are not asked about again in the same way.
pub fn plan<'a>(
    functions: &[&'a FunctionSeed],
    demonstrations: &'a [String],
    weight: &dyn Fn(&FunctionKey) -> f64,
    limit: usize,
    rng_seed: u64,
    done: &dyn Fn(&SeedId, &str) -> bool,
) -> Vec<Wanted<'a>> {
    let chosen = |function: &'a FunctionSeed| {
        let own = seed_of(&[&rng_seed.to_string(), function.id.as_str()]);
        // Weighted sampling without replacement (Efraimidis and Spirakis, 2006): the largest
        // u^(1/w) come first, here as logarithms.
        let drawn = ChaCha8Rng::seed_from_u64(own).random_range(f64::EPSILON..1.0);
        (drawn.ln() / weight(&function.key), own, function)
    };
    let trained = functions.iter().filter(|function| !function.held_out);
    let mut order: Vec<_> = trained.map(|function| chosen(function)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.id.cmp(&b.2.id)));
    let wanted = order.into_iter().map(|(_, rng_seed, seed)| {
        let mut rng = ChaCha8Rng::seed_from_u64(rng_seed.wrapping_add(1));
        let family = FAMILIES[rng.random_range(0..FAMILIES.len())].name;
        let demonstration = demonstrations.choose(&mut rng).map(String::as_str);
        Wanted { seed, family, demonstration, rng_seed }
    });
    wanted.filter(|wanted| !done(&wanted.seed.id, wanted.family)).take(limit).collect()
}

impl Wanted<'_> {
    /// Which of so many bases it starts from.
    pub fn base(&self, bases: usize) -> usize {
        ChaCha8Rng::seed_from_u64(self.rng_seed.wrapping_add(2)).random_range(0..bases.max(1))
    }
}

/// Whether a function that is asked about stands in an older tree, and reads otherwise there: what
/// is the same is asked about where it stands now.
pub fn differs(function: &FunctionKey, now: &Bases, then: &Bases) -> bool {
    let text = |bases: &Bases| {
        let span = bases.index().function(&function.path, &function.name)?.span.clone();
        bases.source().read_text(&function.path).ok()?.get(span).map(str::to_owned)
    };
    text(then).is_some_and(|then| Some(then) != text(now))
}

/// So many commits of `commits` (with their times), spread evenly over the time they span, oldest
/// first; the newest is left to the cut.
pub fn spaced<'a>(commits: &[(i64, &'a CommitId)], most: usize) -> Vec<&'a CommitId> {
    let mut commits = commits.to_vec();
    commits.sort_unstable();
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return Vec::new() };
    // Widened: times and parts of them multiply.
    let (from, to) = (i128::from(first.0), i128::from(last.0));
    let after = |part: usize| {
        let at = from + (to - from) * (part as i128) / (most as i128);
        commits.partition_point(|(time, _)| i128::from(*time) < at)
    };
    let mut places: Vec<usize> = (0..most).map(after).collect();
    places.dedup();
    places.into_iter().filter_map(|at| commits.get(at)).map(|(_, commit)| *commit).collect()
}

fn seed_of(parts: &[&str]) -> u64 {
    let digest = Digest::of(parts.join("/").as_bytes());
    u64::from_str_radix(&digest.as_str()[..16], 16).expect("digests are hexadecimal")
}

/// What all generations of a run have in common.
pub struct Generator<'a> {
    /// The tree that is changed, and its index.
    pub bases: &'a Bases,
    /// The teacher's name.
    pub teacher: &'a str,
    /// All that is set about it and decides what it says.
    pub settings: &'a Digest,
    /// Limits of both rollouts; the seed is each generation's own.
    pub limits: Limits,
    /// Lines a patch may change.
    pub max_lines: usize,
    /// Unix milliseconds, for ids.
    pub now_ms: u64,
    /// The tree is not the one at the cut.
    pub earlier: bool,
    /// Set once the teacher's server was asked for calls of tools and knows none: words serve then.
    pub plain: &'a AtomicBool,
    /// Where commands run, if any do.
    pub shells: Option<&'a Arc<Pool>>,
    /// Where none can be had any more, nothing is done.
    pub demanded: bool,
}

/// Generates from all of `wanted`, so many at a time, each with a model of its own. `keep` is given
/// each record when it is whole; the first error that ends the run is returned, and whatever was
/// not whole by then is not kept.
pub fn generate_all<M: Model>(
    wanted: &[Wanted<'_>],
    generator: &Generator<'_>,
    width: usize,
    model: &(dyn Fn(&Wanted<'_>) -> M + Sync),
    cancel: &Cancel,
    keep: &(dyn Fn(Generation) + Sync),
) -> Result<(), ModelError> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
    let fail = |error| {
        let mut failed = failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        failed.get_or_insert(error);
    };
    let has_failed = || failed.lock().map_or(true, |failed| failed.is_some());
    let work = || {
        while let Some(wanted) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            if has_failed() {
                break;
            }
            match generator.generate(wanted, &mut model(wanted), cancel) {
                Ok(generation) => keep(generation),
                Err(error) => fail(error),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..width.max(1) {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).map_or(Ok(()), Err)
}

impl Generator<'_> {
    /// One generation. What a model writes is never an error; that nothing more will be written is.
    pub fn generate(
        &self,
        wanted: &Wanted<'_>,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<Generation, ModelError> {
        let mut record = self.begin(wanted);
        let steps = (|| {
            let patch = self.first(&mut record, model, cancel)?;
            let description = self.describe(&mut record, &patch, model, cancel)?;
            self.second(&mut record, patch, &description, model, cancel)
        })();
        match steps {
            Ok(()) => {}
            Err(Ended::Dropped(reason)) => record.dropped = Some(reason),
            Err(Ended::Error(error)) => return Err(error),
        }
        Ok(record)
    }

    fn begin(&self, wanted: &Wanted<'_>) -> Generation {
        let function = &wanted.seed.key;
        Generation {
            schema: GENERATION_SCHEMA.to_owned(),
            seed: wanted.seed.id.clone(),
            function: function.clone(),
            family: Family(wanted.family.to_owned()),
            base: self.bases.cut().clone(),
            teacher: self.teacher.to_owned(),
            settings: Some(self.settings.clone()),
            rng_seed: wanted.rng_seed,
            request: texts::request(function, wanted.family),
            first: Vec::new(),
            demonstration: wanted.demonstration.map(|text| self.redacted(text)),
            description: None,
            attempts: Vec::new(),
            guided: Vec::new(),
            dropped: None,
            usage: Usage::default(),
            microdollars: 0,
        }
    }

    /// First rollouts, until one changes something that the teacher finds to be what was asked.
    fn first(
        &self,
        record: &mut Generation,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<Patch, Ended> {
        let mut reason = DropReason::NothingChanged;
        for turn in 0..FIRST {
            let mut task = self.task(record, turn, record.request.clone(), Patch::default());
            let trajectory = self.roll_out(record, &task, turn, model, cancel)?;
            let candidate = trajectory.candidate().filter(|patch| !patch.is_empty()).cloned();
            record.first.push(First { trajectory: trajectory.clone(), as_asked: None });
            let Some(patch) = candidate else { continue };
            task.reference = patch.clone();
            let (_, base) = self.bases.environment(&task)?;
            if let Some(unfit) = self.unfit(&record.function, &patch, &trajectory.steps, &base) {
                reason = unfit;
                continue;
            }
            let as_asked = self.judge(record, &trajectory.steps, &patch, model, cancel)?;
            if let Some(first) = record.first.last_mut() {
                first.as_asked = Some(as_asked);
            }
            if !as_asked {
                reason = DropReason::NotAsAsked;
                continue;
            }
            let verdict = verify(&task, &trajectory, &base, &Thresholds::default());
            self.keep(record, Attempt { task, trajectory, verdict })?;
            return Ok(patch);
        }
        Err(reason.into())
    }

    /// Why nothing may be made of a patch.
    fn unfit(
        &self,
        function: &FunctionKey,
        patch: &Patch,
        steps: &[Step],
        base: &Overlay,
    ) -> Option<DropReason> {
        if patch.changed_lines() > self.max_lines {
            return Some(DropReason::TooLarge);
        }
        if self.bases.redactor().touches_secret(patch) {
            return Some(DropReason::Secret);
        }
        let fits = touched(patch, base).is_some_and(|keys| !keys.iter().any(held_out_function));
        // What was edited and taken back again would be learnt from its step.
        let edited = steps.iter().any(|step| edits_held_out(step, base));
        // Functions of other files may have other names today, under which they are held out.
        let strays = self.earlier && patch.files.iter().any(|file| *file.path() != function.path);
        (!fits || edited || strays).then_some(DropReason::TouchesHeldOut)
    }

    /// Whether the change is what was asked for. Where the steps are too long to be shown, their
    /// first quarter is left out, again and again.
    fn judge(
        &self,
        record: &mut Generation,
        steps: &[Step],
        patch: &Patch,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<bool, Ended> {
        let mut steps = steps;
        loop {
            let messages = texts::judgement(&record.request, steps, patch);
            let prompt = self.prompt(messages, JUDGEMENT_TOKENS, record.rng_seed);
            match model.reply(&prompt, cancel) {
                Ok(reply) => {
                    record.add(&reply);
                    return Ok(says_yes(&reply.text));
                }
                Err(ModelError::ContextOverflow { .. }) if steps.len() > 1 => {
                    steps = &steps[steps.len().div_ceil(4)..];
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The problem as it was before `patch`, in the manner of this repository.
    fn describe(
        &self,
        record: &mut Generation,
        patch: &Patch,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<String, Ended> {
        for turn in 0..DESCRIPTIONS {
            let steps = record.first.last().map_or(&[][..], |first| &first.trajectory.steps);
            let messages = texts::description(record.demonstration.as_deref(), steps, patch);
            let seed = record.rng_seed.wrapping_add(turn as u64);
            let prompt = self.prompt(messages, DESCRIPTION_TOKENS, seed);
            let reply = model.reply(&prompt, cancel)?;
            record.add(&reply);
            // What a model writes may hold a secret that nobody showed it.
            let text = self.redacted(reply.text.trim());
            let good = reply.finished
                && DESCRIPTION.contains(&text.len())
                && !leaks(&text, [patch], &Thresholds::default());
            if good {
                record.description = Some(text.clone());
                return Ok(text);
            }
        }
        Err(DropReason::NoDescription.into())
    }

    /// The second rollout, which is given the description and nothing else.
    fn second(
        &self,
        record: &mut Generation,
        reference: Patch,
        description: &str,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<(), Ended> {
        let task = self.task(record, FIRST, description.to_owned(), reference);
        let trajectory = self.roll_out(record, &task, FIRST, model, cancel)?;
        let (_, base) = self.bases.environment(&task)?;
        let verdict = verify(&task, &trajectory, &base, &Thresholds::default());
        let unfit = trajectory
            .candidate()
            .and_then(|patch| self.unfit(&record.function, patch, &trajectory.steps, &base));
        if let Some(reason) = unfit {
            return Err(reason.into());
        }
        if !verdict.accepted() {
            record.dropped = Some(DropReason::Rejected);
        }
        self.keep(record, Attempt { task, trajectory, verdict })
    }

    fn keep(&self, record: &mut Generation, attempt: Attempt) -> Result<(), Ended> {
        let (environment, _) = self.bases.environment(&attempt.task)?;
        let candidate = attempt.trajectory.candidate().cloned().unwrap_or_default();
        let task = Task { reference: candidate, ..attempt.task.clone() };
        let ideal = reference_spans(&task, environment);
        record.guided.push(ideal.map(|ideal| ideal.steps).unwrap_or_default());
        record.attempts.push(attempt);
        Ok(())
    }

    /// The first request of a generation, for people who want to see what is sent.
    /// `commands`: whether some can be run.
    pub fn first_prompt(&self, wanted: &Wanted<'_>, commands: bool) -> Prompt {
        let request = texts::request(&wanted.seed.key, wanted.family);
        let reader = self.reader().with_commands(commands);
        let messages = dialect::render_for(reader, &request, &[]);
        let prompt = self.prompt(messages, self.limits.reply_tokens, wanted.rng_seed);
        Prompt { tools: dialect::tools_for(reader), ..prompt }
    }

    fn redacted(&self, text: &str) -> String {
        self.bases.redactor().redact(text).0
    }

    /// As the limits have it, until a server refuses.
    fn reader(&self) -> Reader {
        match self.plain.load(Ordering::Relaxed) {
            true => Reader::Teacher(Dialect::Plain),
            false => self.limits.reader,
        }
    }

    fn prompt(&self, messages: Vec<sera_core::Message>, tokens: usize, seed: u64) -> Prompt {
        let temperature = self.limits.temperature;
        Prompt { temperature, seed, ..Prompt::greedy(messages, tokens) }
    }

    fn task(
        &self,
        record: &Generation,
        turn: usize,
        description: String,
        reference: Patch,
    ) -> Task {
        let name = format!("{}/{}/{}/{turn}", record.seed, record.family.0, record.rng_seed);
        Task {
            schema: TASK_SCHEMA.to_owned(),
            id: TaskId::new(self.now_ms, name.as_bytes()),
            seed: record.seed.clone(),
            origin: Origin::Generated { function: record.function.clone(), vague: turn < FIRST },
            base: Base { commit: record.base.clone(), bug: None },
            description,
            register: Register::Symptom,
            family: record.family.clone(),
            reference,
            held_out: false,
            rng_seed: record.rng_seed,
        }
    }

    fn roll_out(
        &self,
        record: &mut Generation,
        task: &Task,
        turn: usize,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<Trajectory, Ended> {
        let (environment, _) = self.bases.environment(task)?;
        let mut environment = environment.with_views(Views::WIDE);
        // An engine that is gone ends the rollouts that were using it; the rest go on without,
        // unless they must not.
        let shell = self.shells.and_then(|pool| Shell::new(pool.clone()).ok());
        if self.demanded && shell.is_none() {
            return Err(DropReason::EnvironmentLost.into());
        }
        let commands = shell.is_some();
        if let Some(shell) = shell {
            environment = environment.with_shell(shell, cancel.clone());
        }
        let name = format!("{}/{}", task.id, self.teacher);
        let id = TrajectoryId::new(self.now_ms, name.as_bytes());
        let seed = record.rng_seed.wrapping_add(turn as u64);
        let reader = self.reader().with_commands(commands);
        let steps = if commands { STEPS_WITH_COMMANDS } else { self.limits.steps };
        let limits = Limits { seed, reader, steps, ..self.limits };
        let trajectory = roll_out(task, id, model, environment, &limits, cancel, self.teacher);
        record.usage.add(&trajectory.usage);
        record.microdollars += trajectory.cost_microdollars;
        let refused =
            matches!(&trajectory.outcome, Outcome::Failed { code, .. } if code == UNSUPPORTED);
        let plain = Reader::Teacher(Dialect::Plain).with_commands(commands);
        let begun = !trajectory.steps.is_empty() || reader == plain;
        if refused && !begun {
            self.plain.store(true, Ordering::Relaxed);
            return self.roll_out(record, task, turn, model, cancel);
        }
        match &trajectory.outcome {
            Outcome::LimitReached { limit: Limit::Cancelled } => Err(ModelError::Cancelled.into()),
            Outcome::LimitReached { limit: Limit::Budget } => Err(ModelError::Exhausted.into()),
            Outcome::Failed { code, message } if code == LOST => {
                Err(ModelError::Lost(message.clone().into()).into())
            }
            Outcome::Failed { code, .. } if code == OVERFLOW => {
                Err(DropReason::ContextOverflow.into())
            }
            Outcome::Failed { code, .. } if code == NOWHERE => {
                Err(DropReason::EnvironmentLost.into())
            }
            Outcome::Failed { code, .. } if code == UNFIT => {
                Err(DropReason::EnvironmentUnfit.into())
            }
            Outcome::Failed { code, .. } if code == REFUSED => {
                Err(DropReason::TeacherRefused.into())
            }
            Outcome::Failed { .. } => Err(DropReason::TeacherFailed.into()),
            Outcome::Submitted { .. } | Outcome::LimitReached { .. } => Ok(trajectory),
        }
    }
}

impl Generation {
    /// Whether it is to be begun again, now that so much is set about the teacher: it refused, as
    /// something else was set.
    pub fn is_stale(&self, settings: &Digest) -> bool {
        self.is_refused() && self.settings.as_ref() != Some(settings)
    }

    /// Whether the teacher refused, and would again.
    pub fn is_refused(&self) -> bool {
        self.dropped == Some(DropReason::TeacherRefused)
    }

    /// Its attempts, with the steps that a guided student would take to the same patches. Those
    /// that have no such way are left out; records from before there were ways keep their steps.
    pub fn for_guided(self) -> Vec<Attempt> {
        if self.guided.is_empty() {
            return self.attempts;
        }
        let with_way = |(mut attempt, steps): (Attempt, Vec<Step>)| {
            attempt.trajectory.steps = steps;
            (!attempt.trajectory.steps.is_empty()).then_some(attempt)
        };
        self.attempts.into_iter().zip(self.guided).filter_map(with_way).collect()
    }

    fn add(&mut self, reply: &Reply) {
        self.usage.add(&reply.usage);
        self.microdollars += reply.microdollars;
    }
}

/// How a generation ends before its last step.
enum Ended {
    Dropped(DropReason),
    Error(ModelError),
}

impl From<DropReason> for Ended {
    fn from(reason: DropReason) -> Self {
        Self::Dropped(reason)
    }
}

impl From<ModelError> for Ended {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled | ModelError::Exhausted | ModelError::Lost(_) => {
                Self::Error(error)
            }
            ModelError::ContextOverflow { .. } => Self::Dropped(DropReason::ContextOverflow),
            ModelError::Refused(_) => Self::Dropped(DropReason::TeacherRefused),
            ModelError::Unsupported(_) | ModelError::Failed(_) => {
                Self::Dropped(DropReason::TeacherFailed)
            }
        }
    }
}

/// Whether a step edits a function that is held out.
fn edits_held_out(step: &Step, base: &Overlay) -> bool {
    let Some((path, edited)) = edited(&step.action, base) else { return false };
    let Ok(text) = base.read_text(path) else { return false };
    let Some(language) = Language::of(path) else { return false };
    let functions = parse(language, text.clone()).functions();
    let mut met =
        functions.iter().filter(|f| f.span.start < edited.end && edited.start < f.span.end);
    met.any(|f| held_out_function(&FunctionKey { path: path.clone(), name: f.name.clone() }))
}

/// The file that an action changes and where, in bytes of what stood there at first. What is taken
/// back was an edit of its own.
fn edited<'a>(action: &'a Action, base: &Overlay) -> Option<(&'a TreePath, Range<usize>)> {
    match action {
        Action::Edit { path, old, .. } => {
            let text = base.read_text(path).ok()?;
            let at = text.find(old.as_str()).filter(|_| !old.is_empty())?;
            Some((path, at..at + old.len()))
        }
        Action::Insert { path, after, .. } => {
            let text = base.read_text(path).ok()?;
            let at: usize = text.split_inclusive('\n').take(*after).map(str::len).sum();
            Some((path, at.saturating_sub(1)..at + 1))
        }
        Action::Search { .. }
        | Action::Open { .. }
        | Action::View { .. }
        | Action::Create { .. }
        | Action::Undo { .. }
        | Action::Check { .. }
        | Action::Bash { .. }
        | Action::Diff
        | Action::Submit
        | Action::Unreadable { .. } => None,
    }
}

/// Whether a judgement is a yes: its last line that is one of both words, whatever surrounds it.
fn says_yes(text: &str) -> bool {
    let word = |line: &str| line.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase();
    let answers = text.lines().rev().map(word).filter(|word| word == "yes" || word == "no");
    answers.map(|word| word == "yes").next().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_spaced_by_time_and_not_by_number() {
        let ids: Vec<CommitId> =
            (0..10).map(|at| CommitId::from_hex(format!("{at:040x}"))).collect();
        let check = |times: &[i64], most: usize, expect: &[usize]| {
            let commits: Vec<_> = times.iter().copied().zip(&ids).collect();
            let expect: Vec<_> = expect.iter().map(|at| &ids[*at]).collect();
            assert_eq!(spaced(&commits, most), expect, "{times:?}");
        };
        check(&[], 3, &[]);
        check(&[5], 3, &[0]);
        check(&[0, 10, 20, 30], 2, &[0, 2]);
        check(&[30, 0, 20, 10], 2, &[1, 2]);
        check(&[0, 1, 2, 3, 90], 3, &[0, 4]);
        check(&[i64::MIN, i64::MAX], 2, &[0, 1]);
        check(&[0, 10], 0, &[]);
    }

    #[test]
    fn judgements() {
        for (text, expect) in [
            ("yes", true),
            ("Yes.", true),
            ("**YES**", true),
            ("It does.\n\nyes\n", true),
            ("no", false),
            ("yes\nno", false),
            ("", false),
            ("I cannot say", false),
            ("yes and no", false),
        ] {
            assert_eq!(says_yes(text), expect, "{text:?}");
        }
    }
}
