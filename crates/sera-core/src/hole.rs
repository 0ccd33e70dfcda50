//! Hole-fill examples: a function of the repository with its middle to be written.
use crate::{FunctionKey, Language};
use serde::{Deserialize, Serialize};

/// One completion example: `before` + `middle` + `after` is the file's text around a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole {
    /// The function the hole is in.
    pub function: FunctionKey,
    /// Its language.
    pub language: Language,
    /// Text before the hole, cut at a line start, redacted.
    pub before: String,
    /// What stands in the hole.
    pub middle: String,
    /// Text after the hole, cut at a line end; empty for a prefix completion.
    pub after: String,
    /// Never trained on when true.
    pub held_out: bool,
}
