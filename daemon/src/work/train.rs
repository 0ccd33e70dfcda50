//! The worker's *train* stage: trajectories, lessons and holes in, adapters out.
use super::{Desk, fix};
use crate::order::{Train, TrainBudget, TrainNumbers, Trained};
use crate::prepare;
use anyhow::{Context as _, Result};
use sera_core::TrajectoryId;
use sera_datagen::Drops;
use sera_model::{Base, Device};
use sera_train::examples::Kind;
use sera_train::{
    Checkpoint, Control, Example, Hooks, PackConfig, TrainConfig, TrainError, fit, forecast,
    measure_speed, proc_bytes, train as run_training,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Share of the time for the adapter itself; the rest goes to two half-budget siblings, which
/// cost as much together.
const OWN_SHARE: f64 = 0.5;

/// Share of the free memory that a training may hold: the developer works on.
const MEMORY_SHARE: u64 = 2;

/// Of the seconds granted, loading, measuring and saving take about this much.
const OVERHEAD: f64 = 0.06;

const CHECKPOINT: &str = "checkpoint";
const ADAPTER: &str = "adapter";

pub(super) fn train(order: &Train, desk: &Desk) -> Result<Trained> {
    let started = Instant::now();
    desk.progress("prepare", 0, None, "examples", String::new());
    let base = fix::load_on(&order.base, order.device, desk)?;
    let (dataset, selected) = prepare::dataset(
        &base.tokenizer,
        &order.attempts,
        (&order.lessons, &order.holes),
        &order.selection,
        prepare::STRESS,
    );
    let (dropped, chosen) = (selected.dropped(), selected.chosen);
    let mut notes = vec![format!("computed on {}", base.device()), counted(&dataset)];
    let resumed = order.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let mut config = match &resumed {
        Some(checkpoint) => checkpoint.config,
        None => size(order, &base, &dataset, desk, &mut notes)?,
    };
    notes.push(forecast(&base, &dataset, &config).to_string());
    for note in &notes {
        desk.step(note.clone());
    }
    let mut end = resumed.clone();
    let mut done = run(&base, &dataset, &config, resumed, &mut end, desk);
    if matches!(done, Err(TrainError::OtherRun)) {
        desk.step("another base or recipe than when it was interrupted: from the start".to_owned());
        config = size(order, &base, &dataset, desk, &mut notes)?;
        end = None;
        done = run(&base, &dataset, &config, None, &mut end, desk);
    }
    let done = match done {
        Err(TrainError::Stopped(checkpoint)) => return interrupted(desk, &checkpoint, chosen),
        done => done?,
    };
    sera_model::adapter::save_peft(&desk.folder.join(ADAPTER), &base, &done.lora)?;
    let mut report = TrainNumbers {
        examples: dataset.len(),
        tokens: done.tokens as u64,
        target_tokens: done.target_tokens as u64,
        tokens_per_s: done.tokens_per_s,
        peak_rss_mb: done.peak_rss_mb.unwrap_or(0) as f64,
        loss: done.loss,
        kinds: kinds(&dataset),
        seconds: done.seconds,
    };
    let siblings = match (siblings(order, &base, &dataset, &config, desk), end) {
        // The adapter itself is done: next time its training goes on at its end.
        (Err(error), Some(end)) if is_stop(&error) => return interrupted(desk, &end, chosen),
        (siblings, _) => siblings?,
    };
    report.seconds = started.elapsed().as_secs_f64();
    let adapter = ADAPTER.to_owned();
    Ok(Trained { checkpoint: None, adapter, siblings, chosen, dropped, notes, report })
}

/// `examples: 3100 completions, 812 fixes, 90 lessons`.
fn counted(dataset: &[Example]) -> String {
    format!(
        "examples: {}",
        Kind::ALL.map(|kind| format!("{} {}", of_kind(dataset, kind), kind.plural())).join(", ")
    )
}

fn kinds(dataset: &[Example]) -> BTreeMap<String, u64> {
    Kind::ALL.map(|kind| (kind.plural().to_owned(), of_kind(dataset, kind) as u64)).into()
}

fn of_kind(dataset: &[Example], kind: Kind) -> usize {
    dataset.iter().filter(|example| example.kind == kind).count()
}

/// Fits forwards to the memory and the number of tokens to the speed of this machine now.
fn size(
    order: &Train,
    base: &Base,
    dataset: &[Example],
    desk: &Desk,
    notes: &mut Vec<String>,
) -> Result<TrainConfig> {
    let mut config = TrainConfig::default().with_seed(order.seed);
    let free = || match base.device() {
        Device::Cpu => proc_bytes("/proc/meminfo", "MemAvailable"),
        card @ (Device::Cuda(_) | Device::Metal) => card.free_memory(),
    };
    let memory = order.memory.or_else(|| Some(free()? / MEMORY_SHARE));
    if let Some(bytes) = memory {
        config = fit(base, dataset, &config, usize::try_from(bytes >> 20)?)?;
    }
    config.pack.tokens = match order.budget {
        TrainBudget::Tokens { tokens } => tokens,
        TrainBudget::Seconds { seconds } => {
            let speed = speed(base, dataset, &config, desk)?;
            let share = if order.siblings { OWN_SHARE } else { 1.0 };
            let tokens = (speed * seconds * (1.0 - OVERHEAD) * share) as usize;
            notes.push(format!(
                "{seconds:.0} s at {speed:.0} tokens/s: {tokens} training tokens{}",
                if order.siblings { ", half as many for each of two siblings" } else { "" }
            ));
            tokens.max(PackConfig::default().step)
        }
    };
    Ok(config)
}

fn speed(base: &Base, dataset: &[Example], config: &TrainConfig, desk: &Desk) -> Result<f64> {
    let started = Instant::now();
    let hooks = Hooks {
        watch: &mut |_| Control::Continue,
        pause: &|| desk.gate.pass(),
        clock: &|| started.elapsed().as_secs_f64(),
    };
    Ok(measure_speed(base, dataset, config, 6.0, &hooks)?)
}

/// Trains one adapter; `end` becomes the state after the last step.
fn run(
    base: &Base,
    dataset: &[Example],
    config: &TrainConfig,
    checkpoint: Option<Checkpoint>,
    end: &mut Option<Checkpoint>,
    desk: &Desk,
) -> Result<sera_train::Trained, TrainError> {
    let started = Instant::now();
    let total = forecast(base, dataset, config).tokens as u64;
    let mut watch = |progress: &sera_train::Progress<'_>| {
        let message = format!("loss {:.3}", progress.loss);
        desk.progress("train", progress.tokens as u64, Some(total), "tokens", message);
        if progress.step == progress.steps {
            *end = Some(progress.checkpoint());
        }
        Control::Continue
    };
    let hooks = Hooks {
        watch: &mut watch,
        pause: &|| desk.gate.pass(),
        clock: &|| started.elapsed().as_secs_f64(),
    };
    run_training(base, dataset, config, checkpoint, hooks)
}

