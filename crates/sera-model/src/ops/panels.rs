//! Products of rows with frozen matrices kept in few bits, for serving.
//!
//! One row reads every weight once, so it takes as long as the memory does: the fewer bits the
//! better. Rows read together share what was read and unpacked.
#![cfg_attr(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    expect(unsafe_code, reason = "AVX-512 and AVX2 intrinsics behind a run-time check, and NEON")
)]

#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
#[cfg(target_arch = "x86_64")]
mod tiles;

#[cfg(target_arch = "x86_64")]
use super::simd;
use super::words::{Row, Words};
use rayon::prelude::*;
use std::ops::Range;

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::int16x8_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256i, __m512, __m512i};

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 32;
/// Pairs of them: both of a pair are multiplied and added up by one instruction.
pub(super) const PAIRS: usize = BLOCK / 2;
/// Rows that lie interleaved: sixteen sums of 32 bits are one register, and none of them has to be
/// added up across it.
pub(super) const ROWS: usize = 16;
/// Half of them fill a register of AVX2.
#[cfg(target_arch = "x86_64")]
const HALF: usize = ROWS / 2;
/// Bytes ahead that memory is asked for.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 2560;
/// Weights that are worth a task of their own: they take about 12 µs. More tasks than threads let
/// one that is kept waiting by other work leave the rest to the others.
const TASK: usize = 1 << 17;
/// Tasks of one product at most.
const TASKS: usize = 16;

/// Rows from which on a task meets all weights with some of the rows, which stay in its processor's
/// cache, and not some weights with all of them.
const MANY: usize = 32;
/// Rows of such a task, about. More rows unpack weights less often.
const SHARE: usize = 64;

/// Sixteen rows' block of 32 numbers, each `step · level + base`.
pub(crate) trait Panel: Copy + Send + Sync {
    /// All zeros.
    const EMPTY: Self;

    /// Makes `x` its row, as exactly as it can; none where that is not good enough.
    fn put(&mut self, row: usize, x: &[f32]) -> Option<()>;
    /// The levels of a row's pair.
    fn pair(&self, pair: usize, row: usize) -> [i32; 2];
    /// Step and base of a row.
    fn worth(&self, row: usize) -> (f32, f32);

    /// The levels of a pair, 16 bits each, row by row.
    ///
    /// # Safety
    /// The processor has AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    unsafe fn wide_pair(&self, pair: usize) -> __m512i;
    /// Steps and bases.
    ///
    /// # Safety
    /// As above.
    #[cfg(target_arch = "x86_64")]
    unsafe fn wide_worth(&self) -> (__m512, __m512);
    /// The levels of a pair of eight rows, from `row` on.
    ///
    /// # Safety
    /// The processor has AVX2 and F16C.
    #[cfg(target_arch = "x86_64")]
    unsafe fn half_wide_pair(&self, pair: usize, row: usize) -> __m256i;
    /// Steps and bases of eight rows, from `row` on.
    ///
    /// # Safety
    /// As above.
    #[cfg(target_arch = "x86_64")]
    unsafe fn half_wide_worth(&self, row: usize) -> (__m256, __m256);
    /// The levels of a pair, 16 bits each, four rows to a register.
    ///
    /// # Safety
    /// The processor has NEON.
    #[cfg(target_arch = "aarch64")]
    unsafe fn quarters(&self, pair: usize) -> [int16x8_t; neon::QUARTERS];
    /// Steps and bases.
    ///
    /// # Safety
    /// As above.
    #[cfg(target_arch = "aarch64")]
    unsafe fn worths(&self) -> ([f32; ROWS], [f32; ROWS]);
}

/// A frozen matrix `[outputs, inputs]` of panels.
#[derive(Debug)]
pub(crate) struct Interleaved<P> {
    inputs: usize,
    outputs: usize,
    /// `[outputs / 16, inputs / 32]`; missing rows are zeros.
    panels: Vec<P>,
}

/// Whether this processor has the instructions.
pub(super) fn native() -> bool {
    #[cfg(target_arch = "x86_64")]
    let native =
        simd::half_wide() && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
    // Every aarch64 has NEON.
    #[cfg(not(target_arch = "x86_64"))]
    let native = cfg!(target_arch = "aarch64");
    native
}

