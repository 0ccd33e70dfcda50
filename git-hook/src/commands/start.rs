//! `git sera start`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use crate::daemon;
use crate::scheduler::{Scheduler, Told};
use clap::Args;
use sera_protocol::Locations;
use sera_protocol::method::HelloResult;
use serde::Serialize;
use std::path::PathBuf;

/// Start the daemon where none runs; other commands do so by themselves
///
/// With --scheduler it is also started at every login, and again when it fails, by the user's own
/// service manager. `git sera stop` takes that out again.
#[derive(Debug, Args)]
pub struct Start {
    /// Have the daemon started by systemd, launchd or schtasks; auto: by the one that is here;
    /// none: by nobody but the commands that need it
    #[arg(
        long,
        value_name = "WHO",
        value_enum,
        hide_possible_values = true,
        default_value_t = Scheduler::None
    )]
    scheduler: Scheduler,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    daemon: &'a HelloResult,
    scheduler: Option<&'static str>,
}

impl Start {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let locations = Locations::of_process()?;
        let installed = match self.scheduler.choose()? {
            Some(told) => Some((told, install(told, &locations)?)),
            None => None,
        };
        let client = daemon::reach(&locations)?;
        let daemon = client.daemon();
        if context.ui.wants_json() {
            let scheduler = installed.map(|(told, _)| told.name());
            context.ui.json(&Report { daemon, scheduler })?;
            return Ok(Kind::Success);
        }
        if let Some((told, file)) = installed {
            let file = file.display();
            context.ui.status(&format!("{} starts it at every login: {file}", told.name()));
        } else if self.scheduler == Scheduler::Auto {
            context.ui.status("no scheduler answers here; commands start the daemon");
        }
        context.ui.status(&format!("the daemon {} runs, pid {}", daemon.build, daemon.pid));
        Ok(Kind::Success)
    }
}

fn install(told: Told, locations: &Locations) -> Result<PathBuf, CommandError> {
    locations.secure()?;
    told.install(&daemon::find()?, locations)
}
