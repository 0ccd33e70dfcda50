//! A store whose journal holds anything: it opens or says why not, and what is put in afterwards is
//! there, also when it is opened again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_store::{Kind, Store};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    drop(Store::open(&path, &|_| true).expect("a fresh store opens"));
    std::fs::write(path.join("journal"), bytes).expect("a file");
    let Ok(store) = Store::open(&path, &|_| true) else { return };
    store.put(Kind::Seed, "here", &1u64).expect("it can be written");
    drop(store);
    let store = Store::open(&path, &|_| true).expect("what was opened opens again");
    assert_eq!(store.get::<u64>(Kind::Seed, "here").expect("it can be read"), Some(1));
});
