//! The tokenizer against an independent, naive implementation of byte-level BPE.
use super::*;
use proptest::prelude::*;
use sera_core::Role;

/// Bytes, markers, and a few merges, cut like SmolLM2's text.
fn small() -> Vocabulary {
    let mut vocabulary = Vocabulary::bytes();
    vocabulary.pre_tokenizer = "smollm".to_owned();
    for merge in ["Ġ Ġ", "ĠĠ ĠĠ", "r e", "re t", "u r", "ur n", "ret urn", "Ġ x", "1 2", "Ċ Ċ"]
    {
        let (a, b) = merge.split_once(' ').unwrap();
        vocabulary.merges.push((a.to_owned(), b.to_owned()));
        vocabulary.tokens.push(format!("{a}{b}"));
    }
    vocabulary
}

/// GPT-2's pattern behind single digits, written out as a scanner.
fn naive_pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        // Digits are cut off first, so nothing looks past the next one.
        let end = (at..chars.len()).find(|&i| chars[i].is_numeric()).unwrap_or(chars.len());
        if end == at {
            pieces.push(chars[at].to_string());
            at += 1;
            continue;
        }
        let len = naive_piece(&chars[at..end]);
        pieces.push(chars[at..at + len].iter().collect());
        at += len;
    }
    pieces
}

fn naive_piece(chars: &[char]) -> usize {
    let text: String = chars.iter().take(3).collect();
    for suffix in ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"] {
        if text.starts_with(suffix) {
            return suffix.len();
        }
    }
    let kind = |c: char| if c.is_alphabetic() { 0 } else { 1 + u8::from(c.is_whitespace()) };
    let run = |from: usize| {
        let same = |&&c: &&char| kind(c) == kind(chars[from]);
        chars[from..].iter().take_while(same).count()
    };
    let skip = usize::from(chars[0] == ' ');
    if skip < chars.len() && !chars[skip].is_whitespace() {
        return skip + run(skip);
    }
    let spaces = run(0);
    // White space leaves its last character to what follows.
    if spaces == chars.len() || spaces == 1 { spaces } else { spaces - 1 }
}

/// Merges the best-ranked pair, leftmost first, until none is left.
fn naive_encode(vocabulary: &Vocabulary, text: &str) -> Vec<u32> {
    let letters = byte_letters();
    let ids: HashMap<_, _> =
        (0u32..).zip(&vocabulary.tokens).map(|(i, t)| (t.clone(), i)).collect();
    let ranks: HashMap<_, _> = vocabulary.merges.iter().zip(0..).collect();
    let mut out = Vec::new();
    for piece in naive_pieces(text) {
        let mut parts: Vec<String> = piece.bytes().map(|b| letters[b as usize].into()).collect();
        parts.retain(|part| ids.contains_key(part));
        loop {
            let rank = |i: usize| ranks.get(&(parts[i].clone(), parts[i + 1].clone())).copied();
            let ranked = (1..parts.len()).filter_map(|i| Some((rank(i - 1)?, i - 1)));
            let Some((_, best)): Option<(usize, usize)> = ranked.min() else { break };
            let right = parts.remove(best + 1);
            parts[best].push_str(&right);
        }
        out.extend(parts.iter().map(|part| ids[part]));
    }
    out
}

const TEXTS: [&str; 9] = [
    "",
    "def f(x):\n    return x12 + 7\n",
    "it's we'll they'd o'clock 'tis 'sx",
    "  \n\n\t  x  \n",
    "return returned  return\n\n\nreturn",
    "naïve Übergröße 日本語 λ→μ 🦀🦀",
    "\u{0}\u{4}\u{1d}\u{7f}\r\n",
    "<|im_start|>user\n<|im_end|><|endoftext|>",
    "a1b22c333 4 55 ١٢ Ⅷ ½",
];

#[test]
fn agrees_with_the_naive_implementation() {
    let tokenizer = Tokenizer::new(small()).unwrap();
    for text in TEXTS {
        assert_eq!(tokenizer.encode(text), naive_encode(&small(), text), "{text:?}");
        assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
    }
}

#[test]
fn merges_happen_but_never_across_digits() {
    let tokenizer = Tokenizer::new(small()).unwrap();
    let tokens = |text| {
        let ids = tokenizer.encode(text);
        ids.iter().map(|&id| tokenizer.decode(&[id])).collect::<Vec<_>>()
    };
    assert_eq!(tokens("return 12"), ["return", " ", "1", "2"]);
    assert_eq!(tokens("      x"), ["    ", " ", " x"]);
    assert_eq!(tokens("\n\n\n"), ["\n\n", "\n"]);
}

#[test]
fn text_never_becomes_a_special_token() {
    let tokenizer = Tokenizer::byte_level(320);
    for text in ["<|im_end|>", "a<|im_start|>system\nb", "<|endoftext|>", "<unused 300>"] {
        let tokens = tokenizer.encode(text);
        assert!(tokens.iter().all(|&t| t < 256), "{text:?} became {tokens:?}");
        assert_eq!(tokenizer.decode(&tokens), text);
    }
}

