//! Git as Sera sees it: history, trees, blobs and config of one repository, read and never written.
//!
//! `gix` reads; the `git` binary is asked only for the state of the work tree and for `sera.*`
//! config, scrubbed of everything a hostile repository could make it run. The exceptions to "never
//! written" are what the user asked for: [`Repository::apply`] and [`Repository::install_hooks`].
mod apply;
mod changes;
mod command;
mod commit;
mod config;
mod credential;
mod format;
mod history;
mod hooks;
mod open;
mod renames;
mod settings;
mod spool;
mod status;
mod tree;

pub use apply::{Applied, ApplyError};
pub use changes::FileChange;
pub use command::git;
pub use config::{ConfigError, Settings};
pub use credential::credential;
pub use history::CommitInfo;
pub use hooks::{EVENTS, Hooks, HooksError, Kind as HookKind, Wanted as WantedHooks};
pub use open::{OpenError, Repository};
pub use settings::{SETTINGS, Scope, Setting, reference, setting};
pub use spool::{HINT, REWRITTEN, Rewritten, Spool, Taken};
pub use status::WorkTreeChange;
pub use tree::{CommitTree, MAX_BLOB};

/// Why reading a repository failed after it was opened.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// An object or ref could not be read.
    #[error("failed to {what}")]
    Read {
        /// What was being done.
        what: String,
        /// The underlying error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The `git` binary could not be run or failed.
    #[error("git {command} failed: {message}")]
    Command {
        /// The subcommand.
        command: &'static str,
        /// What it said, or why it did not start.
        message: String,
    },
}

impl GitError {
    fn read(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Read { what: what.into(), source: source.into() }
    }
}
