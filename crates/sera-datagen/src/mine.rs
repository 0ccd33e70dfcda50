//! Mining: which commits and functions a repository offers, and where the cut lies.
//!
//! Everything is read from git objects, never from the work tree, and only where [`Known`] does
//! not hold the answer already.
use crate::history::{History, Unit};
use crate::known::{FileFacts, FunctionFacts, Judged};
use crate::parallel::in_parallel;
use crate::sources::{Sources, facts};
use crate::{DropReason, Drops, Forgotten, Known, Policy, filters, reason};
use sera_core::redact::{denied, secrets};
use sera_core::split::{held_out_commits, held_out_function};
use sera_core::{
    CommitId, CommitSeed, Digest, EntryKind, FunctionKey, FunctionSeed, Language, Seed, SeedId,
    Tree as _, TreeEntry, TreeError, TreePath,
};
use sera_git::{GitError, Repository};
use std::collections::HashSet;

/// Where training ends.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cut {
    /// The newest commit of the main line that holds nothing held out: functions are mined from
    /// its tree, commits from its history.
    pub commit: CommitId,
    /// Eligible commits that are held out, newest first.
    pub held_out_commits: Vec<CommitId>,
    /// There are too few eligible commits to hold any out: only functions are.
    pub functions_only: bool,
}

/// What mining found.
#[derive(Clone, Debug)]
pub struct Mined {
    /// Where training ends.
    pub cut: Cut,
    /// Functions in path order, then commits newest first. Held-out ones are marked.
    pub seeds: Vec<Seed>,
    /// How many commits, files and functions were left out, by reason.
    pub dropped: Drops,
    /// What was left out and why: a commit (`0123456789 subject`), a path or `path::function`.
    pub explained: Vec<(String, DropReason)>,
    /// Blobs read from the object database: what mining cost.
    pub blobs_read: usize,
    /// What to hand to the next mining.
    pub known: Known,
}

impl Mined {
    /// Leaves out what the user wants forgotten.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        let (gone, left) = std::mem::take(&mut self.seeds)
            .into_iter()
            .partition(|seed| forgotten.meets_seed(seed));
        self.seeds = left;
        self.known.forget(forgotten);
        let gone: Vec<Seed> = gone;
        for seed in gone {
            let what = match seed {
                Seed::Function(function) => format!("{}::{}", function.key.path, function.key.name),
                Seed::Commit(commit) => format!("{} {}", commit.commit.short(), commit.subject),
            };
            *self.dropped.entry(DropReason::Forgotten).or_default() += 1;
            self.explained.push((what, DropReason::Forgotten));
        }
    }
}

