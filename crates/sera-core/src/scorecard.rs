//! Scorecards: what an evaluation returns, item by item, so that any statistic can be made again.
use crate::{Patch, TaskId, stats::Paired};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema word every stored scorecard opens with.
pub const SCORECARD_SCHEMA: &str = "sera-scorecard/1";

/// What an adapter may win, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Fill holes in held-out functions.
    Complete,
    /// Rank the place to change.
    Locate,
    /// Propose the change.
    Fix,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Locate, Self::Fix];

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Locate => "locate",
            Self::Fix => "fix",
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The base in the guided harness.
    Base,
    /// The base with the two most similar solved training tasks in the prompt.
    Retrieval,
    /// The adapter as it would be served: with training functions before a hole, alone for a task.
    Adapter,
    /// The adapter given another task's text.
    Shuffled,
    /// The adapter served so far, scored again on this held-out set.
    Served,
    /// The configured teacher in its own harness: rollouts only.
    Teacher,
    /// The adapter of another repository of the same language (benchmarks only).
    Foreign,
    /// An adapter trained with permuted targets (benchmarks only).
    Permuted,
}

impl Arm {
    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Retrieval => "retrieval",
            Self::Adapter => "adapter",
            Self::Shuffled => "shuffled",
            Self::Served => "served",
            Self::Teacher => "teacher",
            Self::Foreign => "foreign",
            Self::Permuted => "permuted",
        }
    }
}

/// One held-out hole under one arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoleScore {
    /// `path::name#digest`, the same in every arm; a function may have several holes.
    pub item: String,
    /// The file.
    pub cluster: String,
    /// Negative log-likelihood of the hole's tokens, nats, summed.
    pub nll: f64,
    /// Tokens in the hole.
    pub tokens: usize,
    /// The greedy continuation equals the hole; `None` where none was made.
    pub exact: Option<bool>,
}

/// One held-out task under one arm. What was not measured within the budget is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixScore {
    /// The task.
    pub task: TaskId,
    /// The file or, for commit tasks, the commit.
    pub cluster: String,
    /// A commit task; reported apart.
    pub commit: bool,
    /// Negative log-likelihood of the reference edit's tokens that differ from the old lines, summed.
    pub nll: f64,
    /// How many tokens that is.
    pub tokens: usize,
    /// Rank (1-based) of the right place after the model's re-ranking of 20 hits; one past the
    /// last hit where it is not among them.
    pub located: Option<usize>,
    /// Rank of the right place in retrieval's own order.
    pub retrieved: Option<usize>,
    /// Rank of the reference among the enumerated and proposed edits.
    pub ranked: Option<usize>,
    /// How many edits were ranked.
    pub candidates: Option<usize>,
    /// Actions written that could be read and executed, of all written freely.
    pub valid: Option<(usize, usize)>,
    /// Recall of the greedy rollout's candidate.
    pub recall: Option<f64>,
    /// Its F1.
    pub f1: Option<f64>,
    /// The candidate equals the reference.
    pub exact: Option<bool>,
    /// What the rollout changed, redacted as its environment was; earlier evaluations kept none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Patch>,
}

/// What an evaluation returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// [`SCORECARD_SCHEMA`].
    pub schema: String,
    /// Held-out holes by arm.
    pub complete: BTreeMap<Arm, Vec<HoleScore>>,
    /// Held-out tasks by arm.
    pub fix: BTreeMap<Arm, Vec<FixScore>>,
    /// Nats per token on the fixed general set, by arm.
    pub general: BTreeMap<Arm, f64>,
}

/// What one arm did on the held-out holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CompleteSummary {
    /// Holes scored.
    pub n: usize,
    /// Nats per token over all holes.
    pub nll: Option<f64>,
    /// Share of exact continuations where one was made.
    pub exact: Option<f64>,
}

