//! Base and adapter as something that answers: generation with a kept cache, and scoring of many
//! candidates that share most of their text.
//!
//! Conversations grow at their end, so the cache of the last call is kept and only what differs is
//! read. A message the student wrote keeps the tokens it was written in: its text may encode to
//! others, and the cache would be lost from there on.
use crate::base::Base;
use crate::batch::Target;
use crate::cache::{Branch, Cache, Turn, forward_cached, forward_written, score_branches};
use crate::decoder::EngineError;
use crate::draft::Drafts;
use crate::grammar::GrammarError;
use crate::infill;
use crate::lora::Lora;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::{Cancel, Context, Message, Model, ModelError, Prompt, Reply, Role, Score, Usage};
use std::collections::VecDeque;
use std::sync::Arc;

/// Tokens read in one forward: bounds memory and the wait for a cancellation.
const CHUNK: usize = 512;

/// Tokens of branches scored in one forward.
const BRANCH_CHUNK: usize = 4096;

/// Messages whose own tokens are remembered.
const REMEMBERED: usize = 64;

/// A base, with or without an adapter, that continues conversations.
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
        let usage =
            Usage { prompt_tokens: prompt.len() as u64, completion_tokens: answer.len() as u64 };
        self.remember(&text, answer);
        Ok(Reply { text, finished, usage })
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
        conversation.read(base, lora.as_deref(), prompt, cancel)?;
        let mut ahead = Ahead::new(prompt.len());
        for left in (0..room).rev() {
            cancel.check()?;
            let Some(token) = next(ahead.logits(base, conversation))? else { break };
            ahead.go_on(token, left, conversation, (base, lora.as_deref()), cancel)?;
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
        let lora = lora.as_deref();
        let trunk = [context, first].concat();
        scoring.read(base, lora, &trunk, cancel)?;
        let target = |(at, &token): (usize, &u32)| Target { row: at - 1, token, weight: 1.0 };
        let rows: Vec<Target> = trunk.iter().enumerate().skip(context.len()).map(target).collect();
        let trunk_nll = scoring.cache.nll(base, &rows);

        let forks: Vec<usize> = candidates.iter().map(|tokens| shared(first, tokens)).collect();
        let branch = |(tokens, &fork): (&Vec<u32>, &usize)| Branch {
            at: context.len() + fork,
            tokens: tokens[fork..].to_vec(),
        };
        let branches: Vec<Branch> = candidates.iter().zip(&forks).map(branch).collect();
        let mut own = vec![0.0; candidates.len()];
        for range in chunks(&branches) {
            cancel.check()?;
            let picked: Vec<usize> = range.filter(|&i| !branches[i].tokens.is_empty()).collect();
            let chosen: Vec<Branch> = picked.iter().map(|&i| branches[i].clone()).collect();
            let scored =
                score_branches(base, lora, &scoring.cache, &chosen, &|| !cancel.is_cancelled())
                    .map_err(failed)?;
            for (&i, logs) in picked.iter().zip(&scored) {
                own[i] = logs.iter().map(|&log| f64::from(log)).sum();
            }
        }
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
    fn new(at: usize) -> Self {
        Self { at, drafts: Drafts::new(), logits: Vec::new(), from: at }
    }

    /// Logits of the next token.
    fn logits(&mut self, base: &Base, reading: &Reading) -> &[f32] {
        let (row, vocabulary) = (self.at - 1, base.config.vocabulary);
        if self.logits.is_empty() {
            (self.logits, self.from) = (reading.cache.logits_from(base, row), row);
        }
        &self.logits[(row - self.from) * vocabulary..][..vocabulary]
    }

    /// Makes `token` the last certain one. If it was guessed it was read already; else it is read,
    /// with a guess of at most `most` tokens at what follows.
    fn go_on(
        &mut self,
        token: u32,
        most: usize,
        reading: &mut Reading,
        (base, lora): (&Base, Option<&Lora>),
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        self.at += 1;
        if reading.tokens.get(self.at - 1) == Some(&token) {
            return Ok(());
        }
        let guessed = (self.logits.len() / base.config.vocabulary).saturating_sub(1);
        if guessed > 0 {
            self.drafts.learn(self.at - 1 - (self.from + 1), guessed);
        }
        reading.forget(self.at - 1);
        let text = [&reading.tokens[..], &[token]].concat();
        let guess = self.drafts.guess(&text);
        let fresh = [&[token], &guess[..guess.len().min(most)]].concat();
        self.logits.clear();
        reading.write(base, lora, &fresh, cancel)
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
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let known = shared(&self.tokens, tokens);
        self.forget(known);
        tokens[known..].chunks(CHUNK).try_for_each(|chunk| self.extend(base, lora, chunk, cancel))
    }

    /// Appends what was just written, and guesses.
    fn write(
        &mut self,
        base: &Base,
        lora: Option<&Lora>,
        tokens: &[u32],
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let turn = Turn { lora, cache: &mut self.cache, tokens };
        forward_written(base, &mut [turn], &|| !cancel.is_cancelled()).map_err(failed)?;
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }

    fn extend(
        &mut self,
        base: &Base,
        lora: Option<&Lora>,
        tokens: &[u32],
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        forward_cached(base, lora, tokens, &mut self.cache, &|| !cancel.is_cancelled())
            .map_err(failed)?;
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }
}

fn unheld(error: GrammarError) -> ModelError {
    ModelError::Failed(Box::new(error))
}

fn failed(error: EngineError) -> ModelError {
    match error {
        EngineError::Stopped => ModelError::Cancelled,
        EngineError::Batch(_) | EngineError::Device(_) => ModelError::Failed(Box::new(error)),
    }
}

/// Length of the longest common prefix.
fn shared(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Runs of branches of at most [`BRANCH_CHUNK`] tokens, or a single longer one.
fn chunks(branches: &[Branch]) -> Vec<std::ops::Range<usize>> {
    let (mut runs, mut start, mut tokens) = (Vec::new(), 0, 0);
    for (i, branch) in branches.iter().enumerate() {
        if i > start && tokens + branch.tokens.len() > BRANCH_CHUNK {
            runs.push(start..i);
            (start, tokens) = (i, 0);
        }
        tokens += branch.tokens.len();
    }
    runs.push(start..branches.len());
    runs
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
