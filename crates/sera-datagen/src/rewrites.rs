//! What was made from commits that were rewritten follows them, where that can be shown to be safe.
//!
//! A rebase, an amended message or a filter leaves the same change under another name. What a
//! teacher made of a function at the old commit was paid for, so it moves to the new one: if that
//! lies within the cut and holds the same function, and if what the teacher saw there holds nothing
//! that is held out now. What cannot be shown leaves the dataset.
use crate::judge::judge;
use crate::known::Judged;
use crate::sources::Sources;
use crate::{Known, MineError, Mined, Policy};
use sera_core::{CommitId, Digest, FunctionKey, Seed, SeedId, Tree as _};
use sera_git::{GitError, Repository};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Rewrites of rewrites that are followed.
const CHAIN: usize = 100;

/// Something that was made of a function at a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The function's seed: its path, name and file's content.
    pub seed: SeedId,
    /// The function.
    pub function: FunctionKey,
    /// The commit.
    pub base: CommitId,
}

/// What moves, and to which commit. `told` are pairs of old and new that git's `post-rewrite` hook
/// named; without them a commit is found by its change (as `git patch-id` does) or by its tree.
///
/// # Errors
/// Where git cannot be read. A commit that is gone is no error: what was made of it stays behind.
pub fn follow(
    repository: &Repository,
    made: &[Made],
    told: &BTreeMap<CommitId, CommitId>,
    known: &Known,
    mined: &Mined,
) -> Result<Vec<(Made, CommitId)>, MineError> {
    let cut = &mined.cut.commit;
    let mut followed = Vec::new();
    let bases: BTreeSet<&CommitId> = made.iter().map(|one| &one.base).collect();
    let mut search = Search { repository, told, known, mined, trees: None };
    for base in bases {
        if repository.is_ancestor(base, cut)? {
            continue;
        }
        let of_base: Vec<&Made> = made.iter().filter(|one| one.base == *base).collect();
        for candidate in search.candidates(base)? {
            let same_tree = search.tree(base)? == search.tree(&candidate)?;
            if !repository.is_ancestor(&candidate, cut)? || !(same_tree || search.clean(base)?) {
                continue;
            }
            let tree = repository.tree(&candidate)?;
            let files = tree.list()?;
            let holds = |one: &Made| {
                same_tree
                    || files.iter().any(|file| {
                        file.path == one.function.path
                            && seed(&one.function, file.blob.as_str()) == one.seed
                    })
            };
            let moving = of_base.iter().filter(|one| holds(one));
            followed.extend(moving.map(|one| ((*one).clone(), candidate.clone())));
            break;
        }
    }
    Ok(followed)
}

/// A function's seed at a file's content.
pub(crate) fn seed(function: &FunctionKey, blob: &str) -> SeedId {
    SeedId::of(&["function", function.path.as_str(), &function.name, blob])
}

struct Search<'a> {
    repository: &'a Repository,
    told: &'a BTreeMap<CommitId, CommitId>,
    known: &'a Known,
    mined: &'a Mined,
    /// Commits of today's history by their trees, listed once somebody asks.
    trees: Option<BTreeMap<String, CommitId>>,
}

impl Search<'_> {
    /// Commits that may be what `old` is called now, the surest first.
    fn candidates(&mut self, old: &CommitId) -> Result<Vec<CommitId>, GitError> {
        let mut found = Vec::new();
        if let Some(tree) = self.tree(old)? {
            found.extend(self.trees()?.get(&tree).cloned());
        }
        let mut at = old;
        while let Some(new) = self.told.get(at).filter(|_| found.len() < CHAIN) {
            found.push(new.clone());
            at = new;
        }
        if let Some(change) = self.change(old) {
            let twins = self.mined.used.commits.iter().filter(|id| self.change(id) == Some(change));
            found.extend(twins.cloned().collect::<BTreeSet<_>>());
        }
        Ok(found)
    }

    fn change(&self, commit: &CommitId) -> Option<&Digest> {
        match self.known.commit(commit)? {
            Judged::Eligible { patch_id, .. } => Some(patch_id),
            Judged::Dropped(_) => None,
        }
    }

    fn tree(&self, commit: &CommitId) -> Result<Option<String>, GitError> {
        self.repository.tree_id(commit)
    }

    fn trees(&mut self) -> Result<&BTreeMap<String, CommitId>, GitError> {
        if self.trees.is_none() {
            let mut trees = BTreeMap::new();
            for commit in self.repository.commits(&self.mined.cut.commit, self.mined.window)? {
                if let Some(tree) = self.tree(&commit.id)? {
                    trees.entry(tree).or_insert(commit.id);
                }
            }
            self.trees = Some(trees);
        }
        Ok(self.trees.as_ref().expect("it was made above"))
    }

    /// Whether the history that ends at `old` is there still and holds no change that is held out
    /// now: a rebase may have put behind the cut what stood before it.
    fn clean(&self, old: &CommitId) -> Result<bool, GitError> {
        if self.tree(old)?.is_none() {
            return Ok(false);
        }
        let held_out: HashSet<&Digest> = self
            .mined
            .seeds
            .iter()
            .filter_map(|seed| match seed {
                Seed::Commit(commit) if commit.held_out => self.change(&commit.commit),
                Seed::Commit(_) | Seed::Function(_) => None,
            })
            .collect();
        let policy = Policy::default();
        let sources = Sources::new(self.repository, &policy);
        for info in self.repository.commits(old, self.mined.window)? {
            let known = self.known.commit(&info.id).cloned();
            // Mining judges no commit whose place in history says enough.
            let judged = known.unwrap_or_else(|| judge(&sources, &info));
            if let Judged::Eligible { patch_id, .. } = judged
                && held_out.contains(&patch_id)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
