//! Formats, extensions and configuration.
use super::Answer::Refused;
use super::{BARE, BASE, Fixture, PARTIAL, SHALLOW, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    fixture("three commits", "base", BASE),
    fixture(
        "reftable",
        "git init -q --ref-format=reftable work",
        Refused(
            128,
            "/work stores its refs as reftable, which is not supported",
            "convert a copy with `git refs migrate --ref-format=files`",
        ),
    ),
    fixture(
        "sha256",
        "git init -q --object-format=sha256 work",
        Refused(
            128,
            "/work names its objects by SHA-256, which is not supported",
            "use a repository with SHA-1 object names",
        ),
    ),
    fixture(
        "sha256 in reftables",
        "git init -q --object-format=sha256 --ref-format=reftable work",
        Refused(
            128,
            "/work stores its refs as reftable, which is not supported",
            "convert a copy with `git refs migrate --ref-format=files`",
        ),
    ),
    fixture(
        "future format",
        "base; git config core.repositoryFormatVersion 99",
        Refused(
            128,
            "/work needs `core.repositoryFormatVersion 99`, which is not supported",
            "use a version that knows this extension",
        ),
    ),
    fixture(
        "format that is no number",
        "base; git config core.repositoryFormatVersion abc",
        Refused(
            128,
            "/work needs `core.repositoryFormatVersion abc`, which is not supported",
            "use a version that knows this extension",
        ),
    ),
    fixture(
        "unknown extension",
        "base
        git config extensions.future 1
        git config core.repositoryFormatVersion 1",
        Refused(
            128,
            "/work needs `extensions.future`, which is not supported",
            "use a version that knows this extension",
        ),
    ),
    fixture("unknown extension of the first format", "base; git config extensions.future 1", BASE),
    fixture(
        "names of two kinds",
        "base
        git config core.repositoryFormatVersion 1
        git config extensions.compatObjectFormat sha256",
        Refused(
            128,
            "/work needs `extensions.compatObjectFormat`, which is not supported",
            "use a version that knows this extension",
        ),
    ),
    fixture(
        "extensions that change nothing",
        r"base
        git config core.repositoryFormatVersion 1
        git config extensions.noop 1
        git config extensions.preciousObjects true
        git config extensions.worktreeConfig true
        git config --worktree core.sparseCheckout false
        printf '[extensions]\n\trelativeWorktrees = true\n' >>.git/config",
        BASE,
    ),
    fixture(
        "partial clone without blobs",
        r#"base origin
        git config uploadpack.allowFilter true
        cd ..
        git clone -q --filter=blob:none --no-checkout "file://$PWD/origin" work"#,
        PARTIAL,
    ),
    fixture(
        "partial clone without trees",
        r#"base origin
        git config uploadpack.allowFilter true
        cd ..
        git clone -q --filter=tree:0 --no-checkout "file://$PWD/origin" work"#,
        PARTIAL,
    ),
    fixture(
        "promisor without the extension",
        "base; git config remote.origin.promisor yes",
        PARTIAL,
    ),
    fixture("remote that promises nothing", "base; git config remote.origin.promisor off", BASE),
    fixture(
        "shallow clone",
        r#"base origin
        cd ..
        git clone -q --depth=1 "file://$PWD/origin" work"#,
        SHALLOW,
    ),
    fixture(
        "shallow clone of two commits",
        r#"base origin
        cd ..
        git clone -q --depth=2 "file://$PWD/origin" work"#,
        SHALLOW,
    ),
    fixture(
        "shallow clone with grafts",
        r#"base origin
        cd ..
        git clone -q --depth=1 "file://$PWD/origin" work
        cd work
        mkdir -p .git/info
        git rev-parse HEAD >.git/info/grafts"#,
        SHALLOW,
    ),
    fixture("shallow file that is empty", "base; : >.git/shallow", BASE),
    fixture("shallow file of rubbish", "base; echo rubbish >.git/shallow", SHALLOW),
    fixture(
        "config of rubbish",
        r"base; printf '[core\n\0\377' >.git/config",
        Refused(
            128,
            "failed to read the config of /work",
            "`git config --list` says what is wrong with it",
        ),
    ),
    fixture(
        "config cut off",
        r#"base; printf '[core]\n\tbare = "fal' >.git/config"#,
        Refused(
            128,
            "failed to read the config of /work",
            "`git config --list` says what is wrong with it",
        ),
    ),
    fixture("config that is empty", "base; : >.git/config", BASE),
    fixture("config that is missing", "base; rm .git/config", BASE),
    fixture(
        "config that is a folder",
        "base; rm .git/config; mkdir .git/config",
        Refused(
            128,
            "failed to read the config of /work",
            "`git config --list` says what is wrong with it",
        ),
    ),
    fixture(
        "config with a byte order mark",
        r"base
        { printf '\357\273\277'; cat .git/config; } >x
        mv x .git/config",
        BASE,
    ),
    fixture("config with windows line ends", r"base; sed -i 's/$/\r/' .git/config", BASE),
    fixture(
        "config that is no text",
        r"base; printf '[user]\n\tname = \351\n' >>.git/config",
        BASE,
    ),
    fixture(
        "config that includes what is missing",
        r"base; printf '[include]\n\tpath = nowhere\n' >>.git/config",
        BASE,
    ),
    fixture(
        "config that includes itself",
        r"base; printf '[include]\n\tpath = config\n' >>.git/config",
        Refused(128, "failed to open /work", "run `git fsck`"),
    ),
    fixture(
        "config that includes by branch",
        r#"base
        printf '[core]\n\tbare = true\n' >.git/more
        printf '[includeIf "onbranch:nowhere"]\n\tpath = more\n' >>.git/config"#,
        BASE,
    ),
    fixture("setting of a wrong kind", "base; git config core.bare perhaps", BASE),
    fixture(
        "settings of other systems",
        "base
        git config core.ignoreCase true
        git config core.precomposeUnicode true
        git config core.autocrlf true
        git config core.fileMode false
        git config core.symlinks false
        git config core.protectNTFS true",
        BASE,
    ),
    fixture(
        "settings that replace objects",
        "base
        git config core.useReplaceRefs true
        git config core.commitGraph false",
        BASE,
    ),
    fixture(
        "work tree elsewhere",
        "mkdir other; base; git config core.worktree ../../other",
        Refused(
            128,
            "/work says that its work tree is elsewhere, at /work/.git/../../other",
            "remove core.worktree from its config",
        ),
    ),
    fixture(
        "work tree nowhere",
        "base; git config core.worktree /nowhere/at/all",
        Refused(
            128,
            "/work says that its work tree is elsewhere, at /nowhere/at/all",
            "remove core.worktree from its config",
        ),
    ),
    fixture("work tree that is its own", "base; git config core.worktree ..", BASE),
    fixture(
        "shared by a group",
        "base
        git config core.sharedRepository group
        chmod -R g+ws .git",
        BASE,
    ),
    fixture(
        "bare by the config of its work tree",
        "base
        git config core.repositoryFormatVersion 1
        git config extensions.worktreeConfig true
        git config --worktree core.bare true",
        BARE,
    ),
];
