//! `git sera audit`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line};
use crate::table::{Align, Table};
use crate::visible::visible_line;
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use sera_core::audit::Event;
use sera_protocol::Job;
use sera_protocol::report::AuditReport;

/// Check the audit log and list what it holds, newest first
///
/// Everything that is sent out, every model that is loaded, every container, promotion and consent
/// is written down before it happens, each record chained to the one before it with a secret key of
/// this repository. Where the log is not what was written, this says where and ends with exit status
/// 1. Whoever reads the key below `.git/sera` can forge the log; nobody else can.
#[derive(Debug, Args)]
pub struct Audit {
    /// List at most this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: u64,
    /// List only events of this kind; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_parser = PossibleValuesParser::new(Event::KINDS))]
    kinds: Vec<String>,
    /// Where the log is damaged, move it aside and begin a new one
    #[arg(long)]
    restart: bool,
    /// Check the user's own log: bases fetched, and containers removed, for no repository
    #[arg(long)]
    user: bool,
}

impl Audit {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let limit = Some(self.limit);
        let kinds = (!self.kinds.is_empty()).then(|| self.kinds.clone());
        let (restart, user) = (Some(self.restart), Some(self.user));
        let report = report!(context, Job::Audit { limit, kinds, restart, user } => Audit);
        match context.ui.wants_json() {
            true => context.ui.json(&report)?,
            false => context.ui.data(&text(&report))?,
        }
        if let Some(folder) = &report.kept {
            context.ui.status(&format!("the damaged log lies in {}", visible_line(folder)));
        }
        let Some(broken) = &report.broken else { return Ok(Kind::Success) };
        let message = format!("the audit log was changed: {}", visible_line(broken));
        let mut error = CommandError::new(Kind::NoResult, message);
        let own = if self.user { " --user" } else { "" };
        error.hints.push(format!(
            "nothing is sent, loaded or promoted until `git sera audit{own} --restart` moves it aside"
        ));
        context.ui.error(&error);
        Ok(Kind::NoResult)
    }
}

fn text(report: &AuditReport) -> String {
    let mut table = Table::new([Align::Right, Align::Left]);
    for entry in &report.entries {
        let number = entry.number.to_string();
        let [kind, said] = [&entry.kind, &entry.text].map(|text| visible_line(text));
        table.row([&number, &utc(entry.time_ms), &kind, &said]);
    }
    let mut text = table.render(0);
    let (shown, records) = (report.entries.len() as u64, report.records);
    line(&mut text, format_args!("{} of {} records", count(shown), count(records)));
    text
}

/// `2026-11-27 17:11:30Z`, from Unix milliseconds.
fn utc(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or("–".to_owned(), |moment| moment.strftime("%F %TZ").to_string())
}
