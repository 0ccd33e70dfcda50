//! Element-wise kernels, compiled three times: for every processor, and with AVX2 and AVX-512 behind
//! a run-time check. All run the same source without fused multiply-adds, so their results are the
//! same bits.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls functions compiled for wide vectors after checking for them"
    )
)]

/// Whether this processor runs the AVX-512 versions.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernels"))]
pub(crate) fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Whether it runs the AVX2 versions.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "of the kernels"))]
pub(crate) fn half_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx2")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Defines a function that runs `body` compiled for the widest vectors present. `body` may only
/// call functions marked `#[inline(always)]`.
macro_rules! vectorised {
    ($(#[$attribute:meta])* fn $name:ident / $twin:ident ($($argument:ident: $type:ty),* $(,)?)
        $(-> $result:ty)? $body:block) => {
        /// What the vectorised function computes, for the baseline processor.
        #[inline(always)]
        pub(crate) fn $twin($($argument: $type),*) $(-> $result)? $body

        $(#[$attribute])*
        pub(crate) fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
                fn wide($($argument: $type),*) $(-> $result)? {
                    $twin($($argument),*)
                }
                #[target_feature(enable = "avx2")]
                fn half_wide($($argument: $type),*) $(-> $result)? {
                    $twin($($argument),*)
                }
                if super::simd::wide() {
                    // SAFETY: the processor has the features that `wide` is compiled for.
                    return unsafe { wide($($argument),*) };
                }
                if super::simd::half_wide() {
                    // SAFETY: as above.
                    return unsafe { half_wide($($argument),*) };
                }
            }
            $twin($($argument),*)
        }
    };
}
pub(super) use vectorised;

/// Lanes of the accumulators in reductions: their order is fixed, so sums are the same bits
/// whatever the vector width.
pub(super) const LANES: usize = 16;

/// e to the x within 2 units in the last place, for x in -87..=88; clamped outside.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding it rounds to an integer, kept in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let y = p * (r * r) + r + 1.0;
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127);
    y * f32::from_bits(power << 23)
}

#[inline(always)]
fn lanes_sum(lanes: &[f32; LANES]) -> f32 {
    let mut half = [0.0; LANES / 2];
    for (i, half) in half.iter_mut().enumerate() {
        *half = lanes[i] + lanes[i + LANES / 2];
    }
    half.iter().sum()
}

/// The sum of `f` over pairs of elements in a fixed order.
#[inline(always)]
fn fold2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    let rest = xs.remainder().iter().zip(ys.remainder());
    let tail: f32 = rest.map(|(&x, &y)| f(x, y)).sum();
    for (x, y) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] += f(x[i], y[i]);
        }
    }
    lanes_sum(&lanes) + tail
}

#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let tail = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for x in chunks {
        for i in 0..LANES {
            lanes[i] = if x[i] > lanes[i] { x[i] } else { lanes[i] };
        }
    }
    lanes.iter().copied().fold(tail, f32::max)
}

vectorised! {
    /// The inner product.
    fn dot / dot_twin(x: &[f32], y: &[f32]) -> f32 {
        fold2(x, y, |x, y| x * y)
    }
}

vectorised! {
    /// `y += factor · x`.
    fn axpy / axpy_twin(y: &mut [f32], factor: f32, x: &[f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += factor * x;
        }
    }
}

vectorised! {
    /// `to += factor · rows · x`, one number a row.
    fn add_dots / add_dots_twin(rows: &[f32], x: &[f32], factor: f32, to: &mut [f32]) {
        for (to, row) in to.iter_mut().zip(rows.chunks_exact(x.len())) {
            *to += factor * fold2(row, x, |row, x| row * x);
        }
    }
}

vectorised! {
    /// Sixty-four bytes with a scale each.
    fn scaled_bytes / scaled_bytes_twin(bytes: &[i8], scales: &[f32], to: &mut [f32]) {
        for ((to, &byte), &scale) in to.iter_mut().zip(bytes).zip(scales) {
            *to = f32::from(byte) * scale;
        }
    }
}

vectorised! {
    /// `to += a · b`, `b` of some rows of `columns` numbers; few rows of `a`, which share what is
    /// loaded of `b`.
    fn add_product / add_product_twin(a: &[f32], b: &[f32], columns: usize, to: &mut [f32]) {
        /// Columns summed in registers.
        const WIDE: usize = 64;
        let inner = b.len() / columns;
        for (a, to) in a.chunks_exact(inner).zip(to.chunks_exact_mut(columns)) {
            let mut parts = to.chunks_exact_mut(WIDE);
            let mut from = 0;
            for part in &mut parts {
                let mut sums = [0.0; WIDE];
                sums.copy_from_slice(part);
                for (&a, b) in a.iter().zip(b.chunks_exact(columns)) {
                    let b = &b[from..from + WIDE];
                    for i in 0..WIDE {
                        sums[i] += a * b[i];
                    }
                }
                part.copy_from_slice(&sums);
                from += WIDE;
            }
            let rest = parts.into_remainder();
            for (&a, b) in a.iter().zip(b.chunks_exact(columns)) {
                for (to, &b) in rest.iter_mut().zip(&b[from..]) {
                    *to += a * b;
                }
            }
        }
    }
}

