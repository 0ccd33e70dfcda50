//! `bench pipeline`: what each stage costs, and what an environment costs beside `git worktree`.
use super::Options;
use super::cost::cost;
use super::pairs::Pairs;
use super::side::{self, Side};
use super::student::{self, Acts};
use crate::cargo;
use anyhow::{Context as _, Result, ensure};
use sera_agent::Guided;
use sera_core::scorecard::Arm;
use sera_daemon::prepare;
use sera_model::Base;
use sera_train::TrainConfig;
use sera_train::evaluate::{Aid, Contestant, Scope};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

/// Pairs of interleaved measurements: one is short, and work trees are noisy.
const PAIRS: usize = 15;
/// Trajectories that the design asks for.
const TRAJECTORIES: usize = 1_000;
/// Of the stages that load a base.
const TOKENS: usize = 20_000;
const ITEMS: usize = 24;
const ROLLOUTS: usize = 8;

pub(super) fn pipeline(options: &Options) -> Result<ExitCode> {
    let path = Path::new(options.need("repo")?);
    let seeds = options.number("seeds", 2_000)?;
    let side = side::prepare(path, Some(seeds))?;
    let base = Base::load(Path::new(options.need("base")?))?;
    let mut page = String::new();
    stages(&mut page, &side)?;
    model_stages(&mut page, &side, &base)?;
    environments(&mut page, path, &side)?;
    cargo::say("");
    print(&page);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "a table to be pasted")]
fn print(page: &str) {
    println!("{page}");
}

fn stages(page: &mut String, side: &Side) -> Result<()> {
    let rate = side.tasks.len() as f64 / side.roll_out.seconds;
    let (tasks, kept) = (side.tasks.len(), side.attempts.len());
    writeln!(page, "{} at `{}`\n", side.name, &side.tip[..12])?;
    writeln!(
        page,
        "{rate:.0} trajectories a second; {TRAJECTORIES} take {:.1} s.\n",
        TRAJECTORIES as f64 / rate
    )?;
    writeln!(page, "| stage | result | seconds | peak MB |\n|---|---|---|---|")?;
    writeln!(page, "| mine | {} seeds | {} |", side.seeds.len(), side.mine.cells())?;
    writeln!(page, "| synthesize | {tasks} tasks | {} |", side.synthesize.cells())?;
    writeln!(
        page,
        "| roll out, verify | {tasks} executed, {kept} kept | {} |",
        side.roll_out.cells()
    )?;
    Ok(())
}

/// What loads a base: trained for a few steps, measured on a few items.
fn model_stages(page: &mut String, side: &Side, base: &Arc<Base>) -> Result<()> {
    let (dataset, selected) = cost(|| side.dataset(&base.tokenizer, prepare::STRESS));
    writeln!(page, "| select, tokenise | {} examples | {} |", dataset.len(), selected.cells())?;
    let mut config = TrainConfig::default().with_seed(1);
    config.pack.tokens = TOKENS;
    let (done, trained) = cost(|| student::trained("train", base, &dataset, &config));
    let done = done?;
    writeln!(
        page,
        "| train | {} tokens, {:.0} a second | {} |",
        done.tokens,
        done.tokens_per_s,
        trained.cells()
    )?;
    let contestant = Contestant {
        arm: Arm::Adapter,
        lora: Some(Arc::new(done.lora)),
        aid: Aid::Neighbours,
        scope: Scope::All,
    };
    let (tasks, holes) = (side.fix_items(ITEMS), side.hole_items(ITEMS));
    let acts = Acts { located: ITEMS, rollouts: ROLLOUTS, edits: Guided::default().edits };
    let (card, evaluated) =
        cost(|| student::measured("evaluate", base, &contestant, (&tasks, &holes), acts));
    card?;
    writeln!(
        page,
        "| evaluate one arm | {} tasks, {} holes, {ROLLOUTS} rollouts | {} |\n",
        tasks.len(),
        holes.len(),
        evaluated.cells()
    )?;
    Ok(())
}

/// One environment against one `git worktree add`, in turn on the same cores.
fn environments(page: &mut String, path: &Path, side: &Side) -> Result<()> {
    let task = &side.attempts.first().context("no trajectory to make an environment for")?.task;
    let scratch = std::env::temp_dir().join(format!("sera-bench-{}", std::process::id()));
    let mut pairs = Pairs::default();
    for _ in 0..PAIRS {
        let started = Instant::now();
        let made = side.bases.environment(task);
        let own = started.elapsed().as_secs_f64();
        ensure!(made.is_ok(), "the environment could not be made");
        let started = Instant::now();
        worktree(path, &["add", "--detach", "--quiet"], &scratch, Some(side.cut.commit.as_str()))?;
        let other = started.elapsed().as_secs_f64();
        worktree(path, &["remove", "--force"], &scratch, None)?;
        pairs.push(1.0 / own, 1.0 / other);
    }
    writeln!(page, "| | median |\n|---|---|")?;
    writeln!(page, "| one environment | {:.3} ms |", 1e3 / pairs.ours())?;
    writeln!(page, "| `git worktree add` | {:.0} ms |", 1e3 / pairs.theirs())?;
    writeln!(page, "| ratio of {PAIRS} interleaved pairs | {} |", pairs.told())?;
    Ok(())
}

fn worktree(repository: &Path, verb: &[&str], at: &Path, commit: Option<&str>) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(repository).arg("worktree").args(verb).arg(at).args(commit);
    let output = git.output().context("failed to start git")?;
    ensure!(output.status.success(), "git worktree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
