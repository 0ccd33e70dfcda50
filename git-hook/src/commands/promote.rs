//! `git sera promote`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::decisions;
use clap::Args;
use sera_core::scorecard::Capability;
use sera_protocol::Job;

/// Let an adapter serve what it is better at, or say why not
///
/// The newest adapter is decided on, or the one that is named. `git sera rollback` takes it back.
#[derive(Debug, Args)]
pub struct Promote {
    /// The adapter's id or how it ends; the newest where it is left out
    #[arg(value_name = "ADAPTER")]
    adapter: Option<String>,
    /// Have it serve whatever the numbers say
    #[arg(long)]
    force: bool,
    /// Have it serve only this; may be given several times
    #[arg(long = "capability", value_name = "CAPABILITY", requires = "force", value_parser = capability)]
    capabilities: Vec<Capability>,
}

impl Promote {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let capabilities = (!self.capabilities.is_empty()).then(|| self.capabilities.clone());
        let force = self.force.then_some(true);
        let job = Job::Promote { adapter: self.adapter.clone(), force, capabilities };
        let report = report!(context, job => Promote);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&decisions(&report.promoted, &report.reasons))?;
        }
        Ok(Kind::Success)
    }
}

/// What an adapter can serve, by its name.
pub(super) fn capability(name: &str) -> Result<Capability, String> {
    let named = Capability::ALL.into_iter().find(|capability| capability.name() == name);
    named.ok_or_else(|| {
        let names = Capability::ALL.map(Capability::name);
        format!("it is one of {}", names.join(", "))
    })
}
