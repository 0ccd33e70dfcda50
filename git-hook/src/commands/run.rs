//! `git sera run`.
use crate::command_error::{CommandError, Kind};
use crate::daemon;
use clap::Args;

/// Run the daemon in the foreground, as service managers do
///
/// Ends at once, well, where a daemon runs already. SIGTERM and Ctrl-C end it once its jobs have
/// saved what they have; what it says goes to standard error.
#[derive(Debug, Args)]
pub struct Run {}

impl Run {
    #[expect(clippy::unused_self, reason = "commands are run alike")]
    pub(super) fn run(&self) -> Result<Kind, CommandError> {
        daemon::run()
    }
}
