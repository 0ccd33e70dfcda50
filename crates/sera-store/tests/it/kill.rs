//! A writer killed at random moments loses nothing it acknowledged.
use crate::child::{again, folder, open};
use sera_store::{IndexState, Kind, Store};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

const THREADS: u32 = 3;

/// What the writer stores as its `i`-th: small facts, objects and pairs in turn.
fn value(thread: u32, i: u32) -> String {
    let length = if i % 5 == 4 { 9_000 } else { 20 };
    format!("{thread}/{i}/").repeat(length / 5)
}

fn write(store: &Store, thread: u32, from: u32) {
    for i in from.. {
        let (key, value) = (format!("{thread}-{i:06}"), value(thread, i));
        if i % 3 == 0 {
            let facts = [(format!("left-{key}"), &value), (format!("right-{key}"), &value)];
            store.put_all(Kind::Verdict, &facts).unwrap();
        }
        store.put(Kind::Trajectory, &key, &value).unwrap();
        if i % 7 == 0 {
            store.delete(Kind::Trajectory, &key).unwrap();
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {thread} {i}").unwrap();
    }
}

#[test]
fn writer() {
    let Some(dir) = folder() else { return };
    let store =
        Store::open(Path::new(&dir), &|index| sera_store::check_index(index).is_ok()).unwrap();
    let written = store.keys(Kind::Trajectory).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mine = format!("{thread}-");
            let last = written.iter().filter_map(|key| key.strip_prefix(&mine)).next_back();
            let from = last.map_or(0, |last| last.parse::<u32>().unwrap() + 1);
            let store = &store;
            scope.spawn(move || write(store, thread, from));
        }
    });
}

/// Runs the writer until it acknowledged `count` writes and kills it there and then.
fn run(dir: &Path, count: usize) -> Vec<(u32, u32)> {
    let mut child = again("kill::writer", dir).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    for line in lines.map_while(Result::ok) {
        // The harness prints without a newline before the first one.
        let Some(at) = line.find("acknowledged ") else { continue };
        let numbers: Vec<u32> = line[at..].split(' ').skip(1).flat_map(str::parse).collect();
        if let [thread, i] = numbers[..] {
            acknowledged.push((thread, i));
        }
        if acknowledged.len() == count {
            // SIGKILL; what it still gets to print was acknowledged as well.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

fn check(dir: &Path, acknowledged: &[(u32, u32)]) {
    let store = open(dir);
    let report = store.opened();
    assert!(report.sound(), "{report:?}");
    assert!(matches!(report.index, IndexState::Sound { .. } | IndexState::Created), "{report:?}");
    for &(thread, i) in acknowledged {
        let key = format!("{thread}-{i:06}");
        let stored = store.get::<String>(Kind::Trajectory, &key).unwrap();
        assert_eq!(stored, (i % 7 != 0).then(|| value(thread, i)), "{key}");
    }
    let sides = |side: &str| {
        let keys = store.keys(Kind::Verdict).unwrap();
        keys.iter().filter_map(|key| key.strip_prefix(side)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(sides("left-"), sides("right-"), "pairs are stored together or not at all");
    for value in store.scan::<String>(Kind::Trajectory).unwrap() {
        value.expect("everything listed can be read");
    }
}

#[test]
fn thirty_kills_lose_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // The moments differ by this sequence and by the scheduler.
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..30 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let before = acknowledged.len();
        acknowledged.extend(run(dir.path(), 1 + (random % 60) as usize));
        assert!(acknowledged.len() > before, "the writer wrote");
        check(dir.path(), &acknowledged);
    }
    let store = open(dir.path());
    let report = store.fsck(&crate::child::valid).unwrap();
    assert!(report.sound() && report.objects > 0, "{report:?}");
    assert_eq!(std::fs::read_dir(dir.path().join("objects/tmp")).unwrap().count(), 0);
}
