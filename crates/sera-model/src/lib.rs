//! The student: weights, tokenizer, templates, generation, LoRA forward and backward.
//!
//! The engine computes the blocks' forward and backward itself: candle's autograd cuts gradients
//! silently and spends time on gradients of frozen weights.

pub mod adapter;
mod base;
pub mod batch;
pub mod cache;
pub mod config;
#[cfg(test)]
mod damaged;
pub mod decoder;
mod device;
mod draft;
pub mod folder;
pub mod gguf;
#[cfg(test)]
mod goldens;
mod grammar;
pub mod infill;
pub mod lora;
pub mod ops;
#[cfg(test)]
mod real_weights;
pub mod student;
pub mod template;
#[cfg(test)]
mod testing;
mod threads;
mod together;
pub mod tokenizer;
pub mod weights;

pub use base::{Base, LoadError};
pub use batch::{Batch, Target};
pub use cache::{Branch, Cache, Turn, WRITTEN, forward_cached, forward_written, score_branches};
pub use config::{Config, Family};
pub use decoder::{
    EngineError, Keep, LossAndGradient, Scored, dead_slots, loss_and_gradient, nll, scored,
};
pub use device::{Choice, Device, DeviceError};
pub use grammar::GrammarError;
pub use lora::{Factor, Lora, LoraConfig, Projection, Slot};
pub use ops::{KeyValues, UnknownKeyValues};
pub use student::Student;
pub use template::Template;
pub use tokenizer::{Rendered, Tokenizer, TokenizerError, Vocabulary};
pub use weights::{Precision, Weights};
