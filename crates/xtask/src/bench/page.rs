//! The tables of `docs/evidence.md`, written between marks so that the prose around them stays.
use super::side::Side;
use anyhow::{Context as _, Result};
use sera_core::Origin;
use sera_core::scorecard::{Arm, FixScore, HoleScore, Scorecard};
use sera_core::stats::{Interval, Paired, bootstrap};
use sera_datagen::Drops;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The line before a generated part; [`CLOSE`] stands behind it.
pub(super) const TABLES: &str = "<!-- tables: written by `cargo xtask bench evidence` -->";
pub(super) const MOVES: &str = "<!-- tables: written by `cargo xtask bench moves` -->";
pub(super) const CONTAINERS: &str = "<!-- tables: written by `cargo xtask bench sandbox` -->";
const CLOSE: &str = "<!-- end of tables -->";
const RESAMPLES: usize = 4_000;
const SEED: u64 = 20_260_121;

/// All arms of one repository: a name, which arm it was measured as, its scorecard.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) arms: Vec<(String, Arm, Scorecard)>,
}

impl Measured {
    fn get(&self, name: &str) -> Option<(Arm, &Scorecard)> {
        self.arms.iter().find(|(own, ..)| own == name).map(|(_, arm, card)| (*arm, card))
    }

    fn holes(&self, name: &str) -> &[HoleScore] {
        self.get(name).and_then(|(arm, card)| card.complete.get(&arm)).map_or(&[], Vec::as_slice)
    }

    fn fixes(&self, name: &str) -> &[FixScore] {
        self.get(name).and_then(|(arm, card)| card.fix.get(&arm)).map_or(&[], Vec::as_slice)
    }
}

/// Everything between the marks.
pub(super) fn write(
    sides: &[(&Side, &Measured)],
    counted: Option<&Side>,
    facts: &str,
) -> Result<String> {
    let mut page = format!("{facts}\n");
    for (side, measured) in sides {
        write!(page, "\n### {} at `{}`\n\n", side.name, &side.tip[..12])?;
        counts(&mut page, side)?;
        page.push_str("\n**Completion of held-out holes**\n\n");
        complete(&mut page, measured)?;
        page.push_str("\n**Fixing held-out tasks**\n\n");
        fix(&mut page, measured)?;
        page.push_str("\n**The true edit among all edits, by how the fault was made**\n\n");
        operators(&mut page, side, measured)?;
        page.push_str("\n**Paired differences, 95 % intervals clustered by file**\n\n");
        paired(&mut page, measured)?;
    }
    if let Some(side) = counted {
        write!(page, "\n### this repository at `{}`, for counts only\n\n", &side.tip[..12])?;
        counts(&mut page, side)?;
    }
    Ok(page)
}

/// Puts tables behind their mark, or with it at the end of a page that has none.
pub(super) fn replace(path: &Path, mark: &str, tables: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let part = format!("{mark}\n\n{}\n\n{CLOSE}", tables.trim_end());
    let end = |start: usize| text[start..].find(CLOSE).map(|at| start + at + CLOSE.len());
    let page = match text.find(mark).and_then(|start| Some((start, end(start)?))) {
        Some((start, end)) => format!("{}{part}{}", &text[..start], &text[end..]),
        None => format!("{text}\n{part}\n"),
    };
    std::fs::write(path, page).with_context(|| format!("failed to write {}", path.display()))
}

fn drops(dropped: &Drops) -> String {
    let mut reasons: Vec<_> = dropped.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1));
    let shown = reasons.iter().map(|(reason, n)| format!("{n} {}", reason.code()));
    shown.collect::<Vec<_>>().join(", ")
}

fn counts(page: &mut String, side: &Side) -> Result<()> {
    let held_out = side.seeds.iter().filter(|seed| seed.held_out()).count();
    writeln!(page, "| stage | kept | dropped | seconds |")?;
    writeln!(page, "|---|---|---|---|")?;
    writeln!(
        page,
        "| mine | {} seeds, {held_out} of them held out; cut `{}`, {} commits after it held out | {} | {:.1} |",
        side.seeds.len(),
        side.cut.commit.short(),
        side.cut.held_out_commits.len(),
        drops(&side.dropped_seeds),
        side.mine.seconds
    )?;
    let out = side.tasks.iter().filter(|task| task.held_out).count();
    writeln!(
        page,
        "| synthesize | {} tasks, {out} held out; {} holes | {} | {:.1} |",
        side.tasks.len(),
        side.holes.len(),
        drops(&side.dropped_tasks),
        side.synthesize.seconds
    )?;
    writeln!(
        page,
        "| roll out | {} trajectories, {:.0} a second | {} | {:.1} |",
        side.attempts.len(),
        side.tasks.len() as f64 / side.roll_out.seconds.max(1e-9),
        drops(&side.dropped_rollouts),
        side.roll_out.seconds
    )?;
    Ok(())
}

