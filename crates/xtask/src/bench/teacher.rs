//! `bench teacher`: what soft verified generation costs beside what its model takes.
//!
//! Recalls a second; a step beside the bare HTTP call that it makes; and a job of many rollouts by
//! a scripted server, whose daemon is killed again and again: nothing may be lost, and nothing that
//! was answered and kept may be asked again.
use super::Options;
use super::pairs::{PAIRS, Pairs};
use super::serve::print;
use super::side;
use anyhow::{Context as _, Result, bail, ensure};
use sera_chat::{Budget, Fleet, Patience, Prices, Purse};
use sera_core::audit::Audit;
use sera_core::overlap::overlap;
use sera_core::{Cancel, Message, Model as _, Prompt, Role};
use sera_testkit::TeacherServer;
use sera_testkit::teacher::{good, says};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Calls of one side in one pair.
const CALLS: usize = 200;
/// Functions of the long job; each is rolled out twice.
const FUNCTIONS: usize = 500;
/// Times that its daemon is killed.
const KILLS: usize = 20;
/// Calls in flight at a kill, which nobody can know to be answered.
const PARALLEL: usize = 4;

pub(super) fn teacher(options: &Options) -> Result<ExitCode> {
    let repository = Path::new(options.need("repo")?);
    let recalls = recalls(repository)?;
    let step = step()?;
    let job = killed(
        repository,
        options.number("functions", FUNCTIONS)?,
        options.number("kills", KILLS)?,
    )?;
    let mut page = String::from("| | |\n|---|---|\n");
    writeln!(page, "| recalls a second, one thread | {recalls:.0} |")?;
    let [ours, bare] = [step.ours(), step.theirs()].map(|rate| 1e3 / rate);
    writeln!(page, "| a step, ms | {ours:.2} |")?;
    writeln!(page, "| its bare HTTP call, ms | {bare:.2} |")?;
    writeln!(page, "| the step's rate over the call's | {} |", step.told())?;
    for (name, value) in &job {
        writeln!(page, "| {name} | {value} |")?;
    }
    let last = json!({
        "recalls_per_s": recalls, "overhead_ms": ours - bare, "step_ratio": step.ratio(),
    });
    print(&format!("{page}\n{last}"));
    Ok(ExitCode::SUCCESS)
}

/// Comparisons a second of a repository's own patches, each with itself and with the next.
fn recalls(repository: &Path) -> Result<f64> {
    let attempts = side::prepare(repository, None)?.solved();
    let patches: Vec<_> = attempts.iter().map(|attempt| &attempt.task.reference).collect();
    ensure!(patches.len() > 1, "{} has too few tasks", repository.display());
    let (mut done, started) = (0usize, Instant::now());
    while started.elapsed() < Duration::from_secs(3) {
        for pair in patches.windows(2) {
            for other in pair {
                std::hint::black_box(overlap(pair[0], other));
                done += 1;
            }
        }
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

/// A call through the whole connection (streams, budget, retries) beside the same bytes over a
/// bare socket.
fn step() -> Result<Pairs> {
    let server = TeacherServer::new(|_| says("submit"));
    let purse = Purse::new(Prices::default(), Budget::default(), None);
    let urls = std::slice::from_ref(&server.url);
    let audit = Audit::new(|_| Ok(0));
    let fleet = Fleet::new(urls, "m".to_owned(), &|_| None, Patience::default(), purse, audit)?;
    let said = |at: usize| match at {
        0 => Message::new(Role::System, "Fix the code."),
        at if at % 2 == 1 => Message::new(Role::User, "def f(x):\n    return x\n".repeat(40)),
        _ => Message::new(Role::Assistant, "open: src/a.py::f"),
    };
    let prompt = Prompt::greedy((0..12).map(said).collect(), 64);
    let body = fleet.request(&prompt);
    let address = server.url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let mut pairs = Pairs::default();
    let rate = |mut call: Box<dyn FnMut() -> Result<()> + '_>| -> Result<f64> {
        let started = Instant::now();
        for _ in 0..CALLS {
            call()?;
        }
        Ok(CALLS as f64 / started.elapsed().as_secs_f64())
    };
    for _ in 0..=PAIRS {
        let ours = rate(Box::new(|| {
            let reply = fleet.server().reply(&prompt, &Cancel::default())?;
            ensure!(reply.text == "submit", "the server said {:?}", reply.text);
            Ok(())
        }))?;
        pairs.push(ours, rate(Box::new(|| bare(&address, &body)))?);
    }
    Ok(pairs)
}

fn bare(address: &str, body: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).context("failed to reach the server")?;
    let length = body.len();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.contains("[DONE]"), "the server said {answer:?}");
    Ok(())
}

