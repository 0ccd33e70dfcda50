//! A commit made while the daemon runs is mined with no command.
use crate::user::{User, number, poll, print};
use sera_testkit::{Repo, python_project};
use serde_json::{Value, json};
use std::fmt::Write as _;
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

/// Commits to `stockroom/extra.py` on the branch that is checked out, all there at once.
fn grow(repo: &Repo, commits: u64) {
    let branch = repo.git(&["symbolic-ref", "HEAD"]);
    let mut stream = String::new();
    for number in 0..commits {
        let (from, time) = (if number == 0 { "from HEAD^0\n" } else { "" }, 1_800_000_000 + number);
        let function =
            format!("def extra(value):\n    total = value + {number}\n    return total\n");
        let lengths = ("Count on".len(), function.len());
        write!(
            stream,
            "commit {branch}\ncommitter A <a@example.invalid> {time} +0000\ndata {}\nCount on\n{from}\
             M 100644 inline stockroom/extra.py\ndata {}\n{function}\n",
            lengths.0, lengths.1
        )
        .unwrap();
    }
    repo.git_with(&["fast-import", "--quiet", "--force"], stream.as_bytes());
    repo.git(&["reset", "--quiet", "--hard"]);
}

/// They are worked off in batches: the daemon answers, and another repository is mined meanwhile.
#[test]
fn many_commits_at_once_hold_up_nobody() {
    let user = User::of(python_project());
    let other = user.repo.root().join("other");
    let at = other.to_str().unwrap().to_owned();
    user.repo.git(&["clone", "-q", ".", &at]);
    user.json(&["register"]);
    user.json(&["-C", &at, "register"]);
    user.json(&["mine"]);
    user.json(&["-C", &at, "mine"]);

    let commits = number("GIT_SERA_TRIALS", 600);
    user.repo.git(&["config", "--global", "sera.mine.commits", &(2 * commits).to_string()]);
    grow(&user.repo, commits);
    let (there, begun) = (user.repo.head(), Instant::now());
    user.repo.git(&["-C", &at, "commit", "-q", "--allow-empty", "-m", "Beside it"]);
    let beside = user.repo.git(&["-C", &at, "rev-parse", "HEAD"]);
    let (mut mined_beside, mut longest) = (None, 0f64);
    poll("all of them are mined", || {
        let asked = Instant::now();
        let status = user.status();
        longest = longest.max(asked.elapsed().as_secs_f64());
        let is_mined = |head: &str| {
            let all = status["repositories"].as_array().unwrap();
            all.iter().any(|one| one["mined_head"] == *head)
        };
        if is_mined(&beside) {
            mined_beside.get_or_insert(begun.elapsed().as_secs_f64());
        }
        is_mined(&there)
    });
    let mined = user.json(&["mine"])["commits"].as_u64().unwrap();
    assert!(mined > commits / 4, "they were looked at, one by one: {mined} are seeds");
    print(&format!(
        "{commits} commits at once were mined in {:.1} s; a commit beside them in {:.1} s; \
         status took {:.0} ms at most",
        begun.elapsed().as_secs_f64(),
        mined_beside.expect("the other was not held up"),
        longest * 1e3
    ));
}

#[test]
fn a_repository_that_is_being_mined_can_be_let_go() {
    let user = User::of(python_project());
    grow(&user.repo, 600);
    user.json(&["register"]);
    poll("it is being mined", || !user.workers("mine").is_empty());
    user.sera(&["unregister"]).well();
    let status = user.status();
    assert_eq!((&status["repositories"], &status["job"]), (&json!([]), &Value::Null), "{status}");
}
