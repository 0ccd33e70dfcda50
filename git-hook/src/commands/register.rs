//! `git sera register`.
use super::{Context, wire_path};
use crate::command_error::{CommandError, Kind};
use crate::hooks::{self, HooksReport};
use clap::{Args, ValueEnum};
use sera_git::{HookKind, WantedHooks};
use sera_protocol::method::{RegisterParams, RegisterResult};
use serde::Serialize;

/// Watch this repository from now on
///
/// The daemon watches refs, so it finds every commit, whoever made it. Hooks only tell it sooner,
/// and which commits an amend or a rebase made of which. They write two small files below
/// .git/sera, start nothing, wait for nothing and never fail, whether the daemon runs or not.
/// core.hooksPath is neither set nor followed, and `git sera unregister` takes out exactly what was
/// put in.
#[derive(Debug, Args)]
pub struct Register {
    /// Put hooks in: config, in a file that .git/config includes (git 2.54 and later run them);
    /// files, as a marked block in shell scripts that stand in .git/hooks and as a post-rewrite of
    /// our own; none; auto, config where git runs such and else none. Without it sera.hooks says
    #[arg(long, value_name = "WHERE", value_enum, hide_possible_values = true)]
    hooks: Option<Hooks>,
}

/// Where hooks shall stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hooks {
    /// In the config where git runs such, else nowhere
    Auto,
    /// In a file that .git/config includes
    Config,
    /// In .git/hooks
    Files,
    /// Nowhere
    None,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    registered: RegisterResult,
    hooks: HooksReport,
}

impl Register {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let repository = context.repository()?;
        let wanted = match self.hooks {
            Some(asked) => asked.into(),
            None => match repository.config("sera.hooks") {
                Some(word) => word.parse()?,
                None => WantedHooks::Auto,
            },
        };
        // Before anything is changed: what was asked for may not be possible here.
        let kind = repository.choose_hooks(wanted)?;
        let registered = context.ask(RegisterParams { path: wire_path(repository.work_dir())? })?;
        let hooks = HooksReport::of(&repository.install_hooks(kind)?);
        if context.ui.wants_json() {
            context.ui.json(&Report { registered, hooks })?;
            return Ok(Kind::Success);
        }
        if registered.added {
            context.ui.status(&format!("watching {}", registered.path));
        } else {
            context.ui.status(&format!("{} is watched already", registered.path));
        }
        hooks::say(context.ui, &hooks, "written");
        Ok(Kind::Success)
    }
}

impl From<Hooks> for WantedHooks {
    fn from(asked: Hooks) -> Self {
        match asked {
            Hooks::Auto => Self::Auto,
            Hooks::Config => Self::Exactly(HookKind::Config),
            Hooks::Files => Self::Exactly(HookKind::Files),
            Hooks::None => Self::Exactly(HookKind::None),
        }
    }
}
