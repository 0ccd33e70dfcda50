//! Words: what queries are made of and what edits are compared by.
use std::collections::HashSet;
use std::ops::Range;

/// Words that carry nothing in a search over code.
const STOP: &[&str] = &[
    "a",
    "about",
    "after",
    "all",
    "also",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "been",
    "before",
    "but",
    "by",
    "can",
    "cannot",
    "does",
    "doesn",
    "every",
    "fix",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "given",
    "gives",
    "had",
    "has",
    "have",
    "how",
    "if",
    "in",
    "instead",
    "into",
    "is",
    "isn",
    "it",
    "its",
    "just",
    "like",
    "look",
    "looks",
    "make",
    "more",
    "no",
    "not",
    "of",
    "on",
    "one",
    "only",
    "or",
    "other",
    "our",
    "please",
    "seem",
    "seems",
    "should",
    "so",
    "some",
    "something",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "to",
    "too",
    "using",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "will",
    "with",
    "without",
    "would",
    "wrong",
    "you",
    "your",
];

/// How many words a query holds at most.
const QUERY_WORDS: usize = 12;

/// Whether a character belongs to a word of code.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Runs of word characters, in order.
pub(crate) fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|w| !w.is_empty())
}

/// Looks like a name of the code rather than a word of prose.
pub fn code_like(word: &str) -> bool {
    word.contains('_')
        || word.chars().any(|c| c.is_ascii_digit())
        || word.chars().skip(1).any(char::is_uppercase)
}

/// Whether a word says nothing about code.
pub(crate) fn is_stop(word: &str) -> bool {
    STOP.contains(&word.to_lowercase().as_str())
}

/// The words of a task worth searching for, in order, each once and at most twelve; where there
/// are more, those that look like names of the code stay.
pub fn query_words(description: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let words: Vec<&str> = identifiers(description)
        .filter(|w| w.len() > 1 && !is_stop(w))
        .filter(|w| seen.insert(*w))
        .collect();
    let names = words.iter().filter(|w| code_like(w)).count();
    let mut prose = QUERY_WORDS.saturating_sub(names);
    let kept = words.into_iter().filter(|w| {
        code_like(w) || {
            prose = prose.wrapping_sub(1);
            prose < QUERY_WORDS
        }
    });
    kept.take(QUERY_WORDS).map(str::to_owned).collect()
}

/// Code tokens of a line, near enough for every language: words, and every other visible
/// character by itself.
pub(crate) fn code_tokens(text: &str) -> Vec<&str> {
    pieces(text).into_iter().map(|r| &text[r]).filter(|t| !t.trim().is_empty()).collect()
}

/// Words, runs of whitespace within a line, and single other characters, covering `text`.
fn pieces(text: &str) -> Vec<Range<usize>> {
    fn class(c: char) -> u8 {
        match c {
            c if is_word(c) => 0,
            '\n' => 2,
            c if c.is_whitespace() => 1,
            _ => 2,
        }
    }
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut last = 2;
    for (at, c) in text.char_indices() {
        let class = class(c);
        let end = at + c.len_utf8();
        match pieces.last_mut() {
            Some(piece) if class == last && class < 2 => piece.end = end,
            _ => pieces.push(at..end),
        }
        last = class;
    }
    pieces
}

/// Cells of the alignment table beyond which the middle counts as changed throughout.
const CELLS: usize = 4_000_000;

