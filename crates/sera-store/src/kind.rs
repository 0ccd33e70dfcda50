//! What kinds of facts there are: one namespace of keys each.
use serde::{Deserialize, Serialize};

/// A kind of fact. The numbers are on disk and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// A function or commit a task may be made from.
    Seed = 1,
    /// Description, base and reference.
    Task = 2,
    /// The record of a rollout.
    Trajectory = 3,
    /// What soft verification said.
    Verdict = 4,
    /// A hole-fill example.
    Hole = 5,
    /// A selection of trajectories.
    Dataset = 6,
    /// A trained adapter or a checkpoint of one.
    Adapter = 7,
    /// What an evaluation returned.
    Scorecard = 8,
    /// What is served, and why.
    Promotion = 9,
    /// The last commit that may be trained on.
    Cut = 10,
    /// A unit of work.
    Job = 11,
    /// What mining already knows.
    Known = 12,
    /// What the user agreed to.
    Consent = 13,
    /// Tokens and money spent.
    Spend = 14,
    /// A setting of this repository.
    Setting = 15,
    /// What a teacher made of a function.
    Generation = 16,
    /// Conversations that nobody attempted.
    Lesson = 17,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 17] = [
        Self::Seed,
        Self::Task,
        Self::Trajectory,
        Self::Verdict,
        Self::Hole,
        Self::Dataset,
        Self::Adapter,
        Self::Scorecard,
        Self::Promotion,
        Self::Cut,
        Self::Job,
        Self::Known,
        Self::Consent,
        Self::Spend,
        Self::Setting,
        Self::Generation,
        Self::Lesson,
    ];

    /// The number on disk.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a number; `None` where a newer version wrote it.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Task => "task",
            Self::Trajectory => "trajectory",
            Self::Verdict => "verdict",
            Self::Hole => "hole",
            Self::Dataset => "dataset",
            Self::Adapter => "adapter",
            Self::Scorecard => "scorecard",
            Self::Promotion => "promotion",
            Self::Cut => "cut",
            Self::Job => "job",
            Self::Known => "known",
            Self::Consent => "consent",
            Self::Spend => "spend",
            Self::Setting => "setting",
            Self::Generation => "generation",
            Self::Lesson => "lesson",
        }
    }

    /// The version in which values of this kind are written today. Raised when a value's form
    /// changes; older ones are read for ever, newer ones are refused by name.
    pub fn schema(self) -> u16 {
        1
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
