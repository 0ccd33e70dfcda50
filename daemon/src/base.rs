//! The base: where it comes from and where it lies.
use crate::cycle::Cycle;
use crate::worker::WorkError;
use crate::worker_wire::{Progress, Say};
use anyhow::{Context as _, Result};
use sera_chat::{BaseError, BaseSource};
use sera_core::Cancel;
use sera_core::audit::Audit;
use std::path::{Path, PathBuf};

/// The preset of the tiny tier.
pub(crate) const PRESET: &str = "smollm2-135m-instruct-q4_1";

/// Gets a base from `source` (the preset's own place when `None`), or finds it in the cache.
pub(crate) fn get(
    source: Option<&str>,
    cache: &Path,
    hear: &mut dyn FnMut(Say),
    cancel: &Cancel,
    audit: &Audit,
) -> Result<PathBuf> {
    let text = source.unwrap_or(PRESET);
    let parsed = BaseSource::parse(text)?;
    let mut progress = |done: u64, total: Option<u64>| {
        let progress = Progress {
            stage: "base".to_owned(),
            done,
            total,
            unit: "bytes".to_owned(),
            message: String::new(),
        };
        hear(Say::Progress(progress));
    };
    let path = sera_chat::obtain(&parsed, &cache.join("bases"), &mut progress, cancel, audit);
    path.map_err(|error| match error {
        BaseError::Cancelled => WorkError::Cancelled.into(),
        error => anyhow::Error::from(error),
    })
}

/// The same inside a job: on a thread that may block, cancelled with the job.
pub(crate) async fn obtain(cycle: &mut Cycle<'_>) -> Result<PathBuf> {
    let (source, cache) = (cycle.base_source()?, cycle.bases.to_owned());
    let (flag, audit) = (Cancel::default(), cycle.engine.audit());
    let (send, mut heard) = tokio::sync::mpsc::channel(16);
    let mut task = tokio::task::spawn_blocking({
        let flag = flag.clone();
        // A full channel drops a progress line: the next says more.
        move || get(source.as_deref(), &cache, &mut |say| drop(send.try_send(say)), &flag, &audit)
    });
    loop {
        tokio::select! {
            done = &mut task => return done.context("the download panicked")?,
            Some(say) = heard.recv() => (cycle.report)(say),
            () = cycle.cancel.cancelled(), if !flag.is_cancelled() => flag.cancel(),
        }
    }
}
