//! The audit log through the command: everything that was sent, loaded and agreed to stands in it,
//! and whoever edits it is found out.
use crate::user::{DEADLINE, Ended, User, end, poll, real_base};
use sera_core::Digest;
use sera_testkit::teacher::{Act, good};
use sera_testkit::{TeacherServer, python_project};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc;

/// An address where nobody is.
const NOBODY: &str = "http://10.255.255.1:9/v1";

fn taught_by(server: &TeacherServer) -> User {
    let user = User::of(python_project());
    for (key, value) in [
        ("sera.teacher.url", &*server.url),
        ("sera.teacher.model", "m-1"),
        ("sera.teacher.parallel", "1"),
    ] {
        user.repo.git(&["config", "--global", key, value]);
    }
    user
}

/// Events of a kind, oldest first.
fn events(user: &User, kind: &str) -> Vec<Value> {
    let report = user.json(&["audit", "-n", "100000", "--kind", kind]);
    let entries = report["entries"].as_array().unwrap();
    entries.iter().rev().map(|entry| entry["event"].clone()).collect()
}

/// The last segment of the log.
fn segment(user: &User) -> PathBuf {
    user.sera_folder().join("audit/000000000001.jsonl")
}

fn cut_last_record(user: &User) {
    let text = std::fs::read_to_string(segment(user)).unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    std::fs::write(segment(user), &text[..=last]).unwrap();
}

#[test]
fn every_request_is_in_the_log_with_its_bytes_and_its_cost() {
    let server = TeacherServer::new(good);
    let user = taught_by(&server);
    // The second one is somebody else's machine. With one conversation at a time nobody goes there.
    user.repo.git(&["config", "--global", "--add", "sera.teacher.url", NOBODY]);
    user.repo.git(&["config", "--global", "sera.price.m-1.prompt", "2"]);
    user.json(&["rollout", "--procedural"]);
    assert_eq!(events(&user, "sent"), [Value::Null; 0], "a teacher of our own sends nothing");
    assert_eq!(user.sera(&["rollout", "--limit", "3"]).code, 77);
    assert_eq!(events(&user, "consent"), [Value::Null; 0]);
    let report = user.json(&["rollout", "--limit", "3", "--consent"]);
    let agreed = serde_json::json!(
        {"kind": "consent", "given": true, "to": format!("send code to {NOBODY}")});
    assert_eq!(events(&user, "consent"), [agreed]);

    let asked = server.asked();
    let sent = events(&user, "sent");
    assert_eq!(sent.len(), asked.len());
    assert_eq!(asked.len(), 3 * 8);
    for (event, asked) in sent.iter().zip(&asked) {
        assert_eq!(event["body"], Digest::of(asked.body.as_bytes()).as_str());
        assert_eq!(event["bytes"], asked.body.len());
        assert_eq!(event["to"], format!("{}/chat/completions", server.url));
        assert_eq!((&event["model"], &event["purpose"]), (&"m-1".into(), &"teacher".into()));
        assert_eq!(event["redactions"], 0, "no secret stands in the project");
    }
    let sum = |field: &str| -> u64 {
        events(&user, "answered").iter().map(|event| event[field].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("tokens"), report["teacher"]["tokens"].as_u64().unwrap());
    assert_eq!(sum("microdollars"), report["teacher"]["microdollars"].as_u64().unwrap());

    // What the user set is in it, from the first job on, and so is what changes.
    let settings = || -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let set = |event: &Value| (text(&event["key"]), text(&event["value"]));
        events(&user, "configured").iter().map(set).collect()
    };
    assert_eq!(settings()["sera.teacher.url"], format!("{} {NOBODY}", server.url));
    user.repo.git(&["config", "--global", "--unset", "sera.price.m-1.prompt"]);
    user.repo.git(&["config", "sera.teacher.model", "of-the-repository"]);
    user.json(&["verify"]);
    assert_eq!(settings()["sera.price.m-1.prompt"], "none");
    assert_eq!(settings()["sera.teacher.model"], "m-1", "a repository sets nothing");

    let shown = user.sera(&["audit", "-n", "2", "--kind", "sent"]).well();
    assert_eq!(shown.out.lines().count(), 3, "{}", shown.out);
    assert!(shown.out.contains(" bytes to http://127.0.0.1:"), "{}", shown.out);
    assert_eq!(user.json(&["audit", "--user"])["records"], 0, "nothing is of no repository");
}

#[test]
fn a_consent_is_taken_back_and_asked_for_again() {
    let server = TeacherServer::new(good);
    let user = taught_by(&server);
    user.repo.git(&["config", "--global", "--add", "sera.teacher.url", NOBODY]);
    assert_eq!(user.json(&["consent"])["agreed"], serde_json::json!([]));
    let ask = ["rollout", "--limit", "1"];
    user.json(&["rollout", "--limit", "1", "--consent"]);
    let agreed = user.json(&["consent"]);
    let to = format!("send code to {NOBODY}");
    assert_eq!(agreed, serde_json::json!({"agreed": [to], "withdrawn": false}));
    assert_eq!(user.json(&["consent", "--withdraw"])["withdrawn"], true);
    let withdrawn = serde_json::json!({"kind": "consent", "given": false, "to": to});
    assert_eq!(events(&user, "consent").last(), Some(&withdrawn));
    assert_eq!(user.json(&["consent"])["agreed"], serde_json::json!([]));
    assert_eq!(user.sera(&ask).code, 77, "it is asked for again");
    assert_eq!(user.json(&["consent", "--withdraw"])["withdrawn"], false);
}

