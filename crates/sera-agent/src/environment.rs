//! Environments: where actions happen. Everything a model sees of a repository passes here.
use crate::roll_out::told;
use crate::{anchor, tools};
use sera_core::{Action, Cancel, Language, Observation, Patch, TreeError, TreePath};
use sera_sandbox::container::{Changes, Ended, Shell, ShellError};
use sera_sandbox::{Overlay, OverlayError};
use sera_syntax::{Index, Parsed, parse};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a command: no more fit into one argument of a program on Linux.
const COMMAND: usize = 100 << 10;

/// How much of anything an observation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Views {
    /// Search hits.
    pub hits: usize,
    /// Lines of an opened function or file.
    pub lines: usize,
    /// Bytes of an opened function or file.
    pub open_bytes: usize,
    /// Bytes of any other observation.
    pub bytes: usize,
}

impl Default for Views {
    /// For students that read 1,024 tokens: about 200 for an observation, twice that for code.
    fn default() -> Self {
        Self { hits: 10, lines: 100, open_bytes: 1400, bytes: 600 }
    }
}

impl Views {
    /// For models that read ten thousands of tokens: about 2,000 for code.
    pub const WIDE: Self = Self { hits: 30, lines: 250, open_bytes: 8000, bytes: 4000 };
}

/// Why an action failed; the model sees the message.
#[derive(Debug, thiserror::Error)]
enum ActionError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Overlay(#[from] OverlayError),
    #[error("no function {name} in {path}; it has {others}")]
    NoFunction { path: TreePath, name: String, others: String },
    #[error("the old text does not occur in {0}")]
    Absent(TreePath),
    #[error("the old text occurs {count} times in {path}, add lines around it")]
    Ambiguous { path: TreePath, count: usize },
    #[error("the edit has no old text")]
    NoAnchor,
    #[error("the new text equals the old")]
    NoChange,
    #[error("{0} is there already; edit it")]
    Exists(TreePath),
    #[error("{path} has {lines} lines")]
    NoLine { path: TreePath, lines: usize },
    #[error("nothing can be run here")]
    NoShell,
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// What a command printed before it failed.
    #[error("{0}")]
    Command(String),
    #[error("{0} was not changed, or all of it was taken back")]
    NothingToUndo(TreePath),
    #[error(
        "that is no action; the first message says which there are. Paths begin at the root of the tree, without / or .. before them"
    )]
    Unreadable,
}

/// What runs commands in an environment.
struct Terminal {
    shell: Shell,
    /// Ends a command early.
    cancel: Cancel,
    /// Why no more are run, and what they did is not known.
    lost: Option<Lost>,
}

/// Why nothing that comes after in an environment means anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The engine failed: another time it may be well.
    Engine(String),
    /// What commands made of the tree cannot be taken: it would be so again.
    Unfit(String),
}

impl Lost {
    fn of(error: &ShellError) -> Self {
        match error {
            ShellError::Engine(_) | ShellError::Tree(_) | ShellError::Sent(_) => {
                Self::Engine(told(error))
            }
            ShellError::Unfit(_) => Self::Unfit(told(error)),
        }
    }
}

/// A tree with edits over it and an index of it. Clones are cheap and independent, but for a shell,
/// which they share.
#[derive(Clone)]
pub struct Environment {
    overlay: Overlay,
    index: Arc<Index>,
    views: Views,
    /// What stood in files before each change, oldest first.
    before: Vec<(TreePath, Option<Arc<str>>)>,
    terminal: Option<Arc<Mutex<Terminal>>>,
}

impl Environment {
    /// What is in `overlay` now must be what `index` was built over.
    pub fn new(overlay: Overlay, index: Arc<Index>) -> Self {
        let (views, before, terminal) = (Views::default(), Vec::new(), None);
        Self { overlay, index, views, before, terminal }
    }

    /// The same, and commands can be run until `cancel`.
    pub fn with_shell(mut self, shell: Shell, cancel: Cancel) -> Self {
        self.terminal = Some(Arc::new(Mutex::new(Terminal { shell, cancel, lost: None })));
        self
    }

    /// Why commands can no longer be run, or what they did is not known: nothing that comes after
    /// means anything.
    pub fn lost(&self) -> Option<Lost> {
        self.terminal()?.lost.clone()
    }

    /// The same with other view sizes.
    pub fn with_views(mut self, views: Views) -> Self {
        self.views = views;
        self
    }

    /// Does what `action` says. A failure is an observation too. Whatever comes back is searched
    /// for secrets once more: what is put together here may spell one that no file does.
    pub fn execute(&mut self, action: &Action) -> Observation {
        let done = self.catch_up(action).and_then(|()| self.attempt(action));
        let (text, ok) = match done {
            Ok(text) => (text, true),
            Err(error) => {
                (tools::clip(&error.to_string(), self.views.lines, self.views.bytes), false)
            }
        };
        Observation { text: self.redacted(text), ok }
    }

    /// `text` with the secrets of this repository and of anybody else replaced.
    pub fn redacted(&self, text: String) -> String {
        match self.overlay.redactor().redact(&text) {
            (_, 0) => text,
            (redacted, _) => redacted,
        }
    }

