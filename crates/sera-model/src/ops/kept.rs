//! Keys and values of earlier positions, kept in two bytes a number or in one.
//!
//! What was read long ago is read again for every token that is written, so the fewer bytes the
//! better. They lie in tiles of 64 positions by key head: the keys of a tile with positions side by
//! side, so that one query meets 64 keys without adding across a register, and its values with a
//! head's numbers side by side.
use super::{halves, simd};
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Positions of a tile.
pub(crate) const TILE: usize = 64;
/// Numbers of a head that share a scale in [`Keep::Q8`].
const BLOCK: usize = 32;

/// How a cache keeps its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyValues {
    /// Half precision (IEEE 754 binary16): 11 bits.
    #[default]
    F16,
    /// A byte a number and a scale for 32: llama.cpp's Q8_0, the scale in f32.
    Q8,
}

/// A word that names no way to keep numbers.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to keep a cache: say f16 or q8")]
pub struct UnknownKeyValues(String);

impl std::str::FromStr for KeyValues {
    type Err = UnknownKeyValues;

    fn from_str(text: &str) -> Result<Self, UnknownKeyValues> {
        match text {
            "f16" => Ok(Self::F16),
            "q8" => Ok(Self::Q8),
            _ => Err(UnknownKeyValues(text.to_owned())),
        }
    }
}

/// Keys and values of one block's positions.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    head: usize,
    kv_heads: usize,
    positions: usize,
    numbers: Numbers,
}

#[derive(Clone, Debug)]
enum Numbers {
    F16(Vec<f16>),
    Q8 { bytes: Vec<i8>, scales: Vec<f32> },
}

/// Where the numbers of one tile and head are.
struct Place {
    keys: usize,
    values: usize,
}

impl Kept {
    pub(crate) fn new(head: usize, kv_heads: usize, how: KeyValues) -> Self {
        let numbers = match how {
            KeyValues::F16 => Numbers::F16(Vec::new()),
            KeyValues::Q8 => Numbers::Q8 { bytes: Vec::new(), scales: Vec::new() },
        };
        Self { head, kv_heads, positions: 0, numbers }
    }

    /// One that holds nothing yet.
    pub(crate) fn emptied(&self) -> Self {
        let how = match self.numbers {
            Numbers::F16(_) => KeyValues::F16,
            Numbers::Q8 { .. } => KeyValues::Q8,
        };
        Self::new(self.head, self.kv_heads, how)
    }

    /// Positions read so far.
    pub(crate) fn len(&self) -> usize {
        self.positions
    }

    /// Forgets all but the first `positions`.
    pub(crate) fn truncate(&mut self, positions: usize) {
        self.positions = self.positions.min(positions);
        self.resize();
    }

