//! What tasks start from: the tree at the cut, the trees of parents, and indexes of both.
use crate::{DropReason, filters};
use sera_agent::Environment;
use sera_core::redact::{Redactor, denied};
use sera_core::{CommitId, EntryKind, Language, Origin, Patch, Task, Tree, TreeError, TreePath};
use sera_git::Repository;
use sera_sandbox::Overlay;
use sera_syntax::Index;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// Finds the tree of a commit.
pub type Trees = Box<dyn Fn(&CommitId) -> Result<Arc<dyn Tree>, TreeError> + Send + Sync>;

/// Source files above this many bytes are not indexed.
const MAX_INDEXED: usize = 512 * 1024;

/// Files beside its own that the index of a commit task's base holds.
const NEIGHBOURS: usize = 48;

/// The redacted trees and indexes that tasks are made from and environments are made over.
/// Shared by all threads.
pub struct Bases {
    cut: CommitId,
    source: Overlay,
    index: Arc<Index>,
    trees: Trees,
    redactor: Redactor,
    parents: Mutex<HashMap<CommitId, Arc<Index>>>,
}

impl Bases {
    /// The bases of a repository whose cut is known. Reads and indexes the tree at the cut.
    pub fn open(
        repository: &Repository,
        cut: &CommitId,
        redactor: Redactor,
    ) -> Result<Self, TreeError> {
        let repository = repository.clone();
        let trees: Trees = Box::new(move |commit| {
            let tree = repository.tree(commit).map_err(|source| TreeError::Odb {
                what: format!("the tree of {}", commit.short()),
                source: Box::new(source),
            })?;
            Ok(tree)
        });
        Self::over(cut.clone(), trees, redactor)
    }

    /// The same over any source of trees.
    pub fn over(cut: CommitId, trees: Trees, redactor: Redactor) -> Result<Self, TreeError> {
        let source = Overlay::new(trees(&cut)?, redactor.clone());
        let index = Arc::new(Index::build(source_files(&source)?));
        Ok(Self { cut, source, index, trees, redactor, parents: Mutex::default() })
    }

    /// The commit at the cut.
    pub fn cut(&self) -> &CommitId {
        &self.cut
    }

    /// The redacted tree at the cut.
    pub fn source(&self) -> &Overlay {
        &self.source
    }

    /// The index of the tree at the cut.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// What hides secrets.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The redacted tree of a commit.
    pub fn at(&self, commit: &CommitId) -> Result<Overlay, TreeError> {
        if *commit == self.cut {
            return Ok(self.source.clone());
        }
        Ok(Overlay::new((self.trees)(commit)?, self.redactor.clone()))
    }

    /// The environment in which `task` starts, and its base: the tree with the fault planted.
    pub fn environment(&self, task: &Task) -> Result<(Environment, Overlay), DropReason> {
        let mut base = self.at(&task.base.commit).map_err(|_| DropReason::NoBase)?;
        if let Some(bug) = &task.base.bug {
            base.apply(bug).map_err(|_| DropReason::NoBase)?;
        }
        base.mark();
        let index = match &task.origin {
            Origin::Mutation { function, .. } => {
                let text = base.read_text(&function.path).map_err(|_| DropReason::NoBase)?;
                self.index.with_file(&function.path, &text)
            }
            Origin::Generated { .. } | Origin::Imported { .. } if task.base.commit == self.cut => {
                self.index.clone()
            }
            Origin::Commit { .. } | Origin::Generated { .. } | Origin::Imported { .. } => {
                self.parent_index(task, &base)?
            }
        };
        // The part of an older tree that is indexed was chosen for another row's files.
        let index = match &task.origin {
            Origin::Imported { .. } => {
                let index = with_files(index, &task.reference, &base);
                task.base.bug.iter().fold(index, |index, bug| with_files(index, bug, &base))
            }
            Origin::Mutation { .. } | Origin::Commit { .. } | Origin::Generated { .. } => index,
        };
        // The default views, because serving shows the same.
        Ok((Environment::new(base.clone(), index), base))
    }

