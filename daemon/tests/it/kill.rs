//! `kill -9` of the whole daemon while it mines, makes tasks, rolls out, trains, evaluates and
//! promotes: the suite does it a few times, `GIT_SERA_TRIALS` asks for more.
use crate::trials::{Told, Trials, run};
use crate::user::{end, poll, signal};
use sera_protocol::Stage;
use sera_testkit::Goal;
use std::time::Instant;

/// One kill: the seconds from the start of the next daemon to its first answer.
fn kill(trials: &mut Trials, stage: Stage) -> f64 {
    let command = trials.command(stage);
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let (before, pid) = (Told::by(&trials.user), trials.user.pid());
    let mut running = trials.user.start(&[&arguments[..], &["--json"]].concat());
    trials.moment(stage, &mut running);
    signal("KILL", pid);
    let ended = end(running);
    // It had heard of its end, or it hears of the daemon's.
    assert!(ended.code == 0 || ended.code == 69 && ended.err.contains("closed"), "{ended:?}");
    poll("daemon and workers have ended", || trials.user.processes().is_empty());

    let started = Instant::now();
    trials.user.sera(&["start"]).well();
    assert!(!trials.user.status().is_null(), "it answers");
    let seconds = started.elapsed().as_secs_f64();
    trials.assert_sound();
    let after = Told::by(&trials.user);
    after.assert_kept(&before, stage);
    if ended.code == 0 {
        after.assert_holds(&ended.json(), stage, &trials.user.repo.head());
    }
    trials.finish(stage, &arguments, &after);
    seconds
}

#[test]
fn a_killed_daemon_loses_nothing_and_leaves_nothing() {
    run(Goal::new("daemon", ["kills of the daemon", "start"], 6), &[], kill);
}
