//! The plain guided dialect: how steps are written for students that see a thousand tokens.
//!
//! One renderer for training and serving: whatever builds a conversation calls [`render`], or
//! [`guided`] where a harness takes some steps for the student. There an edit of the opened
//! function is written by its lines' numbers ([`LineEdit`]).
//! Everything that decides how text comes out is in the tables of this module, and in [`digest`].
mod aloud;
mod calls;
mod grammar;
mod next_edit;
mod numbered;
mod student;
mod teacher;
mod tools;

pub use grammar::edits as edit_grammar;
pub use next_edit::{Made, next_edit};
pub use numbered::{LineEdit, View};
pub use student::{Conversation, Shot, guided, is_own};
pub use teacher::Dialect;

use sera_core::{Action, Digest, Message, Reply, Role, Step, Tool, TreePath};

/// The standing instruction.
const SYSTEM: &str = "Fix the code, one action per message: search: words | open: path::name | \
     edit: path, then old and new lines between <<<<<<< ======= >>>>>>> | check: path | diff | \
     submit";

/// Who reads a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// A student that is trained on the dialect, and sees a thousand tokens.
    #[default]
    Student,
    /// A teacher that never saw it, and acts in a dialect of its own.
    Teacher(Dialect),
    /// The same where commands can be run.
    Agent(Dialect),
}

impl Reader {
    /// The same reader where commands can be run, or cannot.
    pub fn with_commands(self, commands: bool) -> Self {
        match (self, commands) {
            (Self::Student, _) => Self::Student,
            (Self::Teacher(dialect) | Self::Agent(dialect), true) => Self::Agent(dialect),
            (Self::Teacher(dialect) | Self::Agent(dialect), false) => Self::Teacher(dialect),
        }
    }
}

const SEARCH: &str = "search: ";
const OPEN: &str = "open: ";
const EDIT: &str = "edit: ";
const VIEW: &str = "view: ";
const CREATE: &str = "create: ";
const INSERT: &str = "insert: ";
const UNDO: &str = "undo: ";
const CHECK: &str = "check: ";
const BASH: &str = "bash: ";
const DIFF: &str = "diff";
const SUBMIT: &str = "submit";
/// Between a path and a name or lines.
const OF: &str = "::";
/// Opening, dividing and closing marker; repeated [`MARKER`] times or more.
const MARKERS: [char; 3] = ['<', '=', '>'];
const MARKER: usize = 7;

/// Changes whenever the reading or writing below changes without a table changing.
const VERSION: &str = "sera-plain/5";
/// What messages that are not one word begin with.
const KEYWORDS: [&str; 9] = [SEARCH, OPEN, VIEW, EDIT, CREATE, INSERT, UNDO, CHECK, BASH];
/// Those that go on after their first line.
const BLOCKS: [&str; 3] = [EDIT, CREATE, INSERT];

/// The action as the model writes it. [`read`] gives the same action back.
pub fn write(action: &Action) -> String {
    match action {
        Action::Search { query } => format!("{SEARCH}{}", quoted(query, plain)),
        Action::Open { path, name: None } => format!("{OPEN}{}", written_path(path)),
        Action::Open { path, name: Some(name) } => {
            format!("{OPEN}{}{OF}{}", written_path(path), quoted(name, plain))
        }
        Action::Edit { path, old, new } => {
            let [open, middle, close] = markers(old, new);
            let (old, new) = (block(old), block(new));
            format!("{EDIT}{}\n{open}\n{old}{middle}\n{new}{close}", written_path(path))
        }
        Action::View { path, lines } => {
            let path = path.as_ref().map(written_path).unwrap_or_default();
            let lines = lines.map(|(first, last)| format!("{OF}{first}-{last}"));
            format!("{VIEW}{path}{}", lines.unwrap_or_default()).trim_end().to_owned()
        }
        Action::Create { path, text } => {
            let [open, _, close] = markers("", text);
            format!("{CREATE}{}\n{open}\n{}{close}", written_path(path), block(text))
        }
        Action::Insert { path, after, text } => {
            let [open, _, close] = markers("", text);
            format!("{INSERT}{}{OF}{after}\n{open}\n{}{close}", written_path(path), block(text))
        }
        Action::Undo { path } => format!("{UNDO}{}", written_path(path)),
        Action::Check { path } => format!("{CHECK}{}", written_path(path)),
        Action::Bash { command } => format!("{BASH}{}", quoted(command, plain)),
        Action::Diff => DIFF.to_owned(),
        Action::Submit => SUBMIT.to_owned(),
        Action::Unreadable { text } => text.clone(),
    }
}

