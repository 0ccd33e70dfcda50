//! Renames, found the way git finds them: equal content first, then half alike.
//!
//! Ours rather than the library's because that one wants attributes and the index of the work
//! tree for every commit, which costs time in proportion to the repository.
use crate::{FileChange, MAX_BLOB, Repository};
use std::collections::HashMap;
use std::sync::Arc;

/// Pairs of removed and added files beyond which only equal content is looked for.
const MAX_PAIRS: usize = 10_000;

/// Bytes hashed as one chunk where no line ends before.
const CHUNK: usize = 64;

/// Joins removed and added files of `changes` that are one renamed file.
pub(crate) fn find(repository: &Repository, changes: &mut Vec<FileChange>) {
    equal(changes);
    let (removed, added) = sides(changes);
    if removed.is_empty() || added.is_empty() || removed.len() * added.len() > MAX_PAIRS {
        return;
    }
    let removed = Chunks::of(repository, changes, removed);
    let added = Chunks::of(repository, changes, added);
    let mut pairs = Vec::new();
    for old in &removed {
        for new in &added {
            if let Some(alike) = old.alike(new) {
                let same_name =
                    changes[old.index].path().file_name() == changes[new.index].path().file_name();
                pairs.push((alike, same_name, old.index, new.index));
            }
        }
    }
    pairs.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| (a.2, a.3).cmp(&(b.2, b.3))));
    for (_, _, old, new) in pairs {
        join(changes, old, new);
    }
    changes.retain(|change| change.old.is_some() || change.new.is_some());
}

/// Indices of the files that were only removed, and of those only added.
fn sides(changes: &[FileChange]) -> (Vec<usize>, Vec<usize>) {
    let only = |keep: fn(&FileChange) -> bool| {
        changes.iter().enumerate().filter(|(_, c)| keep(c)).map(|(index, _)| index).collect()
    };
    (only(|c| c.new.is_none()), only(|c| c.old.is_none()))
}

/// Moves the removed side into the added one unless either was joined before.
fn join(changes: &mut [FileChange], old: usize, new: usize) {
    if changes[new].old.is_none() && changes[old].new.is_none() {
        changes[new].old = changes[old].old.take();
    }
}

fn equal(changes: &mut Vec<FileChange>) {
    let (removed, added) = sides(changes);
    for new in added {
        let candidate = |old: &usize| {
            let (Some((from, before)), Some((to, after))) = (&changes[*old].old, &changes[new].new)
            else {
                return None;
            };
            (before == after).then(|| (from.file_name() != to.file_name(), *old))
        };
        if let Some((_, old)) = removed.iter().filter_map(candidate).min() {
            join(changes, old, new);
        }
    }
    changes.retain(|change| change.old.is_some() || change.new.is_some());
}

/// A file as a bag of hashed lines.
struct Chunks {
    index: usize,
    size: u64,
    bytes: HashMap<u64, u64>,
}

impl Chunks {
    /// Those of the files that can be read: one that is missing resembles nothing.
    fn of(repository: &Repository, changes: &[FileChange], indices: Vec<usize>) -> Vec<Self> {
        let chunks = |index: usize| {
            let side = changes[index].new.as_ref().or(changes[index].old.as_ref());
            let (_, blob) = side.expect("a change has at least one side");
            let content = repository.blob_within(blob, MAX_BLOB).ok().flatten()?;
            Some(Self::new(index, &content))
        };
        indices.into_iter().filter_map(chunks).collect()
    }

    fn new(index: usize, content: &Arc<[u8]>) -> Self {
        let mut bytes = HashMap::new();
        for line in content.split_inclusive(|&byte| byte == b'\n') {
            for chunk in line.chunks(CHUNK) {
                *bytes.entry(hash(chunk)).or_default() += chunk.len() as u64;
            }
        }
        Self { index, size: content.len() as u64, bytes }
    }

    /// How much of the larger file is in both, in ten-thousandths, where that is half or more.
    fn alike(&self, other: &Self) -> Option<u64> {
        let (small, large) = (self.size.min(other.size), self.size.max(other.size));
        if small * 2 < large || small == 0 {
            return None;
        }
        let common: u64 = self
            .bytes
            .iter()
            .map(|(hash, count)| other.bytes.get(hash).map_or(0, |there| *count.min(there)))
            .sum();
        (common * 2 >= large).then_some(common * 10_000 / large)
    }
}

/// FNV-1a: chunks are short, and nobody gains by a collision.
fn hash(chunk: &[u8]) -> u64 {
    chunk
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
