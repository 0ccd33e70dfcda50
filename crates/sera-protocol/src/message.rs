//! The envelope: requests, responses and notifications of JSON-RPC 2.0, and what a failure says.
//!
//! Which of the three a line is follows from the members it has, as in the specification; no
//! variant is ever guessed by trying. Ids are unsigned integers.
use crate::method::{Notification, Request};
use crate::wire::{records, words};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One line either way.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A client asks.
    Request {
        /// Chosen by the client, unique on its connection.
        id: u64,
        /// What it asks for.
        request: Request,
    },
    /// The daemon answers.
    Response {
        /// The request's; `None` where the request could not be read.
        id: Option<u64>,
        /// The method's own result as JSON, or why there is none.
        result: Result<Value, Failure>,
    },
    /// The daemon tells.
    Notification(Notification),
}

/// A line that was read: a message, or one that must be answered with a failure or skipped.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A message of this version.
    Message(Message),
    /// A notification of a later version: skip it.
    Unknown {
        /// Its method.
        method: String,
    },
    /// What stands there is no message of this protocol; a daemon sends this answer back.
    Malformed {
        /// The request's id where it had one.
        id: Option<u64>,
        /// What is wrong with it.
        failure: Failure,
    },
}

words! {
    /// What went wrong, stably named, so that clients decide by code and never by text.
    ErrorCode {
        /// The path is in no git repository.
        NotARepository = "not-a-repository",
        /// The repository has no work tree.
        Bare = "bare",
        /// The repository's history is cut off.
        Shallow = "shallow",
        /// The repository has no commit.
        Empty = "empty",
        /// References are kept in the reftable format.
        Reftable = "reftable",
        /// Objects are named by SHA-256.
        Sha256 = "sha256",
        /// Objects are fetched when they are read.
        PartialClone = "partial-clone",
        /// The repository is damaged or of a kind that is not supported.
        Unsupported = "unsupported",
        /// The repository belongs to another user.
        ForeignOwner = "foreign-owner",
        /// The repository is not watched.
        NotRegistered = "not-registered",
        /// Nothing in the repository can be made a task.
        NoEligible = "no-eligible",
        /// An earlier stage left nothing to work on.
        NothingToDo = "nothing-to-do",
        /// Another job of this kind runs.
        Busy = "busy",
        /// The user asked for an early end.
        Cancelled = "cancelled",
        /// There is no base and none could be got.
        BaseMissing = "base-missing",
        /// The base is not the file it should be.
        BaseChecksum = "base-checksum",
        /// The file is damaged or no base that can be loaded.
        BaseForeign = "base-foreign",
        /// A download found no network.
        NoNetwork = "no-network",
        /// Code would be sent to a server that the user was not asked about yet.
        ConsentNeeded = "consent-needed",
        /// No teacher is configured, or it answers nothing.
        NoTeacher = "no-teacher",
        /// Commands must run in a container, and there can be none.
        NoSandbox = "no-sandbox",
        /// A file is not what a patch expects.
        Conflict = "conflict",
        /// A worker ended before its job did.
        WorkerLost = "worker-lost",
        /// A file could not be read or written.
        Io = "io",
        /// A disk is full.
        NoSpace = "no-space",
        /// The two sides speak different versions.
        VersionMismatch = "version-mismatch",
        /// The first call was not `hello`.
        NoHello = "no-hello",
        /// The line is no JSON-RPC message.
        InvalidRequest = "invalid-request",
        /// There is no such method.
        UnknownMethod = "unknown-method",
        /// The method exists, its parameters do not fit.
        InvalidParams = "invalid-params",
        /// A message is longer than a frame may be.
        TooLarge = "too-large",
        /// The daemon is ending.
        Stopping = "stopping",
        /// A fault of ours, or a code of a later version.
        #[serde(other)]
        Internal = "internal",
    }
}

impl ErrorCode {
    /// The number JSON-RPC wants beside the code.
    fn number(self) -> i64 {
        match self {
            Self::InvalidRequest => -32_600,
            Self::UnknownMethod => -32_601,
            Self::InvalidParams => -32_602,
            Self::Internal => -32_603,
            _ => -32_000,
        }
    }
}

records! {
    /// The `data` of an error.
    FailureData {
        /// What went wrong.
        code: ErrorCode,
        /// What to do about it.
        hint: Option<String>,
        /// What it was caused by, outermost first.
        causes: Vec<String>,
    }
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What went wrong.
    pub code: ErrorCode,
    /// The same in one sentence for people, without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it was caused by, outermost first.
    pub causes: Vec<String>,
}

