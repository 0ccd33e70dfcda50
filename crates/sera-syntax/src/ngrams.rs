//! How usual a run of tokens is in a tree: an n-gram model that is counted only where it is asked.
//!
//! Code repeats itself, and a repository most of all itself (Hindle et al., 2012; Hellendoorn and
//! Devanbu, 2017). A table of all runs would take a hundred megabytes for a large repository and
//! go stale with every commit; the few thousand runs that a question is about are counted in one
//! pass over the texts instead.
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// Tokens of the longest run: the one that is judged and those it is judged by.
const ORDER: usize = 5;
/// Occurrences that a shorter context is worth beside the longer one (Dirichlet smoothing).
const MASS: f64 = 2.0;
/// Tokens that may follow when nothing is known.
const VOCABULARY: f64 = 65_536.0;

/// A piece of a text: a word, a mark or the end of a line, by its hash, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub hash: u64,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// One replacement among pieces that stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What stays before, as far as it is read.
    pub left: Vec<u64>,
    /// What may stand there.
    pub middle: Vec<u64>,
    /// What stays after, as far as it is judged.
    pub right: Vec<u64>,
}

/// Occurrences of the runs that were asked about.
#[derive(Clone, Debug, Default)]
pub struct Ngrams {
    counts: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    pieces: u64,
}

/// Runs are hashes already: millions of them are looked up in every pass.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, run: u64) {
        self.0 = run;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The pieces of `text`; spaces are none, and a blank line ends nothing more.
pub fn pieces(text: &str) -> Vec<Piece> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::<Piece>::new(), 0);
    while at < bytes.len() {
        let start = at;
        at += 1;
        if word(bytes[start]) {
            at += bytes[at..].iter().take_while(|&&byte| word(byte)).count();
        }
        let blank = match bytes[start] {
            b' ' | b'\t' | b'\r' => true,
            b'\n' => found.last().is_some_and(|last| bytes[last.span.start] == b'\n'),
            _ => false,
        };
        if !blank {
            found.push(Piece { hash: hash(&bytes[start..at]), span: start..at });
        }
    }
    found
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// FNV-1a, whose 64 bits never meet by chance among some million pieces.
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The run that begins one piece earlier.
fn longer(run: u64, before: u64) -> u64 {
    (run.rotate_left(23) ^ before).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The runs of up to `ORDER` pieces that end with the last of `pieces`, shortest first.
fn runs(pieces: &[u64]) -> impl Iterator<Item = u64> + '_ {
    pieces.iter().rev().take(ORDER).scan(0, |run, &piece| {
        *run = longer(*run, piece);
        Some(*run)
    })
}

impl Run {
    /// A replacement with what is read and judged around it of `left` and `right`.
    pub fn new(left: &[Piece], middle: Vec<u64>, right: &[Piece]) -> Self {
        let reach = ORDER - 1;
        let hashes = |pieces: &[Piece]| pieces.iter().map(|piece| piece.hash).collect();
        Self {
            left: hashes(&left[left.len().saturating_sub(reach)..]),
            middle,
            right: hashes(&right[..right.len().min(reach)]),
        }
    }

    fn whole(&self) -> Vec<u64> {
        [self.left.as_slice(), &self.middle, &self.right].concat()
    }

    /// Where the middle lies in the whole.
    fn changed(&self) -> Range<usize> {
        self.left.len()..self.left.len() + self.middle.len()
    }
}

