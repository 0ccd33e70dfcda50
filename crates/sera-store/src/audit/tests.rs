//! Logs are written, edited in every way, cut off at every byte, and read.
use super::*;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::Digest;
use sera_core::audit::Purpose;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

const KEY: [u8; 32] = [7; 32];

fn event(n: u64) -> Event {
    match n % 3 {
        0 => Event::Sent {
            purpose: Purpose::Teacher,
            to: "http://127.0.0.1:8080/v1/chat/completions".to_owned(),
            model: Some("m-1".to_owned()),
            bytes: n * 100,
            body: Some(Digest::of(&n.to_le_bytes())),
            redactions: None,
        },
        1 => Event::Answered {
            request: n,
            outcome: "answered".to_owned(),
            tokens: Some(110),
            microdollars: None,
        },
        _ => Event::Consent { given: n.is_multiple_of(2), to: format!("https://x{n}/v1") },
    }
}

/// A log of `count` records in several segments.
fn log(dir: &Path, count: u64) -> AuditLog {
    let log = opened(dir);
    for n in 0..count {
        assert_eq!(log.append(n, &event(n)).unwrap(), n + 1);
    }
    log
}

fn opened(dir: &Path) -> AuditLog {
    AuditLog { segment: 4 << 10, ..AuditLog::new(dir, &KEY) }
}

fn clean(log: &AuditLog) -> Vec<Recorded> {
    let audited = log.read(0, &[]).unwrap();
    assert_eq!(audited.broken, None);
    audited.records
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let written = log(&folder.path().join("audit"), 40);
    let records = clean(&written);
    assert_eq!(records.len(), 40);
    for (n, record) in (0..).zip(&records) {
        assert_eq!((record.number, record.time_ms), (n + 1, n));
        assert_eq!(serde_json::from_value::<Event>(record.event.clone()).unwrap(), event(n));
    }
    assert!(written.segments().unwrap().len() > 3, "the chain goes on through its segments");
    let again = opened(written.dir());
    assert_eq!(again.head(0).unwrap(), written.head(0).unwrap());
    assert_eq!(again.append(9, &event(9)).unwrap(), 41);
    // The first process sees what the other one wrote.
    assert_eq!(written.append(9, &event(9)).unwrap(), 42);
    assert_eq!(clean(&again).len(), 42);
}

#[test]
fn writers_beside_each_other_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let log = opened(folder.path());
                (0..25).for_each(|n| assert!(log.append(n, &event(n)).is_ok()));
            });
        }
    });
    assert_eq!(clean(&opened(folder.path())).len(), 100);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("audit");
    log(&dir, 1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for path in entries(&dir).unwrap() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files(dir: &Path) -> Files {
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).unwrap());
    entries(dir).unwrap().into_iter().map(read).collect()
}

fn lay(dir: &Path, files: &Files) {
    std::fs::remove_dir_all(dir).unwrap();
    std::fs::create_dir(dir).unwrap();
    for (path, bytes) in files {
        std::fs::write(path, bytes).unwrap();
    }
}

/// Every way in which someone without the key may edit a log.
const EDITS: [&str; 14] = [
    "change one byte",
    "change one byte of the head",
    "cut the end off anywhere",
    "cut whole records off the end",
    "remove a record",
    "remove a byte",
    "insert a byte",
    "repeat a record",
    "swap two records",
    "insert a forged record",
    "forge the last record",
    "put an older copy in its place",
    "remove a segment",
    "swap two segments",
];

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// What a forger without the key writes: all that can be seen is right but the key.
fn forged(line: &[u8]) -> Vec<u8> {
    let chain = Chain::of(&[8; 32]);
    let read: Value = serde_json::from_slice(line).unwrap();
    let (number, time_ms) = (read["number"].as_u64().unwrap(), read["time_ms"].as_u64().unwrap());
    let prev = read["prev"].as_str().unwrap();
    let harmless = Event::Repaired { bytes: 0 };
    chain.write(number, time_ms, &harmless, prev).0.into_bytes()
}

fn other(rng: &mut ChaCha8Rng, from: usize, but: usize) -> usize {
    (but + rng.random_range(1..from)) % from
}