/// Whether this processor multiplies and adds up pairs of words as fast as it does anything else,
/// so that prompts are read faster so, too.
pub(crate) fn multiplies_words() -> bool {
    #[cfg(target_arch = "x86_64")]
    let multiplies = simd::wide() && is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    let multiplies = false;
    multiplies
}

/// Whether matrices of that many inputs are worth keeping so on this processor.
pub(crate) fn fit(inputs: usize) -> bool {
    native() && inputs.is_multiple_of(BLOCK)
}

impl<P: Panel> Interleaved<P> {
    /// `numbers`, row-major, if they can be kept so.
    ///
    /// # Panics
    /// Where `inputs` is not a multiple of 32.
    pub(crate) fn new(inputs: usize, numbers: &[f32]) -> Option<Self> {
        assert!(inputs.is_multiple_of(BLOCK), "rows are whole blocks");
        let (outputs, blocks) = (numbers.len() / inputs, inputs / BLOCK);
        let mut panels = vec![P::EMPTY; outputs.div_ceil(ROWS) * blocks];
        let groups = panels.par_chunks_mut(blocks).zip(numbers.par_chunks(ROWS * inputs));
        let fits = groups.try_for_each(|(panels, rows)| {
            rows.chunks(inputs).enumerate().try_for_each(|(row, numbers)| {
                let mut blocks = panels.iter_mut().zip(numbers.chunks(BLOCK));
                blocks.try_for_each(|(panel, x)| panel.put(row, x))
            })
        });
        fits.map(|()| Self { inputs, outputs, panels })
    }

    /// Outputs and inputs.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.outputs, self.inputs)
    }

    /// The weights of one output.
    pub(crate) fn row(&self, output: usize, to: &mut [f32]) {
        let blocks = self.inputs / BLOCK;
        let (group, row) = (output / ROWS, output % ROWS);
        let panels = &self.panels[group * blocks..][..blocks];
        for (panel, to) in panels.iter().zip(to.chunks_exact_mut(BLOCK)) {
            let (step, base) = panel.worth(row);
            for (pair, to) in to.chunks_exact_mut(2).enumerate() {
                let levels = panel.pair(pair, row);
                (to[0], to[1]) = (step * levels[0] as f32 + base, step * levels[1] as f32 + base);
            }
        }
    }

    /// `to (+)= x·Wᵀ`. The order of summation depends on nothing, not even on how many rows there
    /// are.
    ///
    /// # Panics
    /// Where sizes do not fit.
    pub(crate) fn times(&self, x: &[f32], to: &mut [f32], add: bool) {
        let rows = x.len() / self.inputs;
        assert_eq!(x.len(), self.inputs * rows, "a row has another width");
        assert_eq!(to.len(), self.outputs * rows, "the product has another size");
        if rows >= MANY { self.times_many(x, to, add) } else { self.times_few(x, to, add) }
    }

    /// Every task has some of the outputs.
    fn times_few(&self, x: &[f32], to: &mut [f32], add: bool) {
        let words = Words::new(x, self.inputs);
        let x = words.rows();
        let groups = self.outputs.div_ceil(ROWS);
        let tasks = (self.inputs * self.outputs / TASK).clamp(1, TASKS);
        let each = groups.div_ceil(tasks);
        let mut products = vec![0.0; groups * ROWS * x.len()];
        if tasks == 1 {
            self.groups(&x, 0..groups, &mut products);
        } else {
            let parts = products.par_chunks_mut(each * ROWS * x.len()).enumerate();
            parts.with_max_len(1).for_each(|(part, products)| {
                self.groups(&x, part * each..groups.min((part + 1) * each), products);
            });
        }
        for (group, products) in products.chunks_exact(ROWS * x.len()).enumerate() {
            self.put(group, products, to, add);
        }
    }

    /// Every task has some of the rows.
    fn times_many(&self, x: &[f32], to: &mut [f32], add: bool) {
        let threads = rayon::current_num_threads();
        let rows = x.len() / self.inputs;
        let share = rows.div_ceil(rows.div_ceil(SHARE * threads) * threads);
        let shares = x.par_chunks(share * self.inputs).zip(to.par_chunks_mut(share * self.outputs));
        shares.with_max_len(1).for_each(|(x, to)| {
            let words = Words::new(x, self.inputs);
            let x = words.rows();
            let mut products = vec![0.0; ROWS * x.len()];
            for group in 0..self.outputs.div_ceil(ROWS) {
                self.groups(&x, group..group + 1, &mut products);
                self.put(group, &products, to, add);
            }
        });
    }

    /// Puts the products of a group of sixteen outputs, `[x, 16]`, where they belong.
    fn put(&self, group: usize, products: &[f32], to: &mut [f32], add: bool) {
        let outputs = group * ROWS..self.outputs.min((group + 1) * ROWS);
        for (to, products) in to.chunks_exact_mut(self.outputs).zip(products.chunks_exact(ROWS)) {
            for (to, product) in to[outputs.clone()].iter_mut().zip(products) {
                *to = if add { *to + product } else { *product };
            }
        }
    }

    /// The products of some groups of sixteen outputs, group by group and row of `x` by row of `x`.
    fn groups(&self, x: &[Row<'_>], groups: Range<usize>, to: &mut [f32]) {
        let blocks = self.inputs / BLOCK;
        let groups = self.panels[groups.start * blocks..groups.end * blocks].chunks(blocks);
        for (panels, to) in groups.zip(to.chunks_exact_mut(x.len() * ROWS)) {
            dots(panels, x, to);
        }
    }
}

