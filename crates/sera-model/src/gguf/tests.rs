//! Files as strangers might write them.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;

/// Writes GGUF as bytes, with no opinion on whether it is sound.
struct Writer {
    version: u32,
    counts: (u64, u64),
    keys: Vec<u8>,
    tensors: Vec<u8>,
    data: Vec<u8>,
    alignment: usize,
}

impl Writer {
    fn new() -> Self {
        let (keys, tensors, data) = (Vec::new(), Vec::new(), Vec::new());
        Self { version: 3, counts: (0, 0), keys, tensors, data, alignment: 32 }
    }

    fn key(mut self, name: &str, kind: u32, value: &[u8]) -> Self {
        self.counts.1 += 1;
        text(&mut self.keys, name);
        self.keys.extend(kind.to_le_bytes());
        self.keys.extend(value);
        self
    }

    /// A tensor at the next free place.
    fn tensor(self, name: &str, dims: &[u64], kind: u32, bytes: &[u8]) -> Self {
        let offset = self.data.len() as u64;
        let mut writer = self.tensor_at(name, dims, kind, offset);
        writer.data.extend(bytes);
        let padded = writer.data.len().next_multiple_of(writer.alignment);
        writer.data.resize(padded, 0);
        writer
    }

    fn tensor_at(mut self, name: &str, dims: &[u64], kind: u32, offset: u64) -> Self {
        self.counts.0 += 1;
        text(&mut self.tensors, name);
        self.tensors.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|dim| self.tensors.extend(dim.to_le_bytes()));
        self.tensors.extend(kind.to_le_bytes());
        self.tensors.extend(offset.to_le_bytes());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.counts.0.to_le_bytes());
        bytes.extend(self.counts.1.to_le_bytes());
        bytes.extend(&self.keys);
        bytes.extend(&self.tensors);
        bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
        bytes.extend(&self.data);
        bytes
    }

    fn open(&self) -> Result<Gguf, GgufError> {
        open(&self.bytes())
    }
}

fn text(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}

fn string(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    text(&mut bytes, value);
    bytes
}

/// An array's bytes: the type and number of elements, then the elements.
fn array(kind: u32, count: u64, elements: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &count.to_le_bytes(), elements].concat()
}

fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Gguf::open(file.path())
}

