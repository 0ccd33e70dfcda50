//! The index: `sled` 0.34.7 over journal and objects, never trusted, rebuilt on any doubt.
//!
//! Measured facts behind the precautions: `flush` never calls fsync on Linux, so the `db` file is
//! synced here; `conf` is written without a sync, so it is synced once; a leftover
//! `snap.*.generating` blocks opening; values that spill into `blobs/` are lost silently, so none
//! may; damaged bytes make reads spin for ever or panic, so a child opens and reads it all first.
use crate::files::{entries, sync_folder};
use crate::journal::{Change, Place, Scanned};
use crate::{Kind, StoreError};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// Kind 0 is no kind: this key sorts before all facts.
const APPLIED: &[u8] = b"\0applied_seq";
/// First byte of every value.
const VERSION: u8 = 1;
/// No configuration that sled writes whole is shorter.
const SHORTEST_CONF: u64 = 32;
/// Damaged indexes kept for whoever wants to look at them.
const KEPT_ASIDE: usize = 2;

/// What opening and reading a whole index found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexCheck {
    /// Entries.
    pub entries: u64,
    /// The journal's sequence number up to which the index knows it.
    pub applied_seq: u64,
}

/// Opens the index in `dir` and reads every entry.
///
/// On damaged bytes this may panic (caught here), fail, or never return: call it in a process of
/// its own and give that a deadline, as [`validate_in_child`] does.
pub fn check_index(dir: &Path) -> Result<IndexCheck, StoreError> {
    let check = || -> Result<IndexCheck, Doubt> {
        let index = Index::open(dir)?;
        let mut entries = 0;
        index.each(&mut |_, _| entries += 1)?;
        Ok(IndexCheck { entries, applied_seq: index.applied()? })
    };
    let doubt = match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(doubt)) => doubt.0,
        Err(_) => "sled panicked".to_owned(),
    };
    Err(StoreError::Index(doubt.into()))
}

/// Runs `child` and says whether it ended well before the deadline; one that did not is killed.
pub fn validate_in_child(child: &mut Command, deadline: Duration) -> bool {
    let quiet = child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = quiet.spawn() else { return false };
    let mut output = child.stdout.take().expect("standard output is piped");
    let (ended, wait) = mpsc::channel();
    // The end of its output is the end of the child.
    let reader = thread::spawn(move || {
        let mut sink = Vec::new();
        drop(output.read_to_end(&mut sink));
        let _ = ended.send(());
    });
    let in_time = wait.recv_timeout(deadline).is_ok();
    if !in_time {
        drop(child.kill());
    }
    let succeeded = child.wait().is_ok_and(|status| status.success());
    drop(reader.join());
    in_time && succeeded
}

/// Why an index is not used.
#[derive(Debug)]
pub(crate) struct Doubt(pub(crate) String);

impl From<sled::Error> for Doubt {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

/// An entry: which record of the journal holds the fact now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) place: Place,
}

impl Entry {
    fn encode(self) -> [u8; 21] {
        let mut bytes = [VERSION; 21];
        bytes[1..9].copy_from_slice(&self.seq.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.place.offset.to_be_bytes());
        bytes[17..].copy_from_slice(&self.place.length.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, Doubt> {
        let bytes: &[u8; 21] = bytes
            .try_into()
            .ok()
            .filter(|bytes: &&[u8; 21]| bytes[0] == VERSION)
            .ok_or_else(|| Doubt("an entry has an unknown form".to_owned()))?;
        let number = |range: Range<usize>| {
            bytes[range].iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte))
        };
        let place = Place { offset: number(9..17), length: number(17..21) as u32 };
        Ok(Self { seq: number(1..9), place })
    }
}

/// Every key with the last change to it, by index key.
pub(crate) type Wanted<'a> = BTreeMap<Vec<u8>, &'a Change>;

/// The state a journal describes.
pub(crate) fn wanted(scanned: &Scanned) -> Wanted<'_> {
    scanned.changes.iter().map(|change| (key(change.kind, &change.key), change)).collect()
}

/// The key of a fact: its kind's number, then the key, so that kinds lie together in key order.
fn key(kind: u8, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(kind);
    bytes.extend_from_slice(key.as_bytes());
    bytes
}

/// Is told keys and values, and may end that.
type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), Doubt>;

/// The open index.
pub(crate) struct Index {
    entries: Entries,
}

/// Where the entries are.
enum Entries {
    /// In `sled`, in this folder.
    Disk(sled::Db, PathBuf),
    /// In memory alone, where the disk takes no more: what is stored can be read all the same.
    Memory(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>),
}

impl Index {
    /// Opens or creates the index in `dir`.
    pub(crate) fn open(dir: &Path) -> Result<Self, Doubt> {
        prepare(dir)?;
        let config = sled::Config::new()
            .path(dir)
            .mode(sled::Mode::LowSpace)
            .cache_capacity(32 << 20)
            .flush_every_ms(Some(500));
        let db = open_patiently(&config)?;
        Ok(Self { entries: Entries::Disk(db, dir.to_owned()) })
    }

