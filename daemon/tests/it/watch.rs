//! A commit made while the daemon runs is mined with no command.
use crate::user::{User, print};
use sera_testkit::python_project;
use std::time::Instant;

const NEW_MODULE: &str = "\
def clamp(value, low, high):
    \"\"\"The nearest number between low and high.\"\"\"
    if value < low:
        return low
    if value > high:
        return high
    return value


def spread(values):
    \"\"\"How far the values lie apart.\"\"\"
    smallest = min(values)
    largest = max(values)
    return largest - smallest
";

#[test]
fn a_commit_becomes_seeds_with_no_command() {
    let user = User::of(python_project());
    user.json(&["register"]);
    user.json(&["mine"]);
    let before = user.status()["repositories"][0].clone();
    assert_eq!(before["mined_head"], user.repo.head(), "{before}");

    let tip = user.repo.commit("Add numbers", &[("stockroom/numbers.py", NEW_MODULE)]);
    let committed = Instant::now();
    let status =
        user.wait("the commit is mined", |now| now["repositories"][0]["mined_head"] == *tip);
    print(&format!("mined {:.2} s after the commit", committed.elapsed().as_secs_f64()));

    let functions = |seeds: &serde_json::Value| {
        seeds["functions"].as_u64().unwrap() + seeds["held_out"].as_u64().unwrap()
    };
    let after = &status["repositories"][0]["seeds"];
    assert!(functions(after) > functions(&before["seeds"]), "{before} {status}");
}

#[test]
fn a_repository_is_watched_again_after_a_restart() {
    let user = User::of(python_project());
    user.json(&["register"]);
    user.json(&["mine"]);
    user.sera(&["stop"]).well();
    let tip = user.repo.commit("Add numbers", &[("stockroom/numbers.py", NEW_MODULE)]);
    // Whatever happened while no daemon ran is found when one starts.
    user.sera(&["start"]).well();
    user.wait("the commit is mined", |now| now["repositories"][0]["mined_head"] == *tip);
}
