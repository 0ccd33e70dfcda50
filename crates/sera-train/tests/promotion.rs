//! Does the promotion rule keep its word? Whole cycles are simulated and decided as real ones are.
//!
//! A simulated cycle has held-out items in files and commits of unequal sizes, errors that the
//! items of one file share, an effect of the training's seed that all items share, and a seed
//! deviation that is *estimated*, from two other trainings on the first dozen items. The sizes of
//! these noises are those of the two repositories in `docs/evidence.md`.
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::TaskId;
use sera_core::scorecard::{Arm, Capability, FixScore, HoleScore, Scorecard};
use sera_core::stats;
use sera_train::promote::{Rule, Standing, level, promote};
use std::ops::RangeInclusive;

/// Simulated cycles a case.
const CYCLES: u64 = 1_000;
/// Items that siblings are scored on, as the worker has it.
const SIBLING_ITEMS: usize = 12;

/// Standard deviations of what adapter − retrieval is made of, nats per token for likelihoods,
/// standard deviations of the place's latent score for ranks.
#[derive(Clone, Copy)]
struct Noise {
    /// Shared by the items of one file or commit.
    cluster: f64,
    /// Of one item, the same for every adapter.
    item: f64,
    /// Of one item under one training.
    run: f64,
    /// Of one training, shared by all items.
    seed: f64,
}

const COMPLETE: Noise = Noise { cluster: 0.06, item: 0.10, run: 0.06, seed: 0.015 };
const FIX: Noise = Noise { cluster: 0.25, item: 0.50, run: 0.30, seed: 0.20 };
const LOCATE: Noise = Noise { cluster: 0.20, item: 0.20, run: 0.30, seed: 0.10 };

/// What adapters truly are: the mean of each metric's gap, before noise.
#[derive(Clone, Copy, Default)]
struct Truth {
    complete: f64,
    fix: f64,
    locate: f64,
}

/// A kind of repository and pipeline: how many items in how many clusters, how loud its seeds are,
/// from how many trainings their deviation is estimated.
#[derive(Clone)]
struct World {
    items: RangeInclusive<usize>,
    clusters: RangeInclusive<usize>,
    seeds: f64,
    runs: usize,
}

const USUAL: World = World { items: 30..=80, clusters: 10..=25, seeds: 1.0, runs: 2 };

struct Item {
    id: u64,
    cluster: String,
    tokens: usize,
    /// Of the control, nats per token.
    level: f64,
    /// Adapter − control, whatever the seed: a likelihood's, and a place's.
    shift: [f64; 2],
    /// Latent score of the place, before noise.
    place: f64,
}

struct Cycle {
    holes: Vec<Item>,
    tasks: Vec<Item>,
    world: World,
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// Sizes as files have them: a few hold most.
fn items(
    world: &World,
    noise: [Noise; 2],
    tokens: RangeInclusive<usize>,
    rng: &mut ChaCha8Rng,
) -> Vec<Item> {
    let clusters = rng.random_range(world.clusters.clone());
    let shared: Vec<[f64; 2]> =
        (0..clusters).map(|_| noise.map(|noise| noise.cluster * normal(rng))).collect();
    let count = rng.random_range(world.items.clone());
    (0..count as u64)
        .map(|id| {
            // The first of each, then more of the low numbers.
            let share: f64 = rng.random();
            let of = ((id as usize) < clusters).then_some(id as usize);
            let of = of.unwrap_or((share * share * clusters as f64) as usize);
            let tokens = rng.random_range(tokens.clone());
            let own = noise.map(|noise| noise.item * normal(rng));
            Item {
                id,
                cluster: format!("f{of}"),
                tokens,
                level: (1.5 + 0.4 * normal(rng)).max(0.2),
                shift: [shared[of][0] + own[0], shared[of][1] + own[1]],
                place: normal(rng),
            }
        })
        .collect()
}

/// Rank by latent score: 84 % come first, 3 % are not among the twenty hits.
fn rank(latent: f64) -> usize {
    let bounds = [1.0, 1.3, 1.5, 1.6, 1.7, 1.75, 1.8, 1.85, 1.88];
    bounds.iter().position(|bound| latent < *bound).map_or(21, |at| at + 1)
}

impl Cycle {
    fn draw(world: &World, rng: &mut ChaCha8Rng) -> Self {
        let holes = items(world, [COMPLETE, LOCATE], 5..=60, rng);
        let tasks = items(world, [FIX, LOCATE], 1..=8, rng);
        Self { holes, tasks, world: world.clone() }
    }

