//! The power is cut at any call of a writer, and what nothing has made durable is there, or not,
//! or in part: nothing acknowledged is lost, nothing is read by half, and the store opens.
use crate::reliability::{Goal, random};
use crate::script::{Progress, WRITERS, heard};
use crate::writer::{Order, examine};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sera_testkit::disk::{Model, Recording};
use std::path::Path;

/// Pieces of housekeeping in a recording.
const ROUNDS: u32 = 8;
/// States that are built from one recording.
const STATES: usize = 60;

/// A recording of writers, and what was acknowledged before it.
struct Life {
    recording: Recording,
    before: Progress,
    seed: u64,
}

impl Life {
    /// Goes on in `root` after `before`.
    fn of(root: &Path, seed: u64, before: Progress, random: &mut ChaCha8Rng) -> Self {
        let mut recording = Recording::new(root).unwrap();
        let mut from = before;
        loop {
            // One that dies is followed by another, on what it had written, synced or not.
            let dies = from[0] + random.random_range(0..100);
            let order = Order { seed, rounds: ROUNDS, dies, harms: true, from };
            let ended = recording.run(&mut order.command(root)).unwrap();
            from = heard(before, recording.said(recording.calls()));
            if ended {
                return Self { recording, before, seed };
            }
            assert_eq!(from[0], dies, "it died of nothing else");
        }
    }

    /// Writes a state into `to`; what was acknowledged then.
    fn cut(&self, at: usize, model: Model, random: &mut ChaCha8Rng, to: &Path) -> Progress {
        let state = self.recording.cut(at, model, &mut |below| random.random_range(0..below));
        state.write(to).unwrap();
        heard(self.before, self.recording.said(at))
    }
}

fn any(random: &mut ChaCha8Rng) -> Model {
    Model::ALL[random.random_range(0..Model::ALL.len())]
}

#[test]
fn no_power_cut_loses_what_was_acknowledged() {
    let mut goal = Goal::new("power", ["states", "opening"], 120);
    let mut random = random(goal.seed());
    let mut root = goal.folder();
    let (mut seed, mut progress) = (random.random_range(0..1 << 32), [0; WRITERS.len()]);
    while goal.goes_on() {
        let life = Life::of(root.path(), seed, progress, &mut random);
        let calls = life.recording.calls();
        for _ in 0..STATES {
            let (at, model) = (random.random_range(0..=calls), any(&mut random));
            let to = goal.folder();
            let progress = life.cut(at, model, &mut random, to.path());
            let name = format!("{model:?} after call {at} of {calls}");
            goal.count(&name, || Ok(examine(to.path(), life.seed, progress)?.seconds));
        }
        // The next life begins where power left this one, or with nothing.
        root = goal.folder();
        if random.random_range(0..4) == 0 {
            (seed, progress) = (random.random_range(0..1 << 32), [0; WRITERS.len()]);
        } else {
            let at = random.random_range(calls / 2..=calls);
            let model = any(&mut random);
            progress = life.cut(at, model, &mut random, root.path());
        }
    }
    goal.reached();
}
