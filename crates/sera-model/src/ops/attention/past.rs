//! Earlier positions as many rows meet them: in f32, or in bf16 where the processor multiplies that
//! itself, which takes half the time. The linear layers are rounded as much.
use super::super::bf16::{Packed, Part};
use super::super::gemm::{Destination, Matrix, Threads, product};
use super::super::simd;
use rayon::prelude::*;
use std::cell::RefCell;

thread_local! {
    /// Queries or probabilities of one task.
    static BITS: RefCell<Vec<u16>> = const { RefCell::new(Vec::new()) };
}

/// Keys and values of earlier positions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Past<'a> {
    /// There are none.
    Nothing,
    /// In f32.
    Exact {
        /// Rotated keys, `[kv heads, head, positions]`.
        keys: &'a [f32],
        /// Values, `[kv heads, positions, head]`.
        values: &'a [f32],
        /// How many.
        positions: usize,
    },
    /// In bf16.
    Rounded(&'a Packs),
}

/// Keys and values in bf16, packed for the processor's instruction.
#[derive(Debug)]
pub(crate) struct Packs {
    /// By key head: rotated keys, `[head, positions]`.
    keys: Vec<Packed>,
    /// By key head: values, `[positions, head]`.
    values: Vec<Packed>,
}

impl Packs {
    /// Rounds `[kv heads, head, positions]` and `[kv heads, positions, head]`.
    ///
    /// # Panics
    /// Where positions or the head's numbers are odd.
    pub(crate) fn new(head: usize, positions: usize, keys: &[f32], values: &[f32]) -> Self {
        let size = (head * positions).max(1);
        let parts = |numbers: &[f32], inner, columns| {
            let heads = numbers.par_chunks_exact(size).with_max_len(1);
            heads.map(|numbers| Packed::of_rows(inner, columns, numbers)).collect()
        };
        Self { keys: parts(keys, head, positions), values: parts(values, positions, head) }
    }
}

impl Past<'_> {
    /// Writes the products of `queries`, `[queries, head]`, with the keys of the first `seen`
    /// positions, at least one of a past that is something, to rows of `to` that are `stride` apart.
    pub(super) fn scores(
        self,
        (kv_head, seen): (usize, usize),
        (queries, head): (&[f32], usize),
        (to, stride): (&mut [f32], usize),
    ) {
        match self {
            Self::Nothing => (),
            Self::Exact { keys, positions, .. } => {
                let keys = &keys[kv_head * head * positions..];
                let keys = Matrix::new(keys, head, seen, positions);
                let queries = Matrix::new(queries, queries.len() / head, head, head);
                product(Destination::set(to, stride), 1.0, queries, keys, Threads::One);
            }
            Self::Rounded(packs) => with_bits(queries.len(), |bits| {
                simd::to_bf16(queries, bits);
                let part = Part { inner: head, columns: seen, stride };
                packs.keys[kv_head].product_of(bits, to, part);
            }),
        }
    }

    /// Writes the values of the first `seen` positions, weighed by rows of `weights` that are
    /// `stride` apart, to `to`, `[rows, head]`.
    pub(super) fn weighed(
        self,
        (kv_head, seen): (usize, usize),
        (weights, stride): (&[f32], usize),
        (to, head): (&mut [f32], usize),
    ) {
        let rows = to.len() / head;
        match self {
            Self::Nothing => to.fill(0.0),
            Self::Exact { values, positions, .. } => {
                let values = Matrix::new(&values[kv_head * head * positions..], seen, head, head);
                let weights = Matrix::new(weights, rows, seen, stride);
                product(Destination::set(to, head), 1.0, weights, values, Threads::One);
            }
            // Inner indices come in pairs: an odd one is met by a weight of zero.
            Self::Rounded(packs) => with_bits(rows * seen.next_multiple_of(2), |bits| {
                let inner = seen.next_multiple_of(2);
                let each = bits.chunks_exact_mut(inner).zip(weights.chunks(stride));
                for (bits, weights) in each {
                    let (bits, odd) = bits.split_at_mut(seen);
                    simd::to_bf16(&weights[..seen], bits);
                    odd.fill(0);
                }
                let part = Part { inner, columns: head, stride: head };
                packs.values[kv_head].product_of(bits, to, part);
            }),
        }
    }
}

fn with_bits(count: usize, work: impl FnOnce(&mut [u16])) {
    BITS.with_borrow_mut(|bits| {
        if bits.len() < count {
            bits.resize(count, 0);
        }
        work(&mut bits[..count]);
    });
}

#[cfg(test)]
mod tests {
    use super::super::{Segment, forward};
    use super::*;
    use crate::config::Config;
    use rand::{Rng as _, SeedableRng as _};

    #[test]
    fn rounded_pasts_are_near_exact_ones() {
        let config = Config::tiny();
        let (kv, width) = (config.kv_width(), config.query_width() + 2 * config.kv_width());
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let mut numbers =
            |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let positions = 130;
        let [keys, values] = [0, 1].map(|_| numbers(positions * kv));
        let packs = Packs::new(config.head, positions, &keys, &values);
        for lengths in [[(40, 130), (1, 0)], [(3, 1), (70, 77)], [(33, 64), (2, 129)]] {
            let (mut segments, mut rows) = (Vec::new(), 0);
            for (count, past) in lengths {
                segments.push(Segment { rows: rows..rows + count, past });
                rows += count;
            }
            let qkv = numbers(rows * width);
            let attend = |past: Past<'_>| {
                let (mut out, mut lse) =
                    (vec![9.0; rows * config.query_width()], vec![9.0; rows * config.heads]);
                forward(&config, &qkv, past, &segments, (&mut out, &mut lse));
                [out, lse].concat()
            };
            let exact = attend(Past::Exact { keys: &keys, values: &values, positions });
            for (exact, rounded) in exact.iter().zip(attend(Past::Rounded(&packs))) {
                assert!((exact - rounded).abs() < 1e-2, "{lengths:?}: {exact} {rounded}");
            }
        }
    }
}
