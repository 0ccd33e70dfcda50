//! `git sera synthesize`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, reasons, seconds};
use clap::Args;
use sera_protocol::Job;

/// Make tasks from the functions and commits that were mined
#[derive(Debug, Args)]
pub struct Synthesize {
    /// Make at most this many tasks
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Synthesize {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Synthesize { limit: self.limit } => Synthesize);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = reasons("by operator", &report.by_operator);
        text.push_str(&reasons("by family", &report.by_family));
        text.push_str(
            &report.lessons.as_ref().map(|kinds| reasons("lessons", kinds)).unwrap_or_default(),
        );
        text.push_str(&reasons("left out", &report.dropped));
        let held_out =
            report.held_out.map_or(String::new(), |n| format!(", {} held out", count(n)));
        let tasks = count(report.tasks);
        line(&mut text, format_args!("{tasks} tasks{held_out}, {}", seconds(report.seconds)));
        context.ui.data(&text)?;
        Ok(Kind::Success)
    }
}
