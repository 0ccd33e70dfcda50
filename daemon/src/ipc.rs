//! The socket: one task per client, requests in, answers and notifications out.
mod outbox;

use crate::failure;
use crate::office::{Asker, CLIENTS, Entry, Office, client_path, stage};
use crate::work;
use crate::worker_wire::Say;
use anyhow::{Context as _, Result, anyhow};
use futures_util::FutureExt as _;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions};
use outbox::Outbox;
use sera_core::JobId;
use sera_protocol::job::{Progress, StepNote};
use sera_protocol::method::{
    CancelResult, HelloResult, PauseResult, RegisterResult, ResumeResult, RunParams, RunResult,
    StopResult, UnregisterResult,
};
use sera_protocol::{
    Decoder, ErrorCode, Failure, Incoming, Job, Locations, Message, Notification, Request,
};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::Instant;

/// Jobs that one client may wait for at the same time.
const JOBS: usize = 64;

/// How long a client may take to shake hands, to end a message that it began, and to read one.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long is waited when the system gives no connection, which it would do again at once, and for
/// the hello of a client that is turned away.
const PAUSE: Duration = Duration::from_millis(500);

/// Listens at the socket. The caller holds the daemon's lock, so a socket that is there is stale.
pub(crate) fn listen(locations: &Locations) -> Result<Listener> {
    let socket = locations.socket();
    drop(std::fs::remove_file(&socket));
    let name =
        socket.as_path().to_fs_name::<GenericFilePath>().context("an unusable socket name")?;
    let options = for_its_owner(ListenerOptions::new().name(name))?;
    options.create_tokio().with_context(|| format!("failed to listen at {}", socket.display()))
}

#[cfg(unix)]
fn for_its_owner(options: ListenerOptions<'_>) -> Result<ListenerOptions<'_>> {
    Ok(interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600))
}

