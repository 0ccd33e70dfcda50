//! Every environment variable this command reads itself; the folders' are in
//! [`sera_protocol::paths`].

/// The daemon's binary, where it does not lie beside this one.
pub const DAEMON: &str = "GIT_SERA_DAEMON";

/// The git folder that `git --git-dir` names, and git itself for its hooks.
pub const GIT_DIR: &str = "GIT_DIR";

/// What git sets for one repository (`git rev-parse --local-env-vars`). The daemon serves many,
/// so it must inherit none of them.
pub const OF_ONE_REPOSITORY: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];
