//! Training and measuring as every benchmark does it: for as long as it takes, told on standard
//! error.
use crate::cargo;
use anyhow::{Context as _, Result};
use sera_core::scorecard::Scorecard;
use sera_model::Base;
use sera_train::evaluate::{Budget, Contestant, Desk, FixItem, HoleItem, evaluate};
use sera_train::{Control, Example, Hooks, TrainConfig, Trained, train};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// How many of the items are acted on, and how many edits a rollout ranks.
#[derive(Clone, Copy, Default)]
pub(super) struct Acts {
    pub(super) located: usize,
    pub(super) rollouts: usize,
    pub(super) edits: usize,
}

pub(super) fn trained(
    name: &str,
    base: &Base,
    dataset: &[Example],
    config: &TrainConfig,
) -> Result<Trained> {
    let started = Instant::now();
    let mut watch = |progress: &sera_train::Progress<'_>| {
        if progress.step.is_multiple_of(10) {
            let (step, steps) = (progress.step, progress.steps);
            cargo::say(&format!("{name}: {step}/{steps} loss {:.3}", progress.loss));
        }
        Control::Continue
    };
    let clock = || started.elapsed().as_secs_f64();
    let hooks = Hooks { watch: &mut watch, pause: &|| true, clock: &clock };
    let done = train(base, dataset, config, None, hooks)?;
    cargo::say(&format!("{name}: {:.0} tokens/s", done.tokens_per_s));
    Ok(done)
}

pub(super) fn measured(
    name: &str,
    base: &Arc<Base>,
    contestant: &Contestant,
    (fix, holes): (&[FixItem], &[HoleItem]),
    acts: Acts,
) -> Result<Scorecard> {
    let Acts { located, rollouts, edits } = acts;
    let (seconds, all) = (f64::INFINITY, usize::MAX);
    let budget = Budget { seconds, tasks: all, holes: all, located, rollouts, edits, length: 2048 };
    let started = Instant::now();
    let mut watch = |stage: &str, done: usize, total: usize| {
        if done == total || done.is_multiple_of(40) {
            cargo::say(&format!("{name}: {stage} {done}/{total}"));
        }
    };
    let elapsed = || started.elapsed().as_secs_f64();
    let mut desk = Desk { elapsed: &elapsed, pause: &|| true, watch: &mut watch };
    let card = evaluate(base, std::slice::from_ref(contestant), fix, holes, &budget, &mut desk)?;
    cargo::say(&format!("{name}: {:.0} s", elapsed()));
    Ok(card)
}

/// The scorecard an earlier run left in `file`, else a new one, left there.
pub(super) fn kept(file: &Path, new: impl FnOnce() -> Result<Scorecard>) -> Result<Scorecard> {
    if let Ok(bytes) = std::fs::read(file) {
        return Ok(serde_json::from_slice(&bytes)?);
    }
    let card = new()?;
    std::fs::write(file, serde_json::to_vec(&card)?)
        .with_context(|| format!("failed to write {}", file.display()))?;
    Ok(card)
}
