//! How models that were not trained on our dialects are told what they can do, and act.
use super::{aloud, calls, tools, write};
use sera_core::{Action, Call, Message, Reply, Role, Step, Tool};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// How a teacher writes its actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Calls of tools, which its server reads and writes for it.
    #[default]
    Tools,
    /// Calls as text: JSON in `<tool_call>`, as Hermes, Qwen 2.5 and Qwen 3 have them.
    Hermes,
    /// Calls as text: Qwen3-Coder's elements.
    #[serde(rename = "qwen3-coder")]
    Qwen3Coder,
    /// Calls as text: GLM's keys and values.
    Glm,
    /// A student's words, explained: for models that were not trained to call anything.
    Plain,
}

/// The words, explained.
const PLAIN: &str = "You work on a program, step by step. Each message you write ends with \
     exactly one action, on lines of its own; you are then shown what came of it. You may think \
     before the action, in a few sentences. The actions:\n\
     search: some words\n\
     (finds functions and lines by words)\n\
     open: src/file.py::Class.method\n\
     (shows a function; without ::name, what a file holds)\n\
     edit: src/file.py\n\
     <<<<<<<\n\
     lines as they stand in the file, exactly and only once\n\
     =======\n\
     lines that stand there afterwards\n\
     >>>>>>>\n\
     check: src/file.py\n\
     (tells syntax errors)\n\
     diff\n\
     (shows all changes so far)\n\
     submit\n\
     (ends the work with these changes)\n";

/// The word for commands, explained.
const BASH: &str = "bash: a command\n(runs it in the root of the tree, without a network)\n";

/// What is asked of everybody.
const LITTLE: &str = "Change as little as the task needs, and no tests.";
const NOTHING_RUNS: &str = " Nothing can be run.";

/// What agents are told before their tools.
const AGENT: &str = "You work on a program, step by step. Each message you write ends with exactly \
     one call of a tool; you are then shown what came of it. You may think before the call, in a \
     few sentences. ";
const END: &str = " End the work with submit.";

/// What the templates of models that call tools say of them.
const SIGNATURES: &str = "\n\n# Tools\n\nYou may call one function to assist with the user query.\n\n\
     You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
const HERMES: &str = "</tools>\n\nFor each function call, return a json object with function name \
     and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": \
     <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
const GLM: &str = "</tools>\n\nFor each function call, output the function name and arguments \
     within the following XML format:\n<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n\
     <arg_value>{arg-value-1}</arg_value>\n<arg_key>{arg-key-2}</arg_key>\n\
     <arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>";
const QWEN: &str = "</tools>\n\nIf you choose to call a function ONLY reply in the following format \
     with NO suffix:\n\n<tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\n\
     value_1\n</parameter>\n<parameter=example_parameter_2>\nThis is the value for the second \
     parameter\nthat can span\nmultiple lines\n</parameter>\n</function>\n</tool_call>";

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Tools, Self::Hermes, Self::Qwen3Coder, Self::Glm, Self::Plain];

    /// Its name, as in `sera.teacher.dialect`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Hermes => "hermes",
            Self::Qwen3Coder => "qwen3-coder",
            Self::Glm => "glm",
            Self::Plain => "plain",
        }
    }

    /// The standing instruction, where commands can be run or cannot.
    pub(super) fn instruction(self, commands: bool) -> String {
        let (bash, runs) = if commands { (BASH, "") } else { ("", NOTHING_RUNS) };
        let agent = format!("{AGENT}{LITTLE}{runs}{END}");
        let signatures = |end: &str| format!("{agent}{SIGNATURES}{}{end}", listed(commands));
        match self {
            Self::Plain => format!("{PLAIN}{bash}{LITTLE}{runs}"),
            Self::Tools => agent,
            Self::Hermes => signatures(HERMES),
            Self::Glm => signatures(GLM),
            Self::Qwen3Coder => format!("{agent}{SIGNATURES}{}{QWEN}", described(commands)),
        }
    }

    /// Step `at` of a conversation: what the model wrote and what it was shown.
    pub(super) fn step(self, at: usize, step: &Step) -> [Message; 2] {
        // Empty messages are refused by some servers.
        let seen = match step.observation.text.as_str() {
            "" => "(nothing)",
            text => text,
        };
        let Some((name, arguments)) = tools::call(&step.action) else {
            let said = match write(&step.action) {
                said if said.trim().is_empty() => "(nothing)".to_owned(),
                said => said,
            };
            return [Message::new(Role::Assistant, said), Message::new(Role::User, seen)];
        };
        let spelt = match self {
            Self::Tools => {
                // Nine letters and digits: Mistral's templates take no other.
                let id = format!("call{at:05}");
                let arguments = serde_json::Value::Object(arguments).to_string();
                let call = Call { id: id.clone(), name: name.to_owned(), arguments };
                return [Message::call(call), Message::answer(id, seen)];
            }
            Self::Hermes => calls::hermes(name, &arguments),
            Self::Qwen3Coder => calls::qwen(name, &arguments),
            Self::Glm => calls::glm(name, &arguments),
            Self::Plain => write(&step.action),
        };
        let seen = match self {
            Self::Plain => seen.to_owned(),
            Self::Tools | Self::Hermes | Self::Qwen3Coder | Self::Glm => {
                format!("<tool_response>\n{seen}\n</tool_response>")
            }
        };
        [Message::new(Role::Assistant, spelt), Message::new(Role::User, seen)]
    }
}

