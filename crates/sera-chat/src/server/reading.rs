//! A reply as it comes, event by event. Pure: what it is given and in which pieces decides alone.
use super::wire::{Counted, Event, Fault, Piece};
use sera_core::{Call, Usage};
use serde_json::Value;
use std::collections::BTreeMap;

/// How models that think aloud mark it.
const THINK: (&str, &str) = ("<think>", "</think>");

/// A reply so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    content: String,
    thought: String,
    calls: BTreeMap<usize, Call>,
    ended: Option<Ended>,
    counted: Option<Counted>,
}

/// How a server ended its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ByItself,
    /// It was allowed no more tokens.
    Cut,
}

/// What an event was not.
#[derive(Debug)]
pub(super) enum BadEvent {
    /// It is no JSON that we know.
    Garbled,
    /// The server failed midway and says so.
    Fault(Fault),
}

/// A whole reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) thought: Option<String>,
    pub(super) calls: Vec<Call>,
    pub(super) finished: bool,
    /// As counted by the server, if it did.
    pub(super) usage: Option<Usage>,
}

impl Reading {
    /// Takes the data of one event in.
    pub(super) fn take(&mut self, data: &str) -> Result<(), BadEvent> {
        if data.trim() == "[DONE]" {
            self.ended.get_or_insert(Ended::ByItself);
            return Ok(());
        }
        let event: Event = serde_json::from_str(data).map_err(|_| BadEvent::Garbled)?;
        if let Some(fault) = event.error {
            return Err(BadEvent::Fault(fault));
        }
        self.counted = event.usage.or(self.counted);
        for choice in event.choices.into_iter().take(1) {
            self.content.push_str(&choice.delta.content.unwrap_or_default());
            self.thought.push_str(&choice.delta.reasoning_content.unwrap_or_default());
            for piece in choice.delta.tool_calls.unwrap_or_default() {
                self.call(piece);
            }
            match choice.finish_reason.as_deref() {
                None => {}
                Some("length") => self.ended = Some(Ended::Cut),
                Some(_) => self.ended = Some(Ended::ByItself),
            }
        }
        Ok(())
    }

