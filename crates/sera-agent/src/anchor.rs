//! Edits with the smallest unique anchor: how a known change is written as actions.
use sera_core::{Action, FilePatch, LineKind, TreePath};
use std::ops::Range;

/// Groups of changed lines at most this many unchanged lines apart become one edit.
const GAP: usize = 2;

/// A replaced run of lines on both sides.
struct Group {
    old: Range<usize>,
    new: Range<usize>,
}

/// The [`Action::Edit`]s that turn `before` into `after`, top to bottom, one per group of changed
/// lines, each of whole lines and executable after the ones before it. Empty when nothing differs.
pub fn edits_between(path: &TreePath, before: &str, after: &str) -> Vec<Action> {
    let mut current: Vec<&str> = before.split('\n').collect();
    let after_lines: Vec<&str> = after.split('\n').collect();
    let mut edits = Vec::new();
    let mut shift = 0isize;
    for group in groups(path, before, after) {
        let new = &after_lines[group.new.clone()];
        let start = group.old.start.saturating_add_signed(shift);
        let place = start..start + group.old.len();
        let anchor = anchor(&current, place.clone(), new.is_empty());
        let mut replacement = current[anchor.start..place.start].to_vec();
        replacement.extend_from_slice(new);
        replacement.extend_from_slice(&current[place.end..anchor.end]);
        edits.push(Action::Edit {
            path: path.clone(),
            old: current[anchor].join("\n"),
            new: replacement.join("\n"),
        });
        shift += new.len() as isize - place.len() as isize;
        current.splice(place, new.iter().copied());
    }
    edits
}

/// How often `part` occurs in `text`, overlaps included; an empty part never does.
pub(crate) fn occurrences(text: &str, part: &str) -> usize {
    let Some(first) = part.chars().next() else { return 0 };
    let mut count = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find(part) {
        count += 1;
        from += at + first.len_utf8();
    }
    count
}

