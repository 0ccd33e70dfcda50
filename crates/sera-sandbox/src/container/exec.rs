//! One command in a container: its output up to a cap, its end, and the end of all it started.
use super::engine::{CALL, Engine, EngineError};
use super::spec::{KEEPER, OWN_PATH, TREE, USER};
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::{Stream, StreamExt as _};
use sera_core::Cancel;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

/// How often a command that says nothing is asked whether it is over.
const TICK: Duration = Duration::from_millis(100);
/// Seconds that processes have to end after they were killed.
const KILLED: u64 = 5;
/// Bytes of one read of output.
const CHUNK: usize = 64 << 10;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i64),
    /// At its deadline, with everything it had started.
    TimedOut,
    /// The caller cancelled, with everything it had started.
    Cancelled,
}

/// A command that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// How.
    pub ended: Ended,
    /// Standard output and error as they came, head and tail within the cap.
    pub output: Vec<u8>,
    /// Bytes of output between head and tail that were not kept.
    pub lost: u64,
    /// The container had to be killed: nothing in it is left.
    pub container_gone: bool,
}

impl Executed {
    /// What was printed, as text, without what only a terminal reads.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.output);
        let plain = anstream::adapter::strip_str(&text).to_string();
        plain.chars().filter(|&c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
    }
}

/// What a command is given, and how long it may take.
pub(super) struct Command<'a> {
    pub(super) argv: &'a [&'a str],
    pub(super) user: &'a str,
    /// Variables beside the container's own.
    pub(super) env: &'a [&'a str],
    pub(super) input: Option<&'a [u8]>,
    pub(super) deadline: Duration,
    pub(super) cancel: &'a Cancel,
}

/// Where output goes: whatever is taken is as it came, and in order.
pub(super) trait Sink {
    fn take(&mut self, output: &LogOutput);
}

/// Runs a command in a container, its output into `sink`. At its deadline it is killed with all that
/// commands started; true where the container had to go with it.
pub(super) fn run(
    engine: &Engine,
    container: &str,
    command: &Command<'_>,
    sink: &mut (dyn Sink + Send),
) -> Result<(Ended, bool), EngineError> {
    let (exec, ended) = run_once(engine, container, command, sink)?;
    match ended {
        Some(ended) => Ok((ended, false)),
        None => {
            let gone = kill(engine, container, &exec)?;
            let cancelled = command.cancel.is_cancelled();
            Ok((if cancelled { Ended::Cancelled } else { Ended::TimedOut }, gone))
        }
    }
}

/// Runs a command until it is over, or its deadline: then it goes on.
fn run_once(
    engine: &Engine,
    container: &str,
    command: &Command<'_>,
    sink: &mut (dyn Sink + Send),
) -> Result<(String, Option<Ended>), EngineError> {
    let exec = create(engine, container, command)?;
    let start = StartExecOptions { output_capacity: Some(CHUNK), ..StartExecOptions::default() };
    let started = engine.docker.start_exec(&exec, Some(start));
    let StartExecResults::Attached { output, input } =
        engine.call("start a command", CALL, started)?
    else {
        return Err(EngineError::Timeout { call: "attach to a command", seconds: CALL });
    };
    let given = command.input.unwrap_or_default();
    let follow = async {
        tokio::select! {
            ended = read(engine, &exec, output, command, sink) => ended,
            never = feed(input, given) => match never {},
        }
    };
    let ended = engine.wait(follow)?;
    Ok((exec, ended))
}

fn create(engine: &Engine, container: &str, command: &Command<'_>) -> Result<String, EngineError> {
    let options = CreateExecOptions {
        attach_stdin: Some(command.input.is_some()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.argv.to_vec()),
        user: Some(command.user),
        env: Some(command.env.to_vec()),
        working_dir: Some(TREE),
        privileged: Some(false),
        ..CreateExecOptions::default()
    };
    let created = engine.docker.create_exec(container, options);
    Ok(engine.call("prepare a command", CALL, created)?.id)
}

/// Writes the input and stays: the other direction is open as long as this one's handle is.
async fn feed(mut input: Pin<Box<dyn AsyncWrite + Send>>, bytes: &[u8]) -> Infallible {
    // A command that closes its input is not wrong; what it says then, and its code, tell.
    if input.write_all(bytes).await.is_ok() {
        drop(input.shutdown().await);
    }
    std::future::pending().await
}

/// Reads until the command is over; none where its time was over first.
async fn read(
    engine: &Engine,
    exec: &str,
    mut output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
    command: &Command<'_>,
    sink: &mut (dyn Sink + Send),
) -> Result<Option<Ended>, EngineError> {
    let deadline = Instant::now() + command.deadline;
    let mut look = Instant::now() + TICK;
    loop {
        if Instant::now() >= deadline || command.cancel.is_cancelled() {
            return Ok(None);
        }
        // What a process left behind may hold the stream open, and write on and on: once the
        // command itself is over, what came by then is all that is waited for.
        if Instant::now() >= look {
            if let Some(over) = ended(engine, exec).await? {
                let rest = Instant::now() + TICK;
                while let Ok(Some(Ok(part))) = tokio::time::timeout_at(rest, output.next()).await {
                    sink.take(&part);
                }
                return Ok(Some(over));
            }
            look = Instant::now() + TICK;
        }
        match timeout(TICK, output.next()).await {
            Ok(Some(Ok(part))) => sink.take(&part),
            Err(_) => {}
            Ok(None) => return last(engine, exec, deadline).await,
            Ok(Some(Err(error))) => return Err(EngineError::call("run a command", error)),
        }
    }
}

