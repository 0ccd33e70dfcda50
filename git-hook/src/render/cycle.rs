//! One cycle in short: what its page tells at length.
use super::{brief_reasons, count, line, nats, percent, seconds, training};
use crate::table::{Align, Table};
use crate::ui::{paint, style};
use crate::visible::visible_line;
use sera_core::scorecard::Capability;
use sera_protocol::report::{ArmReport, Compared, CycleReport, Spread};
use std::collections::BTreeMap;

/// Items named on each side of each capability.
const NAMED: usize = 2;
/// Families named.
const FAMILIES: usize = 6;

/// The whole summary.
pub fn show(report: &CycleReport) -> String {
    let mut text = String::new();
    let heading = format!("adapter {}", report.adapter);
    line(&mut text, format_args!("{}", paint(style::HEADING, &heading)));
    line(&mut text, format_args!("{}", visible_line(&report.verdict)));
    text.push_str(&decisions(report));
    heading_of(&mut text, "all arms");
    text.push_str(&arms(report));
    if !report.compared.is_empty() {
        heading_of(&mut text, "won and lost");
        text.push_str(&compared(report));
    }
    heading_of(&mut text, "data and cost");
    text.push_str(&facts(report));
    heading_of(&mut text, "next");
    text.push_str(&standing(report));
    line(&mut text, format_args!("\npage: {}", visible_line(&report.path)));
    text
}

fn heading_of(text: &mut String, heading: &str) {
    line(text, format_args!("\n{}", paint(style::HEADING, heading)));
}

fn decisions(report: &CycleReport) -> String {
    let mut table = Table::new([Align::Left, Align::Left, Align::Left]);
    for one in &report.decisions {
        let word = match (one.promoted, one.stored) {
            (true, true) => paint(style::GOOD, "promoted"),
            (true, false) => paint(style::GOOD, "would be promoted"),
            (false, true) => paint(style::FAINT, "refused"),
            (false, false) => paint(style::FAINT, "would be refused"),
        };
        let serves = match one.serves.as_str() {
            own if own == report.adapter.to_string() => "served by this adapter".to_owned(),
            "base" => "served by the base".to_owned(),
            other => format!("served by {}", visible_line(other)),
        };
        table.row([one.capability.name(), word.as_str(), serves.as_str()]);
    }
    table.render(0)
}

fn arms(report: &CycleReport) -> String {
    if report.arms.is_empty() {
        return "nothing was evaluated yet\n".to_owned();
    }
    let aligned = [Align::Left, Align::Left, Align::Right, Align::Right, Align::Left, Align::Right];
    let mut table = Table::new(aligned);
    table.row(["", "arm", "items", "level", "less retrieval's", "exact"]);
    let mut before = None;
    for arm in &report.arms {
        let capability = Some(arm.capability).filter(|now| before != Some(*now));
        before = Some(arm.capability);
        table.row(row(arm, capability));
    }
    let note = "level: nats per token; of locate, 1 − 1/rank of the place; lower is better\n";
    table.render(0) + note
}

fn row(arm: &ArmReport, capability: Option<Capability>) -> [String; 6] {
    let exact = match arm.capability {
        Capability::Locate => arm.first,
        Capability::Complete | Capability::Fix => arm.exact,
    };
    [
        capability.map_or("", Capability::name).to_owned(),
        visible_line(&arm.arm),
        count(arm.items),
        nats(arm.level),
        arm.against.as_ref().map_or("–".to_owned(), interval),
        percent(exact),
    ]
}

/// `-0.103 [-0.158, -0.076]`.
fn interval(spread: &Spread) -> String {
    format!("{:+.3} [{:+.3}, {:+.3}]", spread.mean, spread.low, spread.high)
}

fn compared(report: &CycleReport) -> String {
    let mut table = Table::new([Align::Left, Align::Left, Align::Right, Align::Left]);
    for capability in Capability::ALL {
        for (won, word) in [(true, "won"), (false, "lost")] {
            let is_one = |one: &&Compared| {
                one.capability == capability && (one.adapter < one.retrieval) == won
            };
            for one in report.compared.iter().filter(is_one).take(NAMED) {
                let gap = format!("{:+.3}", one.adapter - one.retrieval);
                table.row([capability.name(), word, &gap, &visible_line(&one.item)]);
            }
        }
    }
    table.render(0)
}

fn facts(report: &CycleReport) -> String {
    let (data, cost) = (&report.data, &report.cost);
    let mut table = Table::new([Align::Left, Align::Left]);
    let mut row = |name: &str, value: String| table.row([name, value.as_str()]);
    row("trained", training(&report.train));
    row("teaches", of(data.capabilities.as_ref()));
    row("sources", of(data.sources.as_ref()));
    row("families", most(data.families.as_ref()));
    row("operators", most(data.operators.as_ref()));
    row("left out", visible_line(&brief_reasons(&data.unchosen)));
    if let Some(evaluated) = cost.evaluate_seconds {
        row("evaluated", seconds(evaluated));
    }
    if cost.teacher_functions > 0 {
        let dollars = cost.teacher_microdollars as f64 / 1e6;
        let (functions, tokens) = (count(cost.teacher_functions), count(cost.teacher_tokens));
        row("teacher", format!("{functions} functions, {tokens} tokens, ${dollars:.4} in all"));
    }
    table.render(0)
}

fn of(counts: Option<&BTreeMap<String, u64>>) -> String {
    counts.map_or("not stored".to_owned(), |counts| visible_line(&brief_reasons(counts)))
}

/// The most frequent, and how many more there are.
fn most(counts: Option<&BTreeMap<String, u64>>) -> String {
    let Some(counts) = counts else { return of(None) };
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let more = sorted.len().saturating_sub(FAMILIES);
    sorted.truncate(FAMILIES);
    let named = sorted.into_iter().map(|(word, n)| (word.clone(), *n)).collect();
    let named = visible_line(&brief_reasons(&named));
    if more == 0 { named } else { format!("{named}, … {more} more") }
}

fn standing(report: &CycleReport) -> String {
    let (stale, mut text) = (&report.staleness, String::new());
    match stale.commits {
        Some(n) => line(&mut text, format_args!("HEAD has {} commits after the cut", count(n))),
        None => line(&mut text, format_args!("HEAD does not hold the cut any more")),
    }
    let (decisions, most) = (count(stale.decisions), count(stale.most));
    line(
        &mut text,
        format_args!("the held-out set has decided about {decisions} of at most {most} adapters"),
    );
    line(&mut text, format_args!("{}", visible_line(&report.next.sentence)));
    text
}