/// The byte range of the new text within the edit message that [`write`] makes.
fn new_text_range(old: &str, new: &str, message: &str) -> std::ops::Range<usize> {
    let close = markers(old, new)[2].len();
    let end = message.len() - close - usize::from(!new.is_empty());
    end - new.len()..end
}

/// The action that `text` spells, [`Action::Unreadable`] where it spells none.
/// Whitespace around it is forgiven, anything else beside it is not.
pub fn read(text: &str) -> Action {
    let unreadable = || Action::Unreadable { text: text.to_owned() };
    let trimmed = text.trim();
    let edit = || read_edit(trimmed).or_else(|| read_lines(trimmed));
    read_line(trimmed).or_else(edit).unwrap_or_else(unreadable)
}

/// Whether whatever follows `text` will be unreadable too: a student that has begun so need not be
/// heard to the end. No beginning of a readable message is.
pub fn hopeless(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |keyword: &str| {
        let keyword = keyword.trim_end();
        text.starts_with(keyword) || keyword.starts_with(text)
    };
    if !KEYWORDS.into_iter().chain([DIFF, SUBMIT]).any(begins) {
        return true;
    }
    let (header, rest) = text.split_once('\n').unwrap_or((text, ""));
    match rest.trim_start().chars().next() {
        None => false,
        Some(_) if !BLOCKS.iter().any(|word| header.starts_with(word.trim_end())) => true,
        Some(first) => first != MARKERS[0] && LineEdit::hopeless(text),
    }
}

fn read_line(text: &str) -> Option<Action> {
    if text.contains('\n') {
        return None;
    }
    // A keyword may stand without the space that the tables end it with.
    let after = |keyword: &str| text.strip_prefix(keyword.trim_end()).map(str::trim);
    if text == DIFF {
        return Some(Action::Diff);
    }
    if text == SUBMIT {
        return Some(Action::Submit);
    }
    if let Some(command) = after(BASH) {
        return Some(Action::Bash { command: unquoted(command)? });
    }
    if let Some(query) = after(SEARCH) {
        return Some(Action::Search { query: unquoted(query)? });
    }
    if let Some(place) = after(OPEN) {
        let (path, name) = read_place(place)?;
        let name = name.map(unquoted);
        return Some(Action::Open { path, name: name.map_or(Some(None), |n| n.map(Some))? });
    }
    if let Some(place) = after(VIEW) {
        return read_view(place);
    }
    if let Some(path) = after(UNDO) {
        return Some(Action::Undo { path: read_path(path)? });
    }
    let path = read_path(after(CHECK)?)?;
    Some(Action::Check { path })
}

fn read_view(text: &str) -> Option<Action> {
    if text.is_empty() {
        return Some(Action::View { path: None, lines: None });
    }
    let (place, lines) = match text.strip_prefix(OF) {
        Some(lines) => (None, Some(lines)),
        None => {
            let (path, lines) = read_place(text)?;
            (Some(path), lines)
        }
    };
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let range = |text: &str| {
        let (first, last) = text.split_once('-')?;
        Some((number(first)?, number(last)?))
    };
    let lines = lines.map_or(Some(None), |lines| range(lines).map(Some))?;
    Some(Action::View { path: place, lines })
}

/// A path and what stands after it.
fn read_place(text: &str) -> Option<(TreePath, Option<&str>)> {
    let end = if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        values.next()?.ok()?;
        values.byte_offset()
    } else {
        text.find(OF).unwrap_or(text.len())
    };
    let path = read_path(text[..end].trim())?;
    match &text[end..] {
        "" => Some((path, None)),
        rest => Some((path, Some(rest.strip_prefix(OF)?.trim()))),
    }
}

