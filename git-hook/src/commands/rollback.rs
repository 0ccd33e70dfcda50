//! `git sera rollback`.
use super::promote::capability;
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::line;
use clap::Args;
use sera_core::scorecard::Capability;
use sera_protocol::Job;
use sera_protocol::report::RollbackReport;

/// Let what served before serve again
///
/// The newest promotion is taken back: the adapter promoted before it serves, or the base with
/// retrieval. Nothing is deleted; `git sera promote --force ADAPTER` goes the other way. Requests
/// that are being answered end on what they began with.
#[derive(Debug, Args)]
pub struct Rollback {
    /// Only what serves this; everything where it is left out
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    capability: Option<Capability>,
}

impl Rollback {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Rollback { capability: self.capability };
        let report = report!(context, job => Rollback);
        match context.ui.wants_json() {
            true => context.ui.json(&report)?,
            false => context.ui.data(&text(&report))?,
        }
        Ok(Kind::Success)
    }
}

fn text(report: &RollbackReport) -> String {
    let mut text = String::new();
    for one in &report.changed {
        let (capability, serves) = (one.capability.name(), &one.serves);
        line(
            &mut text,
            format_args!("{capability} is served by {serves} now, not by {}", one.adapter),
        );
    }
    text
}
