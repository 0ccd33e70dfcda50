//! The whole line on real weights with a tiny budget, and then a fix as a user asks for one.
use crate::untouched::Snapshot;
use crate::user::{User, end, print, real_base};
use sera_testkit::python_project;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Fails unless `value` has every path of keys.
fn assert_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        let found = key.split('.').try_fold(value, |value, part| value.get(part));
        assert!(found.is_some(), "no {key} in {value}");
    }
}

/// The shape that the last line of `quickstart --json` promises.
fn assert_shape(report: &Value) {
    assert_keys(
        report,
        &[
            "repo",
            "mined.functions",
            "mined.commits",
            "mined.dropped",
            "tasks",
            "trajectories.kept",
            "trajectories.dropped",
            "train.examples",
            "train.tokens",
            "train.tokens_per_s",
            "train.peak_rss_mb",
            "train.loss",
            "promoted",
            "reasons",
            "fix.task",
            "fix.patch",
            "fix.recall",
            "seconds",
        ],
    );
    for arm in ["base", "retrieval", "adapter"] {
        assert_keys(&report["scorecard"]["complete"][arm], &["n", "nll", "exact"]);
    }
    for arm in ["base", "retrieval", "shuffled", "adapter"] {
        let keys = ["n", "nll", "valid", "locate1", "locate5", "recall", "exact"];
        assert_keys(&report["scorecard"]["fix"][arm], &keys);
    }
}

/// Small enough that all of its edits are ranked in moments.
const FILE: &str = "stockroom/tally.py";
const RIGHT: &str = "\
def tally(values):
    result = 0
    for value in values:
        result = result + value
    return result
";

#[test]
fn a_repository_becomes_an_adapter_and_a_fix() {
    let Some(base) = real_base() else { return };
    let repo = python_project();
    repo.commit("Add a tally", &[(FILE, RIGHT)]);
    let user = User::of(repo);
    let before = Snapshot::of(&user.repo);
    let started = Instant::now();
    let budget = ["--train-seconds", "8", "--evaluate-seconds", "8", "--student-tasks", "1"];
    let quickstart = ["quickstart", "--json", "--base", base.to_str().unwrap()];
    let ended = user.sera(&[&quickstart[..], &budget].concat());
    print(&format!("quickstart took {:.0} s", started.elapsed().as_secs_f64()));
    let report = ended.well().json();
    assert_shape(&report);
    assert_numbers(&report);
    before.assert_same(&Snapshot::of(&user.repo), "quickstart");
    audited(&user, base.to_str().unwrap());

    // The base is this repository's from now on, and the repository is the daemon's.
    user.sera(&["stop"]).well();
    user.sera(&["start"]).well();
    let status = user.status();
    let adapters = status["repositories"][0]["adapters"].as_array();
    assert_eq!(adapters.map(Vec::len), Some(1), "it was registered: {status}");
    fix(&user);
    conflict(&user);
}

/// Every load of weights is in the audit log, and nothing was sent: the base lies on this machine.
fn audited(user: &User, base: &str) {
    let audit = user.json(&["audit", "-n", "1000"]);
    let entries = audit["entries"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        let of_kind = entries.iter().filter(|entry| entry["kind"] == kind);
        of_kind.map(|entry| &entry["event"]).collect()
    };
    assert_eq!(of("sent"), [&Value::Null; 0], "{audit}");
    let loaded = of("loaded");
    let bases: Vec<_> = loaded.iter().filter(|event| event["what"] == base).collect();
    // Checked, tried by the student, trained on, evaluated, and served: each by a process of its own.
    assert!(bases.len() >= 5, "{audit}");
    let sha256 = sera_chat::sha256_of(Path::new(base)).unwrap();
    assert!(bases.iter().all(|event| event["sha256"] == *sha256), "{audit}");
    // The adapter and the two trainings that tell noise.
    assert!(loaded.len() - bases.len() >= 3, "{audit}");
    let chosen =
        of("configured").into_iter().find(|event| event["key"] == "base of this repository");
    assert_eq!(chosen.map(|event| &event["value"]), Some(&base.into()), "{audit}");
}

fn assert_numbers(report: &Value) {
    assert!(report["tasks"].as_u64() > Some(100), "{report}");
    assert!(report["trajectories"]["kept"].as_u64() > Some(50), "{report}");
    assert!(report["train"]["tokens"].as_u64() > Some(0), "{report}");
    let losses = report["train"]["loss"].as_array().unwrap();
    assert!(!losses.is_empty(), "{report}");
    assert!(losses.iter().all(|loss| loss.as_f64().is_some_and(f64::is_finite)), "{report}");
    for arm in ["base", "retrieval", "adapter"] {
        let nll = report["scorecard"]["complete"][arm]["nll"].as_f64();
        assert!(nll.is_some_and(|nll| (0.1..10.0).contains(&nll)), "{arm}: {report}");
    }
    let promoted = report["promoted"].as_array().unwrap();
    for capability in ["complete", "locate", "fix"] {
        let reason = report["reasons"][capability].as_str().unwrap_or_default();
        assert!(!reason.is_empty(), "{capability} was decided without a reason: {report}");
    }
    assert!(promoted.is_empty(), "so few items prove nothing: {report}");
}

const ASK: [&str; 3] = ["fix", "tally gives a sum that is too small", FILE];

/// A fault in the work tree, uncommitted as they mostly are.
fn plant(user: &User) -> String {
    let broken = RIGHT.replacen("result + value", "result - value", 1);
    user.repo.write(FILE, &broken);
    broken
}

fn fix(user: &User) {
    let repo = &user.repo;
    let broken = plant(user);
    let before = Snapshot::of(repo);
    let found = user.json(&[&ASK[..], &["--show", "5"]].concat());
    before.assert_same(&Snapshot::of(repo), "fix without --apply");
    assert!(!found["proposals"].as_array().unwrap().is_empty(), "{found}");
    assert_eq!(found["applied"], Value::Null, "{found}");

    let applied = user.json(&[&ASK[..], &["--apply"]].concat());
    assert_ne!(repo.read(FILE), broken, "--apply writes: {applied}");
    let undo = applied["applied"]["undo"].as_str().unwrap();
    shell(repo.root(), undo);
    assert_eq!(repo.read(FILE), broken, "undone, byte for byte: {undo}");
}

/// The file changes while the student thinks: what it proposes is not written over that.
fn conflict(user: &User) {
    plant(user);
    let mut command = user.start(&[&ASK[..], &["--apply"]].concat());
    let mut said = BufReader::new(command.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "loading the student"), "the tree was read by then");
    let mine = "def tally(values):\n    return sum(values)\n";
    user.repo.write(FILE, mine);
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    let ended = end(command);
    assert_eq!(ended.code, 65, "{ended:?} {rest:?}");
    assert!(rest.iter().any(|line| line.contains("does not fit the work tree")), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("hint: nothing was written")), "{rest:?}");
    assert_eq!(user.repo.read(FILE), mine, "uncommitted work is left alone");
}

/// Runs a line as the user would paste it, from any folder.
fn shell(folder: &Path, line: &str) {
    let done = Command::new("sh").args(["-c", line]).current_dir(folder).status().unwrap();
    assert!(done.success(), "{line}");
}
