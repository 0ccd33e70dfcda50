//! Where what is known about a repository lies: `sera` beside its objects, so that removing the
//! repository removes it, or in the user's state where nothing can be written there.
use anyhow::{Context as _, Result};
use sera_core::Digest;
use sera_protocol::paths::{LocationError, secure_folder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Makes the folder of the repository with this common folder, or finds it. A link, or a folder
/// that others may enter, is refused: what lies there could be anybody's.
pub(crate) fn of(common_dir: &Path, state: &Path) -> Result<PathBuf> {
    let beside = common_dir.join("sera");
    match secure_folder(&beside) {
        Ok(()) if is_writable(&beside) => return Ok(beside),
        Ok(()) => {}
        Err(LocationError::Io { source, .. }) if is_refusal(&source) => {}
        Err(error) => return Err(error.into()),
    }
    let elsewhere = state.join("read-only");
    secure_folder(&elsewhere)?;
    let name = Digest::of(common_dir.as_os_str().as_encoded_bytes());
    let folder = elsewhere.join(name.short());
    secure_folder(&folder).context("the repository cannot be written to")?;
    Ok(folder)
}

fn is_writable(folder: &Path) -> bool {
    tempfile::tempfile_in(folder).map_or_else(|error| !is_refusal(&error), |_| true)
}

fn is_refusal(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}
