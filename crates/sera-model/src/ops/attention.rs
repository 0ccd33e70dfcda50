//! Causal attention over packed rows, block by block, without a mask in memory. The forward saves
//! only the logarithm of each row's sum; the backward computes the probabilities again.

use super::gemm::{Destination, Matrix, Threads, product};
use super::simd;
use crate::config::Config;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

pub(crate) mod few;
mod past;

pub(crate) use past::{Packs, Past};

/// Query rows that one task handles.
const BLOCK: usize = 32;

/// Rows that see the first positions of the past, and each other causally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The rows. Segments follow each other without gaps.
    pub(crate) rows: Range<usize>,
    /// How many positions of the past they see.
    pub(crate) past: usize,
}

/// Sequences that see no past.
pub(crate) fn sequences(starts: &[usize]) -> Vec<Segment> {
    starts.windows(2).map(|pair| Segment { rows: pair[0]..pair[1], past: 0 }).collect()
}

/// Where things lie in a row of queries, keys and values.
#[derive(Clone, Copy, Debug)]
struct Layout {
    head: usize,
    heads: usize,
    kv_heads: usize,
    width: usize,
    scale: f32,
}

impl Layout {
    fn new(config: &Config) -> Self {
        Self {
            head: config.head,
            heads: config.heads,
            kv_heads: config.kv_heads,
            width: config.query_width() + 2 * config.kv_width(),
            scale: 1.0 / (config.head as f32).sqrt(),
        }
    }

    /// Query heads that share a key head.
    fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    fn query(&self, row: usize, head: usize) -> usize {
        row * self.width + head * self.head
    }

    fn key(&self, row: usize, kv_head: usize) -> usize {
        self.query(row, self.heads + kv_head)
    }

    fn value(&self, row: usize, kv_head: usize) -> usize {
        self.query(row, self.heads + self.kv_heads + kv_head)
    }

    /// One head's `rows` × head matrix that begins at `at`.
    fn matrix<'a>(&self, qkv: &'a [f32], at: usize, rows: usize) -> Matrix<'a> {
        Matrix::new(&qkv[at.min(qkv.len())..], rows, self.head, self.width)
    }
}

thread_local! {
    /// Scores and copies of one task; grows to the largest and stays.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` on parts of this thread's scratch of the given sizes, holding anything.
fn with_scratch<const N: usize>(sizes: [usize; N], work: impl FnOnce([&mut [f32]; N])) {
    SCRATCH.with_borrow_mut(|scratch| {
        let total = sizes.iter().sum();
        if scratch.len() < total {
            scratch.resize(total, 0.0);
        }
        let mut rest = &mut scratch[..];
        work(sizes.map(|size| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            part
        }));
    });
}

/// Cuts the first `count` elements off a slice.
fn cut<'a>(slice: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    let (part, rest) = std::mem::take(slice).split_at_mut(count);
    *slice = rest;
    part
}

/// Writes `[rows, heads · head]` to `out` and `[rows, heads]` to `lse`.
pub(crate) fn forward(
    config: &Config,
    qkv: &[f32],
    past: Past<'_>,
    segments: &[Segment],
    (mut out, mut lse): (&mut [f32], &mut [f32]),
) {
    let layout = Layout::new(config);
    let mut tasks = Vec::new();
    for segment in segments {
        for from in segment.rows.clone().step_by(BLOCK) {
            let rows = from..segment.rows.end.min(from + BLOCK);
            let out = cut(&mut out, rows.len() * config.query_width());
            let lse = cut(&mut lse, rows.len() * config.heads);
            tasks.push((segment, rows, out, lse));
        }
    }
    let work = |(segment, rows, out, lse): (&Segment, Range<usize>, &mut [f32], &mut [f32])| {
        for kv_head in 0..config.kv_heads {
            forward_block(layout, qkv, past, segment, (rows.clone(), kv_head), (out, lse));
        }
    };
    match tasks.len() {
        // Waking another thread to do all of it is worth nothing.
        1 => tasks.into_iter().for_each(work),
        _ => tasks.into_par_iter().for_each(work),
    }
}

/// One block of query rows against one key head, for all query heads that share it.
fn forward_block(
    layout: Layout,
    qkv: &[f32],
    past: Past<'_>,
    segment: &Segment,
    (rows, kv_head): (Range<usize>, usize),
    (out, lse): (&mut [f32], &mut [f32]),
) {
    let (group, head) = (layout.group(), layout.head);
    let stacked = group * rows.len();
    let own = rows.end - segment.rows.start;
    let keys = segment.past + own;
    let start = segment.rows.start;
    with_scratch([stacked * head, stacked * keys], |[queries, scores]| {
        for (i, query) in queries.chunks_exact_mut(head).enumerate() {
            let (in_group, row) = (i / rows.len(), rows.start + i % rows.len());
            let at = layout.query(row, kv_head * group + in_group);
            query.copy_from_slice(&qkv[at..at + head]);
        }
        let (one, seen) = (Threads::One, (kv_head, segment.past));
        let past = if segment.past == 0 { Past::Nothing } else { past };
        past.scores(seen, (queries, head), (scores, keys));
        let stack = Matrix::new(queries, stacked, head, head);
        let own_keys = layout.matrix(qkv, layout.key(start, kv_head), own).transposed();
        let right = &mut scores[segment.past..];
        product(Destination::set(right, keys), 1.0, stack, own_keys, one);
        for (i, scores) in scores.chunks_exact_mut(keys).enumerate() {
            let (in_group, row) = (i / rows.len(), i % rows.len());
            let seen = segment.past + rows.start + row - start + 1;
            let (seen, unseen) = scores.split_at_mut(seen);
            unseen.fill(0.0);
            lse[row * layout.heads + kv_head * group + in_group] =
                simd::softmax_row(seen, layout.scale);
        }
        // The queries are done with: their place takes the result.
        past.weighed(seen, (scores, keys), (queries, head));
        let right = Matrix::new(&scores[segment.past..], stacked, own, keys);
        let own_values = layout.matrix(qkv, layout.value(start, kv_head), own);
        product(Destination::add(queries, head), 1.0, right, own_values, one);
        for (i, result) in queries.chunks_exact(head).enumerate() {
            let (in_group, row) = (i / rows.len(), i % rows.len());
            let at = (row * layout.heads + kv_head * group + in_group) * head;
            out[at..at + head].copy_from_slice(result);
        }
    });
}

