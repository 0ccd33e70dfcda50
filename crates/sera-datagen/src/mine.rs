//! Mining: which commits and functions a repository offers, and where the cut lies.
//!
//! Everything is read from git objects, never from the work tree, and only where [`Known`] does
//! not hold the answer already.
use crate::{DropReason, Drops, Known, Policy};
use sera_core::{CommitId, Seed, TreeError};
use sera_git::{GitError, Repository};

/// Where training ends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cut {
    /// The newest commit that may be trained on: functions are mined from its tree.
    pub commit: CommitId,
    /// Eligible commits that are held out, newest first.
    pub held_out_commits: Vec<CommitId>,
    /// There are too few eligible commits to hold any out: only functions are.
    pub functions_only: bool,
}

/// What mining found.
#[derive(Clone, Debug)]
pub struct Mined {
    /// Where training ends.
    pub cut: Cut,
    /// Functions in path order, then commits newest first. Held-out ones are marked.
    pub seeds: Vec<Seed>,
    /// How many commits, files and functions were left out, by reason.
    pub dropped: Drops,
    /// What was left out and why: a commit (`0123456789 subject`), a path or `path::function`.
    pub explained: Vec<(String, DropReason)>,
    /// Blobs read from the object database: what mining cost.
    pub blobs_read: usize,
    /// What to hand to the next mining.
    pub known: Known,
}

/// Why mining failed.
#[derive(Debug, thiserror::Error)]
pub enum MineError {
    /// The history has no commit.
    #[error("the history has no commit")]
    Empty,
    /// Git could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The tree at the cut could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Mines the history that ends at `tip`.
pub fn mine(
    repository: &Repository,
    tip: &CommitId,
    policy: &Policy,
    known: &Known,
) -> Result<Mined, MineError> {
    let _ = (repository, tip, policy, known);
    todo!()
}
