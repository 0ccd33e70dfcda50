//! What jobs report when they end: numbers for machines, reasons for people.
use crate::wire::{choices, records, words};
use sera_core::scorecard::{self, Arm, Capability, Scorecard};
use sera_core::{AdapterId, Patch, TaskId};
use std::collections::BTreeMap;

mod cycle;
mod machine;
mod stored;

pub use cycle::*;
pub use machine::*;
pub use stored::*;

choices! {
    /// What came out of a job, by its kind.
    JobResult {
        /// Of `mine`.
        Mine = "mine" (MineReport),
        /// Of `synthesize`.
        Synthesize = "synthesize" (SynthesizeReport),
        /// Of `rollout`.
        Rollout = "rollout" (RolloutReport),
        /// Of `generate`.
        Generate = "generate" (GenerateReport),
        /// Of `verify`.
        Verify = "verify" (VerifyReport),
        /// Of `train`.
        Train = "train" (TrainReport),
        /// Of `evaluate`.
        Evaluate = "evaluate" (Box<ScorecardReport>),
        /// Of `promote`.
        Promote = "promote" (PromoteReport),
        /// Of `quickstart`.
        Quickstart = "quickstart" (Box<QuickstartReport>),
        /// Of `fix`.
        Fix = "fix" (FixReport),
        /// Of `select`.
        Select = "select" (SelectReport),
        /// Of `export`.
        Export = "export" (ExportReport),
        /// Of `import`.
        Import = "import" (ImportReport),
        /// Of `why`.
        Why = "why" (WhyReport),
        /// Of `forget`.
        Forget = "forget" (ForgetReport),
        /// Of `adapters`.
        Adapters = "adapters" (AdaptersReport),
        /// Of `rollback`.
        Rollback = "rollback" (RollbackReport),
        /// Of `log`.
        Log = "log" (LogReport),
        /// Of `show`.
        Show = "show" (Box<ShowReport>),
        /// Of `audit`.
        Audit = "audit" (AuditReport),
        /// Of `consent`.
        Consent = "consent" (ConsentReport),
        /// Of `report`.
        Report = "report" (Box<CycleReport>),
        /// Of `fsck`.
        Fsck = "fsck" (FsckReport),
        /// Of `doctor`.
        Doctor = "doctor" (DoctorReport),
        /// Of `build-image`.
        BuildImage = "build-image" (ImageReport),
    }
}

words! {
    /// Where a proposed edit came from.
    ProposalSource {
        /// One of the operators' single edits.
        Enumerated = "enumerated",
        /// The model wrote it.
        #[serde(other)]
        Written = "written",
    }
}

words! {
    /// A form that other trainers read.
    ExportFormat {
        /// Conversations with calls of tools, `weight` of each message of the model 0 or 1.
        Openai = "openai",
        /// What this trainer itself learns from, message by message; `train` says which.
        Axolotl = "axolotl",
        /// Conversations with calls of tools as text, as SERA publishes them.
        Hermes = "hermes",
        /// SWE-agent's trajectory files.
        SweAgent = "swe-agent",
        /// Agent Trajectory Interchange Format.
        Atif = "atif",
    }
}

