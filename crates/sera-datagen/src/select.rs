//! Selection: which attempts are trained on, in which order. Pure, so that it can be made again.
use crate::rollout::Attempt;
use crate::{Drops, Policy};
use sera_core::TrajectoryId;

/// What is trained on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selected {
    /// Best first.
    pub chosen: Vec<TrajectoryId>,
    /// How many were left out, by reason.
    pub dropped: Drops,
}

/// Chooses among `attempts`. `truncation` is the share of an attempt's messages that the student
/// keeps within its length, in [0, 1].
pub fn select(
    attempts: &[Attempt],
    truncation: &dyn Fn(&Attempt) -> f64,
    policy: &Policy,
) -> Selected {
    let _ = (attempts, truncation, policy);
    todo!()
}
