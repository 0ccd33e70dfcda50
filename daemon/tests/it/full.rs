//! A disk with no space left under the daemon: jobs say so, the daemon lives on with all that is
//! stored, and goes on once there is space.
use crate::trials::{Told, Trials, run};
use crate::user::{end, print};
use rand::Rng as _;
use sera_protocol::Stage;
use sera_testkit::{Ballast, Goal, on_small_disk};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Names the disk to the process that has it.
const MOUNTED: &str = "DAEMON_TEST_DISK";
/// Enough for ten trials with one repository.
const SIZE: &str = "96m";

/// An index that could not be written is doubted: the last two such are kept to be looked at.
const DOUBTED: &[&str] =
    &["work/.git/sera/store/index.damaged-*/*", "work/.git/sera/store/index.damaged-*/snap.*"];

/// One disk that fills up before or during a command: whether the command was refused, and the
/// seconds that it took.
fn fill(trials: &mut Trials, stage: Stage, disk: &Path) -> (bool, f64) {
    let command = trials.command(stage);
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let (before, pid) = (Told::by(&trials.user), trials.user.pid());
    let free = 1 << trials.random.random_range(0..20);
    let early = trials.random.random_bool(0.3).then(|| Ballast::leaving(free, disk));
    let started = Instant::now();
    let mut running = trials.user.start(&[&arguments[..], &["--json"]].concat());
    let ballast = early.unwrap_or_else(|| {
        trials.moment(stage, &mut running);
        Ballast::leaving(free, disk)
    });
    let ended = end(running);
    let seconds = started.elapsed().as_secs_f64();
    let says_why = ended.code == 74 && ended.err.contains("No space left");
    assert!(ended.code == 0 || says_why, "{ended:?}");
    let full = Told::by(&trials.user);
    full.assert_kept(&before, stage);
    if ended.code == 0 {
        full.assert_holds(&ended.json(), stage, &trials.user.repo.head());
    }
    drop(ballast);
    trials.finish(stage, &arguments, &full);
    assert_eq!(trials.user.pid(), pid, "the same daemon goes on");
    (ended.code != 0, seconds)
}

#[test]
fn inside() {
    let Some(disk) = std::env::var_os(MOUNTED).map(PathBuf::from) else { return };
    let goal = Goal::new("daemon-full", ["full disks under the daemon", "command"], 4);
    let refused = Cell::new(0);
    run(goal, DOUBTED, |trials, stage| {
        let (is_refused, seconds) = fill(trials, stage, &disk);
        refused.set(refused.get() + u32::from(is_refused));
        seconds
    });
    assert!(refused.get() > 0, "no disk was full enough to be noticed");
    print(&format!("daemon-full: {} commands were refused, the others had done", refused.get()));
}

#[test]
fn a_full_disk_ends_jobs_and_nothing_else() {
    let disk = tempfile::tempdir().unwrap();
    let mut inside = Command::new(std::env::current_exe().unwrap());
    inside.args(["--exact", "full::inside", "--nocapture", "--test-threads=1"]);
    inside.env(MOUNTED, disk.path()).env("TMPDIR", disk.path());
    let Some(mut inside) = on_small_disk(disk.path(), SIZE, &inside) else { return };
    assert!(inside.status().unwrap().success());
}
