//! What hooks leave for the daemon: `$GIT_COMMON_DIR/sera/spool`.
//!
//! A hook writes without waiting for anybody, whether a daemon runs or not. `hint` only says that
//! refs may have moved: its content is a format's number, and writing it again is the event.
//! `rewritten` says what cannot be read from refs, which commit an amend or a rebase made of which:
//! one line each, `1 rewritten OLD NEW`. Hooks let that file grow to 1 MiB; what does not fit is not
//! said, since refs are the truth.
//!
//! The reader takes `rewritten` by renaming it, so that no writer waits for a reader. A writer that
//! opened it before that may still append to it, so a file that was taken is read once more by the
//! next reader: a pair may be told twice, and is not lost.
use sera_core::CommitId;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The file whose writing is the hint.
pub const HINT: &str = "hint";

/// The file that hooks append pairs to.
pub const REWRITTEN: &str = "rewritten";

/// Taken, and not done with yet.
const TAKEN: &str = "taken";

/// Done with, but for what a slow writer may still append.
const OLD: &str = "old";

/// Bytes that hooks let the file grow to where nobody takes it: about 12,000 pairs.
pub(crate) const LIMIT: u64 = 1 << 20;

/// Bytes that are read of a file; a shell may count its limit in blocks of twice the size.
const READ: u64 = 4 * LIMIT;

/// A commit that was rewritten.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rewritten {
    /// What it was.
    pub old: CommitId,
    /// What was made of it.
    pub new: CommitId,
}

/// The spool of one repository.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// What was taken out of a spool; still there until [`Taken::done`].
#[derive(Debug)]
pub struct Taken {
    /// In the order they were said; one may be said twice.
    pub rewritten: Vec<Rewritten>,
    /// Lines that were torn, or that no version of ours wrote.
    pub skipped: usize,
    folder: PathBuf,
}

impl Spool {
    /// The spool of the repository with this common folder.
    pub fn below(common_dir: &Path) -> Self {
        Self { folder: common_dir.join("sera").join("spool") }
    }

    /// The folder, to be watched. Only [`HINT`] and [`REWRITTEN`] in it are written by hooks.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder: hooks write nothing where it is missing.
    pub fn create(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.folder)
    }

    /// Takes what hooks said since the last time, and what a reader before did not see to its end.
    pub fn take(&self) -> io::Result<Taken> {
        let taken = self.folder.join(TAKEN);
        if !taken.exists() {
            missing_is_fine(fs::rename(self.folder.join(REWRITTEN), &taken))?;
        }
        let mut said = Taken { rewritten: Vec::new(), skipped: 0, folder: self.folder.clone() };
        // Where an earlier reader left `taken`, hooks went on in `rewritten`, which waits its turn.
        for name in [OLD, TAKEN] {
            said.read(&content(&self.folder.join(name))?);
        }
        Ok(said)
    }
}

impl Taken {
    fn read(&mut self, content: &[u8]) {
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            match pair(line) {
                Some(pair) => self.rewritten.push(pair),
                None => self.skipped += 1,
            }
        }
    }

    /// Says that all of it was used. Before, the next reader gets it again.
    pub fn done(self) -> io::Result<()> {
        // Renaming replaces what is old by now.
        missing_is_fine(fs::rename(self.folder.join(TAKEN), self.folder.join(OLD)))
    }
}

/// What one whole line says.
fn pair(line: &[u8]) -> Option<Rewritten> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (old, new) = line.strip_prefix("1 rewritten ")?.split_once(' ')?;
    let whole = |id: &str| {
        matches!(id.len(), 40 | 64)
            && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let pair = whole(old) && whole(new) && old.len() == new.len();
    pair.then(|| Rewritten { old: CommitId::from_hex(old), new: CommitId::from_hex(new) })
}

