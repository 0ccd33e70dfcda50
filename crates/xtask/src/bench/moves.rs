//! `bench moves`: what moves *fix*, one change at a time from the recipe that ships.
//!
//! Every variant is trained on one repository's training tasks and measured on its held-out ones:
//! by likelihood, and by what the student writes itself. Ranking edits is `bench evidence`'s part.
//! What was measured is kept in the folder given by `--out`, so that a run goes on where it was
//! cut short; the table is written into `docs/evidence.md`.
use super::side::{self, Side};
use super::student::{self, Acts};
use super::{Options, page};
use crate::cargo;
use anyhow::{Context as _, Result};
use sera_agent::dialect;
use sera_core::Digest;
use sera_core::scorecard::{Arm, FixScore, Scorecard};
use sera_daemon::prepare;
use sera_model::{Base, Lora};
use sera_train::TrainConfig;
use sera_train::evaluate::{Aid, Contestant, Scope};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// One recipe.
struct Variant {
    name: &'static str,
    /// Training tokens; none leaves the base as it is.
    tokens: usize,
    /// Share of completion examples.
    complete: f64,
    /// Loss weight of changed tokens.
    stress: f32,
    aid: Aid,
}

const SHIPPED: Variant = Variant {
    name: "as shipped",
    tokens: 40_000,
    complete: 0.7,
    stress: prepare::STRESS,
    aid: Aid::Alone,
};

const VARIANTS: [Variant; 9] = [
    Variant { name: "base", tokens: 0, ..SHIPPED },
    Variant { name: "base, retrieval in the prompt", tokens: 0, aid: Aid::Retrieval, ..SHIPPED },
    SHIPPED,
    Variant { name: "retrieval in the prompt", aid: Aid::Retrieval, ..SHIPPED },
    Variant { name: "changed tokens weigh like the others", stress: 1.0, ..SHIPPED },
    Variant { name: "no completion examples", complete: 0.0, ..SHIPPED },
    Variant { name: "three times the tokens", tokens: 120_000, ..SHIPPED },
    Variant {
        name: "three times the tokens, retrieval in the prompt",
        tokens: 120_000,
        aid: Aid::Retrieval,
        ..SHIPPED
    },
    Variant {
        name: "three times the tokens, no completion examples",
        tokens: 120_000,
        complete: 0.0,
        ..SHIPPED
    },
];

pub(super) fn moves(options: &Options) -> Result<ExitCode> {
    let bench = Bench {
        side: side::prepare(Path::new(options.need("repo")?), None)?,
        base: Base::load(Path::new(options.need("base")?))?,
        folder: PathBuf::from(options.need("out")?),
        rollouts: options.number("rollouts", 24)?,
        tasks: options.number("tasks", 60)?,
    };
    std::fs::create_dir_all(&bench.folder)
        .with_context(|| format!("failed to create {}", bench.folder.display()))?;
    let mut table = format!(
        "{}, {} held-out tasks, {} rollouts.\n\n{}",
        bench.side.name, bench.tasks, bench.rollouts, HEAD
    );
    for variant in &VARIANTS {
        let card = bench.card(variant)?;
        row(&mut table, variant.name, card.fix.get(&Arm::Adapter).map_or(&[], Vec::as_slice))?;
        page::replace(&cargo::root().join("docs/evidence.md"), page::MOVES, &table)?;
    }
    cargo::say(&table);
    Ok(ExitCode::SUCCESS)
}

const HEAD: &str = "| recipe | nats per changed token | locate@1 | valid | recall of what it wrote | exact |\n|---|---|---|---|---|---|\n";

fn row(table: &mut String, name: &str, scores: &[FixScore]) -> Result<()> {
    let scores: Vec<&FixScore> = scores.iter().filter(|score| !score.commit).collect();
    let sum = |part: fn(&FixScore) -> f64| scores.iter().map(|s| part(s)).sum::<f64>();
    let nll = sum(|s| s.nll) / sum(|s| s.tokens as f64).max(1.0);
    let acted: Vec<&FixScore> = scores.iter().copied().filter(|s| s.candidates.is_some()).collect();
    let rate = |hit: &dyn Fn(&FixScore) -> bool| {
        let hits = acted.iter().filter(|score| hit(score)).count();
        format!("{:.0} %", 100.0 * hits as f64 / acted.len().max(1) as f64)
    };
    let valid: usize = acted.iter().filter_map(|s| s.valid).map(|(valid, _)| valid).sum();
    let recall: f64 = acted.iter().filter_map(|s| s.recall).sum();
    writeln!(
        table,
        "| {name} | {nll:.3} | {} | {valid}/{} | {:.2} | {} |",
        rate(&|s| s.located == Some(1)),
        acted.len(),
        recall / acted.len().max(1) as f64,
        rate(&|s| s.exact == Some(true)),
    )?;
    Ok(())
}

struct Bench {
    side: Side,
    base: Arc<Base>,
    folder: PathBuf,
    rollouts: usize,
    tasks: usize,
}

impl Bench {
    fn lora(&self, variant: &Variant) -> Result<Option<Arc<Lora>>> {
        if variant.tokens == 0 {
            return Ok(None);
        }
        let recipe = format!(
            "{}-{}-{:.0}-{}-{}",
            self.side.name,
            variant.tokens,
            100.0 * variant.complete,
            variant.stress,
            dialect::digest()
        );
        let folder = self.folder.join(recipe);
        if !folder.is_dir() {
            let lora = self.train(variant)?;
            sera_model::adapter::save_peft(&folder, &self.base, &lora)?;
        }
        Ok(Some(Arc::new(sera_model::adapter::load_peft(&folder, &self.base)?)))
    }

    fn train(&self, variant: &Variant) -> Result<Lora> {
        let dataset = self.side.dataset(&self.base.tokenizer, variant.stress);
        let mut config = TrainConfig::default().with_seed(1);
        (config.pack.tokens, config.pack.complete) = (variant.tokens, variant.complete);
        Ok(student::trained(variant.name, &self.base, &dataset, &config)?.lora)
    }

    fn card(&self, variant: &Variant) -> Result<Scorecard> {
        let measured = format!("{} {} {}", self.side.tip, self.tasks, self.rollouts);
        let digest = Digest::of(format!("{measured} {}", dialect::digest()).as_bytes());
        let name = variant.name.replace([' ', ','], "-");
        let file = self.folder.join(format!("{}-{name}-{}.json", self.side.name, digest.short()));
        student::kept(&file, || {
            let lora = self.lora(variant)?;
            let (arm, aid, scope) = (Arm::Adapter, variant.aid, Scope::All);
            let contestant = Contestant { arm, lora, aid, scope };
            let acts = Acts { located: self.rollouts, rollouts: self.rollouts, edits: 0 };
            let items = self.side.fix_items(self.tasks);
            student::measured(variant.name, &self.base, &contestant, (&items, &[]), acts)
        })
    }
}
