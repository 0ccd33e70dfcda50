//! A developer who is made up, for benchmarks: folders and settings of their own, and the product
//! as it was built. Nothing of it is linked: it is run.
use crate::{cargo, tools};
use anyhow::{Context as _, Result, ensure};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A developer's folders and programs. They are removed, and the daemon ended, with this.
pub(crate) struct Developer {
    /// Where the folders are.
    pub(crate) folder: PathBuf,
    path: OsString,
    profile: &'static str,
}

impl Developer {
    /// One whose folders lie below the system's temporary one; the product is built in `profile`.
    /// `programs` are found before what the system has.
    pub(crate) fn new(name: &str, profile: &'static str, programs: Vec<PathBuf>) -> Result<Self> {
        build(profile)?;
        let folder = std::env::temp_dir().join(format!("sera-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("home"))?;
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
        let path = std::env::join_paths([programs, found].concat())?;
        Ok(Self { folder, path, profile })
    }

    /// A program of the product.
    pub(crate) fn built(&self, name: &str) -> PathBuf {
        cargo::built(if self.profile == "dev" { "debug" } else { self.profile }, name)
    }

    /// A program in `folder` that sees nothing of the real user.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", &self.path).current_dir(folder).stdin(Stdio::null());
        let at = |name: &str| self.folder.join(name);
        command.env("HOME", at("home")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_SERA_RUNTIME_DIR", at("r")).env("GIT_SERA_STATE_DIR", at("s"));
        command.env("GIT_SERA_CACHE_DIR", at("c"));
        // The daemon then says when it has mined.
        command.env("GIT_SERA_LOG", "info,sera_daemon=debug");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada Example");
            command.env(format!("GIT_{who}_EMAIL"), "ada@example.invalid");
        }
        command
    }

    /// What a program prints that must end well.
    pub(crate) fn run(
        &self,
        program: impl AsRef<OsStr>,
        folder: &Path,
        args: &[&str],
    ) -> Result<String> {
        let output = self.command(program, folder).args(args).output()?;
        ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// `git` in `folder`.
    pub(crate) fn git(&self, folder: &Path, args: &[&str]) -> Result<String> {
        self.run("git", folder, args)
    }

    /// `git sera` in `folder`.
    pub(crate) fn sera(&self, folder: &Path, args: &[&str]) -> Result<String> {
        self.run(self.built("git-sera"), folder, args)
    }

    /// What the daemon said so far to nobody in particular.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("s/daemon.log")).unwrap_or_default()
    }

    /// Waits until the daemon says that it has mined the history up to `tip`, and what it says.
    pub(crate) fn mined(&self, tip: &str, patience: Duration) -> Result<Mined> {
        let since = Instant::now();
        loop {
            let log = self.log();
            let says = |line: &&str| line.contains(" mined ") && line.contains(tip);
            if let Some(line) = log.lines().rev().find(says) {
                return Mined::read(line).with_context(|| format!("not understood: {line}"));
            }
            ensure!(since.elapsed() < patience, "{tip} is not mined:\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The folders as they were before there was a daemon.
    pub(crate) fn begin_anew(&self) -> Result<()> {
        drop(self.sera(&self.folder, &["stop"]));
        for name in ["r", "s", "c"] {
            drop(fs::remove_dir_all(self.folder.join(name)));
        }
        Ok(())
    }
}

/// What the daemon says of a mining.
pub(crate) struct Mined {
    /// What was found.
    pub(crate) seeds: usize,
    /// Files that were read.
    pub(crate) blobs: usize,
    /// Seconds of the worker.
    pub(crate) worker: f64,
    /// Seconds of storing.
    pub(crate) stored: f64,
}

impl Mined {
    fn read(line: &str) -> Option<Self> {
        let number = |name: &str| {
            let field = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            field?.parse::<f64>().ok()
        };
        Some(Self {
            seeds: number("seeds=")? as usize,
            blobs: number("blobs=")? as usize,
            worker: number("worker_s=")?,
            stored: number("stored_s=")?,
        })
    }
}

impl Drop for Developer {
    fn drop(&mut self) {
        drop(self.sera(&self.folder, &["stop"]));
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn build(profile: &str) -> Result<()> {
    let mut build = cargo::cargo();
    build.args(["build", "--package", "sera-daemon", "--package", "git-sera"]);
    cargo::must("building sera-daemon and git-sera", build.args(["--profile", profile]))
}

/// Folders with the tools whose hooks ours stand beside, and the newest git.
pub(crate) fn with_tools() -> Result<Vec<PathBuf>> {
    let tools = tools::get()?;
    Ok(tools::PROGRAMS.map(|name| tools.join(name)).to_vec())
}
