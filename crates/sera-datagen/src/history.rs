//! The shape of a history: which commits are units of work, which cancel, what lies before the cut.
use crate::{DropReason, filters};
use sera_core::CommitId;
use sera_git::CommitInfo;
use std::collections::{HashMap, HashSet};

/// Share of merges on the main line from which merges are the units of work.
const MERGE_SHARE: f64 = 0.6;

/// Commits on the main line below which that share says nothing.
const MERGE_FLOOR: usize = 5;

/// The walked part of a history, newest first.
pub(crate) struct History {
    commits: Vec<CommitInfo>,
    mainline: Vec<CommitId>,
}

/// One commit as a candidate.
pub(crate) enum Unit<'a> {
    /// To be judged by its change.
    Commit(&'a CommitInfo),
    /// Out by its place in the history alone.
    Dropped(&'a CommitInfo, DropReason),
}

impl<'a> Unit<'a> {
    pub(crate) fn info(&self) -> &'a CommitInfo {
        match self {
            Self::Commit(info) | Self::Dropped(info, _) => info,
        }
    }

    /// `0123456789 subject`.
    pub(crate) fn label(&self) -> String {
        let info = self.info();
        format!("{} {}", info.id.short(), subject(info))
    }
}

impl History {
    pub(crate) fn new(commits: Vec<CommitInfo>, tip: &CommitId) -> Self {
        let mainline = mainline(&commits, tip);
        Self { commits, mainline }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Every commit, newest first, as a candidate or with the reason why it is none.
    pub(crate) fn units(&self) -> Vec<Unit<'_>> {
        let mainline: HashSet<_> = self.mainline.iter().collect();
        let made_of_merges = self.made_of_merges(&mainline);
        let reverted = self.reverted();
        let unit = |info| {
            let merge = info_is_merge(info);
            if made_of_merges && !mainline.contains(&info.id) {
                Unit::Dropped(info, DropReason::InsideMerge)
            } else if merge && !made_of_merges {
                Unit::Dropped(info, DropReason::Merge)
            } else if reverted.contains(&info.id) {
                Unit::Dropped(info, DropReason::Reverted)
            } else {
                Unit::Commit(info)
            }
        };
        self.commits.iter().map(unit).collect()
    }

    fn made_of_merges(&self, mainline: &HashSet<&CommitId>) -> bool {
        let on: Vec<_> = self.commits.iter().filter(|c| mainline.contains(&c.id)).collect();
        let merges = on.iter().filter(|c| info_is_merge(c)).count();
        on.len() >= MERGE_FLOOR && merges as f64 >= MERGE_SHARE * on.len() as f64
    }

    /// Reverts and what they revert. A revert that was reverted itself leaves its target standing.
    fn reverted(&self) -> HashSet<CommitId> {
        let mut cancelled = HashSet::new();
        for (at, revert) in self.commits.iter().enumerate() {
            if cancelled.contains(&revert.id) {
                continue;
            }
            for target in targets(revert, &self.commits[at + 1..]) {
                cancelled.insert(revert.id.clone());
                cancelled.insert(target.id.clone());
            }
        }
        cancelled
    }

    /// The newest commit of the main line that is none of `held_out` and contains none of them.
    pub(crate) fn cut(&self, held_out: &[CommitId]) -> Option<CommitId> {
        let mut children = HashMap::<&CommitId, Vec<&CommitId>>::new();
        for commit in &self.commits {
            for parent in &commit.parents {
                children.entry(parent).or_default().push(&commit.id);
            }
        }
        let mut tainted: HashSet<&CommitId> = held_out.iter().collect();
        let mut open: Vec<&CommitId> = held_out.iter().collect();
        while let Some(commit) = open.pop() {
            for child in children.get(commit).into_iter().flatten() {
                if tainted.insert(child) {
                    open.push(child);
                }
            }
        }
        let parents = self.mainline.last().and_then(|last| {
            self.commits.iter().find(|c| c.id == *last).and_then(|c| c.parents.first())
        });
        self.mainline.iter().chain(parents).find(|c| !tainted.contains(c)).cloned()
    }

    /// `commit` and everything walked that it contains.
    pub(crate) fn ancestors<'a>(&'a self, commit: &'a CommitId) -> HashSet<&'a CommitId> {
        let parents: HashMap<_, _> = self.commits.iter().map(|c| (&c.id, &c.parents)).collect();
        let mut all = HashSet::from([commit]);
        let mut open = vec![commit];
        while let Some(commit) = open.pop() {
            for parent in parents.get(commit).into_iter().copied().flatten() {
                if all.insert(parent) {
                    open.push(parent);
                }
            }
        }
        all
    }
}

