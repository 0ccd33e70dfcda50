//! One cycle told whole: what is stored of an adapter, from its data to what was decided, as
//! numbers and as a page. Nothing is computed but statistics.
use crate::adapters;
use crate::cycle::Cycle;
use crate::order::Evaluated;
use crate::records::{Adapter, Records};
use crate::reports::{self, page};
use anyhow::Result;
use sera_core::Seed;
use sera_core::redact::Redactor;
use sera_core::scorecard::{Arm, Capability, Scorecard};
use sera_core::stats::{Interval, bootstrap};
use sera_protocol::report::{
    ArmReport, CycleCost, CycleData, CycleReport, Decided, LossPoint, NextCycle, Spread, Staleness,
    TrainReport,
};
use sera_train::promote::{Rule, level, primary};
use std::collections::BTreeSet;

mod compared;

/// Points of a loss curve at most.
const POINTS: usize = 200;
/// Commits counted at most.
const COMMITS: usize = 100_000;

/// Gathers what is known of an adapter, the newest where none is named, and writes its page.
pub(crate) fn report(cycle: &Cycle<'_>, id: Option<&str>) -> Result<CycleReport> {
    let adapter = adapters::chosen(cycle.records, id)?;
    let mut report = gather(cycle, &adapter)?;
    let page = cycle.engine.keep_page(adapter.id, &page::html(&report))?;
    report.path = page.display().to_string();
    Ok(report)
}

fn gather(cycle: &Cycle<'_>, adapter: &Adapter) -> Result<CycleReport> {
    let (records, redactor) = (cycle.records, Redactor::new(cycle.engine.key));
    let redact = |text: &str| redactor.redact(text).0;
    let scored = records.scorecard(adapter.id)?;
    let card = scored.as_ref().map(|scored| &scored.card);
    let decisions = card.map_or(Ok(Vec::new()), |card| decisions(cycle, adapter, card))?;
    let decided = records.decided_at(&adapter.cut)?;
    let (curve, train) = training(adapter);
    let general = card.into_iter().flat_map(|card| &card.general);
    let compared = card.map_or(Ok(Vec::new()), |card| compared::compared(records, card, &redact));
    Ok(CycleReport {
        adapter: adapter.id,
        made_ms: adapter.id.unix_ms(),
        repository: cycle.engine.repository.work_dir().display().to_string(),
        base: redact(&adapter.base),
        cut: adapter.cut.to_string(),
        verdict: verdict(&decisions, decided.contains(&adapter.id)),
        decisions,
        train,
        curve,
        steps: adapter.numbers.loss.len() as u64,
        arms: card.map(arms).unwrap_or_default(),
        general: general.map(|(arm, nats)| (arm.name().to_owned(), *nats)).collect(),
        compared: compared?,
        data: data(records, adapter)?,
        cost: cost(records, adapter, scored.as_ref())?,
        staleness: staleness(cycle, adapter, decided.len())?,
        next: next(cycle, adapter)?,
        notes: scored.into_iter().flat_map(|scored| scored.notes).map(|n| redact(&n)).collect(),
        path: String::new(),
    })
}

/// What was decided, or would be: earlier versions kept no refusals.
fn decisions(cycle: &Cycle<'_>, adapter: &Adapter, card: &Scorecard) -> Result<Vec<Decided>> {
    let stored = cycle.records.decisions(adapter.id)?;
    let mut decisions = Vec::new();
    for (capability, now) in cycle.judge(adapter, card)? {
        let known = stored.get(&capability);
        let decision = known.unwrap_or(&now);
        let serves = cycle.records.served(capability)?;
        decisions.push(Decided {
            capability,
            promoted: decision.promoted(),
            stored: known.is_some(),
            serves: serves.map_or_else(|| "base".to_owned(), |serves| serves.id.to_string()),
            reason: reports::reason(decision),
            items: decision.items as u64,
        });
    }
    Ok(decisions)
}

/// One sentence; `decided` says whether somebody asked for a decision.
fn verdict(decisions: &[Decided], decided: bool) -> String {
    if decisions.is_empty() {
        return "Nothing is decided: the adapter is not evaluated yet.".to_owned();
    }
    let list = |promoted: bool| {
        let of = decisions.iter().filter(|one| one.promoted == promoted);
        of.map(|one| format!("{} ({})", one.capability.name(), one.reason)).collect::<Vec<_>>()
    };
    let [won, lost] = [list(true), list(false)].map(|list| list.join(", "));
    let said = match (won.as_str(), lost.as_str()) {
        (won, "") => format!("promoted for {won}"),
        ("", lost) => format!("not promoted for {lost}"),
        (won, lost) => format!("promoted for {won}; not promoted for {lost}"),
    };
    if decided {
        let (first, rest) = said.split_at(1);
        return format!("{}{rest}.", first.to_uppercase());
    }
    format!("Nothing is decided yet; as the rule stands, it would be {said}.")
}

