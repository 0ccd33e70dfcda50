//! A base: frozen weights with their tokenizer, from a GGUF file or a Hugging Face folder.

use crate::config::{Config, ConfigError};
use crate::device::{Device, DeviceError};
use crate::folder::{Folder, FolderError};
use crate::gguf::{Gguf, GgufError};
use crate::ops::Composed;
use crate::together::Together;
use crate::tokenizer::{Tokenizer, TokenizerError, Vocabulary};
use crate::weights::{Precision, Weights};
use sha2::Digest as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Frozen weights, their shape and their tokenizer.
#[derive(Debug)]
pub struct Base {
    /// The shape.
    pub config: Config,
    /// The frozen numbers.
    pub weights: Weights,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// What the file calls the model.
    pub name: String,
    /// SHA-256 of the file (of a folder: of its files' digests and names), in hex; `random-…` for [`Base::random`].
    pub digest: String,
    /// The same numbers as tensors of a card, if that is where training and likelihoods are computed.
    pub(crate) card: Option<Composed>,
    device: Device,
    /// Where students of this base meet who answer at the same time.
    pub(crate) together: Together,
}

/// Why a base could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("failed to read {0}")]
    Io(String, #[source] std::io::Error),
    /// Its container is refused.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// Its shape is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its vocabulary is refused.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The folder is refused.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It carries no vocabulary.
    #[error("the model file lacks {0}")]
    NoVocabulary(&'static str),
    /// The device is not to be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// It does not fit the device.
    #[error("failed to copy the base to {0}")]
    Copy(Device, #[source] candle_core::Error),
}

impl Base {
    /// Loads a GGUF file, or a folder of Hugging Face's, with the fastest precision here.
    pub fn load(path: &Path) -> Result<Arc<Self>, LoadError> {
        Self::load_with(path, Precision::fastest())
    }

    /// Loads a GGUF file, or a folder with `config.json`, `tokenizer.json` and safetensors.
    pub fn load_with(path: &Path, precision: Precision) -> Result<Arc<Self>, LoadError> {
        if path.is_dir() {
            return Self::load_folder(path, precision);
        }
        let gguf = Gguf::open(path)?;
        let config = Config::from_gguf(&gguf)?;
        let tokenizer = Tokenizer::new(vocabulary(&gguf)?)?;
        let weights = Weights::from_gguf(&gguf, &config, precision)?;
        let name = gguf.text("general.name").unwrap_or("unnamed").to_owned();
        Ok(Self::of((config, weights, tokenizer), name, digest(path)?))
    }

    /// Only the tokenizer of what [`Self::load`] loads: in moments, and without its weights.
    pub fn tokenizer_of(path: &Path) -> Result<Tokenizer, LoadError> {
        if path.is_dir() {
            return Ok(Tokenizer::from_json(&Folder::open(path)?.tokenizer()?)?);
        }
        Ok(Tokenizer::new(vocabulary(&Gguf::open(path)?)?)?)
    }

    /// A base on the processor.
    fn of(parts: (Config, Weights, Tokenizer), name: String, digest: String) -> Arc<Self> {
        let (config, weights, tokenizer) = parts;
        let (card, device, together) = (None, Device::Cpu, Together::default());
        Arc::new(Self { config, weights, tokenizer, name, digest, card, device, together })
    }

    /// [`Base::load`], with training and likelihoods on `device`. A card computes in f32, whatever
    /// the processor's kernels round to.
    pub fn load_on(path: &Path, device: Device) -> Result<Arc<Self>, LoadError> {
        Self::load(path)?.on(device)
    }

    /// The same base with training and likelihoods on `device`.
    ///
    /// # Panics
    /// Where the base is shared: a device is chosen once, before anything is computed.
    pub fn on(self: Arc<Self>, device: Device) -> Result<Arc<Self>, LoadError> {
        let mut base = Arc::into_inner(self).expect("nobody else holds the base yet");
        base.card = match device.card()? {
            None => None,
            Some(card) => {
                let copy = Composed::new(&base, None, &card);
                Some(copy.map_err(|error| LoadError::Copy(device, error))?)
            }
        };
        base.device = device;
        Ok(Arc::new(base))
    }

    /// Where training and likelihoods are computed.
    pub fn device(&self) -> Device {
        self.device
    }

    fn load_folder(path: &Path, precision: Precision) -> Result<Arc<Self>, LoadError> {
        let folder = Folder::open(path)?;
        let config = folder.config()?;
        let tokenizer = Tokenizer::from_json(&folder.tokenizer()?)?;
        let weights =
            Weights::assemble(&config, precision, |name, dims| folder.read(name, dims, &config))?;
        // One digest over the digests of all files, each with its name.
        let mut hash = sha2::Sha256::new();
        for file in folder.files() {
            hash.update(format!("{}  {}\n", digest(&path.join(&file))?, file));
        }
        let digest = hex(&hash.finalize());
        let name = path.file_name().map_or("unnamed".into(), |name| name.to_string_lossy());
        Ok(Self::of((config, weights, tokenizer), name.into_owned(), digest))
    }

    /// A random model with a byte-level tokenizer, for tests.
    pub fn random(config: Config, seed: u64) -> Arc<Self> {
        Self::random_with(config, seed, Precision::fastest())
    }

    /// A random model of a chosen precision, for tests.
    pub fn random_with(config: Config, seed: u64, precision: Precision) -> Arc<Self> {
        let weights = Weights::random(&config, seed, precision);
        let tokenizer = Tokenizer::byte_level(config.vocabulary);
        Self::of((config, weights, tokenizer), "random".to_owned(), format!("random-{seed}"))
    }
}

fn digest(path: &Path) -> Result<String, LoadError> {
    let failed = |error| LoadError::Io(path.display().to_string(), error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Token types of GGUF that stand for no text: control and user-defined.
const SPECIAL: [i64; 2] = [3, 4];

pub(crate) fn vocabulary(gguf: &Gguf) -> Result<Vocabulary, LoadError> {
    let texts = |key| gguf.texts(key).ok_or(LoadError::NoVocabulary(key));
    if gguf.text("tokenizer.ggml.model") != Some("gpt2") {
        return Err(LoadError::NoVocabulary("a byte-level vocabulary"));
    }
    let kinds = gguf
        .integers("tokenizer.ggml.token_type")
        .ok_or(LoadError::NoVocabulary("tokenizer.ggml.token_type"))?;
    let merges = texts("tokenizer.ggml.merges")?
        .iter()
        .map(|merge| merge.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())))
        .collect::<Option<_>>()
        .ok_or_else(|| TokenizerError::Inconsistent("a merge is not a pair".to_owned()))?;
    Ok(Vocabulary {
        tokens: texts("tokenizer.ggml.tokens")?.to_vec(),
        merges,
        special: (0..).zip(kinds).filter(|(_, k)| SPECIAL.contains(k)).map(|(id, _)| id).collect(),
        pre_tokenizer: gguf.text("tokenizer.ggml.pre").unwrap_or("gpt-2").to_owned(),
    })
}
