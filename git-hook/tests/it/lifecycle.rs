//! Starting the daemon on demand, finding none, stopping it.
use crate::bench::Bench;
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A shell script that stands for the daemon's binary.
fn binary(bench: &Bench, script: &str) -> PathBuf {
    let path = bench.folders().join("fake-daemon");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn status_and_stop_start_nothing() {
    let bench = Bench::new();
    assert_snapshot!("status_absent", bench.run(&["status"]));
    assert_snapshot!("status_absent_json", bench.run(&["status", "--json", "-q"]));
    assert_snapshot!("stop_absent", bench.run(&["stop"]));
    assert!(!bench.runtime().exists(), "no folder was made for a daemon");
}

#[test]
fn a_command_starts_the_daemon_it_needs() {
    let bench = Bench::new();
    // It listens already, where nobody looks, until the script moves the socket into its place.
    let seen = bench.listen("waiting.sock", |request, daemon| daemon.answer_as_usual(request));
    let environment = bench.folders().join("environment");
    let script = format!(
        "env > {0}; echo \"$@\" >> {0}; mv {1}/waiting.sock {1}/daemon.sock",
        environment.display(),
        bench.runtime().display()
    );
    let mut command = bench.command(&["register", "--hooks=none"]);
    let own = bench.repo.path().join(".git");
    command.env("GIT_SERA_DAEMON", binary(&bench, &script)).env("GIT_DIR", own);
    let shown = bench.show(&command.output().unwrap());
    assert_snapshot!("started_on_demand", shown);
    assert_eq!(seen.iter().take(2).count(), 2, "hello and register");

    let environment = std::fs::read_to_string(environment).unwrap();
    assert!(environment.lines().any(|line| line == "run"), "the daemon's own command is given");
    assert!(
        !environment.lines().any(|line| line.starts_with("GIT_DIR=")),
        "what git sets for one repository is not passed on"
    );
}

#[test]
fn a_daemon_that_ends_at_once_is_quoted() {
    let bench = Bench::new();
    let script = "echo first; echo the disk is full >&2; exit 3";
    let mut command = bench.command(&["start"]);
    command.env("GIT_SERA_DAEMON", binary(&bench, script));
    assert_snapshot!("ended_at_once", bench.show(&command.output().unwrap()));
    let log = bench.folders().join("state/daemon.log");
    let mode = std::fs::metadata(log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the log is its owner's");
}

#[test]
fn a_daemon_that_is_not_there() {
    let bench = Bench::new();
    let mut command = bench.command(&["start"]);
    command.env("GIT_SERA_DAEMON", "/nonexistent/sera-daemon");
    assert_snapshot!("not_there", bench.show(&command.output().unwrap()));
}

#[test]
fn a_running_daemon_is_reported_and_stopped() {
    let (bench, _seen) = Bench::scripted(|request, daemon| daemon.answer_as_usual(request));
    assert_snapshot!("start_running", bench.run(&["start"]));
    assert_snapshot!("start_running_json", bench.run(&["start", "--json"]));
    assert_snapshot!("unregister", bench.run(&["unregister"]));
    assert_snapshot!("stop_running", bench.run(&["stop"]));
    assert_snapshot!("stop_again_json", bench.run(&["stop", "--json"]));
}

#[test]
fn an_open_runtime_folder_is_refused() {
    let bench = Bench::new();
    std::fs::create_dir(bench.runtime()).unwrap();
    std::fs::set_permissions(bench.runtime(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!("open_folder", bench.run(&["start"]));
}
