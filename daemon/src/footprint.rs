//! How much the daemon holds while it rests.
//!
//! The allocator asks for huge pages where the system leaves that to programs (`madvise`), and
//! keeps what was freed until somebody allocates again, which at rest nobody does: 70 MB of which 5
//! were in use. So the daemon, which allocates little and now and then, does without both, and what
//! mines, in many short lives, without the first: clearing huge pages was a sixth of its time.
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What tells the allocator to give back at once what was freed. It is read as a process begins.
const SETTING: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

/// Has this process hold little, by beginning it anew once.
pub(crate) fn small() {
    huge_pages(false);
    if std::env::var_os(SETTING.0).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = Command::new(program);
    let error = command.args(std::env::args_os().skip(1)).env(SETTING.0, SETTING.1).exec();
    tracing::warn!(%error, "what is freed is not given back at once");
}

/// Has a child that computes hold what it likes.
pub(crate) fn large(child: &mut Command) {
    child.env_remove(SETTING.0);
}

/// Whether this process gets huge pages. Children inherit it.
pub(crate) fn huge_pages(wanted: bool) {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(!wanted) {
        tracing::debug!(%error, "huge pages stay as they are");
    }
}
