//! A model behind an OpenAI-compatible server: vLLM, sglang, llama.cpp, Ollama, a hosted one.
//!
//! A [`Fleet`] is one model on one or several servers, with the purse that its calls are paid from;
//! a [`Server`] is one conversation's way to it. It stays with one server for the sake of that
//! server's prompt cache, and moves on when that one fails.
mod reading;
mod trouble;
mod wire;

pub use trouble::ServerError;
pub use wire::{offered, said};

use crate::address::{self, is_loopback, is_private};
use crate::cost::{Purse, PutAside, Spent};
use crate::ledger::{LedgerError, Lines};
use crate::waiting::or_cancel;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::{StreamExt as _, TryStreamExt as _};
use reading::{BadEvent, Reading, Written};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use sera_core::audit::{Audit, Event, Purpose};
use sera_core::redact::Redactor;
use sera_core::{Cancel, Digest, Model, ModelError, Prompt, Reply, Usage};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use trouble::Remedy;

/// Bytes that a server may send before or beside the reply itself.
const BESIDE: usize = 1 << 20;
/// Bytes that the transport of one token takes at most.
const EVENT: usize = 2048;
/// Bytes of one token at most, about: longer replies are cut.
const TOKEN: usize = 16;
/// Bytes of code to a token, where the server does not count.
const BYTES_PER_TOKEN: usize = 3;
/// Tokens that a template puts around a message at most.
const AROUND: usize = 64;
/// Bytes of a refusal that are read.
const REFUSAL: usize = 1 << 16;

/// How long servers are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest silence.
    pub silence: Duration,
    /// The longest time for one reply.
    pub call: Duration,
    /// The wait before the second try; it doubles, with jitter.
    pub wait: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// Tries of one call.
    pub tries: usize,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let (silence, call) = (seconds(180), seconds(900));
        Self { silence, call, wait: seconds(1), longest: seconds(60), tries: 6 }
    }
}

impl Patience {
    fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.wait)
            .with_max_delay(self.longest)
            .with_max_times(self.tries.saturating_sub(1))
            .with_jitter()
            .build()
    }
}

/// One model on some servers.
#[derive(Debug)]
pub struct Fleet {
    endpoints: Vec<Endpoint>,
    model: String,
    patience: Patience,
    purse: Purse,
    audit: Audit,
    runtime: Runtime,
    /// Why nothing will be answered any more.
    given_up: OnceLock<Arc<ServerError>>,
    /// Where it is kept which servers call no tools.
    toolless: Mutex<Option<Lines>>,
    /// What replaced the secrets in what is sent.
    redactor: OnceLock<Redactor>,
}

/// A server that calls no tools for a model.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Toolless {
    url: String,
    model: String,
}

#[derive(Debug)]
struct Endpoint {
    url: Url,
    host: String,
    key: Option<SecretString>,
    client: Client,
    /// Conversations that stay with it.
    busy: AtomicUsize,
    /// It was asked for calls of tools and knows none.
    toolless: AtomicBool,
}

impl Endpoint {
    fn new(url: &str, key: Option<SecretString>, patience: &Patience) -> Result<Self, ServerError> {
        let mut parsed = checked(url)?;
        let path = format!("{}/chat/completions", parsed.path().trim_end_matches('/'));
        parsed.set_path(&path);
        // Code goes where the user said and nowhere else.
        let builder = address::client(&parsed).redirect(redirect::Policy::none());
        let client = builder.read_timeout(patience.silence).build();
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let unreachable = |source| ServerError::Unreachable { host: host.clone(), source };
        let client = client.map_err(|error| unreachable(Box::new(error)))?;
        let (busy, toolless) = Default::default();
        Ok(Self { url: parsed, host, key, client, busy, toolless })
    }

    fn answers(&self, prompt: &Prompt) -> bool {
        prompt.tools.is_empty() || !self.toolless.load(Ordering::Relaxed)
    }
}

/// Reads an address that code may be sent to. What may hold a key is not said again.
fn checked(url: &str) -> Result<Url, ServerError> {
    let secret = |reason| ServerError::Refused { url: "the address".to_owned(), reason };
    let parsed = Url::parse(url).map_err(|_| secret("it is none"))?;
    let (user, password) = (parsed.username(), parsed.password());
    let bare = user.is_empty() && password.is_none();
    if !bare || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(secret("a key belongs into GIT_SERA_TEACHER_KEY"));
    }
    let refused = |reason| ServerError::Refused { url: url.to_owned(), reason };
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if is_loopback(&parsed) || is_private(&parsed) => Ok(parsed),
        "http" => Err(refused("plain http can be read on the way")),
        _ => Err(refused("only http and https are spoken")),
    }
}

