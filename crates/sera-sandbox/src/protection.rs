//! What an environment really enforces, said so that a user can check it.
use serde::{Deserialize, Serialize};

/// What actions in an environment can reach, and what holds them back.
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
    /// Secrets known to the rules are replaced before anything is shown.
    pub redacted: bool,
    /// Layers of the operating system that are enforced beneath. None for the overlay: what it
    /// cannot do, it cannot do because no code in it does, not because something forbids it.
    pub layers: Vec<String>,
}

/// What the overlay enforces.
pub fn effective() -> EffectiveProtection {
    EffectiveProtection {
        kind: "overlay".to_owned(),
        processes: false,
        files: false,
        network: false,
        redacted: true,
        layers: Vec::new(),
    }
}
