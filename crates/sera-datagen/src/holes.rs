//! Completion examples: the code at the cut with a piece of a function missing.
//!
//! What stands around a hole never shows the body of a held-out function unless the hole is in
//! that very function: its text is only ever evaluated on.
use crate::Policy;
use crate::synthesize::rng_seed_of;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sera_core::{FunctionSeed, Hole, Language, Seed, TreePath};
use sera_sandbox::Overlay;
use sera_syntax::Function;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of the file shown before the function, at most.
const ABOVE: usize = 600;

/// Bytes shown after the hole, at most.
const BELOW: usize = 600;

/// Bytes of a function before the hole, at most: a tiny student reads a thousand tokens.
const BEFORE: usize = 2_400;

/// Bytes of a middle, at most; longer second halves are cut at a line.
const MIDDLE: usize = 1_200;

/// Bytes of signature and documentation before a body, at most: a quarter of what a tiny student
/// reads stands around a hole, and without its signature a body says nothing.
const HEAD: usize = 500;

/// Lines of a function that holes are made in, at least.
const SHORTEST: usize = 4;

/// Lines of a hole in the middle, at most.
const HOLE_LINES: usize = 3;

/// One prefix completion (second half of the function) and one hole of a few lines per function
/// seed, held-out ones marked; then, per function that may be trained on, its whole body, which
/// signature and documentation stand before. `source` is the redacted tree at the cut.
///
/// Bodies come last, and held-out functions give none: what is measured, and what retrieval may
/// show first, stays what it is without them.
pub fn holes(seeds: &[Seed], source: &Overlay, policy: &Policy, rng_seed: u64) -> Vec<Hole> {
    let mut by_file = BTreeMap::<&TreePath, Vec<&FunctionSeed>>::new();
    for seed in seeds {
        if let Seed::Function(function) = seed {
            by_file.entry(&function.key.path).or_default().push(function);
        }
    }
    let (mut holes, mut bodies) = (Vec::new(), Vec::new());
    for (path, functions) in by_file {
        let Ok(text) = source.read_text(path) else { continue };
        if text.len() > policy.max_file_bytes {
            continue;
        }
        for function in &functions {
            let mut rng = ChaCha8Rng::seed_from_u64(rng_seed_of(rng_seed, &function.id));
            holes.extend(of_function(function, &functions, &text, &mut rng));
        }
        bodies.extend(bodies_of(path, &functions, &text));
    }
    holes.extend(bodies);
    holes
}

/// The bodies of a file's functions that are not held out, each as a hole.
fn bodies_of(path: &TreePath, seeds: &[&FunctionSeed], text: &Arc<str>) -> Vec<Hole> {
    let training = || seeds.iter().filter(|seed| !seed.held_out);
    let Some(language) = Language::of(path).filter(|_| training().next().is_some()) else {
        return Vec::new();
    };
    let functions = sera_syntax::parse(language, text.clone()).functions();
    let of = |seed: &&&FunctionSeed| {
        let mut same = functions.iter().filter(|f| f.name == seed.key.name && f.span == seed.span);
        body(seed, seeds, same.next()?, text)
    };
    training().filter_map(|seed| of(&seed)).collect()
}

/// What follows signature and documentation, up to the closing brace where there is one. `None`
/// where that is not whole lines, longer than a middle may be (half a body is no answer), or after
/// more documentation than fits.
fn body(
    seed: &FunctionSeed,
    others: &[&FunctionSeed],
    function: &Function,
    text: &str,
) -> Option<Hole> {
    let whole = &function.body;
    let documentation = function.docstring.as_ref().filter(|d| whole.start <= d.start);
    let (start, end, alone) = if text[whole.clone()].starts_with('{') {
        let end = line_start(text, whole.end);
        (line_end(text, whole.start), end, text[end..whole.end].trim() == "}")
    } else {
        let start = line_start(text, whole.start);
        let below = documentation.map_or(start, |documentation| line_end(text, documentation.end));
        (below, line_end(text, whole.end), text[start..whole.start].trim().is_empty())
    };
    let middle = text.get(start..end).filter(|middle| alone && !middle.trim().is_empty())?;
    let lines = line_starts(text, &seed.span).len();
    let head = start - function.span.start.min(start);
    if middle.len() > MIDDLE || head > HEAD || lines < SHORTEST {
        return None;
    }
    let around = Around::of(seed, others, text);
    Some(Hole {
        function: seed.key.clone(),
        language: seed.language,
        before: clipped_start(text, around.above..start, ABOVE + BEFORE).to_owned(),
        middle: middle.to_owned(),
        after: text[clipped(text, end..around.below.max(end), BELOW)].to_owned(),
        held_out: false,
    })
}

fn of_function(
    function: &FunctionSeed,
    others: &[&FunctionSeed],
    text: &Arc<str>,
    rng: &mut ChaCha8Rng,
) -> Vec<Hole> {
    let Some(code) = text.get(function.span.clone()) else { return Vec::new() };
    let starts = line_starts(text, &function.span);
    // The signature and one line of the body stay; the hole is not blank and not the last brace.
    if starts.len() < SHORTEST || code.trim().is_empty() {
        return Vec::new();
    }
    let around = Around::of(function, others, text);
    let half = starts[starts.len() / 2];
    let tail = clipped(text, half..line_end(text, function.span.end), MIDDLE);
    let hole = |range: Range<usize>, after: &str| {
        let middle = &text[range.clone()];
        let before = clipped_start(text, around.above..range.start, ABOVE + BEFORE);
        (!middle.trim().is_empty()).then(|| Hole {
            function: function.key.clone(),
            language: function.language,
            before: before.to_owned(),
            middle: middle.to_owned(),
            after: after.to_owned(),
            held_out: function.held_out,
        })
    };
    let count = rng.random_range(1..=HOLE_LINES.min(starts.len() - 3));
    let first = rng.random_range(1..starts.len() - count);
    let middle = starts[first]..starts[first + count];
    let below = clipped(text, middle.end..around.below, BELOW);
    [hole(tail.clone(), ""), hole(middle, &text[below])].into_iter().flatten().collect()
}

