//! Flipped and missing bytes anywhere are found; what is whole is kept, what is lost is named.
use crate::child::{open, valid};
use sera_store::{IndexState, Kind, Report, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};

const RECORDS: usize = 200;

fn value(i: usize) -> String {
    let length = if i % 20 == 19 { 2_000 } else { 10 };
    format!("value {i} ").repeat(length)
}

fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &|_| true).unwrap();
    let facts: Vec<_> = (0..RECORDS).map(|i| (format!("{i:03}"), value(i))).collect();
    for facts in facts.chunks(10) {
        store.put_all(Kind::Task, facts).unwrap();
    }
    drop(store);
    dir
}

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Reads every record; right, or an error that names it. How many are right.
fn readable(store: &Store) -> usize {
    let right = |i: &usize| match store.get::<String>(Kind::Task, &format!("{i:03}")) {
        Ok(Some(found)) => {
            assert_eq!(found, value(*i), "what is served is what was stored");
            true
        }
        Ok(None) | Err(StoreError::DamagedRecord { .. } | StoreError::DamagedObject(_)) => false,
        Err(error) => {
            assert!(matches!(error, StoreError::NoObject(_)), "{error}");
            false
        }
    };
    (0..RECORDS).filter(right).count()
}

fn rebuilt(report: &Report) -> bool {
    matches!(report.index, IndexState::Rebuilt { .. })
}

#[test]
fn a_torn_tail_is_cut_and_writing_goes_on() {
    for extra in [&b"S"[..], b"SREC\x20\0\0\0", &[0; 5_000]] {
        let dir = filled();
        damage(&dir.path().join("journal"), |bytes| bytes.extend_from_slice(extra));
        let store = open(dir.path());
        let report = store.opened();
        assert!(report.sound() && report.torn_bytes == extra.len() as u64, "{report:?}");
        store.put(Kind::Task, "new", &1).unwrap();
        drop(store);
        let store = open(dir.path());
        assert_eq!((store.opened().torn_bytes, readable(&store)), (0, RECORDS));
        assert_eq!(store.get::<i32>(Kind::Task, "new").unwrap(), Some(1));
    }
}

#[test]
fn a_lost_tail_is_noticed_by_what_the_index_knew() {
    let dir = filled();
    damage(&dir.path().join("journal"), |bytes| bytes.truncate(bytes.len() - 3));
    let store = open(dir.path());
    let report = store.opened();
    assert!(rebuilt(report) && report.lost_records == 10, "a batch of ten: {report:?}");
    assert_eq!(readable(&store), RECORDS - 10);
    store.put(Kind::Task, "new", &1).unwrap();
    assert_eq!(store.get::<i32>(Kind::Task, "new").unwrap(), Some(1));
}

#[test]
fn damage_in_the_middle_costs_what_stood_there() {
    for index_too in [false, true] {
        let dir = filled();
        let journal = dir.path().join("journal");
        let middle = fs::metadata(&journal).unwrap().len() as usize / 2;
        damage(&journal, |bytes| bytes[middle] ^= 1);
        if index_too {
            fs::remove_dir_all(dir.path().join("index")).unwrap();
        }
        let store = open(dir.path());
        let report = store.opened().clone();
        assert!(!report.sound() && report.lost_records == 1 && report.damaged.len() == 1);
        assert_eq!(report.unreadable.len(), usize::from(!index_too), "{report:?}");
        assert_eq!(readable(&store), RECORDS - 1);
        let range = report.damaged[0];
        let kept = dir.path().join(format!("quarantine/journal-{}-{}", range.0, range.1));
        assert_eq!(fs::metadata(kept).unwrap().len(), range.1 - range.0);
        assert_eq!(store.fsck(&valid).unwrap().damaged, [range]);
    }
}

/// Makes a journal what an earlier version would have written: no record says what is durable.
fn make_old(bytes: &mut [u8]) {
    bytes[..16].copy_from_slice(b"sera-journal/1\n\n");
    let mut at = 16;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let record = &mut bytes[at..at + 12 + length];
        record[12 + 11] &= 1;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&record[4..8]), &record[12..]);
        record[8..12].copy_from_slice(&crc.to_le_bytes());
        at += 12 + length;
    }
}

#[test]
fn an_old_journal_keeps_all_that_is_readable() {
    let dir = filled();
    let journal = dir.path().join("journal");
    damage(&journal, |bytes| {
        make_old(bytes);
        let end = bytes.len();
        bytes[end - 200] ^= 1;
    });
    let store = open(dir.path());
    assert_eq!(store.opened().lost_records, 1, "{:?}", store.opened());
    assert_eq!(readable(&store), RECORDS - 1);
    store.put(Kind::Task, "new", &1).unwrap();
    drop(store);
    // What is written now says so, and what power left of a write after it is cut off.
    damage(&journal, |bytes| {
        let torn = bytes[bytes.len() - 40..].to_vec();
        bytes.extend(torn);
    });
    let store = open(dir.path());
    assert!(store.opened().torn_bytes == 40 && store.opened().lost_records == 1);
    assert_eq!(store.get::<i32>(Kind::Task, "new").unwrap(), Some(1));
}

