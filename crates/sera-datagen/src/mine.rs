//! Mining: which commits and functions a repository offers, and where the cut lies.
//!
//! Everything is read from git objects, never from the work tree, and only where [`Known`] does
//! not hold the answer already.
use crate::history::{History, Unit};
use crate::known::{Fact, FileFacts, FunctionFacts, Judged, Used, blob_key};
use crate::parallel::in_parallel;
use crate::rewrites::seed;
use crate::sources::{Sources, facts};
use crate::{DropReason, Drops, Forgotten, Known, Policy, filters, reason};
use sera_core::redact::{denied, secrets};
use sera_core::split::{held_out_commits, held_out_function};
use sera_core::{
    CommitId, CommitSeed, Digest, EntryKind, FunctionKey, FunctionSeed, Language, Seed, Tree as _,
    TreeEntry, TreeError, TreePath,
};
use sera_git::{CommitInfo, GitError, Repository};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Commits or files that are looked at before the caller is told and may end it: about a second's
/// work, so that a cache on disk loses no more than that, and a pause waits for no more.
const TURN: usize = 256;

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
    /// Commits that were walked at most.
    pub window: usize,
    /// What of the cache it asked for.
    pub used: Used,
}

/// What was learnt since the caller was told last.
#[derive(Debug)]
pub struct Turn<'a> {
    /// To be kept for later minings.
    pub learnt: &'a [Fact],
    /// Commits judged, or files read.
    pub done: usize,
    /// Of so many that were not known.
    pub total: usize,
    /// `commits` or `files`.
    pub unit: &'static str,
}

