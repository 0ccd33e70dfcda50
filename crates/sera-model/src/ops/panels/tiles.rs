//! The product of many rows with sixteen rows of weights: unpacked once, then met by tiles of rows
//! whose sums stay in registers.
#![expect(unsafe_code, reason = "AVX-512 intrinsics behind a run-time check")]

use super::{BLOCK, PAIRS, Panel, ROWS, Row};
use std::arch::x86_64::{__m512, __m512i};
use std::cell::Cell;

/// A panel, register by register.
#[derive(Clone, Copy)]
struct Unpacked {
    pairs: [__m512i; PAIRS],
    steps: __m512,
    bases: __m512,
}

thread_local! {
    /// Sixteen rows of weights.
    static UNPACKED: Cell<Vec<Unpacked>> = const { Cell::new(Vec::new()) };
}

/// What [`super::dots`] adds up, in the same order as for a few rows.
///
/// # Safety
/// As for `dots_wide`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) unsafe fn dots<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    let mut unpacked = UNPACKED.take();
    unpacked.clear();
    // SAFETY: the caller vouches for the instructions.
    unpacked.extend(w.iter().map(|panel| unsafe { unpack(panel) }));
    let (mut x, mut to) = (x, to);
    while !x.is_empty() {
        let rows = height(x.len());
        let (now, later) = x.split_at(rows);
        let (here, there) = to.split_at_mut(rows * ROWS);
        // SAFETY: the caller vouches for the instructions and the sizes; there are as many rows.
        unsafe {
            match rows {
                12 => tile::<12, 1>(&unpacked, now, here),
                8 => tile::<8, 1>(&unpacked, now, here),
                4 => tile::<4, 2>(&unpacked, now, here),
                2 => tile::<2, 4>(&unpacked, now, here),
                _ => tile::<1, 4>(&unpacked, now, here),
            }
        }
        (x, to) = (later, there);
    }
    UNPACKED.set(unpacked);
}

/// Rows of the next tile where so many are left. Twelve are what registers hold; four take as long
/// as eight.
fn height(rows: usize) -> usize {
    match rows {
        8..=11 | 16 => 8,
        12.. => 12,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn unpack<P: Panel>(panel: &P) -> Unpacked {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let (steps, bases) = panel.wide_worth();
        Unpacked { pairs: std::array::from_fn(|pair| panel.wide_pair(pair)), steps, bases }
    }
}

/// `R` rows, each with `S` sums of levels that need not wait for each other.
///
/// # Safety
/// As for [`dots`]; `x` are `R` rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn tile<const R: usize, const S: usize>(w: &[Unpacked], x: &[Row<'_>], to: &mut [f32]) {
    use std::arch::x86_64::{
        _mm512_add_epi32, _mm512_cvtepi32_ps, _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_mul_ps,
        _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512,
        _mm512_storeu_ps,
    };
    let numbers: [*const i16; R] = std::array::from_fn(|row| x[row].numbers.as_ptr());
    let mut totals = [_mm512_setzero_ps(); R];
    for (block, w) in w.iter().enumerate() {
        let mut sums = [[_mm512_setzero_si512(); S]; R];
        for (pair, &levels) in w.pairs.iter().enumerate() {
            for (sums, numbers) in sums.iter_mut().zip(numbers) {
                // SAFETY: the row has 32 numbers for this block, read two at a time.
                let two =
                    unsafe { numbers.add(block * BLOCK + 2 * pair).cast::<i32>().read_unaligned() };
                // 32 products of 128 and 32,767 at most: within 32 bits.
                let sum = &mut sums[pair % S];
                *sum = _mm512_dpwssd_epi32(*sum, levels, _mm512_set1_epi32(two));
            }
        }
        for ((total, sums), x) in totals.iter_mut().zip(sums).zip(x) {
            let sum = sums.into_iter().reduce(|a, b| _mm512_add_epi32(a, b));
            let sum = _mm512_cvtepi32_ps(sum.expect("there is one at least"));
            // SAFETY: the row has one of both for this block.
            let (scale, all) =
                unsafe { (*x.scales.get_unchecked(block), *x.sums.get_unchecked(block)) };
            *total = _mm512_fmadd_ps(sum, _mm512_mul_ps(w.steps, _mm512_set1_ps(scale)), *total);
            *total = _mm512_fmadd_ps(w.bases, _mm512_set1_ps(all), *total);
        }
    }
    for (total, to) in totals.into_iter().zip(to.chunks_exact_mut(ROWS)) {
        // SAFETY: these are sixteen numbers.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), total) };
    }
}
