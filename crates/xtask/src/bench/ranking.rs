//! `bench ranking`: which way of ranking puts the true edit first, tried on *training* tasks.
//!
//! The harness's weights are chosen here and then left alone: held-out tasks never see this.
//! `--signs FILE` writes what speaks for every edit, one line a task, to fit weights to;
//! `--writing yes` shows what the student writes by itself beside what was wanted.
use super::Options;
use super::side::{self, Side};
use crate::cargo;
use anyhow::{Context as _, Result};
use sera_agent::guided::{Guided, Ranked, locate, rank_edits};
use sera_agent::{Remembering, dialect};
use sera_core::{Action, Cancel, Model, Origin, Prompt, Task};
use sera_model::{Base, Student};
use sera_train::evaluate::FixItem;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn ranking(options: &Options) -> Result<ExitCode> {
    let side = side::prepare(Path::new(options.need("repo")?), None)?;
    let base = Base::load(Path::new(options.need("base")?))?;
    let lora = options.get("adapter").map(Path::new);
    let lora = lora.map(|folder| sera_model::adapter::load_peft(folder, &base)).transpose()?;
    let items = items(&side, options.number("tasks", 40)?);
    let mut model = Remembering::new(Student::new(base, lora.map(std::sync::Arc::new)));
    if let Some(file) = options.get("signs") {
        signs(&items, &mut model, Path::new(file))?;
    } else if options.get("writing").is_some() {
        writing(&items, &mut model)?;
    } else {
        places(&items, &mut model)?;
        edits(&items, &mut model)?;
    }
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

/// Without the model's own writing, which costs time and depends on no weight.
fn plain() -> Guided {
    Guided { write: false, ..Guided::default() }
}

fn ranked(item: &FixItem, options: &Guided, model: &mut dyn Model) -> Result<Ranked> {
    let (task, place) = (&item.task.description, &item.place);
    let cancel = Cancel::default();
    Ok(rank_edits(task, &[], place, model, &item.environment, options, &cancel)?)
}

fn edits(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    let tried: Vec<(&str, Guided)> = vec![
        ("default", plain()),
        ("half the edits", Guided { edits: 200, ..plain() }),
        ("keep 8, tail 160", Guided { keep: 8, tail: 160, ..plain() }),
        ("no length", Guided { length: 0.0, ..plain() }),
        ("no prior", Guided { prior: 0.0, ..plain() }),
        ("no words", Guided { words: 0.0, cited: 0.0, named: 0.0, ..plain() }),
        ("described", Guided { describe: true, ..plain() }),
        ("as an answer, too", Guided { chat: 1.0, ..plain() }),
    ];
    for (name, options) in tried {
        let rank = |item| Ok(ranked(item, &options, model)?.rank_of(&item.after));
        let ranks: Vec<Option<usize>> = items.iter().map(rank).collect::<Result<_>>()?;
        tell(name, &ranks);
    }
    Ok(())
}

fn places(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    let mut own = Vec::new();
    for (calibrate, retrieval) in [(0.8, 0.8), (0.0, 0.8), (1.0, 0.0), (0.8, 2.0)] {
        let options = Guided { calibrate, retrieval, ..Guided::default() };
        let mut ranks = Vec::new();
        for item in items {
            let task = &item.task.description;
            let mut environment = item.environment.clone();
            let located = locate(task, model, &mut environment, &options, &Cancel::default())?;
            ranks.push(located.rank(&item.place));
            own.push(located.retrieved(&item.place));
        }
        tell(&format!("locate, calibrate {calibrate}, retrieval {retrieval}"), &ranks);
    }
    own.truncate(items.len());
    tell("locate, retrieval's own order", &own);
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

/// Many more than usual reach the second stage, so that weights are not fitted to the old ones.
fn signs(items: &[FixItem], model: &mut dyn Model, file: &Path) -> Result<()> {
    let create = || format!("failed to create {}", file.display());
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).with_context(create)?);
    for (n, item) in items.iter().enumerate() {
        let ranked = ranked(item, &Guided { keep: 48, ..plain() }, model)?;
        let edit = |text: &str| -> Vec<String> {
            let edits = sera_agent::edits_between(&item.place.path, &ranked.before, text);
            edits.iter().map(dialect::write).collect()
        };
        let rows = ranked.candidates.iter().map(|c| {
            let s = &c.signs;
            serde_json::json!({
                "source": format!("{:?}", c.source), "kept": c.kept, "near": s.near, "far": s.far,
                "longer": s.longer, "share": s.share, "told": s.told, "cited": s.cited,
                "named": s.named, "right": ranked.same(&c.text, &item.after), "edit": edit(&c.text),
            })
        });
        let line = serde_json::json!({
            "task": item.task.description, "origin": item.task.origin,
            "reference": item.task.reference.to_string(), "edits": rows.collect::<Vec<_>>(),
        });
        writeln!(out, "{line}").with_context(create)?;
        cargo::say(&format!("{} of {}", n + 1, items.len()));
    }
    out.flush().with_context(create)
}

fn writing(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    let cancel = Cancel::default();
    let reply_tokens = Guided::default().reply_tokens;
    let mut valid = 0;
    for item in items {
        let steps = &item.ideal.steps;
        let edit = |step: &sera_core::Step| matches!(step.action, Action::Edit { .. });
        let at = steps.iter().position(edit).context("an ideal solution edits")?;
        let messages = dialect::render_guided(&[], &item.task.description, &steps[..at]);
        let reply = model.reply(&Prompt::greedy(messages, reply_tokens), &cancel)?;
        let done = item.environment.clone().execute(&dialect::read(&reply.text));
        valid += usize::from(done.ok && reply.finished);
        cargo::say(&format!(
            "{}\n---- wanted\n{}\n---- written after {} tokens\n{}\n---- {}",
            item.task.description,
            dialect::write(&steps[at].action),
            reply.usage.prompt_tokens,
            reply.text,
            done.text
        ));
    }
    cargo::say(&format!("{valid} of {} valid", items.len()));
    Ok(())
}
