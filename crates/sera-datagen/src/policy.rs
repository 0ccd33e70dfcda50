//! The numbers that decide what is mined, made into tasks and selected: data, so that a user can
//! change them and a record can say under which of them it was made.
use serde::{Deserialize, Serialize};

/// What is mined and kept. Every stage of this crate reads its limits from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Commits walked from the tip, newest first.
    pub max_commits: usize,
    /// Files above this many bytes are not read.
    pub max_file_bytes: usize,
    /// Functions below this many body statements are trivial.
    pub min_statements: usize,
    /// Functions above this many lines are too long.
    pub max_function_lines: usize,
    /// Source files a commit may change.
    pub max_commit_files: usize,
    /// Lines a commit may change.
    pub max_commit_lines: usize,
    /// Changed lines a task's reference may have, and a selected candidate too (SERA §1.9: 40).
    pub max_task_lines: usize,
    /// Tasks made from one function.
    pub tasks_per_function: usize,
    /// Tasks of one batch, those to train on and held-out ones each.
    pub max_tasks: usize,
    /// Share of the tasks one operator may have.
    pub operator_share: f64,
    /// Share of the tasks one family may have.
    pub family_share: f64,
    /// Share of the mutation tasks that should be refactorings, where the code offers them.
    pub refactoring_share: f64,
    /// Searches after which the procedural teacher gives up.
    pub max_searches: usize,
    /// Mean tokens of a selected trajectory's observations (SERA §1.9: 600).
    pub max_mean_observation: f64,
    /// Share of a selected trajectory's messages that must fit the student (SERA §1.9: .88).
    pub min_truncation_ratio: f64,
    /// Threads that mine; the caller's machine is also someone's desk.
    pub threads: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_commits: 2_000,
            max_file_bytes: 512 * 1024,
            min_statements: 2,
            max_function_lines: 200,
            max_commit_files: 5,
            max_commit_lines: 200,
            max_task_lines: 40,
            tasks_per_function: 3,
            max_tasks: 2_000,
            operator_share: 0.15,
            family_share: 0.05,
            refactoring_share: 0.25,
            max_searches: 6,
            max_mean_observation: 600.0,
            min_truncation_ratio: 0.88,
            threads: 2,
        }
    }
}
