//! Products of a few rows with frozen matrices kept in bytes, for writing token by token.
//!
//! One row reads every weight once, so it takes as long as the memory does: a byte and a quarter a
//! weight instead of four bytes. Rows read together are bound by arithmetic instead, where f32
//! needs fewer instructions a weight than bytes with their scales do without VNNI.
#![expect(unsafe_code, reason = "AVX2 intrinsics behind a run-time check")]

use super::simd;
use rayon::prelude::*;
use std::ops::Range;

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 32;
/// Panels ahead that memory is asked for, 2.5 KiB.
const AHEAD: usize = 16;
/// Weights below which a task is not worth handing to another thread: they take about 50 µs.
const TASK: usize = 1 << 19;

/// Rows that lie interleaved and are multiplied together: one stream that the processor foresees,
/// and sums that need not wait for each other.
const ROWS: usize = 4;

/// Four rows' block of 32 inputs.
///
/// From the smallest to the largest of a row's 32 are 255 steps. That is exact for Q4_1, whose blocks
/// reach from their first to their last of 16 levels, 17 steps apart.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Panel {
    bytes: [[i8; BLOCK]; ROWS],
    /// What a byte's step is worth.
    scales: [f32; ROWS],
    /// What a byte of 0 stands for.
    middles: [f32; ROWS],
}

impl Panel {
    const EMPTY: Self =
        Self { bytes: [[0; BLOCK]; ROWS], scales: [0.0; ROWS], middles: [0.0; ROWS] };
}

/// A frozen matrix `[outputs, inputs]` in bytes.
#[derive(Debug)]
pub(crate) struct Bytes {
    inputs: usize,
    outputs: usize,
    /// `[outputs / 4, inputs / 32]`; missing rows are zeros.
    panels: Vec<Panel>,
}

/// Whether this processor has the instructions.
pub(super) fn native() -> bool {
    #[cfg(target_arch = "x86_64")]
    let native = super::simd::half_wide() && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let native = false;
    native
}

/// Whether matrices of that many inputs are worth keeping so on this processor.
pub(crate) fn fit(inputs: usize) -> bool {
    native() && inputs.is_multiple_of(BLOCK)
}

/// A block of weights in bytes; returns what a step and what a byte of 0 is worth.
fn to_bytes(x: &[f32], bytes: &mut [i8]) -> (f32, f32) {
    let (least, most) =
        x.iter().fold((f32::MAX, f32::MIN), |(least, most), &x| (least.min(x), most.max(x)));
    let scale = (most - least) / 255.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (byte, x) in bytes.iter_mut().zip(x) {
        *byte = (((x - least) * inverse).round() - 128.0) as i8;
    }
    (scale, least + 128.0 * scale)
}

/// The row that is multiplied with, in two bytes a number: AVX2 multiplies those as fast, and one
/// byte's rounding alone moved the real base's next tokens by 0.003 nats (mean divergence).
pub(super) struct Words {
    pub(super) numbers: Vec<i16>,
    /// What a step is worth, by block.
    pub(super) scales: Vec<f32>,
    /// Sums of blocks, which weights' middles are multiplied with.
    pub(super) sums: Vec<f32>,
}

impl Words {
    pub(super) fn new(x: &[f32]) -> Self {
        let mut numbers = Vec::new();
        let (mut scales, mut sums) = (Vec::new(), Vec::new());
        numbers.resize(x.len(), 0);
        for (x, numbers) in x.chunks(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
            scales.push(simd::to_words(x, numbers));
            sums.push(x.iter().sum());
        }
        Self { numbers, scales, sums }
    }
}

impl Bytes {
    /// Rounds `numbers`, row-major.
    ///
    /// # Panics
    /// Where `inputs` is not a multiple of 32.
    pub(crate) fn new(inputs: usize, numbers: &[f32]) -> Self {
        assert!(inputs.is_multiple_of(BLOCK), "rows are whole blocks");
        let (outputs, blocks) = (numbers.len() / inputs, inputs / BLOCK);
        let mut panels = vec![Panel::EMPTY; outputs.div_ceil(ROWS) * blocks];
        let groups = panels.par_chunks_mut(blocks).zip(numbers.par_chunks(ROWS * inputs));
        groups.for_each(|(panels, rows)| {
            for (row, numbers) in rows.chunks(inputs).enumerate() {
                for (panel, x) in panels.iter_mut().zip(numbers.chunks(BLOCK)) {
                    (panel.scales[row], panel.middles[row]) = to_bytes(x, &mut panel.bytes[row]);
                }
            }
        });
        Self { inputs, outputs, panels }
    }

