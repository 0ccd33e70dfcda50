//! A repository, folders of its own for the daemon, and a daemon that answers as it is told.
use sera_core::JobId;
use sera_protocol::codec::{decode, encode};
use sera_protocol::job::{Progress, StepNote};
use sera_protocol::message::{ErrorCode, Failure, Incoming, Message};
use sera_protocol::method::{
    HelloResult, PauseResult, RegisterResult, Request, ResumeResult, RunResult, StatusReport,
    StopResult, UnregisterResult,
};
use sera_protocol::{JobResult, Notification, Stage, VERSION};
use sera_testkit::Repo;
use serde::Serialize;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;

/// Everything one test needs.
pub(crate) struct Bench {
    pub(crate) repo: Repo,
    folders: tempfile::TempDir,
}

impl Bench {
    /// A repository with one commit, and no daemon.
    pub(crate) fn new() -> Self {
        let repo = Repo::new();
        repo.commit("first", &[("src/a.py", "def total(x):\n    return x - 1\n")]);
        Self { repo, folders: tempfile::tempdir().unwrap() }
    }

    /// The same with a daemon that answers every job with `result`.
    pub(crate) fn answering(result: JobResult) -> (Self, Receiver<Request>) {
        Self::scripted(move |request, daemon| match request {
            Request::Run(_) => {
                daemon.tell(progress(Stage::Mine, 1, 2));
                daemon.tell(progress(Stage::Mine, 2, 2));
                daemon.tell(progress(Stage::Train, 1, 0));
                daemon.tell(StepNote { job: job(), text: "a step".to_owned() }.into());
                daemon.answer(Ok(RunResult { job: job(), result: result.clone() }));
            }
            other => daemon.answer_as_usual(other),
        })
    }

    /// The same with a daemon that does what `script` does.
    pub(crate) fn scripted(
        script: impl Fn(&Request, &mut Answering<'_>) + Send + 'static,
    ) -> (Self, Receiver<Request>) {
        let bench = Self::new();
        let seen = bench.listen("daemon.sock", script);
        (bench, seen)
    }

    /// Starts a scripted daemon at `name` in the runtime folder.
    pub(crate) fn listen(
        &self,
        name: &str,
        script: impl Fn(&Request, &mut Answering<'_>) + Send + 'static,
    ) -> Receiver<Request> {
        let runtime = self.runtime();
        sera_protocol::paths::secure_folder(&runtime).unwrap();
        let listener = UnixListener::bind(runtime.join(name)).unwrap();
        let (sender, seen) = channel();
        spawn(move || {
            for stream in listener.incoming() {
                if serve(&stream.unwrap(), &script, &sender) {
                    std::fs::remove_file(runtime.join("daemon.sock")).unwrap();
                    break;
                }
            }
        });
        seen
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.folders.path().join("run")
    }

    pub(crate) fn folders(&self) -> &Path {
        self.folders.path()
    }

    /// `git-sera` with `arguments`, in the repository, isolated, standard input closed.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_git-sera"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ["GIT_", "XDG_", "CLICOLOR", "NO_COLOR"].iter().any(|p| name.starts_with(p)) {
                command.env_remove(&*name);
            }
        }
        command.args(arguments).current_dir(self.repo.path()).envs(self.repo.environment());
        for (name, folder) in [
            (sera_protocol::paths::RUNTIME_DIR, "run"),
            (sera_protocol::paths::STATE_DIR, "state"),
            (sera_protocol::paths::CACHE_DIR, "cache"),
        ] {
            command.env(name, self.folders.path().join(folder));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What a whole run says, as one text.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.show(&self.command(arguments).output().unwrap())
    }

    /// The same with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> String {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        self.show(&child.wait_with_output().unwrap())
    }

    /// Exit code and both streams, with the folders' names replaced.
    pub(crate) fn show(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let all = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            output.status.code().map_or("by signal".to_owned(), |code| code.to_string()),
            text(&output.stdout),
            text(&output.stderr)
        );
        let replace = |all: String, path: &Path, name: &str| {
            all.replace(path.canonicalize().unwrap().to_str().unwrap(), name)
                .replace(path.to_str().unwrap(), name)
        };
        replace(replace(all, self.repo.path(), "[REPO]"), self.folders.path(), "[FOLDERS]")
    }
}

/// The one job of these tests.
pub(crate) fn job() -> JobId {
    JobId::new(0, b"job")
}

pub(crate) fn progress(stage: Stage, done: u64, total: u64) -> Notification {
    let (unit, message) = ("things".to_owned(), String::new());
    Progress { job: job(), stage, done, total, unit, message }.into()
}

/// What a script answers a request with.
pub(crate) struct Answering<'a> {
    stream: &'a UnixStream,
    id: u64,
}

impl Answering<'_> {
    pub(crate) fn tell(&mut self, notification: Notification) {
        self.send(&Message::Notification(notification));
    }

    pub(crate) fn answer<T: Serialize>(&mut self, result: Result<T, Failure>) {
        self.answer_to(self.id, result);
    }

    pub(crate) fn answer_to<T: Serialize>(&mut self, id: u64, result: Result<T, Failure>) {
        self.send(&Message::answer(id, result));
    }

    pub(crate) fn refuse(&mut self, failure: Failure) {
        self.answer::<()>(Err(failure));
    }

    fn send(&mut self, message: &Message) {
        // The command may be gone already; that is its business.
        drop(self.stream.write_all(&encode(message).unwrap()));
    }

    /// What any daemon says when nothing special is asked of it.
    pub(crate) fn answer_as_usual(&mut self, request: &Request) {
        match request {
            Request::Hello(_) => {
                let build = "0.1.0".to_owned();
                self.answer(Ok(HelloResult { version: VERSION, build, pid: 4711 }));
            }
            Request::Register(params) => self.answer(Ok(RegisterResult {
                path: params.path.clone(),
                common_dir: format!("{}/.git", params.path),
                added: true,
            })),
            Request::Unregister(_) => self.answer(Ok(UnregisterResult { removed: true })),
            Request::Status(_) => self.answer(Ok(StatusReport {
                version: "0.1.0".to_owned(),
                pid: 4711,
                ..StatusReport::default()
            })),
            Request::Pause(_) => self.answer(Ok(PauseResult { until_ms: None })),
            Request::Resume(_) => self.answer(Ok(ResumeResult { was_paused: true })),
            Request::Stop(_) => self.answer(Ok(StopResult { pid: 4711 })),
            Request::Run(_) | Request::Cancel(_) => {
                self.refuse(Failure::new(ErrorCode::Internal, "the script has no answer"));
            }
        }
    }
}

/// Serves one connection; true once the daemon was told to stop.
fn serve(
    stream: &UnixStream,
    script: &dyn Fn(&Request, &mut Answering<'_>),
    seen: &Sender<Request>,
) -> bool {
    let mut stopped = false;
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        let Incoming::Message(Message::Request { id, request }) = decode(&line) else {
            panic!("the command sent something else")
        };
        stopped |= matches!(request, Request::Stop(_));
        // Before it is answered, so that what a finished command asked has been seen. A test that
        // has ended does not listen any more.
        drop(seen.send(request.clone()));
        let mut answering = Answering { stream, id };
        match &request {
            Request::Hello(_) => answering.answer_as_usual(&request),
            other => script(other, &mut answering),
        }
    }
    stopped
}
