//! Guesses at what comes next, from what stands above: after the last words' latest earlier place the
//! text often goes on as it went on there, and an edit copies most of what it was shown.
//!
//! Guessed tokens are read together with the last one and kept as far as they are what is chosen then
//! (speculative decoding, Leviathan et al., arXiv 2211.17192, with the prompt itself as the draft
//! model). Rows read together meet each other's keys and values before these are rounded to be kept:
//! an answer is the same with and without guesses but for that rounding.
use crate::cache::WRITTEN;

/// Tokens that have to be equal before a guess is made: more are trusted first.
const KEYS: std::ops::RangeInclusive<usize> = 2..=5;
/// Tokens guessed at most: with the last one as many as are cheaply read together.
const MOST: usize = WRITTEN - 1;
/// Share of right guesses at first.
const TRUST: f32 = 0.7;
/// Share below which guessing costs more than it gives: a guess that is read takes about two fifths
/// of the time of a token that is written alone.
const WORTH: f32 = 0.35;
/// Tokens written without guessing once it did not pay.
const REST: usize = 32;

/// Whether guessing pays, as far as this answer shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drafts {
    /// Share of guesses that were right, lately; as large a share of [`MOST`] is guessed.
    share: f32,
    /// Tokens to be written before the next guess.
    rest: usize,
}

impl Drafts {
    /// With the benefit of the doubt.
    pub(crate) fn new() -> Self {
        Self { share: TRUST, rest: 0 }
    }

    /// What may follow `tokens`; nothing where nothing is known or guessing did not pay.
    pub(crate) fn guess<'a>(&mut self, tokens: &'a [u32]) -> &'a [u32] {
        if self.rest > 0 {
            self.rest -= 1;
            return &[];
        }
        let most = (self.share * MOST as f32).round() as usize;
        let follows = KEYS.rev().find_map(|key| after(tokens, key)).unwrap_or_default();
        &follows[..follows.len().min(most)]
    }

    /// Learns that so many of so many guessed tokens, at least one, were right.
    pub(crate) fn learn(&mut self, right: usize, guessed: usize) {
        self.share = 0.75 * self.share + 0.25 * right as f32 / guessed as f32;
        if self.share < WORTH {
            *self = Self { rest: REST, ..Self::new() };
        }
    }
}

/// What followed the last `key` tokens where they stood before, latest.
fn after(tokens: &[u32], key: usize) -> Option<&[u32]> {
    let from = tokens.len().checked_sub(key)?;
    // Their own place ends where the text does.
    let before = tokens.split_last()?.1;
    let at = before.windows(key).rposition(|window| window == &tokens[from..])?;
    Some(&tokens[at + key..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[u32], expect: &[u32]) {
        assert_eq!(Drafts::new().guess(tokens), expect, "{tokens:?}");
    }

    #[test]
    fn the_latest_place_goes_on() {
        check(&[], &[]);
        check(&[1, 2, 3], &[]);
        check(&[1, 2, 3, 4, 1, 2, 3], &[4, 1, 2, 3]);
        check(&[1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], &[5, 1, 2, 3]);
        check(&[7, 7, 7, 7], &[7]);
        check(&[1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 1, 2, 3], &[10, 11, 12, 13, 14]);
        check(&[1, 2, 3, 4, 2, 3], &[4, 2, 3]);
        check(&[1, 2, 3, 4, 3], &[]);
        // A longer key before a later place of a shorter one.
        check(&[1, 2, 3, 8, 9, 2, 3, 5, 1, 2, 3], &[8, 9, 2, 3, 5]);
    }

    #[test]
    fn guessing_rests_where_it_does_not_pay() {
        let text = [1, 2, 3, 4, 1, 2, 3];
        let mut drafts = Drafts::new();
        let mut wrong = 0;
        while !drafts.guess(&text).is_empty() {
            drafts.learn(0, 5);
            wrong += 1;
        }
        assert!((2..=4).contains(&wrong), "{wrong}");
        let rested = (0..).take_while(|_| drafts.guess(&text).is_empty()).count();
        assert_eq!(rested + 1, REST, "the first of the rest was asked for above");
        (0..20).for_each(|_| drafts.learn(7, 7));
        let long: Vec<u32> = (0..20).chain(0..5).collect();
        assert_eq!(drafts.guess(&long), (5..5 + MOST as u32).collect::<Vec<_>>());
    }
}
