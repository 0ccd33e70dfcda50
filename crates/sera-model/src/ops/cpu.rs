//! The operations on slices of this machine's memory, with fused kernels.

mod frozen;
mod head;
mod rows;

#[cfg(test)]
pub(crate) use head::exact_head_logits;
pub(crate) use head::{head_logits, nll_of_rows};
pub(crate) use rows::Rows;

use super::attention::{self, Packs, Past, Seen, Segment, few};
use super::gemm::{Destination, Matrix, Threads, product};
use super::kept::Kept;
use super::{Attended, Computed, Group, Linear, Loss, Norm, Ops, bf16_is_native, simd};
use crate::base::Base;
use crate::batch::Target;
use crate::config::Config;
use crate::lora::{Factor, Lora};
use crate::weights::{HeadNorms, Precision, Weights};
use frozen::{round, times, times_back, times_few};
use head::{CHUNK, cross_entropy};
use rayon::prelude::*;
use rows::FEW_ROWS;
use std::cell::RefCell;
use std::ops::Range;

/// Rows kept for the backward.
#[derive(Debug)]
pub(crate) enum Saved {
    Exact(Rows),
    Rounded { bits: Vec<u16>, width: usize },
}

/// The kernels with the weights that they multiply with.
#[derive(Debug)]
pub(crate) struct Cpu<'a> {
    config: &'a Config,
    weights: &'a Weights,
    lora: Option<&'a Lora>,
    /// Cosines, then sines, of every position from `first` on: `[positions, head]`.
    angles: Vec<f32>,
    first: usize,
    /// A few rows are computed, to write by: the adapter of each.
    few: Option<Vec<Option<&'a Lora>>>,
    /// Buffers given back: within one computation the same few sizes recur.
    free: RefCell<Vec<Vec<f32>>>,
}

impl<'a> Cpu<'a> {
    /// Kernels for rows at these positions.
    pub(crate) fn new(base: &'a Base, lora: Option<&'a Lora>, positions: Range<usize>) -> Self {
        let config = &base.config;
        let (half, frequencies) = (config.head / 2, config.rope_frequencies());
        let mut angles = vec![0.0; positions.len() * config.head];
        for (position, row) in positions.clone().zip(angles.chunks_exact_mut(config.head)) {
            let (cos, sin) = row.split_at_mut(half);
            for ((cos, sin), frequency) in cos.iter_mut().zip(sin).zip(&frequencies) {
                (*sin, *cos) = (position as f32 * frequency).sin_cos();
            }
        }
        let (weights, free) = (&base.weights, RefCell::default());
        Self { config, weights, lora, angles, first: positions.start, few: None, free }
    }

    /// The same for a few rows that are read for what comes next, each with an adapter of its own:
    /// it gets the same bits as if it were read alone.
    pub(crate) fn few(self, loras: Vec<Option<&'a Lora>>) -> Self {
        Self { few: Some(loras), ..self }
    }

    /// A buffer that holds anything.
    fn take(&self, rows: usize, width: usize) -> Rows {
        let mut free = self.free.borrow_mut();
        let found = free.iter().position(|buffer| buffer.len() == rows * width);
        let data = match found {
            Some(at) => free.swap_remove(at),
            None => vec![0.0; rows * width],
        };
        Rows { data, width }
    }

