//! A repository that wants to run a program of its own: nothing we ask of it does.
use crate::{child, open};
use sera_core::{Patch, Tree as _};
use sera_git::{Repository, SETTINGS, Scope, Setting};
use sera_testkit::hostile::{PLANTS, Plant, Tripwires};
use sera_testkit::{HookTools, Repo};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

const BEFORE: &str = "x = 1\n";
const AFTER: &str = "x = 2\n";

/// Two commits, and a change of the work tree that any filter or diff would be asked about.
fn changed() -> Repo {
    let repo = Repo::new();
    repo.commit("one", &[("a.py", "x = 0\n")]);
    repo.commit("two", &[("a.py", BEFORE)]);
    repo
}

/// Everything that is ever asked of a repository.
fn exercise(path: &Path) {
    let repository = Repository::discover(path).unwrap();
    let head = repository.head().unwrap();
    let tree = repository.tree(&head).unwrap();
    for entry in tree.list().unwrap().iter() {
        drop(tree.read(&entry.path));
    }
    for commit in repository.commits(&head, usize::MAX).unwrap() {
        repository.changes(commit.parents.first(), &commit.id).unwrap();
    }
    assert!(!repository.refs().unwrap().is_empty());
    assert!(repository.resolve("HEAD").unwrap().is_some());
    assert!(repository.is_ancestor(&head, &head).unwrap());
    let settings = repository.settings().unwrap();
    drop((settings.value("sera.device"), settings.value("sera.base"), settings.own()));
    repository.config_set("sera.memory", Some("1g")).unwrap();
    repository.config_set("sera.memory", None).unwrap();
    let changes = repository.work_tree_changes().unwrap();
    let of_file = changes.iter().find(|(path, _)| path.as_str() == "a.py").unwrap();
    let content = of_file.1.as_deref().unwrap();
    assert_eq!(content, AFTER.as_bytes(), "as it stands in the work tree, unfiltered");
    let patch = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 2\n+x = 3\n";
    repository.apply(&Patch::parse(patch).unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(path.join("a.py")).unwrap(), "x = 3\n");
}

fn by_plain_git(repo: &Repo, arguments: &[&str], input: &str) {
    let mut command = repo.command();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut git = command.spawn().unwrap();
    // Git may not care for what it is told.
    drop(git.stdin.take().unwrap().write_all(input.as_bytes()));
    git.wait().unwrap();
}

/// Whether plain git would have run it.
fn check(plant: &Plant) -> Result<(), String> {
    let repo = changed();
    let wires = Tripwires::of(&repo);
    wires.plant(plant, &repo);
    repo.write("a.py", AFTER);
    wires.tripped();
    exercise(repo.path());
    assert_eq!(wires.tripped(), [""; 0], "{plant:?}");
    let Some((arguments, input)) = plant.trip else { return Ok(()) };
    by_plain_git(&repo, arguments, input);
    match wires.tripped().as_slice() {
        [name] if name == plant.name => Ok(()),
        tripped => Err(format!("{plant:?}: git {arguments:?} runs {tripped:?}")),
    }
}

#[test]
fn no_tripwire_is_run() {
    let untried: Vec<String> = PLANTS.iter().filter_map(|plant| check(plant).err()).collect();
    assert!(untried.is_empty(), "tripwires that do not work: {untried:#?}");
    let proven = PLANTS.iter().filter(|plant| plant.trip.is_some()).count();
    assert!(proven >= 36, "{proven} of {} are proven to work", PLANTS.len());
}

/// Run by [`the_users_own_programs_are_not_run_either`] in a process that has the user's home.
#[test]
#[ignore = "a part of the_users_own_programs_are_not_run_either"]
fn child_exercises() {
    let Some(work) = std::env::var_os("WORK_TREE") else { return };
    exercise(work.as_ref());
}

/// What a user set for all repositories is theirs, and for their own commands: reading a history
/// in the background runs none of it.
#[test]
fn the_users_own_programs_are_not_run_either() {
    let repo = changed();
    let wires = Tripwires::of(&repo);
    let global = Plant {
        name: "what is set for all repositories",
        plant: |repo, wire| {
            for key in ["core.fsmonitor", "core.pager", "filter.x.clean", "diff.external"] {
                repo.git(&["config", "--global", key, wire]);
            }
            let hooks = repo.root().join("own-hooks");
            std::fs::create_dir(&hooks).unwrap();
            std::os::unix::fs::symlink(wire, hooks.join("post-index-change")).unwrap();
            repo.git(&["config", "--global", "core.hooksPath", hooks.to_str().unwrap()]);
            repo.write(".git/info/attributes", "* filter=x\n");
        },
        trip: Some((&["diff"], "")),
    };
    wires.plant(&global, &repo);
    repo.write("a.py", AFTER);
    wires.tripped();
    child(&repo, "hostile::child_exercises", &[]);
    assert_eq!(wires.tripped(), [""; 0]);
    by_plain_git(&repo, &["diff"], "");
    assert_eq!(wires.tripped(), [global.name]);
}

