//! Facts and objects in a store that nothing happens to.
use crate::child::open;
use proptest::prelude::*;
use sera_core::Digest;
use sera_store::{Batch, IndexState, Kind, Store, StoreError};
use std::collections::BTreeMap;
use std::fs;

/// Quick to say yes: these tests damage nothing.
fn trusting(dir: &std::path::Path) -> Store {
    Store::open(dir, &|_| true).unwrap()
}

#[test]
fn facts_come_back_by_key_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.opened().index, IndexState::Created);
    let large = "x".repeat(10_000);
    store.put(Kind::Task, "b", &large).unwrap();
    store.put_all(Kind::Task, &[("c", "3"), ("a", "1")]).unwrap();
    store.put(Kind::Seed, "a", &7).unwrap();
    let all: Result<Vec<(String, String)>, _> = store.scan(Kind::Task).unwrap().collect();
    let expect = [("a", "1"), ("b", &large), ("c", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(all.unwrap(), expect);
    assert_eq!(store.get::<u32>(Kind::Seed, "a").unwrap(), Some(7));
    assert_eq!(store.get::<u32>(Kind::Seed, "b").unwrap(), None);
    assert!(store.delete(Kind::Task, "b").unwrap() && !store.delete(Kind::Task, "b").unwrap());
    assert_eq!(store.keys(Kind::Task).unwrap(), ["a", "c"]);
    store.put(Kind::Seed, "a", &8).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.opened().index, IndexState::Sound { replayed: 0 });
    assert_eq!(store.get::<u32>(Kind::Seed, "a").unwrap(), Some(8));
    assert_eq!(store.keys(Kind::Task).unwrap(), ["a", "c"]);
    let report = store.fsck(&|_| true).unwrap();
    assert!(report.sound(), "{report:?}");
    assert_eq!((report.records, report.objects), (6, 1));
}

#[test]
fn kinds_change_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.put_all(Kind::Task, &[("a", 1), ("b", 2)]).unwrap();
    let large = "x".repeat(10_000);
    let mut batch = Batch::default();
    batch.delete(Kind::Task, "a").unwrap();
    batch.delete(Kind::Task, "b").unwrap();
    batch.put(Kind::Task, "b", &3).unwrap();
    batch.put(Kind::Hole, "h", &large).unwrap();
    batch.delete(Kind::Hole, "never there").unwrap();
    assert!(matches!(batch.put(Kind::Hole, "", &1), Err(StoreError::Key(0))));
    assert_eq!(store.keys(Kind::Task).unwrap(), ["a", "b"], "nothing happened yet");
    let check = |store: &Store| {
        assert_eq!(store.keys(Kind::Task).unwrap(), ["b"]);
        assert_eq!(store.get::<u32>(Kind::Task, "b").unwrap(), Some(3));
        assert_eq!(store.get(Kind::Hole, "h").unwrap(), Some(large.clone()));
    };
    store.commit(batch).unwrap();
    check(&store);
    drop(store);
    // The journal says the same as the index.
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    check(&open(dir.path()));
}

#[test]
fn a_second_opener_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    let error = Store::open(dir.path(), &|_| true).unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert!(error.to_string().ends_with("is open in another process"), "{error}");
    drop(store);
    drop(trusting(dir.path()));
}

#[test]
fn an_idle_store_wakes_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    for round in 0..5 {
        store.put(Kind::Job, "j", &round).unwrap();
        store.idle();
        assert_eq!(store.get::<i32>(Kind::Job, "j").unwrap(), Some(round));
        store.idle();
        store.idle();
    }
    assert!(!dir.path().join("index.damaged-1").exists(), "waking is not rebuilding");
}

#[test]
fn what_cannot_be_stored_is_refused_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    for key in [String::new(), "k".repeat(513)] {
        let error = store.put(Kind::Job, &key, &1).unwrap_err();
        assert!(matches!(error, StoreError::Key(_)), "{error}");
    }
    let unwritable: BTreeMap<(i32, i32), i32> = [((1, 2), 3)].into();
    let error = store.put(Kind::Job, "k", &unwritable).unwrap_err();
    assert!(matches!(error, StoreError::Encode { .. }), "{error}");
    store.put(Kind::Job, "k", &"text").unwrap();
    let error = store.get::<u32>(Kind::Job, "k").unwrap_err();
    assert_eq!(error.to_string(), "job k is not of the form asked for");
    store.put_all::<&str, u32>(Kind::Job, &[]).unwrap();
}

