//! From a dataset to an adapter worth serving: examples, training, and the gate.
//!
//! Read in the order of the pipeline: [`examples`] tokenises and masks, [`pack`] fixes the order,
//! [`memory`] lays it out to fit,
//! [`train`] runs the steps ([`optimizer`], [`checkpoint`]).
pub mod checkpoint;
pub mod evaluate;
pub mod examples;
#[cfg(test)]
mod goldens;
pub mod memory;
pub mod optimizer;
pub mod pack;
pub mod promote;
pub mod train;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use examples::{Conversation, Example, HoleFormat, Kind};
pub use memory::{Forecast, fit, forecast, proc_bytes};
pub use optimizer::{Moments, OptimizerConfig};
pub use pack::{PackConfig, Plan};
pub use train::{Control, Hooks, Progress, TrainConfig, TrainError, Trained, measure_speed, train};
