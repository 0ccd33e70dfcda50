//! How much the daemon holds while it rests.
//!
//! The allocator asks for huge pages where the system leaves that to programs (`madvise`), and
//! keeps what was freed until somebody allocates again, which at rest nobody does: 70 MB of which 5
//! were in use. So the daemon, which allocates little and now and then, does without both, and what
//! mines, in many short lives, without the first: clearing huge pages was a sixth of its time.
//!
//! Work leaves holes in the heap all the same, and a daemon stays for months: one that is left alone
//! and holds more than it needs begins anew, as the same process.
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// What tells the allocator to give back at once what was freed. It is read as a process begins.
const SETTING: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

/// Bytes of its own that a daemon at rest may hold; one that just began with three repositories
/// holds 5 MB.
const HELD: u64 = 6 << 20;

/// Has this process hold little, by beginning it anew once.
pub(crate) fn small() {
    huge_pages(false);
    if std::env::var_os(SETTING.0).is_none() {
        let error = begin_anew();
        tracing::warn!(%error, "what is freed is not given back at once");
    }
}

/// Whether this process holds more than it needs and could begin anew.
pub(crate) fn is_large() -> bool {
    let own = sera_train::proc_bytes("/proc/self/status", "RssAnon");
    own.is_some_and(|own| own > HELD) && program().is_ok()
}

/// Begins this process anew, with the same arguments. Returns only where that fails.
pub(crate) fn begin_anew() -> std::io::Error {
    let program = match program() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env(SETTING.0, SETTING.1).exec()
}

/// The program that runs, or the newer one that was installed in its place: Linux then says that it
/// was deleted.
fn program() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    if own.exists() {
        return Ok(own);
    }
    let name = own.to_str().and_then(|name| name.strip_suffix(" (deleted)"));
    let newer = name.map(PathBuf::from).filter(|newer| newer.exists());
    newer.ok_or_else(|| std::io::ErrorKind::NotFound.into())
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
