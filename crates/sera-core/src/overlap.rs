//! Recall and its relatives: how much of a reference patch a candidate reproduces (SERA §3.3).
use crate::{LineKind, Overlap, Patch, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// What a line without substance counts in weighted recall.
const TRIVIAL_WEIGHT: f64 = 0.2;

/// Lines that say nothing about the change they stand in.
const TRIVIAL: [&str; 16] = [
    "else", "return", "pass", "break", "continue", "try", "finally", "end", "do", "then", "fi",
    "done", "begin", "default", "loop", "unsafe",
];

/// A changed line as it is matched, with how often it occurs.
type Lines<'a> = BTreeMap<(&'a TreePath, LineKind, &'a str), usize>;

/// Compares two patches by (path after renames, sign, line) as multisets; blank lines do not count.
/// `None` when the reference has no countable line: such a task has no recall.
pub fn overlap(reference: &Patch, candidate: &Patch) -> Option<Overlap> {
    let (wanted, given) = (lines(reference), lines(candidate));
    let (wanted_count, given_count) = (count(&wanted), count(&given));
    if wanted_count == 0 {
        return None;
    }
    let (mut matched, mut matched_weight, mut weight) = (0, 0.0, 0.0);
    for (key, &times) in &wanted {
        let found = times.min(given.get(key).copied().unwrap_or(0));
        matched += found;
        matched_weight += line_weight(key.2) * found as f64;
        weight += line_weight(key.2) * times as f64;
    }
    let recall = matched as f64 / wanted_count as f64;
    let precision = if given_count == 0 { 0.0 } else { matched as f64 / given_count as f64 };
    let f1 = if matched == 0 { 0.0 } else { 2.0 * recall * precision / (recall + precision) };
    Some(Overlap {
        recall,
        weighted_recall: (matched_weight / weight).min(1.0),
        precision,
        f1: f1.min(1.0),
        size_ratio: given_count as f64 / wanted_count as f64,
        files: jaccard(reference, candidate),
    })
}

fn lines(patch: &Patch) -> Lines<'_> {
    let mut lines = Lines::new();
    for file in &patch.files {
        for line in file.changes().filter(|line| !line.text.trim().is_empty()) {
            *lines.entry((file.path(), line.kind, line.text.as_str())).or_default() += 1;
        }
    }
    lines
}

fn count(lines: &Lines<'_>) -> usize {
    lines.values().sum()
}

fn line_weight(line: &str) -> f64 {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let trimmed = line.trim().trim_matches(|c: char| !word(c));
    let few = line.chars().filter(|&c| word(c)).count() < 3;
    if few || TRIVIAL.contains(&trimmed) { TRIVIAL_WEIGHT } else { 1.0 }
}

