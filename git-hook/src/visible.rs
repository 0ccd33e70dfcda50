//! Text that a terminal shows as it stands: what models, repositories and servers write is not
//! trusted, and a terminal obeys.
use crate::command_error::{CommandError, Kind};
use sera_core::visible::is_hidden;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `text` with a mark in the place of whatever is hidden. Lines that end as on Windows do not.
pub fn visible(text: &str) -> String {
    let plain = text.replace("\r\n", "\n");
    plain.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// The same of a line: it stays one.
pub fn visible_line(text: &str) -> String {
    visible(text).replace('\n', "\u{fffd}")
}

/// JSON in which whatever is hidden is written as an escape: it says the same.
pub fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if !is_hidden(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str("\\u");
            text.extend([12, 8, 4, 0].map(|by| digit(*unit >> by)));
        }
    }
    text
}

fn digit(number: u16) -> char {
    char::from_digit(u32::from(number) & 15, 16).expect("four bits are a digit")
}

/// A report whose every text is [`visible`].
pub fn of_report<T: Serialize + DeserializeOwned>(report: &T) -> Result<T, CommandError> {
    let failed = |error: serde_json::Error| CommandError::of(Kind::Internal, &error);
    let mut value = serde_json::to_value(report).map_err(failed)?;
    clean(&mut value);
    serde_json::from_value(value).map_err(failed)
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = visible(text),
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut value)| {
                    clean(&mut value);
                    (visible(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_marked() {
        let check = |text: &str, expect: &str| assert_eq!(visible(text), expect, "{text:?}");
        check("größer\t1\nzwei\r\n", "größer\t1\nzwei\n");
        check("\u{1b}[2Jx\u{9b}1m\u{7f}\u{0}\r", "\u{fffd}[2Jx\u{fffd}1m\u{fffd}\u{fffd}\u{fffd}");
        check("a\u{202e}b\u{2066}c\u{200b}d\u{e0041}", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}");
        assert_eq!(visible_line("a\nb"), "a\u{fffd}b");
    }

    #[test]
    fn json_says_the_same() {
        let said = Value::from("a\u{1b}\u{9b}\u{202e}\u{e0041}ü");
        let json = escaped(&said.to_string());
        assert_eq!(json, "\"a\\u001b\\u009b\\u202e\\udb40\\udc41ü\"");
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), said);
    }
}
