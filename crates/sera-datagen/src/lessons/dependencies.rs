//! Finding what a function calls: each of its calls that exactly one function can be meant by.
use super::{Grounds, find, open, take};
use sera_core::split::held_out_function;
use sera_core::{Action, FunctionKey, Lesson, Subject, TreePath};
use sera_syntax::{Function, Index};
use std::collections::HashMap;

/// Callees of one lesson, at most: of more, not all could be shown.
const MOST: usize = 3;

/// Bytes of everything opened but what is opened last, at most: a tiny student reads a thousand
/// tokens.
const SHOWN: usize = 2_400;

/// What a method's own object is called.
const OWN: [&str; 4] = ["self", "this", "cls", "Self"];

/// What statements that bring names from elsewhere begin with.
const IMPORTS: [&str; 4] = ["import ", "from ", "use ", "export "];

/// Functions of a tree by the last part of their names.
pub(super) struct Definitions(HashMap<String, Vec<FunctionKey>>);

impl Definitions {
    pub(super) fn of(index: &Index) -> Self {
        let mut found = HashMap::<String, Vec<FunctionKey>>::new();
        for (path, _) in index.texts() {
            for function in index.functions_of(path) {
                let key = FunctionKey { path: path.clone(), name: function.name.clone() };
                found.entry(last(&function.name).to_owned()).or_default().push(key);
            }
        }
        Self(found)
    }

    /// The one function of a name that stands outside of any other thing.
    fn only(&self, name: &str) -> Option<&FunctionKey> {
        let [one] = self.0.get(name)?.as_slice() else { return None };
        (one.name == name).then_some(one)
    }

    /// The one function of a name in `container` of a file.
    fn member(&self, path: &TreePath, container: &str, name: &str) -> Option<&FunctionKey> {
        let own = |key: &&FunctionKey| key.path == *path && container_of(&key.name) == container;
        let mut members = self.0.get(name)?.iter().filter(own);
        members.next().filter(|_| members.next().is_none())
    }
}

fn last(name: &str) -> &str {
    let own = name.rsplit('.').next().unwrap_or(name);
    own.split('#').next().unwrap_or(own)
}

fn container_of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(container, _)| container)
}

/// `None` where nothing that it calls is certain, or more than can be shown.
pub(super) fn lesson(
    function: &FunctionKey,
    definitions: &Definitions,
    grounds: &Grounds<'_>,
) -> Option<Lesson> {
    let (text, found) = grounds.function(function)?;
    let file = Caller { path: &function.path, imports: imports(text), text };
    let callees = file.callees(found, definitions);
    if callees.is_empty() || callees.len() > MOST {
        return None;
    }
    let subject = Subject::Dependencies { function: function.clone() };
    let description = format!(
        "Open {}::{}, then what it calls that is defined here.",
        function.path, function.name
    );
    let (mut lesson, mut environment) = grounds.begin(subject, Vec::new(), description)?;
    take(&mut lesson, &mut environment, open(&function.path, &function.name), true)?;
    let mut shown = opened(&lesson)?;
    for callee in callees {
        if shown > SHOWN {
            return None;
        }
        find(&mut lesson, &mut environment, &[last(&callee.name).to_owned()], callee)?;
        take(&mut lesson, &mut environment, open(&callee.path, &callee.name), true)?;
        shown += opened(&lesson)?;
    }
    take(&mut lesson, &mut environment, Action::Submit, true)?;
    Some(lesson)
}

/// Bytes of what was opened last. The function itself must be shown whole: its calls are asked for.
fn opened(lesson: &Lesson) -> Option<usize> {
    let text = &lesson.steps.last()?.observation.text;
    let first = lesson.steps.len() == 1;
    let clipped = text.lines().any(|line| line.starts_with("... ") && line.ends_with(" ..."));
    (!first || !clipped).then_some(text.len())
}

/// The file of a function that calls.
struct Caller<'a> {
    path: &'a TreePath,
    text: &'a str,
    imports: Vec<String>,
}

