//! Attention of the few rows that are read to write by: the past decides how long it takes, so
//! threads share its positions, not the rows, and it is never expanded as a whole.
use super::super::kept::{Kept, TILE};
use super::super::simd;
use super::{Layout, with_scratch};
use crate::config::Config;
use rayon::prelude::*;

/// Rows that are few.
pub(crate) const ROWS: usize = 16;
/// Positions that one task reads. Fixed, so that sums do not depend on the number of threads.
const SPAN: usize = 4 * TILE;
/// Positions below which handing a part to another thread takes longer than it saves.
const SHARED: usize = SPAN;

/// Attention over some positions only.
struct Part {
    /// `[query heads of a key head · rows, head]`.
    out: Vec<f32>,
    /// Logarithms of sums, one a query.
    lse: Vec<f32>,
}

/// Rows that see the first `seen` positions of `past` and each other causally; writes
/// `[rows, heads · head]` to `out` and `[rows, heads]` to `lse`.
pub(crate) fn forward(
    config: &Config,
    qkv: &[f32],
    (past, seen): (&Kept, usize),
    (out, lse): (&mut [f32], &mut [f32]),
) {
    let layout = Layout::new(config);
    let (rows, spans) = (qkv.len() / layout.width, seen.div_ceil(SPAN));
    let queries: Vec<Vec<f32>> =
        (0..layout.kv_heads).map(|kv_head| stacked(layout, qkv, rows, kv_head)).collect();
    let part = |task: usize| {
        let (kv_head, span) = (task / spans, task % spans);
        let positions = span * SPAN..seen.min((span + 1) * SPAN);
        past_part(layout, &queries[kv_head], past, kv_head, positions)
    };
    let tasks = 0..layout.kv_heads * spans;
    let parts: Vec<Part> = if seen > SHARED {
        tasks.into_par_iter().with_max_len(1).map(part).collect()
    } else {
        tasks.map(part).collect()
    };
    for (kv_head, queries) in queries.iter().enumerate() {
        let own = own_part(layout, qkv, queries, rows, kv_head);
        let parts = parts[kv_head * spans..][..spans].iter().chain([&own]);
        for query in 0..queries.len() / layout.head {
            let (head, row) = (kv_head * layout.group() + query / rows, query % rows);
            let at = row * layout.heads + head;
            lse[at] = merge(layout.head, query, parts.clone(), &mut out[at * layout.head..]);
        }
    }
}

/// The queries of the heads that share a key head, scaled by nothing yet.
fn stacked(layout: Layout, qkv: &[f32], rows: usize, kv_head: usize) -> Vec<f32> {
    let heads = (0..layout.group()).map(|i| kv_head * layout.group() + i);
    let of_head = |head| (0..rows).map(move |row| layout.query(row, head));
    heads.flat_map(of_head).flat_map(|at| &qkv[at..at + layout.head]).copied().collect()
}

fn past_part(
    layout: Layout,
    queries: &[f32],
    past: &Kept,
    kv_head: usize,
    positions: std::ops::Range<usize>,
) -> Part {
    let (head, count) = (layout.head, queries.len() / layout.head);
    let tiles = || positions.clone().step_by(TILE);
    let filled = |from: usize| TILE.min(positions.end - from);
    let mut part = Part { out: vec![0.0; queries.len()], lse: vec![0.0; count] };
    with_scratch([head * TILE, count * TILE, count * SPAN], |[numbers, some, scores]| {
        for from in tiles() {
            some.fill(0.0);
            past.add_keys((from / TILE, kv_head), queries, some, numbers);
            for (some, scores) in some.chunks_exact(TILE).zip(scores.chunks_exact_mut(SPAN)) {
                scores[from - positions.start..][..TILE].copy_from_slice(some);
            }
        }
        for (scores, lse) in scores.chunks_exact_mut(SPAN).zip(&mut part.lse) {
            *lse = simd::softmax_row(&mut scores[..positions.len()], layout.scale);
        }
        for from in tiles() {
            let filled = filled(from);
            let some = &mut some[..count * filled];
            for (some, scores) in some.chunks_exact_mut(filled).zip(scores.chunks_exact(SPAN)) {
                some.copy_from_slice(&scores[from - positions.start..][..filled]);
            }
            past.add_values((from / TILE, kv_head, filled), some, &mut part.out, numbers);
        }
    });
    part
}

