//! What mining knows, on disk: a cache beside the store that a worker reads and appends to.
//!
//! Not in the store, since nothing is lost with it: it says what git's objects say, read once. So
//! that mining costs what changed, facts are appended as they are learnt, a line each, checked by
//! its sum; the file is written anew only once most of it is of no use any more.
use anyhow::{Context as _, Result};
use sera_datagen::known::Used;
use sera_datagen::{Fact, Forgotten, Known, Policy};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The first word of the file.
const FORMAT: &str = "sera-known/1";

/// Facts of other branches and of files as they were are kept while they are not more than this
/// and twice as many as those in use.
const SPARE: usize = 1_000;

/// The cache of one repository.
pub(super) struct Cache {
    path: PathBuf,
    /// Opened to append; none where the file cannot be written, which costs time and nothing else.
    file: Option<File>,
}

impl Cache {
    /// Reads what is known under `policy`. A file of other rules, or that cannot be read, is begun
    /// anew; a line that is not whole is left out.
    pub(super) fn open(path: &Path, policy: &Policy) -> (Self, Known) {
        let mut known = Known::under(policy);
        let rules = format!("{FORMAT} {}", known.rules());
        let whole = read(path, &rules, &mut known).unwrap_or(false);
        let mut cache = Self { path: path.to_owned(), file: None };
        if whole {
            cache.file = OpenOptions::new().append(true).open(path).ok();
        } else {
            cache.replace(&known);
        }
        (cache, known)
    }

    /// Adds what was learnt.
    pub(super) fn append(&mut self, learnt: &[Fact], forgotten: &Forgotten) {
        let kept = learnt.iter().filter(|fact| !fact.is_forgotten(forgotten));
        let text: String = kept.map(line).collect();
        // One write a turn: lines of two workers do not mix.
        if let Some(file) = &mut self.file
            && file.write_all(text.as_bytes()).is_err()
        {
            self.file = None;
        }
    }

    /// Writes the file anew where most of it is not in use.
    pub(super) fn tidy(&mut self, known: &mut Known, used: &Used, forgotten: &Forgotten) {
        if known.count() > 3 * used.count() + SPARE {
            known.retain(used);
            known.forget(forgotten);
            self.replace(known);
        }
    }

    fn replace(&mut self, known: &Known) {
        self.file = match self.write(known) {
            Ok(file) => Some(file),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "what mining learns is not kept");
                None
            }
        };
    }

    fn write(&self, known: &Known) -> Result<File> {
        let part = self.path.with_extension("part");
        let failed = || format!("failed to write {}", part.display());
        let mut file = File::create(&part).with_context(failed)?;
        let mut text = format!("{FORMAT} {}\n", known.rules());
        known.facts().for_each(|fact| text.push_str(&line(&fact)));
        file.write_all(text.as_bytes()).with_context(failed)?;
        std::fs::rename(&part, &self.path)
            .with_context(|| format!("failed to replace {}", self.path.display()))?;
        Ok(file)
    }
}

/// `crc32c json`, in one line.
fn line(fact: &Fact) -> String {
    let json = serde_json::to_string(fact).expect("facts are plain data");
    format!("{:08x} {json}\n", crc32c::crc32c(json.as_bytes()))
}

fn fact(line: &[u8]) -> Option<Fact> {
    let (sum, json) = line.split_at_checked(9)?;
    let sum = u32::from_str_radix(std::str::from_utf8(&sum[..8]).ok()?, 16).ok()?;
    (crc32c::crc32c(json) == sum).then(|| serde_json::from_slice(json).ok())?
}

/// Adds the facts of a file of these `rules` to `known`; whether more can be appended to it.
fn read(path: &Path, rules: &str, known: &mut Known) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut lines = BufReader::new(&file).split(b'\n');
    if lines.next().transpose()?.as_deref() != Some(rules.as_bytes()) {
        return Ok(false);
    }
    for found in lines {
        if let Some(fact) = fact(&found?) {
            known.learn(fact);
        }
    }
    // Whoever appends after half a line would lose the first of its own.
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::CommitId;
    use sera_datagen::DropReason;
    use sera_datagen::known::Judged;

    fn fact(i: usize) -> Fact {
        let id = CommitId::from_hex(format!("{i:040x}"));
        Fact::Commit(id, Judged::Dropped(DropReason::Merge))
    }

    fn facts(path: &Path) -> usize {
        Cache::open(path, &Policy::default()).1.count()
    }

    #[test]
    fn what_is_appended_is_known_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known");
        for i in 0..3 {
            let (mut cache, known) = Cache::open(&path, &Policy::default());
            assert_eq!(known.count(), 2 * i);
            cache.append(&[fact(2 * i), fact(2 * i + 1)], &Forgotten::default());
        }
        assert_eq!(facts(&path), 6);
        let other = Policy { min_statements: 9, ..Policy::default() };
        assert_eq!(Cache::open(&path, &other).1.count(), 0, "other rules find other things");
        assert_eq!(facts(&path), 0, "and begin the file anew");
    }

    #[test]
    fn damage_costs_what_it_touches() {
        let check = |damage: fn(&mut Vec<u8>), expect: usize| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("known");
            let (mut cache, _) = Cache::open(&path, &Policy::default());
            cache.append(&(0..4).map(fact).collect::<Vec<_>>(), &Forgotten::default());
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(facts(&path), expect);
            let (mut cache, known) = Cache::open(&path, &Policy::default());
            cache.append(&[fact(9)], &Forgotten::default());
            assert_eq!(facts(&path), known.count() + 1, "and it goes on");
        };
        check(|bytes| bytes.truncate(bytes.len() - 1), 4);
        check(|bytes| bytes.truncate(bytes.len() - 20), 3);
        check(|bytes| bytes[0] ^= 1, 0);
        check(|bytes| *bytes.last_mut().unwrap() ^= 1, 3);
        check(|bytes| bytes.extend(b"0000"), 4);
        check(|bytes| bytes[80] ^= 1, 3);
        check(Vec::clear, 0);
    }

    #[test]
    fn a_file_that_is_mostly_spare_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known");
        let (mut cache, mut known) = Cache::open(&path, &Policy::default());
        let all: Vec<Fact> = (0..SPARE + 1).map(fact).collect();
        cache.append(&all, &Forgotten::default());
        all.into_iter().for_each(|fact| known.learn(fact));
        cache.tidy(&mut known, &Used::default(), &Forgotten::default());
        cache.append(&[fact(1)], &Forgotten::default());
        assert_eq!(facts(&path), 1);
    }
}
