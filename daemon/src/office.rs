//! The daemon's one state: registered repositories, the job that runs, whose turn it is.
//!
//! Three kinds of work never wait for each other longer than they must: reading history is light
//! and runs beside anything; computing is done by one job at a time; a person who waits for a fix
//! shuts the gate of whoever computes until the answer is there.
use crate::background::{self, Background};
use crate::cycle::Cycle;
use crate::engine::Engine;
use crate::order::Counts;
use crate::repositories::{Repositories, Standing};
use crate::serving::Serving;
use crate::turn::{Holds, Turn, Yields};
use crate::watch::Hint;
use crate::worker::WorkError;
use crate::worker_wire::Say;
use crate::{failure, pipeline};
use anyhow::{Context as _, Result, bail};
use sera_core::JobId;
use sera_core::scorecard::Capability;
use sera_model::Choice;
use sera_protocol::method::{JobStatus, RepositoryStatus, SeedCounts, StatusReport};
use sera_protocol::{ErrorCode, Failure, Job, JobResult, Locations, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, Semaphore, mpsc, watch as channel};
use tokio_util::sync::CancellationToken;

/// A job that is being done or waits for its turn.
struct Running {
    status: JobStatus,
    asker: Asker,
    lane: Lane,
    cancel: CancellationToken,
}

/// Who asked for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Client,
    /// It began by itself, and is put off for what somebody asks for.
    Daemon,
}

/// A job's entry in the list, for as long as this lives. It stands there from the moment the job
/// is asked for, so that a job can be cancelled before it begins.
pub(crate) struct Entry {
    office: Arc<Office>,
    /// The job's name.
    pub(crate) id: JobId,
    asker: Asker,
    cancel: CancellationToken,
}

impl Drop for Entry {
    fn drop(&mut self) {
        Office::lock(&self.office.jobs).remove(&self.id);
    }
}

/// The state. Shared by all connections; every lock is held for moments only.
pub(crate) struct Office {
    /// Where everything lies.
    pub(crate) locations: Locations,
    /// Cancelled when the daemon shall end.
    pub(crate) stop: CancellationToken,
    /// Told when an index may have been opened that no job will be the end of.
    pub(crate) used: Notify,
    /// Room for clients at the same time.
    pub(crate) clients: Arc<Semaphore>,
    started: Instant,
    /// A job was entered since.
    worked: AtomicBool,
    /// The repositories at hand.
    pub(crate) repositories: Repositories,
    jobs: Mutex<BTreeMap<JobId, Running>>,
    compute: tokio::sync::Mutex<()>,
    light: tokio::sync::Mutex<()>,
    /// What holds computing still.
    pub(crate) holds: channel::Sender<Holds>,
    /// What is computed though nobody asked for it.
    pub(crate) background: Background,
    serving: Serving,
    hints: mpsc::Sender<Hint>,
}

/// Which of the kinds of work a job is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Reads history, for as long as there is much of it: holds up nothing but another such.
    Mine,
    Light,
    Compute,
    Person,
    /// Removes what others read: neither light work nor computing runs beside it.
    Alone,
}

fn lane(job: &Job) -> Lane {
    match job {
        Job::Mine { .. } => Lane::Mine,
        Job::Verify {}
        | Job::Import { .. }
        | Job::Select { .. }
        | Job::Export { .. }
        | Job::Why { .. }
        | Job::Adapters {}
        | Job::Log { .. }
        | Job::Show { .. }
        | Job::Doctor {}
        | Job::Audit { .. }
        | Job::Report { .. }
        | Job::Fsck {} => Lane::Light,
        Job::Fix { .. }
        | Job::BuildImage { .. }
        | Job::Rollback { .. }
        | Job::Promote { force: Some(true), .. } => Lane::Person,
        // What was agreed to goes on while it is taken back: a job that computes is ended first.
        Job::Forget { dry_run: true, .. } | Job::Consent { withdraw: false } => Lane::Light,
        Job::Forget { dry_run: false, .. } | Job::Consent { withdraw: true } => Lane::Alone,
        Job::Synthesize { .. }
        | Job::Rollout { .. }
        | Job::Generate { .. }
        | Job::Train { .. }
        | Job::Evaluate { .. }
        | Job::Promote { force: Some(false) | None, .. }
        | Job::Retrain {}
        | Job::Quickstart { .. } => Lane::Compute,
    }
}

