//! All outgoing HTTP: downloads of bases, and model servers.
//!
//! Nothing else in Sera opens a connection to another machine, so this crate is the place to read
//! what leaves yours: a GET for a file you named, a `pip download` by your own pip, and, once you
//! named a teacher, conversations posted to it.
mod address;
pub mod base;
mod cache;
mod checksum;
pub mod cost;
pub mod download;
pub mod ledger;
pub mod paid;
pub mod server;
mod waiting;
mod wheel;

pub use base::{BaseError, BaseSource, Fetcher, Origin, PRESETS, Preset, cache_dir, obtain};
pub use cache::sha256_of;
pub use cost::{Budget, Prices, Purse, Spent};
pub use download::{DownloadError, Progress, download};
pub use ledger::{Ledger, LedgerError};
pub use paid::Paid;
pub use server::{Fleet, Patience, Server, ServerError, offered, said};
