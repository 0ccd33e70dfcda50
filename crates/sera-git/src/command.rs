//! The `git` binary, scrubbed of everything a repository could make it run.
use crate::{GitError, Repository};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Everything git reads from the environment, fixed.
const ENVIRONMENT: [(&str, &str); 11] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", if cfg!(windows) { "NUL" } else { "/dev/null" }),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", if cfg!(windows) { "NUL" } else { "/dev/null" }),
    ("GIT_PAGER", "cat"),
    ("LC_ALL", "C"),
];

/// Config of the repository that could start a program, overruled. Filters, which have names, are
/// in `status.rs`; what no command of ours reads is not here.
const CONFIG: [&str; 13] = [
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.editor=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "sequence.editor=false",
];

/// Variables of the caller that git cannot do without.
const KEPT: [&str; 4] = ["SystemRoot", "TEMP", "TMP", "TMPDIR"];

/// `git` in `work_dir` with an environment of its own: no user or system config, no hooks, no
/// pager, no prompt, no network, no lock taken for mere reading.
pub fn git(work_dir: &Path) -> Command {
    let mut command = Command::new(program());
    command.env_clear().envs(ENVIRONMENT).env("PATH", search_path());
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for setting in CONFIG {
        command.args(["-c", setting]);
    }
    command.current_dir(work_dir).stdin(Stdio::null());
    command
}

/// A key of config and the value that it has instead of the repository's.
pub(crate) type Overruled = (OsString, String);

/// Overrules config by the environment: in `-c key=value` a key would end at its first `=`, and
/// names that a repository gives may hold one.
pub(crate) fn overrule(command: &mut Command, settings: &[Overruled]) {
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (at, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{at}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
    }
}

/// Absolute entries of `PATH` only: a relative one would look into the repository.
fn search_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let absolute = std::env::split_paths(&path).filter(|entry| entry.is_absolute());
    std::env::join_paths(absolute).unwrap_or_default()
}

/// The git that is found by an absolute entry of `PATH`.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let name = if cfg!(windows) { "git.exe" } else { "git" };
        let found =
            std::env::split_paths(&search_path()).map(|d| d.join(name)).find(|p| p.is_file());
        found.unwrap_or_else(|| PathBuf::from(name))
    })
}

impl Repository {
    /// The scrubbed `git` for this repository and no other, whatever lies around it. Naming the
    /// folders also keeps git from checking their owner again without the user's `safe.directory`.
    pub(crate) fn git(&self) -> Command {
        let mut command = git(self.work_dir());
        command.env("GIT_DIR", self.git_dir()).env("GIT_WORK_TREE", self.work_dir());
        command
    }
}

/// Runs and returns standard output, with git's own words where it fails.
pub(crate) fn output(command: &mut Command, name: &'static str) -> Result<Vec<u8>, GitError> {
    let failed = |message: String| GitError::Command { command: name, message };
    let output = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => failed("git is not installed".to_owned()),
        _ => failed(e.to_string()),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
