//! Where a repository lies, and what lies within it.
use super::Answer::{Mined, Refused};
use super::{BARE, BASE, Fixture, NOWHERE, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture("no repository", "mkdir work", NOWHERE),
    fixture("no folder", ":", Refused(128, "cannot work in /work", "")),
    fixture("file in a work tree", "base", BASE).at(b"work/a.py"),
    fixture("folder in a work tree", "base; mkdir -p b/c", BASE).at(b"work/b/c"),
    fixture("bare", r#"git clone -q --bare "$ZOO/base" work"#, BARE),
    fixture(
        "folder of a bare one",
        r#"git clone -q --bare "$ZOO/base" work.git"#,
        Refused(
            128,
            "/work.git is a bare repository, which has no work tree",
            "clone it, and use the clone",
        ),
    )
    .at(b"work.git/refs"),
    fixture("inside the git folder", "base", BASE).at(b"work/.git/refs"),
    fixture("git folder that is empty", "mkdir -p work/.git", NOWHERE),
    fixture(
        "git file",
        "base
        mv .git ../elsewhere
        echo 'gitdir: ../elsewhere' >.git",
        BASE,
    ),
    fixture("git file to nowhere", "mkdir work; echo 'gitdir: ../nowhere' >work/.git", NOWHERE),
    fixture("git file of rubbish", "mkdir work; echo 'rubbish' >work/.git", NOWHERE),
    fixture("git file that is empty", "mkdir work; : >work/.git", NOWHERE),
    fixture("git file to itself", "mkdir work; echo 'gitdir: .git' >work/.git", NOWHERE),
    fixture("git link", "base; mv .git ../elsewhere; ln -s ../elsewhere .git", BASE),
    fixture("git link to itself", "mkdir work; ln -s .git work/.git", NOWHERE),
    fixture(
        "separate git folder",
        r#"git clone -q --separate-git-dir=elsewhere.git "$ZOO/base" work"#,
        BASE,
    ),
    fixture(
        "GIT_DIR names another",
        "base; cd ..; base other",
        Refused(
            128,
            "GIT_DIR names /other/.git, which is not what /work belongs to",
            "unset it, or name the work tree with -C",
        ),
    )
    .with(&[("GIT_DIR", "other/.git")]),
    fixture("GIT_DIR names the same", "base", BASE).with(&[("GIT_DIR", "work/.git")]),
    fixture(
        "GIT_DIR of a work tree without",
        "base; mv .git ../elsewhere",
        Refused(
            128,
            "GIT_DIR names /elsewhere, which is not what /work belongs to",
            "unset it, or name the work tree with -C",
        ),
    )
    .with(&[("GIT_DIR", "elsewhere"), ("GIT_WORK_TREE", "work")]),
    fixture("linked work tree", "base main; git worktree add -q -b b ../work", BASE),
    fixture(
        "linked work tree without branch",
        "base main; git worktree add -q --detach ../work",
        BASE,
    ),
    fixture(
        "linked work tree that is locked",
        "base main; git worktree add -q --lock -b b ../work",
        BASE,
    ),
    fixture(
        "linked work tree of a bare one",
        r#"git clone -q --bare "$ZOO/base" main.git
        cd main.git
        git worktree add -q -b b ../work"#,
        BASE,
    ),
    fixture(
        "linked work tree named relatively",
        r"base main
        git worktree add -q -b b ../work
        cd ..
        echo 'gitdir: ../main/.git/worktrees/work' >work/.git
        echo '../../../../work/.git' >main/.git/worktrees/work/gitdir
        git -C main config core.repositoryFormatVersion 1
        printf '[extensions]\n\trelativeWorktrees = true\n' >>main/.git/config",
        BASE,
    ),
    fixture(
        "linked work tree of a moved one",
        "base main
        git worktree add -q -b b ../work
        cd ..
        mv main moved",
        NOWHERE,
    ),
    fixture(
        "linked work tree that was moved",
        "base main
        git worktree add -q -b b ../other
        cd ..
        mv other work",
        BASE,
    ),
    fixture(
        "linked work tree that was pruned",
        "base main
        git worktree add -q -b b ../work
        rm -r .git/worktrees/work",
        NOWHERE,
    ),
    fixture(
        "main one of a linked work tree that is gone",
        "base; git worktree add -q -b b ../other; rm -r ../other",
        BASE,
    ),
    fixture(
        "with a submodule",
        r#"base
        git submodule --quiet add "$ZOO/base" sub
        commit 'Add a part'"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture("submodule", r#"base main; git submodule --quiet add "$ZOO/base" sub"#, BASE)
        .at(b"main/sub"),
    fixture(
        "submodule of a submodule",
        r#"base inner
        git submodule --quiet add "$ZOO/base" deep
        commit 'Add a part'
        cd ..
        base main
        git submodule --quiet add ../inner sub
        git submodule --quiet update --init --recursive"#,
        BASE,
    )
    .at(b"main/sub/deep"),
    fixture(
        "submodule with its own git folder",
        r#"base
        cp -a "$ZOO/base" sub
        git -c advice.addEmbeddedRepo=false add sub 2>/dev/null
        commit 'Add a part'"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "submodule that is not there",
        r#"base
        git submodule --quiet add "$ZOO/base" sub
        commit 'Add a part'
        git submodule --quiet deinit -f sub"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    )
    .at(b"work/sub"),
    fixture(
        "submodule whose git folder is gone",
        r#"base
        git submodule --quiet add "$ZOO/base" sub
        commit 'Add a part'
        rm -rf .git/modules"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    )
    .at(b"work/sub"),
    fixture(
        "submodules with hostile names",
        r#"base
        git update-index --add --cacheinfo 160000,$head,sub
        printf '[submodule "../../x"]\n\tpath = sub\n\turl = -u./x\n' >.gitmodules
        printf '\tupdate = !false\n' >>.gitmodules
        printf '[submodule "a\\r"]\n\tpath = "sub\\r"\n\turl = ext::false\n' >>.gitmodules
        git add .gitmodules
        tick
        git commit -q -m 'Add a part'"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture("repository within, unknown to it", r#"base; cp -a "$ZOO/base" inner"#, BASE),
    fixture("repository within another", r#"base; cp -a "$ZOO/base" inner"#, BASE)
        .at(b"work/inner"),
    fixture(
        "bare repository within, committed",
        "base
        git clone -q --bare . inner
        rm -rf inner/hooks inner/info
        touch inner/refs/x
        commit 'Add a part'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "bare repository within another",
        r"base
        git clone -q --bare . inner
        printf '[core]\n\tbare = false\n\tworktree = ..\n' >inner/config",
        Refused(
            128,
            "/work/inner is a bare repository, which has no work tree",
            "clone it, and use the clone",
        ),
    )
    .at(b"work/inner"),
    fixture("path with spaces and quotes", r#"base "it's a \"test\"""#, BASE)
        .at(b"it's a \"test\""),
    fixture(
        "path with a newline",
        "base 'one
two'",
        BASE,
    )
    .at(b"one\ntwo"),
    fixture("path that a terminal obeys", r#"base "$(printf '\033[2Jx')""#, BASE).at(b"\x1b[2Jx"),
    fixture("path that begins with a dash", r#"cp -a "$ZOO/base" ./-rf"#, BASE).at(b"-rf"),
    fixture("path that ends with a carriage return", r#"base "$(printf 'x\r')""#, BASE).at(b"x\r"),
    fixture(
        "path that is no text",
        r#"base "$(printf 'caf\351')""#,
        Refused(128, "the path /caf� is not UTF-8", "rename its folders"),
    )
    .at(b"caf\xe9"),
    fixture(
        "path of 2000 bytes",
        "d=$(printf %0100d 0)
        p=$d/$d/$d/$d/$d/$d/$d/$d/$d/$d
        mkdir -p $p/$p
        base $p/$p/work
        cd $OLDPWD
        ln -s $p/$p/work work",
        BASE,
    ),
    fixture("reached by a link", "base real; ln -s real ../work", BASE),
    fixture("reached by a link in its path", "mkdir a; cd a; base; cd ../..; ln -s a b", BASE)
        .at(b"b/work"),
    fixture(
        "owned by somebody else",
        "base; chown -R 54321 .git 2>/dev/null || exit 77",
        Refused(
            128,
            "/work is owned by somebody else",
            "if you trust it: `git config --global --add safe.directory <the path above>`",
        ),
    ),
    fixture(
        "owned by somebody else who is trusted",
        r#"base
        git config --global --add safe.directory "$PWD"
        chown -R 54321 .git 2>/dev/null || exit 77"#,
        BASE,
    ),
    fixture(
        "our folder is a file",
        "base; : >.git/sera",
        Refused(74, "failed to make the folder /work/.git/sera", ""),
    ),
    fixture(
        "our folder is a link",
        "mkdir other; base; ln -s ../../other .git/sera",
        Refused(74, "/work/.git/sera is not a folder of its own", ""),
    ),
    fixture(
        "our folder is open to others",
        "base; mkdir -m 777 .git/sera",
        Refused(74, "/work/.git/sera is open to other users (make it private with chmod 700)", ""),
    ),
];