#[test]
fn what_was_written_with_a_lost_write_is_cut_off_with_it() {
    let dir = filled();
    let journal = dir.path().join("journal");
    let before = fs::metadata(&journal).unwrap().len() as usize;
    let store = open(dir.path());
    store.put_all(Kind::Task, &[("a", 1), ("b", 2), ("c", 3)]).unwrap();
    drop(store);
    // The first sector of the batch did not get to the disk, nor did the index learn of it.
    damage(&journal, |bytes| bytes[before..before + 20].fill(0));
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path());
    assert!(store.opened().sound() && store.opened().torn_bytes > 0, "{:?}", store.opened());
    assert_eq!((readable(&store), store.keys(Kind::Task).unwrap().len()), (RECORDS, RECORDS));
}

#[test]
fn a_damaged_newer_value_does_not_bring_back_the_older() {
    let dir = filled();
    let store = open(dir.path());
    let end = fs::metadata(dir.path().join("journal")).unwrap().len() as usize;
    store.put(Kind::Task, "000", &"newer").unwrap();
    store.put(Kind::Task, "other", &1).unwrap();
    drop(store);
    damage(&dir.path().join("journal"), |bytes| bytes[end + 30] ^= 1);
    let store = open(dir.path());
    let error = store.get::<String>(Kind::Task, "000").unwrap_err();
    assert_eq!(error.to_string(), "the record of task 000 is damaged");
    assert_eq!(store.opened().unreadable, ["task 000"]);
    assert!(!rebuilt(store.opened()));
}

fn objects(dir: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(dir.join("objects")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn damaged_objects_are_refused_and_can_be_put_again() {
    let dir = filled();
    let paths = objects(dir.path());
    assert_eq!(paths.len(), RECORDS / 20);
    damage(&paths[0], |bytes| bytes[7] ^= 128);
    damage(&paths[1], |bytes| bytes.truncate(100));
    fs::remove_file(&paths[2]).unwrap();
    let store = open(dir.path());
    assert_eq!(readable(&store), RECORDS - 3);
    let report = store.fsck(&valid).unwrap();
    assert!(!report.sound(), "{report:?}");
    assert_eq!((report.damaged_objects.len(), report.unreadable.len()), (2, 3), "{report:?}");
    for i in (0..RECORDS).filter(|i| i % 20 == 19) {
        store.put(Kind::Task, &format!("{i:03}"), &value(i)).unwrap();
    }
    assert_eq!(readable(&store), RECORDS);
    assert!(store.fsck(&valid).unwrap().sound());
}

#[test]
fn an_index_without_its_configuration_is_built_again() {
    for change in ["missing", "short", "generating", "blobs", "no snapshot"] {
        let dir = filled();
        let index = dir.path().join("index");
        match change {
            "missing" => fs::remove_file(index.join("conf")).unwrap(),
            "short" => fs::write(index.join("conf"), b"segm").unwrap(),
            "generating" => fs::write(index.join("snap.00000001.generating"), b"x").unwrap(),
            "blobs" => fs::write(index.join("blobs/1"), b"x").unwrap(),
            _ => fs::read_dir(&index).unwrap().map(|e| e.unwrap().path()).for_each(|path| {
                if path.to_string_lossy().contains("snap.") {
                    fs::remove_file(path).unwrap();
                }
            }),
        }
        let store = open(dir.path());
        let harmless = ["generating", "no snapshot"].contains(&change);
        assert_eq!(rebuilt(store.opened()), !harmless, "{change}: {:?}", store.opened());
        assert!(store.opened().sound() && readable(&store) == RECORDS, "{change}");
    }
}

#[test]
fn a_flipped_or_shortened_index_never_serves_wrong_facts() {
    let mut detected = 0;
    for round in 0..10 {
        let dir = filled();
        let index = dir.path().join("index");
        let mut files: Vec<_> = fs::read_dir(&index)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        let file = &files[round % files.len()];
        damage(file, |bytes| {
            let length = bytes.len();
            if round % 4 == 3 {
                bytes.truncate(length / 2);
            } else {
                (0..16)
                    .for_each(|i| bytes[(length * (2 * i + 1) / 64 + round * 97) % length] ^= 0x55);
            }
        });
        let store = open(dir.path());
        assert!(store.opened().sound(), "{}: {:?}", file.display(), store.opened());
        assert_eq!(readable(&store), RECORDS, "{}", file.display());
        detected += usize::from(rebuilt(store.opened()));
    }
    assert!(detected > 0, "some damage was real");
}

#[test]
fn only_two_damaged_indexes_are_kept() {
    let dir = filled();
    for round in 1..=4 {
        fs::write(dir.path().join("index/conf"), b"").unwrap();
        assert!(rebuilt(open(dir.path()).opened()), "round {round}");
    }
    let kept: Vec<bool> =
        (1..=4).map(|i| dir.path().join(format!("index.damaged-{i}")).exists()).collect();
    assert_eq!(kept, [false, false, true, true]);
}

#[test]
fn a_record_of_a_newer_version_is_named_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.put(Kind::Job, "k", &1).unwrap();
    store.put(Kind::Job, "l", &2).unwrap();
    drop(store);
    damage(&dir.path().join("journal"), |bytes| {
        // Schema 1 becomes 9, as a newer version would have written it, checksum included.
        bytes[16 + 12 + 9] = 9;
        let length = 16 + 12 + u32::from_le_bytes(bytes[20..24].try_into().unwrap()) as usize;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[20..24]), &bytes[28..length]);
        bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    });
    let store = open(dir.path());
    assert!(store.opened().sound());
    let error = store.get::<i32>(Kind::Job, "k").unwrap_err();
    assert_eq!(error.to_string(), "job k was written by a newer version (schema 9)");
    assert_eq!(store.scan::<i32>(Kind::Job).unwrap().filter(Result::is_ok).count(), 1);
}
