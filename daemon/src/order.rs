//! Orders: what a worker needs to know to do one job, as plain data in a file.
//!
//! A worker has no store, so the daemon writes everything it may look at into the order. The
//! results stand in the same module as the orders they answer.
use crate::audit::Place;
use crate::sandbox::Sandbox;
use sera_chat::Spent;
use sera_core::scorecard::{FixScore, Scorecard};
use sera_core::{
    CommitId, Digest, FunctionSeed, Hole, Lesson, Patch, Seed, SeedId, Task, TaskId, TrajectoryId,
    TreePath,
};
use sera_datagen::rewrites::Made;
use sera_datagen::{Attempt, Cut, Drops, Forgotten, Selected, Selection};
use sera_model::{Choice, KeyValues};
use sera_protocol::job::ImageSource;
use sera_protocol::report::ExportFormat;
use sera_sandbox::EffectiveProtection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An order, and where what is sent and loaded for it is written down.
#[derive(Serialize, Deserialize)]
pub(crate) struct Assignment<O = Order> {
    /// What to do.
    pub(crate) order: O,
    /// The audit log.
    pub(crate) audit: Place,
}

/// One job for a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub(crate) enum Order {
    /// A file → whether it is a base.
    Check(Check),
    /// History → seeds.
    Mine(Mine),
    /// Seeds → tasks, lessons and holes.
    Synthesize(Synthesize),
    /// Tasks → judged trajectories.
    RollOut(RollOut),
    /// Functions → what a teacher makes of them, in parts.
    Generate(Box<Generate>),
    /// Rows made elsewhere → what of them holds, in parts.
    Import(Import),
    /// Attempts → which of them are trained on, and files of those.
    Select(Select),
    /// Trajectories, lessons and holes → adapters.
    Train(Train),
    /// Adapters × held-out work → scorecards.
    Evaluate(Evaluate),
    /// Held-out tasks → how the teacher does.
    Examine(Box<Examine>),
    /// A description → proposals.
    Fix(Fix),
    /// Settings → what is enforced here.
    Diagnose(Diagnose),
    /// A recipe → an image.
    BuildImage(BuildImage),
}

impl Order {
    /// Which kind of worker carries it out.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Mine(_) | Self::Synthesize(_) | Self::Import(_) | Self::Select(_) => "mine",
            Self::RollOut(_)
            | Self::Generate(_)
            | Self::Examine(_)
            | Self::Diagnose(_)
            | Self::BuildImage(_) => "rollout",
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Check(_) | Self::Fix(_) => "serve",
        }
    }
}

/// See [`Order::Check`]; answered by what the base calls itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The base's file.
    pub(crate) base: PathBuf,
}

/// Where a repository is and how its secrets are replaced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Source {
    /// The work tree, or any folder git finds the repository from.
    pub(crate) path: PathBuf,
    /// The key of this repository's pseudonyms.
    pub(crate) key: [u8; 32],
    /// What nothing may be made of any more.
    pub(crate) forgotten: Forgotten,
}

/// See [`Order::Mine`]; answered by [`MineDone`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Mine {
    /// The repository.
    pub(crate) source: Source,
    /// Newest commit to look at.
    pub(crate) tip: CommitId,
    /// How many to look at.
    pub(crate) commits: usize,
    /// Whether somebody wants to hear what was left out, and why.
    pub(crate) explain: bool,
    /// The file of what earlier minings learnt.
    pub(crate) known: PathBuf,
    /// What is there already and need not be handed over; without it everything is.
    pub(crate) found: Option<Found>,
    /// What teachers made, which follows commits that are rewritten.
    pub(crate) made: Vec<Made>,
    /// Rewritten commits that git's hook told of, and what they are now.
    pub(crate) told: BTreeMap<CommitId, CommitId>,
}

/// The list of the seeds that were handed over last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Its file.
    pub(crate) path: PathBuf,
    /// Its digest, if what it lists is stored.
    pub(crate) name: Option<Digest>,
}

