//! Remembers everything: a journal of small facts, objects for the big ones, an index over both.
//!
//! The journal and the objects are the truth; each record and each object carries its checksum,
//! and what was acknowledged is on the disk. `sled` is an index that may vanish at any time: on
//! any doubt it is moved aside and built again. Read the modules in the order of a write:
//! [`objects`](Store::put_object) take what is large, the journal takes the fact, and only then
//! does the index learn where it stands.
mod audit;
mod batch;
mod error;
mod files;
mod fsck;
mod index;
mod journal;
mod kind;
mod objects;
mod store;

pub use audit::{AuditError, AuditLog, Audited, Broken, Head, Recorded};
pub use batch::Batch;
pub use error::StoreError;
pub use fsck::{IndexState, Report};
pub use index::{IndexCheck, check_index, validate_in_child};
#[cfg(fuzzing)]
pub use journal::fuzzing::journal_survives;
pub use kind::Kind;
pub use store::Store;

/// Values up to this many bytes stand in the journal, larger ones in an object.
pub const INLINE_LIMIT: usize = 4096;

/// Most bytes a key may have.
pub const KEY_LIMIT: usize = 512;