fn read_edit(text: &str) -> Option<Action> {
    let (header, rest) = text.strip_prefix(EDIT.trim_end())?.split_once('\n')?;
    let path = read_path(header.trim())?;
    let ([middle, close], rest) = opened(rest)?;
    let (old, rest) = take_block(rest, &middle)?;
    let (new, rest) = take_block(rest, &close)?;
    rest.trim().is_empty().then_some(Action::Edit { path, old, new })
}

/// Whole lines that go somewhere: a new file, or after a line.
fn read_lines(text: &str) -> Option<Action> {
    let (header, rest) = text.split_once('\n')?;
    let ([_, close], rest) = opened(rest)?;
    let (text, rest) = take_block(rest, &close)?;
    if !rest.trim().is_empty() {
        return None;
    }
    if let Some(path) = header.strip_prefix(CREATE.trim_end()) {
        return Some(Action::Create { path: read_path(path.trim())?, text });
    }
    let (path, after) = read_place(header.strip_prefix(INSERT.trim_end())?.trim())?;
    Some(Action::Insert { path, after: after?.parse().ok()?, text })
}

/// The dividing and the closing marker that belong to the opening one, and what follows that.
fn opened(text: &str) -> Option<([String; 2], &str)> {
    let (open, rest) = text.split_once('\n')?;
    let size = open.trim_end().len();
    let [wanted, middle, close] = MARKERS.map(|c| c.to_string().repeat(size));
    (size >= MARKER && open.trim_end() == wanted).then_some(([middle, close], rest))
}

