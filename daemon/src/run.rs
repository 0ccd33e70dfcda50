//! `sera-daemon run`: what wakes the daemon, in one loop.
use crate::audit::Place;
use crate::background;
use crate::ipc;
use crate::kept;
use crate::office::Office;
use crate::watch::{Hint, POLL, POLL_BLIND, QUIET};
use anyhow::{Context as _, Result, bail};
use sera_protocol::{Job, Locations};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long nobody may use a store before its index is put away.
const REST: Duration = Duration::from_secs(30);

/// How often containers of dead workers are looked for, by a poll; the first time at the start.
const SWEEP: Duration = Duration::from_secs(300);

/// Bytes that the log may grow to; an older one is kept beside it.
const LOG: u64 = 8 << 20;

/// How long a stopping daemon waits for jobs to leave what they have and clients to hear of it.
const DRAIN: Duration = Duration::from_secs(25);

/// Everything that can wake the daemon.
enum Event {
    /// A repository may have changed.
    Hint(Hint),
    /// Repositories that gave hints have been quiet for a moment.
    Quiet,
    /// Somebody asked about what is stored.
    Used,
    /// Time to look without being told.
    Poll,
    /// Time to put away what nobody uses.
    Rest,
    /// The daemon shall end.
    Stop,
    /// The daemon shall begin anew, of which nothing but the time that it runs is to be seen.
    Anew,
}

/// What follows the end of the loop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    Anew,
}

/// Runs until stopped. A second daemon of the same user leaves at once, well.
pub(crate) fn run() -> Result<ExitCode> {
    let locations = Locations::of_process()?;
    locations.secure()?;
    let lock = locations.lock();
    let file = File::options().create(true).write(true).truncate(false).open(&lock);
    let file = file.with_context(|| format!("failed to open {}", lock.display()))?;
    let mut lock = fd_lock::RwLock::new(file);
    // Held for life: whoever holds it may replace a socket that is there.
    let Ok(_guard) = lock.try_write() else {
        tracing::info!("another daemon is running");
        return Ok(ExitCode::SUCCESS);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("failed to start the runtime")?;
    let next = runtime.block_on(watch_over(locations))?;
    // Blocked threads are workers' readers at most; their processes end with us.
    runtime.shutdown_timeout(Duration::from_secs(2));
    match next {
        Next::Nothing => Ok(ExitCode::SUCCESS),
        Next::Anew => {
            tracing::info!("beginning anew");
            begin_anew()
        }
    }
}

/// Who asks for the daemon in this moment starts one of their own, and this one leaves.
#[cfg(target_os = "linux")]
fn begin_anew() -> Result<ExitCode> {
    Err(crate::footprint::begin_anew()).context("failed to begin anew")
}

#[cfg(not(target_os = "linux"))]
fn begin_anew() -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}

async fn watch_over(locations: Locations) -> Result<Next> {
    let (socket, log) = (locations.socket(), locations.log());
    let (hints, mut hinted) = mpsc::channel(64);
    let listener = ipc::listen(&locations)?;
    kept::sweep(&locations.state);
    let office = Office::open(locations, hints)?;
    let accepting = tokio::spawn(ipc::accept(listener, Arc::clone(&office)));
    let mut noisy: BTreeSet<Hint> = BTreeSet::new();
    let begun = Instant::now();
    let (mut quiet_at, mut polled, mut swept) = (begun, begun, begun);
    // None while there is nothing to put away: a poll each minute is all that wakes us then.
    let mut rest_at = Some(begun + REST);
    begin(&office, None);
    office.sweep();
    let told = told();
    tokio::pin!(told);
    let next = loop {
        let poll_at = polled + if office.repositories.is_blind() { POLL_BLIND } else { POLL };
        let event = tokio::select! {
            hint = hinted.recv() => hint.map_or(Event::Stop, Event::Hint),
            () = tokio::time::sleep_until(quiet_at), if !noisy.is_empty() => Event::Quiet,
            () = tokio::time::sleep_until(poll_at) => Event::Poll,
            () = ipc::passed(rest_at) => Event::Rest,
            () = office.used.notified() => Event::Used,
            () = office.stop.cancelled() => Event::Stop,
            event = &mut told => event,
        };
        match event {
            Event::Hint(hint) => {
                noisy.insert(hint);
                quiet_at = Instant::now() + QUIET;
                rest_at.get_or_insert(Instant::now() + REST);
            }
            Event::Quiet => {
                for common in std::mem::take(&mut noisy) {
                    begin(&office, Some(&common));
                }
            }
            Event::Poll => {
                polled = Instant::now();
                if let Err(error) = turn_over(&log, LOG) {
                    tracing::warn!(%error, "the log grows");
                }
                begin(&office, None);
                if swept.elapsed() >= SWEEP {
                    swept = polled;
                    office.sweep();
                }
            }
            Event::Used => {
                rest_at.get_or_insert(Instant::now() + REST);
            }
            Event::Rest if office.rest() => {
                rest_at = None;
                if is_large() && office.is_left_alone() {
                    break Next::Anew;
                }
            }
            Event::Rest => rest_at = Some(Instant::now() + REST),
            Event::Stop => break Next::Nothing,
            Event::Anew => break Next::Anew,
        }
    };
    office.stop.cancel();
    let ending = async { tokio::join!(accepting, drain(&office)) };
    if tokio::time::timeout(DRAIN, ending).await.is_err() {
        tracing::warn!("a job or a client was not waited for any longer");
    }
    drop(std::fs::remove_file(socket));
    Ok(next)
}

