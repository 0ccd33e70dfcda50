//! Where a registered work tree is by now: people move, delete and clone again while daemons run.
//!
//! Its folders are held open, which keeps their numbers from being given to others: a folder of
//! the same name is not taken for the one that was registered.
use anyhow::{Context as _, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What has become of a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is where it was, and so is its repository.
    Here,
    /// It is, or something else is, to be opened anew at this path.
    At(PathBuf),
    /// It is not to be found.
    Gone,
}

/// A work tree and the common folder of its repository.
pub(crate) struct Place {
    work: Folder,
    common: Folder,
}

impl Place {
    /// Takes hold of both.
    pub(crate) fn hold(work_dir: &Path, common_dir: &Path) -> Result<Self> {
        Ok(Self { work: Folder::hold(work_dir)?, common: Folder::hold(common_dir)? })
    }

    /// Looks where it is: a few `stat` calls.
    pub(crate) fn look(&self) -> Presence {
        if self.work.is_at(&self.work.path) {
            return match self.common.is_at(&self.common.path) {
                true => Presence::Here,
                false => Presence::At(self.work.path.clone()),
            };
        }
        let moved = self.work.name().filter(|path| self.work.is_at(path));
        let other = || self.work.path.exists().then(|| self.work.path.clone());
        moved.or_else(other).map_or(Presence::Gone, Presence::At)
    }
}

struct Folder {
    path: PathBuf,
    open: File,
}

impl Folder {
    fn hold(path: &Path) -> Result<Self> {
        let open = File::open(path);
        let open = open.with_context(|| format!("failed to open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), open })
    }

    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        match (path.metadata(), self.open.metadata()) {
            (Ok(there), Ok(own)) => (there.dev(), there.ino()) == (own.dev(), own.ino()),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// Without numbers of files there is only the name.
    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// Its name by now, where the system tells: Linux does.
    fn name(&self) -> Option<PathBuf> {
        #[cfg(target_os = "linux")]
        {
            let number = std::os::fd::AsRawFd::as_raw_fd(&self.open);
            std::fs::read_link(format!("/proc/self/fd/{number}")).ok()
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _open = &self.open;
            None
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn check(change: fn(&Path), expect: fn(&Path) -> Presence) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/work/.git")).unwrap();
        let work = root.join("a/work");
        let place = Place::hold(&work, &work.join(".git")).unwrap();
        assert_eq!(place.look(), Presence::Here);
        change(&root);
        assert_eq!(place.look(), expect(&root));
    }

    fn rename(from: PathBuf, to: PathBuf) {
        std::fs::rename(from, to).unwrap();
    }

    #[test]
    fn a_work_tree_is_followed() {
        check(|_| (), |_| Presence::Here);
        check(
            |root| rename(root.join("a/work"), root.join("b")),
            |root| Presence::At(root.join("b")),
        );
        check(
            |root| rename(root.join("a"), root.join("b")),
            |root| Presence::At(root.join("b/work")),
        );
        check(|root| std::fs::remove_dir_all(root.join("a")).unwrap(), |_| Presence::Gone);
    }

    #[test]
    fn another_of_its_name_is_not_it() {
        check(
            |root| {
                std::fs::remove_dir_all(root.join("a/work")).unwrap();
                std::fs::create_dir_all(root.join("a/work/.git")).unwrap();
            },
            |root| Presence::At(root.join("a/work")),
        );
        check(
            |root| {
                std::fs::remove_dir_all(root.join("a/work/.git")).unwrap();
                std::fs::create_dir(root.join("a/work/.git")).unwrap();
            },
            |root| Presence::At(root.join("a/work")),
        );
    }
}