/// Whether `url` is an address that code may be sent to.
///
/// # Errors
/// Why it is none; no key that stands in it is said.
pub fn check(url: &str) -> Result<(), ServerError> {
    checked(url).map(|_| ())
}

/// Whether code sent to `url` stays on this machine.
pub fn is_local(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| is_loopback(&url))
}

impl Fleet {
    /// `model` at `urls`, which end in `/v1`, each with its own key; calls are paid from `purse`,
    /// and none is made that `audit` did not write down before.
    ///
    /// # Errors
    /// Where an address is none that code is sent to.
    pub fn new(
        urls: &[String],
        model: String,
        key: &dyn Fn(&str) -> Option<SecretString>,
        patience: Patience,
        purse: Purse,
        audit: Audit,
    ) -> Result<Arc<Self>, ServerError> {
        let endpoints = urls.iter().map(|url| Endpoint::new(url, key(url), &patience));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let none = ServerError::Refused { url: "no address".to_owned(), reason: "name one" };
        let first = endpoints.first().ok_or(none)?;
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| ServerError::Unreachable {
            host: first.host.clone(),
            source: Box::new(error),
        })?;
        let (given_up, toolless, redactor) = Default::default();
        Ok(Arc::new(Self {
            endpoints,
            model,
            patience,
            purse,
            audit,
            runtime,
            given_up,
            toolless,
            redactor,
        }))
    }

    /// Says in the audit log how many of the secrets that `redactor` replaced each request speaks
    /// of; without this, that is not known.
    pub fn count_redactions(&self, redactor: Redactor) {
        drop(self.redactor.set(redactor));
    }

    fn redactions(&self, prompt: &Prompt) -> Option<u64> {
        let redactor = self.redactor.get()?;
        let texts = prompt.messages.iter().flat_map(|message| {
            let arguments = message.calls.iter().map(|call| &*call.arguments);
            std::iter::once(&*message.content).chain(arguments)
        });
        Some(texts.map(|text| redactor.replaced(text) as u64).sum())
    }

    /// Keeps in `path` which servers call no tools, and asks those that stand there for none.
    ///
    /// # Errors
    /// Where the file cannot be read or made.
    pub fn remember_toolless(&self, path: &Path) -> Result<(), LedgerError> {
        let (lines, known) = Lines::open::<Toolless>(path)?;
        for endpoint in &self.endpoints {
            if known.contains(&self.without_tools(endpoint)) {
                endpoint.toolless.store(true, Ordering::Relaxed);
            }
        }
        *self.toolless.lock().unwrap_or_else(PoisonError::into_inner) = Some(lines);
        Ok(())
    }

    /// Servers that call no tools, as far as is known, and how many there are.
    pub fn toolless(&self) -> (usize, usize) {
        let toolless = |endpoint: &&Endpoint| endpoint.toolless.load(Ordering::Relaxed);
        (self.endpoints.iter().filter(toolless).count(), self.endpoints.len())
    }

    fn without_tools(&self, endpoint: &Endpoint) -> Toolless {
        Toolless { url: endpoint.url.to_string(), model: self.model.clone() }
    }

    /// Asks a server for no more calls of tools. Where that cannot be written down the next run
    /// asks again, which costs nothing.
    fn leave_out(&self, endpoint: &Endpoint) {
        let mut lines = self.toolless.lock().unwrap_or_else(PoisonError::into_inner);
        let known = endpoint.toolless.swap(true, Ordering::Relaxed);
        if let Some(lines) = lines.as_mut().filter(|_| !known) {
            drop(lines.add(&self.without_tools(endpoint)));
        }
    }

    /// The least busy server that answers `prompt`.
    fn for_prompt(&self, prompt: &Prompt) -> Option<usize> {
        let busy = |at: &usize| self.endpoints[*at].busy.load(Ordering::Relaxed);
        let able = (0..self.endpoints.len()).filter(|at| self.endpoints[*at].answers(prompt));
        able.min_by_key(busy)
    }

    /// A way to the least busy server, for one conversation.
    pub fn server(self: &Arc<Self>) -> Server {
        let busy = |at: &usize| self.endpoints[*at].busy.load(Ordering::Relaxed);
        let at = (0..self.endpoints.len()).min_by_key(busy).expect("there is one at least");
        self.endpoints[at].busy.fetch_add(1, Ordering::Relaxed);
        Server { fleet: Arc::clone(self), at }
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        self.purse.spent()
    }

    /// Why nothing will be answered any more, once that is known.
    pub fn given_up(&self) -> Option<&Arc<ServerError>> {
        self.given_up.get()
    }

    /// The bytes of the first request, for people who want to see what is sent.
    pub fn request(&self, prompt: &Prompt) -> String {
        let request = wire::Request::new(&self.model, prompt);
        serde_json::to_string_pretty(&request).expect("requests are plain data")
    }

    fn clean(&self, said: &str) -> String {
        let keys = self.endpoints.iter().filter_map(|endpoint| endpoint.key.as_ref());
        let keys: Vec<&str> = keys.map(ExposeSecret::expose_secret).collect();
        trouble::clean(said, &keys)
    }
}

