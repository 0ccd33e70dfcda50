//! A tree that held-out functions are taken out of.
use sera_core::split::held_out_function;
use sera_core::{FunctionKey, Language, Tree, TreeEntry, TreeError, TreePath};
use sera_sandbox::Overlay;
use sera_syntax::{Function, parse};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// The tree without its held-out functions: what is not there cannot be shown.
pub(super) struct Withheld {
    tree: Overlay,
    /// What is left of the files that were read: every lesson of a tree reads some of them again.
    known: Mutex<HashMap<TreePath, Arc<[u8]>>>,
}

impl Withheld {
    pub(super) fn of(tree: Overlay) -> Self {
        Self { tree, known: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<TreePath, Arc<[u8]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tree for Withheld {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        self.tree.list()
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        if let Some(bytes) = self.known().get(path) {
            return Ok(bytes.clone());
        }
        let bytes: Arc<[u8]> = left(path, &self.tree.read_text(path)?).as_bytes().into();
        self.known().insert(path.clone(), bytes.clone());
        Ok(bytes)
    }
}

/// What is left of a file; nothing where the rest would not read as it did with them.
pub(super) fn left(path: &TreePath, text: &Arc<str>) -> Arc<str> {
    let Some(language) = Language::of(path) else { return text.clone() };
    let functions = parse(language, text.clone()).functions();
    let (held_out, others): (Vec<&Function>, Vec<&Function>) = functions.iter().partition(|f| {
        held_out_function(&FunctionKey { path: path.clone(), name: f.name.clone() })
    });
    if held_out.is_empty() {
        return text.clone();
    }
    let places: Vec<Range<usize>> = held_out.iter().map(|f| place(f, text)).collect();
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for place in &places {
        rest.push_str(text.get(at..place.start).unwrap_or_default());
        at = at.max(place.end);
    }
    rest.push_str(&text[at..]);
    let rest: Arc<str> = rest.into();
    // A function inside of a held-out one goes with it.
    let within = |f: &Function| places.iter().any(|place| place.contains(&f.span.start));
    let expect = others.iter().filter(|f| !within(f)).map(|f| f.name.as_str());
    let found = parse(language, rest.clone()).functions();
    if expect.eq(found.iter().map(|f| f.name.as_str())) { rest } else { "".into() }
}

/// The whole lines of a function, with its documentation and what decorates it.
fn place(function: &Function, text: &str) -> Range<usize> {
    let documented = function.docstring.as_ref().map_or(usize::MAX, |d| d.start);
    let first = function.span.start.min(documented).min(function.marked);
    let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = function.span.end;
    start..text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name whose function in `a.py` is held out, or is not.
    fn name(held_out: bool) -> String {
        let path = TreePath::new("a.py").unwrap();
        let key = |n: usize| FunctionKey { path: path.clone(), name: format!("f{n}") };
        (0..).map(key).find(|key| held_out_function(key) == held_out).unwrap().name
    }

    #[test]
    fn held_out_functions_are_not_left() {
        let check = |text: &str, expect: &str| {
            let whole = text.replace("HELD", &name(true)).replace("OTHER", &name(false));
            let rest = left(&TreePath::new("a.py").unwrap(), &whole.into());
            assert_eq!(&*rest, expect.replace("OTHER", &name(false)), "{text}");
        };
        check("def OTHER():\n    pass\n", "def OTHER():\n    pass\n");
        check(
            "A = 1\n\n@b\n@c(\n    1,\n)\ndef HELD():\n    pass\n\ndef OTHER():\n    pass",
            "A = 1\n\n\ndef OTHER():\n    pass",
        );
        check("def HELD():\n    def inner():\n        pass\n    return inner\nA = 1\n", "A = 1\n");
        check("def OTHER():\n    pass\ndef HELD():\n    pass", "def OTHER():\n    pass\n");
        // The second of a name would be taken for the first.
        check("def HELD():\n    pass\ndef HELD():\n    return 1\n", "");
    }
}
