//! `git sera why`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line};
use crate::table::{Align, Table};
use crate::visible::visible_line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::WhyReport;

/// Say why something is trained on, or why it is not
///
/// Asks every stage for its own answer, in their order: what mining left out, tasks that nobody
/// solved, attempts that were not chosen, completion examples, adapters that learnt from it.
#[derive(Debug, Args)]
pub struct Why {
    /// A trajectory's id or how it ends, a path, path::function, or a commit
    #[arg(value_name = "WHAT")]
    what: String,
}

impl Why {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Why { what: self.what.clone() } => Why);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report))?;
        }
        Ok(if report.known.is_empty() { Kind::NoResult } else { Kind::Success })
    }
}

fn text(report: &WhyReport) -> String {
    let mut table = Table::new([Align::Left, Align::Left]);
    for known in &report.known {
        let trained_on = if known.trained_on { "yes" } else { "no" };
        table.row([trained_on, &visible_line(&known.what), &visible_line(&known.because)]);
    }
    let mut text = table.render(0);
    if report.unsaid > 0 {
        line(&mut text, format_args!("… and {} more", count(report.unsaid)));
    }
    if report.known.is_empty() {
        line(&mut text, format_args!("nothing was made of {}", visible_line(&report.about)));
    }
    text
}