/// One conversation's way to a model.
#[derive(Debug)]
pub struct Server {
    fleet: Arc<Fleet>,
    at: usize,
}

/// A call under way: what came of it is paid for, however it ends.
struct Call<'a> {
    aside: PutAside<'a>,
    /// The request's number in the audit log, once it is written down.
    number: Option<u64>,
    /// The server took the request.
    taken: bool,
    reading: Reading,
    prompt_bytes: usize,
}

impl Model for Server {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        cancel.check()?;
        let fleet = Arc::clone(&self.fleet);
        fleet.runtime.block_on(self.ask(&fleet, prompt, cancel))
    }
}

impl Server {
    async fn ask(
        &mut self,
        fleet: &Fleet,
        prompt: &Prompt,
        cancel: &Cancel,
    ) -> Result<Reply, ModelError> {
        let mut waits = fleet.patience.waits();
        let mut lost = 0;
        loop {
            if let Some(error) = fleet.given_up() {
                return Err(ModelError::Lost(Box::new(Arc::clone(error))));
            }
            self.stay_or_go(prompt)?;
            let most = most(prompt);
            let aside = fleet.purse.put_aside(most).ok_or(ModelError::Exhausted)?;
            let mut call = Call::new(aside, prompt);
            let once = tokio::time::timeout(fleet.patience.call, self.once(prompt, &mut call));
            let Some(tried) = or_cancel(cancel, once).await else {
                self.settle(call, Err("cancelled"));
                return Err(ModelError::Cancelled);
            };
            let (host, seconds) = (self.host(), fleet.patience.call.as_secs());
            let tried = tried.unwrap_or(Err(ServerError::Slow { host, seconds }));
            let error = match tried.map_err(|error| error.or_about_tools(prompt)) {
                Ok(written) => {
                    let (usage, paid) = self.settle(call, Ok(&written));
                    let Written { text, thought, calls, finished, .. } = written;
                    let microdollars = lost + paid;
                    return Ok(Reply { text, calls, thought, finished, usage, microdollars });
                }
                Err(error) => error,
            };
            // Others may spend what this one does not need while it waits.
            lost += self.settle(call, Err(&error.to_string())).1;
            if let ServerError::NoTools { .. } = error {
                fleet.leave_out(&fleet.endpoints[self.at]);
                continue;
            }
            let again = waits.next();
            let wait =
                wait(&error, again, fleet.patience.longest).ok_or_else(|| self.give_up(error))?;
            self.move_on(prompt);
            or_cancel(cancel, tokio::time::sleep(wait)).await.ok_or(ModelError::Cancelled)?;
        }
    }

    /// One try. What is read of the reply stands in `call`, whether or not it ends well.
    async fn once(&self, prompt: &Prompt, call: &mut Call<'_>) -> Result<Written, ServerError> {
        let endpoint = &self.fleet.endpoints[self.at];
        let request = wire::Request::new(&self.fleet.model, prompt);
        let body = serde_json::to_vec(&request).expect("requests are plain data");
        let (bytes, digest) = (body.len() as u64, Digest::of(&body));
        let mut post = endpoint.client.post(endpoint.url.clone()).body(body);
        post = post.header(CONTENT_TYPE, "application/json");
        if let Some(key) = &endpoint.key {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
            let bearer = bearer.map(|mut value| {
                value.set_sensitive(true);
                value
            });
            let reason = "its key holds characters that no key has";
            let refused = |_| ServerError::Refused { url: self.host(), reason };
            post = post.header(AUTHORIZATION, bearer.map_err(refused)?);
        }
        call.number = Some(self.write_down(endpoint, prompt, (bytes, digest))?);
        // Whoever is connected to may count the request, whatever comes of it.
        call.taken = true;
        let response = match post.send().await {
            Ok(response) => response,
            Err(error) => {
                call.taken = !error.is_connect();
                return Err(self.failed(error));
            }
        };
        if !response.status().is_success() {
            call.taken = false;
            return Err(self.refusal(response).await);
        }
        self.receive(response, prompt.max_tokens, &mut call.reading).await?;
        let reading = std::mem::take(&mut call.reading);
        let cut = reading.len() > prompt.max_tokens * TOKEN;
        if cut {
            return Ok(reading.cut());
        }
        reading.finish().ok_or_else(|| ServerError::BrokeOff(self.host()))
    }

