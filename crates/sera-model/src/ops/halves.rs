//! Products of a few rows in f32 with a matrix of halves, which is read once and never written out
//! in f32: what attention to a long past is made of.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "AVX-512 and AVX2 intrinsics behind a run-time check")
)]

use super::simd;
use half::f16;
use half::slice::HalfFloatSliceExt as _;

/// Rows that share what is loaded of the matrix, in registers: of AVX-512, and of AVX2, which has
/// half as many.
#[cfg(target_arch = "x86_64")]
const WIDE: usize = 6;
#[cfg(target_arch = "x86_64")]
const HALF_WIDE: usize = 3;

/// `to += a · b`: `a` is `[rows, inner]`, `b` `[inner, columns]`.
///
/// # Panics
/// Where sizes do not fit.
pub(crate) fn add_product(a: &[f32], b: &[f16], columns: usize, to: &mut [f32]) {
    let (inner, rows) = (b.len() / columns, to.len() / columns);
    assert!(b.len() == inner * columns && to.len() == rows * columns, "a row is incomplete");
    assert!(a.len() == rows * inner, "inner sizes differ");
    #[cfg(target_arch = "x86_64")]
    {
        let shape = Shape { a: a.as_ptr(), b: b.as_ptr().cast(), inner, columns };
        if simd::wide() && columns.is_multiple_of(16) {
            for (row, to) in to.chunks_mut(WIDE * columns).enumerate() {
                // SAFETY: the processor has the instructions; these rows of `a` and `to` exist.
                unsafe { shape.from(row * WIDE).wide_rows(to) };
            }
            return;
        }
        if super::panels::native() && columns.is_multiple_of(8) {
            for (row, to) in to.chunks_mut(HALF_WIDE * columns).enumerate() {
                // SAFETY: as above.
                unsafe { shape.from(row * HALF_WIDE).half_wide_rows(to) };
            }
            return;
        }
    }
    add_product_twin(a, b, columns, to);
}

/// What [`add_product`] adds, without intrinsics.
fn add_product_twin(a: &[f32], b: &[f16], columns: usize, to: &mut [f32]) {
    let mut exact = vec![0.0; b.len()];
    b.convert_to_f32_slice(&mut exact);
    simd::add_product(a, &exact, columns, to);
}

/// Both operands of a product.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Shape {
    a: *const f32,
    /// Bits of halves.
    b: *const u16,
    inner: usize,
    columns: usize,
}

#[cfg(target_arch = "x86_64")]
impl Shape {
    fn from(self, row: usize) -> Self {
        Self { a: self.a.wrapping_add(row * self.inner), ..self }
    }

