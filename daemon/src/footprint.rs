//! How much the daemon holds while it rests.
//!
//! The allocator asks for huge pages where the system leaves that to programs (`madvise`). Each is
//! 2 MiB, and 40 MB of them stood for 3 MB in use. So the daemon, which allocates little and now and
//! then, does without; its workers, which compute, do not.

/// Whether this process gets huge pages. Children inherit it.
#[cfg(target_os = "linux")]
pub(crate) fn huge_pages(wanted: bool) {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(!wanted) {
        tracing::debug!(%error, "huge pages stay as they are");
    }
}

/// Other systems give none unasked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn huge_pages(_wanted: bool) {}
