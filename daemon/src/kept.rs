//! Small files of the user's state, read or missing, replaced whole or not at all.
use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// What a file holds; none where it is missing.
pub(crate) fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to read {}", file.display())),
    }
}

/// What a file of JSON holds that was written in this version; none where it is missing.
pub(crate) fn read_json<T: DeserializeOwned>(file: &Path, version: u32) -> Result<Option<T>> {
    let Some(bytes) = read(file)? else { return Ok(None) };
    let failed = || format!("failed to read {}", file.display());
    let value: Value = serde_json::from_slice(&bytes).with_context(failed)?;
    let found = &value["version"];
    anyhow::ensure!(
        *found == version,
        "{} is of version {found}, which this daemon does not know",
        file.display()
    );
    serde_json::from_value(value).with_context(failed).map(Some)
}

/// Replaces a file: a half-written one would forget what stood in it.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let part = file.with_extension("part");
    let failed = || format!("failed to write {}", file.display());
    std::fs::write(&part, bytes).with_context(failed)?;
    std::fs::rename(&part, file).with_context(failed)
}
