//! A teacher behind a model server, through the command: what it is asked, kept, paid, and refused.
use crate::user::{DEADLINE, User, holding, poll};
use sera_testkit::teacher::{Act, Asked, good, says};
use sera_testkit::{TeacherServer, python_project};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::mpsc;

const KEY: &str = "sk-canary-0815";

fn user(settings: &[(&str, &str)]) -> User {
    let mut user = User::of(python_project());
    for (key, value) in settings {
        user.repo.git(&["config", "--global", key, value]);
    }
    user.variables.push(("GIT_SERA_TEACHER_KEY", KEY.into()));
    user
}

pub(crate) fn taught_by<'a>(server: &'a TeacherServer, more: &[(&'a str, &'a str)]) -> User {
    let teacher = [("sera.teacher.url", &*server.url), ("sera.teacher.model", "m-1")];
    user(&[&teacher, more].concat())
}

#[test]
fn a_teacher_works_on_functions_and_what_holds_is_kept() {
    let server = TeacherServer::new(good);
    let user =
        taught_by(&server, &[("sera.price.m-1.prompt", "2"), ("sera.teacher.parallel", "2")]);
    user.json(&["rollout", "--procedural"]);
    assert_eq!(server.asked().len(), 0);
    let before = user.status()["repositories"][0]["trajectories"].as_u64().unwrap();
    let report = user.json(&["rollout", "--limit", "4"]);
    let teacher = &report["teacher"];
    assert_eq!((&teacher["functions"], &teacher["accepted"]), (&4.into(), &4.into()), "{report}");
    assert_eq!(teacher["recall"], 1.0);
    // Each function: two rollouts of three messages, a judgement, a description.
    let asked = server.asked();
    assert_eq!(asked.len(), 4 * 8);
    assert_eq!(teacher["tokens"], 4 * 8 * 110);
    assert_eq!(teacher["microdollars"], 4 * 8 * 200);
    let bearer = format!("authorization: Bearer {KEY}");
    assert!(asked.iter().all(|one| one.headers.contains(&bearer)));
    let after = user.status()["repositories"][0]["trajectories"].as_u64().unwrap();
    assert_eq!(after, before + 8);
    // Every trajectory can be looked at, as the teacher made it.
    let log = user.json(&["log", "-n", "8"]);
    assert_eq!(log["stored"].as_u64().unwrap(), after);
    let of_teacher = log["trajectories"].as_array().unwrap();
    assert!(of_teacher.iter().all(|one| one["teacher"] == "m-1"), "newest first: {log}");
    let id = of_teacher[0]["id"].as_str().unwrap();
    let shown = user.json(&["show", id]);
    assert_eq!(shown["logged"]["id"], id);
    assert_eq!(shown["steps"][0]["thought"], "I look there first.");
    assert_eq!(shown["outcome"], "submitted");
    let ended = user.sera(&["show", &id[id.len() - 10..]]).well();
    assert!(ended.out.contains("> open: ") && ended.out.contains("+"), "{}", ended.out);
    assert_eq!(user.sera(&["show", "no-such-id"]).code, 65);
    // What was gone through is not asked about again.
    user.json(&["rollout", "--limit", "4"]);
    let distinct: BTreeSet<String> = server.asked().into_iter().map(|one| one.body).collect();
    assert_eq!(distinct.len(), server.asked().len());
    // The key stands nowhere.
    user.sera(&["stop"]).well();
    for folder in [user.repo.path(), &user.repo.root().join("s"), &user.repo.home()] {
        assert_eq!(holding(folder, KEY), [""; 0]);
    }
}

/// The scorecard says how the teacher does on what the student attempted.
#[test]
fn a_scorecard_has_a_column_for_the_teacher() {
    let Some(base) = crate::user::real_base() else { return };
    let server = TeacherServer::new(|_: &Asked| says("submit"));
    let user = taught_by(&server, &[("sera.base", base.to_str().unwrap())]);
    user.json(&["train", "--tokens", "512"]);
    let card = user.json(&["evaluate", "--seconds", "1"]);
    let teacher = &card["fix"]["teacher"];
    assert!(teacher["n"].as_u64().unwrap() > 0, "{card}");
    assert_eq!((&teacher["recall"], &teacher["valid"]), (&0.0.into(), &1.0.into()), "{card}");
    assert_eq!(server.asked().len() as u64, teacher["n"].as_u64().unwrap());
}

