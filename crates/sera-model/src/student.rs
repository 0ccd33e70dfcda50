//! Base and adapter as something that answers: generation with a kept cache, and scoring of many
//! candidates that share most of their text.
//!
//! Conversations grow at their end, so the cache of the last call is kept and only what differs is
//! read. A message the student wrote keeps the tokens it was written in: its text may encode to
//! others, and the cache would be lost from there on.
use crate::base::Base;
use crate::batch::Target;
use crate::cache::{Branch, Cache, forward_cached, score_branches};
use crate::decoder::EngineError;
use crate::draft::Drafts;
use crate::grammar::GrammarError;
use crate::infill;
use crate::lora::Lora;
use crate::ops::KeyValues;
use crate::together::{Done, Kind, Part};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::{Cancel, Context, Message, Model, ModelError, Prompt, Reply, Role, Score, Usage};
use std::collections::VecDeque;
use std::sync::Arc;

/// Tokens read in one forward: bounds memory and the wait for a cancellation.
const CHUNK: usize = 512;

/// Messages whose own tokens are remembered.
const REMEMBERED: usize = 64;

/// A base, with or without an adapter, that continues conversations. Students of one base may be
/// asked at the same time, each on a thread of its own: what they write is computed together.
#[derive(Debug)]
pub struct Student {
    base: Arc<Base>,
    lora: Option<Arc<Lora>>,
    limit: usize,
    conversation: Reading,
    scoring: Reading,
    /// Text of written messages whose tokens differ from what the text encodes to.
    written: VecDeque<(String, Vec<u32>)>,
}

/// A cache and the tokens it holds.
#[derive(Debug)]
struct Reading {
    tokens: Vec<u32>,
    cache: Cache,
}

/// What ends a generation, beside the model's own end tokens.
struct Bounds<'a> {
    max_tokens: usize,
    temperature: f32,
    seed: u64,
    stop: &'a mut dyn FnMut(&str) -> bool,
    /// Whether what `stop` ended is an answer.
    whole: bool,
    /// What may be written.
    grammar: Option<&'a str>,
}

/// What follows, given its logits; nothing ends the answer.
type Next<'a> = dyn FnMut(&[f32]) -> Result<Option<u32>, ModelError> + 'a;

impl Student {
    /// A student of `base`, answering as `lora` taught it.
    pub fn new(base: Arc<Base>, lora: Option<Arc<Lora>>) -> Self {
        let reading = || Reading { tokens: Vec::new(), cache: Cache::new(&base.config) };
        let (conversation, scoring) = (reading(), reading());
        let limit = base.config.context;
        Self { base, lora, limit, conversation, scoring, written: VecDeque::new() }
    }

    /// The same student reading at most `tokens`, prompt and answer together.
    #[must_use]
    pub fn with_limit(mut self, tokens: usize) -> Self {
        self.limit = tokens.min(self.base.config.context);
        self
    }

    /// The same student keeping the numbers of what it reads so.
    #[must_use]
    pub fn keeping(mut self, how: KeyValues) -> Self {
        for reading in [&mut self.conversation, &mut self.scoring] {
            let cache = Cache::keeping(&self.base.config, how);
            *reading = Reading { tokens: Vec::new(), cache };
        }
        self
    }

    /// The frozen part.
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// The trained part.
    pub fn lora(&self) -> Option<&Arc<Lora>> {
        self.lora.as_ref()
    }

    /// Fills the hole between `before` and `after`, greedily, in the format of [`infill`].
    ///
    /// `stop` sees the text after every token and ends it with true. The answer is finished where
    /// the model or `stop` ended it.
    pub fn complete(
        &mut self,
        before: &str,
        after: &str,
        max_tokens: usize,
        stop: &mut dyn FnMut(&str) -> bool,
        cancel: &Cancel,
    ) -> Result<Reply, ModelError> {
        let room = self.limit.saturating_sub(max_tokens);
        let (before, after) = infill::fit(&self.base.tokenizer, before, after, room);
        let prompt = self.never_empty(infill::prompt(&self.base.tokenizer, before, after));
        self.write(
            &prompt,
            &mut Bounds { max_tokens, temperature: 0.0, seed: 0, stop, whole: true, grammar: None },
            cancel,
        )
    }

    /// How many tokens of the last prompt the next one would find in the cache.
    pub fn cached(&self, messages: &[Message]) -> usize {
        shared(&self.conversation.tokens, &self.render(messages))
    }