/// Losses as means of runs of steps, and the rest of the training's numbers.
fn training(adapter: &Adapter) -> (Vec<LossPoint>, TrainReport) {
    let curve = curve(&adapter.numbers.loss);
    let loss = curve.iter().map(|point| point.loss as f32).collect();
    (curve, TrainReport { loss, ..reports::train(adapter) })
}

fn curve(loss: &[f32]) -> Vec<LossPoint> {
    let run = loss.len().div_ceil(POINTS).max(1);
    let mean = |(at, losses): (usize, &[f32])| LossPoint {
        step: (at * run + losses.len()) as u64,
        loss: losses.iter().map(|loss| f64::from(*loss)).sum::<f64>() / losses.len() as f64,
    };
    loss.chunks(run).enumerate().map(mean).collect()
}

/// Every arm of every capability that has anything to say about it.
fn arms(card: &Scorecard) -> Vec<ArmReport> {
    let of = |capability: Capability| {
        let arms: Vec<Arm> = match capability {
            Capability::Complete => card.complete.keys().copied().collect(),
            Capability::Locate | Capability::Fix => card.fix.keys().copied().collect(),
        };
        arms.into_iter().filter_map(move |arm| of_arm(card, capability, arm))
    };
    Capability::ALL.into_iter().flat_map(of).collect()
}

fn of_arm(card: &Scorecard, capability: Capability, arm: Arm) -> Option<ArmReport> {
    let rule = Rule::default();
    let pairs = primary(capability, card, arm, Arm::Retrieval);
    let gap = bootstrap(&pairs, rule.resamples, rule.seed).filter(|_| arm != Arm::Retrieval);
    let mut report = ArmReport {
        capability,
        arm: arm.name().to_owned(),
        items: 0,
        level: None,
        against: gap.map(spread),
        exact: None,
        valid: None,
        recall: None,
        first: None,
        among_five: None,
    };
    match capability {
        Capability::Complete => {
            let summary = card.summarize_complete(arm)?;
            report.items = summary.n as u64;
            (report.level, report.exact) = (summary.nll, summary.exact);
        }
        Capability::Locate => {
            report.items =
                card.fix.get(&arm)?.iter().filter(|score| score.located.is_some()).count() as u64;
            report.level = Some(level(capability, card, arm)?);
            let summary = card.summarize_fix(arm, None)?;
            (report.first, report.among_five) = (summary.locate1, summary.locate5);
        }
        Capability::Fix => {
            let summary = card.summarize_fix(arm, None)?;
            report.items = summary.n as u64;
            (report.level, report.exact) = (summary.nll, summary.exact);
            (report.valid, report.recall) = (summary.valid, summary.recall);
        }
    }
    Some(report)
}

fn spread(interval: Interval) -> Spread {
    Spread { mean: interval.mean, low: interval.low, high: interval.high }
}

/// What is of another cycle says nothing of this one.
fn data(records: &Records, adapter: &Adapter) -> Result<CycleData> {
    let now = records.cycle()?.filter(|now| now.cut.commit == adapter.cut);
    let mined = records.mined()?.filter(|mined| mined.cut.commit == adapter.cut);
    let mut held_out = None;
    if now.is_some() {
        let tasks = records.tasks()?.iter().filter(|task| task.held_out).count();
        let holes = records.holes()?.iter().filter(|hole| hole.held_out).count();
        held_out = Some((tasks + holes) as u64);
    }
    let dropped = records.rollouts()?.dropped.into_values();
    let (kinds, learnt) = (adapter.numbers.kinds.clone(), adapter.learnt.clone());
    let learnt = |part: fn(crate::records::Learnt) -> std::collections::BTreeMap<String, u64>| {
        learnt.clone().map(part)
    };
    Ok(CycleData {
        capabilities: (!kinds.is_empty()).then_some(kinds),
        sources: learnt(|learnt| learnt.sources),
        families: learnt(|learnt| learnt.families),
        operators: learnt(|learnt| learnt.operators),
        unchosen: reports::drops(&adapter.dropped),
        unsolved: now.as_ref().map(|_| reports::tally(dropped)),
        unmade: now.map(|now| reports::drops(&now.dropped)),
        unmined: mined.map(|mined| reports::drops(&mined.dropped)),
        held_out,
    })
}

fn cost(records: &Records, adapter: &Adapter, scored: Option<&Evaluated>) -> Result<CycleCost> {
    let past = records.past()?;
    Ok(CycleCost {
        train_seconds: adapter.numbers.seconds,
        evaluate_seconds: scored.map(|scored| scored.seconds),
        teacher_functions: past.functions,
        teacher_tokens: past.tokens,
        teacher_microdollars: past.microdollars,
    })
}

