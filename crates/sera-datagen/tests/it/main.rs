//! From a repository built by real git to selected trajectories.
mod mining;
mod pipeline;
mod world;
