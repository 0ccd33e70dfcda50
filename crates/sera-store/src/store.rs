//! The store: facts by kind and key, objects by digest.
use crate::batch::{Batch, Planned};
use crate::files::{create_folder, sync_folder};
use crate::fsck::{IndexState, Report};
use crate::index::{self, Doubt, Entry, Index, move_aside};
use crate::journal::{Change, Form, Journal, Record, Scanned};
use crate::objects::Objects;
use crate::{INLINE_LIMIT, KEY_LIMIT, Kind, StoreError};
use sera_core::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Says whether the index in a folder can be opened and read to its end. Damaged bytes can make
/// that hang or panic, so the daemon asks a child: see [`crate::validate_in_child`].
pub(crate) type Validator<'a> = &'a dyn Fn(&Path) -> bool;

/// Everything Sera remembers about one repository. Shared between threads by reference.
pub struct Store {
    pub(crate) dir: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) objects: Objects,
    /// Locked before anything of the journal.
    pub(crate) index: Mutex<Slot>,
    opened: Report,
    /// Held for life, released last.
    _lock: Lock,
}

/// The place of the index.
#[derive(Default)]
pub(crate) struct Slot {
    /// Closed when idle.
    pub(crate) index: Option<Index>,
    /// The number up to which it knows the journal.
    pub(crate) applied: u64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or creates the store in `dir`, which no other may have open ([`StoreError::Locked`]).
    ///
    /// Cuts a torn tail, steps over damage (both kept in `quarantine/`), and builds the index again
    /// when `valid` rejects it or it differs from the journal: [`Self::opened`] says what was done.
    pub fn open(dir: &Path, valid: Validator<'_>) -> Result<Self, StoreError> {
        create_folder(dir)?;
        // A killed process may have created it and synced nothing.
        dir.parent().filter(|above| !above.as_os_str().is_empty()).map_or(Ok(()), sync_folder)?;
        let lock = lock_file(dir)?;
        let objects = Objects::open(dir)?;
        let (journal, scanned) = Journal::open(dir)?;
        let (index, state, unreadable) = open_index(dir, &scanned, Some(valid))?;
        // Numbers the index has seen were acknowledged once, whatever the journal lost.
        journal.skip_to(state.ahead());
        let opened = Report::of_journal(&scanned, state, unreadable);
        let index = Mutex::new(Slot { index: Some(index), applied: scanned.seq });
        Ok(Self { dir: dir.to_owned(), journal, objects, index, opened, _lock: lock })
    }

    /// What opening found and did.
    pub fn opened(&self) -> &Report {
        &self.opened
    }

    /// The folder of the store.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Changes with every fact that is stored or deleted, and costs nothing to ask: no index is
    /// opened for it.
    pub fn stamp(&self) -> u64 {
        self.journal.last()
    }

    /// Stores one fact. When this returns, it survives a power cut.
    pub fn put<T: Serialize>(&self, kind: Kind, key: &str, value: &T) -> Result<(), StoreError> {
        self.put_all(kind, &[(key, value)])
    }

    /// Stores facts of one kind, all or none, with one sync of the journal.
    pub fn put_all<K: AsRef<str>, T: Serialize>(
        &self,
        kind: Kind,
        facts: &[(K, T)],
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        facts.iter().try_for_each(|(key, value)| batch.put(kind, key.as_ref(), value))?;
        self.commit(batch)
    }

