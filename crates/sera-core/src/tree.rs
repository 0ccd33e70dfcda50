//! The seam through which environments and mining see files: a commit's tree, or one laid over it.
use crate::{BlobId, TreePath};
use std::sync::Arc;

/// What a tree entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file with the executable bit.
    Executable,
    /// A symbolic link; its blob is the target's text and is never followed.
    Link,
    /// A commit of another repository; never entered.
    Submodule,
}

/// One leaf of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Where it stands.
    pub path: TreePath,
    /// Its content's object id. Overlays name edited content by [`crate::Digest`] in hex.
    pub blob: BlobId,
    /// What it is.
    pub kind: EntryKind,
}

/// Why a tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// No entry stands at this path.
    #[error("no file at {0}")]
    Missing(TreePath),
    /// The entry is a link, a submodule or larger than the reader takes.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The entry.
        path: TreePath,
        /// What it is instead of a readable file.
        reason: &'static str,
    },
    /// The object database failed.
    #[error("failed to read {what} from the object database")]
    Odb {
        /// The object or path that was asked for.
        what: String,
        /// The database's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A set of files by path. Shared between threads: parallel rollouts read one tree.
pub trait Tree: Send + Sync {
    /// All leaves in path order. Paths that break [`TreePath`]'s invariant are left out.
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError>;

    /// The content of one regular file.
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError>;
}
