//! `cargo xtask reliability`: the trials of `docs/reliability.md`, as many as one has time for.
//!
//! Each is a test that runs a few of them whenever the tests do.
use crate::cargo;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::ExitCode;

/// A test that makes trials, and how many make its figure.
struct Trials {
    name: &'static str,
    package: &'static str,
    test: &'static str,
    count: &'static str,
}

/// A folder in memory, where there is such.
const MEMORY: &str = "/dev/shm";

const TRIALS: &[Trials] = &[
    store("power", "power::", "5000"),
    store("kill", "kill::", "3000"),
    store("rot", "rot::", "500"),
    store("full", "full::", "100"),
    store("rebuild", "rebuild::", "100000"),
    daemon("races", "races::one_of_all", "1000"),
    daemon("frames", "races::damaged", "1000000"),
    daemon("histories", "histories::", "300"),
    daemon("commits", "watch::many_commits", "10000"),
    daemon("daemon", "kill::", "100"),
    daemon("daemon-full", "full::", "100"),
];

const fn store(name: &'static str, test: &'static str, count: &'static str) -> Trials {
    Trials { name, package: "sera-store", test, count }
}

const fn daemon(name: &'static str, test: &'static str, count: &'static str) -> Trials {
    Trials { name, package: "sera-daemon", test, count }
}

/// `[NAME [N]] [--seed S]`: one kind of trials or, without a name, each.
pub(crate) fn reliability(args: &[String]) -> Result<ExitCode> {
    let (mut words, mut seed) = (Vec::new(), "1");
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--seed" => seed = rest.next().context("--seed needs a number")?,
            word => words.push(word),
        }
    }
    let (name, count) = (words.first(), words.get(1));
    let chosen = TRIALS.iter().filter(|trials| name.is_none_or(|name| *name == trials.name));
    let chosen: Vec<_> = chosen.collect();
    if chosen.is_empty() {
        let names: Vec<_> = TRIALS.iter().map(|trials| trials.name).collect();
        bail!("no such trials; there are {}", names.join(", "));
    }
    for trials in chosen {
        run(trials, count.unwrap_or(&trials.count), seed)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run(trials: &Trials, count: &str, seed: &str) -> Result<()> {
    let mut build = cargo::cargo();
    build.args(["build", "--workspace", "--bins", "--quiet"]);
    let mut tests = cargo::cargo();
    tests.args(["test", "--quiet", "--package", trials.package, "--test", "it", trials.test]);
    tests.args(["--", "--test-threads=1"]);
    tests.env("GIT_SERA_TRIALS", count).env("GIT_SERA_SEED", seed);
    if trials.package == "sera-daemon" {
        cargo::must("building the binaries that the trials run", &mut build)?;
        // What is tried is not the disk, which others may keep busy.
        if Path::new(MEMORY).is_dir() {
            tests.env("TMPDIR", MEMORY);
        }
        tests.env("GIT_SERA_TEST_BIN", cargo::built("debug", "git-sera").with_file_name(""));
    }
    cargo::must(&format!("{}: {count} trials, seed {seed}", trials.name), &mut tests)
}
