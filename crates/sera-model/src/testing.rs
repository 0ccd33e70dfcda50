//! What tests with real weights share.
use std::path::PathBuf;

/// The default base's file, from `GIT_SERA_TEST_BASE` as `cargo xtask test` sets it.
///
/// Without it such a test has nothing to test and says so; in CI that is a failure.
#[expect(clippy::print_stderr, reason = "a test that could not run must be seen")]
pub(crate) fn default_base() -> Option<PathBuf> {
    let path = std::env::var_os("GIT_SERA_TEST_BASE").map(PathBuf::from);
    if path.is_none() {
        assert!(std::env::var_os("CI").is_none(), "GIT_SERA_TEST_BASE names no base");
        eprintln!("NOT TESTED: GIT_SERA_TEST_BASE names no base");
    }
    path
}
