//! `cargo xtask bench hooks [N]`: what hooks add to a commit, beside the same commit without them.
//!
//! Commits with and without alternate, in two repositories that differ in nothing else. The daemon
//! holds both, or is dead for both. Nothing of the product is linked: it is run.
use crate::developer::{self, Developer};
use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Commits of each kind, without a number.
const COMMITS: usize = 1000;

/// Commits that are made before any is measured.
const WARM_UP: usize = 20;

/// What is wanted, ms: the median that is added to a commit, the 99th percentile of a hook alone.
const WANTED: (f64, f64) = (3.0, 5.0);

/// What is done in both repositories.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Commit,
    /// Calls `post-commit` and `post-rewrite`.
    Amend,
}

/// One row: milliseconds.
#[derive(Default)]
struct Measured {
    without: Vec<f64>,
    with: Vec<f64>,
    alone: Vec<f64>,
}

pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    let commits = args.first().map(|n| n.parse()).transpose()?.unwrap_or(COMMITS);
    let developer = Developer::new("hooks", "dev", developer::with_tools()?)?;
    let mut good = true;
    say(
        "| hooks | what | daemon | without, ms | with, ms | added (median) | hook alone: median | p99 |",
    );
    say("|---|---|---|---|---|---|---|---|");
    for kind in ["config", "files"] {
        for act in [Act::Commit, Act::Amend] {
            for up in [true, false] {
                let row = developer.measure(kind, act, up, commits)?;
                good &= row.show(kind, act, up);
            }
        }
    }
    for (name, program) in [
        ("`true`", PathBuf::from("/bin/true")),
        ("`git-sera --version`", developer.built("git-sera")),
    ] {
        let run = || timed(developer.command(&program, &developer.folder).arg("--version"));
        let alone = sorted((0..commits).map(|_| run()).collect::<Result<_>>()?);
        say(&format!(
            "| {name}, for comparison | | | | | | {:.2} | {:.2} |",
            middle(&alone),
            late(&alone)
        ));
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Developer {
    /// A repository with a hundred files and a script of its own after commits.
    fn repository(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        drop(fs::remove_dir_all(&folder));
        for place in [&folder, &self.folder.join("home")] {
            fs::create_dir_all(place)?;
        }
        self.run("git", &folder, &["init", "-q"])?;
        for n in 0..100 {
            fs::write(
                folder.join(format!("f{n}.py")),
                format!("def f{n}(x):\n    return x + {n}\n"),
            )?;
        }
        self.run("git", &folder, &["add", "."])?;
        self.run("git", &folder, &["commit", "-q", "-m", "first"])?;
        let hooks = folder.join(".git/hooks");
        fs::create_dir_all(&hooks)?;
        let script = hooks.join("post-commit");
        fs::write(&script, "#!/bin/sh\n")?;
        self.run("chmod", &folder, &["755", ".git/hooks/post-commit"])?;
        Ok(folder)
    }

    fn measure(&self, kind: &str, act: Act, up: bool, commits: usize) -> Result<Measured> {
        let (with, without) = (self.repository("with")?, self.repository("without")?);
        self.sera(&without, &["register", "--hooks=none"])?;
        self.sera(&with, &["register", "--hooks", kind])?;
        if !up {
            self.sera(&with, &["stop"])?;
        }
        let git = self.run("sh", &with, &["-c", "command -v git"])?;
        let one = |folder: &Path| {
            let mut commit = self.command(&git, folder);
            // What a disk or a gc happens to take would hide a hook.
            for setting in ["gc.auto=0", "maintenance.auto=false", "core.fsync=none"] {
                commit.args(["-c", setting]);
            }
            commit.args(["commit", "-q", "--allow-empty", "-m", "x"]);
            if act == Act::Amend {
                commit.arg("--amend");
            }
            timed(&mut commit)
        };
        let hook = self.hook(&with, kind, act)?;
        let mut measured = Measured::default();
        for n in 0..commits + WARM_UP {
            // Who goes first changes, so that neither profits from the other.
            let first = if n % 2 == 0 { one(&with)? } else { 0.0 };
            let b = one(&without)?;
            let a = if n % 2 == 0 { first } else { one(&with)? };
            // Beside the commits, as the daemon begins to mine when these pause.
            let alone = timed(&mut hook()?)?;
            if n >= WARM_UP {
                measured.with.push(a);
                measured.without.push(b);
                measured.alone.push(alone);
            }
        }
        self.sera(&with, &["stop"])?;
        // The next daemon shall hold nothing of this one's.
        fs::remove_dir_all(self.folder.join("s"))?;
        Ok(measured)
    }

    /// The hook as git starts it, and nothing else.
    fn hook<'a>(
        &'a self,
        folder: &'a Path,
        kind: &str,
        act: Act,
    ) -> Result<impl Fn() -> Result<Command> + 'a> {
        let text = match kind {
            "config" => Some(self.run("git", folder, &["config", "hook.sera.command"])?),
            _ => None,
        };
        let id = "a".repeat(40);
        let pair = folder.join(".git/pair");
        fs::write(&pair, format!("{id} {id}\n"))?;
        let name = if act == Act::Amend { "post-rewrite" } else { "post-commit" };
        Ok(move || {
            let mut hook = match &text {
                Some(text) => {
                    let mut shell = self.command("/bin/sh", folder);
                    shell.arg("-c").arg(format!("{text} \"$@\"")).arg(text);
                    shell
                }
                None => self.command(format!(".git/hooks/{name}"), folder),
            };
            if act == Act::Amend {
                hook.arg("amend").stdin(fs::File::open(&pair)?);
            }
            Ok(hook)
        })
    }
}

impl Measured {
    /// Prints the row; whether it is what is wanted.
    fn show(&self, kind: &str, act: Act, up: bool) -> bool {
        let pairs = self.with.iter().zip(&self.without);
        let added = middle(&sorted(pairs.map(|(with, without)| with - without).collect()));
        let [without, with, alone] =
            [&self.without, &self.with, &self.alone].map(|v| sorted(v.clone()));
        let act = if act == Act::Amend { "amend" } else { "commit" };
        let daemon = if up { "up" } else { "dead" };
        say(&format!(
            "| {kind} | {act} | {daemon} | {:.2} | {:.2} | {added:.2} | {:.2} | {:.2} |",
            middle(&without),
            middle(&with),
            middle(&alone),
            late(&alone)
        ));
        added <= WANTED.0 && late(&alone) <= WANTED.1
    }
}

fn timed(command: &mut Command) -> Result<f64> {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = started.elapsed();
    ensure!(status.success(), "{command:?}: {status}");
    Ok(ms(took))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// The 99th percentile.
fn late(sorted: &[f64]) -> f64 {
    sorted[(sorted.len() * 99 / 100).min(sorted.len() - 1)]
}

#[expect(clippy::print_stdout, reason = "the table is what was asked for")]
fn say(line: &str) {
    println!("{line}");
}
