//! A model that is asked for every likelihood once.
use sera_core::{Cancel, Context, Model, ModelError, Prompt, Reply, Score};
use std::collections::HashMap;

/// Answers from memory what it was asked before: an evaluation puts the same question under
/// several arms, a search for weights under several of them.
///
/// Limitations: replies are not remembered, and what was is never forgotten; it is meant to live
/// as long as one measurement.
pub struct Remembering<M> {
    model: M,
    /// By context and candidate.
    known: HashMap<String, HashMap<String, Score>>,
}

impl<M> Remembering<M> {
    /// A model with nothing to remember yet.
    pub fn new(model: M) -> Self {
        Self { model, known: HashMap::new() }
    }
}

impl<M: Model> Model for Remembering<M> {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        self.model.reply(prompt, cancel)
    }

    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let known = self.known.entry(format!("{context:?}")).or_default();
        if candidates.iter().any(|candidate| !known.contains_key(candidate)) {
            // The first comes along even if it is known: the others may branch off from it.
            let new = |(at, c): &(usize, &String)| *at == 0 || !known.contains_key(*c);
            let asked: Vec<String> =
                candidates.iter().enumerate().filter(new).map(|(_, c)| c.clone()).collect();
            let scores = self.model.score(context, &asked, cancel)?;
            known.extend(asked.into_iter().zip(scores));
        }
        Ok(candidates.iter().map(|candidate| known[candidate]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_testkit::ScriptedModel;
    use std::sync::{Arc, Mutex};

    #[test]
    fn nothing_but_the_trunk_is_asked_twice() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let scripted = ScriptedModel::new(Vec::new()).scoring(move |_, text| {
            log.lock().unwrap().push(text.to_owned());
            -(text.len() as f64)
        });
        let mut model = Remembering::new(scripted);
        let mut check = |context: &str, candidates: &[&str], newly: &[&str]| {
            let candidates: Vec<String> = candidates.iter().map(ToString::to_string).collect();
            let scores =
                model.score(Context::Plain(context), &candidates, &Cancel::default()).unwrap();
            let nats: Vec<f64> = scores.iter().map(|score| score.nats).collect();
            let expect: Vec<f64> = candidates.iter().map(|c| -(c.len() as f64)).collect();
            assert_eq!(nats, expect);
            assert_eq!(
                std::mem::take(&mut *asked.lock().unwrap()),
                newly,
                "{context}: {candidates:?}"
            );
        };
        check("a", &["x", "xy", "xyz"], &["x", "xy", "xyz"]);
        check("a", &["xy", "x"], &[]);
        check("a", &["x", "xz", "xy"], &["x", "xz"]);
        check("b", &["x"], &["x"]);
    }
}