    /// An index that is gone when it is closed.
    pub(crate) fn in_memory(scanned: &Scanned) -> Result<Self, Doubt> {
        let index = Self { entries: Entries::Memory(Mutex::default()) };
        index.fill(scanned)?;
        Ok(index)
    }

    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Doubt> {
        match &self.entries {
            Entries::Disk(db, _) => Ok(db.get(key)?.map(|bytes| bytes.to_vec())),
            Entries::Memory(map) => Ok(lock(map).get(key).cloned()),
        }
    }

    /// Keys with a prefix and their values, in order.
    fn values(&self, prefix: &[u8], visit: Visit<'_>) -> Result<(), Doubt> {
        match &self.entries {
            Entries::Disk(db, _) => db.scan_prefix(prefix).try_for_each(|pair| {
                let (key, value) = pair?;
                visit(&key, &value)
            }),
            Entries::Memory(map) => {
                let map = lock(map);
                let mut pairs = map.range(prefix.to_vec()..);
                let pairs = pairs.by_ref().take_while(|(key, _)| key.starts_with(prefix));
                pairs.into_iter().try_for_each(|(key, value)| visit(key, value))
            }
        }
    }

    pub(crate) fn applied(&self) -> Result<u64, Doubt> {
        let Some(bytes) = self.value(APPLIED)? else { return Ok(0) };
        let bytes: &[u8] = &bytes;
        let bytes =
            bytes.try_into().map_err(|_| Doubt("applied_seq is not a number".to_owned()))?;
        Ok(u64::from_be_bytes(bytes))
    }

    pub(crate) fn get(&self, kind: Kind, name: &str) -> Result<Option<Entry>, Doubt> {
        self.value(&key(kind.code(), name))?.map(|bytes| Entry::decode(&bytes)).transpose()
    }

    /// Entries of a kind in key order.
    pub(crate) fn scan(&self, kind: Kind) -> Result<Vec<(String, Entry)>, Doubt> {
        let mut entries = Vec::new();
        self.values(&[kind.code()], &mut |key, value| {
            let name = String::from_utf8(key[1..].to_vec());
            let name = name.map_err(|_| Doubt("a key is not text".to_owned()))?;
            entries.push((name, Entry::decode(value)?));
            Ok(())
        })?;
        Ok(entries)
    }

    /// Calls `visit` for every fact's entry, in key order.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&[u8], Entry)) -> Result<(), Doubt> {
        self.values(&[], &mut |key, value| {
            if key != APPLIED {
                visit(key, Entry::decode(value)?);
            }
            Ok(())
        })
    }

    /// Applies changes in the journal's order, as one batch with the number they lead to.
    pub(crate) fn apply<'a>(
        &self,
        changes: impl IntoIterator<Item = &'a Change>,
        applied: u64,
    ) -> Result<(), Doubt> {
        let changes = changes.into_iter().map(|change| {
            let entry = change.place.map(|place| Entry { seq: change.seq, place }.encode());
            (key(change.kind, &change.key), entry.map(Vec::from))
        });
        let applied = (APPLIED.to_vec(), Some(applied.to_be_bytes().to_vec()));
        let changes = changes.chain([applied]);
        match &self.entries {
            Entries::Disk(db, _) => {
                let mut batch = sled::Batch::default();
                changes.for_each(|(key, value)| match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                });
                Ok(db.apply_batch(batch)?)
            }
            Entries::Memory(map) => {
                let mut map = lock(map);
                changes.for_each(|(key, value)| match value {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                });
                Ok(())
            }
        }
    }

    /// Makes the index durable, as far as it matters: what is lost here is built again.
    pub(crate) fn sync(&self) -> Result<(), Doubt> {
        let Entries::Disk(db, dir) = &self.entries else { return Ok(()) };
        db.flush()?;
        let sync = |name: &str| File::options().write(true).open(dir.join(name))?.sync_data();
        sync("db").and_then(|()| sync("conf")).map_err(|error| Doubt(error.to_string()))
    }

    /// Compares with what the journal says. Damaged stretches of it are where the index may know
    /// more; their keys are returned.
    pub(crate) fn compare(&self, scanned: &Scanned) -> Result<Vec<String>, Doubt> {
        let applied = self.applied()?;
        if applied > scanned.seq {
            return Err(Doubt(format!("it knows {applied} records, the journal {}", scanned.seq)));
        }
        let mut wanted = wanted(scanned);
        let (mut unreadable, mut wrong) = (Vec::new(), 0);
        self.each(&mut |key, entry| {
            let lost = scanned.damaged.iter().any(|range| range.contains(&entry.place.offset));
            match wanted.remove(key) {
                Some(change) if change.seq > applied => {}
                Some(change) if Some(entry.place) == change.place && entry.seq == change.seq => {}
                Some(_) | None if lost => unreadable.push(readable(key)),
                Some(_) | None => wrong += 1,
            }
        })?;
        // A key the index lacks may have been deleted by a record that is now damaged.
        let absent = |change: &&Change| change.place.is_some() && change.seq <= applied;
        if scanned.missing == 0 {
            wrong += wanted.into_values().filter(absent).count();
        }
        match wrong {
            0 => Ok(unreadable),
            _ => Err(Doubt(format!("{wrong} entries differ from the journal"))),
        }
    }

    /// Fills an empty index from the journal.
    pub(crate) fn fill(&self, scanned: &Scanned) -> Result<(), Doubt> {
        let wanted: Vec<&Change> = wanted(scanned).into_values().collect();
        // The number comes with the last batch: an index half filled knows nothing.
        for batch in wanted.chunks(1000) {
            self.apply(batch.iter().copied(), 0)?;
        }
        self.apply([], scanned.seq)?;
        self.sync()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn readable(key: &[u8]) -> String {
    let kind = key.first().and_then(|&code| Kind::of(code)).map_or("unknown", Kind::name);
    format!("{kind} {}", String::from_utf8_lossy(key.get(1..).unwrap_or_default()))
}

/// Removes what blocks opening for no reason, and refuses what cannot be opened safely.
pub(crate) fn prepare(dir: &Path) -> Result<(), Doubt> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let doubt = |error: &dyn std::fmt::Display| Doubt(error.to_string());
    for path in entries(dir).map_err(|error| doubt(&error))? {
        let name = name(&path).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).map_err(|error| doubt(&error))?;
        }
    }
    let length = |name: &str| fs::metadata(dir.join(name)).map_or(0, |data| data.len());
    if dir.join("db").exists() && length("conf") < SHORTEST_CONF {
        return Err(Doubt("its configuration is missing or short".to_owned()));
    }
    if entries(&dir.join("blobs")).is_ok_and(|blobs| !blobs.is_empty()) {
        return Err(Doubt("it holds blobs".to_owned()));
    }
    Ok(())
}

