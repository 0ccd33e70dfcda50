//! Verdicts: what soft verification says of a candidate, numbers first, the decision derived.
use serde::{Deserialize, Serialize};

/// How much of the reference a candidate reproduces. All shares are in [0, 1].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// SERA's r: matched changed lines over the reference's changed lines.
    pub recall: f64,
    /// The same with trivial lines counted a fifth.
    pub weighted_recall: f64,
    /// Matched changed lines over the candidate's changed lines.
    pub precision: f64,
    /// Harmonic mean of recall and precision.
    pub f1: f64,
    /// Changed lines of the candidate over those of the reference; not bounded by 1.
    pub size_ratio: f64,
    /// Files both change over files either changes.
    pub files: f64,
}

/// Why a trajectory is not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// No patch was submitted.
    NotSubmitted,
    /// The submitted patch is empty.
    Empty,
    /// The edited file no longer parses.
    ParseError,
    /// A file the reference does not touch was edited, or one it does was not.
    WrongFile,
    /// Weighted recall below the threshold.
    LowRecall,
    /// The candidate changes far more than the reference.
    TooLarge,
    /// The candidate was there to be read: task text or an observation quoted it.
    Leak,
}

/// What soft verification says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The numbers, kept so that the decision can be made again later.
    pub overlap: Overlap,
    /// Enclosing functions both change over those either changes.
    pub symbols: f64,
    /// Both sides leave the same syntax trees.
    pub tree_equal: bool,
    /// Every edited file of a known language parses.
    pub parse_ok: bool,
    /// `None` is accepted.
    pub rejected: Option<Rejection>,
}

impl Verdict {
    /// Whether the trajectory may be trained on.
    pub fn accepted(&self) -> bool {
        self.rejected.is_none()
    }
}
