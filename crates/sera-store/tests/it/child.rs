//! This binary run again as another process: a validator or a writer, told by its environment.
use sera_store::{Store, check_index, validate_in_child};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const FOLDER: &str = "STORE_TEST_FOLDER";

/// This binary, running the one test `name` on `folder`.
pub(crate) fn again(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command
}

/// The folder this process was started for; `None` in the process that runs all tests.
pub(crate) fn folder() -> Option<std::ffi::OsString> {
    std::env::var_os(FOLDER)
}

/// Checks an index as the daemon does: in a child with a deadline.
pub(crate) fn valid(index: &Path) -> bool {
    validate_in_child(&mut again("child::check", index), Duration::from_secs(20))
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir, &valid).unwrap()
}

#[test]
fn check() {
    if let Some(folder) = folder() {
        check_index(Path::new(&folder)).expect("the index is sound");
    }
}

#[test]
fn a_child_that_fails_or_does_not_end_is_no_proof() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    assert!(valid(&dir.path().join("index")));
    std::fs::write(dir.path().join("index/conf"), "short").unwrap();
    assert!(!valid(&dir.path().join("index")));
    if cfg!(unix) {
        let mut endless = Command::new("tail");
        endless.args(["-f", "/dev/null"]);
        assert!(!validate_in_child(&mut endless, Duration::from_millis(50)));
    }
    assert!(!validate_in_child(&mut Command::new("/no/such/program"), Duration::from_secs(1)));
}