/// What one arm did on the held-out tasks. What was not measured is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FixSummary {
    /// Tasks scored.
    pub n: usize,
    /// Nats per changed token over all tasks.
    pub nll: Option<f64>,
    /// Valid actions over all actions written freely.
    pub valid: Option<f64>,
    /// Share of tasks whose place comes first.
    pub locate1: Option<f64>,
    /// Share of tasks whose place is among the first five.
    pub locate5: Option<f64>,
    /// Mean recall of the greedy rollouts.
    pub recall: Option<f64>,
    /// Share of greedy rollouts that equal the reference.
    pub exact: Option<f64>,
}

impl Scorecard {
    /// Per-token likelihood differences `arm − control` of the holes both arms scored.
    pub fn paired_complete(&self, arm: Arm, control: Arm) -> Vec<Paired> {
        let scores = |arm| self.complete.get(&arm).map_or(&[][..], Vec::as_slice);
        let controls: BTreeMap<&str, &HoleScore> =
            scores(control).iter().map(|score| (score.item.as_str(), score)).collect();
        let pair = |score: &HoleScore| {
            let other = controls.get(score.item.as_str())?;
            paired(&score.cluster, (score.nll, score.tokens), (other.nll, other.tokens))
        };
        scores(arm).iter().filter_map(pair).collect()
    }

    /// The same for fix tasks, per changed token; `commits` picks commit or mutation tasks.
    pub fn paired_fix(&self, arm: Arm, control: Arm, commits: Option<bool>) -> Vec<Paired> {
        let controls: BTreeMap<TaskId, &FixScore> =
            self.fixes(control, commits).map(|score| (score.task, score)).collect();
        let pair = |score: &FixScore| {
            let other = controls.get(&score.task)?;
            paired(&score.cluster, (score.nll, score.tokens), (other.nll, other.tokens))
        };
        self.fixes(arm, commits).filter_map(pair).collect()
    }

    /// What `arm` did on the holes; `None` where it scored none.
    pub fn summarize_complete(&self, arm: Arm) -> Option<CompleteSummary> {
        let scores = self.complete.get(&arm).filter(|scores| !scores.is_empty())?;
        Some(CompleteSummary {
            n: scores.len(),
            nll: per_token(scores.iter().map(|score| (score.nll, score.tokens))),
            exact: share(scores.iter().map(|score| score.exact)),
        })
    }

    /// What `arm` did on the tasks; `commits` picks commit or mutation tasks.
    pub fn summarize_fix(&self, arm: Arm, commits: Option<bool>) -> Option<FixSummary> {
        let scores: Vec<&FixScore> = self.fixes(arm, commits).collect();
        let located = |within: usize| {
            share(scores.iter().map(|score| score.located.map(|rank| rank <= within)))
        };
        (!scores.is_empty()).then(|| FixSummary {
            n: scores.len(),
            nll: per_token(scores.iter().map(|score| (score.nll, score.tokens))),
            valid: valid(&scores),
            locate1: located(1),
            locate5: located(5),
            recall: average(scores.iter().filter_map(|score| score.recall)),
            exact: share(scores.iter().map(|score| score.exact)),
        })
    }

    fn fixes(&self, arm: Arm, commits: Option<bool>) -> impl Iterator<Item = &FixScore> {
        let picked = move |score: &&FixScore| commits.is_none_or(|commit| score.commit == commit);
        self.fix.get(&arm).into_iter().flatten().filter(picked)
    }
}

/// `None` where one side has no token: there is nothing to divide by.
fn paired(cluster: &str, arm: (f64, usize), control: (f64, usize)) -> Option<Paired> {
    let per_token = |(nll, tokens): (f64, usize)| (tokens > 0).then(|| nll / tokens as f64);
    Some(Paired {
        cluster: cluster.to_owned(),
        difference: per_token(arm)? - per_token(control)?,
        weight: arm.1 as f64,
    })
}