/// How many seeds there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Functions that may be trained on.
    pub(crate) functions: u64,
    /// Commits that may.
    pub(crate) commits: u64,
    /// Functions that are held out.
    pub(crate) held_out_functions: u64,
    /// Commits that are.
    pub(crate) held_out_commits: u64,
}

impl Counts {
    /// One more.
    pub(crate) fn add(&mut self, seed: &Seed) {
        *match (seed, seed.held_out()) {
            (Seed::Function(_), false) => &mut self.functions,
            (Seed::Commit(_), false) => &mut self.commits,
            (Seed::Function(_), true) => &mut self.held_out_functions,
            (Seed::Commit(_), true) => &mut self.held_out_commits,
        } += 1;
    }
}

impl<'a> FromIterator<&'a Seed> for Counts {
    fn from_iter<I: IntoIterator<Item = &'a Seed>>(seeds: I) -> Self {
        let mut counts = Self::default();
        seeds.into_iter().for_each(|seed| counts.add(seed));
        counts
    }
}

/// The answer to [`Mine`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MineDone {
    /// Where training ends.
    pub(crate) cut: Cut,
    /// Functions, then commits: all that there are, or where `gone` is set those that are new.
    pub(crate) seeds: Vec<Seed>,
    /// What is not there any more.
    pub(crate) gone: Option<Vec<SeedId>>,
    /// The list that says what is there now.
    pub(crate) found: Option<Digest>,
    /// How many there are, handed over or not.
    pub(crate) counts: Counts,
    /// What was left out.
    pub(crate) dropped: Drops,
    /// What, and why.
    pub(crate) explained: Vec<(String, String)>,
    /// What was made of commits that were rewritten, and where it belongs now.
    pub(crate) followed: Vec<(Made, CommitId)>,
    /// What mining cost.
    pub(crate) blobs_read: usize,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Synthesize`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Synthesize {
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose tree is trained on.
    pub(crate) cut: CommitId,
    /// Everything mined.
    pub(crate) seeds: Vec<Seed>,
    /// Training tasks wanted at most.
    pub(crate) limit: usize,
    /// Held-out tasks wanted at most.
    pub(crate) held_out_limit: usize,
    /// Seed of every choice.
    pub(crate) rng_seed: u64,
    /// Unix time in milliseconds, for ids.
    pub(crate) now_ms: u64,
}

/// The answer to [`Synthesize`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Synthesized {
    /// Training and held-out tasks.
    pub(crate) tasks: Vec<Task>,
    /// Training and held-out holes.
    pub(crate) holes: Vec<Hole>,
    /// Lessons.
    #[serde(default)]
    pub(crate) lessons: Vec<Lesson>,
    /// Why seeds gave no task.
    pub(crate) dropped: Drops,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// Who solves tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "teacher", rename_all = "kebab-case")]
pub(crate) enum Teacher {
    /// The embedded one.
    Procedural,
    /// The student as it is served, in the guided harness.
    Student(Weights),
    /// The same, several times at each task, drawn at a temperature.
    Sampled {
        /// What is served.
        weights: Weights,
        /// Attempts at each task.
        attempts: usize,
        /// Seed of what is drawn.
        seed: u64,
    },
}

/// A student's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weights {
    /// The base's file.
    pub(crate) base: PathBuf,
    /// A PEFT folder, if an adapter is on it.
    pub(crate) adapter: Option<PathBuf>,
    /// How what it reads is kept.
    pub(crate) cache: KeyValues,
}

/// See [`Order::RollOut`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RollOut {
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose tree is indexed.
    pub(crate) cut: CommitId,
    /// What is to be solved.
    pub(crate) tasks: Vec<Task>,
    /// By whom.
    pub(crate) teacher: Teacher,
    /// Unix time in milliseconds, for ids.
    pub(crate) now_ms: u64,
}

/// The answer to [`RollOut`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RolledOut {
    /// What became a trajectory, with its verdict.
    pub(crate) attempts: Vec<Attempt>,
    /// What did not, and why.
    pub(crate) dropped: Vec<(TaskId, String)>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Generate`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Generate {
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose tree is changed, for most functions.
    pub(crate) cut: CommitId,
    /// Earlier commits, whose trees are changed where a function read otherwise then.
    pub(crate) earlier: Vec<CommitId>,
    /// Functions that may be asked about.
    pub(crate) functions: Vec<FunctionSeed>,
    /// Messages of this repository that descriptions are to be like.
    pub(crate) demonstrations: Vec<String>,
    /// Functions that were asked about before, by family.
    pub(crate) done: Vec<(SeedId, String)>,
    /// What came of those.
    pub(crate) past: Yield,
    /// Whom to ask.
    pub(crate) teacher: crate::teacher::Teacher,
    /// Functions at most.
    pub(crate) limit: usize,
    /// Seed of every choice.
    pub(crate) rng_seed: u64,
    /// Unix time in milliseconds, for ids.
    pub(crate) now_ms: u64,
    /// The file of what was spent on which day.
    pub(crate) ledger: PathBuf,
    /// The file of replies that are paid for.
    pub(crate) paid: PathBuf,
    /// The file of servers that call no tools.
    pub(crate) toolless: PathBuf,
    /// Where commands run; none where only overlays are wanted.
    pub(crate) sandbox: Option<Sandbox>,
    /// Only say what would be sent first.
    pub(crate) dry_run: bool,
}

