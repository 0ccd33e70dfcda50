//! Downloads from a server on this machine, wheels by a pip of our own making and by the real one,
//! and conversations with model servers that behave in every way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
mod base;
mod download;
mod llama;
mod server;
mod teacher;

use sera_core::Cancel;
use sha2::{Digest as _, Sha256};

/// Bytes that differ everywhere, so that a shifted or repeated part cannot go unnoticed.
fn content(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(byte).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn never() -> Cancel {
    Cancel::default()
}
