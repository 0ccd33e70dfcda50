//! What jobs report: stored facts turned into the protocol's words.
use crate::failure;
use crate::order::{
    self, Chosen, Evaluated, Examined, Fixed, Generated, Imported, MineDone, Proposed, RolledOut,
    Synthesized,
};
use crate::records::{self, Adapter, Rollouts, word};
use anyhow::Result;
use sera_agent::dialect;
use sera_core::scorecard::{Arm, Capability};
use sera_core::{AdapterId, Origin, Outcome, Step, Task, TrajectoryId};
use sera_datagen::{Attempt, DropReason, Drops, Selection, Source};
use sera_protocol::report::{
    Explained, ExportReport, FixReport, FsckReport, GenerateReport, ImportReport, LogReport,
    Logged, MineReport, PromoteReport, Proposal, ProposalSource, RolloutReport, ScorecardReport,
    SelectReport, ShowReport, Shown, StudentReport, SynthesizeReport, TrainReport, VerifyReport,
};
use sera_train::promote::Decision;
use std::collections::BTreeMap;
use std::path::Path;

mod machine;
pub(crate) mod page;

pub(crate) use machine::{doctor, image};

type Counts = BTreeMap<String, u64>;

/// Room for explanations in one message.
const EXPLAINED_BYTES: usize = 700_000;
/// Bytes of a text of a step that are shown: forty steps of three fit a message.
const SHOWN_BYTES: usize = 6_000;
/// Characters of a description that a list shows.
const LOGGED_CHARS: usize = 400;

/// Counts by reason, under the reasons' codes.
pub(crate) fn drops(dropped: &Drops) -> Counts {
    dropped.iter().map(|(reason, n)| (reason.code().to_owned(), *n as u64)).collect()
}

