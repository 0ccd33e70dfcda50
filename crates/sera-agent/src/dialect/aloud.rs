//! Actions of models that think aloud: prose, then an action, perhaps in a fence.
use super::{DIFF, KEYWORDS, SUBMIT, read};
use sera_core::Action;

/// What stands before the first action that reaches to the end of `text`, and that action;
/// [`Action::Unreadable`] where there is none.
pub(super) fn read_aloud(text: &str) -> (Option<String>, Action) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if begins(line) {
            match read(unfenced(&text[at..])) {
                Action::Unreadable { .. } => {}
                action => return (thought(&text[..at]), action),
            }
        }
        at += line.len();
    }
    (None, read(text))
}

fn begins(line: &str) -> bool {
    let line = line.trim();
    KEYWORDS.iter().any(|word| line.starts_with(word.trim_end())) || [DIFF, SUBMIT].contains(&line)
}

/// Without the line that closes a fence.
fn unfenced(text: &str) -> &str {
    let text = text.trim_end();
    text.strip_suffix("```").filter(|rest| rest.ends_with('\n')).unwrap_or(text)
}

/// Without the line that opens a fence; none where nothing was said.
fn thought(text: &str) -> Option<String> {
    let text = text.trim_end();
    let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let said = if last.trim_start().starts_with("```") { before } else { text };
    let said = said.trim();
    (!said.is_empty()).then(|| said.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_before_an_action_is_thought() {
        let check = |text: &str, thought: Option<&str>, action: &str| {
            assert_eq!(read_aloud(text), (thought.map(str::to_owned), read(action)), "{text:?}");
        };
        check("submit", None, "submit");
        check("I am done.\n\nsubmit\n", Some("I am done."), "submit");
        check("Look:\n```\nopen: a.py::f\n```", Some("Look:"), "open: a.py::f");
        let edit = "edit: a.py\n<<<<<<<\na\n=======\nb\n>>>>>>>";
        check(&format!("So.\n```text\n{edit}\n```\n"), Some("So."), edit);
        // The first that reaches to the end: what follows an action makes it none.
        check("search: a\nsearch: b", Some("search: a"), "search: b");
        check("submit\n\nor not", None, "submit\n\nor not");
        check("", None, "");
        check("no action here", None, "no action here");
    }
}