/// The products of sixteen rows of weights with each of `x`, `[x, 16]`.
fn dots<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    let blocks = w.len();
    for x in x {
        assert!(x.numbers.len() == blocks * BLOCK, "the row has another width");
        assert!(x.scales.len() == blocks && x.sums.len() == blocks, "blocks have scale and sum");
    }
    assert!(to.len() == x.len() * ROWS, "the product has another size");
    to.fill(0.0);
    #[cfg(target_arch = "x86_64")]
    {
        if multiplies_words() {
            // SAFETY: the processor has the instructions; the sizes were checked just now.
            return unsafe {
                if x.len() < MANY { dots_wide(w, x, to) } else { tiles::dots(w, x, to) }
            };
        }
        if native() {
            // SAFETY: as above.
            return unsafe { dots_half_wide(w, x, to) };
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the sizes were checked just now.
    return unsafe { neon::dots(w, x, to) };
    #[cfg(not(target_arch = "aarch64"))]
    dots_twin(w, x, to);
}

/// What [`dots`] adds up, without intrinsics.
#[cfg(any(test, not(target_arch = "aarch64")))]
fn dots_twin<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
        let blocks = w.iter().zip(x.numbers.chunks(BLOCK)).zip(x.scales.iter().zip(x.sums));
        for ((panel, x), (scale, sum)) in blocks {
            for (row, to) in to.iter_mut().enumerate() {
                let product = |(pair, x): (usize, &[i16])| {
                    let [first, second] = panel.pair(pair, row);
                    first * i32::from(x[0]) + second * i32::from(x[1])
                };
                let levels = x.chunks_exact(2).enumerate().map(product).sum::<i32>() as f32;
                let (step, base) = panel.worth(row);
                *to += levels * (step * scale) + base * sum;
            }
        }
    }
}

/// Hints at what is read soon; beyond the matrix it is no access.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn hint<P>(panel: &P) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    let ahead = std::ptr::from_ref(panel).cast::<i8>().wrapping_add(AHEAD);
    for line in 0..size_of::<P>() / 64 {
        // SAFETY: every x86-64 has it, and a hint may point anywhere.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(64 * line)) };
    }
}

