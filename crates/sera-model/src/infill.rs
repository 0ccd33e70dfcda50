//! The format of a hole to be filled: one function for training, evaluation and serving.
//!
//! A vocabulary with markers for the purpose (Qwen2.5-Coder) uses them in the order they were
//! trained in, prefix, suffix, middle. Any other gets plain words around what follows the hole,
//! *before* what precedes it, so that the model's last tokens are the ones it must continue.
//! Where nothing follows, the format is the text itself: a tiny base needs no teaching to go on.
use crate::tokenizer::Tokenizer;

const AFTER_OPEN: &str = "<after>\n";
const AFTER_CLOSE: &str = "</after>\n";

/// No format's markers take more tokens than this.
pub const MARKERS: usize = 12;

/// The tokens that ask for what stands between `before` and `after`.
///
/// The answer is the middle's own tokens, encoded apart, then [`Tokenizer::end_of_text`].
pub fn prompt(tokenizer: &Tokenizer, before: &str, after: &str) -> Vec<u32> {
    let before = || tokenizer.encode(before);
    if after.is_empty() {
        return before();
    }
    let marker = |name| tokenizer.special(name);
    let native = (marker("<|fim_prefix|>"), marker("<|fim_suffix|>"), marker("<|fim_middle|>"));
    if let (Some(prefix), Some(suffix), Some(middle)) = native {
        let after = tokenizer.encode(after);
        return [vec![prefix], before(), vec![suffix], after, vec![middle]].concat();
    }
    let mut tokens = tokenizer.encode(&format!("{AFTER_OPEN}{after}{AFTER_CLOSE}"));
    tokens.extend(before());
    tokens
}

/// The part of `before` and `after` nearest the hole that fits in `limit` tokens, whole lines.
///
/// What precedes a hole says more about it than what follows: `after` gets at most a quarter.
pub fn fit<'a>(
    tokenizer: &Tokenizer,
    before: &'a str,
    after: &'a str,
    limit: usize,
) -> (&'a str, &'a str) {
    let mut budget = limit;
    let after = head_lines(tokenizer, after, limit / 4, &mut budget);
    (tail_lines(tokenizer, before, budget), after)
}

/// The longest run of whole lines at the end of `text` within `limit` tokens.
fn tail_lines<'a>(tokenizer: &Tokenizer, text: &'a str, limit: usize) -> &'a str {
    let (mut start, mut used) = (text.len(), 0);
    for line in text.split_inclusive('\n').rev() {
        used += tokenizer.encode(line).len();
        if used > limit {
            break;
        }
        start -= line.len();
    }
    &text[start..]
}

/// The longest run of whole lines at the start of `text` within `limit` tokens, which `budget` pays.
fn head_lines<'a>(
    tokenizer: &Tokenizer,
    text: &'a str,
    limit: usize,
    budget: &mut usize,
) -> &'a str {
    let (mut end, mut used) = (0, 0);
    for line in text.split_inclusive('\n') {
        let tokens = tokenizer.encode(line).len();
        if used + tokens > limit {
            break;
        }
        used += tokens;
        end += line.len();
    }
    *budget -= used;
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_told_first_and_only_where_there_is_any() {
        let tokenizer = Tokenizer::byte_level(259);
        let text = |before, after| tokenizer.decode(&prompt(&tokenizer, before, after));
        assert_eq!(text("def f():\n", ""), "def f():\n");
        assert_eq!(text("def f():\n", "f()\n"), "<after>\nf()\n</after>\ndef f():\n");
    }

    #[test]
    fn whole_lines_nearest_the_hole_are_kept() {
        let tokenizer = Tokenizer::byte_level(259);
        let fit = |limit| fit(&tokenizer, "aaaa\nbb\nc\n", "x\nyyyyyy\n", limit);
        assert_eq!(fit(100), ("aaaa\nbb\nc\n", "x\nyyyyyy\n"), "everything fits");
        assert_eq!(fit(8), ("bb\nc\n", "x\n"), "a quarter for what follows, whole lines");
        assert_eq!(fit(2), ("c\n", ""), "a quarter of two holds no line");
        assert_eq!(fit(0), ("", ""), "nothing fits");
    }

    #[test]
    fn a_vocabulary_with_markers_uses_them() {
        let mut vocabulary = crate::tokenizer::Vocabulary::bytes();
        let first = u32::try_from(vocabulary.tokens.len()).unwrap();
        for (id, name) in (first..).zip(["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]) {
            vocabulary.tokens.push(name.to_owned());
            vocabulary.special.push(id);
        }
        let tokenizer = Tokenizer::new(vocabulary).unwrap();
        let a = u32::from(b'a');
        let b = u32::from(b'b');
        assert_eq!(prompt(&tokenizer, "a", "b"), [first, a, first + 1, b, first + 2]);
    }
}
