//! Trials of the socket, of which the suite makes a few and `GIT_SERA_TRIALS` asks for more:
//! starters that race, and frames that are none.
#![cfg(target_os = "linux")]
use crate::user::{User, end, number, poll, print, signal};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_protocol::codec::decode;
use sera_protocol::method::StatusParams;
use sera_protocol::{Client, Incoming, Message, Request};
use sera_testkit::python_project;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Starters of each kind in a race.
const STARTERS: usize = 5;

fn daemon(user: &User) -> Child {
    let mut command = user.command("sera-daemon");
    command.arg("run").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Daemons that are not about to leave.
fn running(user: &User) -> Vec<u32> {
    let runs = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"run")
    };
    user.processes().into_iter().filter(runs).collect()
}

/// Commands and daemons start at once, over the socket of one that stopped or was killed: one
/// daemon stays, all commands reach it, and the others leave well.
#[test]
fn one_of_all_starters_wins() {
    let user = User::of(python_project());
    for race in 0..number("GIT_SERA_TRIALS", 6) {
        let mut daemons = Vec::new();
        let mut commands = Vec::new();
        for _ in 0..STARTERS {
            daemons.push(daemon(&user));
            commands.push(user.start(&["start", "--json"]));
        }
        let pids = commands.into_iter().map(|command| end(command).well().json()["pid"].as_u64());
        let pids: BTreeSet<Option<u64>> = pids.collect();
        assert_eq!(pids.len(), 1, "race {race}: {pids:?}");
        let winner = u32::try_from(pids.first().unwrap().unwrap()).unwrap();
        let mut alone = 0;
        poll("all but one have left", || {
            daemons.retain_mut(|daemon| match daemon.try_wait().unwrap() {
                None => true,
                Some(status) => {
                    assert!(status.success() && daemon.id() != winner, "race {race}: {status}");
                    false
                }
            });
            // One that becomes a program in this moment has no command line, and may win later.
            alone = if running(&user) == [winner] { alone + 1 } else { 0 };
            alone > 5
        });
        Client::connect(&user.socket(), "test", "0").unwrap();
        if race % 2 == 0 {
            signal("KILL", winner);
            poll("it is gone", || running(&user).is_empty());
            assert!(user.socket().exists(), "a stale socket is left for the next race");
        } else {
            user.sera(&["stop"]).well();
        }
        for mut daemon in daemons {
            drop(daemon.wait());
        }
    }
}

/// What clients and daemons of all versions said.
fn spoken() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sera-protocol/tests/data");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    let lines = |text: String| text.lines().map(|line| line[2..].into()).collect::<Vec<_>>();
    texts.flat_map(lines).collect()
}

/// Words that a reader of JSON or of calls may stumble over.
const WORDS: [&str; 12] = [
    "{",
    "[",
    "\"",
    "null",
    "-1",
    "1e999",
    "\\ud800",
    "\"id\":1,",
    "job/run",
    "\u{0}",
    "99999999999999999999",
    "\"params\":",
];

fn damaged(spoken: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut frame = spoken[random.random_range(0..spoken.len())].clone();
    for _ in 0..random.random_range(0..5) {
        let at = random.random_range(0..=frame.len());
        let end = random.random_range(at..=frame.len().min(at + 40));
        match random.random_range(0..6) {
            0 => frame.truncate(at),
            1 => drop(frame.drain(at..end)),
            2 => frame.insert(at, random.random()),
            3 => drop(frame.splice(at..end, WORDS[random.random_range(0..WORDS.len())].bytes())),
            4 => drop(frame.splice(at..at, "[".repeat(random.random_range(1..400)).into_bytes())),
            _ => {
                let other = &spoken[random.random_range(0..spoken.len())];
                frame.truncate(at);
                frame.extend_from_slice(&other[at.min(other.len())..]);
            }
        }
    }
    frame.push(b'\n');
    frame
}

/// Whether some line of it would end the daemon, as it should.
fn stops(frame: &[u8]) -> bool {
    let stop = |line: &[u8]| {
        matches!(
            decode(line),
            Incoming::Message(Message::Request { request: Request::Stop(_), .. })
        )
    };
    frame.split(|byte| *byte == b'\n').any(stop)
}

/// A connection that takes what comes back, and counts the answers.
fn connect(user: &User, hello: &[u8], answers: &Arc<AtomicU64>) -> UnixStream {
    let stream = UnixStream::connect(user.socket()).unwrap();
    let (mut reading, answers) = (stream.try_clone().unwrap(), Arc::clone(answers));
    std::thread::spawn(move || {
        let mut taken = [0; 1 << 16];
        while let Ok(count @ 1..) = reading.read(&mut taken) {
            let lines = taken[..count].iter().filter(|byte| **byte == b'\n').count();
            answers.fetch_add(lines as u64, Ordering::Relaxed);
        }
    });
    (&stream).write_all(hello).unwrap();
    stream
}

/// A living daemon hears frames that are none: it answers everybody else and does not grow.
#[test]
fn damaged_frames_harm_nobody() {
    let user = User::of(python_project());
    user.sera(&["start"]).well();
    let (pid, spoken) = (user.pid(), spoken());
    let hello = [spoken[0].clone(), b"\n".to_vec()].concat();
    let mut random = ChaCha8Rng::seed_from_u64(number("GIT_SERA_SEED", 1));
    let answers = Arc::default();
    let mut stream = connect(&user, &hello, &answers);
    let count = number("GIT_SERA_TRIALS", 20_000);
    for at in 0..count {
        let frame = damaged(&spoken, &mut random);
        if stops(&frame) {
            continue;
        }
        // Now and then a connection ends in the middle of a frame.
        if stream.write_all(&frame).is_err() || random.random_range(0..500) == 0 {
            // The thread that takes what comes back holds it open, too.
            drop(stream.shutdown(Shutdown::Both));
            stream = connect(&user, &hello, &answers);
        }
        if at % 5_000 == 0 {
            let mut client = Client::connect(&user.socket(), "test", "0").unwrap();
            assert_eq!(client.call(StatusParams::default()).unwrap().pid, pid);
        }
    }
    let (status, answers) = (user.status(), answers.load(Ordering::Relaxed));
    assert_eq!(status["pid"], pid);
    assert!(answers > count / 4, "they were heard: {answers} answers");
    print(&format!("{count} damaged frames had {answers} answers; {} MB", status["rss_mb"]));
    assert!(status["rss_mb"].as_u64().unwrap() < 200, "{status}");
}
