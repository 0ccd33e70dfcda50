//! The two binaries as a user has them: each test has a home, a daemon and a repository of its
//! own, runs `git-sera`, and waits for conditions, never for time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod adapters;
mod audit;
mod cancel;
mod forget;
#[cfg(target_os = "linux")]
mod full;
mod generate;
mod histories;
mod hostile;
mod input;
#[cfg(target_os = "linux")]
mod kill;
#[path = "../../../crates/sera-core/src/redact/kinds.rs"]
mod kinds;
#[cfg(unix)]
mod load;
mod one_daemon;
mod quickstart;
mod races;
#[cfg(unix)]
mod read_only;
mod report;
mod sandbox;
mod schedule;
mod secrets;
mod select;
#[cfg(unix)]
mod socket;
mod store;
mod together;
#[cfg(target_os = "linux")]
mod trials;
mod untouched;
mod user;
mod watch;
mod work_trees;
#[cfg(target_os = "linux")]
mod zoo;