    /// An index of part of the parent's own tree: the task's files, their neighbours and a spread
    /// of others.
    ///
    /// The index at the cut may not stand in for it: its lines of other files may already use what
    /// the commit brought, which would show the answer. A whole index per parent would cost
    /// seconds each. Part of the parent's tree shows only true lines; what it lacks is
    /// competition, so finding the place is a little easier than it was.
    fn parent_index(&self, task: &Task, base: &Overlay) -> Result<Arc<Index>, DropReason> {
        if let Some(index) = self.parents().get(&task.base.commit) {
            return Ok(index.clone());
        }
        let touched: BTreeSet<_> = task.reference.files.iter().map(|f| f.path().clone()).collect();
        let listed = indexable(base).map_err(|_| DropReason::NoBase)?;
        let chosen = neighbourhood(&listed, &touched);
        let files = chosen.into_iter().filter_map(|path| {
            let text = base.read_text(path).ok()?;
            readable(&text).then(|| (path.clone(), text))
        });
        let index = Arc::new(Index::build(files));
        self.parents().insert(task.base.commit.clone(), index.clone());
        Ok(index)
    }

    fn parents(&self) -> std::sync::MutexGuard<'_, HashMap<CommitId, Arc<Index>>> {
        self.parents.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The index with the files of a patch as they read in `tree`.
fn with_files(index: Arc<Index>, patch: &Patch, tree: &Overlay) -> Arc<Index> {
    let paths = patch.files.iter().map(sera_core::FilePatch::path);
    paths.fold(index, |index, path| match tree.read_text(path) {
        Ok(text) => index.with_file(path, &text),
        Err(_) => index,
    })
}

/// The touched files, files of the same folders, then others at even steps.
fn neighbourhood<'a>(
    listed: &'a [TreePath],
    touched: &BTreeSet<TreePath>,
) -> BTreeSet<&'a TreePath> {
    let folders: BTreeSet<&str> = touched.iter().map(folder).collect();
    let (own, rest): (Vec<_>, Vec<_>) = listed.iter().partition(|p| touched.contains(*p));
    let (near, far): (Vec<_>, Vec<_>) = rest.into_iter().partition(|p| folders.contains(folder(p)));
    let near_step = near.len().div_ceil(NEIGHBOURS / 2).max(1);
    let far_step = far.len().div_ceil(NEIGHBOURS / 2).max(1);
    own.into_iter()
        .chain(near.into_iter().step_by(near_step))
        .chain(far.into_iter().step_by(far_step))
        .collect()
}

fn folder(path: &TreePath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Paths of the developers' own source files, tests left out, in path order.
fn indexable(tree: &dyn Tree) -> Result<Vec<TreePath>, TreeError> {
    let own = |path: &TreePath| {
        Language::of(path).is_some()
            && !denied(path)
            && !filters::test_path(path)
            && !filters::vendored(path)
            && !filters::generated_path(path)
    };
    let entries = tree.list()?;
    Ok(entries
        .iter()
        .filter(|e| matches!(e.kind, EntryKind::File | EntryKind::Executable) && own(&e.path))
        .map(|e| e.path.clone())
        .collect())
}

fn readable(text: &str) -> bool {
    text.len() <= MAX_INDEXED && !filters::generated_text(text)
}

/// The files an index is built over: sources of known languages that are the developers' own.
/// Serving should index the same files as training did. Unreadable ones are left out.
pub fn source_files(source: &Overlay) -> Result<Vec<(TreePath, Arc<str>)>, TreeError> {
    let read = |path: TreePath| {
        let text = source.read_text(&path).ok()?;
        readable(&text).then_some((path, text))
    };
    Ok(indexable(source)?.into_iter().filter_map(read).collect())
}
