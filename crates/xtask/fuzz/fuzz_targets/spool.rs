//! What hooks left, or anybody else: every line is a pair or skipped, and none is lost before and
//! after it was used.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_git::{REWRITTEN, Spool};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

static COMMON: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder").keep();
    Spool::below(&folder).create().expect("a folder");
    folder
});

fuzz_target!(|text: &[u8]| {
    let spool = Spool::below(&COMMON);
    std::fs::write(spool.folder().join(REWRITTEN), text).expect("a file");
    let taken = spool.take().expect("it can be read");
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(taken.rewritten.len() + taken.skipped, lines.len());
    let lines: BTreeSet<&[u8]> = lines.into_iter().collect();
    for pair in &taken.rewritten {
        let line = format!("1 rewritten {} {}\n", pair.old, pair.new);
        assert!(lines.contains(line.as_bytes()), "{line:?}");
    }
    let pairs = taken.rewritten.clone();
    taken.done().expect("it can be renamed");
    let again = spool.take().expect("it can be read");
    assert_eq!(again.rewritten, pairs, "once more, for writers that were slow");
    again.done().expect("nothing was taken");
    for name in std::fs::read_dir(spool.folder()).expect("a folder") {
        std::fs::remove_file(name.expect("a file").path()).expect("it is ours");
    }
});
