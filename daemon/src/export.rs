//! Trajectories in the forms that other trainers read. Pure: attempts in, files' texts out.
//!
//! Rows of one conversation each, with what it was about beside it, as SERA publishes them
//! (`messages`, `instance_id`, `func_name`, `func_path`, `problem_statement`, `rollout_patch`,
//! `target_patch`), and `base_commit`, so that `git sera import` takes them back; or a file for
//! each trajectory, as SWE-agent and Harbor (ATIF 1.7) keep them.
use crate::prepare::Taught;
use sera_agent::dialect::{self, Dialect, Reader};
use sera_core::{Message, Origin, Outcome, Role, Step, Trajectory};
use sera_datagen::rollout::PROCEDURAL;
use sera_datagen::{Attempt, Source};
use sera_protocol::report::ExportFormat;
use serde_json::{Map, Value, json};

/// What SWE-agent and Harbor are told made these.
const AGENT: &str = "sera";

/// A chosen trajectory as it was done, and as it is trained on here.
pub(crate) struct Exported<'a> {
    /// What was done.
    pub(crate) attempt: &'a Attempt,
    /// What is taught of it.
    pub(crate) taught: &'a Taught,
}

/// A file by name, and its text.
pub(crate) type File = (String, String);

/// All files of `exported`: one of rows, or one for each.
pub(crate) fn files(format: ExportFormat, exported: &[Exported<'_>]) -> Vec<File> {
    let rows = |row: fn(&Exported<'_>) -> Value| {
        let lines: String = exported.iter().map(|one| format!("{}\n", row(one))).collect();
        vec![("dataset.jsonl".to_owned(), lines)]
    };
    let each = |end: &str, file: fn(&Attempt) -> Value| {
        let one = |one: &Exported<'_>| {
            let id = one.attempt.trajectory.id;
            (format!("{id}{end}"), format!("{:#}\n", file(one.attempt)))
        };
        exported.iter().map(one).collect()
    };
    match format {
        ExportFormat::Openai => rows(openai),
        ExportFormat::Axolotl => rows(axolotl),
        ExportFormat::Hermes => rows(hermes),
        ExportFormat::SweAgent => each(".traj", swe_agent),
        ExportFormat::Atif => each(".json", atif),
    }
}

/// Fine-tuning rows of OpenAI: `tools` beside `messages`, a `weight` of 0 on what the model said
/// but should not learn, thoughts as `reasoning_content`.
fn openai(one: &Exported<'_>) -> Value {
    let reader = Reader::Teacher(Dialect::Tools);
    let (messages, train) = conversation(&one.attempt.trajectory, Dialect::Tools);
    let steps = &one.attempt.trajectory.steps;
    let weighed = |(at, (message, train)): (usize, (Value, bool))| {
        let Some(step) = done_in(steps, at) else { return message };
        let message = with(message, [("weight", json!(u8::from(train)))]);
        match &step.thought {
            Some(thought) => with(message, [("reasoning_content", json!(thought))]),
            None => message,
        }
    };
    let said = sera_chat::said(&messages).into_iter().zip(train);
    let messages: Vec<Value> = said.enumerate().map(weighed).collect();
    let tools = sera_chat::offered(&dialect::tools_for(reader));
    with(json!({"messages": messages, "tools": tools}), about(one.attempt))
}

/// Rows for Axolotl's `chat_template` with `message_field_training: train`: the very messages
/// that a student is trained on here.
fn axolotl(one: &Exported<'_>) -> Value {
    let messages = flagged(&one.taught.messages, &one.taught.train);
    with(json!({"messages": messages}), about(one.attempt))
}

/// SERA's rows: thoughts and calls as text, what came of them said by the user.
fn hermes(one: &Exported<'_>) -> Value {
    let (mut messages, train) = conversation(&one.attempt.trajectory, Dialect::Hermes);
    for (at, message) in messages.iter_mut().enumerate() {
        let step = done_in(&one.attempt.trajectory.steps, at);
        if let Some(thought) = step.and_then(|step| step.thought.as_ref()) {
            message.content = format!("<think>\n{thought}\n</think>\n\n{}", message.content);
        }
    }
    let tools = sera_chat::offered(&dialect::tools_for(Reader::Teacher(Dialect::Tools)));
    let row = json!({"messages": flagged(&messages, &train), "tool_json": tools});
    with(row, about(one.attempt))
}

