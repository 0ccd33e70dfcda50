//! Answers that are held to a grammar: before each token, those that no answer could go on with are
//! taken out. The grammar is written in llguidance's dialect of Lark.
use crate::tokenizer::Tokenizer;
use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use std::sync::Arc;

/// Why an answer cannot be held to a grammar.
#[derive(Debug, thiserror::Error)]
#[error("failed to follow the grammar: {0}")]
pub struct GrammarError(String);

/// A vocabulary as grammars meet it.
pub(crate) struct Grammars(ParserFactory);

impl std::fmt::Debug for Grammars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grammars")
    }
}

impl Grammars {
    pub(crate) fn new(tokenizer: &Tokenizer) -> Result<Self, GrammarError> {
        let size = tokenizer.size();
        let word = |token: u32| match tokenizer.bytes(&[token]) {
            // Special tokens have no text of their own; this is how the trie tells them apart.
            bytes if bytes.is_empty() => {
                [&[TokTrie::SPECIAL_TOKEN_MARKER], token.to_string().as_bytes()].concat()
            }
            bytes => bytes,
        };
        let count = u32::try_from(size).expect("vocabularies have fewer than 2³² tokens");
        let words: Vec<Vec<u8>> = (0..count).map(word).collect();
        let trie = TokTrie::from(&TokRxInfo::new(count, tokenizer.end_of_turn()), &words);
        let vocabulary: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&vocabulary).map_err(failed)?;
        factory.quiet();
        Ok(Self(factory))
    }

    /// The start of an answer held to `grammar`.
    pub(crate) fn answer(&self, grammar: &str) -> Result<Held, GrammarError> {
        let grammar = TopLevelGrammar::from_lark(grammar.to_owned());
        let parser = self.0.create_parser(grammar).map_err(failed)?;
        Ok(Held(Matcher::new(Ok(parser))))
    }
}

/// An answer so far.
pub(crate) struct Held(Matcher);

impl Held {
    /// Leaves the logits of those tokens that an answer can go on with. Where it cannot go on, or
    /// may end, the end of the turn is among them.
    pub(crate) fn mask(&mut self, logits: &mut [f32]) -> Result<(), GrammarError> {
        let allowed = self.0.compute_mask_or_eos().map_err(failed)?;
        for (token, logit) in logits.iter_mut().enumerate() {
            if token >= allowed.len() || !allowed.get(token) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Goes on with a token that [`Held::mask`] left.
    pub(crate) fn take(&mut self, token: u32) -> Result<(), GrammarError> {
        self.0.consume_token(token).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> GrammarError {
    GrammarError(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written where every token is as likely, `prefer` in order of preference first.
    fn written(grammar: &str, prefer: &str) -> String {
        let tokenizer = Tokenizer::byte_level(259);
        let grammars = Grammars::new(&tokenizer).unwrap();
        let mut held = grammars.answer(grammar).unwrap();
        let mut answer = Vec::new();
        for wish in prefer.bytes() {
            let mut logits: Vec<f32> = (0..259u16).map(|i| -f32::from(i)).collect();
            logits[usize::from(wish)] = 1.0;
            held.mask(&mut logits).unwrap();
            let best = (0u32..).zip(&logits).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            if best == tokenizer.end_of_turn() {
                break;
            }
            held.take(best).unwrap();
            answer.push(best);
        }
        tokenizer.decode(&answer)
    }

    #[test]
    fn only_what_the_grammar_spells_is_written() {
        let grammar = "start: \"edit: \" /[0-9]+/ \"\\n\" WORD\nWORD: %regex { \"substring_chars\": \"return x\" }";
        assert_eq!(written(grammar, "edit: 12\nturn x!"), "edit: 12\nturn x");
        assert_eq!(written(grammar, "open: 1x\nurnt"), "edit: 1\n x", "the next best goes on");
    }

    #[test]
    fn a_grammar_that_is_none_is_an_error() {
        let grammars = Grammars::new(&Tokenizer::byte_level(259)).unwrap();
        assert!(grammars.answer("start: (").is_err());
    }
}
