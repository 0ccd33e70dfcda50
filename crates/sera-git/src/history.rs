//! Walking history, newest first.
use crate::command::output;
use crate::open::object_id;
use crate::{GitError, Repository, commit};
use sera_core::CommitId;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

/// What mining wants to know of a commit before looking at its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// Its parents, first parent first.
    pub parents: Vec<CommitId>,
    /// Author's name, decoded as the commit says and lossily.
    pub author_name: String,
    /// Author's address.
    pub author_email: String,
    /// Committer's name.
    pub committer_name: String,
    /// Committer's address.
    pub committer_email: String,
    /// Committer time, Unix seconds.
    pub time: i64,
    /// The whole message, decoded in the same way.
    pub message: String,
}

impl Repository {
    /// At most `limit` commits reachable from `tip`, newest first: by committer time, but never a
    /// parent before its child, whatever the clocks said.
    pub fn commits(&self, tip: &CommitId, limit: usize) -> Result<Vec<CommitInfo>, GitError> {
        let start = object_id(tip.as_str())?;
        let commits = self
            .with(|git| walk(git, start, limit))
            .map_err(|e| GitError::read(format!("walk the history of {}", tip.short()), e))?;
        Ok(children_first(commits))
    }

    /// The commit that a revision names, as git reads revisions; none where there is none.
    pub fn resolve(&self, revision: &str) -> Result<Option<CommitId>, GitError> {
        let named = |git: &gix::Repository| {
            let id = git.rev_parse_single(revision).ok()?;
            let commit = id.object().ok()?.peel_to_commit().ok()?;
            Some(CommitId::from_hex(commit.id.to_string()))
        };
        self.with(|git| gix::Result::Ok(named(git)))
            .map_err(|e| GitError::read(format!("find {revision:?}"), e))
    }

    /// The tree of a commit; none where the commit is gone.
    pub fn tree_id(&self, commit: &CommitId) -> Result<Option<String>, GitError> {
        let id = object_id(commit.as_str())?;
        Ok(self.with(|git| Some(git.find_commit(id).ok()?.tree_id().ok()?.to_string())))
    }

    /// Whether a branch, a tag or HEAD holds `commit`: nothing was rewritten or thrown away.
    pub fn is_reachable(&self, commit: &CommitId) -> Result<bool, GitError> {
        for tip in self.refs()?.into_values().collect::<BTreeSet<_>>() {
            if self.is_ancestor(commit, &tip)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The commits of `newer` that are not of `older`, as `git rev-list older..newer` lists them: at
    /// most `limit`.
    pub fn commits_between(
        &self,
        older: &CommitId,
        newer: &CommitId,
        limit: usize,
    ) -> Result<BTreeSet<CommitId>, GitError> {
        let mut command = self.git();
        command.args(["rev-list", &format!("--max-count={limit}")]);
        command.args([format!("{older}..{newer}"), "--".to_owned()]);
        let listed = output(&mut command, "rev-list")?;
        let text = String::from_utf8_lossy(&listed);
        Ok(text.lines().map(CommitId::from_hex).collect())
    }

    /// Whether `older` is `newer` or can be reached from it. A commit that is gone is no ancestor.
    pub fn is_ancestor(&self, older: &CommitId, newer: &CommitId) -> Result<bool, GitError> {
        let (older, newer) = (object_id(older.as_str())?, object_id(newer.as_str())?);
        let base = |git: &gix::Repository| {
            if git.find_commit(older).is_err() || git.find_commit(newer).is_err() {
                return gix::Result::Ok(false);
            }
            let bases = git.merge_bases_many(newer, &[older])?;
            Ok(bases.iter().any(|id| id.detach() == older))
        };
        self.with(base).map_err(|e| GitError::read("compare two commits", e))
    }
}

/// Newest first. Ours rather than the library's because that one ends at the first commit that is
/// not written as git writes them today, of which old histories have some.
fn walk(git: &gix::Repository, start: gix::ObjectId, limit: usize) -> gix::Result<Vec<CommitInfo>> {
    let read = |id| Ok::<_, gix::Error>(commit::parse(id, &git.find_commit(id)?.data));
    let mut met = vec![Some(read(start)?)];
    let mut seen = HashSet::from([start]);
    let mut open = BinaryHeap::from([(i64::MAX, Reverse(0))]);
    let mut walked = Vec::new();
    while walked.len() < limit
        && let Some((_, Reverse(next))) = open.pop()
    {
        let info = met[next].take().expect("a commit is opened once");
        for parent in &info.parents {
            let parent = gix::ObjectId::from_hex(parent.as_str().as_bytes())?;
            if seen.insert(parent) {
                let info = read(parent)?;
                open.push((info.time, Reverse(met.len())));
                met.push(Some(info));
            }
        }
        walked.push(info);
    }
    Ok(walked)
}

/// Orders by time, newest first, holding every parent back until all its children are out.
fn children_first(commits: Vec<CommitInfo>) -> Vec<CommitInfo> {
    let place: HashMap<CommitId, usize> =
        commits.iter().enumerate().map(|(index, c)| (c.id.clone(), index)).collect();
    let mut children = vec![0usize; commits.len()];
    for parent in commits.iter().flat_map(|c| &c.parents) {
        if let Some(&index) = place.get(parent) {
            children[index] += 1;
        }
    }
    let mut commits: Vec<Option<CommitInfo>> = commits.into_iter().map(Some).collect();
    let key = |time: i64, index: usize| (time, Reverse(index));
    let mut ready: BinaryHeap<(i64, Reverse<usize>)> = commits
        .iter()
        .enumerate()
        .filter(|(index, _)| children[*index] == 0)
        .filter_map(|(index, c)| c.as_ref().map(|c| key(c.time, index)))
        .collect();
    let mut ordered = Vec::with_capacity(commits.len());
    while let Some((_, Reverse(index))) = ready.pop() {
        let commit = commits[index].take().expect("a commit becomes ready once");
        for parent in &commit.parents {
            let Some(&parent) = place.get(parent) else { continue };
            children[parent] -= 1;
            if children[parent] == 0 {
                let waiting = commits[parent].as_ref().expect("parents come after children");
                ready.push(key(waiting.time, parent));
            }
        }
        ordered.push(commit);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, time: i64, parents: &[&str]) -> CommitInfo {
        CommitInfo {
            id: CommitId::from_hex(id),
            parents: parents.iter().map(|&p| CommitId::from_hex(p)).collect(),
            author_name: String::new(),
            author_email: String::new(),
            committer_name: String::new(),
            committer_email: String::new(),
            time,
            message: String::new(),
        }
    }

    #[test]
    fn no_parent_before_its_child() {
        // A clock ran ahead: the parent is younger than one of its children.
        let walked = vec![
            commit("tip", 9, &["left", "right"]),
            commit("left", 8, &["base"]),
            commit("base", 7, &[]),
            commit("right", 3, &["base"]),
        ];
        let order: Vec<String> = children_first(walked).iter().map(|c| c.id.to_string()).collect();
        assert_eq!(order, ["tip", "left", "right", "base"]);
    }
}
