//! Reports as people read them: numbers with units, tables that line up, reasons in words.
pub mod cycle;
pub mod quickstart;

use crate::table::{Align, Table};
use crate::ui::{paint, style};
pub use sera_core::figures::{count, seconds};
use sera_core::scorecard::Capability;
use sera_protocol::report::{CompleteSummary, FixArms, FixSummary, ScorecardReport, TrainReport};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// Adds one line to `text`.
pub fn line(text: &mut String, line: fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes every write");
    text.push('\n');
}

/// `25 %`, or a dash for what was not measured.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// `1.693`, or a dash for what was not measured.
pub fn nats(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.3}"))
}

/// A heading and one line per reason, most frequent first; nothing for no reasons.
pub fn reasons(heading: &str, counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let mut table = Table::new([Align::Left, Align::Right]);
    for (reason, n) in by_frequency(counts) {
        table.row([reason.to_owned(), count(n)]);
    }
    format!("{heading}\n{}", table.render(2))
}

/// `low-recall 17, empty 3`.
pub fn brief_reasons(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> =
        by_frequency(counts).iter().map(|(reason, n)| format!("{reason} {}", count(*n))).collect();
    parts.join(", ")
}

fn by_frequency(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut sorted: Vec<(&str, u64)> = counts.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    sorted
}

/// Notes, one line each.
pub fn lines(notes: Option<&[String]>) -> String {
    notes.unwrap_or_default().iter().map(|note| format!("{note}\n")).collect()
}

/// `90 examples, 9,000 tokens at 152/s, loss 2.50 → 1.75, peak 600 MiB, 1 min 0 s`.
pub fn training(report: &TrainReport) -> String {
    let loss = match (report.loss.first(), report.loss.last()) {
        (Some(first), Some(last)) => format!("loss {first:.2} → {last:.2}"),
        _ => "no step".to_owned(),
    };
    format!(
        "{} examples, {} tokens at {:.0}/s, {loss}, peak {} MiB, {}",
        count(report.examples),
        count(report.tokens),
        report.tokens_per_s,
        count(report.peak_rss_mb),
        seconds(report.seconds)
    )
}

/// All arms side by side.
pub fn scorecard(report: &ScorecardReport) -> String {
    let mut table = Table::new([&[Align::Left][..], &[Align::Right; 5]].concat());
    let commits = report.commits.iter();
    let taught = std::iter::once(&report.fix).chain(commits).any(|arms| arms.teacher.is_some());
    let teacher = if taught { "teacher" } else { "" };
    table.row(["held-out work", "base", "retrieval", "shuffled", "adapter", teacher]);
    let complete = &report.complete;
    let complete = [&complete.base, &complete.retrieval, &complete.adapter];
    let [base, retrieval, adapter] = complete;
    if complete.iter().any(|arm| arm.n > 0) {
        let mut row = |name: &str, value: &dyn Fn(&CompleteSummary) -> String| {
            table.row([name, &value(base), &value(retrieval), "", &value(adapter), ""]);
        };
        row("complete: holes", &|arm| count(arm.n));
        row("  nats per token", &|arm| nats(arm.nll));
        row("  exact", &|arm| percent(arm.exact));
    }
    fix_rows(&mut table, "fix: tasks", &report.fix);
    if let Some(commits) = &report.commits {
        fix_rows(&mut table, "fix: commits", commits);
    }
    table.render(0)
}

/// One line of a scorecard: its name and how an arm's value reads.
type FixRow = (&'static str, fn(&FixSummary) -> String);

/// The lines of a scorecard about fixing.
const FIX_ROWS: [FixRow; 8] = [
    ("  nats per changed token", |arm| nats(arm.nll)),
    ("  valid actions", |arm| percent(arm.valid)),
    ("  place first", |arm| percent(arm.locate1)),
    ("  place among five", |arm| percent(arm.locate5)),
    ("  edit first", |arm| percent(arm.rank1)),
    ("  edit among five", |arm| percent(arm.rank5)),
    ("  recall", |arm| percent(arm.recall)),
    ("  exact", |arm| percent(arm.exact)),
];

fn fix_rows(table: &mut Table, heading: &str, arms: &FixArms) {
    let teacher = arms.teacher.as_ref();
    let arms = [&arms.base, &arms.retrieval, &arms.shuffled, &arms.adapter];
    if arms.iter().all(|arm| arm.n == 0) {
        return;
    }
    let mut row = |name: &str, cells: Vec<String>| {
        table.row(std::iter::once(name.to_owned()).chain(cells));
    };
    let arms = || arms.into_iter().chain(teacher);
    row(heading, arms().map(|arm| count(arm.n)).collect());
    for (name, value) in FIX_ROWS {
        let cells: Vec<String> = arms().map(value).collect();
        if cells.iter().any(|cell| cell != "–") {
            row(name, cells);
        }
    }
}

/// What was decided about each capability, and why.
pub fn decisions(promoted: &[Capability], reasons: &BTreeMap<Capability, String>) -> String {
    let mut table = Table::new([Align::Left, Align::Left]);
    for capability in Capability::ALL {
        let won = promoted.contains(&capability);
        if !won && !reasons.contains_key(&capability) {
            continue;
        }
        let word =
            if won { paint(style::GOOD, "promoted") } else { paint(style::FAINT, "refused") };
        let reason = reasons.get(&capability).map_or("", String::as_str);
        table.row([capability.name(), word.as_str(), reason]);
    }
    table.render(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (n, expect) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(n), expect);
        }
        for (value, expect) in [(0.26, "0.3 s"), (12.4, "12 s"), (185.0, "3 min 5 s")] {
            assert_eq!(seconds(value), expect);
        }
        assert_eq!(percent(Some(0.256)), "26 %");
        assert_eq!(percent(None), "–");
        assert_eq!(nats(Some(1.6934)), "1.693");
    }

    #[test]
    fn reasons_stand_by_frequency_and_ties_by_name() {
        let counts = [("b", 1), ("a", 1), ("c", 2000)].map(|(k, n)| (k.to_owned(), n)).into();
        assert_eq!(reasons("left out", &counts), "left out\n  c  2,000\n  a      1\n  b      1\n");
        assert_eq!(brief_reasons(&counts), "c 2,000, a 1, b 1");
        assert_eq!(reasons("left out", &BTreeMap::new()), "");
    }
}
