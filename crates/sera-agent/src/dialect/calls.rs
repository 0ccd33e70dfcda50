//! How calls are spelt as text by models that were trained to, for servers that do not read calls
//! themselves: Hermes (Qwen 2.5 and 3, Nous), Qwen3-Coder's XML, and GLM's.
//!
//! Each is spelt as the model's own chat template spells it. Reading takes whichever comes.
use serde_json::{Map, Value};
use std::fmt::Write as _;

const CALL: (&str, &str) = ("<tool_call>", "</tool_call>");
const FUNCTION: (&str, &str) = ("<function=", "</function>");
const PARAMETER: (&str, &str) = ("<parameter=", "</parameter>");
const KEY: (&str, &str) = ("<arg_key>", "</arg_key>");
const VALUE: (&str, &str) = ("<arg_value>", "</arg_value>");

/// A call as Hermes has it: one JSON object.
pub(super) fn hermes(name: &str, arguments: &Map<String, Value>) -> String {
    let call = serde_json::json!({"name": name, "arguments": arguments});
    format!("{}\n{call}\n{}", CALL.0, CALL.1)
}

/// A call as Qwen3-Coder has it: an element for each argument.
pub(super) fn qwen(name: &str, arguments: &Map<String, Value>) -> String {
    let mut text = format!("{}\n{}{name}>\n", CALL.0, FUNCTION.0);
    for (key, value) in arguments {
        let (open, close) = PARAMETER;
        writeln!(text, "{open}{key}>\n{}\n{close}", bare(value)).expect("strings take all");
    }
    format!("{text}{}\n{}", FUNCTION.1, CALL.1)
}

/// A call as GLM has it: keys and values in turn.
pub(super) fn glm(name: &str, arguments: &Map<String, Value>) -> String {
    let mut text = format!("{}{name}\n", CALL.0);
    for (key, value) in arguments {
        let value = bare(value);
        writeln!(text, "{}{key}{}\n{}{value}{}", KEY.0, KEY.1, VALUE.0, VALUE.1)
            .expect("strings take all");
    }
    format!("{text}{}", CALL.1)
}

/// Text as it is, everything else as JSON.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// Places where a reply may have a call that are tried: prose speaks of the markers, too.
const TRIED: usize = 8;

/// What a reply may call, in order: what stands before, the tool's name and its arguments.
pub(super) fn read(text: &str) -> impl Iterator<Item = (&str, String, Map<String, Value>)> {
    let wrapped = text.match_indices(CALL.0).map(|(at, open)| (at, at + open.len()));
    // Some leave the outer element out.
    let bare = text.match_indices(FUNCTION.0).map(|(at, _)| (at, at));
    let bare = bare.filter(|(at, _)| !text[..*at].trim_end().ends_with(CALL.0));
    wrapped.take(TRIED).chain(bare.take(TRIED)).filter_map(|(at, inside)| {
        let (name, arguments) = read_one(text[inside..].trim_start())?;
        Some((text[..at].trim(), name, arguments))
    })
}

fn read_one(call: &str) -> Option<(String, Map<String, Value>)> {
    match call.chars().next()? {
        '{' => read_hermes(call),
        '<' => read_qwen(call),
        _ => read_glm(call),
    }
}

fn read_hermes(call: &str) -> Option<(String, Map<String, Value>)> {
    let mut values = serde_json::Deserializer::from_str(call).into_iter::<Value>();
    let call = values.next()?.ok()?;
    let name = call.get("name")?.as_str()?.to_owned();
    let arguments = call.get("arguments").or_else(|| call.get("parameters"));
    Some((name, arguments.map_or_else(|| Some(Map::new()), object)?))
}

