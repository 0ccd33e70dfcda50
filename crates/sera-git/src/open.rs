//! Opening a repository, and saying clearly which ones cannot be.
use crate::{GitError, format};
use gix::sec::Trust;
use sera_core::{BlobId, CommitId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Decoded objects kept per open handle: enough for the trees that neighbouring commits share.
const OBJECT_CACHE: usize = 8 << 20;

/// Refs other tools keep to themselves; what they hold on to was often thrown away by the user.
const PRIVATE_REFS: [&str; 7] =
    ["jj", "branchless", "gitbutler", "stash", "notes", "prefetch", "sera"];

/// A repository open for reading. Clones share one pool of handles, so they are cheap and can be
/// used from any thread. Config and refs are read again at every call, objects as they appear.
#[derive(Clone)]
pub struct Repository {
    pool: Arc<Mutex<Pool>>,
    work_dir: PathBuf,
    common_dir: PathBuf,
    git_dir: PathBuf,
}

/// Handles that nobody holds, and what makes more of them: indices of packs, once one was needed,
/// stay mapped by both.
struct Pool {
    source: gix::ThreadSafeRepository,
    handles: Vec<gix::Repository>,
}

/// Why a repository cannot be used; [`OpenError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No repository here or above.
    #[error("{} is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// There is no work tree.
    #[error("{} is a bare repository, which has no work tree", .0.display())]
    Bare(PathBuf),
    /// History was cut off when it was cloned.
    #[error("{} is a shallow clone, whose history is incomplete", .0.display())]
    Shallow(PathBuf),
    /// Objects are fetched when they are read.
    #[error("{} is a partial clone, whose objects are fetched on demand", .0.display())]
    PartialClone(PathBuf),
    /// There is no commit on the branch that is checked out.
    #[error("the current branch of {} has no commit yet", .0.display())]
    Unborn(PathBuf),
    /// Refs are stored as reftable.
    #[error("{} stores its refs as reftable, which is not supported", .0.display())]
    Reftable(PathBuf),
    /// Objects are named by SHA-256.
    #[error("{} names its objects by SHA-256, which is not supported", .0.display())]
    Sha256(PathBuf),
    /// The repository's format is newer than what is understood.
    #[error("{} needs `{extension}`, which is not supported", path.display())]
    Format {
        /// The repository.
        path: PathBuf,
        /// The extension or format version.
        extension: String,
    },
    /// Another user owns it and `safe.directory` does not name it.
    #[error("{} is owned by somebody else", .0.display())]
    ForeignOwner(PathBuf),
    /// `core.worktree` points away from where the repository was found.
    #[error("{} says that its work tree is elsewhere, at {}", path.display(), elsewhere.display())]
    ForeignWorkTree {
        /// Where it was found.
        path: PathBuf,
        /// What its config says.
        elsewhere: PathBuf,
    },
    /// Its config cannot be read.
    #[error("failed to read the config of {}", path.display())]
    Config {
        /// The repository.
        path: PathBuf,
        /// The underlying error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is damaged, or could not be read.
    #[error("failed to open {}", path.display())]
    Failed {
        /// The repository.
        path: PathBuf,
        /// The underlying error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotARepository(_) => "change to a repository, or make one with `git init`",
            Self::Bare(_) => "clone it, and use the clone",
            Self::Shallow(_) => "get the rest of the history with `git fetch --unshallow`",
            Self::PartialClone(_) => "clone it again without --filter",
            Self::Unborn(_) => "make a first commit, or check out another branch",
            Self::Reftable(_) => "convert a copy with `git refs migrate --ref-format=files`",
            Self::Sha256(_) => "use a repository with SHA-1 object names",
            Self::Format { .. } => "use a version that knows this extension",
            Self::ForeignOwner(_) => {
                "if you trust it: `git config --global --add safe.directory <the path above>`"
            }
            Self::ForeignWorkTree { .. } => "remove core.worktree from its config",
            Self::Config { .. } => "`git config --list` says what is wrong with it",
            Self::Failed { .. } => "run `git fsck`",
        }
    }

    pub(crate) fn failed(
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed { path: path.to_owned(), source: source.into() }
    }
}

/// How repositories are opened: the user's own configuration counts as it does for git, replaced
/// objects do not (what is learned from is what was committed).
pub(crate) fn options() -> gix::open::Options {
    gix::open::Options::default().cli_overrides(["core.useReplaceRefs=false"])
}

