//! Trajectories that were made elsewhere, taken in after the checks that our own go through.
//!
//! A row is a conversation with what it was about beside it, as SERA publishes them: `messages`,
//! `instance_id`, `problem_statement`, `rollout_patch`, `target_patch`. Its patch must apply to a
//! commit of this repository, touch nothing held out and hold no secret; it is judged again here,
//! and a guided student is taught the way that its own harness takes to it. What the conversation
//! did is kept as it was told: nothing of it is carried out.
use crate::generate::GENERATION_SCHEMA;
use crate::{Attempt, Bases, DropReason, Generation, Policy};
use sera_agent::dialect::{self, Dialect, Reader, read_reply};
use sera_agent::verify::touched;
use sera_agent::{Thresholds, reference_spans, verify};
use sera_core::split::held_out_function;
use sera_core::task::{Base, TASK_SCHEMA};
use sera_core::trajectory::TRAJECTORY_SCHEMA;
use sera_core::{
    Action, Call, CommitId, Digest, Family, FunctionKey, LineKind, Observation, Origin, Outcome,
    Patch, Register, Reply, SeedId, Step, Task, TaskId, Trajectory, TrajectoryId, Tree, TreePath,
    Usage,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The family of everything that is imported.
const FAMILY: &str = "imported";
/// Letters and digits from which on a line is told from others.
const TELLING: usize = 8;

/// One row. Whatever else stands in it is ignored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    /// The conversation.
    pub messages: Vec<Value>,
    /// Its name there.
    pub instance_id: Option<String>,
    /// The commit that was worked on, as a revision.
    pub base_commit: Option<String>,
    /// A change of that commit's tree that was there before the work began.
    pub base_patch: Option<String>,
    /// What the solver was told; its first message where this is missing.
    pub problem_statement: Option<String>,
    /// What came out.
    #[serde(alias = "model_patch", alias = "submission")]
    pub rollout_patch: Option<String>,
    /// What should have; what came out where this is missing.
    pub target_patch: Option<String>,
    /// Who did it.
    pub model: Option<String>,
}

impl Row {
    /// Reads one line of JSON, or one of SWE-agent's trajectories.
    pub fn read(text: &str) -> Result<Self, DropReason> {
        let mut value: Value = serde_json::from_str(text).map_err(|_| DropReason::Unreadable)?;
        if value.get("trajectory").is_some() && value.get("history").is_some() {
            let info = value.get("info").cloned().unwrap_or_default();
            let history = value["history"].take();
            value = info.get("instance").cloned().unwrap_or_else(|| serde_json::json!({}));
            if let Value::Object(row) = &mut value {
                row.insert("messages".to_owned(), history);
                for (from, to) in [("submission", "rollout_patch"), ("model", "model")] {
                    if let Some(found) = info.get(from).filter(|found| found.is_string()) {
                        row.insert(to.to_owned(), found.clone());
                    }
                }
            }
        }
        serde_json::from_value(value).map_err(|_| DropReason::Unreadable)
    }

    /// The revision that the row names: its own, or the one that SERA puts into its names,
    /// `org_repo_1f2e3_10000`.
    pub fn revision(&self) -> Option<&str> {
        let named = || {
            let hex = self.instance_id.as_deref()?.rsplit('_').nth(1)?;
            let is_hex = hex.len() >= 5 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            is_hex.then_some(hex)
        };
        self.base_commit.as_deref().or_else(named)
    }

    /// The row's name, or one made of it.
    pub fn name(&self) -> String {
        let made = || {
            let parts = [&self.problem_statement, &self.rollout_patch, &self.target_patch];
            let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
            Digest::of(parts.join("\0").as_bytes()).short().to_owned()
        };
        self.instance_id.clone().unwrap_or_else(made)
    }