fn flagged(messages: &[Message], train: &[bool]) -> Vec<Value> {
    let flagged = |(message, train): (Value, &bool)| with(message, [("train", json!(train))]);
    sera_chat::said(messages).into_iter().zip(train).map(flagged).collect()
}

/// A trajectory in an agent's dialect, and which messages carry loss.
fn conversation(trajectory: &Trajectory, dialect: Dialect) -> (Vec<Message>, Vec<bool>) {
    let Trajectory { description, steps, .. } = trajectory;
    let messages = dialect::render_for(Reader::Teacher(dialect), description, steps);
    let learnt = |at: usize| done_in(steps, at).is_some_and(|step| !step.masked);
    let train = (0..messages.len()).map(learnt).collect();
    (messages, train)
}

/// The step that message `at` does: after instruction and task, each is a message and what came of
/// it.
fn done_in(steps: &[Step], at: usize) -> Option<&Step> {
    let at = at.checked_sub(2).filter(|at| at.is_multiple_of(2))?;
    steps.get(at / 2)
}

/// What a row is about, beside its conversation.
fn about(attempt: &Attempt) -> [(&'static str, Value); 10] {
    let Attempt { task, trajectory, verdict } = attempt;
    let (path, name) = match &task.origin {
        Origin::Mutation { function, .. } | Origin::Generated { function, .. } => {
            (json!(function.path), json!(function.name))
        }
        Origin::Commit { .. } | Origin::Imported { .. } => (Value::Null, Value::Null),
    };
    [
        ("instance_id", json!(trajectory.id)),
        ("source", json!(Source::of(attempt).name())),
        ("base_commit", json!(task.base.commit)),
        ("base_patch", json!(task.base.bug)),
        ("func_name", name),
        ("func_path", path),
        ("problem_statement", json!(trajectory.description)),
        ("rollout_patch", json!(trajectory.candidate())),
        ("target_patch", json!(task.reference)),
        ("recall", json!(verdict.overlap.recall)),
    ]
}

fn with<const N: usize>(value: Value, fields: [(&str, Value); N]) -> Value {
    let Value::Object(mut object) = value else { return value };
    object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(object)
}

/// SWE-agent's `.traj`, as of 1.1.
fn swe_agent(attempt: &Attempt) -> Value {
    let Trajectory { steps, teacher, usage, .. } = &attempt.trajectory;
    let (messages, _) = conversation(&attempt.trajectory, Dialect::Tools);
    let said = sera_chat::said(&messages);
    let history: Vec<Value> = messages.iter().zip(&said).enumerate().map(remembered).collect();
    let query = |at: usize| json!([said[at * 2 + 1]]);
    let step = |(at, step): (usize, &Step)| {
        let message = &messages[2 + 2 * at];
        json!({
            "action": command(message),
            "observation": step.observation.text,
            "response": message.content,
            "thought": step.thought.as_deref().unwrap_or_default(),
            "state": {},
            "execution_time": 0.0,
            "query": query(at),
            "extra_info": {"masked": step.masked},
        })
    };
    let model_stats = json!({
        "instance_cost": dollars(attempt.trajectory.cost_microdollars),
        "tokens_sent": usage.prompt_tokens,
        "tokens_received": usage.completion_tokens,
        "api_calls": calls(&attempt.trajectory),
    });
    json!({
        "environment": AGENT,
        "trajectory": steps.iter().enumerate().map(step).collect::<Vec<_>>(),
        "history": history,
        "info": {
            "model_stats": model_stats,
            "exit_status": ended(&attempt.trajectory.outcome),
            "submission": attempt.trajectory.candidate(),
            "instance": Value::Object(about(attempt).map(|(k, v)| (k.to_owned(), v)).into_iter().collect()),
            "model": teacher,
        },
        "replay_config": null,
    })
}

fn remembered((at, (message, said)): (usize, (&Message, &Value))) -> Value {
    let kind = match (at, message.role) {
        (0, _) => "system_prompt",
        (_, Role::Assistant) => "action",
        (_, Role::System | Role::User | Role::Tool) => "observation",
    };
    let mut fields = vec![("agent", json!("main")), ("message_type", json!(kind))];
    if let Some(call) = &message.answers {
        fields.push(("tool_call_ids", json!([call])));
    }
    let mut said = said.clone();
    if let Value::Object(object) = &mut said {
        object.remove("tool_call_id");
        object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    said
}

/// A call as the shell command that SWE-agent prints it as; else what was written.
fn command(message: &Message) -> String {
    let Some(call) = message.calls.first() else { return message.content.clone() };
    let arguments: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
    let word = |value: &Value| match value {
        Value::String(text) => quoted(text),
        Value::Array(of) => of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    let argument = |(name, value): (&String, &Value)| match name.as_str() {
        "command" | "path" | "query" => word(value),
        name => format!("--{name} {}", word(value)),
    };
    let words = std::iter::once(call.name.clone()).chain(arguments.iter().map(argument));
    words.collect::<Vec<_>>().join(" ")
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\"'\"'")),
    }
}

