//! Bad input gets a clear error, the promised exit code and a hint, and changes nothing.
use crate::untouched::Snapshot;
use crate::user::{User, print, real_base};
use sera_protocol::method::RegisterParams;
use sera_protocol::{Client, ClientError, ErrorCode};
use sera_testkit::{Repo, python_project};
use std::process::Command;

/// What a repository that cannot be worked on must say.
struct Refusal {
    code: ErrorCode,
    error: &'static str,
    hint: &'static str,
}

fn check(what: &str, repo: Repo, expect: &Refusal) {
    let user = User::of(repo);
    let before = Snapshot::of(&user.repo);
    for arguments in
        [&["quickstart"][..], &["mine"], &["rollout"], &["fix", "it is wrong"], &["register"]]
    {
        let ended = user.sera(arguments);
        assert_eq!(ended.code, 128, "{what}: {ended:?}");
        assert!(ended.err.contains(expect.error), "{what}: {ended:?}");
        assert!(ended.err.contains(&format!("hint: {}", expect.hint)), "{what}: {ended:?}");
        assert_eq!(ended.out, "", "{what}: an error is no data");
    }
    assert!(user.status().is_null(), "{what}: no daemon was started for it");
    // An editor asks the daemon itself.
    user.sera(&["start"]).well();
    let mut client = Client::connect(&user.socket(), "test", "0").unwrap();
    let path = user.repo.path().to_str().unwrap().to_owned();
    let Err(ClientError::Refused(failure)) = client.call(RegisterParams { path }) else {
        panic!("{what}: the daemon took it");
    };
    assert_eq!(failure.code, expect.code, "{what}: {failure:?}");
    assert!(failure.message.contains(expect.error), "{what}: {failure:?}");
    assert_eq!(failure.hint.as_deref(), Some(expect.hint), "{what}");
    before.assert_same(&Snapshot::of(&user.repo), what);
    assert!(!user.sera_folder().exists(), "{what}: nothing is stored about it");
}

#[test]
fn no_repository() {
    let repo = Repo::new();
    std::fs::remove_dir_all(repo.path().join(".git")).unwrap();
    let expect = Refusal {
        code: ErrorCode::NotARepository,
        error: "is not in a git repository",
        hint: "change to a repository, or make one with `git init`",
    };
    check("a plain folder", repo, &expect);
}

#[test]
fn no_folder() {
    let user = User::of(Repo::new());
    let ended = user.sera(&["-C", "missing", "mine"]);
    assert_eq!(ended.code, 128, "{ended:?}");
    assert!(ended.err.contains("cannot work in missing"), "{ended:?}");
}

#[test]
fn bare() {
    let expect = Refusal {
        code: ErrorCode::Bare,
        error: "is a bare repository, which has no work tree",
        hint: "clone it, and use the clone",
    };
    check("bare", Repo::init(&["--bare"]), &expect);
}

#[test]
fn shallow() {
    let repo = python_project();
    let origin = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth", "3", &origin, "../shallow"]);
    let work = repo.path().to_owned();
    std::fs::remove_dir_all(&work).unwrap();
    std::fs::rename(repo.root().join("shallow"), &work).unwrap();
    let expect = Refusal {
        code: ErrorCode::Shallow,
        error: "is a shallow clone, whose history is incomplete",
        hint: "get the rest of the history with `git fetch --unshallow`",
    };
    check("shallow", repo, &expect);
}

#[test]
fn partial() {
    let repo = python_project();
    repo.git(&["config", "remote.origin.url", "https://example.invalid/x"]);
    repo.git(&["config", "remote.origin.promisor", "true"]);
    let expect = Refusal {
        code: ErrorCode::PartialClone,
        error: "is a partial clone, whose objects are fetched on demand",
        hint: "clone it again without --filter",
    };
    check("partial", repo, &expect);
}

#[test]
fn empty() {
    let expect = Refusal {
        code: ErrorCode::Empty,
        error: "has no commit yet",
        hint: "make a first commit, or check out another branch",
    };
    check("empty", Repo::new(), &expect);
}

#[test]
fn reftable() {
    let Some(repo) = kind("--ref-format=reftable") else { return };
    let expect = Refusal {
        code: ErrorCode::Reftable,
        error: "stores its refs as reftable, which is not supported",
        hint: "convert a copy with `git refs migrate --ref-format=files`",
    };
    check("reftable", repo, &expect);
}

#[test]
fn sha256() {
    let Some(repo) = kind("--object-format=sha256") else { return };
    let expect = Refusal {
        code: ErrorCode::Sha256,
        error: "names its objects by SHA-256, which is not supported",
        hint: "use a repository with SHA-1 object names",
    };
    check("SHA-256", repo, &expect);
}

