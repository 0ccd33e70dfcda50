//! What the tiny tier's way to fix asks of a student: the likelihoods of many edits of one
//! function, as text for the side that is measured.
use super::side::Side;
use anyhow::Result;
use sera_agent::guided::{Guided, rank_edits};
use sera_core::{Cancel, Context, Message, Model, ModelError, Prompt, Reply, Score};
use sera_model::Student;
use serde::{Deserialize, Serialize};

/// Held-out tasks whose edits are ranked, each in the function that the repair belongs to.
const TASKS: usize = 4;

/// One scoring call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Question {
    before: Before,
    /// The first is the trunk.
    pub(super) candidates: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Before {
    Chat(Vec<Message>),
    Plain(String),
}

impl Question {
    /// What the candidates continue.
    pub(super) fn context(&self) -> Context<'_> {
        match &self.before {
            Before::Chat(messages) => Context::Chat(messages),
            Before::Plain(text) => Context::Plain(text),
        }
    }

    /// The candidates that are edits. After a file's lines there are also the trunk and beginnings
    /// of it, which are what edits are compared with.
    pub(super) fn edits(&self) -> Vec<&String> {
        let trunk = self.candidates.first().map_or("", String::as_str);
        let edit = |text: &&String| match &self.before {
            Before::Chat(_) => true,
            Before::Plain(_) => !trunk.starts_with(text.as_str()),
        };
        self.candidates.iter().filter(edit).collect()
    }
}

/// Everything that ranking the edits of some tasks asks.
pub(super) fn questions(side: &Side, student: Student) -> Result<Vec<Question>> {
    let mut asked = Asked { student, questions: Vec::new() };
    let cancel = Cancel::default();
    for item in side.fix_items(TASKS) {
        let options = Guided { shots: item.shots.clone(), write: false, ..Guided::default() };
        let task = &item.task.description;
        rank_edits(task, &[], &item.place, &mut asked, &item.environment, &options, &cancel)?;
    }
    Ok(asked.questions)
}

/// A student that notes what it is asked.
struct Asked {
    student: Student,
    questions: Vec<Question>,
}

impl Model for Asked {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        self.student.reply(prompt, cancel)
    }

    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let before = match context {
            Context::Chat(messages) => Before::Chat(messages.to_vec()),
            Context::Plain(text) => Before::Plain(text.to_owned()),
        };
        self.questions.push(Question { before, candidates: candidates.to_vec() });
        self.student.score(context, candidates, cancel)
    }
}