/// Arguments, which some write as text that holds an object, and some leave out.
pub(super) fn object(arguments: &Value) -> Option<Map<String, Value>> {
    match arguments {
        Value::Object(arguments) => Some(arguments.clone()),
        Value::Null => Some(Map::new()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => match serde_json::from_str(text).ok()? {
            Value::Object(arguments) => Some(arguments),
            Value::Null => Some(Map::new()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// Arguments follow each other directly: those of another call are not this one's.
fn read_qwen(call: &str) -> Option<(String, Map<String, Value>)> {
    let (name, mut rest) = call.strip_prefix(FUNCTION.0)?.split_once('>')?;
    let mut arguments = Map::new();
    while let Some(parameter) = rest.trim_start().strip_prefix(PARAMETER.0) {
        let (key, value) = parameter.split_once('>')?;
        let end = end_of(value)?;
        let text = &value[..end];
        let text = text.strip_prefix('\n').unwrap_or(text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        arguments.insert(key.to_owned(), Value::from(text));
        rest = &value[end + PARAMETER.1.len()..];
    }
    Some((name.to_owned(), arguments))
}

/// Where a parameter's value ends: code may hold the closing element too, so the first that is
/// followed by what must follow it, if there is one. None where it has no end.
fn end_of(value: &str) -> Option<usize> {
    let mut closes = value.match_indices(PARAMETER.1).map(|(at, _)| at);
    let followed = |at: &usize| {
        let rest = value[at + PARAMETER.1.len()..].trim_start();
        rest.starts_with(PARAMETER.0) || rest.starts_with(FUNCTION.1)
    };
    closes.find(followed).or_else(|| value.find(PARAMETER.1))
}

fn read_glm(call: &str) -> Option<(String, Map<String, Value>)> {
    let name = call.split([' ', '\n', '<']).next()?;
    let mut rest = &call[name.len()..];
    let mut arguments = Map::new();
    while let Some(after) = rest.trim_start().strip_prefix(KEY.0) {
        let (key, after) = after.split_once(KEY.1)?;
        let after = after.trim_start().strip_prefix(VALUE.0)?;
        let (value, after) = after.split_once(VALUE.1)?;
        arguments.insert(key.trim().to_owned(), Value::from(value));
        rest = after;
    }
    Some((name.to_owned(), arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    type Spell = fn(&str, &Map<String, Value>) -> String;
    const SPELLINGS: [Spell; 3] = [hermes, qwen, glm];

    fn arguments(value: &Value) -> Map<String, Value> {
        object(value).expect("an object")
    }

    #[test]
    fn calls_are_spelt_as_templates_spell_them() {
        let arguments =
            arguments(&json!({"command": "view", "path": "a.py", "view_range": [1, 9]}));
        let [hermes, qwen, glm] = SPELLINGS.map(|spell| spell("str_replace_editor", &arguments));
        insta::assert_snapshot!(hermes, @r#"
        <tool_call>
        {"name":"str_replace_editor","arguments":{"command":"view","path":"a.py","view_range":[1,9]}}
        </tool_call>
        "#);
        insta::assert_snapshot!(qwen, @"
        <tool_call>
        <function=str_replace_editor>
        <parameter=command>
        view
        </parameter>
        <parameter=path>
        a.py
        </parameter>
        <parameter=view_range>
        [1,9]
        </parameter>
        </function>
        </tool_call>
        ");
        insta::assert_snapshot!(glm, @"
        <tool_call>str_replace_editor
        <arg_key>command</arg_key>
        <arg_value>view</arg_value>
        <arg_key>path</arg_key>
        <arg_value>a.py</arg_value>
        <arg_key>view_range</arg_key>
        <arg_value>[1,9]</arg_value>
        </tool_call>
        ");
    }

    #[test]
    fn replies_around_calls() {
        let check = |text: &str, before: &str, name: &str, expect: Value| {
            let found = read(text).next().expect("a call");
            assert_eq!(found, (before, name.to_owned(), arguments(&expect)), "{text:?}");
        };
        check("<tool_call>submit</tool_call>", "", "submit", json!({}));
        check("<tool_call>submit\n</tool_call> bye", "", "submit", json!({}));
        check(
            "So.\n<tool_call>{\"name\": \"a\", \"arguments\": \"{\\\"b\\\": \\\"c\\\"}\"}",
            "So.",
            "a",
            json!({"b": "c"}),
        );
        check(
            "Now <function=a>\n<parameter=b>\n  c\n</parameter>",
            "Now",
            "a",
            json!({"b": "  c"}),
        );
        let nested = "<function=a><parameter=b>\n</parameter>x\n</parameter>\n</function>";
        check(nested, "", "a", json!({"b": "</parameter>x"}));
        check("<tool_call>{\"name\": \"submit\"}</tool_call>", "", "submit", json!({}));
        let unended = "<function=a>\n<parameter=b>\nc\n</function>";
        for none in ["", "submit", "<tool_call>", "<tool_call>{", "<tool_call>{}", unended] {
            assert_eq!(read(none).count(), 0, "{none:?}");
        }
    }

    #[test]
    fn two_calls_are_two() {
        for spell in SPELLINGS {
            let call = |key: &str| spell("a", &arguments(&json!({key: "x"})));
            let text = format!("{}\n{}", call("b"), call("c"));
            let found: Vec<_> = read(&text).map(|(_, _, arguments)| arguments).collect();
            assert_eq!(found[0], arguments(&json!({"b": "x"})), "{text}");
            assert!(found.contains(&arguments(&json!({"c": "x"}))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_inverts_spelling(
            values in proptest::collection::btree_map("[a-z_]{1,9}", "[ -;=?-~é\n]{0,30}", 0..4),
        ) {
            let values: Map<String, Value> =
                values.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
            for spell in SPELLINGS {
                let text = format!("thought\n{}", spell("a_tool", &values));
                let expect = ("thought", "a_tool".to_owned(), values.clone());
                prop_assert_eq!(read(&text).next(), Some(expect));
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "(<tool_call>|</tool_call>|<function=|>|<parameter=|</parameter>|<arg_key>|</arg_key>|<arg_value>|\\{|\"name\":|é|\n){0,12}") {
            prop_assert!(read(&text).count() <= 2 * TRIED);
        }
    }
}
