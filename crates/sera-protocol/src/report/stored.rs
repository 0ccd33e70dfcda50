//! What is stored: listed, shown, chosen from, taken elsewhere, explained and forgotten.
use crate::wire::records;
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, Patch, TrajectoryId};
use std::collections::BTreeMap;

records! {
    /// What is trained on.
    SelectReport {
        /// Weighted recall that is accepted.
        min_recall: f64,
        /// Changed lines that a candidate may have.
        max_patch: u64,
        /// Most that each source may make of the whole.
        mix: BTreeMap<String, f64>,
        /// How many trajectories are chosen, by source.
        chosen: BTreeMap<String, u64>,
        /// How many are not, by reason.
        dropped: BTreeMap<String, u64>,
        /// Tokens of the chosen.
        tokens: u64,
        /// Of these, tokens with loss.
        target_tokens: u64,
        /// Wall seconds.
        seconds: f64,
    }

    /// Files for other trainers.
    ExportReport {
        /// The folder that they lie in; whoever asked takes them from there.
        folder: String,
        /// How many files.
        files: u64,
        /// How many trajectories they hold.
        trajectories: u64,
        /// Wall seconds.
        seconds: f64,
    }

    /// What was taken in.
    ImportReport {
        /// Rows that the file has.
        rows: u64,
        /// Rows whose work is stored now.
        taken: u64,
        /// Of these, how many soft verification accepts.
        accepted: u64,
        /// How many were not taken, by reason.
        dropped: BTreeMap<String, u64>,
        /// Wall seconds.
        seconds: f64,
    }

    /// Why something is trained on, or why it is not.
    WhyReport {
        /// What was asked about: `commit 1f2e3d4c5b`, `src/a.py`.
        about: String,
        /// All that is known of it, from seeds to what was learnt.
        known: Vec<Because>,
        /// How many more there are than fit.
        unsaid: u64,
    }

    /// What became of one thing.
    Because {
        /// The thing: a function, a trajectory, completion examples.
        what: String,
        /// Whether it is trained on.
        trained_on: bool,
        /// Why, or why not.
        because: String,
    }

    /// The adapters that are kept.
    AdaptersReport [Default] {
        /// Newest first.
        adapters: Vec<AdapterEntry>,
        /// How many are kept besides those that serve.
        kept: u64,
    }

    /// One adapter, what it was made of, and what it serves.
    AdapterEntry {
        /// Its id.
        adapter: AdapterId,
        /// When it was trained, Unix milliseconds.
        trained_ms: u64,
        /// The base that it belongs to.
        base: String,
        /// The last commit that it may have learnt from.
        cut: String,
        /// The cut of the adapter before: commits since are new to this one.
        since: Option<String>,
        /// BLAKE3 of the dataset and settings that made it.
        made_from: String,
        /// Seed of its initial weights and of the order of examples.
        seed: Option<u64>,
        /// Commits between its cut and what is checked out: how stale it is. None where the cut is
        /// not in that history.
        behind: Option<u64>,
        /// Examples that it was trained on.
        examples: u64,
        /// Tokens that it was trained on.
        tokens: u64,
        /// Whether it was evaluated.
        scored: bool,
        /// What it serves now.
        serves: Vec<Capability>,
        /// What it served at some time, and can serve again.
        promoted: Vec<Capability>,
        /// Of these, what the user had it serve whatever the numbers said.
        forced: Vec<Capability>,
    }

    /// What serves again.
    RollbackReport {
        /// By capability.
        changed: Vec<Serves>,
    }

    /// What an adapter served, and what serves now.
    Serves {
        /// The capability.
        capability: Capability,
        /// The adapter that serves it no more.
        adapter: AdapterId,
        /// What does: an adapter or `base`.
        serves: String,
    }

    /// What was removed.
    ForgetReport {
        /// What was to be forgotten.
        about: String,
        /// Functions and commits that tasks were made from.
        seeds: u64,
        /// Tasks.
        tasks: u64,
        /// Trajectories.
        trajectories: u64,
        /// Completion examples.
        holes: u64,
        /// Conversations made from the code and the history alone; earlier daemons make none.
        lessons: Option<u64>,
        /// Adapters that had learnt from it.
        adapters: Vec<String>,
        /// What serves each capability now: an adapter's id or `base`. Only what changed.
        served: BTreeMap<Capability, String>,
        /// An adapter is trained anew, now or as soon as nothing else computes.
        retraining: bool,
        /// Wall seconds.
        seconds: f64,
    }

    /// Stored trajectories.
    LogReport [Default] {
        /// Newest first.
        trajectories: Vec<Logged>,
        /// How many are stored.
        stored: u64,
    }

    /// A stored trajectory in one line.
    Logged {
        /// The trajectory.
        id: TrajectoryId,
        /// Who did it: `procedural`, a student, a server's model.
        teacher: String,
        /// What the task was made of: `identifier-swap src/a.py::f`, a commit.
        of: String,
        /// What the solver was told.
        description: String,
        /// How many steps it took.
        steps: u64,
        /// Share of the reference's changed lines that it reproduced.
        recall: f64,
        /// Why soft verification rejected it, if it did.
        rejected: Option<String>,
        /// Never trained on.
        held_out: bool,
    }

    /// One stored trajectory whole.
    ShowReport {
        /// What `log` says of it.
        logged: Logged,
        /// The commit whose tree was worked on.
        base: String,
        /// The family of change that was asked for.
        family: String,
        /// Every step.
        steps: Vec<Shown>,
        /// How it ended: `submitted`, `limit-reached: steps`, `failed: model-failed`.
        outcome: String,
        /// What it changed.
        candidate: Patch,
        /// What it should have changed.
        reference: Patch,
        /// Tokens read and written.
        tokens: u64,
        /// Millionths of a dollar that it cost.
        microdollars: u64,
    }

    /// One step.
    Shown {
        /// What was thought before the action.
        thought: Option<String>,
        /// The action, as guided students write it.
        action: String,
        /// What came back.
        observation: String,
        /// False where the action failed.
        ok: bool,
        /// Not trained on.
        masked: bool,
    }

    /// What was sent, ran and changed.
    AuditReport [Default] {
        /// Newest first.
        entries: Vec<AuditEntry>,
        /// How many records hold together from the beginning.
        records: u64,
        /// Where the log is not what was written, and how that shows. What stands behind that is
        /// not listed.
        broken: Option<String>,
        /// Where a damaged log was moved to.
        kept: Option<String>,
    }

    /// One record of the audit log.
    AuditEntry {
        /// Its number, from 1.
        number: u64,
        /// Unix milliseconds.
        time_ms: u64,
        /// What kind of event: `sent`, `consent`.
        kind: String,
        /// The event in a line.
        text: String,
        /// The event itself.
        event: serde_json::Value,
    }
}
