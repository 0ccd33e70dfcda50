//! The blocking client: what the command and the tests talk to the daemon with.
use crate::codec::{CodecError, Decoder, encode};
use crate::message::{ErrorCode, Failure, Incoming, Message};
use crate::method::{Call, CancelParams, HelloParams, HelloResult, Notification, Request};
use interprocess::local_socket::{GenericFilePath, Stream, prelude::*};
use serde_json::Value;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a daemon may take to answer `hello`.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: there is no socket, or a stale one.
    #[error("no daemon listens at {}", .path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another user's process answers at our socket.
    #[error("the socket {} is held by another user", .0.display())]
    ForeignPeer(PathBuf),
    /// The connection broke.
    #[error("failed to talk to the daemon")]
    Io(#[source] io::Error),
    /// A message cannot be a line, or a line is no message.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The daemon took the connection and says nothing.
    #[error("the daemon did not answer within {} s", HANDSHAKE.as_secs())]
    Silent,
    /// The daemon ended the connection before it answered.
    #[error("the daemon closed the connection")]
    Closed,
    /// The answer is not what the method returns.
    #[error("the daemon's answer to {method} cannot be read")]
    Answer {
        /// The method.
        method: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The daemon said no.
    #[error(transparent)]
    Refused(#[from] Failure),
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Which of these it is depends on who was faster.
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Closed,
            // Only the handshake has a deadline.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::Io(error),
        }
    }
}

impl ClientError {
    /// Whether the daemon refused for this reason.
    pub fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(failure) if failure.code == code)
    }
}

/// A connection on which `hello` has been said. One call at a time; notifications come between.
#[derive(Debug)]
pub struct Client {
    reader: Arc<Stream>,
    decoder: Decoder,
    sender: Canceller,
    daemon: HelloResult,
}

/// Sends on the same connection while a call waits: from a signal handler's thread.
#[derive(Clone, Debug)]
pub struct Canceller {
    // Whole lines are written under the lock, so that two threads' lines never mix.
    stream: Arc<Mutex<Arc<Stream>>>,
    next_id: Arc<AtomicU64>,
}

impl Canceller {
    /// Asks for the early end of the job this connection runs; its call then answers.
    pub fn cancel(&self) -> Result<(), ClientError> {
        self.send(Request::Cancel(CancelParams { job: None })).map(drop)
    }

    fn send(&self, request: Request) -> Result<u64, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let line = encode(&Message::Request { id, request })?;
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        (&**stream).write_all(&line)?;
        Ok(id)
    }
}

impl Client {
    /// Connects to the daemon at `socket` and shakes hands. `client` and `build` say who calls.
    pub fn connect(socket: &Path, client: &str, build: &str) -> Result<Self, ClientError> {
        let absent = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::Absent { path: socket.to_owned(), source }
            }
            _ => source.into(),
        };
        let name = socket.to_fs_name::<GenericFilePath>()?;
        let stream = Arc::new(Stream::connect(name).map_err(absent)?);
        if !own_peer(&stream)? {
            return Err(ClientError::ForeignPeer(socket.to_owned()));
        }
        stream.set_recv_timeout(Some(HANDSHAKE))?;
        let sender = Canceller {
            stream: Arc::new(Mutex::new(Arc::clone(&stream))),
            next_id: Arc::new(AtomicU64::new(1)),
        };
        let decoder = Decoder::default();
        let unknown = HelloResult { version: crate::VERSION, build: String::new(), pid: 0 };
        let mut this = Self { reader: stream, decoder, sender, daemon: unknown };
        this.daemon = this.call(HelloParams {
            version: crate::VERSION,
            build: build.to_owned(),
            client: Some(client.to_owned()),
        })?;
        if !crate::VERSION.speaks(this.daemon.version) {
            return Err(mismatch(&this.daemon).into());
        }
        this.reader.set_recv_timeout(None)?;
        Ok(this)
    }

    /// What the daemon said of itself.
    pub fn daemon(&self) -> &HelloResult {
        &self.daemon
    }

    /// What cancels this connection's calls from another thread.
    pub fn canceller(&self) -> Canceller {
        self.sender.clone()
    }

    /// Calls and waits, ignoring what is told meanwhile.
    pub fn call<C: Call>(&mut self, call: C) -> Result<C::Reply, ClientError> {
        self.call_watching(call, &mut |_| {})
    }

    /// Calls and waits, handing over what is told meanwhile.
    pub fn call_watching<C: Call>(
        &mut self,
        call: C,
        watch: &mut dyn FnMut(Notification),
    ) -> Result<C::Reply, ClientError> {
        let id = self.sender.send(call.into_request())?;
        let value = self.wait(id, watch)?;
        serde_json::from_value(value)
            .map_err(|source| ClientError::Answer { method: C::METHOD, source })
    }

    /// Waits for the answer to `id`. Answers to cancellations have other ids and are skipped.
    fn wait(&mut self, id: u64, watch: &mut dyn FnMut(Notification)) -> Result<Value, ClientError> {
        loop {
            match self.next()? {
                Incoming::Message(Message::Response { id: of, result }) if of == Some(id) => {
                    return Ok(result?);
                }
                // Without an id the daemon could not read a line of ours: it will not answer it.
                Incoming::Message(Message::Response { id: None, result: Err(failure) }) => {
                    return Err(failure.into());
                }
                Incoming::Message(Message::Notification(notification)) => watch(notification),
                Incoming::Message(Message::Response { .. } | Message::Request { .. })
                | Incoming::Unknown { .. } => {}
                Incoming::Malformed { failure, .. } => return Err(failure.into()),
            }
        }
    }

    fn next(&mut self) -> Result<Incoming, ClientError> {
        let mut chunk = [0; 8192];
        loop {
            if let Some(incoming) = self.decoder.next_message()? {
                return Ok(incoming);
            }
            match (&*self.reader).read(&mut chunk) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(read) => self.decoder.push(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn mismatch(daemon: &HelloResult) -> Failure {
    let message = format!(
        "the running daemon (build {}) speaks protocol {}, this command {}",
        daemon.build,
        daemon.version,
        crate::VERSION
    );
    Failure::new(ErrorCode::VersionMismatch, message)
        .hint("stop the daemon with its own `git sera stop`, then try again")
}

/// Whether the other side runs as us. Systems that do not tell have only the folder's mode.
#[cfg(unix)]
fn own_peer(stream: &Stream) -> io::Result<bool> {
    Ok(stream.peer_creds()?.euid().is_none_or(|uid| uid == crate::paths::own_uid()))
}

#[cfg(not(unix))]
fn own_peer(_stream: &Stream) -> io::Result<bool> {
    Ok(true)
}