#[cfg(target_os = "linux")]
fn is_large() -> bool {
    crate::footprint::is_large()
}

#[cfg(not(target_os = "linux"))]
fn is_large() -> bool {
    false
}

/// Begins what nobody has to ask for.
fn begin(office: &Arc<Office>, only: Option<&Path>) {
    for path in office.behind(only) {
        let mine = Job::Mine { explain: false };
        tokio::spawn(ipc::in_background(Arc::clone(office), path, mine));
    }
    for path in office.due(only) {
        tokio::spawn(background::grow(Arc::clone(office), path));
    }
}

/// Moves what is in the log to an older one once it is that large. Whoever opened it appends, so
/// it can be emptied under them.
fn turn_over(log: &Path, most: u64) -> std::io::Result<()> {
    if log.metadata().is_ok_and(|metadata| metadata.len() > most) {
        std::fs::copy(log, log.with_extension("log.1"))?;
        File::options().write(true).open(log)?.set_len(0)?;
    }
    Ok(())
}

/// Cancelled jobs leave their checkpoints before the daemon goes.
async fn drain(office: &Office) {
    while office.is_working() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a signal asks for: SIGHUP is the usual way to have a daemon begin anew.
#[cfg(unix)]
async fn told() -> Event {
    use tokio::signal::unix::{SignalKind, signal};
    let [Ok(mut term), Ok(mut int), Ok(mut hup)] =
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal)
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => Event::Stop,
        _ = int.recv() => Event::Stop,
        _ = hup.recv() => Event::Anew,
    }
}

#[cfg(not(unix))]
async fn told() -> Event {
    drop(tokio::signal::ctrl_c().await);
    Event::Stop
}

/// `sera-daemon base [SOURCE]`: gets the base and prints where it lies.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for scripts")]
pub(crate) fn base(source: Option<&str>) -> Result<ExitCode> {
    let locations = Locations::of_process()?;
    let mut hear = |say| {
        if let crate::worker_wire::Say::Progress(progress) = say
            && progress.total == Some(progress.done)
        {
            eprintln!("{} bytes", progress.done);
        }
    };
    locations.secure()?;
    let place = Place::of_user(&locations.state)?;
    let cancel = sera_core::Cancel::default();
    let path = crate::base::get(source, &locations.cache, &mut hear, &cancel, &place.audit())?;
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// `sera-daemon check-index DIR`: opens and scans an index; the parent holds the stop-watch.
pub(crate) fn check_index(folder: &Path) -> Result<ExitCode> {
    if let Err(error) = sera_store::check_index(folder) {
        bail!("the index in {} is damaged: {error}", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_log_that_is_large_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("daemon.log");
        let mut open = File::options().create(true).append(true).open(&log).unwrap();
        turn_over(&log, 4).unwrap();
        open.write_all(b"12345").unwrap();
        turn_over(&log, 5).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"12345", "it may be that large");
        turn_over(&log, 4).unwrap();
        open.write_all(b"6").unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), b"6");
        assert_eq!(std::fs::read(folder.path().join("daemon.log.1")).unwrap(), b"12345");
    }
}