fn complete(page: &mut String, measured: &Measured) -> Result<()> {
    writeln!(page, "| arm | holes | nats per token | exact |\n|---|---|---|---|")?;
    for (name, ..) in &measured.arms {
        let scores = measured.holes(name);
        if scores.is_empty() {
            continue;
        }
        let tokens: usize = scores.iter().map(|s| s.tokens).sum();
        let nll: f64 = scores.iter().map(|s| s.nll).sum();
        let exact = rate(scores.iter().filter_map(|s| s.exact));
        writeln!(page, "| {name} | {} | {:.3} | {exact} |", scores.len(), nll / tokens as f64)?;
    }
    Ok(())
}

fn fix(page: &mut String, measured: &Measured) -> Result<()> {
    writeln!(
        page,
        "| arm | tasks | nats per changed token | valid | locate@1 | @5 | retrieval @1 | @5 | first of all edits | among 5 | edits | recall | exact |"
    )?;
    writeln!(page, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")?;
    for commits in [false, true] {
        for (name, ..) in &measured.arms {
            let all = measured.fixes(name);
            let scores: Vec<&FixScore> = all.iter().filter(|s| s.commit == commits).collect();
            if !scores.is_empty() {
                let label = if commits { format!("{name} (commits)") } else { name.clone() };
                fix_row(page, &label, &scores)?;
            }
        }
    }
    Ok(())
}

fn fix_row(page: &mut String, name: &str, scores: &[&FixScore]) -> Result<()> {
    let tokens: usize = scores.iter().map(|s| s.tokens).sum();
    let nll: f64 = scores.iter().map(|s| s.nll).sum();
    let within = |rank: Option<usize>, k: usize| rank.is_some_and(|rank| rank <= k);
    let looked = || scores.iter().filter(|s| s.located.is_some());
    let located = |k: usize| rate(looked().map(|s| within(s.located, k)));
    let retrieved = |k: usize| rate(looked().map(|s| within(s.retrieved, k)));
    let acted: Vec<&&FixScore> = scores.iter().filter(|s| s.candidates.is_some()).collect();
    let ranked = |k: usize| rate(acted.iter().map(|s| within(s.ranked, k)));
    let (valid, written) =
        scores.iter().filter_map(|s| s.valid).fold((0, 0), |(v, w), (a, b)| (v + a, w + b));
    let edits = mean(acted.iter().filter_map(|s| s.candidates).map(|n| n as f64));
    let recall = mean(scores.iter().filter_map(|s| s.recall));
    let exact = rate(scores.iter().filter_map(|s| s.exact));
    writeln!(
        page,
        "| {name} | {} | {:.3} | {valid}/{written} | {} | {} | {} | {} | {} | {} | {edits} | {recall} | {exact} |",
        scores.len(),
        nll / tokens as f64,
        located(1),
        located(5),
        retrieved(1),
        retrieved(5),
        ranked(1),
        ranked(5)
    )?;
    Ok(())
}

/// Ranks by operator: single faults first, then refactorings to undo.
fn operators(page: &mut String, side: &Side, measured: &Measured) -> Result<()> {
    let made_by = |score: &FixScore| {
        let task = side.tasks.iter().find(|task| task.id == score.task)?;
        match &task.origin {
            Origin::Mutation { operator, refactoring, .. } => {
                Some((*refactoring, operator.clone()))
            }
            Origin::Commit { .. } | Origin::Generated { .. } | Origin::Imported { .. } => None,
        }
    };
    writeln!(
        page,
        "| operator | tasks | among the edits | first: base, own 1 | among five: base, own 1 |"
    )?;
    writeln!(page, "|---|---|---|---|---|")?;
    let mut rows: BTreeMap<(bool, String), [usize; 6]> = BTreeMap::new();
    for (arm, name) in ["base", "own 1"].into_iter().enumerate() {
        for score in measured.fixes(name).iter().filter(|score| score.candidates.is_some()) {
            let Some((refactoring, operator)) = made_by(score) else { continue };
            let all = if refactoring { "all refactorings" } else { "all single faults" };
            for key in [operator, format!("**{all}**")] {
                let row = rows.entry((refactoring, key)).or_default();
                let within = |k| usize::from(score.ranked.is_some_and(|rank| rank <= k));
                row[0] += usize::from(arm == 0);
                row[1] += if arm == 0 { within(usize::MAX) } else { 0 };
                row[2 + arm] += within(1);
                row[4 + arm] += within(5);
            }
        }
    }
    for ((_, name), [tasks, there, first, own_first, five, own_five]) in rows {
        writeln!(
            page,
            "| {name} | {tasks} | {there} | {first}, {own_first} | {five}, {own_five} |"
        )?;
    }
    Ok(())
}

/// Each arm's seeds as one: the mean over them, item by item.
fn pooled_holes(measured: &Measured, arm: &str) -> BTreeMap<String, (String, f64, f64)> {
    let mut pooled: BTreeMap<String, (String, f64, f64, f64)> = BTreeMap::new();
    for name in names(measured, arm) {
        for (index, score) in measured.holes(&name).iter().enumerate() {
            let key = format!("{index}:{}", score.item);
            let entry = pooled.entry(key).or_insert((score.cluster.clone(), 0.0, 0.0, 0.0));
            entry.1 += score.nll / score.tokens as f64;
            entry.2 = score.tokens as f64;
            entry.3 += 1.0;
        }
    }
    pooled.into_iter().map(|(key, (c, sum, w, n))| (key, (c, sum / n, w))).collect()
}

fn pooled_fixes(measured: &Measured, arm: &str) -> BTreeMap<String, (String, f64, f64)> {
    let mut pooled: BTreeMap<String, (String, f64, f64, f64)> = BTreeMap::new();
    for name in names(measured, arm) {
        for score in measured.fixes(&name).iter().filter(|score| !score.commit) {
            let key = score.task.to_string();
            let entry = pooled.entry(key).or_insert((score.cluster.clone(), 0.0, 0.0, 0.0));
            entry.1 += score.nll / score.tokens as f64;
            entry.2 = score.tokens as f64;
            entry.3 += 1.0;
        }
    }
    pooled.into_iter().map(|(key, (c, sum, w, n))| (key, (c, sum / n, w))).collect()
}

fn names(measured: &Measured, arm: &str) -> Vec<String> {
    let own = |name: &&String| *name == arm || name.rsplit_once(' ').is_some_and(|(a, _)| a == arm);
    measured.arms.iter().map(|(name, ..)| name).filter(own).cloned().collect()
}

type Pooled = BTreeMap<String, (String, f64, f64)>;
type Pool = fn(&Measured, &str) -> Pooled;

fn difference(arm: &Pooled, control: &Pooled) -> Option<(Interval, usize)> {
    let pair = |(key, (cluster, level, weight)): (&String, &(String, f64, f64))| {
        let control = control.get(key)?.1;
        Some(Paired { cluster: cluster.clone(), difference: level - control, weight: *weight })
    };
    let pairs: Vec<Paired> = arm.iter().filter_map(pair).collect();
    Some((bootstrap(&pairs, RESAMPLES, SEED)?, pairs.len()))
}

fn paired(page: &mut String, measured: &Measured) -> Result<()> {
    writeln!(page, "| metric | arm − control | mean | interval | items |\n|---|---|---|---|---|")?;
    let pairs = [
        ("own", "base"),
        ("own", "retrieval"),
        ("own 1 + retrieval", "retrieval"),
        ("own", "foreign"),
        ("foreign", "base"),
        ("permuted", "base"),
        ("permuted", "own"),
    ];
    let metrics: [(&str, Pool); 2] =
        [("complete, nats per token", pooled_holes), ("fix, nats per changed token", pooled_fixes)];
    for (metric, pooled) in metrics {
        for (arm, control) in pairs {
            if let Some((gap, items)) =
                difference(&pooled(measured, arm), &pooled(measured, control))
            {
                writeln!(
                    page,
                    "| {metric} | {arm} − {control} | {:+.3} | [{:+.3}, {:+.3}] | {items} |",
                    gap.mean, gap.low, gap.high
                )?;
            }
        }
    }
    locating(page, measured)
}

/// locate@5 of an arm against retrieval's own order, as a paired rate.
fn locating(page: &mut String, measured: &Measured) -> Result<()> {
    for name in ["base", "own 1", "foreign 1"] {
        let hit = |rank: Option<usize>| f64::from(rank.is_some_and(|rank| rank <= 5));
        let pair = |score: &FixScore| Paired {
            cluster: score.cluster.clone(),
            difference: hit(score.located) - hit(score.retrieved),
            weight: 1.0,
        };
        let looked = measured.fixes(name).iter().filter(|score| score.located.is_some());
        let pairs: Vec<Paired> = looked.map(pair).collect();
        if let Some(gap) = bootstrap(&pairs, RESAMPLES, SEED) {
            writeln!(
                page,
                "| locate@5, share | {name} − retrieval's order | {:+.3} | [{:+.3}, {:+.3}] | {} |",
                gap.mean,
                gap.low,
                gap.high,
                pairs.len()
            )?;
        }
    }
    Ok(())
}

fn rate(values: impl Iterator<Item = bool>) -> String {
    let values: Vec<bool> = values.collect();
    match values.len() {
        0 => "–".to_owned(),
        n => format!("{:.0} %", 100.0 * values.iter().filter(|v| **v).count() as f64 / n as f64),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> String {
    let values: Vec<f64> = values.collect();
    match values.len() {
        0 => "–".to_owned(),
        n => format!("{:.2}", values.iter().sum::<f64>() / n as f64),
    }
}
