//! Selection: which attempts are trained on, in which order. Pure, so that it can be made again.
use crate::caps::{Caps, Share};
use crate::rollout::Attempt;
use crate::{DropReason, Drops, Policy};
use sera_core::TrajectoryId;

/// Bytes of code to a token, near enough for a limit.
const BYTES_PER_TOKEN: f64 = 4.0;

/// What is trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selected {
    /// Best first.
    pub chosen: Vec<TrajectoryId>,
    /// How many were left out, by reason.
    pub dropped: Drops,
}

/// Chooses among `attempts`, whoever made them: first what may be trained on at all, in the order
/// of the truncation ratio, then as much of it as the caps leave. `truncation` is the share of an
/// attempt's messages that the student keeps within its length, in [0, 1].
pub fn select(
    attempts: &[Attempt],
    truncation: &dyn Fn(&Attempt) -> f64,
    policy: &Policy,
) -> Selected {
    let mut dropped = Drops::new();
    let mut fitting = Vec::new();
    for attempt in attempts {
        let ratio = truncation(attempt);
        match unfit(attempt, ratio, policy) {
            Some(reason) => *dropped.entry(reason).or_default() += 1,
            None => fitting.push((ratio, attempt)),
        }
    }
    // Ties by id, which is ordered by time and then by content: never by chance.
    fitting.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.trajectory.id.cmp(&b.1.trajectory.id)));
    let shares: Vec<Share<'_>> = fitting.iter().map(|(_, a)| Share::of(&a.task)).collect();
    let kept = Caps::of(policy).choose(&shares, usize::MAX);
    let mut chosen = Vec::new();
    for ((_, attempt), kept) in fitting.iter().zip(kept) {
        match kept {
            None => chosen.push(attempt.trajectory.id),
            Some(reason) => *dropped.entry(reason).or_default() += 1,
        }
    }
    Selected { chosen, dropped }
}

fn unfit(attempt: &Attempt, ratio: f64, policy: &Policy) -> Option<DropReason> {
    let lines = attempt.trajectory.candidate().map_or(0, sera_core::Patch::changed_lines);
    let reasons = [
        (attempt.task.held_out, DropReason::HeldOut),
        (!attempt.verdict.accepted(), DropReason::Rejected),
        (lines > policy.max_task_lines, DropReason::TooLarge),
        (mean_observation(attempt) > policy.max_mean_observation, DropReason::LongObservations),
        (ratio < policy.min_truncation_ratio, DropReason::Truncated),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}

/// Mean tokens of an observation.
fn mean_observation(attempt: &Attempt) -> f64 {
    let steps = &attempt.trajectory.steps;
    let bytes: usize = steps.iter().map(|s| s.observation.text.len()).sum();
    bytes as f64 / BYTES_PER_TOKEN / steps.len().max(1) as f64
}
