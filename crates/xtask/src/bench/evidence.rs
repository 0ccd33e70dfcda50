//! `bench evidence`: does training on one's own repository help, and what does not.
//!
//! Two repositories of one language, each the other's *foreign*. Adapters of three seeds each are
//! trained on the same number of tokens, one more on permuted targets; every arm is measured on
//! the same held-out items. Everything slow is kept under `target/evidence`, so that a run that
//! is cut short goes on where it stopped.
use super::Options;
use super::page::{self, Measured};
use super::side::{self, Side};
use super::student::{self, Acts};
use crate::cargo;
use anyhow::Result;
use sera_agent::{Guided, dialect};
use sera_core::Digest;
use sera_core::scorecard::Arm;
use sera_daemon::prepare::STRESS;
use sera_model::{Base, Lora, adapter};
use sera_train::TrainConfig;
use sera_train::evaluate::{Aid, Contestant, Scope};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Seeds of each repository's own adapters.
const SEEDS: [u64; 3] = [1, 2, 3];

pub(super) fn evidence(options: &Options) -> Result<ExitCode> {
    let work = Work::open(options)?;
    let (own, foreign) = (Path::new(options.need("own")?), Path::new(options.need("foreign")?));
    let names = [side::name(own)?, side::name(foreign)?];
    let (first, second) = (work.side(own)?, work.side(foreign)?);
    work.adapters(&first, true)?;
    work.adapters(&second, false)?;
    let counted = options.get("counts").map(|path| work.side(Path::new(path))).transpose()?;
    // Likelihoods of both first: they need no harness, and acting takes as long as all of them.
    let mut measured = vec![(&first, work.measure(&first, &names[1], true)?)];
    write(&measured, counted.as_ref(), &work)?;
    measured.push((&second, work.measure(&second, &names[0], false)?));
    for at in 0..measured.len() {
        write(&measured, counted.as_ref(), &work)?;
        let (side, measured) = &mut measured[at];
        work.act(side, measured)?;
    }
    write(&measured, counted.as_ref(), &work)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes what is known so far: the second repository takes as long again.
fn write(measured: &[(&Side, Measured)], counted: Option<&Side>, work: &Work) -> Result<()> {
    let path = cargo::root().join("docs/evidence.md");
    let sides: Vec<_> = measured.iter().map(|(side, measured)| (*side, measured)).collect();
    page::replace(&path, page::TABLES, &page::write(&sides, counted, &work.facts())?)?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}

struct Work {
    base: Arc<Base>,
    folder: PathBuf,
    /// Tokens and a digest of what else decides how an adapter comes out.
    recipe: String,
    tokens: usize,
    tasks: usize,
    holes: usize,
    rollouts: usize,
    /// Write the page from what earlier runs measured, and measure nothing but `arm`.
    known_only: bool,
    arm: Option<String>,
}

impl Work {
    fn open(options: &Options) -> Result<Self> {
        let base = Base::load(Path::new(options.need("base")?))?;
        let folder =
            options.get("out").map_or_else(|| cargo::root().join("target/evidence"), PathBuf::from);
        std::fs::create_dir_all(&folder)?;
        let tokens = options.number("tokens", 40_000)?;
        let made = format!("{} {} {STRESS}", base.name, dialect::digest());
        Ok(Self {
            recipe: format!("{tokens}-{}", Digest::of(made.as_bytes()).short()),
            base,
            folder,
            tokens,
            tasks: options.number("tasks", 60)?,
            holes: options.number("holes", 300)?,
            rollouts: options.number("rollouts", 30)?,
            known_only: options.get("known-only").is_some(),
            arm: options.get("arm").map(str::to_owned),
        })
    }

    fn facts(&self) -> String {
        format!(
            "{} training tokens per adapter, {} held-out tasks, {} held-out holes, {} rollouts an \
             arm at most; base {}.",
            self.tokens, self.tasks, self.holes, self.rollouts, self.base.name
        )
    }

    fn side(&self, path: &Path) -> Result<Side> {
        let side = side::prepare(path, None)?;
        let (tasks, kept) = (side.tasks.len(), side.attempts.len());
        say(&format!("{}: {tasks} tasks, {kept} trajectories", side.name));
        Ok(side)
    }

    fn adapters(&self, side: &Side, permuted: bool) -> Result<()> {
        for seed in SEEDS {
            self.train_once(side, seed, false)?;
        }
        if permuted { self.train_once(side, SEEDS[0], true) } else { Ok(()) }
    }

    fn place(&self, name: &str, seed: u64, permuted: bool) -> PathBuf {
        let kind = if permuted { "permuted" } else { "own" };
        self.folder.join(format!("{name}-{kind}-{seed}-{}", self.recipe))
    }

    fn adapter(&self, name: &str, seed: u64, permuted: bool) -> Result<Arc<Lora>> {
        Ok(Arc::new(adapter::load_peft(&self.place(name, seed, permuted), &self.base)?))
    }

    /// Trains an adapter unless an earlier run did.
    fn train_once(&self, side: &Side, seed: u64, permuted: bool) -> Result<()> {
        let folder = self.place(&side.name, seed, permuted);
        if folder.is_dir() {
            return Ok(());
        }
        let kind = if permuted { "permuted" } else { "own" };
        let dataset = match permuted {
            false => side.dataset(&self.base.tokenizer, STRESS),
            true => side.permuted(&self.base.tokenizer),
        };
        let mut config = TrainConfig::default().with_seed(seed);
        config.pack.tokens = self.tokens;
        let name = format!("{} {kind} {seed}", side.name);
        let done = student::trained(&name, &self.base, &dataset, &config)?;
        Ok(adapter::save_peft(&folder, &self.base, &done.lora)?)
    }

    /// Every arm's likelihoods on one repository's held-out items.
    fn measure(&self, own: &Side, other: &str, permuted: bool) -> Result<Measured> {
        let arm = |arm, lora, aid| Contestant { arm, lora, aid, scope: Scope::All };
        let mut arms = vec![("base", arm(Arm::Base, None, Aid::Alone))];
        for (seed, name) in SEEDS.into_iter().zip(["own 1", "own 2", "own 3"]) {
            let lora = Some(self.adapter(&own.name, seed, false)?);
            arms.push((name, arm(Arm::Adapter, lora, Aid::Alone)));
        }
        for (seed, name) in SEEDS.into_iter().zip(["foreign 1", "foreign 2", "foreign 3"]) {
            let lora = Some(self.adapter(other, seed, false)?);
            arms.push((name, arm(Arm::Foreign, lora, Aid::Alone)));
        }
        if permuted {
            let lora = Some(self.adapter(&own.name, SEEDS[0], true)?);
            arms.push(("permuted", arm(Arm::Permuted, lora, Aid::Alone)));
        }
        let first = || Ok::<_, anyhow::Error>(Some(self.adapter(&own.name, SEEDS[0], false)?));
        arms.push(("shuffled", arm(Arm::Shuffled, first()?, Aid::OtherText)));
        arms.push(("retrieval", arm(Arm::Retrieval, None, Aid::Retrieval)));
        arms.push(("own 1 + retrieval", arm(Arm::Adapter, first()?, Aid::Retrieval)));
        let (fix, holes) = (own.fix_items(self.tasks), own.hole_items(self.holes));
        let mut measured = Measured::default();
        for (name, contestant) in arms {
            let file = self.file(own, name, "");
            if self.is_skipped(name, &file) {
                continue;
            }
            let title = format!("{} {name}", own.name);
            let items = (fix.as_slice(), holes.as_slice());
            let card = student::kept(&file, || {
                student::measured(&title, &self.base, &contestant, items, Acts::default())
            })?;
            measured.arms.push((name.to_owned(), contestant.arm, card));
        }
        Ok(measured)
    }

    /// What base and the first own adapter do on the same tasks.
    fn act(&self, own: &Side, measured: &mut Measured) -> Result<()> {
        let acts =
            Acts { located: self.tasks, rollouts: self.rollouts, edits: Guided::default().edits };
        let fix = own.fix_items(self.tasks);
        for (name, arm, card) in &mut measured.arms {
            let lora = match name.as_str() {
                "base" => None,
                "own 1" => Some(self.adapter(&own.name, SEEDS[0], false)?),
                _ => continue,
            };
            let how = format!("{} {:?}", self.rollouts, Guided::default());
            let file = self.file(own, name, &how);
            if self.rollouts == 0 || self.is_skipped(name, &file) {
                continue;
            }
            let contestant = Contestant { arm: *arm, lora, aid: Aid::Alone, scope: Scope::Tasks };
            let title = format!("{} {name}", own.name);
            let acted = student::kept(&file, || {
                student::measured(&title, &self.base, &contestant, (&fix, &[]), acts)
            })?;
            card.fix = acted.fix;
        }
        Ok(())
    }

    /// Whether a run that only writes what is known leaves this out.
    fn is_skipped(&self, name: &str, file: &Path) -> bool {
        self.known_only && self.arm.as_deref() != Some(name) && !file.is_file()
    }

    /// Named by what decides what is measured, so that no old card passes for a new one.
    fn file(&self, side: &Side, name: &str, how: &str) -> PathBuf {
        let measured = format!("{} {} {} {how}", side.tip, self.tasks, self.holes);
        let (arm, digest) =
            (name.replace(" + ", "-").replace(' ', "-"), Digest::of(measured.as_bytes()));
        let kind = if how.is_empty() { "likelihood" } else { "acts" };
        self.folder.join(format!(
            "{}-{arm}-{kind}-{}-{}.json",
            side.name,
            self.recipe,
            digest.short()
        ))
    }
}

fn say(text: &str) {
    cargo::say(text);
}
