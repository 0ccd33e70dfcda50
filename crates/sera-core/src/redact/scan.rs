//! Finds secrets: all needles of all rules at once, then a rule's expression where its needle stands.
use super::rules::{Place, Rule, rules};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// Bytes behind a needle that an expression without a place of its own is tried on.
const BEHIND: usize = 220;

/// Bytes between the name of a secret and its value, at most: the rest of the name and a type.
const BETWEEN: usize = 64;

/// Which rule a needle is of, by the needle's number in [`NEEDLES`].
static RULE_OF: LazyLock<Vec<(&Rule, usize)>> = LazyLock::new(|| {
    let of = |(order, rule): (usize, &'static Rule)| {
        std::iter::repeat_n((rule, order), rule.needles.len())
    };
    rules().iter().enumerate().flat_map(of).collect()
});

static NEEDLES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let needles = rules().iter().flat_map(|rule| &rule.needles);
    AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .build(needles)
        .expect("some hundreds of short words are few enough")
});

/// One secret, or a pseudonym that stands where one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// The rule that found it.
    pub rule: &'static str,
    /// Its bytes.
    pub span: Range<usize>,
}

/// Where secrets and pseudonyms stand in `text`, in order, without overlaps.
pub(super) fn secrets(text: &str) -> Vec<Find> {
    let mut candidates: Vec<(usize, Find)> = Vec::new();
    for hit in NEEDLES.find_overlapping_iter(text) {
        let (rule, order) = RULE_OF[hit.pattern().as_usize()];
        if let Some(span) = rule.secret(text, hit.range()) {
            candidates.push((order, Find { rule: rule.id, span }));
        }
    }
    candidates.sort_by_key(|(order, find)| (*order, find.span.start));
    let mut finds: BTreeMap<usize, Find> = BTreeMap::new();
    for (_, find) in candidates {
        let before = finds.range(..find.span.end).next_back();
        if before.is_none_or(|(_, other)| other.span.end <= find.span.start) {
            finds.insert(find.span.start, find);
        }
    }
    finds.into_values().collect()
}

/// What one rule finds, whatever others find there.
#[cfg(test)]
pub(super) fn by(rule: &Rule, text: &str) -> Vec<Find> {
    let hits = NEEDLES.find_overlapping_iter(text);
    let own = hits.filter(|hit| RULE_OF[hit.pattern().as_usize()].0.id == rule.id);
    let spans = own.filter_map(|hit| rule.secret(text, hit.range()));
    spans.map(|span| Find { rule: rule.id, span }).collect()
}

impl Rule {
    /// The secret whose needle stands at `needle`.
    fn secret(&self, text: &str, needle: Range<usize>) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let from = match self.place {
            Place::At if !self.may_begin(bytes, &needle) => return None,
            Place::After if !self.may_begin(bytes, &needle) => return None,
            Place::At => needle.start,
            Place::After => needle.end,
            Place::Before(back) => needle.start.saturating_sub(back),
        };
        let rest = match self.place {
            Place::At => &bytes[from..],
            Place::After if !assigned(&bytes[from..]) => return None,
            Place::After | Place::Before(_) => {
                &bytes[from..bytes.len().min(needle.end + BEHIND + BETWEEN)]
            }
        };
        let found = self.regex().captures(rest)?;
        let (whole, secret) = (found.get(0)?, found.get(1)?);
        let span = from + secret.start()..from + secret.end();
        let value = text.get(span.clone())?;
        let goes_on =
            self.place == Place::After && goes_on(whole.as_bytes(), &bytes[from + whole.end()..]);
        let passes = !goes_on && self.random.is_none_or(|random| random.holds(value));
        passes.then_some(span)
    }

    /// Whether a secret may begin at a needle: one that opens a token begins a word, and one that
    /// is a part of a name begins a word of the name.
    fn may_begin(&self, text: &[u8], needle: &Range<usize>) -> bool {
        let found = &text[needle.clone()];
        if !self.ignores_case() && !self.needles.iter().any(|own| own.as_bytes() == found) {
            return false;
        }
        let before = &text[..needle.start];
        let Some(last) = before.last().filter(|_| !self.anywhere && is_word(found[0])) else {
            return true;
        };
        match self.place {
            Place::After => {
                let hump = found[0].is_ascii_uppercase() && last.is_ascii_lowercase();
                !last.is_ascii_alphabetic() || hump || escapes(before)
            }
            Place::At | Place::Before(_) => !is_word(*last) || escapes(before),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text ends with an escape: `\n` of a string, `%3D` of an address.
fn escapes(text: &[u8]) -> bool {
    match text {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] => a.is_ascii_hexdigit() && b.is_ascii_hexdigit(),
        _ => false,
    }
}

/// Whether an assignment follows the rest of a name: most names are only mentioned.
fn assigned(rest: &[u8]) -> bool {
    let operator = |b: &u8| matches!(b, b'=' | b':' | b',' | b'>' | b'(' | b'|' | b'?' | b'!');
    let end = rest.iter().take(BETWEEN).position(operator);
    let between = |b: &u8| is_word(*b) || b".-\"'`])\\ \t\r\n".contains(b);
    end.is_some_and(|end| rest[..end].iter().all(between))
}

/// Whether a value is only the beginning of an expression or of a longer word.
fn goes_on(value: &[u8], rest: &[u8]) -> bool {
    let word = value.last().is_some_and(|last| is_word(*last));
    word && match rest {
        [b'+' | b'/' | b'=' | b'(' | b'-', ..] => true,
        [b'.', next, ..] => is_word(*next),
        _ => false,
    }
}
