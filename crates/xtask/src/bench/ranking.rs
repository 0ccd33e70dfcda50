//! `bench ranking`: which way of ranking puts the true edit first, tried on *training* tasks.
//!
//! The harness's weights are chosen here and then left alone: held-out tasks never see this.
use super::Options;
use super::side::{self, Side};
use crate::cargo;
use anyhow::Result;
use sera_agent::guided::{Guided, locate, rank_edits};
use sera_core::{Cancel, Context, Model, ModelError, Origin, Prompt, Reply, Score, Task};
use sera_model::{Base, Student};
use sera_train::evaluate::FixItem;
use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn ranking(options: &Options) -> Result<ExitCode> {
    let side = side::prepare(Path::new(options.need("repo")?), None)?;
    let base = Base::load(Path::new(options.need("base")?))?;
    let lora = options.get("adapter").map(Path::new);
    let lora = lora.map(|folder| sera_model::adapter::load_peft(folder, &base)).transpose()?;
    let items = items(&side, options.number("tasks", 40)?);
    let student = Student::new(base, lora.map(std::sync::Arc::new));
    let mut model = Remembering { student, known: HashMap::new() };
    edits(&items, &mut model)?;
    places(&items, &mut model)?;
    Ok(ExitCode::SUCCESS)
}

/// Training tasks with one planted fault each, at even steps.
fn items(side: &Side, most: usize) -> Vec<FixItem> {
    let faults = |task: &Task| matches!(task.origin, Origin::Mutation { refactoring: false, .. });
    let tasks: Vec<Task> =
        side.solved().into_iter().map(|attempt| attempt.task).filter(faults).collect();
    let step = (tasks.len() / most.max(1)).max(1);
    let tasks: Vec<Task> = tasks.into_iter().step_by(step).take(most).collect();
    sera_daemon::prepare::fix_items(&tasks, &side.solved(), &side.bases, most)
}

fn edits(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    let plain = || Guided { write: false, ..Guided::default() };
    let tried: Vec<(&str, Guided)> = vec![
        ("default", plain()),
        ("length 1", Guided { length: 1.0, ..plain() }),
        ("length 2", Guided { length: 2.0, ..plain() }),
        ("length 1, prior 1", Guided { length: 1.0, prior: 1.0, ..plain() }),
        ("length 1, words 2", Guided { length: 1.0, words: 2.0, ..plain() }),
        ("length 2, prior 1, words 2", Guided { length: 2.0, prior: 1.0, words: 2.0, ..plain() }),
        ("described, length 1", Guided { describe: true, length: 1.0, ..plain() }),
    ];
    for (name, options) in tried {
        let mut ranks = Vec::new();
        for item in items {
            let (description, place) = (&item.task.description, &item.place);
            let ranked = rank_edits(
                description,
                &[],
                place,
                model,
                &item.environment,
                &options,
                &Cancel::default(),
            )?;
            ranks.push(ranked.rank_of(&item.after));
        }
        tell(name, &ranks);
    }
    Ok(())
}

fn places(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    for calibrate in [0.0, 1.0] {
        for retrieval in [1.0, 4.0] {
            let options = Guided { calibrate, retrieval, ..Guided::default() };
            let (mut ranks, mut own) = (Vec::new(), Vec::new());
            for item in items {
                let mut environment = item.environment.clone();
                let located = locate(
                    &item.task.description,
                    model,
                    &mut environment,
                    &options,
                    &Cancel::default(),
                )?;
                ranks.push(located.rank(&item.place));
                own.push(located.retrieved(&item.place));
            }
            tell(&format!("locate, calibrate {calibrate}, retrieval {retrieval}"), &ranks);
            if calibrate == 1.0 && retrieval == 4.0 {
                tell("locate, retrieval's own order", &own);
            }
        }
    }
    Ok(())
}

fn tell(name: &str, ranks: &[Option<usize>]) {
    let within = |k: usize| ranks.iter().filter(|rank| rank.is_some_and(|r| r <= k)).count();
    let mean: f64 = ranks.iter().flatten().map(|rank| 1.0 / *rank as f64).sum();
    cargo::say(&format!(
        "{name}: first {}, among five {}, anywhere {}, of {}; mean reciprocal rank {:.3}",
        within(1),
        within(5),
        within(usize::MAX),
        ranks.len(),
        mean / ranks.len().max(1) as f64
    ));
}

/// A student that is asked everything once: most variants differ in arithmetic only.
struct Remembering {
    student: Student,
    known: HashMap<String, Score>,
}

impl Model for Remembering {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        self.student.reply(prompt, cancel)
    }

    fn score(
        &mut self,
        context: Context<'_>,
        candidates: &[String],
        cancel: &Cancel,
    ) -> Result<Vec<Score>, ModelError> {
        let key = |candidate: &String| format!("{context:?}\u{0}{candidate}");
        let new = |c: &&String| !self.known.contains_key(&key(c));
        // The trunk comes along even if it is known: the others leave it.
        let mut asked: Vec<String> = candidates.iter().take(1).cloned().collect();
        asked.extend(candidates.iter().skip(1).filter(new).cloned());
        if asked.len() > 1 || candidates.iter().any(|c| new(&c)) {
            let scores = self.student.score(context, &asked, cancel)?;
            self.known.extend(asked.iter().map(key).zip(scores));
        }
        Ok(candidates.iter().map(|c| self.known[&key(c)]).collect())
    }
}
