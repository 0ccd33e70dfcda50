//! Recall and its relatives: how much of a reference patch a candidate reproduces (SERA §3.3).
use crate::{Overlap, Patch};

/// Compares two patches by (path after renames, sign, line) as multisets; blank lines do not count.
/// `None` when the reference has no countable line: such a task has no recall.
pub fn overlap(reference: &Patch, candidate: &Patch) -> Option<Overlap> {
    let _ = (reference, candidate);
    todo!()
}
