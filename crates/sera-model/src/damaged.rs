//! Files with flipped, cut and inserted bytes: whatever is in them, loading ends with a base or an
//! error. `cargo xtask fuzz` runs this with a million inputs of each kind.

use crate::tokenizer::Tokenizer;
use crate::{Base, Precision};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sera_core::{Message, Role};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/llama").join(name)
}

/// Inputs of each kind.
fn inputs() -> u64 {
    std::env::var("GIT_SERA_FUZZ").map_or(1000, |n| n.parse().expect("a number of inputs"))
}

/// Numbers that are wrong in their own ways.
const ODD: [u64; 8] =
    [0, 1, u64::MAX, i64::MAX as u64, u32::MAX as u64, 1 << 31, 1 << 62, 0x7ff0_0000_7f80_0000];

/// Up to four changes within the first `reach` bytes.
fn damage(bytes: &mut Vec<u8>, reach: usize, random: &mut ChaCha8Rng) {
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..reach.min(bytes.len()).max(1));
        match random.random_range(0..6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 => drop(bytes.splice(at..at, random.random::<[u8; 8]>())),
            3 => {
                let odd = ODD[random.random_range(0..ODD.len())].to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&odd[..end - at]);
            }
            4 => drop(bytes.drain(at..(at + random.random_range(1..20)).min(bytes.len()))),
            _ => bytes[at] = random.random(),
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Calls `load` with damaged copies of `sound`; names the seed of one that panics.
fn check(kind: &str, sound: &[u8], reach: usize, load: impl Fn(&[u8], &Path) + Sync) {
    let sound = sound.to_vec();
    (0..inputs()).into_par_iter().for_each_init(
        || tempfile::tempdir().expect("a folder"),
        |folder, seed| {
            let (mut bytes, mut random) = (sound.clone(), ChaCha8Rng::seed_from_u64(seed));
            damage(&mut bytes, reach, &mut random);
            let loaded = catch_unwind(AssertUnwindSafe(|| load(&bytes, folder.path())));
            assert!(loaded.is_ok(), "{kind} damaged with seed {seed} panics");
        },
    );
}

fn load(path: &Path) {
    drop(Base::load_with(path, Precision::F32));
}

#[test]
fn gguf_files() {
    let sound = fs::read(golden("model.gguf")).unwrap();
    // Numbers of tensors may be anything; what decides is before them.
    let header = sound.windows(15).rposition(|part| part == b"ffn_down.weight").unwrap() + 60;
    check("a gguf file", &sound, header, |bytes, folder| {
        let path = folder.join("model.gguf");
        fs::write(&path, bytes).unwrap();
        load(&path);
    });
}

/// Damages one file of a folder.
fn folder(name: &'static str, reach: usize) {
    const FILES: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];
    check(name, &fs::read(golden(name)).unwrap(), reach, |bytes, folder| {
        for other in FILES.iter().filter(|file| **file != name && !folder.join(file).exists()) {
            fs::copy(golden(other), folder.join(other)).unwrap();
        }
        fs::write(folder.join(name), bytes).unwrap();
        load(folder);
    });
}

#[test]
fn safetensors_headers() {
    folder("model.safetensors", 2500);
}

#[test]
fn configurations() {
    folder("config.json", usize::MAX);
}

#[test]
fn tokenizers() {
    let sound = fs::read(golden("tokenizer.json")).unwrap();
    check("a tokenizer", &sound, usize::MAX, |bytes, _| {
        if let Ok(tokenizer) = Tokenizer::from_json(bytes) {
            let tokens = tokenizer.encode("in <|im_end|> 'é🦀\0\n\t  x1");
            drop(tokenizer.decode(&tokens));
        }
    });
}

/// What a template is given is not a file but a conversation, with anything in it.
#[test]
fn conversations() {
    let tokenizer = Tokenizer::byte_level(259);
    check("a conversation", "<|im_start|>user\n<|im_end|>\n{{ x }}".as_bytes(), 40, |bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        let messages = [Role::System, Role::Assistant, Role::User].map(|r| Message::new(r, &*text));
        let rendered = tokenizer.chat(&messages, true);
        let count = |id| rendered.tokens.iter().filter(|&&token| token == id).count();
        assert_eq!((count(257), count(258)), (4, 3), "text never opens or closes a message");
    });
}
