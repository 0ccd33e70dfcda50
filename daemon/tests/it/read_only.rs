//! A repository that cannot be written to is worked on all the same: what is known of it lies in
//! its user's state, and survives the daemon there.
use crate::untouched::Snapshot;
use crate::user::User;
use sera_testkit::python_project;
use std::process::Command;

/// Nobody's: for root, who may write anywhere, nothing is read-only.
const SOMEBODY: u32 = 54_321;

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program}");
}

#[test]
fn what_is_known_of_a_read_only_repository_lies_with_its_user() {
    let mut user = User::of(python_project());
    let (head, root) = (user.repo.head(), user.repo.root().to_str().unwrap().to_owned());
    let git = user.repo.path().join(".git").to_str().unwrap().to_owned();
    if sera_protocol::paths::own_uid() == 0 {
        run("chown", &["-R", &SOMEBODY.to_string(), &root]);
        user.uid = Some(SOMEBODY);
    }
    run("chmod", &["-R", "a-w", &git]);
    let before = Snapshot::of(&user.repo);

    user.json(&["register"]);
    user.json(&["mine"]);
    assert_eq!(user.status()["repositories"][0]["mined_head"], *head);
    user.sera(&["stop"]).well();
    user.sera(&["start"]).well();
    assert_eq!(user.status()["repositories"][0]["mined_head"], *head, "it is known still");
    assert!(!user.sera_folder().exists());
    assert_eq!(std::fs::read_dir(user.state().join("read-only")).unwrap().count(), 1);
    before.assert_same(&Snapshot::of(&user.repo), "a daemon that cannot write");
    user.sera(&["unregister"]).well();
    user.sera(&["stop"]).well();
    run("chmod", &["-R", "u+w", &git]);
}
