//! The table of calls: name, parameters, result; and of notifications.
//!
//! A client calls with a parameter struct and gets that call's own result type back ([`Call`]);
//! the daemon matches on the closed [`Request`] and answers with the same types.
use crate::job::{Job, Progress, StepNote};
use crate::report::JobResult;
use crate::wire::{Declarations, Wire, records};
use sera_core::JobId;
use sera_core::scorecard::Capability;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// A parameter struct: it knows the call it is for and what that returns.
pub trait Call: Serialize {
    /// The method's name.
    const METHOD: &'static str;
    /// What the daemon answers with.
    type Reply: Serialize + DeserializeOwned;

    /// The request that carries these parameters.
    fn into_request(self) -> Request;
}

macro_rules! methods {
    ($( $(#[doc = $doc:literal])+ $name:literal $variant:ident($params:ty) -> $reply:ty, )+) => {
        /// Everything a client can call.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "method", content = "params")]
        pub enum Request {
            $( $(#[doc = $doc])+ #[serde(rename = $name)] $variant($params), )+
        }

        impl Request {
            /// The names of all methods, in the order of the table.
            pub const METHODS: &[&str] = &[$($name),+];

            /// The method's name.
            pub fn method(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Reads `params` as `method`'s; `None` for a method that is not in the table.
            pub(crate) fn read(method: &str, params: Value) -> Option<serde_json::Result<Self>> {
                Some(match method {
                    $($name => serde_json::from_value(params).map(Self::$variant),)+
                    _ => return None,
                })
            }

            /// Whether `result` is what `method` returns, as the transcripts' test asks.
            pub fn check_result(method: &str, result: Value) -> serde_json::Result<Value> {
                match method {
                    $($name => serde_json::to_value(serde_json::from_value::<$reply>(result)?),)+
                    _ => Err(serde::de::Error::custom(format!("no method {method:?}"))),
                }
            }
        }

        $(
            impl Call for $params {
                const METHOD: &'static str = $name;
                type Reply = $reply;

                fn into_request(self) -> Request {
                    Request::$variant(self)
                }
            }
        )+

        /// The calls as a TypeScript interface, their types declared on the way.
        pub(crate) fn declare_methods(into: &mut Declarations) {
            let mut text = String::from("/** Every call by name. */\nexport interface Methods {\n");
            $(
                text.push_str(&crate::wire::comment(&[$($doc),+], "  "));
                text.push_str(&format!(
                    "  {}: {{ params: {}; result: {} }};\n",
                    crate::wire::member($name),
                    <$params as Wire>::reference(),
                    <$reply as Wire>::reference(),
                ));
                <$params as Wire>::declare(into);
                <$reply as Wire>::declare(into);
            )+
            text.push_str("}\n");
            into.texts.push(text);
        }
    };
}

macro_rules! notifications {
    ($( $(#[doc = $doc:literal])+ $name:literal $variant:ident($params:ty), )+) => {
        /// Everything the daemon says without being asked.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "method", content = "params")]
        pub enum Notification {
            $( $(#[doc = $doc])+ #[serde(rename = $name)] $variant($params), )+
        }

        impl Notification {
            /// Reads `params` as `method`'s; `None` for a notification that is not in the table.
            pub(crate) fn read(method: &str, params: Value) -> Option<serde_json::Result<Self>> {
                Some(match method {
                    $($name => serde_json::from_value(params).map(Self::$variant),)+
                    _ => return None,
                })
            }
        }

        $(
            impl From<$params> for Notification {
                fn from(params: $params) -> Self {
                    Self::$variant(params)
                }
            }
        )+

        /// The notifications as a TypeScript interface, their types declared on the way.
        pub(crate) fn declare_notifications(into: &mut Declarations) {
            let mut text =
                String::from("/** Every notification by name. */\nexport interface Notifications {\n");
            $(
                text.push_str(&crate::wire::comment(&[$($doc),+], "  "));
                let (name, params) = (crate::wire::member($name), <$params as Wire>::reference());
                text.push_str(&format!("  {name}: {params};\n"));
                <$params as Wire>::declare(into);
            )+
            text.push_str("}\n");
            into.texts.push(text);
        }
    };
}

methods! {
    /// Must be the first call; refused with `version-mismatch` where the majors differ.
    "hello" Hello(HelloParams) -> HelloResult,
    /// Watches a repository from now on.
    "repository/register" Register(RegisterParams) -> RegisterResult,
    /// Stops watching; what was learned stays.
    "repository/unregister" Unregister(UnregisterParams) -> UnregisterResult,
    /// What the daemon knows and does.
    "status" Status(StatusParams) -> StatusReport,
    /// Runs a job and answers when it has ended; notifications come meanwhile.
    "job/run" Run(RunParams) -> RunResult,
    /// Asks for a job's early end; the job's own call then answers `cancelled`.
    "job/cancel" Cancel(CancelParams) -> CancelResult,
    /// Holds all that takes minutes still, mid-training too. Since 1.3.
    "daemon/pause" Pause(PauseParams) -> PauseResult,
    /// Has it go on, and tries again what was set aside. Since 1.3.
    "daemon/resume" Resume(ResumeParams) -> ResumeResult,
    /// Ends the daemon once its jobs have saved their state.
    "daemon/stop" Stop(StopParams) -> StopResult,
}

notifications! {
    /// How far a job of this connection is.
    "progress" Progress(Progress),
    /// What a job of this connection just did.
    "step" Step(StepNote),
}

records! {
    /// A version of this protocol.
    Version [Copy, Eq, Default] {
        /// Must be equal on both sides.
        major: u16,
        /// Grows when something is added.
        minor: u16,
    }

    /// Who calls.
    HelloParams {
        /// The protocol the client speaks.
        version: Version,
        /// The client's build, for people.
        build: String,
        /// What the client is: `git-sera`, `vscode`.
        client: Option<String>,
    }

    /// Who answers.
    HelloResult {
        /// The protocol the daemon speaks.
        version: Version,
        /// The daemon's build, for people.
        build: String,
        /// Its process.
        pid: u32,
    }

    /// Which repository to watch.
    RegisterParams {
        /// Any folder of its work tree, absolute.
        path: String,
    }

    /// What is watched.
    RegisterResult {
        /// The work tree's root.
        path: String,
        /// The repository's common git folder.
        common_dir: String,
        /// False when it was watched before.
        added: bool,
    }

    /// Which repository to leave alone.
    UnregisterParams {
        /// Any folder of its work tree, absolute.
        path: String,
    }

    /// What was left alone.
    UnregisterResult {
        /// False when it was not watched.
        removed: bool,
    }

    /// What to report on.
    StatusParams [Default] {
        /// Any folder of one work tree, absolute; all repositories when absent.
        path: Option<String>,
    }

    /// What the daemon knows and does.
    StatusReport [Default] {
        /// The daemon's build.
        version: String,
        /// Its process.
        pid: u32,
        /// Seconds since it started.
        uptime_s: u64,
        /// Watched repositories.
        repositories: Vec<RepositoryStatus>,
        /// The job that runs now.
        job: Option<JobStatus>,
        /// What holds computing still. Since 1.3.
        schedule: Option<ScheduleStatus>,
        /// Its resident memory, MiB.
        rss_mb: Option<u64>,
    }

    /// What holds computing still.
    ScheduleStatus [Default] {
        /// The user paused it.
        paused: bool,
        /// Why what nobody asked for waits, as it was found last; absent when nothing is in the way.
        waits: Option<String>,
        /// Until when, Unix milliseconds, where that is known.
        until_ms: Option<u64>,
        /// Seconds that were computed today though nobody asked for it.
        today_s: u64,
    }

    /// See `daemon/pause`.
    PauseParams [Default] {
        /// For so long; until `daemon/resume` when absent.
        seconds: Option<u64>,
    }

    /// That it is paused.
    PauseResult [Default] {
        /// Until when, Unix milliseconds.
        until_ms: Option<u64>,
    }

    /// See `daemon/resume`.
    ResumeParams [Default] {}

    /// That it is not paused.
    ResumeResult [Default] {
        /// Whether it was.
        was_paused: bool,
    }

    /// Seeds of a repository.
    SeedCounts [Default] {
        /// Functions that may be trained on.
        functions: u64,
        /// Commits that may be trained on.
        commits: u64,
        /// Functions and commits kept out of training.
        held_out: u64,
    }

    /// One watched repository.
    RepositoryStatus [Default] {
        /// The work tree's root.
        path: String,
        /// The repository's common git folder.
        common_dir: String,
        /// `idle`, or what is being done or is the matter, in a word.
        state: String,
        /// What was mined.
        seeds: SeedCounts,
        /// Tasks made.
        tasks: u64,
        /// Trajectories kept.
        trajectories: u64,
        /// Adapters trained, oldest first.
        adapters: Vec<String>,
        /// What serves each capability: `base` or an adapter.
        served: BTreeMap<Capability, String>,
        /// Where it trains: `cpu`, `cuda:N`, `metal`, or `auto` among these. Since 1.1.
        device: Option<String>,
        /// The last thing noticed, in words.
        last_event: Option<String>,
        /// The head that was mined last.
        mined_head: Option<String>,
        /// Whether an adapter is due, or why none is trained though it is. Since 1.3.
        training: Option<String>,
    }

    /// The job that runs now.
    JobStatus {
        /// The job.
        id: JobId,
        /// Its kind.
        kind: String,
        /// What it is doing.
        stage: crate::job::Stage,
        /// How much of `total` is done.
        done: u64,
        /// 0 while unknown.
        total: u64,
        /// One short phrase, may be empty.
        message: String,
        /// The work tree it works for.
        path: Option<String>,
    }

    /// What to do where.
    RunParams {
        /// Any folder of the work tree, absolute; an unwatched repository is registered.
        path: String,
        /// What to do.
        job: Job,
    }

    /// What came out.
    RunResult {
        /// The job.
        job: JobId,
        /// What it reports.
        result: JobResult,
    }

    /// Which job to end.
    CancelParams [Default] {
        /// The job; the one this connection runs when absent.
        job: Option<JobId>,
    }

    /// What was ended.
    CancelResult {
        /// False when there was nothing to cancel.
        cancelled: bool,
    }

    /// Nothing to say.
    StopParams [Default] {
    }

    /// What is being ended.
    StopResult {
        /// The process that ends.
        pid: u32,
    }
}

impl Version {
    /// Whether the two can talk.
    pub fn speaks(self, other: Self) -> bool {
        self.major == other.major
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
