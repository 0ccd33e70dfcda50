//! Worker children, seen from the daemon: everything heavy or hostile happens in one.
//!
//! A child gets its order as a file, reports on standard output and ends when its standard input
//! does, so that a daemon killed with `kill -9` leaves no child behind. Dropping a [`Worker`]
//! kills it.
use crate::worker_wire::{Say, Tell};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a cancelled worker may take to leave its checkpoint.
const GRACE: Duration = Duration::from_secs(20);

/// How many people wait for an answer; workers compute while nobody does.
pub(crate) type Turn = watch::Receiver<usize>;

/// A child that carries out orders one after the other.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

/// How an order ended without a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The worker said so; the daemon and the worker are well.
    #[error("{}", causes.join(": "))]
    Failed {
        /// A stable code.
        code: String,
        /// Outermost first.
        causes: Vec<String>,
    },
    /// Someone asked for an early end.
    #[error("cancelled")]
    Cancelled,
    /// The process ended in the middle of an order.
    #[error("the {kind} worker died: {status}")]
    Died {
        /// Which worker.
        kind: String,
        /// Its exit status, signal included.
        status: String,
    },
}

impl Worker {
    /// Starts `sera-daemon work <kind>`; its messages for people go to the daemon's log.
    pub(crate) fn start(kind: &str) -> Result<Self> {
        let program = std::env::current_exe().context("failed to find our own binary")?;
        let mut command = Command::new(program);
        command.arg("work").arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.kill_on_drop(true);
        let mut child =
            command.spawn().with_context(|| format!("failed to start a {kind} worker"))?;
        let input = child.stdin.take().expect("standard input is piped");
        let output = child.stdout.take().expect("standard output is piped");
        Ok(Self { child, input, output: BufReader::new(output).lines() })
    }

    /// Carries out the order in `folder` and returns the path of the checked result.
    pub(crate) async fn work(
        &mut self,
        kind: &str,
        folder: &Path,
        cancel: &CancellationToken,
        turn: &mut Turn,
        hear: &mut (dyn FnMut(Say) + Send),
    ) -> Result<PathBuf> {
        self.tell(&Tell::Work { folder: folder.to_owned() }).await?;
        if *turn.borrow_and_update() > 0 {
            self.tell(&Tell::Pause).await?;
        }
        let deadline = tokio::time::sleep(Duration::MAX);
        tokio::pin!(deadline);
        let mut cancelled = false;
        loop {
            tokio::select! {
                line = self.output.next_line() => match line.context("failed to hear the worker")? {
                    None => return Err(self.obituary(kind, cancelled).await),
                    Some(line) => match self.understand(&line, folder)? {
                        Heard::Result(path) => return Ok(path),
                        Heard::Failure(error) if cancelled => return Err(cancelled_or(error)),
                        Heard::Failure(error) => return Err(error.into()),
                        Heard::News(say) => hear(say),
                    },
                },
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.tell(&Tell::Cancel).await?;
                    deadline.as_mut().reset(tokio::time::Instant::now() + GRACE);
                },
                changed = turn.changed(), if changed_can_come(turn) => {
                    let go = changed.is_ok() && *turn.borrow() == 0;
                    self.tell(if go { &Tell::Resume } else { &Tell::Pause }).await?;
                },
                () = &mut deadline => bail!(WorkError::Cancelled),
            }
        }
    }

    async fn tell(&mut self, tell: &Tell) -> Result<()> {
        let mut line = serde_json::to_vec(tell).expect("orders are plain data");
        line.push(b'\n');
        self.input.write_all(&line).await.context("failed to tell the worker")
    }

    fn understand(&self, line: &str, folder: &Path) -> Result<Heard> {
        let say: Say = serde_json::from_str(line)
            .with_context(|| format!("the worker said something unreadable: {line:.200}"))?;
        Ok(match say {
            Say::Done { file, digest } => Heard::Result(checked(folder, &file, &digest)?),
            Say::Failed { code, causes } => Heard::Failure(WorkError::Failed { code, causes }),
            Say::Progress(_) | Say::Step { .. } => Heard::News(say),
        })
    }

    async fn obituary(&mut self, kind: &str, cancelled: bool) -> anyhow::Error {
        let status = self.child.wait().await.map_or_else(|e| e.to_string(), |s| s.to_string());
        if cancelled {
            WorkError::Cancelled.into()
        } else {
            WorkError::Died { kind: kind.to_owned(), status }.into()
        }
    }
}

enum Heard {
    News(Say),
    Result(PathBuf),
    Failure(WorkError),
}

/// A worker that fails after being told to cancel was cancelled, whatever words it found.
fn cancelled_or(_error: WorkError) -> anyhow::Error {
    WorkError::Cancelled.into()
}

fn changed_can_come(turn: &Turn) -> bool {
    turn.has_changed().is_ok()
}

/// The file a worker names must lie in its folder and be what it says.
fn checked(folder: &Path, file: &str, digest: &sera_core::Digest) -> Result<PathBuf> {
    let plain = !file.contains(['/', '\\']) && !file.starts_with('.');
    anyhow::ensure!(plain, "the worker named a file outside its folder: {file:?}");
    let path = folder.join(file);
    let bytes =
        std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    anyhow::ensure!(
        &sera_core::Digest::of(&bytes) == digest,
        "{} is not what the worker wrote",
        path.display()
    );
    Ok(path)
}
