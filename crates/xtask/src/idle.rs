//! `cargo xtask bench idle [--seconds N] [FOLDER…]`: what the daemon takes while nothing happens.
//!
//! It watches three repositories, clones of `FOLDER`s or made here; `git fsmonitor--daemon` watches
//! the same ones. Both have come to rest before, and are measured at the same time.
use crate::developer::Developer;
use crate::processes::{self, Effort};
use crate::{cargo, tools};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long is measured without a number: five polls.
const SECONDS: u64 = 300;

/// How long the daemon is left alone before: its index is put away after 30 s, and threads that
/// did something end 10 s later.
const REST: Duration = Duration::from_secs(75);

/// Where no repositories are named: how many, with so many commits of so many files.
const MADE: (usize, usize, usize) = (3, 60, 200);

/// MB resident that are wanted at most.
const WANTED: f64 = 20.0;

/// How long something that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who is measured.
struct Subject {
    name: String,
    processes: Vec<u32>,
    effort: Effort,
    /// Seconds in which any of its threads ran.
    awake: u64,
}

/// `git fsmonitor--daemon` in one repository; it ends with this.
struct Monitor(Child);

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    let (seconds, folders) = match args {
        [name, seconds, folders @ ..] if name == "--seconds" => (seconds.parse()?, folders),
        folders => (SECONDS, folders),
    };
    let developer = Developer::new("idle", "release", vec![tools::newest_git()?])?;
    let repositories = repositories(&developer, folders)?;
    let monitors = monitors(&developer, &repositories)?;
    for repository in &repositories {
        developer.sera(repository, &["register", "--hooks=none"])?;
    }
    for repository in &repositories {
        developer.mined(&developer.git(repository, &["rev-parse", "HEAD"])?, PATIENCE)?;
    }
    cargo::say("waiting until everything is at rest");
    std::thread::sleep(REST);
    let ours = processes::of_program(&developer.built("sera-daemon"));
    let theirs = monitors.iter().map(|monitor| monitor.0.id()).collect();
    let mut subjects = [subject("sera-daemon", ours), subject("git fsmonitor--daemon", theirs)];
    cargo::say(&format!("measuring for {seconds} s"));
    observe(&mut subjects, seconds);
    Ok(if show(&subjects, seconds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn subject(name: &str, processes: Vec<u32>) -> Subject {
    Subject { name: name.to_owned(), processes, effort: Effort::default(), awake: 0 }
}

/// Clones of `folders`, or as many as are wanted made here.
fn repositories(developer: &Developer, folders: &[String]) -> Result<Vec<PathBuf>> {
    if folders.is_empty() {
        return (0..MADE.0).map(|n| made(developer, &format!("made-{n}"))).collect();
    }
    let clone = |(n, folder): (usize, &String)| {
        let source = Path::new(folder).canonicalize().with_context(|| format!("no {folder}"))?;
        let name = format!("clone-{n}");
        developer.git(&developer.folder, &["clone", "-q", &source.display().to_string(), &name])?;
        Ok(developer.folder.join(name))
    };
    folders.iter().enumerate().map(clone).collect()
}

fn made(developer: &Developer, name: &str) -> Result<PathBuf> {
    let folder = developer.folder.join(name);
    fs::create_dir_all(&folder)?;
    developer.git(&folder, &["init", "-q"])?;
    for commit in 0..MADE.1 {
        for file in (0..MADE.2).filter(|file| commit == 0 || file % MADE.1 == commit) {
            let text = format!(
                "def f{file}(x):\n    y = x + {commit}\n    if y > {file}:\n        y -= 1\n    return y\n"
            );
            fs::write(folder.join(format!("f{file}.py")), text)?;
        }
        developer.git(&folder, &["add", "."])?;
        developer.git(&folder, &["commit", "-q", "-m", &format!("Count from {commit}")])?;
    }
    Ok(folder)
}

/// One in each repository, once they all answer.
fn monitors(developer: &Developer, repositories: &[PathBuf]) -> Result<Vec<Monitor>> {
    let start = |repository: &PathBuf| {
        let mut command = developer.command("git", repository);
        let child = command.args(["fsmonitor--daemon", "run"]).stdout(Stdio::null()).spawn()?;
        let monitor = Monitor(child);
        let since = Instant::now();
        while developer.git(repository, &["fsmonitor--daemon", "status"]).is_err() {
            ensure!(since.elapsed() < PATIENCE, "git fsmonitor--daemon does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(monitor)
    };
    repositories.iter().map(start).collect()
}

/// Looks each second: who did anything since, and threads that do not live longer are seen, too.
fn observe(subjects: &mut [Subject], seconds: u64) {
    let mut before: Vec<_> =
        subjects.iter().map(|one| processes::efforts(&one.processes)).collect();
    let begun = Instant::now();
    for second in 1..=seconds {
        std::thread::sleep((begun + Duration::from_secs(second)) - Instant::now());
        for (subject, before) in subjects.iter_mut().zip(&mut before) {
            let now = processes::efforts(&subject.processes);
            let did = processes::between(before, &now);
            subject.effort.wakes += did.wakes;
            subject.effort.ns += did.ns;
            subject.awake += u64::from(did.wakes > 0);
            *before = now;
        }
    }
}

/// Prints the table; whether our row is what is wanted.
fn show(subjects: &[Subject], seconds: u64) -> bool {
    let load = processes::load();
    say(&format!(
        "| {seconds} s, load {load} | processes | threads | resident, MB | proportional, MB | private, MB | wake-ups a minute | seconds awake | CPU, ms a minute |"
    ));
    say("|---|---|---|---|---|---|---|---|---|");
    let minutes = seconds as f64 / 60.0;
    for one in subjects {
        let memory = processes::memory(&one.processes);
        let [resident, proportional, private] =
            [memory.resident, memory.proportional, memory.private].map(mb);
        say(&format!(
            "| {} | {} | {} | {resident:.1} | {proportional:.1} | {private:.1} | {:.1} | {} | {:.2} |",
            one.name,
            one.processes.len(),
            processes::efforts(&one.processes).len(),
            one.effort.wakes as f64 / minutes,
            one.awake,
            one.effort.ns as f64 / 1e6 / minutes,
        ));
    }
    let ours = &subjects[0];
    // A poll may lie on both sides of a look.
    let polls = 2 * seconds.div_ceil(60);
    let held = mb(processes::memory(&ours.processes).resident);
    ours.processes.len() == 1 && held <= WANTED && ours.awake <= polls
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

#[expect(clippy::print_stdout, reason = "the table is what was asked for")]
fn say(line: &str) {
    println!("{line}");
}
