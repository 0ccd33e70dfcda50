//! What the daemon and its worker children say to each other, one JSON object a line.
//!
//! Both ends are the same binary, so there is no version to agree on; big results do not travel
//! here but as files in the job's folder, named with the digest the daemon checks. The folder is an
//! order's name: the serving worker carries out several at once.
use sera_core::Digest;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Daemon to worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "tell", rename_all = "kebab-case")]
pub(crate) enum Tell {
    /// Do what the order file in this folder says, and leave the result there.
    Work {
        /// The job's folder below the repository's `incoming/`.
        folder: PathBuf,
    },
    /// Stop computing at the next layer, in all orders; keep everything.
    Pause,
    /// Go on.
    Resume,
    /// End the order in this folder early, leaving what can be resumed.
    Cancel {
        /// As in [`Tell::Work`].
        folder: PathBuf,
    },
}

/// Worker to daemon.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The order that this is about.
    pub(crate) folder: PathBuf,
    /// What there is to say.
    pub(crate) say: Say,
}

/// What a worker says of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(crate) enum Say {
    /// How far a stage is.
    Progress(Progress),
    /// One line of what a rollout is doing, for a person who waits.
    Step {
        /// The line.
        text: String,
    },
    /// A part of the result, whole in itself, lies in the folder under this name.
    Part {
        /// File name inside the folder.
        file: String,
        /// Its digest.
        digest: Digest,
    },
    /// The result lies in the folder under this name.
    Done {
        /// File name inside the folder.
        file: String,
        /// Its digest.
        digest: Digest,
    },
    /// The order could not be carried out. The worker lives on.
    Failed {
        /// A stable code for people who script.
        code: String,
        /// What failed, then its causes.
        causes: Vec<String>,
    },
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The stage's own word, `mine`.
    pub(crate) stage: String,
    /// Units done.
    pub(crate) done: u64,
    /// Units in all, if known.
    pub(crate) total: Option<u64>,
    /// What is counted, `commits`.
    pub(crate) unit: String,
    /// One line of detail, `loss 1.92`.
    pub(crate) message: String,
}
