//! Frozen weights as the engine multiplies with them: dequantised once at load, kept as f32, as
//! packed bf16, or in the four bits they had in the file.

use crate::config::Config;
use crate::gguf::{Gguf, GgufError};
use crate::lora::Projection;
use crate::ops::{BytePanel, Group, Interleaved, NibblePanel, Packed, few_fit, multiplies_words};
use rand::{Rng as _, SeedableRng as _};
use rayon::prelude::*;
use std::sync::OnceLock;

/// How frozen weights and saved activations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Everything in f32: exact enough to differentiate numerically.
    F32,
    /// bf16 operands with f32 sums: half the memory, about twice the speed where the processor
    /// multiplies bf16 itself.
    Bf16,
}

impl Precision {
    /// bf16 where the processor multiplies it, f32 elsewhere.
    pub fn fastest() -> Self {
        if crate::ops::bf16_is_native() { Self::Bf16 } else { Self::F32 }
    }
}

/// A frozen matrix `[outputs, inputs]`.
#[derive(Debug)]
pub(crate) enum Frozen {
    /// Row-major.
    F32 {
        /// Width of a row.
        inputs: usize,
        /// The numbers.
        numbers: Vec<f32>,
        /// The same, for a few rows at a time; made when first needed.
        few: OnceLock<Few>,
    },
    /// Packed for both directions.
    Bf16 {
        /// `[inputs, outputs]`, for `x·Wᵀ`.
        forward: Packed,
        /// `[outputs, inputs]`, for `dy·W`; made when training first needs it.
        backward: OnceLock<Packed>,
        /// The same, for a few rows at a time; made when first needed.
        few: OnceLock<Few>,
    },
    /// In four bits for `x·Wᵀ`, where the file has sixteen levels and the processor is as fast with
    /// them as with bf16: a seventh of the memory, and no rounding.
    Levels {
        /// The numbers.
        levels: Few,
        /// `[outputs, inputs]`, for `dy·W`; made when training first needs it.
        backward: OnceLock<Packed>,
    },
}

/// A matrix in few bytes: a few rows that meet it take as long as reading it.
#[derive(Debug)]
pub(crate) enum Few {
    Nibbles(Interleaved<NibblePanel>),
    Bytes(Interleaved<BytePanel>),
}

impl Few {
    fn new(inputs: usize, numbers: &[f32]) -> Self {
        Self::exact(inputs, numbers).unwrap_or_else(|| {
            Self::Bytes(Interleaved::new(inputs, numbers).expect("bytes keep any numbers"))
        })
    }

    /// Four bits, where the numbers have no more.
    fn exact(inputs: usize, numbers: &[f32]) -> Option<Self> {
        Interleaved::new(inputs, numbers).map(Self::Nibbles)
    }

    /// Outputs and inputs.
    fn shape(&self) -> (usize, usize) {
        match self {
            Self::Nibbles(nibbles) => nibbles.shape(),
            Self::Bytes(bytes) => bytes.shape(),
        }
    }

    fn row(&self, output: usize, to: &mut [f32]) {
        match self {
            Self::Nibbles(nibbles) => nibbles.row(output, to),
            Self::Bytes(bytes) => bytes.row(output, to),
        }
    }

    /// `to (+)= W·x`.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        match self {
            Self::Nibbles(nibbles) => nibbles.times(x, to, add),
            Self::Bytes(bytes) => bytes.times(x, to, add),
        }
    }
}

