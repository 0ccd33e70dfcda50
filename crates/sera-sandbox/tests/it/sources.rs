//! The claim of `effective()` is about the overlay's code, so it is checked against the code.
use std::path::Path;

const FORBIDDEN: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::os",
    "std::env",
    "unsafe",
    "libc",
    "tokio",
    "include",
];

#[test]
fn no_source_reaches_out_of_memory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in ["lib.rs", "overlay.rs", "protection.rs"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a source of the overlay");
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{file} says {word}");
        }
    }
}

#[test]
fn what_is_claimed_is_what_is_checked() {
    let protection = sera_sandbox::effective();
    assert!(!protection.processes && !protection.files && !protection.network);
    assert!(protection.layers.is_empty(), "no layer is claimed that nothing sets up");
}
