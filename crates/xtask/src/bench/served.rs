//! Our side of `bench serve`: answers lines of JSON as `python/serve.py` does, through what serving
//! itself reads and writes by.
use super::Options;
use super::asked::Question;
use super::serve::print;
use anyhow::{Context as _, Result};
use sera_core::{Cancel, Model as _};
use sera_model::{Base, Cache, Student, Turn, forward_cached, forward_written};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Tokens read in one forward, as `Student` reads.
const CHUNK: usize = 512;
/// Of a question's edits one in so many is also scored alone, at least one.
const ALONE: usize = 40;

pub(super) fn own_side(options: &Options) -> Result<ExitCode> {
    let base = Base::load(Path::new(options.need("base")?))?;
    let student = Student::new(Arc::clone(&base), None);
    let mut own = Own { student, cache: Cache::new(&base.config), base, tokens: Vec::new() };
    print(&json!({"ready": true}).to_string());
    for line in std::io::stdin().lines() {
        let wanted: Value = serde_json::from_str(&line?)?;
        let answer = if let Some(questions) = wanted.get("score") {
            own.score(&serde_json::from_value::<Vec<_>>(questions.clone())?)?
        } else if let Some(turns) = wanted.get("turns") {
            own.turns(&serde_json::from_value::<Vec<_>>(turns.clone())?)?
        } else if let Some(answer) = wanted.get("answer") {
            own.turn(&numbers(&wanted["tokens"])?, &numbers(answer)?)?
        } else {
            own.answer(&wanted)?
        };
        print(&answer.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn numbers(tokens: &Value) -> Result<Vec<u32>> {
    Ok(serde_json::from_value(tokens.clone())?)
}

struct Own {
    base: Arc<Base>,
    /// Holds conversations.
    student: Student,
    /// Reads and writes without guesses at what comes next, as the other side does.
    cache: Cache,
    tokens: Vec<u32>,
}

impl Own {
    /// An answer of a conversation.
    fn turn(&mut self, prompt: &[u32], answer: &[u32]) -> Result<Value> {
        let start = Instant::now();
        self.student.follow(prompt, answer, &Cancel::default())?;
        let whole = start.elapsed().as_secs_f64();
        Ok(json!({"prompt": 0.0, "writing": whole, "whole": whole}))
    }

    /// Tokens a second of answers that are written one after the other, and at the same time, each
    /// by a student that has read its prompt.
    fn turns(&self, turns: &[(Vec<u32>, Vec<u32>)]) -> Result<Value> {
        let cancel = &Cancel::default();
        let mut students = Vec::new();
        for (prompt, answer) in turns {
            let mut student = Student::new(Arc::clone(&self.base), None);
            student.follow(prompt, &answer[..1], cancel)?;
            students.push(student);
        }
        let mut work: Vec<_> = students.iter_mut().zip(turns).collect();
        let start = Instant::now();
        for (student, (prompt, answer)) in &mut work {
            student.follow(prompt, answer, cancel)?;
        }
        let alone = start.elapsed().as_secs_f64();
        let start = Instant::now();
        std::thread::scope(|scope| -> Result<()> {
            let mut threads = Vec::new();
            for (student, (prompt, answer)) in &mut work {
                threads.push(scope.spawn(move || student.follow(prompt, answer, cancel)));
            }
            for thread in threads {
                thread.join().expect("no student panics")?;
            }
            Ok(())
        })?;
        let together = start.elapsed().as_secs_f64();
        let tokens: usize = turns.iter().map(|(_, answer)| answer.len()).sum();
        Ok(json!({"together": tokens as f64 / together, "alone": tokens as f64 / alone}))
    }

    fn answer(&mut self, wanted: &Value) -> Result<Value> {
        let prompt = numbers(&wanted["tokens"])?;
        let write = wanted["write"].as_u64().context("how many to write is a number")?;
        let start = Instant::now();
        let keep = wanted["keep"] == true;
        let shared = self.tokens.iter().zip(&prompt).take_while(|(a, b)| keep && a == b).count();
        // Of a prompt that was read already the last token is read again, to go on from.
        self.forget(shared.min(prompt.len() - 1));
        self.read(&prompt[self.tokens.len()..])?;
        let prompt = start.elapsed().as_secs_f64();
        for at in 0..write {
            let logits = self.cache.logits(&self.base, self.tokens.len() - 1);
            let best = (0u32..).zip(logits).max_by(|a, b| a.1.total_cmp(&b.1));
            if at + 1 < write {
                self.write(best.context("there are tokens")?.0)?;
            }
        }
        let whole = start.elapsed().as_secs_f64();
        Ok(json!({"prompt": prompt, "writing": whole - prompt, "whole": whole}))
    }

    fn forget(&mut self, but: usize) {
        self.cache.truncate(but);
        self.tokens.truncate(but);
    }

    fn read(&mut self, tokens: &[u32]) -> Result<()> {
        for chunk in tokens.chunks(CHUNK) {
            forward_cached(&self.base, None, chunk, &mut self.cache, &|| true)?;
            self.tokens.extend_from_slice(chunk);
        }
        Ok(())
    }

    fn write(&mut self, token: u32) -> Result<()> {
        let turn = Turn { lora: None, cache: &mut self.cache, tokens: &[token] };
        forward_written(&self.base, &mut [turn], &|| true)?;
        self.tokens.push(token);
        Ok(())
    }

    /// Edits a second: those of a question together, and each by itself after nothing that was read
    /// before, as far as some of every question tell.
    fn score(&self, questions: &[Question]) -> Result<Value> {
        let scored = |question: &Question, candidates: &[String]| -> Result<f64> {
            let mut student = Student::new(Arc::clone(&self.base), None);
            let start = Instant::now();
            student.score(question.context(), candidates, &Cancel::default())?;
            Ok(start.elapsed().as_secs_f64())
        };
        let (mut count, mut together, mut alone) = (0.0, 0.0, 0.0);
        for question in questions {
            let edits = question.edits();
            let some: Vec<&&String> = edits.iter().step_by(ALONE).collect();
            together += scored(question, &question.candidates)?;
            let mut seconds = 0.0;
            for edit in &some {
                seconds += scored(question, std::slice::from_ref(edit))?;
            }
            alone += seconds * edits.len() as f64 / some.len().max(1) as f64;
            count += edits.len() as f64;
        }
        Ok(json!({"together": count / together, "alone": count / alone}))
    }
}
