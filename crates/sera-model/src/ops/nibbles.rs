//! Products of a few rows with frozen matrices whose blocks have sixteen levels, as 4-bit files have
//! (Q4_0, Q4_1, Q4_K): kept in four bits again, so that writing a token reads as little as the file.
//!
//! Five bits a weight with its scales. Files of other formats are kept by [`super::Bytes`].
#![expect(unsafe_code, reason = "AVX-512 and AVX2 intrinsics behind a run-time check")]

use super::bytes::{BLOCK, Words, times_few};
use half::f16;
use rayon::prelude::*;
use std::ops::Range;

/// Rows that lie interleaved: sixteen sums of 32 bits are one register, and none of them has to be
/// added up across it.
const ROWS: usize = 16;
/// Panels ahead that memory is asked for, 2.5 KiB.
const AHEAD: usize = 8;
/// How far from a level, in steps, a weight may be: those of a 4-bit file that were rounded to bf16
/// since are within 15 · 2⁻⁹ and what the ends' own rounding adds.
const NEAR: f32 = 0.08;

/// Sixteen rows' block of 32 inputs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Panel {
    /// The levels of inputs 2k (low four bits) and 2k + 1, by row.
    pairs: [[u8; ROWS]; BLOCK / 2],
    /// What a level is worth.
    steps: [f16; ROWS],
    /// What level 0 stands for.
    least: [f16; ROWS],
}

impl Panel {
    const EMPTY: Self =
        Self { pairs: [[0; ROWS]; BLOCK / 2], steps: [f16::ZERO; ROWS], least: [f16::ZERO; ROWS] };
}

/// A frozen matrix `[outputs, inputs]` in four bits.
#[derive(Debug)]
pub(crate) struct Nibbles {
    inputs: usize,
    outputs: usize,
    /// `[outputs / 16, inputs / 32]`; missing rows are zeros.
    panels: Vec<Panel>,
}

/// A block's step and least level, if its 32 numbers are levels.
fn levels(x: &[f32]) -> Option<(f32, f32)> {
    let (least, most) =
        x.iter().fold((f32::MAX, f32::MIN), |(least, most), &x| (least.min(x), most.max(x)));
    // A block that does not reach both ends has fewer steps between them.
    (1..=15u8).rev().map(|steps| ((most - least) / f32::from(steps), least)).find(|(step, _)| {
        let near = |x: &f32| {
            let level = (x - least) / step;
            (level - level.round()).abs() <= NEAR
        };
        *step == 0.0 || x.iter().all(near)
    })
}

impl Nibbles {
    /// `numbers`, row-major, if all their blocks have sixteen levels at most.
    ///
    /// # Panics
    /// Where `inputs` is not a multiple of 32.
    pub(crate) fn new(inputs: usize, numbers: &[f32]) -> Option<Self> {
        assert!(inputs.is_multiple_of(BLOCK), "rows are whole blocks");
        let (outputs, blocks) = (numbers.len() / inputs, inputs / BLOCK);
        let mut panels = vec![Panel::EMPTY; outputs.div_ceil(ROWS) * blocks];
        let groups = panels.par_chunks_mut(blocks).zip(numbers.par_chunks(ROWS * inputs));
        let fits = groups.try_for_each(|(panels, rows)| {
            for (row, numbers) in rows.chunks(inputs).enumerate() {
                for (panel, x) in panels.iter_mut().zip(numbers.chunks(BLOCK)) {
                    let (step, least) = levels(x)?;
                    panel.put(row, x, f16::from_f32(step), f16::from_f32(least));
                }
            }
            Some(())
        });
        fits.map(|()| Self { inputs, outputs, panels })
    }

    /// `to (+)= x·Wᵀ` for a few rows `x`. The order of summation depends on nothing, not even on how
    /// many rows there are.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        let blocks = self.inputs / BLOCK;
        let work = |x: &[Words], groups: Range<usize>, to: &mut [f32]| {
            let groups = self.panels[groups.start * blocks..groups.end * blocks].chunks(blocks);
            for (panels, to) in groups.zip(to.chunks_exact_mut(x.len() * ROWS)) {
                dots(panels, x, to);
            }
        };
        times_few::<ROWS>((self.inputs, self.outputs), x, (to, add), work);
    }
}

impl Panel {
    fn put(&mut self, row: usize, x: &[f32], step: f16, least: f16) {
        (self.steps[row], self.least[row]) = (step, least);
        let (step, least) = (step.to_f32(), least.to_f32());
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        let level = |x: f32| ((x - least) * inverse).round().clamp(0.0, 15.0) as u8;
        for (pair, x) in self.pairs.iter_mut().zip(x.chunks_exact(2)) {
            pair[row] = level(x[0]) | level(x[1]) << 4;
        }
    }
}