    /// Adds a piece of a call. One without a number and a name goes on with the last call.
    fn call(&mut self, piece: Piece) {
        let last = self.calls.last_key_value().map(|(index, _)| *index);
        let begins = piece.function.name.is_some();
        let next = last.map_or(0, |last| last + usize::from(begins));
        let call = self.calls.entry(piece.index.unwrap_or(next)).or_insert_with(|| Call {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
        call.id.push_str(&piece.id.unwrap_or_default());
        call.name.push_str(&piece.function.name.unwrap_or_default());
        match piece.function.arguments {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => call.arguments.push_str(&text),
            Some(whole) => call.arguments.push_str(&whole.to_string()),
        }
    }

    /// Bytes of the reply so far.
    pub(super) fn len(&self) -> usize {
        let of = |call: &Call| call.id.len() + call.name.len() + call.arguments.len();
        let calls = self.calls.values().map(of).sum::<usize>();
        self.content.len() + self.thought.len() + calls
    }

    /// Whether the server said that there is no more of it.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The reply, once there is no more of it; none where the server broke off.
    pub(super) fn finish(self) -> Option<Written> {
        self.ended.map(|ended| self.ended_by(ended))
    }

    /// The reply as far as it came, where we ended it.
    pub(super) fn cut(self) -> Written {
        self.ended_by(Ended::Cut)
    }

    fn ended_by(self, ended: Ended) -> Written {
        let (aloud, text) = apart(&self.content);
        let thoughts = [self.thought.trim(), aloud.trim()];
        let thoughts: Vec<&str> = thoughts.into_iter().filter(|t| !t.is_empty()).collect();
        Written {
            text: text.to_owned(),
            thought: (!thoughts.is_empty()).then(|| thoughts.join("\n\n")),
            calls: self.calls.into_values().collect(),
            finished: ended == Ended::ByItself,
            usage: self.counted.map(Usage::from),
        }
    }
}

/// What was thought aloud, and the rest. Some templates open the thought for the model, so that
/// only its end stands in the reply; a thought without an end is all there is.
fn apart(content: &str) -> (&str, &str) {
    let (open, close) = THINK;
    let inner = content.trim_start().strip_prefix(open);
    match (content.split_once(close), inner) {
        (Some((thought, rest)), _) => {
            (thought.trim_start().strip_prefix(open).unwrap_or(thought), rest.trim_start())
        }
        (None, Some(thought)) => (thought, ""),
        (None, None) => ("", content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(events: &[&str]) -> Option<Written> {
        let mut reading = Reading::default();
        for event in events {
            reading.take(event).expect("a good event");
        }
        reading.finish()
    }

    fn delta(field: &str, text: &str) -> String {
        serde_json::json!({"choices": [{"delta": {field: text}}]}).to_string()
    }

    #[test]
    fn replies_are_put_together() {
        let check = |events: &[&str], text: &str, thought: Option<&str>, finished: bool| {
            let found = read(events).expect("a whole reply");
            let expect = (text, thought, finished);
            assert_eq!((&*found.text, found.thought.as_deref(), found.finished), expect);
        };
        let stop = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        let length = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
        let (a, b) = (delta("content", "sub"), delta("content", "mit"));
        check(&[&a, &b, stop, "[DONE]"], "submit", None, true);
        check(&[&a, &b, "[DONE]"], "submit", None, true);
        check(&[&a, length, "[DONE]"], "sub", None, false);
        let whole = r#"{"choices":[{"message":{"content":"diff"},"finish_reason":"stop"}]}"#;
        check(&[whole], "diff", None, true);
        let thought = delta("reasoning_content", "so");
        check(&[&thought, &a, stop], "sub", Some("so"), true);
        check(&[&delta("reasoning", "so"), &a, stop], "sub", Some("so"), true);
        let aloud = delta("content", "<think>\nso\n</think>\n\nsubmit");
        check(&[&aloud, stop], "submit", Some("so"), true);
        check(&[&delta("content", "so</think>submit"), stop], "submit", Some("so"), true);
        check(&[&delta("content", "<think>so"), length], "", Some("so"), false);
        check(&[&delta("content", "a <think> b"), stop], "a <think> b", None, true);
    }

    #[test]
    fn calls_come_in_pieces_or_whole() {
        let check = |deltas: &[&str], expect: &[(&str, &str)]| {
            let delta = |calls: &&str| {
                format!(r#"{{"choices":[{{"delta":{{"content":null,"tool_calls":{calls}}}}}]}}"#)
            };
            let mut events: Vec<String> = deltas.iter().map(delta).collect();
            events.push(r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#.to_owned());
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            let found = read(&events).expect("a whole reply");
            let calls = found.calls.iter().map(|call| (&*call.name, &*call.arguments));
            assert_eq!(calls.collect::<Vec<_>>(), expect, "{deltas:?}");
            assert!(found.finished);
        };
        check(
            &[
                r#"[{"index":0,"id":"x","type":"function","function":{"name":"a","arguments":""}}]"#,
                r#"[{"index":0,"function":{"arguments":"{\"b\""}}]"#,
                r#"[{"index":0,"function":{"arguments":":1}"}}]"#,
            ],
            &[("a", r#"{"b":1}"#)],
        );
        let whole = r#"{"function":{"name":"a","arguments":{"b":1}}}"#;
        check(&[&format!("[{whole}]")], &[("a", r#"{"b":1}"#)]);
        check(&[&format!("[{whole},{whole}]")], &[("a", r#"{"b":1}"#), ("a", r#"{"b":1}"#)]);
        check(
            &[r#"[{"function":{"name":"a"}}]"#, r#"[{"function":{"arguments":"x"}}]"#],
            &[("a", "x")],
        );
        check(&["[]", "null"], &[]);
    }

    #[test]
    fn a_reply_that_breaks_off_is_none() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[&delta("content", "sub")]), None);
    }

    #[test]
    fn bad_events_are_told_apart() {
        let take = |data: &str| Reading::default().take(data);
        for garbage in ["", "{", "null", "[]", r#"{"choices": 3}"#, "\u{0}"] {
            assert!(matches!(take(garbage), Err(BadEvent::Garbled)), "{garbage:?}");
        }
        for (error, overflow) in [
            (r#"{"error": "overloaded"}"#, false),
            (r#"{"error": {"message": "try later", "type": "server_error"}}"#, false),
            (r#"{"error": {"message": "x", "code": "context_length_exceeded"}}"#, true),
            (r#"{"error": {"message": "This model's maximum context length is 8"}}"#, true),
            (r#"{"error": {"message": "x", "type": "exceed_context_size_error"}}"#, true),
        ] {
            let Err(BadEvent::Fault(fault)) = take(error) else { unreachable!("{error}") };
            assert_eq!(fault.is_overflow(), overflow, "{error}");
        }
    }

    #[test]
    fn usage_is_what_the_server_counted_last() {
        let usage = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,
            "prompt_tokens_details":{"cached_tokens":4}}}"#;
        let found = read(&[r#"{"usage":{"prompt_tokens":1}}"#, usage, "[DONE]"]);
        let expect = Usage { prompt_tokens: 9, cached_tokens: 4, completion_tokens: 2 };
        assert_eq!(found.and_then(|written| written.usage), Some(expect));
    }
}
