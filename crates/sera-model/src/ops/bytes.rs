//! Products of one row with frozen matrices kept in bytes, for writing token by token.
//!
//! One row reads every weight once, so it takes as long as the memory does: a byte and a quarter a
//! weight instead of four bytes. Rows read together are bound by arithmetic instead, where f32
//! needs fewer instructions a weight than bytes with their scales do without VNNI.
#![expect(unsafe_code, reason = "AVX2 intrinsics behind a run-time check")]

use rayon::prelude::*;

/// Numbers that share a scale.
const BLOCK: usize = 32;
/// Weights below which a task is not worth handing to another thread: they take about 50 µs.
const TASK: usize = 1 << 19;

/// A frozen matrix `[outputs, inputs]`: every 32 neighbouring inputs as bytes, a scale and a middle.
///
/// From the smallest to the largest of a block are 255 steps. That is exact for Q4_1, whose blocks
/// reach from their first to their last of 16 levels, 17 steps apart.
#[derive(Debug)]
pub(crate) struct Bytes {
    inputs: usize,
    numbers: Vec<i8>,
    /// `[outputs, inputs / 32]`: what a byte's step is worth.
    scales: Vec<f32>,
    /// `[outputs, inputs / 32]`: what a byte of 0 stands for.
    middles: Vec<f32>,
}

/// Whether matrices of that many inputs are worth keeping so on this processor.
pub(crate) fn fit(inputs: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    let native = super::simd::half_wide() && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let native = false;
    native && inputs.is_multiple_of(BLOCK)
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
struct Words {
    numbers: Vec<i16>,
    /// What a step is worth, by block.
    scales: Vec<f32>,
    /// Sums of blocks, which weights' middles are multiplied with.
    sums: Vec<f32>,
}

impl Words {
    fn new(x: &[f32]) -> Self {
        let mut numbers = Vec::with_capacity(x.len());
        let (mut scales, mut sums) = (Vec::new(), Vec::new());
        for x in x.chunks(BLOCK) {
            let scale = x.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 32_767.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            numbers.extend(x.iter().map(|x| (x * inverse).round() as i16));
            scales.push(scale);
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
        let mut bytes = vec![0; numbers.len()];
        let blocks = bytes.par_chunks_mut(BLOCK).zip(numbers.par_chunks(BLOCK));
        let worth = blocks.with_min_len(1 << 10).map(|(bytes, x)| to_bytes(x, bytes));
        let (scales, middles) = worth.unzip();
        Self { inputs, numbers: bytes, scales, middles }
    }

    /// `to (+)= W·x` for one row `x`. The order of summation depends on nothing.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        assert_eq!(x.len(), self.inputs, "the row has another width");
        assert_eq!(to.len() * self.inputs, self.numbers.len(), "the product has another size");
        let (x, rows) = (Words::new(x), (TASK / self.inputs).next_multiple_of(ROWS));
        let work = |(task, to): (usize, &mut [f32])| self.times_rows(task * rows, &x, to, add);
        if to.len() <= rows {
            work((0, to));
        } else {
            to.par_chunks_mut(rows).enumerate().for_each(work);
        }
    }

    /// The products of the rows from `first` on, as many as `to` holds.
    fn times_rows(&self, first: usize, x: &Words, to: &mut [f32], add: bool) {
        let all = Rows { bytes: &self.numbers, scales: &self.scales, middles: &self.middles };
        for (group, to) in to.chunks_mut(ROWS).enumerate() {
            let mut sums = [0.0; ROWS];
            let sums = &mut sums[..to.len()];
            dots(all.rows(first + group * ROWS, to.len(), self.inputs), x, sums);
            for (to, sum) in to.iter_mut().zip(sums) {
                *to = if add { *to + *sum } else { *sum };
            }
        }
    }
}

/// Rows that are multiplied together, so that their sums need not wait for each other.
const ROWS: usize = 4;

/// Part of [`Bytes`]: one row or several.
#[derive(Clone, Copy)]
struct Rows<'a> {
    bytes: &'a [i8],
    scales: &'a [f32],
    middles: &'a [f32],
}

impl<'a> Rows<'a> {
    fn rows(self, first: usize, count: usize, inputs: usize) -> Self {
        let blocks = inputs / BLOCK;
        Self {
            bytes: &self.bytes[first * inputs..][..count * inputs],
            scales: &self.scales[first * blocks..][..count * blocks],
            middles: &self.middles[first * blocks..][..count * blocks],
        }
    }
}

/// The product of each row of `w` with `x`.
fn dots(w: Rows<'_>, x: &Words, sums: &mut [f32]) {
    let (inputs, blocks) = (x.numbers.len(), x.scales.len());
    assert!(
        inputs == blocks * BLOCK && x.sums.len() == blocks,
        "every block has a scale and a sum"
    );
    assert!(w.bytes.len() == sums.len() * inputs, "rows have another width");
    assert!(w.scales.len() == sums.len() * blocks, "every block has a scale");
    assert!(w.middles.len() == sums.len() * blocks, "every block has a middle");
    #[cfg(target_arch = "x86_64")]
    if fit(inputs) {
        // SAFETY: the processor has AVX2 and FMA; the sizes were checked just now.
        unsafe {
            match <&mut [f32; ROWS]>::try_from(&mut *sums) {
                Ok(all) => *all = dots_native(w, x),
                Err(_) => {
                    for (row, sum) in sums.iter_mut().enumerate() {
                        [*sum] = dots_native(w.rows(row, 1, inputs), x);
                    }
                }
            }
        }
        return;
    }
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = dot_twin(w.rows(row, 1, inputs), x);
    }
}

