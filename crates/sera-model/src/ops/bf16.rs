//! Products with frozen matrices kept in bf16: packed once so that the processor's dot-product
//! instruction reads them in order, sums in f32.
#![expect(unsafe_code, reason = "AVX-512 intrinsics, and threads that write disjoint columns")]

use super::simd;
use rayon::prelude::*;

/// Columns of a panel.
const PANEL: usize = 64;
/// Columns of a line.
const LINE: usize = 16;
/// Inner pairs that one pass over a panel covers: the part of a panel that it reads again and
/// again stays in the second-level cache.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernel"))]
const DEPTH: usize = 512;
/// Rows of the left matrix that one task covers.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernel"))]
const BLOCK: usize = 192;
/// Rows of a register tile.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernel"))]
const TILE: usize = 6;

/// Sixteen columns of two neighbouring inner indices: one register.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([[u16; 2]; LINE]);

/// The right matrix of a product, `[inner, columns]`, in panels of 64 columns; inner indices in
/// pairs; padded with zeros.
#[derive(Debug)]
pub(crate) struct Packed {
    inner: usize,
    columns: usize,
    lines: Vec<Line>,
}

/// The beginning of a matrix, its first inner indices and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Inner indices, an even number; the left matrix has as many.
    pub(crate) inner: usize,
    /// Columns.
    pub(crate) columns: usize,
    /// Numbers from one row of the product to the next.
    pub(crate) stride: usize,
}

/// Whether this processor multiplies bf16 itself.
pub(crate) fn native() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512bf16") && super::simd::wide()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

impl Packed {
    /// Packs `at(inner, column)`, bits of bf16.
    ///
    /// # Panics
    /// Where `inner` is odd.
    pub(crate) fn new(
        inner: usize,
        columns: usize,
        at: impl Fn(usize, usize) -> u16 + Sync,
    ) -> Self {
        let mut packed = Self::zeros(inner, columns);
        packed.lines.par_chunks_mut(inner / 2 * (PANEL / LINE)).enumerate().for_each(
            |(panel, lines)| {
                for (i, line) in lines.iter_mut().enumerate() {
                    let (pair, first) =
                        (i / (PANEL / LINE), panel * PANEL + i % (PANEL / LINE) * LINE);
                    for (column, slot) in (first..columns).zip(&mut line.0) {
                        *slot = [at(2 * pair, column), at(2 * pair + 1, column)];
                    }
                }
            },
        );
        packed
    }

    fn zeros(inner: usize, columns: usize) -> Self {
        assert!(inner.is_multiple_of(2), "inner indices come in pairs");
        let lines = columns.div_ceil(PANEL) * (inner / 2) * (PANEL / LINE);
        Self { inner, columns, lines: vec![Line([[0; 2]; LINE]); lines] }
    }

    /// Packs a row-major matrix `[inner, columns]`, rounded.
    ///
    /// # Panics
    /// Where `inner` is odd.
    pub(crate) fn of_rows(inner: usize, columns: usize, numbers: &[f32]) -> Self {
        let mut packed = Self::zeros(inner, columns);
        let mut bits = vec![0; 2 * columns];
        for (pair, numbers) in numbers.chunks_exact(2 * columns).take(inner / 2).enumerate() {
            simd::to_bf16(numbers, &mut bits);
            let (first, second) = bits.split_at(columns);
            let both = first.chunks(LINE).zip(second.chunks(LINE)).enumerate();
            for (line, (first, second)) in both {
                let (panel, line) = (line / (PANEL / LINE), line % (PANEL / LINE));
                let line = (panel * (inner / 2) + pair) * (PANEL / LINE) + line;
                let slots = packed.lines[line].0.iter_mut();
                for (slot, (x, y)) in slots.zip(first.iter().zip(second)) {
                    *slot = [*x, *y];
                }
            }
        }
        packed
    }

