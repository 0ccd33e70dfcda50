//! `git sera select`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, percent, reasons, seconds};
use clap::Args;
use sera_protocol::Job;
use sera_protocol::report::SelectReport;
use std::collections::BTreeMap;

/// Choose again what is trained on, without any rollout
///
/// Every attempt is stored with its numbers, accepted or not. This says which of them the next
/// training learns from; without options it only shows that. The choice is kept for this
/// repository.
#[derive(Debug, Args)]
pub struct Select {
    /// Accept attempts from this weighted recall on: the share of the reference's changed lines
    /// that were reproduced, where trivial lines count a fifth [usual: 0.5]
    #[arg(long, value_name = "R")]
    min_recall: Option<f64>,
    /// Leave out attempts that change more lines than this [usual: 40]
    #[arg(long, value_name = "N")]
    max_patch: Option<u64>,
    /// Bound what sources make of the whole, from 0 to 1: report=0.5,commit=0.2. Sources are
    /// mutation, commit, request, report, student, imported; those not named have no bound
    /// [usual: student=0.5]
    #[arg(long, value_name = "SOURCE=SHARE,…", value_parser = mix)]
    mix: Option<BTreeMap<String, f64>>,
    /// Go back to the usual choice
    #[arg(long)]
    reset: bool,
}

/// `report=0.5,commit=0.2`.
fn mix(text: &str) -> Result<BTreeMap<String, f64>, String> {
    let one = |part: &str| {
        let read = part.split_once('=').and_then(|(source, share)| {
            Some((source.trim().to_owned(), share.trim().parse::<f64>().ok()?))
        });
        read.ok_or_else(|| format!("{part:?} is not SOURCE=SHARE"))
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(one).collect()
}

impl Select {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Select {
            min_recall: self.min_recall,
            max_patch: self.max_patch,
            mix: self.mix.clone(),
            reset: self.reset,
        };
        let report = report!(context, job => Select);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&text(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn text(report: &SelectReport) -> String {
    let mut text = reasons("left out", &report.dropped);
    for (source, chosen) in &report.chosen {
        line(&mut text, format_args!("chosen {source}: {}", count(*chosen)));
    }
    let bounds: Vec<String> = report
        .mix
        .iter()
        .map(|(source, share)| format!("{source} ≤ {}", percent(Some(*share))))
        .collect();
    let bounds = if bounds.is_empty() { String::new() } else { format!(", {}", bounds.join(", ")) };
    line(
        &mut text,
        format_args!(
            "recall ≥ {}, ≤ {} changed lines{bounds}",
            percent(Some(report.min_recall)),
            report.max_patch
        ),
    );
    line(
        &mut text,
        format_args!(
            "{} trajectories of {} tokens, {} of them with loss, {}",
            count(report.chosen.values().sum()),
            count(report.tokens),
            count(report.target_tokens),
            seconds(report.seconds)
        ),
    );
    text
}
