//! A store whose journal holds anything: it opens or says why not, and what is put in afterwards is
//! there, also when it is opened again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_store::{Kind, Store};
use std::path::Path;
use std::sync::LazyLock;

fn open(path: &Path) -> Result<Store, sera_store::StoreError> {
    Store::open(path, &|_| true)
}

/// What a store writes: inputs say what becomes of it, since sums are hard to guess.
static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let store = open(&path).expect("a fresh store opens");
    for number in 0..4u64 {
        store.put(Kind::Seed, &number.to_string(), &number).expect("it can be written");
    }
    drop(store);
    std::fs::read(path.join("journal")).expect("it is there")
});

/// The input alone, or within a journal: at a place, over as many bytes as are said.
fn journal(input: &[u8]) -> Vec<u8> {
    let [kind, at, over, bytes @ ..] = input else { return input.to_vec() };
    if kind % 4 == 0 {
        return [&[*at, *over], bytes].concat();
    }
    let mut journal = WRITTEN.clone();
    let at = usize::from(*at) * journal.len() / 256;
    let end = journal.len().min(at + usize::from(*over));
    journal.splice(at..end, bytes.iter().copied());
    journal
}

fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    drop(open(&path).expect("a fresh store opens"));
    std::fs::write(path.join("journal"), journal(input)).expect("a file");
    let Ok(store) = open(&path) else { return };
    store.put(Kind::Seed, "here", &1u64).expect("it can be written");
    drop(store);
    let store = open(&path).expect("what was opened opens again");
    assert_eq!(store.get::<u64>(Kind::Seed, "here").expect("it can be read"), Some(1));
});
