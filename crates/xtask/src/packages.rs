//! Debian's packages, for what tests run that cargo does not build.
use crate::cargo;
use anyhow::Result;
use std::process::{Command, Stdio};

/// Installs the packages of those programs that are not there.
pub(crate) fn install(programs: &[(&str, &str)]) -> Result<()> {
    let missing = |program: &str| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        !found.is_ok_and(|found| found.status.success())
    };
    let mut packages: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| missing(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        apt
    };
    cargo::must("refreshing the list of packages", &mut apt(&["update"]))?;
    let install = [&["install", "--yes", "--no-install-recommends"], &packages[..]].concat();
    cargo::must("installing what tests run", &mut apt(&install))
}
