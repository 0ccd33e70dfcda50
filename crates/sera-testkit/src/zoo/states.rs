//! The index, locks, and work that was left unfinished: none of it is history.
use super::Answer::Mined;
use super::{BASE, Fixture, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture("index missing", "base; rm .git/index", BASE),
    fixture("index empty", "base; : >.git/index", BASE),
    fixture("index of rubbish", "base; echo rubbish >.git/index", BASE),
    fixture("index cut off", "base; truncate -s 50 .git/index", BASE),
    fixture("index that is a folder", "base; rm .git/index; mkdir .git/index", BASE),
    fixture("index of the fourth version", "base; git update-index --index-version 4", BASE),
    fixture(
        "split index",
        "base
        git update-index --split-index
        function one >b.py
        git add b.py",
        BASE,
    ),
    fixture(
        "untracked cache and monitor",
        "base
        git config core.untrackedCache true
        git config core.fsmonitor true
        git config feature.manyFiles true",
        BASE,
    ),
    fixture(
        "locks of everything",
        "base
        for f in index HEAD config packed-refs shallow refs/heads/main objects/info/commit-graph; do
            mkdir -p $(dirname .git/$f)
            : >.git/$f.lock
        done
        echo '1 host' >.git/gc.pid",
        BASE,
    ),
    fixture(
        "sparse checkout",
        "base
        mkdir d
        function one >d/b.py
        commit 'Count one'
        git sparse-checkout set --cone e",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "sparse checkout by pattern",
        "base; git sparse-checkout set --no-cone '/*' '!a.py'",
        BASE,
    ),
    fixture(
        "sparse index",
        "base
        mkdir -p d/e
        function one >d/e/b.py
        commit 'Count one'
        git sparse-checkout set --cone --sparse-index x",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture("no file checked out", r#"git clone -q --no-checkout "$ZOO/base" work"#, BASE),
    fixture("every file removed", "base; rm a.py README.md", BASE),
    fixture(
        "changes of all kinds",
        "base
        function one >>a.py
        git add a.py
        function two >>a.py
        rm README.md
        : >new
        git add -N new
        echo x >ignored
        echo ignored >.git/info-exclude",
        BASE,
    ),
    fixture(
        "files assumed unchanged",
        "base
        git update-index --assume-unchanged a.py
        git update-index --skip-worktree README.md
        echo x >a.py",
        BASE,
    ),
    fixture(
        "merge in conflict",
        "base
        git checkout -q -b b
        echo 'x = 1' >a.py
        commit 'Count x'
        git checkout -q main
        echo 'x = 2' >a.py
        commit 'Count otherwise'
        tick
        git merge -q b >/dev/null 2>&1 || true
        test -f .git/MERGE_HEAD",
        Mined("0(0) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "rebase in conflict",
        "base
        git checkout -q -b b
        echo 'x = 1' >a.py
        commit 'Count x'
        git checkout -q main
        echo 'x = 2' >a.py
        commit 'Count otherwise'
        git checkout -q b
        tick
        git rebase -q main >/dev/null 2>&1 || true
        test -d .git/rebase-merge",
        Mined("0(0) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "cherry-pick in conflict",
        "base
        git checkout -q -b b
        echo 'x = 1' >a.py
        commit 'Count x'
        git checkout -q main
        echo 'x = 2' >a.py
        commit 'Count otherwise'
        git cherry-pick b >/dev/null 2>&1 || true
        test -f .git/CHERRY_PICK_HEAD",
        Mined("0(0) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "mailbox half applied",
        "base
        function one >>a.py
        commit 'Count one'
        git format-patch -q -1 --stdout >../p
        git reset -q --hard HEAD~1
        echo 'x = 1' >a.py
        commit 'Count x'
        git am -q ../p >/dev/null 2>&1 || true
        test -d .git/rebase-apply",
        Mined("0(0) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "hooks, logs and info removed",
        "base
        rm -rf .git/hooks .git/logs .git/info .git/branches .git/description .git/COMMIT_EDITMSG",
        BASE,
    ),
    fixture(
        "jj beside git",
        "base
        mkdir -p .jj/repo/store
        echo ../../../.git >.jj/repo/store/git_target
        echo '/*' >.jj/.gitignore
        git checkout -q --detach
        git update-ref refs/jj/root HEAD~2
        function one >b.py
        commit 'Count one'
        git update-ref refs/jj/keep/$(git rev-parse HEAD) HEAD
        git reset -q --hard HEAD~1",
        BASE,
    ),
    fixture("other systems beside git", "base; mkdir .svn .hg .bzr .sl; : >.hg/requires", BASE),
    fixture("pipe and socket in the work tree", "base; mkfifo pipe.py .git/pipe; : >x", BASE),
    fixture(
        "files of others' tools in the git folder",
        "base
        mkdir .git/lfs .git/annex .git/branchless .git/gitbutler .git/machete
        echo x >.git/sequencer",
        BASE,
    ),
];