/// Not compiled so far: no Windows was at hand. The descriptor gives all rights to the pipe's owner,
/// inherits none, and so gives nobody else any.
#[cfg(windows)]
fn for_its_owner(options: ListenerOptions<'_>) -> Result<ListenerOptions<'_>> {
    use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    let owner_only = widestring::u16cstr!("D:P(A;;GA;;;OW)");
    let descriptor =
        SecurityDescriptor::deserialize(owner_only).context("failed to make a descriptor")?;
    Ok(options.security_descriptor(descriptor))
}

/// Accepts clients until the daemon stops, and then sees every conversation to its last answer.
pub(crate) async fn accept(listener: Listener, office: Arc<Office>) {
    let mut conversations = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = conversations.join_next() => continue,
            () = office.stop.cancelled() => break,
        };
        match (stream, Arc::clone(&office.clients).try_acquire_owned()) {
            (Ok(stream), _) if !is_ours(&stream) => {
                tracing::warn!("refused a client of another user");
            }
            (Ok(stream), Ok(place)) => {
                conversations.spawn(converse(stream, Arc::clone(&office), place));
            }
            (Ok(stream), Err(_)) => drop(conversations.spawn(turn_away(stream))),
            (Err(error), _) => {
                tracing::warn!(%error, "a client could not connect");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while conversations.join_next().await.is_some() {}
}

/// Says why nobody will answer, once the client has said hello: one that is hung up on before would
/// take the daemon for dead.
async fn turn_away(stream: Stream) {
    let failure = Failure::new(ErrorCode::Busy, format!("{CLIENTS} clients are connected"));
    let said = sera_protocol::codec::encode(&Message::Response { id: None, result: Err(failure) });
    let (mut reader, mut writer) = (&stream, &stream);
    let mut hello = [0; 1024];
    let talk = async {
        let heard = reader.read(&mut hello).await;
        if let (Ok(1..), Ok(line)) = (heard, said) {
            drop(writer.write_all(&line).await);
        }
    };
    drop(tokio::time::timeout(PAUSE, talk).await);
}

#[cfg(unix)]
fn is_ours(stream: &Stream) -> bool {
    let own = sera_protocol::paths::own_uid();
    stream.peer_creds().is_ok_and(|creds| creds.euid().is_none_or(|uid| uid == own))
}

#[cfg(not(unix))]
fn is_ours(_stream: &Stream) -> bool {
    true
}

/// One client, from handshake to goodbye. Jobs it started go on without it. When the daemon stops
/// nothing more is heard, but what was asked is answered.
async fn converse(stream: Stream, office: Arc<Office>, _place: OwnedSemaphorePermit) {
    let stream = Arc::new(stream);
    let (outbox, writing) = Outbox::open(Arc::clone(&stream), PATIENCE);
    let jobs = Arc::new(Semaphore::new(JOBS));
    let mut client = Client { office, outbox, jobs, greeted: false, job: None, heard: 0 };
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; 16 * 1024];
    let mut deadline = Some(Instant::now() + PATIENCE);
    loop {
        let mut reader = &*stream;
        let read = tokio::select! {
            read = reader.read(&mut buffer) => read,
            () = passed(deadline) => break,
            () = client.outbox.closed() => break,
            () = client.office.stop.cancelled() => break,
        };
        let Ok(count @ 1..) = read else { break };
        decoder.push(&buffer[..count]);
        let heard = client.heard;
        if !client.take(&mut decoder).await {
            break;
        }
        // A message that came whole ends its own time; of what follows, a new one begins.
        let same = deadline.filter(|_| !client.greeted || heard == client.heard);
        let waits = !client.greeted || !decoder.is_empty();
        deadline = waits.then(|| same.unwrap_or_else(|| Instant::now() + PATIENCE));
    }
    drop(client);
    drop(writing.await);
}

/// When a moment has come; never where there is none.
pub(crate) async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

struct Client {
    office: Arc<Office>,
    outbox: Outbox,
    /// Room for jobs that it waits for.
    jobs: Arc<Semaphore>,
    greeted: bool,
    job: Option<JobId>,
    /// Messages that came whole.
    heard: u64,
}

impl Client {
    /// Answers every whole message; false ends the conversation.
    async fn take(&mut self, decoder: &mut Decoder) -> bool {
        loop {
            let incoming = match decoder.next_message() {
                Ok(Some(incoming)) => incoming,
                Ok(None) => return true,
                Err(error) => {
                    self.refuse(None, Failure::of(ErrorCode::TooLarge, &error)).await;
                    return false;
                }
            };
            self.heard += 1;
            match incoming {
                Incoming::Message(Message::Request { id, request }) => {
                    self.answer(id, request).await;
                }
                Incoming::Malformed { id, failure } => self.refuse(id, failure).await,
                Incoming::Message(Message::Response { .. } | Message::Notification(_))
                | Incoming::Unknown { .. } => {}
            }
        }
    }

    async fn refuse(&self, id: Option<u64>, failure: Failure) {
        self.outbox.send(&Message::Response { id, result: Err(failure) }).await;
    }

    async fn answer(&mut self, id: u64, request: Request) {
        if !self.greeted && !matches!(request, Request::Hello(_)) {
            let text = "the first call of a connection is hello";
            return self.refuse(Some(id), Failure::new(ErrorCode::NoHello, text)).await;
        }
        let message = match request {
            Request::Run(params) => return self.run(id, params).await,
            Request::Hello(params) => {
                // A client that speaks another version hears which this is, and nothing more.
                let version = sera_protocol::VERSION;
                self.greeted = version.speaks(params.version);
                let build = env!("CARGO_PKG_VERSION").to_owned();
                Message::answer(id, Ok(HelloResult { version, build, pid: std::process::id() }))
            }
            Request::Register(params) => Message::answer(id, self.register(&params.path)),
            Request::Unregister(params) => Message::answer(id, self.unregister(&params.path).await),
            Request::Status(params) => {
                let path = params.path.as_deref().map(client_path).transpose();
                let status =
                    path.and_then(|path| block_in_place(|| self.office.status(path.as_deref())));
                Message::answer(id, status.map_err(|error| failure::of(&error)))
            }
            Request::Cancel(params) => {
                let job = params.job.or(self.job);
                let cancelled = job.is_some_and(|job| self.office.cancel(job));
                Message::answer(id, Ok(CancelResult { cancelled }))
            }
            Request::Pause(params) => {
                let now = crate::cycle::now_ms();
                let until_ms =
                    params.seconds.map(|seconds| now.saturating_add(seconds.saturating_mul(1000)));
                let paused = block_in_place(|| self.office.pause(until_ms));
                let paused = paused.map(|()| PauseResult { until_ms });
                Message::answer(id, paused.map_err(|error| failure::of(&error)))
            }
            Request::Resume(_) => {
                let resumed = block_in_place(|| self.office.resume());
                let resumed = resumed.map(|was_paused| ResumeResult { was_paused });
                Message::answer(id, resumed.map_err(|error| failure::of(&error)))
            }
            Request::Stop(_) => {
                let answer = Message::answer(id, Ok(StopResult { pid: std::process::id() }));
                self.outbox.send(&answer).await;
                return self.office.stop.cancel();
            }
        };
        self.outbox.send(&message).await;
    }

    fn register(&self, path: &str) -> Result<RegisterResult, Failure> {
        let registered = client_path(path)
            .and_then(|path| block_in_place(|| self.office.repositories.register(&path)));
        let (path, common, added) = registered.map_err(|error| failure::of(&error))?;
        let (path, common_dir) = (path.display().to_string(), common.display().to_string());
        Ok(RegisterResult { path, common_dir, added })
    }

    async fn unregister(&self, path: &str) -> Result<UnregisterResult, Failure> {
        // One that was deleted can still be forgotten, by the name it had.
        let named = client_path(path).unwrap_or_else(|_| path.into());
        let removed = self.office.unregister(&named).await;
        Ok(UnregisterResult { removed: removed.map_err(|error| failure::of(&error))? })
    }

    /// Jobs take long, so they have tasks of their own and the conversation goes on.
    async fn run(&mut self, id: u64, params: RunParams) {
        let Ok(room) = Arc::clone(&self.jobs).try_acquire_owned() else {
            let text = format!("this connection waits for {JOBS} jobs already");
            return self.refuse(Some(id), Failure::new(ErrorCode::Busy, text)).await;
        };
        let entry = self.office.enter(Asker::Client, &params.job, &params.path);
        self.job = Some(entry.id);
        let (office, outbox) = (Arc::clone(&self.office), self.outbox.clone());
        tokio::spawn(async move {
            let result = run(&office, params, &entry, &outbox).await;
            let result = result.map(|result| RunResult { job: entry.id, result });
            drop(entry);
            outbox.send(&Message::answer(id, result.map_err(|error| failure::of(&error)))).await;
            drop(room);
        });
    }
}

async fn run(
    office: &Arc<Office>,
    params: RunParams,
    entry: &Entry,
    outbox: &Outbox,
) -> Result<sera_protocol::JobResult> {
    let path = client_path(&params.path)?;
    let mut report = |say: Say| {
        // Only progress is dropped when the client is slow; the answer waits for its place.
        if let Some(notification) = notification(entry.id, say) {
            outbox.offer(&Message::Notification(notification));
        }
    };
    caught(office.run(&path, params.job, entry, &mut report)).await
}

/// A job that panics ends as one that failed: whoever waits for it must hear of it.
async fn caught<T>(job: impl Future<Output = Result<T>>) -> Result<T> {
    let ended = AssertUnwindSafe(job).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(anyhow!("the daemon panicked: {}", work::text(&*panic))))
}

fn notification(job: JobId, say: Say) -> Option<Notification> {
    match say {
        Say::Progress(progress) => Some(Notification::Progress(Progress {
            job,
            stage: stage(&progress.stage),
            done: progress.done,
            total: progress.total.unwrap_or(0),
            unit: progress.unit,
            message: progress.message,
        })),
        Say::Step { text } => Some(Notification::Step(StepNote { job, text })),
        Say::Part { .. } | Say::Done { .. } | Say::Failed { .. } => None,
    }
}

/// What the background asks for is done as if a client had.
pub(crate) async fn in_background(
    office: Arc<Office>,
    path: std::path::PathBuf,
    job: Job,
) -> Result<()> {
    let (kind, mines) = (job.kind().to_owned(), matches!(job, Job::Mine { .. }));
    let entry = office.enter(Asker::Daemon, &job, &path.display().to_string());
    let done = caught(office.run(&path, job, &entry, &mut |_| ())).await.map(drop);
    drop(entry);
    let failed = done.as_ref().err();
    if let Some(error) = failed {
        tracing::warn!(path = %path.display(), error = format!("{error:#}"), kind, "failed in the background");
    }
    if mines {
        office.repositories.mined(&path, failed);
    }
    done
}
