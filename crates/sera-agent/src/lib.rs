//! The loop that makes trajectories: a model, an environment, the text between them, the verdict.
//!
//! [`Environment`] executes actions, [`dialect`] is the only place that turns steps into a model's
//! text and back, [`roll_out`] is the open loop, [`guided`] the harness for students too small to
//! plan, [`ideal`] the conversation that evaluation scores, [`verify`] the soft verification.
pub mod anchor;
pub mod dialect;
pub mod environment;
pub mod guided;
pub mod ideal;
pub mod remembering;
pub mod roll_out;
mod tools;
pub mod verify;
pub mod words;

pub use anchor::edits_between;
pub use environment::{Environment, Lost, Views};
pub use guided::Guided;
pub use ideal::{Ideal, reference_spans};
pub use remembering::Remembering;
pub use roll_out::{Limits, roll_out};
pub use verify::{Thresholds, verify};