#[test]
fn objects_are_their_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    let digest = store.put_object(b"weights").unwrap();
    assert_eq!(store.put_object(b"weights").unwrap(), digest);
    assert_eq!(store.object(&digest).unwrap(), b"weights");
    assert_eq!(fs::read(store.object_path(&digest).unwrap()).unwrap(), b"weights");
    for none in [Digest::of(b"other"), Digest::from_hex("../../lock"), Digest::from_hex("é")] {
        let error = store.object(&none).unwrap_err();
        assert!(matches!(error, StoreError::NoObject(_)), "{error}");
    }
}

#[test]
fn a_workers_file_is_taken_over_only_if_it_is_the_one_announced() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    let file = dir.path().join("incoming");
    fs::write(&file, b"adapter").unwrap();
    let error = store.adopt(&file, &Digest::of(b"another")).unwrap_err();
    assert!(matches!(error, StoreError::WrongDigest { .. }) && file.exists(), "{error}");
    let digest = Digest::of(b"adapter");
    store.adopt(&file, &digest).unwrap();
    assert!(!file.exists());
    assert_eq!(store.object(&digest).unwrap(), b"adapter");
    assert!(store.adopt(dir.path(), &digest).is_err(), "a folder is no file");
}

#[test]
fn threads_share_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = trusting(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for i in 0..50 {
                    store.put(Kind::Hole, &format!("{thread}-{i:02}"), &i).unwrap();
                    store.put(Kind::Spend, "shared", &(thread * 100 + i)).unwrap();
                }
            });
        }
    });
    let last: i32 = store.get(Kind::Spend, "shared").unwrap().unwrap();
    assert_eq!(store.keys(Kind::Hole).unwrap().len(), 200);
    assert_eq!(last % 100, 49, "the last write is some thread's last");
    drop(store);
    let store = open(dir.path());
    assert!(matches!(store.opened().index, IndexState::Sound { replayed: 0 }));
    assert_eq!(store.get::<i32>(Kind::Spend, "shared").unwrap(), Some(last));
}

#[test]
fn ten_thousand_records_are_rebuilt_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let facts: Vec<(String, usize)> = (0..10_000).map(|i| (format!("{i:05}"), i * i)).collect();
    let store = trusting(dir.path());
    store.put_all(Kind::Seed, &facts).unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path());
    assert_eq!(store.opened().index, IndexState::Created);
    assert_eq!(store.opened().records, 10_000);
    let all: Result<Vec<(String, usize)>, _> = store.scan(Kind::Seed).unwrap().collect();
    assert_eq!(all.unwrap(), facts);
}

/// What a write and an opening cost: for `docs/benchmarks.md`.
#[test]
#[ignore = "a measurement: cargo test -p sera-store -- --ignored --nocapture cost"]
#[expect(clippy::print_stdout, reason = "the measurement's result")]
fn cost() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = trusting(dir.path());
    let mut times: Vec<_> = (0..1000)
        .map(|i| {
            let start = std::time::Instant::now();
            store.put(Kind::Spend, &i.to_string(), &"x".repeat(200)).unwrap();
            start.elapsed()
        })
        .collect();
    times.sort();
    let facts: Vec<_> = (0..100_000).map(|i| (format!("{i:06}"), "y".repeat(200))).collect();
    let start = std::time::Instant::now();
    store.put_all(Kind::Seed, &facts).unwrap();
    println!("put {:?} median, {:?} p99; 100,000 in {:?}", times[500], times[990], start.elapsed());
    drop(store);
    let start = std::time::Instant::now();
    drop(open(dir.path()));
    let checked = start.elapsed();
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let start = std::time::Instant::now();
    drop(trusting(dir.path()));
    println!("101,000 records: opened in {checked:?}, rebuilt in {:?}", start.elapsed());
}

#[derive(Clone, Debug)]
enum Operation {
    Put(u8, usize),
    PutTwo(u8, u8, usize),
    Delete(u8),
    Idle,
    Reopen,
    LoseIndex,
    Fsck,
}

