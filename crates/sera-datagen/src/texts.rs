//! Task texts: what a person would write who sees the symptom and does not know the fix.
//!
//! Wordings are data, by family and register; `{f}` is where the function is named. A text is put
//! together from a wording, how the function is called, where in it the trouble shows, and
//! sometimes what its documentation promises; any part that would give the fix away is left out.
mod wordings;

use crate::change::Change;
use crate::families::Site;
use rand::Rng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use sera_core::{FunctionKey, Register};
use std::collections::HashSet;
use std::sync::LazyLock;
use wordings::{VAGUE, WORDINGS};

/// Where in the function it shows, by site; said often, because it narrows the search.
fn shows(site: Site) -> &'static [&'static str] {
    match site {
        Site::Condition => &["It goes wrong where it decides.", "Look at what it checks."],
        Site::Loop => &["It goes wrong in its loop.", "Look at what it loops over."],
        Site::Return => &["It shows in what it gives back.", "The returned value is affected."],
        Site::Raise => &["It shows when it reports an error.", "Look at the error it raises."],
        Site::Assignment => {
            &["It goes wrong where a value is set.", "A value it keeps is affected."]
        }
        Site::Call => &["It goes wrong in something it calls.", "Look at the calls it makes."],
        Site::Signature => &["It goes wrong with its parameters.", "Look at what it takes."],
        Site::Other => &[],
    }
}

/// What a text is made from.
pub struct Facts<'a> {
    /// Whose wordings.
    pub family: &'a str,
    /// The function concerned.
    pub function: &'a FunctionKey,
    /// Where the fault stands.
    pub site: Site,
    /// What stands in the code now and is suspicious: a name, if the fault left one.
    pub suspect: Option<&'a str>,
    /// The first sentence of the function's documentation.
    pub documentation: Option<&'a str>,
}

/// How often each optional part is added, where it gives nothing away.
const SUSPECT: f64 = 0.6;
const SHOWS: f64 = 0.6;
const DOCUMENTATION: f64 = 0.3;

/// Wordings tried before the task is dropped as a leak.
const TRIES: usize = 8;

/// A text in the register that does not give `change` away; `None` where none was found.
pub fn describe(
    facts: &Facts<'_>,
    register: Register,
    change: &Change,
    rng: &mut ChaCha8Rng,
) -> Option<String> {
    let wordings = WORDINGS.iter().find(|w| w.family == facts.family)?;
    let wordings = match register {
        Register::Symptom => wordings.symptom,
        Register::Terse => wordings.terse,
        Register::Vague => VAGUE,
    };
    let text = (0..TRIES).find_map(|_| {
        let wording = wordings.choose(rng)?;
        let text = capitalised(&wording.replace("{f}", &reference(facts.function, rng)));
        (!change.leaks_into(&text)).then_some(text)
    })?;
    match register {
        Register::Vague => Some(text),
        Register::Symptom | Register::Terse => {
            Some(with_details(text, facts, register, change, rng))
        }
    }
}

fn with_details(
    text: String,
    facts: &Facts<'_>,
    register: Register,
    change: &Change,
    rng: &mut ChaCha8Rng,
) -> String {
    let mut parts = Vec::new();
    if let Some(suspect) = facts.suspect.filter(|_| rng.random_bool(SUSPECT)) {
        parts.push(match register {
            Register::Symptom | Register::Vague => {
                format!("It seems to have to do with `{suspect}`.")
            }
            Register::Terse => format!("See `{suspect}`."),
        });
    }
    if let Some(shows) = shows(facts.site).choose(rng).filter(|_| rng.random_bool(SHOWS)) {
        parts.push((*shows).to_owned());
    }
    if register == Register::Symptom
        && let Some(said) = facts.documentation.filter(|_| rng.random_bool(DOCUMENTATION))
    {
        parts.push(format!("It should \"{said}\"."));
    }
    parts.into_iter().fold(text, |text, part| {
        let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
        let longer = format!("{text}{stop} {part}");
        if change.leaks_into(&longer) { text } else { longer }
    })
}

