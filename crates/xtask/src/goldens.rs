//! `cargo xtask goldens`: what PyTorch, Transformers, PEFT and gguf-py compute on tiny random models,
//! written to `crates/sera-model/goldens` for the tests to compare with. The only command beside
//! benchmarks that installs them, into a virtual environment under `target`.
use crate::cargo;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Versions that the committed files were made with.
const PACKAGES: [&str; 7] = [
    "torch==2.15.0",
    "transformers==5.24.0",
    "peft==0.21.2",
    "gguf==0.19.0",
    "tokenizers==0.23.3",
    "safetensors==0.8.0",
    "numpy==2.4.6",
];

pub(crate) fn goldens() -> Result<ExitCode> {
    let scratch = cargo::root().join("target/goldens");
    let python = environment(&scratch.join("venv"))?;
    let script = cargo::root().join("crates/xtask/goldens/reference.py");
    let goldens = cargo::root().join("crates/sera-model/goldens");
    let mut make = Command::new(&python);
    cargo::must("computing the references", make.arg(&script).arg("make").arg(&goldens))?;

    let exported = scratch.join("exported");
    let mut tests = cargo::cargo();
    tests.args(["test", "--package", "sera-model", "goldens"]).env("GIT_SERA_EXPORTED", &exported);
    cargo::must("comparing, and writing adapters that were read", &mut tests)?;
    let mut check = Command::new(&python);
    check.arg(&script).arg("check").args([&goldens, &exported]);
    cargo::must("comparing them in PEFT", &mut check)?;
    Ok(ExitCode::SUCCESS)
}

/// The Python of a virtual environment that has [`PACKAGES`].
fn environment(folder: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !python.is_file() {
        let mut make = Command::new("python3");
        cargo::must("making a virtual environment", make.args(["-m", "venv"]).arg(folder))?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]).args(PACKAGES);
    cargo::must("installing PyTorch and what goes with it (several gigabytes)", &mut pip)
        .context("the references are made with Python's packages")?;
    Ok(python)
}
