//! Recall and its relatives: how much of a reference patch a candidate reproduces (SERA §3.3).
use crate::{LineKind, Overlap, Patch, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// What a line without substance counts in weighted recall.
const TRIVIAL_WEIGHT: f64 = 0.2;

/// Lines that say nothing about the change they stand in.
const TRIVIAL: [&str; 16] = [
    "else", "return", "pass", "break", "continue", "try", "finally", "end", "do", "then", "fi",
    "done", "begin", "default", "loop", "unsafe",
];

/// A changed line as it is matched, with how often it occurs.
type Lines<'a> = BTreeMap<(&'a TreePath, LineKind, &'a str), usize>;

/// Compares two patches by (path after renames, sign, line) as multisets; blank lines do not count.
/// `None` when the reference has no countable line: such a task has no recall.
pub fn overlap(reference: &Patch, candidate: &Patch) -> Option<Overlap> {
    let (wanted, given) = (lines(reference), lines(candidate));
    let (wanted_count, given_count) = (count(&wanted), count(&given));
    if wanted_count == 0 {
        return None;
    }
    let (mut matched, mut matched_weight, mut weight) = (0, 0.0, 0.0);
    for (key, &times) in &wanted {
        let found = times.min(given.get(key).copied().unwrap_or(0));
        matched += found;
        matched_weight += line_weight(key.2) * found as f64;
        weight += line_weight(key.2) * times as f64;
    }
    let recall = matched as f64 / wanted_count as f64;
    let precision = if given_count == 0 { 0.0 } else { matched as f64 / given_count as f64 };
    let f1 = if matched == 0 { 0.0 } else { 2.0 * recall * precision / (recall + precision) };
    Some(Overlap {
        recall,
        weighted_recall: (matched_weight / weight).min(1.0),
        precision,
        f1: f1.min(1.0),
        size_ratio: given_count as f64 / wanted_count as f64,
        files: jaccard(reference, candidate),
    })
}

fn lines(patch: &Patch) -> Lines<'_> {
    let mut lines = Lines::new();
    for file in &patch.files {
        for line in file.changes().filter(|line| !line.text.trim().is_empty()) {
            *lines.entry((file.path(), line.kind, line.text.as_str())).or_default() += 1;
        }
    }
    lines
}

fn count(lines: &Lines<'_>) -> usize {
    lines.values().sum()
}

fn line_weight(line: &str) -> f64 {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let trimmed = line.trim().trim_matches(|c: char| !word(c));
    let few = line.chars().filter(|&c| word(c)).count() < 3;
    if few || TRIVIAL.contains(&trimmed) { TRIVIAL_WEIGHT } else { 1.0 }
}

fn jaccard(a: &Patch, b: &Patch) -> f64 {
    let paths = |patch: &Patch| -> BTreeSet<TreePath> {
        patch.files.iter().map(|file| file.path().clone()).collect()
    };
    let (a, b) = (paths(a), paths(b));
    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
}
