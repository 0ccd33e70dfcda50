//! `cargo xtask dist`: what people install, the same bytes wherever it is built.
//!
//! An archive, a Debian package, a list of what went in (CycloneDX), and checksums of them. Nothing
//! of the machine goes in: no path, no time but the commit's, no user, no order of a folder.
use crate::cargo;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

mod pack;
mod sbom;

/// The programs that are installed.
const PROGRAMS: [&str; 2] = ["git-sera", "sera-daemon"];
/// What says what all other files are.
const SUMS: &str = "SHA256SUMS";

/// `[--profile NAME] [--out FOLDER]`, or `twice [--profile NAME]`: build two copies of HEAD in two
/// folders and compare.
pub(crate) fn dist(args: &[String]) -> Result<ExitCode> {
    let (twice, mut rest) = match args.split_first() {
        Some((first, rest)) if first == "twice" => (true, rest.iter()),
        _ => (false, args.iter()),
    };
    let (mut profile, mut out) = ("release".to_owned(), cargo::root().join("target/dist"));
    while let Some(name) = rest.next() {
        let value = rest.next().with_context(|| format!("{name} needs a value"))?.to_owned();
        match name.as_str() {
            "--profile" => profile = value,
            "--out" => out = std::path::absolute(value)?,
            other => bail!("unexpected {other:?}"),
        }
    }
    if twice {
        return compare(&profile);
    }
    make(&cargo::root(), &profile, &out)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds two clones of HEAD in folders of other names and lengths; fails where they differ.
fn compare(profile: &str) -> Result<ExitCode> {
    let folder = cargo::root().join("target/dist-twice");
    let mut sums = Vec::new();
    for name in ["one", "another/and deeper"] {
        let root = folder.join(name);
        if root.exists() {
            std::fs::remove_dir_all(&root).context("failed to remove an earlier copy")?;
        }
        let mut clone = Command::new("git");
        clone.args(["clone", "--quiet"]).arg(cargo::root()).arg(&root);
        cargo::must("cloning HEAD", &mut clone)?;
        let out = root.join("target/dist");
        make(&root, profile, &out)?;
        sums.push(std::fs::read_to_string(out.join(SUMS))?);
        std::fs::remove_dir_all(root.join("target")).context("failed to make room")?;
    }
    let same = sums[0] == sums[1];
    cargo::say(&sums[0]);
    cargo::say(if same { "twice the same" } else { "NOT the same twice; the other was:" });
    if !same {
        cargo::say(&sums[1]);
    }
    Ok(ExitCode::from(u8::from(!same)))
}

/// A file as it is installed.
struct Entry {
    /// Below the prefix: `bin/git-sera`.
    path: String,
    bytes: Vec<u8>,
    executable: bool,
}

/// What is packed, and what is said about it.
struct Release {
    version: String,
    /// Rust's name of the system.
    target: String,
    /// Unix time of the commit.
    time: u64,
    files: Vec<Entry>,
}

fn make(root: &Path, profile: &str, out: &Path) -> Result<()> {
    let time = time_of_head(root)?;
    let target = cargo::host()?;
    let programs = build(root, profile, time)?;
    let metadata = metadata(root, &target)?;
    let version = sbom::version(&metadata, PROGRAMS[0])?;
    let sbom = sbom::of(&metadata, &std::fs::read_to_string(root.join("Cargo.lock"))?, time)?;
    let release = Release { version, target, time, files: files(root, &programs)? };
    if out.exists() {
        std::fs::remove_dir_all(out).context("failed to remove an earlier release")?;
    }
    std::fs::create_dir_all(out)?;
    let name = format!("git-sera-{}-{}", release.version, release.target);
    let made = [
        (format!("{name}.cdx.json"), serde_json::to_vec_pretty(&sbom)?),
        (format!("{name}.tar.gz"), pack::archive(&release, &name)?),
        (pack::deb_name(&release), pack::deb(&release)?),
    ];
    let mut sums = String::new();
    for (name, bytes) in made {
        writeln!(sums, "{}  {name}", hex(&Sha256::digest(&bytes)))?;
        std::fs::write(out.join(&name), bytes)?;
    }
    std::fs::write(out.join(SUMS), &sums)?;
    cargo::say(&format!("{}\n{sums}", out.display()));
    Ok(())
}

/// Builds the programs so that they hold no path of this machine.
fn build(root: &Path, profile: &str, time: u64) -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = std::env::home_dir()?;
        Some(home.join(".cargo"))
    });
    let home = home.context("cargo has no home")?;
    let [root_text, home] = [root, &home].map(|path| path.display().to_string());
    // The last that fits is taken, and a checkout may lie in cargo's home or around it.
    let places = [(&home, "/cargo"), (&root_text, "/sera")];
    let flags = |option: &str, join: &str| {
        let map = |(from, to): &(&String, &str)| format!("{option}{join}{from}={to}");
        places.iter().map(map).collect::<Vec<_>>()
    };
    let folder = root.join("target/reproducible");
    let mut build = cargo::cargo();
    build.current_dir(root).args(["build", "--locked", "--profile", profile]);
    build.arg("--target-dir").arg(&folder);
    build.args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    // Separated so that folders may have spaces in their names.
    build.env("CARGO_ENCODED_RUSTFLAGS", flags("--remap-path-prefix", "=").join("\u{1f}"));
    let c_flags: Vec<_> = places.iter().map(|(from, to)| c_flag(from, to)).collect();
    build.env("CFLAGS", c_flags.join(" ")).env("CXXFLAGS", c_flags.join(" "));
    build.env("CC_SHELL_ESCAPED_FLAGS", "1");
    build.env("CARGO_INCREMENTAL", "0").env("SOURCE_DATE_EPOCH", time.to_string());
    cargo::must(&format!("building the profile {profile}"), &mut build)?;
    let place = if profile == "dev" { "debug" } else { profile };
    let suffix = std::env::consts::EXE_SUFFIX;
    Ok(PROGRAMS.map(|name| folder.join(place).join(format!("{name}{suffix}"))).into())
}

