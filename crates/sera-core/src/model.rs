//! The seam to anything that writes: the procedural teacher, a remote server, the student itself.
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The standing instruction.
    System,
    /// The task, then the environment's observations.
    User,
    /// The model: the only role that is trained on.
    Assistant,
    /// A tool that the model called.
    Tool,
}

/// A tool as models are told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it takes, in JSON Schema.
    pub parameters: serde_json::Value,
}

/// A tool being called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Call {
    /// Tells calls of a conversation apart.
    pub id: String,
    /// The tool.
    pub name: String,
    /// A JSON object, or what the model wrote for one.
    pub arguments: String,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, without any template's markers.
    pub content: String,
    /// The tools an assistant calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// The call that a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

impl Message {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), calls: Vec::new(), answers: None }
    }

    /// An assistant's call of one tool.
    pub fn call(call: Call) -> Self {
        Self { calls: vec![call], ..Self::new(Role::Assistant, "") }
    }

    /// What came of a call.
    pub fn answer(call: impl Into<String>, content: impl Into<String>) -> Self {
        Self { answers: Some(call.into()), ..Self::new(Role::Tool, content) }
    }
}

/// What a model is asked to continue.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The conversation so far; the model writes the next assistant message.
    pub messages: Vec<Message>,
    /// Tools it may call. Only models behind a server do.
    pub tools: Vec<Tool>,
    /// Upper bound on tokens written.
    pub max_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seed of the draw when `temperature` is above 0.
    pub seed: u64,
    /// Sees the text after every token; true ends it unfinished. Models behind a server ignore it.
    pub stop: fn(&str) -> bool,
    /// What may be written, in llguidance's dialect of Lark. Models behind a server ignore it.
    pub grammar: Option<String>,
}

impl Prompt {
    /// A greedy prompt.
    pub fn greedy(messages: Vec<Message>, max_tokens: usize) -> Self {
        let (tools, grammar) = (Vec::new(), None);
        Self { messages, tools, max_tokens, temperature: 0.0, seed: 0, stop: |_| false, grammar }
    }

    /// The same, ended as soon as `stop` says of the text that no end can make it good.
    #[must_use]
    pub fn unless(self, stop: fn(&str) -> bool) -> Self {
        Self { stop, ..self }
    }

    /// The same, held to a grammar.
    #[must_use]
    pub fn held_to(self, grammar: String) -> Self {
        Self { grammar: Some(grammar), ..self }
    }
}

/// Tokens used by one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub prompt_tokens: u64,
    /// Of these, tokens that a server had read before.
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

impl Usage {
    /// Adds what another call used.
    pub fn add(&mut self, other: &Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.completion_tokens += other.completion_tokens;
    }
}

/// What a model wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The assistant message's content.
    pub text: String,
    /// Tools it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// What it thought before, where a model does that apart from its message.
    pub thought: Option<String>,
    /// False when `max_tokens` or the prompt's `stop` cut it short.
    pub finished: bool,
    /// What it took.
    pub usage: Usage,
    /// What that cost, micro-dollars; 0 for models of one's own.
    pub microdollars: u64,
}

/// What candidates continue when they are scored.
#[derive(Clone, Copy, Debug)]
pub enum Context<'a> {
    /// An assistant message that answers this conversation (template applied, end of turn scored).
    Chat(&'a [Message]),
    /// Plain text, no template.
    Plain(&'a str),
}

/// The likelihood of one candidate under a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Sum of log-probabilities of the candidate's tokens, in nats (≤ 0).
    pub nats: f64,
    /// How many tokens that sums over.
    pub tokens: usize,
}

/// Why a model gave no reply. A bad reply is not an error but a [`Reply`].
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The conversation does not fit the model's context.
    #[error("the prompt has {tokens} tokens and the model reads {limit}")]
    ContextOverflow {
        /// Tokens in the prompt.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// What may be spent does not hold another call.
    #[error("the budget is spent")]
    Exhausted,
    /// The model cannot do what was asked (a teacher cannot score).
    #[error("this model cannot {0}")]
    Unsupported(&'static str),
    /// Nothing more will be written, whatever is asked: a wrong key, a server that is gone.
    #[error("the model is gone")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answers others, but not this conversation, however often it is asked.
    #[error("the model refuses the conversation")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Everything else: an overloaded server, a device error.
    #[error("the model failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Something that continues conversations. Synchronous: parallel rollouts are threads.
pub trait Model {
    /// Writes the next assistant message.
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError>;

    /// Scores candidate continuations of one context.
    ///
    /// The first candidate is the trunk: the others should share long prefixes with it, and only
    /// what follows the shared tokens is computed again. Models that only write say `Unsupported`.
    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let _ = (context, candidates, cancel);
        Err(ModelError::Unsupported("score"))
    }
}

/// A flag that long work looks at between steps. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for an early end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether an early end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// [`ModelError::Cancelled`] once cancelled.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.is_cancelled() { Err(ModelError::Cancelled) } else { Ok(()) }
    }
}
