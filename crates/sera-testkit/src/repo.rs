//! A repository built by the real `git`, so that tests never trust our own reading of the format.
use crate::{EPOCH, TICK};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// Who makes a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: &'static str,
    /// Their address.
    pub email: &'static str,
}

/// The developer whose repository it is.
pub const AUTHOR: Person = Person { name: "Ada Example", email: "ada@example.invalid" };

/// A dependency bot.
pub const BOT: Person =
    Person { name: "dependabot[bot]", email: "49699333+dependabot[bot]@users.noreply.github.com" };

/// A repository in a temporary folder with a home of its own; both vanish with this value.
#[derive(Debug)]
pub struct Repo {
    folder: TempDir,
    work: PathBuf,
    clock: AtomicI64,
}

impl Default for Repo {
    fn default() -> Self {
        Self::new()
    }
}

impl Repo {
    /// An empty repository with the branch `main` unborn.
    pub fn new() -> Self {
        Self::init(&[])
    }

    /// The same with further options of `git init`, `--bare` or `--object-format=sha256`.
    pub fn init(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let root = folder.path().canonicalize().expect("the temporary folder exists");
        let work = root.join("work");
        for folder in [&work, &root.join("home")] {
            std::fs::create_dir(folder).expect("a fresh temporary folder is writable");
        }
        let repo = Self { folder, work, clock: AtomicI64::new(EPOCH) };
        repo.git(&[&["init", "-q", "-b", "main"], options].concat());
        repo
    }

    /// The top of the work tree.
    pub fn path(&self) -> &Path {
        &self.work
    }

    /// The isolated home. Its `.gitconfig` is the global configuration.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// A folder outside the work tree that lives as long as the repository.
    pub fn root(&self) -> &Path {
        self.work.parent().expect("the work tree lies in the temporary folder")
    }

    /// The variables that isolate a process from the developer's own configuration.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let home = self.home();
        vec![
            ("GIT_CONFIG_GLOBAL", home.join(".gitconfig")),
            ("GIT_CONFIG_NOSYSTEM", PathBuf::from("1")),
            ("GIT_TERMINAL_PROMPT", PathBuf::from("0")),
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("HOME", home),
        ]
    }

    /// `git` in the work tree, isolated, at the next date.
    pub fn command(&self) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        let date = format!("{} +0000", self.tick());
        command.current_dir(&self.work).envs(self.environment());
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command.env("GIT_AUTHOR_NAME", AUTHOR.name).env("GIT_AUTHOR_EMAIL", AUTHOR.email);
        command.env("GIT_COMMITTER_NAME", AUTHOR.name).env("GIT_COMMITTER_EMAIL", AUTHOR.email);
        command
    }

    fn tick(&self) -> i64 {
        self.clock.fetch_add(TICK, Ordering::Relaxed)
    }

    /// Moves the dates of later commits past `time` (Unix seconds).
    pub(crate) fn advance(&self, time: i64) {
        self.clock.fetch_max(time + TICK, Ordering::Relaxed);
    }

    /// Runs git and returns its output without the last newline; fails the test where git fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.git_bytes(arguments))
            .expect("the test asked for text")
            .trim_end_matches('\n')
            .to_owned()
    }

    /// Runs git and returns its output as it came.
    pub fn git_bytes(&self, arguments: &[&str]) -> Vec<u8> {
        run(self.command().args(arguments), None)
    }

    /// Runs git with `input` on standard input.
    pub fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        run(self.command().args(arguments), Some(input))
    }

    /// Writes a file of the work tree without committing it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.work.join(path);
        std::fs::create_dir_all(file.parent().expect("a path in the work tree has a parent"))
            .expect("the work tree is writable");
        std::fs::write(file, content).expect("the work tree is writable");
    }

    /// Reads a file of the work tree.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.work.join(path)).expect("the test wrote this file")
    }

    /// Writes `files`, commits everything in the work tree and returns the commit's id.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
        self.commit_as(AUTHOR, message, files)
    }

    /// The same by another author.
    pub fn commit_as(&self, author: Person, message: &str, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            self.write(path, content);
        }
        self.git(&["add", "--all"]);
        let mut command = self.command();
        command.env("GIT_AUTHOR_NAME", author.name).env("GIT_AUTHOR_EMAIL", author.email);
        run(command.args(["commit", "-q", "--allow-empty", "-m", message]), None);
        self.head()
    }

    /// Removes files and commits that.
    pub fn remove(&self, message: &str, paths: &[&str]) -> String {
        for path in paths {
            std::fs::remove_file(self.work.join(path)).expect("the file to remove is there");
        }
        self.commit(message, &[])
    }

    /// Merges `branch` into the current one with a merge commit and returns its id.
    pub fn merge(&self, branch: &str) -> String {
        let message = format!("Merge branch '{branch}'");
        self.git(&["merge", "-q", "--no-ff", "-m", &message, branch]);
        self.head()
    }

    /// The current commit's id.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Keeps the folder after the test and says where it is: for looking at a failure.
    pub fn keep(self) -> PathBuf {
        let Self { folder, work, clock: _ } = self;
        let _kept = folder.keep();
        work
    }
}

fn run(command: &mut Command, input: Option<&[u8]>) -> Vec<u8> {
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is installed: the tests need it");
    if let Some(input) = input {
        let mut pipe = child.stdin.take().expect("standard input was asked for");
        pipe.write_all(input).expect("git reads what it is sent");
    }
    let output = child.wait_with_output().expect("git ends");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {message}");
    output.stdout
}