impl Ngrams {
    /// Counts what the probabilities of `asked` are made of in `texts`.
    ///
    /// One pass over all of them, some thirty million pieces a second.
    pub fn count<'a>(
        asked: impl IntoIterator<Item = &'a Run>,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut ngrams = Self::default();
        for run in asked {
            let whole = run.whole();
            for end in run.left.len()..=whole.len() {
                ngrams.counts.extend(runs(&whole[..end]).map(|run| (run, 0)));
            }
        }
        texts.into_iter().for_each(|text| ngrams.add(text));
        ngrams
    }

    fn add(&mut self, text: &str) {
        let pieces: Vec<u64> = pieces(text).iter().map(|piece| piece.hash).collect();
        self.pieces += pieces.len() as u64;
        for end in 1..=pieces.len() {
            // Whoever asks about a run asks about every shorter one with the same end.
            for run in runs(&pieces[..end]) {
                let Some(count) = self.counts.get_mut(&run) else { break };
                *count += 1;
            }
        }
    }

    /// Nats of the middle and right of `run`. It replaces, or is, one that stands in the texts:
    /// that one occurrence is not counted, `stands` says whether it is this.
    pub fn nats(&self, run: &Run, stands: bool) -> f64 {
        let (whole, changed) = (run.whole(), run.changed());
        let judged = changed.start..whole.len();
        judged.map(|at| self.probability(&whole, at, &changed, stands).ln()).sum()
    }

    /// Of the piece at `at` after those before it.
    fn probability(&self, whole: &[u64], at: usize, changed: &Range<usize>, stands: bool) -> f64 {
        let seen = |end: usize, length: usize, run: u64| {
            let start = end - length;
            let outside = end <= changed.start || start >= changed.end;
            let own = u32::from(stands || outside);
            f64::from(self.counts.get(&run).copied().unwrap_or(0).saturating_sub(own))
        };
        let contexts = std::iter::once(self.pieces as f64)
            .chain(runs(&whole[..at]).zip(1..).map(|(run, length)| seen(at, length, run)));
        let ends = runs(&whole[..=at]).zip(1..).map(|(run, length)| seen(at + 1, length, run));
        let smooth = |shorter: f64, (both, context): (f64, f64)| {
            (both + MASS * shorter) / (context.max(both) + MASS)
        };
        ends.zip(contexts).fold(1.0 / VOCABULARY, smooth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(text: &str) -> Vec<u64> {
        pieces(text).iter().map(|piece| piece.hash).collect()
    }

    #[test]
    fn pieces_are_words_marks_and_ends_of_lines() {
        let check = |text: &str, expect: &[&str]| {
            let found: Vec<&str> = pieces(text).iter().map(|p| &text[p.span.clone()]).collect();
            assert_eq!(found, expect, "{text:?}");
        };
        check("a_b += 10.5", &["a_b", "+", "=", "10", ".", "5"]);
        check("\n  x\n\n\ty\r\n", &["\n", "x", "\n", "y", "\n"]);
        check("größe(é)", &["größe", "(", "é", ")"]);
        check("", &[]);
    }

    #[test]
    fn what_the_texts_do_is_likelier() {
        let texts = ["w = f(a, b)\nx = f(a, b)\n", "y = f(c, b)\n", "z = f(a, b)\n"];
        let gain = |left: &str, old: &str, new: &str, right: &str| {
            let run = |middle| Run::new(&pieces(left), hashes(middle), &pieces(right));
            let (old, new) = (run(old), run(new));
            let ngrams = Ngrams::count([&old, &new], texts);
            ngrams.nats(&new, false) - ngrams.nats(&old, true)
        };
        assert!(gain("y = f(", "c", "a", ", b)\n") > 0.0);
        assert!(gain("x = f(", "a", "c", ", b)\n") < 0.0);
        assert!(gain("x = f(", "a", "q", ", b)\n") < gain("x = f(", "a", "c", ", b)\n"));
        assert!(gain("x = f(a, b", "", ", b", ")\n") < 0.0, "nothing says a third argument");
    }

    #[test]
    fn the_run_that_stands_is_not_its_own_witness() {
        let run = |middle| Run::new(&pieces("a ="), hashes(middle), &pieces("\n"));
        let (old, new) = (run("one"), run("two"));
        let ngrams = Ngrams::count([&old, &new], ["a = one\n"]);
        let (old, new) = (ngrams.nats(&old, true), ngrams.nats(&new, false));
        assert!((old - new).abs() < 1e-9, "{old} is not {new}");
    }

    #[test]
    fn probabilities_are_probabilities() {
        let texts = ["a b c a b d a b c\n"];
        for next in ["a", "b", "c", "d", "e"] {
            let run = Run::new(&pieces("a b"), hashes(next), &[]);
            let nats = Ngrams::count([&run], texts).nats(&run, false);
            assert!(nats < 0.0 && nats.is_finite(), "{next}: {nats}");
        }
    }
}
