//! What is computed though nobody asked: when it begins, what it yields to, what is said of it.
use crate::user::{User, end, poll};
use sera_testkit::{python_project, tiny_base};
use serde_json::Value;

/// A user on a machine that is always free, with a student of two layers.
fn user() -> User {
    let user = User::of(python_project());
    let base = user.repo.root().join("base");
    tiny_base(&base);
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    user.always();
    user.schedule(&[("seeds", "1")]);
    user
}

/// Commits until something that may be trained on is new.
fn commit(user: &User) {
    for n in 0..8 {
        let text = format!(
            "def added_{n}(values):\n    total = {n}\n    for value in values:\n        total += value\n    \
             return total\n"
        );
        user.repo
            .commit(&format!("Count from {n}"), &[(&format!("stockroom/added_{n}.py"), &text)]);
    }
    let head = user.repo.head();
    user.wait("it is mined", |status| status["repositories"][0]["mined_head"] == head.as_str());
}

fn training(status: &Value) -> String {
    status["repositories"][0]["training"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_pause_holds_a_training_in_its_middle() {
    let user = user();
    user.json(&["rollout"]);
    let training = user.start(&["train", "--tokens", "20000", "--json"]);
    let done = |status: &Value| {
        (status["job"]["stage"] == "train").then(|| status["job"]["done"].as_u64().unwrap())
    };
    user.wait("it trains", |status| done(status).is_some_and(|done| done > 0));
    user.sera(&["pause", "--for", "1h"]).well();
    let status = user.status();
    assert_eq!(status["schedule"]["paused"], true, "{status}");
    assert!(status["schedule"]["until_ms"].is_u64(), "{status}");
    // What was under way in a worker is told a moment later.
    let mut last = None;
    poll("it holds still", || {
        let now = done(&user.status()).expect("it is not at its end");
        last.replace(now) == Some(now)
    });
    user.json(&["fix", "the split is wrong", "stockroom/money.py"]);
    assert_eq!(done(&user.status()), last, "a fix was made meanwhile, and nothing trained");
    let shown = user.sera(&["status"]).well();
    assert!(shown.out.contains("paused until "), "{shown:?}");
    user.sera(&["resume"]).well();
    assert!(end(training).well().json()["adapter"].is_string());
    assert_eq!(user.status()["schedule"]["paused"], false);
}

#[test]
fn a_pause_survives_the_daemon() {
    let user = user();
    user.sera(&["pause"]).well();
    user.sera(&["stop"]).well();
    user.sera(&["register"]).well();
    assert_eq!(user.status()["schedule"]["paused"], true);
    assert_eq!(user.json(&["resume"])["was_paused"], true);
    assert_eq!(user.json(&["resume"])["was_paused"], false);
    assert_eq!(user.sera(&["pause", "--for", "soon"]).code, 129);
}

#[test]
fn enough_that_is_new_is_trained_on_and_yields_to_who_asks() {
    let user = user();
    user.sera(&["register"]).well();
    user.json(&["train", "--tokens", "512"]);
    assert_eq!(training(&user.status()), "");
    user.schedule(&[("auto", "false")]);
    commit(&user);
    let status = user.wait("it says why it waits", |status| {
        status["schedule"]["waits"] == "sera.schedule.auto is false"
    });
    assert_eq!(training(&status), "an adapter is due");

    user.schedule(&[("auto", "true")]);
    user.repo.commit("Say more", &[("README.md", "More.\n")]);
    user.wait("it begins by itself", |status| status["job"]["kind"] == "retrain");
    let trained = user.json(&["train", "--tokens", "512"]);
    let all = user.json(&["adapters"]);
    assert_eq!(all["adapters"].as_array().unwrap().len(), 2, "{all}");
    assert_eq!(all["adapters"][0]["adapter"], trained["adapter"]);
}

#[test]
fn what_fails_is_put_off_and_said() {
    let user = user();
    user.sera(&["register"]).well();
    user.json(&["train", "--tokens", "512"]);
    user.repo.git(&["config", "--global", "sera.base", "/no/such/base"]);
    commit(&user);
    let failed = |status: &Value| training(status).starts_with("failed 1 times, is tried again in");
    let status = user.wait("it failed", failed);
    assert!(training(&status).contains("/no/such/base"), "{status}");
    let shown = user.sera(&["status"]).well();
    assert!(shown.out.contains("tried again in 10 min"), "{shown:?}");
    user.sera(&["resume"]).well();
    assert_eq!(training(&user.status()), "an adapter is due", "it is tried at the next look");
}
