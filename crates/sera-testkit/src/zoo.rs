//! The repository zoo: every shape of repository that git allows, and many that it does not, each
//! built by a script with real git, and the answer that it must get. Data: the tables below.
mod contents;
mod formats;
mod histories;
mod objects;
mod places;
mod refs;
mod states;

use crate::Repo;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a script says that it cannot be carried out here: only root gives folders away.
const CANNOT: i32 = 77;

/// What every script may call: three commits to start from, and a clock of its own.
const PRELUDE: &str = include_str!("zoo/prelude.sh");

/// One repository.
#[derive(Debug)]
pub struct Fixture {
    /// Its name, which its folder has, too.
    pub name: &'static str,
    /// Builds it, in an empty folder.
    script: &'static str,
    /// Where the commands work, relative to that folder. Bytes: paths need not be text.
    at: &'static [u8],
    /// Environment of the commands; values are relative to the folder.
    variables: &'static [(&'static str, &'static str)],
    /// What the commands have to say.
    pub answer: Answer,
}

/// What is said about a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is opened and mined: how many functions and commits, in brackets how many of them are
    /// held out, then what was left out and why.
    Mined(&'static str),
    /// No command opens it: exit code, message, hint.
    Refused(i32, &'static str, &'static str),
    /// It is opened, but its history cannot be read to the end: message. The exit code is 128, and
    /// the hint is to ask `git fsck`.
    Unreadable(&'static str),
}

/// Repositories of one kind.
#[derive(Debug)]
pub struct Class {
    /// What they have in common.
    pub name: &'static str,
    /// The repositories.
    pub fixtures: &'static [Fixture],
}

/// All of them.
pub const ZOO: &[Class] = &[
    Class { name: "formats and settings", fixtures: formats::FIXTURES },
    Class { name: "where a repository lies", fixtures: places::FIXTURES },
    Class { name: "HEAD and refs", fixtures: refs::FIXTURES },
    Class { name: "objects", fixtures: objects::FIXTURES },
    Class { name: "files and paths", fixtures: contents::FIXTURES },
    Class { name: "histories and commits", fixtures: histories::FIXTURES },
    Class { name: "index, locks and unfinished work", fixtures: states::FIXTURES },
];

/// What the three commits that most scripts start from give.
const BASE: Answer = Answer::Mined("3(1) functions, 1(0) commits; root 1, subject-class 1");

const NOWHERE: Answer = Answer::Refused(
    128,
    "/work is not in a git repository",
    "change to a repository, or make one with `git init`",
);

const BARE: Answer = Answer::Refused(
    128,
    "/work is a bare repository, which has no work tree",
    "clone it, and use the clone",
);

const SHALLOW: Answer = Answer::Refused(
    128,
    "/work is a shallow clone, whose history is incomplete",
    "get the rest of the history with `git fetch --unshallow`",
);

const PARTIAL: Answer = Answer::Refused(
    128,
    "/work is a partial clone, whose objects are fetched on demand",
    "clone it again without --filter",
);

const UNBORN: Answer = Answer::Refused(
    128,
    "the current branch of /work has no commit yet",
    "make a first commit, or check out another branch",
);

const fn fixture(name: &'static str, script: &'static str, answer: Answer) -> Fixture {
    Fixture { name, script, at: b"work", variables: &[], answer }
}

impl Fixture {
    const fn at(self, at: &'static [u8]) -> Self {
        Self { at, ..self }
    }

    const fn with(self, variables: &'static [(&'static str, &'static str)]) -> Self {
        Self { variables, ..self }
    }
}

/// A fixture that was built.
#[derive(Debug)]
pub struct Built {
    /// What it was built from.
    pub fixture: &'static Fixture,
    /// Everything that belongs to it.
    pub folder: PathBuf,
    /// Where the commands work.
    pub at: PathBuf,
}

impl Built {
    /// What the environment of its commands adds.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        self.fixture.variables.iter().map(|(name, value)| (*name, self.folder.join(value)))
    }
}

/// Builds fixtures below `repo`'s folder, with its home, in place of which nothing else is read.
#[derive(Debug)]
pub struct Zoo<'a> {
    repo: &'a Repo,
    folder: PathBuf,
}

impl<'a> Zoo<'a> {
    /// An empty zoo: only what scripts copy is built.
    pub fn new(repo: &'a Repo) -> Self {
        let zoo = Self { folder: repo.root().join("zoo"), repo };
        std::fs::create_dir(&zoo.folder).expect("a fresh temporary folder is writable");
        let built = zoo.run(&zoo.folder, "make_base");
        assert_eq!(built, Ok(()), "the base is built");
        zoo
    }

    /// Builds one; none where this user or file system cannot have it.
    pub fn build(&self, fixture: &'static Fixture) -> Option<Built> {
        let folder = self.folder.join(fixture.name.replace([' ', '/'], "-"));
        std::fs::create_dir(&folder).expect("every fixture has a name of its own");
        let built = self.run(&folder, fixture.script);
        if matches!(built, Err((Some(CANNOT), _))) {
            return None;
        }
        assert_eq!(built, Ok(()), "{} is built", fixture.name);
        let at = folder.join(path(fixture.at));
        Some(Built { fixture, folder, at })
    }

    fn run(&self, folder: &Path, script: &str) -> Result<(), (Option<i32>, String)> {
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", &[PRELUDE, script].concat()]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command.envs(self.repo.environment()).env("ZOO", &self.folder).env("LC_ALL", "C");
        let output = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .expect("a shell is installed: git needs one, too");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err((output.status.code(), said)) }
    }
}

fn path(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
