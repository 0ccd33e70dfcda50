//! Guesses at what comes next, from what stands above: after the last words' latest earlier place the
//! text often goes on as it went on there, and an edit copies most of what it was shown.
//!
//! Guessed tokens are read together with the last one and kept as far as they are what would have
//! been written, so an answer is the same with and without them (speculative decoding, Leviathan et
//! al., arXiv 2211.17192, with the prompt itself as the draft model).
use crate::cache::WRITTEN;

/// Tokens that have to be equal before a guess is made.
const KEY: usize = 3;
/// Tokens guessed at most: with the last one as many as are cheaply read together.
const MOST: usize = WRITTEN - 1;
/// Right guesses at a time below which guessing costs more than it gives: reading eight tokens takes
/// about twice as long as reading one.
const WORTH: f32 = 1.0;
/// Tokens written without guessing once it did not pay.
const REST: usize = 32;

/// Whether guessing pays, as far as this answer shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drafts {
    /// Right guesses at a time, lately.
    right: f32,
    /// Tokens to be written before the next guess.
    rest: usize,
}

impl Drafts {
    /// With the benefit of the doubt.
    pub(crate) fn new() -> Self {
        Self { right: 2.0 * WORTH, rest: 0 }
    }

    /// What may follow `tokens`; nothing where nothing is known or guessing did not pay.
    pub(crate) fn guess<'a>(&mut self, tokens: &'a [u32]) -> &'a [u32] {
        if self.rest > 0 {
            self.rest -= 1;
            return &[];
        }
        let Some(key) = tokens.last_chunk::<KEY>() else { return &[] };
        // The key's own place ends where the text does.
        let before = &tokens[..tokens.len() - 1];
        before.windows(KEY).rposition(|window| window == key).map_or(&[], |at| {
            let follows = &tokens[at + KEY..];
            &follows[..follows.len().min(MOST)]
        })
    }

    /// Learns that so many tokens of a guess were right.
    pub(crate) fn learn(&mut self, right: usize) {
        self.right = 0.75 * self.right + 0.25 * right as f32;
        if self.right < WORTH {
            *self = Self { rest: REST, ..Self::new() };
        }
    }
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
        check(&[1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 1, 2, 3], &[10, 11, 12, 13, 14, 15, 16]);
        check(&[1, 2, 3, 4, 2, 3], &[]);
    }

    #[test]
    fn guessing_rests_where_it_does_not_pay() {
        let text = [1, 2, 3, 4, 1, 2, 3];
        let mut drafts = Drafts::new();
        let mut wrong = 0;
        while !drafts.guess(&text).is_empty() {
            drafts.learn(0);
            wrong += 1;
        }
        assert!((2..=4).contains(&wrong), "{wrong}");
        let rested = (0..).take_while(|_| drafts.guess(&text).is_empty()).count();
        assert_eq!(rested + 1, REST, "the first of the rest was asked for above");
        (0..20).for_each(|_| drafts.learn(7));
        assert!(!drafts.guess(&text).is_empty());
    }
}
