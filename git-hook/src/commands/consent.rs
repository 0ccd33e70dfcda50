//! `git sera consent`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::line;
use crate::visible::visible_line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::ConsentReport;

/// List what you agreed to for this repository, or take it back
///
/// Code is sent to a server that is not this machine, and an image is built by this repository's
/// own recipe, once you agreed. What is taken back is asked for again when it is next needed; the
/// audit log tells of both.
#[derive(Debug, Args)]
pub struct Consent {
    /// Take all of it back
    #[arg(long)]
    withdraw: bool,
}

impl Consent {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Consent { withdraw: self.withdraw } => Consent);
        match context.ui.wants_json() {
            true => context.ui.json(&report)?,
            false => context.ui.data(&text(&report))?,
        }
        Ok(Kind::Success)
    }
}

fn text(report: &ConsentReport) -> String {
    let word = if report.withdrawn { "withdrawn" } else { "agreed" };
    let mut text = String::new();
    for to in &report.agreed {
        line(&mut text, format_args!("{word}: {}", visible_line(to)));
    }
    if report.agreed.is_empty() {
        line(&mut text, format_args!("nothing is agreed to"));
    }
    text
}
