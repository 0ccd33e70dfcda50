//! The guided harness for students too small to plan: the harness searches, the model ranks.
//!
//! Search with the task's words; the model re-ranks the functions found ([`locate`]); edits of the
//! best few are proposed by enumeration and by the model's own writing, and ranked by how much
//! likelier they make the function, by how usual they make it in the repository, and by what the
//! task's words say about them ([`rank_edits`]); the best are syntax-checked ([`solve`]).
mod draft;
mod likelihood;
mod locate;
mod pace;
mod rank;
mod solve;
mod speech;
mod usual;

pub use locate::{Located, locate};
pub use pace::Pace;
pub use rank::{Candidate, Ranked, rank_edits};
pub use solve::{Event, Proposal, Solved, found_nothing, roll_out, sample, solve};

use crate::dialect::Shot;
use sera_syntax::Operator;

/// How the harness works. Weights are in nats per unit of what they weigh, 0 switches off.
///
/// The default weights of edits and places were fitted (a softmax over the candidates of each
/// task, cross-validated) to training tasks of one repository, networkx, under the plain base;
/// no held-out task and no other repository had part in it. The weight of the edit as a message
/// was chosen on 50 of them under an adapter trained on others, those of what is usual on 300 of
/// them without a model.
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
    /// Weight of retrieval's own score (BM25) when functions are re-ranked.
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
    /// Edits of one function that the model scores at most: those that most speaks for without it.
    /// With 100 of about 1,000, 227 of 258 repairs are still among them.
    pub edits: usize,
    /// Weight of the logarithm of the operator's share, split over its edits.
    pub prior: f64,
    /// Share that an edit written by the model itself has beside the operators' 1: about that of
    /// one enumerated edit, since what small students write has rarely been right.
    pub written: f64,
    /// Added where an edit inserts a word of the task.
    pub words: f64,
    /// Added where an edit removes a word of the task.
    pub cited: f64,
    /// Weight of the share of the words on the lines an edit touches that the task holds too.
    pub named: f64,
    /// Added per token that an edit adds, subtracted per token it drops: what is longer is less
    /// likely whatever it says.
    pub length: f64,
    /// Weight of how much more usual the edit makes its lines in the repository, by counts alone.
    pub usual: f64,
    /// Added per piece of code that an edit adds, subtracted per piece it drops: what is longer is
    /// less usual whatever it says.
    pub pieces: f64,
    /// Weight of the likelihood of the edit as the student's next message, second stage only.
    pub chat: f64,
    /// Let the model write an edit of its own.
    pub write: bool,
    /// Hold it to edits of the function. Off where it is measured how often it writes one by itself.
    pub held: bool,
    /// Drawn at this temperature; 0 takes the likeliest.
    pub temperature: f32,
    /// Seed of what is drawn.
    pub seed: u64,
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
            retrieval: 0.8,
            calibrate: 0.8,
            place: 1.5,
            context_lines: 30,
            context_bytes: 1200,
            window: 32,
            keep: 16,
            tail: 240,
            edits: 160,
            prior: 2.5,
            written: 0.002,
            words: 0.5,
            cited: 6.0,
            named: 7.0,
            length: 2.5,
            usual: 0.43,
            pieces: 0.7,
            chat: 0.8,
            write: true,
            held: true,
            temperature: 0.0,
            seed: 0,
            reply_tokens: 96,
            proposals: 5,
        }
    }
}

/// What speaks for an edit before it is weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// Nats by which the first stage's window got likelier.
    pub near: f64,
    /// Nats by which the second stage's window did; 0 for what did not reach it.
    pub far: f64,
    /// Tokens that the edit adds.
    pub longer: f64,
    /// Nats of it as the student's next message, second stage only.
    pub answer: f64,
    /// Logarithm of its share of real fixes.
    pub share: f64,
    /// It inserts a word of the task.
    pub told: bool,
    /// It removes one.
    pub cited: bool,
    /// Share of the words on the lines it touches that the task holds too.
    pub named: f64,
    /// Nats by which it makes what it changes more usual in the repository.
    pub usual: f64,
    /// Pieces of code that it adds.
    pub pieces: f64,
}

/// Edits ranked in a function that is opened at all.
const FEWEST: usize = 32;
/// A function that is less likely than this beside the likeliest is not written about.
const WORTH_WRITING: f64 = 0.2;

impl Guided {
    /// How a function is worked on that has these odds beside the likeliest: most time is spent
    /// where the fault is most likely to be.
    fn for_odds(&self, odds: f64) -> Self {
        let edits = ((self.edits as f64 * odds) as usize).max(FEWEST).min(self.edits);
        Self { edits, write: self.write && odds >= WORTH_WRITING, ..self.clone() }
    }

    /// What speaks for an edit besides the likelihood it gains, in nats.
    fn weigh(&self, signs: &Signs) -> f64 {
        self.prior * signs.share
            + self.words * f64::from(signs.told)
            + self.cited * f64::from(signs.cited)
            + self.named * signs.named
            + self.length * signs.longer
            + self.usual * signs.usual
            + self.pieces * signs.pieces
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
