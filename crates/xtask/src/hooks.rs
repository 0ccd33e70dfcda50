//! `cargo xtask bench hooks [N]`: what hooks add to a commit, beside the same commit without them.
//!
//! Commits with and without alternate, in two repositories that differ in nothing else. The daemon
//! holds both, or is dead for both. Nothing of the product is linked: it is run.
use crate::{cargo, tools};
use anyhow::{Result, ensure};
use std::ffi::OsString;
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

/// A developer's folders and programs. They are removed, and the daemon ended, with this.
struct Developer {
    folder: PathBuf,
    path: OsString,
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
    let mut build = cargo::cargo();
    build.args(["build", "--package", "sera-daemon", "--package", "git-sera"]);
    cargo::must("building sera-daemon and git-sera", &mut build)?;
    let tools = tools::get()?;
    let mut path: Vec<PathBuf> = tools::PROGRAMS.map(|name| tools.join(name)).to_vec();
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let folder = PathBuf::from(format!("/tmp/sera-hooks-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let developer = Developer { folder, path: std::env::join_paths(path)? };
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
        ("`git-sera --version`", cargo::built("debug", "git-sera")),
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
    /// A program in `folder` that sees nothing of the real user.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", &self.path).current_dir(folder).stdin(Stdio::null());
        let at = |name: &str| self.folder.join(name);
        command.env("HOME", at("home")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_SERA_RUNTIME_DIR", at("r")).env("GIT_SERA_STATE_DIR", at("s"));
        command.env("GIT_SERA_CACHE_DIR", at("c"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada Example");
            command.env(format!("GIT_{who}_EMAIL"), "ada@example.invalid");
        }
        command
    }

    fn run(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        folder: &Path,
        args: &[&str],
    ) -> Result<String> {
        let output = self.command(program, folder).args(args).output()?;
        ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    fn sera(&self, folder: &Path, args: &[&str]) -> Result<()> {
        self.run(cargo::built("debug", "git-sera"), folder, args).map(drop)
    }

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

impl Drop for Developer {
    fn drop(&mut self) {
        drop(self.sera(&self.folder, &["stop"]));
        drop(fs::remove_dir_all(&self.folder));
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
