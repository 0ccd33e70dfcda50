//! What the daemon computes by itself: when it begins, when it holds still, what it tries again.
//!
//! Nobody waits for it, so it yields to everything: to people, to a pause, to what the schedule
//! says, and it is put off for whatever a person asks to be computed.
use crate::engine::Engine;
use crate::ipc;
use crate::kept;
use crate::machine::Machine;
use crate::office::{Asker, Office};
use crate::schedule::{Policy, Waits, judge};
use crate::worker::WorkError;
use anyhow::{Context as _, Result};
use jiff::Zoned;
use jiff::civil::Date;
use sera_protocol::Job;
use sera_protocol::method::ScheduleStatus;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked while something computes.
const LOOK: Duration = Duration::from_secs(1);

/// Looks in a row that find nothing in the way before what was held goes on.
const CALM: u32 = 5;

/// Looks after which settings are read again and the day's time is kept.
const SETTLE: u64 = 10;

/// How long is waited before what failed is tried again; after that it is set aside.
const AGAIN: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(2400)];

/// The form of what is kept.
const VERSION: u32 = 1;

/// What is kept of it in the user's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// Until when the user paused it, Unix milliseconds; 0 until they say otherwise.
    paused: Option<u64>,
    /// The day that was computed on last.
    day: Option<Date>,
    /// Seconds of it.
    seconds: u64,
}

impl Default for Kept {
    fn default() -> Self {
        Self { version: VERSION, paused: None, day: None, seconds: 0 }
    }
}

/// A repository whose training failed.
struct Trouble {
    why: String,
    times: usize,
    /// When it is tried again; none when it is set aside.
    again: Option<Instant>,
}

/// The state of it.
pub(crate) struct Background {
    file: PathBuf,
    kept: Mutex<Kept>,
    /// As the file holds it.
    written: Mutex<Kept>,
    machine: Mutex<Machine>,
    /// What is in the way, as it was found last, and how often in a row nothing was.
    found: Mutex<(Option<Waits>, u32)>,
    troubles: Mutex<BTreeMap<PathBuf, Trouble>>,
    /// Held from the first look at the machine to the end of what begins.
    beginning: tokio::sync::Mutex<()>,
}

