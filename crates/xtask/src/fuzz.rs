//! `cargo xtask fuzz`: damaged files of bases by the number, or a target of `crates/xtask/fuzz` for a
//! while, guided by what it covers.
use crate::cargo;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Targets, and whether they need what takes long to compile.
const TARGETS: &[(&str, bool)] = &[
    ("frames", false),
    ("hunks", false),
    ("trajectories", false),
    ("actions", true),
    ("config", true),
    ("imports", true),
    ("journal", true),
    ("spool", true),
];

/// How long a target runs.
const SECONDS: &str = "180";

/// What cargo-fuzz compiles with on a stable compiler, without a sanitizer: all code here is safe
/// but for what has its own tests, and panics are what is looked for.
const INSTRUMENTED: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// `[N]`, or `TARGET|all [SECONDS]`.
pub(crate) fn fuzz(args: &[String]) -> Result<ExitCode> {
    let (first, seconds) = (args.first().map(String::as_str), args.get(1));
    match first {
        None => damaged("1000000"),
        Some(number) if number.parse::<u64>().is_ok() => damaged(number),
        Some(name) => {
            let chosen = TARGETS.iter().filter(|(target, _)| name == "all" || name == *target);
            let chosen: Vec<_> = chosen.collect();
            if chosen.is_empty() {
                let names: Vec<_> = TARGETS.iter().map(|(target, _)| *target).collect();
                bail!("no such target; there are {}, or all", names.join(", "));
            }
            let seconds = seconds.map_or(SECONDS, String::as_str);
            chosen.into_iter().try_for_each(|target| guided(target, seconds))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The tests on damaged files, with as many inputs as one has time for.
fn damaged(inputs: &str) -> Result<ExitCode> {
    let mut tests = cargo::cargo();
    tests.args(["test", "--package", "sera-model", "damaged::", "--", "--test-threads=1"]);
    cargo::finish(tests.env("GIT_SERA_FUZZ", inputs))
}

fn guided((name, heavy): &(&str, bool), seconds: &str) -> Result<()> {
    let folder = cargo::root().join("crates/xtask/fuzz");
    let target = cargo::root().join("target/fuzz");
    let host = cargo::host()?;
    let mut build = cargo::cargo();
    build.current_dir(&folder).args(["build", "--release", "--locked", "--bin", name]);
    // Named, it is what is compiled for; build scripts and macros are not instrumented then.
    build.args(["--target", &host]).arg("--target-dir").arg(&target);
    build.env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTED.join("\u{1f}"));
    if *heavy {
        build.args(["--features", "heavy"]);
    }
    cargo::must(&format!("building the target {name}"), &mut build)?;
    let corpus = target.join("corpus").join(name);
    std::fs::create_dir_all(&corpus).context("failed to make a folder")?;
    seed(name, &corpus)?;
    let mut run = Command::new(target.join(&host).join("release").join(name));
    run.current_dir(&target).arg(&corpus).arg(format!("-max_total_time={seconds}"));
    run.args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"]);
    run.arg(format!("-artifact_prefix={}/{name}-", target.display()));
    cargo::must(&format!("{name}: {seconds} s"), &mut run)
}

/// Files of ours that an input may begin from.
fn seed(name: &str, corpus: &Path) -> Result<()> {
    let root = cargo::root();
    let files: Vec<PathBuf> = match name {
        "frames" => cargo::listed(&root.join("crates/sera-protocol/tests/data"))?,
        "hunks" => vec![root.join("crates/sera-core/src/patch/git.diff")],
        _ => Vec::new(),
    };
    for (number, file) in files.iter().enumerate() {
        let text = std::fs::read(file).with_context(|| format!("no {}", file.display()))?;
        let lines = |text: &[u8]| -> Vec<Vec<u8>> {
            // The transcripts' marks go, and the first byte says how the line is cut.
            let line = |line: &[u8]| [b"\xff", line.get(2..).unwrap_or_default(), b"\n"].concat();
            text.split(|byte| *byte == b'\n').map(line).collect()
        };
        let inputs = if name == "frames" { lines(&text) } else { vec![text] };
        for (part, input) in inputs.iter().enumerate() {
            std::fs::write(corpus.join(format!("seed-{number}-{part}")), input)?;
        }
    }
    Ok(())
}
