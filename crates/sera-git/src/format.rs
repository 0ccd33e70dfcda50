//! Repository formats, read from the config file before anything else is: a format that is not
//! understood must be refused by name, not fail somewhere inside as a missing object.
use crate::OpenError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Extensions that change nothing about how history is read.
const KNOWN: [&str; 8] = [
    "noop",
    "noop-v1",
    "preciousobjects",
    "worktreeconfig",
    "objectformat",
    "refstorage",
    "relativeworktrees",
    "submodulepathconfig",
];

/// Where the folder shared by all work trees lies.
pub(crate) fn common_dir(git_dir: &Path) -> PathBuf {
    match std::fs::read_to_string(git_dir.join("commondir")) {
        Ok(text) => git_dir.join(text.trim_end_matches(['\n', '\r'])),
        Err(_) => git_dir.to_owned(),
    }
}

/// Refuses formats that cannot be read.
pub(crate) fn check(common_dir: &Path, work_dir: &Path) -> Result<(), OpenError> {
    let here = || work_dir.to_owned();
    let config = read(&common_dir.join("config"))
        .map_err(|source| OpenError::Config { path: here(), source: source.into() })?;
    let value = |key: &str| config.string(key).map(|v| v.to_string().to_ascii_lowercase());
    if value("extensions.refStorage").is_some_and(|v| v != "files") {
        return Err(OpenError::Reftable(here()));
    }
    if value("extensions.objectFormat").is_some_and(|v| v != "sha1") {
        return Err(OpenError::Sha256(here()));
    }
    if value("extensions.partialClone").is_some() || promises(&config) {
        return Err(OpenError::PartialClone(here()));
    }
    let version = value("core.repositoryFormatVersion").unwrap_or_else(|| "0".to_owned());
    match version.as_str() {
        "0" => Ok(()),
        "1" => match unknown(&config) {
            Some(name) => {
                let extension = format!("extensions.{name}");
                Err(OpenError::Format { path: here(), extension })
            }
            None => Ok(()),
        },
        _ => {
            let extension = format!("core.repositoryFormatVersion {version}");
            Err(OpenError::Format { path: here(), extension })
        }
    }
}

/// Git, too, reads the format without following includes, and takes a missing file for an empty one.
fn read(file: &Path) -> gix::Result<gix::config::File> {
    if file.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(gix::config::File::default());
    }
    gix::config::File::from_path_no_includes(file.to_owned(), gix::config::Source::Local)
}

fn promises(config: &gix::config::File) -> bool {
    config.sections_by_name("remote").is_some_and(|mut remotes| {
        remotes.any(|remote| {
            let promisor = remote.value("promisor").map(|v| v.to_string().to_ascii_lowercase());
            promisor.is_some_and(|v| !matches!(v.as_str(), "false" | "no" | "off" | "0"))
        })
    })
}

fn unknown(config: &gix::config::File) -> Option<String> {
    let sections = config.sections_by_name("extensions")?;
    let mut names = sections.flat_map(|s| s.value_names().collect::<Vec<_>>());
    names.find(|name| !KNOWN.contains(&name.to_ascii_lowercase().as_str()))
}