    /// `to (+)= x·Wᵀ` for a few rows `x`. The order of summation depends on nothing, not even on how
    /// many rows there are.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        let blocks = self.inputs / BLOCK;
        let work = |x: &[Words], groups: Range<usize>, to: &mut [f32]| {
            let groups = self.panels[groups.start * blocks..groups.end * blocks].chunks(blocks);
            for (panels, to) in groups.zip(to.chunks_exact_mut(x.len() * ROWS)) {
                for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
                    to.copy_from_slice(&dots(panels, x));
                }
            }
        };
        times_few::<ROWS>((self.inputs, self.outputs), x, (to, add), work);
    }
}

/// `to (+)= x·Wᵀ`, where `work` writes the products of some groups of `ROWS` outputs, group by
/// group and row of `x` by row of `x`.
pub(super) fn times_few<const ROWS: usize>(
    (inputs, outputs): (usize, usize),
    x: &[f32],
    (to, add): (&mut [f32], bool),
    work: impl Fn(&[Words], Range<usize>, &mut [f32]) + Sync,
) {
    let words: Vec<Words> = x.chunks(inputs).map(Words::new).collect();
    let rows = words.len();
    assert_eq!(x.len(), inputs * rows, "a row has another width");
    assert_eq!(to.len(), outputs * rows, "the product has another size");
    let (groups, each) = (outputs.div_ceil(ROWS), TASK.div_ceil(inputs * ROWS));
    let mut products = vec![0.0; groups * ROWS * rows];
    if groups <= each {
        work(&words, 0..groups, &mut products);
    } else {
        let parts = products.par_chunks_mut(each * ROWS * rows).enumerate();
        parts.for_each(|(part, products)| {
            work(&words, part * each..groups.min((part + 1) * each), products);
        });
    }
    for (row, to) in to.chunks_exact_mut(outputs).enumerate() {
        let products = products.chunks_exact(ROWS).skip(row).step_by(rows);
        for (to, products) in to.chunks_mut(ROWS).zip(products) {
            for (to, product) in to.iter_mut().zip(products) {
                *to = if add { *to + product } else { *product };
            }
        }
    }
}

/// The product of each of four rows with `x`.
fn dots(w: &[Panel], x: &Words) -> [f32; ROWS] {
    let blocks = w.len();
    assert!(x.numbers.len() == blocks * BLOCK, "the row has another width");
    assert!(
        x.scales.len() == blocks && x.sums.len() == blocks,
        "every block has a scale and a sum"
    );
    #[cfg(target_arch = "x86_64")]
    if fit(x.numbers.len()) {
        // SAFETY: the processor has AVX2 and FMA; the sizes were checked just now.
        return unsafe { dots_native(w, x) };
    }
    dots_twin(w, x)
}

/// What [`dots`] computes, without intrinsics.
fn dots_twin(w: &[Panel], x: &Words) -> [f32; ROWS] {
    let mut sums = [0.0; ROWS];
    let blocks = w.iter().zip(x.numbers.chunks(BLOCK)).zip(x.scales.iter().zip(&x.sums));
    for ((panel, x), (scale, sum)) in blocks {
        for (row, to) in sums.iter_mut().enumerate() {
            let products =
                panel.bytes[row].iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x));
            let steps = products.sum::<i32>() as f32;
            *to += steps * (panel.scales[row] * scale) + panel.middles[row] * sum;
        }
    }
    sums
}