/// Hooks that newer versions of git run from config, where no path of hooks matters.
#[test]
fn hooks_in_the_config_are_not_run() {
    let Some(tools) = HookTools::named() else { return };
    let repo = changed();
    let wires = Tripwires::of(&repo);
    let hooks = Plant {
        name: "hook.x.command",
        plant: |repo, wire| {
            repo.git(&["config", "hook.x.command", wire]);
            for event in HOOKS {
                repo.git(&["config", "--add", "hook.x.event", event]);
            }
        },
        trip: None,
    };
    wires.plant(&hooks, &repo);
    repo.write("a.py", AFTER);
    let path = tools.path();
    let newer = [("PATH", path.to_str().unwrap())];
    child(&repo, "hostile::child_exercises", &newer);
    assert_eq!(wires.tripped(), [""; 0]);
    let plain = repo.command().env("PATH", &path).args(["commit", "-qam", "three"]).status();
    assert!(plain.unwrap().success());
    assert_eq!(wires.tripped(), [hooks.name], "this git does run them");
}

/// Whatever git tells hooks of, but for servers.
const HOOKS: [&str; 13] = [
    "applypatch-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "reference-transaction",
    "sendemail-validate",
];

/// Objects and parents that the repository puts in others' places are not what was committed.
#[test]
fn replaced_objects_and_grafts_change_nothing() {
    let repo = changed();
    let (head, parent) = (repo.head(), repo.git(&["rev-parse", "HEAD~1"]));
    let other = repo.git(&["commit-tree", "-m", "another history", "HEAD~1^{tree}"]);
    repo.git(&["replace", &head, &other]);
    std::fs::create_dir_all(repo.path().join(".git/info")).unwrap();
    repo.write(".git/info/grafts", format!("{head}\n"));
    let told = repo.git(&["log", "--format=%s"]);
    assert_eq!(told, "another history", "plain git is taken in");
    let repository = open(&repo);
    let commits = repository.commits(&repository.head().unwrap(), 9).unwrap();
    let messages: Vec<&str> = commits.iter().map(|commit| commit.message.trim()).collect();
    assert_eq!(messages, ["two", "one"]);
    assert_eq!(commits[0].parents[0].as_str(), parent);
}

/// Links in the tree lead nowhere: neither the file outside nor a folder behind one is read.
#[test]
fn links_are_not_followed() {
    let repo = changed();
    std::fs::write(repo.root().join("secret.py"), "SECRET = 1\n").unwrap();
    std::os::unix::fs::symlink("../secret.py", repo.path().join("link.py")).unwrap();
    std::os::unix::fs::symlink("..", repo.path().join("up")).unwrap();
    repo.commit("links", &[]);
    repo.write("a.py", AFTER);
    std::fs::remove_file(repo.path().join("a.py")).unwrap();
    std::os::unix::fs::symlink("../secret.py", repo.path().join("a.py")).unwrap();
    let repository = open(&repo);
    let tree = repository.tree(&repository.head().unwrap()).unwrap();
    for entry in tree.list().unwrap().iter() {
        let text = tree.read(&entry.path).map(|bytes| bytes.to_vec()).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&text).contains("SECRET"), "{}", entry.path);
    }
    let changes = repository.work_tree_changes().unwrap();
    assert!(changes.iter().all(|(_, content)| content.is_none()), "{changes:?}");
    let patch = "--- a/up/secret.py\n+++ b/up/secret.py\n@@ -1 +1 @@\n-SECRET = 1\n+SECRET = 2\n";
    assert!(repository.apply(&Patch::parse(patch).unwrap()).is_err());
}

/// A repository that sets everything there is to set is heard only where any scope may speak.
#[test]
fn a_repository_sets_nothing_that_is_the_users() {
    let repo = changed();
    let named = |setting: &Setting| setting.key.replace('*', "m.1");
    for setting in SETTINGS {
        repo.git(&["config", &named(setting), "7"]);
        repo.git(&["config", "--worktree", &named(setting), "7"]);
    }
    repo.git(&["config", "sera.unheard-of", "7"]);
    let settings = open(&repo).settings().unwrap();
    for setting in SETTINGS {
        let (key, honoured) = (named(setting), setting.scope == Scope::Any);
        assert_eq!(settings.value(&key).as_deref(), honoured.then_some("7"), "{key}");
        assert_eq!(settings.values(&key).len(), usize::from(honoured), "{key}");
        assert_eq!(settings.integer(&key).unwrap(), honoured.then_some(7), "{key}");
    }
    assert!(settings.own().is_empty());
    assert_eq!(settings.value("sera.unheard-of"), None);
    assert_eq!(settings.value("core.editor"), None);
    // What chooses where something goes, what runs or what it costs is the user's.
    let any = SETTINGS.iter().filter(|setting| setting.scope == Scope::Any);
    let any: Vec<&str> = any.map(|setting| setting.key).collect();
    assert_eq!(any, ["sera.cache", "sera.device", "sera.mine.commits", "sera.memory"]);
}