    fn description(&self) -> Option<String> {
        let first = || {
            let user = self.messages.iter().find(|message| message["role"] == "user")?;
            Some(content(user))
        };
        let text = self.problem_statement.clone().or_else(first)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

/// What rows are checked against.
pub struct Importer<'a> {
    /// The trees, and the cut.
    pub bases: &'a Bases,
    /// The changes of held-out commits: no row may hold a part of one.
    pub held_out: &'a [Patch],
    /// Limits.
    pub policy: &'a Policy,
    /// Unix milliseconds, for ids.
    pub now_ms: u64,
}

/// Takes one row in as work on `base`, or says why not.
pub fn import(
    row: &Row,
    base: &CommitId,
    importer: &Importer<'_>,
) -> Result<Generation, DropReason> {
    let Importer { bases, held_out, policy, now_ms } = *importer;
    let read = |text: &Option<String>| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some(_) => {
            let text = text.as_deref().unwrap_or_default();
            Patch::parse(text).map(Some).map_err(|_| DropReason::Unreadable)
        }
    };
    let candidate = read(&row.rollout_patch)?.filter(|patch| !patch.is_empty());
    let candidate = candidate.ok_or(DropReason::NothingChanged)?;
    let reference = read(&row.target_patch)?.unwrap_or_else(|| candidate.clone());
    let description = row.description().ok_or(DropReason::NoDescription)?;
    let description = bases.redactor().redact(&description).0;
    if candidate.changed_lines() > policy.max_task_lines {
        return Err(DropReason::TooLarge);
    }
    let bug = read(&row.base_patch)?.filter(|patch| !patch.is_empty());
    let patches = [Some(&candidate), Some(&reference), bug.as_ref()];
    if patches.into_iter().flatten().any(|patch| bases.redactor().touches_secret(patch)) {
        return Err(DropReason::Secret);
    }
    let patches = || [Some(&candidate), Some(&reference), bug.as_ref()].into_iter().flatten();
    if held_out.iter().any(|held_out| patches().any(|patch| shares(patch, held_out))) {
        return Err(DropReason::TouchesHeldOut);
    }
    if let Some(bug) = &bug {
        fits(bug, &bases.at(base).map_err(|_| DropReason::NoBase)?, base, bases)?;
    }
    let name = bases.redactor().redact(&row.name()).0;
    let base_tree = Base { commit: base.clone(), bug };
    // Several attempts at one thing have one name.
    let key = format!("{name}/{}", Digest::of(format!("{description}\0{candidate}").as_bytes()));
    let task = task((&name, &key), base_tree, &description, &reference, now_ms);
    let (_, tree) = bases.environment(&task)?;
    let mut functions = fits(&candidate, &tree, base, bases)?;
    functions.extend(fits(&reference, &tree, base, bases)?);
    let trajectory = trajectory(row, &task, candidate.clone(), bases, now_ms);
    let verdict = verify(&task, &trajectory, &tree, &Thresholds::default());
    let own = Task { reference: candidate, ..task.clone() };
    let (environment, _) = bases.environment(&own)?;
    let guided = reference_spans(&own, environment).ok_or(DropReason::NotPlayable)?.steps;
    let function = functions.into_iter().next().ok_or(DropReason::NoSource)?;
    let dropped = (!verdict.accepted()).then_some(DropReason::Rejected);
    Ok(Generation {
        schema: GENERATION_SCHEMA.to_owned(),
        seed: task.seed.clone(),
        function,
        family: task.family.clone(),
        base: base.clone(),
        teacher: trajectory.teacher.clone(),
        settings: None,
        rng_seed: 0,
        request: String::new(),
        first: Vec::new(),
        demonstration: None,
        description: Some(description),
        attempts: vec![Attempt { task, trajectory, verdict }],
        guided: vec![guided],
        dropped,
        usage: Usage::default(),
        microdollars: 0,
    })
}

/// Whether a patch adds half or more of what a held-out commit adds: lines of the same file that
/// say something.
fn shares(patch: &Patch, held_out: &Patch) -> bool {
    let added = |patch: &Patch| -> BTreeSet<(TreePath, String)> {
        let lines = patch.files.iter().flat_map(|file| {
            let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
            let added = lines.filter(|line| line.kind == LineKind::Added);
            added.map(|line| (file.path().clone(), line.text.trim().to_owned()))
        });
        let says = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() >= TELLING;
        lines.filter(|(_, text)| says(text)).collect()
    };
    let (own, held_out) = (added(patch), added(held_out));
    !held_out.is_empty() && 2 * own.intersection(&held_out).count() >= held_out.len()
}

/// The functions that a patch touches, if none is held out. A function may have had another name
/// in an older tree, under which nobody would see that: those of today are known.
fn fits(
    patch: &Patch,
    tree: &dyn Tree,
    base: &CommitId,
    bases: &Bases,
) -> Result<Vec<FunctionKey>, DropReason> {
    let touched = touched(patch, tree).ok_or(DropReason::NoBase)?;
    let known = |key: &FunctionKey| {
        base == bases.cut() || bases.index().function(&key.path, &key.name).is_some()
    };
    match touched.iter().all(|key| !held_out_function(key) && known(key)) {
        true => Ok(touched.into_iter().collect()),
        false => Err(DropReason::TouchesHeldOut),
    }
}

fn task(
    (name, key): (&str, &str),
    base: Base,
    description: &str,
    reference: &Patch,
    now_ms: u64,
) -> Task {
    Task {
        schema: TASK_SCHEMA.to_owned(),
        id: TaskId::new(now_ms, format!("{FAMILY}/{key}").as_bytes()),
        seed: SeedId::of(&[FAMILY, key]),
        origin: Origin::Imported { name: name.to_owned() },
        base,
        description: description.to_owned(),
        register: Register::Symptom,
        family: Family(FAMILY.to_owned()),
        reference: reference.clone(),
        held_out: false,
        rng_seed: 0,
    }
}

