//! What a client can ask the daemon to work on, and how far that work is.
use crate::report::ExportFormat;
use crate::wire::{choices, records, words};
use sera_core::JobId;
use sera_core::scorecard::Capability;
use std::collections::BTreeMap;

choices! {
    /// A unit of work on one repository. Stages that others need run first where they are missing.
    Job {
        /// Finds the functions and commits that tasks may be made from.
        Mine = "mine" {
            /// Report every candidate that was dropped, with its reason.
            explain: bool,
        },
        /// Makes tasks from the seeds.
        Synthesize = "synthesize" {
            /// At most this many tasks; all when absent.
            limit: Option<u64>,
        },
        /// Has tasks solved.
        Rollout = "rollout" {
            /// At most this many tasks; all when absent.
            limit: Option<u64>,
            /// Let the student try too, on a few training tasks.
            student: bool,
            /// Have the served student make so many attempts at each of some training tasks, and
            /// keep what holds to be trained on.
            attempts: Option<u64>,
        },
        /// Has the configured teacher work on functions: soft verified generation.
        Generate = "generate" {
            /// At most this many functions; the usual number when absent.
            limit: Option<u64>,
            /// The user agrees that code of this repository is sent to the teacher.
            consent: bool,
            /// Only say what would be sent first.
            dry_run: bool,
            /// Ask again where the teacher refused in an earlier run. Earlier clients never do.
            retry: Option<bool>,
        },
        /// Judges the trajectories again and selects those to train on.
        Verify = "verify" {},
        /// Trains an adapter on the selected trajectories.
        Train = "train" {
            /// Stop after this many seconds.
            seconds: Option<u64>,
            /// Stop after this many tokens.
            tokens: Option<u64>,
            /// Seed of initial weights and order.
            seed: u64,
        },
        /// Scores the newest adapter on held-out work.
        Evaluate = "evaluate" {
            /// Spend about this many seconds.
            seconds: Option<u64>,
        },
        /// Decides, capability by capability, whether an adapter serves.
        Promote = "promote" {
            /// Which: its id or how that ends; the newest when absent. Since 1.3.
            adapter: Option<String>,
            /// Have it serve whatever the numbers say. Since 1.3.
            force: Option<bool>,
            /// What it is forced to serve; everything when absent. Since 1.3.
            capabilities: Option<Vec<Capability>>,
        },
        /// Lists the adapters that are kept, newest first. Since 1.3.
        Adapters = "adapters" {},
        /// Has what served before the newest promotion serve again. Since 1.3.
        Rollback = "rollback" {
            /// For this capability; for all when absent.
            capability: Option<Capability>,
        },
        /// Trains, evaluates and decides, as far as that is not done: what follows when an adapter
        /// was withdrawn.
        Retrain = "retrain" {},
        /// Every stage in order, then one fix of a held-out task.
        Quickstart = "quickstart" {
            /// Seconds of training.
            train_seconds: u64,
            /// Seconds of evaluation.
            evaluate_seconds: u64,
            /// Where to take the base from; the preset's own source when absent.
            base: Option<String>,
            /// Training tasks that the student tries itself; the usual number when absent.
            student_tasks: Option<u64>,
        },
        /// Proposes a change that does what the description asks. Writes no file.
        Fix = "fix" {
            /// What is wrong, or the output of a failing test.
            description: String,
            /// Only propose changes to these files or folders; anywhere when empty.
            paths: Vec<String>,
            /// Unsaved editor contents by path, laid over the work tree.
            buffers: Option<BTreeMap<String, String>>,
            /// How many proposals to return, best first.
            proposals: u64,
        },
        /// Chooses what is trained on again, from what is stored, and says what that is.
        Select = "select" {
            /// Accept this weighted recall and above; as before when absent.
            min_recall: Option<f64>,
            /// Take candidates of at most this many changed lines; as before when absent.
            max_patch: Option<u64>,
            /// Most that each source may make of the whole, from 0 to 1; as before when absent.
            mix: Option<BTreeMap<String, f64>>,
            /// Begin with the usual choice instead of the last one.
            reset: bool,
        },
        /// Writes what is trained on out for other trainers.
        Export = "export" {
            /// In what form.
            format: ExportFormat,
        },
        /// Takes trajectories in that were made elsewhere.
        Import = "import" {
            /// A file of rows, or one of SWE-agent's trajectories; an absolute path.
            file: String,
            /// The commit that was worked on; what each row says when absent.
            base: Option<String>,
        },
        /// Says why something is trained on, or why it is not.
        Why = "why" {
            /// A trajectory's id or how it ends, a commit, a path, or `path::function`.
            what: String,
        },
        /// Removes something from all that is stored, and everything that was made of it.
        Forget = "forget" {
            /// A trajectory's id or how it ends, a commit, a path, or `path::function`.
            what: String,
            /// Only say what would be removed.
            dry_run: bool,
        },
        /// Lists stored trajectories, newest first.
        Log = "log" {
            /// At most this many; all when absent.
            limit: Option<u64>,
        },
        /// Shows one stored trajectory.
        Show = "show" {
            /// Its id, or how that ends.
            id: String,
        },
        /// Checks the audit log and lists what it holds, newest first.
        Audit = "audit" {
            /// At most this many; all when absent.
            limit: Option<u64>,
            /// Only events of these kinds; all when absent.
            kinds: Option<Vec<String>>,
            /// Where the log is damaged, move it aside and begin a new one.
            restart: Option<bool>,
            /// The user's own log instead of the repository's: what is of no repository. Since 1.2.
            user: Option<bool>,
        },
        /// Lists what the user agreed to for the repository, or takes all of it back. Since 1.2.
        Consent = "consent" {
            /// Take it back.
            withdraw: bool,
        },
        /// Tells one cycle whole, and writes it as a page. Since 1.3.
        Report = "report" {
            /// The adapter's id, or how that ends; the newest when absent.
            adapter: Option<String>,
        },
        /// Checks what is stored and rebuilds the index.
        Fsck = "fsck" {},
        /// Looks at what is enforced on this machine.
        Doctor = "doctor" {},
        /// Builds the image that commands run in, or shows its recipe.
        BuildImage = "build-image" {
            /// Whose recipe.
            from: ImageSource,
            /// The recipe that the user saw and agreed to; only shown when absent.
            agreed: Option<String>,
            /// The user agrees that code of this repository is sent to another machine's engine.
            consent: bool,
        },
    }
}

