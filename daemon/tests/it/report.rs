//! A cycle of a student of two layers, and the page that tells it.
use crate::user::User;
use sera_testkit::{python_project, tiny_base};
use serde_json::Value;
use std::path::Path;

const SUMS: &str = "stockroom/sums.py";

fn sum(n: usize) -> String {
    format!(
        "def sum_above_{n}(values):\n    total = {n}\n    for value in values:\n        \
         if value > {n}:\n            total += value * {}\n    return total\n\n\n",
        n + 2
    )
}

/// Functions enough that an evaluation measures what a promotion needs.
fn user(base: &Path) -> User {
    let repo = python_project();
    repo.commit("Add sums", &[(SUMS, &(1..60).map(sum).collect::<String>())]);
    repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    User::of(repo)
}

#[test]
fn a_cycle_is_told_whole() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    tiny_base(&base);
    let user = user(&base);
    let ended = user.sera(&["report"]);
    assert!(ended.code == 1 && ended.err.contains("there is no adapter yet"), "{ended:?}");
    assert!(ended.err.contains("git sera train"), "{ended:?}");

    user.json(&["synthesize", "--limit", "40"]);
    let trained = user.json(&["train", "--tokens", "20000", "--seed", "1"]);
    let unscored = user.json(&["report"]);
    assert_eq!(unscored["decisions"], Value::Array(Vec::new()), "{unscored}");
    assert!(unscored["verdict"].as_str().unwrap().contains("not evaluated"), "{unscored}");

    user.json(&["evaluate", "--seconds", "20"]);
    let open = user.json(&["report"]);
    assert!(open["verdict"].as_str().unwrap().starts_with("Nothing is decided yet"), "{open}");
    let decided = user.json(&["promote"]);
    let report = user.json(&["report", "--adapter", trained["adapter"].as_str().unwrap()]);
    assert_told(&report, &trained, &decided);

    let page = std::fs::read_to_string(report["path"].as_str().unwrap()).unwrap();
    assert!(page.contains(report["adapter"].as_str().unwrap()), "{page}");
    assert!(!page.contains("<script") && !page.contains("http:"), "{page}");
    said(&user, &report, &page);
    forgotten(&user, &report);
}

/// The numbers are those that other commands say, and add up.
fn assert_told(report: &Value, trained: &Value, decided: &Value) {
    assert_eq!(report["adapter"], trained["adapter"]);
    for number in ["examples", "tokens", "target_tokens"] {
        assert_eq!(report["train"][number], trained[number], "{number}");
    }
    let curve = report["curve"].as_array().unwrap();
    assert_eq!(report["steps"], trained["loss"].as_array().unwrap().len(), "{report}");
    assert!((1..=200).contains(&curve.len()), "{report}");
    assert_eq!(curve.last().unwrap()["step"], report["steps"]);
    for one in report["decisions"].as_array().unwrap() {
        let capability = one["capability"].as_str().unwrap();
        assert_eq!(one["stored"], true, "{one}");
        assert_eq!(one["reason"], decided["reasons"][capability], "{one}");
        let promoted = decided["promoted"].as_array().unwrap().contains(&one["capability"]);
        assert_eq!(one["promoted"], promoted, "{one}");
    }
    let arms = report["arms"].as_array().unwrap();
    for arm in ["base", "retrieval", "adapter"] {
        let is_it = |one: &&Value| one["capability"] == "complete" && one["arm"] == arm;
        let one = arms.iter().find(is_it).unwrap_or_else(|| panic!("no {arm}: {report}"));
        assert!(one["level"].as_f64().is_some_and(f64::is_finite), "{one}");
        assert_eq!(one["against"].is_null(), arm == "retrieval", "{one}");
    }
    let examples: u64 = sum_of(&report["data"]["capabilities"]);
    assert_eq!(report["train"]["examples"], examples, "{report}");
    let chosen = sum_of(&report["data"]["sources"]);
    assert!(chosen > 0, "{report}");
    assert_eq!(sum_of(&report["data"]["families"]), chosen, "{report}");
    let compared = report["compared"].as_array().unwrap();
    assert!(!compared.is_empty(), "{report}");
    for one in compared.iter().filter(|one| one["capability"] == "complete") {
        assert!(one["wanted"].is_string() && one["told"].is_string(), "{one}");
    }
    assert_eq!(report["staleness"]["decisions"], 1, "{report}");
}

fn sum_of(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

/// In short on the terminal, and where the user wants the page.
fn said(user: &User, report: &Value, page: &str) {
    let to = user.repo.root().join("proof.html");
    let id = report["adapter"].as_str().unwrap();
    let end = &id[id.len() - 8..];
    let ended = user.sera(&["report", "--adapter", end, "--output", to.to_str().unwrap()]).well();
    assert!(ended.out.contains(report["verdict"].as_str().unwrap()), "{ended:?}");
    assert!(ended.out.ends_with(&format!("page: {}\n", to.display())), "{ended:?}");
    assert_eq!(std::fs::read_to_string(to).unwrap(), page, "the same page, byte for byte");
    for (arguments, code) in [(&["report", "--adapter", "zzz"][..], 65), (&["report", "x"], 129)] {
        assert_eq!(user.sera(arguments).code, code, "{arguments:?}");
    }
}

/// What is forgotten stands on no page.
fn forgotten(user: &User, report: &Value) {
    user.json(&["forget", SUMS]);
    assert!(!Path::new(report["path"].as_str().unwrap()).exists());
}
