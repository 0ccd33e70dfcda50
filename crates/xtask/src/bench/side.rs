//! One repository of the comparison, from its history to its prepared examples and items.
use super::cost::{Cost, cost};
use anyhow::{Context as _, Result, bail};
use sera_core::redact::Redactor;
use sera_core::{Cancel, Hole, Lesson, Seed, Task};
use sera_daemon::prepare;
use sera_datagen::{Attempt, Bases, Cut, Drops, Known, Policy, Selection};
use sera_git::Repository;
use sera_model::Tokenizer;
use sera_train::Example;
use sera_train::evaluate::{FixItem, HoleItem};
use std::path::Path;

/// Training tasks asked for; holes fill the rest of the token budget.
const TRAINING_SEEDS: usize = 900;
const HELD_OUT_SEEDS: usize = 160;
/// Ids need a time; benchmarks use the same one always.
const NOW_MS: u64 = 1_760_000_000_000;
/// Seed of every choice.
const SEED: u64 = 20_260_120;

/// A repository with everything made from it.
pub(super) struct Side {
    /// The folder's name.
    pub(super) name: String,
    /// The commit that was mined.
    pub(super) tip: String,
    pub(super) cut: Cut,
    pub(super) seeds: Vec<Seed>,
    pub(super) dropped_seeds: Drops,
    pub(super) tasks: Vec<Task>,
    pub(super) dropped_tasks: Drops,
    pub(super) attempts: Vec<Attempt>,
    pub(super) dropped_rollouts: Drops,
    pub(super) holes: Vec<Hole>,
    pub(super) lessons: Vec<Lesson>,
    pub(super) bases: Bases,
    pub(super) mine: Cost,
    pub(super) synthesize: Cost,
    pub(super) roll_out: Cost,
}

/// What a repository is called here: its folder's name.
pub(super) fn name(path: &Path) -> Result<String> {
    let name = path.file_name().context("a repository's folder has a name")?;
    Ok(name.to_string_lossy().into_owned())
}

/// Mines, synthesizes and rolls out; deterministic in the repository's HEAD.
pub(super) fn prepare(path: &Path, training: Option<usize>) -> Result<Side> {
    let policy = Policy::default();
    let repository = Repository::discover(path)?;
    let tip = repository.head()?;

    let (mined, mine) =
        cost(|| sera_datagen::mine(&repository, &tip, &policy, &mut Known::default()));
    let mined = mined?;

    let bases = Bases::open(&repository, &mined.cut.commit, Redactor::new([7; 32]))?;
    let chosen = choose(&mined.seeds, training.unwrap_or(TRAINING_SEEDS));
    let (made, synthesize) =
        cost(|| sera_datagen::synthesize_all(&chosen, &bases, &policy, SEED, NOW_MS));
    let cancel = Cancel::default();
    let (rolled, roll_out) =
        cost(|| sera_datagen::roll_out_all(&made.tasks, &bases, &policy, NOW_MS, &cancel, &|_| ()));

    let holes = sera_datagen::holes(&mined.seeds, bases.source(), &policy, SEED);
    let lessons = sera_datagen::lessons(&mined.seeds, &bases, &policy, SEED)?;
    let count = |reasons: Vec<_>| sera_datagen::reason::count(reasons);
    Ok(Side {
        name: name(path)?,
        tip: tip.to_string(),
        cut: mined.cut,
        seeds: mined.seeds,
        dropped_seeds: mined.dropped,
        tasks: made.tasks,
        dropped_tasks: count(made.dropped.into_iter().map(|(_, reason)| reason).collect()),
        attempts: rolled.attempts,
        dropped_rollouts: count(rolled.dropped.into_iter().map(|(_, reason)| reason).collect()),
        holes,
        lessons,
        bases,
        mine,
        synthesize,
        roll_out,
    })
}

