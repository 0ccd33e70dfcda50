//! Tokens and conversations against the tokenizers of Transformers, llama.cpp's server and the
//! models' own Jinja templates.

use super::{folder, numbers};
use crate::testing::default_base;
use crate::tokenizer::{Tokenizer, Vocabulary};
use crate::{Base, Precision};
use sera_core::{Message, Role};
use serde::Deserialize;

/// Pieces that texts are made of, and a small vocabulary that was learnt from them.
#[derive(Deserialize)]
struct Facts {
    pieces: Vec<String>,
    texts: usize,
    tokens: Vec<String>,
    merges: Vec<(String, String)>,
}

fn facts() -> Facts {
    serde_json::from_slice(&std::fs::read(folder("pieces.json")).unwrap()).unwrap()
}

/// The generator of `crates/xtask/goldens/text.py`.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn text(&mut self, pieces: &[String]) -> String {
        let count = 1 + self.below(10);
        (0..count).map(|_| pieces[self.below(pieces.len())].as_str()).collect()
    }
}

/// FNV-1a over the tokens' four bytes each.
fn digest(tokens: &[u32]) -> u32 {
    let bytes = tokens.iter().flat_map(|token| token.to_le_bytes());
    bytes.fold(0x811c_9dc5, |value, byte| (value ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn check(tokenizer: &Tokenizer, known: &str) {
    let (facts, mut draw) = (facts(), Draw(1));
    let wanted = numbers(&folder("tokens.safetensors"), known, u32::from_le_bytes);
    assert_eq!(wanted.len(), facts.texts);
    for wanted in wanted {
        let text = draw.text(&facts.pieces);
        let tokens = tokenizer.encode(&text);
        assert_eq!(digest(&tokens), wanted, "{known} has other tokens of {text:?}: {tokens:?}");
        assert_eq!(tokenizer.decode(&tokens), text, "{known} loses nothing");
    }
}

#[test]
fn ten_thousand_texts_have_transformers_tokens() {
    for name in ["gpt-2", "qwen2", "llama-bpe"] {
        let Facts { mut tokens, merges, .. } = facts();
        let first = tokens.len() as u32;
        tokens.extend(["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned));
        let special = (first..first + 3).collect();
        let pre_tokenizer = name.to_owned();
        let vocabulary = Vocabulary { tokens, merges, special, pre_tokenizer };
        check(&Tokenizer::new(vocabulary).unwrap(), name);
    }
}

#[test]
fn ten_thousand_texts_have_llama_cpps_tokens() {
    let Some(path) = default_base() else { return };
    check(&Base::load_with(&path, Precision::F32).unwrap().tokenizer, "smollm2");
}

/// A conversation as a model's template spells it.
#[derive(Deserialize)]
struct Conversation {
    template: String,
    messages: Vec<Turn>,
    open: bool,
    text: String,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: String,
}

fn message(turn: &Turn) -> Message {
    let role = match turn.role.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => panic!("{other} is no role"),
    };
    Message::new(role, &turn.content)
}

/// Tokens spelled out, markers included.
fn spelled(tokenizer: &Tokenizer, tokens: &[u32]) -> String {
    let markers = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
    let marker = |token| markers.iter().find(|m| tokenizer.special(m) == Some(token));
    let mut bytes = Vec::new();
    for &token in tokens {
        match marker(token) {
            Some(marker) => bytes.extend(marker.as_bytes()),
            None => bytes.extend(tokenizer.bytes(&[token])),
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn conversations_are_spelled_as_the_templates_spell_them() {
    let tokenizer = Tokenizer::byte_level(259);
    let known = std::fs::read(folder("conversations.json")).unwrap();
    let known: Vec<Conversation> = serde_json::from_slice(&known).unwrap();
    assert_eq!(known.len(), 18, "three templates, three conversations, open and not");
    for Conversation { template, messages, open, text } in known {
        let messages: Vec<_> = messages.iter().map(message).collect();
        let found = spelled(&tokenizer, &tokenizer.chat(&messages, open).tokens);
        // Qwen3's says that the last answer was not thought about; ours says nothing of it.
        assert_eq!(found, text.replace("<think>\n\n</think>\n\n", ""), "{template}");
    }
}
