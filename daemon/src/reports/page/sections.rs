//! The sections that tell what went in, what it took, and how it stands now.
use super::html::Html;
use super::{Table, count, counted, seconds, svg};
use sera_protocol::report::{CycleReport, LossPoint};
use std::collections::BTreeMap;

/// Losses told in a table beside the curve.
const TOLD: usize = 8;

/// What this page is about.
pub(super) fn facts(html: &mut Html, report: &CycleReport) {
    let [cut, head] = [&report.cut, &report.staleness.head];
    html.element("dl", &[], |html| {
        let mut fact = |name: &str, value: &str| {
            html.leaf("dt", &[], name);
            html.leaf("dd", &[], value);
        };
        fact("repository", &report.repository);
        fact("base", &report.base);
        fact("trained", &date(report.made_ms));
        fact("cut", cut);
        fact("HEAD now", head);
    });
}

/// `2026-11-28 06:32 UTC`.
fn date(unix_ms: u64) -> String {
    let made =
        i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    made.map_or_else(|| "–".to_owned(), |made| made.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// What training did, and its losses.
pub(super) fn training(html: &mut Html, report: &CycleReport) {
    let train = &report.train;
    let text = format!(
        "{}, {} over {} tokens, {} of them with loss; {:.0} tokens a second.",
        counted(train.examples, "example"),
        counted(report.steps, "step"),
        count(train.tokens),
        count(train.target_tokens),
        train.tokens_per_s,
    );
    html.leaf("p", &[], &text);
    match (report.curve.first(), report.curve.last()) {
        (Some(first), Some(last)) => losses(html, report, first, last),
        _ => html.leaf("p", &[], "No step was made."),
    }
    for note in train.notes.iter().flatten() {
        html.leaf("p", &[("class", "faint")], note);
    }
}

fn losses(html: &mut Html, report: &CycleReport, first: &LossPoint, last: &LossPoint) {
    let points = &report.curve;
    let least = points.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap_or(last);
    let says = format!(
        "The loss goes from {:.3} at step {} to {:.3} at step {}; its least is {:.3}, at step {}.",
        first.loss, first.step, last.loss, last.step, least.loss, least.step
    );
    let means = match (points.len() as u64) < report.steps {
        true => format!(" Every point is the mean of {} steps or less.", first.step),
        false => String::new(),
    };
    let each = report.train.tokens / report.steps.max(1);
    html.element("figure", &[], |html| {
        svg::curve(html, points, &says);
        let caption = format!(
            "Training loss, nats per token with loss, by step; a step reads about {} tokens. \
             {says}{means}",
            count(each)
        );
        html.leaf("figcaption", &[], &caption);
    });
    let table = Table {
        caption: "The same curve in numbers",
        columns: &[("step", true), ("tokens, about", true), ("loss", true)],
    };
    let every = points.len().div_ceil(TOLD);
    let told = points.iter().enumerate().filter(|(at, _)| {
        at.is_multiple_of(every) && at + every <= points.len() || at + 1 == points.len()
    });
    let row = |(_, point): (usize, &LossPoint)| {
        vec![count(point.step), count(point.step * each), format!("{:.3}", point.loss)]
    };
    table.write(html, &told.map(row).collect::<Vec<_>>());
}

/// What was trained on, and what was left out.
pub(super) fn data(html: &mut Html, report: &CycleReport) {
    let data = &report.data;
    let said = |html: &mut Html, heading, what, counts: &Option<BTreeMap<String, u64>>| match counts
    {
        Some(counts) => tally(html, heading, what, counts),
        None => {
            html.leaf("h3", &[], heading);
            html.leaf("p", &[("class", "faint")], "Not stored, or no longer.");
        }
    };
    said(html, "By what it teaches", "examples", &data.capabilities);
    said(html, "By source", "trajectories", &data.sources);
    said(html, "By family of change", "trajectories", &data.families);
    said(html, "By operator", "trajectories", &data.operators);
    if let Some(held_out) = data.held_out {
        let text = format!(
            "Held-out tasks and completion examples, which are never trained on: {}.",
            count(held_out)
        );
        html.leaf("p", &[], &text);
    }
    tally(html, "Trajectories left out", "trajectories", &data.unchosen);
    said(html, "Tasks without a trajectory", "tasks", &data.unsolved);
    said(html, "Seeds without a task", "seeds", &data.unmade);
    said(html, "Left out by mining", "commits, files or functions", &data.unmined);
}

fn tally(html: &mut Html, heading: &str, what: &str, counts: &BTreeMap<String, u64>) {
    html.leaf("h3", &[], heading);
    if counts.is_empty() {
        html.leaf("p", &[], "None.");
        return;
    }
    let all: u64 = counts.values().sum();
    let mut sorted: Vec<(&String, u64)> = counts.iter().map(|(word, n)| (word, *n)).collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let row = |(word, n): (&String, u64)| {
        let share = n as f64 / all.max(1) as f64 * 100.0;
        vec![word.clone(), count(n), format!("{share:.0}\u{a0}%")]
    };
    let caption = format!("{heading}: {} {what}", count(all));
    let table =
        Table { caption: &caption, columns: &[("what", false), (what, true), ("share", true)] };
    table.write(html, &sorted.into_iter().map(row).collect::<Vec<_>>());
}

/// What it took.
pub(super) fn cost(html: &mut Html, report: &CycleReport) {
    let (cost, train) = (&report.cost, &report.train);
    let mut rows = vec![
        vec!["training".to_owned(), seconds(cost.train_seconds)],
        vec!["tokens trained on".to_owned(), count(train.tokens)],
        vec!["peak memory of training".to_owned(), format!("{} MiB", count(train.peak_rss_mb))],
    ];
    let evaluation = cost.evaluate_seconds.map(seconds);
    rows.push(vec!["evaluation".to_owned(), super::or_dash(evaluation)]);
    if cost.teacher_functions > 0 {
        let dollars = cost.teacher_microdollars as f64 / 1e6;
        rows.extend([
            vec!["functions a teacher worked on".to_owned(), count(cost.teacher_functions)],
            vec!["tokens of the teacher".to_owned(), count(cost.teacher_tokens)],
            vec!["money for the teacher".to_owned(), format!("${dollars:.4}")],
        ]);
    }
    let table = Table { caption: "What it took", columns: &[("what", false), ("how much", true)] };
    table.write(html, &rows);
    let teacher = match cost.teacher_functions {
        0 => "No teacher on a server was asked: nothing was sent anywhere, and nothing was paid.",
        _ => "A teacher's work outlives cycles: its figures are of all that is stored.",
    };
    html.leaf("p", &[("class", "faint")], teacher);
}

/// How far the repository has moved on.
pub(super) fn staleness(html: &mut Html, report: &CycleReport) {
    let stale = &report.staleness;
    let moved = match stale.commits {
        Some(0) => "HEAD is the cut: the adapter saw all of the history.".to_owned(),
        Some(n) => format!(
            "HEAD has {} after the cut, held-out ones included, that the adapter did not see.",
            counted(n, "commit")
        ),
        None => "HEAD does not hold the cut any more: history was rewritten, or another branch is \
                 checked out."
            .to_owned(),
    };
    html.leaf("p", &[], &moved);
    let spent = format!(
        "The held-out set of this cut has decided about {}; after {} it is spent, and only a later \
         cut brings a new one.",
        counted(stale.decisions, "adapter"),
        count(stale.most)
    );
    html.leaf("p", &[], &spent);
}

/// What the next cycle would begin with.
pub(super) fn next(html: &mut Html, report: &CycleReport) {
    let sentence = &report.next.sentence;
    let sentence = if sentence.is_empty() { "Nothing is mined." } else { sentence };
    html.leaf("p", &[], sentence);
}
