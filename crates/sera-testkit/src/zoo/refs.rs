//! `HEAD`, branches and tags.
use super::Answer::{Mined, Refused, Unreadable};
use super::{BASE, Fixture, NOWHERE, UNBORN, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture("no commit", "git init -q work", UNBORN),
    fixture("orphan branch", "base; git checkout -q --orphan new", UNBORN),
    fixture("detached HEAD", "base; git checkout -q --detach", BASE),
    fixture(
        "detached HEAD behind",
        "base; git checkout -q --detach HEAD~1",
        Mined("3(1) functions, 0(0) commits; root 1, subject-class 1"),
    ),
    fixture("HEAD to a missing ref", "base; echo 'ref: refs/heads/gone' >.git/HEAD", UNBORN),
    fixture(
        "HEAD to a broken ref",
        "base; echo rubbish >.git/refs/heads/main",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "HEAD to an empty ref",
        "base; : >.git/refs/heads/main",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "HEAD to a ref of zeros",
        "base; head -c 41 /dev/zero >.git/refs/heads/main",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "HEAD to the null object",
        "base
        echo 0000000000000000000000000000000000000000 >.git/refs/heads/main",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "HEAD to a ref that is a folder",
        "base; git pack-refs --all; mkdir -p .git/refs/heads/main",
        BASE,
    ),
    fixture(
        "HEAD to itself",
        "base
        printf 'ref: refs/heads/a' >.git/refs/heads/b
        printf 'ref: refs/heads/b' >.git/refs/heads/a
        echo 'ref: refs/heads/a' >.git/HEAD",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "HEAD to outside of refs",
        "base; echo 'ref: ../../outside' >.git/HEAD",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "HEAD of rubbish",
        "base; echo rubbish >.git/HEAD",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "HEAD that is empty",
        "base; : >.git/HEAD",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture("HEAD that is missing", "base; rm .git/HEAD", NOWHERE),
    fixture("HEAD that is a link", "base; ln -sf refs/heads/main .git/HEAD", BASE),
    fixture("HEAD that is a folder", "base; rm .git/HEAD; mkdir .git/HEAD", NOWHERE),
    fixture(
        "HEAD with blanks",
        r"base; printf 'ref:  refs/heads/main  \n\n' >.git/HEAD",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture("HEAD in capitals", "base; echo $head | tr a-f A-F >.git/HEAD", BASE),
    fixture(
        "HEAD at a missing commit",
        "base
        echo 1234567890123456789012345678901234567890 >.git/HEAD",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "HEAD at a tree",
        "base; echo $tree >.git/HEAD",
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "HEAD at a blob",
        "base; echo $blob >.git/HEAD",
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "HEAD at a tag",
        "base
        tick
        git tag -a -m x v1
        v=$(git rev-parse v1)
        echo $v >.git/HEAD",
        BASE,
    ),
    fixture(
        "HEAD to a tag",
        "base
        tick
        git tag -a -m x v1
        echo 'ref: refs/tags/v1' >.git/HEAD",
        BASE,
    ),
    fixture("packed refs alone", "base; git pack-refs --all --prune", BASE),
    fixture(
        "packed refs of rubbish",
        "base; echo 'rubbish' >.git/packed-refs",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "packed refs of rubbish, and nothing else",
        r"base
        rm .git/refs/heads/main
        printf 'rub\0bish\n' >.git/packed-refs",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "packed refs with windows line ends",
        r"base
        git pack-refs --all --prune
        sed -i 's/$/\r/' .git/packed-refs",
        BASE,
    ),
    fixture(
        "packed refs cut off",
        "base
        git branch z
        git pack-refs --all --prune
        truncate -s -20 .git/packed-refs",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "packed refs out of order",
        r"base
        rm .git/refs/heads/main
        for n in z main a; do echo $head refs/heads/$n; done >.git/packed-refs",
        BASE,
    ),
    fixture(
        "ref to a missing commit",
        "base
        echo 1234567890123456789012345678901234567890 >.git/refs/heads/gone",
        BASE,
    ),
    fixture("ref of rubbish", "base; echo rubbish >.git/refs/heads/other", BASE),
    fixture("ref that is empty", "base; : >.git/refs/heads/other", BASE),
    fixture(
        "ref beside a folder of its name",
        "base
        git branch a/b
        git pack-refs --all --prune
        git rev-parse HEAD >.git/refs/heads/a",
        BASE,
    ),
    fixture(
        "refs with odd names",
        r#"base
        for n in 'ü' '-dash' HEAD 'a"b' "a'b" 'a;b' 'a$(false)b' '%s' 'refs/heads/main' '@x'; do
            git update-ref "refs/heads/$n" $head
        done
        git update-ref "refs/heads/$(printf 'caf\351')" $head
        git update-ref refs/heads/$(printf '%0200d' 0) $head
        git update-ref refs/tags/main $head~1
        git update-ref refs/tags/HEAD $head~1
        git update-ref refs/main $head~2"#,
        BASE,
    ),
    fixture(
        "file among refs that is none",
        "base
        : >.git/refs/heads/x.lock
        : >.git/refs/heads/.DS_Store
        echo x >'.git/refs/heads/a b'",
        BASE,
    ),
    fixture(
        "link among refs",
        "base
        ln -s main .git/refs/heads/alias
        ln -s /etc .git/refs/etc",
        BASE,
    ),
    fixture(
        "link to itself among refs",
        "base; ln -s .. .git/refs/heads/up; ln -s x .git/refs/heads/x",
        BASE,
    ),
    fixture(
        "5000 refs",
        r#"base
        git pack-refs --all
        seq 5000 | awk -v h=$head '{ print h " refs/tags/v" $1 }' >>.git/packed-refs"#,
        BASE,
    ),
    fixture(
        "300 loose refs",
        "base
        mkdir .git/refs/heads/many
        for n in $(seq 300); do
            echo $head >.git/refs/heads/many/$n
        done",
        BASE,
    ),
    fixture(
        "tags of everything",
        "base
        tick
        git tag tree HEAD^{tree}
        git tag blob HEAD:a.py
        git tag -a -m x one
        git -c advice.nestedTag=false tag -a -m x two one
        git tag -a -m x of-tree HEAD^{tree}",
        BASE,
    ),
    fixture("replaced commit", "base; git replace HEAD HEAD~1", BASE),
    fixture(
        "replaced blob",
        "base
        b=$(echo 'x = 1' | git hash-object -w --stdin)
        git replace $blob $b",
        BASE,
    ),
    fixture(
        "replacement that is missing",
        "base
        mkdir -p .git/refs/replace
        echo 1234567890123456789012345678901234567890 >.git/refs/replace/$head",
        BASE,
    ),
    fixture("grafts", "base; mkdir .git/info; echo $head >.git/info/grafts", BASE),
    fixture("grafts of rubbish", "base; mkdir .git/info; echo rubbish >.git/info/grafts", BASE),
    fixture(
        "stash and notes",
        "base
        git notes add -m x
        function more >>a.py
        tick
        git stash -q",
        BASE,
    ),
    fixture(
        "refs of other tools",
        "base
        function thrown_away >b.py
        commit 'Add what is thrown away'
        for n in jj/keep/1 branchless/2 gitbutler/3 prefetch/remotes/origin/main sera/x; do
            git update-ref refs/$n HEAD
        done
        mkdir .jj
        git reset -q --hard HEAD~1",
        BASE,
    ),
    fixture(
        "reflog of rubbish",
        r"base
        printf 'rub\0bish' >.git/logs/HEAD
        rm -r .git/logs/refs",
        BASE,
    ),
    fixture("bisect", "base; git bisect start -q HEAD HEAD~2 >/dev/null", BASE),
    fixture("no refs folder", "base; git pack-refs --all --prune; rm -r .git/refs", NOWHERE),
    fixture(
        "branch of another's name",
        "base
        git symbolic-ref refs/heads/alias refs/heads/main
        git checkout -q alias",
        BASE,
    ),
    fixture("ref to a damaged tag", "base; echo x | object tag >.git/refs/tags/x || true", BASE),
];
