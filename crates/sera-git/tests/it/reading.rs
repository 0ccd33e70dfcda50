//! Trees, history, changes, refs, config and status: each against what git prints.
use crate::{child, open};
use sera_core::{CommitId, EntryKind, Tree as _, TreeError, TreePath};
use sera_git::{FileChange, MAX_BLOB, Repository};
use sera_testkit::{Repo, mixed_project, python_project};

fn head(repo: &Repo) -> CommitId {
    CommitId::from_hex(repo.head())
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

#[test]
fn tree_is_what_git_lists() {
    for repo in [python_project(), mixed_project()] {
        let tree = open(&repo).tree(&head(&repo)).unwrap();
        let listed: Vec<String> = tree
            .list()
            .unwrap()
            .iter()
            .map(|entry| format!("100644 blob {}\t{}", entry.blob, entry.path))
            .collect();
        assert_eq!(listed.join("\n"), repo.git(&["ls-tree", "-r", "HEAD"]));
        for entry in tree.list().unwrap().iter() {
            let shown = repo.git_bytes(&["cat-file", "blob", entry.blob.as_str()]);
            assert_eq!(*tree.read(&entry.path).unwrap(), *shown);
        }
    }
}

/// What a poll does while nothing happens must leave no index of a pack mapped: of a large
/// repository that is more than all the daemon else holds.
#[test]
#[cfg(target_os = "linux")]
fn looking_at_head_maps_no_pack() {
    let repo = python_project();
    let (first, tip) = (repo.git(&["rev-list", "--max-parents=0", "HEAD"]), head(&repo));
    repo.git(&["repack", "-adq"]);
    let own = format!("{}/objects/pack", repo.path().join(".git").display());
    let mapped = || std::fs::read_to_string("/proc/self/maps").unwrap().contains(&own);
    let check = |open: &Repository, expect: bool| {
        assert_eq!(open.is_at(&tip).unwrap(), expect);
        assert!(!open.is_at(&CommitId::from_hex(&first)).unwrap());
    };
    let open = open(&repo);
    check(&open, true);
    assert!(!mapped());
    assert_eq!(open.head().unwrap(), tip);
    assert!(mapped(), "reading the commit maps them");
    open.rest();
    assert!(!mapped());
    check(&open, true);
    repo.git(&["checkout", "-q", "--detach"]);
    check(&open, true);
    repo.git(&["symbolic-ref", "refs/heads/two-steps", "refs/heads/main"]);
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/two-steps"]);
    check(&open, false);
    assert!(!mapped());
    assert_eq!(open.head().unwrap(), tip, "this one follows them all");
}

#[test]
#[cfg(unix)]
fn what_is_not_a_file_is_not_read() {
    use std::os::unix::ffi::OsStrExt as _;
    let repo = Repo::new();
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", repo.path().join("folder")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.py");
    std::fs::write(repo.path().join(odd), "x = 1\n").unwrap();
    let large = "x".repeat(usize::try_from(MAX_BLOB).unwrap() + 1);
    repo.commit("odd", &[("a\\b.py", "x = 1\n"), ("large.py", &large), ("run.sh", "true\n")]);
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    let module = format!("160000,{},module", repo.head());
    repo.git(&["update-index", "--add", "--cacheinfo", &module]);
    repo.git(&["commit", "-q", "-m", "module"]);
    let tree = open(&repo).tree(&head(&repo)).unwrap();
    let listed: Vec<(String, EntryKind)> =
        tree.list().unwrap().iter().map(|e| (e.path.to_string(), e.kind)).collect();
    let expected = [
        ("folder", EntryKind::Link),
        ("large.py", EntryKind::File),
        ("link", EntryKind::Link),
        ("module", EntryKind::Submodule),
        ("run.sh", EntryKind::Executable),
    ];
    assert_eq!(listed, expected.map(|(p, kind)| (p.to_owned(), kind)));
    for unreadable in ["folder", "large.py", "link", "module"] {
        let read = tree.read(&path(unreadable));
        assert!(matches!(read, Err(TreeError::Unreadable { .. })), "{unreadable}: {read:?}");
    }
    assert!(matches!(tree.read(&path("folder/passwd")), Err(TreeError::Missing(_))));
}

