//! `cargo xtask quickstart`: build both binaries, then hand over to `git-sera quickstart`.
use crate::cargo;
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Everything after `quickstart` is passed on; `--repo` defaults to this checkout.
pub(crate) fn quickstart(args: &[String]) -> Result<ExitCode> {
    let mut build = cargo::cargo();
    build.args(["build", "--release", "--package", "sera-daemon", "--package", "git-sera"]);
    cargo::must("building sera-daemon and git-sera", &mut build)?;

    let mut git_sera = Command::new(cargo::built("release", "git-sera"));
    git_sera.arg("quickstart").args(args);
    if !args.iter().any(|arg| arg == "--repo" || arg.starts_with("--repo=")) {
        git_sera.arg("--repo").arg(cargo::root());
    }
    cargo::finish(&mut git_sera)
}
