//! Downloads from a server on this machine, wheels by a pip of our own making and by the real one,
//! and conversations with model servers that behave in every way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
mod base;
mod download;
mod llama;
mod server;
mod teacher;

use sera_core::Cancel;
use sera_core::audit::{Audit, Event, Unrecorded};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};

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

/// Writes nothing down.
fn unheard() -> Audit {
    Audit::new(|_| Ok(0))
}

/// Cannot write anything down.
fn unwritable() -> Audit {
    Audit::new(|_| Err(Unrecorded("the disk is full".into())))
}

/// What is written down, in order.
fn heard() -> (Audit, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&events);
    let record = move |event: &Event| {
        let mut events = into.lock().unwrap();
        events.push(event.clone());
        Ok(events.len() as u64)
    };
    (Audit::new(record), events)
}

fn never() -> Cancel {
    Cancel::default()
}
