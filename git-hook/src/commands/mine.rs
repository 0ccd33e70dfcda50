//! `git sera mine`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, reasons, seconds};
use crate::table::{Align, Table};
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::MineReport;

/// Find the functions and commits that tasks can be made from
#[derive(Debug, Args)]
pub struct Mine {
    /// List every candidate that was left out, with its reason
    #[arg(long)]
    explain: bool,
}

impl Mine {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Mine { explain: self.explain } => Mine);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&show(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn show(report: &MineReport) -> String {
    let mut explained = Table::new([Align::Left, Align::Left]);
    for one in &report.explained {
        explained.row([one.reason.as_str(), one.what.as_str()]);
    }
    let mut text = explained.render(0);
    if let Some(more) = report.unexplained {
        line(&mut text, format_args!("… and {} more", count(more)));
    }
    let mut table = Table::new([Align::Left, Align::Right, Align::Right]);
    table.row(["", "to train on", "held out"]);
    table.row(["functions", &count(report.functions), &count(report.held_out_functions)]);
    table.row(["commits", &count(report.commits), &count(report.held_out_commits)]);
    text.push_str(&table.render(0));
    text.push_str(&reasons("left out", &report.dropped));
    let cut = report.cut.get(..10).unwrap_or(&report.cut);
    let blobs = count(report.blobs_read);
    line(&mut text, format_args!("cut at {cut}, {blobs} blobs read, {}", seconds(report.seconds)));
    text
}
