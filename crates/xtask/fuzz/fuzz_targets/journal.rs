//! A journal that holds anything: it is opened or refused, and what is appended afterwards is there
//! when it is opened again, beside all that could be read before.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_store::{Kind, Store, journal_survives};
use std::path::PathBuf;
use std::sync::LazyLock;

/// What a store writes: inputs say what becomes of it, since sums are hard to guess.
static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), &|_| true).expect("a fresh store opens");
    for number in 0..4u64 {
        store.put(Kind::Seed, &number.to_string(), &number).expect("it can be written");
    }
    drop(store);
    std::fs::read(folder.path().join("journal")).expect("it is there")
});

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder").keep());

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
    drop(std::fs::remove_dir_all(&*FOLDER));
    std::fs::create_dir_all(&*FOLDER).expect("a folder");
    std::fs::write(FOLDER.join("journal"), journal(input)).expect("a file");
    drop(journal_survives(&FOLDER));
});
