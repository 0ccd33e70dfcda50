//! The tools that agents call, and the actions they are: a table that every dialect of calls tells
//! and reads alike.
//!
//! `bash`, `str_replace_editor` and `submit` are those of SWE-agent, which SERA's teachers and
//! students work with; the others stand for the shell, which an overlay has none of.
use sera_core::{Action, Tool, TreePath};
use serde_json::{Map, Value, json};

const SEARCH: &str = "search";
const OPEN: &str = "open_function";
const EDITOR: &str = "str_replace_editor";
const CHECK: &str = "check_syntax";
const BASH: &str = "bash";
const DIFF: &str = "diff";
const SUBMIT: &str = "submit";

/// Every tool; one of them only where commands can be run.
pub(super) fn all(commands: bool) -> Vec<Tool> {
    let text = |description: &str| json!({"type": "string", "description": description});
    let path = || text("A path from the root of the tree: src/file.py");
    let number = |description: &str| json!({"type": "integer", "description": description});
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| Tool {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({"type": "object", "properties": properties, "required": required}),
    };
    let bash = tool(
        BASH,
        "Runs a command of the shell in the root of the tree and shows what it prints. There is no \
         network. A command may take two minutes.",
        json!({"command": text("The command")}),
        &["command"],
    );
    let mut tools = vec![
        tool(
            SEARCH,
            "Finds functions and lines by words.",
            json!({"query": text("Some words")}),
            &["query"],
        ),
        tool(
            OPEN,
            "Shows a function of a file; without a name, the functions that the file has.",
            json!({"path": path(), "name": text("Its qualified name: Class.method")}),
            &["path"],
        ),
        tool(
            EDITOR,
            "Views and changes files. view shows a file with numbered lines, or what a folder \
             holds. create makes a file that is not there. str_replace replaces old_str, which \
             must stand in the file exactly and only once, by new_str. insert puts new_str after \
             the line insert_line. undo_edit takes the last change of the file back.",
            json!({
                "command": {
                    "type": "string",
                    "enum": ["view", "create", "str_replace", "insert", "undo_edit"],
                },
                "path": path(),
                "file_text": text("For create: what the file holds"),
                "old_str": text("For str_replace: what stands in the file"),
                "new_str": text("For str_replace and insert: what stands there afterwards"),
                "insert_line": number("For insert: the line before; 0 inserts at the top"),
                "view_range": {
                    "type": "array",
                    "items": {"type": "integer"},
                    "description": "For view: first and last line; -1 is the end",
                },
            }),
            &["command", "path"],
        ),
        tool(CHECK, "Tells the syntax errors of a file.", json!({"path": path()}), &["path"]),
        tool(DIFF, "Shows all changes so far.", json!({}), &[]),
        tool(SUBMIT, "Ends the work with these changes.", json!({}), &[]),
    ];
    tools.extend(commands.then_some(bash));
    tools
}

