//! All outgoing HTTP: downloads of bases, and (later) model servers.
//!
//! Nothing else in Sera opens a connection to another machine, so this crate is the place to read
//! what leaves yours: a GET for a file you named, and nothing else.
pub mod base;
pub mod download;

pub use base::{BaseError, BaseSource, PRESETS, Preset, obtain};
pub use download::{DownloadError, Progress, download};
