//! Trajectories: the neutral record of a rollout, free of any model's text format.
//!
//! `sera-trajectory/1` is read for ever. Dialects render it (`sera-agent`); exports convert it.
use crate::{Patch, TaskId, TrajectoryId, TreePath, Usage};
use serde::{Deserialize, Serialize};

/// The schema word every stored trajectory opens with.
pub const TRAJECTORY_SCHEMA: &str = "sera-trajectory/1";

/// What a model can do in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Ranked search over symbols and text.
    Search {
        /// Words to look for.
        query: String,
    },
    /// Show a function of a file, or the whole file where no name is given.
    Open {
        /// The file.
        path: TreePath,
        /// The qualified name of a function in it.
        name: Option<String>,
    },
    /// Show a file's lines with their numbers, or what a folder holds.
    View {
        /// The file or folder; none is the whole tree.
        path: Option<TreePath>,
        /// The first and the last line, counted from 1.
        lines: Option<(usize, usize)>,
    },
    /// Replace the only occurrence of `old` in a file by `new`.
    Edit {
        /// The file.
        path: TreePath,
        /// Text that occurs exactly once.
        old: String,
        /// What stands there afterwards.
        new: String,
    },
    /// Make a file that is not there yet.
    Create {
        /// The file.
        path: TreePath,
        /// What it holds.
        text: String,
    },
    /// Put lines into a file.
    Insert {
        /// The file.
        path: TreePath,
        /// The line they come after, counted from 1; 0 puts them first.
        after: usize,
        /// The lines.
        text: String,
    },
    /// Take the last change of a file back.
    Undo {
        /// The file.
        path: TreePath,
    },
    /// Run a command of the shell, where an environment has one.
    Bash {
        /// The command, of one or more lines.
        command: String,
    },
    /// Parse a file and report syntax errors.
    Check {
        /// The file.
        path: TreePath,
    },
    /// Show the patch so far.
    Diff,
    /// End the rollout with the patch so far.
    Submit,
    /// What the model wrote could not be read as an action.
    Unreadable {
        /// The text as it came.
        text: String,
    },
}

impl Action {
    /// The same with each of its texts as `change` has it; paths stay.
    #[must_use]
    pub fn with_texts(self, change: &dyn Fn(String) -> String) -> Self {
        match self {
            Self::Search { query } => Self::Search { query: change(query) },
            Self::Open { path, name } => Self::Open { path, name: name.map(change) },
            Self::Edit { path, old, new } => {
                Self::Edit { path, old: change(old), new: change(new) }
            }
            Self::Create { path, text } => Self::Create { path, text: change(text) },
            Self::Insert { path, after, text } => Self::Insert { path, after, text: change(text) },
            Self::Bash { command } => Self::Bash { command: change(command) },
            Self::Unreadable { text } => Self::Unreadable { text: change(text) },
            Self::View { .. }
            | Self::Undo { .. }
            | Self::Check { .. }
            | Self::Diff
            | Self::Submit => self,
        }
    }

    /// The file or folder that it names.
    pub fn path(&self) -> Option<&TreePath> {
        match self {
            Self::Open { path, .. }
            | Self::Edit { path, .. }
            | Self::Create { path, .. }
            | Self::Insert { path, .. }
            | Self::Undo { path }
            | Self::Check { path } => Some(path),
            Self::View { path, .. } => path.as_ref(),
            Self::Search { .. }
            | Self::Bash { .. }
            | Self::Diff
            | Self::Submit
            | Self::Unreadable { .. } => None,
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What the model is shown.
    pub text: String,
    /// False where the action failed.
    pub ok: bool,
}

/// Thought, action, observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Free text before the action, if the dialect has any.
    pub thought: Option<String>,
    /// What the model asked for.
    pub action: Action,
    /// What came back, executed and stored as it came.
    pub observation: Observation,
    /// Written by the harness, by a failing or by a looping model: context, never loss.
    pub masked: bool,
}

/// Which limit ended a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Too many steps.
    Steps,
    /// Too many tokens.
    Tokens,
    /// Too long.
    Time,
    /// What may be spent is spent.
    Budget,
    /// The caller cancelled.
    Cancelled,
}

/// How a rollout ended. Data, never an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The model submitted this candidate, possibly empty.
    Submitted {
        /// The candidate.
        patch: Patch,
    },
    /// A limit ended it.
    LimitReached {
        /// Which one.
        limit: Limit,
    },
    /// The model or the environment failed.
    Failed {
        /// A stable code, `context-overflow`.
        code: String,
        /// What happened, for people.
        message: String,
    },
}

/// The record of one rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// [`TRAJECTORY_SCHEMA`].
    pub schema: String,
    /// The trajectory's name.
    pub id: TrajectoryId,
    /// What was attempted.
    pub task: TaskId,
    /// The description as the model was given it.
    pub description: String,
    /// `procedural`, `student:<base>+<adapter>`, or a server's model name.
    pub teacher: String,
    /// Digest of the standing instruction and dialect tables in force.
    pub prompts: String,
    /// Seed of the model's random choices.
    pub rng_seed: u64,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub outcome: Outcome,
    /// Tokens used.
    pub usage: Usage,
    /// Cost in micro-dollars; 0 for local models.
    pub cost_microdollars: u64,
}

impl Trajectory {
    /// The candidate, where one was submitted.
    pub fn candidate(&self) -> Option<&Patch> {
        match &self.outcome {
            Outcome::Submitted { patch } => Some(patch),
            Outcome::LimitReached { .. } | Outcome::Failed { .. } => None,
        }
    }
}
