//! `cargo xtask goldens`: what PyTorch, Transformers, PEFT, gguf-py and llama.cpp compute, written to
//! `crates/sera-model/goldens` for the tests to compare with. The only command beside benchmarks that
//! installs them, into a virtual environment under `target`.
use crate::{cargo, test};
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Versions that the committed files were made with.
const PACKAGES: [&str; 10] = [
    "torch==2.15.0",
    "transformers==5.24.0",
    "peft==0.21.2",
    "gguf==0.19.0",
    "tokenizers==0.23.3",
    "safetensors==0.8.0",
    "numpy==2.4.6",
    "scikit-build-core==1.1.2",
    "cmake==4.4.5",
    "ninja==1.13.2",
];

/// Carries llama.cpp's source.
const LLAMA: &str = "llama_cpp_python-0.3.36";

pub(crate) fn goldens() -> Result<ExitCode> {
    let scratch = cargo::root().join("target/goldens");
    let python = environment(&scratch.join("venv"))?;
    let script = cargo::root().join("crates/xtask/goldens/reference.py");
    let goldens = cargo::root().join("crates/sera-model/goldens");
    let mut make = Command::new(&python);
    cargo::must("computing the references", make.arg(&script).arg("make").arg(&goldens))?;

    let (source, build) = llama(&scratch, &python)?;
    let mut daemon = cargo::cargo();
    cargo::must(
        "building the daemon, which gets the base",
        daemon.args(["build", "--bin", "sera-daemon"]),
    )?;
    let base = test::base()?.context("the default base's tokens are compared")?;
    let mut text = Command::new(&python);
    text.arg(script.with_file_name("text.py")).arg(&goldens).arg(base).args([source, build]);
    cargo::must("tokens and conversations", &mut text)?;

    let exported = scratch.join("exported");
    let mut tests = cargo::cargo();
    tests.args(["test", "--package", "sera-model", "goldens"]).env("GIT_SERA_EXPORTED", &exported);
    cargo::must("comparing, and writing adapters that were read", &mut tests)?;
    let mut check = Command::new(&python);
    check.arg(&script).arg("check").args([&goldens, &exported]);
    cargo::must("comparing them in PEFT", &mut check)?;
    Ok(ExitCode::SUCCESS)
}

/// llama.cpp's source and where its server was built.
fn llama(scratch: &Path, python: &Path) -> Result<(PathBuf, PathBuf)> {
    let (source, build) = (scratch.join(LLAMA).join("vendor/llama.cpp"), scratch.join("llama"));
    if !source.is_dir() {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]);
        pip.args(["--no-build-isolation", &LLAMA.replacen('-', "==", 1)])
            .arg("--dest")
            .arg(scratch);
        cargo::must("getting llama.cpp's source", &mut pip)?;
        let archive = scratch.join(format!("{LLAMA}.tar.gz"));
        cargo::must(
            "unpacking it",
            Command::new("tar").arg("xzf").arg(archive).current_dir(scratch),
        )?;
    }
    if !build.join("bin/llama-server").is_file() {
        let cmake = python.with_file_name("cmake");
        let mut configure = Command::new(&cmake);
        configure.arg("-S").arg(&source).arg("-B").arg(&build).arg("-GNinja");
        let ninja = python.with_file_name("ninja");
        configure.arg(format!("-DCMAKE_MAKE_PROGRAM={}", ninja.display()));
        configure.args([
            "-DCMAKE_BUILD_TYPE=Release",
            "-DBUILD_SHARED_LIBS=OFF",
            "-DLLAMA_CURL=OFF",
        ]);
        configure.args(["-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_TESTS=OFF"]);
        cargo::must("configuring llama.cpp", &mut configure)?;
        let mut make = Command::new(&cmake);
        make.arg("--build").arg(&build).args(["--target", "llama-server", "--parallel"]);
        cargo::must("building its server", &mut make)?;
    }
    Ok((source, build))
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