/// What came of some functions, and what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Yield {
    /// How many were asked about.
    pub(crate) functions: u64,
    /// How many ended in an accepted second rollout.
    pub(crate) accepted: u64,
    /// Tokens.
    pub(crate) tokens: u64,
    /// Cost, micro-dollars.
    pub(crate) microdollars: u64,
}

/// The answer to [`Generate`], beside its parts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Generated {
    /// The first request, where only that was wanted.
    pub(crate) request: Option<String>,
    /// What it cost.
    pub(crate) spent: Spent,
    /// Functions left for another time, since the teacher or the engine failed at them.
    pub(crate) failed: usize,
    /// Replies paid for in earlier runs that this one had no use for.
    pub(crate) unused: usize,
    /// Why it ended early.
    pub(crate) ended: Option<String>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Import`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Import {
    /// The repository.
    pub(crate) source: Source,
    /// The last commit that may be trained on.
    pub(crate) cut: CommitId,
    /// The file of rows.
    pub(crate) file: PathBuf,
    /// The commit that was worked on, where the user says so.
    pub(crate) base: Option<CommitId>,
    /// What is there already.
    pub(crate) known: Vec<Digest>,
    /// The changes of held-out commits.
    pub(crate) held_out: Vec<Patch>,
    /// Unix time in milliseconds, for ids.
    pub(crate) now_ms: u64,
}

/// The answer to [`Import`], beside its parts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Imported {
    /// Rows.
    pub(crate) read: u64,
    /// Rows that were not taken, by reason.
    pub(crate) dropped: Drops,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Select`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Select {
    /// The base's file, whose tokens decide what fits.
    pub(crate) base: PathBuf,
    /// Attempts at training tasks.
    pub(crate) attempts: Vec<Attempt>,
    /// Which of them are trained on.
    pub(crate) selection: Selection,
    /// What the chosen are written out as, and where.
    pub(crate) export: Option<Export>,
}

/// Files for other trainers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Export {
    /// In what form.
    pub(crate) format: ExportFormat,
    /// The folder they are written to.
    pub(crate) folder: PathBuf,
    /// Trajectories as they were done, where a guided student is taught another way.
    pub(crate) told: Vec<Attempt>,
}

/// The answer to [`Select`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Chosen {
    /// Which, and why not the others.
    pub(crate) selected: Selected,
    /// Tokens of the chosen.
    pub(crate) tokens: u64,
    /// Of these, tokens with loss.
    pub(crate) target_tokens: u64,
    /// Files that were written.
    pub(crate) files: u64,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// How long training may go on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "budget", rename_all = "kebab-case")]
