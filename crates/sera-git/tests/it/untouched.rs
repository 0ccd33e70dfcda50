//! Reading leaves no trace: work tree, index, refs and config are byte for byte what they were.
use crate::open;
use sera_core::{CommitId, Tree as _};
use sera_testkit::{Repo, python_project};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

type Files = BTreeMap<PathBuf, (Vec<u8>, SystemTime)>;

/// Every file below `folder`, with its content and when it was written.
fn files(folder: &Path, found: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            let content = std::fs::read(entry.path()).unwrap();
            found.insert(entry.path(), (content, entry.metadata().unwrap().modified().unwrap()));
        }
    }
}

fn snapshot(repo: &Repo) -> Files {
    let mut found = Files::new();
    files(repo.root(), &mut found);
    found
}

#[test]
fn every_read_leaves_no_trace() {
    let repo = python_project();
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["branch", "topic", "HEAD~3"]);
    repo.write("stockroom/money.py", "changed = 1\n");
    repo.write("new.py", "new = 1\n");
    // Stat data that git would like to refresh: same content, another time.
    repo.write("stockroom/text.py", repo.read("stockroom/text.py"));
    let before = snapshot(&repo);
    let opened = open(&repo);
    let head = opened.head().unwrap();
    let tree = opened.tree(&head).unwrap();
    for entry in tree.list().unwrap().iter() {
        tree.read(&entry.path).unwrap();
        opened.blob(&entry.blob).unwrap();
    }
    for commit in opened.commits(&head, usize::MAX).unwrap() {
        opened.changes(commit.parents.first(), &commit.id).unwrap();
    }
    assert!(opened.refs().unwrap().len() > 2);
    assert_eq!(opened.work_tree_changes().unwrap().len(), 2);
    opened.config("sera.device");
    opened.config("sera.teacher.url");
    assert!(opened.tree(&CommitId::from_hex("0".repeat(40))).is_err());
    drop(opened);
    let after = snapshot(&repo);
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "no file came or went");
    for (path, content) in before {
        assert!(content == after[&path], "{} was written", path.display());
    }
}