records! {
    /// What mining found.
    MineReport [Default] {
        /// Functions that may be trained on.
        functions: u64,
        /// Commits that may be trained on.
        commits: u64,
        /// Functions kept out of training.
        held_out_functions: u64,
        /// Commits kept out of training.
        held_out_commits: u64,
        /// The last commit that may be trained on.
        cut: String,
        /// How many candidates were left out, by reason.
        dropped: BTreeMap<String, u64>,
        /// Each candidate that was left out, where asked for; as many as fit one message.
        explained: Vec<Explained>,
        /// Candidates left out that `explained` had no room for.
        unexplained: Option<u64>,
        /// Blobs read this time; only changed ones are.
        blobs_read: u64,
        /// Wall time.
        seconds: f64,
    }

    /// Why one candidate was left out.
    Explained {
        /// `path::function` or a commit.
        what: String,
        /// The reason's code.
        reason: String,
    }

    /// What synthesis made.
    SynthesizeReport [Default] {
        /// Tasks made, held-out ones included.
        tasks: u64,
        /// How many of them are held out.
        held_out: Option<u64>,
        /// Tasks by operator; commit tasks stand under `commit`.
        by_operator: BTreeMap<String, u64>,
        /// Tasks by family.
        by_family: BTreeMap<String, u64>,
        /// Conversations made from the code and the history alone, by what they teach; earlier
        /// daemons make none.
        lessons: Option<BTreeMap<String, u64>>,
        /// How many were not made, by reason.
        dropped: BTreeMap<String, u64>,
        /// Wall time.
        seconds: f64,
    }

    /// What rollouts left.
    RolloutReport [Default] {
        /// Trajectories kept.
        kept: u64,
        /// How many attempts were left out, by reason.
        dropped: BTreeMap<String, u64>,
        /// Attempts executed per second.
        per_second: f64,
        /// The student's own attempts.
        student: Option<StudentReport>,
        /// The configured teacher's work.
        teacher: Option<GenerateReport>,
        /// Wall time.
        seconds: f64,
    }

    /// What a teacher's work on functions left.
    GenerateReport [Default] {
        /// The teacher's name.
        teacher: String,
        /// Functions gone through.
        functions: u64,
        /// How many of them have a second rollout that was accepted.
        accepted: u64,
        /// How many have none, by reason.
        dropped: BTreeMap<String, u64>,
        /// Mean recall of second rollouts.
        recall: Option<f64>,
        /// Tokens read and written, paid for in this run.
        tokens: u64,
        /// Millionths of a dollar, paid in this run.
        microdollars: u64,
        /// Why it ended before all functions were gone through.
        ended: Option<String>,
        /// The first request, where only that was wanted.
        request: Option<String>,
        /// Wall time.
        seconds: f64,
    }

    /// Soft verification of the student's own rollouts.
    StudentReport [Default] {
        /// How many were accepted.
        accepted: u64,
        /// How many were rejected, by reason.
        rejected: BTreeMap<String, u64>,
    }

    /// What soft verification and selection decided.
    VerifyReport [Default] {
        /// Trajectories accepted.
        accepted: u64,
        /// How many were rejected, by reason.
        rejected: BTreeMap<String, u64>,
        /// How many of the accepted are selected for training.
        selected: u64,
        /// How many of the accepted were not selected, by reason.
        dropped: BTreeMap<String, u64>,
        /// Mean recall over all judged trajectories.
        recall: Option<f64>,
        /// Wall time.
        seconds: f64,
    }

    /// What training did.
    TrainReport [Default] {
        /// Examples trained on.
        examples: u64,
        /// Tokens read.
        tokens: u64,
        /// Tokens that carried loss.
        target_tokens: u64,
        /// Tokens read per second.
        tokens_per_s: f64,
        /// Peak resident memory of the worker, MiB.
        peak_rss_mb: u64,
        /// Mean loss per target token, nats, one value a step.
        loss: Vec<f32>,
        /// The adapter made.
        adapter: Option<AdapterId>,
        /// What was decided on the way, such as how the size was fitted to the speed.
        notes: Option<Vec<String>>,
        /// Wall time.
        seconds: f64,
    }

    /// Held-out holes under one arm.
    CompleteSummary [Default] {
        /// Holes scored.
        n: u64,
        /// Nats per token of the holes.
        nll: Option<f64>,
        /// Share of greedy continuations equal to the hole.
        exact: Option<f64>,
    }

    /// Held-out tasks under one arm; what was not measured within the budget is null.
    FixSummary [Default] {
        /// Tasks scored.
        n: u64,
        /// Nats per changed token of the reference edit.
        nll: Option<f64>,
        /// Share of freely written actions that could be executed.
        valid: Option<f64>,
        /// Share of tasks whose place is ranked first.
        locate1: Option<f64>,
        /// Share of tasks whose place is among the first five.
        locate5: Option<f64>,
        /// Mean recall of greedy rollouts.
        recall: Option<f64>,
        /// Share of greedy rollouts that equal the reference.
        exact: Option<f64>,
        /// Share of tasks whose reference edit is ranked first among all candidates.
        rank1: Option<f64>,
        /// Share of tasks whose reference edit is among the first five.
        rank5: Option<f64>,
        /// Mean number of candidates ranked.
        candidates: Option<f64>,
    }

    /// Completion by arm.
    CompleteArms [Default] {
        /// The base.
        base: CompleteSummary,
        /// The base with similar solved tasks in the prompt.
        retrieval: CompleteSummary,
        /// The adapter.
        adapter: CompleteSummary,
    }

    /// Fixing by arm.
    FixArms [Default] {
        /// The base in the guided harness.
        base: FixSummary,
        /// The base with similar solved tasks in the prompt.
        retrieval: FixSummary,
        /// The adapter given another task's text.
        shuffled: FixSummary,
        /// The adapter.
        adapter: FixSummary,
        /// The configured teacher in its own harness, where it was asked.
        teacher: Option<FixSummary>,
    }

    /// What an evaluation found.
    ScorecardReport [Default] {
        /// Held-out holes.
        complete: CompleteArms,
        /// Held-out tasks made by operators.
        fix: FixArms,
        /// Held-out tasks made from commits, apart.
        commits: Option<FixArms>,
        /// Nats per token on the fixed general set, by arm.
        general: Option<BTreeMap<String, f64>>,
        /// The adapter that was scored.
        adapter: Option<AdapterId>,
        /// What was decided on the way, such as how the size was fitted to the speed.
        notes: Option<Vec<String>>,
        /// Wall time.
        seconds: f64,
    }

    /// What was decided about an adapter.
    PromoteReport [Default] {
        /// Capabilities the adapter serves from now on.
        promoted: Vec<Capability>,
        /// Why, for each capability.
        reasons: BTreeMap<Capability, String>,
        /// The adapter decided on.
        adapter: Option<AdapterId>,
    }

    /// One proposed change.
    Proposal {
        /// The change to the work tree as it was read.
        patch: Patch,
        /// What it was ranked by: nats of likelihood gained, and what the task's words say, weighed
        /// against them. Higher is better; only differences within one answer mean something.
        nats: f64,
        /// Where it came from.
        source: ProposalSource,
        /// The file.
        path: String,
        /// The function.
        name: Option<String>,
    }

    /// What a fix found.
    FixReport [Default] {
        /// The task, where one of the repository's own was worked on.
        task: Option<TaskId>,
        /// What was asked for.
        description: String,
        /// Best first.
        proposals: Vec<Proposal>,
        /// What was done, one line each.
        steps: Vec<String>,
        /// The best proposal; null when there is none.
        patch: Option<Patch>,
        /// What ranked them: `base` or an adapter.
        served: Option<String>,
        /// Wall time.
        seconds: f64,
    }

    /// What a check of the store found.
    FsckReport [Default] {
        /// Facts read from the journal.
        facts: u64,
        /// Objects whose digest was checked.
        objects: u64,
        /// Entries of the rebuilt index.
        indexed: u64,
        /// What is damaged or missing, one line each.
        damaged: Vec<String>,
        /// What was put right, one line each.
        repaired: Vec<String>,
        /// Wall time.
        seconds: f64,
    }

    /// The mined part of a quickstart.
    QuickstartMined [Default] {
        /// Functions that may be trained on.
        functions: u64,
        /// Commits that may be trained on.
        commits: u64,
        /// How many candidates were left out, by reason.
        dropped: BTreeMap<String, u64>,
        /// Functions and commits kept out of training.
        held_out: Option<u64>,
    }

    /// The trajectories of a quickstart.
    QuickstartTrajectories [Default] {
        /// Selected for training.
        kept: u64,
        /// How many were left out, by reason.
        dropped: BTreeMap<String, u64>,
        /// The student's own attempts.
        student: Option<StudentReport>,
        /// Attempts executed per second.
        per_second: Option<f64>,
    }

    /// The fix that ends a quickstart.
    QuickstartFix {
        /// The held-out task.
        task: TaskId,
        /// What the fixer was told.
        description: Option<String>,
        /// What it proposed; null when nothing.
        patch: Option<Patch>,
        /// Share of the reference's changed lines it found; null when not comparable.
        recall: Option<f64>,
        /// The change that was looked for.
        reference: Option<Patch>,
    }

    /// A whole quickstart.
    QuickstartReport [Default] {
        /// The repository's work tree.
        repo: String,
        /// What mining found.
        mined: QuickstartMined,
        /// Tasks made.
        tasks: u64,
        /// What rollouts left.
        trajectories: QuickstartTrajectories,
        /// What training did.
        train: TrainReport,
        /// What evaluation found.
        scorecard: ScorecardReport,
        /// Capabilities the adapter serves from now on.
        promoted: Vec<Capability>,
        /// Why, for each capability.
        reasons: BTreeMap<Capability, String>,
        /// One held-out task; null when there is none.
        fix: Option<QuickstartFix>,
        /// Wall time.
        seconds: f64,
    }
}