    fn norm_weight(&self, at: Norm) -> &'a [f32] {
        match at {
            Norm::Attention(layer) => &self.weights.layers[layer].attention_norm,
            Norm::Mlp(layer) => &self.weights.layers[layer].mlp_norm,
            Norm::Final => &self.weights.final_norm,
        }
    }

    /// The norms' weights of the heads in a row of `qkv` that have one, in order.
    fn head_norms(&self, layer: usize) -> Option<impl Iterator<Item = &'a [f32]> + Clone> {
        let HeadNorms { query, key } = self.weights.layers[layer].head_norms.as_ref()?;
        let (queries, keys) = (self.config.heads, self.config.kv_heads);
        let repeated = |weight: &'a [f32], times| std::iter::repeat_n(weight, times);
        Some(repeated(query, queries).chain(repeated(key, keys)))
    }

    fn rotate_all(&self, mut qkv: Rows, positions: &[usize], back: bool) -> Rows {
        let (head, half) = (self.config.head, self.config.head / 2);
        let rotated = self.config.query_width() + self.config.kv_width();
        let (angles, first) = (&self.angles, self.first);
        qkv.each(|row, numbers| {
            let (cos, sin) = angles[(positions[row] - first) * head..][..head].split_at(half);
            for x in numbers[..rotated].chunks_exact_mut(head) {
                if back {
                    simd::rotate_back_head(x, cos, sin);
                } else {
                    simd::rotate_head(x, cos, sin);
                }
            }
        });
        qkv
    }

    /// Attention of rows that go on after a past.
    pub(crate) fn attend_past(&self, qkv: &Rows, past: &Kept) -> Attended<Rows> {
        let (rows, seen) = (qkv.count(), past.len());
        if rows <= few::ROWS {
            let attend = |to: (&mut [f32], &mut [f32])| {
                few::forward(self.config, &qkv.data, (past, seen), to);
            };
            return self.attended(qkv, attend);
        }
        self.attend_expanded(qkv, past, &[Segment { rows: 0..rows, past: seen }])
    }

    /// Attention of segments that may see a past, computed the same way whatever their number.
    pub(crate) fn attend_expanded(
        &self,
        qkv: &Rows,
        past: &Kept,
        segments: &[Segment],
    ) -> Attended<Rows> {
        let (config, positions) = (self.config, past.len());
        let even = positions.next_multiple_of(2);
        let [mut keys, mut values] = [0, 1].map(|_| self.take(even, config.kv_width()));
        past.expand(even, &mut keys.data, &mut values.data);
        let attended = if self.weights.precision() == Precision::Bf16 && bf16_is_native() {
            let packs = Packs::new(config.head, even, &keys.data, &values.data);
            self.attend_to(qkv, Past::Rounded(&packs), segments)
        } else {
            let (keys, values) = (&keys.data, &values.data);
            self.attend_to(qkv, Past::Exact { keys, values, positions: even }, segments)
        };
        self.recycle(keys);
        self.recycle(values);
        attended
    }

    fn attend_to(&self, qkv: &Rows, past: Past<'_>, segments: &[Segment]) -> Attended<Rows> {
        self.attended(qkv, |to| attention::forward(self.config, &qkv.data, past, segments, to))
    }

    /// Attention of rows that belong to different pasts and see all of theirs.
    pub(crate) fn attend_each<'k>(
        &self,
        qkv: &Rows,
        parts: impl Iterator<Item = (Range<usize>, &'k Kept)>,
    ) -> Attended<Rows> {
        let (width, heads) = (self.config.query_width(), self.config.heads);
        self.attended(qkv, |(out, lse)| {
            for (rows, past) in parts {
                let of = |width: usize| rows.start * width..rows.end * width;
                let to = (&mut out[of(width)], &mut lse[of(heads)]);
                few::forward(self.config, &qkv.data[of(qkv.width)], (past, past.len()), to);
            }
        })
    }

    /// What `attend` writes for these rows: `[rows, heads · head]` and `[rows, heads]`.
    fn attended(
        &self,
        qkv: &Rows,
        attend: impl FnOnce((&mut [f32], &mut [f32])),
    ) -> Attended<Rows> {
        let mut out = self.take(qkv.count(), self.config.query_width());
        let mut lse = self.take(qkv.count(), self.config.heads);
        attend((&mut out.data, &mut lse.data));
        Attended { out, lse }
    }

    /// Where a group's factors lie: (A of all its layers, each layer's B with its outputs).
    fn factors(&self, lora: &'a Lora, layer: usize, group: Group) -> Factors<'a> {
        let slot = |projection, factor| lora.slot(layer, projection, factor);
        let projections = group.projections();
        let first = slot(projections[0], Factor::A);
        let r = first.rows;
        let a = first.offset..first.offset + projections.len() * r * first.columns;
        let b = projections.iter().map(|&p| slot(p, Factor::B).range()).collect();
        Factors { parameters: lora.parameters(), a, b, r, scale: lora.scale() }
    }
}

