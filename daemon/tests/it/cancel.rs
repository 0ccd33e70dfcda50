//! Ctrl-C ends a job well, and the same command goes on where it was.
use crate::user::{User, end, real_base, signal};
use sera_protocol::{Job, JobResult, Notification, Stage};
use sera_testkit::python_project;

#[test]
fn an_interrupted_rollout_is_finished_by_the_next() {
    let user = User::of(python_project());
    let tasks = user.json(&["synthesize"])["tasks"].as_u64().unwrap();
    let command = user.start(&["rollout", "--json"]);
    user.wait("it rolls out", |status| status["job"]["stage"] == "rollout");
    signal("INT", command.id());
    let ended = end(command);
    assert_eq!(ended.code, 130, "{ended:?}");
    assert_eq!(ended.out, "", "{ended:?}");
    let status = user.wait("the job is gone", |status| status["job"].is_null());
    let kept = status["repositories"][0]["trajectories"].as_u64().unwrap();

    let next = user.json(&["rollout"]);
    let dropped: u64 =
        next["dropped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert!(next["kept"].as_u64().unwrap() + dropped + kept <= tasks, "none twice: {next}");
    assert_eq!(next["dropped"]["cancelled"], serde_json::Value::Null, "{next}");
    let after = user.status()["repositories"][0]["trajectories"].as_u64().unwrap();
    assert_eq!(after, kept + next["kept"].as_u64().unwrap(), "none lost");
    assert_eq!(user.json(&["rollout"])["kept"], 0, "nothing is left");
}

/// Enough for a few steps, each a second or two.
const TOKENS: u64 = 4_000;

#[test]
fn an_interrupted_training_resumes_where_it_was() {
    let Some(base) = real_base() else { return };
    let user = User::of(python_project());
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    user.json(&["rollout", "--limit", "80"]);
    let command = user.start(&["train", "--tokens", &TOKENS.to_string(), "--json"]);
    let status = user.wait("it trains", |status| {
        status["job"]["stage"] == "train" && status["job"]["done"].as_u64() > Some(0)
    });
    let done = status["job"]["done"].as_u64().unwrap();
    signal("INT", command.id());
    let ended = end(command);
    assert_eq!(ended.code, 130, "{ended:?}");
    let status = user.wait("the job is gone", |status| status["job"].is_null());
    assert_eq!(status["repositories"][0]["adapters"], serde_json::json!([]), "{status}");

    let (told, trained) = user.job(Job::Train { seconds: None, tokens: Some(TOKENS), seed: 0 });
    let first = told.iter().find_map(|one| match one {
        Notification::Progress(progress) if progress.stage == Stage::Train => Some(progress.done),
        _ => None,
    });
    assert!(first > Some(done), "the first step told is {first:?} tokens, after {done} before");
    let Ok(JobResult::Train(trained)) = trained else { panic!("{trained:?}") };
    assert!(trained.adapter.is_some(), "{trained:?}");
    assert!(trained.loss.len() >= 2, "the loss of both parts is told: {trained:?}");
    let status = user.status();
    assert_eq!(status["repositories"][0]["adapters"].as_array().unwrap().len(), 1, "{status}");
}
