//! Selection: which attempts are trained on, in which order. Pure, so that it can be made again
//! without another rollout: what was stored is judged by numbers, and numbers can be chosen.
use crate::caps::{Caps, Share};
use crate::rollout::Attempt;
use crate::{DropReason, Drops, Policy};
use sera_agent::Thresholds;
use sera_agent::verify::judge_again;
use sera_core::{Origin, TrajectoryId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Bytes of code to a token, near enough for a limit.
const BYTES_PER_TOKEN: f64 = 4.0;

/// What an attempt came from. A mix of these is chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A planted fault, solved by the book.
    Mutation,
    /// A commit's own change, solved by the book.
    Commit,
    /// A teacher's first rollout, which answers a vague request (T1 of SERA).
    Request,
    /// A teacher's second rollout, which is given a description (T2 of SERA).
    Report,
    /// The student's own attempt.
    Student,
    /// Made elsewhere.
    Imported,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 6] =
        [Self::Mutation, Self::Commit, Self::Request, Self::Report, Self::Student, Self::Imported];

    /// Where `attempt` came from.
    pub fn of(attempt: &Attempt) -> Self {
        let own = attempt.trajectory.teacher.starts_with(crate::rollout::STUDENT);
        match attempt.task.origin {
            Origin::Imported { .. } => Self::Imported,
            _ if own => Self::Student,
            Origin::Mutation { .. } => Self::Mutation,
            Origin::Commit { .. } => Self::Commit,
            Origin::Generated { vague: true, .. } => Self::Request,
            Origin::Generated { vague: false, .. } => Self::Report,
        }
    }

    /// The word for it, as in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Commit => "commit",
            Self::Request => "request",
            Self::Report => "report",
            Self::Student => "student",
            Self::Imported => "imported",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A choice that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SelectError {
    /// No source has this name.
    #[error(
        "read {0:?} as a source: it is none of mutation, commit, request, report, student, imported"
    )]
    UnknownSource(String),
    /// A share is a number from 0 to 1.
    #[error("take a share of {0}: it is not within 0 and 1")]
    Share(f64),
    /// A recall is a number from 0 to 1.
    #[error("ask for a recall of {0}: it is not within 0 and 1")]
    Recall(f64),
}

impl FromStr for Source {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let found = Self::ALL.into_iter().find(|source| source.name() == text);
        found.ok_or_else(|| SelectError::UnknownSource(text.to_owned()))
    }
}

/// What a user may choose about what is trained on. All else is the [`Policy`]'s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Weighted recall of an accepted attempt at least, in [0, 1].
    pub min_recall: f64,
    /// Lines that a candidate may change (SERA §1.9: 40).
    pub max_patch: usize,
    /// Most that a source may make of what is chosen, in [0, 1]; one that is not named has no
    /// bound.
    pub mix: BTreeMap<Source, f64>,
}

impl Default for Selection {
    /// A student learns from itself at most as much as from all others: what it cannot do yet is
    /// not among what it did.
    fn default() -> Self {
        Self {
            min_recall: Thresholds::default().weighted_recall,
            max_patch: Policy::default().max_task_lines,
            mix: BTreeMap::from([(Source::Student, 0.5)]),
        }
    }
}

impl Selection {
    /// Refuses what is no share and no recall.
    pub fn check(&self) -> Result<(), SelectError> {
        let outside = |share: &f64| !(0.0..=1.0).contains(share);
        if outside(&self.min_recall) {
            return Err(SelectError::Recall(self.min_recall));
        }
        match self.mix.values().copied().find(|share| outside(share)) {
            Some(share) => Err(SelectError::Share(share)),
            None => Ok(()),
        }
    }

    /// Whether soft verification accepts `attempt` at this recall.
    pub fn accepts(&self, attempt: &Attempt) -> bool {
        let Attempt { task, trajectory, verdict } = attempt;
        let thresholds = Thresholds { weighted_recall: self.min_recall, ..Thresholds::default() };
        judge_again(task, trajectory, verdict, &thresholds).is_none()
    }
}

/// What is trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selected {
    /// Best first.
    pub chosen: Vec<TrajectoryId>,
    /// The others, each with its reason.
    pub left: Vec<(TrajectoryId, DropReason)>,
}

impl Selected {
    /// How many were left out, by reason.
    pub fn dropped(&self) -> Drops {
        crate::reason::count(self.left.iter().map(|(_, reason)| *reason))
    }
}

/// Chooses among `attempts`, whoever made them: first what may be trained on at all, in the order
/// of the truncation ratio, then as much of it as the caps leave. `truncation` is the share of an
/// attempt's messages that the student keeps within its length, in [0, 1].
pub fn select<'a>(
    attempts: &'a [Attempt],
    truncation: &dyn Fn(&Attempt) -> f64,
    policy: &Policy,
    selection: &Selection,
) -> Selected {
    let mut selected = Selected::default();
    let mut fitting = Vec::new();
    for attempt in attempts {
        let ratio = truncation(attempt);
        match unfit(attempt, ratio, policy, selection) {
            Some(reason) => selected.left.push((attempt.trajectory.id, reason)),
            None => fitting.push((ratio, attempt)),
        }
    }
    // Ties by id, which is ordered by time and then by content: never by chance.
    fitting.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.trajectory.id.cmp(&b.1.trajectory.id)));
    let share =
        |(_, attempt): &(f64, &'a Attempt)| Share::of(&attempt.task).from(Source::of(attempt));
    let shares: Vec<Share<'_>> = fitting.iter().map(share).collect();
    let kept = Caps::of(policy).mixed(&selection.mix).choose(&shares, usize::MAX);
    for ((_, attempt), kept) in fitting.iter().zip(kept) {
        match kept {
            None => selected.chosen.push(attempt.trajectory.id),
            Some(reason) => selected.left.push((attempt.trajectory.id, reason)),
        }
    }
    selected
}

fn unfit(
    attempt: &Attempt,
    ratio: f64,
    policy: &Policy,
    selection: &Selection,
) -> Option<DropReason> {
    let lines = attempt.trajectory.candidate().map_or(0, sera_core::Patch::changed_lines);
    let reasons = [
        (attempt.task.held_out, DropReason::HeldOut),
        (!selection.accepts(attempt), DropReason::Rejected),
        (lines > selection.max_patch, DropReason::TooLarge),
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
