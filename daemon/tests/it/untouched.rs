//! Nothing but `$GIT_COMMON_DIR/sera/` differs after anything but `fix --apply`; what needs real
//! weights is compared in `quickstart.rs`.
use crate::user::User;
use sera_core::Digest;
use sera_testkit::{Repo, python_project};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's content, permissions and time; of a link its target, of a folder its permissions, of a
/// pipe or socket nothing.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Folder { mode: u32 },
    Link(PathBuf),
    File { digest: Digest, mode: u32, modified: SystemTime },
    Other,
}

/// Everything of a user's that is not ours: work tree, index, refs, objects, config and home,
/// byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Entry>);

impl Snapshot {
    /// Reads a repository and its home.
    pub(crate) fn of(repo: &Repo) -> Self {
        let ours = repo.path().join(".git/sera");
        Self::below(&[repo.path().to_owned(), repo.home()], &[ours])
    }

    /// Reads everything below `folders` but what lies below `ours`.
    pub(crate) fn below(folders: &[PathBuf], ours: &[PathBuf]) -> Self {
        let mut entries = BTreeMap::new();
        folders.iter().for_each(|folder| read(folder, ours, &mut entries));
        Self(entries)
    }

    /// The paths at which two differ.
    pub(crate) fn differing<'a>(&'a self, other: &'a Self) -> Vec<&'a Path> {
        let keys: BTreeSet<&PathBuf> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |path: &&PathBuf| self.0.get(*path) != other.0.get(*path);
        keys.into_iter().filter(differs).map(PathBuf::as_path).collect()
    }

    /// Fails with the names of what differs.
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        let differing = self.differing(other);
        assert!(differing.is_empty(), "{what} touched {differing:?}");
    }
}

fn read(folder: &Path, ours: &[PathBuf], into: &mut BTreeMap<PathBuf, Entry>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ours.contains(&path) {
            continue;
        }
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let entry = if metadata.is_symlink() {
            Entry::Link(std::fs::read_link(&path).unwrap())
        } else if metadata.is_dir() {
            read(&path, ours, into);
            Entry::Folder { mode: mode(&metadata) }
        } else if metadata.is_file() {
            let digest = Digest::of(&std::fs::read(&path).unwrap());
            Entry::File { digest, mode: mode(&metadata), modified: metadata.modified().unwrap() }
        } else {
            Entry::Other
        };
        into.insert(path, entry);
    }
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata)
}

#[cfg(not(unix))]
fn mode(metadata: &Metadata) -> u32 {
    u32::from(metadata.permissions().readonly())
}

/// Uncommitted work of every kind, which must come through as it is.
fn dirty(repo: &Repo) {
    repo.write("stockroom/money.py", repo.read("stockroom/money.py") + "\n# to be continued\n");
    repo.write("staged.txt", "staged\n");
    repo.git(&["add", "staged.txt"]);
    repo.write("untracked.txt", "untracked\r\nno newline at the end");
    std::fs::remove_file(repo.path().join("README.md")).unwrap();
}

#[test]
fn only_the_folder_of_sera_differs() {
    let user = User::of(python_project());
    dirty(&user.repo);
    let before = Snapshot::of(&user.repo);
    for arguments in [
        &["register", "--hooks=none"][..],
        &["mine", "--explain"],
        &["synthesize"],
        &["rollout", "--limit", "100"],
        &["verify"],
        &["status"],
        &["fsck"],
    ] {
        user.json(arguments);
        before.assert_same(&Snapshot::of(&user.repo), arguments[0]);
    }
    user.sera(&["unregister"]).well();
    user.sera(&["stop"]).well();
    before.assert_same(&Snapshot::of(&user.repo), "unregister and stop");
}
