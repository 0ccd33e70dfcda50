//! The committed TypeScript is what the Rust types say. `cargo xtask codegen` runs this test with
//! `GIT_SERA_CODEGEN` set, and then it writes the file.
use sera_protocol::typescript::generate;
use std::path::Path;

#[test]
fn the_committed_types_are_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vscode-extension/src/protocol.ts");
    if std::env::var_os("GIT_SERA_CODEGEN").is_some() {
        std::fs::write(&path, generate()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generate(), "protocol.ts is stale: run `cargo xtask codegen`");
}

#[test]
fn every_name_that_is_used_is_declared_once() {
    let text = generate();
    let declared: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("export interface ").or_else(|| line.strip_prefix("export type "))
        })
        .filter_map(|rest| rest.split([' ', '{', '=']).next())
        .collect();
    let mut unique = declared.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), declared.len(), "a type is declared twice");
    let code = text.lines().filter(|line| !line.trim_start().starts_with(['*', '/']));
    for word in code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')) {
        let typed = word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.contains(|c: char| c.is_ascii_lowercase());
        assert!(
            !typed || ["Partial", "Record"].contains(&word) || declared.contains(&word),
            "{word} is used and not declared"
        );
    }
}