    /// Makes all changes of a batch or none, with one sync of the journal.
    pub fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let is_large = |body: &&[u8]| body.len() > INLINE_LIMIT;
        let bodies = batch.0.iter().filter_map(|planned| planned.body.as_deref());
        let large: Vec<&[u8]> = bodies.filter(is_large).collect();
        let mut digests = self.objects.put(&large)?.into_iter();
        let record = |Planned { kind, key, body }: Planned| match body {
            None => record(kind, &key, Form::Tombstone, Vec::new()),
            Some(body) if body.len() <= INLINE_LIMIT => record(kind, &key, Form::Inline, body),
            Some(_) => {
                let digest = digests.next().expect("one digest per large body");
                record(kind, &key, Form::Object, digest.as_str().as_bytes().to_vec())
            }
        };
        self.append(batch.0.into_iter().map(record).collect())
    }

    /// The fact of a key.
    pub fn get<T: DeserializeOwned>(&self, kind: Kind, key: &str) -> Result<Option<T>, StoreError> {
        let entry = self.with_index(|index| index.get(kind, key))?;
        entry.map(|entry| self.value(kind, key, entry)).transpose()
    }

    /// Whether a key has a fact.
    pub fn contains(&self, kind: Kind, key: &str) -> Result<bool, StoreError> {
        Ok(self.with_index(|index| index.get(kind, key))?.is_some())
    }

    /// Keys of a kind, in order.
    pub fn keys(&self, kind: Kind) -> Result<Vec<String>, StoreError> {
        let entries = self.with_index(|index| index.scan(kind))?;
        Ok(entries.into_iter().map(|(key, _)| key).collect())
    }

    /// Facts of a kind in key order, as they stood when this was called. What cannot be read is an
    /// error in its place, and the rest follows.
    pub fn scan<T: DeserializeOwned>(
        &self,
        kind: Kind,
    ) -> Result<impl Iterator<Item = Result<(String, T), StoreError>> + '_, StoreError> {
        let entries = self.with_index(|index| index.scan(kind))?;
        Ok(entries.into_iter().map(move |(key, entry)| {
            let value = self.value(kind, &key, entry)?;
            Ok((key, value))
        }))
    }

    /// Deletes a fact; false where there was none. Objects stay.
    pub fn delete(&self, kind: Kind, key: &str) -> Result<bool, StoreError> {
        let there = self.contains(kind, check_key(key)?)?;
        if there {
            self.append(vec![record(kind, key, Form::Tombstone, Vec::new())])?;
        }
        Ok(there)
    }

    /// Deletes facts of one kind, all or none, with one sync of the journal. Objects stay.
    pub fn delete_all<K: AsRef<str>>(&self, kind: Kind, keys: &[K]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for key in keys {
            if self.contains(kind, key.as_ref())? {
                batch.delete(kind, key.as_ref())?;
            }
        }
        self.commit(batch)
    }

    /// Stores bytes under their digest, durably.
    pub fn put_object(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut digests = self.objects.put(&[bytes])?;
        Ok(digests.pop().expect("one digest per object"))
    }

    /// The bytes of an object, checked against its digest.
    pub fn object(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.objects.read(digest)
    }

    /// Where an object's file stands, after checking it: for readers that map it into memory.
    pub fn object_path(&self, digest: &Digest) -> Result<PathBuf, StoreError> {
        self.objects.verify(digest)?;
        self.objects.path(digest)
    }

    /// Takes over a file a worker left, if its bytes are those of `digest`; the file moves.
    pub fn adopt(&self, path: &Path, digest: &Digest) -> Result<(), StoreError> {
        self.objects.adopt(path, digest)
    }

    /// Makes what was deleted or replaced unreadable for good: its bodies in the journal are
    /// overwritten where they stand, objects that no fact names are removed but for those of
    /// `kept`, and so is the quarantine. How many records and objects there were.
    ///
    /// Facts are what they were before. Nobody else may put objects meanwhile. Killed in between, less is shredded: call it again. Copies
    /// that a file system or a backup made are out of reach.
    pub fn shred(&self, kept: impl IntoIterator<Item = Digest>) -> Result<(u64, u64), StoreError> {
        let (live, last) = self.with_index(|index| {
            let mut live = BTreeSet::new();
            for kind in Kind::ALL {
                let entries = index.scan(kind)?.into_iter();
                live.extend(entries.map(|(_, entry)| entry.seq));
            }
            Ok((live, index.applied()?))
        })?;
        let mut kept: BTreeSet<Digest> = kept.into_iter().collect();
        // What a newer version wrote is not ours to judge, nor what came since.
        let counts = |change: &Change| {
            let ours = Kind::of(change.kind).is_some() && change.seq <= last;
            !ours || live.contains(&change.seq)
        };
        let (blanked, stay) = self.journal.blank(&counts)?;
        kept.extend(stay.iter().filter_map(digest));
        let removed = self.objects.retain(&kept)?;
        let quarantine = self.dir.join("quarantine");
        match std::fs::remove_dir_all(&quarantine) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io(format!("remove {}", quarantine.display()))(error))
            }
            Ok(()) | Err(_) => Ok((blanked, removed)),
        }
    }

    /// Closes the index until it is asked again; its threads and its cache are gone meanwhile.
    pub fn idle(&self) {
        if let Some(index) = self.lock_index().index.take() {
            // What does not become durable here is built again from the journal.
            drop(index.sync());
            drop(index);
            index::free_garbage();
        }
    }

    pub(crate) fn lock_index(&self) -> MutexGuard<'_, Slot> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, batch: Vec<Record>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.journal.append(batch)?;
        self.with_index(|_| Ok(()))
    }

    /// Runs `use_index` on an index that knows every acknowledged record, building it anew once
    /// when it fails.
    fn with_index<R>(
        &self,
        use_index: impl Fn(&Index) -> Result<R, Doubt>,
    ) -> Result<R, StoreError> {
        let mut slot = self.lock_index();
        if let Some(result) = self.try_index(&mut slot, &use_index) {
            return Ok(result);
        }
        slot.index = None;
        let scanned = self.journal.rescan()?;
        let index = build(&self.dir, &scanned)?;
        let result = use_index(&index).map_err(|doubt| StoreError::Index(doubt.0.into()));
        *slot = Slot { index: Some(index), applied: scanned.seq };
        result
    }

    /// `None` where the index is to be doubted.
    fn try_index<R>(
        &self,
        slot: &mut Slot,
        use_index: impl Fn(&Index) -> Result<R, Doubt>,
    ) -> Option<R> {
        if slot.index.is_none() {
            let index = Index::open(&self.dir.join("index")).ok()?;
            // Somebody may have removed it, or an earlier one could not be written.
            slot.index = (index.applied().ok()? == slot.applied).then_some(index);
        }
        let index = slot.index.as_ref()?;
        let pending = self.journal.take_pending();
        if let Some(last) = pending.last() {
            index.apply(&pending, last.seq).ok()?;
            slot.applied = last.seq;
        }
        use_index(index).ok()
    }

    fn value<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
        entry: Entry,
    ) -> Result<T, StoreError> {
        let damaged = || StoreError::DamagedRecord { kind, key: key.to_owned() };
        let record = self.journal.read(entry.place)?.ok_or_else(damaged)?;
        if (record.seq, record.kind, record.key.as_str()) != (entry.seq, kind.code(), key) {
            return Err(damaged());
        }
        if record.schema > kind.schema() {
            let (key, schema) = (record.key, record.schema);
            return Err(StoreError::Newer { kind, key, schema });
        }
        let body = match record.form {
            Form::Inline => record.body,
            Form::Object => self.objects.read(&digest(&record).ok_or_else(damaged)?)?,
            Form::Tombstone => return Err(damaged()),
        };
        let decode = |source| StoreError::Decode { kind, key: key.to_owned(), source };
        serde_json::from_slice(&body).map_err(decode)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.idle();
    }
}

