//! One daemon per user, and one job that computes at a time.
use crate::user::{User, end, poll, signal};
use sera_testkit::python_project;
use std::process::{Child, Stdio};

#[test]
fn a_second_daemon_leaves_at_once() {
    let user = User::of(python_project());
    user.sera(&["start"]).well();
    let first = user.pid();
    let second = user.command("sera-daemon").arg("run").output().unwrap();
    assert!(second.status.success(), "{second:?}");
    assert_eq!(user.pid(), first, "the first goes on");
}

#[test]
fn of_twenty_daemons_one_stays() {
    let user = User::of(python_project());
    let start = || {
        let mut command = user.command("sera-daemon");
        command.arg("run").stderr(Stdio::null()).spawn().unwrap()
    };
    let mut daemons: Vec<Child> = (0..20).map(|_| start()).collect();
    poll("all but one have left", || {
        daemons.retain_mut(|daemon| match daemon.try_wait().unwrap() {
            None => true,
            Some(status) => {
                assert!(status.success(), "{status}");
                false
            }
        });
        daemons.len() == 1
    });
    let mut only = daemons.pop().unwrap();
    user.wait("it answers", |status| status["pid"] == only.id());
    user.sera(&["stop"]).well();
    assert!(only.wait().unwrap().success(), "asked to stop, it ends well");
}

#[test]
fn twenty_commands_start_one_daemon() {
    let user = User::of(python_project());
    let commands: Vec<Child> = (0..20).map(|_| user.start(&["start", "--json"])).collect();
    let pids = commands.into_iter().map(|command| end(command).well().json()["pid"].clone());
    let pids: std::collections::BTreeSet<String> = pids.map(|pid| pid.to_string()).collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
}

#[test]
fn a_command_right_after_stop_gets_a_new_daemon() {
    let user = User::of(python_project());
    user.sera(&["start"]).well();
    for _ in 0..5 {
        let before = user.pid();
        user.sera(&["stop"]).well();
        user.sera(&["register"]).well();
        assert_ne!(user.pid(), before, "another process answers");
    }
}

/// What it does by itself, too, when it is at rest and holds more than it needs.
#[test]
#[cfg(target_os = "linux")]
fn a_daemon_that_begins_anew_is_the_same_process_and_knows_the_same() {
    let user = User::of(python_project());
    user.sera(&["register"]).well();
    let head = user.repo.head();
    let is_mined = |status: &serde_json::Value| {
        status["repositories"][0]["mined_head"] == head.as_str()
            && status["repositories"][0]["state"] == "watching"
    };
    user.wait("it is mined", is_mined);
    let before = user.pid();
    let log = user.state().join("daemon.log");
    let opened = || std::fs::read_to_string(&log).unwrap().matches("the store is open").count();
    assert_eq!(opened(), 1);
    signal("HUP", before);
    poll("it began anew", || opened() == 2);
    assert_eq!(user.pid(), before);
    user.wait("it knows what was mined", is_mined);
    user.sera(&["stop"]).well();
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_job_that_computes_is_refused() {
    let user = User::of(python_project());
    user.json(&["synthesize"]);
    let first = user.start(&["rollout", "--json"]);
    let running = |status: &serde_json::Value| status["job"]["stage"] == "rollout";
    user.wait("the first computes", running);
    // Held still, so that it cannot end before the second has asked.
    let worker = user.workers("rollout")[0];
    signal("STOP", worker);
    for arguments in [&["rollout"][..], &["train"], &["quickstart"]] {
        let second = user.sera(arguments);
        assert_eq!(second.code, 75, "{second:?}");
        assert!(second.err.contains("another rollout is running for"), "{second:?}");
        assert!(second.err.contains("hint: `git sera status`"), "{second:?}");
    }
    // What only reads goes on beside it.
    user.json(&["mine"]);
    user.json(&["status"]);
    signal("CONT", worker);
    assert!(end(first).well().json()["kept"].as_u64().unwrap() > 0);
}