/// Makes edit `kind` somewhere in `now`, a log that grew through the states of `past`.
fn edit(kind: usize, now: &mut Files, past: &[Files], rng: &mut ChaCha8Rng) {
    let is_segment = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "jsonl");
    let segments: Vec<PathBuf> = now.keys().filter(is_segment).cloned().collect();
    let last = segments.last().unwrap().clone();
    let path = match kind {
        2 | 3 | 10 => last,
        1 => now.keys().find(|path| path.ends_with("head")).unwrap().clone(),
        _ => segments[rng.random_range(0..segments.len())].clone(),
    };
    let mut bytes = now[&path].clone();
    let place = rng.random_range(0..bytes.len());
    let mut all = lines(&bytes);
    let record = rng.random_range(0..all.len());
    let with = rng.random_range(0..all.len());
    match kind {
        0 | 1 => bytes[place] ^= rng.random_range(1..=255u8),
        2 => bytes.truncate(place),
        3 => bytes = all[..record].concat(),
        4 => drop(all.remove(record)),
        5 => drop(bytes.remove(place)),
        6 => bytes.insert(place, rng.random()),
        7 => all.insert(rng.random_range(0..=all.len()), all[record].clone()),
        8 => all.swap(record, with),
        9 => all.insert(record, forged(&all[record])),
        10 => {
            let forged = forged(all.last().unwrap());
            *all.last_mut().unwrap() = forged;
        }
        11 => {
            let older = &past[rng.random_range(0..past.len())];
            now.retain(|path, _| !is_segment(&path));
            let of_then = older.iter().filter(|(path, _)| is_segment(path));
            now.extend(of_then.map(|(path, bytes)| (path.clone(), bytes.clone())));
            return;
        }
        12 => {
            now.remove(&path);
            return;
        }
        _ => {
            let at = segments.iter().position(|one| *one == path).unwrap();
            let with = &segments[other(rng, segments.len(), at)];
            let (a, b) = (now[&path].clone(), now[with].clone());
            now.insert(path, b);
            now.insert(with.clone(), a);
            return;
        }
    }
    let by_line = [4, 7, 8, 9, 10].contains(&kind);
    now.insert(path, if by_line { all.concat() } else { bytes });
}

/// Whether reading says that something was done to the log.
fn noticed(dir: &Path) -> bool {
    let audited = opened(dir).read(0, &[]).unwrap();
    let cut = |record: &Recorded| record.event["kind"] == "repaired";
    audited.broken.is_some() || audited.records.iter().any(cut)
}

#[test]
fn every_edit_of_a_log_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("audit");
    let mut past = Vec::new();
    for n in 0..60 {
        opened(&dir).append(n, &event(n)).unwrap();
        past.push(files(&dir));
    }
    let whole = past.pop().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut by_kind = BTreeMap::<&str, usize>::new();
    let mut edits = 0;
    while edits < 1_000 {
        let kind = edits % EDITS.len();
        let mut edited = whole.clone();
        edit(kind, &mut edited, &past, &mut rng);
        if edited == whole {
            continue; // Swapping a record with itself is no edit.
        }
        lay(&dir, &edited);
        assert!(noticed(&dir), "edit {edits} was not noticed: {}", EDITS[kind]);
        *by_kind.entry(EDITS[kind]).or_default() += 1;
        edits += 1;
    }
    assert_eq!(by_kind.len(), EDITS.len());
    lay(&dir, &whole);
    assert!(!noticed(&dir), "an untouched log is whole");
}

/// Nothing follows a log that was changed: what cannot be written down must not happen.
#[test]
fn nothing_is_added_to_a_log_that_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let written = log(folder.path(), 10);
    let segment = written.segments().unwrap().pop().unwrap();
    let kept = lines(&std::fs::read(&segment).unwrap());
    std::fs::write(&segment, kept[..kept.len() - 1].concat()).unwrap();
    for log in [written, opened(folder.path())] {
        let error = log.append(0, &event(0)).unwrap_err();
        assert!(matches!(error, AuditError::Broken(_)), "{error}");
        let broken = log.read(0, &[]).unwrap().broken.unwrap();
        assert!(broken.what.contains("it ends with record 9, but there were 10"), "{broken}");
        let kept = log.restart(1, &broken).unwrap();
        assert!(kept.join("head").is_file());
        assert_eq!(clean(&log)[0].event["kind"], "restarted");
        std::fs::remove_dir_all(log.dir()).unwrap();
        std::fs::rename(kept, log.dir()).unwrap();
    }
}