impl Background {
    /// Reads what the user's state holds of it.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let file = state.join("schedule.json");
        let kept: Kept = kept::read_json(&file, VERSION)?.unwrap_or_default();
        let (machine, found, troubles, beginning) = Default::default();
        let (written, kept) = (Mutex::new(kept.clone()), Mutex::new(kept));
        Ok(Self { file, kept, written, machine, found, troubles, beginning })
    }

    fn write(&self) -> Result<()> {
        let mut written = lock(&self.written);
        let kept = lock(&self.kept).clone();
        if *written == kept {
            return Ok(());
        }
        let text = serde_json::to_vec(&kept).context("failed to write the schedule")?;
        kept::replace(&self.file, &text)?;
        *written = kept;
        Ok(())
    }

    /// Pauses it, for a while or until [`Self::resume`].
    pub(crate) fn pause(&self, until_ms: Option<u64>) -> Result<()> {
        lock(&self.kept).paused = Some(until_ms.unwrap_or(0));
        self.write()
    }

    /// Ends a pause, and tries again what was set aside. Whether it was paused.
    pub(crate) fn resume(&self) -> Result<bool> {
        lock(&self.troubles).clear();
        let was = lock(&self.kept).paused.take().is_some();
        self.write()?;
        Ok(was)
    }

    /// Whether it is paused now.
    pub(crate) fn is_paused(&self) -> bool {
        let mut kept = lock(&self.kept);
        let over = kept.paused.is_some_and(|until| until > 0 && until <= crate::cycle::now_ms());
        if over {
            kept.paused = None;
        }
        kept.paused.is_some()
    }

    /// How long was computed on this day.
    fn today(&self, day: Date) -> Duration {
        let kept = lock(&self.kept);
        Duration::from_secs(if kept.day == Some(day) { kept.seconds } else { 0 })
    }

    fn spend(&self, day: Date) {
        let mut kept = lock(&self.kept);
        if kept.day != Some(day) {
            (kept.day, kept.seconds) = (Some(day), 0);
        }
        kept.seconds += LOOK.as_secs();
    }

    /// Looks at the machine.
    fn look(&self, policy: &Policy, disk: &Path, computing: bool) -> Option<Waits> {
        let today = self.today(Zoned::now().date());
        let surroundings = lock(&self.machine).look(disk, today, computing);
        judge(policy, &surroundings)
    }

    /// Whether something is in the way of what computes: at once when it is, and no more when it
    /// was not for a while.
    fn is_held(&self, now: Option<Waits>) -> bool {
        let mut found = lock(&self.found);
        let (before, calm) = &mut *found;
        *calm = if now.is_some() { 0 } else { *calm + 1 };
        if now.is_some() || *calm >= CALM {
            *before = now;
        }
        before.is_some()
    }

    /// What is told of it.
    pub(crate) fn status(&self) -> ScheduleStatus {
        let paused = self.is_paused();
        let until_ms = lock(&self.kept).paused.filter(|until| *until > 0);
        let waits = lock(&self.found).0.clone();
        ScheduleStatus {
            paused,
            until_ms: if paused {
                until_ms
            } else {
                waits.as_ref().and_then(|waits| waits.until_ms)
            },
            waits: waits.map(|waits| waits.why.to_string()),
            today_s: self.today(Zoned::now().date()).as_secs(),
        }
    }

    /// Why a repository's training is put off, in words.
    pub(crate) fn trouble(&self, work_dir: &Path) -> Option<String> {
        let troubles = lock(&self.troubles);
        let Trouble { why, times, again } = troubles.get(work_dir)?;
        Some(match again {
            Some(again) => {
                let minutes =
                    again.saturating_duration_since(Instant::now()).as_secs().div_ceil(60);
                format!("failed {times} times, is tried again in {minutes} min: {why}")
            }
            None => format!("set aside after {times} failures, until `git sera resume`: {why}"),
        })
    }

    /// Whether a repository's training is to be left alone for now.
    fn is_put_off(&self, work_dir: &Path) -> bool {
        let troubles = lock(&self.troubles);
        troubles.get(work_dir).is_some_and(|one| one.again.is_none_or(|at| at > Instant::now()))
    }

    fn failed(&self, work_dir: &Path, why: String) {
        let mut troubles = lock(&self.troubles);
        let times = troubles.get(work_dir).map_or(0, |trouble| trouble.times) + 1;
        let again = AGAIN.get(times - 1).map(|wait| Instant::now() + *wait);
        troubles.insert(work_dir.to_owned(), Trouble { why, times, again });
    }

    /// Leaves a repository's training alone until the user says otherwise: they ended it.
    pub(crate) fn set_aside(&self, work_dir: &Path) {
        let (why, times) = ("you cancelled it".to_owned(), 1);
        let trouble = Trouble { why, times, again: None };
        lock(&self.troubles).insert(work_dir.to_owned(), trouble);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Trains an adapter where one is due, once nothing is in the way; the next poll asks again.
pub(crate) async fn grow(office: Arc<Office>, path: PathBuf) {
    let background = &office.background;
    let Ok(_one) = background.beginning.try_lock() else { return };
    if background.is_put_off(&path) || background.is_paused() {
        return;
    }
    let Ok(policy) = policy(&office, &path) else { return };
    // What others use is told only since the look before.
    background.look(&policy, &path, false);
    tokio::time::sleep(LOOK).await;
    let waits = background.look(&policy, &path, false);
    if background.is_held(waits.clone()) && waits.is_some() {
        return;
    }
    *lock(&background.found) = (None, 0);
    match ipc::in_background(Arc::clone(&office), path.clone(), Job::Retrain {}).await {
        Ok(()) => drop(lock(&background.troubles).remove(&path)),
        Err(error) if matches!(error.downcast_ref(), Some(WorkError::Cancelled)) => {}
        Err(error) => background.failed(&path, format!("{error:#}")),
    }
}

fn policy(office: &Office, path: &Path) -> Result<Policy> {
    let read = || -> Result<Policy> {
        let engine = office.repositories.hold(path)?;
        Ok(Policy::of(&engine.repository.settings()?)?)
    };
    read().inspect_err(|error| {
        tracing::warn!(error = format!("{error:#}"), "nothing is trained by itself");
    })
}

/// Does a job that computes, and looks each second whether it may go on.
pub(crate) async fn tended<T>(
    office: &Office,
    (asker, engine): (Asker, &Engine),
    job: impl Future<Output = T>,
) -> T {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut policy, mut count) = (Policy::default(), 0);
    tokio::pin!(job);
    let done = loop {
        tokio::select! {
            done = &mut job => break done,
            _ = looks.tick() => {
                if count % SETTLE == 0 {
                    policy = settle(office, engine, policy);
                }
                count += 1;
                tend(office, (asker, engine), &policy);
            }
        }
    };
    office.holds.send_modify(|holds| (holds.paused, holds.waits) = (false, false));
    settle(office, engine, policy);
    done
}

/// Keeps what is kept now and then, and reads the user's settings anew, which may make no sense now.
fn settle(office: &Office, engine: &Engine, before: Policy) -> Policy {
    if let Err(error) = office.background.write() {
        tracing::warn!(error = format!("{error:#}"), "the schedule is not kept");
    }
    let settings = engine.repository.settings().ok();
    settings.and_then(|settings| Policy::of(&settings).ok()).unwrap_or(before)
}

fn tend(office: &Office, (asker, engine): (Asker, &Engine), policy: &Policy) {
    let background = &office.background;
    let paused = background.is_paused();
    let waits = match asker {
        Asker::Client => false,
        Asker::Daemon => {
            background.is_held(background.look(policy, engine.repository.common_dir(), true))
        }
    };
    let changed = office.holds.send_if_modified(|holds| {
        let before = *holds;
        (holds.paused, holds.waits) = (paused, waits);
        before != *holds
    });
    if changed {
        tracing::info!(paused, waits, "what holds computing still");
    }
    let held = paused || waits || office.holds.borrow().people > 0;
    if asker == Asker::Daemon && !held {
        background.spend(Zoned::now().date());
    }
}
