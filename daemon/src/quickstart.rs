//! Quickstart: every stage in order through the same pipeline, then one fix of a held-out task.
use crate::cycle::Cycle;
use crate::order::{Check, Fixed, Order};
use crate::records::Adapter;
use crate::{base, orders, pipeline, reports};
use anyhow::Result;
use sera_core::overlap::overlap;
use sera_core::{Origin, Patch, Task};
use sera_protocol::report::{QuickstartFix, QuickstartReport};
use sera_protocol::{Job, JobResult};
use std::time::Instant;

/// Picks the held-out task that is shown: fixed, so that nobody picks a lucky one.
const SHOWN: usize = 7;

/// Seconds that a quickstart may take besides training and evaluation, and what of them it keeps
/// for the fix at its end.
const BESIDES: f64 = 270.0;
const FIX: f64 = 45.0;
/// Seconds of training below which an adapter is none.
const LEAST_TRAINING: f64 = 60.0;

/// Seconds granted to training and to evaluation.
#[derive(Clone, Copy, Default)]
struct Granted {
    train: f64,
    evaluate: f64,
}

impl Granted {
    fn of(stages: &[Job]) -> Self {
        let mut granted = Self::default();
        for job in stages {
            if let Job::Train { seconds: Some(seconds), .. } = job {
                granted.train = *seconds as f64;
            } else if let Job::Evaluate { seconds: Some(seconds) } = job {
                granted.evaluate = *seconds as f64;
            }
        }
        granted
    }

    /// Training gets what is left where a machine was slow so far: it alone can be cut anywhere.
    /// Evaluation measures a least number of items, and then takes longer than it was granted.
    fn training(self, elapsed: f64) -> u64 {
        let left = self.train + BESIDES - FIX - 0.4 * self.evaluate - elapsed;
        left.max(LEAST_TRAINING).min(self.train) as u64
    }
}

/// The jobs of a quickstart, in order.
pub(crate) fn stages(train_seconds: u64, evaluate_seconds: u64) -> Vec<Job> {
    vec![
        Job::Mine { explain: false },
        Job::Synthesize { limit: None },
        Job::Rollout { limit: None, student: true, attempts: None },
        Job::Train { seconds: Some(train_seconds), tokens: None, seed: 1 },
        Job::Evaluate { seconds: Some(evaluate_seconds) },
        Job::Promote { adapter: None, force: None, capabilities: None },
    ]
}

/// What comes before a decision about a new adapter.
pub(crate) fn cycle_stages() -> [Job; 4] {
    [
        Job::Synthesize { limit: None },
        Job::Rollout { limit: None, student: true, attempts: None },
        Job::Train { seconds: None, tokens: None, seed: 1 },
        Job::Evaluate { seconds: None },
    ]
}

