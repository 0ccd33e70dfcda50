//! A commit made while the daemon runs is mined with no command.
use crate::user::{User, poll, print};
use sera_testkit::python_project;
use std::path::Path;
use std::process::Command;
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

/// A command somewhere else: the work tree may not be there any more.
fn at(user: &User, place: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = if name == "git" { user.repo.command() } else { user.command(name) };
    command.current_dir(place).args(arguments);
    command
}

fn repositories(user: &User) -> serde_json::Value {
    let output = at(user, user.repo.root(), "git-sera", &["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    // Whoever moves a folder under a worker's hands sees it fail, and try again in a minute.
    if status["job"].is_null() { status["repositories"].clone() } else { serde_json::Value::Null }
}

fn watched(user: &User) {
    user.json(&["register"]);
    poll("it is mined", || repositories(user)[0]["state"] == "watching");
}

#[test]
fn a_clone_that_is_moved_is_followed() {
    let user = User::of(python_project());
    watched(&user);
    let moved = user.repo.root().join("moved");
    std::fs::rename(user.repo.path(), &moved).unwrap();
    std::fs::write(moved.join("stockroom/numbers.py"), NEW_MODULE).unwrap();
    for arguments in [&["add", "--all"][..], &["commit", "-q", "-m", "Add numbers"]] {
        assert!(at(&user, &moved, "git", arguments).status().unwrap().success());
    }
    let head = at(&user, &moved, "git", &["rev-parse", "HEAD"]).output().unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    poll("the commit is mined where the clone is now", || {
        let now = repositories(&user);
        let found = &now[0];
        found["path"] == moved.to_str().unwrap()
            && found["mined_head"] == head.trim()
            && now.as_array().is_some_and(|all| all.len() == 1)
    });
    assert!(!user.repo.path().exists(), "nothing is left where it was");
    std::fs::rename(&moved, user.repo.path()).unwrap();
    assert_eq!(user.json(&["register"])["added"], false, "whoever comes back is known");
}

#[test]
fn a_clone_that_is_deleted_is_let_go_and_another_at_its_place_is_not_it() {
    let user = User::of(python_project());
    watched(&user);
    let (work, origin) = (user.repo.path(), user.repo.root().join("origin"));
    user.repo.git(&["clone", "-q", "--bare", ".", origin.to_str().unwrap()]);
    std::fs::remove_dir_all(work).unwrap();
    let clone = ["clone", "-q", origin.to_str().unwrap(), work.to_str().unwrap()];
    assert!(at(&user, user.repo.root(), "git", &clone).status().unwrap().success());
    let journal = work.join(".git/sera/store/journal");
    poll("the new clone is mined from its beginning", || {
        repositories(&user)[0]["state"] == "watching" && journal.is_file()
    });
    std::fs::remove_dir_all(work).unwrap();
    poll("it is gone", || {
        let now = repositories(&user);
        now[0]["state"].as_str().is_some_and(|state| state.starts_with("not watched"))
    });
    let forget = ["unregister", "--repo", work.to_str().unwrap(), "--json"];
    let forgotten = at(&user, user.repo.root(), "git-sera", &forget).output().unwrap();
    assert!(forgotten.status.success(), "what is gone can be forgotten: {forgotten:?}");
    assert_eq!(repositories(&user), serde_json::json!([]));
    std::fs::create_dir(work).unwrap();
}