    /// One training scored on the first `most` items; the control beside it.
    fn score(&self, truth: Truth, most: usize, rng: &mut ChaCha8Rng) -> Scorecard {
        let mut card = Scorecard::default();
        let seed = [COMPLETE, FIX, LOCATE].map(|noise| self.world.seeds * noise.seed * normal(rng));
        for item in self.holes.iter().take(most) {
            let gap = truth.complete + seed[0] + item.shift[0] + COMPLETE.run * normal(rng);
            for (arm, gap) in [(Arm::Retrieval, 0.0), (Arm::Adapter, gap)] {
                card.complete.entry(arm).or_default().push(HoleScore {
                    item: item.id.to_string(),
                    cluster: item.cluster.clone(),
                    nll: (item.level + gap) * item.tokens as f64,
                    tokens: item.tokens,
                    exact: None,
                });
            }
        }
        for item in self.tasks.iter().take(most) {
            let gap = truth.fix + seed[1] + item.shift[0] + FIX.run * normal(rng);
            // Half to each side: with no effect both arms are the same in distribution.
            let half = (truth.locate + seed[2] + item.shift[1] + LOCATE.run * normal(rng)) / 2.0;
            for (arm, gap, half) in [(Arm::Retrieval, 0.0, -half), (Arm::Adapter, gap, half)] {
                card.fix.entry(arm).or_default().push(task(item, gap, rank(item.place + half)));
            }
        }
        card.fix.insert(Arm::Base, card.fix[&Arm::Retrieval].clone());
        card.general = [(Arm::Base, 3.0), (Arm::Adapter, 3.0)].into();
        card
    }

