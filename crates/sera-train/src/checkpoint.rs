//! A training in the middle, as one safetensors file: what was computed, never the data.
//!
//! Base, examples and configuration are not in it but named by a digest, so that a checkpoint
//! cannot be continued on anything else.
use crate::optimizer::Moments;
use crate::train::TrainConfig;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sera_core::Digest;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The schema word of the file.
pub const CHECKPOINT_SCHEMA: &str = "sera-checkpoint/1";

/// A training in the middle.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Names the base, the examples and the configuration.
    pub run: Digest,
    /// The configuration, so that the same training can be set up again.
    pub config: TrainConfig,
    /// Steps done.
    pub step: usize,
    /// How often the learning rate was halved.
    pub halvings: u32,
    /// Seconds spent.
    pub seconds: f64,
    /// Mean loss of every step done.
    pub loss: Vec<f32>,
    /// The adapter's flat parameters.
    pub parameters: Vec<f32>,
    /// The optimiser's.
    pub moments: Moments,
}

/// Why bytes are not a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a safetensors file.
    #[error("the checkpoint is damaged")]
    Container(#[from] safetensors::SafeTensorError),
    /// Not ours.
    #[error("the checkpoint lacks {0}")]
    Lacks(&'static str),
    /// Its description cannot be read.
    #[error("the checkpoint's description is malformed")]
    Description(#[from] serde_json::Error),
}

/// The small part, kept as JSON in the file's metadata.
#[derive(Serialize, Deserialize)]
struct Description {
    schema: String,
    run: Digest,
    config: TrainConfig,
    step: usize,
    halvings: u32,
    seconds: f64,
}

const DESCRIPTION: &str = "sera";

impl Checkpoint {
    /// The file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let description = Description {
            schema: CHECKPOINT_SCHEMA.to_owned(),
            run: self.run.clone(),
            config: self.config,
            step: self.step,
            halvings: self.halvings,
            seconds: self.seconds,
        };
        let metadata =
            HashMap::from([(DESCRIPTION.to_owned(), serde_json::to_string(&description)?)]);
        let parts = [
            ("loss", &self.loss),
            ("parameters", &self.parameters),
            ("first", &self.moments.first),
            ("second", &self.moments.second),
        ];
        let bytes = parts.map(|(name, numbers)| {
            let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
            (name, numbers.len(), bytes)
        });
        let mut views = Vec::new();
        for (name, len, bytes) in &bytes {
            views.push((*name, TensorView::new(Dtype::F32, vec![*len], bytes)?));
        }
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let description = header.metadata().as_ref().and_then(|m| m.get(DESCRIPTION));
        let description = description.ok_or(CheckpointError::Lacks("its description"))?;
        let description: Description = serde_json::from_str(description)?;
        if description.schema != CHECKPOINT_SCHEMA {
            return Err(CheckpointError::Lacks("a known schema"));
        }
        let tensors = SafeTensors::deserialize(bytes)?;
        let numbers = |name: &'static str| -> Result<Vec<f32>, CheckpointError> {
            let tensor = tensors.tensor(name)?;
            if tensor.dtype() != Dtype::F32 {
                return Err(CheckpointError::Lacks(name));
            }
            let number = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            Ok(tensor.data().chunks_exact(4).map(number).collect())
        };
        let Description { run, config, step, halvings, seconds, .. } = description;
        let moments = Moments { first: numbers("first")?, second: numbers("second")? };
        let (loss, parameters) = (numbers("loss")?, numbers("parameters")?);
        Ok(Self { run, config, step, halvings, seconds, loss, parameters, moments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            run: Digest::of(b"run"),
            config: TrainConfig::default(),
            step: 2,
            halvings: 1,
            seconds: 1.5,
            loss: vec![2.0, 0.1],
            parameters: vec![0.1, -0.0, f32::MIN_POSITIVE],
            moments: Moments { first: vec![1.0, 2.0, 3.0], second: vec![0.0; 3] },
        }
    }

    #[test]
    fn bytes_give_the_checkpoint_back() {
        let bytes = checkpoint().to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint());
    }

    #[test]
    fn damage_is_an_error() {
        let bytes = checkpoint().to_bytes().unwrap();
        for len in [0, 7, 100, bytes.len() - 1] {
            assert!(Checkpoint::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
        }
        let text =
            String::from_utf8_lossy(&bytes).replace("sera-checkpoint/1", "sera-checkpoint/9");
        assert!(Checkpoint::from_bytes(text.as_bytes()).is_err(), "a schema of another day");
        let plain = safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), None).unwrap();
        assert!(matches!(Checkpoint::from_bytes(&plain), Err(CheckpointError::Lacks(_))));
    }
}
