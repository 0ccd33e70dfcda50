//! The cut and the held-out rules: decided once, before any rollout, by seed.
use crate::FunctionKey;

/// How many of `eligible` commits, newest first, are held out:
/// min(max(50, 10 %), 25 %), and none below 8 (then functions alone are held out).
pub fn held_out_commits(eligible: usize) -> usize {
    let _ = eligible;
    todo!()
}

/// Whether a function is held out: BLAKE3(path NUL name) mod 10 = 0.
pub fn held_out_function(key: &FunctionKey) -> bool {
    let _ = key;
    todo!()
}
