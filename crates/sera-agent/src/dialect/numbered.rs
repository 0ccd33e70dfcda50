//! Edits by line number: how a small student writes a change of the function it has opened.
//!
//! It names the line and writes only what differs. Lines to find and lines to put in their place
//! ask for every character twice, and a student of 135M parameters slips while copying, or copies
//! to the end and changes nothing (valid edits went from a third to two thirds).
use super::EDIT;
use crate::words::changed_ranges;
use std::ops::Range;

/// Between a line's number and its text.
pub(super) const NUMBERED: &str = "|";
/// Before what goes and before what comes.
pub(super) const GOES: &str = "-";
pub(super) const COMES: &str = "+";
/// Between the first and the last of several lines.
pub(super) const TO: &str = "-";
/// Between a line's number and which of several equal words is meant.
pub(super) const NTH: &str = ":";

/// The parts of a written edit, before their sense is asked for.
struct Written<'a> {
    header: &'a str,
    old: Vec<String>,
    new: Vec<String>,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let text = text.trim_end().trim_start_matches('\n');
        let mut lines = text.strip_prefix(EDIT.trim_end())?.lines();
        let header = lines.next()?.trim();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in lines {
            let (into, rest) = match line.strip_prefix(GOES) {
                Some(rest) if new.is_empty() => (&mut old, rest),
                _ => (&mut new, line.strip_prefix(COMES)?),
            };
            into.push(rest.strip_prefix(' ').unwrap_or(rest).to_owned());
        }
        Some(Self { header, old, new })
    }
}

fn number(text: &str) -> Option<usize> {
    text.trim().parse().ok()
}

/// A change of a function; lines are counted from 1 at its first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineEdit {
    /// Words on one line give way to others: `edit: 3`, `- old`, `+ new`; `edit: 3:2` where the
    /// second of several is meant. Read with several lines that come, or none, as a diff would be.
    Words {
        /// The line.
        line: usize,
        /// Which of them, from 1.
        nth: usize,
        /// What goes.
        old: String,
        /// What comes.
        new: String,
    },
    /// Lines come after another, 0 for before the first: `edit: 3`, `+ line`.
    Insert {
        /// The line before.
        after: usize,
        /// The new lines.
        new: Vec<String>,
    },
    /// Whole lines give way to others or to none: `edit: 3-5`, `+ line`.
    Replace {
        /// First and last line.
        lines: (usize, usize),
        /// The new lines.
        new: Vec<String>,
    },
}

impl LineEdit {
    /// The edit as the student writes it. [`LineEdit::read`] gives it back.
    pub fn write(&self) -> String {
        let block = |lines: &[String]| -> String {
            lines.iter().map(|line| format!("\n{}", format!("{COMES} {line}").trim_end())).collect()
        };
        match self {
            Self::Words { line, nth, old, new } => {
                let nth = if *nth == 1 { String::new() } else { format!("{NTH}{nth}") };
                let new: Vec<String> = new.split('\n').map(str::to_owned).collect();
                format!("{EDIT}{line}{nth}\n{GOES} {old}{}", block(&new))
            }
            Self::Insert { after, new } => format!("{EDIT}{after}{}", block(new)),
            Self::Replace { lines: (first, last), new } => {
                format!("{EDIT}{first}{TO}{last}{}", block(new))
            }
        }
    }

    /// The edit that `text` spells.
    pub fn read(text: &str) -> Option<Self> {
        let Written { header, old, new } = Written::read(text)?;
        match (header.split_once(TO), old.as_slice(), new.as_slice()) {
            (Some((first, last)), [], _) => {
                let lines = (number(first)?, number(last)?);
                (1 <= lines.0 && lines.0 <= lines.1).then_some(Self::Replace { lines, new })
            }
            (None, [], [_, ..]) => Some(Self::Insert { after: number(header)?, new }),
            (None, [old], _) if !old.trim().is_empty() => {
                let (line, nth) = header.split_once(NTH).unwrap_or((header, "1"));
                let (line, nth) = (number(line)?, number(nth)?);
                Some(Self::Words { line, nth, old: old.clone(), new: new.join("\n") })
            }
            _ => None,
        }
    }

    /// Whether no text that begins with `text`, a whole header at least, spells an edit.
    pub(super) fn hopeless(text: &str) -> bool {
        Written::read(text).is_none_or(|Written { header, old, .. }| {
            let numbers = header.split_once(TO).or(header.split_once(NTH)).unwrap_or((header, "1"));
            let [first, second] = [numbers.0, numbers.1].map(number);
            first.is_none() || second.is_none() || old.len() > usize::from(!header.contains(TO))
        })
    }

