//! The head: logits, likelihoods and their gradient.
use super::super::simd;
use super::Rows;
use super::frozen::{times, times_few};
use crate::batch::Target;
use crate::weights::{Frozen, Weights};
use rayon::prelude::*;

/// Targets whose logits are held at once.
pub(super) const CHUNK: usize = 128;

/// Logits of some normed hidden rows, `[rows, vocabulary]`.
pub(crate) fn head_logits(weights: &Weights, hidden: &[f32]) -> Vec<f32> {
    head_logits_by(times_few, weights, hidden)
}

/// The same without the rounding of a token that is read to write by.
#[cfg(test)]
pub(crate) fn exact_head_logits(weights: &Weights, hidden: &[f32]) -> Vec<f32> {
    head_logits_by(times, weights, hidden)
}

fn head_logits_by(
    times: impl Fn(&Frozen, &Rows, &mut Rows, bool),
    weights: &Weights,
    hidden: &[f32],
) -> Vec<f32> {
    let hidden = Rows { data: hidden.to_vec(), width: weights.head().inputs() };
    let vocabulary = weights.head().outputs();
    let mut logits = Rows { data: vec![0.0; hidden.count() * vocabulary], width: vocabulary };
    times(weights.head(), &hidden, &mut logits, false);
    logits.data
}

/// Negative log-likelihood of a token after each normed hidden row, in chunks.
pub(crate) fn nll_of_rows(weights: &Weights, rows: &[(&[f32], u32)]) -> Vec<f32> {
    let vocabulary = weights.head().outputs();
    let mut logits = Rows { data: Vec::new(), width: vocabulary };
    let mut nll = Vec::with_capacity(rows.len());
    for rows in rows.chunks(CHUNK) {
        let data = rows.iter().flat_map(|(row, _)| row.iter().copied()).collect();
        let hidden = Rows { data, width: weights.head().inputs() };
        logits.data.resize(rows.len() * vocabulary, 0.0);
        times(weights.head(), &hidden, &mut logits, false);
        let targets: Vec<_> =
            rows.iter().map(|&(_, token)| Target { row: 0, token, weight: 1.0 }).collect();
        nll.extend(cross_entropy(&mut logits, &targets, false).into_iter().map(|(nll, _)| nll));
    }
    nll
}

/// Each row's negative log-likelihood and whether its target is the likeliest token; leaves the
/// weighted gradient in `logits` if asked to.
pub(super) fn cross_entropy(
    logits: &mut Rows,
    targets: &[Target],
    gradient: bool,
) -> Vec<(f32, bool)> {
    let rows = logits.data.par_chunks_mut(logits.width).zip(targets);
    rows.map(|(logits, target)| {
        let token = target.token as usize;
        let lse = simd::log_sum_exp(logits);
        let own = logits[token];
        let (nll, best) = (lse - own, logits.iter().all(|other| *other <= own));
        if gradient {
            let slope = target.slope(nll);
            simd::cross_entropy_row(logits, lse, slope);
            logits[token] -= slope;
        }
        (nll, best)
    })
    .collect()
}
