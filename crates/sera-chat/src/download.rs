//! Files over HTTP: resumed where they broke off, and never taken without their checksum.
use sera_core::Cancel;
use std::path::Path;

/// Called with the bytes so far and, where known, in all.
pub type Progress<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The caller cancelled; what came so far is kept for the next time.
    #[error("cancelled")]
    Cancelled,
}

/// Gets `url` into `to`, whose content must have this `sha256` (lower-case hex).
pub fn download(
    url: &str,
    to: &Path,
    sha256: &str,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
) -> Result<(), DownloadError> {
    let _ = (url, to, sha256, progress, cancel);
    todo!()
}
