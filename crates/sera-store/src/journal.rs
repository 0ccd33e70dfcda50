//! The journal: an append-only file of checksummed records, the truth about every small fact.
//!
//! A record is `mark, len, crc32c, seq, kind, schema, flags, form, key length, key, body`, numbers
//! little-endian, the checksum over everything after it and over `len`. Records of one batch carry
//! a flag on all but the last; a batch whose end is missing was never acknowledged and is cut off
//! at the next opening. A record damaged in the middle is stepped over: the mark of the next good
//! one is searched for.
//!
//! Batches that wait for the disk together are one write and one sync. Its first record says so
//! with a flag, and thereby that everything before it is on the disk. So damage after the last of
//! these flags is what power left of a write that was never acknowledged, and is cut off, too:
//! disks write sectors in any order.
mod blank;
#[cfg(fuzzing)]
pub mod fuzzing;

use crate::StoreError;
use crate::files::{quarantine, sync_folder};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Opens the file, for people and for versions to come.
const HEADER: &[u8; 16] = b"sera-journal/2\n\n";
/// The header of journals whose first records say nothing of what is on the disk.
const OLD_HEADER: &[u8; 16] = b"sera-journal/1\n\n";
const MARK: &[u8; 4] = b"SREC";
/// Mark, length, checksum.
const HEAD: usize = 12;
/// Payload before the key.
const FIXED: usize = 15;
/// No record is larger: a length beyond is damage, not a reason to allocate.
const LARGEST: usize = FIXED + crate::KEY_LIMIT + crate::INLINE_LIMIT;
/// Flag: the batch goes on.
const MORE: u8 = 1;
/// Flag: when this was written, everything before it was durable.
const FIRST: u8 = 2;

/// What the body of a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The value as JSON.
    Inline,
    /// The digest of the object that holds the value as JSON.
    Object,
    /// Nothing: the key is deleted.
    Tombstone,
}

impl Form {
    fn code(self) -> u8 {
        match self {
            Self::Inline => 0,
            Self::Object => 1,
            Self::Tombstone => 2,
        }
    }

    fn of(code: u8) -> Option<Self> {
        [Self::Inline, Self::Object, Self::Tombstone].into_iter().find(|form| form.code() == code)
    }
}

/// One fact. The kind stays a number: a newer version may have written one unknown here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) kind: u8,
    pub(crate) schema: u16,
    pub(crate) form: Form,
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// First byte in the file.
    pub(crate) offset: u64,
    /// Bytes, head included.
    pub(crate) length: u32,
}

/// What a record changes in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) kind: u8,
    pub(crate) key: String,
    /// `None` for a tombstone.
    pub(crate) place: Option<Place>,
    /// First byte in the file, tombstones included.
    pub(crate) offset: u64,
}

/// What reading the whole journal found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanned {
    /// Every readable change in order.
    pub(crate) changes: Vec<Change>,
    /// Where the last whole batch ends.
    pub(crate) end: u64,
    /// The last sequence number.
    pub(crate) seq: u64,
    /// Bytes after `end`.
    pub(crate) torn: u64,
    /// Damaged stretches before `end`.
    pub(crate) damaged: Vec<Range<u64>>,
    /// Sequence numbers that are missing because of them.
    pub(crate) missing: u64,
}

struct Writer {
    file: File,
    /// Everything before is durable.
    end: u64,
    seq: u64,
    /// A write could not be undone or made durable.
    poisoned: bool,
}

/// Batches that wait for the disk, and what became of those that no longer do.
#[derive(Default)]
struct Queue {
    tickets: u64,
    waiting: Vec<(u64, Vec<Record>)>,
    done: BTreeMap<u64, Result<(), StoreError>>,
}

/// The open journal.
pub(crate) struct Journal {
    path: PathBuf,
    queue: Mutex<Queue>,
    /// Whoever holds this writes for all who wait.
    writer: Mutex<Writer>,
    /// Durable, not yet in the index.
    pending: Mutex<Vec<Change>>,
    reader: Mutex<File>,
}