impl MineReport {
    /// Keeps of `explained` what fits about `bytes` of JSON and counts the rest in `unexplained`,
    /// so that the report of a huge repository still is one message.
    pub fn limit_explained(&mut self, bytes: usize) {
        let mut room = bytes;
        let fits = self.explained.iter().take_while(|one| {
            // Quotes, names and punctuation of one entry, and every character escaped at worst.
            let cost = 28 + 2 * (one.what.len() + one.reason.len());
            let enough = room >= cost;
            room = room.saturating_sub(cost);
            enough
        });
        let kept = fits.count();
        let left_out = self.explained.len() - kept;
        self.explained.truncate(kept);
        let before = self.unexplained.unwrap_or(0);
        self.unexplained = Some(before + left_out as u64).filter(|more| *more > 0);
    }
}

impl ScorecardReport {
    /// The summary of `card`: every arm's own figures, commit tasks apart.
    pub fn of(card: &Scorecard) -> Self {
        let complete = |arm| card.summarize_complete(arm).map(CompleteSummary::of);
        let fixes = |commits| FixArms {
            base: FixSummary::of(card, Arm::Base, commits),
            retrieval: FixSummary::of(card, Arm::Retrieval, commits),
            shuffled: FixSummary::of(card, Arm::Shuffled, commits),
            adapter: FixSummary::of(card, Arm::Adapter, commits),
            teacher: Some(FixSummary::of(card, Arm::Teacher, commits)).filter(|arm| arm.n > 0),
        };
        let general = card.general.iter().map(|(arm, nats)| (arm.name().to_owned(), *nats));
        let has_commits = card.fix.values().flatten().any(|score| score.commit);
        Self {
            complete: CompleteArms {
                base: complete(Arm::Base).unwrap_or_default(),
                retrieval: complete(Arm::Retrieval).unwrap_or_default(),
                adapter: complete(Arm::Adapter).unwrap_or_default(),
            },
            fix: fixes(false),
            commits: has_commits.then(|| fixes(true)),
            general: Some(general.collect()),
            ..Self::default()
        }
    }
}

