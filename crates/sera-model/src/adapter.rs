//! Adapters on disk: the PEFT folder that is stored and exported, and llama.cpp's GGUF form.
//!
//! PEFT's layout was read off peft 0.17's `save_pretrained`, the GGUF one off llama.cpp's
//! `convert_lora_to_gguf.py`. Beside PEFT's two files lies a manifest that names the base: an
//! adapter is a difference to exactly one file of weights and means nothing on another.
use crate::base::Base;
use crate::config::Config;
use crate::lora::{Factor, Lora, LoraConfig, Projection, Slot};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// The schema word of the manifest.
pub const ADAPTER_SCHEMA: &str = "sera-adapter/1";

const WEIGHTS_FILE: &str = "adapter_model.safetensors";
const CONFIG_FILE: &str = "adapter_config.json";
const MANIFEST_FILE: &str = "sera_adapter.json";

/// Largest adapter that is read: r 256 on a 32B base is a tenth of it.
const MAX_BYTES: u64 = 32 << 30;
const MAX_RANK: usize = 1024;

/// Why an adapter could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// A file could not be read or written.
    #[error("failed to access {0}")]
    Io(String, #[source] std::io::Error),
    /// A JSON file is malformed.
    #[error("{0} is malformed")]
    Json(&'static str, #[source] serde_json::Error),
    /// The tensors' container is malformed.
    #[error("the adapter's tensors are malformed")]
    Tensors(#[from] safetensors::SafeTensorError),
    /// It was trained on other weights.
    #[error("the adapter belongs to the base {theirs}, not to {ours}")]
    OtherBase {
        /// Digest of the base it was trained on.
        theirs: String,
        /// Digest of the base at hand.
        ours: String,
    },
    /// A tensor is missing, of another shape or type.
    #[error("the adapter's tensor {0} is missing or does not fit the base")]
    Tensor(String),
    /// Something this engine does not compute.
    #[error("the adapter needs {0}, which is not supported")]
    Unsupported(String),
}

/// What an adapter was trained on, beside PEFT's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`ADAPTER_SCHEMA`].
    pub schema: String,
    /// The base's own name.
    pub base_name: String,
    /// The base's digest.
    pub base_digest: String,
}

/// The part of PEFT's `adapter_config.json` that decides what an adapter computes.
#[derive(Debug, Deserialize)]
struct PeftConfig {
    peft_type: String,
    r: usize,
    lora_alpha: f32,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    bias: Option<String>,
    /// Names of modules, or one pattern for them.
    target_modules: serde_json::Value,
    #[serde(default)]
    layers_to_transform: Option<serde_json::Value>,
    #[serde(default)]
    lora_bias: bool,
    #[serde(default)]
    modules_to_save: Option<Vec<String>>,
    #[serde(default)]
    rank_pattern: HashMap<String, usize>,
    #[serde(default)]
    alpha_pattern: HashMap<String, f32>,
}

impl PeftConfig {
    fn lora(&self) -> Result<LoraConfig, AdapterError> {
        let bias = self.bias.as_deref().unwrap_or("none");
        let unsupported = [
            (self.peft_type != "LORA", "another method than LoRA"),
            (self.use_dora, "DoRA"),
            (self.fan_in_fan_out, "transposed layers"),
            (bias != "none" || self.lora_bias, "biases"),
            (!self.target_modules.is_array(), "modules named by a pattern"),
            (self.layers_to_transform.as_ref().is_some_and(|l| !l.is_null()), "some layers only"),
            (self.modules_to_save.as_ref().is_some_and(|m| !m.is_empty()), "whole layers"),
            (!self.rank_pattern.is_empty() || !self.alpha_pattern.is_empty(), "ranks by layer"),
            (self.r == 0 || self.r > MAX_RANK, "an absurd rank"),
        ];
        if let Some((_, what)) = unsupported.iter().find(|(found, _)| *found) {
            return Err(AdapterError::Unsupported((*what).to_owned()));
        }
        // rsLoRA scales by α/√r; ours by α/r.
        let stretch = if self.use_rslora { (self.r as f32).sqrt() } else { 1.0 };
        Ok(LoraConfig { r: self.r, alpha: self.lora_alpha * stretch, seed: 0 })
    }

    /// Whether it changes these layers: PEFT compares the ends of their names.
    fn targets(&self, projection: Projection) -> bool {
        let names = self.target_modules.as_array().into_iter().flatten();
        names
            .filter_map(|name| name.as_str())
            .any(|name| name == module(projection) || name == projection.hf_name())
    }
}

/// The last word of a linear layer's name, by which PEFT selects it.
fn module(projection: Projection) -> &'static str {
    projection.hf_name().rsplit('.').next().expect("split yields at least one part")
}

