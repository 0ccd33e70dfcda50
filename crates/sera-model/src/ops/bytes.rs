//! Weights in bytes, a byte and a quarter each with their scales: those of files that have more
//! than sixteen levels a block.
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "AVX-512 and AVX2 intrinsics behind a run-time check, and NEON")
)]

use super::panels::{BLOCK, PAIRS, Panel, ROWS};

#[cfg(target_arch = "aarch64")]
use super::panels::neon::QUARTERS;
#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::int16x8_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256i, __m512, __m512i};

/// Sixteen rows' block of 32 inputs. From the smallest to the largest of a row's 32 are 255 steps.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct BytePanel {
    pairs: [[[i8; 2]; ROWS]; PAIRS],
    /// What a byte's step is worth.
    steps: [f32; ROWS],
    /// What a byte of 0 stands for.
    middles: [f32; ROWS],
}

impl Panel for BytePanel {
    const EMPTY: Self =
        Self { pairs: [[[0; 2]; ROWS]; PAIRS], steps: [0.0; ROWS], middles: [0.0; ROWS] };

    fn put(&mut self, row: usize, x: &[f32]) -> Option<()> {
        debug_assert_eq!(x.len(), BLOCK, "a block");
        let (least, most) =
            x.iter().fold((f32::MAX, f32::MIN), |(least, most), &x| (least.min(x), most.max(x)));
        let step = (most - least) / 255.0;
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        let byte = |x: f32| (((x - least) * inverse).round() - 128.0) as i8;
        for (pair, x) in self.pairs.iter_mut().zip(x.chunks_exact(2)) {
            pair[row] = [byte(x[0]), byte(x[1])];
        }
        (self.steps[row], self.middles[row]) = (step, least + 128.0 * step);
        Some(())
    }

    fn pair(&self, pair: usize, row: usize) -> [i32; 2] {
        self.pairs[pair][row].map(i32::from)
    }

    fn worth(&self, row: usize) -> (f32, f32) {
        (self.steps[row], self.middles[row])
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    unsafe fn wide_pair(&self, pair: usize) -> __m512i {
        use std::arch::x86_64::{_mm256_load_si256, _mm512_cvtepi8_epi16};
        // SAFETY: 32 bytes, aligned as the panel's lines are.
        _mm512_cvtepi8_epi16(unsafe { _mm256_load_si256(self.pairs[pair].as_ptr().cast()) })
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    unsafe fn wide_worth(&self) -> (__m512, __m512) {
        use std::arch::x86_64::_mm512_load_ps;
        // SAFETY: both are sixteen numbers, aligned to 64 bytes.
        unsafe { (_mm512_load_ps(self.steps.as_ptr()), _mm512_load_ps(self.middles.as_ptr())) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_pair(&self, pair: usize, row: usize) -> __m256i {
        use std::arch::x86_64::{_mm_loadu_si128, _mm256_cvtepi8_epi16};
        // SAFETY: sixteen of 32 bytes.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(self.pairs[pair].as_ptr().add(row).cast()) })
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn half_wide_worth(&self, row: usize) -> (__m256, __m256) {
        use std::arch::x86_64::_mm256_loadu_ps;
        // SAFETY: eight of sixteen numbers.
        unsafe {
            let (steps, middles) = (self.steps.as_ptr().add(row), self.middles.as_ptr().add(row));
            (_mm256_loadu_ps(steps), _mm256_loadu_ps(middles))
        }
    }

    #[cfg(target_arch = "aarch64")]
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn quarters(&self, pair: usize) -> [int16x8_t; QUARTERS] {
        use std::arch::aarch64::{vget_low_s8, vld1q_s8, vmovl_high_s8, vmovl_s8};
        let bytes = self.pairs[pair].as_flattened();
        // SAFETY: sixteen of 32 bytes, twice.
        let [low, high] = unsafe { [0, ROWS].map(|at| vld1q_s8(bytes.as_ptr().add(at))) };
        [
            vmovl_s8(vget_low_s8(low)),
            vmovl_high_s8(low),
            vmovl_s8(vget_low_s8(high)),
            vmovl_high_s8(high),
        ]
    }

    #[cfg(target_arch = "aarch64")]
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn worths(&self) -> ([f32; ROWS], [f32; ROWS]) {
        (self.steps, self.middles)
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::{check, check_alone, random};
    use super::*;

    #[test]
    fn products_are_those_of_the_numbers() {
        for (inputs, outputs, rows) in [(32, 1, 1), (576, 70, 3), (1536, 5, 8), (64, 33, 45)] {
            check::<BytePanel>(inputs, rows, &random(inputs * outputs, 1), 0.25);
        }
        check_alone::<BytePanel>(&random(576 * 40, 4));
    }

    /// What a block's bytes stand for.
    fn kept(x: &[f32; BLOCK]) -> (f32, Vec<f32>) {
        let mut panel = BytePanel::EMPTY;
        panel.put(3, x).unwrap();
        let (step, middle) = panel.worth(3);
        let number = |level: i32| step * level as f32 + middle;
        (step, (0..PAIRS).flat_map(|pair| panel.pair(pair, 3).map(number)).collect())
    }

    #[test]
    fn bytes_are_as_good_as_their_step() {
        let mut wide: [f32; BLOCK] = random(BLOCK, 3).try_into().unwrap();
        wide[0] = -40.0;
        for x in [random(BLOCK, 5).try_into().unwrap(), wide, [0.25; BLOCK]] {
            let (step, found) = kept(&x);
            for (x, found) in x.iter().zip(&found) {
                assert!((x - found).abs() <= step * 0.501 + 1e-5, "{x} {found}");
            }
        }
        assert_eq!(kept(&[0.25; BLOCK]).1, [0.25; BLOCK], "a constant block is exact");
    }
}
