//! A writer killed at random moments, also while it opens, shreds or builds its index, loses
//! nothing it acknowledged.
use crate::reliability::{Goal, random};
use crate::script::{Progress, WRITERS, heard};
use crate::writer::{Order, examine};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sera_store::IndexState;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Kills after which a new store begins.
const KILLS: usize = 40;

/// Runs the writer, kills it at some moment, and returns what it had acknowledged.
fn run(root: &Path, order: &Order, random: &mut ChaCha8Rng) -> Progress {
    let mut child = order.command(root).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Some a while after their start, others a while after an acknowledgement.
    let (count, pause) = match random.random_range(0..2) {
        0 => (0, random.random_range(0..60_000)),
        _ => (random.random_range(1..40), random.random_range(0..4_000)),
    };
    let mut said: Vec<String> = Vec::new();
    let acknowledged = |line: &&String| line.contains("acknowledged ");
    while said.iter().filter(acknowledged).count() < count {
        said.push(lines.next().expect("it writes until it is killed"));
    }
    std::thread::park_timeout(Duration::from_micros(pause));
    child.kill().unwrap();
    // What it still got to say was acknowledged as well.
    said.extend(lines);
    child.wait().unwrap();
    heard(order.from, said.iter().map(String::as_str))
}

#[test]
fn no_kill_loses_what_was_acknowledged() {
    let mut goal = Goal::new("kill", ["kills", "opening"], 30);
    let mut random = random(goal.seed());
    while goal.goes_on() {
        let root = goal.folder();
        let (rounds, dies) = (u32::MAX, u32::MAX);
        let (seed, harms) = (random.random_range(0..1 << 32), random.random_range(0..2) == 0);
        let mut order = Order { seed, rounds, dies, harms, from: [0; WRITERS.len()] };
        for _ in 0..KILLS {
            order.from = run(root.path(), &order, &mut random);
            goal.count(&format!("{order:?}"), || {
                let opened = examine(root.path(), seed, order.from)?;
                match opened.index {
                    IndexState::Rebuilt { reason, .. } if !harms => Err(reason),
                    IndexState::Rebuilt { .. } | IndexState::Sound { .. } | IndexState::Created => {
                        Ok(opened.seconds)
                    }
                }
            });
            if !goal.goes_on() {
                break;
            }
        }
    }
    goal.reached();
}
