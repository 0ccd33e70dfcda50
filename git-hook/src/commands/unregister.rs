//! `git sera unregister`.
use super::{Context, wire_path};
use crate::command_error::{CommandError, Kind};
use crate::hooks::{self, HooksReport};
use clap::Args;
use sera_protocol::method::{UnregisterParams, UnregisterResult};
use serde::Serialize;

/// Stop watching this repository; what was learned stays, hooks are taken out
#[derive(Debug, Args)]
pub struct Unregister {}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    unregistered: UnregisterResult,
    hooks: Option<HooksReport>,
}

impl Unregister {
    #[expect(clippy::unused_self, reason = "commands are run alike")]
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        // Not through the repository: one that was deleted can still be forgotten.
        let (path, hooks) = match context.repository() {
            // Hooks first: they shall go even where no daemon can be had.
            Ok(repository) => (wire_path(repository.work_dir())?, Some(repository.remove_hooks()?)),
            Err(error) => match &context.global.repo {
                Some(asked) => (wire_path(&std::path::absolute(asked)?)?, None),
                None => return Err(error),
            },
        };
        let hooks = hooks.as_ref().map(HooksReport::of).filter(|hooks| !hooks.is_empty());
        if let Some(hooks) = hooks.as_ref().filter(|_| !context.ui.wants_json()) {
            hooks::say(context.ui, hooks, "removed from");
        }
        let unregistered = context.ask(UnregisterParams { path: path.clone() })?;
        let removed = unregistered.removed;
        if context.ui.wants_json() {
            context.ui.json(&Report { unregistered, hooks })?;
        } else if removed {
            context.ui.status(&format!("{path} is not watched any more"));
        } else {
            context.ui.status(&format!("{path} was not watched"));
        }
        Ok(if removed { Kind::Success } else { Kind::NoResult })
    }
}
