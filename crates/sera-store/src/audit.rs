//! The audit log: events in files that only ever grow, each chained to the one before it.
//!
//! A record is a line of JSON that ends in `,"mac":"…"}`: BLAKE3 of all that stands before, keyed
//! with a secret of the repository, and what stands before names the mac of the record ahead of it.
//! So whoever lacks the key can change, add, move or remove nothing in the middle without breaking
//! the chain. The end is held by `head`, which says how many records there are and what the last
//! one's mac is, and by whoever keeps heads elsewhere (the daemon does, in the journal): a log
//! whose newest records are gone, or an older copy of it, no longer reaches them.
//!
//! Any process of the user may append: a lock file keeps them apart, so a worker writes down what
//! it sends before it sends it, without asking the daemon. A record is whole and on the disk before
//! `head` names it, and acknowledged after that. What a killed writer left behind `head` is either
//! a whole record, which stays, or a part of one, which is cut off and told of.
mod chain;
#[cfg(test)]
mod tests;

use crate::files::{create_folder, entries, sync_folder};
use chain::{Chain, Line};
use sera_core::audit::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A segment that has grown beyond this is followed by another, which goes on with the chain.
const SEGMENT: u64 = 16 << 20;
/// No line is longer.
const LONGEST: usize = 32 << 10;

/// Why an event was not written down, or the log not read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file system refused.
    #[error("failed to {doing}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// Its own error.
        #[source]
        source: io::Error,
    },
    /// The log is not what was written.
    #[error("the audit log was changed: {0}")]
    Broken(Broken),
    /// An event is longer than any is.
    #[error("an event of {0} bytes is too long for the audit log")]
    TooLong(usize),
}

/// Where a log is not what was written, and how that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file, by name.
    pub file: String,
    /// Its line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, what } = self;
        match line {
            0 => write!(f, "{file}: {what}"),
            line => write!(f, "{file} line {line}: {what}"),
        }
    }
}

/// How far a log has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many records there are.
    pub count: u64,
    /// The mac of the last one.
    pub mac: String,
}

/// One record as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its number, from 1.
    pub number: u64,
    /// Unix milliseconds.
    pub time_ms: u64,
    /// The event as JSON: a newer version may have written one that is unknown here.
    pub event: Value,
}

/// What reading a whole log found.
#[derive(Clone, Debug, PartialEq)]
pub struct Audited {
    /// Every record before the first that is broken.
    pub records: Vec<Recorded>,
    /// Where the log is not what was written.
    pub broken: Option<Broken>,
}

/// The log in one folder. Cheap to open; nothing stays open between calls.
pub struct AuditLog {
    dir: PathBuf,
    chain: Chain,
    segment: u64,
    /// The furthest that this process has seen it.
    seen: Mutex<Option<Head>>,
}

impl std::fmt::Debug for AuditLog {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLog").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// The end of a log, read under its lock.
struct End {
    /// The last segment, if there is one.
    segment: Option<PathBuf>,
    /// Bytes of its whole lines.
    length: u64,
    head: Head,
}

impl AuditLog {
    /// The log in `dir`, of whoever has this key.
    pub fn new(dir: &Path, key: &[u8; 32]) -> Self {
        let (dir, chain) = (dir.to_owned(), Chain::of(key));
        Self { dir, chain, segment: SEGMENT, seen: Mutex::default() }
    }

