//! Rolling out: every task played by the procedural teacher in an environment of its own.
use crate::{Bases, DropReason, Policy};
use sera_core::{Cancel, Task, TaskId, Trajectory, Verdict};

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

/// Plays every task on `threads` threads. `watch` is told how many are done, from any thread.
pub fn roll_out_all(
    tasks: &[Task],
    bases: &Bases,
    policy: &Policy,
    threads: usize,
    now_ms: u64,
    cancel: &Cancel,
    watch: &(dyn Fn(usize) + Sync),
) -> RolledOut {
    let _ = (tasks, bases, policy, threads, now_ms, cancel, watch);
    todo!()
}
