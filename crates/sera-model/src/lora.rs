//! The trainable part: two low-rank factors beside each linear layer, flat in one vector so that
//! the optimiser, clipping and checkpoints see one slice.

use crate::config::Config;
use rand::{Rng as _, SeedableRng as _};
use std::ops::Range;

/// A linear layer of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Projection {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
    /// Attention's output.
    O,
    /// The gate of the feed-forward.
    Gate,
    /// Its other input.
    Up,
    /// Its output.
    Down,
}

impl Projection {
    /// All seven, in the order of computation.
    pub const ALL: [Self; 7] =
        [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// (inputs, outputs) of this layer.
    pub fn shape(self, config: &Config) -> (usize, usize) {
        let (width, query, kv) = (config.width, config.query_width(), config.kv_width());
        match self {
            Self::Q => (width, query),
            Self::K | Self::V => (width, kv),
            Self::O => (query, width),
            Self::Gate | Self::Up => (width, config.feed_forward),
            Self::Down => (config.feed_forward, width),
        }
    }

    /// Name in PEFT and Hugging Face checkpoints, below `model.layers.N.`.
    pub fn hf_name(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }

    /// Name in GGUF files, below `blk.N.`.
    pub fn gguf_name(self) -> &'static str {
        match self {
            Self::Q => "attn_q",
            Self::K => "attn_k",
            Self::V => "attn_v",
            Self::O => "attn_output",
            Self::Gate => "ffn_gate",
            Self::Up => "ffn_up",
            Self::Down => "ffn_down",
        }
    }
}

/// Which of the two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Factor {
    /// `[r, inputs]`, row-major.
    A,
    /// `[outputs, r]`, row-major.
    B,
}

/// One factor's place in the flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The block.
    pub layer: usize,
    /// The linear layer in it.
    pub projection: Projection,
    /// Which factor.
    pub factor: Factor,
    /// Rows of the matrix: r for A, outputs for B.
    pub rows: usize,
    /// Columns: inputs for A, r for B.
    pub columns: usize,
    /// First number in the flat vector.
    pub offset: usize,
}

impl Slot {
    /// Where its numbers lie in the flat vector.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.rows * self.columns
    }
}

/// How an adapter is made.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// Rank.
    pub r: usize,
    /// The product of the factors is scaled by `alpha / r`.
    pub alpha: f32,
    /// Seed of A's draw.
    pub seed: u64,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self { r: 16, alpha: 32.0, seed: 0 }
    }
}

/// A LoRA on all seven linear layers of every block.
#[derive(Clone, Debug, PartialEq)]
pub struct Lora {
    config: LoraConfig,
    slots: Vec<Slot>,
    parameters: Vec<f32>,
}

/// Layers whose A factors lie side by side, because they read the same input.
const GROUPS: [&[Projection]; 4] = [
    &[Projection::Q, Projection::K, Projection::V],
    &[Projection::O],
    &[Projection::Gate, Projection::Up],
    &[Projection::Down],
];

impl Lora {
    /// A new adapter: A is drawn as PEFT draws it (Kaiming-uniform, a = √5), B is zero.
    pub fn new(config: &Config, lora: &LoraConfig) -> Self {
        let slots = slots(config, lora.r);
        let total = slots.last().map_or(0, |slot| slot.range().end);
        let mut parameters = vec![0.0; total];
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(lora.seed);
        for slot in slots.iter().filter(|slot| slot.factor == Factor::A) {
            // √(6 / ((1 + a²) · inputs)) with a = √5.
            let bound = 1.0 / (slot.columns as f32).sqrt();
            for number in &mut parameters[slot.range()] {
                *number = random.random_range(-bound..=bound);
            }
        }
        Self { config: lora.clone(), slots, parameters }
    }

    /// How it was made.
    pub fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// `alpha / r`.
    pub fn scale(&self) -> f32 {
        self.config.alpha / self.config.r as f32
    }

    /// Every factor's place, in flat order.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slot of one factor.
    ///
    /// # Panics
    /// Where `layer` is not one of the model's.
    pub fn slot(&self, layer: usize, projection: Projection, factor: Factor) -> &Slot {
        self.slots
            .iter()
            .skip(layer * 2 * Projection::ALL.len())
            .find(|slot| slot.projection == projection && slot.factor == factor)
            .expect("every layer has all projections")
    }

    /// All numbers.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// Replaces all numbers.
    ///
    /// # Panics
    /// Where the length differs.
    pub fn set_parameters(&mut self, parameters: &[f32]) {
        self.parameters.copy_from_slice(parameters);
    }

    /// All numbers, to be changed in place.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }
}

/// Per block and group: its A factors, then its B factors.
fn slots(config: &Config, r: usize) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut offset = 0;
    for layer in 0..config.layers {
        for group in GROUPS {
            for factor in [Factor::A, Factor::B] {
                for &projection in group {
                    let (inputs, outputs) = projection.shape(config);
                    let (rows, columns) = match factor {
                        Factor::A => (r, inputs),
                        Factor::B => (outputs, r),
                    };
                    slots.push(Slot { layer, projection, factor, rows, columns, offset });
                    offset += rows * columns;
                }
            }
        }
    }
    slots
}
