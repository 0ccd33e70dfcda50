//! What went into the programs, as CycloneDX says it.
use super::PROGRAMS;
use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use toml::Table;

/// A package's version.
pub(super) fn version(metadata: &Value, name: &str) -> Result<String> {
    let mut packages = list(&metadata["packages"]);
    let package = packages.find(|package| package["name"] == name);
    Ok(text(package.context("there is no such package")?, "version")?.to_owned())
}

/// The bill of materials of both programs: each package that is compiled into them or runs while
/// they are built, on the system that `metadata` was asked for.
pub(super) fn of(metadata: &Value, lock: &str, time: u64) -> Result<Value> {
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .map(|one| Ok((text(one, "id")?, one)))
        .collect::<Result<_>>()?;
    let edges = edges(metadata)?;
    let programs =
        packages.iter().filter(|(_, one)| PROGRAMS.iter().any(|name| one["name"] == *name));
    let mut open: Vec<&str> = programs.map(|(id, _)| *id).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    let sums = checksums(lock)?;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for id in &reached {
        let package = packages[id];
        components.push(component(package, &sums)?);
        let needs = edges.get(id).into_iter().flatten().map(|id| purl(packages[id]));
        let needs: BTreeSet<String> = needs.collect::<Result<_>>()?;
        dependencies.push(json!({"ref": purl(package)?, "dependsOn": needs}));
    }
    let version = version(metadata, PROGRAMS[0])?;
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": Timestamp::from_second(i64::try_from(time)?)?.to_string(),
            "component": {
                "type": "application", "name": "git-sera", "version": version,
                "bom-ref": "git-sera",
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// Who needs whom, to run or to be built.
fn edges(metadata: &Value) -> Result<BTreeMap<&str, Vec<&str>>> {
    let mut edges = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let shipped = |dep: &&Value| list(&dep["dep_kinds"]).any(|kind| kind["kind"] != "dev");
        let needs = list(&node["deps"]).filter(shipped).map(|dep| text(dep, "pkg"));
        edges.insert(text(node, "id")?, needs.collect::<Result<Vec<_>>>()?);
    }
    Ok(edges)
}

fn component(package: &Value, sums: &BTreeMap<(String, String), String>) -> Result<Value> {
    let (name, version) = (text(package, "name")?, text(package, "version")?);
    let purl = purl(package)?;
    let mut component = json!({
        "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl,
    });
    if let Some(licence) = package["license"].as_str() {
        let expression = licence.replace('/', " OR ").replace("  OR  ", " OR ");
        component["licenses"] = json!([{"expression": expression}]);
    }
    if let Some(sum) = sums.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    Ok(component)
}

fn purl(package: &Value) -> Result<String> {
    Ok(format!("pkg:cargo/{}@{}", text(package, "name")?, text(package, "version")?))
}

/// What the registry's archives are, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let lock: Table = lock.parse().context("failed to read Cargo.lock")?;
    let packages = lock["package"].as_array().context("no package is locked")?;
    let text = |one: &toml::Value, name: &str| Some(one.get(name)?.as_str()?.to_owned());
    let sum = |one| Some(((text(one, "name")?, text(one, "version")?), text(one, "checksum")?));
    Ok(packages.iter().filter_map(sum).collect())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name].as_str().with_context(|| format!("no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shipped_is_listed() {
        let package = |name: &str| json!({"id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0"});
        let names = ["git-sera", "sera-daemon", "used", "tested", "elsewhere"];
        let dep = |name: &str, kind: Value| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let deps = [dep("used", Value::Null), dep("tested", "dev".into())];
        let metadata = json!({
            "packages": names.map(package),
            "resolve": {"nodes": [{"id": "git-sera", "deps": deps}]},
        });
        let lock = "[[package]]\nname = \"used\"\nversion = \"1.0.0\"\nchecksum = \"00ff\"\n";
        let bill = of(&metadata, lock, 1_764_263_490).expect("it is made");
        let listed: Vec<_> = list(&bill["components"]).map(|one| one["name"].clone()).collect();
        assert_eq!(listed, ["git-sera", "sera-daemon", "used"]);
        let used = &bill["components"][2];
        assert_eq!(used["hashes"][0]["content"], "00ff");
        assert_eq!(used["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["metadata"]["timestamp"], "2025-11-27T17:11:30Z");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/used@1.0.0"]));
    }
}
