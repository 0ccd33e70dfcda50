//! Which repositories are registered: a small file of the user's state, one path a line. A path
//! that a line cannot hold stands there as a string of JSON.
use crate::kept;
use anyhow::{Context as _, Result};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The registered work trees, by path.
pub(crate) struct Registry {
    file: PathBuf,
    paths: BTreeSet<PathBuf>,
}

impl Registry {
    /// Reads the list kept in `state`; a missing file is an empty list.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let file = state.join("repositories");
        let text = String::from_utf8(kept::read(&file)?.unwrap_or_default())
            .with_context(|| format!("failed to read {}", file.display()))?;
        let paths = text.lines().filter(|line| !line.is_empty()).map(path).collect();
        Ok(Self { file, paths })
    }

    /// The registered work trees.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path)
    }

    /// Adds a work tree; false if it was there.
    pub(crate) fn add(&mut self, path: &Path) -> Result<bool> {
        let added = self.paths.insert(path.to_owned());
        if added {
            self.write()?;
        }
        Ok(added)
    }

    /// Has a work tree be known by its new path.
    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        if from != to && self.paths.remove(from) {
            self.paths.insert(to.to_owned());
            self.write()?;
        }
        Ok(())
    }

    /// Removes a work tree; false if it was not there.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<bool> {
        let removed = self.paths.remove(path);
        if removed {
            self.write()?;
        }
        Ok(removed)
    }

    fn write(&self) -> Result<()> {
        let lines = self.paths.iter().map(|path| line(path));
        kept::replace(&self.file, lines.collect::<String>().as_bytes())
    }
}

/// A path as its line, the line's end included.
fn line(path: &Path) -> String {
    let text = path.display().to_string();
    let text = if text.contains(char::is_control) { json!(text).to_string() } else { text };
    text + "\n"
}

/// What [`line`] wrote. No absolute path begins with a quotation mark.
fn path(line: &str) -> PathBuf {
    let quoted = line.strip_prefix('"').and_then(|_| serde_json::from_str::<String>(line).ok());
    quoted.unwrap_or_else(|| line.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_there_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(state.path()).unwrap();
        assert!(registry.add(Path::new("/a b")).unwrap(), "new");
        assert!(!registry.add(Path::new("/a b")).unwrap(), "known");
        assert!(registry.add(Path::new("/one\ntwo \"\r")).unwrap());
        assert!(registry.add(Path::new("/c")).unwrap());
        assert!(registry.remove(Path::new("/c")).unwrap());
        let again = Registry::open(state.path()).unwrap();
        let paths = ["/a b", "/one\ntwo \"\r"].map(Path::new);
        assert_eq!(again.paths().collect::<Vec<_>>(), paths);
    }
}
