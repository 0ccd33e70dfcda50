//! Patches: unified diffs as data.
use crate::TreePath;
use serde::{Deserialize, Serialize};
use std::ops::Range;

mod apply;
mod parse;
mod print;
#[cfg(test)]
pub(crate) mod tests;

/// A unified diff over one or more files. Serialised as its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Patch {
    /// In path order, no path twice.
    pub files: Vec<FilePatch>,
}

/// The change to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePatch {
    /// Before; `None` when created.
    pub old: Option<TreePath>,
    /// After; `None` when deleted.
    pub new: Option<TreePath>,
    /// The change. Empty for a pure rename and for binary files.
    pub hunks: Vec<Hunk>,
    /// Content that is not text changed.
    pub binary: bool,
}

/// A run of lines that stands together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// First line before, 1-based; 0 for a created file.
    pub old_start: usize,
    /// First line after, 1-based; 0 for a deleted file.
    pub new_start: usize,
    /// Context, removed and added lines in order.
    pub lines: Vec<Line>,
}

/// What a line of a hunk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// In both.
    Context,
    /// Only before.
    Removed,
    /// Only after.
    Added,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// On which side.
    pub kind: LineKind,
    /// The text without its newline; a carriage return before it is kept.
    pub text: String,
    /// False for a file's last line when no newline ends it.
    pub newline: bool,
}

/// Why text is not a patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PatchError {
    /// 1-based line of the text.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The file to change is not there, or the one to create is.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: TreePath,
        /// What is the matter.
        reason: &'static str,
    },
    /// A hunk's old side is not what the file says at that line.
    #[error("{path}: hunk at line {line} does not match")]
    Conflict {
        /// Which file.
        path: TreePath,
        /// 1-based line of the hunk.
        line: usize,
    },
}

impl Patch {
    /// Reads `git diff` output (or any unified diff with `---`/`+++` headers).
    ///
    /// Hunks are read by their counts, so a removed line that begins with `--` is a line. Text
    /// around the diffs is skipped; changes of mode alone are not kept. Combined diffs, copies,
    /// and paths that are not [`TreePath`]s are errors.
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        parse::parse(text)
    }

    /// The patch that undoes this one.
    pub fn inverse(&self) -> Self {
        let mut files: Vec<_> = self.files.iter().map(FilePatch::inverse).collect();
        files.sort_by(|a, b| a.path().cmp(b.path()));
        Self { files }
    }

    /// Removed plus added lines.
    pub fn changed_lines(&self) -> usize {
        self.files.iter().map(|file| file.changes().count()).sum()
    }

    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// New content (`None` = deleted) of every file the patch touches, in path order. Hunks apply
    /// at their exact line or, when `fuzz` lines away at most, at the nearest place where the old
    /// side matches; a hunk found elsewhere moves the place where the next one is looked for.
    ///
    /// Wholly or not at all: the first file or hunk that does not fit is the error.
    pub fn apply(
        &self,
        read: &dyn Fn(&TreePath) -> Option<String>,
        fuzz: usize,
    ) -> Result<Vec<(TreePath, Option<String>)>, ApplyError> {
        apply::apply(self, read, fuzz)
    }
}

impl FilePatch {
    /// The change from `old` to `new` with three lines of context (Myers, as git's default);
    /// `None` when they are equal. A missing side means created or deleted.
    pub fn between(path: &TreePath, old: Option<&str>, new: Option<&str>) -> Option<Self> {
        if old == new {
            return None;
        }
        Some(Self {
            old: old.is_some().then(|| path.clone()),
            new: new.is_some().then(|| path.clone()),
            hunks: hunks(&split(old.unwrap_or("")), &split(new.unwrap_or(""))),
            binary: false,
        })
    }

    /// The path after the change, or before it for a deleted file.
    pub fn path(&self) -> &TreePath {
        self.new.as_ref().or(self.old.as_ref()).expect("a file patch has at least one side")
    }

    /// The removed and added lines, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Line> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.kind != LineKind::Context)
    }

    fn inverse(&self) -> Self {
        let hunks = self.hunks.iter().map(Hunk::inverse).collect();
        Self { old: self.new.clone(), new: self.old.clone(), hunks, binary: self.binary }
    }
}

