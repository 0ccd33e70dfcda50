//! `git sera forget`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, seconds};
use crate::visible::visible_line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::ForgetReport;

/// Remove something from all that is stored, and everything that was made of it
///
/// Functions, commits, tasks, trajectories and completion examples that show it are deleted and
/// overwritten, and it is not taken up again. Adapters that learnt from it are withdrawn at once:
/// the newest that did not serves instead, or the base; a new one is trained in the background.
/// A trajectory's id stands for the function or commit it was made from. A commit's change and
/// message are forgotten, not what it left in the code. Your repository is not touched.
#[derive(Debug, Args)]
pub struct Forget {
    /// A trajectory's id or how it ends, a path, path::function, or a commit
    #[arg(value_name = "WHAT")]
    what: String,
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Forget {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Forget { what: self.what.clone(), dry_run: self.dry_run };
        let report = report!(context, job => Forget);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report, self.dry_run))?;
        }
        Ok(Kind::Success)
    }
}

fn text(report: &ForgetReport, dry_run: bool) -> String {
    let mut text = String::new();
    let would = if dry_run { "would be " } else { "" };
    let counted = [
        (report.seeds, "functions and commits"),
        (report.tasks, "tasks"),
        (report.trajectories, "trajectories"),
        (report.holes, "completion examples"),
        (report.lessons.unwrap_or(0), "lessons"),
    ];
    for (n, what) in counted {
        line(&mut text, format_args!("{} {what} {would}removed", count(n)));
    }
    for adapter in &report.adapters {
        line(&mut text, format_args!("adapter {adapter} {would}withdrawn"));
    }
    for (capability, serves) in &report.served {
        line(&mut text, format_args!("{} is served by {serves} now", capability.name()));
    }
    if report.retraining && !dry_run {
        line(&mut text, format_args!("a new adapter is trained in the background"));
    }
    let forgotten = if dry_run { "would be forgotten" } else { "is forgotten" };
    line(
        &mut text,
        format_args!("{} {forgotten}, {}", visible_line(&report.about), seconds(report.seconds)),
    );
    text
}
