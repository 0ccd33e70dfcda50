//! `git sera fsck`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, seconds};
use clap::Args;
use sera_protocol::Job;

/// Check everything that is stored and rebuild the index
#[derive(Debug, Args)]
pub struct Fsck {}

impl Fsck {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Fsck {} => Fsck);
        let kind = if report.damaged.is_empty() { Kind::Success } else { Kind::NoResult };
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(kind);
        }
        let mut text = String::new();
        for what in &report.damaged {
            line(&mut text, format_args!("damaged: {what}"));
        }
        for what in &report.repaired {
            line(&mut text, format_args!("repaired: {what}"));
        }
        line(
            &mut text,
            format_args!(
                "{} facts, {} objects, {} index entries, {}",
                count(report.facts),
                count(report.objects),
                count(report.indexed),
                seconds(report.seconds)
            ),
        );
        context.ui.data(&text)?;
        Ok(kind)
    }
}
