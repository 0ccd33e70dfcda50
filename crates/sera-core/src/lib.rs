//! The vocabulary of Sera and the pure functions on it.
//!
//! Every other crate speaks in these words, so they live where nothing heavy can follow:
//! this crate does no I/O, knows no async runtime and never asks for the time.
//! Read the modules in the order of the pipeline: a [`seed`] becomes a [`task`], a rollout
//! through a [`model`] on a [`tree`] leaves a [`trajectory`], [`overlap`] and [`verdict`] judge
//! it, [`split`] keeps training and evaluation apart and [`stats`] says whether it helped.
pub mod audit;
pub mod figures;
pub mod hole;
pub mod id;
pub mod language;
pub mod lesson;
pub mod model;
pub mod overlap;
pub mod patch;
pub mod path;
pub mod redact;
pub mod scorecard;
pub mod seed;
pub mod split;
pub mod stats;
pub mod task;
pub mod trajectory;
pub mod tree;
pub mod verdict;
pub mod visible;

pub use hole::Hole;
pub use id::{AdapterId, BlobId, CommitId, Digest, JobId, SeedId, TaskId, TrajectoryId};
pub use language::Language;
pub use lesson::{Lesson, Subject};
pub use model::{
    Call, Cancel, Context, Message, Model, ModelError, Prompt, Reply, Role, Score, Tool, Usage,
};
pub use patch::{FilePatch, Hunk, Line, LineKind, Patch};
pub use path::TreePath;
pub use seed::{CommitSeed, FunctionKey, FunctionSeed, Seed};
pub use task::{Base, Family, Origin, Register, Task};
pub use trajectory::{Action, Observation, Outcome, Step, Trajectory};
pub use tree::{EntryKind, Tree, TreeEntry, TreeError};
pub use verdict::{Overlap, Rejection, Verdict};
