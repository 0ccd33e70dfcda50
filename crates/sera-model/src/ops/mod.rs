//! The operations the decoder is written in: named once, computed twice. [`Cpu`] runs fused kernels
//! on slices; [`Composed`] runs candle's tensor operations on any device and is what the kernels are
//! tested against.

mod attention;
mod bf16;
mod bytes;
mod composed;
mod cpu;
mod gemm;
mod halves;
mod kept;
mod nibbles;
mod panels;
mod simd;
mod words;

pub(crate) use attention::Segment;
pub(crate) use bf16::{Packed, native as bf16_is_native};
pub(crate) use bytes::BytePanel;
pub use composed::Composed;
#[cfg(test)]
pub(crate) use cpu::exact_head_logits;
pub(crate) use cpu::{Cpu, Rows, head_logits, nll_of_rows};
pub(crate) use kept::Kept;
pub use kept::{KeyValues, UnknownKeyValues};
pub(crate) use nibbles::NibblePanel;
pub(crate) use panels::{Interleaved, fit as few_fit, multiplies_words};

use crate::batch::Target;
use crate::lora::Projection;

/// Linear layers that read the same input and are computed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Queries, keys and values.
    Qkv,
    /// Attention's output.
    Output,
    /// The feed-forward's gate and its other input.
    GateUp,
    /// The feed-forward's output.
    Down,
}

impl Group {
    /// All four, in the order of computation.
    pub const ALL: [Self; 4] = [Self::Qkv, Self::Output, Self::GateUp, Self::Down];

    /// Its linear layers; their outputs lie side by side.
    pub fn projections(self) -> &'static [Projection] {
        match self {
            Self::Qkv => &[Projection::Q, Projection::K, Projection::V],
            Self::Output => &[Projection::O],
            Self::GateUp => &[Projection::Gate, Projection::Up],
            Self::Down => &[Projection::Down],
        }
    }
}

/// Where a norm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Before a block's attention.
    Attention(usize),
    /// Before a block's feed-forward.
    Mlp(usize),
    /// Before the head.
    Final,
}

/// What every operation returns.
pub type Computed<T> = Result<T, candle_core::Error>;

/// A linear layer's output with what its backward needs.
#[derive(Debug)]
pub struct Linear<R> {
    /// `[rows, outputs]`.
    pub y: R,
    /// The input times the A factors, `[rows, projections · r]`; empty without an adapter.
    pub u: R,
}

/// Attention's output with what its backward needs.
#[derive(Debug)]
pub struct Attended<R> {
    /// `[rows, heads · head]`.
    pub out: R,
    /// Logarithms of the sums of exponentials, `[rows, heads]`.
    pub lse: R,
}

/// The result of head and loss.
#[derive(Debug)]
pub struct Loss<R> {
    /// Negative log-likelihood of each target, unweighted.
    pub nll: Vec<f32>,
    /// Whether each target is the most likely token of its row: what greedy decoding would write.
    pub greedy: Vec<bool>,
    /// Gradient of the weighted sum by the final hidden rows, if asked for.
    pub gradient: Option<R>,
}

impl<R> Loss<R> {
    /// What is told of each target, without the gradient.
    pub(crate) fn per_target(self) -> (Vec<f32>, Vec<bool>) {
        (self.nll, self.greedy)
    }
}

/// The operations of a decoder. Rows are `[rows, width]` matrices of f32.
///
/// Forward functions name what they return; backward functions take the gradient of that and
/// return the gradient of the input. Frozen weights have no gradient anywhere.
pub trait Ops {
    /// Activations.
    type Rows;
    /// Activations kept for the backward, possibly rounded.
    type Saved;
    /// The gradient of the adapter's flat parameters.
    type Gradient;

    /// Rows of the embedding table.
    fn embed(&self, tokens: &[u32]) -> Computed<Self::Rows>;
    /// Keeps rows for the backward.
    fn save(&self, rows: Self::Rows) -> Self::Saved;
    /// The rows kept.
    fn restore(&self, saved: &Self::Saved) -> Self::Rows;
    /// A copy.
    fn copy(&self, rows: &Self::Rows) -> Self::Rows;
    /// As many zeros.
    fn zeros_like(&self, rows: &Self::Rows) -> Computed<Self::Rows>;
    /// Gives memory back early.
    fn recycle(&self, rows: Self::Rows);
    /// Root-mean-square norm with its weight.
    fn norm(&self, at: Norm, x: &Self::Rows) -> Computed<Self::Rows>;
    /// Adds the norm's gradient to `dx`.
    fn norm_backward(
        &self,
        at: Norm,
        x: &Self::Rows,
        dy: Self::Rows,
        dx: Self::Rows,
    ) -> Computed<Self::Rows>;
    /// Whether the model norms heads: then [`Ops::norm_heads`]'s input is needed backward.
    fn norms_heads(&self) -> bool;
    /// Root-mean-square norm of each head of queries and keys, where the model has one.
    fn norm_heads(&self, layer: usize, qkv: Self::Rows) -> Computed<Self::Rows>;
    /// Gradient by the `qkv` that was normed.
    fn norm_heads_backward(
        &self,
        layer: usize,
        qkv: &Self::Rows,
        dqkv: Self::Rows,
    ) -> Computed<Self::Rows>;
    /// `onto + x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ`; only queries, keys and values may have a bias b.
    fn linear(
        &self,
        layer: usize,
        group: Group,
        x: &Self::Rows,
        onto: Option<Self::Rows>,
    ) -> Computed<Linear<Self::Rows>>;
    /// Gradient by `x`; adds those of A and B to `gradient`.
    fn linear_backward(
        &self,
        at: (usize, Group),
        x: &Self::Rows,
        u: &Self::Rows,
        dy: &Self::Rows,
        gradient: &mut Self::Gradient,
    ) -> Computed<Self::Rows>;
    /// Rotates queries and keys by their positions.
    fn rotate(&self, qkv: Self::Rows, positions: &[usize]) -> Computed<Self::Rows>;
    /// Rotates gradients of queries and keys back.
    fn rotate_back(&self, dqkv: Self::Rows, positions: &[usize]) -> Computed<Self::Rows>;
    /// Causal attention within each sequence.
    fn attend(&self, qkv: &Self::Rows, starts: &[usize]) -> Computed<Attended<Self::Rows>>;
    /// Gradient by `qkv`.
    fn attend_backward(
        &self,
        qkv: &Self::Rows,
        attended: &Attended<Self::Rows>,
        dout: &Self::Rows,
        starts: &[usize],
    ) -> Computed<Self::Rows>;
    /// `silu(gate) · up` of rows that hold both side by side.
    fn gated(&self, gate_up: &Self::Rows) -> Computed<Self::Rows>;
    /// Gradient by `gate_up`.
    fn gated_backward(&self, gate_up: Self::Rows, dy: &Self::Rows) -> Computed<Self::Rows>;
    /// Head and cross-entropy of the targets' rows, in chunks.
    fn loss(
        &self,
        hidden: &Self::Rows,
        targets: &[Target],
        gradient: bool,
    ) -> Computed<Loss<Self::Rows>>;
    /// A zero gradient.
    fn gradient(&self) -> Computed<Self::Gradient>;
    /// The gradient as numbers in the adapter's flat order.
    fn numbers(&self, gradient: Self::Gradient) -> Computed<Vec<f32>>;
}