/// `-ffile-prefix-map` as a shell would read it.
fn c_flag(from: &str, to: &str) -> String {
    format!("'-ffile-prefix-map={}={to}'", from.replace('\'', r"'\''"))
}

fn files(root: &Path, programs: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut files = Vec::new();
    let mut add = |path: String, from: &Path, executable: bool| -> Result<()> {
        let bytes = std::fs::read(from).with_context(|| format!("no {}", from.display()))?;
        files.push(Entry { path, bytes, executable });
        Ok(())
    };
    for program in programs {
        add(format!("bin/{}", name(program)?), program, true)?;
    }
    for page in cargo::listed(&root.join("packaging/man"))? {
        add(format!("share/man/man1/{}", name(&page)?), &page, false)?;
    }
    for (from, to) in [
        ("git-sera.bash", "share/bash-completion/completions/git-sera"),
        ("_git-sera", "share/zsh/site-functions/_git-sera"),
        ("git-sera.fish", "share/fish/vendor_completions.d/git-sera.fish"),
    ] {
        add(to.to_owned(), &root.join("packaging/completions").join(from), false)?;
    }
    for document in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        add(format!("share/doc/git-sera/{document}"), &root.join(document), false)?;
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.with_context(|| format!("{} has no plain name", path.display()))?.to_owned())
}

fn time_of_head(root: &Path) -> Result<u64> {
    let mut log = Command::new("git");
    said(log.arg("-C").arg(root).args(["log", "-1", "--format=%ct"]))?
        .trim()
        .parse()
        .context("no time")
}

fn metadata(root: &Path, target: &str) -> Result<Value> {
    let mut ask = cargo::cargo();
    ask.current_dir(root).args(["metadata", "--format-version=1", "--locked"]);
    Ok(serde_json::from_str(&said(ask.arg(format!("--filter-platform={target}")))?)?)
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("failed to start {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", errors.trim());
    Ok(String::from_utf8(output.stdout)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