fn staleness(cycle: &Cycle<'_>, adapter: &Adapter, decisions: usize) -> Result<Staleness> {
    let (repository, head) = (&cycle.asked_in, cycle.asked_in.head()?);
    let mut commits = None;
    if repository.is_ancestor(&adapter.cut, &head)? {
        commits = Some(repository.commits_between(&adapter.cut, &head, COMMITS)?.len() as u64);
    }
    let most = Rule::default().promotions as u64;
    Ok(Staleness { commits, head: head.to_string(), decisions: decisions as u64, most })
}

/// What mining found since, and would be trained on.
fn next(cycle: &Cycle<'_>, adapter: &Adapter) -> Result<NextCycle> {
    let Some(mined) = cycle.records.mined()? else { return Ok(NextCycle::default()) };
    let (repository, cut) = (&cycle.engine.repository, mined.cut.commit);
    let mut next = NextCycle {
        cut: Some(cut.to_string()),
        retraining: cycle.records.retraining()?,
        ..NextCycle::default()
    };
    let follows = repository.is_ancestor(&adapter.cut, &cut)?;
    if cut != adapter.cut && follows {
        let commits = repository.commits_between(&adapter.cut, &cut, COMMITS)?;
        let changes = repository.changes(Some(&adapter.cut), &cut)?.into_iter();
        let blobs: BTreeSet<_> = changes.filter_map(|change| Some(change.new?.1)).collect();
        for seed in cycle.records.seeds()?.into_iter().filter(|seed| !seed.held_out()) {
            match seed {
                Seed::Commit(commit) => {
                    next.commits += u64::from(commits.contains(&commit.commit));
                }
                Seed::Function(function) => {
                    next.functions += u64::from(blobs.contains(&function.blob));
                }
            }
        }
    }
    let (same, due) = (cut == adapter.cut, cycle.engine.is_due());
    next.sentence = sentence(&next, (same, follows, due), cut.short());
    Ok(next)
}

fn sentence(next: &NextCycle, (same, follows, due): (bool, bool, bool), cut: &str) -> String {
    let NextCycle { commits, functions, .. } = next;
    if next.retraining {
        return "An adapter was withdrawn: one is trained in its place as soon as the machine is \
                free."
            .to_owned();
    }
    let when = if due {
        "it begins by itself as soon as the machine is free"
    } else {
        "it begins by itself once enough is new, and `git sera quickstart` starts it now"
    };
    match (same, follows) {
        (true, _) => "The cut has not moved, so the next training would learn from the same \
                      history; the daemon mines new commits by itself, and trains once enough is \
                      new."
            .to_owned(),
        (false, true) => format!(
            "The next cycle would be cut at {cut}: {commits} commits, and {functions} functions in \
             files that changed, may be trained on that this adapter did not see; {when}."
        ),
        (false, false) => format!(
            "History was rewritten or the cut moved back: the next cycle would be cut at {cut}, and \
             all of its data made anew; {when}."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(capability: Capability, promoted: bool) -> Decided {
        let reason = if promoted { "better by 0.1" } else { "not better" }.to_owned();
        let serves = "base".to_owned();
        Decided { capability, promoted, stored: true, serves, reason, items: 20 }
    }

    #[test]
    fn a_verdict_is_one_sentence() {
        use Capability::{Complete, Fix, Locate};
        let check = |won: &[Capability], stored: bool, expect: &str| {
            let of = |capability: Capability| decided(capability, won.contains(&capability));
            let all: Vec<Decided> = Capability::ALL.into_iter().map(of).collect();
            assert_eq!(verdict(&all, stored), expect);
        };
        check(
            &[Complete],
            true,
            "Promoted for complete (better by 0.1); not promoted for locate (not better), fix (not \
             better).",
        );
        check(
            &[],
            true,
            "Not promoted for complete (not better), locate (not better), fix (not better).",
        );
        check(
            &[Complete, Locate, Fix],
            false,
            "Nothing is decided yet; as the rule stands, it would be promoted for complete (better \
             by 0.1), locate (better by 0.1), fix (better by 0.1).",
        );
        assert_eq!(verdict(&[], false), "Nothing is decided: the adapter is not evaluated yet.");
    }

    #[test]
    fn a_curve_has_at_most_two_hundred_points_and_ends_where_training_did() {
        let check = |steps: usize, points: usize| {
            let loss: Vec<f32> = (0..steps).map(|step| step as f32).collect();
            let curve = curve(&loss);
            assert_eq!(curve.len(), points, "of {steps}");
            assert_eq!(curve.last().map_or(0, |point| point.step), steps as u64);
        };
        check(0, 0);
        check(1, 1);
        check(200, 200);
        check(201, 101);
        check(100_000, 200);
        let means: Vec<f64> = curve(&[1.0; 401]).iter().map(|point| point.loss).collect();
        assert!(means.iter().all(|mean| *mean == 1.0), "{means:?}");
    }
}
