//! Patches: unified diffs as data.
use crate::TreePath;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A unified diff over one or more files. Serialised as its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Patch {
    /// In path order.
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
    pub fn parse(text: &str) -> Result<Self, PatchError> {
        let _ = text;
        todo!()
    }

    /// The patch that undoes this one.
    pub fn inverse(&self) -> Self {
        todo!()
    }

    /// Removed plus added lines.
    pub fn changed_lines(&self) -> usize {
        todo!()
    }

    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// New content (`None` = deleted) of every file the patch touches. Hunks apply at their exact
    /// line or, when `fuzz` lines away at most, at the nearest place where the old side matches.
    pub fn apply(
        &self,
        read: &dyn Fn(&TreePath) -> Option<String>,
        fuzz: usize,
    ) -> Result<Vec<(TreePath, Option<String>)>, ApplyError> {
        let _ = (read, fuzz);
        todo!()
    }
}

impl FilePatch {
    /// The change from `old` to `new` with three lines of context (Myers, as git's default);
    /// `None` when they are equal. A missing side means created or deleted.
    pub fn between(path: &TreePath, old: Option<&str>, new: Option<&str>) -> Option<Self> {
        let _ = (path, old, new);
        todo!()
    }

    /// The path after the change, or before it for a deleted file.
    pub fn path(&self) -> &TreePath {
        self.new.as_ref().or(self.old.as_ref()).expect("a file patch has at least one side")
    }
}

impl fmt::Display for Patch {
    /// `git diff` format: `diff --git`, mode and rename headers, `\ No newline at end of file`.
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
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