/// One group's part of the flat parameters.
struct Factors<'a> {
    parameters: &'a [f32],
    a: Range<usize>,
    b: Vec<Range<usize>>,
    r: usize,
    scale: f32,
}

impl Factors<'_> {
    /// Width of `u`.
    fn width(&self) -> usize {
        self.b.len() * self.r
    }

    /// `y += scale·(x·Aᵀ)·Bᵀ` for one row. The order of summation depends on nothing.
    fn add_row(&self, x: &[f32], mut y: &mut [f32]) {
        let mut u = vec![0.0; self.width()];
        simd::add_dots(&self.parameters[self.a.clone()], x, 1.0, &mut u);
        for (u, range) in u.chunks_exact(self.r).zip(&self.b) {
            let (part, rest) = y.split_at_mut(range.len() / self.r);
            simd::add_dots(&self.parameters[range.clone()], u, self.scale, part);
            y = rest;
        }
    }

    fn a(&self) -> Matrix<'_> {
        let inputs = self.a.len() / self.width();
        Matrix::new(&self.parameters[self.a.clone()], self.width(), inputs, inputs)
    }

    /// For each layer of the group: (index, B, first output).
    fn b(&self) -> impl Iterator<Item = (usize, Matrix<'_>, usize)> {
        let mut from = 0;
        self.b.iter().enumerate().map(move |(i, range)| {
            let outputs = range.len() / self.r;
            let b = Matrix::new(&self.parameters[range.clone()], outputs, self.r, self.r);
            from += outputs;
            (i, b, from - outputs)
        })
    }
}