/// How often each word comes.
pub(crate) fn tally(words: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// What mining found.
pub(crate) fn mine(done: &MineDone, explain: bool) -> MineReport {
    let order::Counts { functions, commits, held_out_functions, held_out_commits } = done.counts;
    let one = |(what, reason): &(String, String)| Explained {
        what: what.clone(),
        reason: reason.clone(),
    };
    let mut report = MineReport {
        functions,
        commits,
        held_out_functions,
        held_out_commits,
        cut: done.cut.commit.to_string(),
        dropped: drops(&done.dropped),
        explained: if explain { done.explained.iter().map(one).collect() } else { Vec::new() },
        unexplained: None,
        blobs_read: done.blobs_read as u64,
        seconds: done.seconds,
    };
    report.limit_explained(EXPLAINED_BYTES);
    report
}

/// What synthesis made.
pub(crate) fn synthesize(done: &Synthesized) -> SynthesizeReport {
    let operator = |task: &Task| match &task.origin {
        Origin::Mutation { operator, .. } => operator.clone(),
        Origin::Commit { .. } => "commit".to_owned(),
        Origin::Generated { .. } => "teacher".to_owned(),
        Origin::Imported { .. } => "imported".to_owned(),
    };
    SynthesizeReport {
        tasks: done.tasks.len() as u64,
        held_out: Some(done.tasks.iter().filter(|task| task.held_out).count() as u64),
        by_operator: tally(done.tasks.iter().map(operator)),
        by_family: tally(done.tasks.iter().map(|task| task.family.0.clone())),
        lessons: Some(tally(done.lessons.iter().map(|lesson| lesson.subject.kind().to_owned()))),
        dropped: drops(&done.dropped),
        seconds: done.seconds,
    }
}

/// What rollouts left, the student's own attempts apart.
pub(crate) fn roll_out(
    done: &RolledOut,
    distilled: Option<&RolledOut>,
    all: &Rollouts,
) -> RolloutReport {
    RolloutReport {
        kept: done.attempts.len() as u64,
        dropped: tally(done.dropped.iter().map(|(_, reason)| reason.clone())),
        per_second: all.per_second,
        student: distilled.map_or_else(|| student(all), |tried| Some(drawn(tried))),
        teacher: None,
        seconds: done.seconds + distilled.map_or(0.0, |tried| tried.seconds),
    }
}

/// What a teacher's work left, in this run.
pub(crate) fn generate(
    teacher: &str,
    kept: &[records::Outcome],
    done: &Generated,
) -> GenerateReport {
    let recalls: Vec<f64> = kept.iter().filter_map(|outcome| outcome.recall).collect();
    let reasons = kept.iter().filter_map(|outcome| outcome.dropped);
    let mut dropped = tally(reasons.map(|reason| reason.code().to_owned()));
    if done.failed > 0 {
        dropped.insert(DropReason::TeacherFailed.code().to_owned(), done.failed as u64);
    }
    GenerateReport {
        teacher: teacher.to_owned(),
        functions: kept.len() as u64,
        accepted: kept.iter().filter(|outcome| outcome.dropped.is_none()).count() as u64,
        dropped,
        recall: (!recalls.is_empty()).then(|| recalls.iter().sum::<f64>() / recalls.len() as f64),
        tokens: done.spent.tokens,
        microdollars: done.spent.microdollars,
        ended: done.ended.clone(),
        request: done.request.clone(),
        seconds: done.seconds,
    }
}

/// What was drawn from the student.
fn drawn(tried: &RolledOut) -> StudentReport {
    let rejected = tally(tried.dropped.iter().map(|(_, reason)| reason.clone()));
    StudentReport { accepted: tried.attempts.len() as u64, rejected }
}

/// The verdicts on the student's own attempts.
pub(crate) fn student(all: &Rollouts) -> Option<StudentReport> {
    let mut rejected = all.student.clone();
    let accepted = rejected.remove("accepted").unwrap_or(0);
    (!all.student.is_empty()).then_some(StudentReport { accepted, rejected })
}

/// What soft verification says of everything stored.
pub(crate) fn verify(attempts: &[Attempt], all: &Rollouts) -> VerifyReport {
    let recalls: Vec<f64> = attempts.iter().map(|a| a.verdict.overlap.recall).collect();
    let accepted = attempts.iter().filter(|a| a.verdict.accepted()).count() as u64;
    let usable = attempts.iter().filter(|a| a.verdict.accepted() && !a.task.held_out).count();
    let mut rejected =
        tally(attempts.iter().filter_map(|attempt| Some(word(&attempt.verdict.rejected?))));
    for (reason, n) in &all.student {
        if reason != "accepted" {
            *rejected.entry(reason.clone()).or_default() += n;
        }
    }
    VerifyReport {
        accepted,
        rejected,
        selected: usable as u64,
        dropped: Counts::from([("held-out".to_owned(), accepted - usable as u64)]),
        recall: mean(&recalls),
        seconds: 0.0,
    }
}

/// What was taken in.
pub(crate) fn import(kept: &[records::Outcome], done: &Imported) -> ImportReport {
    ImportReport {
        rows: done.read,
        taken: kept.len() as u64,
        accepted: kept.iter().filter(|outcome| outcome.dropped.is_none()).count() as u64,
        dropped: drops(&done.dropped),
        seconds: done.seconds,
    }
}

/// What is trained on.
pub(crate) fn select(selection: &Selection, attempts: &[Attempt], done: &Chosen) -> SelectReport {
    let sources: BTreeMap<TrajectoryId, Source> =
        attempts.iter().map(|one| (one.trajectory.id, Source::of(one))).collect();
    let chosen = done.selected.chosen.iter().filter_map(|id| sources.get(id));
    SelectReport {
        min_recall: selection.min_recall,
        max_patch: selection.max_patch as u64,
        mix: selection.mix.iter().map(|(source, share)| (source.to_string(), *share)).collect(),
        chosen: tally(chosen.map(ToString::to_string)),
        dropped: drops(&done.selected.dropped()),
        tokens: done.tokens,
        target_tokens: done.target_tokens,
        seconds: done.seconds,
    }
}

/// Files for other trainers.
pub(crate) fn export(folder: &Path, done: &Chosen) -> ExportReport {
    ExportReport {
        folder: folder.display().to_string(),
        files: done.files,
        trajectories: done.selected.chosen.len() as u64,
        seconds: done.seconds,
    }
}

/// Trajectories in one line each.
pub(crate) fn log(told: &[Attempt], limit: Option<u64>) -> LogReport {
    let most = limit.map_or(usize::MAX, |n| n as usize);
    let mut room = EXPLAINED_BYTES;
    let clipped = |attempt: &Attempt| {
        let logged = logged(attempt);
        let description = logged.description.chars().take(LOGGED_CHARS).collect();
        Logged { description, ..logged }
    };
    let fits = |one: &Logged| {
        let bytes = one.description.len() + one.of.len() + one.teacher.len() + 200;
        room = room.saturating_sub(bytes);
        room > 0
    };
    let trajectories = told.iter().take(most).map(clipped).take_while(fits).collect();
    LogReport { trajectories, stored: told.len() as u64 }
}

/// What a task was made of, in a few words.
pub(crate) fn made_of(task: &Task) -> String {
    match &task.origin {
        Origin::Mutation { operator, function, .. } => {
            format!("{operator} {}::{}", function.path, function.name)
        }
        Origin::Commit { commit } => format!("commit {}", commit.short()),
        Origin::Imported { name } => format!("imported {name}"),
        Origin::Generated { function, vague } => {
            let which = if *vague { "request" } else { "report" };
            format!("{which} {}::{}", function.path, function.name)
        }
    }
}

fn logged(attempt: &Attempt) -> Logged {
    let Attempt { task, trajectory, verdict } = attempt;
    let of = made_of(task);
    Logged {
        id: trajectory.id,
        teacher: trajectory.teacher.clone(),
        of,
        description: trajectory.description.clone(),
        steps: trajectory.steps.len() as u64,
        recall: verdict.overlap.recall,
        rejected: verdict.rejected.map(|reason| word(&reason)),
        held_out: task.held_out,
    }
}

/// The only trajectory whose id ends in `id`; none where none does.
pub(crate) fn named<'a>(told: &'a [Attempt], id: &str) -> Result<Option<&'a Attempt>> {
    let wanted = id.to_lowercase();
    let ends = |attempt: &&Attempt| attempt.trajectory.id.to_string().ends_with(&wanted);
    let mut found = told.iter().filter(|_| !id.is_empty()).filter(ends);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(failure::invalid_params(&format!("several ids end in {id:?}"))),
        (found, _) => Ok(found),
    }
}

