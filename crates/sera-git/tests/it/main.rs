//! Sera's reading of repositories against git's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![expect(clippy::print_stderr, reason = "what was not checked is said aloud")]
mod apply;
#[cfg(unix)]
mod hostile;
mod opening;
mod reading;
mod untouched;

use sera_git::Repository;
use sera_testkit::Repo;
use std::process::Command;

/// Opens a test repository.
fn open(repo: &Repo) -> Repository {
    Repository::discover(repo.path()).expect("the test built a usable repository")
}

/// Runs the ignored test `name` in a process that has the test repository's home and config, and
/// `WORK_TREE` to say where it is: the environment of this process belongs to all tests.
fn child(repo: &Repo, name: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().expect("tests are programs"))
        .args(["--exact", name, "--include-ignored", "--nocapture"])
        .envs(repo.environment())
        .env("WORK_TREE", repo.path())
        .envs(environment.iter().copied())
        .output()
        .expect("tests can be started");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