impl Frozen {
    fn new(inputs: usize, numbers: Vec<f32>, precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32 { inputs, numbers, few: OnceLock::new() },
            Precision::Bf16 => {
                if multiplies_words()
                    && few_fit(inputs)
                    && let Some(levels) = Few::exact(inputs, &numbers)
                {
                    return Self::Levels { levels, backward: OnceLock::new() };
                }
                let outputs = numbers.len() / inputs;
                let forward = Packed::new(inputs, outputs, |input, output| {
                    half::bf16::from_f32(numbers[output * inputs + input]).to_bits()
                });
                Self::Bf16 { forward, backward: OnceLock::new(), few: OnceLock::new() }
            }
        }
    }

    /// Inputs.
    pub(crate) fn inputs(&self) -> usize {
        match self {
            Self::F32 { inputs, .. } => *inputs,
            Self::Bf16 { forward, .. } => forward.inner(),
            Self::Levels { levels, .. } => levels.shape().1,
        }
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::F32 { inputs, numbers, .. } => numbers.len() / inputs,
            Self::Bf16 { forward, .. } => forward.columns(),
            Self::Levels { levels, .. } => levels.shape().0,
        }
    }

    /// The weights of one output.
    pub(crate) fn row(&self, output: usize, to: &mut [f32]) {
        match self {
            Self::F32 { inputs, numbers, .. } => {
                to.copy_from_slice(&numbers[output * inputs..][..*inputs]);
            }
            Self::Bf16 { forward, .. } => {
                for (input, to) in to.iter_mut().enumerate() {
                    *to = half::bf16::from_bits(forward.at(input, output)).to_f32();
                }
            }
            Self::Levels { levels, .. } => levels.row(output, to),
        }
    }

    /// For a few rows at a time, where this processor reads its weights so.
    pub(crate) fn few(&self) -> Option<&Few> {
        let inputs = self.inputs();
        few_fit(inputs).then(|| match self {
            Self::F32 { numbers, few, .. } => made_once(few, || Few::new(inputs, numbers)),
            Self::Bf16 { few, .. } => made_once(few, || Few::new(inputs, &self.numbers())),
            Self::Levels { levels, .. } => levels,
        })
    }

    /// In bf16, `[outputs, inputs]`, for `dy·W`.
    pub(crate) fn transposed(&self) -> Packed {
        if let Self::Bf16 { forward, .. } = self {
            return forward.transposed();
        }
        let (numbers, inputs) = (self.numbers(), self.inputs());
        Packed::new(self.outputs(), inputs, |output, input| {
            half::bf16::from_f32(numbers[output * inputs + input]).to_bits()
        })
    }

    /// All numbers, row-major.
    pub(crate) fn numbers(&self) -> Vec<f32> {
        let mut numbers = vec![0.0; self.inputs() * self.outputs()];
        let rows = numbers.par_chunks_mut(self.inputs()).enumerate();
        rows.for_each(|(output, row)| self.row(output, row));
        numbers
    }
}

/// What the cell holds, made before it is locked: what is made on the pool may run other work
/// meanwhile that asks for the same. At worst it is made twice.
pub(crate) fn made_once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if let Some(made) = cell.get() {
        return made;
    }
    let made = make();
    cell.get_or_init(|| made)
}

/// One block's frozen weights.
#[derive(Debug)]
pub(crate) struct Layer {
    /// Weight of the norm before attention.
    pub(crate) attention_norm: Vec<f32>,
    /// Weight of the norm before the feed-forward.
    pub(crate) mlp_norm: Vec<f32>,
    /// Bias of queries, keys and values, side by side; empty where the family has none.
    pub(crate) qkv_bias: Vec<f32>,
    /// Weights of the norms of each head of queries and of keys, where the family has them.
    pub(crate) head_norms: Option<HeadNorms>,
    /// By [`Group`].
    groups: [Frozen; 4],
}

/// Weights of the norms of heads, `[head]` each.
#[derive(Debug)]
pub(crate) struct HeadNorms {
    pub(crate) query: Vec<f32>,
    pub(crate) key: Vec<f32>,
}

/// A tensor as it comes from where it is kept, in the file's row order.
pub(crate) type Read = Result<Vec<f32>, GgufError>;

impl Layer {
    fn assemble(
        config: &Config,
        precision: Precision,
        layer: usize,
        read: &mut dyn FnMut(&str, &[usize]) -> Read,
    ) -> Result<Self, GgufError> {
        let mut vector = |name: &str, width| read(&format!("blk.{layer}.{name}"), &[width]);
        let attention_norm = vector("attn_norm.weight", config.width)?;
        let mlp_norm = vector("ffn_norm.weight", config.width)?;
        let mut qkv_bias = Vec::new();
        if config.family.has_qkv_bias() {
            for &projection in Group::Qkv.projections() {
                let name = format!("{}.bias", projection.gguf_name());
                qkv_bias.extend(vector(&name, projection.shape(config).1)?);
            }
        }
        let mut head_norms = None;
        if config.family.norms_heads() {
            let query = vector("attn_q_norm.weight", config.head)?;
            head_norms = Some(HeadNorms { query, key: vector("attn_k_norm.weight", config.head)? });
        }
        let mut group = |group: Group| -> Result<Frozen, GgufError> {
            let mut numbers = Vec::new();
            for &projection in group.projections() {
                let (inputs, outputs) = projection.shape(config);
                let name = format!("blk.{layer}.{}.weight", projection.gguf_name());
                let read = read(&name, &[inputs, outputs])?;
                numbers.extend(match projection {
                    Projection::Q | Projection::K if config.family.has_paired_rows() => {
                        halves(&read, inputs, config.head)
                    }
                    _ => read,
                });
            }
            Ok(Frozen::new(group.projections()[0].shape(config).0, numbers, precision))
        };
        let groups =
            [group(Group::Qkv)?, group(Group::Output)?, group(Group::GateUp)?, group(Group::Down)?];
        Ok(Self { attention_norm, mlp_norm, qkv_bias, head_norms, groups })
    }

