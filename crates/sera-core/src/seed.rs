//! Seeds: functions and commits from which tasks may be made.
use crate::{BlobId, CommitId, Language, Patch, SeedId, TreePath};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Names a function across commits: held-out membership hangs on this and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FunctionKey {
    /// The file.
    pub path: TreePath,
    /// The qualified name inside the file, `Outer.inner`.
    pub name: String,
}

impl FunctionKey {
    /// Whether `other` is this function, or one inside of it: of the class, where this names one.
    pub fn covers(&self, other: &Self) -> bool {
        let rest = other.name.strip_prefix(self.name.as_str());
        self.path == other.path && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// A function at the cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionSeed {
    /// Named by path, name and blob.
    pub id: SeedId,
    /// The function.
    pub key: FunctionKey,
    /// Its language.
    pub language: Language,
    /// The file's content when mined.
    pub blob: BlobId,
    /// Byte span of the whole definition in the file.
    pub span: Range<usize>,
    /// Body statements, docstring not counted.
    pub statements: usize,
    /// Cyclomatic complexity.
    pub complexity: usize,
    /// Never trained on.
    pub held_out: bool,
}

/// A commit whose own change is the reference patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitSeed {
    /// Named by commit.
    pub id: SeedId,
    /// The commit.
    pub commit: CommitId,
    /// Its first parent: the base of the task.
    pub parent: CommitId,
    /// Committer time, Unix seconds.
    pub time: i64,
    /// First line of the message.
    pub subject: String,
    /// The rest of the message, trailers removed.
    pub body: String,
    /// The change to source files, tests and generated files left out.
    pub patch: Patch,
    /// Functions the change touches, before or after.
    pub touched: Vec<FunctionKey>,
    /// Never trained on.
    pub held_out: bool,
}

/// Something a task may be made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Seed {
    /// A function.
    Function(FunctionSeed),
    /// A commit.
    Commit(CommitSeed),
}

impl Seed {
    /// The seed's name.
    pub fn id(&self) -> &SeedId {
        match self {
            Self::Function(f) => &f.id,
            Self::Commit(c) => &c.id,
        }
    }

    /// Whether it is kept out of training.
    pub fn held_out(&self) -> bool {
        match self {
            Self::Function(f) => f.held_out,
            Self::Commit(c) => c.held_out,
        }
    }
}