    /// Appends positions: `rows` gives the keys and values of each, all heads side by side.
    pub(crate) fn extend<'a>(&mut self, rows: impl Iterator<Item = (&'a [f32], &'a [f32])>) {
        for (keys, values) in rows {
            let (tile, column) = (self.positions / TILE, self.positions % TILE);
            self.positions += 1;
            self.resize();
            let heads = keys.chunks_exact(self.head).zip(values.chunks_exact(self.head));
            for (kv_head, (key, value)) in heads.enumerate() {
                self.put(tile, kv_head, column, key, value);
            }
        }
    }

    /// Tiles as long as they hold something.
    fn resize(&mut self) {
        let tiles = self.positions.div_ceil(TILE);
        let (size, blocks) = (self.tile_size(), self.blocks());
        match &mut self.numbers {
            Numbers::F16(numbers) => numbers.resize(tiles * size, f16::ZERO),
            Numbers::Q8 { bytes, scales } => {
                bytes.resize(tiles * size, 0);
                scales.resize(tiles * self.kv_heads * 2 * blocks * TILE, 0.0);
            }
        }
    }

    /// Numbers of a tile, all heads.
    fn tile_size(&self) -> usize {
        self.kv_heads * 2 * self.head * TILE
    }

    /// Scales of a head's numbers.
    fn blocks(&self) -> usize {
        self.head.div_ceil(BLOCK)
    }

    fn place(&self, tile: usize, kv_head: usize, width: usize) -> Place {
        let keys = (tile * self.kv_heads + kv_head) * 2 * width * TILE;
        Place { keys, values: keys + width * TILE }
    }

    fn put(&mut self, tile: usize, kv_head: usize, column: usize, key: &[f32], value: &[f32]) {
        let (head, blocks) = (self.head, self.blocks());
        let Place { keys, values } = self.place(tile, kv_head, head);
        let scaled = self.place(tile, kv_head, blocks);
        match &mut self.numbers {
            Numbers::F16(numbers) => {
                for (i, &x) in key.iter().enumerate() {
                    numbers[keys + i * TILE + column] = f16::from_f32(x);
                }
                numbers[values + column * head..][..head].convert_from_f32_slice(value);
            }
            Numbers::Q8 { bytes, scales } => {
                for (block, x) in key.chunks(BLOCK).enumerate() {
                    let scale = scale(x);
                    scales[scaled.keys + block * TILE + column] = scale;
                    for (i, &x) in x.iter().enumerate() {
                        bytes[keys + (block * BLOCK + i) * TILE + column] = byte(x, scale);
                    }
                }
                for (block, x) in value.chunks(BLOCK).enumerate() {
                    let scale = scale(x);
                    scales[scaled.values + column * blocks + block] = scale;
                    let at = values + column * head + block * BLOCK;
                    bytes[at..][..x.len()]
                        .iter_mut()
                        .zip(x)
                        .for_each(|(b, &x)| *b = byte(x, scale));
                }
            }
        }
    }

    /// The keys of a tile and head, `[head, 64]`. Positions that were not read are whatever.
    fn keys(&self, tile: usize, kv_head: usize, to: &mut [f32]) {
        let at = self.place(tile, kv_head, self.head).keys;
        match &self.numbers {
            Numbers::F16(numbers) => {
                numbers[at..][..self.head * TILE].convert_to_f32_slice(to);
            }
            Numbers::Q8 { bytes, scales } => {
                let scales = &scales[self.place(tile, kv_head, self.blocks()).keys..];
                for (i, to) in to.chunks_exact_mut(TILE).enumerate() {
                    let (bytes, scales) = (&bytes[at + i * TILE..], &scales[i / BLOCK * TILE..]);
                    simd::scaled_bytes(&bytes[..TILE], &scales[..TILE], to);
                }
            }
        }
    }

    /// The values of a tile and head, `[64, head]`.
    fn values(&self, tile: usize, kv_head: usize, to: &mut [f32]) {
        let at = self.place(tile, kv_head, self.head).values;
        match &self.numbers {
            Numbers::F16(numbers) => {
                numbers[at..][..self.head * TILE].convert_to_f32_slice(to);
            }
            Numbers::Q8 { bytes, scales } => {
                let scales = &scales[self.place(tile, kv_head, self.blocks()).values..];
                let blocks = self.blocks();
                for (i, to) in to.chunks_exact_mut(self.head).enumerate() {
                    let bytes = bytes[at + i * self.head..].chunks(BLOCK);
                    for (block, (to, bytes)) in to.chunks_mut(BLOCK).zip(bytes).enumerate() {
                        let scale = scales[i * blocks + block];
                        to.iter_mut().zip(bytes).for_each(|(to, &b)| *to = f32::from(b) * scale);
                    }
                }
            }
        }
    }

    /// `to += a · keys` of a tile and head: `a` is `[rows, head]`, `to` `[rows, 64]`. Where it has to
    /// be, the tile is expanded in `scratch`, `[head, 64]`.
    pub(crate) fn add_keys(
        &self,
        (tile, kv_head): (usize, usize),
        a: &[f32],
        to: &mut [f32],
        scratch: &mut [f32],
    ) {
        match &self.numbers {
            Numbers::F16(numbers) => {
                let at = self.place(tile, kv_head, self.head).keys;
                halves::add_product(a, &numbers[at..][..self.head * TILE], TILE, to);
            }
            Numbers::Q8 { .. } => {
                self.keys(tile, kv_head, scratch);
                simd::add_product(a, scratch, TILE, to);
            }
        }
    }

    /// `to += a · values` of the first positions of a tile and head: `a` is `[rows, positions]`, `to`
    /// `[rows, head]`.
    pub(crate) fn add_values(
        &self,
        (tile, kv_head, positions): (usize, usize, usize),
        a: &[f32],
        to: &mut [f32],
        scratch: &mut [f32],
    ) {
        let size = positions * self.head;
        match &self.numbers {
            Numbers::F16(numbers) => {
                let at = self.place(tile, kv_head, self.head).values;
                halves::add_product(a, &numbers[at..][..size], self.head, to);
            }
            Numbers::Q8 { .. } => {
                self.values(tile, kv_head, scratch);
                simd::add_product(a, &scratch[..size], self.head, to);
            }
        }
    }

    /// All positions in f32, for many rows that read them at once: keys `[kv heads, head,
    /// room]`, values `[kv heads, room, head]`, with zeros after the last.
    ///
    /// # Panics
    /// Where there are more than `room`.
    pub(crate) fn expand(&self, room: usize, keys: &mut [f32], values: &mut [f32]) {
        let head = self.head;
        assert!(self.positions <= room, "all positions fit");
        if room == 0 {
            return;
        }
        let size = head * room;
        let heads = keys.par_chunks_exact_mut(size).zip(values.par_chunks_exact_mut(size));
        heads.enumerate().for_each(|(kv_head, (keys, values))| {
            let mut part = vec![0.0; head * TILE];
            for (tile, from) in (0..self.positions).step_by(TILE).enumerate() {
                let count = TILE.min(self.positions - from);
                self.keys(tile, kv_head, &mut part);
                for (part, keys) in part.chunks_exact(TILE).zip(keys.chunks_exact_mut(room)) {
                    keys[from..from + count].copy_from_slice(&part[..count]);
                }
                self.values(tile, kv_head, &mut part);
                values[from * head..][..count * head].copy_from_slice(&part[..count * head]);
            }
            for keys in keys.chunks_exact_mut(room) {
                keys[self.positions..].fill(0.0);
            }
            values[self.positions * head..].fill(0.0);
        });
    }
}

