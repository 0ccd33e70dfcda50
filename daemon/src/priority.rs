//! How workers yield to the developer's own work: by a low priority, never by waiting for quiet.
//!
//! Measured with two threads beside busy processes: at 5 one busy processor costs serving nothing
//! more than at 0 and keeps its own speed; with all of them busy a person still gets an answer, at a
//! quarter of the speed. Linux's idle class gives nothing at all then, so that a training would
//! never end on a machine that never rests.

/// Niceness of what a person waits for.
const WAITED_FOR: i32 = 5;
/// Niceness of what nobody waits for.
const LEAST: i32 = 19;

/// Lowers the priority of this process, before it has threads, to that of a kind of work. Where a
/// system has no such thing the work is done as any other.
pub(crate) fn lower(kind: &str) {
    let nice = match kind {
        "train" | "evaluate" | "rollout" => LEAST,
        _ => WAITED_FOR,
    };
    if let Err(error) = lower_to(nice) {
        tracing::debug!(%error, nice, "the priority stays");
    }
}

/// Linux may weigh sessions before processes (`sched(7)`, autogroup): niceness then counts within
/// a session alone, so a worker has one of its own with the same niceness.
#[cfg(unix)]
fn lower_to(nice: i32) -> std::io::Result<()> {
    rustix::process::setpriority_process(None, nice)?;
    if cfg!(target_os = "linux") && std::path::Path::new("/proc/self/autogroup").exists() {
        rustix::process::setsid()?;
        std::fs::write("/proc/self/autogroup", nice.to_string())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn lower_to(_nice: i32) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