/// A thread that panicked while it held one of these locks left nothing half done that matters:
/// `end` moves last.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// Opens or creates the journal of `dir`, cuts a torn tail (kept in quarantine), copies damaged
    /// stretches there, and says what it found.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Scanned), StoreError> {
        let path = dir.join("journal");
        let failed = || StoreError::io(format!("open {}", path.display()));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed())?;
        if file.metadata().map_err(failed())?.len() < HEADER.len() as u64 {
            file.set_len(0).map_err(failed())?;
            file.write_all(HEADER).map_err(failed())?;
            file.sync_all().map_err(failed())?;
            sync_folder(dir)?;
        }
        blank::resume(dir, &mut file)?;
        let scanned = scan(&path)?;
        keep_damaged(dir, &path, &scanned)?;
        if scanned.torn > 0 {
            file.set_len(scanned.end).map_err(failed())?;
        }
        // What a killed process wrote may be read here and not be on the disk.
        file.sync_all().map_err(failed())?;
        let (end, seq) = (scanned.end, scanned.seq);
        let reader = Mutex::new(File::open(&path).map_err(failed())?);
        let journal = Self {
            path,
            queue: Mutex::default(),
            writer: Mutex::new(Writer { file, end, seq, poisoned: false }),
            pending: Mutex::default(),
            reader,
        };
        Ok((journal, scanned))
    }

    /// Never hand out a sequence number up to `seq` again.
    pub(crate) fn skip_to(&self, seq: u64) {
        let mut writer = lock(&self.writer);
        writer.seq = writer.seq.max(seq);
    }

    /// The last sequence number handed out.
    pub(crate) fn last(&self) -> u64 {
        lock(&self.writer).seq
    }

    /// Appends one batch, numbers its records and returns when it is durable.
    pub(crate) fn append(&self, batch: Vec<Record>) -> Result<(), StoreError> {
        let ticket = {
            let mut queue = lock(&self.queue);
            queue.tickets += 1;
            let ticket = queue.tickets;
            queue.waiting.push((ticket, batch));
            ticket
        };
        let mut writer = lock(&self.writer);
        let waiting = {
            let mut queue = lock(&self.queue);
            if let Some(done) = queue.done.remove(&ticket) {
                return done;
            }
            std::mem::take(&mut queue.waiting)
        };
        let results = self.write_all(&mut writer, waiting);
        let mut queue = lock(&self.queue);
        queue.done.extend(results);
        queue.done.remove(&ticket).expect("our own batch was waiting")
    }

    /// Writes batches together or, where that fails, each for itself: one may find the space that
    /// all do not.
    fn write_all(
        &self,
        writer: &mut Writer,
        mut batches: Vec<(u64, Vec<Record>)>,
    ) -> Vec<(u64, Result<(), StoreError>)> {
        if batches.len() > 1
            && self.write(writer, batches.iter_mut().map(|(_, batch)| batch)).is_ok()
        {
            return batches.into_iter().map(|(ticket, _)| (ticket, Ok(()))).collect();
        }
        let write = |(ticket, mut batch)| (ticket, self.write(writer, [&mut batch].into_iter()));
        batches.into_iter().map(write).collect()
    }

    /// Writes batches with one write and one sync.
    fn write<'a>(
        &self,
        writer: &mut Writer,
        batches: impl Iterator<Item = &'a mut Vec<Record>>,
    ) -> Result<(), StoreError> {
        if writer.poisoned {
            return Err(StoreError::Poisoned);
        }
        let (mut bytes, mut changes) = (Vec::new(), Vec::new());
        let mut seq = writer.seq;
        for batch in batches {
            let last = batch.len().saturating_sub(1);
            for (at, record) in batch.iter_mut().enumerate() {
                seq += 1;
                record.seq = seq;
                let offset = writer.end + bytes.len() as u64;
                let first = if bytes.is_empty() { FIRST } else { 0 };
                let more = if at < last { MORE } else { 0 };
                let length = encode(record, first | more, &mut bytes);
                changes.push(change(record, Place { offset, length }));
            }
        }
        self.write_bytes(writer, &bytes)?;
        writer.end += bytes.len() as u64;
        writer.seq = seq;
        lock(&self.pending).append(&mut changes);
        Ok(())
    }

    fn write_bytes(&self, writer: &mut Writer, bytes: &[u8]) -> Result<(), StoreError> {
        let written = writer
            .file
            .seek(SeekFrom::Start(writer.end))
            .and_then(|_| writer.file.write_all(bytes));
        if let Err(error) = written {
            // Nothing may follow what is half written.
            writer.poisoned = writer.file.set_len(writer.end).is_err();
            return Err(StoreError::io(format!("append to {}", self.path.display()))(error));
        }
        writer.file.sync_data().map_err(|error| {
            // What a failed sync left behind is unknowable: the kernel may have dropped the pages.
            writer.poisoned = true;
            StoreError::io(format!("sync {}", self.path.display()))(error)
        })
    }

    /// Takes the changes that are not in the index yet, in order.
    pub(crate) fn take_pending(&self) -> Vec<Change> {
        std::mem::take(&mut *lock(&self.pending))
    }

    /// Reads the whole journal again while nobody writes; pending changes are in what it returns.
    pub(crate) fn rescan(&self) -> Result<Scanned, StoreError> {
        let _writer = lock(&self.writer);
        lock(&self.pending).clear();
        scan(&self.path)
    }

    /// The record at `place`; `None` where its bytes are not what was written.
    pub(crate) fn read(&self, place: Place) -> Result<Option<Record>, StoreError> {
        let mut bytes = vec![0; place.length as usize];
        let mut reader = lock(&self.reader);
        let read =
            reader.seek(SeekFrom::Start(place.offset)).and_then(|_| reader.read_exact(&mut bytes));
        match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(StoreError::io(format!("read {}", self.path.display()))(error)),
            Ok(()) => Ok(decode(&bytes).map(|(record, _)| record)),
        }
    }
}