/// The rows among themselves.
fn own_part(layout: Layout, qkv: &[f32], queries: &[f32], rows: usize, kv_head: usize) -> Part {
    let head = layout.head;
    let mut part = Part { out: vec![0.0; queries.len()], lse: Vec::new() };
    let each = queries.chunks_exact(head).zip(part.out.chunks_exact_mut(head));
    for (query, (x, out)) in each.enumerate() {
        let seen = 0..=query % rows;
        let key = |row: usize| &qkv[layout.key(row, kv_head)..][..head];
        let mut scores: Vec<f32> = seen.clone().map(|row| simd::dot(x, key(row))).collect();
        part.lse.push(simd::softmax_row(&mut scores, layout.scale));
        for (row, score) in seen.zip(scores) {
            simd::axpy(out, score, &qkv[layout.value(row, kv_head)..][..head]);
        }
    }
    part
}

/// One query's attention over all parts; returns the logarithm of the whole sum.
fn merge<'a>(
    head: usize,
    query: usize,
    parts: impl Iterator<Item = &'a Part> + Clone,
    out: &mut [f32],
) -> f32 {
    let lse = parts.clone().map(|part| part.lse[query]);
    let most = lse.clone().fold(f32::NEG_INFINITY, f32::max);
    let whole = most + lse.map(|lse| (lse - most).exp()).sum::<f32>().ln();
    let out = &mut out[..head];
    out.fill(0.0);
    for part in parts {
        simd::axpy(out, (part.lse[query] - whole).exp(), &part.out[query * head..][..head]);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::super::{Past, Segment, forward as forward_many};
    use super::*;
    use crate::ops::KeyValues;
    use rand::{Rng as _, SeedableRng as _};

    fn check(rows: usize, kept: usize, seen: usize, how: KeyValues) {
        let config = Config::tiny();
        let (kv, width) = (config.kv_width(), config.query_width() + 2 * config.kv_width());
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(rows as u64);
        let mut numbers =
            |n: usize| (0..n).map(|_| random.random_range(-2.0..2.0)).collect::<Vec<f32>>();
        let (qkv, old) = (numbers(rows * width), numbers(kept * 2 * kv));
        let mut past = Kept::new(config.head, config.kv_heads, how);
        past.extend(old.chunks_exact(2 * kv).map(|row| row.split_at(kv)));
        let mut fast = [vec![0.0; rows * config.query_width()], vec![0.0; rows * config.heads]];
        let mut slow = fast.clone();
        let [out, lse] = &mut fast;
        forward(&config, &qkv, (&past, seen), (out, lse));
        let (mut keys, mut values) = (vec![0.0; kept * kv], vec![0.0; kept * kv]);
        past.expand(kept, &mut keys, &mut values);
        let past = Past::Exact { keys: &keys, values: &values, positions: kept };
        let [out, lse] = &mut slow;
        forward_many(&config, &qkv, past, &[Segment { rows: 0..rows, past: seen }], (out, lse));
        for (fast, slow) in fast.iter().flatten().zip(slow.iter().flatten()) {
            assert!((fast - slow).abs() < 1e-4, "{rows} {kept} {seen} {how:?}: {fast} {slow}");
        }
    }

    #[test]
    fn few_rows_attend_as_many_do() {
        for how in [KeyValues::F16, KeyValues::Q8] {
            for (rows, kept, seen) in
                [(1, 0, 0), (1, 1, 1), (3, 64, 64), (1, 513, 512), (16, 200, 70), (2, 1300, 1291)]
            {
                check(rows, kept, seen, how);
            }
        }
    }
}
