//! What was spent on which day, and replies that are paid for: files that only ever grow, a line a
//! fact, so that a process killed at any moment has paid for nothing twice and forgets no cent.
use crate::cost::Spent;
use serde::{Deserialize, Serialize};
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

/// One payment.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Payment {
    /// Days since 1970, UTC.
    day: u64,
    tokens: u64,
    microdollars: u64,
}

/// What was spent on each day.
#[derive(Debug)]
pub struct Ledger {
    lines: Lines,
    day: u64,
    today: Spent,
}

impl Ledger {
    /// The ledger in `path`, as of `now_ms` (Unix milliseconds).
    ///
    /// # Errors
    /// Where the file cannot be read or made.
    pub fn open(path: &Path, now_ms: u64) -> Result<Self, LedgerError> {
        let (lines, payments) = Lines::open::<Payment>(path)?;
        let day = now_ms / DAY;
        let today = payments.iter().filter(|payment| payment.day == day);
        let today = today.fold(Spent::default(), |sum, payment| {
            sum.and(Spent { tokens: payment.tokens, microdollars: payment.microdollars })
        });
        Ok(Self { lines, day, today })
    }

    /// What was spent on the day it was opened on, before that.
    pub fn today(&self) -> Spent {
        self.today
    }

    pub(crate) fn pay(&mut self, spent: Spent) -> Result<(), LedgerError> {
        let Spent { tokens, microdollars } = spent;
        self.lines.add(&Payment { day: self.day, tokens, microdollars })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_remembers_its_day() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/spent.jsonl");
        let spent = |tokens, microdollars| Spent { tokens, microdollars };
        let mut ledger = Ledger::open(&path, 5 * DAY).unwrap();
        ledger.pay(spent(10, 3)).unwrap();
        ledger.pay(spent(1, 1)).unwrap();
        assert_eq!(Ledger::open(&path, 5 * DAY + 7).unwrap().today(), spent(11, 4));
        assert_eq!(Ledger::open(&path, 6 * DAY).unwrap().today(), spent(0, 0));
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