/// What a step of these numbers is worth in a byte.
fn scale(x: &[f32]) -> f32 {
    x.iter().fold(0.0f32, |most, x| most.max(x.abs())) / 127.0
}

fn byte(x: f32, scale: f32) -> i8 {
    if scale > 0.0 { (x / scale).round() as i8 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    const HEADS: usize = 2;

    /// Keys and values of `positions`, `[positions, heads · head]`.
    fn random(positions: usize, head: usize) -> [Vec<f32>; 2] {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        [0, 1].map(|_| {
            (0..positions * HEADS * head).map(|_| random.random_range(-4.0..4.0)).collect()
        })
    }

    #[test]
    fn ways_are_named_as_llama_cpp_names_them() {
        assert_eq!(["f16", "q8"].map(str::parse), [Ok(KeyValues::F16), Ok(KeyValues::Q8)]);
        for wrong in ["", "F16", "q4", "q8_0"] {
            assert_eq!(wrong.parse::<KeyValues>(), Err(UnknownKeyValues(wrong.to_owned())));
        }
    }

    fn check(how: KeyValues, head: usize, relative: f32) {
        let (positions, width) = (150, HEADS * head);
        let [keys, values] = random(positions, head);
        let mut kept = Kept::new(head, HEADS, how);
        let rows = || keys.chunks_exact(width).zip(values.chunks_exact(width));
        kept.extend(rows());
        // Cut back within a tile and read on: what is left and what is new are as before.
        kept.truncate(70);
        assert_eq!(kept.len(), 70);
        kept.extend(rows().skip(70));
        let room = positions + 3;
        let [mut found_keys, mut found_values] = [0, 1].map(|_| vec![1.0; room * width]);
        kept.expand(room, &mut found_keys, &mut found_values);
        for position in 0..room {
            for at in 0..width {
                let (kv_head, i) = (at / head, at % head);
                let key = found_keys[(kv_head * head + i) * room + position];
                let value = found_values[(kv_head * room + position) * head + i];
                for (found, wanted) in [(key, &keys), (value, &values)] {
                    let wanted = wanted.get(position * width + at).copied().unwrap_or(0.0);
                    let near = (found - wanted).abs() <= 4.0 * relative;
                    assert!(near, "{how:?} {head} {position} {at}: {found} {wanted}");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_near_what_was_read() {
        for head in [8, 64, 80, 128] {
            check(KeyValues::F16, head, 1.0 / 2048.0);
            check(KeyValues::Q8, head, 0.5 / 127.0 + 1e-6);
        }
    }
}