impl Caller<'_> {
    /// Functions of the tree that `function` calls, in order. Held-out ones are not told of.
    fn callees<'d>(
        &self,
        function: &Function,
        definitions: &'d Definitions,
    ) -> Vec<&'d FunctionKey> {
        let own = |callee: &FunctionKey| callee.path == *self.path && callee.name == function.name;
        let called =
            function.calls.iter().filter_map(|name| self.callee(function, name, definitions));
        called.filter(|callee| !own(callee) && !held_out_function(callee)).collect()
    }

    fn callee<'d>(
        &self,
        function: &Function,
        name: &str,
        definitions: &'d Definitions,
    ) -> Option<&'d FunctionKey> {
        // What documentation calls is called in examples.
        let documented = function.docstring.as_ref().map_or(0, |documentation| documentation.end);
        let body = self.text.get(function.body.start.max(documented)..function.body.end)?;
        let signature = &self.text[function.span.start..function.body.start];
        let receiver = receivers(body, name).next()?;
        match receiver {
            Some(own) if OWN.contains(&own) => {
                definitions.member(self.path, container_of(&function.name), name)
            }
            Some(module) => definitions.only(name).filter(|callee| self.imported(module, callee)),
            // A parameter of that name is what is called.
            None if words(signature).any(|word| word == name) => None,
            None => definitions
                .only(name)
                .filter(|callee| callee.path == *self.path || self.imported(name, callee)),
        }
    }

    /// Whether a name is brought into this file from where `callee` stands.
    fn imported(&self, name: &str, callee: &FunctionKey) -> bool {
        let parts: Vec<&str> = callee.path.as_str().split(['/', '.']).collect();
        let from = |import: &&String| {
            words(import).any(|word| word == name)
                && words(import).any(|word| parts.contains(&word))
        };
        self.imports.iter().any(|import| from(&import))
    }
}

/// What stands before every call of `name` in a body: the word before its dot, if there is one.
/// Calls of something deeper are left out.
fn receivers<'a>(body: &'a str, name: &'a str) -> impl Iterator<Item = Option<&'a str>> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    body.match_indices(name).filter_map(move |(at, _)| {
        let (before, after) = (&body[..at], &body[at + name.len()..]);
        if before.ends_with(part) || !after.trim_start().starts_with('(') {
            return None;
        }
        let Some(receiver) = before.strip_suffix('.').or(before.strip_suffix("::")) else {
            return Some(None);
        };
        let start = receiver.trim_end_matches(part).len();
        let alone = !receiver[..start].ends_with(['.', ':', ')', ']']) && start < receiver.len();
        alone.then_some(Some(&receiver[start..]))
    })
}

/// Statements that bring names from elsewhere, to the end of their brackets.
fn imports(text: &str) -> Vec<String> {
    let mut imports: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if open {
            let last = imports.last_mut().expect("one is open");
            last.push_str(line);
            open = !line.contains([')', '}', ';']);
        } else if IMPORTS.iter().any(|word| trimmed.starts_with(word)) || line.contains("require(")
        {
            imports.push(line.to_owned());
            let opened = line.matches(['(', '{']).count();
            open = opened > line.matches([')', '}']).count();
        }
    }
    imports
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    crate::change::words(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_what_stands_before_them() {
        let check = |body: &str, expect: &[Option<&str>]| {
            assert_eq!(receivers(body, "f").collect::<Vec<_>>(), expect, "{body}");
        };
        check("return f(1) + self.f (2)", &[None, Some("self")]);
        check("a.b.f(1); g.f; of(1); f", &[]);
        check("Self::f(1); a().f(2)", &[Some("Self")]);
        check("# like “a.f(1)” and →b.f(2)", &[Some("a"), Some("b")]);
    }

    #[test]
    fn imports_go_on_to_their_bracket() {
        let text = "import a\nfrom b import (\n    c,\n    d,\n)\nx = 1\n    use e::{f, g};\nconst h = require('./i');\n";
        let found: Vec<Vec<String>> =
            imports(text).iter().map(|i| words(i).map(str::to_owned).collect()).collect();
        let expect = ["import a", "from b import c d", "use e f g", "const h require i"];
        assert_eq!(found, expect.map(|e| e.split(' ').map(str::to_owned).collect::<Vec<_>>()));
    }
}
