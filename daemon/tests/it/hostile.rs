//! A repository that wants to run its programs, choose where its code goes, and write to the
//! terminal: every command is given one that tries all of it at once.
use crate::user::{Ended, User, holding, real_base};
use sera_git::{SETTINGS, Scope};
use sera_testkit::hostile::{PLANTS, Tripwires};
use sera_testkit::teacher::good;
use sera_testkit::{Person, Repo, TeacherServer, python_project};

/// What no program of ours may ever read.
const CANARY: &str = "canary_of_the_outside";
/// Clears the screen, names the window, and turns what follows round.
const MALLORY: Person = Person {
    name: "\u{1b}[2J\u{1b}]0;owned\u{7}Mallory\u{202e}",
    email: "m\u{9b}2J@example.invalid",
};
const TURNED: &str = "stockroom/\u{202e}turned.py";
const TALLY: &str = "stockroom/tally.py";
const FUNCTION: &str = "def tally(values):\n    result = 0\n    for value in values:\n        \
                        result = result + value\n    return result\n";

/// Names, messages and links that mean harm, committed before git itself is made harmful.
fn history() -> Repo {
    let repo = python_project();
    std::fs::write(repo.root().join("outside.py"), format!("{CANARY} = 1\n{FUNCTION}")).unwrap();
    std::os::unix::fs::symlink("../outside.py", repo.path().join("link.py")).unwrap();
    std::os::unix::fs::symlink("..", repo.path().join("up")).unwrap();
    repo.commit_as(
        MALLORY,
        "\u{1b}[31mAdd\u{9b}2J a\u{202e} tally",
        &[(TURNED, FUNCTION), (TALLY, FUNCTION), ("stockroom/cle\u{1b}[2Jar.py", FUNCTION)],
    );
    let fixed = FUNCTION.replace("result + value", "result + 2 * value");
    repo.commit_as(
        MALLORY,
        "\u{1b}[31mDouble\u{200b} it\r\u{7}",
        &[(TURNED, &fixed), (TALLY, &fixed)],
    );
    repo
}

/// Every plant at once. Those that need a git that still works come first.
fn planted(repo: &Repo) -> Tripwires {
    let wires = Tripwires::of(repo);
    let first = ["merge.x.driver", "core.alternateRefsCommand", "submodule.x.update"];
    let (early, late): (Vec<_>, Vec<_>) =
        PLANTS.iter().partition(|plant| first.contains(&plant.name));
    early.into_iter().chain(late).for_each(|plant| wires.plant(plant, repo));
    wires
}

fn check(ended: &Ended, what: &[&str]) {
    let hidden =
        |c: char| c.is_control() && c != '\n' || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}');
    for text in [&ended.out, &ended.err] {
        assert!(!text.contains(hidden), "{what:?} writes to the terminal: {text:?}");
    }
}

