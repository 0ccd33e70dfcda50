//! The conversation of a solver that knows the answer: what evaluation scores.
use crate::Environment;
use sera_core::{Message, Step, Task};
use std::ops::Range;

/// An ideal guided solution of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Ideal {
    /// The steps, executed for real: search, open, edits, submit.
    pub steps: Vec<Step>,
    /// Their rendering by the dialect, up to and including the last edit message.
    pub messages: Vec<Message>,
    /// Index of a message and byte range of its content: text of the reference edit that differs
    /// from the old lines.
    pub spans: Vec<(usize, Range<usize>)>,
}

/// The ideal solution of `task` in `environment` (its base with the planted fault).
/// `None` where the reference does not apply to text files there or only deletes text.
pub fn reference_spans(task: &Task, environment: Environment) -> Option<Ideal> {
    let _ = (task, environment);
    todo!()
}