    /// Inner size.
    pub(crate) fn inner(&self) -> usize {
        self.inner
    }

    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// One element's bits.
    pub(crate) fn at(&self, inner: usize, column: usize) -> u16 {
        let (panel, column) = (column / PANEL, column % PANEL);
        let pair = panel * (self.inner / 2) + inner / 2;
        let line = &self.lines[pair * (PANEL / LINE) + column / LINE];
        line.0[column % LINE][inner % 2]
    }

    /// The transposed matrix, packed.
    pub(crate) fn transposed(&self) -> Self {
        Self::new(self.columns, self.inner, |inner, column| self.at(column, inner))
    }

    /// `to (+)= a · self`: `a` is `[rows, inner]` in bf16, `to` is `[rows, columns]`.
    ///
    /// Every element is summed in one fixed order, whatever the number of threads.
    pub(crate) fn product(&self, a: &[u16], to: &mut [f32], add: bool) {
        let whole = Part { inner: self.inner, columns: self.columns, stride: self.columns };
        let rows = self.rows(a, to, whole);
        assert_eq!(to.len(), rows * self.columns, "the product has another size");
        if native() {
            #[cfg(target_arch = "x86_64")]
            self.product_native(a, to, (rows, whole), add);
        } else if rows > 0 {
            let each = to.par_chunks_mut(self.columns).zip(a.par_chunks(self.inner));
            each.for_each(|(to, a)| self.product_twin(a, to, whole, add));
        }
    }

    /// `to = a · self` of the first inner indices and columns, by the calling thread.
    ///
    /// # Panics
    /// Where the part is larger than the matrix or `a` or `to` have other sizes than it says.
    pub(crate) fn product_of(&self, a: &[u16], to: &mut [f32], part: Part) {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "of the kernel"))]
        let rows = self.rows(a, to, part);
        if !native() {
            self.product_twin(a, to, part, false);
            return;
        }
        #[cfg(target_arch = "x86_64")]
        for panel in 0..part.columns.div_ceil(PANEL) {
            // SAFETY: the sizes were checked just now; `to` is borrowed by nobody else.
            unsafe { self.panel(a, Shared(to.as_mut_ptr()), 0..rows, (panel, part), false) };
        }
    }

    /// How many rows `a` has, if everything fits.
    fn rows(&self, a: &[u16], to: &[f32], part: Part) -> usize {
        let Part { inner, columns, stride } = part;
        assert!(inner <= self.inner && inner.is_multiple_of(2), "pairs of the matrix");
        assert!(inner > 0, "there is something to sum");
        assert!(columns <= self.columns && columns <= stride, "columns of the matrix");
        let rows = a.len() / inner;
        assert_eq!(a.len(), rows * inner, "rows of the left matrix are incomplete");
        assert!(rows == 0 || (rows - 1) * stride + columns <= to.len(), "the product has no room");
        rows
    }

    /// What [`Packed::product`] computes, without intrinsics.
    fn product_twin(&self, a: &[u16], to: &mut [f32], part: Part, add: bool) {
        let wide = |bits: u16| f32::from_bits(u32::from(bits) << 16);
        let rows = to.chunks_mut(part.stride).zip(a.chunks(part.inner));
        rows.for_each(|(to, a)| {
            for (column, to) in to[..part.columns].iter_mut().enumerate() {
                let terms = a.iter().enumerate();
                let sum: f32 = terms.map(|(k, &a)| wide(a) * wide(self.at(k, column))).sum();
                *to = if add { *to + sum } else { sum };
            }
        });
    }

    #[cfg(target_arch = "x86_64")]
    fn product_native(&self, a: &[u16], to: &mut [f32], (rows, whole): (usize, Part), add: bool) {
        let panels = self.columns.div_ceil(PANEL);
        let blocks = rows.div_ceil(BLOCK);
        let shared = Shared(to.as_mut_ptr());
        // Few rows: a panel is little work, so a task takes several.
        let least = if rows < 8 { panels.div_ceil(4 * rayon::current_num_threads()) } else { 1 };
        (0..blocks * panels).into_par_iter().with_min_len(least).for_each(|task| {
            let (block, panel) = (task / panels, task % panels);
            let block = block * BLOCK..rows.min((block + 1) * BLOCK);
            // SAFETY: `product` checked the sizes of `a` and `to` and that the processor has the
            // instructions; tasks write disjoint rectangles of `to`.
            unsafe { self.panel(a, shared, block, (panel, whole), add) };
        });
    }

    /// One block of rows times one panel.
    ///
    /// # Safety
    /// `a` and `to` hold `block.end` rows; nobody else touches these rows' columns of the panel;
    /// the processor has AVX-512 with bf16.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn panel(
        &self,
        a: &[u16],
        to: Shared,
        block: std::ops::Range<usize>,
        (panel, part): (usize, Part),
        add: bool,
    ) {
        let (pairs, all) = (part.inner / 2, self.inner / 2);
        let passes = pairs.div_ceil(DEPTH);
        let depth = pairs.div_ceil(passes);
        let mut from = 0;
        while from < pairs {
            let until = pairs.min(from + depth);
            let mut row = block.start;
            while row < block.end {
                let count = TILE.min(block.end - row);
                let column = panel * PANEL;
                let tile = Tile {
                    // SAFETY: row < rows, so the row begins within `a`; `from` < inner / 2.
                    a: unsafe { a.as_ptr().add(row * part.inner).cast::<u32>().add(from) },
                    stride: pairs,
                    pairs: until - from,
                    // SAFETY: the panel holds inner / 2 × 4 lines.
                    b: unsafe { self.lines.as_ptr().add((panel * all + from) * (PANEL / LINE)) },
                    // SAFETY: the rectangle's first element lies within `to`.
                    c: unsafe { to.0.add(row * part.stride + column) },
                    c_stride: part.stride,
                    columns: PANEL.min(part.columns - column),
                    add: add || from > 0,
                };
                // SAFETY: `count` rows from `row` and the columns up to `columns` exist, and the
                // caller vouches for the instructions.
                unsafe {
                    match count {
                        1 => tile.run::<1>(),
                        2 => tile.run::<2>(),
                        3 => tile.run::<3>(),
                        4 => tile.run::<4>(),
                        5 => tile.run::<5>(),
                        _ => tile.run::<TILE>(),
                    }
                }
                row += count;
            }
            from = until;
        }
    }
}

