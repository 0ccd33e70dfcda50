//! The store under kills, damage and two openers. Children are this very test binary.
#![expect(clippy::unwrap_used, reason = "every function here belongs to a test")]
mod child;
mod damage;
mod facts;
#[cfg(target_os = "linux")]
mod full;
mod kill;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod power;
mod rebuild;
mod reliability;
mod rot;
mod script;
mod writer;
