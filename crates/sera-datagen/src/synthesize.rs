//! Synthesis: a seed becomes tasks, each with a text that says what is wrong and not how to mend it.
use crate::{Bases, DropReason, Policy};
use sera_core::{Seed, SeedId, Task};

/// What came of some seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synthesized {
    /// The tasks, in the order of their seeds.
    pub tasks: Vec<Task>,
    /// What did not become a task and why: the seed, and once per candidate.
    pub dropped: Vec<(SeedId, DropReason)>,
}

/// Tasks of one seed. The caps over a batch are not applied: see [`synthesize_all`].
/// Deterministic in `rng_seed`; `now_ms` (Unix milliseconds) is what ids are ordered by.
pub fn synthesize(
    seed: &Seed,
    bases: &Bases,
    policy: &Policy,
    rng_seed: u64,
    now_ms: u64,
) -> Synthesized {
    let _ = (seed, bases, policy, rng_seed, now_ms);
    todo!()
}

/// Tasks of many seeds under the caps of the policy, duplicates removed; held-out and trained
/// tasks are capped apart.
pub fn synthesize_all(
    seeds: &[Seed],
    bases: &Bases,
    policy: &Policy,
    rng_seed: u64,
    now_ms: u64,
) -> Synthesized {
    let _ = (seeds, bases, policy, rng_seed, now_ms);
    todo!()
}