/// Does the jobs and gathers what they report.
pub(crate) async fn drive(stages: Vec<Job>, cycle: &mut Cycle<'_>) -> Result<QuickstartReport> {
    let started = Instant::now();
    // The base comes first: without it everything else would be in vain.
    let base = base::obtain(cycle).await?;
    let _name: String = cycle.work(&Order::Check(Check { base })).await?;
    cycle.keep_base()?;
    let repo = cycle.engine.repository.work_dir().display().to_string();
    let mut report = QuickstartReport { repo, ..QuickstartReport::default() };
    let granted = Granted::of(&stages);
    for mut job in stages {
        if !done_before(&job, cycle)? {
            if let Job::Train { seconds: Some(seconds), .. } = &mut job {
                *seconds = granted.training(started.elapsed().as_secs_f64());
            }
            let result = Box::pin(pipeline::perform(&job, cycle)).await?;
            fold(&mut report, result);
        }
    }
    gather(&mut report, cycle)?;
    report.fix = show(cycle).await?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// What an interrupted quickstart has stored is not done again.
pub(crate) fn done_before(job: &Job, cycle: &Cycle<'_>) -> Result<bool> {
    Ok(match job {
        Job::Synthesize { .. } => {
            let (cycle_cut, mined) = (cycle.records.cycle()?, cycle.records.mined()?);
            cycle_cut.zip(mined).is_some_and(|(cycle, mined)| cycle.cut.commit == mined.cut.commit)
        }
        Job::Rollout { .. } => {
            cycle.records.open_tasks()?.is_empty() && !cycle.records.rollouts()?.student.is_empty()
        }
        Job::Train { .. } => undecided(cycle)?.is_some(),
        Job::Evaluate { .. } => match undecided(cycle)? {
            Some(adapter) => cycle.records.scorecard(adapter.id)?.is_some(),
            None => false,
        },
        Job::Mine { .. }
        | Job::Generate { .. }
        | Job::Verify {}
        | Job::Import { .. }
        | Job::Select { .. }
        | Job::Export { .. }
        | Job::Why { .. }
        | Job::Forget { .. }
        | Job::Retrain {}
        | Job::Promote { .. }
        | Job::Adapters {}
        | Job::Rollback { .. }
        | Job::Quickstart { .. }
        | Job::Fix { .. }
        | Job::Log { .. }
        | Job::Show { .. }
        | Job::Doctor {}
        | Job::BuildImage { .. }
        | Job::Audit { .. }
        | Job::Consent { .. }
        | Job::Report { .. }
        | Job::Fsck {} => false,
    })
}

/// The newest adapter, if it was trained in this cycle and nothing was decided about it.
fn undecided(cycle: &Cycle<'_>) -> Result<Option<Adapter>> {
    let (newest, now) = (cycle.records.adapters()?.pop(), cycle.records.cycle()?);
    let Some((newest, now)) = newest.zip(now) else { return Ok(None) };
    let open = newest.cut == now.cut.commit
        && !cycle.records.decided_at(&newest.cut)?.contains(&newest.id);
    Ok(open.then_some(newest))
}

fn fold(report: &mut QuickstartReport, result: JobResult) {
    match result {
        JobResult::Promote(promote) => {
            report.promoted = promote.promoted;
            report.reasons = promote.reasons;
        }
        JobResult::Mine(_)
        | JobResult::Train(_)
        | JobResult::Evaluate(_)
        | JobResult::Synthesize(_)
        | JobResult::Rollout(_)
        | JobResult::Generate(_)
        | JobResult::Verify(_)
        | JobResult::Import(_)
        | JobResult::Select(_)
        | JobResult::Export(_)
        | JobResult::Why(_)
        | JobResult::Forget(_)
        | JobResult::Quickstart(_)
        | JobResult::Fix(_)
        | JobResult::Log(_)
        | JobResult::Show(_)
        | JobResult::Adapters(_)
        | JobResult::Rollback(_)
        | JobResult::Doctor(_)
        | JobResult::BuildImage(_)
        | JobResult::Audit(_)
        | JobResult::Consent(_)
        | JobResult::Report(_)
        | JobResult::Fsck(_) => {}
    }
}

/// The counts come from the store, so that a resumed quickstart reports the whole.
fn gather(report: &mut QuickstartReport, cycle: &Cycle<'_>) -> Result<()> {
    let records = cycle.records;
    let counts = records.counts()?;
    report.mined.functions = counts.functions;
    report.mined.commits = counts.commits;
    report.mined.held_out = Some(counts.held_out_functions + counts.held_out_commits);
    report.mined.dropped = records.mined()?.map(|m| reports::drops(&m.dropped)).unwrap_or_default();
    report.tasks = records.tasks()?.len() as u64;
    let attempts = records.attempts()?;
    report.trajectories.kept = attempts.iter().filter(|a| a.verdict.accepted()).count() as u64;
    let rollouts = records.rollouts()?;
    for reason in rollouts.dropped.values() {
        *report.trajectories.dropped.entry(reason.clone()).or_default() += 1;
    }
    report.trajectories.student = reports::student(&rollouts);
    report.trajectories.per_second = Some(rollouts.per_second);
    if let Some(adapter) = records.adapters()?.pop() {
        report.train = reports::train(&adapter);
        if let Some(scored) = records.scorecard(adapter.id)? {
            report.scorecard = reports::scorecard(adapter.id, &scored);
        }
    }
    Ok(())
}

async fn show(cycle: &mut Cycle<'_>) -> Result<Option<QuickstartFix>> {
    let Some(task) = shown(cycle)? else { return Ok(None) };
    let order = Order::Fix(orders::fix_task(cycle, &task).await?);
    let fixed: Fixed = cycle.serve(&order).await?;
    let patch: Option<Patch> = fixed.proposals.into_iter().next().map(|p| p.patch);
    let recall = patch.as_ref().and_then(|patch| overlap(&task.reference, patch));
    Ok(Some(QuickstartFix {
        task: task.id,
        description: Some(task.description),
        patch,
        recall: recall.map(|overlap| overlap.recall),
        reference: Some(task.reference),
    }))
}

/// A held-out mutation task with an executed solution, picked by a fixed number.
fn shown(cycle: &Cycle<'_>) -> Result<Option<Task>> {
    let mut tasks: Vec<Task> = cycle.records.attempts()?.into_iter().map(|a| a.task).collect();
    tasks.retain(|t| t.held_out && matches!(t.origin, Origin::Mutation { refactoring: false, .. }));
    tasks.sort_by_key(|task| task.rng_seed);
    Ok((!tasks.is_empty()).then(|| tasks.swap_remove(SHOWN % tasks.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_trains_for_less() {
        let granted = Granted::of(&stages(180, 150));
        let check = |elapsed: f64, expect: u64| {
            assert_eq!(granted.training(elapsed), expect, "after {elapsed} s");
        };
        check(100.0, 180);
        check(165.0, 180);
        check(225.0, 120);
        check(900.0, 60);
        assert_eq!(Granted::of(&stages(30, 10)).training(900.0), 30, "never more than granted");
    }
}