/// # Safety
/// The processor has AVX2 and FMA; `x` has 32 numbers, a scale and a sum for each of `w`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots_native(w: &[Panel], x: &Words) -> [f32; ROWS] {
    use std::arch::x86_64::{
        __m256i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtepi32_ps, _mm_fmadd_ps, _mm_loadu_ps,
        _mm_loadu_si128, _mm_mul_ps, _mm_prefetch, _mm_set1_ps, _mm_setzero_ps, _mm_storeu_ps,
        _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256,
        _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    };
    const HALF: usize = BLOCK / 2;
    let mut sums = _mm_setzero_ps();
    for (block, panel) in w.iter().enumerate() {
        // A hint, which may lie beyond the matrix, is no access.
        let ahead = std::ptr::from_ref(panel).wrapping_add(AHEAD).cast::<i8>();
        _mm_prefetch::<_MM_HINT_T0>(ahead);
        _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64));
        _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(128));
        let words = |half: usize| -> __m256i {
            // SAFETY: `x` has 32 numbers for this block.
            unsafe {
                _mm256_loadu_si256(x.numbers.as_ptr().add(block * BLOCK + half * HALF).cast())
            }
        };
        let bytes = |row: usize, half: usize| -> __m256i {
            let part = &panel.bytes[row][half * HALF..][..HALF];
            // SAFETY: it holds sixteen bytes.
            _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(part.as_ptr().cast()) })
        };
        let (low, high) = (words(0), words(1));
        // 32 products of 128 and 32,767 at most: within 32 bits.
        let row = |row: usize| {
            let low = _mm256_madd_epi16(bytes(row, 0), low);
            _mm256_add_epi32(low, _mm256_madd_epi16(bytes(row, 1), high))
        };
        let pairs = _mm256_hadd_epi32(row(0), row(1));
        let fours = _mm256_hadd_epi32(pairs, _mm256_hadd_epi32(row(2), row(3)));
        let (left, right) = (_mm256_castsi256_si128(fours), _mm256_extracti128_si256::<1>(fours));
        let steps = _mm_cvtepi32_ps(_mm_add_epi32(left, right));
        // SAFETY: a panel has four of both; `x` has one of both for this block.
        let (scales, middles, scale, sum) = unsafe {
            (
                _mm_loadu_ps(panel.scales.as_ptr()),
                _mm_loadu_ps(panel.middles.as_ptr()),
                _mm_set1_ps(*x.scales.get_unchecked(block)),
                _mm_set1_ps(*x.sums.get_unchecked(block)),
            )
        };
        sums = _mm_fmadd_ps(steps, _mm_mul_ps(scales, scale), sums);
        sums = _mm_fmadd_ps(middles, sum, sums);
    }
    let mut out = [0.0; ROWS];
    // SAFETY: it holds four numbers.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), sums) };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    #[test]
    fn the_kernel_equals_its_twin() {
        for (inputs, outputs) in [(32, 1), (576, 70), (1536, 5)] {
            let w = Bytes::new(inputs, &random(inputs * outputs, 1));
            let x = random(inputs, 2);
            let words = Words::new(&x);
            for add in [false, true] {
                let mut to = vec![0.5; outputs];
                w.times(&x, &mut to, add);
                let kept = if add { 0.5 } else { 0.0 };
                let twins = w.panels.chunks(inputs / BLOCK).flat_map(|w| dots_twin(w, &words));
                for (i, (to, twin)) in to.iter().zip(twins).enumerate() {
                    assert!((to - kept - twin).abs() < 1e-4, "{inputs}x{outputs} {i}: {to} {twin}");
                }
            }
        }
    }

    /// What a matrix's bytes stand for, row-major.
    fn numbers(w: &Bytes) -> Vec<f32> {
        let groups = w.panels.chunks(w.inputs / BLOCK);
        let rows = groups.flat_map(|group| (0..ROWS).map(move |row| (group, row)));
        let number = |panel: &Panel, row: usize, byte: i8| {
            panel.scales[row] * f32::from(byte) + panel.middles[row]
        };
        let of_row = |(group, row): (&[Panel], usize)| -> Vec<f32> {
            let of_panel = |panel: &Panel| panel.bytes[row].map(|byte| number(panel, row, byte));
            group.iter().flat_map(of_panel).collect()
        };
        rows.take(w.outputs).flat_map(of_row).collect()
    }

    #[test]
    fn bytes_are_as_good_as_their_scale() {
        let mut exact = random(64 * 3, 3);
        exact[32..64].fill(0.25);
        exact[64] = -40.0;
        let w = Bytes::new(64, &exact);
        for (i, (x, found)) in exact.iter().zip(numbers(&w)).enumerate() {
            let scale = w.panels[i % 64 / BLOCK].scales[i / 64];
            assert!((x - found).abs() <= scale * 0.501 + 1e-5, "{i}: {x} {found}");
        }
        assert_eq!(numbers(&w)[32..64], exact[32..64], "a constant block is exact");
    }

    #[test]
    fn sixteen_levels_are_kept_exactly() {
        let levels: Vec<f32> = (0..64).map(|i| -0.75 + 0.125 * ((i * 7 % 16) as f32)).collect();
        let kept = numbers(&Bytes::new(64, &levels));
        assert!(levels.iter().zip(kept).all(|(x, found)| (x - found).abs() < 1e-6));
    }
}