/// # Safety
/// The processor has AVX-512 with VNNI; each of `x` has 32 numbers, a scale and a sum for each of
/// `w`; `to` has sixteen numbers for each of `x`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn dots_wide<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_cvtepi32_ps, _mm512_dpwssd_epi32, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
        _mm512_storeu_ps,
    };
    /// Sums that need not wait for each other.
    const STREAMS: usize = 4;
    for (block, panel) in w.iter().enumerate() {
        hint(panel);
        // SAFETY: the processor has the instructions.
        let (levels, (steps, bases)): ([__m512i; PAIRS], _) =
            unsafe { (std::array::from_fn(|pair| panel.wide_pair(pair)), panel.wide_worth()) };
        for (x, to) in x.iter().zip(to.chunks_exact_mut(ROWS)) {
            let mut sums = [_mm512_setzero_si512(); STREAMS];
            for (k, &levels) in levels.iter().enumerate() {
                // SAFETY: `x` has 32 numbers for this block, read two at a time.
                let two = unsafe {
                    x.numbers.as_ptr().add(block * BLOCK + 2 * k).cast::<i32>().read_unaligned()
                };
                // 32 products of 128 and 32,767 at most: within 32 bits.
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
                total = _mm512_fmadd_ps(bases, all, total);
                _mm512_storeu_ps(to.as_mut_ptr(), total);
            }
        }
    }
}

/// # Safety
/// As for [`dots_wide`], with AVX2, FMA and F16C.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn dots_half_wide<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_madd_epi16,
        _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_storeu_ps,
    };
    for (block, panel) in w.iter().enumerate() {
        hint(panel);
        for row in [0, HALF] {
            // SAFETY: the processor has the instructions.
            let (levels, (steps, bases)): ([__m256i; PAIRS], _) = unsafe {
                let levels = std::array::from_fn(|pair| panel.half_wide_pair(pair, row));
                (levels, panel.half_wide_worth(row))
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
                    let to = to.as_mut_ptr().add(row);
                    let worth =
                        _mm256_mul_ps(steps, _mm256_set1_ps(*x.scales.get_unchecked(block)));
                    let all = _mm256_set1_ps(*x.sums.get_unchecked(block));
                    let total = _mm256_fmadd_ps(sum, worth, _mm256_loadu_ps(to));
                    _mm256_storeu_ps(to, _mm256_fmadd_ps(bases, all, total));
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    pub(in super::super) fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| random.random_range(-1.0..1.0)).collect()
    }

    fn near(a: &[f32], b: &[f32]) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} {b:?}");
    }

    /// Every kernel against its twin, and products against numbers' own within `far`.
    pub(in super::super) fn check<P: Panel>(inputs: usize, rows: usize, numbers: &[f32], far: f32) {
        let outputs = numbers.len() / inputs;
        let w = Interleaved::<P>::new(inputs, numbers).unwrap();
        let x = random(inputs * rows, 9);
        for add in [false, true] {
            let mut to = vec![0.5; outputs * rows];
            w.times(&x, &mut to, add);
            let kept = if add { 0.5 } else { 0.0 };
            for (i, to) in to.iter().enumerate() {
                let (x, w) = (&x[i / outputs * inputs..], &numbers[i % outputs * inputs..]);
                let exact: f32 = x.iter().zip(w).take(inputs).map(|(x, w)| x * w).sum();
                assert!((to - kept - exact).abs() < far, "{inputs}x{outputs} {i}: {to} {exact}");
            }
        }
        let words = Words::new(&x, inputs);
        let words = words.rows();
        for w in w.panels.chunks(inputs / BLOCK) {
            let [mut twin, mut fast] = [0, 1].map(|_| vec![0.0; rows * ROWS]);
            dots_twin(w, &words, &mut twin);
            dots(w, &words, &mut fast);
            near(&fast, &twin);
            #[cfg(target_arch = "x86_64")]
            if native() {
                fast.fill(0.0);
                // SAFETY: the processor has the instructions; all are as wide as `w`.
                unsafe { dots_half_wide(w, &words, &mut fast) };
                near(&fast, &twin);
            }
        }
    }

    /// A row's product has the same bits alone and among others.
    pub(in super::super) fn check_alone<P: Panel>(numbers: &[f32]) {
        let inputs = 576;
        let outputs = numbers.len() / inputs;
        let w = Interleaved::<P>::new(inputs, numbers).unwrap();
        for rows in [5, 31, 32, 77, 300] {
            let x = random(inputs * rows, 8);
            let mut together = vec![0.0; outputs * rows];
            w.times(&x, &mut together, false);
            for (x, together) in x.chunks(inputs).zip(together.chunks(outputs)) {
                let mut alone = vec![0.0; outputs];
                w.times(x, &mut alone, false);
                assert_eq!(alone, together);
            }
        }
    }
}