fn per_token(scores: impl Iterator<Item = (f64, usize)>) -> Option<f64> {
    let (nll, tokens) = scores.fold((0.0, 0), |(a, b), (nll, tokens)| (a + nll, b + tokens));
    (tokens > 0).then(|| nll / tokens as f64)
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn share(values: impl Iterator<Item = Option<bool>>) -> Option<f64> {
    average(values.flatten().map(f64::from))
}

fn valid(scores: &[&FixScore]) -> Option<f64> {
    let sum = |(a, b), (valid, all)| (a + valid, b + all);
    let (valid, all) = scores.iter().filter_map(|score| score.valid).fold((0, 0), sum);
    (all > 0).then(|| valid as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(item: &str, nll: f64, tokens: usize, exact: Option<bool>) -> HoleScore {
        HoleScore { item: item.to_owned(), cluster: "f".to_owned(), nll, tokens, exact }
    }

    fn fix(task: u64, nll: f64, commit: bool, located: Option<usize>) -> FixScore {
        FixScore {
            task: TaskId::new(task, b""),
            cluster: format!("c{task}"),
            commit,
            nll,
            tokens: 2,
            located,
            retrieved: None,
            ranked: None,
            candidates: None,
            valid: Some((3, 4)),
            recall: (task == 1).then_some(0.5),
            f1: None,
            exact: None,
            candidate: None,
        }
    }

    fn scorecard() -> Scorecard {
        let holes = |a: f64| vec![hole("x", a, 4, Some(true)), hole("y", 3.0, 1, Some(false))];
        let mut adapter = holes(2.0);
        adapter.push(hole("only here", 9.0, 1, None));
        Scorecard {
            complete: [(Arm::Adapter, adapter), (Arm::Base, holes(6.0))].into(),
            fix: [
                (Arm::Adapter, vec![fix(1, 2.0, false, Some(1)), fix(2, 8.0, true, Some(21))]),
                (Arm::Base, vec![fix(2, 6.0, true, Some(9)), fix(1, 4.0, false, Some(4))]),
            ]
            .into(),
            ..Scorecard::default()
        }
    }

    #[test]
    fn holes_are_paired_by_item_and_per_token() {
        let pairs = scorecard().paired_complete(Arm::Adapter, Arm::Base);
        let seen: Vec<_> = pairs.iter().map(|pair| (pair.difference, pair.weight)).collect();
        assert_eq!(seen, [(-1.0, 4.0), (0.0, 1.0)]);
        assert!(scorecard().paired_complete(Arm::Adapter, Arm::Foreign).is_empty());
    }

    #[test]
    fn fixes_are_paired_by_task_and_commits_reported_apart() {
        let differences = |commits| {
            let pairs = scorecard().paired_fix(Arm::Adapter, Arm::Base, commits);
            pairs.iter().map(|pair| pair.difference).collect::<Vec<_>>()
        };
        assert_eq!(differences(None), [-1.0, 1.0]);
        assert_eq!(differences(Some(true)), [1.0]);
        assert_eq!(differences(Some(false)), [-1.0]);
    }

    #[test]
    fn summaries_count_what_was_measured_and_no_more() {
        let summary = scorecard().summarize_complete(Arm::Adapter).unwrap();
        let expect = CompleteSummary { n: 3, nll: Some(14.0 / 6.0), exact: Some(0.5) };
        assert_eq!(summary, expect);
        let fix = scorecard().summarize_fix(Arm::Adapter, None).unwrap();
        assert_eq!((fix.n, fix.nll, fix.valid), (2, Some(2.5), Some(0.75)));
        assert_eq!((fix.locate1, fix.locate5, fix.recall), (Some(0.5), Some(0.5), Some(0.5)));
        assert_eq!(fix.exact, None);
        assert_eq!(scorecard().summarize_fix(Arm::Foreign, None), None);
    }

    #[test]
    fn scorecards_survive_json() {
        let text = serde_json::to_string(&scorecard()).unwrap();
        assert_eq!(serde_json::from_str::<Scorecard>(&text).unwrap(), scorecard());
    }
}