impl Failure {
    /// A failure without hint and causes.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, causes: Vec::new() }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure that says what `error` says, its sources as causes.
    pub fn of(code: ErrorCode, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut failure = Self::new(code, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            failure.causes.push(cause.to_string());
            source = cause.source();
        }
        failure
    }
}

impl Message {
    /// A response that carries `result`.
    pub fn answer(id: u64, result: Result<impl Serialize, Failure>) -> Self {
        let result = result.and_then(|value| {
            serde_json::to_value(value).map_err(|error| Failure::of(ErrorCode::Internal, &error))
        });
        Self::Response { id: Some(id), result }
    }

    /// The JSON of one line.
    pub(crate) fn to_json(&self) -> serde_json::Result<Value> {
        let mut object = match self {
            Self::Request { request, .. } => serde_json::to_value(request)?,
            Self::Notification(notification) => serde_json::to_value(notification)?,
            Self::Response { result: Ok(value), .. } => json!({ "result": value }),
            Self::Response { result: Err(failure), .. } => json!({ "error": failure.to_json()? }),
        };
        object["jsonrpc"] = json!("2.0");
        match self {
            Self::Request { id, .. } => object["id"] = json!(id),
            Self::Response { id, .. } => object["id"] = json!(id),
            Self::Notification(_) => {}
        }
        Ok(object)
    }
}

impl Failure {
    fn to_json(&self) -> serde_json::Result<Value> {
        let data =
            FailureData { code: self.code, hint: self.hint.clone(), causes: self.causes.clone() };
        Ok(json!({
            "code": self.code.number(),
            "message": self.message,
            "data": serde_json::to_value(data)?,
        }))
    }
}

/// Every member a line may have; those of later versions are ignored.
#[derive(Deserialize)]
struct Raw {
    jsonrpc: String,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: Option<String>,
    params: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    error: Option<RawError>,
}

#[derive(Deserialize)]
struct RawError {
    message: String,
    data: Option<FailureData>,
}

/// Keeps `null` apart from absence: a null result is a result.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl Incoming {
    /// Reads one line. Never fails: what cannot be read is said to be so.
    pub(crate) fn read(line: &[u8]) -> Self {
        let raw: Raw = match serde_json::from_slice(line) {
            Ok(raw) => raw,
            Err(error) => return malformed(None, ErrorCode::InvalidRequest, &error),
        };
        let id = match raw.id.as_ref() {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_u64() {
                Some(id) => Some(id),
                None => return refused(None, "the id is not an unsigned integer"),
            },
        };
        if raw.jsonrpc != "2.0" {
            return refused(id, "jsonrpc is not \"2.0\"");
        }
        match (raw.method, raw.result, raw.error) {
            (Some(method), None, None) => incoming_call(id, method, raw.params),
            (None, Some(value), None) => Self::Message(Message::Response { id, result: Ok(value) }),
            (None, None, Some(error)) => {
                Self::Message(Message::Response { id, result: Err(error.into_failure()) })
            }
            _ => refused(id, "a message has one of method, result and error"),
        }
    }
}

fn incoming_call(id: Option<u64>, method: String, params: Option<Value>) -> Incoming {
    let params = params.unwrap_or_else(|| json!({}));
    let Some(id) = id else {
        return match Notification::read(&method, params) {
            Some(Ok(notification)) => Incoming::Message(Message::Notification(notification)),
            Some(Err(error)) => malformed(None, ErrorCode::InvalidParams, &error),
            None => Incoming::Unknown { method },
        };
    };
    match Request::read(&method, params) {
        Some(Ok(request)) => Incoming::Message(Message::Request { id, request }),
        Some(Err(error)) => malformed(Some(id), ErrorCode::InvalidParams, &error),
        None => Incoming::Malformed {
            id: Some(id),
            failure: Failure::new(ErrorCode::UnknownMethod, format!("no method {method:?}")),
        },
    }
}

fn malformed(id: Option<u64>, code: ErrorCode, error: &serde_json::Error) -> Incoming {
    Incoming::Malformed { id, failure: Failure::new(code, error.to_string()) }
}

fn refused(id: Option<u64>, why: &str) -> Incoming {
    Incoming::Malformed { id, failure: Failure::new(ErrorCode::InvalidRequest, why) }
}

impl RawError {
    fn into_failure(self) -> Failure {
        let data = self.data.unwrap_or(FailureData {
            code: ErrorCode::Internal,
            hint: None,
            causes: Vec::new(),
        });
        Failure { code: data.code, message: self.message, hint: data.hint, causes: data.causes }
    }
}