/// The object that an object record names.
pub(crate) fn digest(record: &Record) -> Option<Digest> {
    let hex = std::str::from_utf8(&record.body).ok()?;
    (record.form == Form::Object).then(|| Digest::from_hex(hex))
}

fn record(kind: Kind, key: &str, form: Form, body: Vec<u8>) -> Record {
    // The journal numbers it.
    Record { seq: 0, kind: kind.code(), schema: kind.schema(), form, key: key.to_owned(), body }
}

pub(crate) fn check_key(key: &str) -> Result<&str, StoreError> {
    if key.is_empty() || key.len() > KEY_LIMIT { Err(StoreError::Key(key.len())) } else { Ok(key) }
}

/// The lock on the store's folder.
struct Lock(File);

impl Drop for Lock {
    /// Closing the file is not enough: a child being started at this moment holds a copy of the
    /// descriptor until it runs its program, and the lock would live on in it.
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

fn lock_file(dir: &Path) -> Result<Lock, StoreError> {
    let path = dir.join("lock");
    let failed = || StoreError::io(format!("lock {}", path.display()));
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(failed())?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed()(error)),
    }
}

/// Opens the index or, on any doubt, builds it; what was done, and the keys whose records are
/// damaged. Without a validator the index was ours a moment ago.
pub(crate) fn open_index(
    dir: &Path,
    scanned: &Scanned,
    valid: Option<Validator<'_>>,
) -> Result<(Index, IndexState, Vec<String>), StoreError> {
    let path = dir.join("index");
    let exists = path.join("db").exists();
    let ahead = std::cell::Cell::new(0);
    let attempt = || -> Result<(Index, IndexState, Vec<String>), Doubt> {
        // What blocks opening for no reason is removed before anyone else looks.
        crate::index::prepare(&path)?;
        if !valid.is_none_or(|valid| valid(&path)) {
            return Err(Doubt("it could not be read to its end in time".to_owned()));
        }
        let index = Index::open(&path)?;
        ahead.set(index.applied()?);
        let unreadable = index.compare(scanned)?;
        let behind: Vec<_> =
            scanned.changes.iter().filter(|change| change.seq > ahead.get()).collect();
        let records = behind.len() as u64;
        if records > 0 {
            index.apply(behind, scanned.seq)?;
        }
        Ok((index, IndexState::Sound { replayed: records }, unreadable))
    };
    if !exists {
        return Ok((build(dir, scanned)?, IndexState::Created, Vec::new()));
    }
    attempt().or_else(|Doubt(reason)| {
        let state = IndexState::Rebuilt { reason, applied_seq: ahead.get() };
        Ok((build(dir, scanned)?, state, Vec::new()))
    })
}

/// Moves what is there aside and builds the index anew; in memory, where the disk takes no more.
fn build(dir: &Path, scanned: &Scanned) -> Result<Index, StoreError> {
    let on_disk = || -> Result<Index, Doubt> {
        let doubt = |error: StoreError| Doubt(error.to_string());
        move_aside(dir).map_err(doubt)?;
        let index = Index::open(&dir.join("index"))?;
        index.fill(scanned)?;
        sync_folder(&dir.join("index")).and_then(|()| sync_folder(dir)).map_err(doubt)?;
        Ok(index)
    };
    on_disk().or_else(|_| {
        // What was begun takes space that the journal can use; the next opening builds it.
        drop(std::fs::remove_dir_all(dir.join("index")));
        Index::in_memory(scanned).map_err(|doubt| StoreError::Index(doubt.0.into()))
    })
}
