//! What a teacher is asked for in a generation.
use sera_agent::dialect;
use sera_core::{FunctionKey, Message, Patch, Role, Step};
use sera_syntax::families;

/// Bytes of a step's action, and of what came of it, that are told.
const TOLD: usize = 600;

const JUDGE: &str = "You judge a change that someone made to a program. Your last line is one word: \
     yes if the change does what the request asks for, no if it does not or does much else.";

const REPORT: &str = "You write reports of problems as the developers of one project write them. \
     Say what goes wrong, and when, as somebody sees it who uses or reads the code. Say nothing of \
     how it is put right: no line of new code, no diff, no names that only the change brings.";

/// The vague request: a function, and what may be the matter there or near it.
pub(super) fn request(function: &FunctionKey, family: &str) -> String {
    let title = families::named(family).map_or("something is wrong", |family| family.title);
    format!(
        "Look at {} in {}, at what it calls and at what calls it. Somewhere there, it seems, \
         {title}. Find the place and put it right with a small change.",
        function.name, function.path
    )
}

/// Asks whether `patch` does what `request` says.
pub(super) fn judgement(request: &str, steps: &[Step], patch: &Patch) -> Vec<Message> {
    let asked = format!(
        "The request:\n\n{request}\n\nThe steps that were taken:\n\n{}\n\nThe change:\n\n{patch}\n\
         Does the change do what the request asks for?",
        told(steps)
    );
    vec![Message::new(Role::System, JUDGE), Message::new(Role::User, asked)]
}

/// Asks for the problem that there was before `patch`.
pub(super) fn description(
    demonstration: Option<&str>,
    steps: &[Step],
    patch: &Patch,
) -> Vec<Message> {
    let manner = match demonstration {
        Some(text) => format!("Someone of this project wrote, of something else:\n\n{text}\n\n"),
        None => String::new(),
    };
    let asked = format!(
        "{manner}A problem was looked for in these steps:\n\n{}\n\nand put right by this change:\n\n\
         {patch}\nWrite the report of the problem as it was before, in that manner and about as \
         long. Write the report alone.",
        told(steps)
    );
    vec![Message::new(Role::System, REPORT), Message::new(Role::User, asked)]
}

fn told(steps: &[Step]) -> String {
    let step = |step: &Step| {
        let (action, seen) = (dialect::write(&step.action), &step.observation.text);
        format!("> {}\n{}", clip(&action), clip(seen))
    };
    steps.iter().map(step).collect::<Vec<_>>().join("\n\n")
}

fn clip(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= TOLD) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::TreePath;

    #[test]
    fn a_request_is_vague() {
        let path = TreePath::new("src/a.py").expect("a path inside the tree");
        let function = FunctionKey { path, name: "A.b".to_owned() };
        insta::assert_snapshot!(request(&function, "off-by-one"), @"Look at A.b in src/a.py, at what it calls and at what calls it. Somewhere there, it seems, a bound is off by one. Find the place and put it right with a small change.");
    }
}
