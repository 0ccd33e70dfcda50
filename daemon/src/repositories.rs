//! The repositories at hand: opened, watched, and followed where they go.
//!
//! Refs are the truth. Whatever hints that something happened, HEAD is read and compared with the
//! commit that was mined last; a mining that failed is tried again, less and less often.
use crate::engine::Engine;
use crate::failure;
use crate::presence::{Place, Presence};
use crate::registry::Registry;
use crate::watch::{self, Hint, Watch};
use crate::worker::WorkError;
use anyhow::Result;
use sera_core::CommitId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Polls that are let pass at most before what failed is tried again: about an hour of them.
const PATIENCE: u32 = 64;

/// A repository that is open.
struct Held {
    engine: Arc<Engine>,
    place: Place,
    /// None where the system gives no hints: it is polled more often then.
    watch: Option<Watch>,
    last_event: Option<String>,
    /// The daemon is mining it, or about to.
    mining: bool,
    trouble: Option<Trouble>,
}

/// Why mining did not work, how often in a row, and how many polls pass before the next try.
struct Trouble {
    why: String,
    times: u32,
    rest: u32,
}

/// All of them, by their common folders.
pub(crate) struct Repositories {
    registry: Mutex<Registry>,
    held: Mutex<BTreeMap<PathBuf, Held>>,
    /// Registered ones that cannot be opened, and why.
    absent: Mutex<BTreeMap<PathBuf, String>>,
    hints: mpsc::Sender<Hint>,
    /// The user's state, for repositories that cannot be written to.
    state: PathBuf,
}

/// What is told of a repository beside what is stored of it.
pub(crate) struct Standing {
    /// Opened; none where it cannot be.
    pub(crate) engine: Option<Arc<Engine>>,
    /// The work tree.
    pub(crate) path: PathBuf,
    /// How it is, in a few words.
    pub(crate) state: String,
    /// What happened last.
    pub(crate) last_event: Option<String>,
}

impl Repositories {
    /// Opens every registered repository that can be opened.
    pub(crate) fn open(state: &Path, hints: mpsc::Sender<Hint>) -> Result<Self> {
        let registry = Mutex::new(Registry::open(state)?);
        let (held, absent, state) = (Mutex::default(), Mutex::default(), state.to_owned());
        let all = Self { registry, held, absent, hints, state };
        all.open_registered();
        Ok(all)
    }

