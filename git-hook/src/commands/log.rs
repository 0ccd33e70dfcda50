//! `git sera log`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line};
use crate::table::{Align, Table};
use crate::visible::visible_line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::{LogReport, Logged};

/// Characters of a trajectory's id that a line shows; `git sera show` takes them.
pub(super) const SHORT: usize = 10;
/// Characters of a description.
const SAID: usize = 60;

/// List the stored trajectories, newest first
///
/// Each line has the end of the trajectory's id, the share of the reference's changed lines that it
/// reproduced, why it was rejected, who did it, what the task was made of, and what the solver was
/// told.
#[derive(Debug, Args)]
pub struct Log {
    /// List at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: u64,
}

impl Log {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Log { limit: Some(self.limit) } => Log);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn text(report: &LogReport) -> String {
    let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
    for logged in &report.trajectories {
        let recall = format!("{:.0} %", logged.recall * 100.0);
        let said = first_line(&logged.description);
        let [by, of] = [&logged.teacher, &logged.of].map(|text| visible_line(text));
        table.row([&short(logged), &recall, &verdict(logged), &by, &of, &said]);
    }
    let mut text = table.render(0);
    let (shown, stored) = (report.trajectories.len() as u64, report.stored);
    line(&mut text, format_args!("{} of {} stored", count(shown), count(stored)));
    text
}

fn short(logged: &Logged) -> String {
    let id = logged.id.to_string();
    id[id.len() - SHORT..].to_owned()
}

pub(super) fn verdict(logged: &Logged) -> String {
    match &logged.rejected {
        Some(reason) => reason.clone(),
        None if logged.held_out => "held out".to_owned(),
        None => "accepted".to_owned(),
    }
}

fn first_line(text: &str) -> String {
    let line = visible_line(text.lines().next().unwrap_or_default());
    match line.char_indices().nth(SAID) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