/// The products of sixteen rows of weights with each of `x`, `[x, 16]`.
fn dots(w: &[Panel], x: &[Words], to: &mut [f32]) {
    let blocks = w.len();
    for x in x {
        assert!(x.numbers.len() == blocks * BLOCK, "the row has another width");
        assert!(x.scales.len() == blocks && x.sums.len() == blocks, "blocks have scale and sum");
    }
    assert!(to.len() == x.len() * ROWS, "the product has another size");
    to.fill(0.0);
    #[cfg(target_arch = "x86_64")]
    {
        if super::simd::wide() && is_x86_feature_detected!("avx512vnni") {
            // SAFETY: the processor has the instructions; the sizes were checked just now.
            return unsafe { dots_wide(w, x, to) };
        }
        if super::bytes::native() && is_x86_feature_detected!("f16c") {
            // SAFETY: as above.
            return unsafe { dots_half_wide(w, x, to) };
        }
    }
    dots_twin(w, x, to);
}

/// What [`dots`] adds up, without intrinsics.
fn dots_twin(w: &[Panel], x: &[Words], to: &mut [f32]) {
    for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
        let blocks = w.iter().zip(x.numbers.chunks(BLOCK)).zip(x.scales.iter().zip(&x.sums));
        for ((panel, x), (scale, sum)) in blocks {
            for (row, to) in to.iter_mut().enumerate() {
                let pairs = panel.pairs.iter().zip(x.chunks_exact(2));
                let product = |(pair, x): (&[u8; ROWS], &[i16])| {
                    i32::from(pair[row] & 15) * i32::from(x[0])
                        + i32::from(pair[row] >> 4) * i32::from(x[1])
                };
                let levels = pairs.map(product).sum::<i32>() as f32;
                let (step, least) = (panel.steps[row].to_f32(), panel.least[row].to_f32());
                *to += levels * (step * scale) + least * sum;
            }
        }
    }
}

/// Hints at what is read soon; beyond the matrix it is no access.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn hint(panel: &Panel) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let ahead = std::ptr::from_ref(panel).wrapping_add(AHEAD).cast::<i8>();
    for line in 0..size_of::<Panel>() / 64 {
        // SAFETY: every x86-64 has it, and a hint may point anywhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64 * line)) };
    }
}

/// # Safety
/// The processor has AVX-512 with VNNI; each of `x` has 32 numbers, a scale and a sum for each of
/// `w`; `to` has sixteen numbers for each of `x`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn dots_wide(w: &[Panel], x: &[Words], to: &mut [f32]) {
    use std::arch::x86_64::{
        __m512i, _mm_load_si128, _mm256_load_si256, _mm512_add_epi32, _mm512_and_si512,
        _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvtph_ps, _mm512_dpwssd_epi32,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_or_si512, _mm512_set1_epi32,
        _mm512_set1_ps, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_storeu_ps,
    };
    /// Sums that need not wait for each other.
    const STREAMS: usize = 4;
    let low = _mm512_set1_epi32(0x000f_000f);
    for (block, panel) in w.iter().enumerate() {
        hint(panel);
        let levels: [__m512i; BLOCK / 2] = std::array::from_fn(|k| {
            // SAFETY: sixteen bytes, aligned as the panel's lines are.
            let wide =
                _mm512_cvtepu8_epi32(unsafe { _mm_load_si128(panel.pairs[k].as_ptr().cast()) });
            _mm512_and_si512(_mm512_or_si512(wide, _mm512_slli_epi32::<12>(wide)), low)
        });
        // SAFETY: both are sixteen halves, aligned to 32 bytes.
        let (steps, least) = unsafe {
            (
                _mm512_cvtph_ps(_mm256_load_si256(panel.steps.as_ptr().cast())),
                _mm512_cvtph_ps(_mm256_load_si256(panel.least.as_ptr().cast())),
            )
        };
        for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
            let mut sums = [_mm512_setzero_si512(); STREAMS];
            for (k, &levels) in levels.iter().enumerate() {
                // SAFETY: `x` has 32 numbers for this block, read two at a time.
                let two = unsafe {
                    x.numbers.as_ptr().add(block * BLOCK + 2 * k).cast::<i32>().read_unaligned()
                };
                // 32 products of 15 and 32,767 at most: within 32 bits.
                let sum = &mut sums[k % STREAMS];
                *sum = _mm512_dpwssd_epi32(*sum, levels, _mm512_set1_epi32(two));
            }
            let [a, b, c, d] = sums;
            let sum = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
            // SAFETY: `x` has one of both for this block; `to` is sixteen numbers.
            unsafe {
                let scale = _mm512_set1_ps(*x.scales.get_unchecked(block));
                let all = _mm512_set1_ps(*x.sums.get_unchecked(block));
                let mut total = _mm512_loadu_ps(to.as_ptr());
                let worth = _mm512_mul_ps(steps, scale);
                total = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), worth, total);
                total = _mm512_fmadd_ps(least, all, total);
                _mm512_storeu_ps(to.as_mut_ptr(), total);
            }
        }
    }
}