fn find(path: &Path) -> Result<(PathBuf, PathBuf), OpenError> {
    let missing = || OpenError::NotARepository(path.to_owned());
    let start = path.canonicalize().map_err(|_| missing())?;
    let start = if start.is_dir() { &start } else { start.parent().ok_or_else(missing)? };
    let limits = gix::discover::upwards::Options {
        match_ceiling_dir_or_error: false,
        ..gix::discover::upwards::Options::default()
    };
    let (found, _trust) =
        gix::discover::upwards_opts(start, limits.apply_environment()).map_err(|_| missing())?;
    let (git_dir, work_dir) = found.into_repository_and_work_tree_directories();
    let work_dir = work_dir.ok_or_else(|| OpenError::Bare(git_dir.clone()))?;
    let real = |path: PathBuf| path.canonicalize().map_err(|e| OpenError::failed(&path, e));
    Ok((real(git_dir)?, real(work_dir)?))
}

/// Opens it, with whether all of it belongs to the user.
fn open(git_dir: &Path, work_dir: &Path) -> Result<(gix::ThreadSafeRepository, Trust), OpenError> {
    let trust = [git_dir, work_dir, &work_dir.join(".git"), &format::common_dir(git_dir)]
        .into_iter()
        .map(|path| Trust::from_path_ownership(path).unwrap_or(Trust::Reduced))
        .min()
        .unwrap_or(Trust::Reduced);
    let opened = options().open_path_as_is(true).with(trust).open(git_dir);
    Ok((opened.map_err(|e| OpenError::failed(work_dir, e))?, trust))
}

fn refuse(repository: &gix::Repository, work_dir: &Path, trust: Trust) -> Result<(), OpenError> {
    let here = || work_dir.to_owned();
    // The library looks at where config and links say that the work tree is, which may be gone;
    // what we read is looked at already. It alone knows whom the user trusts.
    if trust != Trust::Full && repository.git_dir_trust() != Trust::Full {
        return Err(OpenError::ForeignOwner(here()));
    }
    if is_bare(repository) {
        return Err(OpenError::Bare(here()));
    }
    if let Some(elsewhere) = stated_work_tree(repository)
        && elsewhere.canonicalize().ok().as_deref() != Some(work_dir)
    {
        return Err(OpenError::ForeignWorkTree { path: here(), elsewhere });
    }
    if repository.is_shallow().map_err(|e| OpenError::failed(work_dir, e))? {
        return Err(OpenError::Shallow(here()));
    }
    let head = repository.head().map_err(|e| OpenError::failed(work_dir, e))?;
    if head.is_unborn() {
        return Err(OpenError::Unborn(here()));
    }
    Ok(())
}

/// Work trees that are linked to a bare repository share its config, and are none.
fn is_bare(repository: &gix::Repository) -> bool {
    let linked = repository.git_dir() != repository.common_dir();
    !linked && repository.config_snapshot().boolean("core.bare") == Some(true)
}

/// `core.worktree` of the repository's own config. A submodule's names the place where it was
/// found; any other would have us read, and apply patches, where the user does not look.
fn stated_work_tree(repository: &gix::Repository) -> Option<PathBuf> {
    let local = |section: &gix::config::file::Metadata| {
        matches!(section.source, gix::config::Source::Local | gix::config::Source::Worktree)
    };
    let snapshot = repository.config_snapshot();
    let stated = snapshot.plumbing().string_filter("core.worktree", local)?;
    Some(repository.git_dir().join(stated.to_string()))
}

impl Repository {
    /// Finds the repository that holds `path` (a file or a folder) and opens it.
    pub fn discover(path: &Path) -> Result<Self, OpenError> {
        let (git_dir, work_dir) = find(path)?;
        let common_dir = format::common_dir(&git_dir);
        let common_dir =
            common_dir.canonicalize().map_err(|e| OpenError::failed(&common_dir, e))?;
        format::check(&common_dir, &work_dir)?;
        let (source, trust) = open(&git_dir, &work_dir)?;
        refuse(&source.to_thread_local(), &work_dir, trust)?;
        let pool = Arc::new(Mutex::new(Pool { source, handles: Vec::new() }));
        Ok(Self { pool, work_dir, common_dir, git_dir })
    }

