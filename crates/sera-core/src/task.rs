//! Tasks: a description, a base tree, and the patch that solves it.
use crate::{CommitId, FunctionKey, Patch, SeedId, TaskId};
use serde::{Deserialize, Serialize};

/// The schema word every stored task opens with.
pub const TASK_SCHEMA: &str = "sera-task/1";

/// The tree a task starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// The commit whose tree is taken.
    pub commit: CommitId,
    /// Applied to that tree first: the planted fault of a mutation task, nothing for a commit's.
    pub bug: Option<Patch>,
}

/// Where the reference patch came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Origin {
    /// An operator changed one function; the inverse is the reference.
    Mutation {
        /// The operator's name, `identifier-swap`.
        operator: String,
        /// The changed function.
        function: FunctionKey,
        /// True for refactoring inverses and other changes that are not faults.
        refactoring: bool,
    },
    /// A commit's own change.
    Commit {
        /// The commit.
        commit: CommitId,
    },
    /// What a teacher did when it was asked something vague about a function.
    Generated {
        /// The function.
        function: FunctionKey,
        /// The description is that request itself: the attempt is the reference's own.
        vague: bool,
    },
    /// A change that was described and made elsewhere.
    Imported {
        /// Its name there.
        name: String,
    },
}

/// How the description speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Register {
    /// A symptom, as a user of the code would report it.
    Symptom,
    /// A terse request, as a commit subject would put it.
    Terse,
    /// That something is wrong with a place, and nothing more (SERA's first rollout, T1).
    Vague,
}

/// One of the change families of the catalogue, `wrong-variable`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Family(pub String);

impl Task {
    /// What items are grouped by, since those of one group are alike: the commit of a commit's task
    /// (true), else the file.
    pub fn cluster(&self) -> (String, bool) {
        match &self.origin {
            Origin::Commit { commit } => (commit.to_string(), true),
            Origin::Imported { name } => (name.clone(), false),
            Origin::Mutation { function, .. } | Origin::Generated { function, .. } => {
                (function.path.to_string(), false)
            }
        }
    }
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// [`TASK_SCHEMA`].
    pub schema: String,
    /// The task's name.
    pub id: TaskId,
    /// What it was made from.
    pub seed: SeedId,
    /// How it was made.
    pub origin: Origin,
    /// Where work starts.
    pub base: Base,
    /// What the solver is told.
    pub description: String,
    /// How that is worded.
    pub register: Register,
    /// What kind of change is asked for.
    pub family: Family,
    /// What a solver should arrive at.
    pub reference: Patch,
    /// Inherited from the seed; never trained on when true.
    pub held_out: bool,
    /// Seed of every random choice made for it.
    pub rng_seed: u64,
}
