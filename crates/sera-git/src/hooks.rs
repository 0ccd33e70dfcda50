//! Hooks that tell the daemon to look again, put in only where the user asked for it.
//!
//! What runs is a line of shell: two builtins that write a file each, nothing is started or waited
//! for, nothing is printed, and it ends well whatever happens. It names no path of this machine, so
//! a repository that is moved or copied tells its own daemon, and hooks outlive Sera unharmed.
//!
//! Git from 2.54 on runs hooks that its config names ([`Kind::Config`]): no file of anybody is
//! touched. For older ones there is a marked block in shell scripts that are there already
//! ([`Kind::Files`]). `core.hooksPath` is never set and never followed. `reference-transaction` is
//! not used: refs are watched anyway, and it runs two or three times for every change of a ref.
mod config;
mod files;

use crate::command::{git, output};
use crate::spool::{HINT, LIMIT, REWRITTEN, Spool};
use crate::{GitError, Repository};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// After what git does something is said. All of them run when it is done.
pub const EVENTS: [&str; 4] = ["post-commit", "post-merge", "post-checkout", "post-rewrite"];

/// The first git that runs hooks from its config.
const CONFIG_HOOKS: (u32, u32) = (2, 54);

/// Which hooks somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those in the config where git runs such, else none.
    Auto,
    /// These, or an error.
    Exactly(Kind),
}

/// Where hooks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In a file that the repository's config includes.
    Config,
    /// In the repository's own folder of hooks.
    Files,
    /// Nowhere: refs are watched all the same.
    None,
}

/// What was put in, or taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Where they stand, or stood.
    pub kind: Kind,
    /// The files that were written or removed.
    pub files: Vec<PathBuf>,
    /// Files that could hold one and were left as they are, each with the reason.
    pub left: Vec<(PathBuf, &'static str)>,
}

/// Why hooks were not put in or taken out.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// Not a word for hooks.
    #[error("{0:?} is none of auto, config, files, none")]
    Unknown(String),
    /// This git looks for hooks in files only.
    #[error("git {0}.{1} runs no hooks from its config; 2.54 and later do")]
    OldGit(u32, u32),
    /// Another folder than the repository's own is in force.
    #[error("git looks for hooks in {}, which is not this repository's own folder", .0.display())]
    ForeignFolder(PathBuf),
    /// A file could not be read or written.
    #[error("failed to change {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The config could not be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl HooksError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "see `git sera register --help`",
            Self::OldGit(..) => "--hooks=none watches refs only, which finds every commit too",
            Self::ForeignFolder(_) => {
                "nothing is put there; --hooks=none watches refs, and git 2.54 runs hooks from config"
            }
            Self::Io { .. } => "check permissions, free space, and whether git runs there",
            Self::Git(_) => "run `git config --list --show-origin`",
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

impl Kind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Files => "files",
            Self::None => "none",
        }
    }
}

impl FromStr for Wanted {
    type Err = HooksError;

    fn from_str(text: &str) -> Result<Self, HooksError> {
        match text {
            "auto" => Ok(Self::Auto),
            "config" => Ok(Self::Exactly(Kind::Config)),
            "files" => Ok(Self::Exactly(Kind::Files)),
            "none" => Ok(Self::Exactly(Kind::None)),
            _ => Err(HooksError::Unknown(text.to_owned())),
        }
    }
}

impl Repository {
    /// Which hooks there can be of those that are wanted; nothing is changed.
    pub fn choose_hooks(&self, wanted: Wanted) -> Result<Kind, HooksError> {
        let version = || version(self.work_dir());
        match wanted {
            Wanted::Auto => Ok(if version()? >= CONFIG_HOOKS { Kind::Config } else { Kind::None }),
            Wanted::Exactly(Kind::Config) => match version()? {
                enough if enough >= CONFIG_HOOKS => Ok(Kind::Config),
                (major, minor) => Err(HooksError::OldGit(major, minor)),
            },
            Wanted::Exactly(Kind::Files) => self.own_hooks_folder().map(|_| Kind::Files),
            Wanted::Exactly(Kind::None) => Ok(Kind::None),
        }
    }

