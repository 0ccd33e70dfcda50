//! Flipped bytes and cut ends in any file of a store: found or harmless, and nothing wrong served.
use crate::child::valid;
use crate::reliability::{Goal, random};
use crate::script::{History, WRITERS, take};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sera_store::{Kind, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Steps of each writer before the damage.
const STEPS: u32 = 60;

fn trusting(root: &Path) -> Store {
    Store::open(&root.join("store"), &|_| true).unwrap()
}

/// A store with a history.
fn filled(goal: &Goal, seed: u64) -> tempfile::TempDir {
    let root = goal.folder();
    let mut store = trusting(root.path());
    for i in 0..STEPS {
        for writer in 0..WRITERS.len() {
            take(&store, root.path(), seed, writer, i).unwrap();
        }
        if i % 20 == 19 {
            drop(store);
            store = trusting(root.path());
        }
    }
    drop(store);
    root
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let to = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    fs::create_dir_all(to.join("store/index/blobs")).unwrap();
}

/// Damages a file of the store, the journal and the index as often as all objects together.
fn damage(root: &Path, random: &mut ChaCha8Rng) -> String {
    let part = ["journal", "objects", "index"][random.random_range(0..3)];
    let path = root.join("store").join(part);
    let mut all = if path.is_dir() { files(&path) } else { vec![path] };
    all.retain(|file| fs::metadata(file).unwrap().len() > 0);
    let file = &all[random.random_range(0..all.len())];
    let mut bytes = fs::read(file).unwrap();
    let name = file.strip_prefix(root).unwrap().display();
    let what = if random.random_range(0..4) == 0 {
        bytes.truncate(random.random_range(0..bytes.len()));
        format!("{name} cut to {}", bytes.len())
    } else {
        let count = random.random_range(1..=16);
        // Where something stands: most of an index is empty. Near each other half of the time, as
        // in a bad sector.
        let used: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
        let start = random.random_range(0..used.len());
        let near = if random.random_range(0..2) == 0 { 512 } else { used.len() };
        for _ in 0..count {
            let at = (start + random.random_range(0..near)) % used.len();
            bytes[used[at]] ^= random.random_range(1..=255u8);
        }
        format!("{name}: {count} flips")
    };
    fs::write(file, bytes).unwrap();
    what
}

/// What is served is right, or an error that names it, or, where the loss is told of, what was
/// right before.
fn served(store: &Store, history: &[History]) -> Result<usize, String> {
    let mut lost = 0;
    for history in history {
        for key in history.keys() {
            match store.get::<String>(history.kind(), key) {
                Ok(found) if found.as_ref() == history.last(key) => {}
                Ok(Some(found)) if !history.ever(key, &found) => {
                    return Err(format!("{key} was never {found}"));
                }
                Ok(_)
                | Err(
                    StoreError::DamagedRecord { .. }
                    | StoreError::DamagedObject(_)
                    | StoreError::NoObject(_),
                ) => lost += 1,
                Err(error) => return Err(format!("{key}: {error:?}")),
            }
        }
        lost += history.objects().filter(|digest| store.object(digest).is_err()).count();
    }
    Ok(lost)
}

fn examine(root: &Path, history: &[History]) -> Result<f64, String> {
    let started = Instant::now();
    let dir = root.join("store");
    let store = Store::open(&dir, &valid).map_err(|error| format!("does not open: {error:?}"))?;
    let seconds = started.elapsed().as_secs_f64();
    let lost = served(&store, history)?;
    let opened = store.opened().clone();
    let checked = store.fsck(&valid).map_err(|error| error.to_string())?;
    if lost > 0 && opened.sound() && checked.sound() {
        return Err(format!("{lost} facts are gone in silence: {opened:?} {checked:?}"));
    }
    // It goes on.
    store.put(Kind::Seed, "new", &1).map_err(|error| error.to_string())?;
    let lost = served(&store, history)?;
    drop(store);
    // Built again from the journal and the objects it serves the same, but for what only the index
    // still knew of a damaged record, and that is told of.
    fs::remove_dir_all(dir.join("index")).map_err(|error| error.to_string())?;
    let store = Store::open(&dir, &valid).map_err(|error| format!("no second time: {error:?}"))?;
    if store.get(Kind::Seed, "new").ok() != Some(Some(1)) {
        return Err("what was stored after the damage is gone".to_owned());
    }
    match served(&store, history)? {
        now if now > lost && store.opened().sound() => {
            Err(format!("{now} facts are gone after the index was built again, {lost} before"))
        }
        _ => Ok(seconds),
    }
}

#[test]
fn damage_is_found_or_harmless() {
    let mut goal = Goal::new("rot", ["corruptions", "opening"], 60);
    let mut random = random(goal.seed());
    while goal.goes_on() {
        let seed = random.random_range(0..1 << 32);
        let whole = filled(&goal, seed);
        let history: Vec<History> =
            (0..WRITERS.len()).map(|writer| History::of(seed, writer, STEPS)).collect();
        for _ in 0..100 {
            let root = goal.folder();
            copy(whole.path(), root.path());
            let what = damage(root.path(), &mut random);
            goal.count(&what, || examine(root.path(), &history));
            if !goal.goes_on() {
                break;
            }
        }
    }
    goal.reached();
}
