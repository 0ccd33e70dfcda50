//! Scorecards: what an evaluation returns, item by item, so that any statistic can be made again.
use crate::{TaskId, stats::Paired};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema word every stored scorecard opens with.
pub const SCORECARD_SCHEMA: &str = "sera-scorecard/1";

/// What an adapter may win, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Fill holes in held-out functions.
    Complete,
    /// Rank the place to change.
    Locate,
    /// Propose the change.
    Fix,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Locate, Self::Fix];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Locate => "locate",
            Self::Fix => "fix",
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The base in the guided harness.
    Base,
    /// The base with the two most similar solved training tasks in the prompt.
    Retrieval,
    /// The adapter.
    Adapter,
    /// The adapter given another task's text.
    Shuffled,
    /// The adapter of another repository of the same language (benchmarks only).
    Foreign,
    /// An adapter trained with permuted targets (benchmarks only).
    Permuted,
}

impl Arm {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Retrieval => "retrieval",
            Self::Adapter => "adapter",
            Self::Shuffled => "shuffled",
            Self::Foreign => "foreign",
            Self::Permuted => "permuted",
        }
    }
}

/// One held-out hole under one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoleScore {
    /// `path::name`, the same in every arm.
    pub item: String,
    /// The file.
    pub cluster: String,
    /// Negative log-likelihood of the hole's tokens, nats, summed.
    pub nll: f64,
    /// Tokens in the hole.
    pub tokens: usize,
    /// The greedy continuation equals the hole; `None` where none was made.
    pub exact: Option<bool>,
}

/// One held-out task under one arm. What was not measured within the budget is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixScore {
    /// The task.
    pub task: TaskId,
    /// The file or, for commit tasks, the commit.
    pub cluster: String,
    /// A commit task; reported apart.
    pub commit: bool,
    /// Negative log-likelihood of the reference edit's tokens that differ from the old lines, summed.
    pub nll: f64,
    /// How many tokens that is.
    pub tokens: usize,
    /// Rank (1-based) of the right place after the model's re-ranking of 20 hits.
    pub located: Option<usize>,
    /// Rank of the right place in retrieval's own order.
    pub retrieved: Option<usize>,
    /// Rank of the reference among the enumerated and proposed edits.
    pub ranked: Option<usize>,
    /// How many edits were ranked.
    pub candidates: Option<usize>,
    /// Actions written that could be read and executed, of all written freely.
    pub valid: Option<(usize, usize)>,
    /// Recall of the greedy rollout's candidate.
    pub recall: Option<f64>,
    /// Its F1.
    pub f1: Option<f64>,
    /// The candidate equals the reference.
    pub exact: Option<bool>,
}

/// What an evaluation returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// [`SCORECARD_SCHEMA`].
    pub schema: String,
    /// Held-out holes by arm.
    pub complete: BTreeMap<Arm, Vec<HoleScore>>,
    /// Held-out tasks by arm.
    pub fix: BTreeMap<Arm, Vec<FixScore>>,
    /// Nats per token on the fixed general set, by arm.
    pub general: BTreeMap<Arm, f64>,
}

impl Scorecard {
    /// Per-token likelihood differences `arm − control` of the holes both arms scored.
    pub fn paired_complete(&self, arm: Arm, control: Arm) -> Vec<Paired> {
        let _ = (arm, control);
        todo!()
    }

    /// The same for fix tasks, per changed token; `commits` picks commit or mutation tasks.
    pub fn paired_fix(&self, arm: Arm, control: Arm, commits: Option<bool>) -> Vec<Paired> {
        let _ = (arm, control, commits);
        todo!()
    }
}
