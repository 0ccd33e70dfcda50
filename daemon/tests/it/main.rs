//! The two binaries as a user has them: each test has a home, a daemon and a repository of its
//! own, runs `git-sera`, and waits for conditions, never for time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod cancel;
mod forget;
mod generate;
#[cfg(unix)]
mod histories;
mod hostile;
mod input;
#[path = "../../../crates/sera-core/src/redact/kinds.rs"]
mod kinds;
#[cfg(unix)]
mod one_daemon;
mod quickstart;
#[cfg(unix)]
mod read_only;
mod sandbox;
mod secrets;
mod select;
mod store;
mod together;
mod untouched;
mod user;
mod watch;
#[cfg(unix)]
mod zoo;
