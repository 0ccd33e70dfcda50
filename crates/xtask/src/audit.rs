//! `cargo xtask audit`: what is known against the versions of `Cargo.lock`, by RustSec's database.
use crate::cargo;
use anyhow::{Context as _, Result, ensure};
use semver::{Version, VersionReq};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use toml::Table;

/// Where advisories are collected.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";

/// Something is known against a dependency.
const FOUND: u8 = 1;
/// Nothing was looked at.
const UNKNOWN: u8 = 2;

/// `[--db FOLDER]`: a copy of the database instead of a fresh one.
pub(crate) fn audit(args: &[String]) -> Result<ExitCode> {
    let database = match args {
        [] => fetched(),
        [name, folder] if name == "--db" => Ok(PathBuf::from(folder)),
        _ => anyhow::bail!("cargo xtask audit [--db FOLDER]"),
    };
    let database = match database {
        Ok(database) => database,
        Err(error) => {
            cargo::say(&format!("MISSING: the advisory database ({error:#}); NOTHING was checked"));
            return Ok(ExitCode::from(UNKNOWN));
        }
    };
    let ignored = ignored()?;
    let (mut advisories, mut found) = (0usize, 0usize);
    let locked = locked()?;
    for (name, versions) in &locked {
        for advisory in advisories_of(&database, name)? {
            advisories += 1;
            for version in versions.iter().filter(|version| advisory.concerns(version)) {
                let passed_over = ignored.contains(&advisory.id);
                let word = if passed_over { "ignored: " } else { "" };
                cargo::say(&format!("{word}{name} {version}: {} {}", advisory.id, advisory.title));
                found += usize::from(!passed_over);
            }
        }
    }
    cargo::say(&format!(
        "{} packages, {advisories} advisories about them, {found} that concern us",
        locked.len()
    ));
    Ok(ExitCode::from(if found > 0 { FOUND } else { 0 }))
}

/// A copy of the database as it is now.
fn fetched() -> Result<PathBuf> {
    let folder = cargo::root().join("target/advisory-db");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("failed to remove the old copy")?;
    }
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--depth=1", DATABASE]).arg(&folder);
    let output = clone.env("GIT_TERMINAL_PROMPT", "0").output().context("failed to run git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", said.trim().lines().last().unwrap_or_default());
    Ok(folder)
}

/// Versions by package, as they are locked.
fn locked() -> Result<BTreeMap<String, Vec<Version>>> {
    let mut locked: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let lock = table(&std::fs::read_to_string(cargo::root().join("Cargo.lock"))?)?;
    for package in lock["package"].as_array().context("no package is locked")? {
        let text = |name: &str| package.get(name).and_then(|value| value.as_str());
        if let (Some(name), Some(version), Some(_)) =
            (text("name"), text("version"), text("source"))
        {
            locked.entry(name.to_owned()).or_default().push(version.parse()?);
        }
    }
    Ok(locked)
}

/// Advisories that are passed over.
fn ignored() -> Result<Vec<String>> {
    let rules = table(&std::fs::read_to_string(cargo::root().join(".cargo/deny.toml"))?)?;
    let list = rules["advisories"]["ignore"].as_array().context("no list of what is ignored")?;
    let id = |one: &toml::Value| one.get("id").and_then(|id| id.as_str()).map(str::to_owned);
    list.iter().map(|one| id(one).context("what is ignored has an id and a reason")).collect()
}

/// What is known about some versions of a package.
struct Advisory {
    id: String,
    title: String,
    withdrawn: bool,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    /// Reads a file of the database: TOML in a fenced block, then prose under a heading.
    fn read(text: &str) -> Result<Self> {
        let (head, prose) = text
            .split_once("```toml")
            .and_then(|(_, rest)| rest.split_once("```"))
            .context("no block of TOML")?;
        let table = table(head)?;
        let about = table.get("advisory").context("no section `advisory`")?;
        let id = about.get("id").and_then(|id| id.as_str()).context("no id")?.to_owned();
        let requirements = |name: &str| -> Result<Vec<VersionReq>> {
            let versions = table.get("versions").and_then(|versions| versions.get(name));
            let list = versions.and_then(|list| list.as_array()).into_iter().flatten();
            list.filter_map(|one| one.as_str()).map(|one| Ok(one.parse()?)).collect()
        };
        let title = prose.lines().find_map(|line| line.strip_prefix("# "));
        Ok(Self {
            id,
            title: title.unwrap_or_default().to_owned(),
            withdrawn: about.get("withdrawn").is_some(),
            patched: requirements("patched")?,
            unaffected: requirements("unaffected")?,
        })
    }

    fn concerns(&self, version: &Version) -> bool {
        let mut safe = self.patched.iter().chain(&self.unaffected);
        !self.withdrawn && !safe.any(|safe| safe.matches(version))
    }
}

fn advisories_of(database: &Path, package: &str) -> Result<Vec<Advisory>> {
    ensure!(database.join("crates").is_dir(), "{} is no advisory database", database.display());
    let Ok(files) = std::fs::read_dir(database.join("crates").join(package)) else {
        return Ok(Vec::new());
    };
    let mut advisories = Vec::new();
    for file in files {
        let path = file?.path();
        let text = std::fs::read_to_string(&path)?;
        let advisory = Advisory::read(&text);
        advisories.push(advisory.with_context(|| format!("failed to read {}", path.display()))?);
    }
    Ok(advisories)
}

fn table(text: &str) -> Result<Table> {
    text.parse().context("failed to read TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_neither_patched_nor_spared_are_concerned() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"x\"\n\n[versions]\n\
                    patched = [\">= 1.2.3\", \"^0.9.9\"]\nunaffected = [\"< 0.3.0\"]\n```\n\n# It leaks\n";
        let advisory = Advisory::read(text).expect("it is an advisory");
        assert_eq!((&*advisory.id, &*advisory.title), ("RUSTSEC-2026-0001", "It leaks"));
        for (version, concerned) in
            [("0.2.9", false), ("0.3.0", true), ("0.9.9", false), ("1.2.2", true), ("1.2.3", false)]
        {
            let parsed = version.parse().expect("it is a version");
            assert_eq!(advisory.concerns(&parsed), concerned, "{version}");
        }
        let withdrawn = text.replace("package", "withdrawn = \"2026-01-02\"\npackage");
        let withdrawn = Advisory::read(&withdrawn).expect("it is an advisory");
        assert!(!withdrawn.concerns(&Version::new(1, 0, 0)));
        assert!(Advisory::read("# prose only").is_err());
    }
}