#[test]
fn no_command_runs_reads_or_obeys_what_a_repository_plants() {
    let server = TeacherServer::new(good);
    let repo = history();
    for setting in SETTINGS.iter().filter(|setting| setting.scope == Scope::User) {
        let value = if setting.key == "sera.teacher.url" { &*server.url } else { "7" };
        repo.git(&["config", &setting.key.replace('*', "m-1"), value]);
    }
    let wires = planted(&repo);
    let user = User::of(repo);
    user.repo.write("stockroom/money.py", user.repo.read("stockroom/money.py") + "\n# Changed.\n");
    wires.tripped();
    let run = |arguments: &[&str]| -> Ended {
        let ended = user.sera(arguments);
        assert_eq!(wires.tripped(), [""; 0], "{arguments:?}");
        check(&ended, arguments);
        ended
    };
    run(&["register"]).well();
    run(&["mine", "--explain"]).well();
    run(&["synthesize", "--limit", "60"]).well();
    run(&["rollout", "--limit", "60"]).well();
    run(&["verify"]).well();
    let log = run(&["log", "-n", "1000"]).well();
    let id = log.out.split_whitespace().next().unwrap();
    run(&["show", id]).well();
    assert_eq!(run(&["why", TURNED]).code, 65, "no path that reads as another");
    run(&["why", TALLY]).well();
    run(&["why", "HEAD"]).well();
    run(&["status"]).well();
    run(&["fsck"]).well();
    run(&["doctor"]);
    run(&["sandbox", "build", "--repository", "--dry-run"]);
    run(&["start"]).well();
    run(&["register", "--hooks=files"]);
    run(&["register", "--hooks=config"]);
    run(&["consent"]).well();
    run(&["audit", "--user"]).well();
    assert_eq!(run(&["-C", "inner", "mine"]).code, 128, "a bare repository in the tree");
    if let Some(base) = real_base() {
        user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
        wires.tripped();
        run(&["select"]).well();
        let rows = run(&["export", "--format", "axolotl"]).well().out;
        let file = user.repo.root().join("rows.jsonl");
        std::fs::write(&file, rows).unwrap();
        run(&["import", file.to_str().unwrap()]);
        run(&["train", "--seconds", "4"]).well();
        run(&["evaluate", "--seconds", "4"]).well();
        run(&["promote"]);
        let short = ["--train-seconds", "4", "--evaluate-seconds", "4"];
        run(&[&["quickstart"], &short[..]].concat()).well();
        let before = user.repo.read("stockroom/money.py");
        run(&["fix", "split_evenly is wrong", "stockroom/money.py"]);
        assert_eq!(user.repo.read("stockroom/money.py"), before);
        run(&["fix", "split_evenly is wrong", "stockroom/money.py", "--apply"]).well();
        assert_ne!(user.repo.read("stockroom/money.py"), before);
    }
    run(&["forget", TALLY, "--dry-run"]).well();
    run(&["forget", TALLY]).well();
    run(&["audit", "-n", "1000"]).well();
    let audit = user.json(&["audit", "-n", "1000"]);
    for entry in audit["entries"].as_array().unwrap() {
        assert!(entry["kind"] != "sent" && entry["kind"] != "consent", "{entry}");
        let set = entry["event"]["key"].as_str().unwrap_or_default();
        assert!(["", "sera.base", "sera.schedule.auto"].contains(&set), "it sets nothing: {entry}");
    }
    assert_eq!(server.asked().len(), 0);
    run(&["unregister"]).well();
    run(&["stop"]).well();
    assert_eq!(holding(&user.sera_folder(), CANARY), [""; 0], "links are not followed");
    live(&user.repo, &wires);
}

/// The same repository under plain git: the wires are live to the end.
fn live(repo: &Repo, wires: &Tripwires) {
    for arguments in [&["status"][..], &["diff"], &["commit", "--allow-empty", "-m", "x"]] {
        drop(repo.command().args(arguments).output().unwrap());
        assert_ne!(wires.tripped(), [""; 0], "{arguments:?}");
    }
}

/// Somebody else's repository is refused, as git does, and says how to trust it.
#[test]
fn somebody_elses_repository_is_refused_unopened() {
    let repo = python_project();
    let wires = planted(&repo);
    wires.tripped();
    let git = repo.path().join(".git");
    if let Err(error) = std::os::unix::fs::chown(&git, Some(54_321), None) {
        assert!(std::env::var_os("CI").is_none(), "a folder cannot be given away: {error}");
        crate::user::print("NOT TESTED: only root gives folders away");
        return;
    }
    let user = User::of(repo);
    for arguments in [&["mine"][..], &["register"], &["fix", "x"], &["audit"], &["quickstart"]] {
        let ended = user.sera(arguments);
        assert_eq!(ended.code, 128, "{ended:?}");
        assert!(ended.err.contains("is owned by somebody else"), "{ended:?}");
        assert!(ended.err.contains("git config --global --add safe.directory"), "{ended:?}");
        assert_eq!(wires.tripped(), [""; 0], "{arguments:?}");
    }
    assert!(!user.sera_folder().exists(), "nothing is stored about it");
}