/// The one trajectory whose id is or ends in `id`.
pub(crate) fn show(told: &[Attempt], id: &str) -> Result<ShowReport> {
    let none = || failure::invalid_params(&format!("no trajectory's id ends in {id:?}"));
    let attempt = named(told, id)?.ok_or_else(none)?;
    let Attempt { task, trajectory, .. } = attempt;
    let shown = |text: &str| clipped(text, SHOWN_BYTES);
    let step = |step: &Step| Shown {
        thought: step.thought.as_deref().map(shown),
        action: shown(&dialect::write(&step.action)),
        observation: shown(&step.observation.text),
        ok: step.observation.ok,
        masked: step.masked,
    };
    let outcome = match &trajectory.outcome {
        Outcome::Submitted { .. } => "submitted".to_owned(),
        Outcome::LimitReached { limit } => format!("limit-reached: {}", word(limit)),
        Outcome::Failed { code, message } => format!("failed: {code}: {message}"),
    };
    Ok(ShowReport {
        logged: logged(attempt),
        base: task.base.commit.to_string(),
        family: task.family.0.clone(),
        steps: trajectory.steps.iter().map(step).collect(),
        outcome,
        candidate: trajectory.candidate().cloned().unwrap_or_default(),
        reference: task.reference.clone(),
        tokens: trajectory.usage.prompt_tokens + trajectory.usage.completion_tokens,
        microdollars: trajectory.cost_microdollars,
    })
}

/// What of a text is shown: about `most` bytes, and how many there are beyond.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().find(|(at, _)| *at >= most) {
        Some((at, _)) => format!("{}\n... {} bytes not shown ...", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}