/// What a job yields to.
fn yields(job: &Job, asker: Asker) -> Yields {
    match (lane(job), asker) {
        (Lane::Compute, Asker::Daemon) => Yields::ToSchedule,
        (Lane::Compute, Asker::Client) => Yields::ToPause,
        (Lane::Mine | Lane::Light | Lane::Alone, _) => Yields::ToPeople,
        (Lane::Person, _) => Yields::Never,
    }
}

/// Clients that may be connected at the same time.
pub(crate) const CLIENTS: usize = 256;

/// How long work that began by itself is given to end: a worker that does not is killed before.
const BACKGROUND_ENDS: Duration = Duration::from_secs(25);

/// How long is waited before an engine that did not answer is asked again.
const SWEEP_AGAIN: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];

impl Office {
    /// Opens every registered repository that still can be opened.
    pub(crate) fn open(locations: Locations, hints: mpsc::Sender<Hint>) -> Result<Arc<Self>> {
        let repositories = Repositories::open(&locations.state, hints.clone())?;
        let background = Background::open(&locations.state)?;
        Ok(Arc::new(Self {
            locations,
            stop: CancellationToken::new(),
            used: Notify::new(),
            clients: Arc::new(Semaphore::new(CLIENTS)),
            started: Instant::now(),
            worked: AtomicBool::new(false),
            repositories,
            jobs: Mutex::default(),
            compute: tokio::sync::Mutex::default(),
            light: tokio::sync::Mutex::default(),
            holds: channel::Sender::new(Holds::default()),
            background,
            serving: Serving::default(),
            hints,
        }))
    }

    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every store put its index away, and the worker that serves go, when nobody used them
    /// for a while. Whether all of them have.
    pub(crate) fn rest(&self) -> bool {
        let idle = Self::lock(&self.jobs).is_empty();
        if idle {
            self.repositories.rest();
        }
        self.serving.rest() && idle
    }

    /// Removes containers of workers that died, on a thread that may wait for an engine. One that
    /// does not answer is asked again, less and less often.
    pub(crate) fn sweep(&self) {
        let state = self.locations.state.clone();
        if !crate::sandbox::has_leases(&state) {
            return;
        }
        drop(tokio::spawn(async move {
            for wait in SWEEP_AGAIN {
                let state = state.clone();
                let swept = tokio::task::spawn_blocking(move || crate::sandbox::sweep(&state));
                match swept.await {
                    Ok(Ok(0)) | Err(_) => break,
                    Ok(Ok(removed)) => {
                        tracing::info!(removed, "containers of dead workers");
                        break;
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(error = format!("{error:#}"), "containers not swept");
                    }
                }
                tokio::time::sleep(wait).await;
            }
        }));
    }

    /// Does `job` for the repository of `path` and tells `report` what happens.
    pub(crate) async fn run(
        &self,
        path: &Path,
        job: Job,
        entry: &Entry,
        report: &mut (dyn FnMut(Say) + Send),
    ) -> Result<JobResult> {
        if matches!(job, Job::Quickstart { .. }) {
            self.repositories.register(path)?;
        }
        let engine = self.repositories.hold(path)?;
        let asked_in = engine.seen_from(path)?;
        let _permit = self.permit(&job, &engine, path, entry).await?;
        let mut tell = |say: Say| {
            self.note(entry.id, &say);
            report(say);
        };
        let places = (&*self.locations.cache, &*self.locations.state);
        let turn = Turn::new(&self.holds, yields(&job, entry.asker));
        let surroundings = (entry.cancel.clone(), turn);
        let mut cycle =
            Cycle::new((&engine, asked_in), places, &self.serving, surroundings, &mut tell);
        // Whoever puts the log right must not be stopped by it.
        if !matches!(job, Job::Audit { .. }) {
            cycle.note_settings()?;
        }
        let done = match lane(&job) {
            Lane::Compute => {
                let perform = pipeline::perform(&job, &mut cycle);
                background::tended(self, (entry.asker, &engine), perform).await
            }
            Lane::Mine | Lane::Light | Lane::Person | Lane::Alone => {
                pipeline::perform(&job, &mut cycle).await
            }
        };
        engine.anchor();
        // What begins by itself waited for this. A full channel has a hint that will do.
        drop(self.hints.try_send(engine.repository.common_dir().to_owned()));
        done
    }

