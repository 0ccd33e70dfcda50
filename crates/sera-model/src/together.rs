//! Answers that are asked for at the same time, by students of one base on their own threads.
//!
//! One computes at a time, and what it reads of the weights for a token it reads for all answers
//! that are being written: each hands in its part, and whoever finds the others' there computes for
//! all of them (flat combining, Hendler et al. 2010). So there is no thread that only serves, and
//! nothing runs where nobody asks.
//!
//! What takes long stops between two layers for what somebody waits for, on the same thread and
//! without leaving the pool: a prompt for one token of those who write, edits that are scored for
//! all answers, to their ends. Nothing is computed differently for that: what a cache that holds the
//! same goes on with is the same bits alone and among others.
use crate::base::Base;
use crate::cache::{Cache, Turn, forward_cached, write_together};
use crate::decoder::EngineError;
use crate::lora::Lora;
use sera_core::Cancel;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often someone who waits looks at its cancellation, which wakes nobody.
const GLANCE: Duration = Duration::from_millis(20);

/// Where they meet; every [`Base`] has one.
#[derive(Debug, Default)]
pub(crate) struct Together {
    state: Mutex<State>,
    /// For those who wait for a part, or for the right to compute.
    changed: Condvar,
    /// For the one who computes and waits for parts.
    handed_in: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Someone computes.
    computing: bool,
    /// Answers, from their prompt's first token to their last.
    answers: usize,
    /// Of them, those that are being written.
    writers: usize,
    /// What those go on with that have come this far.
    written: Vec<(Name, Part)>,
    /// Prompts, first come, first read.
    prompts: VecDeque<(Name, Part)>,
    underway: BTreeSet<Name>,
    done: BTreeMap<Name, Done>,
    next: Name,
}

type Name = u64;

/// Tokens to be read after what a cache holds.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) lora: Option<Arc<Lora>>,
    pub(crate) cache: Cache,
    pub(crate) tokens: Vec<u32>,
    pub(crate) kind: Kind,
    pub(crate) cancel: Cancel,
}

impl Part {
    fn turn(&mut self) -> Turn<'_> {
        Turn { lora: self.lora.as_deref(), cache: &mut self.cache, tokens: &self.tokens }
    }
}

/// What for they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They are part of a prompt that goes on.
    Prompt,
    /// They end a prompt: the logits of its last token are asked for.
    Last,
    /// They were written or guessed: the logits of each are.
    Written,
}

/// A part that was read; where it was not, the cache is as it was.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) cache: Cache,
    /// Logits that were asked for, one row after the other.
    pub(crate) logits: Result<Vec<f32>, EngineError>,
}

/// What is computed next.
enum Due {
    Written(Vec<(Name, Part)>),
    Prompt(Name, Part),
}

/// An answer that is being read or written. While one is written, the others' tokens wait for its.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    together: &'a Together,
    writing: bool,
}

impl Answer<'_> {
    /// The prompt is read.
    pub(crate) fn write(&mut self) {
        self.writing = true;
        self.together.lock().writers += 1;
    }
}

impl Drop for Answer<'_> {
    fn drop(&mut self) {
        let mut state = self.together.lock();
        state.answers -= 1;
        state.writers -= usize::from(self.writing);
        self.together.changed.notify_all();
        self.together.handed_in.notify_all();
    }
}

/// The right to compute.
struct Computing<'a>(&'a Together);

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.computing = false;
        // Only after a panic something is left here: who waits for it is told.
        state.underway.clear();
        self.0.changed.notify_all();
    }
}

/// A part that somebody waits for. Where computing another's panics it is not left behind.
struct Entered<'a>(&'a Together, Name);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        drop((state.withdraw(self.1), state.done.remove(&self.1)));
    }
}

