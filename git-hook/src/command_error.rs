//! How a command ends: the exit codes, and what an error says and advises.
use sera_git::HooksError;
use sera_protocol::paths::LocationError;
use sera_protocol::{ClientError, ErrorCode, Failure, JobResult};
use std::process::ExitCode;

/// Every way a command ends. The numbers are promised; man page and README list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Done. A refusal to promote is a normal end, too.
    Success = 0,
    /// Nothing was found: no fix, no daemon to report on, or damage that `fsck` could not repair.
    NoResult = 1,
    /// What was given cannot be used: a damaged base, a patch that conflicts with the work tree.
    Input = 65,
    /// The daemon, the network or the base is not there.
    Unavailable = 69,
    /// A fault of ours.
    Internal = 70,
    /// A file could not be read or written.
    Io = 74,
    /// Another job runs; try again later.
    Busy = 75,
    /// Code would be sent somewhere that the user did not agree to.
    NotAgreed = 77,
    /// The repository cannot be worked on, as git's own fatal errors.
    Repository = 128,
    /// The command line is wrong, as with git's own commands.
    Usage = 129,
    /// Interrupted; the same command resumes.
    Cancelled = 130,
}

impl Kind {
    /// Every one, by number.
    pub const ALL: [Self; 11] = [
        Self::Success,
        Self::NoResult,
        Self::Input,
        Self::Unavailable,
        Self::Internal,
        Self::Io,
        Self::Busy,
        Self::NotAgreed,
        Self::Repository,
        Self::Usage,
        Self::Cancelled,
    ];

    /// What it means, as help and man pages list it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done; a refusal to promote is a normal end, too",
            Self::NoResult => "nothing was found: no fix, no daemon, or damage beyond repair",
            Self::Input => "what was given cannot be used: a damaged base, a conflicting patch",
            Self::Unavailable => "the daemon, the network or the base is not there",
            Self::Internal => "a fault of git sera",
            Self::Io => "a file could not be read or written",
            Self::Busy => "another job runs; try again later",
            Self::NotAgreed => "code would be sent somewhere that you did not agree to",
            Self::Repository => "the repository cannot be worked on",
            Self::Usage => "the command line is wrong",
            Self::Cancelled => "interrupted; the same command resumes",
        }
    }
}

/// The exit codes as the long help lists them.
pub fn exit_status() -> String {
    let line = |kind: Kind| format!("\n  {:>3}  {}", kind as i32, kind.meaning());
    format!("Exit status:{}", Kind::ALL.map(line).concat())
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        Self::from(kind as u8)
    }
}

impl From<ErrorCode> for Kind {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NotARepository
            | ErrorCode::Bare
            | ErrorCode::Shallow
            | ErrorCode::Empty
            | ErrorCode::Reftable
            | ErrorCode::Sha256
            | ErrorCode::PartialClone
            | ErrorCode::Unsupported
            | ErrorCode::ForeignOwner => Self::Repository,
            ErrorCode::NotRegistered | ErrorCode::NoEligible | ErrorCode::NothingToDo => {
                Self::NoResult
            }
            ErrorCode::Busy => Self::Busy,
            ErrorCode::ConsentNeeded => Self::NotAgreed,
            ErrorCode::Cancelled => Self::Cancelled,
            ErrorCode::BaseChecksum
            | ErrorCode::BaseForeign
            | ErrorCode::Conflict
            | ErrorCode::InvalidParams => Self::Input,
            ErrorCode::BaseMissing
            | ErrorCode::NoNetwork
            | ErrorCode::NoTeacher
            | ErrorCode::NoSandbox
            | ErrorCode::VersionMismatch
            | ErrorCode::Stopping => Self::Unavailable,
            ErrorCode::Io | ErrorCode::NoSpace => Self::Io,
            ErrorCode::WorkerLost
            | ErrorCode::NoHello
            | ErrorCode::InvalidRequest
            | ErrorCode::UnknownMethod
            | ErrorCode::TooLarge
            | ErrorCode::Internal => Self::Internal,
        }
    }
}

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// Decides the exit code.
    pub kind: Kind,
    /// What went wrong, then what caused it, outermost first. Never empty.
    pub error: Vec<String>,
    /// What to do about it, one sentence each.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An error that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, error: vec![message.into()], hints: Vec::new() }
    }

    /// An error that says what `error` and its sources say.
    pub fn of(kind: Kind, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut this = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some errors say their source in their own sentence; once is enough.
            if this.error.last().is_none_or(|said| !said.ends_with(&text)) {
                this.error.push(text);
            }
            source = cause.source();
        }
        this
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same about `what`, the earlier message becoming its cause.
    pub fn context(mut self, what: impl Into<String>) -> Self {
        self.error.insert(0, what.into());
        self
    }

    /// The daemon answered a job with another job's report.
    pub fn unexpected(result: &JobResult) -> Self {
        let message = format!("the daemon answered with a report of {}", result.kind());
        Self::new(Kind::Internal, message)
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        let mut error = vec![failure.message];
        error.extend(failure.causes);
        Self { kind: failure.code.into(), error, hints: failure.hint.into_iter().collect() }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(failure) => failure.into(),
            ClientError::Absent { .. } | ClientError::ForeignPeer(_) | ClientError::Silent => {
                Self::of(Kind::Unavailable, &error)
            }
            ClientError::Closed => Self::of(Kind::Unavailable, &error)
                .hint("see the daemon's log; `git sera status` tells what is left"),
            ClientError::Io(_) => Self::of(Kind::Io, &error),
            ClientError::Codec(_) | ClientError::Answer { .. } => Self::of(Kind::Internal, &error),
        }
    }
}

impl From<LocationError> for CommandError {
    fn from(error: LocationError) -> Self {
        let hint = match &error {
            LocationError::NoHome(_) => "set HOME, or GIT_SERA_STATE_DIR and GIT_SERA_CACHE_DIR",
            LocationError::SocketTooLong(_) => "set GIT_SERA_RUNTIME_DIR to a shorter path",
            LocationError::Unsafe { .. } | LocationError::Io { .. } => {
                "set GIT_SERA_RUNTIME_DIR, _STATE_DIR or _CACHE_DIR to a folder of your own"
            }
        };
        Self::of(Kind::Io, &error).hint(hint)
    }
}

impl From<sera_git::OpenError> for CommandError {
    fn from(error: sera_git::OpenError) -> Self {
        Self::of(Kind::Repository, &error).hint(error.hint())
    }
}

impl From<sera_git::HooksError> for CommandError {
    fn from(error: sera_git::HooksError) -> Self {
        let kind = match error {
            HooksError::Unknown(_) | HooksError::OldGit(..) | HooksError::ForeignFolder(_) => {
                Kind::Input
            }
            HooksError::Io { .. } => Kind::Io,
            HooksError::Git(_) => Kind::Repository,
        };
        let hint = error.hint();
        Self::of(kind, &error).hint(hint)
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        // A reader that has seen enough (`| head`) is no failure, and nobody reads a message.
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::Success,
            _ => Kind::Io,
        };
        Self::of(kind, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_exit_codes_is_whole_and_in_order() {
        let numbers = Kind::ALL.map(|kind| kind as i32);
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        for code in ErrorCode::ALL {
            assert!(Kind::ALL.contains(&Kind::from(*code)), "{code} ends in a listed code");
        }
    }
}
