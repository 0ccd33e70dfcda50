//! `bench pipeline`: what each stage costs, and what an environment costs beside `git worktree`.
use super::Options;
use super::side::{self, Side};
use crate::cargo;
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Pairs of interleaved measurements.
const PAIRS: usize = 15;
/// Trajectories that the design asks for.
const TRAJECTORIES: usize = 1_000;

pub(super) fn pipeline(options: &Options) -> Result<ExitCode> {
    let path = Path::new(options.need("repo")?);
    let seeds = options.number("seeds", 2_000)?;
    let side = side::prepare(path, Some(seeds))?;
    let mut page = String::new();
    stages(&mut page, &side)?;
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
    let rate = side.tasks.len() as f64 / side.rollout_seconds;
    writeln!(page, "{} at `{}`\n", side.name, &side.tip[..12])?;
    writeln!(page, "| stage | result | seconds |\n|---|---|---|")?;
    writeln!(page, "| mine | {} seeds | {:.2} |", side.seeds.len(), side.mine_seconds)?;
    writeln!(page, "| synthesize | {} tasks | {:.2} |", side.tasks.len(), side.synthesize_seconds)?;
    writeln!(
        page,
        "| roll out | {} executed, {} kept | {:.2} |",
        side.tasks.len(),
        side.attempts.len(),
        side.rollout_seconds
    )?;
    writeln!(
        page,
        "\n{rate:.0} trajectories a second; {TRAJECTORIES} take {:.1} s. Peak resident memory {} MB.\n",
        TRAJECTORIES as f64 / rate,
        peak_mb().map_or_else(|| "?".to_owned(), |mb| mb.to_string())
    )?;
    Ok(())
}

/// One environment against one `git worktree add`, in turn on the same cores.
fn environments(page: &mut String, path: &Path, side: &Side) -> Result<()> {
    let task = &side.attempts.first().context("no trajectory to make an environment for")?.task;
    let scratch = std::env::temp_dir().join(format!("sera-bench-{}", std::process::id()));
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let started = Instant::now();
        let made = side.bases.environment(task);
        let own = started.elapsed().as_secs_f64();
        ensure!(made.is_ok(), "the environment could not be made");
        let started = Instant::now();
        worktree(path, &["add", "--detach", "--quiet"], &scratch, Some(side.cut.commit.as_str()))?;
        let other = started.elapsed().as_secs_f64();
        worktree(path, &["remove", "--force"], &scratch, None)?;
        ours.push(own);
        theirs.push(other);
        ratios.push(other / own);
    }
    let median = |values: &[f64]| sera_core::stats::median(values).unwrap_or(f64::NAN);
    let span = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        format!("{low:.0}–{high:.0}")
    };
    writeln!(page, "| | median |\n|---|---|")?;
    writeln!(page, "| one environment | {:.3} ms |", median(&ours) * 1e3)?;
    writeln!(page, "| `git worktree add` | {:.0} ms |", median(&theirs) * 1e3)?;
    writeln!(
        page,
        "| ratio of {PAIRS} interleaved pairs | {:.0}× ({}) |",
        median(&ratios),
        span(&ratios)
    )?;
    Ok(())
}

fn worktree(repository: &Path, verb: &[&str], at: &Path, commit: Option<&str>) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(repository).arg("worktree").args(verb).arg(at).args(commit);
    let output = git.output().context("failed to start git")?;
    ensure!(output.status.success(), "git worktree: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Most memory this process ever held, MB; where the system tells.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kb: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kb / 1024)
}
