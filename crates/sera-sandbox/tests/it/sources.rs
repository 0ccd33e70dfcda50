//! The claim of `effective()` is about the overlay's code, so it is checked against the code.
use std::path::{Path, PathBuf};

const FORBIDDEN: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::os",
    "std::env",
    "unsafe",
    "libc",
    "tokio",
    "include!",
    "include_str!",
];

/// The sources of a folder, folders in it included.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// Between what a model writes and the overlay there is the agent: it reaches nothing either.
#[test]
fn no_source_reaches_out_of_memory() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![own.join("src/overlay.rs"), own.join("src/protection.rs")];
    files.extend(sources(&own.join("../sera-agent/src")));
    for path in &files {
        let text = std::fs::read_to_string(path).expect("sources are text");
        for word in FORBIDDEN {
            // A word that stands in another one is another word.
            let mut at = text.match_indices(word).map(|(at, _)| text[..at].chars().next_back());
            let said = at.any(|before| !before.is_some_and(|c| c.is_alphanumeric() || c == '_'));
            assert!(!said, "{} says {word}", path.display());
        }
    }
    assert!(files.len() >= 15, "only {} sources found", files.len());
}

#[test]
fn what_is_claimed_is_what_is_checked() {
    let protection = sera_sandbox::effective();
    assert!(!protection.processes && !protection.files && !protection.network);
    assert!(protection.layers.is_empty(), "no layer is claimed that nothing sets up");
}
