//! Tools that put hooks into repositories, and a git that runs hooks from its config, as the test
//! command got them.
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

/// Folders with programs below the named one.
const PROGRAMS: [&str; 3] = ["git", "venv/bin", "npm/node_modules/.bin"];

/// Where these tools are.
#[derive(Clone, Debug)]
pub struct HookTools {
    folder: PathBuf,
}

impl HookTools {
    /// The tools that the environment names. Where nobody would read that a test was left out,
    /// leaving it out is a failure.
    ///
    /// # Panics
    /// Where it names none and this is CI.
    pub fn named() -> Option<Self> {
        let tools =
            std::env::var_os("GIT_SERA_TEST_TOOLS").map(|folder| Self { folder: folder.into() });
        if tools.is_none() {
            assert!(std::env::var_os("CI").is_none(), "GIT_SERA_TEST_TOOLS names no tools");
            let text =
                "NOT TESTED: GIT_SERA_TEST_TOOLS names no tools (`cargo xtask test` gets them)\n";
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
        tools
    }

    /// A `PATH` on which they come first.
    ///
    /// # Panics
    /// Where the own `PATH` cannot be added to.
    pub fn path(&self) -> OsString {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let ours = PROGRAMS.map(|name| self.folder.join(name));
        std::env::join_paths(ours.into_iter().chain(std::env::split_paths(&own)))
            .expect("folders of a build have no colon in their names")
    }
}
