//! The guided harness for students too small to plan: the harness searches, the model ranks.
use crate::Environment;
use crate::dialect::Shot;
use sera_core::{Cancel, FunctionKey, Model, Outcome, Patch, Step, TreePath, Usage};
use sera_syntax::{Hit, Operator};
use std::sync::Arc;

/// How the harness works.
#[derive(Clone, Debug, PartialEq)]
pub struct Guided {
    /// Functions taken from retrieval for re-ranking.
    pub hits: usize,
    /// Best functions that are opened.
    pub opened: usize,
    /// Only these files or folders; empty for all.
    pub paths: Vec<String>,
    /// Solved tasks shown first.
    pub shots: Vec<Shot>,
}

impl Default for Guided {
    fn default() -> Self {
        Self { hits: 20, opened: 3, paths: Vec::new(), shots: Vec::new() }
    }
}

/// What the harness is doing, for streaming.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A search with these words begins.
    Searching {
        /// The words.
        query: String,
    },
    /// Functions found, in retrieval's order.
    Hits(Vec<FunctionKey>),
    /// The model's order of them.
    Located(Vec<FunctionKey>),
    /// A function was opened.
    Opened(FunctionKey),
    /// So many single edits of it are ranked.
    Ranking {
        /// How many.
        edits: usize,
    },
    /// The model writes an edit of its own.
    Writing,
    /// The best patches are known.
    Proposals(usize),
}

/// Where a proposal came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A single edit of an operator.
    Enumerated(Operator),
    /// The model's own writing.
    Written,
}

/// One ranked patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The file.
    pub path: TreePath,
    /// The function.
    pub name: String,
    /// The change.
    pub patch: Patch,
    /// What it was ranked by, in nats; higher is better.
    pub nats: f64,
    /// Where it came from.
    pub source: Source,
}

/// Retrieval's hits and the model's order of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The search step, written by the harness and masked.
    pub step: Step,
    /// Functions in retrieval's order.
    pub hits: Vec<Hit>,
    /// Indices into `hits`, the model's best first.
    pub order: Vec<usize>,
    /// Score by hit, parallel to `hits`; `None` where the model cannot score.
    pub nats: Option<Vec<f64>>,
}

/// One possible edit of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The file's whole text afterwards.
    pub text: Arc<str>,
    /// Where it came from.
    pub source: Source,
    /// What it was ranked by, in nats; higher is better.
    pub nats: f64,
}

/// The edits of one function, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The function.
    pub place: FunctionKey,
    /// The file's text before.
    pub before: Arc<str>,
    /// Every candidate, best first.
    pub candidates: Vec<Candidate>,
    /// How many came from the operators.
    pub enumerated: usize,
    /// The open step.
    pub step: Step,
    /// Actions written freely that could be read and executed, of all written.
    pub valid: (usize, usize),
    /// Tokens the model's own writing used.
    pub usage: Usage,
}

impl Ranked {
    /// Rank (1-based) of the first candidate whose code is that of `wanted`, a whole file's text.
    pub fn rank_of(&self, wanted: &str) -> Option<usize> {
        let _ = wanted;
        todo!()
    }
}

/// What the harness arrived at.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// What was done, as a trajectory's steps; ends with the edits of the best proposal and submit.
    pub steps: Vec<Step>,
    /// The best proposals, best first.
    pub ranked: Vec<Proposal>,
    /// How it ended.
    pub outcome: Outcome,
    /// The hits and both orders; `None` when cancelled before.
    pub located: Option<Located>,
    /// Actions written freely that could be read and executed, of all written.
    pub valid: (usize, usize),
    /// Tokens the model's own writing used.
    pub usage: Usage,
}

/// Solves a task and never fails: errors are outcomes.
pub fn solve(
    description: &str,
    model: &mut dyn Model,
    environment: Environment,
    options: &Guided,
    watch: &mut dyn FnMut(Event),
    cancel: &Cancel,
) -> Solved {
    let _ = (description, model, environment, options, watch, cancel);
    todo!()
}

/// Searches with the task's words and lets the model re-rank the functions found.
pub fn locate(
    description: &str,
    model: &mut dyn Model,
    environment: &mut Environment,
    options: &Guided,
    cancel: &Cancel,
) -> Result<Located, sera_core::ModelError> {
    let _ = (description, model, environment, options, cancel);
    todo!()
}

/// Proposes edits of the function at `place` and ranks them. `steps` is what was done before.
pub fn rank_edits(
    description: &str,
    steps: &[Step],
    place: &FunctionKey,
    model: &mut dyn Model,
    environment: &Environment,
    options: &Guided,
    cancel: &Cancel,
) -> Result<Ranked, sera_core::ModelError> {
    let _ = (description, steps, place, model, environment, options, cancel);
    todo!()
}
