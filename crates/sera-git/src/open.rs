//! Opening a repository, and saying clearly which ones cannot be.
use crate::GitError;
use sera_core::{BlobId, CommitId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A repository open for reading. Clones share caches.
#[derive(Clone)]
pub struct Repository {
    pub(crate) inner: gix::ThreadSafeRepository,
    pub(crate) work_dir: PathBuf,
}

/// Why a repository cannot be used; [`OpenError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No repository here or above.
    #[error("{} is not in a git repository", .0.display())]
    NotARepository(PathBuf),
}

impl OpenError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        ""
    }
}

impl Repository {
    /// Finds the repository that holds `path`.
    pub fn discover(path: &Path) -> Result<Self, OpenError> {
        let _ = path;
        todo!()
    }

    /// The top of the work tree.
    pub fn work_dir(&self) -> &Path {
        todo!()
    }

    /// The folder shared by all work trees, `.git` of the main one.
    pub fn common_dir(&self) -> &Path {
        todo!()
    }

    /// This work tree's own git folder.
    pub fn git_dir(&self) -> &Path {
        todo!()
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<CommitId, GitError> {
        todo!()
    }

    /// One blob's content, of any size.
    pub fn blob(&self, id: &BlobId) -> Result<Arc<[u8]>, GitError> {
        let _ = id;
        todo!()
    }

    /// Branches, tags and other public refs by full name, peeled to commits, with `HEAD`.
    pub fn refs(&self) -> Result<BTreeMap<String, CommitId>, GitError> {
        todo!()
    }
}
