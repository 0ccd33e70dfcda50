//! The decoder's forward and backward, as equations over [`Ops`].

use crate::base::Base;
use crate::batch::{Batch, Target};
use crate::lora::{Lora, Slot};
use crate::ops::{Attended, Computed, Cpu, Group, Linear, Loss, Norm, Ops};

/// Why a forward or backward gave no result.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The caller's `pause` said to stop.
    #[error("stopped")]
    Stopped,
    /// The batch contradicts itself or the model.
    #[error("the batch cannot be computed: {0}")]
    Batch(&'static str),
    /// The thread that computed for several panicked.
    #[error("computing panicked")]
    Panicked,
    /// The device failed.
    #[error("the device failed")]
    Device(#[from] candle_core::Error),
}

/// What training needs of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct LossAndGradient {
    /// Sum over targets of weight × negative log-likelihood, in nats.
    pub loss: f64,
    /// Its gradient by the adapter's flat parameters.
    pub gradient: Vec<f32>,
}

/// What a forward leaves behind for its backward. Gradients are the same bits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// All that is costly to compute.
    #[default]
    Everything,
    /// Every block's input: the backward computes the block again, a third more work in all for a
    /// fraction of the memory (Chen et al., 2016, arXiv 1604.06174).
    Inputs,
}

impl Keep {
    /// Whether it is [`Keep::Everything`].
    pub fn is_everything(&self) -> bool {
        *self == Self::Everything
    }
}

/// Negative log-likelihood of every target, unweighted, in nats.
///
/// `pause` is called between layers; false stops.
pub fn nll(
    base: &Base,
    lora: Option<&Lora>,
    batch: &Batch,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<f32>, EngineError> {
    check(base, batch)?;
    match &base.card {
        Some(card) => nll_on(&card.under(lora)?, base.config.layers, batch, pause),
        None => nll_on(&kernels(base, lora, batch), base.config.layers, batch, pause),
    }
}

/// One target under a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Negative log-likelihood, in nats.
    pub nll: f32,
    /// Greedy decoding would write this token here.
    pub greedy: bool,
}

/// [`nll`], with whether greedy decoding would have written each target.
pub fn scored(
    base: &Base,
    lora: Option<&Lora>,
    batch: &Batch,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<Scored>, EngineError> {
    check(base, batch)?;
    let layers = base.config.layers;
    let (nll, greedy) = match &base.card {
        Some(card) => loss_on(&card.under(lora)?, layers, batch, pause)?.per_target(),
        None => loss_on(&kernels(base, lora, batch), layers, batch, pause)?.per_target(),
    };
    let both = nll.into_iter().zip(greedy);
    Ok(both.map(|(nll, greedy)| Scored { nll, greedy }).collect())
}

/// The weighted loss of a batch and its gradient by the adapter.
///
/// `pause` is called between layers; false stops.
pub fn loss_and_gradient(
    base: &Base,
    lora: &Lora,
    batch: &Batch,
    keep: Keep,
    pause: &dyn Fn() -> bool,
) -> Result<LossAndGradient, EngineError> {
    check(base, batch)?;
    let layers = base.config.layers;
    match &base.card {
        Some(card) => loss_and_gradient_on(&card.under(Some(lora))?, layers, batch, keep, pause),
        None => loss_and_gradient_on(&kernels(base, Some(lora), batch), layers, batch, keep, pause),
    }
}

/// Slots of `lora` whose gradient is all zero or not finite: after two steps there must be none.
pub fn dead_slots<'a>(lora: &'a Lora, gradient: &[f32]) -> Vec<&'a Slot> {
    let alive = |slot: &&Slot| {
        let numbers = &gradient[slot.range()];
        numbers.iter().all(|n| n.is_finite()) && numbers.iter().any(|&n| n != 0.0)
    };
    lora.slots().iter().filter(|slot| !alive(slot)).collect()
}

fn check(base: &Base, batch: &Batch) -> Result<(), EngineError> {
    batch.fault(base.config.vocabulary).map_or(Ok(()), |fault| Err(EngineError::Batch(fault)))
}

fn kernels<'a>(base: &'a Base, lora: Option<&'a Lora>, batch: &Batch) -> Cpu<'a> {
    let longest = batch.starts.windows(2).map(|pair| pair[1] - pair[0]).max();
    Cpu::new(base, lora, 0..longest.unwrap_or(0))
}

