//! The conversation of a student whose harness searches, checks and submits for it.
use super::numbered::View;
use super::{new_text_range, write};
use crate::words::changed_ranges;
use sera_core::{Action, Message, Role, Step, TreePath};
use std::ops::Range;

/// The standing instruction.
pub(super) const GUIDED: &str = "Fix the code, one action per message: open: path::name | \
     edit: line, then - old words, + new words | edit: line, then + lines to insert | \
     edit: first-last, then + new lines";

/// A solved task shown before the real one: the *retrieval* arm's demonstrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Its description.
    pub description: String,
    /// The edit that solved it, as the student would write it.
    pub answer: String,
}

/// What a guided student reads and writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Instruction, demonstrations and task, then a message and an observation for every step of
    /// its own.
    pub messages: Vec<Message>,
    /// Index of a message and byte range of its content: where its edits say something that the
    /// old lines did not.
    pub changed: Vec<(usize, Range<usize>)>,
    /// Index of a message and where in its content two texts begin, the second of which must not
    /// turn out a copy of the first.
    pub swapped: Vec<(usize, usize, usize)>,
}

impl Conversation {
    /// Without what is seen after the last message of the student: it teaches nothing.
    pub fn ended(mut self) -> Self {
        self.messages.pop();
        self
    }
}

/// The conversation of a guided student, with solved tasks shown first: only the steps that it
/// takes itself. What its harness does for it would fill a third of what it can read.
pub fn guided(shots: &[Shot], description: &str, steps: &[Step]) -> Conversation {
    let mut messages = vec![Message::new(Role::System, GUIDED)];
    for shot in shots {
        messages.push(Message::new(Role::User, shot.description.clone()));
        messages.push(Message::new(Role::Assistant, shot.answer.clone()));
    }
    messages.push(Message::new(Role::User, description));
    let mut conversation = Conversation { messages, ..Conversation::default() };
    let mut opened = None;
    for step in steps.iter().filter(|step| is_own(step)) {
        conversation.take(step, &mut opened);
    }
    conversation
}

/// Whether a guided student takes this step itself: it opens and edits, and what failed the
/// harness does not show it.
pub fn is_own(step: &Step) -> bool {
    matches!(step.action, Action::Open { .. } | Action::Edit { .. }) && step.observation.ok
}

impl Conversation {
    /// Adds a step; `opened` is the function that was opened last and its file.
    fn take<'a>(&mut self, step: &'a Step, opened: &mut Option<(&'a TreePath, View)>) {
        let mut seen = step.observation.text.clone();
        let mut said = write(&step.action);
        if let Action::Open { path, name } = &step.action {
            *opened = name.as_ref().map(|_| (path, View::new(&seen)));
            seen = opened.as_ref().map_or(seen, |(_, view)| view.shown());
        } else if let Action::Edit { path, old, new } = &step.action {
            let view = opened.as_mut().filter(|(file, _)| *file == path);
            if let Some((edit, around)) = view.and_then(|(_, view)| view.edit(old, new)) {
                (said, seen) = (edit.write(), around);
                self.mark(edit.changed());
                let message = self.messages.len();
                self.swapped.extend(edit.swapped().map(|(old, new)| (message, old, new)));
            } else {
                self.mark(written_out(old, new, &said));
            }
        }
        self.messages.push(Message::new(Role::Assistant, said));
        self.messages.push(Message::new(Role::User, seen));
    }

    fn mark(&mut self, ranges: Vec<Range<usize>>) {
        let message = self.messages.len();
        self.changed.extend(ranges.into_iter().map(|range| (message, range)));
    }
}

/// What differs in an edit that is written out, because what it changes was not opened. Where old
/// text only goes, the word that follows it; the closing marker where none follows.
fn written_out(old: &str, new: &str, message: &str) -> Vec<Range<usize>> {
    let text = new_text_range(old, new, message);
    let end = |range: &Range<usize>| match range.is_empty() {
        true => message.len(),
        false => text.start + range.end,
    };
    changed_ranges(old, new).into_iter().map(|r| text.start + r.start..end(&r)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::Observation;

    fn edit(old: &str, new: &str) -> Action {
        edit_of("a.py", old, new)
    }

    fn edit_of(path: &str, old: &str, new: &str) -> Action {
        let path = TreePath::new(path).expect("a path inside the tree");
        Action::Edit { path, old: old.to_owned(), new: new.to_owned() }
    }

    fn step(action: Action, seen: &str, ok: bool) -> Step {
        let observation = Observation { text: seen.to_owned(), ok };
        Step { thought: None, action, observation, masked: false }
    }

    #[test]
    fn a_guided_conversation_holds_the_students_own_steps() {
        let path = TreePath::new("a.py").expect("a path inside the tree");
        let open = Action::Open { path, name: Some("f".to_owned()) };
        let steps = [
            step(Action::Search { query: "words".to_owned() }, "hits", true),
            step(open.clone(), "def f():\n    a = b", true),
            step(edit("x", "y"), "absent", false),
            step(edit("b", "c"), "edited", true),
            step(edit_of("b.py", "a = c", "new"), "edited", true),
            step(Action::Submit, "submitted", true),
        ];
        let shot = Shot { description: "old".to_owned(), answer: "edit: 1-1".to_owned() };
        let conversation = guided(&[shot], "task", &steps);
        let said: Vec<(Role, &str)> =
            conversation.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
        let written = write(&edit_of("b.py", "a = c", "new"));
        let expect = [
            (Role::System, GUIDED),
            (Role::User, "old"),
            (Role::Assistant, "edit: 1-1"),
            (Role::User, "task"),
            (Role::Assistant, &write(&open)),
            (Role::User, "1|def f():\n2|    a = b"),
            (Role::Assistant, "edit: 2\n- b\n+ c"),
            (Role::User, "1|def f():\n2|    a = c"),
            (Role::Assistant, &written),
            (Role::User, "edited"),
        ];
        assert_eq!(said, expect);
        assert_eq!(conversation.changed, [(6, 14..15), (8, 33..36)]);
        assert_eq!(conversation.swapped, [(6, 10, 14)]);
        assert_eq!(conversation.ended().messages.len(), 9);
    }

    #[test]
    fn the_instruction_is_short() {
        let words = GUIDED.split_whitespace().count();
        assert!(words <= 40, "{words} words");
    }
}