    /// Opens and watches the repository of `path`, unless it is open already. All work trees of a
    /// repository share one engine, which holds the main one.
    pub(crate) fn hold(&self, path: &Path) -> Result<Arc<Engine>> {
        let repository = sera_git::Repository::discover(path)?;
        // A store can be opened once: one whose folder has another name by now must be let go.
        self.release();
        let common = repository.common_dir();
        let mut held = lock(&self.held);
        if let Some(held) = held.get(common) {
            return Ok(Arc::clone(&held.engine));
        }
        let common = common.to_owned();
        let engine = Arc::new(Engine::open(repository.main_work_tree(), &self.state)?);
        let place = Place::hold(engine.repository.work_dir(), &common)?;
        let watch = watch::watch(engine.repository.git_dir(), &common, self.hints.clone())
            .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "polling only"))
            .ok();
        let (last_event, mining, trouble) = (None, false, None);
        let entry = Held { engine: Arc::clone(&engine), place, watch, last_event, mining, trouble };
        held.insert(common.clone(), entry);
        lock(&self.absent).remove(engine.repository.work_dir());
        // Whatever happened while nobody watched. A full channel holds a hint that will do.
        drop(self.hints.try_send(common));
        Ok(engine)
    }

    /// Registers the repository of `path`: its work tree, its common folder, whether it is new.
    pub(crate) fn register(&self, path: &Path) -> Result<(PathBuf, PathBuf, bool)> {
        let engine = self.hold(path)?;
        let work_dir = engine.repository.work_dir().to_owned();
        let added = lock(&self.registry).add(&work_dir)?;
        Ok((work_dir, engine.repository.common_dir().to_owned(), added))
    }

    /// The work tree by which the repository of `path` is known.
    pub(crate) fn work_dir(&self, path: &Path) -> PathBuf {
        let Ok(found) = sera_git::Repository::discover(path) else { return path.to_owned() };
        let held = lock(&self.held);
        let known = held.get(found.common_dir()).map(|held| &held.engine.repository);
        known.unwrap_or(&found).work_dir().to_owned()
    }

    /// Forgets the repository of `path`, also one that is not there any more; its data stays where
    /// it is. Not while a job works on it: registered again, its store would be opened twice.
    pub(crate) fn unregister(&self, path: &Path) -> Result<bool> {
        let found = sera_git::Repository::discover(path).ok();
        let found = found.map(sera_git::Repository::main_work_tree);
        let work_dir = found.as_ref().map_or(path, sera_git::Repository::work_dir);
        let mut held = lock(&self.held);
        let is_it = |one: &Held| {
            let own = &one.engine.repository;
            let common = found.as_ref().map(sera_git::Repository::common_dir);
            own.work_dir() == work_dir || common == Some(own.common_dir())
        };
        if held.values().any(|one| is_it(one) && Arc::strong_count(&one.engine) > 1) {
            return Err(failure::busy("job", &path.display().to_string()));
        }
        let mut names = BTreeSet::from([work_dir.to_owned()]);
        held.retain(|_, one| {
            let it = is_it(one);
            if it {
                names.insert(one.engine.repository.work_dir().to_owned());
            }
            !it
        });
        let mut removed = false;
        for name in names {
            removed |= lock(&self.registry).remove(&name)?;
            lock(&self.absent).remove(&name);
        }
        Ok(removed)
    }

    /// Looks where everything stands; the work trees that are to be mined now, but for those that
    /// somebody is `busy` with. Each is given out once, until [`Self::mined`] takes it back.
    pub(crate) fn look(&self, only: Option<&Path>, busy: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
        let polled = only.is_none();
        // What hints from a place that was left is found at the new one.
        let only = if self.release() { None } else { only };
        self.open_registered();
        let registered: BTreeSet<PathBuf> =
            lock(&self.registry).paths().map(Path::to_owned).collect();
        let mut held = lock(&self.held);
        let asked = held.iter_mut().filter(|(common, held)| {
            let named = only.is_none_or(|only| only == *common);
            let path = held.engine.repository.work_dir();
            named && registered.contains(path) && !busy(path)
        });
        asked.filter_map(|(_, held)| held.behind(polled)).collect()
    }

    /// A mining that [`Self::look`] asked for has ended.
    pub(crate) fn mined(&self, path: &Path, failed: Option<&anyhow::Error>) {
        for held in lock(&self.held).values_mut() {
            if held.engine.repository.work_dir() != path {
                continue;
            }
            held.mining = false;
            match failed {
                Some(error) => held.failed(error),
                None => {
                    held.trouble = None;
                    // HEAD may have moved on meanwhile. A full channel holds a hint that will do.
                    drop(self.hints.try_send(held.engine.repository.common_dir().to_owned()));
                }
            }
        }
    }

    /// Work trees in which an adapter is due.
    pub(crate) fn due(&self, only: Option<&Path>) -> Vec<PathBuf> {
        let held = lock(&self.held);
        let asked = held.iter().filter(|(common, _)| only.is_none_or(|only| only == *common));
        let due = asked.filter(|(_, held)| held.engine.is_due());
        due.map(|(_, held)| held.engine.repository.work_dir().to_owned()).collect()
    }

    /// Whether one of them gives no hints.
    pub(crate) fn is_blind(&self) -> bool {
        lock(&self.held).values().any(|held| held.watch.is_none())
    }

    /// Lets every store put its index away, and every repository those of its packs.
    pub(crate) fn rest(&self) {
        for held in lock(&self.held).values() {
            held.engine.records.store().idle();
            held.engine.repository.rest();
        }
    }

    /// How they are; only the one with this common folder if one is given.
    pub(crate) fn standings(&self, common: Option<&Path>) -> Vec<Standing> {
        if !lock(&self.absent).is_empty() {
            self.open_registered();
        }
        let held = lock(&self.held);
        let asked = held.iter().filter(|(own, _)| common.is_none_or(|common| common == *own));
        let mut all: Vec<Standing> = asked.map(|(_, held)| held.standing()).collect();
        if common.is_none() {
            let absent = lock(&self.absent);
            all.extend(absent.iter().map(|(path, why)| Standing {
                engine: None,
                path: path.clone(),
                state: format!("not watched: {why}"),
                last_event: None,
            }));
        }
        all
    }

    /// Lets go of repositories that are not where they were, unless a job works on them: the next
    /// look finds them again. Whether there were any.
    fn release(&self) -> bool {
        let mut held = lock(&self.held);
        let gone: Vec<(PathBuf, Presence)> = held
            .iter()
            .filter(|(_, held)| Arc::strong_count(&held.engine) == 1)
            .map(|(common, held)| (common.clone(), held.place.look()))
            .filter(|(_, presence)| *presence != Presence::Here)
            .collect();
        let any = !gone.is_empty();
        for (common, presence) in gone {
            let Some(held) = held.remove(&common) else { continue };
            let path = held.engine.repository.work_dir().to_owned();
            tracing::info!(path = %path.display(), ?presence, "it is not where it was");
            if let Presence::At(now) = presence
                && let Err(error) = lock(&self.registry).rename(&path, &now)
            {
                tracing::warn!(error = format!("{error:#}"), "its new path is not kept");
            }
        }
        any
    }

    fn open_registered(&self) {
        let open: BTreeSet<PathBuf> = lock(&self.held)
            .values()
            .map(|held| held.engine.repository.work_dir().to_owned())
            .collect();
        let registered: Vec<PathBuf> = lock(&self.registry).paths().map(Path::to_owned).collect();
        for path in registered.into_iter().filter(|path| !open.contains(path)) {
            // A linked work tree is known by the main one.
            let known = self.hold(&path).and_then(|engine| {
                lock(&self.registry).rename(&path, engine.repository.work_dir())
            });
            let Err(error) = known else { continue };
            let why = format!("{error:#}");
            let before = lock(&self.absent).insert(path.clone(), why.clone());
            if before.as_ref() != Some(&why) {
                tracing::warn!(path = %path.display(), error = why, "not opened");
            }
        }
    }
}