#[test]
fn history_is_what_git_walks() {
    let repo = python_project();
    let format = "%H|%P|%an|%ae|%cn|%ce|%ct|%B%x00";
    let option = format!("--format={format}");
    let log = repo.git(&["log", "--date-order", &option]);
    let expected: Vec<&str> = log.split('\0').map(|c| c.trim_start_matches('\n')).collect();
    let found: Vec<String> = open(&repo)
        .commits(&head(&repo), usize::MAX)
        .unwrap()
        .iter()
        .map(|c| {
            let parents: Vec<&str> = c.parents.iter().map(CommitId::as_str).collect();
            let fields = [
                c.id.as_str(),
                &parents.join(" "),
                &c.author_name,
                &c.author_email,
                &c.committer_name,
                &c.committer_email,
                &c.time.to_string(),
                &c.message,
            ];
            fields.join("|")
        })
        .collect();
    assert_eq!(found, &expected[..expected.len() - 1]);
    assert_eq!(open(&repo).commits(&head(&repo), 5).unwrap().len(), 5);
}

#[test]
fn commits_between_are_those_of_the_newer_alone() {
    let repo = python_project();
    let cut = head(&repo);
    let repository = open(&repo);
    let check = |older: &CommitId, newer: &CommitId, limit: usize, expect: &[&CommitId]| {
        let found = repository.commits_between(older, newer, limit).unwrap();
        assert_eq!(found, expect.iter().copied().cloned().collect());
    };
    check(&cut, &cut, 9, &[]);
    repo.commit("One", &[("one.py", "1\n")]);
    let one = head(&repo);
    repo.commit("Two", &[("two.py", "2\n")]);
    let two = head(&repo);
    check(&cut, &two, 9, &[&one, &two]);
    check(&cut, &two, 1, &[&two]);
    check(&two, &cut, 9, &[]);
    let gone = CommitId::from_hex("0123456789012345678901234567890123456789");
    repository.commits_between(&gone, &two, 9).unwrap_err();
}

fn show(change: &FileChange) -> String {
    let side = |side: &Option<(TreePath, sera_core::BlobId)>| {
        side.as_ref().map_or("-".to_owned(), |(path, blob)| format!("{path}:{blob}"))
    };
    format!("{} {}", side(&change.old), side(&change.new))
}

/// `git diff-tree` in the form of [`show`].
fn git_changes(repo: &Repo, from: &str, to: &str) -> Vec<String> {
    let arguments = ["diff-tree", "-r", "-M", "--raw", "--no-abbrev", "-z", from, to];
    let text = String::from_utf8(repo.git_bytes(&arguments)).unwrap();
    let mut fields = text.split('\0');
    let mut changes = Vec::new();
    while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
        let parts: Vec<&str> = head.split(' ').collect();
        let first = fields.next().unwrap();
        let second = if parts[4].starts_with('R') { fields.next().unwrap() } else { first };
        let side = |blob: &str, path: &str| match blob.trim_start_matches('0') {
            "" => "-".to_owned(),
            _ => format!("{path}:{blob}"),
        };
        let change = format!("{} {}", side(parts[2], first), side(parts[3], second));
        changes.push((if parts[4] == "D" { first } else { second }, change));
    }
    changes.sort();
    changes.into_iter().map(|(_, change)| change).collect()
}

fn same_changes(repo: &Repo) {
    const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let opened = open(repo);
    for commit in opened.commits(&head(repo), usize::MAX).unwrap() {
        let parent = commit.parents.first();
        let from = parent.map_or(EMPTY_TREE, CommitId::as_str);
        let found: Vec<String> =
            opened.changes(parent, &commit.id).unwrap().iter().map(show).collect();
        assert_eq!(found, git_changes(repo, from, commit.id.as_str()), "{}", commit.message);
    }
}

#[test]
fn changes_are_what_git_finds() {
    same_changes(&python_project());
    same_changes(&mixed_project());
}