    /// Tells the audit log of a request, before any of it is sent.
    fn write_down(
        &self,
        to: &Endpoint,
        prompt: &Prompt,
        (bytes, body): (u64, Digest),
    ) -> Result<u64, ServerError> {
        let sent = Event::Sent {
            purpose: Purpose::Teacher,
            to: to.url.to_string(),
            model: Some(self.fleet.model.clone()),
            bytes,
            body: Some(body),
            redactions: self.fleet.redactions(prompt),
        };
        Ok(self.fleet.audit.record(&sent)?)
    }

    /// Pays for a call and tells the audit log what came of it; see [`Call::pay`].
    fn settle(&self, call: Call<'_>, came: Result<&Written, &str>) -> (Usage, u64) {
        let (number, outcome) = (call.number, came.err().unwrap_or("answered").to_owned());
        let (usage, microdollars) = call.pay(came.ok());
        let tokens = usage.prompt_tokens + usage.completion_tokens;
        if let Some(request) = number {
            let (tokens, microdollars) = (Some(tokens), Some(microdollars));
            let answered = Event::Answered { request, outcome, tokens, microdollars };
            // The request itself is written down; where this cannot be, the next one is not made.
            drop(self.fleet.audit.record(&answered));
        }
        (usage, microdollars)
    }

