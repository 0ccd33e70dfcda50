//! One user: a repository, folders of its own for the daemon, and the commands to drive both.
use sera_protocol::method::RunParams;
use sera_protocol::{Client, Job, JobResult, Notification};
use sera_testkit::Repo;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine: only a test that hangs meets it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A user with one repository and, once asked for, one daemon. Dropping it ends the daemon.
pub(crate) struct User {
    pub(crate) repo: Repo,
    /// Variables set on top of the isolated ones.
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
    /// Whose commands and daemon they are, where not those of whoever runs the tests.
    #[cfg(unix)]
    pub(crate) uid: Option<u32>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The last line of standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last();
        let line = line.unwrap_or_else(|| panic!("nothing on standard output: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Itself, if the command succeeded.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl User {
    /// The user of a repository.
    pub(crate) fn of(repo: Repo) -> Self {
        let user = Self {
            repo,
            variables: Vec::new(),
            #[cfg(unix)]
            uid: None,
        };
        user.schedule(&[("auto", "false")]);
        user
    }

    /// Says what may be computed though nobody asks; without this nothing is.
    pub(crate) fn schedule(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.repo.git(&["config", "--global", &format!("sera.schedule.{name}"), value]);
        }
    }

    /// Has adapters be trained when one is due, however the machine is.
    pub(crate) fn always(&self) {
        let free = [("load", "1"), ("temperature", "500"), ("memory", "0"), ("disk", "0")];
        self.schedule(&[("auto", "true")]);
        self.schedule(&free);
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.repo.root().join(name)
    }

    /// Where the daemon listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder("r").join("daemon.sock")
    }

    /// What the daemon keeps of the user.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder("s")
    }

    /// `$GIT_COMMON_DIR/sera`.
    pub(crate) fn sera_folder(&self) -> PathBuf {
        self.repo.path().join(".git").join("sera")
    }

    /// A binary with the variables that isolate it, in the work tree.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binary(name));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.repo.path()).envs(self.repo.environment());
        command.env("GIT_SERA_RUNTIME_DIR", self.folder("r"));
        command.env("GIT_SERA_STATE_DIR", self.folder("s"));
        command.env("GIT_SERA_CACHE_DIR", self.folder("c"));
        command.envs(self.variables.iter().cloned());
        #[cfg(unix)]
        if let Some(uid) = self.uid {
            std::os::unix::process::CommandExt::uid(&mut command, uid);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Starts `git-sera` with these arguments, its streams piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command("git-sera");
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Runs `git-sera` to its end.
    pub(crate) fn sera(&self, arguments: &[&str]) -> Ended {
        end(self.start(arguments))
    }

    /// Runs `git-sera … --json`, which must succeed, and returns its result.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.sera(&[arguments, &["--json"]].concat()).well().json()
    }

    /// The daemon's status; null while none answers.
    pub(crate) fn status(&self) -> Value {
        let ended = self.sera(&["status", "--json"]);
        if ended.code == 0 { ended.json() } else { Value::Null }
    }

    /// Asks for the status until it passes `reached`.
    pub(crate) fn wait(&self, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        poll(what, || {
            last = self.status();
            reached(&last)
        });
        last
    }

    /// A job over the socket, past the command: what it was told on the way, and its end.
    pub(crate) fn job(
        &self,
        job: Job,
    ) -> (Vec<Notification>, Result<JobResult, sera_protocol::ClientError>) {
        let mut client = Client::connect(&self.socket(), "test", "0").unwrap();
        let path = self.repo.path().to_str().unwrap().to_owned();
        let mut told = Vec::new();
        let ended = client.call_watching(RunParams { path, job }, &mut |one| told.push(one));
        (told, ended.map(|run| run.result))
    }

    /// The daemon's process.
    pub(crate) fn pid(&self) -> u32 {
        u32::try_from(self.status()["pid"].as_u64().unwrap()).unwrap()
    }

    /// `kill -9` of the daemon, and its end.
    pub(crate) fn kill(&self) {
        let pid = self.pid();
        signal("KILL", pid);
        poll("the daemon is gone", || self.status().is_null());
    }

    /// Every process that was started with this user's folders.
    #[cfg(target_os = "linux")]
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mark = format!("GIT_SERA_RUNTIME_DIR={}", self.folder("r").display());
        let holds = |pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&mark)
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(holds).collect()
    }

    /// The workers of a kind.
    #[cfg(target_os = "linux")]
    pub(crate) fn workers(&self, kind: &str) -> Vec<u32> {
        let works = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut arguments = line.split(|byte| *byte == 0).skip(1);
            arguments.next() == Some(b"work") && arguments.next() == Some(kind.as_bytes())
        };
        self.processes().into_iter().filter(works).collect()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // A test that failed must not leave a daemon behind, nor one that hangs hang the others.
        drop(self.start(&["stop"]).wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder("s").join("daemon.log"));
            print(&format!("the daemon's log:\n{}", log.unwrap_or_default()));
        }
    }
}

/// Waits for a process and takes what it wrote.
pub(crate) fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Asks again and again, until `reached` or the test has failed.
pub(crate) fn poll(what: &str, mut reached: impl FnMut() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < DEADLINE, "never came: {what}");
        // Asking without a pause would take the processor from whom it waits for.
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Sends a signal.
pub(crate) fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(sent.success(), "kill -s {name} {pid}");
}

/// The base with real weights, if the environment names it. Where nobody would read that a test
/// was left out, leaving it out is a failure.
pub(crate) fn real_base() -> Option<PathBuf> {
    let named = std::env::var_os("GIT_SERA_TEST_BASE").map(PathBuf::from);
    if named.is_none() {
        assert!(std::env::var_os("CI").is_none(), "GIT_SERA_TEST_BASE names no base");
        print("NOT TESTED: GIT_SERA_TEST_BASE names no base (`cargo xtask test` gets one)");
    }
    named
}

/// How many trials, or from which seed on, as the environment says.
pub(crate) fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// Says something past the test harness, which shows what a passing test prints to nobody.
pub(crate) fn print(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("GIT_SERA_TEST_BIN").map(PathBuf::from);
    let own = std::env::current_exe().unwrap();
    let folder = folder.as_deref().or_else(|| own.parent().and_then(Path::parent)).unwrap();
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "no {}: build it with `cargo build --workspace --bins`",
        path.display()
    );
    path
}

/// Every file below a folder that holds `text`.
pub(crate) fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, text));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).contains(text)
        {
            found.push(path.display().to_string());
        }
    }
    found
}
