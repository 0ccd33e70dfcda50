//! The shape of a llama-family model, read from a GGUF file's metadata or given by a test.

use crate::gguf::Gguf;

/// Sizes and constants of a decoder of the llama family with a tied head.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Number of blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head; even.
    pub head: usize,
    /// Width of the gated feed-forward.
    pub feed_forward: usize,
    /// Rows of the embedding table.
    pub vocabulary: usize,
    /// Longest sequence the base was trained for.
    pub context: usize,
    /// Base of the rotary frequencies.
    pub rope_base: f32,
    /// Added to the mean square in every norm.
    pub norm_epsilon: f32,
}

/// Why a model's shape cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not say it.
    #[error("the model file lacks {0}")]
    Missing(String),
    /// Another family of models.
    #[error("architecture {0} is not supported: only llama is")]
    Architecture(String),
    /// Sizes that contradict each other or exceed every known model.
    #[error("the model's sizes are impossible: {0}")]
    Impossible(&'static str),
    /// A variant of the family that this decoder does not compute.
    #[error("the model uses {0}, which is not supported")]
    Unsupported(&'static str),
}

impl Config {
    /// A model small enough for a test to differentiate numerically.
    pub fn tiny() -> Self {
        Self {
            layers: 2,
            width: 48,
            heads: 6,
            kv_heads: 2,
            head: 8,
            feed_forward: 64,
            vocabulary: 320,
            context: 512,
            rope_base: 10_000.0,
            norm_epsilon: 1e-5,
        }
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.heads * self.head
    }

    /// Width of all key (or value) heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head
    }

    /// Reads the shape from GGUF metadata and refuses what the decoder cannot compute.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ConfigError> {
        let architecture = gguf.text("general.architecture").unwrap_or("(none)");
        if architecture != "llama" {
            return Err(ConfigError::Architecture(architecture.to_owned()));
        }
        let size = |key: &str| {
            let key = format!("llama.{key}");
            gguf.unsigned(&key)
                .and_then(|value| usize::try_from(value).ok())
                .ok_or(ConfigError::Missing(key))
        };
        let heads = size("attention.head_count")?;
        let width = size("embedding_length")?;
        let head = size("attention.key_length").unwrap_or(width / heads.max(1));
        let vocabulary = match gguf.tensor("token_embd.weight") {
            Some(tensor) if tensor.dims.len() == 2 => tensor.dims[1],
            _ => return Err(ConfigError::Missing("token_embd.weight".to_owned())),
        };
        let config = Self {
            layers: size("block_count")?,
            width,
            heads,
            kv_heads: size("attention.head_count_kv").unwrap_or(heads),
            head,
            feed_forward: size("feed_forward_length")?,
            vocabulary,
            context: size("context_length")?,
            rope_base: gguf.float("llama.rope.freq_base").unwrap_or(10_000.0) as f32,
            norm_epsilon: gguf.float("llama.attention.layer_norm_rms_epsilon").unwrap_or(1e-5)
                as f32,
        };
        config.check_variant(gguf)?;
        config.check()?;
        Ok(config)
    }

    /// Sizes are positive, consistent and bounded, so that products of them cannot overflow.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sizes = [
            (self.layers, 1 << 10),
            (self.width, 1 << 16),
            (self.heads, 1 << 10),
            (self.kv_heads, 1 << 10),
            (self.head, 1 << 10),
            (self.feed_forward, 1 << 18),
            (self.vocabulary, 1 << 21),
            (self.context, 1 << 24),
        ];
        if sizes.iter().any(|&(size, limit)| size == 0 || size > limit) {
            return Err(ConfigError::Impossible("a size is zero or far too large"));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(ConfigError::Impossible("kv heads do not divide heads"));
        }
        if !self.head.is_multiple_of(2) {
            return Err(ConfigError::Impossible("a head's width is odd"));
        }
        if !(self.norm_epsilon > 0.0 && self.rope_base > 1.0) {
            return Err(ConfigError::Impossible("epsilon or rope base out of range"));
        }
        Ok(())
    }

    fn check_variant(&self, gguf: &Gguf) -> Result<(), ConfigError> {
        let scaling = gguf.text("llama.rope.scaling.type").unwrap_or("none");
        if scaling != "none" || gguf.tensor("rope_freqs.weight").is_some() {
            return Err(ConfigError::Unsupported("rope scaling"));
        }
        if gguf.unsigned("llama.expert_count").unwrap_or(0) > 0 {
            return Err(ConfigError::Unsupported("experts"));
        }
        if gguf.tensor("output.weight").is_some() {
            return Err(ConfigError::Unsupported("an untied head"));
        }
        let rotated = gguf.unsigned("llama.rope.dimension_count");
        if rotated.is_some_and(|rotated| rotated != self.head as u64) {
            return Err(ConfigError::Unsupported("partly rotated heads"));
        }
        Ok(())
    }
}