/// Written down before it is sent: a kill in the middle of a call hides nothing, and is no alarm.
#[test]
fn a_call_under_way_when_everything_was_killed_is_in_the_log() {
    let (reached, at) = mpsc::channel();
    let mut count = 0;
    let server = TeacherServer::new(move |asked| {
        count += 1;
        if count == 5 {
            reached.send(()).unwrap();
            return vec![Act::Hang];
        }
        good(asked)
    });
    let user = taught_by(&server);
    user.json(&["rollout", "--procedural"]);
    let running = user.start(&["rollout", "--limit", "2", "--json"]);
    at.recv_timeout(DEADLINE).unwrap();
    user.kill();
    assert_ne!(end(running).code, 0);
    poll("the worker is gone", || user.processes().is_empty());
    let sent = events(&user, "sent");
    assert_eq!(sent.len(), 5);
    let last = &server.asked()[4];
    assert_eq!(sent[4]["body"], Digest::of(last.body.as_bytes()).as_str());
}

fn assert_changed(ended: &Ended, how: &str) {
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("the audit log was changed: "), "{ended:?}");
    assert!(ended.err.contains(how), "{ended:?}");
    assert!(ended.err.contains("git sera audit --restart"), "{ended:?}");
}

#[test]
fn an_edited_log_is_found_out_and_nothing_follows_it() {
    let server = TeacherServer::new(good);
    let user = taught_by(&server);
    user.json(&["rollout", "--limit", "1"]);
    let whole = std::fs::read(segment(&user)).unwrap();
    let records = String::from_utf8_lossy(&whole).lines().count();
    let asked = server.asked().len();

    cut_last_record(&user);
    let how = format!("it ends with record {}, but there were {records}", records - 1);
    assert_changed(&user.sera(&["audit"]), &how);
    let ended = user.sera(&["rollout", "--limit", "1"]);
    assert_ne!(ended.code, 0, "{ended:?}");
    assert!(ended.err.contains("`git sera audit` says what is wrong"), "{ended:?}");
    assert_eq!(server.asked().len(), asked, "what cannot be written down is not sent");

    let mut changed = whole.clone();
    let digit = whole.windows(9).position(|at| at == b"\"bytes\":1" || at == b"\"bytes\":2");
    changed[digit.unwrap() + 8] ^= 1;
    std::fs::write(segment(&user), &changed).unwrap();
    let line = whole[..digit.unwrap()].iter().filter(|byte| **byte == b'\n').count() + 1;
    let how = format!("000000000001.jsonl line {line}: the record is not what was written");
    assert_changed(&user.sera(&["audit", "--json"]), &how);

    // An older copy of all of it, made while no daemon ran: the journal knows better.
    std::fs::write(segment(&user), &whole).unwrap();
    user.sera(&["audit"]).well();
    let folder = user.sera_folder().join("audit");
    let copy: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    user.json(&["rollout", "--limit", "1", "--retry"]);
    user.sera(&["stop"]).well();
    copy.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    assert_changed(
        &user.sera(&["audit"]),
        &format!("it ends with record {records}, but there were"),
    );

    // What would have to be written down stops nobody who puts the log right.
    user.repo.git(&["config", "--global", "sera.teacher.context", "30000"]);
    assert_ne!(user.sera(&["verify"]).code, 0);
    let begun = user.json(&["audit", "--restart"]);
    assert_eq!((&begun["records"], &begun["broken"]), (&1.into(), &Value::Null), "{begun}");
    let kept = PathBuf::from(begun["kept"].as_str().unwrap());
    assert_eq!(std::fs::read(kept.join("000000000001.jsonl")).unwrap(), whole);
    user.json(&["rollout", "--limit", "1"]);
    assert_eq!(events(&user, "restarted").len(), 1);
    assert_eq!(events(&user, "configured").len(), 1);
    user.sera(&["audit"]).well();
}

#[test]
fn weights_that_are_loaded_are_in_the_log() {
    let Some(base) = real_base() else { return };
    let user = User::of(python_project());
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let loaded = || -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let events = events(&user, "loaded");
        events.iter().map(|event| (text(&event["what"]), text(&event["sha256"]))).collect()
    };
    user.json(&["fix", "the split is wrong", "stockroom/money.py"]);
    let of_base = (base.to_str().unwrap().to_owned(), sera_chat::sha256_of(&base).unwrap());
    assert_eq!(loaded(), [of_base]);
    user.json(&["fix", "the split is wrong", "stockroom/money.py"]);
    assert_eq!(loaded().len(), 1, "the worker kept it");
}