pub(crate) enum TrainBudget {
    /// Wall seconds, turned into tokens by the measured speed.
    Seconds {
        /// How many.
        seconds: f64,
    },
    /// Tokens.
    Tokens {
        /// How many.
        tokens: usize,
    },
}

/// See [`Order::Train`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Train {
    /// The base's file.
    pub(crate) base: PathBuf,
    /// Accepted attempts at training tasks.
    pub(crate) attempts: Vec<Attempt>,
    /// Which of them are trained on.
    #[serde(default)]
    pub(crate) selection: Selection,
    /// Training holes.
    pub(crate) holes: Vec<Hole>,
    /// Lessons.
    #[serde(default)]
    pub(crate) lessons: Vec<Lesson>,
    /// How long.
    pub(crate) budget: TrainBudget,
    /// Seed of initialisation and order.
    pub(crate) seed: u64,
    /// Also train two half-budget adapters, to learn how much seeds differ.
    pub(crate) siblings: bool,
    /// An interrupted training of the same order.
    pub(crate) checkpoint: Option<PathBuf>,
    /// Bytes that it may hold beside the base; by what is free where the user set none.
    pub(crate) memory: Option<u64>,
    /// Where it computes.
    pub(crate) device: Choice,
}

/// The answer to [`Train`]. Adapters are PEFT folders inside the job's folder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trained {
    /// Set when the training was cancelled: the file to go on from.
    pub(crate) checkpoint: Option<String>,
    /// The adapter's folder.
    pub(crate) adapter: String,
    /// The siblings' folders.
    pub(crate) siblings: Vec<String>,
    /// What was chosen to be trained on, and why the rest was not.
    pub(crate) chosen: Vec<TrajectoryId>,
    /// Trajectories not chosen, by reason.
    pub(crate) dropped: Drops,
    /// What was decided on the way, for people.
    pub(crate) notes: Vec<String>,
    /// The numbers people ask for.
    pub(crate) report: TrainNumbers,
}

