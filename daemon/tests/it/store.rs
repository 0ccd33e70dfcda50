//! `kill -9` of the daemon at any moment: what was acknowledged is there, the rest is done again.
#![cfg(target_os = "linux")]
use crate::user::{User, end, poll};
use sera_testkit::python_project;
use serde_json::{Value, json};

/// Starts a command, kills the daemon when its status passes `moment`, and starts it again, which
/// must find a sound store. A command that ended before it was seen is killed after its end, which
/// is a moment, too.
fn kill_during(user: &User, arguments: &[&str], moment: impl Fn(&Value) -> bool) -> Value {
    let mut command = user.start(arguments);
    poll("the moment to kill", || command.try_wait().unwrap().is_some() || moment(&user.status()));
    user.kill();
    let ended = end(command);
    assert!([0, 69].contains(&ended.code), "{ended:?}");
    poll("its workers have ended", || user.processes().is_empty());

    user.sera(&["start"]).well();
    let checked = user.json(&["fsck"]);
    assert_eq!(checked["damaged"], json!([]), "{arguments:?}: {checked}");
    user.status()["repositories"][0].clone()
}

fn stage(name: &str) -> impl Fn(&Value) -> bool {
    move |status| status["job"]["stage"] == name
}

#[test]
fn a_killed_daemon_mines_and_synthesizes_the_same_again() {
    let user = User::of(python_project());
    user.json(&["register"]);
    kill_during(&user, &["mine"], |status| status["job"]["kind"] == "mine");
    kill_during(&user, &["mine"], stage("mine"));
    let mined = user.json(&["mine"]);
    for at in ["mine", "synthesize"] {
        let status = kill_during(&user, &["synthesize"], stage(at));
        assert_eq!(status["mined_head"], user.repo.head(), "what was mined stays: {status}");
        assert_eq!(status["seeds"]["functions"], mined["functions"], "{status}");
    }
    let tasks = user.json(&["synthesize"])["tasks"].clone();
    let status = kill_during(&user, &["synthesize"], |_| true);
    assert!([&tasks, &json!(0)].contains(&&status["tasks"]), "all of a cycle or nothing: {status}");
    assert_eq!(user.json(&["synthesize"])["tasks"], tasks, "the same history, the same tasks");
}

#[test]
fn a_killed_daemon_keeps_every_rollout_it_acknowledged() {
    let user = User::of(python_project());
    user.json(&["register"]);
    user.json(&["synthesize"]);
    let mut kept = 0;
    for done in [0, 1, 50, 150] {
        let far = move |status: &Value| status["job"]["done"].as_u64() >= Some(done);
        let status = kill_during(&user, &["rollout"], far);
        let now = status["trajectories"].as_u64().unwrap();
        assert!(now >= kept, "{kept} were acknowledged: {status}");
        kept = now + user.json(&["rollout", "--limit", "7"])["kept"].as_u64().unwrap();
    }
    kept += user.json(&["rollout"])["kept"].as_u64().unwrap();
    assert_eq!(user.status()["repositories"][0]["trajectories"], kept, "none twice, none lost");
    assert!(kept > 100, "it was worth it: {kept}");
    assert_eq!(user.json(&["fsck"])["damaged"], json!([]));
    assert_eq!(user.json(&["rollout"])["kept"], 0, "every task was attempted once");
}
