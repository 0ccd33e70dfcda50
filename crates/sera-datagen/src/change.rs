//! What a fix inserts, and the two rules that hang on it: the text must not hold it (*no leak*),
//! and a solver must have been able to see it (*derivable*).
use sera_core::{Hunk, Language, LineKind, Patch, TreePath};
use sera_syntax::{Parsed, Token, TokenKind};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// The longest run of code tokens of an added line that a text may hold is one less than this,
/// or than half the line's tokens.
const RUN: usize = 8;

/// Values that every reader of the language knows before seeing any code, as it knows its
/// keywords: to insert one is not to guess a name.
const KNOWN_VALUES: &[&str] = &[
    "True",
    "False",
    "None",
    "true",
    "false",
    "null",
    "nil",
    "undefined",
    "this",
    "self",
    "super",
];

/// The names and literals of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Identifiers and literals of added lines.
    inserted: BTreeSet<String>,
    /// Identifiers and literals of added lines that no other line of the patch holds.
    only_added: BTreeSet<String>,
    /// Added lines as code tokens.
    added: Vec<Vec<String>>,
    /// Added lines, trimmed.
    lines: Vec<String>,
    /// Code tokens of removed and context lines, line by line.
    other: Vec<Vec<String>>,
    /// Removed and context lines.
    others: Seen,
}

impl Change {
    /// Takes a patch apart; `read` gives the text of a file before it. `None` where it does not
    /// apply there.
    pub fn of(patch: &Patch, read: &dyn Fn(&TreePath) -> Option<String>) -> Option<Self> {
        let mut change = Self::default();
        for (path, after) in patch.apply(read, 0).ok()? {
            let after: Arc<str> = after.unwrap_or_default().into();
            let language = Language::of(&path);
            let parsed = language.map(|language| sera_syntax::parse(language, after.clone()));
            let names = Names::of(after, parsed.as_ref());
            for file in patch.files.iter().filter(|f| *f.path() == path) {
                file.hunks.iter().for_each(|hunk| change.add_hunk(&names, hunk));
            }
        }
        change.finish();
        Some(change)
    }

    /// The same for the patch of one file whose names after it are known.
    pub(crate) fn to(patch: &Patch, after: &Names) -> Self {
        let mut change = Self::default();
        for file in &patch.files {
            file.hunks.iter().for_each(|hunk| change.add_hunk(after, hunk));
        }
        change.finish();
        change
    }

    fn add_hunk(&mut self, names: &Names, hunk: &Hunk) {
        let mut after = hunk.new_start.max(1) - 1;
        for line in &hunk.lines {
            let pieces = pieces(&line.text).map(str::to_owned).collect();
            if line.kind == LineKind::Added {
                self.inserted.extend(names.on(after));
                self.lines.push(line.text.trim().to_owned());
                self.added.push(pieces);
            } else {
                self.others.add(&line.text);
                self.other.push(pieces);
            }
            after += usize::from(line.kind != LineKind::Removed);
        }
    }

    fn finish(&mut self) {
        let others = &self.others;
        self.only_added = self.inserted.iter().filter(|t| !others.holds(t)).cloned().collect();
    }

    /// Whether `text` gives the fix away: it holds an added line, a run of min(8, half the line)
    /// code tokens of one that stands nowhere else in the patch, or a name or literal that only
    /// added lines hold.
    pub fn leaks_into(&self, text: &str) -> bool {
        let told: Vec<&str> = pieces(text).collect();
        let words: HashSet<&str> = told.iter().copied().collect();
        let flat = squeezed(text);
        let line = |l: &String| names_something(l) && flat.contains(&squeezed(l));
        let name = |token: &String| match token.trim_matches(['"', '\'', '`']) {
            bare if bare.chars().all(is_word) => words.contains(bare),
            bare => bare.len() > 1 && flat.contains(&squeezed(bare)),
        };
        self.lines.iter().any(line)
            || self.only_added.iter().any(name)
            || self.added.iter().any(|line| self.run_in(line, &told))
    }