    /// # Safety
    /// The processor has AVX-512. `a` has the rows of `to`, which are [`WIDE`] at most; `b` has all
    /// its rows; columns are a multiple of 16.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn wide_rows(&self, to: &mut [f32]) {
        // SAFETY: the caller vouches for the sizes.
        unsafe {
            match to.len() / self.columns {
                1 => self.wide::<1>(to),
                2 => self.wide::<2>(to),
                3 => self.wide::<3>(to),
                4 => self.wide::<4>(to),
                5 => self.wide::<5>(to),
                _ => self.wide::<WIDE>(to),
            }
        }
    }

    /// # Safety
    /// As for [`Shape::wide_rows`], with `M` rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn wide<const M: usize>(&self, to: &mut [f32]) {
        let mut column = 0;
        while column < self.columns {
            // SAFETY: columns from `column` on exist, at least as many as are computed.
            column += unsafe {
                if column + 64 <= self.columns {
                    self.wide_part::<M, 4>(to, column)
                } else {
                    self.wide_part::<M, 1>(to, column)
                }
            };
        }
    }

    /// Sums of `16 · W` columns; returns how many.
    ///
    /// # Safety
    /// As for [`Shape::wide`]; the columns exist.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn wide_part<const M: usize, const W: usize>(
        &self,
        to: &mut [f32],
        column: usize,
    ) -> usize {
        use std::arch::x86_64::{
            _mm256_loadu_si256, _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
            _mm512_setzero_ps, _mm512_storeu_ps,
        };
        let mut sums = [[_mm512_setzero_ps(); W]; M];
        for k in 0..self.inner {
            // SAFETY: row `k` of `b` has these columns; row `m` of `a` has element `k`.
            unsafe {
                let b = self.b.add(k * self.columns + column);
                let b: [_; W] = std::array::from_fn(|w| {
                    _mm512_cvtph_ps(_mm256_loadu_si256(b.add(16 * w).cast()))
                });
                for (m, sums) in sums.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(*self.a.add(m * self.inner + k));
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = _mm512_fmadd_ps(a, b, *sum);
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (w, sum) in sums.iter().enumerate() {
                let to = &mut to[m * self.columns + column + 16 * w..][..16];
                // SAFETY: `to` is sixteen numbers.
                unsafe {
                    let old = _mm512_loadu_ps(to.as_ptr());
                    _mm512_storeu_ps(to.as_mut_ptr(), std::arch::x86_64::_mm512_add_ps(old, *sum));
                }
            }
        }
        16 * W
    }

    /// # Safety
    /// As for [`Shape::wide_rows`], with AVX2, FMA and F16C and columns of a multiple of 8.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_rows(&self, to: &mut [f32]) {
        // SAFETY: the caller vouches for the sizes.
        unsafe {
            match to.len() / self.columns {
                1 => self.half_wide::<1>(to),
                2 => self.half_wide::<2>(to),
                _ => self.half_wide::<HALF_WIDE>(to),
            }
        }
    }

    /// # Safety
    /// As for [`Shape::half_wide_rows`], with `M` rows.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide<const M: usize>(&self, to: &mut [f32]) {
        let mut column = 0;
        while column < self.columns {
            // SAFETY: columns from `column` on exist, at least as many as are computed.
            column += unsafe {
                if column + 32 <= self.columns {
                    self.half_wide_part::<M, 4>(to, column)
                } else {
                    self.half_wide_part::<M, 1>(to, column)
                }
            };
        }
    }

    /// Sums of `8 · W` columns; returns how many.
    ///
    /// # Safety
    /// As for [`Shape::half_wide`]; the columns exist.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_part<const M: usize, const W: usize>(
        &self,
        to: &mut [f32],
        column: usize,
    ) -> usize {
        use std::arch::x86_64::{
            _mm_loadu_si128, _mm256_add_ps, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
            _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
        };
        let mut sums = [[_mm256_setzero_ps(); W]; M];
        for k in 0..self.inner {
            // SAFETY: row `k` of `b` has these columns; row `m` of `a` has element `k`.
            unsafe {
                let b = self.b.add(k * self.columns + column);
                for w in 0..W {
                    let b = _mm256_cvtph_ps(_mm_loadu_si128(b.add(8 * w).cast()));
                    for (m, sums) in sums.iter_mut().enumerate() {
                        let a = _mm256_set1_ps(*self.a.add(m * self.inner + k));
                        sums[w] = _mm256_fmadd_ps(a, b, sums[w]);
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            for (w, sum) in sums.iter().enumerate() {
                let to = &mut to[m * self.columns + column + 8 * w..][..8];
                // SAFETY: `to` is eight numbers.
                unsafe {
                    let old = _mm256_loadu_ps(to.as_ptr());
                    _mm256_storeu_ps(to.as_mut_ptr(), _mm256_add_ps(old, *sum));
                }
            }
        }
        8 * W
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    #[test]
    fn the_kernels_equal_their_twin() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(2);
        let mut numbers =
            |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        for (rows, inner, columns) in
            [(1, 64, 64), (3, 17, 80), (7, 64, 128), (2, 5, 24), (4, 3, 7)]
        {
            let (a, b) = (numbers(rows * inner), numbers(inner * columns));
            let b: Vec<f16> = b.into_iter().map(f16::from_f32).collect();
            let [mut fast, mut slow] = [0, 1].map(|_| vec![0.5; rows * columns]);
            add_product(&a, &b, columns, &mut fast);
            add_product_twin(&a, &b, columns, &mut slow);
            near(&fast, &slow);
            #[cfg(target_arch = "x86_64")]
            if super::super::panels::native() && columns.is_multiple_of(8) {
                fast.fill(0.5);
                let shape = Shape { a: a.as_ptr(), b: b.as_ptr().cast(), inner, columns };
                for (row, to) in fast.chunks_mut(HALF_WIDE * columns).enumerate() {
                    // SAFETY: the processor has the instructions; `a` and `to` have as many rows.
                    unsafe { shape.from(row * HALF_WIDE).half_wide_rows(to) };
                }
                near(&fast, &slow);
            }
        }
    }

    fn near(a: &[f32], b: &[f32]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }
}