    /// Reads the reply, until it ends or is longer than any may be.
    async fn receive(
        &self,
        response: Response,
        max_tokens: usize,
        reading: &mut Reading,
    ) -> Result<(), ServerError> {
        let whole = response.headers().get(CONTENT_TYPE);
        let whole = whole.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let (mut came, room) = (0, BESIDE + max_tokens * EVENT);
        let bytes = response.bytes_stream().map(move |chunk| {
            let chunk = chunk.map_err(|_| Bad::BrokeOff)?;
            came += chunk.len();
            if came > room { Err(Bad::Endless) } else { Ok(chunk) }
        });
        if whole {
            let chunks = bytes.try_collect::<Vec<_>>().await;
            let text = chunks.map_err(|bad| self.bad(bad))?.concat();
            self.take(reading, &String::from_utf8_lossy(&text))?;
            return self.take(reading, DONE);
        }
        let mut events = bytes.eventsource();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    self.take(reading, &event.data)?;
                    if event.data == DONE || reading.len() > max_tokens * TOKEN {
                        break;
                    }
                }
                // A reply that has ended may lose the rest of its connection.
                Err(_) if reading.has_ended() => break,
                Err(EventStreamError::Transport(bad)) => return Err(self.bad(bad)),
                Err(EventStreamError::Utf8(_) | EventStreamError::Parser(_)) => {
                    return Err(ServerError::Garbled(self.host()));
                }
            }
        }
        Ok(())
    }

    fn take(&self, reading: &mut Reading, data: &str) -> Result<(), ServerError> {
        reading.take(data).map_err(|bad| match bad {
            BadEvent::Garbled => ServerError::Garbled(self.host()),
            BadEvent::Fault(fault) => {
                ServerError::fault(&self.host(), &fault, |said| self.fleet.clean(said))
            }
        })
    }

    async fn refusal(&self, response: Response) -> ServerError {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while body.len() < REFUSAL
            && let Some(Ok(chunk)) = chunks.next().await
        {
            body.extend_from_slice(&chunk);
        }
        let clean = |said: &str| self.fleet.clean(said);
        ServerError::refusal(&self.host(), status, &headers, &body, clean)
    }

    fn failed(&self, error: reqwest::Error) -> ServerError {
        let error = error.without_url();
        match error.is_connect() {
            true => ServerError::Unreachable { host: self.host(), source: Box::new(error) },
            false => ServerError::BrokeOff(self.host()),
        }
    }

    fn bad(&self, bad: Bad) -> ServerError {
        match bad {
            Bad::BrokeOff => ServerError::BrokeOff(self.host()),
            Bad::Endless => ServerError::Endless(self.host()),
        }
    }

    fn host(&self) -> String {
        self.fleet.endpoints[self.at].host.clone()
    }

    /// To a server that calls tools, where this one is known to call none. Which conversations call
    /// tools does not depend on whom they meet: all do while any server can, and none otherwise.
    fn stay_or_go(&mut self, prompt: &Prompt) -> Result<(), ModelError> {
        if !self.fleet.endpoints[self.at].answers(prompt) {
            let able = self.fleet.for_prompt(prompt);
            self.go(able.ok_or(ModelError::Unsupported("call tools"))?);
        }
        Ok(())
    }

    /// To the next server that answers `prompt`, if there are several.
    fn move_on(&mut self, prompt: &Prompt) {
        let endpoints = &self.fleet.endpoints;
        let others = (1..endpoints.len()).map(|on| (self.at + on) % endpoints.len());
        if let Some(next) = others.into_iter().find(|at| endpoints[*at].answers(prompt)) {
            self.go(next);
        }
    }

    fn go(&mut self, to: usize) {
        let endpoints = &self.fleet.endpoints;
        endpoints[self.at].busy.fetch_sub(1, Ordering::Relaxed);
        endpoints[to].busy.fetch_add(1, Ordering::Relaxed);
        self.at = to;
    }

    /// What a call ends with that is not tried again. Where no call will be answered, all end.
    fn give_up(&self, error: ServerError) -> ModelError {
        if let ServerError::Overflow { tokens, .. } = error {
            let (tokens, limit) = tokens.unwrap_or_default();
            return ModelError::ContextOverflow { tokens, limit };
        }
        let lost = matches!(error, ServerError::Unreachable { .. });
        let (remedy, error) = (error.remedy(), Arc::new(error));
        match remedy {
            Remedy::Again(_) if !lost => ModelError::Failed(Box::new(error)),
            Remedy::Next => ModelError::Refused(Box::new(error)),
            Remedy::Again(_) | Remedy::Never => {
                self.fleet.given_up.get_or_init(|| Arc::clone(&error));
                ModelError::Lost(Box::new(error))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.fleet.endpoints[self.at].busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a stream ends one.
const DONE: &str = "[DONE]";

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug)]
enum Bad {
    BrokeOff,
    Endless,
}

impl<'a> Call<'a> {
    fn new(aside: PutAside<'a>, prompt: &Prompt) -> Self {
        let prompt_bytes = bytes(prompt);
        Self { aside, number: None, taken: false, reading: Reading::default(), prompt_bytes }
    }

    /// Pays for what the server counted, else for what it was given and wrote, and for the worst
    /// case where it took the request and nobody knows what it did.
    fn pay(self, written: Option<&Written>) -> (Usage, u64) {
        let Some(written) = written else {
            return match self.taken {
                true => self.aside.pay_most(),
                false => self.aside.pay(Usage::default()),
            };
        };
        let tokens = |bytes: usize| bytes.div_ceil(BYTES_PER_TOKEN) as u64;
        let called: usize = written.calls.iter().map(|call| call.arguments.len()).sum();
        let thought = written.thought.as_ref().map_or(0, String::len);
        let bytes = written.text.len() + thought + called;
        let estimate = Usage {
            prompt_tokens: tokens(self.prompt_bytes),
            completion_tokens: tokens(bytes),
            ..Usage::default()
        };
        // Some servers count nothing, and say so in numbers.
        let counted = written.usage.filter(|usage| usage.prompt_tokens > 0);
        self.aside.pay(counted.unwrap_or(estimate))
    }
}

/// Bytes that a server is given to read.
fn bytes(prompt: &Prompt) -> usize {
    let call = |call: &sera_core::Call| call.id.len() + call.name.len() + call.arguments.len();
    let message = |message: &sera_core::Message| {
        message.content.len() + message.calls.iter().map(call).sum::<usize>()
    };
    let tool = |tool: &sera_core::Tool| serde_json::to_string(tool).map_or(0, |json| json.len());
    let tools = prompt.tools.iter().map(tool).sum::<usize>();
    prompt.messages.iter().map(message).sum::<usize>() + tools
}

/// What a call takes at most: no token is shorter than a byte.
fn most(prompt: &Prompt) -> Usage {
    let around = (prompt.messages.len() + prompt.tools.len()) * AROUND;
    Usage {
        prompt_tokens: (bytes(prompt) + around) as u64,
        completion_tokens: prompt.max_tokens as u64,
        ..Usage::default()
    }
}

/// How long to wait before the next try; none where there is none. A server that asks for more
/// patience than we have is not waited for.
fn wait(error: &ServerError, own: Option<Duration>, longest: Duration) -> Option<Duration> {
    match error.remedy() {
        Remedy::Again(Some(asked)) if asked > longest => None,
        Remedy::Again(asked) => own.map(|own| own.max(asked.unwrap_or_default())),
        Remedy::Next | Remedy::Never => None,
    }
}
