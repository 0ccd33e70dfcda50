//! Replies that are paid for, kept until what they went into is kept itself.
//!
//! Work that a teacher does is the same again for the same requests and seeds. So a run that was
//! killed is simply done again from its beginning: what was answered before is read from here, and
//! only what was not costs anything.
use crate::ledger::{LedgerError, Lines};
use sera_core::{Cancel, Digest, Model, ModelError, Prompt, Reply};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One reply that is paid for.
#[derive(Debug, Serialize, Deserialize)]
struct Fact {
    /// What it went into.
    of: String,
    /// Digest of the request.
    to: Digest,
    reply: Reply,
}

/// Replies that are paid for, in a file. Shared by all conversations of a run.
#[derive(Debug)]
pub struct Paid(Mutex<State>);

#[derive(Debug)]
struct State {
    lines: Lines,
    replies: HashMap<Digest, Reply>,
    /// Replies of earlier runs that nobody asked for yet.
    unused: HashSet<Digest>,
}

impl Paid {
    /// What stands in `path`, but for what went into things that are `stored` by now.
    ///
    /// # Errors
    /// Where the file cannot be read or made.
    pub fn open(path: &Path, stored: &dyn Fn(&str) -> bool) -> Result<Self, LedgerError> {
        let (lines, facts) = Lines::open::<Fact>(path)?;
        let replies: HashMap<_, _> = facts
            .into_iter()
            .filter(|fact| !stored(&fact.of))
            .map(|fact| (fact.to, fact.reply))
            .collect();
        let unused = replies.keys().cloned().collect();
        Ok(Self(Mutex::new(State { lines, replies, unused })))
    }

    /// How many replies of earlier runs nobody asked for yet.
    pub fn unused(&self) -> usize {
        self.lock().unused.len()
    }

    /// A model whose replies are kept here. `name` tells models apart that share the file, `of`
    /// says what the replies go into.
    pub fn remembering<'a, M: Model>(
        &'a self,
        name: &'a str,
        of: String,
        model: M,
    ) -> Remembering<'a, M> {
        Remembering { paid: self, name, of, model }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Paid::remembering`].
#[derive(Debug)]
pub struct Remembering<'a, M> {
    paid: &'a Paid,
    name: &'a str,
    of: String,
    model: M,
}

impl<M: Model> Model for Remembering<'_, M> {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        cancel.check()?;
        let to = digest(self.name, prompt);
        {
            let mut state = self.paid.lock();
            if let Some(reply) = state.replies.get(&to).cloned() {
                state.unused.remove(&to);
                return Ok(reply);
            }
        }
        let reply = self.model.reply(prompt, cancel)?;
        let fact = Fact { of: self.of.clone(), to, reply };
        let kept = self.paid.lock().lines.add(&fact);
        kept.map_err(|error| ModelError::Failed(Box::new(error)))?;
        Ok(fact.reply)
    }
}

/// Names a request by all that decides its reply.
fn digest(name: &str, prompt: &Prompt) -> Digest {
    let Prompt { messages, tools, max_tokens, temperature, seed, .. } = prompt;
    let parts = (name, messages, tools, max_tokens, temperature.to_bits(), seed);
    Digest::of(&serde_json::to_vec(&parts).expect("requests are plain data"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::{Message, Role};
    use sera_testkit::ScriptedModel;

    fn prompt(text: &str, seed: u64) -> Prompt {
        Prompt { seed, ..Prompt::greedy(vec![Message::new(Role::User, text)], 9) }
    }

    #[test]
    fn what_is_paid_for_is_not_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paid.jsonl");
        let ask = |replies: &[&str], text: &str, seed: u64| {
            let script = replies.iter().map(|reply| (*reply).to_owned()).collect();
            let paid = Paid::open(&path, &|of| of == "old").unwrap();
            let mut model = paid.remembering("m", "new".to_owned(), ScriptedModel::new(script));
            model.reply(&prompt(text, seed), &Cancel::default()).map(|reply| reply.text).ok()
        };
        assert_eq!(ask(&["one"], "a", 1).as_deref(), Some("one"));
        assert_eq!(ask(&[], "a", 1).as_deref(), Some("one"));
        assert_eq!(ask(&[], "a", 2), None, "a failure is not kept");
        assert_eq!(ask(&["two"], "a", 2).as_deref(), Some("two"));
        assert_eq!(ask(&[], "b", 1), None);
        let paid = Paid::open(&path, &|of| of == "old").unwrap();
        assert_eq!(paid.unused(), 2);
        let mut model = paid.remembering("m", "new".to_owned(), ScriptedModel::default());
        model.reply(&prompt("a", 1), &Cancel::default()).unwrap();
        assert_eq!(paid.unused(), 1);
        assert_eq!(Paid::open(&path, &|of| of == "new").unwrap().unused(), 0);
    }
}
