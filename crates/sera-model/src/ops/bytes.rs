//! Products of one row with frozen matrices kept in bytes, for writing token by token.
//!
//! One row reads every weight once, so it takes as long as the memory does: a byte and an eighth a
//! weight instead of four bytes. Rows read together are bound by arithmetic instead, where f32
//! needs fewer instructions a weight than bytes with their scales do without VNNI.
#![expect(unsafe_code, reason = "AVX2 intrinsics behind a run-time check")]

use rayon::prelude::*;

/// Numbers that share a scale.
const BLOCK: usize = 32;
/// Weights below which a task is not worth handing to another thread.
const TASK: usize = 1 << 16;

/// A frozen matrix `[outputs, inputs]`: every 32 neighbouring inputs as bytes and a scale.
#[derive(Debug)]
pub(crate) struct Bytes {
    inputs: usize,
    numbers: Vec<i8>,
    /// `[outputs, inputs / 32]`.
    scales: Vec<f32>,
}

/// Whether matrices of that many inputs are worth keeping so on this processor.
pub(crate) fn fit(inputs: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    let native = super::simd::half_wide() && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let native = false;
    native && inputs.is_multiple_of(BLOCK)
}

/// `x` in bytes: each block's numbers are its bytes times its scale, to half a 127th of the largest.
fn rounded(x: &[f32], bytes: &mut [i8], scales: &mut [f32]) {
    for ((x, bytes), scale) in x.chunks(BLOCK).zip(bytes.chunks_mut(BLOCK)).zip(scales) {
        *scale = x.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 127.0;
        let inverse = if *scale > 0.0 { 1.0 / *scale } else { 0.0 };
        for (byte, x) in bytes.iter_mut().zip(x) {
            *byte = (x * inverse).round() as i8;
        }
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
        let mut scales = vec![0.0; numbers.len() / BLOCK];
        let rows = bytes.par_chunks_mut(inputs).zip(scales.par_chunks_mut(inputs / BLOCK));
        rows.zip(numbers.par_chunks(inputs)).for_each(|((bytes, scales), x)| {
            rounded(x, bytes, scales);
        });
        Self { inputs, numbers: bytes, scales }
    }

    /// `to (+)= W·x` for one row `x`. The order of summation depends on nothing.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        assert_eq!(x.len(), self.inputs, "the row has another width");
        assert_eq!(to.len() * self.inputs, self.numbers.len(), "the product has another size");
        let (mut bytes, mut scales) = (vec![0; x.len()], vec![0.0; x.len() / BLOCK]);
        rounded(x, &mut bytes, &mut scales);
        let x = Rows { bytes: &bytes, scales: &scales };
        let blocks = self.inputs / BLOCK;
        let rows = self.numbers.par_chunks(ROWS * self.inputs);
        let rows = rows
            .zip(self.scales.par_chunks(ROWS * blocks))
            .with_min_len((TASK / (ROWS * self.inputs)).max(1));
        to.par_chunks_mut(ROWS).zip(rows).for_each(|(to, (bytes, scales))| {
            let mut sums = [0.0; ROWS];
            dots(Rows { bytes, scales }, x, &mut sums[..to.len()]);
            for (to, sum) in to.iter_mut().zip(sums) {
                *to = if add { *to + sum } else { sum };
            }
        });
    }
}

/// Rows that are multiplied together, so that their sums need not wait for each other.
const ROWS: usize = 4;

/// Bytes and the scales of their blocks, of one row or several.
#[derive(Clone, Copy)]
struct Rows<'a> {
    bytes: &'a [i8],
    scales: &'a [f32],
}

impl<'a> Rows<'a> {
    fn row(self, row: usize, inputs: usize) -> Self {
        let blocks = inputs / BLOCK;
        Self {
            bytes: &self.bytes[row * inputs..][..inputs],
            scales: &self.scales[row * blocks..][..blocks],
        }
    }
}

