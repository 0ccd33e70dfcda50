//! `cargo xtask bench socket`: how long a hundred clients wait for the daemon's status.
use crate::{cargo, test};
use anyhow::Result;
use std::process::ExitCode;

/// `[--profile dev|release]`.
pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    let profile = match args {
        [] => "release",
        [name, profile] if name == "--profile" => profile,
        _ => anyhow::bail!("cargo xtask bench socket [--profile dev|release]"),
    };
    let mut build = cargo::cargo();
    build.args(["build", "--workspace", "--bins", "--profile", profile]);
    cargo::must("building the binaries that are measured", &mut build)?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let mut measure = cargo::cargo();
    measure.args(["test", "--quiet", "--package", "sera-daemon", "--test", "it", "load::"]);
    measure.args(["--", "--ignored", "--nocapture"]);
    measure.env("GIT_SERA_TEST_BIN", cargo::built(folder, "git-sera").with_file_name(""));
    if std::env::var_os("GIT_SERA_TEST_BASE").is_none()
        && let Some(base) = test::base(folder)?
    {
        measure.env("GIT_SERA_TEST_BASE", base);
    }
    cargo::finish(&mut measure)
}
