//! The worker's *examine* stage: the teacher attempts the held-out tasks that the student did, in
//! its own harness. How close a student comes to its teacher is the question of the paper.
use super::{Desk, generate, synthesize};
use crate::order::{Examine, Examined};
use anyhow::Result;
use sera_agent::dialect::{Dialect, Reader};
use sera_agent::roll_out::UNSUPPORTED;
use sera_agent::{Limits, Thresholds, Views, roll_out, verify};
use sera_core::redact::Redactor;
use sera_core::scorecard::FixScore;
use sera_core::trajectory::Limit;
use sera_core::{Outcome, Task, Trajectory, TrajectoryId};
use sera_datagen::Bases;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn examine(order: &Examine, desk: &Desk) -> Result<Examined> {
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let fleet = generate::fleet(&order.teacher, &order.ledger, false, desk)?;
    fleet.count_redactions(Redactor::new(order.source.key));
    let next = AtomicUsize::new(0);
    let (scores, ended) = (Mutex::new(Vec::new()), Mutex::new(None));
    let cancel = desk.gate.as_cancel();
    let work = || {
        while let Some(task) = order.tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if generate::locked(&ended).is_some() || cancel.is_cancelled() {
                break;
            }
            let mut server = fleet.server();
            let dialect = order.teacher.dialect;
            let mut done = attempt(order, task, dialect, &bases, &mut server, desk);
            if done.as_ref().is_some_and(refused_tools) {
                done = attempt(order, task, Dialect::Plain, &bases, &mut server, desk);
            }
            match done.map(|trajectory| score(task, &trajectory, &bases)) {
                Some(Ok(score)) => generate::locked(&scores).extend(score),
                Some(Err(why)) => drop(generate::locked(&ended).get_or_insert(why)),
                None => {}
            }
            let (done, total) = (generate::locked(&scores).len() as u64, order.tasks.len() as u64);
            desk.progress("evaluate", done, Some(total), "tasks", "the teacher's turn".to_owned());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..order.teacher.parallel.min(order.tasks.len()) {
            scope.spawn(work);
        }
    });
    let into = |error: std::sync::PoisonError<_>| error.into_inner();
    let scores = scores.into_inner().unwrap_or_else(into);
    let ended = ended.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Examined { scores, ended })
}

/// One rollout, greedy; none where the task's tree cannot be made.
fn attempt(
    order: &Examine,
    task: &Task,
    dialect: Dialect,
    bases: &Bases,
    server: &mut dyn sera_core::Model,
    desk: &Desk,
) -> Option<Trajectory> {
    let (environment, _) = bases.environment(task).ok()?;
    let limits = Limits {
        steps: generate::STEPS,
        tokens: order.teacher.context,
        reply_tokens: generate::REPLY,
        temperature: 0.0,
        reader: Reader::Teacher(dialect),
        seed: task.rng_seed,
    };
    let name = &order.teacher.model;
    let id = TrajectoryId::new(order.now_ms, format!("{}/{name}/examined", task.id).as_bytes());
    let environment = environment.with_views(Views::WIDE);
    let cancel = desk.gate.as_cancel();
    Some(roll_out(task, id, server, environment, &limits, cancel, name))
}

/// Whether a server was asked for calls of tools and knows none.
fn refused_tools(done: &Trajectory) -> bool {
    matches!(&done.outcome, Outcome::Failed { code, .. } if code == UNSUPPORTED)
        && done.steps.is_empty()
}

/// What one rollout was worth; why no more are made, where the teacher says nothing any more. None
/// of what it could not attempt is held against it.
fn score(task: &Task, trajectory: &Trajectory, bases: &Bases) -> Result<Option<FixScore>, String> {
    match &trajectory.outcome {
        Outcome::LimitReached { limit: Limit::Cancelled } => return Err("cancelled".to_owned()),
        Outcome::LimitReached { limit: Limit::Budget } => {
            return Err("the budget is spent".to_owned());
        }
        Outcome::Failed { message, .. } if trajectory.steps.is_empty() => {
            return Err(message.clone());
        }
        Outcome::LimitReached { limit: Limit::Steps | Limit::Tokens | Limit::Time }
        | Outcome::Failed { .. }
        | Outcome::Submitted { .. } => {}
    }
    let Ok((_, base)) = bases.environment(task) else { return Ok(None) };
    let verdict = verify(task, trajectory, &base, &Thresholds::default());
    let overlap = verdict.overlap;
    let (cluster, commit) = task.cluster();
    let good = trajectory.steps.iter().filter(|step| step.observation.ok).count();
    Ok(Some(FixScore {
        task: task.id,
        cluster,
        commit,
        nll: 0.0,
        tokens: 0,
        located: None,
        retrieved: None,
        ranked: None,
        candidates: None,
        valid: Some((good, trajectory.steps.len())),
        recall: Some(overlap.recall),
        f1: Some(overlap.f1),
        exact: Some(verdict.tree_equal && overlap.files >= 1.0),
        candidate: trajectory.candidate().filter(|patch| !patch.is_empty()).cloned(),
    }))
}
