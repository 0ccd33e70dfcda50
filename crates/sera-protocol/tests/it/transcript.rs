//! Transcripts of earlier versions load for ever: `>` is what a client sent, `<` what came back.
use sera_protocol::codec::decode;
use sera_protocol::{Incoming, Message, Request};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut methods = HashMap::new();
    for line in text.lines() {
        let (side, json) = line.split_at(2);
        let Incoming::Message(message) = decode(json.as_bytes()) else {
            panic!("{name}: not a message any more: {json}");
        };
        match (side, message) {
            ("> ", Message::Request { id, request }) => {
                assert!(methods.insert(id, request.method()).is_none(), "{name}: id {id} twice");
            }
            ("< ", Message::Response { id: Some(id), result: Ok(value) }) => {
                kept(name, &Request::check_result(methods[&id], value.clone()).unwrap(), &value);
            }
            ("< ", Message::Response { result: Err(_), .. } | Message::Notification(_)) => {}
            (_, message) => panic!("{name}: {side}cannot carry {message:?}"),
        }
    }
    assert!(!methods.is_empty(), "{name} holds a conversation");
}

/// Nothing an old daemon said is lost by reading it as today's type.
fn kept(name: &str, read: &Value, said: &Value) {
    match (read, said) {
        (Value::Object(read), Value::Object(said)) => {
            for (key, value) in said {
                kept(&format!("{name}.{key}"), read.get(key).unwrap_or(&Value::Null), value);
            }
        }
        (Value::Array(read), Value::Array(said)) => {
            assert_eq!(read.len(), said.len(), "{name}");
            for (read, said) in read.iter().zip(said) {
                kept(name, read, said);
            }
        }
        (Value::Number(read), Value::Number(said)) => {
            let close = |a: Option<f64>, b: Option<f64>| matches!((a, b), (Some(a), Some(b)) if (a - b).abs() < 1e-6);
            assert!(close(read.as_f64(), said.as_f64()), "{name}: {read} is not {said}");
        }
        _ => assert_eq!(read, said, "{name}"),
    }
}

#[test]
fn every_transcript_still_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.contains(&"1.0.jsonl".to_owned()), "the first version's transcript is kept");
    for name in &names {
        check(name);
    }
}
