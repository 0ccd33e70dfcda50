//! The engine against PyTorch, Transformers, PEFT and gguf-py, whose results on tiny random models
//! `cargo xtask goldens` wrote.

use crate::adapter::{import_peft, save_gguf, save_peft};
use crate::batch::{Batch, Target};
use crate::gguf::{Encoding, Gguf};
use crate::{Base, Cache, Keep, Lora, Precision, forward_cached, loss_and_gradient};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod text;

/// A small model of every family: plain; untied with llama 3's rope; with biases; with normed heads.
const MODELS: [&str; 4] = ["llama", "llama3", "qwen2", "qwen3"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens").join(name)
}

/// What `reference.json` holds of what is compared here.
#[derive(Deserialize)]
struct Facts {
    tokens: Vec<u32>,
    /// Positions whose logits are known.
    rows: Vec<usize>,
    /// Each step's sequences.
    batches: Vec<Vec<Vec<u32>>>,
    losses: Vec<f64>,
}

fn facts(name: &str) -> Facts {
    serde_json::from_slice(&fs::read(folder(name).join("reference.json")).unwrap()).unwrap()
}

fn floats(file: &Path, tensor: &str) -> Vec<f32> {
    numbers(file, tensor, f32::from_le_bytes)
}

/// A tensor of four-byte numbers.
fn numbers<T>(file: &Path, tensor: &str, read: impl Fn([u8; 4]) -> T) -> Vec<T> {
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = tensors.tensor(tensor).unwrap().data().to_vec();
    data.chunks_exact(4).map(|b| read([b[0], b[1], b[2], b[3]])).collect()
}

fn base(name: &str) -> Arc<Base> {
    Base::load_with(&folder(name), Precision::F32).unwrap()
}

fn furthest(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Log-probabilities of every token after the known positions, one position after the other.
fn log_probabilities(base: &Base, lora: Option<&Lora>, facts: &Facts) -> Vec<f32> {
    let mut cache = Cache::new(&base.config);
    forward_cached(base, lora, &facts.tokens, &mut cache, &|| true).unwrap();
    let all = 0..base.config.vocabulary as u32;
    let targets = facts
        .rows
        .iter()
        .flat_map(|&row| all.clone().map(move |token| Target { row, token, weight: 1.0 }));
    cache.nll(base, &targets.collect::<Vec<_>>()).into_iter().map(|nll| -nll).collect()
}

/// The same from reference logits.
fn normalised(logits: &[f32], vocabulary: usize) -> Vec<f32> {
    let rows = logits.chunks_exact(vocabulary);
    rows.flat_map(|row| {
        let sum = row.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln() as f32;
        row.iter().map(move |x| x - sum)
    })
    .collect()
}

#[test]
fn logits_equal_transformers() {
    for name in MODELS {
        let facts = facts(name);
        let wanted = floats(&folder(name).join("reference.safetensors"), "logits");
        for path in [folder(name), folder(name).join("model.gguf")] {
            let base = Base::load_with(&path, Precision::F32).unwrap();
            let wanted = normalised(&wanted, base.config.vocabulary);
            let apart = furthest(&log_probabilities(&base, None, &facts), &wanted);
            assert!(apart < 1e-3, "{}: {apart}", path.display());
        }
    }
}

#[test]
fn adapters_of_peft_compute_what_they_do_there() {
    for name in MODELS {
        let (base, facts) = (base(name), facts(name));
        let lora = import_peft(&folder(name).join("adapter"), &base).unwrap();
        let wanted = floats(&folder(name).join("reference.safetensors"), "adapted");
        let wanted = normalised(&wanted, base.config.vocabulary);
        let apart = furthest(&log_probabilities(&base, Some(&lora), &facts), &wanted);
        assert!(apart < 1e-3, "{name}: {apart}");
    }
}

/// `cargo xtask goldens` lets PEFT compare these with its own.
#[test]
fn adapters_written_again_are_what_was_read() {
    for name in MODELS {
        let (base, to) = (base(name), tempfile::tempdir().unwrap());
        let lora = import_peft(&folder(name).join("adapter"), &base).unwrap();
        let exported = std::env::var_os("GIT_SERA_EXPORTED");
        let exported = exported.map_or_else(|| to.path().to_owned(), PathBuf::from);
        let to = exported.join(name);
        save_peft(&to, &base, &lora).unwrap();
        assert_eq!(import_peft(&to, &base).unwrap().parameters(), lora.parameters());
        // Read by llama.cpp where references are made.
        save_gguf(&exported.join(format!("{name}.gguf")), &base, &lora).unwrap();
    }
}

#[test]
fn gradients_equal_pytorchs() {
    for name in MODELS {
        let (base, facts) = (base(name), facts(name));
        let file = folder(name).join("reference.safetensors");
        let lora = import_peft(&folder(name).join("adapter"), &base).unwrap();
        let found = loss_and_gradient(
            &base,
            &lora,
            &Batch::mean_of(&facts.batches[0]),
            Keep::Everything,
            &|| true,
        )
        .unwrap();
        assert!((found.loss - facts.losses[0]).abs() < 1e-3, "{name}: {}", found.loss);
        let known = fs::read(&file).unwrap();
        let known = SafeTensors::deserialize(&known).unwrap();
        let mut compared = 0;
        for slot in lora.slots() {
            let tensor = crate::adapter::peft_name(slot);
            if known.tensor(&tensor).is_err() {
                continue;
            }
            let wanted = floats(&file, &tensor);
            let largest = wanted.iter().fold(0.0f32, |most, g| most.max(g.abs()));
            let apart = furthest(&found.gradient[slot.range()], &wanted);
            assert!(apart < 1e-3 * largest, "{name} {tensor}: {apart} of {largest}");
            compared += 1;
        }
        assert_eq!(compared, known.len() - 2, "all but the two logits");
    }
}

#[test]
fn every_encoding_is_read_as_gguf_py_reads_it() {
    let file = fs::read(folder("decoded.safetensors")).unwrap();
    let known = SafeTensors::deserialize(&file).unwrap();
    let mut compared = 0;
    for encoding in Encoding::ALL {
        let name = format!("{encoding:?}").replace('K', "_K");
        let Ok(bytes) = known.tensor(&format!("{name}.bytes")) else { continue };
        let wanted = floats(&folder("decoded.safetensors"), &format!("{name}.numbers"));
        let mut found = vec![0.0; wanted.len()];
        encoding.decode(bytes.data(), &mut found);
        let largest = wanted.iter().fold(0.0f32, |most, n| most.max(n.abs()));
        assert!(furthest(&found, &wanted) <= 1e-6 * largest, "{name}");
        compared += 1;
    }
    assert_eq!(compared, known.len() / 2, "every encoding that is known there");
}

#[test]
fn the_files_name_what_they_are() {
    for name in MODELS {
        let gguf = Gguf::open(&folder(name).join("model.gguf")).unwrap();
        let family = base(name).config.family;
        assert_eq!(gguf.text("general.architecture"), Some(family.name()));
        let gguf = crate::Config::from_gguf(&gguf).unwrap();
        let folder = base(name).config.clone();
        // Factors are computed there and written here: equal but for rounding.
        assert!(furthest(&gguf.rope_factors, &folder.rope_factors) < 1e-5);
        assert_eq!(crate::Config { rope_factors: folder.rope_factors.clone(), ..gguf }, folder);
    }
}