fn trajectory(row: &Row, task: &Task, candidate: Patch, bases: &Bases, now_ms: u64) -> Trajectory {
    let mut steps = steps(&row.messages);
    for step in &mut steps {
        step.observation.text = bases.redactor().redact(&step.observation.text).0;
        step.thought = step.thought.take().map(|thought| bases.redactor().redact(&thought).0);
        let (text, secrets) = bases.redactor().redact(&dialect::write(&step.action));
        if secrets > 0 {
            (step.action, step.masked) = (Action::Unreadable { text }, true);
        }
    }
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id: TrajectoryId::new(now_ms, format!("{}/{FAMILY}", task.id).as_bytes()),
        task: task.id,
        description: task.description.clone(),
        teacher: bases.redactor().redact(row.model.as_deref().unwrap_or(FAMILY)).0,
        prompts: dialect::digest(),
        rng_seed: 0,
        steps,
        outcome: Outcome::Submitted { patch: candidate },
        usage: Usage::default(),
        cost_microdollars: 0,
    }
}

/// What a conversation did, message by message. What is no action of ours, a shell's command for
/// one, is context and carries no loss; nor does what is flagged so.
fn steps(messages: &[Value]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        if message["role"] != "assistant" {
            continue;
        }
        let (thought, action) = read_reply(Reader::Teacher(Dialect::Hermes), &reply(message));
        let thought = message["reasoning_content"].as_str().map(str::to_owned).or(thought);
        let seen = messages.get(at + 1).filter(|next| next["role"] != "assistant").map(content);
        let flagged = message["train"] == false || message["weight"] == 0;
        // Nothing is run in the environments that students serve in.
        let unserved = matches!(action, Action::Unreadable { .. } | Action::Bash { .. });
        let masked = flagged || unserved;
        let text = seen.as_deref().map(unwrapped).unwrap_or_default().to_owned();
        steps.push(Step { thought, action, observation: Observation { text, ok: true }, masked });
    }
    steps
}

fn reply(message: &Value) -> Reply {
    let called = |call: &Value| {
        let function = &call["function"];
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let name = function["name"].as_str()?.to_owned();
        Some(Call { id: String::new(), name, arguments })
    };
    let calls = message["tool_calls"].as_array().into_iter().flatten().filter_map(called);
    let text = content(message);
    let text = match text.split_once("</think>") {
        // Thoughts end with their tag; what is before it is no action.
        Some((thought, rest)) => {
            format!("{}\n\n{}", thought.replace("<think>", "").trim(), rest.trim())
        }
        None => text,
    };
    Reply { text, calls: calls.collect(), finished: true, ..Reply::default() }
}

/// A message's text, whether it stands there whole or in parts.
fn content(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// What a tool gave, without the tags that say so.
fn unwrapped(text: &str) -> &str {
    let inner = text.trim().strip_prefix("<tool_response>");
    let inner = inner.and_then(|text| text.strip_suffix("</tool_response>"));
    inner.map_or(text, |text| text.trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conversations_are_read() {
        let call =
            json!({"function": {"name": "open_function", "arguments": "{\"path\":\"a.py\"}"}});
        let told = [
            json!({"role": "user", "content": "Sums are wrong"}),
            json!({"role": "assistant", "content": null, "tool_calls": [call], "weight": 0}),
            json!({"role": "tool", "content": "def add"}),
            json!({"role": "assistant", "train": true, "content":
                "<think>\nHere.\n</think>\n\n<tool_call>\n{\"name\": \"str_replace_editor\", \
                 \"arguments\": {\"command\": \"str_replace\", \"path\": \"a.py\", \"old_str\": \"a\", \
                 \"new_str\": \"b\"}}\n</tool_call>"}),
            json!({"role": "user", "content": [{"type": "text", "text":
                "<tool_response>\nedited\n</tool_response>"}]}),
            json!({"role": "assistant", "content":
                "<tool_call>\n{\"name\": \"bash\", \"arguments\": {\"command\": \"ls\"}}\n</tool_call>"}),
        ];
        insta::assert_debug_snapshot!(steps(&told));
    }

    #[test]
    fn rows_name_their_commit() {
        let row = |text: &str| Row::read(text).expect("a row");
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(row(text).revision(), expect, "{text}");
        };
        check(r#"{"instance_id": "org_repo_1f2e3_10000"}"#, Some("1f2e3"));
        check(r#"{"instance_id": "org_repo_name_10000"}"#, None);
        check(r#"{"instance_id": "x", "base_commit": "abc"}"#, Some("abc"));
        check("{}", None);
        for text in ["", "[1]", "{", "{\"messages\": 3}", "null"] {
            assert!(Row::read(text).is_err(), "{text}");
        }
        let agent = row(r#"{"trajectory": [], "history": [{"role": "user", "content": "x"}],
                "info": {"submission": "p", "exit_status": "submitted"}}"#);
        assert_eq!((agent.messages.len(), agent.rollout_patch.as_deref()), (1, Some("p")));
    }
}