    /// What changed so far.
    pub fn patch(&self) -> Patch {
        self.overlay.patch()
    }

    /// The index over the present state.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The redacted text of a file as it is now.
    pub fn read_text(&self, path: &TreePath) -> Result<Arc<str>, TreeError> {
        self.overlay.read_text(path)
    }

    fn attempt(&mut self, action: &Action) -> Result<String, ActionError> {
        match action {
            Action::Search { query } => {
                Ok(tools::hits(&self.index.search(query, self.views.hits), &self.views))
            }
            Action::Open { path, name } => self.open(path, name.as_deref()),
            Action::View { path, lines } => self.view(path.as_ref(), *lines),
            Action::Edit { path, old, new } => self.edit(path, old, new),
            Action::Create { path, text } => self.create(path, text),
            Action::Insert { path, after, text } => self.insert(path, *after, text),
            Action::Undo { path } => self.undo(path),
            Action::Bash { command } => self.bash(command),
            Action::Check { path } => self.check(path),
            Action::Diff => Ok(self.diff()),
            Action::Submit => Ok("submitted".to_owned()),
            Action::Unreadable { .. } => Err(ActionError::Unreadable),
        }
    }

    fn open(&self, path: &TreePath, name: Option<&str>) -> Result<String, ActionError> {
        let text = self.overlay.read_text(path)?;
        let clip = |text: &str| tools::clip(text, self.views.lines, self.views.open_bytes);
        let parsed = Language::of(path).map(|language| parse(language, text.clone()));
        let functions = parsed.as_ref().map(Parsed::functions).unwrap_or_default();
        match (parsed, name) {
            (_, Some(name)) => {
                let shown: Vec<String> = functions
                    .iter()
                    .filter(|f| f.name == name)
                    .map(|f| tools::function_text(&text, f, &self.views))
                    .collect();
                if shown.is_empty() {
                    let names: Vec<&str> = functions.iter().map(|f| f.name.as_str()).collect();
                    let others =
                        if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    let (path, name) = (path.clone(), name.to_owned());
                    return Err(ActionError::NoFunction { path, name, others });
                }
                Ok(clip(&shown.join("\n")))
            }
            (Some(parsed), None) if !functions.is_empty() => {
                Ok(tools::function_list(&parsed, &functions, &self.views))
            }
            (_, None) => Ok(clip(&text)),
        }
    }

    fn edit(&mut self, path: &TreePath, old: &str, new: &str) -> Result<String, ActionError> {
        if old == new {
            return Err(ActionError::NoChange);
        }
        let text = match self.overlay.read_text(path) {
            Err(TreeError::Missing(_)) if old.is_empty() => Arc::from(""),
            text => text?,
        };
        let (place, new) = match (old.is_empty(), anchor::occurrences(&text, old)) {
            (true, _) if text.is_empty() => (0..0, new.to_owned()),
            (true, _) => return Err(ActionError::NoAnchor),
            (_, 0) => anchor::reindented(&text, old, new)
                .ok_or_else(|| ActionError::Absent(path.clone()))?,
            (_, 1) => {
                let start = text.find(old).expect("it occurs once");
                (start..start + old.len(), new.to_owned())
            }
            (_, count) => return Err(ActionError::Ambiguous { path: path.clone(), count }),
        };
        self.splice(path, &text, place, &new)
    }

    fn view(
        &self,
        path: Option<&TreePath>,
        lines: Option<(usize, usize)>,
    ) -> Result<String, ActionError> {
        let read = path.map(|path| self.overlay.read_text(path));
        match read {
            Some(Err(TreeError::Missing(path))) => self.folder(Some(&path)),
            Some(text) => {
                let (text, (first, last)) = (text?, lines.unwrap_or((1, usize::MAX)));
                let lines = text.lines().count();
                if let Some(path) = path.filter(|_| first > lines.max(1)) {
                    return Err(ActionError::NoLine { path: path.clone(), lines });
                }
                Ok(tools::numbered(&text, first, last, &self.views))
            }
            None => self.folder(None),
        }
    }

    fn folder(&self, path: Option<&TreePath>) -> Result<String, ActionError> {
        let prefix = path.map(|path| format!("{path}/")).unwrap_or_default();
        let files = self.overlay.files()?;
        let inside = files.iter().filter_map(|file| file.as_str().strip_prefix(&prefix));
        let shown = tools::folder(inside, &self.views);
        match path.filter(|_| shown.is_empty()) {
            Some(path) => Err(TreeError::Missing(path.clone()).into()),
            None => Ok(shown),
        }
    }

    fn create(&mut self, path: &TreePath, text: &str) -> Result<String, ActionError> {
        match self.overlay.read_text(path) {
            Err(TreeError::Missing(_)) => {}
            Ok(_) => return Err(ActionError::Exists(path.clone())),
            Err(error) => return Err(error.into()),
        }
        self.put(path, None, text)?;
        Ok(format!("made {path}"))
    }