vectorised! {
    /// One row of root-mean-square norm: `y = x / rms(x) · weight`.
    fn norm_row / norm_row_twin(x: &[f32], weight: &[f32], epsilon: f32, y: &mut [f32]) {
        let inverse = inverse_rms(x, epsilon);
        for ((y, &x), &w) in y.iter_mut().zip(x).zip(weight) {
            *y = x * inverse * w;
        }
    }
}

#[inline(always)]
fn inverse_rms(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (fold2(x, x, |x, y| x * y) / x.len() as f32 + epsilon).sqrt()
}

vectorised! {
    /// Adds the gradient of one row's norm: with i = 1/rms and g = dy·w,
    /// `dx += i·g − x·i³·mean(g·x)`.
    fn norm_backward_row / norm_backward_row_twin(
        x: &[f32], weight: &[f32], epsilon: f32, dy: &mut [f32], dx: &mut [f32],
    ) {
        let inverse = inverse_rms(x, epsilon);
        for (dy, &w) in dy.iter_mut().zip(weight) {
            *dy *= w;
        }
        let mean = fold2(dy, x, |g, x| g * x) / x.len() as f32;
        let factor = inverse * inverse * inverse * mean;
        for ((dx, &x), &g) in dx.iter_mut().zip(x).zip(dy.iter()) {
            *dx += inverse * g - x * factor;
        }
    }
}

vectorised! {
    /// One row of the gated activation: `y = gate · sigmoid(gate) · up`.
    fn gated_row / gated_row_twin(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, &g), &u) in y.iter_mut().zip(gate).zip(up) {
            *y = g / (1.0 + exp(-g)) * u;
        }
    }
}

vectorised! {
    /// Its gradient: replaces one row of gate and up by their gradients, given `dy`.
    fn gated_backward_row / gated_backward_row_twin(
        gate: &mut [f32], up: &mut [f32], dy: &[f32],
    ) {
        for ((gate, up), &dy) in gate.iter_mut().zip(up).zip(dy) {
            let sigmoid = 1.0 / (1.0 + exp(-*gate));
            let silu = *gate * sigmoid;
            let slope = sigmoid * (1.0 + *gate * (1.0 - sigmoid));
            *gate = dy * *up * slope;
            *up = dy * silu;
        }
    }
}

vectorised! {
    /// Rotates one head: pairs `(x[i], x[i + half])` by the angles given as cosine and sine.
    fn rotate_head / rotate_head_twin(x: &mut [f32], cos: &[f32], sin: &[f32]) {
        let (low, high) = x.split_at_mut(cos.len());
        for (((low, high), &c), &s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
            (*low, *high) = (*low * c - *high * s, *low * s + *high * c);
        }
    }
}

vectorised! {
    /// The inverse rotation.
    fn rotate_back_head / rotate_back_head_twin(x: &mut [f32], cos: &[f32], sin: &[f32]) {
        let (low, high) = x.split_at_mut(cos.len());
        for (((low, high), &c), &s) in low.iter_mut().zip(high).zip(cos).zip(sin) {
            (*low, *high) = (*low * c + *high * s, *high * c - *low * s);
        }
    }
}

vectorised! {
    /// Replaces scores by `exp(scale · score − lse)` that sum to 1; returns lse, the logarithm of
    /// the sum of exponentials.
    fn softmax_row / softmax_row_twin(scores: &mut [f32], scale: f32) -> f32 {
        let max = largest(scores) * scale;
        for score in scores.iter_mut() {
            *score = exp(*score * scale - max);
        }
        let sum = fold2(scores, scores, |x, _| x);
        let inverse = 1.0 / sum;
        for score in scores.iter_mut() {
            *score *= inverse;
        }
        max + sum.ln()
    }
}

vectorised! {
    /// Recomputes probabilities from scores and the saved lse.
    fn softmax_again_row / softmax_again_row_twin(scores: &mut [f32], scale: f32, lse: f32) {
        for score in scores.iter_mut() {
            *score = exp(*score * scale - lse);
        }
    }
}

vectorised! {
    /// Gradient of scaled scores: `dp = p · (dp − delta) · scale`.
    fn softmax_backward_row / softmax_backward_row_twin(
        dp: &mut [f32], p: &[f32], delta: f32, scale: f32,
    ) {
        for (dp, &p) in dp.iter_mut().zip(p) {
            *dp = p * (*dp - delta) * scale;
        }
    }
}