/// Hears of every turn; says whether to go on.
pub type Hear<'a> = &'a mut dyn FnMut(&Turn<'_>) -> ControlFlow<()>;

impl Mined {
    /// Leaves out what the user wants forgotten.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        let (gone, left) = std::mem::take(&mut self.seeds)
            .into_iter()
            .partition(|seed| forgotten.meets_seed(seed));
        self.seeds = left;
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
    /// Whoever heard of a turn wanted no more.
    #[error("mining was stopped")]
    Stopped,
}

/// Mines the history that ends at `tip`; what is learnt on the way is added to `known`.
pub fn mine(
    repository: &Repository,
    tip: &CommitId,
    policy: &Policy,
    known: &mut Known,
) -> Result<Mined, MineError> {
    mine_in_turns(repository, tip, policy, known, &mut |_| ControlFlow::Continue(()))
}

/// The same, telling `hear` what was learnt turn by turn: what it keeps need not be learnt again,
/// whatever becomes of this mining.
pub fn mine_in_turns(
    repository: &Repository,
    tip: &CommitId,
    policy: &Policy,
    known: &mut Known,
    hear: Hear<'_>,
) -> Result<Mined, MineError> {
    if known.rules() != Known::under(policy).rules() {
        *known = Known::under(policy);
    }
    known.ask_again();
    let sources = Sources::new(repository, policy);
    let history = History::new(repository.commits(tip, policy.max_commits)?, tip);
    if history.is_empty() {
        return Err(MineError::Empty);
    }
    let mut found = Found::default();
    let eligible = eligible(&sources, &history, known, &mut found, hear)?;
    let held_out = held_out_commits(eligible.len());
    let held: Vec<CommitId> = eligible[..held_out].iter().map(|s| s.commit.clone()).collect();
    let commit = history.cut(&held).unwrap_or_else(|| tip.clone());
    let cut = Cut { commit, functions_only: held.is_empty(), held_out_commits: held };
    functions(&sources, &cut.commit, known, &mut found, hear)?;
    commits(eligible, held_out, &history.ancestors(&cut.commit), &mut found);
    Ok(Mined {
        cut,
        seeds: found.seeds,
        dropped: reason::count(found.explained.iter().map(|(_, reason)| *reason)),
        explained: found.explained,
        blobs_read: sources.blobs_read(),
        window: policy.max_commits,
        used: found.used,
    })
}

#[derive(Default)]
struct Found {
    seeds: Vec<Seed>,
    explained: Vec<(String, DropReason)>,
    used: Used,
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
    known: &mut Known,
    found: &mut Found,
    hear: Hear<'_>,
) -> Result<Vec<CommitSeed>, MineError> {
    let units = history.units();
    judge_unknown(sources, &units, known, hear)?;
    let mut seen = HashSet::<&Digest>::new();
    let mut eligible = Vec::new();
    for unit in &units {
        let info = unit.info();
        let reason = match unit {
            Unit::Dropped(_, reason) => Some(*reason),
            Unit::Commit(_) => {
                found.used.commits.insert(info.id.clone());
                match known.commit(&info.id).expect("every unit was judged") {
                    Judged::Dropped(reason) => Some(*reason),
                    Judged::Eligible { patch_id, .. } if !seen.insert(patch_id) => {
                        Some(DropReason::CherryPick)
                    }
                    Judged::Eligible { seed, .. } => {
                        eligible.push(seed.as_ref().clone());
                        None
                    }
                }
            }
        };
        if let Some(reason) = reason {
            found.drop(unit.label(), reason);
        }
    }
    Ok(eligible)
}

/// Judges every unit that nothing is known of, on the policy's threads.
fn judge_unknown(
    sources: &Sources<'_>,
    units: &[Unit<'_>],
    known: &mut Known,
    hear: Hear<'_>,
) -> Result<(), MineError> {
    let unknown = units.iter().filter_map(|unit| match unit {
        Unit::Commit(info) if known.commit(&info.id).is_none() => Some(*info),
        Unit::Commit(_) | Unit::Dropped(..) => None,
    });
    let unknown: Vec<&CommitInfo> = unknown.collect();
    let judge = |info: &&CommitInfo| {
        let judged = crate::judge::judge(sources, info);
        Ok::<_, GitError>(Fact::Commit(info.id.clone(), judged))
    };
    in_turns(sources, &unknown, "commits", judge, known, hear)
}

/// Learns something of every item, and tells of it turn by turn.
fn in_turns<T: Sync>(
    sources: &Sources<'_>,
    items: &[T],
    unit: &'static str,
    learn: impl Fn(&T) -> Result<Fact, GitError> + Sync,
    known: &mut Known,
    hear: Hear<'_>,
) -> Result<(), MineError> {
    let (mut done, total) = (0, items.len());
    for turn in items.chunks(TURN) {
        let learnt = in_parallel(turn, sources.policy.threads, &learn)?;
        sources.rest();
        done += turn.len();
        let told = hear(&Turn { learnt: &learnt, done, total, unit });
        learnt.into_iter().for_each(|fact| known.learn(fact));
        if told.is_break() {
            return Err(MineError::Stopped);
        }
    }
    Ok(())
}

/// Functions of the tree at the cut.
fn functions(
    sources: &Sources<'_>,
    cut: &CommitId,
    known: &mut Known,
    found: &mut Found,
    hear: Hear<'_>,
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
    read_unknown(sources, &files, known, hear)?;
    for (entry, language) in files {
        found.used.files.insert(blob_key(&entry.blob, language));
        match known.file(&entry.blob, language).expect("every file was read") {
            FileFacts::Dropped(reason) => found.drop(entry.path.as_str(), *reason),
            FileFacts::Functions(all) => functions_of(entry, language, all, found),
        }
    }
    Ok(())
}

/// Reads every blob that nothing is known of, once.
fn read_unknown(
    sources: &Sources<'_>,
    files: &[(&TreeEntry, Language)],
    known: &mut Known,
    hear: Hear<'_>,
) -> Result<(), MineError> {
    let mut seen = HashSet::new();
    let unknown = files.iter().copied().filter(|(entry, language)| {
        known.file(&entry.blob, *language).is_none() && seen.insert((&entry.blob, *language))
    });
    let unknown: Vec<_> = unknown.collect();
    let read = |(entry, language): &(&TreeEntry, Language)| {
        let facts = match sources.text(&entry.blob) {
            Ok(text) => facts(sources.policy, *language, &text),
            Err(reason) => FileFacts::Dropped(reason),
        };
        Ok::<_, GitError>(Fact::File(blob_key(&entry.blob, *language), facts))
    };
    in_turns(sources, &unknown, "files", read, known, hear)
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
    let held_out: Vec<bool> = all.iter().map(|f| held_out_function(&key(path, f))).collect();
    for (function, &held) in all.iter().zip(&held_out) {
        // A function around or inside a held-out one would carry its text into training.
        let near = !held
            && all.iter().zip(&held_out).any(|(other, held)| {
                *held
                    && other.span.start < function.span.end
                    && function.span.start < other.span.end
            });
        match function.dropped.or(near.then_some(DropReason::TouchesHeldOut)) {
            Some(reason) => found.drop(format!("{path}::{}", function.name), reason),
            None => found.seeds.push(Seed::Function(FunctionSeed {
                id: seed(&key(path, function), entry.blob.as_str()),
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
