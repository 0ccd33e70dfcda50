//! Walking history, newest first.
use crate::{GitError, Repository};
use sera_core::CommitId;

/// What mining wants to know of a commit before looking at its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// Its parents, first parent first.
    pub parents: Vec<CommitId>,
    /// Author's name, lossily decoded.
    pub author_name: String,
    /// Author's address.
    pub author_email: String,
    /// Committer's name.
    pub committer_name: String,
    /// Committer's address.
    pub committer_email: String,
    /// Committer time, Unix seconds.
    pub time: i64,
    /// The whole message, lossily decoded.
    pub message: String,
}

impl Repository {
    /// At most `limit` commits reachable from `tip`, newest first.
    pub fn commits(&self, tip: &CommitId, limit: usize) -> Result<Vec<CommitInfo>, GitError> {
        let _ = (tip, limit);
        todo!()
    }
}
