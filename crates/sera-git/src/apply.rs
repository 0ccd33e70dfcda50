//! The one write: putting a patch the user asked for into the work tree.
//!
//! All or nothing: everything is checked and written beside its place before anything is moved
//! into it, and what was moved is put back where a later file fails.
use crate::{MAX_BLOB, Repository};
use sera_core::patch::ApplyError as Misfit;
use sera_core::{Digest, Patch, TreePath};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A patch that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The files written or removed, in path order.
    pub files: Vec<TreePath>,
    /// Where the patch was saved.
    pub saved: PathBuf,
    undo: String,
}

impl Applied {
    /// The one-line shell command that undoes it, from any folder.
    pub fn undo(&self) -> &str {
        &self.undo
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The patch changes nothing.
    #[error("the patch is empty")]
    Empty,
    /// The work tree is not what the patch expects: there is uncommitted work in its place.
    #[error("the patch does not fit the work tree: {0}")]
    Conflict(#[from] Misfit),
    /// What stands at the path is not a file that may be written.
    #[error("{path} cannot be written: {reason}")]
    Unwritable {
        /// The file.
        path: TreePath,
        /// What is in the way.
        reason: &'static str,
    },
    /// The disk refused; what was already written has been put back.
    #[error("failed to write {path}")]
    Io {
        /// The file.
        path: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl ApplyError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "there is nothing to apply",
            Self::Conflict(_) => "commit or stash your work in these files, then ask again",
            Self::Unwritable { .. } => "apply the shown patch by hand",
            Self::Io { .. } => "check permissions and free space",
        }
    }

    fn io(path: impl ToString) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_string(), source }
    }
}

/// A file's content and permissions before it is touched; `None` where there is none.
type Before = Option<(Vec<u8>, Permissions)>;

/// New content standing beside its place, or nothing for a file that goes.
struct Staged {
    path: TreePath,
    place: PathBuf,
    before: Before,
    after: Option<NamedTempFile>,
}

impl Repository {
    /// Writes `patch` into the work tree, or changes nothing at all. Every file it touches must be
    /// exactly what the patch expects, at exactly its lines; modes are kept. The index is not
    /// touched. The patch is saved under `<common dir>/sera/undo` so that it can be undone.
    pub fn apply(&self, patch: &Patch) -> Result<Applied, ApplyError> {
        if patch.is_empty() {
            return Err(ApplyError::Empty);
        }
        let before = self.before(patch)?;
        let after = contents(patch, &before)?;
        let saved = self.save(patch)?;
        let files = after.keys().cloned().collect();
        let staged = self.stage(patch, after, &before);
        let written = staged.and_then(|staged| self.put(staged));
        if let Err(error) = written {
            self.prune(&files);
            return Err(error);
        }
        self.prune(&files);
        let undo = undo(self.work_dir(), &saved);
        Ok(Applied { files, saved, undo })
    }

    /// What stands at every path of the patch, refusing whatever is not a plain file inside.
    fn before(&self, patch: &Patch) -> Result<BTreeMap<TreePath, Before>, ApplyError> {
        let mut before = BTreeMap::new();
        for path in patch.files.iter().flat_map(|file| [&file.old, &file.new]).flatten() {
            before.insert(path.clone(), self.standing(path)?);
        }
        Ok(before)
    }

    fn standing(&self, path: &TreePath) -> Result<Before, ApplyError> {
        let refuse = |reason| Err(ApplyError::Unwritable { path: path.clone(), reason });
        let mut place = self.work_dir().to_owned();
        for folder in path.folders() {
            place.push(folder);
            match look(&place).map_err(ApplyError::io(path))? {
                None => return Ok(None),
                Some(found) if found.is_symlink() => return refuse("a folder above it is a link"),
                Some(found) if !found.is_dir() => {
                    return refuse("a file stands where its folder is");
                }
                Some(_) if place.join(".git").exists() => return refuse("it is in a submodule"),
                Some(_) => {}
            }
        }
        place.push(path.file_name());
        match look(&place).map_err(ApplyError::io(path))? {
            None => Ok(None),
            Some(found) if !found.is_file() => refuse("it is not a regular file"),
            Some(found) if found.len() > MAX_BLOB => refuse("it is larger than 1 MiB"),
            Some(found) => {
                let content = fs::read(&place).map_err(ApplyError::io(path))?;
                Ok(Some((content, found.permissions())))
            }
        }
    }