    fn insert(
        &mut self,
        path: &TreePath,
        after: usize,
        lines: &str,
    ) -> Result<String, ActionError> {
        let text = self.overlay.read_text(path)?;
        let ends = text.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        });
        let Some(at) = std::iter::once(0).chain(ends).nth(after) else {
            let lines = text.lines().count();
            return Err(ActionError::NoLine { path: path.clone(), lines });
        };
        let before = if at > 0 && !text[..at].ends_with('\n') { "\n" } else { "" };
        let lines = lines.strip_suffix('\n').unwrap_or(lines);
        self.splice(path, &text, at..at, &format!("{before}{lines}\n"))
    }

    fn undo(&mut self, path: &TreePath) -> Result<String, ActionError> {
        let of_file = |(file, _): &(TreePath, Option<Arc<str>>)| file == path;
        let Some(last) = self.before.iter().rposition(of_file) else {
            return Err(ActionError::NothingToUndo(path.clone()));
        };
        let (_, before) = self.before.remove(last);
        match &before {
            Some(text) => self.overlay.write(path.clone(), text.to_string())?,
            None => self.overlay.remove(path.clone())?,
        }
        self.index = self.index.with_file(path, before.as_deref().unwrap_or_default());
        Ok(format!("took the last change of {path} back"))
    }

    /// Puts `new` in the place of a byte range of a file and shows what is around it.
    fn splice(
        &mut self,
        path: &TreePath,
        text: &Arc<str>,
        place: Range<usize>,
        new: &str,
    ) -> Result<String, ActionError> {
        let edited = [&text[..place.start], new, &text[place.end..]].concat();
        let shown = tools::around(&edited, &(place.start..place.start + new.len()), &self.views);
        // A file that an edit makes has no text before.
        let before = self.overlay.read_text(path).is_ok().then(|| text.clone());
        self.put(path, before, &edited)?;
        Ok(format!("edited {path}\n{shown}"))
    }

    fn put(
        &mut self,
        path: &TreePath,
        before: Option<Arc<str>>,
        text: &str,
    ) -> Result<(), ActionError> {
        self.overlay.write(path.clone(), text.to_owned())?;
        self.index = self.index.with_file(path, text);
        self.before.push((path.clone(), before));
        Ok(())
    }

    fn terminal(&self) -> Option<MutexGuard<'_, Terminal>> {
        let terminal = self.terminal.as_ref()?;
        Some(terminal.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn bash(&mut self, command: &str) -> Result<String, ActionError> {
        if command.contains('\0') || command.len() > COMMAND {
            return Err(ActionError::Unreadable);
        }
        let mut terminal = self.terminal().ok_or(ActionError::NoShell)?;
        let cancel = terminal.cancel.clone();
        let ran = terminal.shell.run(&self.overlay, command, &cancel);
        let ran = ran.inspect_err(|error| terminal.lost = Some(Lost::of(error)))?;
        let text = tools::ran(&ran, &self.views);
        match ran.ended {
            Ended::Exited(0) => Ok(text),
            Ended::Exited(_) | Ended::TimedOut | Ended::Cancelled => {
                Err(ActionError::Command(text))
            }
        }
    }

    /// Lays what commands changed over the tree, before anything but another command looks.
    fn catch_up(&mut self, action: &Action) -> Result<(), ActionError> {
        if matches!(action, Action::Bash { .. }) {
            return Ok(());
        }
        let Some(mut terminal) = self.terminal() else { return Ok(()) };
        let changes = terminal.shell.changes();
        let changes = changes.inspect_err(|error| terminal.lost = Some(Lost::of(error)))?;
        drop(terminal);
        let laid = self.lay(changes);
        if let (Err(error), Some(mut terminal)) = (&laid, self.terminal()) {
            // A part of what commands did is not what they did.
            terminal.lost = Some(Lost::Unfit(error.to_string()));
        }
        laid
    }

    fn lay(&mut self, changes: Changes) -> Result<(), ActionError> {
        // A folder may stand where a file was.
        for path in changes.removed {
            // Nobody could read it here: then its absence is nothing that a patch can say.
            let Ok(before) = self.overlay.read_text(&path) else { continue };
            self.overlay.remove(path.clone())?;
            self.index = self.index.with_file(&path, "");
            self.before.push((path, Some(before)));
        }
        let hidden = |path: &TreePath| self.overlay.redactor().denies(path);
        // A file of a name that hides secrets is no change that anybody may make.
        let written: Vec<_> = changes.written.into_iter().filter(|(p, _)| !hidden(p)).collect();
        for (path, text) in written {
            let before = self.overlay.read_text(&path).ok();
            self.put(&path, before, &text)?;
        }
        Ok(())
    }

    fn check(&self, path: &TreePath) -> Result<String, ActionError> {
        let text = self.overlay.read_text(path)?;
        Ok(match Language::of(path) {
            Some(language) => tools::check(path, &parse(language, text).error_lines()),
            None => format!("{path}: no grammar to check with"),
        })
    }

    fn diff(&self) -> String {
        let patch = self.overlay.patch();
        if patch.is_empty() {
            return "no changes".to_owned();
        }
        tools::clip(&patch.to_string(), self.views.lines, self.views.bytes)
    }
}