/// How far what surrounds a function may be shown.
struct Around {
    above: usize,
    below: usize,
}

impl Around {
    fn of(function: &FunctionSeed, others: &[&FunctionSeed], text: &str) -> Self {
        let held_out = others.iter().filter(|o| o.held_out && o.key != function.key);
        let (mut above, mut below) = (0, text.len());
        for other in held_out {
            if other.span.end <= function.span.start {
                above = above.max(line_end(text, other.span.end));
            } else if other.span.start >= function.span.end {
                below = below.min(line_start(text, other.span.start));
            }
        }
        let start = line_start(text, function.span.start);
        above = clipped_range(text, above.min(start)..start, ABOVE).start;
        Self { above, below: below.max(line_end(text, function.span.end).min(text.len())) }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Just behind the newline of the line that `at` ends on.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// Starts of the lines of `span`.
fn line_starts(text: &str, span: &Range<usize>) -> Vec<usize> {
    let mut starts = vec![line_start(text, span.start)];
    starts.extend(text[span.clone()].match_indices('\n').map(|(at, _)| span.start + at + 1));
    starts
}

/// As many whole lines from the start of `range` as fit in `bytes`, at least one.
fn clipped(text: &str, range: Range<usize>, bytes: usize) -> Range<usize> {
    let mut end = range.start;
    for line in text[range.clone()].split_inclusive('\n') {
        if end > range.start && end + line.len() - range.start > bytes {
            break;
        }
        end += line.len();
    }
    range.start..end
}

/// As many whole lines up to the end of `range` as fit in `bytes`.
fn clipped_range(text: &str, range: Range<usize>, bytes: usize) -> Range<usize> {
    let mut start = range.end;
    for line in text[range.clone()].split_inclusive('\n').rev() {
        if range.end - (start - line.len()) > bytes {
            break;
        }
        start -= line.len();
    }
    start..range.end
}

fn clipped_start(text: &str, range: Range<usize>, bytes: usize) -> &str {
    &text[clipped_range(text, range, bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::{BlobId, FunctionKey, SeedId};

    /// `before|middle|after` of the body of a file's first function.
    fn body_of(file: &str, text: &str) -> Option<String> {
        let path = TreePath::new(file).unwrap();
        let language = Language::of(&path).unwrap();
        let function = sera_syntax::parse(language, text).functions().swap_remove(0);
        let seed = FunctionSeed {
            id: SeedId::of(&[file]),
            key: FunctionKey { path, name: function.name.clone() },
            language,
            blob: BlobId::from_hex("b"),
            span: function.span.clone(),
            statements: 2,
            complexity: 1,
            held_out: false,
        };
        let Hole { before, middle, after, .. } = body(&seed, &[&seed], &function, text)?;
        Some(format!("{before}|{middle}|{after}"))
    }

    #[test]
    fn a_body_follows_signature_and_documentation() {
        let check = |file: &str, text: &str, expect: Option<&str>| {
            assert_eq!(body_of(file, text).as_deref(), expect, "{text}");
        };
        check(
            "a.py",
            "A = 1\n\ndef f(\n    a,\n):\n    \"\"\"Adds.\"\"\"\n    a += 1\n    return a\n\nB = 2\n",
            Some(
                "A = 1\n\ndef f(\n    a,\n):\n    \"\"\"Adds.\"\"\"\n|    a += 1\n    return a\n|\nB = 2\n",
            ),
        );
        check(
            "a.py",
            "def f(a):\n    a += 1\n    a += 2\n    return a\n",
            Some("def f(a):\n|    a += 1\n    a += 2\n    return a\n|"),
        );
        check(
            "a.py",
            "def f(a,\n      b,\n      c):\n    return a\n",
            Some("def f(a,\n      b,\n      c):\n|    return a\n|"),
        );
        check("a.py", "def f(a,\n      b,\n      c,\n      d): return a\n", None);
        check("a.py", "def f(a):\n    return a\n", None);
        check(
            "a.rs",
            "/// Adds.\nfn f(a: u8) -> u8 {\n    let b = a;\n    b + 1\n}\n",
            Some("/// Adds.\nfn f(a: u8) -> u8 {\n|    let b = a;\n    b + 1\n|}\n"),
        );
        check("a.rs", "fn f(a: u8) -> u8 {\n    let b = a;\n\n    b + 1 }\n", None);
        let long = format!("def f(a):\n{}", "    a = a + 1\n".repeat(100));
        check("a.py", &long, None);
    }

    #[test]
    fn lines_are_never_cut() {
        let text = "one\ntwo\nthree\n";
        assert_eq!(&text[clipped(text, 0..14, 8)], "one\ntwo\n");
        assert_eq!(&text[clipped(text, 0..14, 1)], "one\n");
        assert_eq!(clipped_start(text, 0..14, 10), "two\nthree\n");
        assert_eq!(clipped_start(text, 0..14, 3), "");
        assert_eq!(line_starts(text, &(4..13)), [4, 8]);
    }
}
