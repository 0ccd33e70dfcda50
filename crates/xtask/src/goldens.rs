//! `cargo xtask goldens`: what PyTorch, Transformers, PEFT, gguf-py and llama.cpp compute, written to
//! `crates/sera-model/goldens` for the tests to compare with; and what else only real parts can show.
use crate::peers::{self, Llama};
use crate::{cargo, test};
use anyhow::{Context as _, Result};
use std::process::{Command, ExitCode};

pub(crate) fn goldens() -> Result<ExitCode> {
    let python = peers::python()?;
    let script = cargo::root().join("crates/xtask/python/reference.py");
    let goldens = cargo::root().join("crates/sera-model/goldens");
    let mut make = Command::new(&python);
    cargo::must("computing the references", make.arg(&script).arg("make").arg(&goldens))?;

    let Llama { source, build } = peers::llama(&python)?;
    let mut daemon = cargo::cargo();
    cargo::must(
        "building the daemon, which gets the base",
        daemon.args(["build", "--bin", "sera-daemon"]),
    )?;
    let base = test::base("debug")?.context("the default base's tokens are compared")?;
    let mut text = Command::new(&python);
    text.arg(script.with_file_name("text.py")).arg(&goldens).arg(&base).args([&source, &build]);
    cargo::must("tokens and conversations", &mut text)?;

    let mut teacher = cargo::cargo();
    teacher.args(["test", "--package", "sera-chat", "--test", "it", "llama::"]);
    teacher.env("GIT_SERA_TEST_LLAMA", build.join("bin/llama-server"));
    cargo::must("a teacher behind llama.cpp", teacher.env("GIT_SERA_TEST_BASE", base))?;

    let exported = peers::scratch().join("exported");
    let mut tests = cargo::cargo();
    tests.args(["test", "--package", "sera-model", "goldens"]).env("GIT_SERA_EXPORTED", &exported);
    cargo::must("comparing, and writing adapters that were read", &mut tests)?;
    let mut check = Command::new(&python);
    check.arg(&script).arg("check").args([&goldens, &exported]);
    cargo::must("comparing them in PEFT", &mut check)?;
    let mut check = Command::new(&python);
    check.arg(script.with_file_name("lora.py")).args([&goldens, &exported, &build]);
    cargo::must("comparing them in llama.cpp", &mut check)?;
    Ok(ExitCode::SUCCESS)
}