/// Seeds of both sides of the split, at even steps over the repository.
fn choose(seeds: &[Seed], training: usize) -> Vec<Seed> {
    let spread = |held_out: bool, wanted: usize| {
        let side: Vec<&Seed> = seeds.iter().filter(|s| s.held_out() == held_out).collect();
        let step = (side.len() as f64 / wanted.max(1) as f64).max(1.0);
        let at = move |i: usize| (i as f64 * step) as usize;
        (0..wanted).map_while(move |i| side.get(at(i)).map(|s| (*s).clone())).collect::<Vec<_>>()
    };
    [spread(false, training), spread(true, HELD_OUT_SEEDS)].concat()
}

impl Side {
    fn split(&self, held_out: bool) -> impl Iterator<Item = &Attempt> {
        let wanted = move |a: &&Attempt| a.task.held_out == held_out && a.verdict.accepted();
        self.attempts.iter().filter(wanted)
    }

    /// Accepted attempts at training tasks.
    pub(super) fn solved(&self) -> Vec<Attempt> {
        self.split(false).cloned().collect()
    }

    /// Training or held-out holes.
    pub(super) fn holes_of(&self, held_out: bool) -> Vec<Hole> {
        self.holes.iter().filter(|hole| hole.held_out == held_out).cloned().collect()
    }

    /// What an adapter of this repository is trained on.
    pub(super) fn dataset(&self, tokenizer: &Tokenizer, stress: f32) -> Vec<Example> {
        prepare::dataset(
            tokenizer,
            &self.solved(),
            (&self.lessons, &self.holes_of(false)),
            &Selection::default(),
            stress,
        )
        .0
    }

    /// The same with every answer given to another question.
    pub(super) fn permuted(&self, tokenizer: &Tokenizer) -> Vec<Example> {
        let mut attempts = self.solved();
        let mut holes = self.holes_of(false);
        // A place and its edit answer a question; which question is exchanged, so that what is
        // seen still fits what is written.
        let questions: Vec<String> =
            attempts.iter().map(|a| a.trajectory.description.clone()).collect();
        let shift = questions.len() / 2;
        for (index, attempt) in attempts.iter_mut().enumerate() {
            attempt
                .trajectory
                .description
                .clone_from(&questions[(index + shift) % questions.len()]);
        }
        let mut lessons = self.lessons.clone();
        let questions: Vec<_> = lessons.iter().map(|lesson| lesson.description.clone()).collect();
        let shift = questions.len() / 2;
        for (index, lesson) in lessons.iter_mut().enumerate() {
            lesson.description.clone_from(&questions[(index + shift) % questions.len()]);
        }
        let middles: Vec<_> = holes.iter().map(|hole| hole.middle.clone()).collect();
        let shift = middles.len() / 2;
        for (index, hole) in holes.iter_mut().enumerate() {
            hole.middle.clone_from(&middles[(index + shift) % middles.len()]);
        }
        let code = (lessons.as_slice(), holes.as_slice());
        prepare::dataset(tokenizer, &attempts, code, &Selection::default(), prepare::STRESS).0
    }

    /// The first `tokens` tokens of the functions that holes were made in.
    pub(super) fn code(&self, tokenizer: &Tokenizer, tokens: usize) -> Result<Vec<u32>> {
        let text = |hole: &Hole| format!("{}{}\n\n", hole.before, hole.middle);
        let mut code = Vec::new();
        for hole in &self.holes {
            code.extend(tokenizer.encode(&text(hole)));
            if code.len() >= tokens {
                code.truncate(tokens);
                return Ok(code);
            }
        }
        bail!("{} has less than {tokens} tokens of code", self.name)
    }

    /// Held-out tasks, ready to be measured.
    pub(super) fn fix_items(&self, most: usize) -> Vec<FixItem> {
        let tasks: Vec<Task> = self.split(true).map(|attempt| attempt.task.clone()).collect();
        let mut items = prepare::fix_items(&tasks, &self.solved(), &self.bases, tasks.len());
        items.truncate(most);
        items
    }

    /// Held-out holes with their neighbours.
    pub(super) fn hole_items(&self, most: usize) -> Vec<HoleItem> {
        prepare::hole_items(&self.holes_of(true), &self.holes_of(false), most)
    }
}
