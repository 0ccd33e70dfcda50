//! `git sera resume`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use clap::Args;
use sera_protocol::method::ResumeParams;

/// Go on after `git sera pause`, and try again what was set aside
#[derive(Debug, Args)]
pub struct Resume {}

impl Resume {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let resumed = context.ask(ResumeParams {})?;
        if context.ui.wants_json() {
            context.ui.json(&resumed)?;
        } else {
            let said = if resumed.was_paused { "goes on" } else { "it was not paused" };
            context.ui.status(said);
        }
        Ok(Kind::Success)
    }
}
