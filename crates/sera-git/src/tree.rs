//! A commit's files as a [`Tree`].
use crate::{GitError, Repository};
use sera_core::{CommitId, Tree, TreeEntry, TreeError, TreePath};
use std::sync::Arc;

/// Blobs above this many bytes are not read as source.
pub const MAX_BLOB: u64 = 1 << 20;

/// The files of one commit, listed once and read on demand.
pub struct CommitTree {
    pub(crate) entries: Arc<[TreeEntry]>,
}

impl Repository {
    /// The files of a commit.
    pub fn tree(&self, commit: &CommitId) -> Result<Arc<CommitTree>, GitError> {
        let _ = commit;
        todo!()
    }
}

impl Tree for CommitTree {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        Ok(self.entries.clone())
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let _ = path;
        todo!()
    }
}