/// Harbor's ATIF 1.7. What was done by the book is a dispatch without any call of a model, and has
/// neither metrics nor reasoning.
fn atif(attempt: &Attempt) -> Value {
    let Trajectory { id, steps, teacher, usage, .. } = &attempt.trajectory;
    let (messages, _) = conversation(&attempt.trajectory, Dialect::Tools);
    let by_the_book = teacher == PROCEDURAL;
    let tools = sera_chat::offered(&dialect::tools_for(Reader::Teacher(Dialect::Tools)));
    let told = [("system", &messages[0]), ("user", &messages[1])].into_iter().enumerate();
    let told = told.map(|(at, (source, message))| {
        json!({"step_id": at + 1, "source": source, "message": message.content})
    });
    let done = steps.iter().enumerate().map(|(at, step)| {
        let message = &messages[2 + 2 * at];
        let mut fields = Map::new();
        let call = message.calls.first();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("step_id", json!(at + 3));
        put("source", json!("agent"));
        put("message", json!(if call.is_some() { "" } else { &*message.content }));
        if let Some(thought) = step.thought.as_ref().filter(|_| !by_the_book) {
            put("reasoning_content", json!(thought));
        }
        if let Some(call) = call {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
            let called =
                json!({"tool_call_id": call.id, "function_name": call.name, "arguments": arguments});
            put("tool_calls", json!([called]));
        }
        let result = match call {
            Some(call) => json!({"source_call_id": call.id, "content": step.observation.text}),
            None => json!({"content": step.observation.text}),
        };
        put("observation", json!({"results": [result]}));
        put("llm_call_count", json!(u8::from(!by_the_book)));
        put("extra", json!({"train": !step.masked, "ok": step.observation.ok}));
        Value::Object(fields)
    });
    let steps: Vec<Value> = told.chain(done).collect();
    json!({
        "schema_version": "ATIF-v1.7",
        "trajectory_id": id,
        "agent": {
            "name": AGENT,
            "version": env!("CARGO_PKG_VERSION"),
            "model_name": teacher,
            "tool_definitions": tools,
        },
        "final_metrics": {
            "total_prompt_tokens": usage.prompt_tokens,
            "total_completion_tokens": usage.completion_tokens,
            "total_cached_tokens": usage.cached_tokens,
            "total_cost_usd": dollars(attempt.trajectory.cost_microdollars),
            "total_steps": steps.len(),
        },
        "steps": steps,
        "notes": ended(&attempt.trajectory.outcome),
        "extra": Value::Object(about(attempt).map(|(k, v)| (k.to_owned(), v)).into_iter().collect()),
    })
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Submitted { .. } => "submitted".to_owned(),
        Outcome::LimitReached { limit } => format!("limit reached: {limit:?}").to_lowercase(),
        Outcome::Failed { code, .. } => code.clone(),
    }
}

fn calls(trajectory: &Trajectory) -> usize {
    if trajectory.teacher == PROCEDURAL { 0 } else { trajectory.steps.len() }
}