/// The destination, shared by threads that write disjoint parts of it.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernels"))]
struct Shared(*mut f32);
// SAFETY: a pointer is only used to write elements that no other task touches.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A register tile: up to [`TILE`] rows of `a` times one panel.
#[cfg(target_arch = "x86_64")]
struct Tile {
    /// First pair of the first row.
    a: *const u32,
    /// Pairs from one row to the next.
    stride: usize,
    /// Pairs to sum over.
    pairs: usize,
    /// Four lines a pair.
    b: *const Line,
    c: *mut f32,
    c_stride: usize,
    /// Valid columns of the panel.
    columns: usize,
    add: bool,
}

#[cfg(target_arch = "x86_64")]
impl Tile {
    /// # Safety
    /// `a`, `b` and `c` reach the sizes that the fields say, for `M` rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    unsafe fn run<const M: usize>(&self) {
        use std::arch::x86_64::{
            __m512bh, __m512i, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_load_si512,
            _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
        };
        const WIDE: usize = PANEL / LINE;
        // A bf16 vector is the same 512 bits as an integer vector.
        let bf16 = |bits: __m512i| {
            // SAFETY: equal sizes, and every bit pattern is valid.
            unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
        };
        let mut sums = [[_mm512_setzero_ps(); WIDE]; M];
        let mut b = self.b;
        for pair in 0..self.pairs {
            // SAFETY: `pairs` × 4 aligned lines follow `b`.
            let lines: [__m512bh; WIDE] =
                std::array::from_fn(|i| unsafe { bf16(_mm512_load_si512(b.add(i).cast())) });
            for (row, sums) in sums.iter_mut().enumerate() {
                // SAFETY: `M` rows of `stride` pairs follow `a`. Rows of an even number of u16
                // may start unaligned to four bytes.
                let two = unsafe { self.a.add(row * self.stride + pair).read_unaligned() };
                let two = bf16(_mm512_set1_epi32(two.cast_signed()));
                for (sum, line) in sums.iter_mut().zip(lines) {
                    *sum = _mm512_dpbf16_ps(*sum, two, line);
                }
            }
            // SAFETY: at most one past the last line.
            b = unsafe { b.add(WIDE) };
        }
        for (row, sums) in sums.iter().enumerate() {
            for (i, &sum) in sums.iter().enumerate() {
                let valid = self.columns.saturating_sub(i * LINE).min(LINE);
                let mask = ((1u32 << valid) - 1) as u16;
                // SAFETY: masked lanes lie within the row; an empty mask touches nothing.
                unsafe {
                    let c = self.c.wrapping_add(row * self.c_stride + i * LINE);
                    let old =
                        if self.add { _mm512_maskz_loadu_ps(mask, c) } else { _mm512_setzero_ps() };
                    _mm512_mask_storeu_ps(c, mask, _mm512_add_ps(old, sum));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    fn random(n: usize, seed: u64) -> Vec<u16> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| half::bf16::from_f32(rng.random_range(-1.0..1.0)).to_bits()).collect()
    }

    #[test]
    fn the_kernel_equals_its_twin() {
        for (rows, columns, inner) in
            [(1, 64, 2), (6, 48, 16), (7, 130, 576), (200, 65, 40), (13, 96, 2100)]
        {
            let (a, b) = (random(rows * inner, 1), random(inner * columns, 2));
            let packed = Packed::new(inner, columns, |k, n| b[k * columns + n]);
            for add in [false, true] {
                let mut fast = vec![0.5; rows * columns];
                let mut slow = fast.clone();
                packed.product(&a, &mut fast, add);
                let whole = Part { inner, columns, stride: columns };
                packed.product_twin(&a, &mut slow, whole, add);
                for (i, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
                    let close = 1e-5 * (inner as f32).sqrt() + 1e-5;
                    assert!(
                        (fast - slow).abs() < close,
                        "{rows}x{columns}x{inner} {i}: {fast} {slow}"
                    );
                }
            }
        }
    }

    #[test]
    fn parts_are_those_of_the_whole() {
        let (rows, columns, inner) = (7, 130, 40);
        let (a, b) = (random(rows * inner, 1), random(inner * columns, 2));
        let wide: Vec<f32> = b.iter().map(|&bits| f32::from_bits(u32::from(bits) << 16)).collect();
        let packed = Packed::of_rows(inner, columns, &wide);
        for (inner_part, columns_part, stride) in [(40, 130, 130), (12, 65, 70), (2, 1, 1)] {
            let cut: Vec<u16> =
                a.chunks(inner).flat_map(|row| &row[..inner_part]).copied().collect();
            let part = Part { inner: inner_part, columns: columns_part, stride };
            let [mut fast, mut slow] = [0, 1].map(|_| vec![0.5; rows * stride]);
            packed.product_of(&cut, &mut fast, part);
            packed.product_twin(&cut, &mut slow, part, false);
            assert!(fast.iter().zip(&slow).all(|(a, b)| (a - b).abs() < 1e-4), "{part:?}");
            let exact: f32 = (0..inner_part)
                .map(|k| wide[k * columns] * f32::from_bits(u32::from(a[k]) << 16))
                .sum();
            assert!((fast[0] - exact).abs() < 1e-4, "{part:?}");
        }
    }

    #[test]
    fn transposing_moves_every_element() {
        let b = random(10 * 70, 3);
        let packed = Packed::new(10, 70, |k, n| b[k * 70 + n]);
        let transposed = packed.transposed();
        for k in 0..10 {
            for n in 0..70 {
                assert_eq!((packed.at(k, n), transposed.at(n, k)), (b[k * 70 + n], b[k * 70 + n]));
            }
        }
    }
}