    /// Byte ranges of the written edit that say what the old lines did not. Where lines only go,
    /// their numbers; where words only go, the word that follows, or the end of the message.
    pub fn changed(&self) -> Vec<Range<usize>> {
        let written = self.write();
        let header = EDIT.len()..written.find('\n').unwrap_or(written.len());
        let one = |range: Range<usize>| std::iter::once(range).collect::<Vec<_>>();
        match self {
            Self::Replace { new, .. } if new.is_empty() => one(header),
            Self::Insert { .. } | Self::Replace { .. } => one(header.end + 1..written.len()),
            Self::Words { old, new, .. } if new.contains('\n') => {
                one(header.end + "\n- ".len() + old.len() + 1..written.len())
            }
            Self::Words { old, new, .. } => {
                let start = header.end + "\n- ".len() + old.len() + "\n+ ".len();
                let end = |range: &Range<usize>| range.end + usize::from(range.is_empty());
                let shift = |range: Range<usize>| start + range.start..start + end(&range);
                changed_ranges(old, new).into_iter().map(shift).collect()
            }
        }
    }

    /// Where the words that go and those that come begin in the written edit.
    pub fn swapped(&self) -> Option<(usize, usize)> {
        let Self::Words { old, .. } = self else { return None };
        let old_at = self.write().find('\n')? + "\n- ".len();
        Some((old_at, old_at + old.len() + "\n+ ".len()))
    }

    /// The function's lines afterwards; `None` where it has no such line or words, or where
    /// nothing would change. As `patch` does with a hunk, words that do not stand on their line are
    /// looked for on the nearest one that holds them: small students miscount.
    pub fn apply(&self, function: &[&str]) -> Option<Vec<String>> {
        let (place, new) = match self {
            Self::Insert { after, new } => (*after..*after, new.clone()),
            Self::Replace { lines, new } => (lines.0 - 1..lines.1, new.clone()),
            Self::Words { line, nth, old, new } => {
                let at = line_of(function, *line, old)?;
                let places = places(function[at], old);
                let start = *places.get(nth.wrapping_sub(1)).or(places.first())?;
                let (head, tail) = (&function[at][..start], &function[at][start + old.len()..]);
                let replaced = [head, new, tail].concat();
                (at..at + 1, replaced.split('\n').map(str::to_owned).collect())
            }
        };
        let same = function.get(place.clone())?.iter().eq(new.iter());
        let own = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let after = [own(&function[..place.start]), new, own(&function[place.end..])].concat();
        (!same).then_some(after)
    }
}

/// Index of the line nearest to the named one that holds `old`, the earlier of two as near.
fn line_of(function: &[&str], line: usize, old: &str) -> Option<usize> {
    let named = line.checked_sub(1).filter(|&named| named < function.len())?;
    let holding = (0..function.len()).filter(|&at| function[at].contains(old));
    holding.min_by_key(|at| at.abs_diff(named))
}

/// Where `part` stands in a line: as whole words, or anywhere if nowhere so.
fn places(line: &str, part: &str) -> Vec<usize> {
    let all: Vec<usize> = line.match_indices(part).map(|(at, _)| at).collect();
    let whole = |at: &usize| !cuts(line, *at) && !cuts(line, *at + part.len());
    let words: Vec<usize> = all.iter().copied().filter(whole).collect();
    if words.is_empty() { all } else { words }
}

/// A function as it was opened. Lines that the observation leaves out are counted all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    lines: Vec<String>,
}

impl View {
    /// The view that an observation shows.
    pub fn new(observation: &str) -> Self {
        Self { lines: observation.split('\n').map(str::to_owned).collect() }
    }

    /// The lines with their numbers.
    pub fn shown(&self) -> String {
        self.part(0..self.lines.len())
    }

    /// Some of them.
    fn part(&self, part: Range<usize>) -> String {
        let numbered = |(line, number): (&String, usize)| match left_out(line) {
            Some(_) => line.clone(),
            None => format!("{number}{NUMBERED}{line}"),
        };
        let shown: Vec<String> =
            self.lines.iter().zip(self.numbers()).map(numbered).skip(part.start).collect();
        shown[..part.len()].join("\n")
    }

    fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.lines.iter().scan(1usize, |next, line| {
            let number = *next;
            *next = next.saturating_add(left_out(line).unwrap_or(1));
            Some(number)
        })
    }

    /// The replacement of `old`, which must stand in the view once, by `new`: as [`View::turn`]
    /// does it. `None` where the view does not show it whole.
    pub fn edit(&mut self, old: &str, new: &str) -> Option<(LineEdit, String)> {
        let text = self.lines.join("\n");
        let once = crate::anchor::occurrences(&text, old) == 1;
        once.then(|| self.turn(&text.replacen(old, new, 1))).flatten()
    }

    /// Makes the view that of another text, and gives the edit from the first to the last line
    /// that differ and what is seen around it afterwards. `None` where nothing differs or what
    /// differs was not shown.
    pub fn turn(&mut self, text: &str) -> Option<(LineEdit, String)> {
        let after: Vec<String> = text.split('\n').map(str::to_owned).collect();
        let short = self.lines.len().min(after.len());
        let head = (0..short).take_while(|&i| self.lines[i] == after[i]).count();
        let tail = (0..short - head)
            .take_while(|i| self.lines[self.lines.len() - 1 - i] == after[after.len() - 1 - i])
            .count();
        let (gone, come) = (head..self.lines.len() - tail, head..after.len() - tail);
        let shown = self.lines[gone.clone()].iter().all(|line| left_out(line).is_none());
        if !shown || gone.is_empty() && come.is_empty() {
            return None;
        }
        let edit = self.line_edit(gone, &after[come.clone()]);
        self.lines = after;
        let around = come.start.saturating_sub(2)..self.lines.len().min(come.end + 2);
        Some((edit, self.part(around)))
    }

    fn line_edit(&self, gone: Range<usize>, come: &[String]) -> LineEdit {
        let numbers: Vec<usize> = self.numbers().collect();
        let new = come.to_vec();
        match (&self.lines[gone.clone()], come) {
            ([], _) => {
                let end = |at: usize| {
                    numbers[at].saturating_add(left_out(&self.lines[at]).unwrap_or(1)) - 1
                };
                LineEdit::Insert { after: gone.start.checked_sub(1).map_or(0, end), new }
            }
            ([old], [line]) => {
                let number = numbers[gone.start];
                let whole = LineEdit::Replace { lines: (number, number), new };
                words(number, old, line).unwrap_or(whole)
            }
            _ => LineEdit::Replace { lines: (numbers[gone.start], numbers[gone.end - 1]), new },
        }
    }
}

/// How many lines a line of a view stands for.
fn left_out(line: &str) -> Option<usize> {
    line.strip_prefix("... ")?.strip_suffix(" lines not shown ...")?.parse().ok()
}

/// The fewest whole words that change from one line to the other; `None` where its indentation
/// changes too or nothing would be left.
fn words(line: usize, old: &str, new: &str) -> Option<LineEdit> {
    let mut both = Both { old, new, head: 0, tail: 0 };
    both.head = common(old.chars(), new.chars());
    both.tail = common(old[both.head..].chars().rev(), new[both.head..].chars().rev());
    let indent = old.len() - old.trim_start().len();
    both.slide();
    both.whole_words();
    let mut left = true;
    while !both.is_clear() {
        let room = (both.head > indent, both.tail > 0);
        match room {
            (false, false) => return None,
            (true, _) if left || !room.1 => both.grow_left(),
            _ => both.grow_right(),
        }
        both.whole_words();
        left = !left;
    }
    let (gone, come) = both.parts();
    let nth = places(old, gone).iter().position(|&at| at == both.head)? + 1;
    let words = LineEdit::Words { line, nth, old: gone.to_owned(), new: come.to_owned() };
    (both.head >= indent).then_some(words)
}

fn common(a: impl Iterator<Item = char>, b: impl Iterator<Item = char>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

/// Two lines with the same beginning and end.
struct Both<'a> {
    old: &'a str,
    new: &'a str,
    /// Bytes of the common beginning and end.
    head: usize,
    tail: usize,
}

impl<'a> Both<'a> {
    fn parts(&self) -> (&'a str, &'a str) {
        let part = |text: &'a str| &text[self.head..text.len() - self.tail];
        (part(self.old), part(self.new))
    }

    /// Whether neither part is empty or would be trimmed.
    fn is_clear(&self) -> bool {
        let (old, new) = self.parts();
        let tight = |part: &str| !part.is_empty() && part.trim() == part;
        tight(old) && tight(new)
    }

    /// What is put in (or left out) between two spaces belongs to what stands before it.
    fn slide(&mut self) {
        let (old, new) = self.parts();
        let alone = old.is_empty() != new.is_empty();
        if alone && [old, new].concat().ends_with(' ') && self.old[..self.head].ends_with(' ') {
            (self.head, self.tail) = (self.head - 1, self.tail + 1);
        }
    }