    /// The same repository in its main work tree; as it is where there is none that can be worked
    /// in, as with a bare one.
    pub fn main_work_tree(self) -> Self {
        if self.git_dir == self.common_dir {
            return self;
        }
        let main = self.with(gix::Repository::main_repo).ok();
        let main = main.and_then(|main| Self::discover(main.workdir()?).ok());
        main.filter(|main| main.common_dir == self.common_dir).unwrap_or(self)
    }

    /// The top of the work tree, links resolved.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// The folder shared by all work trees, `.git` of the main one.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// This work tree's own git folder; differs from the common one in a linked work tree.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<CommitId, GitError> {
        self.with(|git| {
            let id = git.head_id().map_err(|e| GitError::read("read HEAD", e))?;
            Ok(CommitId::from_hex(id.to_string()))
        })
    }

    /// Whether HEAD names this commit, told without reading any object: that would map the index of
    /// every pack. `false` is also where HEAD leads there in more than one step.
    pub fn is_at(&self, commit: &CommitId) -> Result<bool, GitError> {
        self.with(|git| {
            let head = git.head().map_err(|e| GitError::read("read HEAD", e))?;
            let named = object_id(commit.as_str())?;
            Ok(head.id().is_some_and(|id| id == named))
        })
    }

    /// One blob's content, of any size. It is what its name says: object databases do not check
    /// that, and what a damaged one mixes up must not be learned from.
    pub fn blob(&self, id: &BlobId) -> Result<Arc<[u8]>, GitError> {
        let named = object_id(id.as_str())?;
        let read = |git: &gix::Repository| {
            let blob = git.find_blob(named)?;
            let is = gix::objs::compute_hash(named.kind(), gix::objs::Kind::Blob, &blob.data)?;
            gix::Result::Ok((is == named).then(|| Arc::from(blob.data.as_slice())))
        };
        let failed = || format!("read blob {id}");
        let content = self.with(read).map_err(|e| GitError::read(failed(), e))?;
        content.ok_or_else(|| GitError::read(failed(), "its content is another's"))
    }

    /// Branches, tags and other public refs by full name, peeled to commits, with `HEAD`.
    /// Refs that name no commit, or one that is missing, are left out.
    pub fn refs(&self) -> Result<BTreeMap<String, CommitId>, GitError> {
        let mut refs = BTreeMap::from([("HEAD".to_owned(), self.head()?)]);
        self.with(|git| {
            let failed = |e| GitError::read("list the refs", e);
            let platform = git.references().map_err(failed)?;
            for mut reference in platform.all().map_err(failed)?.filter_map(Result::ok) {
                let Ok(name) = std::str::from_utf8(reference.name().as_bstr()) else { continue };
                let name = name.to_owned();
                let Ok(id) = reference.peel_to_id() else { continue };
                if is_public(&name) && git.find_commit(id).is_ok() {
                    refs.insert(name, CommitId::from_hex(id.to_string()));
                }
            }
            Ok(refs)
        })
    }

    /// Lets go of all that reading has left in memory. It goes on where the repository cannot be
    /// opened again: whoever reads next is told.
    pub fn rest(&self) {
        let Ok((source, _)) = open(&self.git_dir, &self.work_dir) else { return };
        *self.pool() = Pool { source, handles: Vec::new() };
    }

    /// Lends a handle with warm caches.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&gix::Repository) -> T) -> T {
        let handle = self.pool().lend();
        let result = read(&handle);
        self.pool().handles.push(handle);
        result
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn lend(&mut self) -> gix::Repository {
        self.handles.pop().unwrap_or_else(|| {
            let mut handle = self.source.to_thread_local();
            handle.object_cache_size_if_unset(OBJECT_CACHE);
            handle
        })
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.work_dir).finish()
    }
}

fn is_public(name: &str) -> bool {
    let kind = name.strip_prefix("refs/").and_then(|rest| rest.split('/').next());
    !kind.is_some_and(|kind| PRIVATE_REFS.contains(&kind))
}

pub(crate) fn object_id(hex: &str) -> Result<gix::ObjectId, GitError> {
    gix::ObjectId::from_hex(hex.as_bytes())
        .map_err(|e| GitError::read(format!("read {hex:?} as an object id"), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_refs_of_other_tools() {
        for public in ["HEAD", "refs/heads/main", "refs/tags/stash", "refs/remotes/jj/main"] {
            assert!(is_public(public), "{public} is mined");
        }
        for private in ["refs/stash", "refs/notes/commits", "refs/jj/keep/1", "refs/sera/x"] {
            assert!(!is_public(private), "{private} is left alone");
        }
    }
}
