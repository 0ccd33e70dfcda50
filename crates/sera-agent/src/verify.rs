//! Soft verification: how much of the reference a candidate reproduces, without running anything.
//!
//! Pure: numbers first, the decision derived from them and the thresholds, so that it can be made
//! again later with others.
use crate::words::code_tokens;
use sera_core::overlap::overlap;
use sera_core::{
    FilePatch, FunctionKey, Language, LineKind, Overlap, Patch, Rejection, Task, Trajectory, Tree,
    TreePath, Verdict,
};
use sera_syntax::{Function, parse, same_code};
use std::collections::{BTreeMap, BTreeSet};

/// What a candidate must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Weighted recall at least.
    pub weighted_recall: f64,
    /// Size ratio at most.
    pub size_ratio: f64,
    /// A run of this many code tokens of an added line in the description is a leak.
    pub leak_tokens: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { weighted_recall: 0.5, size_ratio: 3.0, leak_tokens: 8 }
    }
}

/// Texts by path; a missing one is a file that is not there.
type Texts = BTreeMap<TreePath, String>;

/// Judges `trajectory` as a solution of `task`. `base` has the planted fault applied.
///
/// Accepted is what was submitted, is not empty, parses, changes exactly the reference's files,
/// reaches the weighted recall (or leaves the same code as a reference that changes code), is
/// within the size ratio and was not there to be read in the description.
pub fn verify(
    task: &Task,
    trajectory: &Trajectory,
    base: &dyn Tree,
    thresholds: &Thresholds,
) -> Verdict {
    let Some(candidate) = trajectory.candidate() else {
        return refused(Rejection::NotSubmitted);
    };
    if candidate.is_empty() {
        return refused(Rejection::Empty);
    }
    let before = texts(base, &[&task.reference, candidate]);
    let applied = (applied(&task.reference, &before), applied(candidate, &before));
    let (Some(wanted), Some(found)) = applied else {
        return refused(Rejection::ParseError);
    };
    let overlap = overlap(&task.reference, candidate).unwrap_or_default();
    let tree_equal = same(&wanted, &found);
    let mut verdict = Verdict {
        overlap,
        symbols: jaccard(
            &symbols(&task.reference, &before, &wanted),
            &symbols(candidate, &before, &found),
        ),
        tree_equal,
        parse_ok: parses(candidate, &before, &found),
        rejected: None,
    };
    let changes_code = !same(&before, &wanted);
    let leaks = leaks(&trajectory.description, [&task.reference, candidate], thresholds);
    verdict.rejected = rejection(&verdict, changes_code && tree_equal, leaks, thresholds);
    verdict
}

/// The decision made again with other thresholds, from what is stored: nothing is rolled out and
/// no tree is read. What was not submitted, changed nothing or did not parse stays so.
pub fn judge_again(
    task: &Task,
    trajectory: &Trajectory,
    verdict: &Verdict,
    thresholds: &Thresholds,
) -> Option<Rejection> {
    let (Some(candidate), false) = (trajectory.candidate(), unmeasured(verdict)) else {
        return verdict.rejected;
    };
    // A recall that was too low is the mark of another change.
    let same_change = verdict.tree_equal && verdict.rejected != Some(Rejection::LowRecall);
    let leaks = leaks(&trajectory.description, [&task.reference, candidate], thresholds);
    rejection(verdict, same_change, leaks, thresholds)
}

/// Whether a rejection was made before there were numbers.
fn unmeasured(verdict: &Verdict) -> bool {
    match verdict.rejected {
        Some(Rejection::NotSubmitted | Rejection::Empty | Rejection::ParseError) => true,
        Some(
            Rejection::WrongFile | Rejection::LowRecall | Rejection::TooLarge | Rejection::Leak,
        )
        | None => false,
    }
}

/// Functions that `patch` changes in `base`, before or after, and those around them; none where it
/// does not apply.
pub fn touched(patch: &Patch, base: &dyn Tree) -> Option<BTreeSet<FunctionKey>> {
    let before = texts(base, &[patch]);
    let after = applied(patch, &before)?;
    let mut touched = BTreeSet::new();
    for file in &patch.files {
        let (old, new) =
            (functions(file.old.as_ref(), &before), functions(file.new.as_ref(), &after));
        for (line, kind) in changed_lines(file) {
            let side = if kind == LineKind::Removed { &old } else { &new };
            let around = side.iter().filter(|f| (f.first_line..=f.last_line).contains(&line));
            let key =
                |f: &Function| FunctionKey { path: file.path().clone(), name: f.name.clone() };
            touched.extend(around.map(key));
        }
    }
    Some(touched)
}

/// The decision, from numbers alone.
fn rejection(
    verdict: &Verdict,
    same_change: bool,
    leaks: bool,
    thresholds: &Thresholds,
) -> Option<Rejection> {
    let overlap = &verdict.overlap;
    if !verdict.parse_ok {
        Some(Rejection::ParseError)
    } else if overlap.files < 1.0 {
        Some(Rejection::WrongFile)
    } else if overlap.weighted_recall < thresholds.weighted_recall && !same_change {
        Some(Rejection::LowRecall)
    } else if overlap.size_ratio > thresholds.size_ratio {
        Some(Rejection::TooLarge)
    } else {
        leaks.then_some(Rejection::Leak)
    }
}

