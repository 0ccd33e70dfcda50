//! What every test needs and no product ships: repositories built by real git, models that say
//! what they were told to say, trees in memory.
//!
//! Everything is deterministic (fixed authors, fixed increasing dates) and isolated: no test reads
//! or writes the developer's own home, configuration or repositories.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod disk;
#[cfg(unix)]
mod engine;
mod history;
#[cfg(unix)]
pub mod hostile;
mod mixed;
mod model;
mod python;
mod repo;
pub mod teacher;
mod tools;
mod tree;
#[cfg(target_os = "linux")]
pub mod zoo;

#[cfg(unix)]
pub use engine::{Dockerd, TestEngine};
pub use history::History;
pub use mixed::mixed_project;
pub use model::ScriptedModel;
pub use python::{python_project, python_sources};
pub use repo::{AUTHOR, BOT, Person, Repo};
pub use teacher::TeacherServer;
pub use tools::HookTools;
pub use tree::MemoryTree;

/// The first second of every test repository's history (2023-11-14 22:13:20 UTC).
pub const EPOCH: i64 = 1_700_000_000;

/// Seconds between two commits of a test repository.
pub const TICK: i64 = 3_600;
