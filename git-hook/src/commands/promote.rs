//! `git sera promote`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::decisions;
use clap::Args;
use sera_protocol::Job;

/// Let the newest adapter serve what it is better at, or say why not
#[derive(Debug, Args)]
pub struct Promote {}

impl Promote {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Promote {} => Promote);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&decisions(&report.promoted, &report.reasons))?;
        }
        Ok(Kind::Success)
    }
}
