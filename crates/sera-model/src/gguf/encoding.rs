//! How tensors of a GGUF file spell their numbers: ggml's block formats, expanded to f32.
//!
//! The layouts were read off ggml's `ggml-common.h` and `dequantize_row_*`; the tests compare with
//! what gguf-py reads in the same bytes.

/// How a tensor's numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// 32-bit floats.
    F32,
    /// 16-bit IEEE floats.
    F16,
    /// bfloat16.
    Bf16,
    /// Blocks of 32: scale, 4 bits.
    Q4_0,
    /// Blocks of 32: scale, minimum, 4 bits.
    Q4_1,
    /// Blocks of 32: scale, 5 bits.
    Q5_0,
    /// Blocks of 32: scale, minimum, 5 bits.
    Q5_1,
    /// Blocks of 32: scale, 8 bits.
    Q8_0,
    /// Blocks of 256: 16 scales and minima of 4 bits, 2 bits.
    Q2K,
    /// Blocks of 256: 16 scales of 6 bits, 3 bits.
    Q3K,
    /// Blocks of 256: 8 scales and minima of 6 bits, 4 bits.
    Q4K,
    /// Blocks of 256: 8 scales and minima of 6 bits, 5 bits.
    Q5K,
    /// Blocks of 256: 16 scales of 8 bits, 6 bits.
    Q6K,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// `enum ggml_type`.
    fn code(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q2K => 10,
            Self::Q3K => 11,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
            Self::Bf16 => 30,
        }
    }

    /// The encoding of a `ggml_type`, if it is known.
    pub(super) fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.code() == code)
    }

    /// (numbers per block, bytes per block).
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q2K => (256, 84),
            Self::Q3K => (256, 110),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Expands whole blocks to f32. `out` holds as many numbers as `bytes` encode.
    pub(crate) fn decode(self, bytes: &[u8], out: &mut [f32]) {
        let (numbers, size) = self.block();
        for (block, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(numbers)) {
            match self {
                Self::F32 => {
                    out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
                }
                Self::F16 => out[0] = half(block, 0),
                Self::Bf16 => {
                    out[0] = half::bf16::from_le_bytes([block[0], block[1]]).to_f32();
                }
                Self::Q4_0 => four_bits(&block[2..], out, half(block, 0), -8.0 * half(block, 0)),
                Self::Q4_1 => four_bits(&block[4..], out, half(block, 0), half(block, 2)),
                Self::Q5_0 => five_bits(&block[2..], out, half(block, 0), -16.0 * half(block, 0)),
                Self::Q5_1 => five_bits(&block[4..], out, half(block, 0), half(block, 2)),
                Self::Q8_0 => {
                    let scale = half(block, 0);
                    for (out, &byte) in out.iter_mut().zip(&block[2..]) {
                        *out = scale * f32::from(byte.cast_signed());
                    }
                }
                Self::Q2K => q2k(block, out),
                Self::Q3K => q3k(block, out),
                Self::Q4K => q45k(block, None, &block[16..], out),
                Self::Q5K => q45k(block, Some(&block[16..48]), &block[48..], out),
                Self::Q6K => q6k(block, out),
            }
        }
    }
}

fn half(block: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Sixteen bytes hold 32 numbers: the low halves first, then the high halves.
fn four_bits(bytes: &[u8], out: &mut [f32], scale: f32, minimum: f32) {
    let (low, high) = out.split_at_mut(16);
    for ((byte, low), high) in bytes.iter().zip(low).zip(high) {
        *low = scale * f32::from(byte & 15) + minimum;
        *high = scale * f32::from(byte >> 4) + minimum;
    }
}

/// [`four_bits`] behind a word of 32 fifth bits.
fn five_bits(bytes: &[u8], out: &mut [f32], scale: f32, minimum: f32) {
    let fifth = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    four_bits(&bytes[4..], out, scale, minimum);
    for (i, out) in out.iter_mut().enumerate() {
        *out += if fifth >> i & 1 == 1 { 16.0 * scale } else { 0.0 };
    }
}

/// `block_q2_K`: scales and minima 16, numbers 64, d, dmin.
fn q2k(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half(block, 80), half(block, 82));
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let (bytes, shift) = two_bits(part, &block[16..80]);
        let (factor, below) = (block[part] & 15, block[part] >> 4);
        for (out, byte) in out.iter_mut().zip(bytes) {
            let number = f32::from(byte >> shift & 3);
            *out = scale * f32::from(factor) * number - minimum * f32::from(below);
        }
    }
}

/// Where the two bits of a sixteenth of a block stand: 32 bytes hold four times 32 numbers.
fn two_bits(part: usize, bytes: &[u8]) -> (&[u8], usize) {
    let (half, quarter, side) = (part / 8, part % 8 / 2, part % 2);
    (&bytes[32 * half + 16 * side..][..16], 2 * quarter)
}

/// `block_q3_K`: third bits 32, numbers 64, scales 12, d.
fn q3k(block: &[u8], out: &mut [f32]) {
    let scale = half(block, 108);
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let (bytes, shift) = two_bits(part, &block[32..96]);
        let third = &block[16 * (part % 2)..][..16];
        let factor = scale * (f32::from(six_bits(&block[96..108], part)) - 32.0);
        for ((out, byte), third) in out.iter_mut().zip(bytes).zip(third) {
            let below = if third >> (part / 2) & 1 == 1 { 0.0 } else { 4.0 };
            *out = factor * (f32::from(byte >> shift & 3) - below);
        }
    }
}

/// One of the 16 scales of a [`q3k`] block: four bits among the first 8 bytes, two in the last 4.
fn six_bits(scales: &[u8], part: usize) -> u8 {
    let low = scales[part % 8] >> (4 * (part / 8)) & 15;
    let high = scales[8 + part % 4] >> (2 * (part / 4)) & 3;
    low | high << 4
}

/// `block_q4_K` and `block_q5_K`: d, dmin, scales and minima 12, fifth bits 32 or none, numbers 128.
fn q45k(block: &[u8], fifth: Option<&[u8]>, numbers: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (factor, below) = scale_and_minimum(&block[4..16], part);
        let (factor, below) = (scale * f32::from(factor), minimum * f32::from(below));
        let bytes = &numbers[32 * (part / 2)..][..32];
        for (i, (out, byte)) in out.iter_mut().zip(bytes).enumerate() {
            let bit = fifth.map_or(0, |bits| bits[i] >> part & 1);
            *out = factor * f32::from((byte >> (4 * (part % 2)) & 15) | bit << 4) - below;
        }
    }
}

/// `get_scale_min_k4`: eight scales and eight minima of six bits in twelve bytes.
fn scale_and_minimum(bytes: &[u8], part: usize) -> (u8, u8) {
    if part < 4 {
        return (bytes[part] & 63, bytes[part + 4] & 63);
    }
    let low = bytes[part + 4];
    (low & 15 | bytes[part - 4] >> 6 << 4, low >> 4 | bytes[part] >> 6 << 4)
}

/// `block_q6_K`: low halves 128, high quarters 64, scales 16, d.
fn q6k(block: &[u8], out: &mut [f32]) {
    let scale = half(block, 208);
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let (half, quarter, side) = (part / 8, part % 8 / 2, part % 2);
        let low = &block[64 * half + 32 * (quarter % 2) + 16 * side..][..16];
        let high = &block[128 + 32 * half + 16 * side..][..16];
        let factor = scale * f32::from(block[192 + part].cast_signed());
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            let number = (low >> (4 * (quarter / 2)) & 15) | (high >> (2 * quarter) & 3) << 4;
            *out = factor * (f32::from(number) - 32.0);
        }
    }
}