/// Why mining failed.
#[derive(Debug, thiserror::Error)]
pub enum MineError {
    /// The history has no commit.
    #[error("the history has no commit")]
    Empty,
    /// Git could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The tree at the cut could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Mines the history that ends at `tip`.
pub fn mine(
    repository: &Repository,
    tip: &CommitId,
    policy: &Policy,
    known: &Known,
) -> Result<Mined, MineError> {
    let known = known.under(policy);
    let sources = Sources::new(repository, policy);
    let history = History::new(repository.commits(tip, policy.max_commits)?, tip);
    if history.is_empty() {
        return Err(MineError::Empty);
    }
    let mut found = Found { kept: known.emptied(), ..Found::default() };
    let eligible = eligible(&sources, &history, &known, &mut found)?;
    let held_out = held_out_commits(eligible.len());
    let held: Vec<CommitId> = eligible[..held_out].iter().map(|s| s.commit.clone()).collect();
    let commit = history.cut(&held).unwrap_or_else(|| tip.clone());
    let cut = Cut { commit, functions_only: held.is_empty(), held_out_commits: held };
    functions(&sources, &cut.commit, &known, &mut found)?;
    commits(eligible, held_out, &history.ancestors(&cut.commit), &mut found);
    Ok(Mined {
        cut,
        seeds: found.seeds,
        dropped: reason::count(found.explained.iter().map(|(_, reason)| *reason)),
        explained: found.explained,
        blobs_read: sources.blobs_read(),
        known: found.kept,
    })
}

#[derive(Default)]
struct Found {
    seeds: Vec<Seed>,
    explained: Vec<(String, DropReason)>,
    kept: Known,
}

impl Found {
    /// What is told about it ends where a secret begins.
    fn drop(&mut self, what: impl Into<String>, reason: DropReason) {
        let mut what = what.into();
        if let Some(secret) = secrets(&what).first() {
            what.truncate(secret.span.start);
            what.push('…');
        }
        self.explained.push((what, reason));
    }
}

/// The eligible commits, newest first, whatever side of the cut they fall on.
fn eligible(
    sources: &Sources<'_>,
    history: &History,
    known: &Known,
    found: &mut Found,
) -> Result<Vec<CommitSeed>, MineError> {
    let units = history.units();
    let judged = judge_all(sources, &units, known)?;
    let mut seen = HashSet::<Digest>::new();
    let mut eligible = Vec::new();
    for (unit, judged) in units.iter().zip(judged) {
        let reason = match (unit, &judged) {
            (Unit::Dropped(_, reason), _) => Some(*reason),
            (Unit::Commit(_), None) => None,
            (Unit::Commit(_), Some(Judged::Dropped(reason))) => Some(*reason),
            (Unit::Commit(_), Some(Judged::Eligible { patch_id, .. })) => {
                (!seen.insert(patch_id.clone())).then_some(DropReason::CherryPick)
            }
        };
        if let Some(reason) = reason {
            found.drop(unit.label(), reason);
        } else if let Some(Judged::Eligible { seed, .. }) = &judged {
            eligible.push(seed.as_ref().clone());
        }
        if let Some(judged) = judged {
            found.kept.keep_commit(unit.info().id.clone(), judged);
        }
    }
    Ok(eligible)
}

/// Judges every unit that needs it, on the policy's threads, in the order of `units`.
fn judge_all(
    sources: &Sources<'_>,
    units: &[Unit<'_>],
    known: &Known,
) -> Result<Vec<Option<Judged>>, GitError> {
    let judge = |unit: &Unit<'_>| match unit {
        Unit::Dropped(..) => Ok(None),
        Unit::Commit(info) => match known.commit(&info.id) {
            Some(judged) => Ok(Some(judged.clone())),
            None => crate::judge::judge(sources, info).map(Some),
        },
    };
    in_parallel(units, sources.policy.threads, judge)
}

/// Functions of the tree at the cut.
fn functions(
    sources: &Sources<'_>,
    cut: &CommitId,
    known: &Known,
    found: &mut Found,
) -> Result<(), MineError> {
    let entries = sources.repository.tree(cut)?.list()?;
    let mut files = Vec::new();
    for entry in entries.iter() {
        match minable(entry) {
            None => {}
            Some(Err(reason)) => found.drop(entry.path.as_str(), reason),
            Some(Ok(language)) => files.push((entry, language)),
        }
    }
    let read = in_parallel(&files, sources.policy.threads, |(entry, language)| {
        if let Some(facts) = known.file(&entry.blob, *language) {
            return Ok::<_, GitError>(facts.clone());
        }
        Ok(match sources.text(&entry.blob)? {
            Ok(text) => facts(sources.policy, *language, &text),
            Err(reason) => FileFacts::Dropped(reason),
        })
    })?;
    for ((entry, language), facts) in files.into_iter().zip(read) {
        match &facts {
            FileFacts::Dropped(reason) => found.drop(entry.path.as_str(), *reason),
            FileFacts::Functions(all) => functions_of(entry, language, all, found),
        }
        found.kept.keep_file(&entry.blob, language, facts);
    }
    Ok(())
}

/// The language of a file whose functions may be mined; `None` where it is of no known language.
fn minable(entry: &TreeEntry) -> Option<Result<Language, DropReason>> {
    let language = Language::of(&entry.path)?;
    let path = &entry.path;
    let reasons = [
        (!matches!(entry.kind, EntryKind::File | EntryKind::Executable), DropReason::Unreadable),
        (denied(path), DropReason::Denied),
        (filters::vendored(path), DropReason::Vendored),
        (filters::generated_path(path), DropReason::Generated),
        (filters::test_path(path), DropReason::Test),
    ];
    let reason = reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason));
    Some(reason.map_or(Ok(language), Err))
}

fn functions_of(entry: &TreeEntry, language: Language, all: &[FunctionFacts], found: &mut Found) {
    let path = &entry.path;
    let held_out = |f: &FunctionFacts| held_out_function(&key(path, f));
    for function in all {
        let held = held_out(function);
        // A function around or inside a held-out one would carry its text into training.
        let near = !held
            && all.iter().any(|other| {
                held_out(other)
                    && other.span.start < function.span.end
                    && function.span.start < other.span.end
            });
        match function.dropped.or(near.then_some(DropReason::TouchesHeldOut)) {
            Some(reason) => found.drop(format!("{path}::{}", function.name), reason),
            None => found.seeds.push(Seed::Function(FunctionSeed {
                id: SeedId::of(&["function", path.as_str(), &function.name, entry.blob.as_str()]),
                key: key(path, function),
                language,
                blob: entry.blob.clone(),
                span: function.span.clone(),
                statements: function.statements,
                complexity: function.complexity,
                held_out: held,
            })),
        }
    }
}

fn key(path: &TreePath, function: &FunctionFacts) -> FunctionKey {
    FunctionKey { path: path.clone(), name: function.name.clone() }
}

/// Marks the newest `held_out` and drops what may not be trained on among the others.
fn commits(
    eligible: Vec<CommitSeed>,
    held_out: usize,
    before_cut: &HashSet<&CommitId>,
    found: &mut Found,
) {
    for (at, mut seed) in eligible.into_iter().enumerate() {
        seed.held_out = at < held_out;
        let reason = if seed.held_out {
            None
        } else if !before_cut.contains(&seed.commit) {
            Some(DropReason::BesideCut)
        } else {
            seed.touched.iter().any(held_out_function).then_some(DropReason::TouchesHeldOut)
        };
        match reason {
            Some(reason) => {
                found.drop(format!("{} {}", seed.commit.short(), seed.subject), reason);
            }
            None => found.seeds.push(Seed::Commit(seed)),
        }
    }
}
