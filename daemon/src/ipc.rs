//! The socket: one task per client, requests in, answers and notifications out.
use crate::failure;
use crate::office::{Entry, Office, client_path, stage};
use crate::worker_wire::Say;
use anyhow::{Context as _, Result, anyhow};
use futures_util::FutureExt as _;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ListenerOptions};
use sera_core::JobId;
use sera_protocol::job::{Progress, StepNote};
use sera_protocol::method::{
    CancelResult, HelloResult, RegisterResult, RunParams, RunResult, StopResult, UnregisterResult,
};
use sera_protocol::{
    Decoder, ErrorCode, Failure, Incoming, Job, Locations, Message, Notification, Request,
};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a client may be connected without shaking hands.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Messages that wait for a slow client before progress is dropped.
const BACKLOG: usize = 256;

/// Listens at the socket. The caller holds the daemon's lock, so a socket that is there is stale.
pub(crate) fn listen(locations: &Locations) -> Result<Listener> {
    let socket = locations.socket();
    drop(std::fs::remove_file(&socket));
    let name =
        socket.as_path().to_fs_name::<GenericFilePath>().context("an unusable socket name")?;
    let options = ListenerOptions::new().name(name);
    #[cfg(unix)]
    let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
    options.create_tokio().with_context(|| format!("failed to listen at {}", socket.display()))
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
        match stream {
            Ok(stream) if is_ours(&stream) => {
                conversations.spawn(converse(stream, Arc::clone(&office)));
            }
            Ok(_) => tracing::warn!("refused a client of another user"),
            Err(error) => tracing::warn!(%error, "a client could not connect"),
        }
    }
    drop(listener);
    while conversations.join_next().await.is_some() {}
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
async fn converse(stream: Stream, office: Arc<Office>) {
    let stream = Arc::new(stream);
    let writing = Arc::clone(&stream);
    let (answers, mut queue) = mpsc::channel::<Message>(BACKLOG);
    let writer = tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            let Ok(line) = sera_protocol::codec::encode(&message) else { continue };
            if (&*writing).write_all(&line).await.is_err() {
                break;
            }
        }
    });
    let mut client = Client { office, answers, greeted: false, job: None };
    let mut decoder = Decoder::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let patience = if client.greeted { Duration::MAX } else { HANDSHAKE };
        let mut reader = &*stream;
        let read = tokio::select! {
            read = tokio::time::timeout(patience, reader.read(&mut buffer)) => read,
            () = client.office.stop.cancelled() => break,
        };
        let Ok(Ok(1..)) = read else { break };
        let Ok(Ok(count)) = read else { break };
        decoder.push(&buffer[..count]);
        if !client.take(&mut decoder).await {
            break;
        }
    }
    drop(client);
    drop(writer.await);
}

struct Client {
    office: Arc<Office>,
    answers: mpsc::Sender<Message>,
    greeted: bool,
    job: Option<JobId>,
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
        drop(self.answers.send(Message::Response { id, result: Err(failure) }).await);
    }

    async fn answer(&mut self, id: u64, request: Request) {
        if !self.greeted && !matches!(request, Request::Hello(_)) {
            let text = "the first call of a connection is hello";
            return self.refuse(Some(id), Failure::new(ErrorCode::NoHello, text)).await;
        }
        let message = match request {
            Request::Run(params) => return self.run(id, params),
            Request::Hello(_) => {
                self.greeted = true;
                let build = env!("CARGO_PKG_VERSION").to_owned();
                let version = sera_protocol::VERSION;
                Message::answer(id, Ok(HelloResult { version, build, pid: std::process::id() }))
            }
            Request::Register(params) => Message::answer(id, self.register(&params.path)),
            Request::Unregister(params) => Message::answer(id, self.unregister(&params.path)),
            Request::Status(params) => {
                let path = params.path.as_deref().map(client_path).transpose();
                let status = path.and_then(|path| self.office.status(path.as_deref()));
                Message::answer(id, status.map_err(|error| failure::of(&error)))
            }
            Request::Cancel(params) => {
                let job = params.job.or(self.job);
                let cancelled = job.is_some_and(|job| self.office.cancel(job));
                Message::answer(id, Ok(CancelResult { cancelled }))
            }
            Request::Stop(_) => {
                let answer = Message::answer(id, Ok(StopResult { pid: std::process::id() }));
                drop(self.answers.send(answer).await);
                return self.office.stop.cancel();
            }
        };
        drop(self.answers.send(message).await);
    }

    fn register(&self, path: &str) -> Result<RegisterResult, Failure> {
        let registered =
            client_path(path).and_then(|path| self.office.repositories.register(&path));
        let (path, common, added) = registered.map_err(|error| failure::of(&error))?;
        let (path, common_dir) = (path.display().to_string(), common.display().to_string());
        Ok(RegisterResult { path, common_dir, added })
    }

    fn unregister(&self, path: &str) -> Result<UnregisterResult, Failure> {
        // One that was deleted can still be forgotten, by the name it had.
        let named = client_path(path).unwrap_or_else(|_| path.into());
        let removed = self.office.repositories.unregister(&named);
        Ok(UnregisterResult { removed: removed.map_err(|error| failure::of(&error))? })
    }

    /// Jobs take long, so they have tasks of their own and the conversation goes on.
    fn run(&mut self, id: u64, params: RunParams) {
        let entry = self.office.enter(&params.job, &params.path);
        self.job = Some(entry.id);
        let (office, answers) = (Arc::clone(&self.office), self.answers.clone());
        tokio::spawn(async move {
            let result = run(&office, params, &entry, &answers).await;
            let result = result.map(|result| RunResult { job: entry.id, result });
            drop(entry);
            let answer = Message::answer(id, result.map_err(|error| failure::of(&error)));
            drop(answers.send(answer).await);
        });
    }
}

async fn run(
    office: &Arc<Office>,
    params: RunParams,
    entry: &Entry,
    answers: &mpsc::Sender<Message>,
) -> Result<sera_protocol::JobResult> {
    let path = client_path(&params.path)?;
    let mut report = |say: Say| {
        // Only progress is dropped when the client is slow; the answer waits for its place.
        if let Some(notification) = notification(entry.id, say) {
            drop(answers.try_send(Message::Notification(notification)));
        }
    };
    office.run(&path, params.job, entry, &mut report).await
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
pub(crate) async fn in_background(office: Arc<Office>, path: std::path::PathBuf, job: Job) {
    let (kind, mines) = (job.kind().to_owned(), matches!(job, Job::Mine { .. }));
    let entry = office.enter(&job, &path.display().to_string());
    let work = AssertUnwindSafe(office.run(&path, job, &entry, &mut |_| ())).catch_unwind().await;
    let failed = work.unwrap_or_else(|_| Err(anyhow!("the daemon panicked"))).err();
    drop(entry);
    if let Some(error) = &failed {
        tracing::warn!(path = %path.display(), error = format!("{error:#}"), kind, "failed in the background");
    }
    if mines {
        office.repositories.mined(&path, failed.as_ref());
    }
}
