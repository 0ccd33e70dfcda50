//! Licences, bans and sources of all that is depended on, as `.cargo/deny.toml` allows them.
use serde_json::Value;
use spdx::{Expression, ParseMode};
use std::path::Path;
use std::process::Command;
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root")
}

fn rules() -> Table {
    let text = std::fs::read_to_string(root().join(".cargo/deny.toml")).expect("it is there");
    text.parse().expect("it is TOML")
}

/// The texts of a list in a section; of tables, their `crate`.
fn listed(rules: &Table, section: &str, name: &str) -> Vec<String> {
    let list = rules[section][name].as_array().expect("it is a list");
    let text = |one: &toml::Value| {
        let text = one.as_str().or_else(|| one["crate"].as_str());
        text.expect("it names something").to_owned()
    };
    list.iter().map(text).collect()
}

/// Every package that some target or feature depends on.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--all-features", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("packages are listed").clone()
}

/// Why a package may not be depended on, if it may not.
fn wrong(package: &Value, rules: &Table) -> Option<String> {
    let text = |name: &str| package[name].as_str();
    let name = text("name").expect("packages have names");
    if listed(rules, "bans", "deny").iter().any(|banned| banned == name) {
        return Some(format!("{name} is banned"));
    }
    let registries = listed(rules, "sources", "allow-registry");
    let known = |source: &str| {
        source.strip_prefix("registry+").is_some_and(|url| registries.iter().any(|r| r == url))
    };
    if let Some(source) = text("source").filter(|source| !known(source)) {
        return Some(format!("{name} comes from {source}"));
    }
    let allowed = listed(rules, "licenses", "allow");
    let Some(licence) = text("license") else { return Some(format!("{name} names no licence")) };
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
        return Some(format!("{name}: {licence:?} cannot be read"));
    };
    // An exception only adds to what a licence allows.
    let may = |required: &spdx::LicenseReq| {
        required.license.id().is_some_and(|id| allowed.iter().any(|one| one == id.name))
    };
    (!expression.evaluate(may)).then(|| format!("{name}: {licence} is not allowed"))
}

#[test]
fn what_is_depended_on_may_be() {
    let rules = rules();
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    let wrong: Vec<String> = packages.iter().filter_map(|one| wrong(one, &rules)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_may_not_be_is_found() {
    let rules = rules();
    let index = "registry+https://github.com/rust-lang/crates.io-index";
    for (name, licence, source, expect) in [
        ("a", Some("MIT OR GPL-3.0-only"), Some(index), None),
        ("a", Some("Apache-2.0 WITH LLVM-exception"), Some(index), None),
        ("a", Some("MIT/Apache-2.0"), None, None),
        (
            "a",
            Some("MIT AND GPL-3.0-only"),
            Some(index),
            Some("a: MIT AND GPL-3.0-only is not allowed"),
        ),
        ("a", Some("free"), Some(index), Some("a: \"free\" cannot be read")),
        ("a", None, Some(index), Some("a names no licence")),
        ("openssl-sys", Some("MIT"), Some(index), Some("openssl-sys is banned")),
        ("a", Some("MIT"), Some("git+https://x/y"), Some("a comes from git+https://x/y")),
        ("a", Some("MIT"), Some("registry+https://x/y"), Some("a comes from registry+https://x/y")),
    ] {
        let package = serde_json::json!({"name": name, "license": licence, "source": source});
        assert_eq!(wrong(&package, &rules).as_deref(), expect);
    }
}
