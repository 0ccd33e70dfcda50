//! The open loop: prompt, reply, read, execute, step.
use crate::Environment;
use sera_core::{Cancel, Model, Task, Trajectory, TrajectoryId};

/// Where a rollout ends, and how the model draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Steps at most.
    pub steps: usize,
    /// Tokens of the whole conversation at most.
    pub tokens: u64,
    /// Tokens of one reply at most.
    pub reply_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seed of the model's draws.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 12, tokens: 1024, reply_tokens: 160, temperature: 0.0, seed: 0 }
    }
}

/// Lets `model` work on `task` until it submits or a limit ends it. Never fails.
pub fn roll_out(
    task: &Task,
    id: TrajectoryId,
    model: &mut dyn Model,
    environment: Environment,
    limits: &Limits,
    cancel: &Cancel,
    teacher: &str,
) -> Trajectory {
    let _ = (task, id, model, environment, limits, cancel, teacher);
    todo!()
}
