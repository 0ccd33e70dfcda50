//! The claim of `effective()` is about this crate's code, so it is checked against the code.
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
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).expect("sources are flat text files");
        for word in FORBIDDEN {
            assert!(!text.contains(word), "{} says {word}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} sources found");
}

#[test]
fn what_is_claimed_is_what_is_checked() {
    let protection = sera_sandbox::effective();
    assert!(!protection.processes && !protection.files && !protection.network);
    assert!(protection.layers.is_empty(), "no layer is claimed that nothing sets up");
}
