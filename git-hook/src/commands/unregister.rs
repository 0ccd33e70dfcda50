//! `git sera unregister`.
use super::{Context, wire_path};
use crate::command_error::{CommandError, Kind};
use clap::Args;
use sera_protocol::method::UnregisterParams;

/// Stop watching this repository; what was learned stays
#[derive(Debug, Args)]
pub struct Unregister {}

impl Unregister {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        // Not through the repository: one that was deleted can still be forgotten.
        let path = match context.repository() {
            Ok(repository) => wire_path(repository.work_dir())?,
            Err(error) => match &context.global.repo {
                Some(asked) => wire_path(&std::path::absolute(asked)?)?,
                None => return Err(error),
            },
        };
        let result = context.ask(UnregisterParams { path: path.clone() })?;
        if context.ui.wants_json() {
            context.ui.json(&result)?;
        } else if result.removed {
            context.ui.status(&format!("{path} is not watched any more"));
        } else {
            context.ui.status(&format!("{path} was not watched"));
        }
        Ok(if result.removed { Kind::Success } else { Kind::NoResult })
    }
}
