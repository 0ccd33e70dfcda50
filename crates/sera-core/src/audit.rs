//! What an audit log tells: what left this machine, what ran, and what changed what may.
//!
//! An event names things and counts bytes; it holds none of what was sent, learnt or forgotten.
use crate::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// One thing that happened, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A request that is about to be sent. Written down before its first byte goes.
    Sent {
        /// What for.
        purpose: Purpose,
        /// The address, without what may hold a key; what pip is asked for.
        to: String,
        /// The model that is asked.
        model: Option<String>,
        /// Bytes of the body.
        bytes: u64,
        /// BLAKE3 of the body; none where there is none.
        body: Option<Digest>,
        /// Secrets that were replaced in it, where that is known.
        redactions: Option<u64>,
    },
    /// What came of a request.
    Answered {
        /// The number of the request's own event.
        request: u64,
        /// `answered`, or why not.
        outcome: String,
        /// Tokens read and written, where that is known.
        tokens: Option<u64>,
        /// Millionths of a dollar, where that is known.
        microdollars: Option<u64>,
    },
    /// A container was made or removed.
    Container {
        /// Which of both.
        change: Change,
        /// Its id.
        id: String,
        /// The image that it runs.
        image: String,
        /// What for, or why it went.
        why: String,
    },
    /// Weights were loaded.
    Loaded {
        /// The preset's name or the file.
        what: String,
        /// SHA-256 of the file.
        sha256: String,
    },
    /// An adapter serves a capability from now on.
    Promoted {
        /// The capability.
        capability: String,
        /// The adapter.
        adapter: String,
    },
    /// An adapter serves a capability no more.
    RolledBack {
        /// The capability.
        capability: String,
        /// The adapter that served.
        adapter: String,
        /// What serves now: an adapter or `base`.
        serves: String,
        /// Why.
        why: String,
    },
    /// The user agreed, or withdrew that.
    Consent {
        /// Whether it holds from now on.
        given: bool,
        /// To what.
        to: String,
    },
    /// Something was removed from all that is stored. What it was is not said: it is forgotten.
    Forgot {
        /// Trajectories that went.
        trajectories: u64,
        /// Adapters that were withdrawn.
        adapters: u64,
    },
    /// A setting that says what is allowed has another value than the last time it was read.
    Configured {
        /// The setting.
        key: String,
        /// Its value; none where it is not set any more.
        value: Option<String>,
    },
    /// The end of a record that was never acknowledged was cut off: its writer was killed.
    Repaired {
        /// How many bytes.
        bytes: u64,
    },
    /// The log begins anew because the one before it was damaged.
    Restarted {
        /// Where it was damaged, and how.
        damage: String,
        /// Where it lies now.
        kept: String,
    },
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A model server is asked.
    Teacher,
    /// A base is fetched.
    Download,
}

/// What became of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It is there.
    Created,
    /// It is gone.
    Removed,
}

impl Event {
    /// The names of all kinds, as they are written.
    pub const KINDS: [&str; 11] = [
        "sent",
        "answered",
        "container",
        "loaded",
        "promoted",
        "rolled-back",
        "consent",
        "forgot",
        "configured",
        "repaired",
        "restarted",
    ];

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Answered { .. } => "answered",
            Self::Container { .. } => "container",
            Self::Loaded { .. } => "loaded",
            Self::Promoted { .. } => "promoted",
            Self::RolledBack { .. } => "rolled-back",
            Self::Consent { .. } => "consent",
            Self::Forgot { .. } => "forgot",
            Self::Configured { .. } => "configured",
            Self::Repaired { .. } => "repaired",
            Self::Restarted { .. } => "restarted",
        }
    }
}

/// One line for people, without the kind.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { purpose, to, model, bytes, body, redactions } => {
                write!(f, "{bytes} bytes to {to}")?;
                model.as_ref().map_or(Ok(()), |model| write!(f, ", {model}"))?;
                write!(f, ", {purpose}")?;
                body.as_ref().map_or(Ok(()), |body| write!(f, ", blake3 {}", body.short()))?;
                redactions.map_or(Ok(()), |n| write!(f, ", {n} secrets replaced"))
            }
            Self::Answered { request, outcome, tokens, microdollars } => {
                write!(f, "request {request}: {outcome}")?;
                tokens.map_or(Ok(()), |tokens| write!(f, ", {tokens} tokens"))?;
                microdollars.map_or(Ok(()), |cost| write!(f, ", ${:.6}", cost as f64 / 1e6))
            }
            Self::Container { change, id, image, why } => {
                write!(f, "{id} {change}, image {image}: {why}")
            }
            Self::Loaded { what, sha256 } => write!(f, "{what}, sha256 {sha256:.10}"),
            Self::Promoted { capability, adapter } => write!(f, "{adapter} serves {capability}"),
            Self::RolledBack { capability, adapter, serves, why } => {
                write!(f, "{serves} serves {capability} instead of {adapter}: {why}")
            }
            Self::Consent { given: true, to } => write!(f, "given: {to}"),
            Self::Consent { given: false, to } => write!(f, "withdrawn: {to}"),
            Self::Forgot { trajectories, adapters } => {
                write!(f, "{trajectories} trajectories, {adapters} adapters")
            }
            Self::Configured { key, value: Some(value) } => write!(f, "{key} = {value}"),
            Self::Configured { key, value: None } => write!(f, "{key} is not set any more"),
            Self::Repaired { bytes } => write!(f, "{bytes} bytes of an unfinished record cut off"),
            Self::Restarted { damage, kept } => write!(f, "{damage}; kept in {kept}"),
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Teacher => "teacher",
            Self::Download => "download",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Removed => "removed",
        })
    }
}

/// An event could not be written down, so what it tells of must not happen.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the audit log")]
pub struct Unrecorded(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where events are written down, for those who let them happen. Clones write to the same log.
#[derive(Clone)]
pub struct Audit(Arc<Recorder>);

type Recorder = dyn Fn(&Event) -> Result<u64, Unrecorded> + Send + Sync;

impl Audit {
    /// What writes an event down, and says which number it has then. It is on the disk by then.
    pub fn new(
        recorder: impl Fn(&Event) -> Result<u64, Unrecorded> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(recorder))
    }

    /// Writes an event down; the number that it has in the log.
    ///
    /// # Errors
    /// Where it could not be. Then it must not happen.
    pub fn record(&self, event: &Event) -> Result<u64, Unrecorded> {
        (self.0)(event)
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_kinds_are_those_that_are_written() {
        let sent = Event::Sent {
            purpose: Purpose::Teacher,
            to: "http://127.0.0.1:8080/v1/chat/completions".to_owned(),
            model: Some("m-1".to_owned()),
            bytes: 12,
            body: Some(Digest::of(b"x")),
            redactions: None,
        };
        let to = "https://x/v1".to_owned();
        for event in [sent, Event::Consent { given: true, to }, Event::Repaired { bytes: 3 }] {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["kind"], event.kind());
            assert!(Event::KINDS.contains(&event.kind()));
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }
}
