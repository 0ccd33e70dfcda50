//! All work trees of a repository share what is known of it; who asks in one is answered there.
use crate::user::{User, real_base};
use sera_testkit::python_project;
use std::path::{Path, PathBuf};

/// A user in the main work tree, and a linked one with a commit of its own.
fn linked() -> (User, PathBuf) {
    let user = User::of(python_project());
    let path = user.repo.root().join("linked");
    user.repo.git(&["worktree", "add", "-q", "-b", "other", path.to_str().unwrap()]);
    let text = "def tally(values):\n    result = 0\n    for value in values:\n        result = result - value\n    return result\n";
    std::fs::write(path.join("tally.py"), text).unwrap();
    let at = path.to_str().unwrap();
    user.repo.git(&["-C", at, "add", "."]);
    user.repo.git(&["-C", at, "commit", "-q", "-m", "Count"]);
    (user, path.canonicalize().unwrap())
}

fn registered(user: &User) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(user.state().join("repositories")).unwrap();
    text.lines().map(PathBuf::from).collect()
}

#[test]
fn they_are_one_repository_whose_main_tree_is_mined() {
    let (user, linked) = linked();
    let (at, main) = (linked.to_str().unwrap(), user.repo.path().canonicalize().unwrap());
    user.json(&["-C", at, "mine"]);
    user.json(&["-C", at, "register"]);
    user.json(&["register"]);
    assert_eq!(registered(&user), [main.as_path()], "once, however often and from where");
    let status =
        user.wait("it is mined", |status| !status["repositories"][0]["mined_head"].is_null());
    assert_eq!(status["repositories"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(status["repositories"][0]["path"], main.to_str().unwrap());
    assert_eq!(
        status["repositories"][0]["mined_head"],
        user.repo.head(),
        "not that of the linked one"
    );
    let seen = user.json(&["-C", at, "status"]);
    assert_eq!(seen["repositories"][0]["path"], main.to_str().unwrap(), "{seen}");

    user.sera(&["stop"]).well();
    user.sera(&["-C", at, "unregister"]).well();
    assert_eq!(registered(&user), [] as [&Path; 0]);
}

/// Earlier daemons registered the tree they were called in.
#[test]
fn a_registered_linked_tree_is_known_by_the_main_one() {
    let (user, linked) = linked();
    let main = user.repo.path().canonicalize().unwrap();
    user.sera(&["start"]).well();
    user.sera(&["stop"]).well();
    std::fs::write(user.state().join("repositories"), format!("{}\n", linked.display())).unwrap();
    user.sera(&["start"]).well();
    user.wait("it is mined", |status| {
        status["repositories"][0]["mined_head"] == user.repo.head().as_str()
    });
    assert_eq!(registered(&user), [main]);
}

#[test]
fn the_first_tree_of_a_bare_repository_is_mined() {
    let (user, _) = linked();
    let bare = user.repo.root().join("bare.git");
    let bare = bare.to_str().unwrap();
    user.repo.git(&["clone", "-q", "--bare", ".", bare]);
    let [one, two] = ["one", "two"].map(|name| user.repo.root().join(name));
    user.repo.git(&["-C", bare, "worktree", "add", "-q", one.to_str().unwrap(), "other"]);
    user.repo.git(&[
        "-C",
        bare,
        "worktree",
        "add",
        "-q",
        "--detach",
        two.to_str().unwrap(),
        "other~1",
    ]);
    user.json(&["-C", one.to_str().unwrap(), "register"]);
    user.json(&["-C", two.to_str().unwrap(), "register"]);
    let checked_out = user.repo.git(&["rev-parse", "other"]);
    user.wait("it is mined", |status| {
        status["repositories"][0]["mined_head"] == checked_out.as_str()
    });
    assert_eq!(registered(&user), [one.canonicalize().unwrap()]);
}

#[test]
fn a_fix_is_made_in_the_tree_that_it_is_asked_for() {
    let Some(base) = real_base() else { return };
    let (user, linked) = linked();
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    user.json(&["register"]);
    let what = "tally gives a sum that is too small";
    let fix = ["-C", linked.to_str().unwrap(), "fix", what, "tally.py", "--apply", "--json"];
    let fixed = user.sera(&fix).well().json();
    let text = std::fs::read_to_string(linked.join("tally.py")).unwrap();
    assert!(text.contains("result + value"), "{text}\n{fixed}");
    assert!(!user.repo.path().join("tally.py").exists(), "the main tree is left alone");
    assert_eq!(user.repo.git(&["status", "--porcelain"]), "");
}
