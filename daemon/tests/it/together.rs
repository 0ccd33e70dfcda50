//! People who wait at the same time are answered at the same time, by one worker.
use crate::user::{User, end, poll, print, real_base, signal};
use sera_testkit::python_project;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::time::Instant;

/// Small functions with a fault each, so that all their edits are ranked in moments.
const FAULTS: [(&str, &str, &str); 3] = [
    (
        "stockroom/tally.py",
        "def tally(values):\n    result = 0\n    for value in values:\n        result = result - value\n    return result\n",
        "tally gives a sum that is too small",
    ),
    (
        "stockroom/largest.py",
        "def largest(values):\n    best = None\n    for value in values:\n        if best is None or value < best:\n            best = value\n    return best\n",
        "largest gives the smallest value",
    ),
    (
        "stockroom/join.py",
        "def join(words, between):\n    text = ''\n    for word in words:\n        if text:\n            text = text + word\n        text = text + word\n    return text\n",
        "join writes a word twice and leaves out what stands between",
    ),
];

#[test]
fn fixes_asked_for_together_are_those_asked_for_alone() {
    let Some(base) = real_base() else { return };
    let repo = python_project();
    let files: Vec<(&str, &str)> = FAULTS.iter().map(|(path, text, _)| (*path, *text)).collect();
    repo.commit("Count and join", &files);
    let user = User::of(repo);
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let asks = FAULTS.map(|(path, _, what)| ["fix", what, path, "--json"]);

    let started = Instant::now();
    let alone: Vec<Value> = asks.iter().map(|ask| user.sera(ask).well().json()).collect();
    let in_turn = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let running = asks.map(|ask| user.start(&ask));
    let mut given_up = user.start(&["fix", "tally", "--json"]);
    let mut said = BufReader::new(given_up.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "loading the student"), "it is being worked on");
    #[cfg(target_os = "linux")]
    {
        let workers = user.workers("serve");
        assert_eq!(workers.len(), 1, "one worker, and the weights once: {workers:?}");
        assert_eq!(nice(workers[0]), "5", "it yields to other work");
    }
    signal("INT", given_up.id());
    let together: Vec<Value> = running.map(|ask| end(ask).well().json()).into_iter().collect();
    print(&format!(
        "three fixes took {in_turn:.1} s in turn, {:.1} s together",
        started.elapsed().as_secs_f64()
    ));
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert_eq!(end(given_up).code, 130, "Ctrl-C ends its own fix alone: {rest:?}");

    for (alone, together) in alone.iter().zip(&together) {
        let patch = |fix: &Value| fix["proposals"][0]["patch"].clone();
        assert!(patch(alone).is_object() || patch(alone).is_string(), "{alone}");
        assert_eq!(patch(alone), patch(together));
    }
}

/// How nice a process is (`proc(5)`, the 19th field of `stat`).
#[cfg(target_os = "linux")]
fn nice(process: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    after_name.split(' ').nth(16).unwrap().to_owned()
}

/// An order in flight when the worker dies is told so, and the next one finds a new worker.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_dies_is_replaced() {
    let Some(base) = real_base() else { return };
    let (path, text, what) = FAULTS[0];
    let repo = python_project();
    repo.commit("Count", &[(path, text)]);
    let user = User::of(repo);
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let asks = [["fix", what, path, "--json"]; 2];
    let running = asks.map(|ask| user.start(&ask));
    poll("it serves", || user.workers("serve").len() == 1);
    signal("KILL", user.workers("serve")[0]);
    for ended in running.map(end) {
        // One that came late has found the new worker.
        let told = ended.code == 0 || ended.err.contains("the serve worker died: signal: 9");
        assert!(told, "{ended:?}");
    }
    user.sera(&asks[0]).well();
}
