//! What a task's words say about an edit.
use super::Signs;
use super::likelihood::Splice;
use crate::words::{code_like, identifiers, is_stop};
use sera_syntax::{Parsed, TokenKind};
use std::collections::HashSet;
use std::ops::Range;

/// The words of one task, as seen from one function.
pub(super) struct Speech {
    /// Names, numbers and quoted texts which an edit may insert.
    pub(super) insertable: Vec<String>,
    /// Every word that says something.
    spoken: HashSet<String>,
}

impl Speech {
    /// A word of prose is not inserted unless the file's code uses it as a name: inserting every
    /// "the" of a description everywhere would crowd the true edit out of the list. Nor are paths
    /// and the function's own name, by which a task says where the fault is.
    pub(super) fn new(description: &str, file: &Parsed, function: &str) -> Self {
        let mut seen: HashSet<&str> = identifiers(function).collect();
        let tokens = file.tokens();
        let used: HashSet<&str> =
            tokens.iter().filter(|t| t.kind == TokenKind::Identifier).map(|t| t.text).collect();
        let ticked: HashSet<&str> =
            description.split('`').skip(1).step_by(2).flat_map(identifiers).collect();
        let named = |word: &&str| {
            code_like(word) || ticked.contains(word) || (used.contains(word) && !is_stop(word))
        };
        let outside = description.split_whitespace().filter(|word| !word.contains('/'));
        let words = outside.flat_map(identifiers).filter(named).filter(|word| seen.insert(word));
        let quoted = description.split('"').skip(1).step_by(2).map(|text| format!("\"{text}\""));
        let spoken = identifiers(description).filter(|word| word.len() > 2 && !is_stop(word));
        Self {
            insertable: words.map(str::to_owned).chain(quoted).collect(),
            spoken: spoken.map(str::to_owned).collect(),
        }
    }

    /// What the task says of an edit.
    pub(super) fn signs(&self, before: &str, edit: &Splice) -> Signs {
        let Splice { span, text } = edit;
        let removed = &before[span.clone()];
        Signs {
            told: self.new_word(removed, text),
            cited: self.new_word(text, removed),
            named: self.named(before, span),
            ..Signs::default()
        }
    }

    /// Whether `to` holds an insertable word that `from` does not.
    pub(super) fn new_word(&self, from: &str, to: &str) -> bool {
        let known: HashSet<&str> = identifiers(from).collect();
        identifiers(to)
            .any(|word| !known.contains(word) && self.insertable.iter().any(|w| w == word))
    }

    /// Share of the words on the lines of `span` that the task speaks of.
    fn named(&self, before: &str, span: &Range<usize>) -> f64 {
        let start = before[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = before[span.end..].find('\n').map_or(before.len(), |at| span.end + at);
        let own: HashSet<&str> = identifiers(&before[start..end]).filter(|w| w.len() > 2).collect();
        let named = own.iter().filter(|word| self.spoken.contains(**word)).count();
        named as f64 / own.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::Language;

    const FILE: &str =
        "def total(items, tax):\n    # the value of all\n    return sum(items) * tax\n";

    fn speech(description: &str) -> Speech {
        Speech::new(description, &sera_syntax::parse(Language::Python, FILE), "total")
    }

    #[test]
    fn only_names_may_be_inserted() {
        let check = |description: &str, expect: &[&str]| {
            assert_eq!(speech(description).insertable, expect, "{description:?}");
        };
        check("the value is wrong", &[]);
        check("total in `src/tax_rate/total.py` is off by 2", &["2"]);
        check("use net_tax, not tax", &["net_tax", "tax"]);
        check("see `value`", &["value"]);
        check("separated by \"; \"", &["\"; \""]);
        check("sum of items", &["sum", "items"]);
    }

    #[test]
    fn signs_are_words_come_gone_and_near() {
        let check = |description: &str, old: &str, new: &str, expect: (bool, bool, f64)| {
            let at = FILE.rfind(old).unwrap();
            let edit = Splice { span: at..at + old.len(), text: new.to_owned() };
            let signs = speech(description).signs(FILE, &edit);
            assert_eq!((signs.told, signs.cited), (expect.0, expect.1), "{description:?}");
            assert!((signs.named - expect.2).abs() < 1e-9, "{description:?}: {}", signs.named);
        };
        check("wrong in total", "tax", "rate", (false, false, 0.0));
        check("use `rate` there", "tax", "rate", (true, false, 0.0));
        check("see `tax`", "tax", "rate", (false, true, 0.25));
        check("the items taxed by tax", "tax", "tax + tax", (false, false, 0.5));
    }
}