    /// The matrix of a group of linear layers.
    pub(crate) fn group(&self, group: Group) -> &Frozen {
        &self.groups[group as usize]
    }
}

/// All frozen numbers of a model.
#[derive(Debug)]
pub struct Weights {
    precision: Precision,
    pub(crate) layers: Vec<Layer>,
    pub(crate) final_norm: Vec<f32>,
    /// `[vocabulary, width]`: rows of the embedding.
    pub(crate) embedding: Frozen,
    /// The same shape, where the head is not tied to the embedding.
    untied: Option<Frozen>,
}

impl Weights {
    /// Reads and dequantises the tensors of a GGUF file.
    pub fn from_gguf(
        gguf: &Gguf,
        config: &Config,
        precision: Precision,
    ) -> Result<Self, GgufError> {
        Self::assemble(config, precision, |name, dims| gguf.read(name, dims))
    }

    /// Random numbers of sensible size, for tests.
    pub fn random(config: &Config, seed: u64, precision: Precision) -> Self {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let made = Self::assemble(config, precision, |name, dims| {
            let norm = name.ends_with("_norm.weight");
            let (middle, spread) =
                if norm { (1.0, 0.2) } else { (0.0, (3.0 / dims[0] as f32).sqrt()) };
            let draw = || middle + random.random_range(-spread..spread);
            Ok(std::iter::repeat_with(draw).take(dims.iter().product()).collect())
        });
        made.expect("random numbers cannot be missing")
    }

    /// Asks `read` for each tensor by its GGUF name, dimensions fastest first, rows in GGUF's order.
    pub(crate) fn assemble(
        config: &Config,
        precision: Precision,
        mut read: impl FnMut(&str, &[usize]) -> Read,
    ) -> Result<Self, GgufError> {
        let embedding = read("token_embd.weight", &[config.width, config.vocabulary])?;
        let final_norm = read("output_norm.weight", &[config.width])?;
        let layers = (0..config.layers)
            .map(|layer| Layer::assemble(config, precision, layer, &mut read))
            .collect::<Result<_, GgufError>>()?;
        let embedding = Frozen::new(config.width, embedding, precision);
        let mut untied = None;
        if !config.tied_head {
            let head = read("output.weight", &[config.width, config.vocabulary])?;
            untied = Some(Frozen::new(config.width, head, precision));
        }
        Ok(Self { precision, layers, final_norm, embedding, untied })
    }

    /// `[vocabulary, width]`: what turns final hidden rows into logits.
    pub(crate) fn head(&self) -> &Frozen {
        self.untied.as_ref().unwrap_or(&self.embedding)
    }

    /// How they are kept.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

/// Undoes the row order of llama GGUF files. There the two rows that rope rotates together are
/// neighbours; here, as in Hugging Face checkpoints, they are half a head apart.
fn halves(numbers: &[f32], inputs: usize, head: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(numbers.len());
    for rows in numbers.chunks_exact(inputs * head) {
        for half in 0..2 {
            for pair in 0..head / 2 {
                out.extend_from_slice(&rows[(2 * pair + half) * inputs..][..inputs]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_rows_come_half_a_head_apart() {
        let rows: Vec<f32> = (0..8u8).map(f32::from).collect();
        assert_eq!(halves(&rows, 1, 4), [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    }

    #[test]
    fn sixteen_levels_are_kept_as_they_are() {
        let number = |i: usize| ((i * 7) % 16) as f32 * 0.125 - (i / 32) as f32;
        let numbers: Vec<f32> = (0..40 * 64).map(number).collect();
        let frozen = Frozen::new(64, numbers.clone(), Precision::Bf16);
        let levels = matches!(frozen, Frozen::Levels { .. });
        assert_eq!(levels, multiplies_words() && few_fit(64));
        assert_eq!((frozen.outputs(), frozen.inputs()), (40, 64));
        let rounded = |x: f32| half::bf16::from_f32(x).to_bits();
        let back = frozen.transposed();
        for (i, (number, found)) in numbers.iter().zip(frozen.numbers()).enumerate() {
            assert!(if levels { *number == found } else { rounded(*number) == rounded(found) });
            assert_eq!(back.at(i / 64, i % 64), rounded(*number));
        }
    }

    #[test]
    fn both_precisions_hold_the_same_numbers() {
        let config = Config::tiny();
        let exact = Weights::random(&config, 7, Precision::F32);
        let rounded = Weights::random(&config, 7, Precision::Bf16);
        for group in Group::ALL {
            let (exact, rounded) =
                (exact.layers[1].group(group).numbers(), rounded.layers[1].group(group).numbers());
            assert_eq!(exact.len(), rounded.len());
            for (exact, rounded) in exact.iter().zip(&rounded) {
                assert!((exact - rounded).abs() <= exact.abs() / 256.0);
            }
        }
    }
}