impl Together {
    /// A new answer.
    pub(crate) fn answer(&self) -> Answer<'_> {
        self.lock().answers += 1;
        Answer { together: self, writing: false }
    }

    /// Reads a part of an answer; `None` where computing panicked.
    pub(crate) fn read(&self, base: &Base, part: Part) -> Option<Done> {
        let cancel = part.cancel.clone();
        let entered = self.enter(part);
        let name = entered.1;
        let mut state = self.lock();
        loop {
            if let Some(done) = state.done.remove(&name) {
                return Some(done);
            }
            if !state.knows(name) {
                return None;
            }
            if cancel.is_cancelled()
                && let Some(part) = state.withdraw(name)
            {
                return Some(Done { cache: part.cache, logits: Err(EngineError::Stopped) });
            }
            state = match state.computing || !state.is_due() {
                true => wait(&self.changed, state),
                false => {
                    let computing = self.begin(state);
                    self.compute(base);
                    drop(computing);
                    self.lock()
                }
            };
        }
    }

    fn enter(&self, part: Part) -> Entered<'_> {
        let mut state = self.lock();
        let name = state.enter(part);
        if state.computing && state.is_due() {
            self.handed_in.notify_all();
        }
        Entered(self, name)
    }

    /// Does work that nobody waits for token by token. It is given what it has to call between
    /// layers, which computes all answers first and says whether to go on.
    pub(crate) fn behind<T>(
        &self,
        base: &Base,
        cancel: &Cancel,
        work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut state = self.lock();
        while state.computing || state.answers > 0 {
            if cancel.is_cancelled() {
                return Err(EngineError::Stopped);
            }
            state = wait(&self.changed, state);
        }
        let _computing = self.begin(state);
        work(&|| {
            self.let_answer(base, cancel);
            !cancel.is_cancelled()
        })
    }

    /// Computes what answers hand in until there are none. Their threads need nothing of the pool
    /// in between, so that one of its threads may wait here.
    fn let_answer(&self, base: &Base, cancel: &Cancel) {
        let mut state = self.lock();
        while state.answers > 0 && !cancel.is_cancelled() {
            if state.is_due() {
                drop(state);
                self.compute(base);
                state = self.lock();
            } else {
                state = wait(&self.handed_in, state);
            }
        }
    }

    /// Computes what is due, if anything is. The caller has the right to.
    fn compute(&self, base: &Base) {
        let due = self.lock().take_due();
        match due {
            Some(Due::Written(parts)) => self.write(base, parts),
            Some(Due::Prompt(name, part)) => self.prompt(base, name, part),
            None => (),
        }
    }

    fn write(&self, base: &Base, parts: Vec<(Name, Part)>) {
        let cancels: Vec<Cancel> = parts.iter().map(|(_, part)| part.cancel.clone()).collect();
        let wanted = || cancels.iter().any(|cancel| !cancel.is_cancelled());
        let (names, mut parts): (Vec<Name>, Vec<Part>) = parts.into_iter().unzip();
        let mut turns: Vec<Turn<'_>> = parts.iter_mut().map(Part::turn).collect();
        let logits = write_together(base, &mut turns, &wanted);
        let logits: Vec<Result<Vec<f32>, EngineError>> = match logits {
            Ok(logits) => logits.into_iter().map(Ok).collect(),
            Err(error) => names.iter().map(|_| Err(same(&error))).collect(),
        };
        let done = parts.into_iter().zip(logits);
        self.finish(
            names.into_iter().zip(done.map(|(part, logits)| Done { cache: part.cache, logits })),
        );
    }

    fn prompt(&self, base: &Base, name: Name, part: Part) {
        let Part { lora, mut cache, tokens, kind, cancel } = part;
        let between = || {
            let due = self.lock().take_written();
            if let Some(parts) = due {
                self.write(base, parts);
            }
            !cancel.is_cancelled()
        };
        let read = forward_cached(base, lora.as_deref(), &tokens, &mut cache, &between);
        let logits = read.map(|()| match kind {
            Kind::Last => cache.logits_from(base, cache.len() - 1),
            Kind::Prompt | Kind::Written => Vec::new(),
        });
        self.finish([(name, Done { cache, logits })]);
    }

    fn finish(&self, done: impl IntoIterator<Item = (Name, Done)>) {
        let mut state = self.lock();
        for (name, done) in done {
            state.underway.remove(&name);
            state.done.insert(name, done);
        }
        self.changed.notify_all();
    }

    fn begin(&self, mut state: MutexGuard<'_, State>) -> Computing<'_> {
        state.computing = true;
        Computing(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait<'a>(until: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    until.wait_timeout(state, GLANCE).unwrap_or_else(PoisonError::into_inner).0
}

impl State {
    fn enter(&mut self, part: Part) -> Name {
        let name = self.next;
        self.next += 1;
        match part.kind {
            Kind::Written => self.written.push((name, part)),
            Kind::Prompt | Kind::Last => self.prompts.push_back((name, part)),
        }
        name
    }

    /// Whether a part waits or is being computed.
    fn knows(&self, name: Name) -> bool {
        let waits = |(waiting, _): &(Name, Part)| *waiting == name;
        self.underway.contains(&name)
            || self.written.iter().any(waits)
            || self.prompts.iter().any(waits)
    }

    /// Takes a part back that is not being computed yet.
    fn withdraw(&mut self, name: Name) -> Option<Part> {
        let named = |(waiting, _): &(Name, Part)| *waiting == name;
        if let Some(at) = self.written.iter().position(named) {
            return Some(self.written.remove(at).1);
        }
        let at = self.prompts.iter().position(named)?;
        self.prompts.remove(at).map(|(_, part)| part)
    }

    /// Whether all who write have handed in how they go on.
    fn is_round(&self) -> bool {
        !self.written.is_empty() && self.written.len() >= self.writers
    }

    fn is_due(&self) -> bool {
        self.is_round() || !self.prompts.is_empty()
    }

    fn take_written(&mut self) -> Option<Vec<(Name, Part)>> {
        let parts = self.is_round().then(|| std::mem::take(&mut self.written))?;
        self.underway.extend(parts.iter().map(|(name, _)| *name));
        Some(parts)
    }

    fn take_due(&mut self) -> Option<Due> {
        if let Some(parts) = self.take_written() {
            return Some(Due::Written(parts));
        }
        let (name, part) = self.prompts.pop_front()?;
        self.underway.insert(name);
        Some(Due::Prompt(name, part))
    }
}

/// The same error for another who waits for the same computation.
fn same(error: &EngineError) -> EngineError {
    match error {
        EngineError::Stopped => EngineError::Stopped,
        EngineError::Panicked => EngineError::Panicked,
        EngineError::Batch(what) => EngineError::Batch(what),
        EngineError::Device(error) => candle_core::Error::Msg(error.to_string()).into(),
    }
}

#[cfg(test)]
mod tests;