vectorised! {
    /// The logarithm of the sum of exponentials of one row.
    fn log_sum_exp / log_sum_exp_twin(x: &[f32]) -> f32 {
        let max = largest(x);
        max + fold2(x, x, |x, _| exp(x - max)).ln()
    }
}

vectorised! {
    /// Gradient of the cross-entropy before the target's own term: `x = weight · exp(x − lse)`.
    fn cross_entropy_row / cross_entropy_row_twin(x: &mut [f32], lse: f32, weight: f32) {
        for x in x.iter_mut() {
            *x = exp(*x - lse) * weight;
        }
    }
}

vectorised! {
    /// Rounds to bf16, ties to even. Not for NaN.
    fn to_bf16 / to_bf16_twin(from: &[f32], to: &mut [u16]) {
        for (to, from) in to.iter_mut().zip(from) {
            let bits = from.to_bits();
            *to = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
        }
    }
}

vectorised! {
    /// Widens bf16.
    fn from_bf16 / from_bf16_twin(from: &[u16], to: &mut [f32]) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to = f32::from_bits(u32::from(from) << 16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (0..n).map(|_| rng.random_range(-4.0..4.0)).collect()
    }

    #[test]
    fn exp_is_close() {
        for i in -8700..8800 {
            let x = i as f32 * 0.01;
            let (found, wanted) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / wanted - 1.0).abs() < 3e-7, "exp({x}) = {found}, not {wanted}");
        }
    }

    /// Runs `fast` and `twin` on the same buffers and compares every bit.
    fn same_bits(fast: impl Fn(&mut [f32], &mut [f32]), twin: impl Fn(&mut [f32], &mut [f32])) {
        for n in [1, 15, 16, 64, 577] {
            let (x, y) = (random(n, 1), random(n, 2));
            let (mut x1, mut y1, mut x2, mut y2) = (x.clone(), y.clone(), x, y);
            fast(&mut x1, &mut y1);
            twin(&mut x2, &mut y2);
            assert_eq!((x1, y1), (x2, y2));
        }
    }

    #[test]
    fn wide_kernels_equal_their_twins() {
        let w = random(577, 5);
        same_bits(|x, y| y[0] = dot(x, x), |x, y| y[0] = dot_twin(x, x));
        same_bits(|x, y| axpy(y, 0.3, x), |x, y| axpy_twin(y, 0.3, x));
        same_bits(
            |x, y| norm_row(&w[..x.len()], x, 1e-5, y),
            |x, y| norm_row_twin(&w[..x.len()], x, 1e-5, y),
        );
        same_bits(
            |x, y| norm_backward_row(&w[..x.len()], &w[..x.len()], 1e-5, x, y),
            |x, y| norm_backward_row_twin(&w[..x.len()], &w[..x.len()], 1e-5, x, y),
        );
        same_bits(
            |x, y| gated_row(x, &w[..x.len()], y),
            |x, y| gated_row_twin(x, &w[..x.len()], y),
        );
        same_bits(
            |x, y| gated_backward_row(x, y, &random(x.len(), 3)),
            |x, y| gated_backward_row_twin(x, y, &random(x.len(), 3)),
        );
        same_bits(|x, y| y[0] = softmax_row(x, 0.125), |x, y| y[0] = softmax_row_twin(x, 0.125));
        same_bits(
            |x, y| softmax_backward_row(x, y, 0.2, 0.125),
            |x, y| softmax_backward_row_twin(x, y, 0.2, 0.125),
        );
        same_bits(
            |x, y| add_product(&[0.5, -1.5], &[&*x, &w[..x.len()]].concat(), x.len(), y),
            |x, y| add_product_twin(&[0.5, -1.5], &[&*x, &w[..x.len()]].concat(), x.len(), y),
        );
        same_bits(
            |x, y| add_dots(&w[..x.len()], x, 0.5, y),
            |x, y| add_dots_twin(&w[..x.len()], x, 0.5, y),
        );
        let bytes: Vec<i8> = (-128..=127).cycle().take(577).collect();
        same_bits(
            |x, y| scaled_bytes(&bytes[..x.len()], x, y),
            |x, y| scaled_bytes_twin(&bytes[..x.len()], x, y),
        );
        same_bits(|x, y| y[0] = log_sum_exp(x), |x, y| y[0] = log_sum_exp_twin(x));
        same_bits(
            |x, _| cross_entropy_row(x, 1.5, 0.5),
            |x, _| cross_entropy_row_twin(x, 1.5, 0.5),
        );
    }

    #[test]
    fn bf16_rounds_to_nearest() {
        let x = random(1000, 4);
        let mut bits = vec![0; x.len()];
        to_bf16(&x, &mut bits);
        for (x, bits) in x.iter().zip(&bits) {
            assert_eq!(half::bf16::from_f32(*x).to_bits(), *bits);
        }
    }
}
