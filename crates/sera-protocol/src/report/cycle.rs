//! One cycle as its page tells it: what went in, what came out, what was decided, what is next.
use super::TrainReport;
use crate::wire::records;
use sera_core::AdapterId;
use sera_core::scorecard::Capability;
use std::collections::BTreeMap;

records! {
    /// One training cycle, told by the adapter that came of it.
    CycleReport {
        /// The adapter.
        adapter: AdapterId,
        /// When it was made, Unix milliseconds.
        made_ms: u64,
        /// The work tree.
        repository: String,
        /// The base that it belongs to.
        base: String,
        /// The last commit that was trained on.
        cut: String,
        /// What is decided about every capability and why, in one sentence.
        verdict: String,
        /// The same, capability by capability; empty before the adapter is evaluated.
        decisions: Vec<Decided>,
        /// What training did; of its losses the means of at most 200 runs of steps.
        train: TrainReport,
        /// Those losses at the steps that they are of.
        curve: Vec<LossPoint>,
        /// How many steps there were.
        steps: u64,
        /// Every arm that was scored, by capability.
        arms: Vec<ArmReport>,
        /// Nats per token on the fixed general set, by arm.
        general: BTreeMap<String, f64>,
        /// Held-out items with the largest gain and loss against retrieval, by capability.
        compared: Vec<Compared>,
        /// What was trained on, and what was left out.
        data: CycleData,
        /// What it took.
        cost: CycleCost,
        /// How far the repository has moved on.
        staleness: Staleness,
        /// What the next cycle would begin with.
        next: NextCycle,
        /// What was decided on the way of the evaluation.
        notes: Vec<String>,
        /// The page, a file of HTML.
        path: String,
    }

    /// What is decided about one capability.
    Decided {
        /// Which.
        capability: Capability,
        /// Whether the adapter was, or would be, promoted.
        promoted: bool,
        /// It was decided so; else this is what the rule says now.
        stored: bool,
        /// What serves the capability now: an adapter's id or `base`.
        serves: String,
        /// Why.
        reason: String,
        /// Held-out items behind it.
        items: u64,
    }

    /// Loss at a step.
    LossPoint {
        /// The last step of those that this is the mean of, from 1.
        step: u64,
        /// Nats per target token.
        loss: f64,
    }

    /// A mean with its 95 % interval.
    Spread {
        /// The mean.
        mean: f64,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    }

    /// One arm on the held-out items of one capability; what was not measured is null.
    ArmReport {
        /// Which capability.
        capability: Capability,
        /// The arm's name: `base`, `retrieval`, `adapter`.
        arm: String,
        /// Items that were scored.
        items: u64,
        /// The capability's primary metric, lower is better: nats per token of *complete*, nats per
        /// changed token of *fix*, 1 − 1/rank of the right place of *locate*.
        level: Option<f64>,
        /// The same less retrieval's, item by item: a paired bootstrap over files and commits.
        against: Option<Spread>,
        /// Share of items done exactly right.
        exact: Option<f64>,
        /// Share of freely written actions that could be executed.
        valid: Option<f64>,
        /// Mean recall of greedy rollouts.
        recall: Option<f64>,
        /// Share of tasks whose place is ranked first.
        first: Option<f64>,
        /// Share of tasks whose place is among the first five.
        among_five: Option<f64>,
    }

    /// One held-out item under the adapter and under retrieval.
    Compared {
        /// Of which capability.
        capability: Capability,
        /// What it is: `src/a.py::mean`, `identifier-swap src/a.py::f`, a commit.
        item: String,
        /// The primary metric under the adapter.
        adapter: f64,
        /// The same under retrieval.
        retrieval: f64,
        /// What the arms were told, or what stands before the hole; null once it is stored no more.
        told: Option<String>,
        /// What was looked for: the code in the hole, or the reference patch.
        wanted: Option<String>,
        /// The patch that the adapter proposed, where it was asked for one.
        proposed: Option<String>,
        /// The patch that retrieval proposed.
        instead: Option<String>,
    }

    /// What an adapter was trained on, and what was left out on the way; null where that is not, or
    /// no longer, stored.
    CycleData [Default] {
        /// Examples by what they teach.
        capabilities: Option<BTreeMap<String, u64>>,
        /// Trajectories by source.
        sources: Option<BTreeMap<String, u64>>,
        /// Trajectories by family of change.
        families: Option<BTreeMap<String, u64>>,
        /// Trajectories by operator, where one planted the fault.
        operators: Option<BTreeMap<String, u64>>,
        /// Trajectories that were not chosen, by reason.
        unchosen: BTreeMap<String, u64>,
        /// Tasks that gave no trajectory, by reason.
        unsolved: Option<BTreeMap<String, u64>>,
        /// Seeds that gave no task, by reason.
        unmade: Option<BTreeMap<String, u64>>,
        /// What mining left out, by reason.
        unmined: Option<BTreeMap<String, u64>>,
        /// Tasks and completion examples that are held out.
        held_out: Option<u64>,
    }

    /// What a cycle took.
    CycleCost [Default] {
        /// Wall seconds of training, siblings included.
        train_seconds: f64,
        /// Wall seconds of evaluation.
        evaluate_seconds: Option<f64>,
        /// Functions that a teacher worked on, in this cycle and before it.
        teacher_functions: u64,
        /// Tokens that it read and wrote.
        teacher_tokens: u64,
        /// Millionths of a dollar that it cost.
        teacher_microdollars: u64,
    }

    /// How far a repository has moved on since an adapter was trained.
    Staleness [Default] {
        /// Commits of HEAD that lie after the cut; null where HEAD does not hold the cut any more.
        commits: Option<u64>,
        /// HEAD.
        head: String,
        /// How many adapters the held-out set of this cut has decided about.
        decisions: u64,
        /// After so many it is spent.
        most: u64,
    }

    /// What the next cycle would begin with.
    NextCycle [Default] {
        /// The cut it would be trained at; null where nothing is mined.
        cut: Option<String>,
        /// Commits that may be trained on and lie after this adapter's cut.
        commits: u64,
        /// Functions that may be trained on, in files that changed since then.
        functions: u64,
        /// An adapter was withdrawn, and one is trained in its place.
        retraining: bool,
        /// All of that in words.
        sentence: String,
    }
}
