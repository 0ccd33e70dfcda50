//! Identifiers as types, so that a task can never be passed where a trajectory is meant.
//!
//! Things that happen get *time-ordered* ids (UUIDv7 layout, RFC 9562 §5.7) whose random part is
//! derived from content: the same work at the same instant gets the same id, which keeps tests
//! and replays deterministic. Things that *are* (blobs, commits, seeds) are named by content.
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! time_ordered {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// `now_ms` is Unix time in milliseconds; `content` is whatever makes this one unique.
            pub fn new(now_ms: u64, content: &[u8]) -> Self {
                let digest = blake3::hash(content);
                let mut random = [0u8; 10];
                random.copy_from_slice(&digest.as_bytes()[..10]);
                Self(uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid())
            }

            /// Reads the form that `Display` writes; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::parse_str(text).ok().map(Self)
            }

            /// When it was made, Unix milliseconds: the first 48 of its bits.
            pub fn unix_ms(self) -> u64 {
                self.0.as_u64_pair().0 >> 16
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }
    )*};
}

macro_rules! content_named {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the lower-case hexadecimal form.
            pub fn from_hex(hex: impl Into<String>) -> Self {
                Self(hex.into())
            }

            /// The lower-case hexadecimal form.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first ten digits, for people.
            pub fn short(&self) -> &str {
                &self.0[..self.0.len().min(10)]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }
    )*};
}

time_ordered! {
    /// One task.
    TaskId,
    /// One rollout's record.
    TrajectoryId,
    /// One trained adapter.
    AdapterId,
    /// One scheduled unit of work.
    JobId,
}

content_named! {
    /// A git blob's object id.
    BlobId,
    /// A git commit's object id.
    CommitId,
    /// A seed, named by what it was mined from: mining it again finds the same id.
    SeedId,
    /// BLAKE3 of some bytes; names objects in the store.
    Digest,
}

impl SeedId {
    /// Names a seed by the parts that identify it.
    pub fn of(parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().to_hex()[..32].to_owned())
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_it_was_made() {
        for ms in [0, 1, 1_764_263_490_123] {
            let id = AdapterId::new(ms, b"any");
            assert_eq!(id.unix_ms(), ms);
            assert_eq!(AdapterId::parse(&id.to_string()), Some(id));
        }
    }
}