/// The tool and the arguments of an action; none where it could not be read.
pub(super) fn call(action: &Action) -> Option<(&'static str, Map<String, Value>)> {
    let (name, arguments) = match action {
        Action::Search { query } => (SEARCH, json!({"query": query})),
        Action::Open { path, name: None } => (OPEN, json!({"path": path})),
        Action::Open { path, name } => (OPEN, json!({"path": path, "name": name})),
        Action::View { path, lines } => {
            let path = path.as_ref().map_or(".", TreePath::as_str);
            let mut arguments = json!({"command": "view", "path": path});
            if let Some((first, last)) = lines {
                let last = i64::try_from(*last).unwrap_or(-1);
                arguments["view_range"] = json!([first, last]);
            }
            (EDITOR, arguments)
        }
        Action::Edit { path, old, new } => {
            let command = "str_replace";
            (EDITOR, json!({"command": command, "path": path, "old_str": old, "new_str": new}))
        }
        Action::Create { path, text } => {
            (EDITOR, json!({"command": "create", "path": path, "file_text": text}))
        }
        Action::Insert { path, after, text } => {
            let command = "insert";
            let arguments =
                json!({"command": command, "path": path, "insert_line": after, "new_str": text});
            (EDITOR, arguments)
        }
        Action::Undo { path } => (EDITOR, json!({"command": "undo_edit", "path": path})),
        Action::Check { path } => (CHECK, json!({"path": path})),
        Action::Bash { command } => (BASH, json!({"command": command})),
        Action::Diff => (DIFF, json!({})),
        Action::Submit => (SUBMIT, json!({})),
        Action::Unreadable { .. } => return None,
    };
    match arguments {
        Value::Object(arguments) => Some((name, arguments)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// The action that a call is; none where no tool has that name or it lacks an argument. Numbers
/// may stand as text: dialects without types write them so.
pub(super) fn action(name: &str, arguments: &Map<String, Value>) -> Option<Action> {
    let text = |name: &str| match arguments.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    let path = || TreePath::new(text("path")?).ok();
    Some(match name {
        SEARCH => Action::Search { query: text("query")? },
        OPEN => Action::Open { path: path()?, name: text("name").filter(|n| !n.is_empty()) },
        EDITOR => match text("command")?.as_str() {
            "view" => view(&text("path")?, arguments.get("view_range"))?,
            "create" => Action::Create { path: path()?, text: text("file_text")? },
            "str_replace" => {
                let new = text("new_str").unwrap_or_default();
                Action::Edit { path: path()?, old: text("old_str")?, new }
            }
            "insert" => {
                let after = number(arguments.get("insert_line")?)?.try_into().ok()?;
                Action::Insert { path: path()?, after, text: text("new_str")? }
            }
            "undo_edit" => Action::Undo { path: path()? },
            _ => return None,
        },
        CHECK => Action::Check { path: path()? },
        BASH => Action::Bash { command: text("command")? },
        DIFF => Action::Diff,
        SUBMIT => Action::Submit,
        _ => return None,
    })
}

fn view(path: &str, range: Option<&Value>) -> Option<Action> {
    let path = match path.trim_end_matches('/') {
        "" | "." => None,
        path => Some(TreePath::new(path).ok()?),
    };
    let lines = match range {
        None | Some(Value::Null) => None,
        Some(Value::Array(range)) => Some(lines(range)?),
        // An array written as text.
        Some(Value::String(range)) => {
            Some(lines(&serde_json::from_str::<Vec<Value>>(range).ok()?)?)
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => return None,
    };
    Some(Action::View { path, lines })
}

fn lines(range: &[Value]) -> Option<(usize, usize)> {
    let [first, last] = range else { return None };
    let last = match number(last)? {
        -1 => usize::MAX,
        last => last.try_into().ok()?,
    };
    Some((number(first)?.try_into().ok()?, last))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::any_action;
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, arguments: &str) -> Option<Action> {
        action(name, &serde_json::from_str(arguments).expect("an object"))
    }

    #[test]
    fn calls_are_read_leniently_and_never_leave_the_tree() {
        let path = |text: &str| TreePath::new(text).expect("a path inside the tree");
        let check = |name: &str, arguments: &str, expect: Option<Action>| {
            assert_eq!(read(name, arguments), expect, "{name} {arguments}");
        };
        let view = |lines| Some(Action::View { path: Some(path("a")), lines });
        check(EDITOR, r#"{"command":"view","path":"a/"}"#, view(None));
        check(EDITOR, r#"{"command":"view","path":"a","view_range":null}"#, view(None));
        check(EDITOR, r#"{"command":"view","path":"a","view_range":"[2, 9]"}"#, view(Some((2, 9))));
        let end = Some((2, usize::MAX));
        check(EDITOR, r#"{"command":"view","path":"a","view_range":[2,-1]}"#, view(end));
        let root = Some(Action::View { path: None, lines: None });
        check(EDITOR, r#"{"command":"view","path":"."}"#, root);
        let insert = Action::Insert { path: path("a"), after: 3, text: "x".to_owned() };
        let arguments = r#"{"command":"insert","path":"a","insert_line":"3","new_str":"x"}"#;
        check(EDITOR, arguments, Some(insert));
        for path in ["/etc/passwd", "../x", "a/../../x", "C:/x", ".git/config", "a\\u0000", ""] {
            for tool in [OPEN, CHECK] {
                check(tool, &format!(r#"{{"path":"{path}"}}"#), None);
            }
            let create = format!(r#"{{"command":"create","path":"{path}","file_text":"x"}}"#);
            check(EDITOR, &create, None);
        }
        let ls = Action::Bash { command: "ls".to_owned() };
        check(BASH, r#"{"command":"ls"}"#, Some(ls));
        check(BASH, r#"{"command":["ls"]}"#, None);
        check(EDITOR, r#"{"command":"rm","path":"a"}"#, None);
        check(EDITOR, r#"{"command":"insert","path":"a","insert_line":-3,"new_str":""}"#, None);
        check(SEARCH, r#"{"query":3}"#, None);
    }

    proptest! {
        #[test]
        fn a_call_is_its_action(made in any_action()) {
            let named = !matches!(&made, Action::Open { name: Some(name), .. } if name.is_empty());
            let bounded = !matches!(
                made, Action::View { lines: Some((a, b)), .. }
                    if a > i64::MAX as usize || b > i64::MAX as usize && b != usize::MAX);
            let inserted = !matches!(made, Action::Insert { after, .. } if after > i64::MAX as usize);
            prop_assume!(named && bounded && inserted);
            let (name, arguments) = call(&made).expect("it is an action");
            let tools = all(true);
            let tool = tools.iter().find(|tool| tool.name == name).expect("it is told of");
            let known = tool.parameters["properties"].as_object().expect("an object");
            prop_assert!(arguments.keys().all(|argument| known.contains_key(argument)));
            prop_assert_eq!(action(name, &arguments), Some(made));
        }
    }
}
