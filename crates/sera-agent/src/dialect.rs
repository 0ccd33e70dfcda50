//! The plain guided dialect: how steps are written for students that see a thousand tokens.
use sera_core::{Action, Message, Step};

/// A solved task shown before the real one: the *retrieval* arm's demonstrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its description.
    pub description: String,
    /// The edit that solved it.
    pub action: Action,
}

/// The standing instruction.
pub fn system() -> String {
    todo!()
}
/// The action as the model writes it.
pub fn write(action: &Action) -> String {
    let _ = action;
    todo!()
}
/// The action that `text` spells, [`Action::Unreadable`] where it spells none.
pub fn read(text: &str) -> Action {
    let _ = text;
    todo!()
}
/// The conversation: instruction, task, then action and observation of every step.
pub fn render(description: &str, steps: &[Step]) -> Vec<Message> {
    render_with(&[], description, steps)
}
/// The same with solved tasks shown first.
pub fn render_with(shots: &[Shot], description: &str, steps: &[Step]) -> Vec<Message> {
    let _ = (shots, description, steps);
    todo!()
}
/// Digest of everything above that decides how text comes out.
pub fn digest() -> String {
    todo!()
}