    /// The first token of a text is predicted from the end of the text before it.
    fn never_empty(&self, mut tokens: Vec<u32>) -> Vec<u32> {
        if tokens.is_empty() {
            tokens.push(self.base.tokenizer.end_of_text());
        }
        tokens
    }

    fn render(&self, messages: &[Message]) -> Vec<u32> {
        let tokenizer = &self.base.tokenizer;
        let tokens = |message: &Message| {
            let own = self.written.iter().find(|(text, _)| *text == message.content);
            match own.filter(|_| message.role == Role::Assistant) {
                Some((_, tokens)) => tokens.clone(),
                None => tokenizer.encode(&message.content),
            }
        };
        tokenizer.chat_with(messages, true, tokens).tokens
    }

    fn write(
        &mut self,
        prompt: &[u32],
        bounds: &mut Bounds<'_>,
        cancel: &Cancel,
    ) -> Result<Reply, ModelError> {
        if prompt.len() >= self.limit {
            return Err(ModelError::ContextOverflow { tokens: prompt.len(), limit: self.limit });
        }
        let base = Arc::clone(&self.base);
        let tokenizer = &base.tokenizer;
        let ends = [tokenizer.end_of_turn(), tokenizer.end_of_text()];
        let mut random = ChaCha8Rng::seed_from_u64(bounds.seed);
        let (mut answer, mut finished) = (Vec::new(), false);
        let room = bounds.max_tokens.min(self.limit - prompt.len());
        let held = |grammar| tokenizer.grammars()?.answer(grammar);
        let mut held = bounds.grammar.map(held).transpose().map_err(unheld)?;
        let mut next = |logits: &[f32]| {
            let token = match &mut held {
                Some(held) => {
                    let mut logits = logits.to_vec();
                    held.mask(&mut logits).map_err(unheld)?;
                    choose(&logits, bounds.temperature, &mut random)
                }
                None => choose(logits, bounds.temperature, &mut random),
            };
            finished = ends.contains(&token);
            if finished {
                return Ok(None);
            }
            if let Some(held) = &mut held {
                held.take(token).map_err(unheld)?;
            }
            answer.push(token);
            let stopped = (bounds.stop)(&tokenizer.decode(&answer));
            finished = stopped && bounds.whole;
            Ok((!stopped && answer.len() < room).then_some(token))
        };
        self.write_by(prompt, room, &mut next, cancel)?;
        let text = tokenizer.decode(&answer);
        let usage = Usage {
            prompt_tokens: prompt.len() as u64,
            completion_tokens: answer.len() as u64,
            ..Usage::default()
        };
        self.remember(&text, answer);
        Ok(Reply { text, finished, usage, ..Reply::default() })
    }

    /// Goes the way of writing `answer` after `prompt`, as if its tokens were the chosen ones: what
    /// a benchmark compares, which wants the same answer whatever the model would say.
    #[doc(hidden)]
    pub fn follow(
        &mut self,
        prompt: &[u32],
        answer: &[u32],
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let mut rest = answer.iter().copied();
        // What follows the last one is not asked for, so it is not read.
        let mut next = |_: &[f32]| Ok(rest.next().filter(|_| rest.len() > 0));
        self.write_by(prompt, answer.len(), &mut next, cancel)
    }

    /// Reads `prompt` and asks `next` for one token after the other, with the logits of each, until
    /// it gives none; at most `room`.
    fn write_by(
        &mut self,
        prompt: &[u32],
        room: usize,
        next: &mut Next<'_>,
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let Self { base, lora, conversation, .. } = self;
        let mut desk = Desk { base, lora: lora.as_ref(), reading: conversation, cancel };
        let mut answer = base.together.answer();
        let mut ahead = Ahead::new(prompt.len(), desk.read(prompt)?);
        answer.write();
        for left in (0..room).rev() {
            cancel.check()?;
            let Some(token) = next(ahead.logits(base))? else { break };
            ahead.go_on(token, left, &mut desk)?;
        }
        conversation.forget(ahead.at);
        Ok(())
    }

    fn remember(&mut self, text: &str, tokens: Vec<u32>) {
        if self.base.tokenizer.encode(text) == tokens {
            return;
        }
        self.written.retain(|(known, _)| known != text);
        self.written.truncate(REMEMBERED - 1);
        self.written.push_front((text.to_owned(), tokens));
    }

