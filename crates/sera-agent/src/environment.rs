//! Environments: where actions happen.
use sera_core::{Action, Observation, Patch, TreeError, TreePath};
use sera_sandbox::Overlay;
use sera_syntax::Index;
use std::sync::Arc;

/// How much of anything an observation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views {
    /// Search hits.
    pub hits: usize,
    /// Lines of an opened function or file.
    pub lines: usize,
    /// Bytes of an opened function or file.
    pub open_bytes: usize,
    /// Bytes of any other observation.
    pub bytes: usize,
}

impl Default for Views {
    fn default() -> Self {
        Self { hits: 10, lines: 100, open_bytes: 1600, bytes: 700 }
    }
}

/// A tree with edits over it and an index of it. Clones are cheap and independent.
#[derive(Clone)]
pub struct Environment {
    overlay: Overlay,
    index: Arc<Index>,
    views: Views,
}

impl Environment {
    /// What is in `overlay` now must be what `index` was built over.
    pub fn new(overlay: Overlay, index: Arc<Index>) -> Self {
        Self { overlay, index, views: Views::default() }
    }
    /// The same with other view sizes.
    pub fn with_views(mut self, views: Views) -> Self {
        self.views = views;
        self
    }
    /// Does what `action` says. A failure is an observation.
    pub fn execute(&mut self, action: &Action) -> Observation {
        let _ = (action, &self.overlay, &self.index, self.views);
        todo!()
    }
    /// What changed so far.
    pub fn patch(&self) -> Patch {
        self.overlay.patch()
    }
    /// The index over the present state.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }
    /// The redacted text of a file as it is now.
    pub fn read_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        self.overlay.read_text(path)
    }
}
