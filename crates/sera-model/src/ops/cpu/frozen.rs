//! Products with frozen weights, as exactly as training needs them or as serving may have them.
use super::super::gemm::{Destination, Matrix, Threads, product};
use super::super::simd;
use super::Rows;
use crate::weights::{Frozen, made_once};
use rayon::prelude::*;
use std::cell::RefCell;

thread_local! {
    /// The left operand of a bf16 product.
    static ROUNDED: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
}

/// Rounds `x` and calls `work` with its bits.
fn with_bf16(x: &[f32], work: impl FnOnce(&[u16])) {
    let mut bits = ROUNDED.take();
    bits.resize(x.len(), 0);
    round(x, &mut bits);
    work(&bits);
    ROUNDED.set(bits);
}

/// Rounds to bf16.
pub(super) fn round(x: &[f32], bits: &mut [u16]) {
    const PART: usize = 1 << 14;
    if x.len() <= PART {
        return simd::to_bf16(x, bits);
    }
    let parts = bits.par_chunks_mut(PART).zip(x.par_chunks(PART));
    parts.for_each(|(bits, x)| simd::to_bf16(x, bits));
}

/// `to (+)= x·Wᵀ`.
pub(super) fn times(w: &Frozen, x: &Rows, to: &mut Rows, add: bool) {
    match w {
        Frozen::F32 { inputs, numbers, .. } => {
            let w = Matrix::new(numbers, w.outputs(), *inputs, *inputs).transposed();
            let width = to.width;
            let to = destination(&mut to.data, width, add);
            product(to, 1.0, x.matrix(), w, Threads::All);
        }
        Frozen::Bf16 { forward, .. } => {
            with_bf16(&x.data, |bits| forward.product(bits, &mut to.data, add));
        }
        Frozen::Levels { levels, .. } => levels.times(&x.data, &mut to.data, add),
    }
}

/// [`times`] for a few rows that are read for what comes next, not to learn from: it reads weights
/// in four bits or in bytes. Serving differs from training by their rounding.
pub(super) fn times_few(w: &Frozen, x: &Rows, to: &mut Rows, add: bool) {
    match w.few() {
        Some(few) => few.times(&x.data, &mut to.data, add),
        None => times(w, x, to, add),
    }
}

/// `dx = dy·W`.
pub(super) fn times_back(w: &Frozen, dy: &Rows, dx: &mut Rows) {
    match w {
        Frozen::F32 { inputs, numbers, .. } => {
            let w = Matrix::new(numbers, w.outputs(), *inputs, *inputs);
            let width = dx.width;
            product(Destination::set(&mut dx.data, width), 1.0, dy.matrix(), w, Threads::All);
        }
        Frozen::Bf16 { backward, .. } | Frozen::Levels { backward, .. } => {
            let backward = made_once(backward, || w.transposed());
            with_bf16(&dy.data, |bits| backward.product(bits, &mut dx.data, false));
        }
    }
}

fn destination(data: &mut [f32], width: usize, add: bool) -> Destination<'_> {
    if add { Destination::add(data, width) } else { Destination::set(data, width) }
}