/// What [`dots`] computes for one row, without intrinsics.
fn dot_twin(w: Rows<'_>, x: &Words) -> f32 {
    let blocks = w.bytes.chunks(BLOCK).zip(x.numbers.chunks(BLOCK));
    let sum = |(w, x): (&[i8], &[i16])| -> i32 {
        w.iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
    };
    let scaled = blocks.map(sum).zip(w.scales.iter().zip(&x.scales));
    let steps: f32 = scaled.map(|(sum, (w, x))| sum as f32 * (w * x)).sum();
    steps + w.middles.iter().zip(&x.sums).map(|(middle, sum)| middle * sum).sum::<f32>()
}

/// # Safety
/// The processor has AVX2 and FMA; `w` holds `N` rows of as many whole blocks as `x`, with a scale
/// each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots_native<const N: usize>(w: Rows<'_>, x: &Words) -> [f32; N] {
    use std::arch::x86_64::{
        __m256i, _MM_HINT_T0, _mm_add_ps, _mm_cvtss_f32, _mm_hadd_ps, _mm_loadu_si128,
        _mm_prefetch, _mm256_add_epi32, _mm256_castps256_ps128, _mm256_cvtepi8_epi16,
        _mm256_cvtepi32_ps, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_si256,
        _mm256_madd_epi16, _mm256_set1_ps, _mm256_setzero_ps,
    };
    const HALF: usize = BLOCK / 2;
    let blocks = x.scales.len();
    let mut sums = [_mm256_setzero_ps(); N];
    let mut middles = [0.0f32; N];
    let words = |at: usize| -> __m256i {
        // SAFETY: every scale of `x` stands for 32 words, and no half of another block is asked for.
        unsafe { _mm256_loadu_si256(x.numbers.as_ptr().add(at * HALF).cast()) }
    };
    let bytes = |at: usize| -> __m256i {
        // SAFETY: every scale of `w` stands for 32 bytes, and no half of another block is asked for.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(w.bytes.as_ptr().add(at * HALF).cast()) })
    };
    for block in 0..blocks {
        let (low, high) = (words(2 * block), words(2 * block + 1));
        for (row, sum) in sums.iter_mut().enumerate() {
            let at = row * blocks + block;
            // The same place two groups of rows on: rows are too short for the processor to see
            // where the reading goes. A hint for an address beyond the matrix is no access.
            let next = w.bytes.as_ptr().wrapping_add((at + 2 * N * blocks) * BLOCK);
            _mm_prefetch::<_MM_HINT_T0>(next);
            let low = _mm256_madd_epi16(bytes(2 * at), low);
            let high = _mm256_madd_epi16(bytes(2 * at + 1), high);
            // Four products of 128 and 32,767 at most: far within 32 bits.
            let fours = _mm256_cvtepi32_ps(_mm256_add_epi32(low, high));
            // SAFETY: every row has a scale and a middle a block, and `x` a scale and a sum.
            let (scale, middle) = unsafe {
                (
                    w.scales.get_unchecked(at) * x.scales.get_unchecked(block),
                    w.middles.get_unchecked(at) * x.sums.get_unchecked(block),
                )
            };
            *sum = _mm256_fmadd_ps(fours, _mm256_set1_ps(scale), *sum);
            middles[row] += middle;
        }
    }
    std::array::from_fn(|row| {
        let sum = sums[row];
        let half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let quarter = _mm_hadd_ps(half, half);
        _mm_cvtss_f32(_mm_hadd_ps(quarter, quarter)) + middles[row]
    })
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
            let all = Rows { bytes: &w.numbers, scales: &w.scales, middles: &w.middles };
            for add in [false, true] {
                let mut to = vec![0.5; outputs];
                w.times(&x, &mut to, add);
                for (i, to) in to.iter().enumerate() {
                    let kept = if add { 0.5 } else { 0.0 };
                    let twin = kept + dot_twin(all.rows(i, 1, inputs), &words);
                    assert!((to - twin).abs() < 1e-4, "{inputs}x{outputs} {i}: {to} {twin}");
                }
            }
        }
    }

    /// What a matrix's bytes stand for.
    fn numbers(w: &Bytes) -> Vec<f32> {
        let worth = w.scales.iter().zip(&w.middles);
        let blocks = w.numbers.chunks(BLOCK).zip(worth);
        blocks.flat_map(|(b, (s, m))| b.iter().map(move |&b| s * f32::from(b) + m)).collect()
    }

    #[test]
    fn bytes_are_as_good_as_their_scale() {
        let mut exact = random(64 * 3, 3);
        exact[32..64].fill(0.25);
        exact[64] = -40.0;
        let w = Bytes::new(64, &exact);
        for (i, (x, found)) in exact.iter().zip(numbers(&w)).enumerate() {
            let scale = w.scales[i / BLOCK];
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
