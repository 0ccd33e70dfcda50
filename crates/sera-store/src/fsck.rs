//! Checking everything against its checksums, and saying what was found.
use crate::files::quarantine;
use crate::journal::{Change, Scanned};
use crate::store::{Slot, Store, digest, open_index};
use crate::{Kind, StoreError};
use sera_core::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What became of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum IndexState {
    /// There was none.
    Created,
    /// It agrees with the journal.
    Sound {
        /// Records it did not know yet.
        replayed: u64,
    },
    /// It was moved aside and built again.
    Rebuilt {
        /// Why it was doubted.
        reason: String,
        /// Up to which record it knew the journal, 0 where it could not say.
        applied_seq: u64,
    },
}

impl IndexState {
    /// The highest number a lost index is known to have seen.
    pub(crate) fn ahead(&self) -> u64 {
        match self {
            Self::Rebuilt { applied_seq, .. } => *applied_seq,
            Self::Created | Self::Sound { .. } => 0,
        }
    }
}

/// What a check found and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Readable records of the journal.
    pub records: u64,
    /// Bytes of a write that was never acknowledged, cut off.
    pub torn_bytes: u64,
    /// Damaged stretches of the journal, as byte ranges; copies are in `quarantine/`.
    pub damaged: Vec<(u64, u64)>,
    /// Acknowledged records that are gone, as far as their numbers tell.
    pub lost_records: u64,
    /// Facts whose record or object is damaged or missing, as `kind key`.
    pub unreadable: Vec<String>,
    /// Objects whose bytes are right; counted by `fsck` alone.
    pub objects: usize,
    /// Bytes in them.
    pub object_bytes: u64,
    /// Objects whose bytes were wrong; they were moved to `quarantine/`.
    pub damaged_objects: Vec<Digest>,
    /// What became of the index.
    pub index: IndexState,
}

impl Report {
    pub(crate) fn of_journal(
        scanned: &Scanned,
        index: IndexState,
        unreadable: Vec<String>,
    ) -> Self {
        Self {
            records: scanned.changes.len() as u64,
            torn_bytes: scanned.torn,
            damaged: scanned.damaged.iter().map(|range| (range.start, range.end)).collect(),
            lost_records: scanned.missing + index.ahead().saturating_sub(scanned.seq),
            unreadable,
            objects: 0,
            object_bytes: 0,
            damaged_objects: Vec::new(),
            index,
        }
    }

    /// True when nothing that was acknowledged is damaged or gone. A rebuilt index is no loss.
    pub fn sound(&self) -> bool {
        self.damaged.is_empty()
            && self.lost_records == 0
            && self.unreadable.is_empty()
            && self.damaged_objects.is_empty()
    }
}

impl Store {
    /// Reads every record and every object, compares the index with them and builds it again where
    /// it differs. Writers wait meanwhile. `valid` is as for [`Store::open`].
    pub fn fsck(&self, valid: &dyn Fn(&Path) -> bool) -> Result<Report, StoreError> {
        let mut slot = self.lock_index();
        if let Some(index) = slot.index.take() {
            drop(index.sync());
        }
        let scanned = self.journal.rescan()?;
        self.keep_damaged(&scanned)?;
        let (index, state, unreadable) = open_index(&self.dir, &scanned, Some(valid))?;
        *slot = Slot { index: Some(index), applied: scanned.seq };
        let checked = self.objects.check(&self.dir)?;
        let mut report = Report::of_journal(&scanned, state, unreadable);
        report.unreadable.extend(self.unreadable_objects(&scanned)?);
        report.objects = checked.sound;
        report.object_bytes = checked.bytes;
        report.damaged_objects = checked.damaged;
        Ok(report)
    }

    /// Facts whose object is not there. Damaged ones were moved away before this.
    fn unreadable_objects(&self, scanned: &Scanned) -> Result<Vec<String>, StoreError> {
        let mut last: BTreeMap<(u8, &str), &Change> = BTreeMap::new();
        for change in &scanned.changes {
            last.insert((change.kind, &change.key), change);
        }
        let mut unreadable = Vec::new();
        for change in last.into_values() {
            let Some(place) = change.place else { continue };
            let object = self.journal.read(place)?.as_ref().and_then(digest);
            if object.is_some_and(|object| self.objects.path(&object).is_ok_and(|p| !p.is_file())) {
                let kind = Kind::of(change.kind).map_or("unknown", Kind::name);
                unreadable.push(format!("{kind} {}", change.key));
            }
        }
        Ok(unreadable)
    }

    fn keep_damaged(&self, scanned: &Scanned) -> Result<(), StoreError> {
        let mut journal = None;
        for range in &scanned.damaged {
            let path = self.dir.join("journal");
            let read = || std::fs::read(&path).map_err(StoreError::io("read the journal"));
            let bytes = match &mut journal {
                Some(bytes) => bytes,
                none => none.insert(read()?),
            };
            let damaged = &bytes[range.start as usize..range.end as usize];
            quarantine(&self.dir, &format!("journal-{}-{}", range.start, range.end), damaged)?;
        }
        Ok(())
    }
}