/// What training did.
pub(crate) fn train(adapter: &Adapter) -> TrainReport {
    let numbers = &adapter.numbers;
    TrainReport {
        examples: numbers.examples as u64,
        tokens: numbers.tokens,
        target_tokens: numbers.target_tokens,
        tokens_per_s: numbers.tokens_per_s,
        peak_rss_mb: numbers.peak_rss_mb as u64,
        loss: numbers.loss.clone(),
        adapter: Some(adapter.id),
        notes: Some(adapter.notes.clone()),
        seconds: numbers.seconds,
    }
}

/// All arms of a scorecard.
pub(crate) fn scorecard(adapter: AdapterId, done: &Evaluated) -> ScorecardReport {
    ScorecardReport {
        adapter: Some(adapter),
        notes: Some(done.notes.clone()),
        seconds: done.seconds,
        ..ScorecardReport::of(&done.card)
    }
}

/// Adds how the teacher did to a scorecard, or says why that is not known: it decides nothing.
pub(crate) fn add_teacher(done: &mut Evaluated, examined: Result<Examined>) {
    match examined {
        Ok(Examined { scores, ended }) => {
            done.notes.extend(ended.map(|why| format!("the teacher was not asked further: {why}")));
            if !scores.is_empty() {
                done.card.fix.insert(Arm::Teacher, scores);
            }
        }
        Err(error) => done.notes.push(format!("the teacher could not be asked: {error:#}")),
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What was decided, in words.
pub(crate) fn promote(
    adapter: &Adapter,
    decisions: &BTreeMap<Capability, Decision>,
) -> PromoteReport {
    let won = decisions.iter().filter(|(_, d)| d.promoted()).map(|(c, _)| *c);
    PromoteReport {
        promoted: won.collect(),
        reasons: decisions.iter().map(|(c, d)| (*c, reason(d))).collect(),
        adapter: Some(adapter.id),
    }
}

/// Why a capability is promoted or not.
pub(crate) fn reason(decision: &Decision) -> String {
    match (&decision.refusal, decision.gap) {
        (Some(refusal), _) => refusal.to_string(),
        (None, Some(gap)) => format!(
            "better than base + retrieval by {:.3} [{:.3}, {:.3}] over {} held-out items",
            -gap.mean, -gap.high, -gap.low, decision.items
        ),
        (None, None) => "better than base + retrieval".to_owned(),
    }
}

/// What a fix found.
pub(crate) fn fix(description: &str, done: &Fixed, served: Option<Adapter>) -> FixReport {
    let proposal = |p: &Proposed| Proposal {
        patch: p.patch.clone(),
        nats: p.score,
        source: match p.source.as_str() {
            "written" => ProposalSource::Written,
            _ => ProposalSource::Enumerated,
        },
        path: p.patch.files.first().map(|f| f.path().to_string()).unwrap_or_default(),
        name: Some(p.name.clone()),
    };
    FixReport {
        task: None,
        description: description.to_owned(),
        proposals: done.proposals.iter().map(proposal).collect(),
        steps: done.steps.clone(),
        patch: done.proposals.first().map(|p| p.patch.clone()),
        served: Some(served.map_or_else(|| "base".to_owned(), |adapter| adapter.id.to_string())),
        seconds: done.seconds,
    }
}

/// What a check of the store found.
pub(crate) fn fsck(report: &sera_store::Report, seconds: f64) -> FsckReport {
    use sera_store::IndexState;
    let bytes = report.damaged.iter().map(|(from, to)| format!("journal bytes {from}–{to}"));
    let objects = report.damaged_objects.iter().map(|digest| format!("object {digest}"));
    let lost =
        (report.lost_records > 0).then(|| format!("{} records are gone", report.lost_records));
    let damaged = bytes.chain(objects).chain(report.unreadable.iter().cloned()).chain(lost);
    let index = match &report.index {
        IndexState::Created => Some("the index was made".to_owned()),
        IndexState::Rebuilt { reason, .. } => Some(format!("the index was built again: {reason}")),
        IndexState::Sound { .. } => None,
    };
    let torn = report.torn_bytes;
    let cut = (torn > 0).then(|| format!("{torn} bytes of an unfinished write were cut off"));
    FsckReport {
        facts: report.records,
        objects: report.objects as u64,
        indexed: report.records,
        damaged: damaged.collect(),
        repaired: index.into_iter().chain(cut).collect(),
        seconds,
    }
}