/// A repository with one commit made with an option that an old git may lack.
fn kind(option: &str) -> Option<Repo> {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("git").args(["init", "-q", option]).arg(folder.path()).status();
    if !made.unwrap().success() {
        assert!(std::env::var_os("CI").is_none(), "this git knows no {option}");
        print(&format!("NOT TESTED: this git knows no {option}"));
        return None;
    }
    let repo = Repo::init(&[option]);
    repo.commit("Begin", &[("a.py", "def f(x):\n    y = x + 1\n    return y\n")]);
    Some(repo)
}

#[test]
fn nothing_to_learn_from() {
    let repo = Repo::new();
    repo.commit("Add a getter", &[("a.py", "def name(self):\n    return self._name\n")]);
    repo.commit("Say what this is", &[("README.md", "# Names\n")]);
    let user = User::of(repo);
    let before = Snapshot::of(&user.repo);
    let mined = user.json(&["mine", "--explain"]);
    assert_eq!((&mined["functions"], &mined["commits"]), (&0.into(), &0.into()), "{mined}");
    assert!(!mined["dropped"].as_object().unwrap().is_empty(), "what was found is named: {mined}");
    for arguments in [&["synthesize"][..], &["rollout"]] {
        let ended = user.sera(arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.err.contains("no function or commit can be trained on"), "{ended:?}");
        for reason in mined["dropped"].as_object().unwrap().keys() {
            assert!(ended.err.contains(reason), "{reason} is said: {ended:?}");
        }
        assert!(ended.err.contains("hint: `git sera mine --explain`"), "{ended:?}");
    }
    before.assert_same(&Snapshot::of(&user.repo), "mining");
}

#[test]
fn a_setting_that_names_nothing() {
    let Some(base) = real_base() else { return };
    let user = User::of(python_project());
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    user.repo.git(&["config", "sera.cache", "q4"]);
    let ended = user.sera(&["fix", "tally"]);
    assert_eq!(ended.code, 65, "{ended:?}");
    let error = "sera.cache: \"q4\" is no way to keep a cache: say f16 or q8";
    assert!(ended.err.contains(error), "{ended:?}");
}

#[test]
fn a_file_that_is_no_base() {
    let user = User::of(python_project());
    let garbage = user.repo.root().join("garbage.gguf");
    std::fs::write(&garbage, "GGUF, or so it says").unwrap();
    let missing = user.repo.root().join("missing.gguf");
    let before = Snapshot::of(&user.repo);
    for (base, code, error) in
        [(&garbage, 65, "failed to load the base"), (&missing, 69, "no file at")]
    {
        let ended = user.sera(&["quickstart", "--base", base.to_str().unwrap()]);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.err.contains(error), "{ended:?}");
        assert!(ended.err.contains("hint: "), "{ended:?}");
        assert!(ended.err.contains(base.to_str().unwrap()), "the file is named: {ended:?}");
    }
    before.assert_same(&Snapshot::of(&user.repo), "quickstart");
    let status = user.status();
    assert_eq!(status["repositories"][0]["mined_head"], serde_json::Value::Null, "{status}");
    assert_eq!(status["repositories"][0]["tasks"], 0, "nothing was begun: {status}");
}

#[test]
#[cfg(unix)]
fn a_damaged_base_in_the_cache_is_not_used() {
    let mut user = User::of(python_project());
    // No pip here, so what lies in the cache cannot be replaced.
    let tools = user.repo.root().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let git = Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout;
    let git = String::from_utf8(git).unwrap();
    std::os::unix::fs::symlink(git.trim_end(), tools.join("git")).unwrap();
    user.variables.push(("PATH", tools));
    let preset = &sera_chat::PRESETS[0];
    let file = user.repo.root().join("c").join("bases").join(preset.file());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "not the weights").unwrap();
    let before = Snapshot::of(&user.repo);
    let ended = user.sera(&["quickstart"]);
    assert_eq!(ended.code, 69, "{ended:?}");
    assert!(ended.err.contains("no pip was found"), "{ended:?}");
    assert!(ended.err.contains("hint: "), "{ended:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"not the weights", "the file is left for its owner");
    before.assert_same(&Snapshot::of(&user.repo), "quickstart");
}

/// Judging makes nothing that others may be making right now, so it begins no rollouts.
#[test]
fn nothing_is_judged_before_a_rollout() {
    let user = User::of(python_project());
    user.json(&["synthesize"]);
    let ended = user.sera(&["verify"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("git sera rollout"), "{ended:?}");
    assert_eq!(user.status()["repositories"][0]["trajectories"], 0);
    user.json(&["rollout", "--procedural", "--limit", "2"]);
    user.json(&["verify"]);
}