#[test]
fn special_tokens_have_no_text() {
    let tokenizer = Tokenizer::byte_level(259);
    assert_eq!(tokenizer.decode(&[97, tokenizer.end_of_turn(), 98, 9999]), "ab");
    assert_eq!(tokenizer.decode(&[0xe2, 0x82]), "\u{fffd}", "half a character is not lost");
    assert_eq!(tokenizer.size(), 259);
}

pub(crate) fn json(vocabulary: &Vocabulary) -> serde_json::Value {
    let ids: HashMap<_, _> = vocabulary.tokens.iter().zip(0u32..).collect();
    let merges: Vec<_> = vocabulary.merges.iter().map(|(a, b)| format!("{a} {b}")).collect();
    let added: Vec<_> = vocabulary
        .special
        .iter()
        .map(|&id| {
            serde_json::json!({
                "id": id, "content": vocabulary.tokens[id as usize], "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false, "special": true,
            })
        })
        .collect();
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "post_processor": null, "decoder": null, "added_tokens": added,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
             "use_regex": true},
        ]},
        "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "vocab": ids, "merges": merges},
    })
}

#[test]
fn tokenizer_json_reads_the_same() {
    let bytes = serde_json::to_vec(&json(&small())).unwrap();
    let (from_json, own) =
        (Tokenizer::from_json(&bytes).unwrap(), Tokenizer::new(small()).unwrap());
    for text in TEXTS {
        assert_eq!(from_json.encode(text), own.encode(text), "{text:?}");
    }
    assert_eq!(from_json.end_of_turn(), own.end_of_turn());
    assert_eq!(from_json.size(), own.size());
}

#[test]
fn strange_vocabularies_are_refused() {
    let check = |change: &dyn Fn(&mut Vocabulary), expected: &str| {
        let mut vocabulary = small();
        change(&mut vocabulary);
        let error = Tokenizer::new(vocabulary).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    };
    check(&|v| v.pre_tokenizer = "mpt".to_owned(), "\"mpt\" is unknown");
    check(&|v| v.tokens[1] = v.tokens[0].clone(), "occurs twice");
    check(&|v| v.merges.push(("q".to_owned(), "q".to_owned())), "inconsistent");
    check(&|v| v.special.push(9999), "out of range");
    check(&|v| v.tokens.push("日".to_owned()), "not spelled in byte letters");
    check(&|v| v.special.clear(), "only ChatML");
    check(&|v| v.tokens[258] = "<end>".to_owned(), "only ChatML");

    let refused = |change: &dyn Fn(&mut serde_json::Value), expected: &str| {
        let mut value = json(&small());
        change(&mut value);
        let bytes = serde_json::to_vec(&value).unwrap();
        let error = Tokenizer::from_json(&bytes).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    };
    refused(&|v| v["pre_tokenizer"] = serde_json::Value::Null, "without a byte-level");
    refused(&|v| v["model"] = serde_json::Value::Null, "failed to read");
    let words = serde_json::json!({"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"});
    refused(&|v| v["model"] = words.clone(), "not BPE");
}

proptest! {
    #[test]
    fn decoding_gives_the_text_back(text in "\\PC{0,40}|[ -~\\n\\t]{0,80}") {
        let tokenizer = Tokenizer::new(small()).unwrap();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text)), text);
    }

    #[test]
    fn ascii_agrees_with_the_naive_implementation(text in "[ -~\\n\\t]{0,60}") {
        let tokenizer = Tokenizer::new(small()).unwrap();
        prop_assert_eq!(tokenizer.encode(&text), naive_encode(&small(), &text));
    }
}

/// With the shipped vocabulary: 49,152 tokens and 48,900 merges.
#[test]
fn the_default_base_agrees_with_the_naive_implementation() {
    let Some(path) = crate::testing::default_base() else { return };
    let gguf = crate::gguf::Gguf::open(&path).unwrap();
    let vocabulary = crate::base::vocabulary(&gguf).unwrap();
    let tokenizer = Tokenizer::new(vocabulary.clone()).unwrap();
    assert_eq!(tokenizer.size(), 49_152);
    let markers = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
    assert_eq!(markers.map(|marker| tokenizer.special(marker)), [Some(0), Some(1), Some(2)]);
    for text in TEXTS {
        assert_eq!(tokenizer.encode(text), naive_encode(&vocabulary, text), "{text:?}");
    }
    let code = include_str!("../tokenizer.rs");
    assert_eq!(tokenizer.encode(code), naive_encode(&vocabulary, code), "a whole file");
    assert_eq!(tokenizer.decode(&tokenizer.encode(code)), code);
    let chat = tokenizer.chat(&[Message::new(Role::User, "Hi")], true);
    let spelled = [1, 4093, 198, 26_843, 2, 198, 1, 520, 9531, 198];
    assert_eq!(chat.tokens, spelled, "<|im_start|>user⏎Hi<|im_end|>⏎<|im_start|>assistant⏎");
}
