//! A model that says what it was told to say, and remembers what it was asked.
use sera_core::{Cancel, Context, Model, ModelError, Prompt, Reply, Score, Usage};

type Likelihood = Box<dyn FnMut(&Context<'_>, &str) -> f64 + Send>;

/// Replies from a script, in order; scores by a function where one is given.
#[derive(Default)]
pub struct ScriptedModel {
    replies: std::collections::VecDeque<String>,
    likelihood: Option<Likelihood>,
    /// Every prompt so far.
    pub prompts: Vec<Prompt>,
}

impl ScriptedModel {
    /// A model that gives these replies and then fails.
    pub fn new(replies: Vec<String>) -> Self {
        Self { replies: replies.into(), ..Self::default() }
    }

    /// Lets it score: `likelihood` says the nats (≤ 0) of one candidate.
    pub fn scoring(
        mut self,
        likelihood: impl FnMut(&Context<'_>, &str) -> f64 + Send + 'static,
    ) -> Self {
        self.likelihood = Some(Box::new(likelihood));
        self
    }

    /// How many replies are left.
    pub fn left(&self) -> usize {
        self.replies.len()
    }
}

impl Model for ScriptedModel {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        cancel.check()?;
        self.prompts.push(prompt.clone());
        let text = self
            .replies
            .pop_front()
            .ok_or_else(|| ModelError::Failed("the script has no further reply".into()))?;
        let words = |text: &str| text.split_whitespace().count() as u64;
        let usage = Usage {
            prompt_tokens: prompt.messages.iter().map(|m| words(&m.content)).sum(),
            completion_tokens: words(&text),
            ..Usage::default()
        };
        Ok(Reply { text, finished: true, usage, ..Reply::default() })
    }

    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        cancel.check()?;
        let likelihood = self.likelihood.as_mut().ok_or(ModelError::Unsupported("score"))?;
        let score = |text: &String| Score {
            nats: likelihood(&context, text),
            tokens: text.split_whitespace().count().max(1),
        };
        Ok(candidates.iter().map(score).collect())
    }
}
