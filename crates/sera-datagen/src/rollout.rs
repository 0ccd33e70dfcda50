//! Rolling out: every task played by the procedural teacher in an environment of its own.
use crate::change::{Change, Seen};
use crate::{Bases, DropReason, Policy, ProceduralTeacher};
use sera_agent::dialect::Reader;
use sera_agent::{Limits, Thresholds, roll_out, verify};
use sera_core::{
    Action, Cancel, Outcome, Task, TaskId, Trajectory, TrajectoryId, TreePath, Verdict,
};
use sera_sandbox::Overlay;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The teacher's name in records.
pub const PROCEDURAL: &str = "procedural";
/// What a student's name in records begins with.
pub const STUDENT: &str = "student:";

/// Limits of the teacher's rollouts: it ends by itself, so these only catch mistakes of ours.
const LIMITS: Limits = Limits {
    steps: 40,
    tokens: 32_768,
    reply_tokens: 4_096,
    temperature: 0.0,
    seed: 0,
    reader: Reader::Student,
};

/// One accepted attempt at a task.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    /// What was attempted.
    pub task: Task,
    /// What was done.
    pub trajectory: Trajectory,
    /// What soft verification says of it.
    pub verdict: Verdict,
}

/// What came of rolling out many tasks.
#[derive(Clone, Debug, Default)]
pub struct RolledOut {
    /// Attempts that reproduce their reference, in the order of the tasks.
    pub attempts: Vec<Attempt>,
    /// Tasks without a kept attempt.
    pub dropped: Vec<(TaskId, DropReason)>,
}

/// Plays every task on the policy's threads. `watch` is told how many are done, from any thread;
/// `now_ms` (Unix milliseconds) is what ids are ordered by. Tasks left when the caller cancels are
/// dropped as such.
pub fn roll_out_all(
    tasks: &[Task],
    bases: &Bases,
    policy: &Policy,
    now_ms: u64,
    cancel: &Cancel,
    watch: &(dyn Fn(usize) + Sync),
) -> RolledOut {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let each = || {
        let mut played = Vec::new();
        while let Some((at, task)) = take(tasks, &next) {
            played.push((at, play(task, bases, policy, now_ms, cancel)));
            watch(1 + done.fetch_add(1, Ordering::Relaxed));
        }
        played
    };
    // Every step of a task reads the same few files again.
    let share = || sera_syntax::parsing_once(each);
    let mut played: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..policy.threads.max(1)).map(|_| scope.spawn(share)).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    played.sort_by_key(|(at, _)| *at);
    let mut out = RolledOut::default();
    for (at, result) in played {
        match result {
            Ok(attempt) => out.attempts.push(attempt),
            Err(reason) => out.dropped.push((tasks[at].id, reason)),
        }
    }
    out
}

fn take<'a>(tasks: &'a [Task], next: &AtomicUsize) -> Option<(usize, &'a Task)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    tasks.get(at).map(|task| (at, task))
}

/// Plays one task; an attempt that does not reproduce the reference is dropped with its reason.
pub fn play(
    task: &Task,
    bases: &Bases,
    policy: &Policy,
    now_ms: u64,
    cancel: &Cancel,
) -> Result<Attempt, DropReason> {
    cancel.check().map_err(|_| DropReason::Cancelled)?;
    let (environment, base) = bases.environment(task)?;
    let read = |path: &TreePath| base.read_text(path).ok();
    let mut teacher = ProceduralTeacher::new(task, &read, policy.max_searches, task.rng_seed)?;
    let limits = Limits { seed: task.rng_seed, ..LIMITS };
    let name = format!("{}/{PROCEDURAL}", task.id);
    let id = TrajectoryId::new(now_ms, name.as_bytes());
    let trajectory = roll_out(task, id, &mut teacher, environment, &limits, cancel, PROCEDURAL);
    if let Some(reason) = teacher.gave_up() {
        return Err(reason);
    }
    judge(task, trajectory, &base)
}

fn judge(task: &Task, trajectory: Trajectory, base: &Overlay) -> Result<Attempt, DropReason> {
    match &trajectory.outcome {
        Outcome::Submitted { .. } => {}
        Outcome::LimitReached { limit: sera_core::trajectory::Limit::Cancelled } => {
            return Err(DropReason::Cancelled);
        }
        Outcome::LimitReached { .. } | Outcome::Failed { .. } => {
            return Err(DropReason::NotSubmitted);
        }
    }
    if trajectory.steps.iter().any(|s| matches!(s.action, Action::Edit { .. }) && !s.observation.ok)
    {
        return Err(DropReason::EditFailed);
    }
    if !derivable(task, &trajectory, base) {
        return Err(DropReason::Underdetermined);
    }
    let verdict = verify(task, &trajectory, base, &Thresholds::default());
    let exact = verdict.overlap.recall >= 1.0 && verdict.overlap.precision >= 1.0;
    match (verdict.accepted(), exact) {
        (false, _) => Err(DropReason::Rejected),
        (true, false) => Err(DropReason::NotReproduced),
        (true, true) => Ok(Attempt { task: task.clone(), trajectory, verdict }),
    }
}

/// Whether every query uses only words that had been seen, and every edit inserts only names and
/// literals that had been seen, in the description or an earlier observation.
pub fn derivable(task: &Task, trajectory: &Trajectory, base: &Overlay) -> bool {
    let read = |path: &TreePath| base.read_text(path).ok().map(|text| text.to_string());
    let Some(change) = Change::of(&task.reference, &read) else { return false };
    let mut seen = Seen::of([trajectory.description.as_str()]);
    trajectory.steps.iter().all(|step| {
        let derived = match &step.action {
            Action::Search { query } => query.split_whitespace().all(|w| seen.holds_word(w)),
            Action::Open { path, name } => {
                seen.holds(path.as_str()) && name.as_ref().is_none_or(|n| seen.holds(n))
            }
            Action::Edit { new, .. } => change.part_determined_by(new, &seen),
            Action::View { .. }
            | Action::Create { .. }
            | Action::Insert { .. }
            | Action::Undo { .. }
            | Action::Check { .. }
            | Action::Bash { .. }
            | Action::Diff
            | Action::Submit
            | Action::Unreadable { .. } => true,
        };
        seen.add(&step.observation.text);
        derived
    })
}