fn change(record: &Record, place: Place) -> Change {
    Change {
        seq: record.seq,
        kind: record.kind,
        key: record.key.clone(),
        place: (record.form != Form::Tombstone).then_some(place),
        offset: place.offset,
    }
}

/// Appends the record's bytes; how many there are.
fn encode(record: &Record, flags: u8, to: &mut Vec<u8>) -> u32 {
    let length = FIXED + record.key.len() + record.body.len();
    let start = to.len();
    to.extend_from_slice(MARK);
    to.extend_from_slice(&(length as u32).to_le_bytes());
    to.extend_from_slice(&[0; 4]);
    to.extend_from_slice(&record.seq.to_le_bytes());
    to.push(record.kind);
    to.extend_from_slice(&record.schema.to_le_bytes());
    to.push(flags);
    to.push(record.form.code());
    to.extend_from_slice(&(record.key.len() as u16).to_le_bytes());
    to.extend_from_slice(record.key.as_bytes());
    to.extend_from_slice(&record.body);
    let crc = checksum(&to[start..]);
    to[start + 8..start + HEAD].copy_from_slice(&crc.to_le_bytes());
    (to.len() - start) as u32
}

fn checksum(record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&record[4..8]), &record[HEAD..])
}

/// Length of the whole record that `head` opens, if it opens one.
fn whole(head: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(head.get(4..8)?.try_into().ok()?) as usize;
    (head.starts_with(MARK) && (FIXED..=LARGEST).contains(&length)).then_some(HEAD + length)
}

/// Reads one record of exactly these bytes, and its flags.
fn decode(bytes: &[u8]) -> Option<(Record, u8)> {
    let crc = u32::from_le_bytes(bytes.get(8..HEAD)?.try_into().ok()?);
    if whole(bytes)? != bytes.len() || checksum(bytes) != crc {
        return None;
    }
    let payload = &bytes[HEAD..];
    let key_length = usize::from(u16::from_le_bytes([payload[13], payload[14]]));
    let key = payload.get(FIXED..FIXED + key_length)?;
    let record = Record {
        seq: u64::from_le_bytes(payload[..8].try_into().ok()?),
        kind: payload[8],
        schema: u16::from_le_bytes([payload[9], payload[10]]),
        form: Form::of(payload[12])?,
        key: String::from_utf8(key.to_vec()).ok()?,
        body: payload[FIXED + key_length..].to_vec(),
    };
    Some((record, payload[11]))
}

/// A damaged stretch, and what the scan would be if all from there on were cut off.
struct Damage {
    range: Range<u64>,
    end: u64,
    missing: u64,
}

