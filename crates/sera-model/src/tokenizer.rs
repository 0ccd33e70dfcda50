//! Text to tokens and back, for byte-level BPE vocabularies.
//!
//! All presets (SmolLM2, Qwen2.5-Coder, Qwen3, Devstral) are byte-level BPE, so nothing else is
//! read. Two rules make training safe on arbitrary repositories: [`Tokenizer::encode`] never reads
//! a special token out of text (a file that holds `<|im_end|>` is plain text), and
//! [`Tokenizer::decode`] gives back the bytes exactly. Unicode normalisation is left out on
//! purpose: an edit must find the file's own bytes again.
//!
//! Limitation: bytes that a vocabulary lacks are dropped. SmolLM2 lacks `04 06 13 14 16 1d` and
//! the lead bytes `f1 f2` (U+40000 and above, unassigned), which no source file needs.
use crate::grammar::{GrammarError, Grammars};
use crate::template::Template;
use sera_core::Message;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use tokenizers::models::ModelWrapper;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

/// Largest `tokenizer.json` that is read: four times the largest known one.
const MAX_JSON_BYTES: usize = 64 << 20;

/// Why a vocabulary could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// Not byte-level BPE.
    #[error("the tokenizer is {0}, and only byte-level BPE is supported")]
    Unsupported(String),
    /// A pre-tokenizer without a row in our table.
    #[error("the pre-tokenizer {0:?} is unknown")]
    UnknownPreTokenizer(String),
    /// Parts that contradict each other.
    #[error("the vocabulary is inconsistent: {0}")]
    Inconsistent(String),
    /// No ChatML markers.
    #[error("the vocabulary has no {0:?}, and only ChatML templates are supported")]
    NoTemplate(&'static str),
    /// Malformed `tokenizer.json`.
    #[error("failed to read tokenizer.json")]
    Json(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A byte-level BPE vocabulary as model files spell it out.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Every token by id, in GPT-2's printable spelling of bytes.
    pub tokens: Vec<String>,
    /// Merges, best first: two tokens of `tokens`.
    pub merges: Vec<(String, String)>,
    /// Ids that are control tokens and stand for no text.
    pub special: Vec<u32>,
    /// How text is cut before merging: llama.cpp's name, `smollm`, `qwen2`, `gpt-2`.
    pub pre_tokenizer: String,
}

impl Vocabulary {
    /// The 256 bytes and the ChatML markers, no merges.
    pub fn bytes() -> Self {
        let mut tokens: Vec<String> = byte_letters().iter().map(char::to_string).collect();
        tokens.extend(["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned));
        Self {
            tokens,
            merges: Vec::new(),
            special: vec![256, 257, 258],
            pre_tokenizer: "gpt-2".to_owned(),
        }
    }
}

/// A rendered conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// Token ranges of the assistant's contents, end-of-turn included: what carries loss.
    pub spans: Vec<Range<usize>>,
}

/// Text to tokens and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Bytes of each token; empty for special ones.
    pieces: Vec<Box<[u8]>>,
    specials: HashMap<String, u32>,
    template: Template,
    /// Made when an answer is first held to a grammar.
    grammars: OnceLock<Arc<Grammars>>,
}

/// Row of the table of pre-tokenizers: how digits are cut off, then a pattern.
struct Rule {
    name: &'static str,
    /// Every digit is a piece of its own.
    digits: bool,
    /// `None` is GPT-2's own pattern.
    pattern: Option<&'static str>,
    /// A piece that is in the vocabulary is not built by merges.
    ignore_merges: bool,
}

const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Names as in llama.cpp's `tokenizer.ggml.pre`; patterns as in the models' tokenizer.json.
const RULES: [Rule; 5] = [
    Rule { name: "gpt-2", digits: false, pattern: None, ignore_merges: false },
    Rule { name: "smollm", digits: true, pattern: None, ignore_merges: false },
    Rule { name: "starcoder", digits: true, pattern: None, ignore_merges: false },
    Rule { name: "qwen2", digits: false, pattern: Some(QWEN2), ignore_merges: false },
    Rule { name: "llama-bpe", digits: false, pattern: Some(LLAMA3), ignore_merges: true },
];

impl Rule {
    fn pre_tokenizer(&self) -> PreTokenizerWrapper {
        let mut parts = Vec::new();
        if self.digits {
            parts.push(PreTokenizerWrapper::Digits(Digits::new(true)));
        }
        if let Some(pattern) = self.pattern {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
            parts.push(PreTokenizerWrapper::Split(split.expect("the table's patterns compile")));
        }
        let bytes = ByteLevel::new(false, false, self.pattern.is_none());
        parts.push(PreTokenizerWrapper::ByteLevel(bytes));
        PreTokenizerWrapper::Sequence(Sequence::new(parts))
    }
}

/// GPT-2's printable spelling of each byte: itself where printable, else a letter from U+0100 up.
fn byte_letters() -> [char; 256] {
    let mut letters = ['\0'; 256];
    let mut next = 0x100;
    for (byte, letter) in (0u32..).zip(letters.iter_mut()) {
        let printable = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
        let code = if printable { byte } else { next };
        next += u32::from(!printable);
        *letter = char::from_u32(code).expect("below the surrogates");
    }
    letters
}

impl Tokenizer {
    /// A tokenizer for a vocabulary as a GGUF file spells it out.
    pub fn new(vocabulary: Vocabulary) -> Result<Self, TokenizerError> {
        let name = &vocabulary.pre_tokenizer;
        let rule = RULES
            .iter()
            .find(|rule| rule.name == name)
            .ok_or_else(|| TokenizerError::UnknownPreTokenizer(name.clone()))?;
        let ids: HashMap<_, _> = (0u32..).zip(&vocabulary.tokens).map(|(i, t)| (t, i)).collect();
        if ids.len() != vocabulary.tokens.len() {
            return Err(TokenizerError::Inconsistent("a token occurs twice".to_owned()));
        }
        let model = BPE::builder()
            .vocab_and_merges(
                ids.iter().map(|(t, &i)| ((*t).clone(), i)).collect::<Vocab>(),
                vocabulary.merges,
            )
            .ignore_merges(rule.ignore_merges)
            .build()
            .map_err(|e| TokenizerError::Inconsistent(e.to_string()))?;
        let mut specials = HashMap::new();
        for &id in &vocabulary.special {
            let token = vocabulary.tokens.get(id as usize).ok_or_else(|| {
                TokenizerError::Inconsistent(format!("special token {id} is out of range"))
            })?;
            specials.insert(token.clone(), id);
        }
        Self::assemble(model, &rule.pre_tokenizer(), &vocabulary.tokens, specials)
    }

    /// Reads a Hugging Face `tokenizer.json`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TokenizerError> {
        if bytes.len() > MAX_JSON_BYTES {
            return Err(TokenizerError::Unsupported(format!("{} bytes long", bytes.len())));
        }
        let read =
            tokenizers::Tokenizer::from_bytes(needed(bytes)?).map_err(TokenizerError::Json)?;
        let added = read.get_added_tokens_decoder();
        let ModelWrapper::BPE(mut model) = read.get_model().clone() else {
            return Err(TokenizerError::Unsupported("not BPE".to_owned()));
        };
        // Without these three, encoding cannot fail and loses nothing silently.
        (model.dropout, model.unk_token, model.byte_fallback) = (None, None, false);
        let pre = read.get_pre_tokenizer().cloned();
        let pre = pre.filter(is_byte_level).ok_or_else(|| {
            TokenizerError::Unsupported("BPE without a byte-level pre-tokenizer".to_owned())
        })?;
        let size = added.keys().copied().chain(model.get_vocab().into_values()).max();
        let mut tokens = vec![String::new(); size.map_or(0, |max| max as usize + 1)];
        for (token, id) in model.get_vocab() {
            tokens[id as usize] = token;
        }
        let specials = added.into_iter().map(|(id, token)| (token.content, id)).collect();
        Self::assemble(model, &pre, &tokens, specials)
    }

    /// A vocabulary of single bytes and the ChatML markers, for tests: ids 0–255 are the bytes,
    /// then `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`, then tokens that are never produced.
    ///
    /// # Panics
    /// Where `vocab` is below 259.
    pub fn byte_level(vocab: usize) -> Self {
        assert!(vocab >= 259, "256 bytes and three markers need 259 tokens, not {vocab}");
        let mut vocabulary = Vocabulary::bytes();
        let size = vocabulary.tokens.len();
        vocabulary.tokens.extend((size..vocab).map(|id| format!("<unused {id}>")));
        vocabulary.special = (256..).take(vocab - 256).collect();
        Self::new(vocabulary).expect("bytes and markers make a vocabulary")
    }

    fn assemble(
        model: BPE,
        pre: &PreTokenizerWrapper,
        tokens: &[String],
        specials: HashMap<String, u32>,
    ) -> Result<Self, TokenizerError> {
        let mut inner = tokenizers::Tokenizer::new(model);
        // No added vocabulary: that is what keeps special tokens out of plain text.
        inner.with_pre_tokenizer(Some(pre.clone()));
        let letters = byte_letters();
        let bytes: HashMap<char, u8> = (0u8..=255).map(|b| (letters[usize::from(b)], b)).collect();
        let spell = |token: &String| -> Option<Box<[u8]>> {
            token.chars().map(|c| bytes.get(&c).copied()).collect()
        };
        let mut pieces = Vec::with_capacity(tokens.len());
        for (id, token) in (0u32..).zip(tokens) {
            let special = specials.get(token) == Some(&id);
            let piece = if special { Some(Box::default()) } else { spell(token) };
            pieces.push(piece.ok_or_else(|| {
                TokenizerError::Inconsistent(format!("{token:?} is not spelled in byte letters"))
            })?);
        }
        let template = Template::chatml(&specials)?;
        Ok(Self { inner, pieces, specials, template, grammars: OnceLock::new() })
    }

    /// The vocabulary as grammars meet it.
    pub(crate) fn grammars(&self) -> Result<Arc<Grammars>, GrammarError> {
        if let Some(known) = self.grammars.get() {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Grammars::new(self)?);
        Ok(Arc::clone(self.grammars.get_or_init(|| made)))
    }

    /// The tokens of plain text. Never a special token, whatever the text holds.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.inner
            .encode_fast(text, false)
            .expect("byte-level BPE without dropout and unknown token has no failure")
            .get_ids()
            .to_vec()
    }

    /// The text of tokens; special ones are left out, broken UTF-8 becomes U+FFFD.
    pub fn decode(&self, tokens: &[u32]) -> String {
        String::from_utf8_lossy(&self.bytes(tokens)).into_owned()
    }

    /// The bytes of tokens; special and unknown ones have none.
    pub fn bytes(&self, tokens: &[u32]) -> Vec<u8> {
        tokens
            .iter()
            .filter_map(|&t| self.pieces.get(t as usize))
            .flat_map(|p| p.iter().copied())
            .collect()
    }

    /// A conversation in the model's template; `open` adds the header that an answer follows.
    ///
    /// Training and serving both render here. The rendering of `messages[..k]` with `open` is a
    /// token prefix of the rendering of `messages` wherever `messages[k]` is the assistant's.
    pub fn chat(&self, messages: &[Message], open: bool) -> Rendered {
        self.chat_with(messages, open, |message| self.encode(&message.content))
    }

    /// [`Self::chat`] where `encode` gives the tokens of a message's content: a server that wrote
    /// a message keeps the tokens it wrote, which need not be those its text is encoded to.
    pub fn chat_with(
        &self,
        messages: &[Message],
        open: bool,
        encode: impl FnMut(&Message) -> Vec<u32>,
    ) -> Rendered {
        self.template.render(messages, open, |text| self.encode(text), encode)
    }

    /// Ends an assistant's message.
    pub fn end_of_turn(&self) -> u32 {
        self.template.close
    }

    /// Ends a document, and a filled hole.
    pub fn end_of_text(&self) -> u32 {
        self.template.end_of_text
    }

    /// The id of a special token by its spelling.
    pub fn special(&self, token: &str) -> Option<u32> {
        self.specials.get(token).copied()
    }

    /// Number of ids, special ones included.
    pub fn size(&self) -> usize {
        self.pieces.len()
    }
}

/// The parts of a `tokenizer.json` that decide tokens. The others are not used here, and damaged ones
/// make their reader panic. A normalizer is left out on purpose: what is read here is written back,
/// byte for byte (llama.cpp does the same).
fn needed(bytes: &[u8]) -> Result<Vec<u8>, TokenizerError> {
    let json = |e: serde_json::Error| TokenizerError::Json(e.into());
    let mut read: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(json)?;
    read.retain(|key, _| ["version", "added_tokens", "pre_tokenizer", "model"].contains(&&**key));
    serde_json::to_vec(&read).map_err(json)
}

fn is_byte_level(pre: &PreTokenizerWrapper) -> bool {
    match pre {
        PreTokenizerWrapper::ByteLevel(level) => !level.add_prefix_space,
        PreTokenizerWrapper::Sequence(parts) => parts.as_ref().iter().any(is_byte_level),
        _ => false,
    }
}

#[cfg(test)]
pub(crate) mod tests;