pub(crate) fn peft_name(slot: &Slot) -> String {
    let factor = match slot.factor {
        Factor::A => "lora_A",
        Factor::B => "lora_B",
    };
    let module = slot.projection.hf_name();
    format!("base_model.model.model.layers.{}.{module}.{factor}.weight", slot.layer)
}

fn gguf_name(slot: &Slot) -> String {
    let factor = match slot.factor {
        Factor::A => "lora_a",
        Factor::B => "lora_b",
    };
    format!("blk.{}.{}.weight.{factor}", slot.layer, slot.projection.gguf_name())
}

fn access<T>(path: &Path, result: std::io::Result<T>) -> Result<T, AdapterError> {
    result.map_err(|e| AdapterError::Io(path.display().to_string(), e))
}

/// Writes `bytes` and waits until they are on the disk.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AdapterError> {
    let written = fs::File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    access(path, written)
}

fn read(path: &Path) -> Result<Vec<u8>, AdapterError> {
    let size = access(path, fs::metadata(path))?.len();
    if size > MAX_BYTES {
        return Err(AdapterError::Unsupported(format!("{size} bytes")));
    }
    access(path, fs::read(path))
}

/// Writes `lora` as a PEFT folder with its manifest. Overwrites the three files in `dir`.
pub fn save_peft(dir: &Path, base: &Base, lora: &Lora) -> Result<(), AdapterError> {
    access(dir, fs::create_dir_all(dir))?;
    let bytes: &[u8] = bytemuck::cast_slice(lora.parameters());
    let mut views = Vec::with_capacity(lora.slots().len());
    for slot in lora.slots() {
        let range = slot.range();
        let data = &bytes[range.start * 4..range.end * 4];
        let view = TensorView::new(Dtype::F32, vec![slot.rows, slot.columns], data)?;
        views.push((peft_name(slot), view));
    }
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write(&dir.join(WEIGHTS_FILE), &safetensors::serialize(views, Some(format))?)?;
    write(&dir.join(CONFIG_FILE), pretty(&peft_config(base, lora)).as_bytes())?;
    let manifest = Manifest {
        schema: ADAPTER_SCHEMA.to_owned(),
        base_name: base.name.clone(),
        base_digest: base.digest.clone(),
    };
    write(&dir.join(MANIFEST_FILE), pretty(&manifest).as_bytes())
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data serialises");
    text.push('\n');
    text
}

fn peft_config(base: &Base, lora: &Lora) -> serde_json::Value {
    let modules = Projection::ALL.map(module);
    serde_json::json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.name,
        "r": lora.config().r,
        "lora_alpha": lora.config().alpha,
        "lora_dropout": 0.0,
        "target_modules": modules,
        "bias": "none",
        "fan_in_fan_out": false,
        "use_rslora": false,
        "use_dora": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "modules_to_save": null,
    })
}

/// The manifest of a PEFT folder.
pub fn manifest(dir: &Path) -> Result<Manifest, AdapterError> {
    let bytes = read(&dir.join(MANIFEST_FILE))?;
    serde_json::from_slice(&bytes).map_err(|e| AdapterError::Json(MANIFEST_FILE, e))
}

/// Reads a PEFT folder that was trained on `base`; any other base is refused.
pub fn load_peft(dir: &Path, base: &Base) -> Result<Lora, AdapterError> {
    let manifest = manifest(dir)?;
    if manifest.schema != ADAPTER_SCHEMA {
        return Err(AdapterError::Unsupported(format!("the schema {:?}", manifest.schema)));
    }
    if manifest.base_digest != base.digest {
        let (theirs, ours) = (manifest.base_digest, base.digest.clone());
        return Err(AdapterError::OtherBase { theirs, ours });
    }
    import_peft(dir, base)
}

