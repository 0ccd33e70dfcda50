//! What was spent on which day, and replies that are paid for: files that only ever grow, a line a
//! fact, so that a process killed at any moment has paid for nothing twice and forgets no cent.
use crate::cost::{Budget, Spent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// Why a fact was not kept.
#[derive(Debug, thiserror::Error)]
#[error("failed to keep what is paid for in {}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl LedgerError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { path, source }
    }
}

/// A file of facts, one a line.
#[derive(Debug)]
pub(crate) struct Lines {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
}

impl Lines {
    /// Opens `path`, readable by its owner alone, and reads what stands there. A last line that was
    /// not written to its end is cut off, whatever else cannot be read is left out.
    pub(crate) fn open<T: for<'a> Deserialize<'a>>(
        path: &Path,
    ) -> Result<(Self, Vec<T>), LedgerError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = || -> io::Result<_> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = options.open(path)?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if whole < text.len() {
                file.set_len(whole as u64)?;
            }
            file.seek(SeekFrom::End(0))?;
            let lines = BufReader::new(&text[..whole]).split(b'\n').map_while(Result::ok);
            let facts = lines.filter_map(|line| serde_json::from_slice(&line).ok()).collect();
            Ok((file, whole as u64, facts))
        };
        let (file, length, facts) = open().map_err(LedgerError::at(path))?;
        Ok((Self { path: path.to_owned(), file, length }, facts))
    }

    /// Adds a fact; it is on the disk when this returns.
    pub(crate) fn add(&mut self, fact: &impl Serialize) -> Result<(), LedgerError> {
        let mut line = serde_json::to_vec(fact).expect("facts are plain data");
        line.push(b'\n');
        // Half a line, of a full disk, would swallow the next one.
        let begun = self.file.set_len(self.length);
        let begun = begun.and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
        let written = begun.and_then(|_| self.file.write_all(&line));
        let written = written.and_then(|()| self.file.sync_data());
        written.map_err(LedgerError::at(&self.path))?;
        self.length += line.len() as u64;
        Ok(())
    }
}

/// Tells the time, Unix milliseconds.
pub type Clock = fn() -> u64;

/// One payment: what a call may come to when it is made, and what it did not come to when it has
/// ended. A call that was under way when its process was killed has paid for its worst case.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Payment {
    /// Days since 1970, UTC.
    day: u64,
    tokens: i64,
    microdollars: i64,
}

impl Payment {
    fn of(day: u64, spent: Spent) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self { day, tokens: signed(spent.tokens), microdollars: signed(spent.microdollars) }
    }
}

/// What was spent on each day, and what one may see spent.
#[derive(Debug)]
pub struct Ledger {
    lines: Lines,
    daily: Budget,
    clock: Clock,
    days: BTreeMap<u64, (i64, i64)>,
}

impl Ledger {
    /// The ledger in `path`, where no day may see more spent than `daily`.
    ///
    /// # Errors
    /// Where the file cannot be read or made.
    pub fn open(path: &Path, daily: Budget, clock: Clock) -> Result<Self, LedgerError> {
        let (lines, payments) = Lines::open::<Payment>(path)?;
        let mut ledger = Self { lines, daily, clock, days: BTreeMap::new() };
        payments.into_iter().for_each(|payment| ledger.count(payment));
        Ok(ledger)
    }

    fn count(&mut self, payment: Payment) {
        let (tokens, microdollars) = self.days.entry(payment.day).or_default();
        *tokens = tokens.saturating_add(payment.tokens);
        *microdollars = microdollars.saturating_add(payment.microdollars);
    }

    fn spent_on(&self, day: u64) -> Spent {
        let (tokens, microdollars) = self.days.get(&day).copied().unwrap_or_default();
        let whole = |number: i64| u64::try_from(number).unwrap_or(0);
        Spent { tokens: whole(tokens), microdollars: whole(microdollars) }
    }

    fn add(&mut self, payment: Payment) -> Result<(), LedgerError> {
        self.lines.add(&payment)?;
        self.count(payment);
        Ok(())
    }

    /// Pays for the worst case of a call that is about to be made, and says on which day; none
    /// where that day's budget does not hold it.
    pub(crate) fn put_aside(&mut self, most: Spent) -> Result<Option<u64>, LedgerError> {
        let day = (self.clock)() / DAY;
        if !self.daily.holds(self.spent_on(day).and(most)) {
            return Ok(None);
        }
        self.add(Payment::of(day, most)).map(|()| Some(day))
    }

    /// Takes back what a call of `day` did not come to.
    pub(crate) fn settle(&mut self, day: u64, most: Spent, paid: Spent) -> Result<(), LedgerError> {
        let (most, paid) = (Payment::of(day, most), Payment::of(day, paid));
        self.add(Payment {
            day,
            tokens: paid.tokens - most.tokens,
            microdollars: paid.microdollars - most.microdollars,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! { static NOW: Cell<u64> = const { Cell::new(0) }; }

    fn open(path: &Path) -> Ledger {
        let daily = Budget { tokens: Some(20), microdollars: None };
        Ledger::open(path, daily, || NOW.get()).unwrap()
    }

    fn spent(tokens: u64, microdollars: u64) -> Spent {
        Spent { tokens, microdollars }
    }

    #[test]
    fn each_call_is_of_its_own_day() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/spent.jsonl");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let old = r#"{"day":5,"tokens":3,"microdollars":1}"#;
        std::fs::write(&path, format!("{old}\n")).unwrap();
        NOW.set(6 * DAY - 1);
        let mut ledger = open(&path);
        let late = ledger.put_aside(spent(12, 9)).unwrap();
        assert_eq!(late, Some(5));
        assert_eq!(ledger.put_aside(spent(12, 9)).unwrap(), None, "15 of 20 are taken");
        // Midnight.
        NOW.set(6 * DAY);
        let early = ledger.put_aside(spent(12, 9)).unwrap();
        assert_eq!(early, Some(6));
        ledger.settle(5, spent(12, 9), spent(10, 3)).unwrap();
        ledger.settle(6, spent(12, 9), spent(1, 1)).unwrap();
        for ledger in [ledger, open(&path)] {
            assert_eq!((ledger.spent_on(5), ledger.spent_on(6)), (spent(13, 4), spent(1, 1)));
        }
    }

    #[test]
    fn a_line_that_broke_off_is_cut_and_noise_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::write(&path, "1\nnoise\n\n2\n3").unwrap();
        let (mut lines, facts) = Lines::open::<u8>(&path).unwrap();
        assert_eq!(facts, [1, 2]);
        lines.add(&4).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\nnoise\n\n2\n4\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let (_lines, _none) = Lines::open::<u8>(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
