//! How workers yield to the developer's own work: by a low priority, never by waiting for quiet.
//!
//! Measured with two threads beside busy processes: at 5 one busy processor costs serving nothing
//! more than at 0 and keeps its own speed; with all of them busy a person still gets an answer, at a
//! quarter of the speed. Linux's idle class gives nothing at all then, so that a training would
//! never end on a machine that never rests.

use std::time::Duration;

/// Niceness of what a person waits for, and of what is done in moments.
const SOON: i32 = 5;
/// Niceness of what takes minutes and nobody waits for.
const LEAST: i32 = 19;
/// Only so often may one user weigh a session, and so often it is tried.
const APART: Duration = Duration::from_millis(110);
const TRIES: usize = 10;

/// Lowers the priority of this process, before it has threads, to that of a kind of work. Where a
/// system has no such thing the work is done as any other.
pub(crate) fn lower(kind: &str) {
    let nice = match kind {
        "train" | "evaluate" | "rollout" => LEAST,
        _ => SOON,
    };
    if let Err(error) = lower_to(nice) {
        tracing::warn!(%error, nice, "the priority stays");
    }
}

/// Linux may weigh sessions before processes (`sched(7)`, autogroup): niceness then counts within
/// a session alone, so a worker has one of its own with the same niceness.
#[cfg(unix)]
fn lower_to(nice: i32) -> std::io::Result<()> {
    rustix::process::setpriority_process(None, nice)?;
    if cfg!(target_os = "linux") && std::path::Path::new("/proc/self/autogroup").exists() {
        rustix::process::setsid()?;
        weigh_session(nice, TRIES)?;
    }
    Ok(())
}

#[cfg(unix)]
fn weigh_session(nice: i32, tries: usize) -> std::io::Result<()> {
    match std::fs::write("/proc/self/autogroup", nice.to_string()) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && tries > 1 => {
            std::thread::sleep(APART);
            weigh_session(nice, tries - 1)
        }
        done => done,
    }
}

#[cfg(not(unix))]
fn lower_to(_nice: i32) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
