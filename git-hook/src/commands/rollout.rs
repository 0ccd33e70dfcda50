//! `git sera rollout`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, reasons, seconds};
use clap::Args;
use sera_protocol::Job;

/// Have tasks solved in isolated environments and keep the attempts that hold
#[derive(Debug, Args)]
pub struct Rollout {
    /// Solve at most this many tasks
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Let the student try a few training tasks, too
    #[arg(long)]
    student: bool,
}

impl Rollout {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Rollout { limit: self.limit, student: self.student };
        let report = report!(context, job => Rollout);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = reasons("left out", &report.dropped);
        if let Some(student) = &report.student {
            text.push_str(&reasons("student's attempts rejected", &student.rejected));
            let accepted = count(student.accepted);
            line(&mut text, format_args!("{accepted} of the student's attempts accepted"));
        }
        line(
            &mut text,
            format_args!(
                "{} trajectories kept, {:.0} attempts/s, {}",
                count(report.kept),
                report.per_second,
                seconds(report.seconds)
            ),
        );
        context.ui.data(&text)?;
        Ok(Kind::Success)
    }
}