    /// Context and candidates in tokens.
    fn tokenize(&self, context: Context<'_>, candidates: &[String]) -> (Vec<u32>, Vec<Vec<u32>>) {
        let tokenizer = &self.base.tokenizer;
        let (context, end) = match context {
            Context::Chat(messages) => (self.render(messages), Some(tokenizer.end_of_turn())),
            Context::Plain(text) => (self.never_empty(tokenizer.encode(text)), None),
        };
        let candidate = |text: &String| tokenizer.encode(text).into_iter().chain(end).collect();
        (context, candidates.iter().map(candidate).collect())
    }

    fn score_tokens(
        &mut self,
        context: &[u32],
        candidates: &[Vec<u32>],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let Some(first) = candidates.first() else { return Ok(Vec::new()) };
        let longest = candidates.iter().map(Vec::len).max().unwrap_or(0) + context.len();
        if longest > self.limit {
            return Err(ModelError::ContextOverflow { tokens: longest, limit: self.limit });
        }
        let Self { base, lora, scoring, .. } = self;
        let trunk = [context, first].concat();
        let target = |(at, &token): (usize, &u32)| Target { row: at - 1, token, weight: 1.0 };
        let rows: Vec<Target> = trunk.iter().enumerate().skip(context.len()).map(target).collect();
        let forks: Vec<usize> = candidates.iter().map(|tokens| shared(first, tokens)).collect();
        let branch = |(tokens, &fork): (&Vec<u32>, &usize)| Branch {
            at: context.len() + fork,
            tokens: tokens[fork..].to_vec(),
        };
        let branches: Vec<Branch> = candidates.iter().zip(&forks).map(branch).collect();
        let compute = |pause: &(dyn Fn() -> bool + Sync)| {
            scoring.read(base, lora.as_deref(), &trunk, pause)?;
            let own = scoring.score(base, lora.as_deref(), &branches, pause)?;
            Ok((scoring.cache.nll(base, &rows), own))
        };
        let (trunk_nll, own) = base.together.behind(base, cancel, compute).map_err(failed)?;
        let score = |((tokens, &fork), &own): ((&Vec<u32>, &usize), &f64)| {
            let common: f64 = trunk_nll[..fork].iter().map(|&nll| f64::from(nll)).sum();
            Score { nats: own - common, tokens: tokens.len() }
        };
        Ok(candidates.iter().zip(&forks).zip(&own).map(score).collect())
    }
}

impl Model for Student {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        let tokens = self.render(&prompt.messages);
        let Prompt { max_tokens, temperature, seed, mut stop, .. } = *prompt;
        let (stop, grammar) = (&mut stop, prompt.grammar.as_deref());
        let bounds = &mut Bounds { max_tokens, temperature, seed, stop, whole: false, grammar };
        self.write(&tokens, bounds, cancel)
    }

    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let (context, candidates) = self.tokenize(context, candidates);
        self.score_tokens(&context, &candidates, cancel)
    }
}

/// Where an answer stands in what was read, guesses included.
struct Ahead {
    /// Tokens that are certain: prompt and answer.
    at: usize,
    drafts: Drafts,
    /// Logits of what follows the rows from `from` on.
    logits: Vec<f32>,
    from: usize,
}

impl Ahead {
    /// At the end of a prompt, with its last token's logits.
    fn new(at: usize, logits: Vec<f32>) -> Self {
        Self { at, drafts: Drafts::new(), logits, from: at - 1 }
    }

    /// Logits of the next token.
    fn logits(&self, base: &Base) -> &[f32] {
        let (row, vocabulary) = (self.at - 1, base.config.vocabulary);
        &self.logits[(row - self.from) * vocabulary..][..vocabulary]
    }

    /// Makes `token` the last certain one. If it was guessed it was read already; else it is read,
    /// with a guess of at most `most` tokens at what follows.
    fn go_on(&mut self, token: u32, most: usize, desk: &mut Desk<'_>) -> Result<(), ModelError> {
        self.at += 1;
        if desk.reading.tokens.get(self.at - 1) == Some(&token) {
            return Ok(());
        }
        let guessed = (self.logits.len() / desk.base.config.vocabulary).saturating_sub(1);
        if guessed > 0 {
            self.drafts.learn(self.at - 1 - (self.from + 1), guessed);
        }
        desk.reading.forget(self.at - 1);
        let text = [&desk.reading.tokens[..], &[token]].concat();
        let guess = self.drafts.guess(&text);
        let fresh = [&[token], &guess[..guess.len().min(most)]].concat();
        self.logits = desk.extend(&fresh, Kind::Written)?;
        self.from = self.at - 1;
        Ok(())
    }
}

