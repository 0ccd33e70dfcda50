//! `git sera verify`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, percent, reasons, seconds};
use clap::Args;
use sera_protocol::Job;

/// Judge the stored attempts again and select those to train on
#[derive(Debug, Args)]
pub struct Verify {}

impl Verify {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Verify {} => Verify);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = reasons("rejected", &report.rejected);
        text.push_str(&reasons("accepted, not selected", &report.dropped));
        line(
            &mut text,
            format_args!(
                "{} accepted, {} selected, mean recall {}, {}",
                count(report.accepted),
                count(report.selected),
                percent(report.recall),
                seconds(report.seconds)
            ),
        );
        context.ui.data(&text)?;
        Ok(Kind::Success)
    }
}
