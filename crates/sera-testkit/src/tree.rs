//! A tree in memory, for tests that need files and no repository.
use sera_core::{BlobId, Digest, EntryKind, Tree, TreeEntry, TreeError, TreePath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files by path; blobs are named by digest.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: BTreeMap<TreePath, Arc<[u8]>>,
}

impl MemoryTree {
    /// A tree of these files. Fails the test on a path that no tree can hold.
    pub fn new<P: AsRef<str>, T: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let file = |(path, content): (P, T)| {
            let path = TreePath::new(path.as_ref()).expect("a test names paths inside the tree");
            (path, Arc::from(content.as_ref()))
        };
        Self { files: files.into_iter().map(file).collect() }
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: TreePath, content: impl AsRef<[u8]>) {
        self.files.insert(path, Arc::from(content.as_ref()));
    }

    /// One file's text, for comparing.
    pub fn text(&self, path: &str) -> Option<&str> {
        let (_, content) = self.files.iter().find(|(p, _)| p.as_str() == path)?;
        std::str::from_utf8(content).ok()
    }
}

impl Tree for MemoryTree {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        let entry = |(path, content): (&TreePath, &Arc<[u8]>)| TreeEntry {
            path: path.clone(),
            blob: BlobId::from_hex(Digest::of(content).as_str()),
            kind: EntryKind::File,
        };
        Ok(self.files.iter().map(entry).collect())
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        self.files.get(path).cloned().ok_or_else(|| TreeError::Missing(path.clone()))
    }
}
