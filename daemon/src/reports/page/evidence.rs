//! The sections that prove: what was decided, every arm with its interval, items side by side.
use super::html::Html;
use super::{Table, count, counted, or_dash, percent, svg};
use sera_core::scorecard::{Arm, Capability};
use sera_protocol::report::{ArmReport, Compared, CycleReport, Decided, Spread};

/// What a capability is, and what its primary metric.
fn about(capability: Capability) -> (&'static str, &'static str) {
    match capability {
        Capability::Complete => ("Completing code", "nats per token"),
        Capability::Locate => ("Finding the place", "1 − 1/rank"),
        Capability::Fix => ("Proposing the change", "nats per changed token"),
    }
}

fn heading(capability: Capability) -> String {
    format!("{} ({})", about(capability).0, capability.name())
}

/// Every capability: promoted or not, why, and what serves it.
pub(super) fn decisions(html: &mut Html, report: &CycleReport) {
    if report.decisions.is_empty() {
        html.leaf("p", &[], &report.verdict);
        return;
    }
    for decided in &report.decisions {
        decision(html, report, decided);
    }
    html.leaf(
        "p",
        &[("class", "faint")],
        "A capability is promoted only if the adapter is better than the base with retrieval beyond \
         chance (one-sided 95 %) and beyond twice the noise between seeds, not worse than what is \
         served, writes actions that can be executed, and does no general damage. A refusal is a \
         normal result.",
    );
}

fn decision(html: &mut Html, report: &CycleReport, decided: &Decided) {
    html.leaf("h3", &[], &heading(decided.capability));
    let (class, word) = match (decided.promoted, decided.stored) {
        (true, true) => ("good", "✓ promoted"),
        (true, false) => ("good", "✓ would be promoted by the rule as it stands now"),
        (false, true) => ("bad", "✗ refused"),
        (false, false) => ("bad", "✗ refused by the rule as it stands now"),
    };
    html.element("p", &[], |html| {
        html.leaf("span", &[("class", class)], word);
        html.text(&format!(": {}.", decided.reason));
    });
    let serves = match decided.serves.as_str() {
        id if id == report.adapter.to_string() => "This adapter serves it now.".to_owned(),
        "base" => "The base with retrieval serves it now.".to_owned(),
        other => format!("Adapter {other} serves it now."),
    };
    html.leaf("p", &[("class", "faint")], &serves);
}

/// Every arm of every capability, as a picture and as a table.
pub(super) fn arms(html: &mut Html, report: &CycleReport) {
    if report.arms.is_empty() {
        html.leaf("p", &[], "Nothing was evaluated yet.");
        return;
    }
    html.leaf(
        "p",
        &[],
        "Base: alone. Retrieval: the base with similar training work in its prompt; everything is \
         compared with it. Adapter: as it would be served. Shuffled: the adapter with another \
         task's text. Served: the adapter that served before. Of nats and of 1 − 1/rank \
         less is better, of shares more.",
    );
    for capability in Capability::ALL {
        let arms: Vec<&ArmReport> =
            report.arms.iter().filter(|arm| arm.capability == capability).collect();
        if !arms.is_empty() {
            html.leaf("h3", &[], &heading(capability));
            figure(html, capability, &arms);
            table(html, capability, &arms);
        }
    }
    if !report.general.is_empty() {
        html.leaf("h3", &[], "General text");
        let row = |(arm, nats): (&String, &f64)| vec![arm.clone(), format!("{nats:.3}")];
        let table = Table {
            caption: "Nats per token of a fixed text that is of no repository",
            columns: &[("arm", false), ("nats", true)],
        };
        table.write(html, &report.general.iter().map(row).collect::<Vec<_>>());
    }
    for note in &report.notes {
        html.leaf("p", &[("class", "faint")], note);
    }
}

fn figure(html: &mut Html, capability: Capability, arms: &[&ArmReport]) {
    let metric = about(capability).1;
    let rows: Vec<(&str, Spread)> =
        arms.iter().filter_map(|arm| Some((arm.arm.as_str(), arm.against.clone()?))).collect();
    if rows.is_empty() {
        html.leaf("p", &[], "Too few groups of items were measured for an interval.");
        return;
    }
    let one = |(name, spread): &(&str, Spread)| format!("{name} {}", interval(spread));
    let says = format!("{}.", rows.iter().map(one).collect::<Vec<_>>().join("; "));
    html.element("figure", &[], |html| {
        let title = format!("{}: difference to retrieval, {metric}", capability.name());
        svg::whiskers(html, capability.name(), &rows, Arm::Adapter.name(), (&title, &says));
        let caption = format!(
            "Difference to retrieval (dashed), {metric}: mean and 95 % interval of a paired \
             bootstrap over files and commits. An interval that reaches zero proves nothing."
        );
        html.leaf("figcaption", &[], &caption);
    });
}

/// `-0.103 [-0.158, -0.076]`.
fn interval(spread: &Spread) -> String {
    format!("{:+.3} [{:+.3}, {:+.3}]", spread.mean, spread.low, spread.high)
}

