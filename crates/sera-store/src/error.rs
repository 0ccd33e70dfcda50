//! What can go wrong with the store.
use crate::Kind;
use sera_core::Digest;
use std::io;
use std::path::PathBuf;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another part of this one, has the store open.
    #[error("the store at {0} is open in another process")]
    Locked(PathBuf),
    /// The file system refused.
    #[error("failed to {doing}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// Its own error.
        #[source]
        source: io::Error,
    },
    /// The bytes of a record are not what was written.
    #[error("the record of {kind} {key} is damaged")]
    DamagedRecord {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: String,
    },
    /// The bytes of an object are not what was written.
    #[error("object {0} is damaged")]
    DamagedObject(Digest),
    /// No object has this name.
    #[error("there is no object {0}")]
    NoObject(Digest),
    /// A worker's file is not the one it announced.
    #[error("{path} is not {digest}")]
    WrongDigest {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        digest: Digest,
    },
    /// A newer version of Sera wrote this record.
    #[error("{kind} {key} was written by a newer version (schema {schema})")]
    Newer {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: String,
        /// Its schema version.
        schema: u16,
    },
    /// A value could not be turned into JSON.
    #[error("failed to write {kind} {key} as JSON")]
    Encode {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: String,
        /// The serialiser's error.
        #[source]
        source: serde_json::Error,
    },
    /// A stored value is not of the type asked for.
    #[error("{kind} {key} is not of the form asked for")]
    Decode {
        /// Its kind.
        kind: Kind,
        /// Its key.
        key: String,
        /// The deserialiser's error.
        #[source]
        source: serde_json::Error,
    },
    /// A key is empty or longer than [`crate::KEY_LIMIT`].
    #[error("a key of {0} bytes cannot be stored")]
    Key(usize),
    /// An earlier write could not be made durable; what is on the disk is not known until the
    /// store is opened again.
    #[error("an earlier write failed; the store takes no more until it is opened again")]
    Poisoned,
    /// The index could not be used even after it was built anew.
    #[error("the index could not be built")]
    Index(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Names what was being done when `source` came.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