/// The product of each row of `w` with `x`.
fn dots(w: Rows<'_>, x: Rows<'_>, sums: &mut [f32]) {
    let inputs = x.bytes.len();
    assert!(inputs == x.scales.len() * BLOCK, "every block has a scale");
    assert!(w.bytes.len() == sums.len() * inputs, "rows have another width");
    assert!(w.scales.len() == sums.len() * x.scales.len(), "every block has a scale");
    #[cfg(target_arch = "x86_64")]
    if fit(inputs) {
        // SAFETY: the processor has AVX2 and FMA; the sizes were checked just now.
        unsafe {
            match <&mut [f32; ROWS]>::try_from(&mut *sums) {
                Ok(all) => *all = dots_native(w, x),
                Err(_) => {
                    for (row, sum) in sums.iter_mut().enumerate() {
                        [*sum] = dots_native(w.row(row, inputs), x);
                    }
                }
            }
        }
        return;
    }
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = dot_twin(w.row(row, inputs), x);
    }
}

/// What [`dots`] computes for one row, without intrinsics.
fn dot_twin(w: Rows<'_>, x: Rows<'_>) -> f32 {
    let blocks = w.bytes.chunks(BLOCK).zip(x.bytes.chunks(BLOCK));
    let sum = |(w, x): (&[i8], &[i8])| -> i32 {
        w.iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
    };
    let scaled = blocks.map(sum).zip(w.scales.iter().zip(x.scales));
    scaled.map(|(sum, (w, x))| sum as f32 * (w * x)).sum()
}

/// # Safety
/// The processor has AVX2 and FMA; `w` holds `N` rows of as many whole blocks as `x`, with a scale
/// each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots_native<const N: usize>(w: Rows<'_>, x: Rows<'_>) -> [f32; N] {
    use std::arch::x86_64::{
        __m256i, _mm_add_ps, _mm_cvtss_f32, _mm_hadd_ps, _mm256_abs_epi8, _mm256_castps256_ps128,
        _mm256_cvtepi32_ps, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_si256,
        _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_sign_epi8,
    };
    let blocks = x.scales.len();
    let mut sums = [_mm256_setzero_ps(); N];
    let load = |bytes: &[i8], block: usize| -> __m256i {
        // SAFETY: every scale stands for 32 bytes of its row, and no block is asked for without one.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().add(block * BLOCK).cast()) }
    };
    for block in 0..blocks {
        let own = load(x.bytes, block);
        for (row, sum) in sums.iter_mut().enumerate() {
            let at = row * blocks + block;
            let w_bytes = load(w.bytes, at);
            // One factor has to be unsigned; the other takes its sign. Bytes are within ±127, so
            // two products fit 16 bits.
            let pairs =
                _mm256_maddubs_epi16(_mm256_abs_epi8(w_bytes), _mm256_sign_epi8(own, w_bytes));
            let fours = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
            // SAFETY: every row has a scale a block, and so has `x`.
            let scale = unsafe { w.scales.get_unchecked(at) * x.scales.get_unchecked(block) };
            *sum = _mm256_fmadd_ps(fours, _mm256_set1_ps(scale), *sum);
        }
    }
    sums.map(|sum| {
        let half = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
        let quarter = _mm_hadd_ps(half, half);
        _mm_cvtss_f32(_mm_hadd_ps(quarter, quarter))
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
            let (mut bytes, mut scales) = (vec![0; inputs], vec![0.0; inputs / BLOCK]);
            rounded(&x, &mut bytes, &mut scales);
            let x_row = Rows { bytes: &bytes, scales: &scales };
            for add in [false, true] {
                let mut to = vec![0.5; outputs];
                w.times(&x, &mut to, add);
                for (i, to) in to.iter().enumerate() {
                    let own = &w.numbers[i * inputs..][..inputs];
                    let scales = &w.scales[i * inputs / BLOCK..][..inputs / BLOCK];
                    let kept = if add { 0.5 } else { 0.0 };
                    let twin = kept + dot_twin(Rows { bytes: own, scales }, x_row);
                    assert!((to - twin).abs() < 1e-4, "{inputs}x{outputs} {i}: {to} {twin}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_as_good_as_their_scale() {
        let mut numbers = random(64 * 3, 3);
        numbers[32..64].fill(0.0);
        numbers[64] = -40.0;
        let w = Bytes::new(64, &numbers);
        for (block, (numbers, bytes)) in
            numbers.chunks(BLOCK).zip(w.numbers.chunks(BLOCK)).enumerate()
        {
            let scale = w.scales[block];
            for (x, byte) in numbers.iter().zip(bytes) {
                assert!((x - scale * f32::from(*byte)).abs() <= scale * 0.501, "{block}");
            }
        }
    }
}