#[test]
fn renames_are_what_git_finds() {
    let lines = |from: usize, to: usize| -> String {
        (from..to).map(|n| format!("line number {n} of this file\n")).collect()
    };
    let repo = Repo::new();
    repo.commit(
        "start",
        &[
            ("a.py", &lines(0, 40)),
            ("lib/b.py", &lines(100, 140)),
            ("lib/same.py", "equal\n"),
            ("c.py", &lines(200, 240)),
            ("long.txt", &"x".repeat(5_000)),
        ],
    );
    let rename = |message: &str, moves: &[(&str, &str, String)]| {
        for (old, new, content) in moves {
            std::fs::remove_file(repo.path().join(old)).unwrap();
            repo.write(new, content);
        }
        repo.commit(message, &[]);
    };
    rename("moved", &[("a.py", "src/a.py", lines(0, 40))]);
    rename("moved and changed", &[("src/a.py", "src/z.py", lines(5, 45))]);
    rename("moved and rewritten", &[("c.py", "d.py", lines(300, 340))]);
    rename("a quarter is left", &[("d.py", "e.py", lines(330, 370))]);
    rename(
        "two with equal content",
        &[
            ("lib/same.py", "core/same.py", "equal\n".to_owned()),
            ("lib/b.py", "core/b.py", lines(100, 138)),
        ],
    );
    rename("one long line", &[("long.txt", "longer.txt", "x".repeat(5_100))]);
    repo.commit("swap", &[("core/b.py", &lines(5, 45)), ("src/z.py", &lines(100, 138))]);
    repo.remove("gone", &["e.py"]);
    same_changes(&repo);
}

#[test]
fn refs_without_those_of_other_tools() {
    let repo = Repo::new();
    let first = repo.commit("one", &[("a", "1\n")]);
    repo.git(&["tag", "-a", "-m", "release", "v1"]);
    let second = repo.commit("two", &[("a", "2\n")]);
    repo.git(&["update-ref", "refs/jj/keep/x", &first]);
    repo.git(&["update-ref", "refs/notes/commits", &first]);
    repo.git(&["update-ref", "refs/remotes/origin/main", &second]);
    repo.git(&["tag", "tree", "HEAD^{tree}"]);
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["branch", "topic", &first]);
    let refs = open(&repo).refs().unwrap();
    let found: Vec<(&str, &str)> =
        refs.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
    let expected = [
        ("HEAD", &second),
        ("refs/heads/main", &second),
        ("refs/heads/topic", &first),
        ("refs/remotes/origin/main", &second),
        ("refs/tags/v1", &first),
    ];
    assert_eq!(found, expected.map(|(name, id)| (name, id.as_str())));
}

#[test]
fn refs_and_objects_that_appear_later() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    let opened = open(&repo);
    opened.commits(&head(&repo), 10).unwrap();
    let second = repo.commit("two", &[("a", "2\n")]);
    assert_eq!(opened.head().unwrap().as_str(), second);
    assert_eq!(opened.commits(&head(&repo), 10).unwrap().len(), 2);
    repo.git(&["gc", "-q"]);
    repo.commit("three", &[("a", "3\n")]);
    assert_eq!(opened.commits(&head(&repo), 10).unwrap().len(), 3);
}

#[test]
fn replaced_objects_are_not_followed() {
    let repo = Repo::new();
    let first = repo.commit("one", &[("a", "1\n")]);
    let second = repo.commit("two", &[("a", "2\n")]);
    repo.git(&["replace", &second, &first]);
    let opened = open(&repo);
    assert_eq!(opened.commits(&CommitId::from_hex(second), 10).unwrap().len(), 2);
}