/// [`nll`] on any operations.
pub fn nll_on<O: Ops>(
    ops: &O,
    layers: usize,
    batch: &Batch,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<f32>, EngineError> {
    Ok(loss_on(ops, layers, batch, pause)?.nll)
}

fn loss_on<O: Ops>(
    ops: &O,
    layers: usize,
    batch: &Batch,
    pause: &dyn Fn() -> bool,
) -> Result<Loss<O::Rows>, EngineError> {
    let h = embed_and_blocks(ops, layers, batch, pause)?;
    let hidden = ops.norm(Norm::Final, &h)?;
    Ok(ops.loss(&hidden, &batch.targets, false)?)
}

/// [`loss_and_gradient`] on any operations.
pub fn loss_and_gradient_on<O: Ops>(
    ops: &O,
    layers: usize,
    batch: &Batch,
    keep: Keep,
    pause: &dyn Fn() -> bool,
) -> Result<LossAndGradient, EngineError> {
    let sequences = Sequences::of(batch);
    let mut left = Vec::with_capacity(layers);
    let mut h = ops.embed(&batch.tokens)?;
    for layer in 0..layers {
        go(pause)?;
        let input = (keep == Keep::Inputs).then(|| ops.copy(&h));
        let (next, kept) = sequences.block(ops, layer, h, keep == Keep::Everything)?;
        left.push((input, kept));
        h = next;
    }
    let hidden = ops.norm(Norm::Final, &h)?;
    let loss = ops.loss(&hidden, &batch.targets, true)?;
    let dhidden = loss.gradient.expect("it was asked for");
    let mut gradient = ops.gradient()?;
    let mut dh = ops.norm_backward(Norm::Final, &h, dhidden, ops.zeros_like(&h)?)?;
    for (layer, (input, kept)) in left.into_iter().enumerate().rev() {
        go(pause)?;
        let kept = match input {
            None => kept,
            Some(input) => {
                let (h, kept) = sequences.block(ops, layer, input, true)?;
                ops.recycle(h);
                kept
            }
        };
        let kept = kept.expect("a block that is asked to keeps");
        dh = block_backward(ops, layer, kept, &sequences, dh, &mut gradient)?;
    }
    let weighted = |(nll, target): (&f32, &Target)| target.loss(*nll);
    Ok(LossAndGradient {
        loss: loss.nll.iter().zip(&batch.targets).map(weighted).sum(),
        gradient: ops.numbers(gradient)?,
    })
}

/// Whole sequences, which a block attends within.
struct Sequences<'a> {
    starts: &'a [usize],
    positions: Vec<usize>,
}

impl<'a> Sequences<'a> {
    fn of(batch: &'a Batch) -> Self {
        let lengths = batch.starts.windows(2).map(|pair| pair[1] - pair[0]);
        Self { starts: &batch.starts, positions: lengths.flat_map(|length| 0..length).collect() }
    }

    fn block<O: Ops>(
        &self,
        ops: &O,
        layer: usize,
        h: O::Rows,
        keep: bool,
    ) -> Computed<(O::Rows, Option<Kept<O>>)> {
        let attention: Attention<'_, O::Rows> = &mut |qkv| {
            let qkv = ops.rotate(qkv, &self.positions)?;
            let attended = ops.attend(&qkv, self.starts)?;
            Ok((qkv, attended))
        };
        block(ops, layer, h, attention, keep)
    }
}

/// Asks `pause` whether to go on.
pub(crate) fn go(pause: &dyn Fn() -> bool) -> Result<(), EngineError> {
    if pause() { Ok(()) } else { Err(EngineError::Stopped) }
}

/// What one block's backward needs of its forward.
pub(crate) struct Kept<O: Ops> {
    /// The block's input.
    h: O::Rows,
    /// Queries, keys and values before their heads were normed, if they were.
    raw: Option<O::Saved>,
    /// Rotated queries and keys, and values.
    qkv: O::Saved,
    /// Attention's output.
    out: O::Saved,
    lse: O::Rows,
    /// The residual between attention and feed-forward.
    middle: O::Rows,
    gate_up: O::Saved,
    /// Low-rank activations by [`Group`].
    u: [O::Rows; 4],
}

/// Attention as a block sees it: takes raw queries, keys and values; gives the rotated ones back
/// with the result.
type Attention<'a, R> = &'a mut dyn FnMut(R) -> Computed<(R, Attended<R>)>;

/// The final hidden rows before their norm.
pub(crate) fn embed_and_blocks<O: Ops>(
    ops: &O,
    layers: usize,
    batch: &Batch,
    pause: &dyn Fn() -> bool,
) -> Result<O::Rows, EngineError> {
    let sequences = Sequences::of(batch);
    let mut h = ops.embed(&batch.tokens)?;
    for layer in 0..layers {
        go(pause)?;
        (h, _) = sequences.block(ops, layer, h, false)?;
    }
    Ok(h)
}