    /// Grows both ways until no word is cut in either line.
    fn whole_words(&mut self) {
        while cuts(self.old, self.head) || cuts(self.new, self.head) {
            self.grow_left();
        }
        while cuts(self.old, self.old.len() - self.tail)
            || cuts(self.new, self.new.len() - self.tail)
        {
            self.grow_right();
        }
    }

    fn grow_left(&mut self) {
        self.head -= self.old[..self.head].chars().next_back().map_or(0, char::len_utf8);
    }

    fn grow_right(&mut self) {
        let rest = &self.old[self.old.len() - self.tail..];
        self.tail -= rest.chars().next().map_or(0, char::len_utf8);
    }
}

/// Whether a word or an operator reaches over a place in a line.
fn cuts(line: &str, at: usize) -> bool {
    let kind = |c: char| match c {
        c if crate::words::is_word(c) => 1,
        '=' | '<' | '>' | '!' | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | ':' => 2,
        _ => 0,
    };
    let before = line[..at].chars().next_back().map_or(0, kind);
    let after = line[at..].chars().next().map_or(0, kind);
    before != 0 && before == after
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SEEN: &str = "def f(a, b):\n... 3 lines not shown ...\n    if a < b:\n        return a\n    return g(a, a)";

    #[test]
    fn only_what_changes_is_written() {
        let check = |old: &str, new: &str, expect: &str, marked: &[&str]| {
            let (edit, _) = View::new(SEEN).edit(old, new).expect("it stands there once");
            let written = edit.write();
            assert_eq!(written, expect, "{old:?} to {new:?}");
            let changed: Vec<&str> =
                edit.changed().into_iter().map(|r| written.get(r).unwrap_or("END")).collect();
            assert_eq!(changed, marked, "{written}");
            assert_eq!(LineEdit::read(&written), Some(edit));
        };
        check("    if a < b:", "    if a <= b:", "edit: 5\n- <\n+ <=", &["="]);
        check("    if a < b:", "    if not a < b:", "edit: 5\n- if\n+ if not", &[" not"]);
        check("(a, b)", "(a, base)", "edit: 1\n- b\n+ base", &["base"]);
        check("g(a, a)", "g(a, b)", "edit: 7:2\n- a\n+ b", &["b"]);
        check("g(a, a)", "g(a)", "edit: 7\n- a, a\n+ a", &["END"]);
        check("        return a\n", "", "edit: 6-6", &["6-6"]);
        check(
            "    if a < b:",
            "    a = 1\n    if a < b:",
            "edit: 4\n+     a = 1",
            &["+     a = 1"],
        );
        check("        return a", "    return b", "edit: 6-6\n+     return b", &["+     return b"]);
        check("def f(a, b):", "@x\ndef f(a, b):", "edit: 0\n+ @x", &["+ @x"]);
        let beyond = View::new(SEEN).edit("    return g(a, a)\n\ndef h():", "\n\ndef h():");
        assert_eq!(beyond, None, "it goes on where the view ends");
        assert_eq!(View::new(SEEN).edit("a", "b"), None, "more than one");
        assert_eq!(View::new(SEEN).edit("c", "b"), None, "none");
    }

    #[test]
    fn lines_are_numbered_and_left_out_ones_counted() {
        let mut view = View::new("def f():\n... 3 lines not shown ...\n    x\n    y");
        let numbered = "1|def f():\n... 3 lines not shown ...\n5|    x\n6|    y";
        assert_eq!(view.shown(), numbered);
        let (edit, seen) = view.edit("    y", "    z\n    y").expect("it stands there");
        assert_eq!(edit, LineEdit::Insert { after: 5, new: vec!["    z".to_owned()] });
        assert_eq!(seen, "... 3 lines not shown ...\n5|    x\n6|    z\n7|    y");
    }

    #[test]
    fn a_line_that_looks_left_out_is_only_miscounted() {
        let text = format!("def f():\n... {} lines not shown ...\n    x", usize::MAX);
        assert!(View::new(&text).shown().ends_with("|    x"));
        assert!(View::new(&text).edit("    x", "    x\n    y").is_some());
    }

    #[test]
    fn what_was_read_leniently_is_marked_too() {
        let check = |text: &str, changed: &str, swapped: (&str, &str)| {
            let edit = LineEdit::read(text).expect("it is an edit");
            let written = edit.write();
            let marked: Vec<&str> =
                edit.changed().into_iter().map(|r| written.get(r).unwrap_or("END")).collect();
            assert_eq!(marked, [changed], "{text:?}");
            let (old, new) = edit.swapped().expect("words go");
            let from = |at: usize| written.get(at..).unwrap_or("END");
            assert_eq!((from(old), from(new)), swapped, "{text:?}");
        };
        check("edit: 2\n- a\n+ b\n+ c", "+ b\n+ c", ("a\n+ b\n+ c", "b\n+ c"));
        check("edit: 2\n- a", "END", ("a\n+", "END"));
        check("edit: 2:2\n- a\n+ b", "b", ("a\n+ b", "b"));
    }

    #[test]
    fn edits_apply_to_the_functions_own_lines() {
        let function = ["def f(a):", "    b = a", "    return b + a"];
        let check = |text: &str, expect: Option<&str>| {
            let after = LineEdit::read(text).and_then(|edit| edit.apply(&function));
            assert_eq!(after.map(|lines| lines.join("\n")).as_deref(), expect, "{text:?}");
        };
        check("edit: 2\n- a\n+ 1", Some("def f(a):\n    b = 1\n    return b + a"));
        check("edit:2-2", Some("def f(a):\n    return b + a"));
        check("edit: 2\n+     c", Some("def f(a):\n    b = a\n    c\n    return b + a"));
        check("edit: 0\n+ @d\n", Some("@d\ndef f(a):\n    b = a\n    return b + a"));
        check("edit: 2-3\n+     return a", Some("def f(a):\n    return a"));
        check("edit: 2:3\n- a\n+ 1", Some("def f(a):\n    b = 1\n    return b + a"));
        check("edit: 3:2\n- r\n+ z", Some("def f(a):\n    b = a\n    retuzn b + a"));
        check("edit: 1\n- b\n+ c", Some("def f(a):\n    c = a\n    return b + a"));
        check("edit: 2\n- return\n+ yield", Some("def f(a):\n    b = a\n    yield b + a"));
        check("edit: 3\n-  + a", Some("def f(a):\n    b = a\n    return b"));
        check(
            "edit: 2\n- a\n+ a\n+     c = a",
            Some("def f(a):\n    b = a\n    c = a\n    return b + a"),
        );
        for wrong in [
            "edit: 2\n- a\n+ a",
            "edit: 2-2\n+     b = a",
            "edit: 4\n+ x\nand more",
            "edit: 4\n+ x",
            "edit: 3-4",
            "edit: 0-1",
            "edit: 3-2",
            "edit: 2",
            "edit: two\n+ x",
            "edit: 2\n- zz\n+ x",
            "edit: 3\n- f\n+ g\n- h",
            "edit: 9\n- b\n+ c",
            "open: a.py",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn hopeless_is_what_no_end_makes_an_edit() {
        let check = |text: &str, expect: bool| {
            assert_eq!(crate::dialect::hopeless(text), expect, "{text:?}");
        };
        for open in ["", "\n", "ed", "edit: 3", "edit: 3\n", "edit: 3:2\n- a", "edit: 3-5\n+ a\n"] {
            check(open, false);
        }
        for open in ["edit: a.py\n", "edit: a.py\n<<<<<<<\nx\n", "sub", "open: a.py::f\n\n"] {
            check(open, false);
        }
        for over in
            ["The", "edit: the\nx", "edit: a.py\n- a", "edit: 3\n- a\n- b", "edit: 3-5\n- a"]
        {
            check(over, true);
        }
        for over in ["edit: 3\n+ a\n- b", "edit: 3\n\nso", "submit\nThen", "open: a.py\nedit: 3"] {
            check(over, true);
        }
    }

    fn line() -> impl Strategy<Value = String> {
        "( {0,3}[ab]( ?[-+(),<=ab]){0,5})?"
    }

    proptest! {
        #[test]
        fn writing_and_applying_gives_the_text(before in proptest::collection::vec(line(), 1..6), at in 0usize..6, take in 0usize..3, put in proptest::collection::vec(line(), 0..3)) {
            let at = at.min(before.len());
            let end = (at + take).min(before.len());
            let wanted = [&before[..at], &put, &before[end..]].concat();
            let mut view = View::new(&before.join("\n"));
            prop_assume!(!wanted.is_empty());
            if let Some((edit, _)) = view.edit(&before.join("\n"), &wanted.join("\n")) {
                let written = edit.write();
                let mut ends = written.char_indices().map(|(end, _)| end);
                prop_assert!(!ends.any(|end| crate::dialect::hopeless(&written[..end])));
                let read = LineEdit::read(&written);
                let lines: Vec<&str> = before.iter().map(String::as_str).collect();
                let trimmed: Vec<String> = wanted.iter().map(|l| l.trim_end().to_owned()).collect();
                let after = read.and_then(|edit| edit.apply(&lines));
                let after = after.map(|lines| lines.iter().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>());
                prop_assert_eq!(after, Some(trimmed), "{:?}", edit);
            }
        }
    }
}
