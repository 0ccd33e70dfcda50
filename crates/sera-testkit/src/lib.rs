//! What every test needs and no product ships: repositories built by real git, models that say
//! what they were told to say, trees in memory.
//!
//! Everything is deterministic (fixed authors, fixed increasing dates) and isolated: no test reads
//! or writes the developer's own home, configuration or repositories.
mod base;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod disk;
#[cfg(unix)]
mod engine;
#[cfg(target_os = "linux")]
mod full;
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
mod trials;
#[cfg(target_os = "linux")]
pub mod zoo;

pub use base::tiny_base;
#[cfg(unix)]
pub use engine::{Dockerd, TestEngine};
#[cfg(target_os = "linux")]
pub use full::{Ballast, on_small_disk};
pub use history::History;
pub use mixed::mixed_project;
pub use model::ScriptedModel;
pub use python::{python_project, python_sources};
pub use repo::{AUTHOR, BOT, Person, Repo};
pub use teacher::TeacherServer;
pub use tools::HookTools;
pub use tree::MemoryTree;
pub use trials::Goal;

/// The first second of every test repository's history (2023-11-14 22:13:20 UTC).
pub const EPOCH: i64 = 1_700_000_000;

/// Seconds between two commits of a test repository.
pub const TICK: i64 = 3_600;
