//! What the daemon and its clients say to each other, so that the command, the editor extension
//! and the daemon can be of different builds and still agree.
//!
//! JSON-RPC 2.0, one message a line, at most [`codec::FRAME_LIMIT`] bytes each, over a local
//! socket in a folder only its owner can enter ([`paths`]). The first call is `hello`. Calls and
//! their results stand in one table ([`method`]), what jobs report in [`report`]; both are
//! declared through the macros of `wire`, from which the TypeScript types are printed too.
//!
//! Compatibility: within one major version fields are only added, always as `Option`; unknown
//! fields are ignored. Transcripts of earlier versions are kept in `tests/data` and must load.
mod wire;

pub mod client;
pub mod codec;
pub mod job;
pub mod message;
pub mod method;
pub mod paths;
pub mod report;
pub mod typescript;

pub use client::{Canceller, Client, ClientError};
pub use codec::{CodecError, Decoder, FRAME_LIMIT};
pub use job::{Job, Stage};
pub use message::{ErrorCode, Failure, Incoming, Message};
pub use method::{Call, Notification, Request};
pub use paths::Locations;
pub use report::JobResult;

/// The protocol's version; both sides must share the major number.
pub const VERSION: method::Version = method::Version { major: 1, minor: 3 };