words! {
    /// Whose recipe an image is built by.
    ImageSource {
        /// Sera's own: a small image of Debian's packages.
        Default = "default",
        /// The repository's development container or Dockerfile.
        Repository = "repository",
    }
}

words! {
    /// What a job is doing, for progress bars; a job passes through several.
    Stage {
        /// Getting and checking the base's weights.
        Base = "base",
        /// Reading history.
        Mine = "mine",
        /// Making tasks.
        Synthesize = "synthesize",
        /// Solving tasks.
        Rollout = "rollout",
        /// The teacher's work on functions.
        Generate = "generate",
        /// The student's own attempts.
        Student = "student",
        /// Judging trajectories.
        Verify = "verify",
        /// Taking in what was made elsewhere.
        Import = "import",
        /// Choosing what to train on.
        Select = "select",
        /// Making training examples.
        Prepare = "prepare",
        /// Training.
        Train = "train",
        /// Scoring.
        Evaluate = "evaluate",
        /// Deciding.
        Promote = "promote",
        /// Fixing.
        Fix = "fix",
        /// Checking the store.
        Fsck = "fsck",
        /// Building an image.
        Image = "image",
        /// Waiting for another job to end.
        Wait = "wait",
        /// Something that only a newer daemon knows.
        #[serde(other)]
        Other = "other",
    }
}

records! {
    /// How far a job is.
    Progress {
        /// The job.
        job: JobId,
        /// What it is doing.
        stage: Stage,
        /// How much of `total` is done.
        done: u64,
        /// 0 while unknown.
        total: u64,
        /// What is counted: `tasks`, `tokens`, `bytes`.
        unit: String,
        /// One short phrase, may be empty.
        message: String,
    }

    /// One thing the job did, in words, as it happens.
    StepNote {
        /// The job.
        job: JobId,
        /// One line.
        text: String,
    }
}