/// One block: `h + attention(norm(h))`, then `h + feed-forward(norm(h))`; and what its backward
/// needs, if that is to be kept.
pub(crate) fn block<O: Ops>(
    ops: &O,
    layer: usize,
    h: O::Rows,
    attention: Attention<'_, O::Rows>,
    keep: bool,
) -> Computed<(O::Rows, Option<Kept<O>>)> {
    let duplicate = |rows: &O::Rows| keep.then(|| ops.copy(rows));

    let x = ops.norm(Norm::Attention(layer), &h)?;
    let Linear { y: qkv, u: u_qkv } = ops.linear(layer, Group::Qkv, &x, None)?;
    ops.recycle(x);
    let raw = (keep && ops.norms_heads()).then(|| ops.save(ops.copy(&qkv)));
    let (qkv, Attended { out, lse }) = attention(ops.norm_heads(layer, qkv)?)?;
    let kept_h = duplicate(&h);
    let Linear { y: h, u: u_output } = ops.linear(layer, Group::Output, &out, Some(h))?;

    let x = ops.norm(Norm::Mlp(layer), &h)?;
    let Linear { y: gate_up, u: u_gate_up } = ops.linear(layer, Group::GateUp, &x, None)?;
    ops.recycle(x);
    let x = ops.gated(&gate_up)?;
    let middle = duplicate(&h);
    let Linear { y: h, u: u_down } = ops.linear(layer, Group::Down, &x, Some(h))?;
    ops.recycle(x);

    if let (Some(kept_h), Some(middle)) = (kept_h, middle) {
        let kept = Kept {
            h: kept_h,
            raw,
            qkv: ops.save(qkv),
            out: ops.save(out),
            lse,
            middle,
            gate_up: ops.save(gate_up),
            u: [u_qkv, u_output, u_gate_up, u_down],
        };
        return Ok((h, Some(kept)));
    }
    for rows in [qkv, out, lse, gate_up, u_qkv, u_output, u_gate_up, u_down] {
        ops.recycle(rows);
    }
    Ok((h, None))
}

/// Gradient by a block's input, given that by its output.
fn block_backward<O: Ops>(
    ops: &O,
    layer: usize,
    kept: Kept<O>,
    sequences: &Sequences<'_>,
    dh: O::Rows,
    gradient: &mut O::Gradient,
) -> Computed<O::Rows> {
    let [u_qkv, u_output, u_gate_up, u_down] = kept.u;

    let gate_up = ops.restore(&kept.gate_up);
    let x = ops.gated(&gate_up)?;
    let dx = ops.linear_backward((layer, Group::Down), &x, &u_down, &dh, gradient)?;
    ops.recycle(x);
    let dgate_up = ops.gated_backward(gate_up, &dx)?;
    ops.recycle(dx);
    let x = ops.norm(Norm::Mlp(layer), &kept.middle)?;
    let dx = ops.linear_backward((layer, Group::GateUp), &x, &u_gate_up, &dgate_up, gradient)?;
    ops.recycle(x);
    ops.recycle(dgate_up);
    let dh = ops.norm_backward(Norm::Mlp(layer), &kept.middle, dx, dh)?;

    let attended = Attended { out: ops.restore(&kept.out), lse: kept.lse };
    let at = (layer, Group::Output);
    let dout = ops.linear_backward(at, &attended.out, &u_output, &dh, gradient)?;
    let qkv = ops.restore(&kept.qkv);
    let dqkv = ops.attend_backward(&qkv, &attended, &dout, sequences.starts)?;
    let mut dqkv = ops.rotate_back(dqkv, &sequences.positions)?;
    if let Some(raw) = &kept.raw {
        dqkv = ops.norm_heads_backward(layer, &ops.restore(raw), dqkv)?;
    }
    ops.recycle(qkv);
    ops.recycle(dout);
    let x = ops.norm(Norm::Attention(layer), &kept.h)?;
    let dx = ops.linear_backward((layer, Group::Qkv), &x, &u_qkv, &dqkv, gradient)?;
    ops.recycle(x);
    ops.recycle(dqkv);
    let dh = ops.norm_backward(Norm::Attention(layer), &kept.h, dx, dh)?;
    for rows in [attended.out, attended.lse, kept.h, kept.middle] {
        ops.recycle(rows);
    }
    for rows in [u_qkv, u_output, u_gate_up, u_down] {
        ops.recycle(rows);
    }
    Ok(dh)
}

#[cfg(test)]
mod tests;
