//! From a repository built by real git to selected trajectories.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
mod generation;
mod lessons;
mod mining;
mod paths;
mod pipeline;
mod rewrites;
mod world;