impl Ops for Cpu<'_> {
    type Rows = Rows;
    type Saved = Saved;
    type Gradient = Vec<f32>;

    fn embed(&self, tokens: &[u32]) -> Computed<Rows> {
        let mut rows = self.take(tokens.len(), self.config.width);
        rows.each(|i, row| self.weights.embedding.row(tokens[i] as usize, row));
        Ok(rows)
    }

    fn save(&self, rows: Rows) -> Saved {
        match self.weights.precision() {
            Precision::F32 => Saved::Exact(rows),
            Precision::Bf16 => {
                let mut bits = vec![0; rows.data.len()];
                round(&rows.data, &mut bits);
                let width = rows.width;
                self.recycle(rows);
                Saved::Rounded { bits, width }
            }
        }
    }

    fn restore(&self, saved: &Saved) -> Rows {
        match saved {
            Saved::Exact(rows) => self.copy(rows),
            Saved::Rounded { bits, width } => {
                const PART: usize = 1 << 14;
                let mut rows = self.take(bits.len() / width, *width);
                let parts = rows.data.par_chunks_mut(PART).zip(bits.par_chunks(PART));
                parts.for_each(|(rows, bits)| simd::from_bf16(bits, rows));
                rows
            }
        }
    }

    fn copy(&self, rows: &Rows) -> Rows {
        let mut copy = self.take(rows.count(), rows.width);
        copy.data.copy_from_slice(&rows.data);
        copy
    }

    fn zeros_like(&self, rows: &Rows) -> Computed<Rows> {
        let mut zeros = self.take(rows.count(), rows.width);
        zeros.data.fill(0.0);
        Ok(zeros)
    }

    fn recycle(&self, rows: Rows) {
        self.free.borrow_mut().push(rows.data);
    }

    fn norm(&self, at: Norm, x: &Rows) -> Computed<Rows> {
        let (weight, epsilon) = (self.norm_weight(at), self.config.norm_epsilon);
        let mut y = self.take(x.count(), x.width);
        y.each(|i, y| simd::norm_row(x.row(i), weight, epsilon, y));
        Ok(y)
    }

    fn norm_backward(&self, at: Norm, x: &Rows, mut dy: Rows, mut dx: Rows) -> Computed<Rows> {
        let (weight, epsilon) = (self.norm_weight(at), self.config.norm_epsilon);
        let rows = dx.data.par_chunks_mut(dx.width).zip(dy.data.par_chunks_mut(dy.width));
        rows.enumerate().with_min_len(FEW_ROWS).for_each(|(i, (dx, dy))| {
            simd::norm_backward_row(x.row(i), weight, epsilon, dy, dx);
        });
        self.recycle(dy);
        Ok(dx)
    }

    fn norms_heads(&self) -> bool {
        self.config.family.norms_heads()
    }

    fn norm_heads(&self, layer: usize, mut qkv: Rows) -> Computed<Rows> {
        if let Some(weights) = self.head_norms(layer) {
            let (head, epsilon) = (self.config.head, self.config.norm_epsilon);
            qkv.each(|_, row| {
                let mut x = vec![0.0; head];
                for (y, weight) in row.chunks_exact_mut(head).zip(weights.clone()) {
                    x.copy_from_slice(y);
                    simd::norm_row(&x, weight, epsilon, y);
                }
            });
        }
        Ok(qkv)
    }

    fn norm_heads_backward(&self, layer: usize, qkv: &Rows, mut dqkv: Rows) -> Computed<Rows> {
        if let Some(weights) = self.head_norms(layer) {
            let (head, epsilon) = (self.config.head, self.config.norm_epsilon);
            dqkv.each(|i, row| {
                let mut dy = vec![0.0; head];
                let heads = row.chunks_exact_mut(head).zip(qkv.row(i).chunks_exact(head));
                for ((dx, x), weight) in heads.zip(weights.clone()) {
                    dy.copy_from_slice(dx);
                    dx.fill(0.0);
                    simd::norm_backward_row(x, weight, epsilon, &mut dy, dx);
                }
            });
        }
        Ok(dqkv)
    }

    fn linear(
        &self,
        layer: usize,
        group: Group,
        x: &Rows,
        onto: Option<Rows>,
    ) -> Computed<Linear<Rows>> {
        let w = self.weights.layers[layer].group(group);
        let add = onto.is_some();
        let mut y = onto.unwrap_or_else(|| self.take(x.count(), w.outputs()));
        let times = if self.few.is_some() { times_few } else { times };
        times(w, x, &mut y, add);
        let bias = &self.weights.layers[layer].qkv_bias;
        if group == Group::Qkv && !bias.is_empty() {
            y.each(|_, y| simd::axpy(y, 1.0, bias));
        }
        for (row, lora) in self.few.iter().flatten().enumerate() {
            if let Some(lora) = lora {
                let y = &mut y.data[row * y.width..][..y.width];
                self.factors(lora, layer, group).add_row(x.row(row), y);
            }
        }
        let Some(lora) = self.lora else {
            return Ok(Linear { y, u: self.take(0, 0) });
        };
        let factors = self.factors(lora, layer, group);
        let mut u = self.take(x.count(), factors.width());
        let to = Destination::set(&mut u.data, factors.width());
        product(to, 1.0, x.matrix(), factors.a().transposed(), Threads::All);
        for (i, b, from) in factors.b() {
            let u = Matrix::new(&u.data[i * factors.r..], u.count(), factors.r, u.width);
            let to = Destination::add(&mut y.data[from..], y.width);
            product(to, factors.scale, u, b.transposed(), Threads::All);
        }
        Ok(Linear { y, u })
    }

    fn linear_backward(
        &self,
        (layer, group): (usize, Group),
        x: &Rows,
        u: &Rows,
        dy: &Rows,
        gradient: &mut Vec<f32>,
    ) -> Computed<Rows> {
        let w = self.weights.layers[layer].group(group);
        let mut dx = self.take(x.count(), x.width);
        times_back(w, dy, &mut dx);
        let Some(lora) = self.lora else {
            return Ok(dx);
        };
        let factors = self.factors(lora, layer, group);
        let (r, rows) = (factors.r, x.count());
        let mut v = self.take(rows, factors.width());
        for (i, b, from) in factors.b() {
            let outputs = factors.b[i].len() / r;
            let part = Matrix::new(&dy.data[from..], rows, outputs, dy.width);
            let to = Destination::set(&mut v.data[i * r..], v.width);
            product(to, factors.scale, part, b, Threads::All);
            let u = Matrix::new(&u.data[i * r..], rows, r, u.width);
            let to = Destination::add(&mut gradient[factors.b[i].clone()], r);
            product(to, factors.scale, part.transposed(), u, Threads::All);
        }
        let width = dx.width;
        let to = Destination::add(&mut dx.data, width);
        product(to, 1.0, v.matrix(), factors.a(), Threads::All);
        let to = Destination::add(&mut gradient[factors.a.clone()], width);
        product(to, 1.0, v.matrix().transposed(), x.matrix(), Threads::All);
        self.recycle(v);
        Ok(dx)
    }

    fn rotate(&self, qkv: Rows, positions: &[usize]) -> Computed<Rows> {
        Ok(self.rotate_all(qkv, positions, false))
    }

    fn rotate_back(&self, dqkv: Rows, positions: &[usize]) -> Computed<Rows> {
        Ok(self.rotate_all(dqkv, positions, true))
    }

    fn attend(&self, qkv: &Rows, starts: &[usize]) -> Computed<Attended<Rows>> {
        let segments = attention::sequences(starts);
        Ok(self.attend_to(qkv, Past::Nothing, &segments))
    }

    fn attend_backward(
        &self,
        qkv: &Rows,
        attended: &Attended<Rows>,
        dout: &Rows,
        starts: &[usize],
    ) -> Computed<Rows> {
        let mut dqkv = self.take(qkv.count(), qkv.width);
        let mut scratch = self.take(3 * qkv.count(), self.config.query_width());
        let seen = Seen {
            qkv: &qkv.data,
            out: &attended.out.data,
            lse: &attended.lse.data,
            dout: &dout.data,
        };
        attention::backward(self.config, seen, starts, &mut dqkv.data, &mut scratch.data);
        self.recycle(scratch);
        Ok(dqkv)
    }

    fn gated(&self, gate_up: &Rows) -> Computed<Rows> {
        let mut y = self.take(gate_up.count(), gate_up.width / 2);
        y.each(|i, y| {
            let (gate, up) = gate_up.row(i).split_at(y.len());
            simd::gated_row(gate, up, y);
        });
        Ok(y)
    }

    fn gated_backward(&self, mut gate_up: Rows, dy: &Rows) -> Computed<Rows> {
        gate_up.each(|i, row| {
            let (gate, up) = row.split_at_mut(dy.width);
            simd::gated_backward_row(gate, up, dy.row(i));
        });
        Ok(gate_up)
    }

    fn loss(&self, hidden: &Rows, targets: &[Target], gradient: bool) -> Computed<Loss<Rows>> {
        let width = hidden.width;
        let mut greedy = Vec::with_capacity(targets.len());
        let mut nll = Vec::with_capacity(targets.len());
        let mut total = gradient.then(|| self.take(hidden.count(), width));
        if let Some(total) = &mut total {
            total.data.fill(0.0);
        }
        for targets in targets.chunks(CHUNK) {
            let mut rows = self.take(targets.len(), width);
            rows.each(|i, row| row.copy_from_slice(hidden.row(targets[i].row)));
            let mut logits = self.take(targets.len(), self.config.vocabulary);
            times(self.weights.head(), &rows, &mut logits, false);
            for (one, best) in cross_entropy(&mut logits, targets, gradient) {
                nll.push(one);
                greedy.push(best);
            }
            if let Some(total) = &mut total {
                times_back(self.weights.head(), &logits, &mut rows);
                for (i, target) in targets.iter().enumerate() {
                    simd::axpy(&mut total.data[target.row * width..][..width], 1.0, rows.row(i));
                }
            }
            self.recycle(rows);
            self.recycle(logits);
        }
        Ok(Loss { nll, greedy, gradient: total })
    }

    fn gradient(&self) -> Computed<Vec<f32>> {
        Ok(vec![0.0; self.lora.map_or(0, |lora| lora.parameters().len())])
    }

    fn numbers(&self, gradient: Vec<f32>) -> Computed<Vec<f32>> {
        Ok(gradient)
    }
}