#[test]
fn uncommitted_work() {
    let repo = Repo::new();
    repo.commit(
        "one",
        &[
            ("same.py", "x = 1\n"),
            ("changed.py", "x = 1\n"),
            ("staged.py", "x = 1\n"),
            ("gone.py", "x = 1\n"),
            ("linked.py", "x = 1\n"),
            (".gitignore", "ignored.py\n*.log\n"),
            (".gitattributes", "*.py filter=hostile\n"),
        ],
    );
    let trap = repo.root().join("trap");
    let command = format!("touch {} && cat", trap.display());
    for key in ["filter.hostile.clean", "core.fsmonitor", "filter.hostile.process"] {
        repo.git(&["config", key, &command]);
    }
    repo.write("changed.py", "x = 2\n");
    repo.write("staged.py", "x = 3\n");
    repo.write("new file.py", "x = 4\n");
    repo.write("deep/er/new.py", "x = 5\n");
    repo.write("ignored.py", "x = 6\n");
    repo.write("large.bin", vec![0; usize::try_from(MAX_BLOB).unwrap() + 1]);
    std::fs::remove_file(repo.path().join("gone.py")).unwrap();
    let changes = open(&repo).work_tree_changes().unwrap();
    let shown: Vec<(&str, Option<&str>)> = changes
        .iter()
        .map(|(p, c)| (p.as_str(), c.as_deref().map(|c| std::str::from_utf8(c).unwrap())))
        .collect();
    assert_eq!(
        shown,
        [
            ("changed.py", Some("x = 2\n")),
            ("deep/er/new.py", Some("x = 5\n")),
            ("gone.py", None),
            ("new file.py", Some("x = 4\n")),
            ("staged.py", Some("x = 3\n")),
        ]
    );
    assert!(!trap.exists(), "no program of the repository's choice was started");
}

#[test]
fn settings_of_this_repository() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    let opened = open(&repo);
    assert_eq!(opened.config("sera.device"), None);
    opened.config_set("sera.device", Some("from the \"repository\"")).unwrap();
    assert_eq!(opened.config("sera.device").as_deref(), Some("from the \"repository\""));
    assert_eq!(repo.git(&["config", "--local", "sera.device"]), "from the \"repository\"");
    opened.config_set("sera.device", None).unwrap();
    opened.config_set("sera.device", None).unwrap();
    assert_eq!(opened.config("sera.device"), None);
    assert!(opened.config_set("core.pager", Some("x")).is_err());
}

/// Run by [`settings_of_the_user`] in a process of its own with another home.
#[test]
#[ignore = "a part of settings_of_the_user"]
fn child_reads_settings() {
    let Some(work) = std::env::var_os("WORK_TREE") else { return };
    let opened = Repository::discover(work.as_ref()).unwrap();
    assert_eq!(opened.config("sera.device").as_deref(), Some("repository's"));
    assert_eq!(opened.config("sera.base").as_deref(), Some("user's"));
    assert_eq!(opened.config("sera.teacher.url"), None, "only the repository says so");
    assert_eq!(opened.config("sera.teacher.model"), None, "only the environment says so");
    assert_eq!(opened.config("sera.memory").as_deref(), Some("1"), "that one may");
    let own = opened.settings().unwrap().own();
    let own: Vec<_> = own.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(own, ["sera.base=user's", "sera.device=user's", "sera.price.M.x.prompt=1 2"]);
    let changes = opened.work_tree_changes().unwrap();
    assert_eq!(changes.len(), 1, "the user's ignore file counts: {changes:?}");
}

#[test]
fn settings_of_the_user() {
    let repo = Repo::new();
    repo.commit("one", &[("a", "1\n")]);
    for (scope, key, value) in [
        ("--global", "sera.base", "user's"),
        ("--local", "sera.base", "repository's"),
        ("--global", "sera.device", "user's"),
        ("--local", "sera.device", "repository's"),
        ("--local", "sera.teacher.url", "x"),
        ("--global", "sera.price.M.x.Prompt", "1"),
        ("--global", "sera.price.M.x.Prompt", "2"),
    ] {
        repo.git(&["config", scope, "--add", key, value]);
    }
    repo.git(&["config", "--global", "core.excludesFile", "~/ignore"]);
    std::fs::write(repo.home().join("ignore"), "*.swp\n").unwrap();
    repo.write("a.swp", "");
    repo.write("new", "");
    let environment = [
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "sera.teacher.model"),
        ("GIT_CONFIG_VALUE_0", "1"),
        ("GIT_CONFIG_KEY_1", "sera.memory"),
        ("GIT_CONFIG_VALUE_1", "1"),
    ];
    child(&repo, "reading::child_reads_settings", &environment);
}
