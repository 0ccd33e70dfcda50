//! What can be opened, and how the rest is refused.
use crate::{child, open};
use sera_git::{OpenError, Repository};
use sera_testkit::Repo;
use std::path::Path;

/// The kind of refusal, its message checked to name the place and its hint to say something.
fn refusal(path: &Path) -> &'static str {
    let error = Repository::discover(path).expect_err("this repository cannot be used");
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    assert!(!error.hint().is_empty());
    match error {
        OpenError::NotARepository(_) => "not a repository",
        OpenError::Bare(_) => "bare",
        OpenError::Shallow(_) => "shallow",
        OpenError::PartialClone(_) => "partial",
        OpenError::Unborn(_) => "unborn",
        OpenError::Reftable(_) => "reftable",
        OpenError::Sha256(_) => "sha256",
        OpenError::Format { .. } => "format",
        OpenError::ForeignOwner(_) => "owner",
        OpenError::ForeignWorkTree { .. } => "work tree",
        OpenError::Config { .. } => "config",
        OpenError::Failed { .. } => "failed",
    }
}

#[test]
fn from_anywhere_inside() {
    let repo = Repo::new();
    let head = repo.commit("one", &[("a/b/c.py", "x = 1\n")]);
    for place in ["", "a", "a/b", "a/b/c.py"] {
        let found = Repository::discover(&repo.path().join(place)).unwrap();
        assert_eq!(found.work_dir(), repo.path());
        assert_eq!(found.git_dir(), repo.path().join(".git"));
        assert_eq!(found.common_dir(), repo.path().join(".git"));
        assert_eq!(found.head().unwrap().as_str(), head);
    }
}

#[test]
fn formats_that_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refusal(folder.path()), "not a repository");
    assert_eq!(refusal(&folder.path().join("missing")), "not a repository");
    assert_eq!(refusal(Repo::new().path()), "unborn");
    assert_eq!(refusal(Repo::init(&["--bare"]).path()), "bare");
    assert_eq!(refusal(Repo::init(&["--object-format=sha256"]).path()), "sha256");
    assert_eq!(refusal(Repo::init(&["--ref-format=reftable"]).path()), "reftable");
}

#[test]
fn config_that_is_refused() {
    let check = |settings: &[&[&str]], expect: &str| {
        let repo = Repo::new();
        repo.commit("one", &[("a", "1\n")]);
        for setting in settings {
            repo.git(&[&["config"], *setting].concat());
        }
        assert_eq!(refusal(repo.path()), expect, "{settings:?}");
    };
    check(&[&["core.worktree", "/tmp"]], "work tree");
    check(&[&["core.bare", "true"]], "bare");
    check(&[&["extensions.partialClone", "origin"]], "partial");
    check(&[&["remote.origin.promisor", "true"]], "partial");
    check(&[&["extensions.future", "1"], &["core.repositoryFormatVersion", "1"]], "format");
    check(&[&["core.repositoryFormatVersion", "2"]], "format");
}

#[test]
fn clones_without_all_of_history() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    repo.commit("two", &[("a", "2\n")]);
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    for (name, option) in [("shallow", "--depth=1"), ("partial", "--filter=blob:none")] {
        let clone = repo.root().join(name);
        repo.git(&["clone", "-q", option, &url, clone.to_str().unwrap()]);
        assert_eq!(refusal(&clone), name);
    }
}

#[test]
fn linked_work_tree() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    let linked = repo.root().join("linked");
    repo.git(&["worktree", "add", "-q", "-b", "other", linked.to_str().unwrap()]);
    std::fs::write(linked.join("a"), "changed\n").unwrap();
    let found = Repository::discover(&linked).unwrap();
    assert_eq!(found.work_dir(), linked);
    assert_eq!(found.common_dir(), repo.path().join(".git"));
    assert_eq!(found.git_dir(), repo.path().join(".git/worktrees/linked"));
    assert_eq!(found.work_tree_changes().unwrap().len(), 1);
    assert_eq!(open(&repo).work_tree_changes().unwrap(), []);
    assert!(found.refs().unwrap().contains_key("refs/heads/other"));
}

#[test]
fn submodule() {
    let inner = Repo::new();
    inner.commit("inner", &[("lib.py", "x = 1\n")]);
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    let url = inner.path().to_str().unwrap();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "sub"]);
    repo.commit("two", &[]);
    let found = Repository::discover(&repo.path().join("sub")).unwrap();
    assert_eq!(found.work_dir(), repo.path().join("sub"));
    assert_eq!(found.common_dir(), repo.path().join(".git/modules/sub"));
    assert_eq!(found.head().unwrap().as_str(), inner.head());
    assert_eq!(open(&repo).work_tree_changes().unwrap(), []);
}

/// Run by [`foreign_owner`] in a process of its own, whose user trusts the repository.
#[test]
#[ignore = "a part of foreign_owner"]
fn child_trusts_the_owner() {
    let Some(work) = std::env::var_os("WORK_TREE") else { return };
    let found = Repository::discover(work.as_ref()).unwrap();
    assert_eq!(found.work_tree_changes().unwrap().len(), 1);
}

/// Needs to give a folder away, which only root may; elsewhere it says so.
#[test]
#[cfg(unix)]
fn foreign_owner() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    repo.write("a", "2\n");
    if let Err(error) = std::os::unix::fs::chown(repo.path().join(".git"), Some(54_321), None) {
        eprintln!("NOT CHECKED: a repository of another owner ({error})");
        assert!(std::env::var_os("CI").is_none(), "continuous integration checks everything");
        return;
    }
    assert_eq!(refusal(repo.path()), "owner");
    // It cannot say of itself that it is to be trusted.
    let own = repo.path().join(".git/config");
    repo.git(&["config", "--file", own.to_str().unwrap(), "safe.directory", "*"]);
    assert_eq!(refusal(repo.path()), "owner");
    let trusted = repo.path().to_str().unwrap();
    let file = repo.home().join(".gitconfig");
    repo.git(&["config", "--file", file.to_str().unwrap(), "safe.directory", trusted]);
    child(&repo, "opening::child_trusts_the_owner", &[]);
}
