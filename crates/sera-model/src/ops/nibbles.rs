//! Weights in four bits, five with their scales: those of files whose blocks have sixteen levels
//! (Q4_0, Q4_1, Q4_K), so that writing a token reads as little as the file. Others are kept in
//! [`super::bytes`].
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "AVX-512 and AVX2 intrinsics behind a run-time check, and NEON")
)]

use super::panels::{PAIRS, Panel, ROWS};
use half::f16;

#[cfg(target_arch = "aarch64")]
use super::panels::neon::QUARTERS;
#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::int16x8_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256i, __m512, __m512i};

/// How far from a level, in steps, a weight may be: those of a 4-bit file that were rounded to bf16
/// since are within 15 · 2⁻⁹ and what the ends' own rounding adds.
const NEAR: f32 = 0.08;

/// Sixteen rows' block of 32 inputs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct NibblePanel {
    /// The levels of inputs 2k (low four bits) and 2k + 1, by row.
    pairs: [[u8; ROWS]; PAIRS],
    /// What a level is worth.
    steps: [f16; ROWS],
    /// What level 0 stands for.
    least: [f16; ROWS],
}

/// The nearest integer. A function call for each of millions of weights is what `f32::round` is
/// without SSE4.1.
fn nearest(x: f32) -> f32 {
    /// Adding and subtracting it rounds.
    const ROUND: f32 = 12_582_912.0;
    (x + ROUND) - ROUND
}

/// A block's step and least level, if its 32 numbers are levels.
fn levels(x: &[f32]) -> Option<(f32, f32)> {
    let (least, most) =
        x.iter().fold((f32::MAX, f32::MIN), |(least, most), &x| (least.min(x), most.max(x)));
    // A block that does not reach both ends has fewer steps between them.
    (1..=15u8).rev().map(|steps| ((most - least) / f32::from(steps), least)).find(|(step, _)| {
        let inverse = 1.0 / step;
        let near = |x: &f32| {
            let level = (x - least) * inverse;
            (level - nearest(level)).abs() <= NEAR
        };
        *step == 0.0 || x.iter().map(near).fold(true, |all, near| all & near)
    })
}

impl Panel for NibblePanel {
    const EMPTY: Self =
        Self { pairs: [[0; ROWS]; PAIRS], steps: [f16::ZERO; ROWS], least: [f16::ZERO; ROWS] };

    fn put(&mut self, row: usize, x: &[f32]) -> Option<()> {
        let (step, least) = levels(x)?;
        (self.steps[row], self.least[row]) = (f16::from_f32(step), f16::from_f32(least));
        let (step, least) = self.worth(row);
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        let level = |x: f32| nearest((x - least) * inverse).clamp(0.0, 15.0) as u8;
        for (pair, x) in self.pairs.iter_mut().zip(x.chunks_exact(2)) {
            pair[row] = level(x[0]) | level(x[1]) << 4;
        }
        Some(())
    }

    fn pair(&self, pair: usize, row: usize) -> [i32; 2] {
        let both = self.pairs[pair][row];
        [both & 15, both >> 4].map(i32::from)
    }

