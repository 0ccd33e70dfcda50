//! `git sera stop`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use crate::{daemon, scheduler};
use clap::Args;
use sera_protocol::method::StopParams;
use sera_protocol::{Client, Locations};
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// How long a daemon may take to save what its jobs have.
const PATIENCE: Duration = Duration::from_secs(60);

/// Stop the daemon; jobs save their state and resume next time
///
/// What `git sera start --scheduler` put in is taken out.
#[derive(Debug, Args)]
pub struct Stop {}

impl Stop {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let locations = Locations::of_process()?;
        let stopped = match daemon::running(&locations)? {
            Some(client) => Some(stop(client, &locations)?),
            None => None,
        };
        // After it has ended well, so that no scheduler starts it again.
        let removed = scheduler::remove(&locations)?;
        if context.ui.wants_json() {
            let removed: Vec<&str> = removed.iter().map(|told| told.name()).collect();
            context.ui.json(&serde_json::json!({ "stopped": stopped, "schedulers": removed }))?;
        } else {
            for told in removed {
                context.ui.status(&format!("{} does not start it any more", told.name()));
            }
            context.ui.status(&match stopped {
                Some(pid) => format!("stopped the daemon, pid {pid}"),
                None => "no daemon runs".to_owned(),
            });
        }
        Ok(Kind::Success)
    }
}

/// Asks it to end and waits until it has let go of all that another daemon would need.
fn stop(mut client: Client, locations: &Locations) -> Result<u32, CommandError> {
    let pid = client.call(StopParams {})?.pid;
    drop(client);
    let deadline = Instant::now() + PATIENCE;
    // A daemon that is ending may take a connection and drop it before it answers.
    while !matches!(daemon::running(locations), Ok(None)) || is_locked(locations) {
        if Instant::now() > deadline {
            let message = format!("the daemon, pid {pid}, is still saving its state");
            return Err(CommandError::new(Kind::Busy, message));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(pid)
}

/// Whether a daemon lives. One that begins while this looks leaves, and whoever started it tries
/// again.
fn is_locked(locations: &Locations) -> bool {
    let lock = File::open(locations.lock());
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