/// Each moves the epoch on where it can and frees eight bags of garbage, of 64 pieces at most.
const GARBAGE_ROUNDS: usize = 256;

/// How late timers of sled's threads may be, in nanoseconds: an hour. With a minute they went off
/// with other timers of the machine, several times a minute. What a thread is to do wakes it anyway.
#[cfg(target_os = "linux")]
const PATIENCE: u64 = 3_600_000_000_000;

/// Opens an index from a thread whose timers may be late. sled's seven threads begin with the first
/// write of a process, never end, and each looks for work every second; they inherit the patience
/// of who began them, and so nobody wakes up for them alone.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, Doubt> {
    static BEGUN: Once = Once::new();
    if BEGUN.is_completed() {
        return open_when_free(config);
    }
    let open = || {
        be_patient();
        let db = open_when_free(config)?;
        // What is there already: only a write begins the threads.
        let applied = db.get(APPLIED)?.unwrap_or_else(|| 0u64.to_be_bytes().as_slice().into());
        db.insert(APPLIED, applied)?;
        db.flush()?;
        BEGUN.call_once(|| ());
        Ok(db)
    };
    let opened = std::thread::scope(|scope| scope.spawn(open).join());
    opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(target_os = "linux")]
fn be_patient() {
    // Where that is refused the threads wake up as they like.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(PATIENCE)).unwrap_or_default();
}

#[cfg(not(target_os = "linux"))]
fn be_patient() {}

/// Frees what sled is done with. It is freed by who uses sled later, which at rest nobody does:
/// each 512 KiB that were written left as much behind.
pub(crate) fn free_garbage() {
    for _ in 0..GARBAGE_ROUNDS {
        crossbeam_epoch::pin().flush();
    }
}

/// A database closed a moment ago holds its lock until its threads have gone.
fn open_when_free(config: &sled::Config) -> Result<sled::Db, Doubt> {
    for _ in 0..200 {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("lock") => {
                thread::sleep(Duration::from_millis(10));
            }
            opened => return Ok(opened?),
        }
    }
    Ok(config.open()?)
}

/// Moves an index out of the way and drops all but the latest two such.
pub(crate) fn move_aside(dir: &Path) -> Result<(), StoreError> {
    let index = dir.join("index");
    if !index.exists() {
        return Ok(());
    }
    let number = |path: &PathBuf| -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix("index.damaged-")?.parse().ok()
    };
    let mut aside: Vec<(u64, PathBuf)> =
        entries(dir)?.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
    aside.sort();
    let next = aside.last().map_or(1, |(last, _)| last + 1);
    let to = dir.join(format!("index.damaged-{next}"));
    fs::rename(&index, &to).map_err(StoreError::io(format!("move {}", index.display())))?;
    aside.push((next, to));
    for (_, old) in &aside[..aside.len().saturating_sub(KEPT_ASIDE)] {
        fs::remove_dir_all(old).map_err(StoreError::io(format!("remove {}", old.display())))?;
    }
    sync_folder(dir)
}