/// The older commits that `revert` says it takes back: by id, or else by the subject it quotes.
fn targets<'a>(revert: &CommitInfo, older: &'a [CommitInfo]) -> Vec<&'a CommitInfo> {
    let named = filters::reverts(&revert.message);
    if !named.is_empty() {
        let by_id = |name: &str| {
            let name = name.to_ascii_lowercase();
            older.iter().find(move |c| c.id.as_str().starts_with(&name))
        };
        return named.into_iter().filter_map(by_id).collect();
    }
    let Some(subject) = filters::reverted_subject(subject(revert)) else { return Vec::new() };
    older.iter().find(|c| self::subject(c) == subject).into_iter().collect()
}

/// The first line of the message.
fn subject(info: &CommitInfo) -> &str {
    info.message.trim().lines().next().unwrap_or("")
}

fn info_is_merge(info: &CommitInfo) -> bool {
    info.parents.len() > 1
}

/// The first-parent line from `tip`, as far as it was walked, newest first.
fn mainline(commits: &[CommitInfo], tip: &CommitId) -> Vec<CommitId> {
    let first: HashMap<_, _> = commits.iter().map(|c| (&c.id, c.parents.first())).collect();
    let step = |id: &&CommitId| first.get(*id).copied().flatten();
    std::iter::successors(Some(tip), step)
        .take_while(|id| first.contains_key(*id))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> CommitId {
        CommitId::from_hex(name)
    }

    fn history(commits: &[(&str, &[&str], &str)]) -> History {
        let info = |(name, parents, message): &(&str, &[&str], &str)| CommitInfo {
            id: id(name),
            parents: parents.iter().map(|p| id(p)).collect(),
            author_name: "A".into(),
            author_email: "a@b".into(),
            committer_name: "A".into(),
            committer_email: "a@b".into(),
            time: 0,
            message: (*message).into(),
        };
        History::new(commits.iter().map(info).collect(), &id(commits[0].0))
    }

    fn reasons(history: &History) -> Vec<Option<DropReason>> {
        let reason = |unit: &Unit<'_>| match unit {
            Unit::Commit(_) => None,
            Unit::Dropped(_, reason) => Some(*reason),
        };
        history.units().iter().map(reason).collect()
    }

    #[test]
    fn merges_are_units_only_where_the_history_is_made_of_them() {
        use DropReason::{InsideMerge, Merge};
        let plain = history(&[
            ("d", &["c"], ""),
            ("c", &["b", "x"], ""),
            ("x", &["b"], ""),
            ("b", &["a"], ""),
            ("a", &[], ""),
        ]);
        assert_eq!(reasons(&plain), [None, Some(Merge), None, None, None]);
        let merged = history(&[
            ("f", &["e", "5"], ""),
            ("5", &["e"], ""),
            ("e", &["d", "4"], ""),
            ("4", &["d"], ""),
            ("d", &["c", "3"], ""),
            ("3", &["c"], ""),
            ("c", &["b"], ""),
            ("b", &[], ""),
        ]);
        assert_eq!(
            reasons(&merged),
            [None, Some(InsideMerge), None, Some(InsideMerge), None, Some(InsideMerge), None, None]
        );
    }

    #[test]
    fn reverted_pairs_cancel_and_a_reverted_revert_does_not_count() {
        use DropReason::Reverted;
        let text = |name: &str| format!("Revert\n\nThis reverts commit {name}.");
        let (b, c) = (text("bbbbbbb"), text("ccccccc"));
        let once =
            history(&[("ccccccc", &["bbbbbbb"], &b), ("bbbbbbb", &["a"], "x"), ("a", &[], "y")]);
        assert_eq!(reasons(&once), [Some(Reverted), Some(Reverted), None]);
        let twice = history(&[
            ("d", &["ccccccc"], &c),
            ("ccccccc", &["bbbbbbb"], &b),
            ("bbbbbbb", &["a"], "x"),
            ("a", &[], "y"),
        ]);
        assert_eq!(reasons(&twice), [Some(Reverted), Some(Reverted), None, None]);
    }

    #[test]
    fn the_cut_contains_nothing_held_out() {
        let h = history(&[
            ("e", &["d"], ""),
            ("d", &["c", "x"], ""),
            ("x", &["b"], ""),
            ("c", &["b"], ""),
            ("b", &["a"], ""),
            ("a", &[], ""),
        ]);
        for (held_out, expect) in
            [(&[][..], "e"), (&["e"], "d"), (&["e", "x"], "c"), (&["e", "c"], "b"), (&["a"], "")]
        {
            let held_out: Vec<_> = held_out.iter().map(|n| id(n)).collect();
            let cut = h.cut(&held_out);
            assert_eq!(cut.as_ref().map_or("", CommitId::as_str), expect);
        }
        let c = id("c");
        assert_eq!(h.ancestors(&c), HashSet::from([&id("c"), &id("b"), &id("a")]));
    }
}