fn operation() -> impl Strategy<Value = Operation> {
    let size = prop_oneof![0..50usize, 4_080..4_120usize];
    prop_oneof![
        6 => (0..6u8, size.clone()).prop_map(|(key, size)| Operation::Put(key, size)),
        2 => (0..6u8, 0..6u8, size).prop_map(|(a, b, size)| Operation::PutTwo(a, b, size)),
        3 => (0..6u8).prop_map(Operation::Delete),
        1 => Just(Operation::Idle),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::LoseIndex),
        1 => Just(Operation::Fsck),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_a_map(operations in prop::collection::vec(operation(), 1..20)) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Some(trusting(dir.path()));
        let mut map = BTreeMap::new();
        for operation in operations {
            let open = store.as_ref().unwrap();
            match operation {
                Operation::Put(key, size) => {
                    let value = "v".repeat(size);
                    open.put(Kind::Cut, &key.to_string(), &value).unwrap();
                    map.insert(key.to_string(), value);
                }
                Operation::PutTwo(a, b, size) => {
                    let facts = [a, b].map(|key| (key.to_string(), "w".repeat(size)));
                    open.put_all(Kind::Cut, &facts).unwrap();
                    map.extend(facts);
                }
                Operation::Delete(key) => {
                    let there = open.delete(Kind::Cut, &key.to_string()).unwrap();
                    prop_assert_eq!(map.remove(&key.to_string()).is_some(), there);
                }
                Operation::Idle => open.idle(),
                Operation::Fsck => prop_assert!(open.fsck(&|_| true).unwrap().sound()),
                Operation::Reopen | Operation::LoseIndex => {
                    drop(store.take());
                    if matches!(operation, Operation::LoseIndex) {
                        fs::remove_dir_all(dir.path().join("index")).unwrap();
                    }
                    store = Some(trusting(dir.path()));
                    prop_assert!(store.as_ref().unwrap().opened().sound());
                }
            }
            let open = store.as_ref().unwrap();
            let all: Result<BTreeMap<String, String>, _> = open.scan(Kind::Cut).unwrap().collect();
            prop_assert_eq!(&all.unwrap(), &map);
        }
    }
}

#[test]
fn what_is_shredded_stands_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (small, large) = ("secret-small".to_owned(), "secret-large".repeat(1_000));
    store.put(Kind::Task, "replaced", &small).unwrap();
    store.put_all(Kind::Task, &[("deleted", &large), ("other", &"kept".to_owned())]).unwrap();
    let kept = store.put_object(b"kept by name").unwrap();
    let gone = store.put_object(b"secret-object").unwrap();
    store.put(Kind::Task, "replaced", &"public".to_owned()).unwrap();
    store.put(Kind::Task, "last", &small).unwrap();
    store.delete(Kind::Task, "deleted").unwrap();
    store.delete(Kind::Task, "last").unwrap();
    assert_eq!(store.shred([kept.clone()]).unwrap(), (3, 2));
    assert_eq!(store.shred([kept.clone()]).unwrap(), (0, 0));
    let holds = |folder: &std::path::Path| {
        let mut folders = vec![folder.to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read(&path).unwrap().windows(7).any(|bytes| bytes == b"secret-") {
                    found.push(path);
                }
            }
        }
        found
    };
    store.idle();
    assert_eq!(holds(dir.path()), Vec::<std::path::PathBuf>::new());
    // What is there is what was there, also when the index is made anew.
    let check = |store: &Store| {
        let get = |key| store.get::<String>(Kind::Task, key).unwrap();
        assert_eq!(get("replaced").as_deref(), Some("public"));
        assert_eq!(get("other").as_deref(), Some("kept"));
        assert_eq!((get("deleted"), get("last")), (None, None));
        assert_eq!(store.object(&kept).unwrap(), b"kept by name");
        assert!(matches!(store.object(&gone), Err(StoreError::NoObject(_))));
    };
    check(&store);
    store.put(Kind::Task, "after", &"more".to_owned()).unwrap();
    drop(store);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path());
    check(&store);
    assert_eq!(store.get::<String>(Kind::Task, "after").unwrap().as_deref(), Some("more"));
    let report = store.fsck(&|_| true).unwrap();
    assert!(report.sound(), "{report:?}");
}
