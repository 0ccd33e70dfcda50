//! The conversation of a solver that knows the answer: what the likelihood of a fix is measured on.
//!
//! It goes the guided harness's way (search with the task's words, open the function, edit), is
//! executed for real and rendered by the dialect. Scored are only the words of the edit's new text
//! that differ from the old, so that knowing the format is worth nothing.
use crate::dialect::Conversation;
use crate::environment::Environment;
use crate::words::query_words;
use crate::{dialect, edits_between, roll_out};
use sera_core::{Action, Language, Step, Task, TreePath};
use sera_syntax::parse;

/// An ideal guided solution of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Ideal {
    /// The steps, executed for real: search, then open and edit for every place.
    pub steps: Vec<Step>,
    /// Their rendering by the dialect; the last message is the last edit.
    pub conversation: Conversation,
}

/// The ideal solution of `task` in `environment` (its base with the planted fault).
/// `None` where the reference does not apply there or does more than change and add text files.
pub fn reference_spans(task: &Task, mut environment: Environment) -> Option<Ideal> {
    let edits = reference_edits(task, &environment)?;
    let mut steps = vec![search(&task.description, &mut environment)];
    let mut opened = None;
    for edit in edits {
        let place = place(&edit, &environment);
        if place.is_some() && place != opened {
            let (path, name) = place.clone().expect("just checked");
            steps.push(roll_out::take(&mut environment, Action::Open { path, name }));
            opened = place;
        }
        steps.push(roll_out::take(&mut environment, edit));
    }
    if steps.iter().any(|step| matches!(step.action, Action::Edit { .. }) && !step.observation.ok) {
        return None;
    }
    let conversation = dialect::guided(&[], &task.description, &steps).ended();
    (!conversation.changed.is_empty()).then_some(Ideal { steps, conversation })
}

/// The search every guided solution opens with: the harness's, so no model is trained on it.
pub(crate) fn search(description: &str, environment: &mut Environment) -> Step {
    let query = query_words(description).join(" ");
    let mut step = roll_out::take(environment, Action::Search { query });
    step.masked = true;
    step
}

/// The reference as edits, file by file.
fn reference_edits(task: &Task, environment: &Environment) -> Option<Vec<Action>> {
    let reference = &task.reference;
    if reference.files.iter().any(|f| f.binary || f.new.is_none() || moved(f)) {
        return None;
    }
    let read = |path: &TreePath| environment.read_text(path).ok().map(|text| text.to_string());
    let after = reference.apply(&read, 0).ok()?;
    let edits = after.into_iter().flat_map(|(path, text)| {
        let before = read(&path).unwrap_or_default();
        edits_between(&path, &before, &text.unwrap_or_default())
    });
    Some(edits.collect())
}

fn moved(file: &sera_core::FilePatch) -> bool {
    file.old.is_some() && file.old != file.new
}

/// What a solver would open before this edit: the innermost function around its first changed
/// line, else the file. `None` for a file that is not there yet.
fn place(edit: &Action, environment: &Environment) -> Option<(TreePath, Option<String>)> {
    let Action::Edit { path, old, new } = edit else { return None };
    let text = environment.read_text(path).ok()?;
    let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let at = text.find(old.as_str())? + same.min(old.len());
    Some((path.clone(), function_at(path, &text, at)))
}

/// The innermost function around a byte of a file.
fn function_at(path: &TreePath, text: &str, at: usize) -> Option<String> {
    let functions = parse(Language::of(path)?, text).functions();
    let around = functions.into_iter().filter(|f| f.span.start <= at && at <= f.span.end);
    around.min_by_key(|f| f.span.len()).map(|f| f.name)
}
