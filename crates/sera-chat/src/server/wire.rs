//! What is said to OpenAI-compatible servers and what they answer: the part of the chat completions
//! interface that vLLM, sglang, llama.cpp, Ollama and hosted servers have in common.
use sera_core::{Call, Message, Prompt, Role, Tool, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request for `POST <url>/chat/completions`. The order of its fields and its messages is fixed,
/// so that a conversation's beginning is the same bytes each time: servers cache by it.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Said<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Typed<&'a Tool>>,
    temperature: f32,
    seed: u64,
    max_tokens: usize,
    stream: bool,
    stream_options: StreamOptions,
}

/// A message as these servers take it.
#[derive(Debug, Serialize)]
struct Said<'a> {
    role: Role,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Calling<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

/// The only type of tool that there is.
#[derive(Debug, Serialize)]
struct Typed<T> {
    r#type: &'static str,
    function: T,
}

#[derive(Debug, Serialize)]
struct Calling<'a> {
    id: &'a str,
    #[serde(flatten)]
    typed: Typed<Function<'a>>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<T> Typed<T> {
    fn function(function: T) -> Self {
        Self { r#type: "function", function }
    }
}

impl<'a> From<&'a Message> for Said<'a> {
    fn from(message: &'a Message) -> Self {
        let calling = |call: &'a Call| {
            let function = Function { name: &call.name, arguments: &call.arguments };
            Calling { id: &call.id, typed: Typed::function(function) }
        };
        Self {
            role: message.role,
            content: &message.content,
            tool_calls: message.calls.iter().map(calling).collect(),
            tool_call_id: message.answers.as_deref(),
        }
    }
}

/// Messages as they are sent, for whoever writes conversations to files.
pub fn said(messages: &[Message]) -> Vec<Value> {
    let said = |message| serde_json::to_value(Said::from(message)).expect("plain data");
    messages.iter().map(said).collect()
}

/// Tools as they are sent.
pub fn offered(tools: &[Tool]) -> Vec<Value> {
    let offered = |tool| serde_json::to_value(Typed::function(tool)).expect("plain data");
    tools.iter().map(offered).collect()
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(model: &'a str, prompt: &'a Prompt) -> Self {
        Self {
            model,
            messages: prompt.messages.iter().map(Said::from).collect(),
            tools: prompt.tools.iter().map(Typed::function).collect(),
            temperature: prompt.temperature,
            seed: prompt.seed,
            max_tokens: prompt.max_tokens,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }
}

/// One event of a stream, or (with `message` for `delta`) a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Counted>,
    pub(super) error: Option<Fault>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default, alias = "message")]
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    /// What the model thought, where the server keeps that apart; some call it `reasoning`.
    #[serde(alias = "reasoning")]
    pub(super) reasoning_content: Option<String>,
    pub(super) tool_calls: Option<Vec<Piece>>,
}

/// A piece of a call, or a whole one.
#[derive(Debug, Deserialize)]
pub(super) struct Piece {
    /// Which of the reply's calls it belongs to.
    pub(super) index: Option<usize>,
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Named,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
    /// Text that holds an object; some send the object.
    pub(super) arguments: Option<serde_json::Value>,
}

/// Tokens, as the server counted them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counted {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl From<Counted> for Usage {
    fn from(counted: Counted) -> Self {
        let cached = counted.prompt_tokens_details.and_then(|details| details.cached_tokens);
        Self {
            prompt_tokens: counted.prompt_tokens,
            cached_tokens: cached.unwrap_or(0),
            completion_tokens: counted.completion_tokens,
        }
    }
}

/// What went wrong, in the server's words. Some say only the words.
#[derive(Debug, Deserialize)]
#[serde(from = "serde_json::Value")]
pub(super) struct Fault {
    pub(super) message: String,
    /// `context_length_exceeded`, `exceed_context_size_error`.
    pub(super) kind: String,
    /// Tokens in the prompt and in the model's context, where it says so.
    pub(super) tokens: Option<(usize, usize)>,
}

impl From<serde_json::Value> for Fault {
    fn from(value: serde_json::Value) -> Self {
        let word = |name: &str| value.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        let number = |name: &str| value.get(name).and_then(serde_json::Value::as_u64);
        let tokens = number("n_prompt_tokens").zip(number("n_ctx"));
        let message = word("message").or_else(|| value.as_str().map(str::to_owned));
        Self {
            message: message.unwrap_or_else(|| value.to_string()),
            kind: word("code").or_else(|| word("type")).unwrap_or_default(),
            tokens: tokens.map(|(tokens, limit)| (tokens as usize, limit as usize)),
        }
    }
}

impl Fault {
    /// Whether the conversation was too long for the model.
    pub(super) fn is_overflow(&self) -> bool {
        let said = self.message.to_lowercase();
        let too_long = ["exceed", "maximum", "too long", "longer than", "larger than"];
        self.kind.contains("context")
            || said.contains("context") && too_long.iter().any(|words| said.contains(words))
    }
}