fn jaccard(a: &Patch, b: &Patch) -> f64 {
    let paths = |patch: &Patch| -> BTreeSet<TreePath> {
        patch.files.iter().map(|file| file.path().clone()).collect()
    };
    let (a, b) = (paths(a), paths(b));
    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::tests::patches;
    use proptest::prelude::*;

    fn patch(lines: &str) -> Patch {
        let header = "--- a/f\n+++ b/f\n";
        let counted = |signs: &[char]| lines.lines().filter(|l| l.starts_with(signs)).count();
        let (old, new) = (counted(&['-', ' ']), counted(&['+', ' ']));
        Patch::parse(&format!("{header}@@ -1,{old} +1,{new} @@\n{lines}")).unwrap()
    }

    #[test]
    fn shares_of_known_patches() {
        let reference = patch("-old value\n+new value\n+}\n+\n");
        let check = |candidate: &str, expect: [f64; 5]| {
            let o = overlap(&reference, &patch(candidate)).unwrap();
            let got = [o.recall, o.weighted_recall, o.precision, o.size_ratio, o.files];
            for (got, expect) in got.iter().zip(expect) {
                assert!((got - expect).abs() < 1e-12, "{candidate:?} gives {o:?}");
            }
        };
        check("-old value\n+new value\n+}\n", [1.0, 1.0, 1.0, 1.0, 1.0]);
        check("-old value\n+other value\n", [1.0 / 3.0, 1.0 / 2.2, 0.5, 2.0 / 3.0, 1.0]);
        check("+}\n+}\n", [1.0 / 3.0, 0.2 / 2.2, 0.5, 2.0 / 3.0, 1.0]);
        check("-new value\n+old value\n", [0.0, 0.0, 0.0, 2.0 / 3.0, 1.0]);
        check(" old value\n+\n", [0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    /// SERA's `compare_patch_recall` (its code, restated): signed lines of the text with all
    /// whitespace, blank ones and what looks like a header left out, files and places ignored,
    /// each of the candidate's lines used once.
    fn seras(reference: &str, candidate: &str) -> Option<f64> {
        let headers = ["diff", "---", "+++", "@@"];
        let lines = |text: &str| -> Vec<String> {
            let changed = text.lines().filter(|line| line.starts_with(['+', '-']));
            let counted = changed.filter(|line| {
                !headers.iter().any(|header| line.starts_with(header))
                    && !line[1..].trim().is_empty()
            });
            counted.map(str::to_owned).collect()
        };
        let (wanted, mut given) = (lines(reference), lines(candidate));
        let found = |line: &&String| {
            let at = given.iter().position(|other| other == *line);
            at.map(|at| given.swap_remove(at)).is_some()
        };
        let matched = wanted.iter().filter(found).count();
        (!wanted.is_empty()).then(|| matched as f64 / wanted.len() as f64)
    }

    /// A patch of some files as text, its lines drawn from few, so that many are alike.
    fn drawn(random: &mut rand_chacha::ChaCha8Rng, lines: &[&str], files: usize) -> String {
        use rand::Rng as _;
        use std::fmt::Write as _;
        let mut text = String::new();
        for file in 0..files {
            let (mut hunk, mut counts) = (String::new(), [0; 2]);
            for _ in 0..random.random_range(1..9) {
                let sign = ['-', '+', ' '][random.random_range(0..3)];
                let line = lines[random.random_range(0..lines.len())];
                counts[0] += usize::from(sign != '+');
                counts[1] += usize::from(sign != '-');
                writeln!(hunk, "{sign}{line}").unwrap();
            }
            let [old, new] = counts;
            let path = format!("f{file}");
            write!(text, "--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{hunk}").unwrap();
        }
        text
    }

    #[test]
    fn recall_is_seras_but_for_what_it_takes_for_headers_and_for_files() {
        use rand::SeedableRng as _;
        const PLAIN: [&str; 7] = ["a = b", " a = b", "a = b ", "return", "", "  ", "@@ x"];
        const HEADERS: [&str; 4] = ["-- select", "++i", "a = b", "--"];
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(500);
        let ours = |reference: &str, candidate: &str| {
            let parsed = [reference, candidate].map(|text| Patch::parse(text).unwrap());
            overlap(&parsed[0], &parsed[1]).map(|o| o.recall)
        };
        let (mut differ, mut compared) = ([0; 2], 0);
        for pair in 0..500 {
            let (lines, files) = match pair % 5 {
                0..=2 => (&PLAIN[..], 1),
                3 => (&HEADERS[..], 1),
                _ => (&PLAIN[..], 2),
            };
            let [reference, candidate] = [0; 2].map(|_| drawn(&mut random, lines, files));
            let (own, theirs) = (ours(&reference, &candidate), seras(&reference, &candidate));
            compared += usize::from(own.is_some());
            match pair % 5 {
                0..=2 => assert_eq!(own, theirs, "{reference}\n{candidate}"),
                3 => {
                    // A removed line that begins `--` is a line. Marked, it is one for them, too.
                    let marked = |text: &str| {
                        let (head, hunk) = text.split_at(text.find("@@").unwrap());
                        let (at, body) = hunk.split_once('\n').unwrap();
                        let line = |line: &str| format!("{}~{}\n", &line[..1], &line[1..]);
                        format!("{head}{at}\n{}", body.lines().map(line).collect::<String>())
                    };
                    assert_eq!(own, seras(&marked(&reference), &marked(&candidate)));
                    differ[0] += usize::from(own != theirs);
                }
                _ => {
                    // A line counts in its own file alone.
                    assert!(own <= theirs, "{own:?} {theirs:?}");
                    differ[1] += usize::from(own != theirs);
                }
            }
        }
        assert!(compared > 450 && differ.iter().all(|n| *n > 10), "{compared} {differ:?}");
    }

    #[test]
    fn another_file_shares_nothing_and_a_rename_is_followed() {
        let reference = patch("-old value\n");
        let text = reference.to_string();
        let elsewhere = Patch::parse(&text.replace("/f", "/g")).unwrap();
        let o = overlap(&reference, &elsewhere).unwrap();
        assert_eq!((o.recall, o.files), (0.0, 0.0));
        let renamed = Patch::parse(&text.replace("--- a/f", "--- a/g")).unwrap();
        assert_eq!(overlap(&reference, &renamed).unwrap().recall, 1.0);
    }

    #[test]
    fn nothing_countable_has_no_recall() {
        assert_eq!(overlap(&Patch::default(), &patch("+a\n")), None);
        assert_eq!(overlap(&patch("+\n-  \n"), &patch("+a\n")), None);
    }

    #[test]
    fn lines_without_substance_weigh_little() {
        for line in ["}", "  });", "    else:", "return", "pass", "} else {", "ok"] {
            assert_eq!(line_weight(line), TRIVIAL_WEIGHT, "{line:?}");
        }
        for line in ["return x", "x += 1000", "foo()", "elsewhere"] {
            assert_eq!(line_weight(line), 1.0, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn shares_are_shares(a in patches(), b in patches()) {
            if let Some(o) = overlap(&a, &b) {
                for share in [o.recall, o.weighted_recall, o.precision, o.f1, o.files] {
                    prop_assert!((0.0..=1.0).contains(&share), "{:?}", o);
                }
                prop_assert!(o.size_ratio >= 0.0);
            }
        }

        #[test]
        fn a_patch_reproduces_itself(a in patches()) {
            if let Some(o) = overlap(&a, &a) {
                let whole = Overlap { recall: 1.0, weighted_recall: 1.0, precision: 1.0, f1: 1.0,
                    size_ratio: 1.0, files: 1.0 };
                prop_assert_eq!(o, whole);
            }
        }

        #[test]
        fn order_of_files_and_hunks_does_not_matter(a in patches(), b in patches()) {
            let mut shuffled = b.clone();
            shuffled.files.reverse();
            shuffled.files.iter_mut().for_each(|file| file.hunks.reverse());
            prop_assert_eq!(overlap(&a, &shuffled), overlap(&a, &b));
            prop_assert_eq!(overlap(&shuffled, &a), overlap(&b, &a));
        }
    }
}
