//! Files and their names.
use super::Answer::Mined;
use super::{Fixture, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture(
        "no file",
        "git init -q work; cd work; commit 'Add nothing'",
        Mined("0(0) functions, 0(0) commits; root 1"),
    ),
    fixture(
        "path no text",
        r#"base
        function odd >"$(printf 'caf\351.py')"
        commit 'Add a name'"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "path with a line end",
        "base
        function odd >'a
b.py'
        commit 'Add a name'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "path with a colon",
        "base
        function odd >'c:d.py'
        function odd >':(top)x.py'
        commit 'Add a name'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "path with what a terminal obeys",
        r#"base
        function odd >"$(printf '\033[2J.py')"
        commit 'Add a name'"#,
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "path with a backslash",
        r"base
        function odd >'a\b.py'
        function odd >'..\c.py'
        commit 'Add a name'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "path of 255 bytes",
        "base
        function odd >$(printf '%0252d.py' 0)
        commit 'Add a name'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "paths composed and not",
        r#"base
        function odd >"$(printf '\303\251.py')"
        function odd >"$(printf 'e\314\201.py')"
        commit 'Add a name'"#,
        Mined("5(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "paths alike but for case",
        "base
        function odd >odd.py
        function odd >ODD.py
        commit 'Add a name'",
        Mined("5(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "paths that windows keeps to itself",
        "base
        function odd >aux.py
        function odd >'a .py'
        function odd >'b.'
        commit 'Add a name'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "path with a dash",
        "base; function odd >-rf.py; commit 'Add a name'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "paths that no tree may hold",
        r#"base
        t=$(for n in ...py ..py .git.py a/b.py .py /x.py .. .git; do
            printf '100644 %s\0' "$n"
            bytes $blob
        done | object tree)
        raw_commit "tree $t\nparent $head\n$by\n\nAdd names\n""#,
        Mined("12(1) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "modes of old times",
        r#"base
        t=$(for m in 100664 0100644 100600 160000 120000 777; do
            printf '%s m%s.py\0' $m $m
            bytes $blob
        done | object tree)
        raw_commit "tree $t\nparent $head\n$by\n\nAdd names\n""#,
        Mined(
            "9(1) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1, unreadable 3",
        ),
    ),
    fixture(
        "a file twice in a tree",
        r#"base
        t=$({ for m in z z a; do printf '100644 %s.py\0' $m; bytes $blob; done; } | object tree)
        raw_commit "tree $t\nparent $head\n$by\n\nAdd names\n""#,
        Mined("9(1) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1"),
    ),
    fixture(
        "file that becomes a folder",
        "base
        git rm -q a.py
        mkdir a.py
        function odd >a.py/b.py
        commit 'Make room'
        git rm -rq a.py
        function odd >a.py
        commit 'Make no room'",
        Mined(
            "1(0) functions, 1(0) commits; format-only 1, root 1, subject-class 1, touches-held-out 1",
        ),
    ),
    fixture(
        "file that becomes a link",
        "base; rm a.py; ln -s README.md a.py; commit 'Say what it is'",
        Mined(
            "0(0) functions, 1(0) commits; root 1, subject-class 1, touches-held-out 1, unreadable 1",
        ),
    ),
    fixture(
        "link to outside",
        "echo 'def secret(): pass' >outside.py
        base
        ln -s ../outside.py l.py
        ln -s /etc etc
        commit 'Add links'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1, unreadable 1"),
    ),
    fixture(
        "link to itself",
        "base; ln -s l.py l.py; ln -s . here; commit 'Add links'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1, unreadable 1"),
    ),
    fixture(
        "link to nothing",
        "base; ln -s nothing.py l.py; commit 'Add links'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1, unreadable 1"),
    ),
    fixture(
        "link that holds code",
        "base
        git update-index --add --cacheinfo 120000,$blob,l.py
        tick
        git commit -qm 'Add links'",
        Mined("3(1) functions, 1(0) commits; no-source 1, root 1, subject-class 1, unreadable 1"),
    ),
    fixture(
        "mode alone",
        "base; chmod +x a.py; commit 'Run the numbers'",
        Mined("3(1) functions, 1(0) commits; format-only 1, root 1, subject-class 1"),
    ),
    fixture(
        "file of 100 MB",
        "base
        truncate -s 100M big.py
        git -c core.bigFileThreshold=1m -c core.compression=1 add big.py
        tick
        git commit -qm 'Add much'
        rm big.py",
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, too-large-file 2"),
    ),
    fixture(
        "binary file",
        r"base
        { function odd; printf '\0\1\2\377'; } >b.py
        commit 'Add bytes'",
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, unreadable 2"),
    ),
    fixture(
        "file with NUL",
        r"base
        { function odd; printf '# \0\n'; } >b.py
        commit 'Add bytes'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "file with windows line ends",
        r"base; function odd | sed 's/$/\r/' >b.py; commit 'Add lines'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "file with old line ends",
        r"base; function odd | tr '\n' '\r' >b.py; commit 'Add lines'",
        Mined("3(1) functions, 2(0) commits; accessor 1, root 1, subject-class 1"),
    ),
    fixture(
        "file with mixed line ends",
        r"base
        { function one; function two | sed 's/$/\r/'; } >b.py
        commit 'Add lines'",
        Mined("5(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "file with a byte order mark",
        r"base
        { printf '\357\273\277'; function odd; } >b.py
        commit 'Add a mark'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "file in utf-16",
        r"base
        { printf '\377\376'; function odd | sed 's/./&\x00/g'; } >b.py
        commit 'Add wide text'",
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, unreadable 2"),
    ),
    fixture(
        "file in latin-1",
        r"base
        { function odd; printf '# caf\351\n'; } >b.py
        commit 'Add old text'",
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, unreadable 2"),
    ),
    fixture(
        "file in two encodings",
        r"base
        { printf '# caf\303\251\n# caf\351\n'; function odd; } >b.py
        commit 'Add both'",
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, unreadable 2"),
    ),
    fixture(
        "file that is converted",
        r"base
        echo 'c.py working-tree-encoding=UTF-16 eol=crlf filter=x ident' >.gitattributes
        commit 'Add attributes'
        function odd >c
        git update-index --add --cacheinfo 100644,$(git hash-object -w c),c.py
        rm c
        tick
        git commit -qm 'Add text'",
        Mined("4(1) functions, 2(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "line of 10 MB",
        r#"base
        { printf 'x = "'; head -c 10485760 /dev/zero | tr '\0' x; printf '"\n'; } >b.py
        commit 'Add a line'"#,
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, too-large-file 2"),
    ),
    fixture(
        "line of 400 kB",
        r#"base
        { printf 'x = "'; head -c 400000 /dev/zero | tr '\0' x; printf '"\n'; function odd; } >b.py
        commit 'Add a line'"#,
        Mined("3(1) functions, 1(0) commits; format-only 1, generated 1, root 1, subject-class 1"),
    ),
    fixture(
        "brackets in brackets",
        r#"base
        many() { head -c 100000 /dev/zero | tr '\0' "$1"; }
        { printf 'x = '; many '('; many ')'; echo; function odd; } >b.py
        commit 'Add brackets'"#,
        Mined("3(1) functions, 1(0) commits; format-only 1, generated 1, root 1, subject-class 1"),
    ),
    fixture(
        "functions in functions",
        r#"base
        awk 'BEGIN {
            for (i = 0; i < 600; i++)
                printf "%*sdef f%d(x):\n%*sy = x\n", i, "", i, i + 1, ""
            printf "%*sreturn y\n", 600, ""
        }' >b.py
        commit 'Add depth'"#,
        Mined("3(1) functions, 1(0) commits; format-only 1, generated 1, root 1, subject-class 1"),
    ),
    fixture(
        "blocks in blocks",
        r#"base
        many() { yes "$1" | head -n 5000; }
        { echo 'function f(x) {'; many 'if (x) {'; echo 'x = 1;'; many '}'; echo '}'; } >b.js
        commit 'Add depth'"#,
        Mined("3(1) functions, 1(0) commits; root 1, subject-class 1, too-large 1, too-long 1"),
    ),
    fixture(
        "many functions",
        "base
        for n in $(seq 2000); do
            function f$n
        done >b.py
        commit 'Add much'",
        Mined("2003(196) functions, 1(0) commits; root 1, subject-class 1, too-large 1"),
    ),
    fixture(
        "code that does not parse",
        r"base
        printf 'def f(:\n    return (\nclass\n' >b.py
        printf 'fn f( {{{{' >b.rs
        printf 'function (' >b.js
        printf '%%{ int' >b.c
        commit 'Add rubbish'",
        Mined("3(1) functions, 2(0) commits; accessor 1, root 1, subject-class 1"),
    ),
    fixture(
        "empty files",
        r"base
        : >b.py
        printf '\n\n' >c.py
        printf ' ' >d.rs
        commit 'Add nothing'",
        Mined("3(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "pointers of git-lfs",
        r"base
        printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 0 >b.py
        echo '*.py filter=lfs diff=lfs merge=lfs -text' >.gitattributes
        commit 'Add pointers'
        git config filter.lfs.required true
        git config filter.lfs.clean false",
        Mined("3(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "pointers of git-annex",
        "base
        mkdir -p .git/annex/objects
        ln -s .git/annex/objects/x/SHA256E-s1--0.py b.py
        echo '/annex/objects/SHA256E-s1--0.py' >c.py
        git update-ref refs/heads/git-annex HEAD
        commit 'Add pointers'",
        Mined("3(1) functions, 2(0) commits; root 1, subject-class 1, unreadable 1"),
    ),
    fixture(
        "submodule that moves on",
        "base
        git update-index --add --cacheinfo 160000,$head,sub
        tick
        git commit -qm 'Add a part'
        git update-index --cacheinfo 160000,$(git rev-parse HEAD~0),sub
        tick
        git commit -qm 'Move a part on'",
        Mined("3(1) functions, 1(0) commits; no-source 2, root 1, subject-class 1"),
    ),
    fixture(
        "submodule that becomes a folder",
        "base
        git update-index --add --cacheinfo 160000,$head,sub.py
        tick
        git commit -qm 'Add a part'
        git rm -q --cached sub.py
        mkdir sub.py
        function odd >sub.py/b.py
        commit 'Take it in'",
        Mined("4(1) functions, 2(0) commits; no-source 1, root 1, subject-class 1"),
    ),
    fixture(
        "1000 folders deep",
        r"base
        b=$(function odd | git hash-object -w --stdin);
        p=$(printf 'd/%.0s' $(seq 1000))
        tick
        { import 'Add depth'; printf 'from %s\nM 100644 %s %sb.py\n' $head $b $p; } |
            git fast-import --quiet",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
    fixture(
        "10000 files",
        r#"base
        tick
        b=$(function odd | git hash-object -w --stdin)
        {
            import 'Add files'
            echo from $head
            seq 10000 | awk -v b=$b '{ printf "M 100644 %s d%d/f%d.py\n", b, $1 % 100, $1 }'
        } | git fast-import --quiet"#,
        Mined("10003(987) functions, 1(0) commits; root 1, subject-class 1, too-many-files 1"),
    ),
    fixture(
        "5000 files that are moved",
        r#"base
        b=$(function odd | git hash-object -w --stdin)
        {
            import 'Add files'
            echo from $head
            seq 5000 | awk -v b=$b '{ printf "M 100644 %s old/f%d.py\n", b, $1 }'
            import 'Move them'
            seq 5000 | awk '{ printf "R old/f%d.py new/g%d.py\n", $1, $1 }'
        } | git fast-import --quiet"#,
        Mined("5003(539) functions, 1(0) commits; root 1, subject-class 1, too-many-files 2"),
    ),
    fixture(
        "what is never read",
        "base
        for f in .env id_rsa x.pem .npmrc; do
            echo secret >$f
        done
        mkdir .ssh
        function odd >.ssh/b.py
        commit 'Add keys'",
        Mined("3(1) functions, 1(0) commits; denied 1, foreign-only 1, root 1, subject-class 1"),
    ),
    fixture(
        "names that only programs see",
        r"base
        printf 'def caf\303\251(\316\261):\n    \316\262 = \316\261\n    return \316\262\n' >b.py
        printf '# \342\200\256\363\240\201\201\n' >>b.py
        commit 'Add letters'",
        Mined("4(1) functions, 2(0) commits; root 1, subject-class 1"),
    ),
];
