//! The sums of 64-bit ARM: four sums of 32 bits are one register.
use super::{BLOCK, PAIRS, Panel, ROWS, Row};
use std::arch::aarch64::{
    int16x8_t, int32x4_t, vcvtq_f32_s32, vdupq_n_f32, vdupq_n_s32, vfmaq_f32, vget_low_s16,
    vld1q_f32, vmlal_high_s16, vmlal_s16, vmulq_f32, vpaddq_s32, vreinterpretq_s16_s32, vst1q_f32,
};

/// Sums of a register.
const LANES: usize = 4;
/// Registers that hold the sums of a row of numbers with sixteen rows of weights.
pub(in super::super) const QUARTERS: usize = ROWS / LANES;
/// Rows that share what was unpacked: twice eight registers of sums and four of levels, of 32.
const TOGETHER: usize = 2;

/// What [`super::dots_twin`] adds up. Every aarch64 has the instructions.
///
/// # Safety
/// Each of `x` has 32 numbers, a scale and a sum for each of `w`; `to` has sixteen numbers for each
/// of `x`.
#[target_feature(enable = "neon")]
pub(super) unsafe fn dots<P: Panel>(w: &[P], x: &[Row<'_>], to: &mut [f32]) {
    let tiles = x.chunks(TOGETHER).zip(to.chunks_mut(TOGETHER * ROWS));
    for (x, to) in tiles {
        for (block, panel) in w.iter().enumerate() {
            // SAFETY: every aarch64 has the instructions.
            let (steps, bases) = unsafe { panel.worths() };
            // SAFETY: the rows have numbers for this block.
            let sums = unsafe {
                match x {
                    [a, b] => sums(panel, [a, b].map(|x| x.numbers.as_ptr().add(block * BLOCK))),
                    _ => {
                        let [one] = sums(panel, [x[0].numbers.as_ptr().add(block * BLOCK)]);
                        [one, one]
                    }
                }
            };
            for ((x, sums), to) in x.iter().zip(sums).zip(to.chunks_exact_mut(ROWS)) {
                let (scale, all) = (vdupq_n_f32(x.scales[block]), vdupq_n_f32(x.sums[block]));
                for (quarter, sum) in sums.into_iter().enumerate() {
                    let at = quarter * LANES;
                    // SAFETY: all three are sixteen numbers.
                    unsafe {
                        let to = to.as_mut_ptr().add(at);
                        let worth = vmulq_f32(vld1q_f32(steps.as_ptr().add(at)), scale);
                        let total = vfmaq_f32(vld1q_f32(to), vcvtq_f32_s32(sum), worth);
                        let bases = vld1q_f32(bases.as_ptr().add(at));
                        vst1q_f32(to, vfmaq_f32(total, bases, all));
                    }
                }
            }
        }
    }
}

/// Sums of one block's levels times numbers, for each of `x` and each quarter of the rows.
///
/// # Safety
/// Each of `x` points to 32 numbers.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sums<P: Panel, const N: usize>(
    panel: &P,
    x: [*const i16; N],
) -> [[int32x4_t; QUARTERS]; N] {
    // The products of a pair lie beside each other until the end: low rows' and high rows'.
    let mut sums = [[[vdupq_n_s32(0); 2]; QUARTERS]; N];
    for pair in 0..PAIRS {
        // SAFETY: as above.
        let levels: [int16x8_t; QUARTERS] = unsafe { panel.quarters(pair) };
        for (x, sums) in x.into_iter().zip(&mut sums) {
            // SAFETY: of 32 numbers, two.
            let two = unsafe { x.add(2 * pair).cast::<i32>().read_unaligned() };
            let two = vreinterpretq_s16_s32(vdupq_n_s32(two));
            for (levels, [low, high]) in levels.into_iter().zip(sums) {
                // Sixteen products of 128 and 32,767 at most: within 32 bits.
                *low = vmlal_s16(*low, vget_low_s16(levels), vget_low_s16(two));
                *high = vmlal_high_s16(*high, levels, two);
            }
        }
    }
    sums.map(|sums| sums.map(|[low, high]| vpaddq_s32(low, high)))
}
