//! The worker's *synthesize* stage: seeds in, tasks, lessons and holes out.
use super::Desk;
use crate::order::{Source, Synthesize, Synthesized};
use anyhow::{Context as _, Result};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sera_core::redact::Redactor;
use sera_core::{CommitId, Seed};
use sera_datagen::{Bases, Policy};
use sera_sandbox::Overlay;
use std::time::Instant;

/// Tasks that one seed gives on average: so many fewer seeds are tried than tasks are wanted.
const TASKS_PER_SEED: usize = 2;

/// The redacted trees and the index that tasks are made over.
pub(super) fn bases(source: &Source, cut: &CommitId) -> Result<Bases> {
    let repository = sera_git::Repository::discover(&source.path)?;
    let redactor = Redactor::new(source.key).hiding(source.forgotten.paths.clone());
    Bases::open(&repository, cut, redactor)
        .with_context(|| format!("failed to index the tree of {}", cut.short()))
}

/// The redacted tree of one commit.
pub(super) fn overlay(source: &Source, commit: &CommitId) -> Result<Overlay> {
    let repository = sera_git::Repository::discover(&source.path)?;
    let redactor = Redactor::new(source.key).hiding(source.forgotten.paths.clone());
    Ok(Overlay::new(repository.tree(commit)?, redactor))
}

pub(super) fn synthesize(order: &Synthesize, desk: &Desk) -> Result<Synthesized> {
    let started = Instant::now();
    let bases = bases(&order.source, &order.cut)?;
    let policy = Policy::default();
    let seeds = choose(order);
    desk.progress("synthesize", 0, Some(seeds.len() as u64), "seeds", String::new());
    let made = sera_datagen::synthesize_all(&seeds, &bases, &policy, order.rng_seed, order.now_ms);
    desk.progress(
        "synthesize",
        seeds.len() as u64,
        Some(seeds.len() as u64),
        "seeds",
        String::new(),
    );
    let holes = sera_datagen::holes(&order.seeds, bases.source(), &policy, order.rng_seed);
    let lessons = sera_datagen::lessons(&order.seeds, &bases, &policy, order.rng_seed)
        .context("failed to make lessons")?;
    Ok(Synthesized {
        tasks: made.tasks,
        lessons,
        holes,
        dropped: sera_datagen::reason::count(made.dropped.into_iter().map(|(_, reason)| reason)),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// A random part of the seeds on each side of the split, about as many as tasks are wanted.
fn choose(order: &Synthesize) -> Vec<Seed> {
    let mut rng = ChaCha8Rng::seed_from_u64(order.rng_seed);
    let mut shuffled = order.seeds.clone();
    shuffled.shuffle(&mut rng);
    let (held_out, training): (Vec<_>, Vec<_>) = shuffled.into_iter().partition(Seed::held_out);
    let few = |seeds: Vec<Seed>, tasks: usize| seeds.into_iter().take(tasks / TASKS_PER_SEED);
    few(training, order.limit).chain(few(held_out, order.held_out_limit)).collect()
}