    fn run_in(&self, line: &[String], told: &[&str]) -> bool {
        let size = RUN.min(line.len().div_ceil(2)).max(1);
        line.windows(size).any(|run| {
            let same = |w: &[&str]| w.iter().zip(run).all(|(a, b)| a == b);
            run.iter().any(|t| t.chars().any(char::is_alphanumeric))
                && told.windows(size).any(same)
                && !keywords_alone(run)
                && !self.other.iter().any(|l| l.windows(size).any(|w| w == run))
        })
    }

    /// Whether everything the fix inserts has been seen.
    pub fn determined_by(&self, seen: &Seen) -> bool {
        self.inserted.iter().all(|token| seen.holds(token))
    }

    /// Whether everything that `new` holds of what the fix inserts has been seen.
    pub fn part_determined_by(&self, new: &str, seen: &Seen) -> bool {
        let held = Seen::of([new]);
        self.inserted.iter().filter(|t| held.holds(t)).all(|token| seen.holds(token))
    }
}

/// Text that a solver has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    text: String,
    words: HashSet<String>,
}

impl Seen {
    /// What has been seen in `texts`.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = Self::default();
        texts.into_iter().for_each(|text| seen.add(text));
        seen
    }

    /// Sees more.
    pub fn add(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.words.extend(words(text).map(str::to_owned));
    }

    /// Share of the words of `text` that were not seen, keywords left out; 0 where it has none.
    pub fn share_unseen(&self, text: &str) -> f64 {
        let told: Vec<&str> = words(text).filter(|word| !KEYWORDS.contains(word)).collect();
        let unseen = told.iter().filter(|word| !self.words.contains(**word)).count();
        unseen as f64 / told.len().max(1) as f64
    }

    /// Whether an identifier or literal was seen as a whole.
    pub fn holds(&self, token: &str) -> bool {
        if token.chars().all(is_word) {
            self.words.contains(token)
        } else {
            self.text.contains(token)
        }
    }

    /// Whether a word was seen: by itself, or as part of a longer name as a search splits it.
    pub fn holds_word(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// The identifiers and literals of a text, by line.
pub(crate) struct Names {
    text: Arc<str>,
    lines: Vec<Range<usize>>,
    tokens: Vec<Range<usize>>,
}

impl Names {
    /// Those of `text`, which `parsed` was made of; a text of no known language has none.
    pub(crate) fn of(text: Arc<str>, parsed: Option<&Parsed>) -> Self {
        let mut at = 0;
        let line = |line: &str| {
            at += line.len();
            at - line.len()..at
        };
        let named = |t: &Token<'_>| matches!(t.kind, TokenKind::Identifier | TokenKind::Literal);
        let tokens = parsed.map_or_else(Vec::new, Parsed::tokens);
        let tokens = tokens.into_iter().filter(named).map(|t| t.span).collect();
        let lines = text.split_inclusive('\n').map(line).collect();
        Self { text, lines, tokens }
    }

    /// Names and literals on a line, from 0; a line that is a comment stands for itself as a
    /// whole, because what a comment says cannot be derived either.
    fn on(&self, line: usize) -> Vec<String> {
        let Some(line) = self.lines.get(line) else { return Vec::new() };
        let first = self.tokens.partition_point(|t| t.end <= line.start);
        let mut on = self.tokens[first..].iter().take_while(|t| t.start < line.end).peekable();
        let whole = self.text[line.clone()].trim();
        let comment = ["#", "//", "/*", "*"].iter().any(|c| whole.starts_with(c));
        if comment && on.peek().is_none() {
            return vec![whole.to_owned()];
        }
        on.map(|t| self.text[t.clone()].to_owned())
            .filter(|t| !KNOWN_VALUES.contains(&t.as_str()))
            .collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Runs of word characters.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|w| !w.is_empty())
}

/// Words and single other visible characters: code tokens, near enough for every language.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line says more than `else:` does.
fn names_something(line: &str) -> bool {
    pieces(line).filter(|p| p.starts_with(is_word)).any(|p| !KEYWORDS.contains(&p))
}

fn keywords_alone(run: &[String]) -> bool {
    run.iter().all(|t| !t.starts_with(is_word) || KEYWORDS.contains(&t.as_str()))
}

/// Words of the languages that are words of English too: no text could do without them.
const KEYWORDS: &[&str] = &[
    "and", "as", "async", "await", "break", "case", "catch", "class", "const", "continue", "def",
    "default", "defer", "del", "do", "elif", "else", "enum", "except", "false", "False", "finally",
    "fn", "for", "from", "func", "function", "global", "go", "if", "impl", "import", "in", "is",
    "lambda", "let", "loop", "match", "mut", "new", "nil", "None", "nonlocal", "not", "null", "of",
    "or", "pass", "pub", "raise", "range", "return", "self", "static", "struct", "switch", "this",
    "throw", "true", "True", "try", "type", "use", "var", "void", "where", "while", "with",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::FilePatch;

    fn change(old: &str, new: &str) -> Change {
        let path = TreePath::new("a.py").unwrap();
        let patch = Patch { files: vec![FilePatch::between(&path, Some(old), Some(new)).unwrap()] };
        Change::of(&patch, &|_| Some(old.to_owned())).unwrap()
    }

    const OLD: &str = "def area(width, height):\n    total = width * width\n    return total\n";
    const NEW: &str = "def area(width, height):\n    total = width * height\n    return total\n";

    #[test]
    fn inserted_names_must_have_been_seen() {
        let swap = change(OLD, NEW);
        assert!(swap.determined_by(&Seen::of([OLD])));
        assert!(!swap.determined_by(&Seen::of(["area of width"])));
        assert!(!swap.determined_by(&Seen::of(["heights"])));
        let number = change("x = f(1)\n", "x = f(25)\n");
        assert!(!number.determined_by(&Seen::of(["x = f(1)"])));
        assert!(number.determined_by(&Seen::of(["x = f(1)", "limit = 25"])));
        let flag = change("x = f(True)\n", "x = f(False)\n");
        assert!(flag.determined_by(&Seen::of(["x = f(True)"])));
        let comment = change("x = 1\n", "# why it is one\nx = 1\n");
        assert!(!comment.determined_by(&Seen::of(["x = 1"])));
        let deletion = change("log(x)\nx = 1\n", "x = 1\n");
        assert!(deletion.determined_by(&Seen::of([""])));
    }

    #[test]
    fn new_words_are_a_share_of_all() {
        let seen = Seen::of(["width of total"]);
        for (text, expect) in [("width height", 0.5), ("return total", 0.0), ("= {}", 0.0)] {
            assert!((seen.share_unseen(text) - expect).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn texts_that_give_the_fix_away() {
        let check = |change: &Change, text: &str, expect: bool| {
            assert_eq!(change.leaks_into(text), expect, "{text:?}");
        };
        let swap = change(OLD, NEW);
        check(&swap, "`area` gives the wrong result for oblong shapes", false);
        check(&swap, "the total is width * height", true);
        // `height` stands in a context line, so that it is no secret; how it is used is.
        check(&swap, "`area` ignores the height", false);
        let guard = change(
            "def f(x):\n    return g(x)\n",
            "def f(x):\n    if limit:\n        return None\n    return g(x)\n",
        );
        check(&guard, "f does not stop at the limit", true);
        check(&guard, "f goes on when it should not, and returns too much", false);
        let text = change("f('a b')\n", "f('c d')\n");
        check(&text, "it should say c d", true);
        check(&text, "it should say c and d", false);
    }

    #[test]
    fn a_patch_that_does_not_apply_has_no_change() {
        let path = TreePath::new("a.py").unwrap();
        let patch =
            Patch { files: vec![FilePatch::between(&path, Some("a\n"), Some("b\n")).unwrap()] };
        assert_eq!(Change::of(&patch, &|_| Some("c\n".to_owned())), None);
    }
}