    /// Puts hooks in, in the place of what an earlier call put in.
    ///
    /// No other file is touched than the config or those in the folder of hooks, and those are
    /// replaced whole or not at all.
    pub fn install_hooks(&self, kind: Kind) -> Result<Hooks, HooksError> {
        self.remove_hooks()?;
        let spool = Spool::below(self.common_dir());
        match kind {
            Kind::None => {
                return Ok(Hooks { kind, files: Vec::new(), left: Vec::new() });
            }
            Kind::Config | Kind::Files => {
                spool.create().map_err(HooksError::io(spool.folder()))?;
            }
        }
        if kind == Kind::Config { self.install_config() } else { self.install_files() }
    }

    /// Takes out what was put in, of either kind, and nothing else.
    pub fn remove_hooks(&self) -> Result<Hooks, HooksError> {
        let (config, files) = (self.remove_config()?, self.remove_files()?);
        let kind = match (config.is_empty(), files.is_empty()) {
            (false, _) => Kind::Config,
            (true, false) => Kind::Files,
            (true, true) => Kind::None,
        };
        Ok(Hooks { kind, files: [config, files].concat(), left: Vec::new() })
    }

    /// The folder that git runs hooks from, if it is the one beside this repository's objects.
    fn own_hooks_folder(&self) -> Result<PathBuf, HooksError> {
        let own = self.common_dir().join("hooks");
        let in_force = match self.settings()?.hooks_path()? {
            Some(path) => self.work_dir().join(path),
            None => own.clone(),
        };
        // A folder that is a link leads elsewhere, too; one that is missing can be made.
        let real = if in_force.exists() { in_force.canonicalize() } else { Ok(in_force) };
        let real = real.map_err(HooksError::io(&own))?;
        if real == own { Ok(own) } else { Err(HooksError::ForeignFolder(real)) }
    }
}

/// The version of the git that the user has.
fn version(work_dir: &Path) -> Result<(u32, u32), GitError> {
    let said = output(git(work_dir).arg("version"), "version")?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let unknown = || GitError::Command { command: "version", message: said.clone() };
    parse_version(&said).ok_or_else(unknown)
}

fn parse_version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix("git version ")?.split(['.', ' ']);
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

/// Finds the spool where git starts a hook: it sets `GIT_DIR` in linked work trees and submodules,
/// and starts it at the top of the work tree elsewhere.
const FROM_WORK_TREE: &str = "d=${GIT_DIR:-.git}; c=; read -r c <\"$d/commondir\"; \
     case $c in '') ;; /*) d=$c ;; *) d=$d/$c ;; esac; d=$d/sera/spool";

/// The same for a script in the folder of hooks.
const FROM_SCRIPT: &str = "d=${0%/*}/../sera/spool";

/// The line that runs: `find` sets `d` to the spool. Only `post-rewrite` is called with `amend` or
/// `rebase`, and has pairs on standard input. The last word takes arguments that git appends.
/// The hint is written over, not truncated: file systems flush a file that is, and that takes time.
fn script(find: &str) -> String {
    // Shells bound files in blocks of 512 bytes.
    let blocks = LIMIT / 512;
    format!(
        "{{ {find}; case ${{1-}} in amend|rebase) trap '' XFSZ; ulimit -f {blocks}; \
         while read -r old new rest; do echo \"1 rewritten $old $new\"; done >>\"$d/{REWRITTEN}\" ;; \
         esac; echo 1 1<>\"$d/{HINT}\"; }} 2>/dev/null; :"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_read() {
        for (said, expect) in [
            ("git version 2.55.0\n", Some((2, 55))),
            ("git version 2.54.0.windows.1\n", Some((2, 54))),
            ("git version 2.39.5 (Apple Git-154)\n", Some((2, 39))),
            ("git version 2.53.0-rc1\n", Some((2, 53))),
            ("git version next\n", None),
            ("hub version 2\n", None),
        ] {
            assert_eq!(parse_version(said), expect, "{said:?}");
        }
    }

    #[test]
    fn the_words_of_the_setting() {
        for (word, kind) in [("config", Kind::Config), ("files", Kind::Files), ("none", Kind::None)]
        {
            assert_eq!(word.parse::<Wanted>().unwrap(), Wanted::Exactly(kind));
            assert_eq!(kind.name(), word);
        }
        assert_eq!("auto".parse::<Wanted>().unwrap(), Wanted::Auto);
        assert!("yes".parse::<Wanted>().is_err());
    }
}
