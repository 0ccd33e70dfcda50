//! The shape of a model of the llama family, read from a GGUF file's metadata or given by a test.

use crate::gguf::{Gguf, GgufError};

/// Relatives that one decoder computes: they differ in a few switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The plain one; SmolLM2 is of it.
    Llama,
    /// Queries, keys and values have a bias.
    Qwen2,
    /// Every head of queries and keys is normed before it is rotated.
    Qwen3,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Llama, Self::Qwen2, Self::Qwen3];

    /// What GGUF calls its architecture and Hugging Face its `model_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The family of that name.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        let known = Self::ALL.into_iter().find(|family| family.name() == name);
        known.ok_or_else(|| ConfigError::Architecture(name.to_owned()))
    }

    /// Whether queries, keys and values have a bias.
    pub fn has_qkv_bias(self) -> bool {
        self == Self::Qwen2
    }

    /// Whether heads of queries and keys are normed.
    pub fn norms_heads(self) -> bool {
        self == Self::Qwen3
    }

    /// Whether GGUF files keep the rows of q and k that rope rotates together side by side, as
    /// llama's first implementation did, instead of half a head apart.
    pub fn has_paired_rows(self) -> bool {
        self == Self::Llama
    }
}

/// Sizes and constants of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which switches are on.
    pub family: Family,
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
    /// What each of the `head / 2` rotary frequencies is divided by; empty for one.
    pub rope_factors: Vec<f32>,
    /// Added to the mean square in every norm.
    pub norm_epsilon: f32,
    /// Whether the embedding table is the head, too.
    pub tied_head: bool,
}

/// Why a model's shape cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file does not say it.
    #[error("the model file lacks {0}")]
    Missing(String),
    /// Another family of models.
    #[error("architecture {0} is not supported: only llama, qwen2 and qwen3 are")]
    Architecture(String),
    /// Sizes that contradict each other or exceed every known model.
    #[error("the model's sizes are impossible: {0}")]
    Impossible(&'static str),
    /// A variant of the family that this decoder does not compute.
    #[error("the model uses {0}, which is not supported")]
    Unsupported(&'static str),
    /// A tensor that decides the shape is refused.
    #[error(transparent)]
    Tensor(#[from] GgufError),
}

impl Config {
    /// A model small enough for a test to differentiate numerically.
    pub fn tiny() -> Self {
        Self {
            family: Family::Llama,
            layers: 2,
            width: 48,
            heads: 6,
            kv_heads: 2,
            head: 8,
            feed_forward: 64,
            vocabulary: 320,
            context: 512,
            rope_base: 10_000.0,
            rope_factors: Vec::new(),
            norm_epsilon: 1e-5,
            tied_head: true,
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

    /// Width of queries, keys and values together.
    pub fn qkv_width(&self) -> usize {
        self.query_width() + 2 * self.kv_width()
    }

    /// Radians by which one position turns each pair of a head: `base^(-2i / head) / factor_i`.
    pub fn rope_frequencies(&self) -> Vec<f32> {
        let factors = self.rope_factors.iter().copied().chain(std::iter::repeat(1.0));
        let plain =
            (0..self.head / 2).map(|i| self.rope_base.powf(-((2 * i) as f32) / self.head as f32));
        plain.zip(factors).map(|(frequency, factor)| frequency / factor).collect()
    }

    /// Reads the shape from GGUF metadata and refuses what the decoder cannot compute.
    pub fn from_gguf(gguf: &Gguf) -> Result<Self, ConfigError> {
        let family = Family::named(gguf.text("general.architecture").unwrap_or("(none)"))?;
        let key = |key: &str| format!("{}.{key}", family.name());
        let size = |name: &str| {
            gguf.unsigned(&key(name))
                .and_then(|value| usize::try_from(value).ok())
                .ok_or_else(|| ConfigError::Missing(key(name)))
        };
        let heads = size("attention.head_count")?;
        let width = size("embedding_length")?;
        let head = size("attention.key_length").unwrap_or(width / heads.max(1));
        let vocabulary = match gguf.tensor("token_embd.weight") {
            Some(tensor) if tensor.dims.len() == 2 => tensor.dims[1],
            _ => return Err(ConfigError::Missing("token_embd.weight".to_owned())),
        };
        let epsilon = gguf.float(&key("attention.layer_norm_rms_epsilon"));
        let mut config = Self {
            family,
            layers: size("block_count")?,
            width,
            heads,
            kv_heads: size("attention.head_count_kv").unwrap_or(heads),
            head,
            feed_forward: size("feed_forward_length")?,
            vocabulary,
            context: size("context_length")?,
            rope_base: gguf.float(&key("rope.freq_base")).unwrap_or(10_000.0) as f32,
            rope_factors: Vec::new(),
            norm_epsilon: epsilon.unwrap_or(1e-5) as f32,
            tied_head: gguf.tensor("output.weight").is_none(),
        };
        config.check()?;
        config.check_variant(gguf)?;
        config.rope_factors = config.gguf_rope_factors(gguf)?;
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
        let factors = &self.rope_factors;
        if !factors.iter().all(|factor| factor.is_finite() && *factor > 0.0) {
            return Err(ConfigError::Impossible("a rope factor is not positive"));
        }
        if !factors.is_empty() && factors.len() != self.head / 2 {
            return Err(ConfigError::Impossible("there are not as many rope factors as pairs"));
        }
        Ok(())
    }

    fn check_variant(&self, gguf: &Gguf) -> Result<(), ConfigError> {
        let name = self.family.name();
        if gguf.unsigned(&format!("{name}.expert_count")).unwrap_or(0) > 0 {
            return Err(ConfigError::Unsupported("experts"));
        }
        let bias = |tensor: &str| {
            let qkv = ["attn_q.bias", "attn_k.bias", "attn_v.bias"];
            let known =
                self.family.has_qkv_bias() && qkv.iter().any(|known| tensor.ends_with(known));
            tensor.ends_with(".bias") && !known
        };
        if gguf.tensors().any(|(name, _)| bias(name)) {
            return Err(ConfigError::Unsupported("biases"));
        }
        let rotated = gguf.unsigned(&format!("{name}.rope.dimension_count"));
        if rotated.is_some_and(|rotated| rotated != self.head as u64) {
            return Err(ConfigError::Unsupported("partly rotated heads"));
        }
        Ok(())
    }

    /// Linear scaling is said in the metadata, llama 3's by a tensor of factors.
    fn gguf_rope_factors(&self, gguf: &Gguf) -> Result<Vec<f32>, ConfigError> {
        let key = |key: &str| format!("{}.rope.scaling.{key}", self.family.name());
        let linear = match gguf.text(&key("type")).unwrap_or("none") {
            "none" => 1.0,
            "linear" => {
                gguf.float(&key("factor")).ok_or_else(|| ConfigError::Missing(key("factor")))?
            }
            _ => return Err(ConfigError::Unsupported("rope scaling other than linear or llama3")),
        };
        let pairs = self.head / 2;
        if gguf.tensor("rope_freqs.weight").is_none() {
            return Ok(if linear == 1.0 { Vec::new() } else { vec![linear as f32; pairs] });
        }
        let factors = gguf.read("rope_freqs.weight", &[pairs])?;
        Ok(factors.into_iter().map(|factor| factor * linear as f32).collect())
    }
}
