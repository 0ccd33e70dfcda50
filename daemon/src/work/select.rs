//! The worker's *select* stage: attempts in, what is trained on out, and files of it.
use super::{Desk, write};
use crate::export::{self, Exported};
use crate::order::{Chosen, Export, Select};
use crate::prepare::{self, Taught};
use anyhow::{Context as _, Result};
use sera_core::TrajectoryId;
use sera_datagen::Attempt;
use sera_model::Base;
use std::collections::BTreeMap;
use std::time::Instant;

pub(super) fn select(order: &Select, desk: &Desk) -> Result<Chosen> {
    let started = Instant::now();
    let total = order.attempts.len() as u64;
    desk.progress("select", 0, Some(total), "trajectories", String::new());
    let tokenizer = Base::tokenizer_of(&order.base)
        .with_context(|| format!("failed to load the base {}", order.base.display()))?;
    let prepare::Chosen { selected, taught } =
        prepare::choose(&tokenizer, &order.attempts, &order.selection, prepare::STRESS);
    let files = match &order.export {
        None => 0,
        Some(export) => write_out(export, &order.attempts, &selected.chosen, &taught)?,
    };
    let sum = |of: fn(&Taught) -> usize| taught.iter().map(|taught| of(taught) as u64).sum();
    Ok(Chosen {
        tokens: sum(|taught| taught.example.tokens.len()),
        target_tokens: sum(|taught| {
            taught.example.targets.iter().filter(|target| target.weight > 0.0).count()
        }),
        selected,
        files,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The chosen, in their order; each as it was done.
fn write_out(
    export: &Export,
    attempts: &[Attempt],
    chosen: &[TrajectoryId],
    taught: &[Taught],
) -> Result<u64> {
    // What was told later stands in for how a guided student is taught it.
    let done: BTreeMap<TrajectoryId, &Attempt> =
        attempts.iter().chain(&export.told).map(|one| (one.trajectory.id, one)).collect();
    let pairs = chosen.iter().zip(taught);
    let exported: Vec<Exported<'_>> = pairs
        .filter_map(|(id, taught)| Some(Exported { attempt: done.get(id)?, taught }))
        .collect();
    let files = export::files(export.format, &exported);
    for (name, text) in &files {
        write(&export.folder.join(name), text.as_bytes())?;
    }
    Ok(files.len() as u64)
}
