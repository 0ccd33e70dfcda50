//! Where training and likelihoods are computed: by this processor's kernels, or by candle's tensors
//! on a graphics card. Written tokens, the prompt's cache and ranked branches stay on the processor.
use candle_core::Device as Card;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A place to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// This machine's processor, with the kernels of this crate.
    #[default]
    Cpu,
    /// A card of NVIDIA by its number; builds with the feature `cuda`.
    Cuda(usize),
    /// Apple's; builds with the feature `metal`.
    Metal,
}

/// What a user asks for, as in `sera.device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The first card that this build can use, else the processor.
    #[default]
    Auto,
    /// This one or none.
    Only(Device),
}

/// Why a device is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The text names none.
    #[error("{0:?} is no device: say auto, cpu, cuda, cuda:N or metal")]
    Unknown(String),
    /// It is not there, or this build lacks its feature.
    #[error("failed to open {0}{1}")]
    Open(Device, &'static str, #[source] candle_core::Error),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A build without cards has nothing to choose from.
            Self::Auto if !cfg!(any(feature = "cuda", feature = "metal")) => Device::Cpu.fmt(f),
            Self::Auto => f.write_str("auto"),
            Self::Only(device) => device.fmt(f),
        }
    }
}

impl FromStr for Choice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        Ok(match text {
            "auto" => Self::Auto,
            "cpu" => Self::Only(Device::Cpu),
            "cuda" => Self::Only(Device::Cuda(0)),
            "metal" => Self::Only(Device::Metal),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(unknown)?;
                Self::Only(Device::Cuda(number.parse().map_err(|_| unknown())?))
            }
        })
    }
}

impl Choice {
    /// The device, tried: a card that cannot be opened is an error if it was asked for by name.
    pub fn device(self) -> Result<Device, DeviceError> {
        match self {
            Self::Only(device) => device.card().map(|_| device),
            Self::Auto => {
                let cards = [Device::Cuda(0), Device::Metal];
                Ok(cards.into_iter().find(|card| card.card().is_ok()).unwrap_or_default())
            }
        }
    }
}

impl Device {
    /// Candle's handle of the card; none for the processor, which needs no tensors.
    pub(crate) fn card(self) -> Result<Option<Card>, DeviceError> {
        let built = |feature| {
            if feature { "" } else { ", which this build has no support for" }
        };
        match self {
            Self::Cpu => Ok(None),
            Self::Cuda(number) => Card::new_cuda(number)
                .map(Some)
                .map_err(|e| DeviceError::Open(self, built(cfg!(feature = "cuda")), e)),
            Self::Metal => Card::new_metal(0)
                .map(Some)
                .map_err(|e| DeviceError::Open(self, built(cfg!(feature = "metal")), e)),
        }
    }

    /// Bytes of the card's memory that nothing holds; `None` for the processor and where the
    /// system does not say.
    pub fn free_memory(self) -> Option<u64> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(_) => {
                let (free, _) =
                    candle_core::cuda_backend::cudarc::driver::result::mem_get_info().ok()?;
                Some(free as u64)
            }
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => None,
            Self::Cpu | Self::Metal => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<Choice>) {
        assert_eq!(text.parse::<Choice>().ok(), expect, "{text}");
    }

    #[test]
    fn devices_are_named_as_candle_and_torch_name_them() {
        check("auto", Some(Choice::Auto));
        check("cpu", Some(Choice::Only(Device::Cpu)));
        check("cuda", Some(Choice::Only(Device::Cuda(0))));
        check("cuda:3", Some(Choice::Only(Device::Cuda(3))));
        check("metal", Some(Choice::Only(Device::Metal)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_card_that_is_not_there_is_an_error_only_if_asked_for() {
        let missing = Choice::Only(Device::Cuda(99)).device().unwrap_err();
        assert!(missing.to_string().starts_with("failed to open cuda:99"), "{missing}");
        assert!(Choice::Auto.device().is_ok());
        assert_eq!(Choice::Only(Device::Cpu).device().unwrap(), Device::Cpu);
    }
}
