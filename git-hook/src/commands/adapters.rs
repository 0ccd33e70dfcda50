//! `git sera adapters`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line};
use crate::table::{Align, Table};
use crate::visible::visible_line;
use clap::Args;
use jiff::Timestamp;
use sera_core::scorecard::Capability;
use sera_protocol::Job;
use sera_protocol::report::{AdapterEntry, AdaptersReport};

/// Characters of an id's end that name it here, and of a commit.
const SHORT: usize = 10;

/// List the adapters that are kept, newest first
///
/// Each line has the end of the adapter's id, when it was trained, the commits that are new to it,
/// how many have come since, what it was trained on, and what it serves; `(forced)` is what it
/// serves because you said so. The last three are kept, and those that serve.
#[derive(Debug, Args)]
pub struct Adapters {}

impl Adapters {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, Job::Adapters {} => Adapters);
        match context.ui.wants_json() {
            true => context.ui.json(&report)?,
            false => context.ui.data(&text(&report))?,
        }
        Ok(Kind::Success)
    }
}

fn text(report: &AdaptersReport) -> String {
    let mut table = Table::new([Align::Left, Align::Left, Align::Left, Align::Right, Align::Right]);
    for entry in &report.adapters {
        let behind =
            entry.behind.map_or("rewritten".to_owned(), |n| format!("{} behind", count(n)));
        let tokens = format!("{} tokens", count(entry.tokens));
        let id = entry.adapter.to_string();
        let cells = [&id[id.len() - SHORT..], &day(entry.trained_ms), &commits(entry)];
        table.row(cells.into_iter().chain([behind.as_str(), &tokens, &serves(entry)]));
    }
    let mut text = table.render(0);
    if report.adapters.is_empty() {
        line(&mut text, format_args!("there is no adapter yet"));
    }
    text
}

fn day(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or("–".to_owned(), |moment| moment.strftime("%F %H:%MZ").to_string())
}

/// `1f2e3d4c5b..6a7b8c9d0e`, as git names them.
fn commits(entry: &AdapterEntry) -> String {
    let short = |commit: &str| visible_line(commit.get(..SHORT).unwrap_or(commit));
    let since = entry.since.as_deref().map_or(String::new(), short);
    format!("{since}..{}", short(&entry.cut))
}

fn serves(entry: &AdapterEntry) -> String {
    let word = |capability: &Capability| {
        let forced = if entry.forced.contains(capability) { " (forced)" } else { "" };
        format!("{}{forced}", capability.name())
    };
    match (entry.serves.is_empty(), entry.scored) {
        (false, _) => entry.serves.iter().map(word).collect::<Vec<_>>().join(", "),
        (true, true) => "serves nothing".to_owned(),
        (true, false) => "not evaluated".to_owned(),
    }
}
