//! The end of a quickstart: counts, scorecard, decision, one fix, and what to do next.
use super::{brief_reasons, count, decisions, line, percent, scorecard, seconds, training};
use crate::diff;
use crate::table::{Align, Table};
use crate::ui::{paint, style};
use sera_core::Patch;
use sera_core::scorecard::Capability;
use sera_protocol::report::{QuickstartFix, QuickstartReport};

/// What to do next, and what that does.
const NEXT: [(&str, &str); 3] = [
    ("git sera fix \"what is wrong\"", "propose a change; nothing is written without --apply"),
    ("git sera status", "what the daemon knows; it goes on watching your commits"),
    ("git sera quickstart", "go the way again when the repository has moved on"),
];

/// The whole report as text.
pub fn show(report: &QuickstartReport) -> String {
    let parts = [
        paint(style::HEADING, &report.repo) + "\n" + &counts(report),
        notes(report) + &scorecard(&report.scorecard),
        decisions(&report.promoted, &report.reasons) + &verdict(report) + "\n",
        report.fix.as_ref().map_or("there is no held-out task to try\n".to_owned(), fix),
        next(),
    ];
    parts.join("\n")
}

fn counts(report: &QuickstartReport) -> String {
    let (mined, trajectories) = (&report.mined, &report.trajectories);
    let mut table = Table::new([Align::Left, Align::Left]);
    let held_out = mined.held_out.map_or(String::new(), |n| format!(", {} held out", count(n)));
    let (functions, commits) = (count(mined.functions), count(mined.commits));
    table.row(["mined", &format!("{functions} functions, {commits} commits{held_out}")]);
    table.row(["left out", &brief_reasons(&mined.dropped)]);
    table.row(["tasks", &count(report.tasks)]);
    let speed = trajectories.per_second.map_or(String::new(), |n| format!(" at {n:.0}/s"));
    table.row(["trajectories", &format!("{} kept{speed}", count(trajectories.kept))]);
    table.row(["left out", &brief_reasons(&trajectories.dropped)]);
    if let Some(student) = &trajectories.student {
        let tried = student.accepted + student.rejected.values().sum::<u64>();
        let why = brief_reasons(&student.rejected);
        let accepted = format!("{} of {} accepted", count(student.accepted), count(tried));
        table.row(["student's own", &[accepted, why].join("; ")]);
    }
    table.row(["trained", &training(&report.train)]);
    table.row(["in all", &seconds(report.seconds)]);
    table.render(2)
}

fn notes(report: &QuickstartReport) -> String {
    super::lines(report.train.notes.as_deref()) + &super::lines(report.scorecard.notes.as_deref())
}

/// One plain sentence: what was learned, or that nothing was.
fn verdict(report: &QuickstartReport) -> String {
    let doing = |capability: &Capability| match capability {
        Capability::Complete => "completing code",
        Capability::Locate => "finding the place to change",
        Capability::Fix => "proposing changes",
    };
    let names: Vec<&str> = report.promoted.iter().map(doing).collect();
    if names.is_empty() {
        return "Nothing was learned that proved better on held-out work, so the base serves on."
            .to_owned();
    }
    format!(
        "On held-out work the adapter proved better at {}, so it serves that from now on.",
        names.join(" and ")
    )
}

fn fix(fix: &QuickstartFix) -> String {
    let mut text = paint(style::HEADING, "one held-out task") + "\n";
    if let Some(description) = &fix.description {
        line(&mut text, format_args!("{}", description.trim_end()));
    }
    match &fix.patch {
        Some(patch) => text.push_str(&diff::show(patch)),
        None => text.push_str("no change was proposed\n"),
    }
    let right = matches!((&fix.patch, &fix.reference), (Some(a), Some(b)) if same(a, b));
    let sentence = match (right, fix.recall) {
        (true, _) => "This is exactly the change that was looked for.".to_owned(),
        (false, None) => "How near that is cannot be said.".to_owned(),
        (false, recall) => {
            format!("It holds {} of the change that was looked for:", percent(recall))
        }
    };
    text.push_str(&sentence);
    text.push('\n');
    if let Some(reference) = fix.reference.as_ref().filter(|_| !right) {
        text.push_str(&diff::show(reference));
    }
    text
}

/// Whether two patches change the same lines, wherever their context ends.
fn same(a: &Patch, b: &Patch) -> bool {
    sera_core::overlap::overlap(b, a).is_some_and(|o| o.recall >= 1.0 && o.precision >= 1.0)
}

fn next() -> String {
    let mut table = Table::new([Align::Left, Align::Left]);
    for row in NEXT {
        table.row([row.0, row.1]);
    }
    format!("{}\n{}", paint(style::HEADING, "next"), table.render(2))
}