impl Held {
    /// The work tree, if HEAD is not where mining left it and it is time to mine.
    fn behind(&mut self, polled: bool) -> Option<PathBuf> {
        if self.mining {
            return None;
        }
        if let Some(trouble) = &mut self.trouble
            && polled
            && trouble.rest > 0
        {
            trouble.rest -= 1;
            return None;
        }
        let head = match self.moved_to() {
            Ok(Some(head)) => head,
            Ok(None) => {
                self.trouble = None;
                return None;
            }
            Err(error) => {
                self.failed(&error.into());
                return None;
            }
        };
        self.last_event = Some(format!("HEAD is at {}", head.short()));
        self.mining = true;
        Some(self.engine.repository.work_dir().to_owned())
    }

    /// Where HEAD is, if that is not what was mined.
    fn moved_to(&self) -> Result<Option<CommitId>, sera_git::GitError> {
        let (mined, repository) = (self.engine.mined(), &self.engine.repository);
        if let Some(mined) = &mined
            && repository.is_at(mined)?
        {
            return Ok(None);
        }
        let head = repository.head()?;
        Ok((mined.as_ref() != Some(&head)).then_some(head))
    }

    fn failed(&mut self, error: &anyhow::Error) {
        if matches!(error.downcast_ref(), Some(WorkError::Cancelled)) {
            return;
        }
        let times = self.trouble.as_ref().map_or(0, |trouble| trouble.times) + 1;
        let rest = PATIENCE.min(1 << (times - 1).min(16)) - 1;
        self.trouble = Some(Trouble { why: format!("{error:#}"), times, rest });
    }

    fn standing(&self) -> Standing {
        let state = match (&self.trouble, self.mining, self.engine.mined(), &self.watch) {
            (Some(trouble), ..) => format!("cannot be mined: {}", trouble.why),
            (None, true, ..) => "mining".to_owned(),
            (None, false, None, _) => "not mined yet".to_owned(),
            (None, false, Some(_), Some(_)) => "watching".to_owned(),
            (None, false, Some(_), None) => "watching, by looking every 5 s".to_owned(),
        };
        Standing {
            engine: Some(Arc::clone(&self.engine)),
            path: self.engine.repository.work_dir().to_owned(),
            state,
            last_event: self.last_event.clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
