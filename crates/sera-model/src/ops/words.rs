//! Rows in two bytes a number, to be multiplied with weights' levels: one byte's rounding alone moved
//! the real base's next tokens by 0.02 nats (mean divergence).
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls a function compiled for wide vectors after checking for them"
    )
)]

use super::panels::BLOCK;
use super::simd::{LANES, vectorised};

/// Rows of whole blocks of 32 numbers.
#[derive(Debug)]
pub(super) struct Words {
    inputs: usize,
    numbers: Vec<i16>,
    scales: Vec<f32>,
    sums: Vec<f32>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) numbers: &'a [i16],
    /// What a step is worth, by block.
    pub(super) scales: &'a [f32],
    /// Sums of blocks, which weights' bases are multiplied with.
    pub(super) sums: &'a [f32],
}

impl Words {
    /// Rounds rows of `inputs` numbers.
    pub(super) fn new(x: &[f32], inputs: usize) -> Self {
        let blocks = x.len() / BLOCK;
        let (mut numbers, [mut scales, mut sums]) =
            (vec![0; x.len()], [0; 2].map(|_| vec![0.0; blocks]));
        to_words(x, &mut numbers, &mut scales, &mut sums);
        Self { inputs, numbers, scales, sums }
    }

    pub(super) fn rows(&self) -> Vec<Row<'_>> {
        let blocks = self.inputs / BLOCK;
        let of_blocks = self.scales.chunks_exact(blocks).zip(self.sums.chunks_exact(blocks));
        let rows = self.numbers.chunks_exact(self.inputs).zip(of_blocks);
        rows.map(|(numbers, (scales, sums))| Row { numbers, scales, sums }).collect()
    }
}

/// `f` of all lanes, in a fixed order.
#[inline(always)]
fn across(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

vectorised! {
    /// Rounds each block to 16 bits of a step of its own; what that step is worth, and the block's
    /// sum.
    fn to_words / to_words_twin(
        x: &[f32],
        words: &mut [i16],
        scales: &mut [f32],
        sums: &mut [f32],
    ) {
        /// Adding it rounds to an integer, whose two's complement the low bits are.
        const ROUND: f32 = 12_582_912.0;
        let blocks = x.chunks_exact(BLOCK).zip(words.chunks_exact_mut(BLOCK));
        for ((x, words), (scale, sum)) in blocks.zip(scales.iter_mut().zip(sums)) {
            let (mut most, mut lanes) = ([0.0; LANES], [0.0; LANES]);
            for i in 0..LANES {
                most[i] = larger(x[i].abs(), x[i + LANES].abs());
                lanes[i] = x[i] + x[i + LANES];
            }
            *sum = across(lanes, |a, b| a + b);
            *scale = across(most, larger) / 32_767.0;
            let inverse = if *scale > 0.0 { 1.0 / *scale } else { 0.0 };
            for (word, &x) in words.iter_mut().zip(x) {
                *word = (x * inverse + ROUND).to_bits() as i16;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::random;
    use super::*;

    #[test]
    fn words_are_as_good_as_their_step() {
        let mut x = random(5 * 64, 3);
        x[70] = 1e4;
        x[128..160].fill(0.0);
        let words = Words::new(&x, 64);
        let blocks = x.chunks(BLOCK).zip(words.numbers.chunks(BLOCK));
        for ((x, numbers), (scale, sum)) in blocks.zip(words.scales.iter().zip(&words.sums)) {
            for (x, number) in x.iter().zip(numbers) {
                assert!((x - f32::from(*number) * scale).abs() <= 0.51 * scale);
            }
            assert!((x.iter().sum::<f32>() - sum).abs() < 2e-3 * scale.max(1.0));
        }
        let found = (words.numbers.clone(), words.scales.clone(), words.sums.clone());
        let mut twin = (vec![0; x.len()], vec![0.0; 10], vec![0.0; 10]);
        to_words_twin(&x, &mut twin.0, &mut twin.1, &mut twin.2);
        assert_eq!(found, twin);
        assert_eq!(words.rows().len(), 5);
        assert_eq!(words.rows()[4].numbers, &words.numbers[256..]);
    }
}