    fn worth(&self, row: usize) -> (f32, f32) {
        (self.steps[row].to_f32(), self.least[row].to_f32())
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    unsafe fn wide_pair(&self, pair: usize) -> __m512i {
        use std::arch::x86_64::{
            _mm_load_si128, _mm512_and_si512, _mm512_cvtepu8_epi32, _mm512_or_si512,
            _mm512_set1_epi32, _mm512_slli_epi32,
        };
        // SAFETY: sixteen bytes, aligned as the panel's lines are.
        let both =
            _mm512_cvtepu8_epi32(unsafe { _mm_load_si128(self.pairs[pair].as_ptr().cast()) });
        let apart = _mm512_or_si512(both, _mm512_slli_epi32::<12>(both));
        _mm512_and_si512(apart, _mm512_set1_epi32(0x000f_000f))
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    unsafe fn wide_worth(&self) -> (__m512, __m512) {
        use std::arch::x86_64::{_mm256_load_si256, _mm512_cvtph_ps};
        // SAFETY: both are sixteen halves, aligned to 32 bytes.
        unsafe {
            (
                _mm512_cvtph_ps(_mm256_load_si256(self.steps.as_ptr().cast())),
                _mm512_cvtph_ps(_mm256_load_si256(self.least.as_ptr().cast())),
            )
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_pair(&self, pair: usize, row: usize) -> __m256i {
        use std::arch::x86_64::{
            _mm_loadl_epi64, _mm256_and_si256, _mm256_cvtepu8_epi32, _mm256_or_si256,
            _mm256_set1_epi32, _mm256_slli_epi32,
        };
        // SAFETY: eight of sixteen bytes.
        let both = _mm256_cvtepu8_epi32(unsafe {
            _mm_loadl_epi64(self.pairs[pair].as_ptr().add(row).cast())
        });
        let apart = _mm256_or_si256(both, _mm256_slli_epi32::<12>(both));
        _mm256_and_si256(apart, _mm256_set1_epi32(0x000f_000f))
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_worth(&self, row: usize) -> (__m256, __m256) {
        use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtph_ps};
        // SAFETY: eight of sixteen halves.
        unsafe {
            (
                _mm256_cvtph_ps(_mm_loadu_si128(self.steps.as_ptr().add(row).cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(self.least.as_ptr().add(row).cast())),
            )
        }
    }

    #[cfg(target_arch = "aarch64")]
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn quarters(&self, pair: usize) -> [int16x8_t; QUARTERS] {
        use std::arch::aarch64::{
            vandq_u8, vdupq_n_u8, vget_low_u8, vld1q_u8, vmovl_high_u8, vmovl_u8,
            vreinterpretq_s16_u16, vshrq_n_u8, vzip1q_u8, vzip2q_u8,
        };
        // SAFETY: sixteen bytes.
        let both = unsafe { vld1q_u8(self.pairs[pair].as_ptr()) };
        let (first, second) = (vandq_u8(both, vdupq_n_u8(15)), vshrq_n_u8::<4>(both));
        let (low, high) = (vzip1q_u8(first, second), vzip2q_u8(first, second));
        [
            vmovl_u8(vget_low_u8(low)),
            vmovl_high_u8(low),
            vmovl_u8(vget_low_u8(high)),
            vmovl_high_u8(high),
        ]
        .map(|levels| vreinterpretq_s16_u16(levels))
    }

    #[cfg(target_arch = "aarch64")]
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn worths(&self) -> ([f32; ROWS], [f32; ROWS]) {
        use half::slice::HalfFloatSliceExt as _;
        let [mut steps, mut least] = [[0.0; ROWS]; 2];
        self.steps.convert_to_f32_slice(&mut steps);
        self.least.convert_to_f32_slice(&mut least);
        (steps, least)
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::BLOCK;
    use super::super::panels::tests::{check, check_alone};
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    /// Numbers of a 4-bit file: `step · level + least` in blocks of 32, both of them halves.
    fn quantised(n: usize, seed: u64) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut block = || {
            let [step, least] =
                [0.01..0.02, -0.15..-0.05].map(|r| f16::from_f32(random.random_range(r)).to_f32());
            [0; BLOCK].map(|_| f32::from(random.random_range(0..16u8)) * step + least)
        };
        (0..n.div_ceil(BLOCK)).flat_map(|_| block()).take(n).collect()
    }

    #[test]
    fn products_are_those_of_the_numbers() {
        for (inputs, outputs, rows) in [(32, 1, 1), (576, 70, 3), (1536, 5, 8), (64, 33, 45)] {
            check::<NibblePanel>(inputs, rows, &quantised(inputs * outputs, 1), 2e-3);
        }
        check_alone::<NibblePanel>(&quantised(576 * 40, 4));
    }

    #[test]
    fn levels_are_found_where_there_are_some() {
        let check = |x: [f32; BLOCK], expect: bool| {
            let mut panel = NibblePanel::EMPTY;
            assert_eq!(panel.put(0, &x).is_some(), expect, "{x:?}");
        };
        let level = |i: usize| ((i * 7) % 16) as f32;
        check(std::array::from_fn(|i| level(i) * 0.013 - 0.1), true);
        check(std::array::from_fn(|i| (level(i) - 8.0).max(-5.0) * 0.013), true);
        check([0.25; BLOCK], true);
        // Rounded to bf16 since.
        let rounded = |x: f32| half::bf16::from_f32(x).to_f32();
        check(std::array::from_fn(|i| rounded(level(i) * 0.0131 - 0.0993)), true);
        check(std::array::from_fn(|i| (i as f32).sin()), false);
        check(std::array::from_fn(|i| i as f32), false);
    }
}
