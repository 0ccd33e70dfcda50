//! What happened, in the audit log of the repository that it concerns.
//!
//! The daemon writes down what it does itself and keeps the log's head in the journal, where a log
//! that was cut, or replaced by an older copy, no longer reaches it. Workers append on their own:
//! what they send is on the disk before it is sent, whoever is killed.
use crate::cycle::now_ms;
use anyhow::{Context as _, Result};
use sera_core::audit::{Audit, Event, Unrecorded};
use sera_protocol::report::{AuditEntry, AuditReport};
use sera_store::{AuditLog, Audited, Head, Recorded};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a log lies, for a worker that appends to it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    folder: PathBuf,
    key: [u8; 32],
    /// How far it is known to have come.
    reached: Option<Head>,
}

impl Place {
    /// The log beside a repository's store, or in the user's state.
    pub(crate) fn below(folder: &Path, key: [u8; 32], reached: Option<Head>) -> Self {
        Self { folder: folder.join("audit"), key, reached }
    }

    /// The log.
    pub(crate) fn log(&self) -> AuditLog {
        AuditLog::new(&self.folder, &self.key).reaching(self.reached.clone())
    }

    /// A way to write into it.
    pub(crate) fn audit(&self) -> Audit {
        of(Arc::new(self.log()))
    }

    /// The user's own log, for what is of no repository.
    pub(crate) fn of_user(state: &Path) -> Result<Self> {
        Ok(Self::below(state, crate::engine::key(&state.join("key"))?, None))
    }
}

/// What a client wishes to see of the user's own log.
pub(crate) fn of_user(state: &Path, wish: &Wish<'_>) -> Result<AuditReport> {
    Ok(report(&Place::of_user(state)?.log(), &[], wish)?.0)
}

/// A way to write into a log.
pub(crate) fn of(log: Arc<AuditLog>) -> Audit {
    let unrecorded = |error| Unrecorded(Box::new(error));
    Audit::new(move |event: &Event| log.append(now_ms(), event).map_err(unrecorded))
}

/// What a client asks to see.
pub(crate) struct Wish<'a> {
    /// At most so many, the newest.
    pub(crate) limit: Option<u64>,
    /// Only these kinds; all where there is none.
    pub(crate) kinds: &'a [String],
    /// Move a damaged log aside and begin a new one.
    pub(crate) restart: bool,
}

/// Reads a whole log, checks it, and says what a client wishes to see of it. Anchors are heads
/// that were kept elsewhere; true where the log begins anew, so that they are of another one.
pub(crate) fn report(
    log: &AuditLog,
    anchors: &[Head],
    wish: &Wish<'_>,
) -> Result<(AuditReport, bool)> {
    let read =
        |anchors: &[Head]| log.read(now_ms(), anchors).context("failed to read the audit log");
    let (mut audited, mut kept) = (read(anchors)?, None);
    if let Some(damage) = audited.broken.clone().filter(|_| wish.restart) {
        let folder = log.restart(now_ms(), &damage).context("failed to begin a new audit log")?;
        kept = Some(folder.display().to_string());
        audited = read(&[])?;
    }
    let restarted = kept.is_some();
    Ok((told(&audited, wish, kept), restarted))
}

fn told(audited: &Audited, wish: &Wish<'_>, kept: Option<String>) -> AuditReport {
    let newest = audited.records.iter().rev();
    let wished =
        newest.map(entry).filter(|entry| wish.kinds.is_empty() || wish.kinds.contains(&entry.kind));
    let limit = wish.limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    AuditReport {
        entries: wished.take(limit).collect(),
        records: audited.records.len() as u64,
        broken: audited.broken.as_ref().map(ToString::to_string),
        kept,
    }
}

/// A record as clients get it. What a newer version wrote is passed on as it is.
fn entry(record: &Recorded) -> AuditEntry {
    let Recorded { number, time_ms, event } = record;
    let known = serde_json::from_value::<Event>(event.clone());
    let kind = event.get("kind").and_then(|kind| kind.as_str()).unwrap_or("other").to_owned();
    let text = known.map_or_else(|_| event.to_string(), |event| event.to_string());
    AuditEntry { number: *number, time_ms: *time_ms, kind, text, event: event.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_log_is_read_as_a_repositorys() {
        let state = tempfile::tempdir().unwrap();
        let loaded = Event::Loaded { what: "base".to_owned(), sha256: "00".to_owned() };
        Place::of_user(state.path()).unwrap().audit().record(&loaded).unwrap();
        let wish = Wish { limit: None, kinds: &[], restart: false };
        let told = of_user(state.path(), &wish).unwrap();
        assert_eq!((told.records, &*told.entries[0].kind), (1, "loaded"));
    }
}