#[test]
fn a_killed_run_goes_on_and_pays_nothing_twice() {
    let (reached, at) = mpsc::channel();
    let mut count = 0;
    let mut answered = BTreeSet::new();
    let server = TeacherServer::new(move |asked| {
        count += 1;
        if count == 13 {
            reached.send(()).unwrap();
            return vec![Act::Hang];
        }
        assert!(answered.insert(asked.body.clone()), "paid twice: {}", asked.body);
        good(asked)
    });
    let user = taught_by(&server, &[("sera.teacher.parallel", "1")]);
    user.json(&["rollout", "--procedural"]);
    let running = user.start(&["rollout", "--limit", "3", "--json"]);
    at.recv_timeout(DEADLINE).unwrap();
    user.kill();
    assert_ne!(crate::user::end(running).code, 0);
    poll("the worker is gone", || user.processes().is_empty());
    let report = user.json(&["rollout", "--limit", "3"]);
    // The first function was whole before; two of the three are left of the first run, one is new.
    assert_eq!(report["teacher"]["accepted"], 3, "{report}");
    let tokens = report["teacher"]["tokens"].as_u64().unwrap();
    assert_eq!(tokens, (4 * 8 - 12) * 110, "what was answered before costs nothing");
    assert!(!user.sera_folder().join("paid.jsonl").exists());
    // The call that was under way counts for the most it may have cost: a judgement's tokens at least.
    let spent = std::fs::read_to_string(user.repo.root().join("s/spent.jsonl")).unwrap();
    let line =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["tokens"].as_i64().unwrap();
    let spent: i64 = spent.lines().map(line).sum();
    assert!(spent > 4 * 8 * 110 + 1024, "{spent}");
}

/// What is refused, or answered without end, is so again and again: it is not paid for twice, unless
/// the user asks for it or sets something else.
#[test]
fn a_refusal_is_not_asked_for_again() {
    let server = TeacherServer::new(|asked: &Asked| {
        if !asked.body.contains("You judge") {
            return good(asked);
        }
        let body = r#"{"error":{"message":"filtered"}}"#;
        let head = sera_testkit::teacher::head("400 Bad Request", "");
        vec![Act::Send(head), Act::Send(body.as_bytes().to_vec())]
    });
    let user = taught_by(&server, &[]);
    let mut asked = 0;
    let mut refused = |options: &[&str]| {
        let report = user.json(&[&["rollout", "--limit", "300"], options].concat());
        let before = std::mem::replace(&mut asked, server.asked().len());
        let refused = report["teacher"]["dropped"]["teacher-refused"].as_u64().unwrap_or(0);
        (refused, asked - before)
    };
    let (first, requests) = refused(&[]);
    assert!(first > 0 && requests as u64 == 4 * first, "{first}, {requests}");
    assert_eq!(refused(&[]), (0, 0));
    assert_eq!(refused(&["--retry"]), (first, requests));
    user.repo.git(&["config", "--global", "sera.teacher.temperature", "0.7"]);
    assert_eq!(refused(&[]), (first, requests));
    assert_eq!(refused(&[]), (0, 0));
}

#[test]
fn a_budget_ends_a_run_and_a_day() {
    let server = TeacherServer::new(good);
    let most = [("sera.budget.tokensPerDay", "20000"), ("sera.teacher.parallel", "1")];
    let user = taught_by(&server, &most);
    let report = user.json(&["rollout", "--limit", "40"]);
    assert_eq!(report["teacher"]["ended"], "the budget is spent", "{report}");
    let (first, asked) = (report["teacher"]["tokens"].as_u64().unwrap(), server.asked().len());
    assert!(first <= 20_000 && asked > 0);
    let again = user.json(&["rollout", "--limit", "40"]);
    let second = again["teacher"]["tokens"].as_u64().unwrap();
    assert!(first + second <= 20_000 && again["teacher"]["ended"] == "the budget is spent");
}

#[test]
fn code_goes_nowhere_without_consent() {
    let user = user(&[
        ("sera.teacher.url", "http://10.255.255.1:9/v1"),
        ("sera.teacher.model", "m-1"),
        ("sera.teacher.timeout", "1"),
    ]);
    let ended = user.sera(&["rollout"]);
    assert_eq!(ended.code, 77, "{ended:?}");
    assert!(ended.err.contains("would be sent to http://10.255.255.1:9/v1"), "{ended:?}");
    assert!(ended.err.contains("--consent"), "{ended:?}");
    let shown = user.sera(&["rollout", "--dry-run"]).well();
    let request: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(request["model"], "m-1");
    assert!(!user.repo.root().join("s/consents.json").exists());
}

#[test]
fn a_repository_chooses_no_teacher() {
    let server = TeacherServer::new(good);
    let user = user(&[]);
    user.repo.git(&["config", "sera.teacher.url", &server.url]);
    user.repo.git(&["config", "sera.teacher.model", "m-1"]);
    let report = user.json(&["rollout"]);
    assert_eq!(report["teacher"], Value::Null);
    let ended = user.sera(&["rollout", "--dry-run"]);
    assert_eq!(ended.code, 69, "{ended:?}");
    assert!(ended.err.contains("no teacher is configured"), "{ended:?}");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_wrong_key_ends_a_run_at_once() {
    let refuse = |_: &Asked| {
        let head = sera_testkit::teacher::head("401 Unauthorized", "");
        let body = format!(r#"{{"error":{{"message":"Incorrect key {KEY}"}}}}"#);
        vec![Act::Send(head), Act::Send(body.into_bytes())]
    };
    let server = TeacherServer::new(refuse);
    let user = taught_by(&server, &[("sera.teacher.parallel", "1")]);
    let ended = user.sera(&["rollout"]);
    assert_eq!(ended.code, 69, "{ended:?}");
    assert!(ended.err.contains("GIT_SERA_TEACHER_KEY"), "{ended:?}");
    assert!(!ended.err.contains(KEY), "{ended:?}");
    assert_eq!(server.asked().len(), 1);
}
