//! The programs that this engine is compared with, got and built below `target`: PyTorch and what goes
//! with it, and llama.cpp. Only `goldens` and benchmarks want them.
use crate::cargo;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Versions that the committed references and figures were made with.
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

/// What is built of it: its server, and what turns one block format into another.
const TARGETS: [&str; 2] = ["llama-server", "llama-quantize"];

/// llama.cpp's source and the folder it was built in.
pub(crate) struct Llama {
    pub(crate) source: PathBuf,
    pub(crate) build: PathBuf,
}

/// Where all of it is kept.
pub(crate) fn scratch() -> PathBuf {
    cargo::root().join("target/peers")
}

/// llama.cpp with the programs in [`TARGETS`].
pub(crate) fn llama(python: &Path) -> Result<Llama> {
    let scratch = &scratch();
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
    if !TARGETS.iter().all(|target| build.join("bin").join(target).is_file()) {
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
        make.arg("--build").arg(&build).arg("--target").args(TARGETS).arg("--parallel");
        cargo::must("building its programs", &mut make)?;
    }
    Ok(Llama { source, build })
}

/// The Python of a virtual environment that has [`PACKAGES`].
pub(crate) fn python() -> Result<PathBuf> {
    let folder = scratch().join("venv");
    let python = folder.join("bin/python");
    if !python.is_file() {
        let mut make = Command::new("python3");
        cargo::must("making a virtual environment", make.args(["-m", "venv"]).arg(&folder))?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]).args(PACKAGES);
    cargo::must("installing PyTorch and what goes with it (several gigabytes)", &mut pip)
        .context("the references are made with Python's packages")?;
    Ok(python)
}