/// A whole older copy, head and all, passes on its own; a head that is kept elsewhere tells.
#[test]
fn an_older_copy_with_its_head_does_not_reach_an_anchor() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("audit");
    log(&dir, 10);
    let older = files(&dir);
    let newer = log(&dir, 0);
    newer.append(0, &event(0)).unwrap();
    let anchor = newer.head(0).unwrap();
    lay(&dir, &older);
    assert!(newer.read(0, &[]).unwrap().broken.is_some(), "this process has seen more");
    let stranger = opened(&dir);
    assert_eq!(stranger.read(0, &[]).unwrap().broken, None);
    let broken = stranger.read(0, std::slice::from_ref(&anchor)).unwrap().broken.unwrap();
    assert!(broken.to_string().contains("it ends with record 10, but there were 11"), "{broken}");
    let error = opened(&dir).reaching(Some(anchor.clone())).append(5, &event(5)).unwrap_err();
    assert!(matches!(error, AuditError::Broken(_)), "{error}");
    // Grown on from the older copy it has as many records, but not these.
    stranger.append(5, &event(5)).unwrap();
    let broken = stranger.read(0, &[anchor]).unwrap().broken.unwrap();
    assert!(broken.what.contains("not the record that was written"), "{broken}");
}

/// Killed after any byte of an append, with the head written or not, and even with several heads
/// undone, as a power cut may: nothing acknowledged is missing, and nothing is called a change.
#[test]
fn a_writer_may_be_killed_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("audit");
    let grown = |n| {
        opened(&dir).append(n, &event(n)).unwrap();
        files(&dir)
    };
    let states: Vec<Files> = (0..21).map(grown).collect();
    for pair in states.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let grown = after.iter().find(|(path, bytes)| {
            path.extension().is_some_and(|ending| ending == "jsonl")
                && before.get(*path) != Some(*bytes)
        });
        let (path, bytes) = grown.unwrap();
        let old = before.get(path).map_or(0, Vec::len);
        for length in (old..=bytes.len()).step_by(37).chain([bytes.len()]) {
            let mut torn = before.clone();
            torn.insert(path.clone(), bytes[..length].to_vec());
            lay(&dir, &torn);
            let records = clean(&opened(&dir));
            let cut = records.iter().any(|record| record.event["kind"] == "repaired");
            assert_eq!(cut, length > old && length < bytes.len(), "{length} of {}", bytes.len());
            opened(&dir).append(0, &event(0)).unwrap();
            clean(&opened(&dir));
        }
    }
    // The head of long ago.
    let mut undone = states[20].clone();
    let head = dir.join("head");
    undone.insert(head.clone(), states[3][&head].clone());
    lay(&dir, &undone);
    assert_eq!(clean(&opened(&dir)).len(), 21);
}

/// Names the folder in which the child of the next test appends until it is killed.
const CHILD: &str = "SERA_TEST_AUDIT_FOLDER";

#[test]
fn killed_writers_leave_no_false_alarm() {
    if let Some(folder) = std::env::var_os(CHILD) {
        let log = opened(Path::new(&folder));
        (0..u64::MAX).for_each(|n| assert!(log.append(n, &event(n)).is_ok()));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for round in 1..=40 {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "audit::tests::killed_writers_leave_no_false_alarm"]);
        child.env(CHILD, folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        let wanted = acknowledged + rng.random_range(1..6);
        let reader = opened(folder.path());
        while reader.head(0).unwrap().count < wanted {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let records = clean(&opened(folder.path()));
        assert!(records.len() as u64 >= wanted, "round {round}: an acknowledged record is gone");
        acknowledged = records.len() as u64;
    }
}