impl Hunk {
    /// How many lines the hunk spans before (`false`) or after (`true`) the change.
    fn count(&self, after: bool) -> usize {
        let absent = if after { LineKind::Removed } else { LineKind::Added };
        self.lines.iter().filter(|line| line.kind != absent).count()
    }

    /// The text before or after the change, and where in it the changed lines stand.
    pub(crate) fn side(&self, after: bool) -> (String, Vec<Range<usize>>) {
        let absent = if after { LineKind::Removed } else { LineKind::Added };
        let (mut text, mut changed) = (String::new(), Vec::new());
        for line in self.lines.iter().filter(|line| line.kind != absent) {
            let start = text.len();
            text.push_str(&line.text);
            text.push('\n');
            if line.kind != LineKind::Context {
                changed.push(start..text.len());
            }
        }
        (text, changed)
    }

    /// Replaces the old side by the second of `lines` where it equals the first; `None` where not.
    pub(crate) fn restore(&mut self, lines: &[(&str, &str)]) -> Option<()> {
        let old = self.lines.iter_mut().filter(|line| line.kind != LineKind::Added);
        for (line, at) in old.zip(self.old_start.saturating_sub(1)..) {
            let (_, stands) = lines.get(at).filter(|(shown, _)| line.text == *shown)?;
            (*stands).clone_into(&mut line.text);
        }
        Some(())
    }

    fn inverse(&self) -> Self {
        let mut lines: Vec<Line> = self.lines.iter().map(Line::inverse).collect();
        removed_first(&mut lines);
        Self { old_start: self.new_start, new_start: self.old_start, lines }
    }
}

impl Line {
    fn new(kind: LineKind, raw: &str) -> Self {
        match raw.strip_suffix('\n') {
            Some(text) => Self { kind, text: text.to_owned(), newline: true },
            None => Self { kind, text: raw.to_owned(), newline: false },
        }
    }

    fn inverse(&self) -> Self {
        let kind = match self.kind {
            LineKind::Context => LineKind::Context,
            LineKind::Removed => LineKind::Added,
            LineKind::Added => LineKind::Removed,
        };
        Self { kind, ..self.clone() }
    }
}

/// Lines with their newlines. Only `\n` ends a line: a carriage return belongs to its text.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Puts removed before added lines in every run of changes, as `diff` prints them.
fn removed_first(lines: &mut [Line]) {
    let changes = |line: &Line| line.kind != LineKind::Context;
    for run in lines.chunk_by_mut(|a, b| changes(a) && changes(b)) {
        run.sort_by_key(|line| line.kind);
    }
}

fn hunks(old: &[&str], new: &[&str]) -> Vec<Hunk> {
    let operations = similar::capture_diff_slices(similar::Algorithm::Myers, old, new);
    similar::group_diff_ops(operations, 3).iter().map(|group| hunk(group, old, new)).collect()
}

fn hunk(group: &[similar::DiffOp], old: &[&str], new: &[&str]) -> Hunk {
    let mut lines = Vec::new();
    for operation in group {
        if operation.tag() == similar::DiffTag::Equal {
            let context = &old[operation.old_range()];
            lines.extend(context.iter().map(|raw| Line::new(LineKind::Context, raw)));
        } else {
            let (removed, added) = (&old[operation.old_range()], &new[operation.new_range()]);
            lines.extend(removed.iter().map(|raw| Line::new(LineKind::Removed, raw)));
            lines.extend(added.iter().map(|raw| Line::new(LineKind::Added, raw)));
        }
    }
    removed_first(&mut lines);
    let first = group.first().expect("a group of operations is not empty");
    let mut hunk = Hunk { old_start: 0, new_start: 0, lines };
    // A side without lines names the line before it, as `diff` does.
    hunk.old_start = first.old_range().start + usize::from(hunk.count(false) > 0);
    hunk.new_start = first.new_range().start + usize::from(hunk.count(true) > 0);
    hunk
}

impl TryFrom<String> for Patch {
    type Error = PatchError;
    fn try_from(text: String) -> Result<Self, PatchError> {
        Self::parse(&text)
    }
}

impl From<Patch> for String {
    fn from(patch: Patch) -> Self {
        patch.to_string()
    }
}