/// The stream is closed, and the code comes a moment later.
async fn last(
    engine: &Engine,
    exec: &str,
    deadline: Instant,
) -> Result<Option<Ended>, EngineError> {
    let mut wait = Duration::from_millis(1);
    loop {
        if let Some(ended) = ended(engine, exec).await? {
            return Ok(Some(ended));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(TICK);
    }
}

async fn ended(engine: &Engine, exec: &str) -> Result<Option<Ended>, EngineError> {
    let call = "tell how a command ended";
    let told = timeout(Duration::from_secs(CALL), engine.docker.inspect_exec(exec)).await;
    let told = told.map_err(|_| EngineError::Timeout { call, seconds: CALL })?;
    let told = told.map_err(|error| EngineError::call(call, error))?;
    let over = told.running == Some(false);
    Ok(told.exit_code.filter(|_| over).map(Ended::Exited))
}

/// Kills everything that commands started, and says whether the container went with it.
///
/// One `kill(-1)` by the commands' own user reaches every process of it at once, however they
/// forked or left their session; the keeper is somebody else's. Where not even that can be started
/// (all processes are taken), the whole container is killed.
fn kill(engine: &Engine, container: &str, exec: &str) -> Result<bool, EngineError> {
    let done = engine.wait(async {
        let kill = CreateExecOptions {
            cmd: Some(vec!["sh", "-c", "kill -9 -1"]),
            user: Some(USER),
            ..CreateExecOptions::default()
        };
        let docker = &engine.docker;
        let detached = StartExecOptions { detach: true, ..StartExecOptions::default() };
        let killed = timeout(Duration::from_secs(KILLED), async {
            let id = docker.create_exec(container, kill).await.ok()?.id;
            docker.start_exec(&id, Some(detached)).await.ok()?;
            let until = Instant::now() + Duration::from_secs(KILLED);
            last(engine, exec, until).await.ok()?
        });
        killed.await.ok().flatten().is_some()
    });
    // One of them may have ended the one that was to end them all.
    let done = done && alone(engine, container).unwrap_or(false);
    if !done {
        remove(engine, container)?;
    }
    Ok(!done)
}

/// Whether no process of a command is left. It is the keeper who looks: commands cannot stop what
/// is not theirs.
pub(super) fn alone(engine: &Engine, container: &str) -> Result<bool, EngineError> {
    let argv =
        ["sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null | grep -c '^Uid:[[:space:]]*65534'"];
    let (user, env, cancel) = (KEEPER, &[OWN_PATH][..], Cancel::default());
    let deadline = Duration::from_secs(CALL);
    let command = Command { argv: &argv, user, env, input: None, deadline, cancel: &cancel };
    let mut said = HeadAndTail::new(1024);
    run_once(engine, container, &command, &mut said)?;
    Ok(said.finish().0.trim_ascii() == b"0")
}

/// Kills a container with all that runs in it. One that is not there is dead.
pub(super) fn remove(engine: &Engine, container: &str) -> Result<(), EngineError> {
    let options = bollard::query_parameters::RemoveContainerOptionsBuilder::new();
    let options = options.force(true).v(true).build();
    let removed = engine.docker.remove_container(container, Some(options));
    match engine.call("remove a container", CALL, removed) {
        Err(error) if error.is_absent() || is_being_removed(&error) => Ok(()),
        done => done,
    }
}

/// Containers are removed by the engine as they end; both at once is no failure.
fn is_being_removed(error: &EngineError) -> bool {
    use bollard::errors::Error::DockerResponseServerError;
    matches!(error, EngineError::Call { source, .. }
        if matches!(**source, DockerResponseServerError { status_code: 409, .. }))
}

/// Head and tail of what comes.
pub(super) struct HeadAndTail {
    cap: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    lost: u64,
}

impl HeadAndTail {
    pub(super) fn new(cap: usize) -> Self {
        Self { cap, head: Vec::new(), tail: VecDeque::new(), lost: 0 }
    }

    /// What was kept, and how many bytes between head and tail were not.
    pub(super) fn finish(self) -> (Vec<u8>, u64) {
        let mut kept = self.head;
        if self.lost > 0 {
            kept.extend_from_slice(format!("\n... {} bytes not shown ...\n", self.lost).as_bytes());
        }
        kept.extend(self.tail);
        (kept, self.lost)
    }
}

impl Sink for HeadAndTail {
    fn take(&mut self, output: &LogOutput) {
        let bytes = output.as_ref();
        let room = (self.cap / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        let over = self.tail.len().saturating_sub(self.cap / 2);
        self.tail.drain(..over);
        self.lost += over as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_at_both_ends() {
        let check = |parts: &[&str], expect: &str| {
            let mut kept = HeadAndTail::new(8);
            for part in parts {
                kept.take(&LogOutput::StdOut { message: part.as_bytes().to_vec().into() });
            }
            assert_eq!(String::from_utf8_lossy(&kept.finish().0), expect, "{parts:?}");
        };
        check(&[], "");
        check(&["ab", "cd", "ef"], "abcdef");
        check(&["abcdefgh"], "abcdefgh");
        check(&["abcdefghi"], "abcd\n... 1 bytes not shown ...\nfghi");
        check(&["ab", "cdefg", "hijk"], "abcd\n... 3 bytes not shown ...\nhijk");
    }
}