/// A file's bytes, up to a limit; none where it is missing, or is something that could be waited
/// for.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(content),
        found => found?,
    };
    if found.is_file() {
        fs::File::open(path)?.take(READ).read_to_end(&mut content)?;
    }
    Ok(content)
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn spool() -> (tempfile::TempDir, Spool) {
        let common = tempfile::tempdir().unwrap();
        let spool = Spool::below(common.path());
        spool.create().unwrap();
        (common, spool)
    }

    fn append(spool: &Spool, text: &str) {
        let path = spool.folder().join(REWRITTEN);
        let mut file = fs::File::options().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// The pair number `n`, and the line that says it.
    fn said(n: u8) -> (Rewritten, String) {
        let [old, new] = [n, n + 1].map(|n| format!("{n:040x}"));
        let line = format!("1 rewritten {old} {new}\n");
        (Rewritten { old: CommitId::from_hex(old), new: CommitId::from_hex(new) }, line)
    }

    #[test]
    fn lines_are_whole_pairs_or_nothing() {
        let (id, long) = ("a".repeat(40), "b".repeat(64));
        for (line, expect) in [
            (format!("1 rewritten {id} {id}\n"), true),
            (format!("1 rewritten {long} {long}\n"), true),
            (format!("1 rewritten {id} {id}"), false),
            (format!("1 rewritten {id} {long}\n"), false),
            (format!("1 rewritten {id} {}\n", "A".repeat(40)), false),
            (format!("1 rewritten {id} {id} {id}\n"), false),
            (format!("1 rewritten {id}\n"), false),
            (format!("2 rewritten {id} {id}\n"), false),
            (format!("{id} {id}\n"), false),
            ("\n".to_owned(), false),
        ] {
            assert_eq!(pair(line.as_bytes()).is_some(), expect, "{line:?}");
        }
        assert!(pair(b"1 rewritten \xff \xff\n").is_none(), "not text");
    }

    #[test]
    fn what_is_not_done_with_is_told_again_and_what_is_done_with_once_more() {
        let (_common, spool) = spool();
        let (first, line) = said(1);
        append(&spool, &line);
        let taken = spool.take().unwrap();
        assert_eq!((taken.rewritten, taken.skipped), (vec![first.clone()], 0));

        let (second, line) = said(2);
        append(&spool, &line);
        let again = spool.take().unwrap();
        assert_eq!(again.rewritten, std::slice::from_ref(&first), "the reader before died");
        again.done().unwrap();

        let next = spool.take().unwrap();
        assert_eq!(next.rewritten, [first, second.clone()], "hooks went on beside it");
        next.done().unwrap();
        assert_eq!(spool.take().unwrap().rewritten, [second], "once more, for slow writers");
    }

    #[test]
    fn a_writer_that_opened_the_file_before_it_was_taken_loses_nothing() {
        let (_common, spool) = spool();
        let (early, line) = said(1);
        append(&spool, &line);
        let mut slow =
            fs::File::options().append(true).open(spool.folder().join(REWRITTEN)).unwrap();
        spool.take().unwrap().done().unwrap();
        let (late, line) = said(2);
        slow.write_all(line.as_bytes()).unwrap();
        assert_eq!(spool.take().unwrap().rewritten, [early, late]);
    }

    #[test]
    fn torn_and_foreign_lines_are_skipped_and_the_rest_is_read() {
        let (_common, spool) = spool();
        let (pair, line) = said(1);
        append(&spool, &format!("1 rewr{line}\0\0\n2 moved x\n{line}{}", &line[..30]));
        let taken = spool.take().unwrap();
        assert_eq!((taken.rewritten, taken.skipped), (vec![pair], 4));
    }

    #[test]
    fn there_may_be_nothing() {
        let common = tempfile::tempdir().unwrap();
        let taken = Spool::below(common.path()).take().unwrap();
        assert_eq!(taken.rewritten, []);
        taken.done().unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_waited_for() {
        let (_common, spool) = spool();
        let pipe = spool.folder().join(REWRITTEN);
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success(), "mkfifo is part of every Unix");
        assert_eq!(spool.take().unwrap().rewritten, []);
    }
}