/// Numbers of one training.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct TrainNumbers {
    /// Examples in the dataset.
    pub(crate) examples: usize,
    /// Tokens that went through the model.
    pub(crate) tokens: u64,
    /// Of these, tokens with loss.
    pub(crate) target_tokens: u64,
    /// Training speed.
    pub(crate) tokens_per_s: f64,
    /// Peak resident memory of the worker, MB.
    pub(crate) peak_rss_mb: f64,
    /// Mean loss by step, nats per target token.
    pub(crate) loss: Vec<f32>,
    /// Examples by what they teach; earlier versions did not keep that.
    #[serde(default)]
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Evaluate`]; answered by [`Evaluated`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Evaluate {
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose tree is indexed.
    pub(crate) cut: CommitId,
    /// Held-out tasks.
    pub(crate) tasks: Vec<Task>,
    /// Held-out holes.
    pub(crate) holes: Vec<Hole>,
    /// Solved training tasks, for retrieval.
    pub(crate) solved: Vec<Attempt>,
    /// Training holes, for retrieval.
    pub(crate) training_holes: Vec<Hole>,
    /// The base's file.
    pub(crate) base: PathBuf,
    /// Where likelihoods are computed.
    pub(crate) device: Choice,
    /// The adapter in question, a PEFT folder.
    pub(crate) adapter: PathBuf,
    /// The adapters that serve *complete* and *fix* now.
    pub(crate) served: [Option<PathBuf>; 2],
    /// Half-budget adapters that differ in their seed.
    pub(crate) siblings: Vec<PathBuf>,
    /// Wall seconds.
    pub(crate) seconds: f64,
    /// Greedy rollouts per arm.
    pub(crate) rollouts: usize,
}

/// The answer to [`Evaluate`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Evaluated {
    /// All arms.
    pub(crate) card: Scorecard,
    /// The siblings, each as its [`sera_core::scorecard::Arm::Adapter`].
    pub(crate) siblings: Vec<Scorecard>,
    /// What was decided on the way, for people.
    pub(crate) notes: Vec<String>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// See [`Order::Examine`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Examine {
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose tree is indexed.
    pub(crate) cut: CommitId,
    /// Held-out tasks, those that the student attempted.
    pub(crate) tasks: Vec<Task>,
    /// Whom to ask.
    pub(crate) teacher: crate::teacher::Teacher,
    /// The file of what was spent on which day.
    pub(crate) ledger: PathBuf,
    /// Unix time in milliseconds, for ids.
    pub(crate) now_ms: u64,
}

/// The answer to [`Examine`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Examined {
    /// What each attempt was worth.
    pub(crate) scores: Vec<FixScore>,
    /// Why not all were made.
    pub(crate) ended: Option<String>,
}

/// See [`Order::Fix`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fix {
    /// The repository.
    pub(crate) source: Source,
    /// What is wrong.
    pub(crate) description: String,
    /// Only these files or folders; empty for all.
    pub(crate) paths: Vec<TreePath>,
    /// The commit whose tree is worked on.
    pub(crate) base_commit: CommitId,
    /// Applied to that tree first, for held-out tasks; a person's fix lays the work tree over it.
    pub(crate) bug: Option<Patch>,
    /// Lay changed and untracked files of the work tree over the tree.
    pub(crate) work_tree: bool,
    /// Unsaved editor contents, laid over everything.
    pub(crate) buffers: Vec<(TreePath, String)>,
    /// What is served.
    pub(crate) weights: Weights,
    /// Solved tasks shown first, each with the edit that solved it, as a student writes it.
    pub(crate) shots: Vec<(String, String)>,
    /// Proposals wanted.
    pub(crate) proposals: usize,
}

/// The answer to [`Fix`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fixed {
    /// Best first.
    pub(crate) proposals: Vec<Proposed>,
    /// What was done, a line each.
    pub(crate) steps: Vec<String>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}

/// One proposal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Proposed {
    /// The change.
    pub(crate) patch: Patch,
    /// The function.
    pub(crate) name: String,
    /// What it was ranked by; higher is better.
    pub(crate) score: f64,
    /// `enumerated:<operator>` or `written`.
    pub(crate) source: String,
}

/// See [`Order::Diagnose`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Diagnose {
    /// Containers as the settings want them.
    pub(crate) sandbox: Option<Sandbox>,
}

/// The answer to [`Diagnose`].
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Diagnosed {
    /// The address of the engine that answers.
    pub(crate) engine: Option<String>,
    /// Its version.
    pub(crate) version: Option<String>,
    /// It runs as the user.
    pub(crate) rootless: bool,
    /// Limits that it says it cannot enforce.
    pub(crate) lacking: Vec<String>,
    /// What a container enforces, seen from inside of one.
    pub(crate) protection: Option<EffectiveProtection>,
    /// Why there is none.
    pub(crate) why_not: Option<String>,
}

/// See [`Order::BuildImage`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BuildImage {
    /// Whose recipe.
    pub(crate) from: ImageSource,
    /// The repository.
    pub(crate) source: Source,
    /// The commit whose recipe is followed.
    pub(crate) commit: CommitId,
    /// Where engines may listen.
    pub(crate) addresses: Vec<String>,
    /// The image's name on the engine.
    pub(crate) name: String,
    /// Names this user's state on the engine.
    pub(crate) instance: String,
    /// The recipe that the user saw and agreed to; no other is followed.
    pub(crate) agreed: Option<Digest>,
}

/// The answer to [`BuildImage`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BuiltImage {
    /// The recipe, for people.
    pub(crate) text: String,
    /// Names it.
    pub(crate) recipe: Digest,
    /// The image that was made of it; none where nobody agreed.
    pub(crate) id: Option<String>,
    /// Wall seconds.
    pub(crate) seconds: f64,
}
