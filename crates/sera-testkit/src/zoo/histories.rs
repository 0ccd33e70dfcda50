//! Shapes of histories, and commits as no porcelain writes them.
use super::Answer::{Mined, Unreadable};
use super::{Fixture, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture(
        "one commit",
        "git init -q work
        cd work
        function one >a.py
        commit 'Add numbers'",
        Mined("1(0) functions, 0(0) commits; root 1"),
    ),
    fixture(
        "empty commits",
        "base; commit 'Say nothing'; commit 'Say it again'",
        Mined("3(1) functions, 1(0) commits; no-source 2, root 1, subject-class 1"),
    ),
    fixture(
        "octopus",
        r#"base
        for n in 1 2 3; do
            git checkout -q -b b$n main
            function f$n >b$n.py
            commit "Add f$n"
        done
        git checkout -q main
        tick
        git merge -q -m 'Bring all' b1 b2 b3"#,
        Mined("6(1) functions, 4(0) commits; merge 1, root 1, subject-class 1"),
    ),
    fixture(
        "criss-cross",
        "base
        git checkout -q -b b
        function one >b.py
        commit 'Add one'
        git checkout -q main
        function two >c.py
        commit 'Add two'
        git branch m
        tick
        git merge -q -m 'There' b
        git checkout -q b
        tick
        git merge -q -m 'Back' m
        git checkout -q main
        tick
        git merge -q --no-ff -m 'Again' b",
        Mined("5(1) functions, 3(0) commits; merge 3, root 1, subject-class 1"),
    ),
    fixture(
        "two roots",
        "base
        git checkout -q --orphan other
        git rm -rfq .
        function one >b.py
        commit 'Begin anew'
        git checkout -q main
        tick
        git merge -q --allow-unrelated-histories -m 'Join' other",
        Mined("4(1) functions, 1(0) commits; merge 1, root 2, subject-class 1"),
    ),
    fixture(
        "merges alone",
        r#"base
        for n in 1 2 3 4 5 6; do
            git checkout -q -b b$n main
            function f$n >b$n.py
            commit "Count $n things"
            git checkout -q main
            tick
            git merge -q --no-ff -m "Count $n (#$n)" b$n
        done"#,
        Mined(
            "9(2) functions, 6(0) commits; inside-merge 6, root 1, subject-class 1, touches-held-out 1",
        ),
    ),
    fixture(
        "merge that changes more",
        "base
        git checkout -q -b b
        function one >b.py
        commit 'Add one'
        git checkout -q main
        tick
        git merge -q --no-ff --no-commit b 2>/dev/null
        function two >c.py
        commit 'Bring one, and two'",
        Mined("5(1) functions, 2(0) commits; merge 1, root 1, subject-class 1"),
    ),
    fixture(
        "parent twice",
        r#"base
        raw_commit "$from\nparent $head\n$by\n\nTwice\n""#,
        Mined("3(1) functions, 1(0) commits; merge 1, root 1, subject-class 1"),
    ),
    fixture(
        "200 parents",
        r#"base
        for n in $(seq 200); do
            printf 'commit refs/heads/p%s\ncommitter A <a@b> %s +0000\n' $n $((now + n))
            printf 'data 2\nx\nfrom %s\n' $head
        done | git fast-import --quiet
        parents=$(git for-each-ref --format='parent %(objectname)' refs/heads/p*)
        raw_commit "tree $tree\n$parents\n$by\n\nAll\n""#,
        Mined("3(1) functions, 1(0) commits; merge 1, no-source 200, root 1, subject-class 1"),
    ),
    fixture(
        "3000 commits",
        r#"base
        seq 3000 | awk -v h=$head -v t=$now '{
            printf "commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 2\nx\n", t + $1
            if ($1 == 1) print "from " h
        }' | git fast-import --quiet"#,
        Mined("3(1) functions, 0(0) commits; no-source 2000"),
    ),
    fixture(
        "dates before 1970",
        r#"base
        function one >>a.py
        git add .
        GIT_COMMITTER_DATE='@0 +0000' git commit -qm 'Add the first'
        h=$head
        raw_commit "$from\nauthor $who\ncommitter A <a@b> -86400 +0000\n\nBefore\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "dates in 2100",
        "base
        function one >>a.py
        git add .
        export GIT_COMMITTER_DATE='@4102444800 +1400' GIT_AUTHOR_DATE='@4102444800 -1200'
        git commit -qm 'Add the last'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "dates backwards",
        r#"base
        for n in 1 2 3; do
            now=$((now - 90000))
            function f$n >>a.py
            commit "Count $n things"
        done"#,
        Mined("6(1) functions, 4(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "dates out of range",
        r#"base
        late='A <a@b> 99999999999999999999999 +9999'
        raw_commit "$from\nauthor $late\ncommitter $late\n\nToo late\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "dates of rubbish",
        r#"base
        raw_commit "$from\nauthor A <a@b> rubbish\ncommitter A <a@b>\n\nNo date\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "author without a name",
        r#"base
        nobody='<> 1700100000 +0000'
        raw_commit "$from\nauthor  $nobody\ncommitter $nobody\n\nNobody\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "author without brackets",
        r#"base
        odd='Ada <a@b <c>> 1700100000 +0000'
        raw_commit "$from\nauthor Ada 1700100000 +0000\ncommitter $odd\n\nOdd\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "no author",
        r#"base
        raw_commit "$from\ncommitter $who\n\nNobody\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "no committer",
        r#"base
        raw_commit "$from\nauthor $who\n\nNobody\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "two authors",
        r#"base
        raw_commit "$from\nauthor $who\nauthor B ${who#A }\ncommitter $who\n\nBoth\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "author that is no text",
        r"base
        function one >>a.py
        tick
        git add .
        GIT_AUTHOR_NAME=$(printf 'Ren\351') git commit -qm 'Count one' 2>/dev/null",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "message that is no text",
        r"base
        function one >>a.py
        tick
        git add .
        printf 'Count caf\351s\n' | git commit -qF - 2>/dev/null",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "message in latin-1",
        r"base
        function one >>a.py
        tick
        git add .
        printf 'Count caf\351s\n' | git -c i18n.commitEncoding=ISO-8859-1 commit -qF -",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "message in an unknown encoding",
        "base
        function one >>a.py
        tick
        git add .
        echo 'Count one' | git -c i18n.commitEncoding=rubbish commit -qF -",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "message with NUL",
        r#"base
        raw_commit "$from\n$by\n\nBefore\0after\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "message of 5 MB",
        r"base
        function one >>a.py
        tick
        git add .
        { echo 'Count one'; echo; head -c 5000000 /dev/zero | tr '\0' x; } | git commit -qF -",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "subject of 1 MB",
        r"base
        function one >>a.py
        tick
        git add .
        head -c 1000000 /dev/zero | tr '\0' x | git commit -qF -",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "no message",
        "base
        function one >>a.py
        tick
        git add .
        git commit -q --allow-empty-message -m ''",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "message that a terminal obeys",
        r#"base
        function one >>a.py
        commit "$(printf 'Count \033[2J\342\200\256')""#,
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "signed",
        r#"base
        pgp='-----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----'
        raw_commit "$from\n$by\ngpgsig $pgp\n\nSigned\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "merge of a signed tag",
        r#"base
        tag="object $head\n type commit\n tag v1\n tagger A <a@b> 1 +0000\n \n x"
        raw_commit "$from\nparent $(git rev-parse HEAD~1)\n$by\nmergetag $tag\n\nMerge tag\n""#,
        Mined("3(1) functions, 1(0) commits; merge 1, root 1, subject-class 1"),
    ),
    fixture(
        "headers of others",
        r#"base
        raw_commit "$from\n$by\nHG:extra x\nchange-id abc\nunheard-of\n\nHeaders\n""#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "commit of rubbish",
        r#"base; raw_commit "rubbish""#,
        Unreadable("failed to list the tree of ID"),
    ),
    fixture(
        "commit without a tree",
        r#"base
        raw_commit "parent $head\n$by\n\nNothing\n""#,
        Unreadable("failed to list the tree of ID"),
    ),
    fixture(
        "parent that is a tree",
        r#"base
        raw_commit "tree $tree\nparent $tree\n$by\n\nOdd\n""#,
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "revert and its revert",
        "base
        function one >>a.py
        commit 'Count one'
        tick
        git revert --no-edit HEAD >/dev/null
        tick
        git revert --no-edit HEAD >/dev/null",
        Mined("4(1) functions, 2(0) commits; reverted 2, root 1, subject-class 1"),
    ),
    fixture(
        "revert of itself",
        "base
        function one >>a.py
        commit 'This reverts commit 0000000000000000000000000000000000000000'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
];
