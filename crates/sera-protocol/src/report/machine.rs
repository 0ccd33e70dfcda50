//! The machine: what is enforced on it, and what commands run in.
use crate::wire::records;

records! {
    /// What is enforced here.
    DoctorReport [Default] {
        /// Each kind of environment.
        environments: Vec<EnvironmentReport>,
        /// Wall seconds.
        seconds: f64,
    }

    /// One kind of environment on this machine.
    EnvironmentReport [Default] {
        /// `overlay` or `container`.
        kind: String,
        /// There can be one.
        usable: bool,
        /// The settings demand it.
        demanded: bool,
        /// Actions in it can start processes.
        processes: bool,
        /// Actions in it can read or write files of the machine.
        files: bool,
        /// Actions in it can reach a network.
        network: bool,
        /// Recognised secrets are replaced before anything is shown.
        redacted: bool,
        /// Layers of the system that were found in force, from inside.
        layers: Vec<String>,
        /// Limits that the engine says it cannot enforce.
        lacking: Vec<String>,
        /// Why there can be none.
        why_not: Option<String>,
        /// The engine's address.
        engine: Option<String>,
        /// The engine's version.
        version: Option<String>,
        /// Whoever may use the engine's socket is root on this machine by that.
        root_equivalent: Option<bool>,
    }

    /// What the user agreed to for a repository.
    ConsentReport [Default] {
        /// In the words of the audit log: `send code to https://x/v1`.
        agreed: Vec<String>,
        /// All of it was taken back.
        withdrawn: bool,
    }

    /// An image, or what one would be built from.
    ImageReport {
        /// The recipe, for people to read.
        text: String,
        /// Names the recipe: agreed to, it is built.
        recipe: String,
        /// The image's id; none where nothing was built.
        id: Option<String>,
        /// Wall seconds.
        seconds: f64,
    }
}
