//! The few file operations on which durability hangs.
use crate::StoreError;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Creates a folder only its owner can enter, with everything above it, durably.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), create_folder)?;
    let mut builder = fs::DirBuilder::new();
    // Another may create it at the same moment.
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(StoreError::io(format!("create {}", path.display())))?;
    sync_folder(above.unwrap_or(Path::new(".")))
}

/// Makes the names in a folder durable. A rename is not, before this.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    // Windows has no such call and needs none.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::io(format!("sync {}", path.display())))
}

/// Paths in a folder, sorted; none where it does not exist.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let doing = || format!("list {}", folder.display());
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(StoreError::io(doing()))?,
    };
    let mut paths = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(StoreError::io(doing()))?;
    paths.sort();
    Ok(paths)
}

/// Keeps bytes that cannot be read any more for whoever wants to look at them.
pub(crate) fn quarantine(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = dir.join("quarantine");
    create_folder(&folder)?;
    let path = folder.join(name);
    fs::write(&path, bytes).map_err(StoreError::io(format!("write {}", path.display())))
}
