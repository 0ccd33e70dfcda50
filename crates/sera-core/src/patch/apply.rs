//! Applies patches to text held in memory.
use super::{ApplyError, FilePatch, Hunk, Line, LineKind, Patch, split};
use crate::TreePath;
use std::collections::{BTreeMap, BTreeSet};

type Read<'a> = &'a dyn Fn(&TreePath) -> Option<String>;

pub(super) fn apply(
    patch: &Patch,
    read: Read<'_>,
    fuzz: usize,
) -> Result<Vec<(TreePath, Option<String>)>, ApplyError> {
    // Paths that the patch itself vacates may be taken by another of its files.
    let vacated: BTreeSet<&TreePath> =
        patch.files.iter().filter(|f| f.old != f.new).filter_map(|f| f.old.as_ref()).collect();
    let mut after: BTreeMap<TreePath, Option<String>> =
        vacated.iter().map(|path| ((*path).clone(), None)).collect();
    for file in &patch.files {
        let content = content(file, read, fuzz)?;
        if let Some(new) = &file.new {
            if file.old != file.new && !vacated.contains(new) && read(new).is_some() {
                return Err(ApplyError::File { path: new.clone(), reason: "it already exists" });
            }
            after.insert(new.clone(), Some(content));
        } else if !content.is_empty() {
            return Err(conflict(file, 1));
        }
    }
    Ok(after.into_iter().collect())
}

fn conflict(file: &FilePatch, line: usize) -> ApplyError {
    ApplyError::Conflict { path: file.path().clone(), line }
}

/// The file's text after its hunks.
fn content(file: &FilePatch, read: Read<'_>, fuzz: usize) -> Result<String, ApplyError> {
    if file.binary {
        let reason = "a binary change carries no content";
        return Err(ApplyError::File { path: file.path().clone(), reason });
    }
    let text = match &file.old {
        None => String::new(),
        Some(old) => read(old)
            .ok_or_else(|| ApplyError::File { path: old.clone(), reason: "it is not there" })?,
    };
    let before = split(&text);
    let mut after = String::with_capacity(text.len());
    // Lines of `before` already passed, and how far the last hunk stood from where it said.
    let (mut passed, mut drift) = (0, 0);
    for hunk in &file.hunks {
        let at = place(hunk, &before, passed, drift, fuzz)
            .ok_or_else(|| conflict(file, hunk.old_start))?;
        drift = at as isize - stated(hunk) as isize;
        before[passed..at].iter().for_each(|raw| after.push_str(raw));
        passed = at + hunk.count(false);
        for line in hunk.lines.iter().filter(|line| line.kind != LineKind::Removed) {
            // Only a file's last line may lack its newline.
            if !after.is_empty() && !after.ends_with('\n') {
                return Err(conflict(file, hunk.old_start));
            }
            after.push_str(&line.text);
            after.push_str(if line.newline { "\n" } else { "" });
        }
        if passed < before.len() && !after.is_empty() && !after.ends_with('\n') {
            return Err(conflict(file, hunk.old_start));
        }
    }
    before[passed..].iter().for_each(|raw| after.push_str(raw));
    Ok(after)
}

/// Index of the line where the hunk says it stands.
fn stated(hunk: &Hunk) -> usize {
    if hunk.count(false) == 0 { hunk.old_start } else { hunk.old_start.saturating_sub(1) }
}

/// Where the hunk's old side is found, nearest to where it is expected.
fn place(hunk: &Hunk, before: &[&str], passed: usize, drift: isize, fuzz: usize) -> Option<usize> {
    let old: Vec<&Line> = hunk.lines.iter().filter(|line| line.kind != LineKind::Added).collect();
    let stated = stated(hunk);
    if old.is_empty() {
        // Without a line to compare there is no second-best place, and a hunk made against an
        // empty file does not fit one that has content.
        let fits = stated >= passed && stated <= before.len();
        return (fits && (stated > 0 || before.is_empty())).then_some(stated);
    }
    let last = before.len().checked_sub(old.len())?;
    let from = passed.max(stated.saturating_sub(fuzz));
    let to = last.min(stated + fuzz);
    let expected = stated.saturating_add_signed(drift);
    let mut places: Vec<usize> = (from..=to).collect();
    places.sort_by_key(|at| at.abs_diff(expected));
    places.into_iter().find(|&at| old.iter().zip(&before[at..]).all(|(line, raw)| same(line, raw)))
}

fn same(line: &Line, raw: &str) -> bool {
    match raw.strip_suffix('\n') {
        Some(text) => line.newline && line.text == text,
        None => !line.newline && line.text == raw,
    }
}