impl CompleteSummary {
    fn of(summary: scorecard::CompleteSummary) -> Self {
        Self { n: summary.n as u64, nll: summary.nll, exact: summary.exact }
    }
}

impl FixSummary {
    fn of(card: &Scorecard, arm: Arm, commits: bool) -> Self {
        let Some(summary) = card.summarize_fix(arm, Some(commits)) else { return Self::default() };
        let scores = card.fix.get(&arm).map_or(&[][..], Vec::as_slice);
        let scores = || scores.iter().filter(|score| score.commit == commits);
        // A reference that is not among the candidates has no rank and counts as missed.
        let ranked = |within: usize| {
            let of = scores().filter(|score| score.candidates.is_some()).count();
            let hit = scores().filter(|score| score.ranked.is_some_and(|rank| rank <= within));
            (of > 0).then(|| hit.count() as f64 / of as f64)
        };
        let counts: Vec<f64> =
            scores().filter_map(|score| score.candidates).map(|count| count as f64).collect();
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        Self {
            n: summary.n as u64,
            nll: summary.nll,
            valid: summary.valid,
            locate1: summary.locate1,
            locate5: summary.locate5,
            recall: summary.recall,
            exact: summary.exact,
            rank1: ranked(1),
            rank5: ranked(5),
            candidates: (!counts.is_empty()).then_some(mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::scorecard::FixScore;

    #[test]
    fn explanations_are_cut_to_what_fits_and_the_rest_is_counted() {
        let one = |n: usize| Explained { what: format!("src/\"{n}\""), reason: "test".to_owned() };
        let mut report =
            MineReport { explained: (0..1000).map(one).collect(), ..MineReport::default() };
        report.limit_explained(10_000);
        let json = serde_json::to_string(&report.explained).unwrap();
        assert!(json.len() <= 10_000, "{} bytes", json.len());
        assert!(!report.explained.is_empty(), "what fits is kept");
        let kept = report.explained.len() as u64;
        assert_eq!(report.unexplained, Some(1000 - kept), "nothing is lost silently");
        let mut small = MineReport { explained: vec![one(1)], ..MineReport::default() };
        small.limit_explained(10_000);
        assert_eq!(small.unexplained, None, "all of it fits");
    }

    fn score(commit: bool, ranked: Option<usize>, candidates: Option<usize>) -> FixScore {
        FixScore {
            task: TaskId::new(0, b"t"),
            cluster: "a".to_owned(),
            commit,
            nll: 6.0,
            tokens: 2,
            located: Some(2),
            retrieved: Some(1),
            ranked,
            candidates,
            valid: Some((3, 4)),
            recall: None,
            f1: None,
            exact: None,
            candidate: None,
        }
    }

    #[test]
    fn a_scorecard_is_summed_up_arm_by_arm_commits_apart() {
        let scores = vec![
            score(false, Some(1), Some(100)),
            score(false, Some(5), Some(300)),
            score(false, None, Some(200)),
            score(false, None, None),
            score(true, None, Some(40)),
        ];
        let card = Scorecard { fix: [(Arm::Adapter, scores)].into(), ..Scorecard::default() };
        let report = ScorecardReport::of(&card);
        let adapter = &report.fix.adapter;
        assert_eq!((adapter.n, adapter.nll, adapter.locate1), (4, Some(3.0), Some(0.0)));
        assert_eq!(adapter.rank1, Some(1.0 / 3.0), "of those whose candidates were ranked");
        assert_eq!(adapter.rank5, Some(2.0 / 3.0), "a reference that is no candidate is a miss");
        assert_eq!(adapter.candidates, Some(200.0));
        assert_eq!(report.fix.base, FixSummary::default(), "an arm that was not run is empty");
        let commits = report.commits.unwrap();
        assert_eq!((commits.adapter.n, commits.adapter.rank1), (1, Some(0.0)));
    }
}
