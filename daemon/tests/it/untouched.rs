//! Nothing but `$GIT_COMMON_DIR/sera/` differs after anything but `fix --apply`; what needs real
//! weights is compared in `quickstart.rs`.
use crate::user::User;
use sera_testkit::{Repo, python_project};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file's content and time; of a link its target, of a folder nothing.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Folder,
    Link(PathBuf),
    File { bytes: Vec<u8>, modified: SystemTime },
}

/// Everything of a user's that is not ours: work tree, index, refs, objects, config and home,
/// byte for byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Entry>);

impl Snapshot {
    /// Reads it.
    pub(crate) fn of(repo: &Repo) -> Self {
        let mut entries = BTreeMap::new();
        read(repo.path(), &mut entries);
        read(&repo.home(), &mut entries);
        Self(entries)
    }

    /// Fails with the names of what differs.
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        let keys = self.0.keys().chain(other.0.keys());
        let differs = |path: &&PathBuf| self.0.get(*path) != other.0.get(*path);
        let differing: Vec<_> = keys.filter(differs).collect();
        assert!(differing.is_empty(), "{what} touched {differing:?}");
    }
}

fn read(folder: &Path, into: &mut BTreeMap<PathBuf, Entry>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git/sera") {
            continue;
        }
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        let entry = if metadata.is_symlink() {
            Entry::Link(std::fs::read_link(&path).unwrap())
        } else if metadata.is_dir() {
            read(&path, into);
            Entry::Folder
        } else {
            let modified = metadata.modified().unwrap();
            Entry::File { bytes: std::fs::read(&path).unwrap(), modified }
        };
        into.insert(path, entry);
    }
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
        &["register"][..],
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