/// An answer's reading, among others'.
struct Desk<'a> {
    base: &'a Base,
    lora: Option<&'a Arc<Lora>>,
    reading: &'a mut Reading,
    cancel: &'a Cancel,
}

impl Desk<'_> {
    /// Makes the cache hold exactly `prompt`, reading only what it does not hold already, and
    /// returns the last token's logits.
    fn read(&mut self, prompt: &[u32]) -> Result<Vec<f32>, ModelError> {
        let known = shared(&self.reading.tokens, prompt);
        self.reading.forget(known);
        let mut rest = &prompt[known..];
        while rest.len() > CHUNK {
            let (chunk, later) = rest.split_at(CHUNK);
            self.extend(chunk, Kind::Prompt)?;
            rest = later;
        }
        self.extend(rest, Kind::Last)
    }

    /// Appends tokens to what is read and returns the logits that this kind is asked for.
    fn extend(&mut self, tokens: &[u32], kind: Kind) -> Result<Vec<f32>, ModelError> {
        let empty = self.reading.cache.emptied();
        let part = Part {
            lora: self.lora.cloned(),
            cache: std::mem::replace(&mut self.reading.cache, empty),
            tokens: tokens.to_vec(),
            kind,
            cancel: self.cancel.clone(),
        };
        let Some(Done { cache, logits }) = self.base.together.read(self.base, part) else {
            self.reading.tokens.clear();
            return Err(failed(EngineError::Panicked));
        };
        self.reading.cache = cache;
        let logits = logits.map_err(failed)?;
        self.reading.tokens.extend_from_slice(tokens);
        Ok(logits)
    }
}

impl Reading {
    /// Forgets all but the first `tokens`.
    fn forget(&mut self, tokens: usize) {
        self.cache.truncate(tokens);
        self.tokens.truncate(tokens);
    }

    /// Makes the cache hold exactly `tokens`, reading only what it does not hold already.
    fn read(
        &mut self,
        base: &Base,
        lora: Option<&Lora>,
        tokens: &[u32],
        pause: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), EngineError> {
        let known = shared(&self.tokens, tokens);
        self.forget(known);
        for chunk in tokens[known..].chunks(CHUNK) {
            forward_cached(base, lora, chunk, &mut self.cache, pause)?;
            self.tokens.extend_from_slice(chunk);
        }
        Ok(())
    }

    /// Log-likelihood in nats of every branch of what is read.
    fn score(
        &self,
        base: &Base,
        lora: Option<&Lora>,
        branches: &[Branch],
        pause: &(dyn Fn() -> bool + Sync),
    ) -> Result<Vec<f64>, EngineError> {
        let scored = score_branches(base, lora, &self.cache, branches, pause)?;
        let sum = |logs: Vec<f32>| logs.into_iter().map(f64::from).sum();
        Ok(scored.into_iter().map(sum).collect())
    }
}

fn unheld(error: GrammarError) -> ModelError {
    ModelError::Failed(Box::new(error))
}

fn failed(error: EngineError) -> ModelError {
    match error {
        EngineError::Stopped => ModelError::Cancelled,
        EngineError::Batch(_) | EngineError::Panicked | EngineError::Device(_) => {
            ModelError::Failed(Box::new(error))
        }
    }
}

/// Length of the longest common prefix.
fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The likeliest token, or a draw at `temperature`; the lower id wins ties.
fn choose(logits: &[f32], temperature: f32, random: &mut ChaCha8Rng) -> u32 {
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let index = if temperature > 0.0 {
        let weights = || logits.iter().map(|&l| f64::from((l - best) / temperature).exp());
        let mut left = random.random::<f64>() * weights().sum::<f64>();
        weights().position(|weight| {
            left -= weight;
            left <= 0.0
        })
    } else {
        logits.iter().position(|&logit| logit == best)
    };
    u32::try_from(index.unwrap_or(0)).expect("vocabularies have fewer than 2³² tokens")
}

#[cfg(test)]
mod tests;