fn refused(rejection: Rejection) -> Verdict {
    let overlap = Overlap::default();
    let parse_ok = rejection != Rejection::ParseError;
    Verdict { overlap, symbols: 0.0, tree_equal: false, parse_ok, rejected: Some(rejection) }
}

fn paths(patch: &Patch) -> impl Iterator<Item = &TreePath> {
    patch.files.iter().flat_map(|file| file.old.iter().chain(&file.new))
}

/// What `base` says of every file that a patch names.
fn texts(base: &dyn Tree, patches: &[&Patch]) -> Texts {
    let read = |path: &TreePath| {
        let text = String::from_utf8(base.read(path).ok()?.to_vec()).ok()?;
        Some((path.clone(), text))
    };
    patches.iter().flat_map(|patch| paths(patch)).filter_map(read).collect()
}

/// The same texts with `patch` applied; `None` where it does not apply.
fn applied(patch: &Patch, before: &Texts) -> Option<Texts> {
    let mut after = before.clone();
    for (path, text) in patch.apply(&|path| before.get(path).cloned(), 0).ok()? {
        match text {
            Some(text) => after.insert(path, text),
            None => after.remove(&path),
        };
    }
    Some(after)
}

/// Both sides hold the same files with the same code.
fn same(a: &Texts, b: &Texts) -> bool {
    let equal = |path: &TreePath, a: &str, b: &str| match Language::of(path) {
        Some(language) => a == b || same_code(language, a, b),
        None => a == b,
    };
    a.len() == b.len()
        && a.iter().all(|(path, text)| b.get(path).is_some_and(|other| equal(path, text, other)))
}

/// Every changed file of a known language parses, or has no more errors than it had.
fn parses(patch: &Patch, before: &Texts, after: &Texts) -> bool {
    let errors = |path: &TreePath, texts: &Texts| match (Language::of(path), texts.get(path)) {
        (Some(language), Some(text)) => parse(language, text.as_str()).error_lines().len(),
        _ => 0,
    };
    patch.files.iter().all(|file| {
        let old = file.old.as_ref().map_or(0, |path| errors(path, before));
        file.new.as_ref().is_none_or(|path| errors(path, after) <= old)
    })
}

/// Functions a patch changes: those around a removed line before and an added line after.
fn symbols(patch: &Patch, before: &Texts, after: &Texts) -> BTreeSet<(TreePath, String)> {
    let mut found = BTreeSet::new();
    for file in &patch.files {
        let old = functions(file.old.as_ref(), before);
        let new = functions(file.new.as_ref(), after);
        for (line, kind) in changed_lines(file) {
            let side = if kind == LineKind::Removed { &old } else { &new };
            if let Some(function) = enclosing(side, line) {
                found.insert((file.path().clone(), function.name.clone()));
            }
        }
    }
    found
}

fn functions(path: Option<&TreePath>, texts: &Texts) -> Vec<Function> {
    let parsed = path
        .and_then(|path| Some(parse(Language::of(path)?, texts.get(path)?.as_str()).functions()));
    parsed.unwrap_or_default()
}

/// The innermost function around a line, from 1.
fn enclosing(functions: &[Function], line: usize) -> Option<&Function> {
    let around = functions.iter().filter(|f| (f.first_line..=f.last_line).contains(&line));
    around.min_by_key(|f| f.span.len())
}

/// Removed lines by their number before, added ones by their number after.
fn changed_lines(file: &FilePatch) -> Vec<(usize, LineKind)> {
    let mut changed = Vec::new();
    for hunk in &file.hunks {
        let (mut old, mut new) = (hunk.old_start, hunk.new_start);
        for line in &hunk.lines {
            match line.kind {
                LineKind::Context => {}
                LineKind::Removed => changed.push((old, line.kind)),
                LineKind::Added => changed.push((new, line.kind)),
            }
            old += usize::from(line.kind != LineKind::Added);
            new += usize::from(line.kind != LineKind::Removed);
        }
    }
    changed
}

/// Shared over all; two empty sets agree.
fn jaccard<T: Ord>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> f64 {
    match a.union(b).count() {
        0 => 1.0,
        all => a.intersection(b).count() as f64 / all as f64,
    }
}

/// Whether the description quotes a long enough run of an added line.
pub fn leaks<'a>(
    description: &str,
    patches: impl IntoIterator<Item = &'a Patch>,
    thresholds: &Thresholds,
) -> bool {
    let size = thresholds.leak_tokens.max(1);
    let told = code_tokens(description);
    let quoted = |run: &[&str]| told.windows(size).any(|window| window == run);
    let mut added = patches
        .into_iter()
        .flat_map(|patch| &patch.files)
        .flat_map(|file| &file.hunks)
        .flat_map(|hunk| &hunk.lines)
        .filter(|line| line.kind == LineKind::Added);
    added.any(|line| code_tokens(&line.text).windows(size).any(quoted))
}

#[cfg(test)]
mod tests;
