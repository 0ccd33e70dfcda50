//! The overlay: edits held in memory above a tree that is never written.
use sera_core::patch::ApplyError;
use sera_core::redact::Redactor;
use sera_core::{Patch, Tree, TreeEntry, TreeError, TreePath};
use std::sync::Arc;

/// Why an overlay takes no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverlayError {
    /// The content is larger than one file may be.
    #[error("{path} would be {size} bytes and a file may be {limit}")]
    FileTooLarge {
        /// The file.
        path: TreePath,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// A tree with edits above it.
#[derive(Clone)]
pub struct Overlay {
    base: Arc<dyn Tree>,
    redactor: Redactor,
}

impl Overlay {
    /// An overlay without edits.
    pub fn new(base: Arc<dyn Tree>, redactor: Redactor) -> Self {
        Self { base, redactor }
    }
    /// The redacted text of a file.
    pub fn read_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        let _ = (&self.base, &self.redactor, path);
        todo!()
    }
    /// Sets a file's content.
    pub fn write(&mut self, path: TreePath, text: String) -> Result<(), OverlayError> {
        let _ = (path, text);
        todo!()
    }
    /// Applies a patch, wholly or not at all.
    pub fn apply(&mut self, patch: &Patch) -> Result<(), ApplyError> {
        let _ = patch;
        todo!()
    }
    /// Makes the present state the base of [`Self::patch`].
    pub fn mark(&mut self) {
        todo!()
    }
    /// What changed since [`Self::mark`].
    pub fn patch(&self) -> Patch {
        todo!()
    }
    /// Files that differ from the mark.
    pub fn edited(&self) -> Vec<TreePath> {
        todo!()
    }
}

impl Tree for Overlay {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        todo!()
    }
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let _ = path;
        todo!()
    }
}
