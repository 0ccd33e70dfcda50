//! The worker's *roll out* stage: tasks in, judged trajectories out.
use super::{Desk, fix, synthesize};
use crate::order::{RollOut, RolledOut, Teacher, Weights};
use anyhow::{Context as _, Result};
use sera_agent::guided::{self, Guided, Pace};
use sera_agent::{Thresholds, verify};
use sera_core::{ModelError, Task, TrajectoryId};
use sera_datagen::rollout::STUDENT;
use sera_datagen::{Attempt, Bases, DropReason, Policy};
use sera_model::Student;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Edits that the student ranks in one attempt: fewer than serving ranks, since twenty attempts
/// only have to show what soft verification says of them.
const EDITS: usize = 120;
/// Seconds for all of them, and how many are made however long it takes.
const SECONDS: f64 = 75.0;
const LEAST: usize = 2;
/// Nats of the ranking that one of noise is worth where attempts are drawn.
const TEMPERATURE: f32 = 1.0;
/// Attempts at a task that are kept at most.
const KEPT: usize = 3;

pub(super) fn roll_out(order: &RollOut, desk: &Desk) -> Result<RolledOut> {
    let started = Instant::now();
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let (attempts, dropped) = match &order.teacher {
        Teacher::Procedural => by_the_book(order, &bases, desk),
        Teacher::Student(weights) => by_student(order, weights, &bases, desk)?,
        Teacher::Sampled { weights, attempts, seed } => {
            let draw = Draw { weights, attempts: *attempts, seed: *seed };
            by_sampling(order, &draw, &bases, desk)?
        }
    };
    let dropped = dropped.into_iter().map(|(task, reason)| (task, reason.code().to_owned()));
    Ok(RolledOut { attempts, dropped: dropped.collect(), seconds: started.elapsed().as_secs_f64() })
}

type Rolled = (Vec<Attempt>, Vec<(sera_core::TaskId, DropReason)>);

fn by_the_book(order: &RollOut, bases: &Bases, desk: &Desk) -> Rolled {
    let total = order.tasks.len();
    let told = AtomicUsize::new(0);
    let watch = |done: usize| {
        // A line for every task would cost more than the task.
        if done == total || done >= told.load(Ordering::Relaxed) + 25 {
            told.store(done, Ordering::Relaxed);
            desk.progress("rollout", done as u64, Some(total as u64), "tasks", String::new());
        }
    };
    let cancel = desk.gate.as_cancel();
    let policy = Policy::default();
    let done =
        sera_datagen::roll_out_all(&order.tasks, bases, &policy, order.now_ms, cancel, &watch);
    (done.attempts, done.dropped)
}

/// The student as served, so that soft verification decides about something it may reject.
fn by_student(order: &RollOut, weights: &Weights, bases: &Bases, desk: &Desk) -> Result<Rolled> {
    let mut student = fix::student(weights, desk)?;
    let (mut attempts, mut dropped) = (Vec::new(), Vec::new());
    let started = Instant::now();
    let now = || started.elapsed().as_secs_f64();
    let mut pace = Pace::new(EDITS, order.tasks.len(), SECONDS);
    for (done, task) in order.tasks.iter().enumerate() {
        let begun = now();
        if !desk.gate.pass() || done >= LEAST && pace.is_over(begun) {
            break;
        }
        desk.progress(
            "student",
            done as u64,
            Some(order.tasks.len() as u64),
            "tasks",
            String::new(),
        );
        match attempt(order, task, (weights, &mut student), bases, pace.edits(begun), desk)? {
            Ok(attempt) => attempts.push(attempt),
            Err(reason) => dropped.push((task.id, reason)),
        }
        pace.done(now() - begun, now());
    }
    Ok((attempts, dropped))
}

/// How attempts are drawn.
struct Draw<'a> {
    weights: &'a Weights,
    attempts: usize,
    seed: u64,
}

/// Several attempts at each task, each by an edit of its own, of which soft verification accepts
/// at most so many: a task that is easy would else fill the data with itself.
fn by_sampling(order: &RollOut, draw: &Draw<'_>, bases: &Bases, desk: &Desk) -> Result<Rolled> {
    let mut student = fix::student(draw.weights, desk)?;
    let (mut attempts, mut dropped) = (Vec::new(), Vec::new());
    let name = name_of(draw.weights)?;
    let total = order.tasks.len() as u64;
    for (done, task) in (0..).zip(&order.tasks) {
        if !desk.gate.pass() {
            break;
        }
        let message = format!("{} accepted", attempts.len());
        desk.progress("student", done, Some(total), "tasks", message);
        let (environment, base) = match bases.environment(task) {
            Ok(found) => found,
            Err(reason) => {
                dropped.push((task.id, reason));
                continue;
            }
        };
        let seed = draw.seed.wrapping_add(done);
        let options =
            Guided { opened: 2, edits: EDITS, temperature: TEMPERATURE, seed, ..Guided::default() };
        let cancel = desk.gate.as_cancel();
        let (what, most) = (&task.description, draw.attempts);
        let drawn = guided::sample(what, &mut student, environment, &options, most, cancel);
        let drawn = match drawn {
            Err(ModelError::Cancelled) => break,
            drawn => drawn.context("the student failed")?,
        };
        let judged = (0..).zip(drawn).map(|(at, solved): (usize, _)| {
            let id = format!("{}{name}{seed}/{at}", task.id);
            let id = TrajectoryId::new(order.now_ms, id.as_bytes());
            let trajectory = solved.trajectory(task, id, &name);
            let verdict = verify(task, &trajectory, &base, &Thresholds::default());
            Attempt { task: task.clone(), trajectory, verdict }
        });
        let (good, bad): (Vec<_>, Vec<_>) = judged.partition(|one| one.verdict.accepted());
        dropped.extend(bad.iter().map(|one| (one.task.id, DropReason::Rejected)));
        attempts.extend(good.into_iter().take(KEPT));
    }
    Ok((attempts, dropped))
}

fn name_of(weights: &Weights) -> Result<String> {
    let who = serde_json::to_string(weights).context("failed to name the student")?;
    Ok(format!("{STUDENT}{}", sera_core::Digest::of(who.as_bytes()).short()))
}

fn attempt(
    order: &RollOut,
    task: &Task,
    (weights, student): (&Weights, &mut Student),
    bases: &Bases,
    edits: usize,
    desk: &Desk,
) -> Result<Result<Attempt, DropReason>> {
    let (environment, base) = match bases.environment(task) {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let options = Guided { opened: 1, edits, ..Guided::default() };
    let cancel = desk.gate.as_cancel();
    let mut ignore = |_| ();
    let solved =
        guided::solve(&task.description, student, environment, &options, &mut ignore, cancel);
    let name = name_of(weights)?;
    let id = TrajectoryId::new(order.now_ms, format!("{}{name}", task.id).as_bytes());
    let trajectory = solved.trajectory(task, id, &name);
    let verdict = verify(task, &trajectory, &base, &Thresholds::default());
    Ok(Ok(Attempt { task: task.clone(), trajectory, verdict }))
}