    /// The same log, which is known to have come as far as `head`: nothing follows an older copy.
    #[must_use]
    pub fn reaching(self, head: Option<Head>) -> Self {
        Self { seen: Mutex::new(head), ..self }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds an event; it is on the disk when this returns its number.
    ///
    /// # Errors
    /// [`AuditError::Broken`] where the end is not what was written: nothing follows that.
    pub fn append(&self, now_ms: u64, event: &Event) -> Result<u64, AuditError> {
        let _lock = self.lock()?;
        let end = self.end(now_ms)?;
        Ok(self.put(&end, now_ms, event)?.head.count)
    }

    /// How far the log has come, once what a killed writer left is cut off.
    pub fn head(&self, now_ms: u64) -> Result<Head, AuditError> {
        let _lock = self.lock()?;
        Ok(self.end(now_ms)?.head)
    }

    /// Reads and checks every record. `anchors` are heads that were kept elsewhere: the log must
    /// have come by each.
    pub fn read(&self, now_ms: u64, anchors: &[Head]) -> Result<Audited, AuditError> {
        let _lock = self.lock()?;
        let end = match self.end(now_ms) {
            Ok(_) => None,
            Err(AuditError::Broken(broken)) => Some(broken),
            Err(error) => return Err(error),
        };
        let mut audited = self.check(anchors)?;
        audited.broken = audited.broken.or(end);
        Ok(audited)
    }

    /// Moves a damaged log aside and begins a new one, which tells of that.
    pub fn restart(&self, now_ms: u64, damage: &Broken) -> Result<PathBuf, AuditError> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kept = self.dir.with_file_name(format!("{name}.damaged-{now_ms}"));
        {
            let _lock = self.lock()?;
            std::fs::rename(&self.dir, &kept)
                .map_err(io(format!("move {}", self.dir.display())))?;
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let damage = damage.to_string();
        self.append(now_ms, &Event::Restarted { damage, kept: kept.display().to_string() })?;
        Ok(kept)
    }

    fn lock(&self) -> Result<Lock, AuditError> {
        create_folder(&self.dir).map_err(|error| io(error.to_string())(cause(error)))?;
        let path = self.dir.join("lock");
        let doing = format!("lock {}", path.display());
        let file = private().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(io(&doing))?;
        file.lock().map_err(io(&doing))?;
        Ok(Lock(file))
    }

    /// Where the next record goes. Cuts off, and tells of, what a killed writer left.
    fn end(&self, now_ms: u64) -> Result<End, AuditError> {
        let mut head = self.read_head()?;
        let Some(segment) = self.segments()?.pop() else {
            if head.count > 0 {
                return Err(broken(&self.dir, 0, gone(0, head.count)));
            }
            let end = End { segment: None, length: 0, head };
            return self.continues(end);
        };
        let tail = Tail::read(&segment)?;
        let last = match &tail.last {
            None => head.clone(),
            Some(line) => {
                let line = self.chain.read(line).map_err(|what| broken(&segment, 0, what))?;
                self.follow(&head, &line, &segment)?
            }
        };
        if tail.last.is_none() && first_of(&segment) != head.count + 1 {
            return Err(broken(&segment, 1, "the record is not whole".to_owned()));
        }
        if last != head {
            self.write_head(&last)?;
            head = last;
        }
        let end = End { segment: Some(segment), length: tail.whole, head };
        let end = self.continues(end)?;
        match tail.torn {
            0 => Ok(end),
            bytes => self.put(&end, now_ms, &Event::Repaired { bytes }),
        }
    }

    /// The head that the last whole line makes, if it goes on from the one that was kept.
    fn follow(&self, head: &Head, last: &Line, segment: &Path) -> Result<Head, AuditError> {
        let found = Head { count: last.number, mac: last.mac.clone() };
        if found == *head || last.number == head.count + 1 && last.prev == head.mac {
            return Ok(found);
        }
        if last.number < head.count {
            return Err(broken(segment, 0, gone(last.number, head.count)));
        }
        // A power cut may have undone the renaming of several heads.
        match self.check(&[])?.broken {
            Some(broken) => Err(AuditError::Broken(broken)),
            None => Ok(found),
        }
    }

    /// The log goes on from what this process has seen.
    fn continues(&self, end: End) -> Result<End, AuditError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = &*seen {
            let same = before.count != end.head.count || before.mac == end.head.mac;
            if end.head.count < before.count || !same {
                let what = gone(end.head.count, before.count);
                return Err(broken(&self.dir, 0, what));
            }
        }
        *seen = Some(end.head.clone());
        Ok(end)
    }

    /// Appends after `end`, over whatever is not whole there.
    fn put(&self, end: &End, now_ms: u64, event: &Event) -> Result<End, AuditError> {
        let number = end.head.count + 1;
        let (line, mac) = self.chain.write(number, now_ms, event, &end.head.mac);
        if line.len() > LONGEST {
            return Err(AuditError::TooLong(line.len()));
        }
        let full = end.length >= self.segment;
        let (path, at) = match &end.segment {
            Some(path) if !full => (path.clone(), end.length),
            Some(_) | None => (self.dir.join(format!("{number:012}.jsonl")), 0),
        };
        let doing = format!("write {}", path.display());
        if end.segment.is_none() {
            // A log without its head is one whose head was taken away.
            self.write_head(&end.head)?;
        }
        let mut file =
            private().write(true).create(true).truncate(false).open(&path).map_err(io(&doing))?;
        let written = file.set_len(at).and_then(|()| file.seek(SeekFrom::Start(at)));
        let written = written.and_then(|_| file.write_all(line.as_bytes()));
        written.and_then(|()| file.sync_data()).map_err(io(&doing))?;
        if at == 0 {
            sync_folder(&self.dir).map_err(|error| io(&doing)(cause(error)))?;
        }
        let head = Head { count: number, mac };
        self.write_head(&head)?;
        self.continues(End { segment: Some(path), length: at + line.len() as u64, head })
    }

