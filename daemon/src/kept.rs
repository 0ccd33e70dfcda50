//! Small files of the user's state, read or missing, replaced whole or not at all.
use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
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

/// What a file is while it is written.
const PART: &str = "part";

/// Replaces a file: a half-written one would forget what stood in it.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let part = file.with_extension(PART);
    let replaced = write(&part, bytes).and_then(|()| std::fs::rename(&part, file));
    if replaced.is_err() {
        drop(std::fs::remove_file(&part));
    }
    replaced.with_context(|| format!("failed to write {}", file.display()))
}

/// On the disk before it has its name, which may be there first.
fn write(part: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes what a daemon left in a folder that was killed while it replaced a file.
pub(crate) fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == PART) {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_what_was_begun_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept.json");
        replace(&file, b"1").unwrap();
        std::fs::write(file.with_extension(PART), b"2, but").unwrap();
        sweep(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(read(&file).unwrap().unwrap(), b"1");
        replace(&folder.path().join("missing").join("kept.json"), b"1").unwrap_err();
    }
}
