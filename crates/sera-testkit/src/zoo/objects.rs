//! The object database, whole and damaged.
use super::Answer::{Mined, Refused, Unreadable};
use super::{BASE, Fixture, NOWHERE, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture("one pack", "base; git repack -adq", BASE),
    fixture(
        "a pack for each commit",
        "base
        for r in HEAD~2 HEAD~1 HEAD; do
            git rev-list --objects $r | cut -c1-40 |
                git pack-objects -q .git/objects/pack/pack >/dev/null
        done
        git prune-packed -q",
        BASE,
    ),
    fixture(
        "pack with deltas by name",
        "base
        git repack -adfq --depth=250 --window=250
        git -c repack.useDeltaBaseOffset=false repack -adfq",
        BASE,
    ),
    fixture(
        "pack with an index of the first version",
        "base; git -c pack.indexVersion=1 repack -adq",
        BASE,
    ),
    fixture(
        "pack with bitmap and reverse index",
        "base; git -c pack.writeReverseIndex=true repack -adbq",
        BASE,
    ),
    fixture(
        "pack that is kept",
        "base
        git repack -adq
        for p in .git/objects/pack/*.pack; do
            : >${p%pack}keep
        done",
        BASE,
    ),
    fixture(
        "pack that is promised",
        "base
        git repack -adq
        for p in .git/objects/pack/*.pack; do
            : >${p%pack}promisor
        done",
        BASE,
    ),
    fixture(
        "pack of what nothing names",
        "base
        function gone >b.py
        commit x
        git reset -q --hard HEAD~1
        git reflog expire --expire=now --all
        git repack -q --cruft -d",
        BASE,
    ),
    fixture(
        "several packs with one index",
        "base
        git repack -adq
        function more >>a.py
        commit 'Count more'
        git repack -dq
        git multi-pack-index write --bitmap",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "index of several packs that is damaged",
        "base
        git repack -adq
        git multi-pack-index write
        m=.git/objects/pack/multi-pack-index
        chmod u+w $m
        printf 'rubbish' | dd of=$m bs=1 seek=40 conv=notrunc 2>/dev/null",
        BASE,
    ),
    fixture(
        "index of several packs that is empty",
        "base; git repack -adq; : >.git/objects/pack/multi-pack-index",
        BASE,
    ),
    fixture(
        "index of several packs that are gone",
        r#"base
        git repack -adq
        git multi-pack-index write
        rm .git/objects/pack/*.pack .git/objects/pack/*.idx
        cp -a "$ZOO/base/.git/objects" .git"#,
        Unreadable("failed to read HEAD"),
    ),
    fixture("commit graph", "base; git commit-graph write --reachable --changed-paths", BASE),
    fixture(
        "commit graph in parts",
        "base
        git commit-graph write --reachable --split
        function more >>a.py
        commit 'Count more'
        git commit-graph write --reachable --split=no-merge",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "commit graph that is damaged",
        r"base
        git commit-graph write --reachable
        g=.git/objects/info/commit-graph
        chmod u+w $g
        printf '\377\377\377\377\377' | dd of=$g bs=1 seek=1100 conv=notrunc 2>/dev/null",
        BASE,
    ),
    fixture(
        "commit graph that is empty",
        "base
        mkdir -p .git/objects/info
        : >.git/objects/info/commit-graph",
        BASE,
    ),
    fixture(
        "commit graph of another history",
        "base
        git commit-graph write --reachable
        function more >>a.py
        tick
        git commit -qa --amend -m 'Count more'
        git reflog expire --expire=now --all
        git prune --expire=now",
        Mined("4(1) functions, 1(0) commits; root 1, subject-class 1"),
    ),
    fixture("objects borrowed", r#"git clone -q --shared "$ZOO/base" work"#, BASE),
    fixture(
        "objects borrowed by a relative path",
        "base lender
        cd ..
        base
        rm -r .git/objects/??
        mkdir -p .git/objects/info
        echo ../../../lender/.git/objects >.git/objects/info/alternates",
        BASE,
    ),
    fixture(
        "objects borrowed from nowhere",
        "base
        mkdir -p .git/objects/info
        echo /nowhere/at/all >.git/objects/info/alternates",
        BASE,
    ),
    fixture(
        "objects borrowed from nowhere, and needed",
        "base lender
        cd ..
        git clone -q --shared lender work
        rm -r lender",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "objects borrowed from itself",
        r#"base
        mkdir -p .git/objects/info
        printf '%s/.git/objects\n' "$PWD" >.git/objects/info/alternates"#,
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "objects borrowed by rubbish",
        r"base
        mkdir -p .git/objects/info
        printf 'rub\0bish\n\351\n\n# x\n' >.git/objects/info/alternates",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "packs that are damaged",
        "base
        git repack -adq
        chmod u+w .git/objects/pack/*.pack
        for p in .git/objects/pack/*.pack; do
            head -c 200 /dev/zero | dd of=$p bs=1 seek=20 conv=notrunc 2>/dev/null
        done",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "pack that is cut off",
        "base
        git repack -adq
        chmod u+w .git/objects/pack/*.pack
        truncate -s 300 .git/objects/pack/*.pack",
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "pack that is empty",
        "base
        git repack -adq
        chmod u+w .git/objects/pack/*.pack
        truncate -s 0 .git/objects/pack/*.pack",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "pack of rubbish beside the objects",
        "base
        echo rubbish >.git/objects/pack/pack-1234567890123456789012345678901234567890.pack
        echo rubbish >.git/objects/pack/pack-1234567890123456789012345678901234567890.idx",
        BASE,
    ),
    fixture(
        "pack without index",
        "base; git repack -adq; rm .git/objects/pack/*.idx",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "index without pack",
        "base; git repack -adq; rm .git/objects/pack/*.pack",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "pack index that is damaged",
        r"base
        git repack -adq
        chmod u+w .git/objects/pack/*.idx
        idx=$(echo .git/objects/pack/*.idx)
        head -c 1024 /dev/zero | tr '\0' x | dd of=$idx bs=1 seek=8 conv=notrunc 2>/dev/null",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "pack half written",
        "base
        echo rubbish >.git/objects/pack/tmp_pack_x
        echo x >.git/objects/12345
        mkdir .git/objects/zz .git/objects/incoming-x",
        BASE,
    ),
    fixture(
        "missing file at the tip",
        "base; rm $(loose HEAD:a.py)",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "missing file in the past",
        "base; rm $(loose HEAD~1:a.py)",
        Mined("3(1) functions, 0(0) commits; missing 1, root 1, subject-class 1"),
    ),
    fixture("missing file that is no source", "base; rm $(loose HEAD:README.md)", BASE),
    fixture(
        "missing tree at the tip",
        "base; rm $(loose HEAD^{tree})",
        Unreadable("failed to list the tree of ID"),
    ),
    fixture(
        "missing tree in the past",
        "base; rm $(loose HEAD~1^{tree})",
        Mined("3(1) functions, 0(0) commits; missing 1, root 1, subject-class 1"),
    ),
    fixture(
        "missing commit at the tip",
        "base; rm $(loose HEAD)",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "missing commit in the past",
        "base; rm $(loose HEAD~1)",
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "file that is damaged",
        "base
        f=$(loose HEAD:a.py)
        chmod u+w $f
        printf 'rubbish' | dd of=$f bs=1 seek=10 conv=notrunc 2>/dev/null",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "file that is cut off",
        "base; f=$(loose HEAD:a.py); chmod u+w $f; truncate -s 40 $f",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "file that is empty",
        "base; f=$(loose HEAD:a.py); chmod u+w $f; : >$f",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "file that is another",
        "base; cp -f $(loose HEAD:README.md) $(loose HEAD:a.py)",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "file that is a folder",
        "base; f=$(loose HEAD:a.py); rm -f $f; mkdir $f",
        Mined("0(0) functions, 0(0) commits; missing 2, root 1, subject-class 1"),
    ),
    fixture(
        "commit that is damaged",
        "base; f=$(loose HEAD~1); chmod u+w $f; echo rubbish >$f",
        Unreadable("failed to walk the history of ID"),
    ),
    fixture(
        "commit that is empty",
        "base; f=$(loose HEAD); chmod u+w $f; : >$f",
        Unreadable("failed to read HEAD"),
    ),
    fixture(
        "tree that is damaged",
        "base; f=$(loose HEAD^{tree}); chmod u+w $f; echo rubbish >$f",
        Unreadable("failed to list the tree of ID"),
    ),
    fixture(
        "tree that is a file",
        r#"base
        raw_commit "tree $blob\nparent $head\n$by\n\nx\n""#,
        Unreadable("failed to list the tree of ID"),
    ),
    fixture(
        "tree of rubbish",
        r#"base
        t=$(printf 'rubbish' | object tree)
        raw_commit "tree $t\nparent $head\n$by\n\nx\n""#,
        Unreadable("failed to list the tree of ID"),
    ),
    fixture("no objects folder", "base; rm -r .git/objects", NOWHERE),
    fixture(
        "objects that are not compressed",
        "base
        git config core.looseCompression 0
        function more >>a.py
        commit 'Count more'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
];