/// The long job: its daemon is killed each time that another part of the calls was made.
fn killed(
    repository: &Path,
    functions: usize,
    kills: usize,
) -> Result<BTreeMap<&'static str, String>> {
    let place = tempfile::tempdir()?;
    let user = User { place: place.path().to_owned() };
    let tree = user.place.join("work");
    run(Command::new("git").args(["clone", "-q"]).arg(repository).arg(&tree))?;
    let server = TeacherServer::new(good);
    let parallel = PARALLEL.to_string();
    for (key, value) in [
        ("sera.teacher.url", server.url.as_str()),
        ("sera.teacher.model", "m-1"),
        ("sera.teacher.parallel", &parallel),
        ("sera.teacher.dialect", "plain"),
        ("sera.teacher.bases", "1"),
    ] {
        run(user.command("git").args(["config", "--global", key, value]))?;
    }
    run(&mut user.sera(&tree, &["rollout", "--procedural", "--limit", "1"]))?;
    let started = Instant::now();
    let limit = functions.to_string();
    // Eight calls a function, spread over the kills.
    let part = functions * 8 / (kills + 1);
    for kill in 1..=kills {
        let mut running = user.sera(&tree, &["rollout", "--limit", &limit, "--json"]).spawn()?;
        let log = user.place.join("s/daemon.log");
        wait(&mut running, || server.asked().len() >= kill * part)
            .with_context(|| std::fs::read_to_string(log).unwrap_or_default())?;
        user.kill(&tree)?;
        running.wait()?;
    }
    let done = stored(&user, &tree)?;
    let left = functions.saturating_sub(done).max(1).to_string();
    run(&mut user.sera(&tree, &["rollout", "--limit", &left, "--json"]))?;
    let seconds = started.elapsed().as_secs_f64();
    let whole = stored(&user, &tree)?;
    run(&mut user.sera(&tree, &["stop"]))?;
    let mut asked = BTreeMap::<String, usize>::new();
    for one in server.asked() {
        *asked.entry(one.body).or_default() += 1;
    }
    let again: usize = asked.values().map(|times| times - 1).sum();
    ensure!(whole >= functions, "{whole} of {functions} functions are stored");
    ensure!(again <= kills * PARALLEL, "{again} calls were made again after {kills} kills");
    Ok(BTreeMap::from([
        ("rollouts that are stored", (2 * whole).to_string()),
        ("kill -9 of the daemon on the way", kills.to_string()),
        ("calls made", asked.values().sum::<usize>().to_string()),
        ("calls made again, at most those in flight", again.to_string()),
        ("seconds", format!("{seconds:.0}")),
    ]))
}

/// Functions that a teacher went through, by its stored trajectories.
fn stored(user: &User, tree: &Path) -> Result<usize> {
    let output = user.sera(tree, &["log", "-n", "1000000", "--json"]).output()?;
    let log: Value = serde_json::from_slice(&output.stdout).context("failed to read the log")?;
    let of = |one: &&Value| one["teacher"] == "m-1";
    let told = log["trajectories"].as_array().context("a log without trajectories")?;
    Ok(told.iter().filter(of).count() / 2)
}

/// Folders of its own for everything that a user has.
struct User {
    place: PathBuf,
}

impl User {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", &self.place).env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, folder) in [("RUNTIME", "r"), ("STATE", "s"), ("CACHE", "c")] {
            command.env(format!("GIT_SERA_{name}_DIR"), self.place.join(folder));
        }
        command.env_remove("XDG_CONFIG_HOME").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn sera(&self, tree: &Path, arguments: &[&str]) -> Command {
        let binary = std::env::current_exe().expect("this program has a path");
        let mut command = self.command(&binary.with_file_name("git-sera").to_string_lossy());
        command.current_dir(tree).args(arguments);
        command
    }

    fn kill(&self, tree: &Path) -> Result<()> {
        let output = self.sera(tree, &["status", "--json"]).output()?;
        let status: Value = serde_json::from_slice(&output.stdout).context("no daemon answers")?;
        let pid = status["pid"].to_string();
        run(Command::new("kill").args(["-9", &pid]))?;
        // A client that comes while a killed process is still being put away meets its socket.
        while Command::new("kill").args(["-0", &pid]).output()?.status.success() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("failed to run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(())
}

/// Waits until `reached`, or until the command ends before.
fn wait(running: &mut Child, reached: impl Fn() -> bool) -> Result<()> {
    while !reached() {
        if let Some(status) = running.try_wait()? {
            let mut said = String::new();
            let streams = (running.stdout.take(), running.stderr.take());
            streams
                .0
                .into_iter()
                .try_for_each(|mut out| out.read_to_string(&mut said).map(drop))?;
            streams
                .1
                .into_iter()
                .try_for_each(|mut err| err.read_to_string(&mut said).map(drop))?;
            bail!("the run ended with {status} before it was killed: {said}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