/// Reads a PEFT folder of any origin. That it was trained on `base` is the caller's word; names and
/// shapes must fit. Linear layers that it left alone are not changed.
pub fn import_peft(dir: &Path, base: &Base) -> Result<Lora, AdapterError> {
    let config = read(&dir.join(CONFIG_FILE))?;
    let config: PeftConfig =
        serde_json::from_slice(&config).map_err(|e| AdapterError::Json(CONFIG_FILE, e))?;
    let bytes = read(&dir.join(WEIGHTS_FILE))?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut lora = Lora::new(&base.config, &config.lora()?);
    let slots = lora.slots().to_vec();
    let mut read = 0;
    for slot in &slots {
        let numbers = &mut lora.parameters_mut()[slot.range()];
        if !config.targets(slot.projection) {
            numbers.fill(0.0);
            continue;
        }
        let name = peft_name(slot);
        let tensor = tensors.tensor(&name).map_err(|_| AdapterError::Tensor(name.clone()))?;
        fill(numbers, &tensor, [slot.rows, slot.columns]).ok_or(AdapterError::Tensor(name))?;
        read += 1;
    }
    if tensors.len() != read {
        let more = tensors.len() - read;
        return Err(AdapterError::Unsupported(format!("{more} tensors beside linear layers'")));
    }
    Ok(lora)
}

/// Copies a tensor of the expected shape, widening half floats.
fn fill(numbers: &mut [f32], tensor: &TensorView<'_>, shape: [usize; 2]) -> Option<()> {
    if tensor.shape() != shape {
        return None;
    }
    let data = tensor.data();
    let half = |bytes: &[u8]| [bytes[0], bytes[1]];
    match tensor.dtype() {
        Dtype::F32 => numbers.iter_mut().zip(data.chunks_exact(4)).for_each(|(n, b)| {
            *n = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        }),
        Dtype::F16 => numbers.iter_mut().zip(data.chunks_exact(2)).for_each(|(n, b)| {
            *n = half::f16::from_le_bytes(half(b)).to_f32();
        }),
        Dtype::BF16 => numbers.iter_mut().zip(data.chunks_exact(2)).for_each(|(n, b)| {
            *n = half::bf16::from_le_bytes(half(b)).to_f32();
        }),
        _ => return None,
    }
    numbers.iter().all(|n| n.is_finite()).then_some(())
}

/// Writes `lora` in the form that llama.cpp's `--lora` and Ollama's `ADAPTER` read.
pub fn save_gguf(path: &Path, base: &Base, lora: &Lora) -> Result<(), AdapterError> {
    let mut out = GgufWriter::default();
    out.text("general.type", "adapter");
    out.text("general.architecture", base.config.family.name());
    out.text("general.name", &format!("{} adapter", base.name));
    out.text("adapter.type", "lora");
    out.float("adapter.lora.alpha", lora.config().alpha);
    let numbers = lora.slots().iter().map(|slot| {
        let numbers = &lora.parameters()[slot.range()];
        // GGUF spells dimensions fastest first.
        (gguf_name(slot), [slot.columns, slot.rows], rotary_order(&base.config, slot, numbers))
    });
    write(path, &out.finish(&numbers.collect::<Vec<_>>()))
}

/// llama.cpp rotates neighbouring pairs, Hugging Face halves of a head; its converter moves q's
/// and k's rows accordingly, and `lora_b` must follow.
fn rotary_order(config: &Config, slot: &Slot, numbers: &[f32]) -> Vec<f32> {
    let rotated = matches!(slot.projection, Projection::Q | Projection::K);
    if slot.factor == Factor::A || !rotated || !config.family.has_paired_rows() {
        return numbers.to_vec();
    }
    let half = config.head / 2;
    let source = |row: usize| {
        let (head, within) = (row / config.head, row % config.head);
        head * config.head + (within % 2) * half + within / 2
    };
    (0..slot.rows)
        .flat_map(|row| &numbers[source(row) * slot.columns..][..slot.columns])
        .copied()
        .collect()
}

const ALIGNMENT: usize = 32;
const F32: u32 = 0;

/// GGUF version 3, as its specification lays it out.
#[derive(Default)]
struct GgufWriter {
    metadata: Vec<u8>,
    entries: u64,
}

impl GgufWriter {
    fn key(&mut self, key: &str, kind: u32) {
        self.entries += 1;
        put_text(&mut self.metadata, key);
        self.metadata.extend(kind.to_le_bytes());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        put_text(&mut self.metadata, value);
    }

    fn float(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.metadata.extend(value.to_le_bytes());
    }

    fn finish(self, tensors: &[(String, [usize; 2], Vec<f32>)]) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((tensors.len() as u64).to_le_bytes());
        out.extend(self.entries.to_le_bytes());
        out.extend(self.metadata);
        let mut offset = 0;
        for (name, dims, numbers) in tensors {
            put_text(&mut out, name);
            out.extend((dims.len() as u32).to_le_bytes());
            dims.iter().for_each(|&dim| out.extend((dim as u64).to_le_bytes()));
            out.extend(F32.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset += (numbers.len() * 4).next_multiple_of(ALIGNMENT);
        }
        for (_, _, numbers) in tensors {
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
            numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests;
