//! `config.json`: the part that says what is computed, as transformers 4 and 5 write it.
use crate::config::{Config, ConfigError, Family};
use serde::Deserialize;
use std::f32::consts::TAU;

/// What a model says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct HfConfig {
    model_type: String,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    rms_norm_eps: f32,
    rope_theta: Option<f32>,
    /// Transformers 4.
    rope_scaling: Option<RopeParameters>,
    /// Transformers 5.
    rope_parameters: Option<RopeParameters>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
}

/// How rotary frequencies are stretched.
#[derive(Clone, Debug, Deserialize)]
struct RopeParameters {
    rope_theta: Option<f32>,
    #[serde(alias = "type", default = "unscaled")]
    rope_type: String,
    #[serde(flatten)]
    llama3: Option<Llama3>,
    factor: Option<f32>,
}

fn unscaled() -> String {
    "default".to_owned()
}

/// Llama 3's scaling: long waves are stretched, short ones kept, those between blended.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Llama3 {
    low_freq_factor: f32,
    high_freq_factor: f32,
    original_max_position_embeddings: f32,
}

impl HfConfig {
    /// The model's shape; what the decoder cannot compute is refused.
    pub(super) fn shape(self) -> Result<Config, ConfigError> {
        let family = Family::named(&self.model_type)?;
        let unsupported = [
            (self.attention_bias && !family.has_qkv_bias() || self.mlp_bias, "biases"),
            (self.use_sliding_window, "a sliding window"),
        ];
        if let Some((_, what)) = unsupported.iter().find(|(found, _)| *found) {
            return Err(ConfigError::Unsupported(what));
        }
        let rope = self.rope_parameters.or(self.rope_scaling);
        let theta = rope.as_ref().and_then(|rope| rope.rope_theta).or(self.rope_theta);
        let mut config = Config {
            family,
            layers: self.num_hidden_layers,
            width: self.hidden_size,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head: self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            feed_forward: self.intermediate_size,
            vocabulary: self.vocab_size,
            context: self.max_position_embeddings,
            rope_base: theta.unwrap_or(10_000.0),
            rope_factors: Vec::new(),
            norm_epsilon: self.rms_norm_eps,
            tied_head: self.tie_word_embeddings,
        };
        config.check()?;
        if let Some(rope) = rope {
            config.rope_factors = rope.factors(&config.rope_frequencies())?;
        }
        config.check()?;
        Ok(config)
    }
}

impl RopeParameters {
    /// What each of the plain frequencies is divided by.
    fn factors(&self, frequencies: &[f32]) -> Result<Vec<f32>, ConfigError> {
        let factor = || self.factor.ok_or(ConfigError::Missing("rope scaling's factor".to_owned()));
        match self.rope_type.as_str() {
            "default" => Ok(Vec::new()),
            "linear" => Ok(vec![factor()?; frequencies.len()]),
            "llama3" => {
                let llama3 = self.llama3.ok_or(ConfigError::Missing("llama3's factors".into()))?;
                let factor = factor()?;
                Ok(frequencies.iter().map(|&frequency| llama3.factor(factor, frequency)).collect())
            }
            _ => Err(ConfigError::Unsupported("rope scaling other than linear or llama3")),
        }
    }
}

impl Llama3 {
    /// `_compute_llama3_parameters` of transformers, as a divisor.
    fn factor(self, factor: f32, frequency: f32) -> f32 {
        let waves = self.original_max_position_embeddings * frequency / TAU;
        if waves < self.low_freq_factor {
            return factor;
        }
        if waves > self.high_freq_factor {
            return 1.0;
        }
        let kept = (waves - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor);
        1.0 / ((1.0 - kept) / factor + kept)
    }
}