fn sound() -> Writer {
    Writer::new()
        .key("general.architecture", 8, &string("llama"))
        .key("some.u32", 4, &7u32.to_le_bytes())
        .key("some.i32", 5, &(-7i32).to_le_bytes())
        .key("some.f32", 6, &1.5f32.to_le_bytes())
        .key("some.bool", 7, &[1])
        .key("texts", 9, &array(8, 2, &[string("a"), string("bc")].concat()))
        .key("integers", 9, &array(5, 2, &[3i32.to_le_bytes(), (-4i32).to_le_bytes()].concat()))
        .tensor("x", &[2], 0, &[1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat())
        .tensor("y", &[2, 1], 1, &[0x00, 0x3c, 0x00, 0xc0])
}

#[test]
fn a_sound_file_is_read() {
    let gguf = sound().open().unwrap();
    assert_eq!(gguf.text("general.architecture"), Some("llama"));
    assert_eq!(gguf.unsigned("some.u32"), Some(7));
    assert_eq!(gguf.unsigned("some.i32"), None);
    assert_eq!(gguf.value("some.i32"), Some(&Value::Signed(-7)));
    assert_eq!(gguf.float("some.f32"), Some(1.5));
    assert_eq!(gguf.value("some.bool"), Some(&Value::Bool(true)));
    assert_eq!(gguf.texts("texts").unwrap(), ["a", "bc"]);
    assert_eq!(gguf.integers("integers").unwrap(), [3, -4]);
    assert_eq!(gguf.read("x", &[2]).unwrap(), [1.5, -2.0]);
    assert_eq!(gguf.read("y", &[2, 1]).unwrap(), [1.0, -2.0]);
    assert!(matches!(gguf.read("y", &[1, 2]), Err(GgufError::Shape { .. })));
    assert!(matches!(gguf.read("z", &[2]), Err(GgufError::MissingTensor(_))));
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = sound().bytes();
    for length in 0..bytes.len() - 32 {
        assert!(open(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
}

#[test]
fn quantised_blocks_are_expanded() {
    let scale = half::f16::from_f32(0.5).to_le_bytes();
    let minimum = half::f16::from_f32(-1.0).to_le_bytes();
    let nibbles: Vec<u8> = (0..16u8).map(|i| i | ((15 - i) << 4)).collect();
    let bytes: Vec<u8> = (0..32u8).map(|i| i.wrapping_sub(16)).collect();
    let gguf = Writer::new()
        .tensor("q4_0", &[32], 2, &[&scale[..], &nibbles].concat())
        .tensor("q4_1", &[32], 3, &[&scale[..], &minimum, &nibbles].concat())
        .tensor("q8_0", &[32], 8, &[&scale[..], &bytes].concat())
        .tensor("bf16", &[1], 30, &[0x80, 0x3f])
        .open()
        .unwrap();
    let low_then_high = |i: usize| if i < 16 { i } else { 31 - i } as f32;
    for (name, wanted) in [
        ("q4_0", Box::new(|i| 0.5 * (low_then_high(i) - 8.0)) as Box<dyn Fn(usize) -> f32>),
        ("q4_1", Box::new(|i| 0.5 * low_then_high(i) - 1.0)),
        ("q8_0", Box::new(|i| 0.5 * (i as f32 - 16.0))),
    ] {
        let wanted: Vec<f32> = (0..32).map(wanted).collect();
        assert_eq!(gguf.read(name, &[32]).unwrap(), wanted, "{name}");
    }
    assert_eq!(gguf.read("bf16", &[1]).unwrap(), [1.0]);
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for bits in [f32::NAN, f32::INFINITY] {
        let gguf = Writer::new().tensor("x", &[1], 0, &bits.to_le_bytes()).open().unwrap();
        assert!(matches!(gguf.read("x", &[1]), Err(GgufError::Malformed(_))));
    }
}

#[test]
fn foreign_files_are_named_so() {
    for bytes in [&b""[..], b"PK\x03\x04", b"GGUX", b"\x80\x02]q\x00."] {
        assert!(matches!(open(bytes), Err(GgufError::Foreign)));
    }
    let version = Writer { version: 9, ..sound() };
    assert!(matches!(version.open(), Err(GgufError::Version(9))));
}

#[test]
fn impossible_headers_are_refused() {
    let four = 1.0f32.to_le_bytes();
    let huge = u64::MAX.to_le_bytes();
    let files = [
        ("too many tensors", Writer { counts: (1 << 20, 0), ..Writer::new() }),
        ("too many keys", Writer { counts: (0, 1 << 20), ..Writer::new() }),
        ("a key twice", Writer::new().key("k", 7, &[1]).key("k", 7, &[1])),
        ("an unknown value type", Writer::new().key("k", 13, &[1])),
        ("a string that lies", Writer::new().key("k", 8, &huge)),
        ("a long template", {
            let long = string(&"x".repeat((1 << 20) + 1));
            Writer::new().key("tokenizer.chat_template", 8, &long)
        }),
        ("a string that is not utf-8", Writer::new().key("k", 8, &[1, 0, 0, 0, 0, 0, 0, 0, 255])),
        ("an endless array", Writer::new().key("k", 9, &array(4, u64::MAX, &[]))),
        ("an array of arrays", Writer::new().key("k", 9, &array(9, 1, &array(4, 0, &[])))),
        ("alignment 3", sound().key("general.alignment", 4, &3u32.to_le_bytes())),
        ("alignment 1 MiB", sound().key("general.alignment", 4, &(1u32 << 20).to_le_bytes())),
        ("no dimension", Writer::new().tensor("x", &[], 0, &four)),
        ("five dimensions", Writer::new().tensor("x", &[1; 5], 0, &four)),
        ("a dimension of zero", Writer::new().tensor("x", &[0], 0, &four)),
        ("overflowing dimensions", Writer::new().tensor("x", &[1 << 40, 1 << 40], 0, &four)),
        ("an unknown tensor type", Writer::new().tensor("x", &[1], 99, &four)),
        ("half a block", Writer::new().tensor("x", &[16], 3, &four)),
        ("a tensor twice", Writer::new().tensor("x", &[1], 0, &four).tensor("x", &[1], 0, &four)),
        ("overlap", Writer::new().tensor("x", &[1], 0, &four).tensor_at("y", &[1], 0, 0)),
        ("unaligned", Writer::new().tensor_at("x", &[1], 0, 4).tensor("y", &[1], 0, &[0; 64])),
        ("beyond the end", Writer::new().tensor("x", &[1], 0, &four).tensor_at("y", &[64], 0, 32)),
        ("far beyond the end", Writer::new().tensor_at("x", &[1], 0, u64::MAX - 31)),
    ];
    for (what, file) in files {
        assert!(file.open().is_err(), "{what} was accepted");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(damage in prop::collection::vec((0usize..600, any::<u8>()), 1..6)) {
        let mut bytes = sound().bytes();
        for (at, byte) in damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(gguf) = open(&bytes) {
            for (name, info) in gguf.tensors() {
                drop(gguf.read(name, &info.dims));
            }
        }
    }
}
