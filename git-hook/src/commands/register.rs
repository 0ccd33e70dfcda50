//! `git sera register`.
use super::{Context, wire_path};
use crate::command_error::{CommandError, Kind};
use clap::Args;
use sera_protocol::method::RegisterParams;

/// Watch this repository from now on
#[derive(Debug, Args)]
pub struct Register {}

impl Register {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let path = wire_path(context.repository()?.work_dir())?;
        let result = context.ask(RegisterParams { path })?;
        if context.ui.wants_json() {
            context.ui.json(&result)?;
        } else if result.added {
            context.ui.status(&format!("watching {}", result.path));
        } else {
            context.ui.status(&format!("{} is watched already", result.path));
        }
        Ok(Kind::Success)
    }
}
