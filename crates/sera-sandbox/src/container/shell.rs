//! An environment's shell: a container whose tree follows the overlay, and the other way round.
//!
//! The overlay is what counts. Before a command its edits are sent; after commands, once somebody
//! looks, what they changed is read back and laid over it, through the same gate as any edit.
use super::archive::{self, Sent, Unfit};
use super::engine::EngineError;
use super::{Changes, Container, Ended, Executed, Pool};
use crate::Overlay;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use sera_core::{Cancel, Digest, Tree as _, TreeError, TreePath};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds that one command may take.
const COMMAND: Duration = Duration::from_secs(120);

/// Why commands can no longer run, or what they did is not known.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The engine failed or is gone.
    #[error("commands can no longer run")]
    Engine(#[from] EngineError),
    /// The tree cannot be sent.
    #[error("the tree beneath could not be read")]
    Tree(#[from] TreeError),
    /// What commands changed cannot be taken.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The tree did not fit into the container.
    #[error("the tree does not fit: {0}")]
    Sent(String),
}

/// Runs commands over an overlay's tree. Its container is given back when this is dropped.
#[derive(Debug)]
pub struct Shell {
    pool: Arc<Pool>,
    container: Option<(Container, Instant)>,
    /// What is in the container's tree, once it was sent.
    sent: Option<Sent>,
    /// Which of new files are nobody's.
    ignored: Gitignore,
    /// Commands ran since the tree was read back.
    stale: bool,
}

impl Shell {
    /// A shell with a container of its own; the tree is sent when a command first runs.
    ///
    /// # Errors
    /// Where the engine makes no container.
    pub fn new(pool: Arc<Pool>) -> Result<Self, EngineError> {
        let container = Some(pool.take()?);
        let (sent, ignored) = (None, Gitignore::empty());
        Ok(Self { pool, container, sent, ignored, stale: false })
    }

    /// Runs a command. What it changed is read back by [`Self::changes`].
    pub fn run(
        &mut self,
        overlay: &Overlay,
        command: &str,
        cancel: &Cancel,
    ) -> Result<Executed, ShellError> {
        self.send(overlay)?;
        let (container, _) = self.container.as_ref().expect("one was just sent to");
        let ran = container.run(command, COMMAND, cancel);
        let gone = match &ran {
            Ok(ran) => ran.container_gone,
            // It ended: by itself at its deadline, or for want of memory.
            Err(error) => error.is_absent(),
        };
        self.stale = true;
        if gone {
            (self.container, self.sent, self.stale) = (None, None, false);
        }
        match ran {
            Err(error) if error.is_absent() => {
                let output =
                    b"the container ended; what commands changed since the last look is lost"
                        .to_vec();
                Ok(Executed { ended: Ended::Exited(137), output, lost: 0, container_gone: true })
            }
            ran => Ok(ran?),
        }
    }

    /// What commands changed since it was last asked.
    pub fn changes(&mut self) -> Result<Changes, ShellError> {
        let container = self.container.as_ref().filter(|_| self.stale);
        let (Some((container, _)), Some(sent)) = (container, &mut self.sent) else {
            return Ok(Changes::default());
        };
        let ignored = &self.ignored;
        let before = &*sent;
        let is_ignored =
            |path: &TreePath| ignored.matched_path_or_any_parents(path.as_str(), false).is_ignore();
        let (ended, changes) =
            container.receive(|archive| archive::changes(archive, before, &is_ignored))?;
        let changes = changes?;
        // Less than an orderly end is no tree: what it lacks was not deleted.
        if !matches!(ended, Ended::Exited(0 | 1)) {
            return Err(Unfit::Broken.into());
        }
        self.stale = false;
        for (path, text) in &changes.written {
            sent.insert(path.clone(), Digest::of(text.as_bytes()));
        }
        changes.removed.iter().for_each(|path| drop(sent.remove(path)));
        Ok(changes)
    }

    /// Makes the container's tree what the overlay is.
    fn send(&mut self, overlay: &Overlay) -> Result<(), ShellError> {
        let (container, _) = match &mut self.container {
            Some(container) => container,
            none => none.insert(self.pool.take()?),
        };
        let Some(sent) = &mut self.sent else {
            let (archive, sent) = archive::pack(overlay)?;
            let taken = match container.send(&archive) {
                // One that waited may have ended meanwhile.
                Err(error) if error.is_gone() => {
                    *container = self.pool.take()?.0;
                    container.send(&archive)?
                }
                taken => taken?,
            };
            unpacked(&taken)?;
            (self.ignored, self.sent) = (ignores(overlay)?, Some(sent));
            return Ok(());
        };
        let digest = |text: &str| Digest::of(text.as_bytes());
        let differs = |path: &TreePath, text: &str| sent.get(path) != Some(&digest(text));
        let written: Vec<_> = overlay
            .edits()
            .filter_map(|(path, text)| Some((path, text?)))
            .filter(|(path, text)| differs(path, text))
            .collect();
        if !written.is_empty() {
            unpacked(&container.send(&archive::pack_some(overlay, written.iter().copied())?)?)?;
        }
        let removed =
            overlay.edits().filter(|(path, text)| text.is_none() && sent.contains_key(*path));
        let removed: Vec<TreePath> = removed.map(|(path, _)| path.clone()).collect();
        if !removed.is_empty() {
            unpacked(&container.remove_files(&removed)?)?;
        }
        let written: Vec<_> =
            written.iter().map(|(path, text)| ((*path).clone(), digest(text))).collect();
        sent.extend(written);
        removed.iter().for_each(|path| drop(sent.remove(path)));
        Ok(())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(container) = self.container.take() {
            self.pool.give_back(container);
        }
    }
}

fn unpacked(sent: &Executed) -> Result<(), ShellError> {
    match sent.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(_) | Ended::TimedOut | Ended::Cancelled => {
            Err(ShellError::Sent(String::from_utf8_lossy(&sent.output).trim().to_owned()))
        }
    }
}

/// The rules of the tree's own ignore files.
fn ignores(overlay: &Overlay) -> Result<Gitignore, ShellError> {
    let mut rules = GitignoreBuilder::new("");
    let entries = overlay.list()?;
    let files = entries.iter().filter(|entry| entry.path.file_name() == ".gitignore");
    for file in files {
        let Ok(text) = overlay.read_text(&file.path) else { continue };
        let folder = file.path.as_str().strip_suffix(".gitignore").unwrap_or_default();
        for line in text.lines() {
            // A line that is no rule is none.
            drop(rules.add_line(None, &within(folder, line)));
        }
    }
    Ok(rules.build().unwrap_or_else(|_| Gitignore::empty()))
}

/// A rule of a folder as one of the root (gitignore(5): one without a slash holds at any depth).
fn within(folder: &str, line: &str) -> String {
    let (not, rule) = line.strip_prefix('!').map_or(("", line), |rule| ("!", rule));
    if folder.is_empty() || rule.trim().is_empty() || rule.starts_with('#') {
        return line.to_owned();
    }
    let anchored = rule.trim_end_matches('/').contains('/');
    let any = if anchored { "" } else { "**/" };
    format!("{not}/{folder}{any}{}", rule.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_folders_hold_there() {
        let check =
            |folder: &str, line: &str, expect: &str| assert_eq!(within(folder, line), expect);
        check("", "*.o", "*.o");
        check("a/", "*.o", "/a/**/*.o");
        check("a/", "/x", "/a/x");
        check("a/b/", "x/y", "/a/b/x/y");
        check("a/", "x/", "/a/**/x/");
        check("a/", "!x", "!/a/**/x");
        check("a/", "# x", "# x");
    }
}
