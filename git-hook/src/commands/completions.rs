//! `git sera completions`.
use super::Context;
use crate::artefacts::completion;
use crate::command_error::{CommandError, Kind};
use clap::Args;
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        context.ui.data(&completion(self.shell).content)?;
        Ok(Kind::Success)
    }
}