/// Reads every record from the start.
fn scan(path: &Path) -> Result<Scanned, StoreError> {
    let failed = || StoreError::io(format!("read {}", path.display()));
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed())?);
    let length = file.get_ref().metadata().map_err(failed())?.len();
    let mut header = [0; HEADER.len()];
    file.read_exact(&mut header).map_err(failed())?;
    let mut scanned = Scanned { end: HEADER.len() as u64, ..Scanned::default() };
    // Where what is known to be durable ends; an old journal does not say.
    let mut durable = if header == *OLD_HEADER { u64::MAX } else { scanned.end };
    let (mut batch, mut damaged): (Vec<Change>, Vec<Damage>) = (Vec::new(), Vec::new());
    let mut at = scanned.end;
    while at < length {
        match next(&mut file, scanned.seq).map_err(failed())? {
            Some((record, flags, bytes)) => {
                if flags & FIRST != 0 {
                    durable = at;
                }
                scanned.missing += record.seq - scanned.seq - 1;
                scanned.seq = record.seq;
                batch.push(change(&record, Place { offset: at, length: bytes }));
                at += u64::from(bytes);
                if flags & MORE == 0 {
                    scanned.changes.append(&mut batch);
                    scanned.end = at;
                }
            }
            None => {
                let Some(good) = find(path, at + 1, scanned.seq).map_err(failed())? else { break };
                let end = batch.first().map_or(at, |change| change.offset);
                damaged.push(Damage { range: at..good, end, missing: scanned.missing });
                // What is left of a batch around damage was acknowledged with it: keep it.
                scanned.changes.append(&mut batch);
                at = good;
                file.seek(SeekFrom::Start(at)).map_err(failed())?;
            }
        }
    }
    if let Some(cut) = damaged.iter().position(|damage| damage.range.start >= durable) {
        // It was not: power was cut while all of this was written.
        let Damage { end, missing, .. } = damaged[cut];
        scanned.changes.retain(|change| change.offset < end);
        (scanned.end, scanned.missing) = (end, missing);
        damaged.truncate(cut);
    }
    scanned.seq = scanned.changes.last().map_or(0, |change| change.seq);
    scanned.damaged = damaged.into_iter().map(|damage| damage.range).collect();
    scanned.damaged.retain(|range| range.start < scanned.end);
    scanned.torn = length - scanned.end;
    Ok(scanned)
}

/// The record at the reader's place with its length; `None` where none stands or it is out of order.
fn next(file: &mut impl io::Read, last: u64) -> io::Result<Option<(Record, u8, u32)>> {
    let mut bytes = vec![0; HEAD];
    if !fill(file, &mut bytes)? {
        return Ok(None);
    }
    let Some(whole) = whole(&bytes) else { return Ok(None) };
    bytes.resize(whole, 0);
    if !fill(file, &mut bytes[HEAD..])? {
        return Ok(None);
    }
    let record = decode(&bytes).filter(|(record, _)| record.seq > last);
    Ok(record.map(|(record, flags)| (record, flags, whole as u32)))
}

fn fill(file: &mut impl io::Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

/// Where the next good record after `from` begins.
fn find(path: &Path, from: u64, last: u64) -> io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    let starts = rest.windows(MARK.len()).enumerate().filter(|(_, window)| window == MARK);
    let good = |at: &usize| {
        let tail = &rest[*at..];
        let record = whole(tail).and_then(|whole| tail.get(..whole)).and_then(decode);
        record.is_some_and(|(record, _)| record.seq > last)
    };
    Ok(starts.map(|(at, _)| at).find(good).map(|at| from + at as u64))
}

/// Copies what cannot be read into the quarantine.
fn keep_damaged(dir: &Path, path: &Path, scanned: &Scanned) -> Result<(), StoreError> {
    let torn = (scanned.torn > 0).then_some(scanned.end..scanned.end + scanned.torn);
    for range in scanned.damaged.iter().cloned().chain(torn) {
        let failed = || StoreError::io(format!("read {}", path.display()));
        let mut bytes = Vec::new();
        let mut file = File::open(path).map_err(failed())?;
        file.seek(SeekFrom::Start(range.start)).map_err(failed())?;
        file.take(range.end - range.start).read_to_end(&mut bytes).map_err(failed())?;
        match quarantine(dir, &format!("journal-{}-{}", range.start, range.end), &bytes) {
            // A copy for the curious keeps nobody from what is whole.
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {}
            kept => kept?,
        }
    }
    Ok(())
}
