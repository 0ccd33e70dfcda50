//! What a commit changed.
use crate::open::object_id;
use crate::tree::tree_path;
use crate::{GitError, Repository, renames};
use gix::diff::tree::recorder::Change;
use gix::objs::tree::EntryMode;
use sera_core::{BlobId, CommitId, TreePath};

/// One file of a commit's change: added where `old` is missing, deleted where `new` is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileChange {
    /// Before.
    pub old: Option<(TreePath, BlobId)>,
    /// After.
    pub new: Option<(TreePath, BlobId)>,
}

impl FileChange {
    /// The path after the change, or before it for a deleted file.
    pub fn path(&self) -> &TreePath {
        let side = self.new.as_ref().or(self.old.as_ref());
        &side.expect("a change has at least one side").0
    }
}

impl Repository {
    /// The regular files that differ between `parent` (nothing where `None`) and `commit`, in path
    /// order, renames found as git does by default (half of the content alike).
    pub fn changes(
        &self,
        parent: Option<&CommitId>,
        commit: &CommitId,
    ) -> Result<Vec<FileChange>, GitError> {
        let records = self.tree_difference(parent, commit)?;
        let mut changes: Vec<FileChange> = records.into_iter().filter_map(change).collect();
        renames::find(self, &mut changes);
        changes.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(changes)
    }

    /// The tree difference alone: it reads neither the index nor attributes, so its cost follows
    /// the change and nothing of the user's work tree can influence it.
    fn tree_difference(
        &self,
        parent: Option<&CommitId>,
        commit: &CommitId,
    ) -> Result<Vec<Change>, GitError> {
        let before = parent.map(|id| object_id(id.as_str())).transpose()?;
        let after = object_id(commit.as_str())?;
        let difference = |git: &gix::Repository| -> gix::Result<Vec<Change>> {
            let before = match before {
                Some(id) => git.find_commit(id)?.tree()?,
                None => git.empty_tree(),
            };
            let after = git.find_commit(after)?.tree()?;
            let mut recorder = gix::diff::tree::Recorder::default();
            let result = gix::diff::tree(
                gix::objs::TreeRefIter::from_bytes(&before.data, gix::hash::Kind::Sha1),
                gix::objs::TreeRefIter::from_bytes(&after.data, gix::hash::Kind::Sha1),
                gix::diff::tree::State::default(),
                &git.objects,
                &mut recorder,
            );
            result.map_err(gix::Error::from_error)?;
            Ok(recorder.records)
        };
        self.with(difference)
            .map_err(|e| GitError::read(format!("compare {} to its parent", commit.short()), e))
    }
}

fn change(record: Change) -> Option<FileChange> {
    let change = match record {
        Change::Addition { entry_mode, oid, path, .. } => {
            FileChange { old: None, new: side(entry_mode, oid, &path) }
        }
        Change::Deletion { entry_mode, oid, path, .. } => {
            FileChange { old: side(entry_mode, oid, &path), new: None }
        }
        Change::Modification { previous_entry_mode, previous_oid, entry_mode, oid, path } => {
            FileChange {
                old: side(previous_entry_mode, previous_oid, &path),
                new: side(entry_mode, oid, &path),
            }
        }
    };
    (change.old.is_some() || change.new.is_some()).then_some(change)
}

/// One side of a change, where it is a regular file that a tree may hold.
fn side(mode: EntryMode, id: gix::ObjectId, path: &[u8]) -> Option<(TreePath, BlobId)> {
    let path = mode.is_blob().then(|| tree_path(path))??;
    Some((path, BlobId::from_hex(id.to_string())))
}