    fn stage(
        &self,
        patch: &Patch,
        after: BTreeMap<TreePath, Option<String>>,
        before: &BTreeMap<TreePath, Before>,
    ) -> Result<Vec<Staged>, ApplyError> {
        let mut all = Vec::with_capacity(after.len());
        for (path, content) in after {
            let place = self.work_dir().join(path.as_str());
            let own = before.get(&path).cloned().flatten();
            let mode = own.as_ref().or_else(|| renamed_from(patch, &path, before)).map(|b| &b.1);
            let after = content
                .map(|text| beside(&place, text.as_bytes(), mode))
                .transpose()
                .map_err(ApplyError::io(&path))?;
            all.push(Staged { path, place, before: own, after });
        }
        Ok(all)
    }

    /// Moves everything into place; puts everything back at the first failure.
    fn put(&self, staged: Vec<Staged>) -> Result<(), ApplyError> {
        let mut done: Vec<(PathBuf, Before)> = Vec::with_capacity(staged.len());
        for Staged { path, place, before, after } in staged {
            let moved = match after {
                Some(file) => file.persist(&place).map(drop).map_err(|e| e.error),
                None => fs::remove_file(&place),
            };
            if let Err(source) = moved {
                done.into_iter().rev().for_each(restore);
                return Err(ApplyError::Io { path: path.to_string(), source });
            }
            done.push((place, before));
        }
        Ok(())
    }

    /// Keeps the patch, named by its content: applying the same one twice saves it once.
    fn save(&self, patch: &Patch) -> Result<PathBuf, ApplyError> {
        let text = patch.to_string();
        let folder = self.common_dir().join("sera").join("undo");
        let saved = folder.join(format!("{}.patch", Digest::of(text.as_bytes()).short()));
        let write = || {
            fs::create_dir_all(&folder)?;
            beside(&saved, text.as_bytes(), None)?.persist(&saved).map_err(|e| e.error)
        };
        write().map_err(ApplyError::io(saved.display()))?;
        Ok(saved)
    }

    /// Removes folders that a patch left empty, as git does.
    fn prune(&self, files: &Vec<TreePath>) {
        for path in files {
            let mut folder = self.work_dir().join(path.as_str());
            while folder.pop() && folder != self.work_dir() {
                match fs::remove_dir(&folder) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    // Not empty, then: as it should be.
                    Err(_) => break,
                }
            }
        }
    }
}

/// What the patch makes of the files; refuses what is not text.
fn contents(
    patch: &Patch,
    before: &BTreeMap<TreePath, Before>,
) -> Result<BTreeMap<TreePath, Option<String>>, ApplyError> {
    let binary: RefCell<Option<TreePath>> = RefCell::default();
    let read = |path: &TreePath| {
        let (content, _) = before.get(path)?.as_ref()?;
        let text = String::from_utf8(content.clone()).ok();
        if text.is_none() {
            binary.replace(Some(path.clone()));
        }
        text
    };
    let after = patch.apply(&read, 0);
    match binary.into_inner() {
        Some(path) => Err(ApplyError::Unwritable { path, reason: "it is not UTF-8 text" }),
        None => Ok(after?.into_iter().collect()),
    }
}

fn renamed_from<'a>(
    patch: &Patch,
    path: &TreePath,
    before: &'a BTreeMap<TreePath, Before>,
) -> Option<&'a (Vec<u8>, Permissions)> {
    let file = patch.files.iter().find(|file| file.new.as_ref() == Some(path))?;
    before.get(file.old.as_ref()?)?.as_ref()
}

fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A flushed file in the folder of `place`, with `mode` or what new files get.
fn beside(place: &Path, content: &[u8], mode: Option<&Permissions>) -> io::Result<NamedTempFile> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".sera-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    if let Some(mode) = mode {
        file.as_file().set_permissions(mode.clone())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// Puts a file back as it was. There is nobody to tell should this fail, too: the error that led
/// here is the one the user sees.
fn restore((place, before): (PathBuf, Before)) {
    let _result = match before {
        Some((content, mode)) => beside(&place, &content, Some(&mode))
            .and_then(|file| file.persist(&place).map(drop).map_err(|e| e.error)),
        None => fs::remove_file(&place),
    };
}

fn undo(work_dir: &Path, saved: &Path) -> String {
    format!("git -C {} apply -R {}", quoted(work_dir), quoted(saved))
}

/// A path as one word of a shell's command line.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_is_one_shell_command() {
        let check = |work: &str, saved: &str, expect: &str| {
            assert_eq!(undo(Path::new(work), Path::new(saved)), expect);
        };
        check("/a/b", "/a/b/.git/x", "git -C /a/b apply -R /a/b/.git/x");
        check("/a b", "/it's", r"git -C '/a b' apply -R '/it'\''s'");
    }
}