    /// As the daemon keeps it: how much the levels of a few trainings deviate.
    fn standing(&self, truth: Truth, rng: &mut ChaCha8Rng) -> Standing {
        let siblings: Vec<Scorecard> =
            (0..self.world.runs).map(|_| self.score(truth, SIBLING_ITEMS, rng)).collect();
        let of = |capability: Capability| {
            let levels: Vec<f64> =
                siblings.iter().filter_map(|card| level(capability, card, Arm::Adapter)).collect();
            Some((capability, stats::deviation(&levels)?))
        };
        let deviation = Capability::ALL.into_iter().filter_map(of).collect();
        Standing { deviation, promotions_so_far: 0 }
    }
}

fn task(item: &Item, gap: f64, located: usize) -> FixScore {
    FixScore {
        candidate: None,
        task: TaskId::new(item.id, b"t"),
        cluster: item.cluster.clone(),
        commit: false,
        nll: (item.level + gap) * item.tokens as f64,
        tokens: item.tokens,
        located: Some(located),
        retrieved: None,
        ranked: None,
        candidates: None,
        valid: Some((10, 10)),
        recall: None,
        f1: None,
        exact: None,
    }
}

/// Which capabilities a card wins, in the order of [`Capability::ALL`].
fn won(card: &Scorecard, standing: &Standing, world: &World) -> [bool; 3] {
    let rule = Rule { resamples: 500, runs: world.runs, ..Rule::default() };
    let decisions = promote(card, standing, &rule);
    Capability::ALL.map(|capability| decisions[&capability].promoted())
}

/// Share of cycles in which each capability is promoted, and in which it is at least once when
/// so many trainings are decided on one held-out set.
fn promoted(world: &World, truth: Truth, decisions: u64) -> [[f64; 2]; 3] {
    let mut counts = [[0u64; 2]; 3];
    for number in 0..CYCLES {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let cycle = Cycle::draw(world, &mut rng);
        let standing = cycle.standing(truth, &mut rng);
        let mut ever = [false; 3];
        for decision in 0..decisions {
            let card = cycle.score(truth, usize::MAX, &mut rng);
            for (at, won) in won(&card, &standing, world).into_iter().enumerate() {
                counts[at][0] += u64::from(decision == 0 && won);
                ever[at] |= won;
            }
        }
        (0..3).for_each(|at| counts[at][1] += u64::from(ever[at]));
    }
    counts.map(|counts| counts.map(|count| count as f64 / CYCLES as f64))
}

/// Share of cycles in which *complete* is promoted where the adapter served now gains as much as
/// `truth` says and the new one is worse by a share of the level.
fn replaced(truth: Truth, worse: f64) -> f64 {
    let new = Truth { complete: truth.complete + worse * (1.5 + truth.complete), ..truth };
    let count = (0..CYCLES).filter(|number| {
        let mut rng = ChaCha8Rng::seed_from_u64(*number);
        let cycle = Cycle::draw(&USUAL, &mut rng);
        let standing = cycle.standing(new, &mut rng);
        let mut card = cycle.score(new, usize::MAX, &mut rng);
        let served = cycle.score(truth, usize::MAX, &mut rng).complete.remove(&Arm::Adapter);
        card.complete.insert(Arm::Served, served.expect("an adapter was scored"));
        won(&card, &standing, &USUAL)[0]
    });
    count.count() as f64 / CYCLES as f64
}

/// Kinds of repositories, the later ones worse than any seen.
fn worlds() -> [(&'static str, World); 5] {
    [
        ("usual", USUAL),
        ("6 to 8 clusters", World { clusters: 6..=8, ..USUAL }),
        ("seeds that do not matter", World { seeds: 0.0, ..USUAL }),
        ("seeds twice as loud", World { seeds: 2.0, ..USUAL }),
        ("seeds five times as loud", World { seeds: 5.0, ..USUAL }),
    ]
}

const NOTHING: Truth = Truth { complete: 0.0, locate: 0.0, fix: 0.0 };

#[test]
fn what_gains_nothing_is_promoted_in_at_most_one_cycle_of_twenty() {
    for (name, world) in worlds() {
        let [complete, locate, fix] = promoted(&world, NOTHING, 1).map(|[once, _]| once);
        assert!(complete <= 0.05, "complete, {name}: {complete}");
        assert!(fix <= 0.05, "fix, {name}: {fix}");
        // A dozen ranks, most of them 1, are often the same under two seeds, however loud: what
        // is then taken for no deviation at all is more than the rule can make up for.
        let bound = if world.seeds > 2.0 { 0.10 } else { 0.05 };
        assert!(locate <= bound, "locate, {name}: {locate}");
    }
}

#[test]
fn five_decisions_on_one_set_are_wrong_once_in_fewer_than_five_times_as_many_cycles() {
    for [once, family] in promoted(&USUAL, NOTHING, 5) {
        assert!(family <= 0.15 && family >= once, "{family} with {once} a decision");
    }
}

#[test]
fn what_gains_much_is_promoted_in_most_cycles() {
    let truth = Truth { complete: -0.24, locate: -1.2, fix: -1.8 };
    for [once, _] in promoted(&USUAL, truth, 1) {
        assert!(once >= 0.75, "{once}");
    }
}

#[test]
fn one_held_out_set_decides_five_promotions() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let truth = Truth { complete: -0.5, locate: 0.0, fix: -4.0 };
    let cycle = Cycle::draw(&USUAL, &mut rng);
    let mut standing = cycle.standing(truth, &mut rng);
    let deviation = Capability::ALL.map(|capability| (capability, 0.01));
    standing.deviation = deviation.into();
    for promotions_so_far in 0..8 {
        let standing = Standing { promotions_so_far, ..standing.clone() };
        let card = cycle.score(truth, usize::MAX, &mut rng);
        let [complete, _, fix] = won(&card, &standing, &USUAL);
        assert_eq!([complete, fix], [promotions_so_far < 5; 2], "after {promotions_so_far}");
    }
}

#[test]
fn what_is_a_little_worse_than_what_serves_seldom_replaces_it_by_luck() {
    let at_the_edge = replaced(NOTHING, 0.01);
    assert!(at_the_edge <= 0.05, "no gain and 1 % worse: {at_the_edge}");
    let much = Truth { complete: -0.3, ..NOTHING };
    let [equal, worse] = [replaced(much, 0.0), replaced(much, 0.08)];
    assert!(worse <= 0.05 && equal >= 0.5, "8 % worse: {worse}, equal: {equal}");
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[test]
#[ignore = "a measurement: docs/evidence.md holds what it prints"]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn table() {
    println!("| repositories | complete | locate | fix |\n|---|---|---|---|");
    for (name, world) in worlds() {
        let shares = promoted(&world, NOTHING, 5);
        let cell = |[once, family]: [f64; 2]| format!("{} ({})", percent(once), percent(family));
        println!("| {name} | {} |", shares.map(cell).join(" | "));
    }
    println!("\n| complete, gain | 2 | 3 | locate, gain | 2 | 3 | fix, gain | 2 | 3 |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for step in [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0] {
        let truth = Truth { complete: -0.02 * step, locate: -0.1 * step, fix: -0.15 * step };
        let gains = [truth.complete, truth.locate, truth.fix];
        let [two, three] =
            [2, 3].map(|runs| promoted(&World { runs, ..USUAL }, truth, 1).map(|[once, _]| once));
        let cell = |at: usize| {
            format!("{:.2} | {} | {}", -gains[at], percent(two[at]), percent(three[at]))
        };
        println!("| {} |", [0, 1, 2].map(cell).join(" | "));
    }
    println!("\n| worse than what serves | replaces it |\n|---|---|");
    for worse in [-0.02, 0.0, 0.01, 0.02, 0.04, 0.08] {
        let share = replaced(Truth { complete: -0.3, ..NOTHING }, worse);
        println!("| {} | {} |", percent(worse), percent(share));
    }
}
