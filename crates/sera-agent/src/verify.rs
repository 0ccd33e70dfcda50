//! Soft verification: how much of the reference a candidate reproduces, without running anything.
use sera_core::{Task, Trajectory, Tree, Verdict};

/// What a candidate must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Weighted recall at least.
    pub weighted_recall: f64,
    /// Size ratio at most.
    pub size_ratio: f64,
    /// A run of this many code tokens of an added line in the description is a leak.
    pub leak_tokens: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { weighted_recall: 0.5, size_ratio: 3.0, leak_tokens: 8 }
    }
}

/// Judges `trajectory` as a solution of `task`. `base` has the planted fault applied.
pub fn verify(
    task: &Task,
    trajectory: &Trajectory,
    base: &dyn Tree,
    thresholds: &Thresholds,
) -> Verdict {
    let _ = (task, trajectory, base, thresholds);
    todo!()
}
