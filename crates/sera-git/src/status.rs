//! Uncommitted work: what a fix must see over the last commit.
use crate::{GitError, Repository};
use sera_core::TreePath;

impl Repository {
    /// Changed and untracked files with their content, `None` for deleted ones, in path order.
    pub fn work_tree_changes(&self) -> Result<Vec<(TreePath, Option<Vec<u8>>)>, GitError> {
        todo!()
    }
}