/// Half-budget trainings that differ in nothing but their seed: their difference is the noise
/// that a gain has to exceed.
fn siblings(
    order: &Train,
    base: &Base,
    dataset: &[Example],
    config: &TrainConfig,
    desk: &Desk,
) -> Result<Vec<String>> {
    let mut folders = Vec::new();
    for offset in if order.siblings { &[101, 202][..] } else { &[] } {
        let mut half = config.with_seed(config.seed + offset);
        half.pack.tokens = (config.pack.tokens / 2).max(half.pack.step);
        let done = run(base, dataset, &half, None, &mut None, desk)?;
        let folder = format!("sibling-{offset}");
        sera_model::adapter::save_peft(&desk.folder.join(&folder), base, &done.lora)?;
        folders.push(folder);
    }
    Ok(folders)
}

fn is_stop(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(TrainError::Stopped(_)))
}

fn read_checkpoint(path: &Path) -> Result<Checkpoint> {
    let bytes =
        std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(Checkpoint::from_bytes(&bytes)?)
}

fn interrupted(desk: &Desk, checkpoint: &Checkpoint, chosen: Vec<TrajectoryId>) -> Result<Trained> {
    super::write(&desk.folder.join(CHECKPOINT), &checkpoint.to_bytes()?)?;
    Ok(Trained {
        checkpoint: Some(CHECKPOINT.to_owned()),
        adapter: String::new(),
        siblings: Vec::new(),
        chosen,
        dropped: Drops::default(),
        notes: Vec::new(),
        report: TrainNumbers::default(),
    })
}
