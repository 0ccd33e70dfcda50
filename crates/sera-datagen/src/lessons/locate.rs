//! Finding a function from its own documentation, which is taken away first.
use super::{Grounds, find, open, take};
use sera_agent::edits_between;
use sera_agent::words::{code_like, query_words};
use sera_core::{Action, FunctionKey, Lesson, Subject};
use std::collections::HashMap;
use std::ops::Range;

/// Before what the documentation says.
const ASKED: &str = "Find the function that does this: ";

/// Words a description needs to say anything.
const MIN_WORDS: usize = 5;

/// Bytes of a description, at most.
const MAX_BYTES: usize = 240;

/// How many functions each description is of: methods of one name are often documented alike.
pub(super) struct Said(HashMap<String, usize>);

impl Said {
    pub(super) fn of(grounds: &Grounds<'_>) -> Self {
        let mut times = HashMap::new();
        for file in grounds.files.values() {
            let documented = file.functions.iter().filter_map(|f| f.docstring.clone());
            for told in documented.filter_map(|span| described(&file.text[span])) {
                *times.entry(told).or_default() += 1;
            }
        }
        Self(times)
    }

    fn times(&self, told: &str) -> usize {
        self.0.get(told).copied().unwrap_or(0)
    }
}

/// `None` where the function has no documentation that describes it alone, or a search with its words
/// does not find it.
pub(super) fn lesson(function: &FunctionKey, said: &Said, grounds: &Grounds<'_>) -> Option<Lesson> {
    let (text, found) = grounds.function(function)?;
    let documentation = found.docstring.clone()?;
    let told = described(&text[documentation.clone()])?;
    if names(&told, &function.name) || said.times(&told) > 1 {
        return None;
    }
    let lines = whole_lines(text, &documentation)?;
    let without = [&text[..lines.start], &text[lines.end..]].concat();
    let prepared = edits_between(&function.path, text, &without);
    let subject = Subject::Locate { function: function.clone() };
    let description = format!("{ASKED}{told}");
    let (mut lesson, mut environment) = grounds.begin(subject, prepared, description)?;
    find(&mut lesson, &mut environment, &query_words(&told), function)?;
    take(&mut lesson, &mut environment, open(&function.path, &function.name), true)?;
    take(&mut lesson, &mut environment, Action::Submit, true)?;
    Some(lesson)
}

/// Whether a text names a function in a way that nobody could who does not know it.
fn names(text: &str, function: &str) -> bool {
    let own = function.rsplit('.').next().unwrap_or(function);
    let own = own.split('#').next().unwrap_or(own);
    let words = || text.split(|c: char| !c.is_alphanumeric() && c != '_');
    code_like(own) && words().any(|word| word == own)
}

/// The lines of a documentation, where nothing else stands on them.
fn whole_lines(text: &str, documentation: &Range<usize>) -> Option<Range<usize>> {
    let start = text[..documentation.start].rfind('\n').map_or(0, |at| at + 1);
    let rest = &text[documentation.end..];
    let end = documentation.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
    let alone = |part: Range<usize>| text[part].trim().is_empty();
    (alone(start..documentation.start) && alone(documentation.end..end)).then_some(start..end)
}

/// The sentences that a documentation begins with, on one line: as many of its first paragraph as
/// fit. `None` where that is no prose.
fn described(documentation: &str) -> Option<String> {
    let marks: &[char] = &['"', '\'', '/', '*', '#', '!', ' ', '\t', '\r'];
    let opened = documentation.find(['"', '\'']).filter(|at| *at <= 2).unwrap_or(0);
    let lines = documentation[opened..].lines().map(|line| line.trim_matches(marks));
    let prose: Vec<&str> = lines
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty() && !begins_a_part(line))
        .collect();
    let words: Vec<&str> = prose.iter().flat_map(|line| line.split_whitespace()).collect();
    let prose = words.join(" ");
    let mut told = String::new();
    for sentence in prose.split_inclusive(". ") {
        if told.len() + sentence.len() > MAX_BYTES {
            break;
        }
        told.push_str(sentence);
    }
    let told = told.trim();
    let fits = told.split_whitespace().count() >= MIN_WORDS && !told.contains(['{', '}', '@']);
    fits.then(|| told.to_owned())
}

/// Whether what follows is no prose: an example, a rule, a parameter. `:func:` is a role, and goes
/// on with what it is of.
fn begins_a_part(line: &str) -> bool {
    let role = line.strip_prefix(':').and_then(|rest| rest.split_once(':'));
    let role = role.is_some_and(|(_, rest)| rest.starts_with('`'));
    line.starts_with(['@', '>', '-', '=']) || line.starts_with(':') && !role
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_documentation_says_first_describes() {
        let check = |documentation: &str, expect: Option<&str>| {
            assert_eq!(described(documentation).as_deref(), expect, "{documentation}");
        };
        check(
            "\"\"\"Return the sum of both numbers.\n\n    More of it.\n    \"\"\"",
            Some("Return the sum of both numbers."),
        );
        check(
            "r\"\"\"\n    Return the sum\n    of both. Never less.\n    :param a: one\n    \"\"\"",
            Some("Return the sum of both. Never less."),
        );
        check(
            "/// Adds what `a` holds to it.\n/// # Panics",
            Some("Adds what `a` holds to it. Panics"),
        );
        check(
            "/**\n * Adds both of the numbers.\n * @param a one\n */",
            Some("Adds both of the numbers."),
        );
        check(
            "\"\"\"Adds it.  Works like\n    :func:`add` does.\n    :return: it\n\"\"\"",
            Some("Adds it. Works like :func:`add` does."),
        );
        check("// Adds.", None);
        check("\"\"\"Renders {{ this }} as it is given.\"\"\"", None);
        check(&format!("\"\"\"{} of it.\"\"\"", "word ".repeat(60)), None);
    }

    #[test]
    fn a_name_gives_a_function_away() {
        assert!(names("What add_all does to it", "Tally.add_all"));
        assert!(!names("Adds all of it", "Tally.add_all"));
        assert!(!names("The degree of a node", "degree"));
    }
}