/// The lines before the first line that is `marker`, joined, and what follows that line.
fn take_block<'a>(text: &'a str, marker: &str) -> Option<(String, &'a str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.strip_suffix('\n').unwrap_or(line) == marker {
            let block = &text[..at];
            let block = block.strip_suffix('\n').unwrap_or(block);
            return Some((block.to_owned(), &text[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// Text as lines of a block: nothing for nothing, else ended by a newline.
fn block(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// The shortest markers that no line of either text equals.
fn markers(old: &str, new: &str) -> [String; 3] {
    let taken = |size: usize| {
        let is_marker = |line: &str| {
            line.len() == size && MARKERS.iter().any(|m| line.chars().all(|c| c == *m))
        };
        old.split('\n').chain(new.split('\n')).any(is_marker)
    };
    let size = (MARKER..).find(|&size| !taken(size)).expect("texts hold finitely many lines");
    MARKERS.map(|c| c.to_string().repeat(size))
}

/// One line of visible text that nothing else could be meant by.
fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && !text.starts_with('"')
        && !text.chars().any(char::is_control)
}

fn plain_path(text: &str) -> bool {
    plain(text) && !text.contains(OF) && !text.ends_with(':')
}

/// `text` as it is where `plain` allows, else as a JSON string.
fn quoted(text: &str, plain: fn(&str) -> bool) -> String {
    if plain(text) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn written_path(path: &TreePath) -> String {
    quoted(path.as_str(), plain_path)
}

/// The inverse of [`quoted`]; `None` where nothing is left.
fn unquoted(text: &str) -> Option<String> {
    if let Ok(serde_json::Value::String(inner)) = serde_json::from_str(text) {
        return Some(inner);
    }
    (!text.is_empty()).then(|| text.to_owned())
}

fn read_path(text: &str) -> Option<TreePath> {
    let path = unquoted(text)?;
    let quoted_badly = text.starts_with('"') && path == text;
    if quoted_badly { None } else { TreePath::new(path).ok() }
}

/// The conversation: instruction, task, then action and observation of every step. A last
/// submission has no observation, so a finished trajectory ends on the model's own message.
pub fn render(description: &str, steps: &[Step]) -> Vec<Message> {
    render_for(Reader::Student, description, steps)
}

/// The same for another reader. A conversation only ever grows at its end, so that whoever reads
/// it again has its beginning in a cache.
pub fn render_for(reader: Reader, description: &str, steps: &[Step]) -> Vec<Message> {
    let instruction = match reader {
        Reader::Student => SYSTEM.to_owned(),
        Reader::Teacher(dialect) => dialect.instruction(false),
        Reader::Agent(dialect) => dialect.instruction(true),
    };
    let mut messages =
        vec![Message::new(Role::System, instruction), Message::new(Role::User, description)];
    for (at, step) in steps.iter().enumerate() {
        messages.extend(match reader {
            Reader::Student => [
                Message::new(Role::Assistant, write(&step.action)),
                Message::new(Role::User, step.observation.text.clone()),
            ],
            Reader::Teacher(dialect) | Reader::Agent(dialect) => dialect.step(at, step),
        });
    }
    if steps.last().is_some_and(|step| step.action == Action::Submit) {
        messages.pop();
    }
    messages
}

/// The tools that a reader is told of beside its instruction.
pub fn tools_for(reader: Reader) -> Vec<Tool> {
    match reader {
        Reader::Teacher(Dialect::Tools) => tools::all(false),
        Reader::Agent(Dialect::Tools) => tools::all(true),
        Reader::Student | Reader::Teacher(_) | Reader::Agent(_) => Vec::new(),
    }
}

/// What a reader thought aloud, and the action that its reply spells. A teacher may fall into
/// another dialect than it was asked for: models do.
pub fn read_reply(reader: Reader, reply: &Reply) -> (Option<String>, Action) {
    match reader {
        Reader::Student => (None, read(&reply.text)),
        Reader::Teacher(dialect) | Reader::Agent(dialect) => teacher::read(dialect, reply),
    }
}

/// Digest of everything that decides how text comes out; stored with every trajectory.
pub fn digest() -> String {
    let markers = String::from_iter(MARKERS);
    let size = MARKER.to_string();
    let tables = [
        VERSION,
        SYSTEM,
        &teacher::texts(),
        student::GUIDED,
        &KEYWORDS.join("\0"),
        DIFF,
        SUBMIT,
        OF,
        numbered::NUMBERED,
        numbered::GOES,
        numbered::COMES,
        numbered::NTH,
        numbered::TO,
        next_edit::EDITED,
        next_edit::NEXT,
        &markers,
        &size,
    ]
    .join("\0");
    Digest::of(tables.as_bytes()).as_str()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sera_core::Observation;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).expect("a path inside the tree")
    }

    fn edit(old: &str, new: &str) -> Action {
        Action::Edit { path: path("a.py"), old: old.to_owned(), new: new.to_owned() }
    }

    #[test]
    fn actions_are_written_plainly() {
        let check = |action: Action, expect: &str| {
            assert_eq!(write(&action), expect);
            assert_eq!(read(expect), action);
        };
        let open = |p: &str, name: Option<&str>| Action::Open {
            path: path(p),
            name: name.map(str::to_owned),
        };
        check(Action::Search { query: "tax of order".to_owned() }, "search: tax of order");
        check(open("src/a.py", None), "open: src/a.py");
        check(open("src/a.py", Some("A.b")), "open: src/a.py::A.b");
        check(open("a", Some("T::c")), "open: a::T::c");
        check(Action::Check { path: path("a.py") }, "check: a.py");
        check(Action::Diff, "diff");
        check(Action::Submit, "submit");
        check(edit("a", "b"), "edit: a.py\n<<<<<<<\na\n=======\nb\n>>>>>>>");
        check(edit("a\n", ""), "edit: a.py\n<<<<<<<\na\n\n=======\n>>>>>>>");
        check(
            edit("=======", "<<<<<<<<"),
            "edit: a.py\n<<<<<<<<<\n=======\n=========\n<<<<<<<<\n>>>>>>>>>",
        );
    }

    #[test]
    fn loose_and_wrong_spellings() {
        let check = |text: &str, expect: Action| assert_eq!(read(text), expect, "{text:?}");
        check(" search:words \n", Action::Search { query: "words".to_owned() });
        check("search: \"two words\"", Action::Search { query: "two words".to_owned() });
        check("edit:a.py\n<<<<<<<\na\n=======\n\n>>>>>>>\n", edit("a", ""));
        for wrong in [
            "",
            "search:",
            "I would search: words",
            "search: a\nopen: b",
            "open: ../etc/passwd",
            "open: /etc/passwd",
            "open: \"a",
            "submit now",
            "edit: a.py",
            "edit: a.py\n<<<<<<\na\n======\nb\n>>>>>>",
            "edit: a.py\n<<<<<<<\na\n=======\nb",
            "edit: a.py\n<<<<<<<\na\n=======\nb\n>>>>>>>\nsubmit",
        ] {
            check(wrong, Action::Unreadable { text: wrong.to_owned() });
        }
    }

    #[test]
    fn the_new_text_is_found_in_the_message() {
        for (old, new) in [("a", "b\nc"), ("a", ""), ("", "x"), (">>>>>>>", "=======\n"), ("", "")]
        {
            let message = write(&edit(old, new));
            assert_eq!(&message[new_text_range(old, new, &message)], new, "{message}");
        }
    }

    #[test]
    fn a_finished_conversation_ends_on_the_model() {
        let step = |action| Step {
            thought: None,
            action,
            observation: Observation { text: "seen".to_owned(), ok: true },
            masked: false,
        };
        let steps = [step(Action::Diff), step(Action::Submit)];
        let said: Vec<(Role, String)> =
            render("task", &steps).into_iter().map(|m| (m.role, m.content)).collect();
        let expect = [
            (Role::System, SYSTEM),
            (Role::User, "task"),
            (Role::Assistant, "diff"),
            (Role::User, "seen"),
            (Role::Assistant, "submit"),
        ];
        assert_eq!(said, expect.map(|(role, text)| (role, text.to_owned())));
        assert_eq!(render("task", &steps[..1]).last().map(|m| m.role), Some(Role::User));
    }

    #[test]
    fn the_instruction_is_short() {
        let words = SYSTEM.split_whitespace().count();
        assert!(words <= 40, "{words} words");
        assert_eq!(digest().len(), 16);
    }

    pub(super) fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~\n]{0,30}",
            "([<=>]{6,9}\n?|a|\n){0,8}",
            any::<String>(),
            "[\"\\\\: a]{0,8}",
        ]
    }

    fn any_path() -> impl Strategy<Value = TreePath> {
        let text = prop_oneof!["[a-z]{1,6}(/[a-z.]{1,6}){0,2}", "[a-c: \"]{1,8}", any::<String>()];
        text.prop_filter_map("inside the tree", |t| TreePath::new(t).ok())
    }

    pub(super) fn any_action() -> impl Strategy<Value = Action> {
        let name = prop_oneof![Just(None), any_text().prop_map(Some)];
        prop_oneof![
            any_text().prop_map(|query| Action::Search { query }),
            (any_path(), name).prop_map(|(path, name)| Action::Open { path, name }),
            (any_path(), any_text(), any_text()).prop_map(|(path, old, new)| Action::Edit {
                path,
                old,
                new
            }),
            (proptest::option::of(any_path()), any::<Option<(usize, usize)>>())
                .prop_map(|(path, lines)| Action::View { path, lines }),
            (any_path(), any_text()).prop_map(|(path, text)| Action::Create { path, text }),
            (any_path(), any::<usize>(), any_text())
                .prop_map(|(path, after, text)| Action::Insert { path, after, text }),
            any_path().prop_map(|path| Action::Undo { path }),
            any_path().prop_map(|path| Action::Check { path }),
            any_text().prop_map(|command| Action::Bash { command }),
            Just(Action::Diff),
            Just(Action::Submit),
        ]
    }

    proptest! {
        #[test]
        fn reading_inverts_writing(action in any_action()) {
            let written = write(&action);
            let mut ends = written.char_indices().map(|(end, _)| end);
            prop_assert!(!ends.any(|end| hopeless(&written[..end])), "{:?}", written);
            prop_assert_eq!(read(&written), action);
        }

        #[test]
        fn what_was_read_is_stable(text in prop_oneof![any_text(), "(search|open|view|edit|create|insert|undo|check): ?[a-z:\"]{0,9}\n?"]) {
            let action = read(&text);
            prop_assert_eq!(read(&write(&action)), action);
        }
    }
}
