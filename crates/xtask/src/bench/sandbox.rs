//! `bench sandbox`: containers beside `docker run` and `docker exec`, on an engine of its own.
use super::pairs::Pairs;
use super::{Options, page};
use crate::cargo;
use crate::engine::Engine as Dockerd;
use anyhow::{Context as _, Result, ensure};
use sera_core::audit::Audit;
use sera_core::redact::Redactor;
use sera_core::{Cancel, Tree};
use sera_sandbox::Overlay;
use sera_sandbox::container::{Container, Engine, Limits, Order, Owner, Pool, Shell, Spec, image};
use std::fmt::Write as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pairs of each comparison.
const PAIRS: usize = 15;

pub(super) fn sandbox(options: &Options) -> Result<ExitCode> {
    let dockerd = Dockerd::start()?;
    let engine = Engine::connect(&[dockerd.address()])?;
    let image = image::find(&engine, crate::engine::IMAGE, None)?;
    let owner = Owner { instance: "bench".to_owned(), run: "bench".to_owned() };
    let audit = Audit::new(|_| Ok(0));
    let order = Order { image, limits: Limits::default(), owner, require: Vec::new(), audit };
    let pool = Arc::new(Pool::open(engine.clone(), order.clone(), now)?);
    let repository = sera_git::Repository::discover(options.need("repo")?.as_ref())?;
    let tree: Arc<dyn Tree> = repository.tree(&repository.head()?)?;
    let overlay = Overlay::new(tree, Redactor::new([7; 32]));
    let files = overlay.files()?.len();

    let (mut cold, mut command) = (Pairs::default(), Pairs::default());
    let (mut warm, mut first) = (Vec::new(), Vec::new());
    let beside = Beside::start(&dockerd)?;
    for _ in 0..PAIRS {
        let ours = timed(|| start_and_run(&engine, &order))?;
        let theirs = timed(|| docker_run(&dockerd))?;
        cold.push(1.0 / ours, 1.0 / theirs);
        warm.push(timed(|| {
            let taken = pool.take()?;
            ensure!(taken.0.run("true", WAIT, &Cancel::default())?.output.is_empty());
            pool.give_back(taken);
            Ok(())
        })?);
        let mut shell = Shell::new(pool.clone())?;
        first.push(timed(|| Ok(shell.run(&overlay, "true", &Cancel::default()).map(drop)?))?);
        let ours = timed(|| Ok(shell.run(&overlay, "true", &Cancel::default()).map(drop)?))?;
        let theirs = timed(|| beside.exec(&dockerd))?;
        command.push(1.0 / ours, 1.0 / theirs);
    }
    let text = told(files, (&cold, &command), (&mut warm, &mut first));
    page::replace(&cargo::root().join("docs/benchmarks.md"), page::CONTAINERS, &text)?;
    cargo::say(&text);
    Ok(ExitCode::SUCCESS)
}

const WAIT: Duration = Duration::from_secs(60);

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Wall seconds.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn start_and_run(engine: &Engine, order: &Order) -> Result<()> {
    let container = Container::start(engine, &Spec::of(order, now()), &order.audit)?;
    container.run("true", WAIT, &Cancel::default())?;
    Ok(())
}

/// What a user would type, with as little around it.
fn docker_run(dockerd: &Dockerd) -> Result<()> {
    let mut run = dockerd.docker();
    run.args([
        "run",
        "--rm",
        "--init",
        "--network=none",
        crate::engine::IMAGE,
        "bash",
        "-lc",
        "true",
    ]);
    quiet(&mut run)
}

fn quiet(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ensure!(status.context("failed to run docker")?.success(), "docker failed");
    Ok(())
}

/// A container as plain `docker run` makes it.
struct Beside;

impl Beside {
    fn start(dockerd: &Dockerd) -> Result<Self> {
        let mut run = dockerd.docker();
        run.args(["run", "-d", "--init", "--network=none", "--name", "beside"]);
        quiet(run.args([crate::engine::IMAGE, "sleep", "3600"]))?;
        Ok(Self)
    }

    fn exec(&self, dockerd: &Dockerd) -> Result<()> {
        quiet(dockerd.docker().args(["exec", "beside", "bash", "-lc", "true"]))
    }
}

fn told(
    files: usize,
    (cold, command): (&Pairs, &Pairs),
    (warm, first): (&mut [f64], &mut [f64]),
) -> String {
    let mut text = format!(
        "{PAIRS} interleaved pairs; `docker` is Docker's own command, `true` what is run. Speeds \
         are ratios, more is faster for us.\n\n| | ours, median s | docker, median s | ratio |\n\
         |---|---|---|---|\n"
    );
    let mut row = |what: &str, pairs: &Pairs| {
        let (ours, theirs) = (1.0 / pairs.ours(), 1.0 / pairs.theirs());
        writeln!(text, "| {what} | {ours:.3} | {theirs:.3} | {} |", pairs.told())
            .expect("strings take all");
    };
    row("a new container and a command, beside `docker run`", cold);
    row("one more command, beside `docker exec`", command);
    let mut alone = |what: &str, seconds: &mut [f64]| {
        seconds.sort_by(f64::total_cmp);
        let (low, high) = (seconds[0], seconds[seconds.len() - 1]);
        let middle = seconds[seconds.len() / 2];
        writeln!(text, "| {what} | {middle:.3} ({low:.3}–{high:.3}) | – | – |")
            .expect("strings take all");
    };
    alone("from the pool, a command, and back, wiped and checked", warm);
    alone(&format!("the first command, with {files} files sent"), first);
    text
}
