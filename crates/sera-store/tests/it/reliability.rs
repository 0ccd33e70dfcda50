//! What trials with faults are drawn from.
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
pub(crate) use sera_testkit::Goal;

/// Numbers drawn from a seed.
pub(crate) fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
