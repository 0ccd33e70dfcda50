//! What a commit changed, renames found.
use crate::{GitError, Repository};
use sera_core::{BlobId, CommitId, TreePath};

/// One file of a commit's change: added where `old` is missing, deleted where `new` is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// Before.
    pub old: Option<(TreePath, BlobId)>,
    /// After.
    pub new: Option<(TreePath, BlobId)>,
}

impl Repository {
    /// The files that differ between `parent` (nothing where `None`) and `commit`, in path order.
    pub fn changes(
        &self,
        parent: Option<&CommitId>,
        commit: &CommitId,
    ) -> Result<Vec<FileChange>, GitError> {
        let _ = (parent, commit);
        todo!()
    }
}
