//! `git sera start`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use crate::daemon;
use clap::Args;
use sera_protocol::Locations;

/// Start the daemon where none runs; other commands do so by themselves
#[derive(Debug, Args)]
pub struct Start {}

impl Start {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let client = daemon::reach(&Locations::of_process()?)?;
        let daemon = client.daemon();
        if context.ui.wants_json() {
            context.ui.json(daemon)?;
        } else {
            context.ui.status(&format!("the daemon {} runs, pid {}", daemon.build, daemon.pid));
        }
        Ok(Kind::Success)
    }
}