    /// The head that was kept; that of an empty log where there is none and no log.
    fn read_head(&self) -> Result<Head, AuditError> {
        let path = self.dir.join("head");
        match std::fs::read_to_string(&path) {
            Ok(text) => self
                .chain
                .read_head(&text)
                .ok_or_else(|| broken(&path, 1, "it is not what was written".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match self.segments()?.is_empty() {
                    true => Ok(self.chain.empty()),
                    false => Err(broken(&path, 0, "it is missing".to_owned())),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(broken(&path, 1, "it is not what was written".to_owned()))
            }
            Err(error) => Err(io(format!("read {}", path.display()))(error)),
        }
    }

    fn write_head(&self, head: &Head) -> Result<(), AuditError> {
        let (path, part) = (self.dir.join("head"), self.dir.join("head.part"));
        let write = || {
            let mut file = private().write(true).create(true).truncate(true).open(&part)?;
            file.write_all(self.chain.head(head).as_bytes())?;
            file.sync_data()?;
            std::fs::rename(&part, &path)
        };
        write().map_err(io(format!("write {}", path.display())))
    }

    /// The files with records, in order.
    fn segments(&self) -> Result<Vec<PathBuf>, AuditError> {
        let listed = entries(&self.dir);
        let mut paths = listed.map_err(|error| io(error.to_string())(cause(error)))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        Ok(paths)
    }

    fn check(&self, anchors: &[Head]) -> Result<Audited, AuditError> {
        let mut anchors = anchors.to_vec();
        let mut records = Vec::new();
        match self.read_head() {
            Ok(head) => anchors.push(head),
            Err(AuditError::Broken(broken)) => {
                return Ok(Audited { records, broken: Some(broken) });
            }
            Err(error) => return Err(error),
        }
        anchors.extend(self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let broken = self.walk(&anchors, &mut records)?;
        Ok(Audited { records, broken })
    }

    /// Follows the chain from its beginning; where it breaks.
    fn walk(
        &self,
        anchors: &[Head],
        records: &mut Vec<Recorded>,
    ) -> Result<Option<Broken>, AuditError> {
        let mut head = self.chain.empty();
        for segment in self.segments()? {
            let name = segment.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let at = |line: usize, what: String| {
                Ok(Some(Broken { file: name.clone(), line: line as u64, what }))
            };
            let first = first_of(&segment);
            if first != head.count + 1 {
                return at(0, format!("record {} should be the first in it", head.count + 1));
            }
            let bytes =
                std::fs::read(&segment).map_err(io(format!("read {}", segment.display())))?;
            for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
                let Some((b'\n', line)) = line.split_last() else {
                    return at(index + 1, "the record is not whole".to_owned());
                };
                let line = match self.chain.read(line) {
                    Ok(line) => line,
                    Err(what) => return at(index + 1, what),
                };
                if let Err(what) = self.chain.next(&mut head, &line) {
                    return at(index + 1, what);
                }
                if anchors.iter().any(|a| a.count == head.count && a.mac != head.mac) {
                    return at(index + 1, "it is not the record that was written".to_owned());
                }
                let Line { number, time_ms, event, .. } = line;
                records.push(Recorded { number, time_ms, event });
            }
        }
        let furthest = anchors.iter().map(|anchor| anchor.count).max().unwrap_or(0);
        let short = furthest > head.count;
        let file = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(short.then(|| Broken { file, line: 0, what: gone(head.count, furthest) }))
    }
}

/// The number of the first record of a segment, by its name.
fn first_of(segment: &Path) -> u64 {
    segment.file_stem().unwrap_or_default().to_string_lossy().parse().unwrap_or(0)
}

/// The end of a file of lines.
struct Tail {
    /// The last whole line, without its end.
    last: Option<Vec<u8>>,
    /// Bytes of whole lines.
    whole: u64,
    /// Bytes after them.
    torn: u64,
}

impl Tail {
    fn read(path: &Path) -> Result<Self, AuditError> {
        let read = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            let length = file.metadata()?.len();
            let from = length.saturating_sub(2 * LONGEST as u64);
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let torn = (bytes.len() - whole) as u64;
            let last = bytes[..whole].strip_suffix(b"\n");
            let last = last.map(|lines| {
                let start = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                lines[start..].to_vec()
            });
            Ok(Self { last, whole: length - torn, torn })
        };
        read().map_err(io(format!("read {}", path.display())))
    }
}

/// Whoever holds it appends; the others wait.
struct Lock(File);

impl Drop for Lock {
    /// A child that is being started holds a copy of the descriptor: see the store's lock.
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

fn private() -> std::fs::OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true);
    options
}

fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> AuditError {
    let doing = doing.into();
    move |source| AuditError::Io { doing, source }
}

fn cause(error: crate::StoreError) -> io::Error {
    match error {
        crate::StoreError::Io { source, .. } => source,
        other => io::Error::other(other),
    }
}

fn broken(path: &Path, line: u64, what: String) -> AuditError {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    AuditError::Broken(Broken { file, line, what })
}

fn gone(there: u64, were: u64) -> String {
    match there.cmp(&were) {
        std::cmp::Ordering::Less => format!("it ends with record {there}, but there were {were}"),
        _ => format!("record {were} is not the one that was written"),
    }
}
