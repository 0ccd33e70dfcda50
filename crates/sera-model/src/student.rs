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
}

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
            &mut Bounds { max_tokens, temperature: 0.0, seed: 0, stop, whole: true },
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
        let Self { base, lora, limit, conversation, .. } = self;
        if prompt.len() >= *limit {
            return Err(ModelError::ContextOverflow { tokens: prompt.len(), limit: *limit });
        }
        conversation.read(base, lora.as_deref(), prompt, cancel)?;
        let tokenizer = &base.tokenizer;
        let ends = [tokenizer.end_of_turn(), tokenizer.end_of_text()];
        let mut random = ChaCha8Rng::seed_from_u64(bounds.seed);
        let (mut answer, mut finished) = (Vec::new(), false);
        let room = bounds.max_tokens.min(*limit - prompt.len());
        while answer.len() < room {
            cancel.check()?;
            let logits = conversation.cache.logits(base, conversation.tokens.len() - 1);
            let token = choose(&logits, bounds.temperature, &mut random);
            finished = ends.contains(&token);
            if finished {
                break;
            }
            answer.push(token);
            let stopped = (bounds.stop)(&tokenizer.decode(&answer));
            finished = stopped && bounds.whole;
            if stopped || answer.len() == room {
                break;
            }
            conversation.extend(base, lora.as_deref(), &[token], cancel)?;
        }
        let text = tokenizer.decode(&answer);
        let usage =
            Usage { prompt_tokens: prompt.len() as u64, completion_tokens: answer.len() as u64 };
        self.remember(&text, answer);
        Ok(Reply { text, finished, usage })
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
        let bounds = &mut Bounds { max_tokens, temperature, seed, stop: &mut stop, whole: false };
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

impl Reading {
    /// Makes the cache hold exactly `tokens`, reading only what it does not hold already.
    fn read(
        &mut self,
        base: &Base,
        lora: Option<&Lora>,
        tokens: &[u32],
        cancel: &Cancel,
    ) -> Result<(), ModelError> {
        let known = shared(&self.tokens, tokens);
        self.cache.truncate(known);
        self.tokens.truncate(known);
        tokens[known..].chunks(CHUNK).try_for_each(|chunk| self.extend(base, lora, chunk, cancel))
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
