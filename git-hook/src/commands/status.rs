//! `git sera status`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use crate::daemon;
use crate::progress::label;
use crate::render::{count, line};
use crate::table::{Align, Table};
use crate::ui::{paint, style};
use clap::Args;
use sera_protocol::Locations;
use sera_protocol::method::{
    JobStatus, RepositoryStatus, ScheduleStatus, StatusParams, StatusReport,
};

/// Show what the daemon knows of its repositories and what it is doing
///
/// Starts no daemon. With -C, only the repository that holds PATH is shown.
#[derive(Debug, Args)]
pub struct Status {}

impl Status {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let path = match &context.global.repo {
            Some(_) => Some(super::wire_path(context.repository()?.work_dir())?),
            None => None,
        };
        let Some(mut client) = daemon::running(&Locations::of_process()?)? else {
            if context.ui.wants_json() {
                context.ui.json(&serde_json::json!({ "running": false }))?;
            }
            context.ui.status("no daemon runs");
            context.ui.hint("start it: git sera start");
            return Ok(Kind::NoResult);
        };
        let report = context.to_show(client.call(StatusParams { path })?)?;
        if context.ui.wants_json() {
            let mut value = serde_json::to_value(&report)
                .map_err(|error| CommandError::of(Kind::Internal, &error))?;
            value["running"] = true.into();
            context.ui.json(&value)?;
        } else {
            context.ui.data(&show(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn show(report: &StatusReport) -> String {
    let memory = report.rss_mb.map_or(String::new(), |mb| format!(", {mb} MiB"));
    let up = duration(report.uptime_s);
    let mut text = format!("daemon {}, pid {}, up {up}{memory}\n", report.version, report.pid);
    if let Some(job) = &report.job {
        line(&mut text, format_args!("running {}", show_job(job)));
    }
    if let Some(waits) = report.schedule.as_ref().and_then(show_schedule) {
        line(&mut text, format_args!("{waits}"));
    }
    if report.repositories.is_empty() {
        text.push_str("no repository is watched\n");
    }
    for repository in &report.repositories {
        text.push_str(&show_repository(repository));
    }
    text
}

/// What holds computing still, if anything does.
fn show_schedule(schedule: &ScheduleStatus) -> Option<String> {
    let until = schedule.until_ms.map(|ms| format!(" until {}", super::moment(ms)));
    let until = until.unwrap_or_default();
    match (schedule.paused, &schedule.waits) {
        (true, _) => Some(format!("paused{until}")),
        (false, Some(why)) => Some(format!("training waits{until}: {why}")),
        (false, None) => None,
    }
}

fn show_job(job: &JobStatus) -> String {
    let of = if job.total > 0 { format!(" of {}", count(job.total)) } else { String::new() };
    let message = if job.message.is_empty() { String::new() } else { format!(", {}", job.message) };
    let place = job.path.as_ref().map_or(String::new(), |path| format!(" in {path}"));
    format!("{}{place}: {} {}{of}{message}", job.kind, label(job.stage), count(job.done))
}

fn show_repository(repository: &RepositoryStatus) -> String {
    let seeds = &repository.seeds;
    let mut table = Table::new([Align::Left]);
    table.row(["state", repository.state.as_str()]);
    table.row([
        "seeds".to_owned(),
        format!(
            "{} functions, {} commits, {} held out",
            count(seeds.functions),
            count(seeds.commits),
            count(seeds.held_out)
        ),
    ]);
    table.row(["tasks".to_owned(), count(repository.tasks)]);
    table.row(["trajectories".to_owned(), count(repository.trajectories)]);
    let newest = repository.adapters.last();
    let newest = newest.map_or(String::new(), |adapter| format!(", newest {adapter}"));
    table.row(["adapters".to_owned(), format!("{}{newest}", repository.adapters.len())]);
    for (capability, by) in &repository.served {
        table.row([format!("serving {}", capability.name()), by.clone()]);
    }
    if let Some(device) = &repository.device {
        table.row(["device", device.as_str()]);
    }
    if let Some(training) = &repository.training {
        table.row(["training", training.as_str()]);
    }
    if let Some(head) = &repository.mined_head {
        table.row(["mined up to", head.get(..10).unwrap_or(head)]);
    }
    if let Some(event) = &repository.last_event {
        table.row(["last event", event.as_str()]);
    }
    format!("\n{}\n{}", paint(style::HEADING, &repository.path), table.render(2))
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_two_units_at_most() {
        let check = |seconds, expect: &str| assert_eq!(duration(seconds), expect);
        check(0, "0 s");
        check(59, "59 s");
        check(61, "1 min");
        check(3600 + 120, "1 h 2 min");
        check(86_400 * 3 + 3600, "3 d 1 h");
    }
}
