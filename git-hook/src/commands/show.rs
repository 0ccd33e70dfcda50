//! `git sera show`.
use super::{Context, log, report};
use crate::command_error::{CommandError, Kind};
use crate::diff;
use crate::render::{count, line};
use crate::visible::visible_line;
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::{ShowReport, Shown};

/// Show a stored trajectory: its task, every step, and what it changed
#[derive(Debug, Args)]
pub struct Show {
    /// The trajectory's id, or how it ends: `git sera log` lists them
    #[arg(value_name = "ID")]
    id: String,
}

impl Show {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = *report!(context, Job::Show { id: self.id.clone() } => Show);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn text(report: &ShowReport) -> String {
    let logged = &report.logged;
    let mut text = String::new();
    line(&mut text, format_args!("trajectory {}", logged.id));
    line(&mut text, format_args!("task       {}, {}", logged.of, report.family));
    line(&mut text, format_args!("base       {}", report.base));
    line(&mut text, format_args!("by         {}", logged.teacher));
    let recall = logged.recall * 100.0;
    line(&mut text, format_args!("verdict    {}, recall {recall:.0} %", log::verdict(logged)));
    if report.tokens > 0 {
        let dollars = report.microdollars as f64 / 1e6;
        line(&mut text, format_args!("cost       {} tokens, ${dollars:.4}", count(report.tokens)));
    }
    line(&mut text, format_args!("\n{}", indented(&logged.description)));
    for (at, step) in report.steps.iter().enumerate() {
        shown(&mut text, at + 1, step);
    }
    line(&mut text, format_args!("\n{}", report.outcome));
    text.push_str(&diff::show(&report.candidate));
    if report.candidate != report.reference {
        line(&mut text, format_args!("\nThe reference:"));
        text.push_str(&diff::show(&report.reference));
    }
    text
}

fn shown(text: &mut String, at: usize, step: &Shown) {
    let beside = match (step.ok, step.masked) {
        (false, _) => " (failed)",
        (true, true) => " (not trained on)",
        (true, false) => "",
    };
    line(text, format_args!("\nstep {at}{beside}"));
    if let Some(thought) = &step.thought {
        line(text, format_args!("{}", indented(thought)));
    }
    for action in step.action.lines() {
        line(text, format_args!("  > {}", visible_line(action)));
    }
    line(text, format_args!("{}", indented(&step.observation)));
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}", visible_line(line))).collect::<Vec<_>>().join("\n")
}
