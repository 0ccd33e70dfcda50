//! A commit's files as a [`Tree`].
use crate::open::object_id;
use crate::{GitError, Repository};
use gix::objs::tree::EntryKind as Mode;
use sera_core::{BlobId, CommitId, EntryKind, Tree, TreeEntry, TreeError, TreePath};
use std::sync::Arc;

/// Blobs above this many bytes are not read as source.
pub const MAX_BLOB: u64 = 1 << 20;

/// The files of one commit, listed once and read on demand.
#[derive(Clone, Debug)]
pub struct CommitTree {
    repository: Repository,
    entries: Arc<[TreeEntry]>,
}

impl Repository {
    /// The files of a commit. Folders are walked, links and submodules are not entered.
    pub fn tree(&self, commit: &CommitId) -> Result<Arc<CommitTree>, GitError> {
        let id = object_id(commit.as_str())?;
        let files =
            self.with(|git| git.find_commit(id)?.tree()?.traverse().breadthfirst.files())
                .map_err(|e| GitError::read(format!("list the tree of {}", commit.short()), e))?;
        let mut entries: Vec<TreeEntry> = files.iter().filter_map(entry).collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Arc::new(CommitTree { repository: self.clone(), entries: entries.into() }))
    }
}

/// The path, where it is one that a tree may hold.
pub(crate) fn tree_path(path: &[u8]) -> Option<TreePath> {
    TreePath::new(std::str::from_utf8(path).ok()?).ok()
}

fn entry(found: &gix::traverse::tree::recorder::Entry) -> Option<TreeEntry> {
    let kind = match found.mode.kind() {
        Mode::Tree => return None,
        Mode::Blob => EntryKind::File,
        Mode::BlobExecutable => EntryKind::Executable,
        Mode::Link => EntryKind::Link,
        Mode::Commit => EntryKind::Submodule,
    };
    let path = tree_path(&found.filepath)?;
    Some(TreeEntry { path, blob: BlobId::from_hex(found.oid.to_string()), kind })
}

impl CommitTree {
    /// The entry at `path`.
    pub fn entry(&self, path: &TreePath) -> Option<&TreeEntry> {
        let index = self.entries.binary_search_by(|e| e.path.cmp(path)).ok()?;
        Some(&self.entries[index])
    }
}

impl Tree for CommitTree {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        Ok(self.entries.clone())
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let entry = self.entry(path).ok_or_else(|| TreeError::Missing(path.clone()))?;
        let unreadable = |reason| TreeError::Unreadable { path: path.clone(), reason };
        match entry.kind {
            EntryKind::File | EntryKind::Executable => {}
            EntryKind::Link => return Err(unreadable("it is a symbolic link")),
            EntryKind::Submodule => return Err(unreadable("it is a submodule")),
        }
        match self.repository.blob_within(&entry.blob, MAX_BLOB) {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(unreadable("it is larger than 1 MiB")),
            Err(e) => Err(TreeError::Odb { what: path.to_string(), source: Box::new(e) }),
        }
    }
}

impl Repository {
    /// A blob's content, `None` where it is larger than `limit` bytes: then it is not read.
    pub fn blob_within(&self, id: &BlobId, limit: u64) -> Result<Option<Arc<[u8]>>, GitError> {
        let object = object_id(id.as_str())?;
        let size = self
            .with(|git| git.find_header(object).map(|header| header.size()))
            .map_err(|e| GitError::read(format!("look blob {id} up"), e))?;
        if size > limit { Ok(None) } else { self.blob(id).map(Some) }
    }
}
