//! Files that were checked once and need not be read again to be trusted.
use crate::checksum::{Checksum, copy};
use sera_core::Cancel;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Opens the line beside a checked file: word, size, modification time in ns, SHA-256.
const WORD: &str = "sera-checked/1";

fn sidecar(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".checked");
    PathBuf::from(name)
}

fn line(metadata: &Metadata, sha256: &str) -> io::Result<String> {
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    Ok(format!("{WORD} {} {modified} {sha256}\n", metadata.len()))
}

/// Records that `file` has this checksum.
pub(crate) fn remember(file: &Path, sha256: &str) -> io::Result<()> {
    fs::write(sidecar(file), line(&fs::metadata(file)?, sha256)?)
}

/// Whether `file` is there and has this checksum. It is read only where its size or modification
/// time is not the recorded one; `None` when cancelled while reading.
pub(crate) fn holds(file: &Path, sha256: &str, cancel: &Cancel) -> io::Result<Option<bool>> {
    let metadata = match fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(false)),
        Err(error) => return Err(error),
    };
    let recorded = fs::read_to_string(sidecar(file)).unwrap_or_default();
    if recorded == line(&metadata, sha256)? {
        return Ok(Some(true));
    }
    let mut checksum = Checksum::default();
    let mut content = File::open(file)?;
    if copy(&mut content, &mut io::sink(), &mut checksum, &mut |_| {}, cancel)?.is_none() {
        return Ok(None);
    }
    let right = checksum.finish() == sha256;
    if right {
        remember(file, sha256)?;
    }
    Ok(Some(right))
}

/// The checksum of a file, or of the names and checksums of a folder's files. What was checked
/// before is not read again.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    if path.is_dir() {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        paths.retain(|path| path.is_file());
        paths.sort();
        let mut whole = Checksum::default();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            whole.update(format!("{} {name}\n", sha256_of(&path)?).as_bytes());
        }
        return Ok(whole.finish());
    }
    let recorded = fs::read_to_string(sidecar(path)).unwrap_or_default();
    if let Some(sha256) = recorded.trim_end().rsplit(' ').next()
        && recorded == line(&fs::metadata(path)?, sha256)?
    {
        return Ok(sha256.to_owned());
    }
    let mut checksum = Checksum::default();
    copy(&mut File::open(path)?, &mut io::sink(), &mut checksum, &mut |_| {}, &Cancel::default())?;
    Ok(checksum.finish())
}
