//! `cargo xtask codegen`: generated files are written by the tests that check them.
use crate::cargo;
use anyhow::Result;
use std::process::ExitCode;

/// Runs every freshness test in writing mode.
pub(crate) fn codegen() -> Result<ExitCode> {
    let mut tests = cargo::cargo();
    tests.args(["test", "--quiet", "--package", "sera-protocol", "--package", "git-sera", "fresh"]);
    cargo::must("writing generated files", tests.env("GIT_SERA_CODEGEN", "1"))?;
    Ok(ExitCode::SUCCESS)
}
