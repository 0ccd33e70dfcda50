//! From a dataset to an adapter worth serving: examples, training, and the gate.
//!
//! Read in the order of the pipeline: [`examples`] tokenises and masks, [`pack`] fixes the order,
//! [`memory`] lays it out to fit, [`foresee`] says whether it is worth it,
//! [`train`] runs the steps ([`optimizer`], [`checkpoint`]), [`evaluate`] scores what came out and
//! [`promote`] decides what serves.
pub mod checkpoint;
pub mod evaluate;
pub mod examples;
pub mod foresee;
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