fn dollars(microdollars: u64) -> f64 {
    microdollars as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::{self, STRESS};
    use sera_core::trajectory::TRAJECTORY_SCHEMA;
    use sera_core::{
        Action, Base, CommitId, Family, FilePatch, FunctionKey, Observation, Patch, Register,
        SeedId, Task, TaskId, TrajectoryId, TreePath, Usage, Verdict,
    };
    use sera_datagen::Selection;
    use sera_model::Tokenizer;

    const BEFORE: &str = "def add(a, b):\n    total = a - b\n    return total\n";

    fn attempt() -> Attempt {
        let path = TreePath::new("src/a.py").expect("a path inside the tree");
        let after = BEFORE.replace("a - b", "a + b");
        let file = FilePatch::between(&path, Some(BEFORE), Some(&after)).expect("they differ");
        let patch = Patch { files: vec![file] };
        let function = FunctionKey { path: path.clone(), name: "add".to_owned() };
        let seen = |action, text: &str, masked| Step {
            thought: Some("Somewhere here, it's said.".to_owned()),
            action,
            observation: Observation { text: text.to_owned(), ok: true },
            masked,
        };
        let search = Action::Search { query: "wrong sums".to_owned() };
        let open = Action::Open { path: path.clone(), name: Some("add".to_owned()) };
        let edit = Action::Edit { path, old: "a - b".to_owned(), new: "a + b".to_owned() };
        let steps = vec![
            seen(search, "src/a.py::add  def add(a, b):", true),
            seen(open, BEFORE, false),
            seen(edit, "edited", false),
            seen(Action::Submit, "submitted", false),
        ];
        let trajectory = Trajectory {
            schema: TRAJECTORY_SCHEMA.to_owned(),
            id: TrajectoryId::new(1, b"trajectory"),
            task: TaskId::new(1, b"task"),
            description: "Sums are wrong".to_owned(),
            teacher: "m-1".to_owned(),
            prompts: String::new(),
            rng_seed: 0,
            steps,
            outcome: Outcome::Submitted { patch: patch.clone() },
            usage: Usage { prompt_tokens: 10, cached_tokens: 4, completion_tokens: 5 },
            cost_microdollars: 1_500_000,
        };
        let task = Task {
            schema: sera_core::task::TASK_SCHEMA.to_owned(),
            id: trajectory.task,
            seed: SeedId::of(&["seed"]),
            origin: Origin::Generated { function, vague: false },
            base: Base { commit: CommitId::from_hex("b"), bug: None },
            description: trajectory.description.clone(),
            register: Register::Symptom,
            family: Family("wrong-operator".to_owned()),
            reference: patch,
            held_out: false,
            rng_seed: 0,
        };
        let overlap = sera_core::Overlap {
            recall: 1.0,
            weighted_recall: 1.0,
            files: 1.0,
            ..Default::default()
        };
        let verdict =
            Verdict { overlap, symbols: 1.0, tree_equal: true, parse_ok: true, rejected: None };
        Attempt { task, trajectory, verdict }
    }

    fn exported(format: ExportFormat) -> (String, Taught, Tokenizer) {
        let (attempt, tokenizer) = (attempt(), Tokenizer::byte_level(259));
        let attempts = [attempt];
        let chosen = prepare::choose(&tokenizer, &attempts, &Selection::default(), STRESS);
        let taught = chosen.taught.into_iter().next().expect("it is chosen");
        let one = Exported { attempt: &attempts[0], taught: &taught };
        let mut files = files(format, &[one]);
        let (_, text) = files.pop().expect("a file");
        (text, taught, tokenizer)
    }

    #[test]
    fn every_form() {
        for format in ExportFormat::ALL {
            let (text, ..) = exported(*format);
            let value: Value = serde_json::from_str(&text).expect("one value of JSON");
            insta::assert_snapshot!(format.name(), format!("{value:#}"));
        }
    }

    /// What Axolotl is given is what is trained on here: the same tokens, and loss in the same
    /// messages and no others.
    #[test]
    fn rows_are_what_is_trained_on() {
        let (text, taught, tokenizer) = exported(ExportFormat::Axolotl);
        let row: Value = serde_json::from_str(&text).expect("one value of JSON");
        let rows = row["messages"].as_array().expect("messages");
        let message = |row: &Value| {
            Message::new(
                serde_json::from_value(row["role"].clone()).expect("a role"),
                row["content"].as_str().expect("text"),
            )
        };
        let messages: Vec<Message> = rows.iter().map(message).collect();
        let rendered = tokenizer.chat(&messages, false);
        let example = &taught.example;
        assert!(rendered.tokens.starts_with(&example.tokens));
        let flagged = rows.iter().filter(|row| row["role"] == "assistant");
        for (row, span) in flagged.zip(&rendered.spans) {
            let within = |target: &&sera_model::Target| {
                target.weight > 0.0 && span.contains(&(target.row + 1))
            };
            let learnt = example.targets.iter().filter(within).count();
            let all = if row["train"] == true { span.len() } else { 0 };
            assert_eq!(learnt, all, "{row}");
        }
        assert!(rows.iter().all(|row| row["role"] == "assistant" || row["train"] == false));
    }
}
