//! Watching repositories: file events are hints, refs are the truth.
//!
//! Git, jj, IDEs and libgit2 all move refs by renaming a lock file over them, and only some of
//! them run hooks. So folders are watched, not files; any event only says "look again"; and a
//! slow poll looks again without being told, because file systems lose events.
use anyhow::{Context as _, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use sera_git::Spool;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a burst of events may go on before refs are read: a rebase moves HEAD many times.
pub(crate) const QUIET: Duration = Duration::from_millis(250);

/// How often refs are read without any hint.
pub(crate) const POLL: Duration = Duration::from_secs(60);

/// How often where no hints come: the system watches no more files, or not on this file system.
pub(crate) const POLL_BLIND: Duration = Duration::from_secs(5);

/// Something may have changed in the repository with this common folder.
pub(crate) type Hint = PathBuf;

/// Watches one repository until dropped.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
}

/// Sends a hint whenever something that can move a ref happened. A full channel drops the hint:
/// one is already waiting there.
pub(crate) fn watch(git_dir: &Path, common_dir: &Path, hints: mpsc::Sender<Hint>) -> Result<Watch> {
    let hint = common_dir.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.as_ref().map_or(true, |event| event.need_rescan() || matters(event)) {
            drop(hints.try_send(hint.clone()));
        }
    })
    .context("failed to start watching files")?;
    let places = [
        (git_dir.to_owned(), RecursiveMode::NonRecursive),
        (common_dir.to_owned(), RecursiveMode::NonRecursive),
        (common_dir.join("refs"), RecursiveMode::Recursive),
    ];
    // Hooks say so where they are; without any there is no such folder.
    let spool = Spool::below(common_dir).folder().to_owned();
    let spool = spool.is_dir().then_some((spool, RecursiveMode::NonRecursive));
    for (place, mode) in places.into_iter().chain(spool) {
        watcher
            .watch(&place, mode)
            .with_context(|| format!("failed to watch {}", place.display()))?;
    }
    Ok(Watch { _watcher: watcher })
}

/// Locks and the index come and go with every command; reading is not changing.
fn matters(event: &notify::Event) -> bool {
    let read = matches!(event.kind, EventKind::Access(_));
    !read && event.paths.iter().any(|path| moves_refs(path))
}

fn moves_refs(path: &Path) -> bool {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let noise = ["index", "COMMIT_EDITMSG", "FETCH_HEAD", "sera", "gc.pid", "config"];
    !name.ends_with(".lock") && !noise.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_move_a_ref_is_a_hint() {
        for (path, expect) in [
            (".git/HEAD", true),
            (".git/packed-refs", true),
            (".git/refs/heads/main", true),
            (".git/HEAD.lock", false),
            (".git/index", false),
            (".git/sera", false),
        ] {
            assert_eq!(moves_refs(Path::new(path)), expect, "{path}");
        }
    }
}
