//! What is said about hooks that were put in or taken out.
use crate::ui::Ui;
use crate::visible::visible;
use sera_git::HookKind;
use serde::Serialize;

/// Hooks for programs to read.
#[derive(Debug, Serialize)]
pub struct HooksReport {
    kind: &'static str,
    files: Vec<String>,
    left: Vec<Left>,
}

#[derive(Debug, Serialize)]
struct Left {
    path: String,
    reason: &'static str,
}

impl HooksReport {
    /// The same, as text.
    pub fn of(hooks: &sera_git::Hooks) -> Self {
        let left = hooks.left.iter();
        Self {
            kind: hooks.kind.name(),
            files: hooks.files.iter().map(|file| file.display().to_string()).collect(),
            left: left
                .map(|(path, reason)| Left { path: path.display().to_string(), reason })
                .collect(),
        }
    }

    /// Whether no file was touched.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Says which files hold hooks now, or do not any more, and which were left as they are.
pub fn say(ui: &Ui, hooks: &HooksReport, done: &str) {
    if hooks.kind == HookKind::None.name() {
        ui.status("no hooks; refs are watched");
    }
    for file in &hooks.files {
        ui.status(&format!("hooks {done}: {}", visible(file)));
    }
    for Left { path, reason } in &hooks.left {
        ui.status(&format!("left as it is: {} ({reason})", visible(path)));
    }
}