/// A column of a table of arms.
type Column = (&'static str, fn(&ArmReport) -> String);

const EXACT: Column = ("exact", |arm| percent(arm.exact));

fn columns(capability: Capability) -> Vec<Column> {
    match capability {
        Capability::Complete => vec![EXACT],
        Capability::Locate => vec![
            ("place first", |arm| percent(arm.first)),
            ("among five", |arm| percent(arm.among_five)),
        ],
        Capability::Fix => {
            vec![EXACT, ("recall", |arm| percent(arm.recall)), ("valid", |arm| percent(arm.valid))]
        }
    }
}

fn table(html: &mut Html, capability: Capability, arms: &[&ArmReport]) {
    let (name, metric) = about(capability);
    let more = columns(capability);
    let mut columns =
        vec![("arm", false), ("items", true), (metric, true), ("less retrieval's", true)];
    columns.extend(more.iter().map(|(heading, _)| (*heading, true)));
    let row = |arm: &&ArmReport| {
        let level = or_dash(arm.level.map(|level| format!("{level:.3}")));
        let against = or_dash(arm.against.as_ref().map(interval));
        let mut row = vec![arm.arm.clone(), count(arm.items), level, against];
        row.extend(more.iter().map(|(_, cell)| cell(arm)));
        row
    };
    let caption = format!("{name}: every arm on the held-out items");
    let rows: Vec<_> = arms.iter().map(row).collect();
    Table { caption: &caption, columns: &columns }.write(html, &rows);
}

/// Held-out items that were won and lost most.
pub(super) fn compared(html: &mut Html, report: &CycleReport) {
    if report.compared.is_empty() {
        html.leaf("p", &[], "No held-out item was measured under both arms.");
        return;
    }
    html.leaf(
        "p",
        &[],
        "The held-out items with the largest gain and the largest loss against retrieval, five of \
         each at most. They are extremes, not averages: the section before says what holds.",
    );
    for capability in Capability::ALL {
        for (won, title) in [(true, "won"), (false, "lost")] {
            let is_one = |one: &&Compared| {
                one.capability == capability && (one.adapter < one.retrieval) == won
            };
            let items: Vec<&Compared> = report.compared.iter().filter(is_one).collect();
            if !items.is_empty() {
                let count = counted(items.len() as u64, "item");
                let heading = format!("{}: {count} {title}", about(capability).0);
                html.leaf("h3", &[], &heading);
                items.into_iter().for_each(|one| item(html, one));
            }
        }
    }
}

fn item(html: &mut Html, one: &Compared) {
    html.newline();
    html.element("article", &[("class", "item")], |html| {
        html.leaf("h4", &[], &one.item);
        let metric = about(one.capability).1;
        let text = match one.capability {
            Capability::Locate => format!(
                "The right place: rank {} under the adapter, {} under retrieval.",
                rank(one.adapter),
                rank(one.retrieval)
            ),
            Capability::Complete | Capability::Fix => format!(
                "{:.3} {metric} under the adapter, {:.3} under retrieval: {}.",
                one.adapter,
                one.retrieval,
                by(one.adapter - one.retrieval)
            ),
        };
        html.leaf("p", &[], &text);
        told(html, one);
        html.element("div", &[("class", "columns")], |html| {
            let texts = [
                ("Wanted", &one.wanted),
                ("Proposed by the adapter", &one.proposed),
                ("Proposed with retrieval", &one.instead),
            ];
            for (name, text) in texts {
                let Some(text) = text else { continue };
                html.element("div", &[], |html| {
                    html.leaf("p", &[("class", "faint")], name);
                    code(html, text, one.capability == Capability::Fix);
                });
            }
        });
    });
}

/// `0.250 better`, `0.250 worse`.
fn by(gap: f64) -> String {
    format!("{:.3} {}", gap.abs(), if gap < 0.0 { "better" } else { "worse" })
}

fn rank(level: f64) -> u64 {
    (1.0 / (1.0 - level)).round() as u64
}

fn told(html: &mut Html, one: &Compared) {
    let Some(told) = one.told.as_ref().filter(|told| !told.trim().is_empty()) else {
        if one.told.is_none() {
            html.leaf("p", &[("class", "faint")], "What it was is not stored any more.");
        }
        return;
    };
    match one.capability {
        Capability::Complete => {
            html.leaf("p", &[("class", "faint")], "Before the hole");
            code(html, told, false);
        }
        Capability::Locate | Capability::Fix => {
            html.leaf("p", &[("class", "faint")], "The task");
            code(html, told, false);
        }
    }
}

/// Code, or a patch, whose signs say what its colours do.
fn code(html: &mut Html, text: &str, patch: bool) {
    html.element("pre", &[], |html| {
        if !patch {
            html.text(text.strip_suffix('\n').unwrap_or(text));
            return;
        }
        // A removed line may begin with `--`: a header is what stands before a file's first hunk.
        let mut header = true;
        for line in text.lines() {
            header = line.starts_with("diff ") || header && !line.starts_with("@@");
            let class = match line.as_bytes().first() {
                Some(b'+') if !header => "added",
                Some(b'-') if !header => "removed",
                _ => "same",
            };
            html.leaf("span", &[("class", class)], line);
        }
    });
}