/// Byte ranges of `new` that differ from `old`, word by word, in order. Where `old` had text that
/// `new` only leaves out, the range is the word that follows (what a writer has to say instead of
/// the old text); it is empty, at the end of `new`, where nothing follows.
pub fn changed_ranges(old: &str, new: &str) -> Vec<Range<usize>> {
    let (a, b) = (pieces(old), pieces(new));
    let text = |i: usize| &old[a[i].clone()];
    let same = |i: usize, j: usize| text(i) == &new[b[j].clone()];
    let short = a.len().min(b.len());
    let head = (0..short).take_while(|&k| same(k, k)).count();
    let tail = (0..short - head).take_while(|&k| same(a.len() - 1 - k, b.len() - 1 - k)).count();
    let (olds, news) = (head..a.len() - tail, head..b.len() - tail);
    let matched = align(olds.clone(), news.clone(), &same);

    let mut ranges: Vec<Range<usize>> = Vec::new();
    let (mut i, mut j) = (olds.start, news.start);
    for (mi, mj) in matched.into_iter().chain([(olds.end, news.end)]) {
        if mj > j {
            ranges.push(b[j].start..b[mj - 1].end);
        } else if mi > i {
            ranges.push(next_word(new, &b, mj));
        }
        (i, j) = (mi + 1, mj + 1);
    }
    merge(ranges)
}

/// The first visible piece from `j` on, or the empty range at the end.
fn next_word(new: &str, pieces: &[Range<usize>], j: usize) -> Range<usize> {
    let visible = pieces[j..].iter().find(|r| !new[(*r).clone()].trim().is_empty());
    visible.cloned().unwrap_or(new.len()..new.len())
}

fn merge(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|r| r.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Longest common subsequence as index pairs; none where the table would be too large.
fn align(
    olds: Range<usize>,
    news: Range<usize>,
    same: &dyn Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let (n, m) = (olds.len(), news.len());
    if n.saturating_mul(m) > CELLS {
        return Vec::new();
    }
    let mut lengths = vec![0u32; (n + 1) * (m + 1)];
    let cell = |i: usize, j: usize| i * (m + 1) + j;
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            lengths[cell(i, j)] = if same(olds.start + i, news.start + j) {
                lengths[cell(i + 1, j + 1)] + 1
            } else {
                lengths[cell(i + 1, j)].max(lengths[cell(i, j + 1)])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < n && j < m {
        if same(olds.start + i, news.start + j) {
            pairs.push((olds.start + i, news.start + j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[cell(i + 1, j)] >= lengths[cell(i, j + 1)] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn queries_keep_names_and_drop_filler() {
        let check = |text: &str, expect: &[&str]| assert_eq!(query_words(text), expect, "{text}");
        check("The total of an order is wrong.", &["total", "order"]);
        check("`parse_url` should not drop the port, parse_url!", &["parse_url", "drop", "port"]);
        check("", &[]);
        let long =
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi a_name";
        let words = query_words(long);
        assert_eq!(words.len(), 12);
        assert_eq!(words.last().map(String::as_str), Some("a_name"), "a name is kept over prose");
    }

    #[test]
    fn changed_words_are_found() {
        let check = |old: &str, new: &str, expect: &[&str]| {
            let changed: Vec<&str> =
                changed_ranges(old, new).into_iter().map(|r| &new[r]).collect();
            assert_eq!(changed, expect, "{old:?} to {new:?}");
        };
        check("a = b + c", "a = b - c", &["-"]);
        check("a = b", "a = b", &[]);
        check("return total", "return subtotal + tax", &["subtotal + tax"]);
        check("if not ready:", "if ready:", &["ready"]);
        check("f(a, b)", "f(a)", &[")"]);
        check("", "new", &["new"]);
        check("gone", "", &[""]);
        check("x\ny", "x\nguard()\ny", &["guard()\n"]);
    }

    proptest! {
        #[test]
        fn unchanged_text_comes_from_the_old(old in "[ab \n(]{0,24}", new in "[ab \n(]{0,24}") {
            let ranges = changed_ranges(&old, &new);
            for pair in ranges.windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
            let mut rest = String::new();
            let mut at = 0;
            for range in &ranges {
                rest.push_str(&new[at..range.start]);
                at = range.end;
            }
            rest.push_str(&new[at..]);
            let mut letters = old.chars();
            prop_assert!(rest.chars().all(|c| letters.any(|o| o == c)), "{rest:?} of {old:?}");
            prop_assert_eq!(ranges.is_empty(), old == new);
        }
    }
}
