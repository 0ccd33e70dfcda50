//! The guided harness for students too small to plan: the harness searches, the model ranks.
//!
//! Search with the task's words; the model re-ranks the functions found ([`locate`]); edits of the
//! best few are proposed by enumeration and by the model's own writing, and ranked by the
//! likelihood of the edited function ([`rank_edits`]); the best are syntax-checked ([`solve`]).
mod likelihood;
mod locate;
mod rank;
mod solve;

pub use locate::{Located, locate};
pub use rank::{Candidate, Ranked, rank_edits};
pub use solve::{Event, Proposal, Solved, roll_out, solve};

use crate::dialect::Shot;
use sera_syntax::Operator;

/// How the harness works. Weights are in nats per unit of what they weigh, 0 switches off.
#[derive(Clone, Debug, PartialEq)]
pub struct Guided {
    /// Functions taken from retrieval for re-ranking.
    pub hits: usize,
    /// Best functions that are opened.
    pub opened: usize,
    /// Only these files or folders; empty for all.
    pub paths: Vec<String>,
    /// Solved tasks shown first in conversations.
    pub shots: Vec<Shot>,
    /// Text put before the file's lines when edits are ranked.
    pub preamble: String,
    /// Put the task's description, as a comment, there too.
    pub describe: bool,
    /// Weight of the logarithm of retrieval's rank when functions are re-ranked.
    pub retrieval: f64,
    /// Share of a hit's likelihood *without* the task that is subtracted: 1 ranks by what the task
    /// adds, 0 by plain likelihood (one scoring call less).
    pub calibrate: f64,
    /// Weight of the logarithm of a function's share of the re-ranking in its edits' score.
    pub place: f64,
    /// Lines before the function that the model reads when it ranks edits.
    pub context_lines: usize,
    /// Bytes of them at most.
    pub context_bytes: usize,
    /// Bytes after an edit that the first stage reads, on to the end of the line.
    pub window: usize,
    /// Edits that reach the second stage.
    pub keep: usize,
    /// Bytes after an edit that the second stage reads, on to the end of the line.
    pub tail: usize,
    /// Edits of one function that are scored at most, likeliest operators first.
    pub edits: usize,
    /// Weight of the logarithm of the operator's share, split over its edits.
    pub prior: f64,
    /// Share that an edit written by the model itself has beside the operators' 1.
    pub written: f64,
    /// Added where an edit inserts a word of the description.
    pub words: f64,
    /// Added per token that an edit adds, subtracted per token it drops.
    pub length: f64,
    /// Weight of the likelihood of the edit as an answer in the conversation, second stage only.
    pub chat: f64,
    /// Let the model write an edit of its own.
    pub write: bool,
    /// Tokens of that at most.
    pub reply_tokens: usize,
    /// Proposals returned.
    pub proposals: usize,
}

impl Default for Guided {
    fn default() -> Self {
        Self {
            hits: 20,
            opened: 3,
            paths: Vec::new(),
            shots: Vec::new(),
            preamble: String::new(),
            describe: false,
            retrieval: 1.0,
            calibrate: 1.0,
            place: 1.0,
            context_lines: 30,
            context_bytes: 1200,
            window: 32,
            keep: 16,
            tail: 240,
            edits: 400,
            prior: 0.5,
            written: 0.05,
            words: 1.0,
            length: 0.0,
            chat: 0.0,
            write: true,
            reply_tokens: 160,
            proposals: 5,
        }
    }
}

/// Where an edit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A single edit of an operator.
    Enumerated(Operator),
    /// The model's own writing.
    Written,
}
