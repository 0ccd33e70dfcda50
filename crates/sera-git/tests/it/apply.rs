//! Putting a patch into the work tree: all or nothing, and back again.
use crate::open;
use sera_core::{Patch, TreePath};
use sera_git::ApplyError;
use sera_testkit::Repo;
use std::process::Command;

const BEFORE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

fn repo() -> Repo {
    let repo = Repo::new();
    repo.commit("one", &[("a.py", BEFORE), ("lib/b.py", BEFORE), ("gone/c.py", BEFORE)]);
    repo
}

/// The patch that `git diff` shows for a change, which is then taken back.
fn patch(repo: &Repo, change: impl FnOnce()) -> Patch {
    change();
    repo.git(&["add", "--all", "--intent-to-add"]);
    let text = String::from_utf8(repo.git_bytes(&["diff", "-M", "HEAD"])).unwrap();
    repo.git(&["reset", "-q", "--hard"]);
    repo.git(&["clean", "-qfd"]);
    Patch::parse(&text).unwrap()
}

fn state(repo: &Repo) -> String {
    let status = repo.git(&["status", "--porcelain=v2", "--untracked-files=all"]);
    format!("{status}\n{}", repo.git(&["diff", "HEAD"]))
}

#[test]
fn there_and_back() {
    let repo = repo();
    let edited = BEFORE.replace("two", "2").replace("seven\n", "seven");
    let change = || {
        repo.write("a.py", &edited);
        repo.write("new/deep/d.py", "created\n");
        std::fs::remove_file(repo.path().join("gone/c.py")).unwrap();
        std::fs::rename(repo.path().join("lib/b.py"), repo.path().join("lib/z.py")).unwrap();
    };
    let patch = patch(&repo, change);
    let clean = state(&repo);
    let applied = open(&repo).apply(&patch).unwrap();
    let files: Vec<&str> = applied.files.iter().map(TreePath::as_str).collect();
    assert_eq!(files, ["a.py", "gone/c.py", "lib/b.py", "lib/z.py", "new/deep/d.py"]);
    assert_eq!(repo.read("a.py"), edited);
    assert_eq!(repo.read("lib/z.py"), BEFORE);
    assert_eq!(repo.read("new/deep/d.py"), "created\n");
    assert!(!repo.path().join("gone").exists(), "a folder left empty goes, as with git");
    assert!(!repo.path().join("lib/b.py").exists());
    let undone = Command::new("sh").args(["-c", applied.undo()]).envs(repo.environment()).status();
    assert!(undone.unwrap().success(), "{}", applied.undo());
    assert_eq!(state(&repo), clean);
}

#[test]
fn uncommitted_work_elsewhere_stays() {
    let repo = repo();
    let patch = patch(&repo, || repo.write("a.py", BEFORE.replace("two", "2")));
    repo.write("a.py", BEFORE.replace("seven", "7"));
    repo.write("lib/b.py", "mine\n");
    open(&repo).apply(&patch).unwrap();
    assert_eq!(repo.read("a.py"), BEFORE.replace("two", "2").replace("seven", "7"));
    assert_eq!(repo.read("lib/b.py"), "mine\n");
}

#[test]
#[cfg(unix)]
fn modes_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let repo = repo();
    let patch = patch(&repo, || repo.write("a.py", BEFORE.replace("two", "2")));
    let file = repo.path().join("a.py");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o750)).unwrap();
    open(&repo).apply(&patch).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
}

/// Applies `patch` to a work tree that `disturb` has changed, and expects that nothing happens.
fn refused(patch: &Patch, disturb: impl FnOnce(&Repo)) -> ApplyError {
    let repo = repo();
    disturb(&repo);
    let before = state(&repo);
    let error = open(&repo).apply(patch).expect_err("the patch does not fit");
    assert_eq!(state(&repo), before, "nothing was changed: {error}");
    assert!(!repo.path().join(".git/sera/undo").exists(), "nothing was saved: {error}");
    assert!(!error.hint().is_empty());
    error
}

#[test]
fn conflicts_change_nothing() {
    let made = repo();
    let edit = patch(&made, || {
        made.write("a.py", BEFORE.replace("two", "2"));
        made.write("lib/b.py", BEFORE.replace("two", "2"));
    });
    let create = patch(&made, || made.write("new/n.py", "created\n"));
    let conflict = |error: ApplyError| assert!(matches!(error, ApplyError::Conflict(_)), "{error}");
    conflict(refused(&edit, |repo| repo.write("lib/b.py", BEFORE.replace("two", "mine"))));
    conflict(refused(&edit, |repo| repo.write("lib/b.py", format!("mine\n{BEFORE}"))));
    conflict(refused(&edit, |repo| std::fs::remove_file(repo.path().join("lib/b.py")).unwrap()));
    conflict(refused(&create, |repo| repo.write("new/n.py", "mine\n")));
    assert!(matches!(refused(&Patch::default(), |_| {}), ApplyError::Empty));
}

#[test]
#[cfg(unix)]
fn nothing_is_written_through_links_or_into_submodules() {
    use std::os::unix::fs::symlink;
    let made = repo();
    let edit = patch(&made, || made.write("lib/b.py", BEFORE.replace("two", "2")));
    let create = patch(&made, || made.write("new/n.py", "created\n"));
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("b.py"), BEFORE).unwrap();
    let unwritable = |error: ApplyError| match error {
        ApplyError::Unwritable { reason, .. } => reason,
        other => panic!("{other}"),
    };
    let folder = refused(&edit, |repo| {
        std::fs::remove_dir_all(repo.path().join("lib")).unwrap();
        symlink(outside.path(), repo.path().join("lib")).unwrap();
    });
    assert_eq!(unwritable(folder), "a folder above it is a link");
    let file = refused(&edit, |repo| {
        std::fs::remove_file(repo.path().join("lib/b.py")).unwrap();
        symlink(outside.path().join("b.py"), repo.path().join("lib/b.py")).unwrap();
    });
    assert_eq!(unwritable(file), "it is not a regular file");
    let dangling = refused(&create, |repo| {
        std::fs::create_dir(repo.path().join("new")).unwrap();
        symlink(outside.path().join("made"), repo.path().join("new/n.py")).unwrap();
    });
    assert_eq!(unwritable(dangling), "it is not a regular file");
    let module = refused(&create, |repo| {
        repo.git(&["init", "-q", "new"]);
    });
    assert_eq!(unwritable(module), "it is in a submodule");
    let blocked = refused(&create, |repo| repo.write("new", "a file\n"));
    assert_eq!(unwritable(blocked), "a file stands where its folder is");
    let binary = refused(&edit, |repo| repo.write("lib/b.py", b"\xff\xfe\0"));
    assert_eq!(unwritable(binary), "it is not UTF-8 text");
    assert_eq!(std::fs::read_to_string(outside.path().join("b.py")).unwrap(), BEFORE);
    assert!(!outside.path().join("made").exists());
}
