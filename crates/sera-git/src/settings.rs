//! Every setting there is, and whose word on it counts.
//!
//! A repository is not trusted: what sends code out, runs or downloads something, or costs money is
//! taken from the user's own scopes alone. What stands in no row is not read at all.
use std::fmt::Write as _;

/// Whose word on a setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A repository's config, too: it chooses among what this machine has, and nothing more.
    Any,
    /// The user's own config alone (system and global).
    User,
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name; `*` stands for any text.
    pub key: &'static str,
    /// Whose word counts.
    pub scope: Scope,
    /// What it says, and what holds without it.
    pub says: &'static str,
}

const fn user(key: &'static str, says: &'static str) -> Setting {
    Setting { key, scope: Scope::User, says }
}

const fn any(key: &'static str, says: &'static str) -> Setting {
    Setting { key, scope: Scope::Any, says }
}

/// All of them.
pub const SETTINGS: &[Setting] = &[
    user(
        "sera.hooks",
        "hooks that `git sera register` puts in: `auto` or nothing, `config`, `files`, `none`",
    ),
    user("sera.base", "the base: a preset's name, a path, `hf:…` or `wheel:…`"),
    any("sera.cache", "how served students keep what they read: `f16`, `q8`"),
    any("sera.device", "where training computes: `auto`, `cpu`, `cuda:N`, `metal`"),
    any("sera.mine.commits", "commits that are mined, newest first; 2000, and 0 for all of them"),
    any("sera.memory", "what training may hold: `4g`; a share of what is free without it"),
    user("sera.schedule.auto", "whether adapters are trained though nobody asked; `true`"),
    user("sera.schedule.battery", "on battery power, too; `false`"),
    user("sera.schedule.hours", "only at this time of the day: `22:00-07:00`; at any without it"),
    user("sera.schedule.idle", "minutes that nobody may have typed at a terminal; 0"),
    user("sera.schedule.load", "most that others may use of all processors, 0 to 1; 0.25"),
    user("sera.schedule.temperature", "hottest that a sensor may be, °C; 90"),
    user("sera.schedule.memory", "GiB of memory that must be available; 2"),
    user("sera.schedule.disk", "GiB of disk that must be free; 2"),
    user("sera.schedule.minutesPerDay", "minutes that may be computed a day; 120"),
    user(
        "sera.schedule.seeds",
        "new functions and commits after which an adapter is trained; one in 20 of all, at least 30",
    ),
    user("sera.teacher.url", "a model server that speaks OpenAI's interface; several may be added"),
    user("sera.teacher.model", "the model's name there"),
    user("sera.teacher.dialect", "how it writes its actions; `tools` without it"),
    user("sera.teacher.bases", "trees that functions are changed in; 4"),
    user("sera.teacher.parallel", "functions worked on at the same time; 4"),
    user("sera.teacher.context", "tokens of a conversation; 32768"),
    user("sera.teacher.timeout", "seconds that a reply may take; 900"),
    user("sera.teacher.temperature", "how much its replies vary; 0.6"),
    user(
        "sera.sandbox.kind",
        "where commands run: `auto`, `container` or nothing, `overlay`: nowhere",
    ),
    user(
        "sera.sandbox.engine",
        "the container engine's address; `DOCKER_HOST` and the usual sockets",
    ),
    user("sera.sandbox.image", "an image on that engine instead of one built here"),
    user(
        "sera.sandbox.require",
        "layers that must be in force beside the usual; several may be added",
    ),
    user("sera.sandbox.memory", "MiB that a container may use, files included; 4096"),
    user("sera.price.*.prompt", "dollars for a million tokens that the model reads"),
    user("sera.price.*.cached", "the same where the server has them in its cache"),
    user("sera.price.*.completion", "dollars for a million tokens that it writes"),
    user("sera.budget.tokens", "tokens that a run may cost"),
    user("sera.budget.dollars", "dollars that a run may cost"),
    user("sera.budget.tokensPerDay", "tokens that a day may cost, all repositories"),
    user("sera.budget.dollarsPerDay", "dollars that a day may cost, all repositories"),
];

/// The row of a setting, if it has one. Names of settings are the same in any case.
pub fn setting(key: &str) -> Option<&'static Setting> {
    let key = key.to_ascii_lowercase();
    SETTINGS.iter().find(|setting| {
        let name = setting.key.to_ascii_lowercase();
        match name.split_once('*') {
            None => name == key,
            Some((before, after)) => {
                let middle = key.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                middle.is_some_and(|middle| !middle.is_empty())
            }
        }
    })
}

/// The settings for people, `docs/settings.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Settings\n\n<!-- Generated from crates/sera-git/src/settings.rs; `cargo xtask codegen` \
         writes it. -->\n\n\
         Settings are git config. What sends code out, runs or downloads something, or costs money \
         is honoured from your own scope only (`git config --global`): a repository's own config \
         chooses no address, image, command or level of trust. What is not in this table is not \
         read.\n\n| setting | whose | what it says |\n|---|---|---|\n",
    );
    for Setting { key, scope, says } in SETTINGS {
        let whose = match scope {
            Scope::Any => "yours, or the repository's",
            Scope::User => "yours only",
        };
        let key = key.replace('*', "NAME");
        writeln!(text, "| `{key}` | {whose} | {says} |").expect("a string takes every write");
    }
    text
}
