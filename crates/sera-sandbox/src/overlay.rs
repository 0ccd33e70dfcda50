//! The overlay: edits held in memory above a tree that is never written.
//!
//! What is read from the base is redacted first, and files that exist to hold secrets are not
//! there at all, so whoever works here never sees a secret. Two states are kept above the base:
//! what stands now, and what stood when [`Overlay::mark`] was called; their difference is the
//! candidate.
use sera_core::patch::ApplyError;
use sera_core::redact::Redactor;
use sera_core::{
    BlobId, Digest, EntryKind, FilePatch, Patch, Tree, TreeEntry, TreeError, TreePath,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Largest text one file may hold, in bytes.
pub const FILE_LIMIT: usize = 2 << 20;
/// Most bytes all edited files may hold together.
pub const TOTAL_LIMIT: usize = 64 << 20;
/// Most files that may be edited.
pub const FILES_LIMIT: usize = 2_000;

/// Why an overlay does not take an edit. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The content is larger than one file may be.
    #[error("{path} would be {size} bytes and a file may be {FILE_LIMIT}")]
    FileTooLarge {
        /// The file.
        path: TreePath,
        /// Its size in bytes.
        size: usize,
    },
    /// All edits together are larger than they may be.
    #[error("the edited files would be {size} bytes together and may be {TOTAL_LIMIT}")]
    TotalTooLarge {
        /// Their size in bytes.
        size: usize,
    },
    /// More files are edited than may be.
    #[error("more than {FILES_LIMIT} files would be edited")]
    TooManyFiles,
    /// No text can stand at this path.
    #[error("{path} cannot be written: {reason}")]
    Refused {
        /// The path.
        path: TreePath,
        /// Why not.
        reason: &'static str,
    },
    /// The tree beneath could not be read.
    #[error("the tree beneath could not be read")]
    Base(#[source] TreeError),
}

/// What stands above the base; `None` is deleted.
type Edits = BTreeMap<TreePath, Option<Arc<str>>>;

/// A tree with edits above it. Clones share everything but the edits and are cheap.
#[derive(Clone)]
pub struct Overlay {
    base: Arc<dyn Tree>,
    redactor: Redactor,
    edits: Edits,
    marked: Edits,
}

impl Overlay {
    /// An overlay without edits.
    pub fn new(base: Arc<dyn Tree>, redactor: Redactor) -> Self {
        Self { base, redactor, edits: Edits::new(), marked: Edits::new() }
    }

    /// What replaces secrets here.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The text of a file, secrets replaced. Links, submodules, binary files and text that is not
    /// UTF-8 are `Unreadable`; deny-listed files are `Missing`.
    pub fn read_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        self.text(&self.edits, path)
    }

    /// The bytes of a file that is no text, as they are: nobody is shown them, but programs that
    /// run in a container read them. Deny-listed files are `Missing`.
    pub(crate) fn read_binary(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        if self.redactor.denies(path) || self.edits.contains_key(path) {
            return Err(TreeError::Missing(path.clone()));
        }
        self.base.read(path)
    }

    /// What stands above the base, in path order; `None` is deleted.
    pub(crate) fn edits(&self) -> impl Iterator<Item = (&TreePath, Option<&str>)> {
        self.edits.iter().map(|(path, text)| (path, text.as_deref()))
    }

    /// Every file that can be read here, in path order.
    pub fn files(&self) -> Result<BTreeSet<TreePath>, TreeError> {
        let base = self.base.list()?;
        let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Executable);
        let regular = base.iter().filter(|entry| is_file(entry.kind));
        let below = regular.map(|entry| &entry.path).filter(|path| !self.edits.contains_key(*path));
        let above = self.edits.iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path);
        Ok(below.chain(above).filter(|path| !self.redactor.denies(path)).cloned().collect())
    }

    /// Sets a file's content, which is redacted like everything else here.
    pub fn write(&mut self, path: TreePath, text: String) -> Result<(), OverlayError> {
        self.check_place(&path)?;
        let text = match self.redactor.redact(&text) {
            (_, 0) => text,
            (redacted, _) => redacted,
        };
        self.check_quota([(&path, Some(text.as_str()))])?;
        self.edits.insert(path, Some(text.into()));
        Ok(())
    }

    /// Deletes a file; one that is not there is `Refused`.
    pub fn remove(&mut self, path: TreePath) -> Result<(), OverlayError> {
        match self.read_text(&path) {
            Ok(_) | Err(TreeError::Unreadable { .. }) => {}
            Err(TreeError::Missing(_)) => {
                return Err(OverlayError::Refused { path, reason: "it is not there" });
            }
            Err(error @ TreeError::Odb { .. }) => return Err(OverlayError::Base(error)),
        }
        self.check_quota([(&path, None)])?;
        self.edits.insert(path, None);
        Ok(())
    }

    /// Applies a patch at its exact lines, wholly or not at all.
    pub fn apply(&mut self, patch: &Patch) -> Result<(), ApplyError> {
        let after = patch.apply(&|path| Some(self.read_text(path).ok()?.to_string()), 0)?;
        let refused = |path: &TreePath, reason| ApplyError::File { path: path.clone(), reason };
        let mut redacted = Vec::with_capacity(after.len());
        for (path, text) in after {
            if text.is_some() {
                self.check_place(&path).map_err(|_| refused(&path, "no text can stand there"))?;
            }
            redacted.push((path, text.map(|text| self.redactor.redact(&text).0)));
        }
        if let Some((first, _)) = redacted.first() {
            self.check_quota(redacted.iter().map(|(path, text)| (path, text.as_deref())))
                .map_err(|_| refused(first, "the edits would grow too large"))?;
        }
        self.edits.extend(redacted.into_iter().map(|(path, text)| (path, text.map(Arc::from))));
        Ok(())
    }

    /// Makes the present state the base of [`Self::patch`].
    pub fn mark(&mut self) {
        self.marked = self.edits.clone();
    }

    /// What changed since the mark, in path order.
    pub fn patch(&self) -> Patch {
        let between = |path: TreePath| {
            let old = self.text(&self.marked, &path).ok();
            let new = self.text(&self.edits, &path).ok();
            FilePatch::between(&path, old.as_deref(), new.as_deref())
        };
        Patch { files: self.touched().into_iter().filter_map(between).collect() }
    }

    /// Files that differ from the mark, in path order.
    pub fn edited(&self) -> Vec<TreePath> {
        let differs = |path: &TreePath| {
            self.text(&self.marked, path).ok() != self.text(&self.edits, path).ok()
        };
        self.touched().into_iter().filter(differs).collect()
    }

    fn touched(&self) -> BTreeSet<TreePath> {
        let paths = self.edits.keys().chain(self.marked.keys());
        paths.filter(|path| self.edits.get(*path) != self.marked.get(*path)).cloned().collect()
    }

    fn text(&self, edits: &Edits, path: &TreePath) -> Result<Arc<str>, TreeError> {
        match edits.get(path) {
            Some(Some(text)) => Ok(text.clone()),
            Some(None) => Err(TreeError::Missing(path.clone())),
            None => self.base_text(path),
        }
    }

    fn base_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        if self.redactor.denies(path) {
            return Err(TreeError::Missing(path.clone()));
        }
        let bytes = self.base.read(path)?;
        let unreadable = |reason| TreeError::Unreadable { path: path.clone(), reason };
        if bytes.contains(&0) {
            return Err(unreadable("it is binary"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8 text"))?;
        Ok(self.redactor.redact(text).0.into())
    }

    /// Whether text can stand at `path`: over nothing or over text, and in folders that are not
    /// files.
    fn check_place(&self, path: &TreePath) -> Result<(), OverlayError> {
        let refused = |reason| Err(OverlayError::Refused { path: path.clone(), reason });
        if self.redactor.denies(path) {
            return refused("files of that name hold secrets");
        }
        match self.read_text(path) {
            Ok(_) => return Ok(()),
            Err(TreeError::Missing(_)) => {}
            Err(TreeError::Unreadable { reason, .. }) => return refused(reason),
            Err(error @ TreeError::Odb { .. }) => return Err(OverlayError::Base(error)),
        }
        let entries = self.base.list().map_err(OverlayError::Base)?;
        if self.holds_file_above(&entries, path) {
            return refused("a folder above it is a file");
        }
        if self.holds_files_below(&entries, path) {
            return refused("it is a folder");
        }
        Ok(())
    }

    fn holds_file_above(&self, entries: &[TreeEntry], path: &TreePath) -> bool {
        path.ancestors().any(|folder| match self.edits.get(&folder) {
            Some(edit) => edit.is_some(),
            None => entries.binary_search_by(|entry| entry.path.cmp(&folder)).is_ok(),
        })
    }

    fn holds_files_below(&self, entries: &[TreeEntry], path: &TreePath) -> bool {
        let prefix = format!("{path}/");
        let from = entries.partition_point(|entry| entry.path.as_str() < prefix.as_str());
        let below = |path: &TreePath| path.as_str().starts_with(&prefix);
        entries[from..]
            .iter()
            .take_while(|entry| below(&entry.path))
            .any(|entry| self.edits.get(&entry.path).is_none_or(Option::is_some))
            || self.edits.iter().any(|(path, edit)| below(path) && edit.is_some())
    }

    fn check_quota<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a TreePath, Option<&'a str>)>,
    ) -> Result<(), OverlayError> {
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let mut size: usize = self.edits.values().map(|edit| length(edit.as_deref())).sum();
        let mut files = self.edits.len();
        for (path, text) in changes {
            if length(text) > FILE_LIMIT {
                let size = length(text);
                return Err(OverlayError::FileTooLarge { path: path.clone(), size });
            }
            let before = self.edits.get(path);
            size = size + length(text) - before.map_or(0, |edit| length(edit.as_deref()));
            files += usize::from(before.is_none());
        }
        if size > TOTAL_LIMIT {
            return Err(OverlayError::TotalTooLarge { size });
        }
        if files > FILES_LIMIT { Err(OverlayError::TooManyFiles) } else { Ok(()) }
    }
}

impl Tree for Overlay {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        let entry = |path: &TreePath, text: &str, kind| TreeEntry {
            path: path.clone(),
            blob: BlobId::from_hex(Digest::of(text.as_bytes()).as_str()),
            kind,
        };
        let mut entries: BTreeMap<TreePath, TreeEntry> = BTreeMap::new();
        let base = self.base.list()?;
        if self.edits.is_empty() && !base.iter().any(|entry| self.redactor.denies(&entry.path)) {
            return Ok(base);
        }
        for listed in base.iter().filter(|entry| !self.redactor.denies(&entry.path)) {
            entries.insert(listed.path.clone(), listed.clone());
        }
        for (path, edit) in &self.edits {
            let kind = entries.remove(path).map_or(EntryKind::File, |entry| entry.kind);
            if let Some(text) = edit {
                entries.insert(path.clone(), entry(path, text, kind));
            }
        }
        Ok(entries.into_values().collect())
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        Ok(Arc::from(self.read_text(path)?.as_bytes()))
    }
}
