//! The workspace's own rules, kept by tests instead of by memory.
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may depend on whom inside the workspace; `docs/architecture.md` shows the same table.
const EDGES: &[(&str, &[&str])] = &[
    ("sera-core", &[]),
    ("sera-protocol", &["sera-core"]),
    ("sera-git", &["sera-core"]),
    ("sera-syntax", &["sera-core"]),
    ("sera-sandbox", &["sera-core"]),
    ("sera-chat", &["sera-core"]),
    ("sera-model", &["sera-core"]),
    ("sera-store", &["sera-core"]),
    ("sera-agent", &["sera-core", "sera-sandbox", "sera-syntax"]),
    ("sera-datagen", &["sera-agent", "sera-core", "sera-git", "sera-sandbox", "sera-syntax"]),
    ("sera-train", &["sera-agent", "sera-core", "sera-model"]),
    ("git-sera", &["sera-core", "sera-git", "sera-protocol"]),
];

/// Heavy or dangerous dependencies and the only packages that may name them.
const FENCED: &[(&str, &[&str])] = &[
    ("similar", &["sera-core"]),
    ("gix", &["sera-git"]),
    ("tree-sitter", &["sera-syntax"]),
    ("reqwest", &["sera-chat"]),
    ("candle-core", &["sera-model"]),
    ("tokenizers", &["sera-model"]),
    ("sled", &["sera-store"]),
    ("notify", &["sera-daemon"]),
    ("interprocess", &["sera-protocol", "sera-daemon"]),
    ("tokio", &["sera-chat", "sera-daemon", "sera-sandbox"]),
    ("bollard", &["sera-sandbox"]),
];

/// Not shipped, so free to use anything.
const UNFENCED: &[&str] = &["xtask", "sera-testkit"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root")
}

/// Names of direct, shipped dependencies by package.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages are listed");
    packages.iter().map(|p| (name(p), direct(p))).collect()
}

fn name(value: &Value) -> String {
    value["name"].as_str().expect("packages have names").to_owned()
}

fn direct(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("dependencies are listed");
    all.iter().filter(|d| d["kind"].is_null()).map(name).collect()
}

fn sources(endings: &[&str]) -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let listed = String::from_utf8(output.stdout).expect("our paths are UTF-8");
    let wanted = |path: &&str| endings.iter().any(|e| path.ends_with(e));
    let present = |path: &PathBuf| path.is_file();
    listed.lines().filter(wanted).map(|path| root().join(path)).filter(present).collect()
}

#[test]
fn packages_depend_only_downwards() {
    let all = dependencies();
    for (package, allowed) in EDGES {
        let own = all[*package].iter().filter(|d| d.starts_with("sera-") && *d != "sera-testkit");
        let extra: Vec<_> = own.filter(|d| !allowed.contains(&d.as_str())).collect();
        assert!(extra.is_empty(), "{package} must not depend on {extra:?}");
    }
}

#[test]
fn every_package_has_its_row() {
    let rows: BTreeSet<&str> = EDGES.iter().map(|(package, _)| *package).collect();
    for package in dependencies().keys().filter(|p| *p != "sera-daemon") {
        let known = rows.contains(package.as_str()) || UNFENCED.contains(&package.as_str());
        assert!(known, "{package} has no row in the table of edges");
    }
}

#[test]
fn heavy_dependencies_stay_behind_their_fence() {
    for (package, direct) in dependencies() {
        for (dependency, owners) in FENCED {
            let inside = owners.contains(&package.as_str()) || UNFENCED.contains(&package.as_str());
            assert!(
                inside || !direct.contains(*dependency),
                "{package} must not name {dependency}; {owners:?} fence it"
            );
        }
    }
}

#[test]
fn every_source_file_says_why_it_exists() {
    for path in sources(&[".rs"]) {
        let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
    }
}

#[test]
fn no_source_file_is_longer_than_a_thousand_lines() {
    for path in sources(&[".rs", ".ts"]) {
        let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
        // What is generated is as long as what it is generated from says.
        if text.starts_with("// Generated from") {
            continue;
        }
        let lines = text.lines().count();
        assert!(lines <= 1000, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = [concat!("to", "do!("), concat!("unimple", "mented!(")];
    for path in sources(&[".rs"]) {
        let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
        for word in words {
            assert!(!text.contains(word), "{} holds {word}", path.display());
        }
    }
}

/// Only what another test runs, or what prints a figure, may be passed over.
#[test]
fn no_test_is_skipped() {
    let reasons = ["a part of ", "a measurement: "];
    let skip = concat!("#[ign", "ore");
    for path in sources(&[".rs"]) {
        let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
        for line in text.lines().filter(|line| line.trim_start().starts_with(skip)) {
            let allowed = reasons.iter().any(|reason| line.contains(reason));
            assert!(allowed, "{}: {line}", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_what_the_design_names() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "crates",
        "daemon",
        "docs",
        "git-hook",
        "packaging",
        "vscode-extension",
    ];
    for path in sources(&[""]) {
        let relative = path.strip_prefix(root()).expect("listed below the root");
        let top = relative.iter().next().expect("a path has a first part").to_string_lossy();
        assert!(top.starts_with('.') || allowed.contains(&&*top), "{top} stands at the top level");
    }
}

/// Keys of settings that a source names, up to what a format fills in.
fn settings_in(text: &str) -> Vec<&str> {
    let named = text.match_indices("\"sera.").map(|(at, _)| &text[at + 1..]);
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
    named.map(|rest| &rest[..end(rest).unwrap_or(rest.len())]).collect()
}

#[test]
fn every_setting_has_a_row_that_says_whose_it_is() {
    let text = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is there");
    let table = text("crates/sera-git/src/settings.rs").to_lowercase();
    let rows = settings_in(&table);
    assert!(rows.len() > 15, "{rows:?}");
    for path in sources(&[".rs"]) {
        let shipped = path.strip_prefix(root()).expect("sources are ours").to_owned();
        if !shipped.components().any(|part| part.as_os_str() == "src") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("sources are UTF-8").to_lowercase();
        for key in settings_in(&source).into_iter().filter(|key| key.len() > "sera.".len()) {
            let known = rows.iter().any(|row| row.starts_with(key.trim_end_matches('.')));
            // What only says that other keys are refused is no setting.
            let refused = shipped.ends_with("crates/sera-git/src/config.rs");
            // Labels of containers are named alike.
            let label = shipped.ends_with("crates/sera-sandbox/src/container/spec.rs");
            assert!(known || refused || label, "{key} of {} has no row", shipped.display());
        }
    }
}
