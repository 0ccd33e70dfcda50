//! `git sera evaluate`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{line, lines, scorecard, seconds};
use clap::Args;
use sera_protocol::Job;

/// Compare the newest adapter with the base on held-out work
#[derive(Debug, Args)]
pub struct Evaluate {
    /// Evaluate for about this many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

impl Evaluate {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Evaluate { seconds: self.seconds } => Evaluate);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = lines(report.notes.as_deref());
        text.push_str(&scorecard(&report));
        line(&mut text, format_args!("{}", seconds(report.seconds)));
        context.ui.data(&text)?;
        context.ui.hint("decide on it: git sera promote");
        Ok(Kind::Success)
    }
}
