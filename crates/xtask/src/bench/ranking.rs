//! `bench ranking`: which way of ranking puts the true edit first, tried on *training* tasks.
//!
//! The harness's weights are chosen here and then left alone: held-out tasks never see this.
//! `--signs FILE` writes what speaks for every edit, one line a task, to fit weights to;
//! `--coverage yes` lists the faults whose repair is not among the edits, without asking a model;
//! `--writing yes` shows what the student writes by itself beside what was wanted;
//! `--train TOKENS` first trains an adapter on the tasks that are not asked about.
use super::Options;
use super::side::{self, Side};
use super::student;
use crate::cargo;
use anyhow::{Context as _, Result};
use sera_agent::Remembering;
use sera_agent::guided::{Guided, Ranked, locate, rank_edits};
use sera_core::{Cancel, Model, ModelError, Origin, Prompt, Reply, Task};
use sera_daemon::prepare;
use sera_datagen::Attempt;
use sera_datagen::Selection;
use sera_model::{Base, Lora, Student};
use sera_train::TrainConfig;
use sera_train::evaluate::FixItem;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn ranking(options: &Options) -> Result<ExitCode> {
    let side = side::prepare(Path::new(options.need("repo")?), None)?;
    if options.get("base").is_none()
        && let Some(file) = options.get("signs")
    {
        let items = items(&side, options.number("tasks", 400)?);
        signs(&items, &Guided { edits: usize::MAX, ..plain() }, &mut Mute, Path::new(file))?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.get("coverage").is_some() {
        return coverage(&items(&side, options.number("tasks", 400)?));
    }
    let base = Base::load(Path::new(options.need("base")?))?;
    let items = items(&side, options.number("tasks", 40)?);
    let lora = match (options.get("adapter"), options.number("train", 0)?) {
        (Some(folder), _) => Some(sera_model::adapter::load_peft(Path::new(folder), &base)?),
        (None, 0) => None,
        (None, tokens) => Some(trained(&side, &items, &base, tokens)?),
    };
    let mut model = Remembering::new(Student::new(base, lora.map(std::sync::Arc::new)));
    if let Some(file) = options.get("signs") {
        signs(&items, &Guided { keep: 24, ..plain() }, &mut model, Path::new(file))?;
    } else if options.get("writing").is_some() {
        writing(&items, &mut model)?;
    } else {
        places(&items, &mut model)?;
        edits(&items, &mut model)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An adapter that has not seen the tasks it will be asked about.
fn trained(side: &Side, items: &[FixItem], base: &Base, tokens: usize) -> Result<Lora> {
    let asked = |attempt: &Attempt| items.iter().any(|item| item.task.id == attempt.task.id);
    let attempts: Vec<Attempt> = side.solved().into_iter().filter(|a| !asked(a)).collect();
    let holes = side.holes_of(false);
    let (dataset, ..) = prepare::dataset(
        &base.tokenizer,
        &attempts,
        (&side.lessons, &holes),
        &Selection::default(),
        prepare::STRESS,
    );
    let mut config = TrainConfig::default().with_seed(1);
    config.pack.tokens = tokens;
    Ok(student::trained("adapter", base, &dataset, &config)?.lora)
}

/// Training tasks with one planted fault each, at even steps.
fn items(side: &Side, most: usize) -> Vec<FixItem> {
    let faults = |task: &Task| matches!(task.origin, Origin::Mutation { refactoring: false, .. });
    let tasks: Vec<Task> =
        side.solved().into_iter().map(|attempt| attempt.task).filter(faults).collect();
    let step = (tasks.len() / most.max(1)).max(1);
    let tasks: Vec<Task> = tasks.into_iter().step_by(step).take(most).collect();
    prepare::fix_items(&tasks, &side.solved(), &side.bases, most)
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
        ("not as an answer", Guided { chat: 0.0, ..plain() }),
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
fn signs(items: &[FixItem], options: &Guided, model: &mut dyn Model, file: &Path) -> Result<()> {
    let create = || format!("failed to create {}", file.display());
    let mut out = std::io::BufWriter::new(std::fs::File::create(file).with_context(create)?);
    for (n, item) in items.iter().enumerate() {
        let ranked = ranked(item, options, model)?;
        let rows = ranked.candidates.iter().map(|c| {
            let s = &c.signs;
            serde_json::json!({
                "source": format!("{:?}", c.source), "kept": c.kept, "near": s.near, "far": s.far,
                "longer": s.longer, "share": s.share, "told": s.told, "cited": s.cited,
                "named": s.named, "answer": s.answer, "usual": s.usual,
                "pieces": s.pieces, "right": ranked.same(&c.text, &item.after),
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

/// What the student writes by itself in the right function.
fn writing(items: &[FixItem], model: &mut dyn Model) -> Result<()> {
    let options = Guided { edits: 0, ..Guided::default() };
    let (mut valid, mut exact) = (0, 0);
    for item in items {
        let ranked = ranked(item, &options, model)?;
        let right = ranked.rank_of(&item.after).is_some();
        valid += ranked.valid.0;
        exact += usize::from(right);
        cargo::say(&format!(
            "{}\n---- wanted\n{}\n---- written\n{}\n---- {}, {}",
            item.task.description,
            item.ideal.conversation.messages.last().map_or("", |m| m.content.as_str()),
            ranked.written.as_deref().unwrap_or("(without end)"),
            if ranked.valid.0 == 0 { "invalid" } else { "valid" },
            if right { "right" } else { "wrong" },
        ));
    }
    cargo::say(&format!("{valid} of {} valid, {exact} right", items.len()));
    Ok(())
}

/// Says nothing: edits are then ordered by what is known without a model.
struct Mute;

impl Model for Mute {
    fn reply(&mut self, _: &Prompt, _: &Cancel) -> Result<Reply, ModelError> {
        Err(ModelError::Unsupported("reply"))
    }
}

/// How many repairs are enumerated, and how many of them are left after the limit, by operator; and
/// where what is known without a model puts them.
fn coverage(items: &[FixItem]) -> Result<ExitCode> {
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut ranks, mut edits) = (Vec::new(), 0);
    for item in items {
        let Origin::Mutation { operator, .. } = &item.task.origin else { continue };
        let all = ranked(item, &Guided { edits: usize::MAX, ..plain() }, &mut Mute)?;
        let rank = all.rank_of(&item.after);
        ranks.push(rank);
        edits += all.candidates.len();
        let found = rank.is_some();
        let kept = rank.is_some_and(|rank| rank <= plain().edits);
        let count = counts.entry(operator.clone()).or_default();
        for (count, holds) in count.iter_mut().zip([true, found, kept]) {
            *count += usize::from(holds);
        }
        if !kept {
            cargo::say(&format!(
                "{operator}: {} of {} edits\n{}\n{}",
                rank.map_or("missing".to_owned(), |rank| format!("number {rank}")),
                all.candidates.len(),
                item.task.description,
                item.task.reference
            ));
        }
    }
    for (operator, [tasks, found, kept]) in counts {
        cargo::say(&format!(
            "{operator}: {tasks} tasks, {found} enumerated, {kept} within the limit"
        ));
    }
    tell("without a model", &ranks);
    cargo::say(&format!("{} edits a task", edits / ranks.len().max(1)));
    Ok(ExitCode::SUCCESS)
}