/// # Safety
/// As for [`dots_wide`], with AVX2, FMA and F16C.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn dots_half_wide(w: &[Panel], x: &[Words], to: &mut [f32]) {
    use std::arch::x86_64::{
        __m256i, _mm_load_si128, _mm_loadl_epi64, _mm256_add_epi32, _mm256_and_si256,
        _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_madd_epi16, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi32,
        _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_storeu_ps,
    };
    /// Rows of a register.
    const HALF: usize = ROWS / 2;
    let low = _mm256_set1_epi32(0x000f_000f);
    for (block, panel) in w.iter().enumerate() {
        hint(panel);
        for half in [0, HALF] {
            let levels: [__m256i; BLOCK / 2] = std::array::from_fn(|k| {
                // SAFETY: eight of sixteen bytes.
                let wide = _mm256_cvtepu8_epi32(unsafe {
                    _mm_loadl_epi64(panel.pairs[k].as_ptr().add(half).cast())
                });
                _mm256_and_si256(_mm256_or_si256(wide, _mm256_slli_epi32::<12>(wide)), low)
            });
            // SAFETY: eight of sixteen halves, aligned to 16 bytes.
            let (steps, least) = unsafe {
                (
                    _mm256_cvtph_ps(_mm_load_si128(panel.steps.as_ptr().add(half).cast())),
                    _mm256_cvtph_ps(_mm_load_si128(panel.least.as_ptr().add(half).cast())),
                )
            };
            for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
                let mut sums = [_mm256_setzero_si256(); 2];
                for (k, &levels) in levels.iter().enumerate() {
                    // SAFETY: `x` has 32 numbers for this block, read two at a time.
                    let two = unsafe {
                        x.numbers.as_ptr().add(block * BLOCK + 2 * k).cast::<i32>().read_unaligned()
                    };
                    let products = _mm256_madd_epi16(levels, _mm256_set1_epi32(two));
                    sums[k % 2] = _mm256_add_epi32(sums[k % 2], products);
                }
                let sum = _mm256_cvtepi32_ps(_mm256_add_epi32(sums[0], sums[1]));
                // SAFETY: `x` has one of both for this block; these are eight of sixteen numbers.
                unsafe {
                    let to = to.as_mut_ptr().add(half);
                    let worth =
                        _mm256_mul_ps(steps, _mm256_set1_ps(*x.scales.get_unchecked(block)));
                    let all = _mm256_set1_ps(*x.sums.get_unchecked(block));
                    let total = _mm256_fmadd_ps(sum, worth, _mm256_loadu_ps(to));
                    _mm256_storeu_ps(to, _mm256_fmadd_ps(least, all, total));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
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

    fn row(n: usize) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
        (0..n).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn the_kernels_equal_their_twin_and_the_numbers() {
        for (inputs, outputs, rows) in [(32, 1, 1), (576, 70, 3), (1536, 5, 8)] {
            let numbers = quantised(inputs * outputs, 1);
            let w = Nibbles::new(inputs, &numbers).unwrap();
            let x = row(inputs * rows);
            for add in [false, true] {
                let mut to = vec![0.5; outputs * rows];
                w.times(&x, &mut to, add);
                let kept = if add { 0.5 } else { 0.0 };
                for (i, to) in to.iter().enumerate() {
                    let (x, w) = (&x[i / outputs * inputs..], &numbers[i % outputs * inputs..]);
                    let exact: f32 = x.iter().zip(w).take(inputs).map(|(x, w)| x * w).sum();
                    assert!(
                        (to - kept - exact).abs() < 2e-3,
                        "{inputs}x{outputs} {i}: {to} {exact}"
                    );
                }
            }
            let words: Vec<Words> = x.chunks(inputs).map(Words::new).collect();
            for w in w.panels.chunks(inputs / BLOCK) {
                let [mut twin, mut fast] = [0, 1].map(|_| vec![0.0; rows * ROWS]);
                dots_twin(w, &words, &mut twin);
                dots(w, &words, &mut fast);
                near(&fast, &twin);
                #[cfg(target_arch = "x86_64")]
                if super::super::bytes::native() && is_x86_feature_detected!("f16c") {
                    fast.fill(0.0);
                    // SAFETY: the processor has the instructions; all are as wide as `w`.
                    unsafe { dots_half_wide(w, &words, &mut fast) };
                    near(&fast, &twin);
                }
            }
        }
    }

    fn near(a: &[f32], b: &[f32]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }

    #[test]
    fn a_row_is_the_same_bits_alone_and_among_others() {
        let w = Nibbles::new(576, &quantised(576 * 40, 4)).unwrap();
        let x = row(576 * 5);
        let mut together = vec![0.0; 40 * 5];
        w.times(&x, &mut together, false);
        for (x, together) in x.chunks(576).zip(together.chunks(40)) {
            let mut alone = vec![0.0; 40];
            w.times(x, &mut alone, false);
            assert_eq!(alone, together);
        }
    }

    #[test]
    fn levels_are_found_where_there_are_some() {
        let check = |x: [f32; BLOCK], expect: bool| {
            assert_eq!(Nibbles::new(BLOCK, &x).is_some(), expect, "{x:?}");
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
