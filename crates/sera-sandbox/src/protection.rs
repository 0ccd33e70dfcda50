//! What an environment really enforces, said so that a user can check it.
use serde::{Deserialize, Serialize};

/// The protections in force, each one by construction or by the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveProtection {
    /// The kind of environment, `overlay`.
    pub kind: String,
    /// Actions can start processes.
    pub processes: bool,
    /// Actions can read or write files of the machine.
    pub files: bool,
    /// Actions can reach a network.
    pub network: bool,
    /// Layers of the operating system that are enforced beneath; none for the overlay.
    pub layers: Vec<String>,
}

/// What the overlay enforces.
pub fn effective() -> EffectiveProtection {
    EffectiveProtection {
        kind: "overlay".to_owned(),
        processes: false,
        files: false,
        network: false,
        layers: Vec::new(),
    }
}
