//! Worker children, seen from the daemon: everything heavy or hostile happens in one.
//!
//! A child gets its order as a file, reports on standard output and ends when its standard input
//! does, so that a daemon killed with `kill -9` leaves no child behind. Dropping a [`Worker`]
//! kills it.
use crate::turn::Turn;
use crate::worker_wire::{Line, Say, Tell};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// How long a cancelled worker may take to leave its checkpoint.
const GRACE: Duration = Duration::from_secs(20);

/// How a worker ended that we ended.
const KILLED: &str = "it was killed";

/// What a worker said that its order has not heard yet.
const BACKLOG: usize = 64;

/// A child that carries out orders.
pub(crate) struct Worker {
    input: tokio::sync::Mutex<ChildStdin>,
    orders: Arc<Orders>,
    /// The task that hears the child; without it the child is killed.
    hearing: AbortHandle,
}

/// Where what the worker says is heard.
#[derive(Default)]
struct Orders(Mutex<Open>);

#[derive(Default)]
struct Open {
    /// By the order's folder.
    listeners: BTreeMap<PathBuf, mpsc::Sender<Say>>,
    /// How the process ended.
    ended: Option<String>,
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An order that is being carried out.
struct Listening<'a> {
    orders: &'a Orders,
    folder: &'a Path,
    said: mpsc::Receiver<Say>,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.orders.lock().listeners.remove(self.folder);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.hearing.abort();
    }
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
        #[cfg(target_os = "linux")]
        crate::footprint::large(command.as_std_mut());
        let mut child =
            command.spawn().with_context(|| format!("failed to start a {kind} worker"))?;
        let input = child.stdin.take().expect("standard input is piped");
        let output = child.stdout.take().expect("standard output is piped");
        let orders = Arc::new(Orders::default());
        let hearing = tokio::spawn(hear(child, output, Arc::clone(&orders))).abort_handle();
        Ok(Self { input: tokio::sync::Mutex::new(input), orders, hearing })
    }

    /// Whether the process has ended: orders need another one.
    pub(crate) fn has_ended(&self) -> bool {
        self.orders.lock().ended.is_some()
    }

    /// Carries out the order in `folder` and returns the path of the checked result.
    pub(crate) async fn work(
        &self,
        kind: &str,
        folder: &Path,
        cancel: &CancellationToken,
        turn: &mut Turn,
        hear: &mut (dyn FnMut(Say) + Send),
    ) -> Result<PathBuf> {
        let mut listening = self.listen(folder);
        self.tell(&Tell::Work { folder: folder.to_owned() }).await;
        if turn.is_held() {
            self.tell(&Tell::Pause).await;
        }
        let deadline = tokio::time::sleep(Duration::MAX);
        tokio::pin!(deadline);
        let mut cancelled = false;
        loop {
            tokio::select! {
                said = listening.said.recv() => match said {
                    None => return Err(self.obituary(kind, cancelled)),
                    Some(say) => match understand(say, folder)? {
                        Heard::Result(path) => return Ok(path),
                        Heard::Failure(error) if cancelled => return Err(cancelled_or(error)),
                        Heard::Failure(error) => return Err(error.into()),
                        Heard::News(say) => hear(say),
                    },
                },
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.tell(&Tell::Cancel { folder: folder.to_owned() }).await;
                    deadline.as_mut().reset(tokio::time::Instant::now() + GRACE);
                },
                () = turn.changed() => {
                    self.tell(if turn.is_held() { &Tell::Pause } else { &Tell::Resume }).await;
                },
                () = &mut deadline => {
                    self.give_up();
                    bail!(WorkError::Cancelled)
                },
            }
        }
    }

    fn listen<'a>(&'a self, folder: &'a Path) -> Listening<'a> {
        let (send, said) = mpsc::channel(BACKLOG);
        let mut open = self.orders.lock();
        // Of a process that is gone nothing is heard: the sender is dropped here.
        if open.ended.is_none() {
            open.listeners.insert(folder.to_owned(), send);
        }
        Listening { orders: &self.orders, folder, said }
    }

    /// Kills the worker, unless others wait for it too: it knows that this order is cancelled.
    fn give_up(&self) {
        let mut open = self.orders.lock();
        if open.listeners.len() <= 1 {
            open.ended.get_or_insert_with(|| KILLED.to_owned());
            self.hearing.abort();
        }
    }

    /// Where the worker is gone its obituary, which is heard next, says more than a broken pipe.
    async fn tell(&self, tell: &Tell) {
        let mut line = serde_json::to_vec(tell).expect("orders are plain data");
        line.push(b'\n');
        drop(self.input.lock().await.write_all(&line).await);
    }

    fn obituary(&self, kind: &str, cancelled: bool) -> anyhow::Error {
        let status = self.orders.lock().ended.clone().unwrap_or_else(|| KILLED.to_owned());
        if cancelled {
            WorkError::Cancelled.into()
        } else {
            WorkError::Died { kind: kind.to_owned(), status }.into()
        }
    }
}

/// Hears the worker until it ends. An order that is slow to hear holds up the worker's output, and
/// so the worker, rather than losing a line.
async fn hear(mut child: Child, output: ChildStdout, orders: Arc<Orders>) {
    let ended = Ended(&orders);
    let mut lines = BufReader::new(output).lines();
    let mut unreadable = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(Line { folder, say }) = serde_json::from_str(&line) else {
            unreadable = Some(format!("it said something unreadable: {line:.200}"));
            break;
        };
        let listener = orders.lock().listeners.get(&folder).cloned();
        if let Some(listener) = listener {
            // Whoever gave the order may have gone.
            drop(listener.send(say).await);
        }
    }
    drop(child.start_kill());
    let status = child.wait().await.map_or_else(|error| error.to_string(), |s| s.to_string());
    ended.with(unreadable.unwrap_or(status));
}

/// Tells all orders that the worker has ended, aborted or not.
struct Ended<'a>(&'a Orders);

impl Ended<'_> {
    fn with(&self, status: String) {
        self.0.lock().ended = Some(status);
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut open = self.0.lock();
        open.ended.get_or_insert_with(|| KILLED.to_owned());
        open.listeners.clear();
    }
}

fn understand(say: Say, folder: &Path) -> Result<Heard> {
    Ok(match say {
        Say::Done { file, digest } => Heard::Result(checked(folder, &file, &digest)?),
        Say::Failed { code, causes } => Heard::Failure(WorkError::Failed { code, causes }),
        Say::Progress(_) | Say::Step { .. } | Say::Part { .. } => Heard::News(say),
    })
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

/// The file a worker names must lie in its folder and be what it says.
pub(crate) fn checked(folder: &Path, file: &str, digest: &sera_core::Digest) -> Result<PathBuf> {
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
