//! A base as Hugging Face publishes it: a folder of safetensors with `config.json` and
//! `tokenizer.json`.
//!
//! Only these formats are opened; pickled weights (`.bin`, `.pt`) are never looked at, because
//! reading one runs its code. Headers are bounded before they are believed.
use crate::config::Config;
use crate::gguf::GgufError;
use crate::lora::Projection;
use crate::weights::Read as Numbers;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

mod config;

use config::HfConfig;

const MAX_JSON_BYTES: u64 = 64 << 20;
const MAX_HEADER_BYTES: u64 = 64 << 20;
const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Why a folder is not a base.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file could not be read.
    #[error("failed to read {0}")]
    Io(PathBuf, #[source] std::io::Error),
    /// A file is larger than any known one of its kind.
    #[error("{0} is too large")]
    TooLarge(PathBuf),
    /// A JSON file is malformed.
    #[error("{0} is malformed")]
    Json(&'static str, #[source] serde_json::Error),
    /// A safetensors file is malformed.
    #[error("{0} is malformed")]
    Header(String, #[source] serde_json::Error),
    /// A safetensors file is shorter or longer than its header says.
    #[error("{0} is truncated or has something behind its tensors")]
    Length(String),
    /// The index names a file outside the folder.
    #[error("the index names {0:?}, which is no file of the folder")]
    Foreign(String),
}

/// Where a tensor lies.
#[derive(Debug)]
struct Place {
    file: String,
    /// First byte of its data in the file.
    start: u64,
    info: TensorInfo,
}

/// An open folder: headers read, data not yet.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    files: BTreeSet<String>,
    tensors: HashMap<String, Place>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn json<T: for<'de> Deserialize<'de>>(name: &'static str, bytes: &[u8]) -> Result<T, FolderError> {
    serde_json::from_slice(bytes).map_err(|e| FolderError::Json(name, e))
}

fn read_small(path: &Path) -> Result<Vec<u8>, FolderError> {
    let io = |e| FolderError::Io(path.to_owned(), e);
    if fs::metadata(path).map_err(io)?.len() > MAX_JSON_BYTES {
        return Err(FolderError::TooLarge(path.to_owned()));
    }
    fs::read(path).map_err(io)
}

impl Folder {
    /// Reads the headers of all weight files.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let shards: BTreeSet<String> = if path.join(INDEX).exists() {
            let index: Index = json(INDEX, &read_small(&path.join(INDEX))?)?;
            index.weight_map.into_values().collect()
        } else {
            BTreeSet::from([SINGLE.to_owned()])
        };
        let mut folder =
            Self { path: path.to_owned(), files: BTreeSet::new(), tensors: HashMap::new() };
        for shard in shards {
            // One name, no folder and no parent.
            if Path::new(&shard).file_name().is_none_or(|name| name != shard.as_str()) {
                return Err(FolderError::Foreign(shard));
            }
            folder.add_shard(&shard)?;
            folder.files.insert(shard);
        }
        folder.files.extend([CONFIG, TOKENIZER].map(str::to_owned));
        Ok(folder)
    }

    fn add_shard(&mut self, name: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let io = |e| FolderError::Io(path.clone(), e);
        let mut file = File::open(&path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut header = [0; 8];
        file.read_exact(&mut header).map_err(io)?;
        let length = u64::from_le_bytes(header);
        if length > MAX_HEADER_BYTES || length > size {
            return Err(FolderError::TooLarge(path));
        }
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes).map_err(io)?;
        let metadata: Metadata =
            serde_json::from_slice(&bytes).map_err(|e| FolderError::Header(name.to_owned(), e))?;
        if 8 + length + metadata.data_len() as u64 != size {
            return Err(FolderError::Length(name.to_owned()));
        }
        for (tensor, info) in metadata.tensors() {
            let start = 8 + length + info.data_offsets.0 as u64;
            let place = Place { file: name.to_owned(), start, info: info.clone() };
            self.tensors.insert(tensor, place);
        }
        Ok(())
    }

    /// Names of the files that make the base, in order.
    pub fn files(&self) -> impl Iterator<Item = String> {
        self.files.iter().cloned()
    }

    /// The bytes of `tokenizer.json`.
    pub fn tokenizer(&self) -> Result<Vec<u8>, FolderError> {
        read_small(&self.path.join(TOKENIZER))
    }

    /// The model's shape; what the decoder cannot compute is refused.
    pub fn config(&self) -> Result<Config, crate::base::LoadError> {
        let config: HfConfig = json(CONFIG, &read_small(&self.path.join(CONFIG))?)?;
        Ok(config.shape()?)
    }

    /// A tensor by its GGUF name, as a GGUF file of the same model would hold it: dimensions
    /// fastest first, and rows of q and k in its order.
    pub(crate) fn read(&self, name: &str, dims: &[usize], config: &Config) -> Numbers {
        let hf = hf_name(name).ok_or_else(|| GgufError::MissingTensor(name.to_owned()))?;
        let place = self.tensors.get(&hf).ok_or_else(|| GgufError::MissingTensor(hf.clone()))?;
        let found: Vec<usize> = place.info.shape.iter().rev().copied().collect();
        if found != dims {
            return Err(GgufError::Shape { name: hf, found, wanted: dims.to_vec() });
        }
        let numbers = self.numbers(&hf, place)?;
        let rotated = name.ends_with("attn_q.weight") || name.ends_with("attn_k.weight");
        let paired = rotated && config.family.has_paired_rows();
        Ok(if paired { neighbours(&numbers, dims[0], config.head) } else { numbers })
    }

    fn numbers(&self, name: &str, place: &Place) -> Numbers {
        let (start, end) = place.info.data_offsets;
        let mut file = File::open(self.path.join(&place.file))?;
        file.seek(SeekFrom::Start(place.start))?;
        let mut bytes = Vec::new();
        file.take((end - start) as u64).read_to_end(&mut bytes)?;
        if bytes.len() < end - start {
            return Err(GgufError::Truncated("it ends within a tensor"));
        }
        let half = |b: &[u8]| [b[0], b[1]];
        Ok(match place.info.dtype {
            Dtype::F32 => {
                let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                bytes.chunks_exact(4).map(number).collect()
            }
            Dtype::F16 => {
                bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes(half(b)).to_f32()).collect()
            }
            Dtype::BF16 => {
                bytes.chunks_exact(2).map(|b| half::bf16::from_le_bytes(half(b)).to_f32()).collect()
            }
            other => return Err(GgufError::Malformed(format!("{name} is of type {other:?}"))),
        })
    }
}

/// The name a tensor has in Hugging Face checkpoints.
fn hf_name(gguf: &str) -> Option<String> {
    let (stem, kind) = gguf.rsplit_once('.')?;
    match stem {
        "token_embd" => return Some(format!("model.embed_tokens.{kind}")),
        "output_norm" => return Some(format!("model.norm.{kind}")),
        "output" => return Some(format!("lm_head.{kind}")),
        _ => {}
    }
    let (layer, part) = stem.strip_prefix("blk.")?.split_once('.')?;
    let module = match part {
        "attn_norm" => "input_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        _ => Projection::ALL.iter().find(|p| p.gguf_name() == part)?.hf_name(),
    };
    Some(format!("model.layers.{layer}.{module}.{kind}"))
}

/// Rows that rope rotates together, half a head apart here, side by side.
fn neighbours(numbers: &[f32], inputs: usize, head: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(numbers.len());
    for rows in numbers.chunks_exact(inputs * head) {
        for pair in 0..head / 2 {
            for half in 0..2 {
                out.extend_from_slice(&rows[(half * head / 2 + pair) * inputs..][..inputs]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