    /// The work trees that are to be mined now. Not beside a job that mines or is about to.
    pub(crate) fn behind(&self, only: Option<&Path>) -> Vec<PathBuf> {
        let mining: BTreeSet<PathBuf> = {
            let jobs = Self::lock(&self.jobs);
            let about = jobs.values().filter(|running| {
                matches!(running.lane, Lane::Mine | Lane::Compute)
                    && matches!(running.status.stage, Stage::Wait | Stage::Mine)
            });
            about.filter_map(|running| running.status.path.as_deref()).map(PathBuf::from).collect()
        };
        self.repositories.look(only, &|path| mining.contains(path))
    }

    /// Repositories where an adapter is due; none while something computes.
    pub(crate) fn due(&self, only: Option<&Path>) -> Vec<PathBuf> {
        let computes = |running: &Running| running.lane == Lane::Compute;
        if Self::lock(&self.jobs).values().any(computes) {
            return Vec::new();
        }
        self.repositories.due(only)
    }

    /// The right to run. One job computes at a time: a second is refused rather than queued,
    /// since whoever asked would wait for minutes without knowing why.
    async fn permit<'a>(
        &'a self,
        job: &Job,
        engine: &'a Engine,
        path: &Path,
        entry: &Entry,
    ) -> Result<Permit<'a>> {
        Ok(match lane(job) {
            Lane::Light => tokio::select! {
                guard = self.light.lock() => Permit::Held { _guard: guard },
                () = entry.cancel.cancelled() => bail!(WorkError::Cancelled),
            },
            Lane::Mine => tokio::select! {
                guard = engine.mining.lock() => Permit::Held { _guard: guard },
                () = entry.cancel.cancelled() => bail!(WorkError::Cancelled),
            },
            Lane::Person => {
                self.holds.send_modify(|holds| holds.people += 1);
                Permit::Person { holds: &self.holds }
            }
            Lane::Alone => {
                // Nobody asked for a retraining, and it may learn from what shall go.
                self.cancel_background(engine.repository.work_dir());
                let busy = self.computing(entry.id);
                if let Some((Asker::Client, kind)) = busy {
                    return Err(failure::busy(&kind, &path.display().to_string()));
                }
                tokio::select! {
                    mining = engine.mining.lock() => {
                        let (light, compute) = tokio::join!(self.light.lock(), self.compute.lock());
                        Permit::Alone { _guards: [mining, light, compute] }
                    }
                    () = entry.cancel.cancelled() => bail!(WorkError::Cancelled),
                }
            }
            Lane::Compute => match self.compute.try_lock() {
                Ok(guard) => Permit::Held { _guard: guard },
                Err(_) => match self.computing(entry.id) {
                    // What began by itself leaves a checkpoint, and goes on after this.
                    Some((Asker::Daemon, _)) if entry.asker == Asker::Client => {
                        self.cancel_computing_by_itself();
                        tokio::select! {
                            guard = self.compute.lock() => Permit::Held { _guard: guard },
                            () = entry.cancel.cancelled() => bail!(WorkError::Cancelled),
                        }
                    }
                    busy => {
                        let kind = busy.map_or_else(|| job.kind().to_owned(), |(_, kind)| kind);
                        return Err(failure::busy(&kind, &path.display().to_string()));
                    }
                },
            },
        })
    }

    /// Asks what began by itself in a work tree for an early end; whether there is any.
    fn cancel_background(&self, work_dir: &Path) -> bool {
        let jobs = Self::lock(&self.jobs);
        let path = Some(work_dir.display().to_string());
        let is_there = |running: &&Running| running.status.path == path;
        let begun = jobs.values().filter(is_there).filter(|one| one.asker == Asker::Daemon);
        begun.inspect(|running| running.cancel.cancel()).count() > 0
    }

    fn cancel_computing_by_itself(&self) {
        let jobs = Self::lock(&self.jobs);
        let computing = jobs.values().filter(|one| one.lane == Lane::Compute);
        computing.filter(|one| one.asker == Asker::Daemon).for_each(|one| one.cancel.cancel());
    }

    fn computing(&self, asking: JobId) -> Option<(Asker, String)> {
        let jobs = Self::lock(&self.jobs);
        let mut others = jobs.iter().filter(|(id, _)| **id != asking);
        let computing = others.find(|(_, running)| running.lane == Lane::Compute);
        computing.map(|(_, running)| (running.asker, running.status.kind.clone()))
    }

    /// Forgets the repository of `path`; what began there by itself is ended first.
    pub(crate) async fn unregister(&self, path: &Path) -> Result<bool> {
        let work_dir = self.repositories.work_dir(path);
        let until = Instant::now() + BACKGROUND_ENDS;
        while self.cancel_background(&work_dir) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::task::block_in_place(|| self.repositories.unregister(path))
    }

    /// Lists a job that somebody asked for.
    pub(crate) fn enter(self: &Arc<Self>, asker: Asker, job: &Job, path: &str) -> Entry {
        let (id, cancel) = (self.job_id(job), self.stop.child_token());
        let status = JobStatus {
            id,
            kind: job.kind().to_owned(),
            stage: Stage::Wait,
            done: 0,
            total: 0,
            message: String::new(),
            path: Some(path.to_owned()),
        };
        let running = Running { status, asker, lane: lane(job), cancel: cancel.clone() };
        Self::lock(&self.jobs).insert(id, running);
        self.worked.store(true, Ordering::Relaxed);
        Entry { office: Arc::clone(self), id, asker, cancel }
    }

    fn note(&self, id: JobId, say: &Say) {
        let Say::Progress(progress) = say else { return };
        if let Some(running) = Self::lock(&self.jobs).get_mut(&id) {
            running.status.stage = stage(&progress.stage);
            running.status.done = progress.done;
            running.status.total = progress.total.unwrap_or(0);
            running.status.message.clone_from(&progress.message);
        }
    }

    /// Holds all that takes minutes still, until a moment or until [`Self::resume`].
    pub(crate) fn pause(&self, until_ms: Option<u64>) -> Result<()> {
        self.background.pause(until_ms)?;
        self.holds.send_modify(|holds| holds.paused = true);
        Ok(())
    }

    /// Has it go on. Whether it was paused.
    pub(crate) fn resume(&self) -> Result<bool> {
        let was = self.background.resume()?;
        self.holds.send_modify(|holds| holds.paused = false);
        Ok(was)
    }

    /// Asks a job for an early end; false if there is none.
    pub(crate) fn cancel(&self, id: JobId) -> bool {
        let jobs = Self::lock(&self.jobs);
        let Some(running) = jobs.get(&id) else { return false };
        if let (Asker::Daemon, Lane::Compute, Some(path)) =
            (running.asker, running.lane, &running.status.path)
        {
            self.background.set_aside(Path::new(path));
        }
        running.cancel.cancel();
        true
    }

    /// What the daemon does and holds; only the repository of `path` if one is given.
    pub(crate) fn status(&self, path: Option<&Path>) -> Result<StatusReport> {
        let wanted = path.map(sera_git::Repository::discover).transpose()?;
        let wanted = wanted.as_ref().map(sera_git::Repository::common_dir);
        let standings = self.repositories.standings(wanted);
        self.used.notify_one();
        if wanted.is_some() && standings.is_empty() {
            let text = "this repository is not registered";
            let hint = "`git sera register` registers it";
            return Err(Failure::new(ErrorCode::NotRegistered, text).hint(hint).into());
        }
        let job = Self::lock(&self.jobs).values().next().map(|running| running.status.clone());
        let repositories = standings.into_iter().map(|standing| self.stand(standing));
        let repositories = repositories.collect::<Result<Vec<_>>>()?;
        let mut schedule = self.background.status();
        // Where nothing is to be computed nothing is in the way of it.
        if repositories.iter().all(|repository| repository.training.is_none()) {
            schedule.waits = None;
        }
        Ok(StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_s: self.started.elapsed().as_secs(),
            repositories,
            job,
            schedule: Some(schedule),
            rss_mb: sera_train::proc_bytes("/proc/self/status", "VmRSS").map(|bytes| bytes >> 20),
        })
    }

    /// How a repository is, with what is stored about it.
    fn stand(&self, standing: Standing) -> Result<RepositoryStatus> {
        let path = standing.path.display().to_string();
        let mut status = match &standing.engine {
            Some(engine) => engine.described(|| describe(engine))?,
            None => RepositoryStatus { path, ..RepositoryStatus::default() },
        };
        if let Some(engine) = &standing.engine {
            status.device = Some(device(&engine.repository));
            // Not of what is described once for what is stored: it is told a moment after.
            status.mined_head = engine.mined().map(|tip| tip.to_string());
            let due = || engine.is_due().then(|| "an adapter is due".to_owned());
            status.training = self.background.trouble(&standing.path).or_else(due);
        }
        status.state = standing.state;
        status.last_event = standing.last_event;
        Ok(status)
    }

    /// Whether it did something and nobody would notice if it began anew.
    pub(crate) fn is_left_alone(&self) -> bool {
        let worked = self.worked.load(Ordering::Relaxed);
        worked && !self.is_working() && self.clients.available_permits() == CLIENTS
    }

    /// Whether a job is being done.
    pub(crate) fn is_working(&self) -> bool {
        !Self::lock(&self.jobs).is_empty()
    }

    /// A new job's name.
    fn job_id(&self, job: &Job) -> JobId {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unique = format!("{:?}{job:?}{}", self.started, since.as_nanos());
        JobId::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), unique.as_bytes())
    }
}

