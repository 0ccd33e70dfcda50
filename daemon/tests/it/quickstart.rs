//! The whole line on real weights with a tiny budget, and then a fix as a user asks for one.
use crate::user::{User, print, real_base};
use sera_testkit::{Repo, python_project};
use serde_json::Value;
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

#[test]
fn a_repository_becomes_an_adapter_and_a_fix() {
    let Some(base) = real_base() else { return };
    let user = User::of(python_project());
    let started = Instant::now();
    let ended = user.sera(&[
        "quickstart",
        "--json",
        "--base",
        base.to_str().unwrap(),
        "--train-seconds",
        "8",
        "--evaluate-seconds",
        "8",
    ]);
    print(&format!("quickstart took {:.0} s", started.elapsed().as_secs_f64()));
    let report = ended.well().json();
    assert_shape(&report);
    assert!(report["tasks"].as_u64() > Some(100), "{report}");
    assert!(report["trajectories"]["kept"].as_u64() > Some(50), "{report}");
    assert!(report["train"]["tokens"].as_u64() > Some(0), "{report}");
    let losses = report["train"]["loss"].as_array().unwrap();
    assert!(losses.iter().all(|loss| loss.as_f64().is_some_and(f64::is_finite)), "{report}");
    for arm in ["base", "retrieval", "adapter"] {
        let nll = report["scorecard"]["complete"][arm]["nll"].as_f64();
        assert!(nll.is_some_and(|nll| (0.1..10.0).contains(&nll)), "{arm}: {report}");
    }
    for capability in ["complete", "locate", "fix"] {
        let reason = report["reasons"][capability].as_str().unwrap_or_default();
        assert!(!reason.is_empty(), "{capability} was decided without a reason: {report}");
    }
    let status = user.status();
    let repository = &status["repositories"][0];
    assert_eq!(repository["adapters"].as_array().unwrap().len(), 1, "{status}");

    // The base is this repository's from now on, and so is the daemon's eye.
    user.sera(&["stop"]).well();
    user.sera(&["start"]).well();
    let again = user.status();
    assert_eq!(again["repositories"][0]["adapters"], repository["adapters"], "it was registered");
    fix(&user);
}

const FILE: &str = "stockroom/money.py";
const WRONG: &str = "return -cents if negative else cents";
const BROKEN: &str = "return cents if negative else cents";

/// A fault in the work tree, uncommitted as they mostly are.
fn plant(repo: &Repo) -> String {
    let text = repo.read(FILE);
    assert_eq!(text.matches(WRONG).count(), 1, "the fault has one place");
    let broken = text.replacen(WRONG, BROKEN, 1);
    repo.write(FILE, &broken);
    broken
}

fn fix(user: &User) {
    let repo = &user.repo;
    let broken = plant(repo);
    let ask = ["fix", "parse_amount loses the sign of negative amounts", FILE];
    let found = user.json(&ask);
    assert_eq!(repo.read(FILE), broken, "without --apply nothing is written");
    assert!(!found["proposals"].as_array().unwrap().is_empty(), "{found}");
    assert_eq!(found["applied"], Value::Null, "{found}");

    let applied = user.json(&[&ask[..], &["--apply"]].concat());
    assert_ne!(repo.read(FILE), broken, "--apply writes: {applied}");
    let undo = applied["applied"]["undo"].as_str().unwrap();
    shell(repo.root(), undo);
    assert_eq!(repo.read(FILE), broken, "undone, byte for byte: {undo}");
}

/// Runs a line as the user would paste it, from any folder.
fn shell(folder: &Path, line: &str) {
    let done = Command::new("sh").args(["-c", line]).current_dir(folder).status().unwrap();
    assert!(done.success(), "{line}");
}