/// The tools, one JSON object a line.
fn listed(commands: bool) -> String {
    let mut lines = String::new();
    for Tool { name, description, parameters } in tools::all(commands) {
        let function = serde_json::json!({
            "type": "function",
            "function": {"name": name, "description": description, "parameters": parameters},
        });
        writeln!(lines, "{function}").expect("strings take all");
    }
    lines
}

/// The tools as elements.
fn described(commands: bool) -> String {
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").expect("strings take all");
    for Tool { name, description, parameters } in tools::all(commands) {
        line(&format!("<function>\n<name>{name}</name>\n<description>{description}</description>"));
        line("<parameters>");
        for (name, value) in parameters["properties"].as_object().into_iter().flatten() {
            let kind = value["type"].as_str().unwrap_or("string");
            line(&format!("<parameter>\n<name>{name}</name>\n<type>{kind}</type>"));
            if let Some(description) = value["description"].as_str() {
                line(&format!("<description>{description}</description>"));
            }
            if let Some(values) = value.get("enum") {
                line(&format!("<enum>{values}</enum>"));
            }
            line("</parameter>");
        }
        line(&format!("<required>{}</required>", parameters["required"]));
        line("</parameters>\n</function>");
    }
    text
}

/// What was thought aloud and the action: a call that the server read, one that stands in the
/// text, or a student's words. Those that are asked for are looked for first: code may speak of
/// the others.
pub(super) fn read(dialect: Dialect, reply: &Reply) -> (Option<String>, Action) {
    if let Some(call) = reply.calls.first() {
        let arguments = calls::object(&serde_json::Value::from(call.arguments.as_str()));
        let action = arguments.and_then(|arguments| tools::action(&call.name, &arguments));
        let text = || format!("{} {}", call.name, call.arguments);
        let action = action.unwrap_or_else(|| Action::Unreadable { text: text() });
        return (said(&reply.text), action);
    }
    let words = || match aloud::read_aloud(&reply.text) {
        (_, Action::Unreadable { .. }) => None,
        read => Some(read),
    };
    let called = || {
        let mut actions = calls::read(&reply.text).filter_map(|(before, name, arguments)| {
            Some((said(before), tools::action(&name, &arguments)?))
        });
        actions.next()
    };
    let found = match dialect {
        Dialect::Plain => words().or_else(called),
        Dialect::Tools | Dialect::Hermes | Dialect::Qwen3Coder | Dialect::Glm => {
            called().or_else(words)
        }
    };
    found.unwrap_or_else(|| (None, Action::Unreadable { text: reply.text.clone() }))
}

fn said(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Everything that decides how text comes out.
pub(super) fn texts() -> String {
    Dialect::ALL.map(|dialect| dialect.instruction(true)).join("\0")
}

#[cfg(test)]
mod tests {
    use super::super::tests::any_action;
    use super::super::{Reader, read_reply, render_for, tools_for};
    use super::*;
    use proptest::prelude::*;
    use sera_core::{Observation, TreePath};

    fn step(action: Action) -> Step {
        let observation = Observation { text: "seen".to_owned(), ok: true };
        Step { thought: None, action, observation, masked: false }
    }

    #[test]
    fn names_are_those_of_settings() {
        for dialect in Dialect::ALL {
            let name = serde_json::to_value(dialect).expect("a word");
            assert_eq!(name, dialect.name());
        }
    }

    #[test]
    fn a_conversation_in_every_dialect() {
        let path = TreePath::new("a.py").expect("a path inside the tree");
        let edit = Action::Edit { path, old: "a\nb".to_owned(), new: "c".to_owned() };
        let unreadable = Action::Unreadable { text: "so".to_owned() };
        let steps = [edit, unreadable, Action::Submit].map(step);
        let mut told = String::new();
        for dialect in Dialect::ALL {
            writeln!(told, "━━ {}", dialect.name()).expect("strings take all");
            for message in render_for(Reader::Teacher(dialect), "task", &steps) {
                let calls = message.calls.iter().map(|call| format!("{call:?}"));
                let beside: String = calls.collect();
                let answers = message.answers.unwrap_or_default();
                writeln!(told, "── {:?} {answers}{beside}\n{}", message.role, message.content)
                    .expect("strings take all");
            }
        }
        insta::assert_snapshot!(told);
        let tools = |dialect| tools_for(Reader::Teacher(dialect)).len();
        assert_eq!((tools(Dialect::Tools), tools(Dialect::Hermes)), (6, 0));
    }

    proptest! {
        /// Whatever a teacher was told, its history says what it did.
        #[test]
        fn histories_read_back(made in any_action()) {
            let named = !matches!(&made, Action::Open { name: Some(name), .. } if name.is_empty());
            // A value's own newline beside the element's, and elements inside of values.
            let json = serde_json::to_string(&made).expect("plain data");
            prop_assume!(named && !json.contains('<'));
            let bounded = |n: usize| n <= i64::MAX as usize || n == usize::MAX;
            prop_assume!(match made {
                Action::View { lines: Some((a, b)), .. } => a <= i64::MAX as usize && bounded(b),
                Action::Insert { after, .. } => bounded(after),
                Action::Search { .. } | Action::Open { .. } | Action::View { .. }
                | Action::Edit { .. } | Action::Create { .. } | Action::Undo { .. }
                | Action::Bash { .. } | Action::Check { .. } | Action::Diff | Action::Submit
                | Action::Unreadable { .. } => true,
            });
            for dialect in Dialect::ALL {
                let [said, _] = dialect.step(3, &step(made.clone()));
                let reply = Reply { text: said.content, calls: said.calls, ..Reply::default() };
                let (_, found) = read_reply(Reader::Teacher(dialect), &reply);
                prop_assert_eq!(&found, &made, "{}", dialect.name());
            }
        }
    }
}