/// What a job holds while it runs.
enum Permit<'a> {
    Held { _guard: tokio::sync::MutexGuard<'a, ()> },
    Alone { _guards: [tokio::sync::MutexGuard<'a, ()>; 3] },
    Person { holds: &'a channel::Sender<Holds> },
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Self::Person { holds } = self {
            holds.send_modify(|holds| holds.people -= 1);
        }
    }
}

/// The protocol's word for a stage.
pub(crate) fn stage(name: &str) -> Stage {
    Stage::ALL.iter().copied().find(|stage| stage.name() == name).unwrap_or(Stage::Other)
}

fn describe(engine: &Engine) -> Result<RepositoryStatus> {
    let records = &engine.records;
    let Counts { functions, commits, held_out_functions, held_out_commits } = engine.counts()?;
    let served = |capability: Capability| -> Result<(Capability, String)> {
        let adapter = records.served(capability)?;
        Ok((capability, adapter.map_or_else(|| "base".to_owned(), |a| a.id.to_string())))
    };
    Ok(RepositoryStatus {
        path: engine.repository.work_dir().display().to_string(),
        common_dir: engine.repository.common_dir().display().to_string(),
        seeds: SeedCounts { functions, commits, held_out: held_out_functions + held_out_commits },
        tasks: records.tasks()?.len() as u64,
        trajectories: records.attempts()?.len() as u64,
        adapters: records.adapters()?.iter().map(|adapter| adapter.id.to_string()).collect(),
        served: Capability::ALL.into_iter().map(served).collect::<Result<_>>()?,
        ..RepositoryStatus::default()
    })
}

/// `sera.device` as far as it is known without opening one.
fn device(repository: &sera_git::Repository) -> String {
    let chosen = repository.config("sera.device");
    let parsed = chosen.as_ref().map_or(Ok(Choice::Auto), |text| text.parse());
    parsed.map_or_else(|error| error.to_string(), |choice| choice.to_string())
}

/// Reads the path a client sent.
pub(crate) fn client_path(path: &str) -> Result<PathBuf> {
    let path = PathBuf::from(path);
    anyhow::ensure!(path.is_absolute(), "the path {} is not absolute", path.display());
    path.canonicalize().with_context(|| format!("failed to find {}", path.display()))
}