/// Where `old` stands but for how far it is indented, and `new` moved as far. `None` where that is
/// nowhere, or at more than one place. Small students see the right line and miscount its spaces.
pub(crate) fn reindented(text: &str, old: &str, new: &str) -> Option<(Range<usize>, String)> {
    let wanted: Vec<&str> = old.lines().collect();
    let first = wanted.iter().find(|line| !line.trim().is_empty())?;
    let mut lines: Vec<Range<usize>> = Vec::new();
    for line in text.split('\n') {
        let start = lines.last().map_or(0, |last| last.end + 1);
        lines.push(start..start + line.len());
    }
    let run = |run: &[Range<usize>]| {
        let lines: Vec<&str> = run.iter().map(|line| &text[line.clone()]).collect();
        let at = wanted.iter().position(|line| line == first)?;
        let shift = (indent(first), indent(lines[at]));
        let same = |(line, wanted): (&&str, &&str)| moved(wanted, shift).as_deref() == Some(*line);
        let fits = lines.iter().zip(&wanted).all(same);
        fits.then(|| (run[0].start..run[run.len() - 1].end, shift))
    };
    let mut found = lines.windows(wanted.len()).filter_map(run);
    let (span, shift) = found.next()?;
    let new: Option<Vec<String>> = new.lines().map(|line| moved(line, shift)).collect();
    if found.next().is_some() { None } else { Some((span, new?.join("\n"))) }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The line with one indentation instead of another; blank lines have none.
fn moved(line: &str, (from, to): (&str, &str)) -> Option<String> {
    if line.trim().is_empty() {
        return Some(line.to_owned());
    }
    line.strip_prefix(from).map(|rest| format!("{to}{rest}"))
}

/// The smallest run of whole lines around `place` whose text occurs once, with at least one line
/// on both sides of the edit so that lines neither vanish nor appear without their newline.
fn anchor(lines: &[&str], place: Range<usize>, deletes: bool) -> Range<usize> {
    let text = lines.join("\n");
    let mut anchor = place.clone();
    let mut above = true;
    let needs_context = place.is_empty() || deletes;
    loop {
        let wide_enough = !needs_context || anchor.len() > place.len();
        if wide_enough && occurrences(&text, &lines[anchor.clone()].join("\n")) == 1 {
            return anchor;
        }
        match (anchor.start > 0, anchor.end < lines.len()) {
            (true, true) if above => anchor.start -= 1,
            (_, true) => anchor.end += 1,
            (true, false) => anchor.start -= 1,
            (false, false) => return anchor,
        }
        above = !above;
    }
}

/// Changed runs by line, near ones merged, over lines split at every newline (so a text that ends
/// with one has an empty last line).
fn groups(path: &TreePath, before: &str, after: &str) -> Vec<Group> {
    let Some(patch) = FilePatch::between(path, Some(before), Some(after)) else {
        return Vec::new();
    };
    let mut groups: Vec<Group> = Vec::new();
    for hunk in &patch.hunks {
        let (mut old, mut new) = (hunk.old_start.max(1) - 1, hunk.new_start.max(1) - 1);
        for line in &hunk.lines {
            let (removed, added) = match line.kind {
                LineKind::Context => (1, 1),
                LineKind::Removed => (1, 0),
                LineKind::Added => (0, 1),
            };
            if line.kind != LineKind::Context {
                match groups.last_mut() {
                    Some(last) if old - last.old.end <= GAP => {
                        last.old.end = old + removed;
                        last.new.end = new + added;
                    }
                    _ => groups.push(Group { old: old..old + removed, new: new..new + added }),
                }
            }
            (old, new) = (old + removed, new + added);
        }
    }
    extend_to_end(&mut groups, before, after);
    groups
}

/// A group that reaches the last line takes what follows its newline, or the lack of one, along.
fn extend_to_end(groups: &mut [Group], before: &str, after: &str) {
    let Some(last) = groups.last_mut() else { return };
    if last.old.end >= before.lines_by_newline() {
        last.old.end = before.split('\n').count();
        last.new.end = after.split('\n').count();
    }
}

trait Lines {
    /// Lines as a diff counts them: a final newline opens no further one.
    fn lines_by_newline(&self) -> usize;
}

impl Lines for str {
    fn lines_by_newline(&self) -> usize {
        self.split_inclusive('\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path() -> TreePath {
        TreePath::new("a.py").expect("a path")
    }

    fn replay(before: &str, edits: &[Action]) -> String {
        let mut text = before.to_owned();
        for edit in edits {
            let Action::Edit { old, new, .. } = edit else { panic!("{edit:?} is no edit") };
            if old.is_empty() {
                assert_eq!(text, "", "only an empty file has no anchor");
            } else {
                assert_eq!(occurrences(&text, old), 1, "{old:?} in {text:?}");
            }
            text = text.replacen(old.as_str(), new, 1);
        }
        text
    }

    #[test]
    fn a_wrong_indentation_is_forgiven() {
        let text = "def f():\n    if a:\n        b()\n\n    c()\n";
        let check = |old: &str, new: &str, expect: Option<(&str, &str)>| {
            let found = reindented(text, old, new);
            let found = found.as_ref().map(|(span, new)| (&text[span.clone()], new.as_str()));
            assert_eq!(found, expect, "{old:?}");
        };
        check("b()", "d()", Some(("        b()", "        d()")));
        check(
            "      b()",
            "      if e:\n        d()",
            Some(("        b()", "        if e:\n          d()")),
        );
        check("if a:\n    b()", "b()", Some(("    if a:\n        b()", "    b()")));
        check("if a:\n  b()", "b()", None);
        check("  b()\n\nc()", "c()", None);
        check("    b()", "c()", None);
        check("z()", "c()", None);
        check("\n", "c()", None);
        let twice = "    x()\n  x()\n";
        assert_eq!(reindented(twice, "x()", "y()"), None, "which one is not said");
    }

    #[test]
    fn anchors_are_small_and_unique() {
        let check = |before: &str, after: &str, expect: &[(&str, &str)]| {
            let edits = edits_between(&path(), before, after);
            let pairs: Vec<(&str, &str)> = edits
                .iter()
                .map(|e| match e {
                    Action::Edit { old, new, .. } => (old.as_str(), new.as_str()),
                    _ => panic!("{e:?} is no edit"),
                })
                .collect();
            assert_eq!(pairs, expect, "{before:?} to {after:?}");
            assert_eq!(replay(before, &edits), after);
        };
        check("a\nb\nc\n", "a\nB\nc\n", &[("b", "B")]);
        check("a\nb\nc\n", "a\nc\n", &[("a\nb", "a")]);
        check("a\nc\n", "a\nb\nc\n", &[("a", "a\nb")]);
        check("x\na\nx\nb\n", "x\na\ny\nb\n", &[("a\nx", "a\ny")]);
        check("", "new\n", &[("", "new\n")]);
        check("a\n", "a\n", &[]);
        check("a", "a\n", &[("a", "a\n")]);
        check("1\n2\n3\n4\n5\n", "one\n2\n3\n4\nfive\n", &[("1", "one"), ("5\n", "five\n")]);
    }

    #[test]
    fn overlapping_occurrences_count() {
        assert_eq!(occurrences("aaa", "aa"), 2);
        assert_eq!(occurrences("ääb", "ä"), 2);
        assert_eq!(occurrences("a", ""), 0);
    }

    proptest! {
        #[test]
        fn edits_lead_to_the_text(before in "([abc]{0,2}\n){0,9}[ab]?", after in "([abc]{0,2}\n){0,9}[ab]?") {
            let edits = edits_between(&path(), &before, &after);
            prop_assert_eq!(replay(&before, &edits), after);
        }
    }
}
