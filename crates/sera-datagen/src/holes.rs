//! Completion examples: the code at the cut with a piece of a function missing.
use crate::Policy;
use sera_core::{Hole, Seed, Tree};

/// One prefix completion and up to one hole per function seed, held-out ones marked.
/// `source` is the redacted tree at the cut.
pub fn holes(seeds: &[Seed], source: &dyn Tree, policy: &Policy, rng_seed: u64) -> Vec<Hole> {
    let _ = (seeds, source, policy, rng_seed);
    todo!()
}