/// What the forward left for the backward, and the gradient of its output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Rotated queries and keys, and values.
    pub(crate) qkv: &'a [f32],
    /// The output.
    pub(crate) out: &'a [f32],
    /// Logarithms of sums.
    pub(crate) lse: &'a [f32],
    /// Gradient of the output.
    pub(crate) dout: &'a [f32],
}

/// Writes the gradient by queries, keys and values.
///
/// `scratch` holds `3 · rows · heads · head` numbers: gradients by head, before heads that share
/// keys are summed in a fixed order.
pub(crate) fn backward(
    config: &Config,
    seen: Seen<'_>,
    starts: &[usize],
    dqkv: &mut [f32],
    scratch: &mut [f32],
) {
    let layout = Layout::new(config);
    let rows = starts.last().copied().unwrap_or(0);
    let part = rows * config.query_width();
    let (mut dq, rest) = scratch.split_at_mut(part);
    let (mut dk, mut dv) = rest.split_at_mut(part);
    {
        let (dq, dk, dv) = (&mut dq, &mut dk, &mut dv);
        let mut tasks = Vec::new();
        for head in 0..config.heads {
            for pair in starts.windows(2) {
                let count = (pair[1] - pair[0]) * config.head;
                let parts = [cut(dq, count), cut(dk, count), cut(dv, count)];
                tasks.push((head, pair[0]..pair[1], parts));
            }
        }
        tasks.into_par_iter().with_max_len(1).for_each(|(head, rows, parts)| {
            backward_head(layout, seen, rows, head, parts);
        });
    }
    let scratch = &*scratch;
    let by_head = |which: usize, head: usize, row: usize| {
        &scratch[which * part + (head * rows + row) * layout.head..][..layout.head]
    };
    dqkv.par_chunks_mut(layout.width).enumerate().with_min_len(BLOCK).for_each(|(row, dqkv)| {
        for (slot, to) in dqkv.chunks_exact_mut(layout.head).enumerate() {
            if slot < layout.heads {
                to.copy_from_slice(by_head(0, slot, row));
                continue;
            }
            let (which, kv_head) = match slot - layout.heads {
                key if key < layout.kv_heads => (1, key),
                value => (2, value - layout.kv_heads),
            };
            let first = kv_head * layout.group();
            to.copy_from_slice(by_head(which, first, row));
            for head in first + 1..first + layout.group() {
                simd::axpy(to, 1.0, by_head(which, head, row));
            }
        }
    });
}

/// One query head of one sequence.
fn backward_head(
    layout: Layout,
    seen: Seen<'_>,
    rows: Range<usize>,
    head: usize,
    [dq, dk, dv]: [&mut [f32]; 3],
) {
    /// Query rows whose probabilities are held at once.
    const ROWS: usize = 64;
    let (size, scale) = (layout.head, layout.scale);
    let kv_head = head / layout.group();
    let out_width = layout.heads * size;
    dk.fill(0.0);
    dv.fill(0.0);
    let most = rows.len().min(ROWS) * rows.len();
    with_scratch([most, most], |[p, dp]| {
        for from in rows.clone().step_by(ROWS) {
            let until = rows.end.min(from + ROWS);
            let (count, keys) = (until - from, until - rows.start);
            let (p, dp) = (&mut p[..count * keys], &mut dp[..count * keys]);
            let q = layout.matrix(seen.qkv, layout.query(from, head), count);
            let k = layout.matrix(seen.qkv, layout.key(rows.start, kv_head), keys);
            let v = layout.matrix(seen.qkv, layout.value(rows.start, kv_head), keys);
            let out_at = |row: usize| row * out_width + head * size;
            let dout = Matrix::new(&seen.dout[out_at(from)..], count, size, out_width);
            let one = Threads::One;
            product(Destination::set(p, keys), 1.0, q, k.transposed(), one);
            product(Destination::set(dp, keys), 1.0, dout, v.transposed(), one);
            for (i, (p, dp)) in p.chunks_exact_mut(keys).zip(dp.chunks_exact_mut(keys)).enumerate()
            {
                let row = from + i;
                let own = out_at(row)..out_at(row) + size;
                let delta = simd::dot(&seen.dout[own.clone()], &seen.out[own]);
                let visible = row - rows.start + 1;
                simd::softmax_again_row(
                    &mut p[..visible],
                    scale,
                    seen.lse[row * layout.heads + head],
                );
                simd::softmax_backward_row(&mut dp[..visible], &p[..visible], delta, scale);
                p[visible..].fill(0.0);
                dp[visible..].fill(0.0);
            }
            let p = Matrix::new(p, count, keys, keys);
            let ds = Matrix::new(dp, count, keys, keys);
            let dq = &mut dq[(from - rows.start) * size..];
            product(Destination::set(dq, size), 1.0, ds, k, one);
            product(Destination::add(dk, size), 1.0, ds.transposed(), q, one);
            product(Destination::add(dv, size), 1.0, p.transposed(), dout, one);
        }
    });
}
