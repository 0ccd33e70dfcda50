//! Random histories, with everything people do to them, while the daemon watches: afterwards its
//! state is that of a fresh mining of the same history.
//!
//! Three histories of sixty events here, and of 340 where more are asked for. A failure names its
//! seed, `GIT_SERA_SEED` begins there.
use crate::user::{User, number, poll, print};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::Seed;
use sera_datagen::{Known, Policy, mine};
use sera_store::{Kind, Store};
use sera_testkit::{Repo, python_project};
use std::process::Stdio;

/// Runs git, which may refuse: there is not always something to merge, drop or go back to.
fn git(repo: &Repo, arguments: &[&str]) -> bool {
    let mut command = repo.command();
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().success()
}

/// Another version of some function of the project.
fn edit(repo: &Repo, random: &mut ChaCha8Rng) {
    let file = ["stats", "orders", "extra", "prices"][random.random_range(0..4)];
    let path = format!("stockroom/{file}.py");
    let before = std::fs::read_to_string(repo.path().join(&path)).unwrap_or_default();
    let (name, by) = (random.random_range(0..9), random.random_range(1..99));
    let function = format!(
        "\n\ndef made_{name}(values):\n    total = 0\n    for value in values:\n        \
         total = total + value * {by}\n    return total\n"
    );
    let kept = match before.find(&format!("\n\ndef made_{name}(")) {
        Some(at) => before[..at].to_owned(),
        None => before,
    };
    repo.write(&path, kept + &function);
}

fn commit(repo: &Repo, random: &mut ChaCha8Rng, options: &[&str]) -> bool {
    edit(repo, random);
    git(repo, &["add", "--all"]);
    let subject = format!("Weigh values by {}", random.random_range(0..1_000_000));
    git(repo, &[&["commit", "-q", "-m", &subject], options].concat())
}

/// What a conflict leaves is put away, as people do.
fn settle(repo: &Repo) {
    for operation in ["rebase", "merge", "cherry-pick", "revert"] {
        git(repo, &[operation, "--abort"]);
    }
    git(repo, &["reset", "-q", "--hard"]);
}

fn event(repo: &Repo, random: &mut ChaCha8Rng) {
    let back = format!("HEAD~{}", random.random_range(1..6));
    let branch = ["main", "topic", "other"][random.random_range(0..3)];
    let git = |arguments: &[&str]| git(repo, arguments);
    let _refused = match random.random_range(0..22) {
        0..8 => commit(repo, random, &[]),
        8 | 9 => commit(repo, random, &["--amend"]),
        10 => git(&["commit", "-q", "--amend", "-m", "Say it better"]),
        11 => git(&["reset", "-q", "--hard", &back]),
        12 => git(&["reset", "-q", "--hard", "HEAD@{1}"]),
        13 => git(&["switch", "-q", branch]) || git(&["switch", "-q", "-c", branch]),
        14 => git(&["branch", "-q", "-f", branch, &back]),
        15 => git(&["rebase", "-q", branch]),
        16 => git(&["rebase", "-q", "--onto", &back, "HEAD~1"]),
        17 => git(&["merge", "-q", "--no-ff", "-m", "Merge a branch", branch]),
        18 => git(&["cherry-pick", branch]),
        19 => git(&["revert", "--no-edit", "HEAD"]),
        // Somebody else's push, as far as this repository can see it.
        20 => git(&["push", "-q", "-f", ".", "HEAD:refs/heads/pushed"]),
        _ => match random.random_range(0..4) {
            0 => git(&["gc", "-q", "--prune=now"]),
            1 => git(&["repack", "-q", "-a", "-d"]),
            2 => git(&["pack-refs", "--all"]),
            _ => git(&["reflog", "expire", "--expire=now", "--all"]),
        },
    };
    settle(repo);
}

/// The seeds that the store of a stopped daemon holds.
fn stored(user: &User) -> Vec<Seed> {
    let mut opened = None;
    poll("the daemon has let go of its store", || {
        opened = Store::open(&user.sera_folder().join("store"), &|_| true).ok();
        opened.is_some()
    });
    let store = opened.unwrap();
    store.scan::<Seed>(Kind::Seed).unwrap().map(|seed| seed.unwrap().1).collect()
}

fn fresh(repo: &Repo) -> Vec<Seed> {
    let repository = sera_git::Repository::discover(repo.path()).unwrap();
    let tip = repository.head().unwrap();
    mine(&repository, &tip, &Policy::default(), &mut Known::default()).unwrap().seeds
}

fn sorted(mut seeds: Vec<Seed>) -> Vec<Seed> {
    seeds.sort_by(|a, b| a.id().cmp(b.id()));
    seeds
}

fn check(seed: u64, events: u64) {
    print(&format!("history {seed}"));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let user = User::of(python_project());
    user.json(&["register"]);
    let mut done = 0;
    while done < events {
        let burst = random.random_range(1..=40).min(events - done);
        (0..burst).for_each(|_| event(&user.repo, &mut random));
        done += burst;
        poll("HEAD is mined", || {
            let status = user.status();
            let head = user.repo.head();
            status["job"].is_null() && status["repositories"][0]["mined_head"] == *head
        });
    }
    user.sera(&["stop"]).well();
    assert_eq!(sorted(stored(&user)), sorted(fresh(&user.repo)), "history {seed}");
}

#[test]
fn the_state_is_that_of_a_fresh_mining() {
    let first = number("GIT_SERA_SEED", 1);
    let histories = number("GIT_SERA_TRIALS", 3);
    let events = if histories > 3 { 340 } else { 60 };
    (first..first + histories).for_each(|seed| check(seed, events));
}
