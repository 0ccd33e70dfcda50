//! The overlay as its users see it: isolation, secrets, limits, and the patch it yields.
#![expect(clippy::unwrap_used, reason = "every function here belongs to a test")]
mod container;
mod overlay;
mod probes;
mod sources;