static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let wordings = WORDINGS.iter().flat_map(|w| w.symptom.iter().chain(w.terse)).chain(VAGUE);
    let sites = SITES.iter().flat_map(|site| shows(*site));
    let texts = wordings.chain(sites).chain(&["It seems to have to do with. See. Update change"]);
    texts.flat_map(|text| crate::change::words(text)).map(str::to_lowercase).collect()
});

const SITES: [Site; 7] = [
    Site::Condition,
    Site::Loop,
    Site::Return,
    Site::Raise,
    Site::Assignment,
    Site::Call,
    Site::Signature,
];

/// Whether a word is one that wordings are made of, so that it says little about the place.
pub(crate) fn common_word(word: &str) -> bool {
    COMMON.contains(&word.to_lowercase())
}

/// How a function is called in a text: by name, with its file, or by the words of its name.
fn reference(function: &FunctionKey, rng: &mut ChaCha8Rng) -> String {
    let FunctionKey { path, name } = function;
    let module = path.file_name().rsplit_once('.').map_or(path.file_name(), |(stem, _)| stem);
    let module = if matches!(module, "__init__" | "mod" | "lib" | "index" | "main") {
        path.folders().last().unwrap_or(module)
    } else {
        module
    };
    let mut styles =
        vec![format!("`{name}`"), format!("`{name}` in `{path}`"), format!("`{name}` ({module})")];
    let (outer, inner) = name.rsplit_once('.').unwrap_or(("", name));
    let (outer, inner) = (spelled(outer), spelled(inner));
    if inner.len() >= 2 && outer.is_empty() {
        styles.push(format!("the {} code in {module}", inner.join(" ")));
    } else if !inner.is_empty() && !outer.is_empty() {
        styles.push(format!("{} of {} ({module})", inner.join(" "), outer.join(" ")));
    }
    styles.choose(rng).expect("there are styles").clone()
}

/// The parts that a name is put together from, in lower case.
fn spelled(name: &str) -> Vec<String> {
    let parts = |identifier: &str| {
        let mut words = sera_syntax::words(identifier);
        if words.len() > 1 {
            // The first is the whole.
            words.remove(0);
        }
        words
    };
    name.split('.').flat_map(parts).collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// How often a fault is reported by its place alone. Small students need the symptom to find a
/// repair at all; SERA's finding that vague requests teach too is of teachers' rollouts.
const VAGUELY: f64 = 0.08;

/// The registers in the order to try them, at random; a refactoring is never asked for vaguely, for
/// then nothing would be wrong.
pub fn registers(refactoring: bool, rng: &mut ChaCha8Rng) -> Vec<Register> {
    let mut order = vec![Register::Symptom, Register::Terse];
    order.shuffle(rng);
    if !refactoring && rng.random_bool(VAGUELY) {
        order.insert(0, Register::Vague);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng as _;
    use std::collections::BTreeSet;

    #[test]
    fn every_family_has_wordings_that_name_the_function() {
        let said: BTreeSet<&str> = WORDINGS.iter().map(|w| w.family).collect();
        let known: BTreeSet<&str> =
            sera_syntax::families::FAMILIES.iter().map(|f| f.name).collect();
        assert_eq!(said, known);
        for wordings in WORDINGS {
            for wording in wordings.symptom.iter().chain(wordings.terse).chain(VAGUE) {
                assert!(wording.contains("{f}"), "{wording}");
            }
            assert!(wordings.symptom.len() >= 2 && wordings.terse.len() >= 2);
        }
    }

    #[test]
    fn functions_are_called_by_names_that_can_be_found() {
        let key = FunctionKey {
            path: sera_core::TreePath::new("net/http/__init__.py").unwrap(),
            name: "Parser.parse_header".to_owned(),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let said: BTreeSet<String> = (0..100).map(|_| reference(&key, &mut rng)).collect();
        let expect = [
            "`Parser.parse_header`",
            "`Parser.parse_header` (http)",
            "`Parser.parse_header` in `net/http/__init__.py`",
            "parse header of parser (http)",
        ];
        assert_eq!(said.iter().map(String::as_str).collect::<Vec<_>>(), expect);
    }
}
