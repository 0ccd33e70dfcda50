//! From examples to steps: how much of each kind, in which order, packed how.
//!
//! Nothing here looks at a clock or at parameters: the whole plan of a training is fixed before
//! its first step by the examples and a seed, which is what makes resuming exact.
use crate::examples::{Example, Kind};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sera_model::Batch;
use serde::{Deserialize, Serialize};

/// How examples are chosen and packed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackConfig {
    /// Tokens to train on, all examples together, repeats included.
    pub tokens: usize,
    /// Share of them for [`Kind::Complete`], where there are fixes too.
    pub complete: f64,
    /// Share of the rest for [`Kind::Lesson`], at most: what they leave is for fixes. A checkpoint
    /// from before there were any has none.
    #[serde(default)]
    pub lessons: f64,
    /// How often an example may be seen.
    pub epochs: usize,
    /// Most tokens in one forward; an example longer than this is a bin of its own.
    pub bin: usize,
    /// Tokens between two updates, about.
    pub step: usize,
    /// Seed of the order.
    pub seed: u64,
    /// Longer examples, in tokens, are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<usize>,
}

impl Default for PackConfig {
    /// The tiny tier's mix (design section 7). A quarter of what is talked about are lessons: a
    /// fix is what is served and measured, and a lesson only a part of one.
    fn default() -> Self {
        Self {
            tokens: 40_000,
            complete: 0.7,
            lessons: 0.25,
            epochs: 3,
            bin: 1024,
            step: 1024,
            seed: 0,
            longest: None,
        }
    }
}

/// The steps of a training: bins of indices into the examples.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// Per step, the bins whose gradients are added up for one update.
    pub steps: Vec<Vec<Vec<usize>>>,
}

/// Chooses, orders and packs `examples`.
pub fn plan(examples: &[Example], config: &PackConfig) -> Plan {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let order = mix(examples, config, &mut random);
    // A window of a few steps keeps first-fit-decreasing from sorting the whole order by length.
    let mut bins = Vec::new();
    for window in windows(examples, &order, WINDOW_STEPS * config.step) {
        let mut packed = first_fit_decreasing(examples, window, config.bin);
        packed.shuffle(&mut random);
        bins.extend(packed);
    }
    Plan { steps: steps(examples, bins, config.step) }
}

const WINDOW_STEPS: usize = 4;

/// Indices in training order: every kind about to its share of tokens, interleaved evenly.
fn mix(examples: &[Example], config: &PackConfig, random: &mut ChaCha8Rng) -> Vec<usize> {
    let is_of = |kind, example: &Example| {
        example.kind == kind && config.longest.is_none_or(|most| example.tokens.len() <= most)
    };
    let mut of_kind = |kind: Kind, tokens: usize| -> Vec<usize> {
        let mut own: Vec<usize> =
            (0..examples.len()).filter(|&i| is_of(kind, &examples[i])).collect();
        let third = thirds(own.iter().map(|&i| examples[i].tokens.len()).collect());
        let (mut chosen, mut used) = (Vec::new(), 0);
        'epochs: for _ in 0..config.epochs {
            own.shuffle(random);
            match kind {
                Kind::Complete | Kind::Lesson => {}
                // Nearly all of a fix is read and not learned from: what is short teaches more
                // edits for as many tokens.
                Kind::Fix => own.sort_by_key(|&i| third(examples[i].tokens.len())),
            }
            for &i in &own {
                // To the nearest example: half a step over is better than half a step short.
                if used + examples[i].tokens.len() / 2 > tokens {
                    break 'epochs;
                }
                used += examples[i].tokens.len();
                chosen.push(i);
            }
        }
        chosen.shuffle(random);
        chosen
    };
    let has = Kind::ALL.map(|kind| examples.iter().any(|example| is_of(kind, example)));
    let [complete, lessons] = shares(has, config).map(|share| config.tokens as f64 * share);
    let rest = config.tokens - complete as usize;
    let complete = of_kind(Kind::Complete, complete as usize);
    let lessons = of_kind(Kind::Lesson, lessons as usize);
    // Few lessons leave some of their share.
    let taken = lessons.iter().map(|&i| examples[i].tokens.len()).sum();
    let fix = of_kind(Kind::Fix, rest.saturating_sub(taken));
    interleave(&interleave(&complete, &fix), &lessons)
}

/// Shares of completions and of lessons in all tokens; the rest is for fixes. `has` tells which
/// kinds there are, in the order of [`Kind::ALL`].
fn shares([complete, fix, lesson]: [bool; 3], config: &PackConfig) -> [f64; 2] {
    let lessons = if lesson { config.lessons } else { 0.0 };
    match (complete, fix) {
        (true, true) => [config.complete, (1.0 - config.complete) * lessons],
        // What fixes would have is for completions, not for lessons.
        (true, false) => {
            let lessons = (1.0 - config.complete) * lessons;
            [1.0 - lessons, lessons]
        }
        (false, true) => [0.0, lessons],
        (false, false) => [0.0, 1.0],
    }
}

/// Which third of `lengths` a length falls into: 0 for the shortest.
fn thirds(mut lengths: Vec<usize>) -> impl Fn(usize) -> usize {
    lengths.sort_unstable();
    let bounds = [1, 2]
        .map(|k| lengths.get((k * lengths.len() / 3).saturating_sub(1)).copied().unwrap_or(0));
    move |length| bounds.iter().filter(|&&bound| length > bound).count()
}

/// Merges two orders so that each is spread evenly over the whole.
fn interleave(a: &[usize], b: &[usize]) -> Vec<usize> {
    let at = |i: usize, len: usize| (i as f64 + 0.5) / len as f64;
    let placed = |v: &[usize]| -> Vec<(f64, usize)> {
        v.iter().enumerate().map(|(i, &e)| (at(i, v.len()), e)).collect()
    };
    let mut all = [placed(a), placed(b)].concat();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    all.into_iter().map(|(_, e)| e).collect()
}

/// Runs of `order` of at most `tokens` tokens, or a single longer example.
fn windows<'a>(examples: &[Example], order: &'a [usize], tokens: usize) -> Vec<&'a [usize]> {
    let (mut windows, mut start, mut used) = (Vec::new(), 0, 0);
    for (i, &e) in order.iter().enumerate() {
        let len = examples[e].tokens.len();
        if i > start && used + len > tokens {
            windows.push(&order[start..i]);
            (start, used) = (i, 0);
        }
        used += len;
    }
    windows.push(&order[start..]);
    windows
}

/// Bins of at most `limit` tokens: longest examples first, each into the first bin with room.
fn first_fit_decreasing(examples: &[Example], window: &[usize], limit: usize) -> Vec<Vec<usize>> {
    let len = |i: usize| examples[i].tokens.len();
    let mut sorted = window.to_vec();
    sorted.sort_by_key(|&i| std::cmp::Reverse(len(i)));
    let mut bins: Vec<(usize, Vec<usize>)> = Vec::new();
    for i in sorted {
        match bins.iter_mut().find(|(used, _)| used + len(i) <= limit) {
            Some((used, bin)) => {
                *used += len(i);
                bin.push(i);
            }
            None => bins.push((len(i), vec![i])),
        }
    }
    bins.into_iter().map(|(_, bin)| bin).collect()
}

/// Groups bins into steps of about `tokens` tokens; a small rest joins the last step.
fn steps(examples: &[Example], bins: Vec<Vec<usize>>, tokens: usize) -> Vec<Vec<Vec<usize>>> {
    let size = |bin: &Vec<usize>| bin.iter().map(|&i| examples[i].tokens.len()).sum::<usize>();
    let mut steps: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut used = usize::MAX;
    for bin in bins {
        let len = size(&bin);
        if used.saturating_add(len / 2) > tokens {
            steps.push(Vec::new());
            used = 0;
        }
        used += len;
        steps.last_mut().expect("the first bin opens a step").push(bin);
    }
    let small = |step: &Vec<Vec<usize>>| step.iter().map(size).sum::<usize>() < tokens / 2;
    if steps.len() > 1 && steps.last().is_some_and(small) {
        let rest = steps.pop().expect("there are at least two");
        steps.last_mut().expect("there was one before it").extend(rest);
    }
    steps
}

/// One bin as the engine takes it: sequences end to end, no padding.
pub fn batch(examples: &[Example], bin: &[usize]) -> Batch {
    let mut batch = Batch::default();
    for &i in bin {
        batch.push(&examples[i].tokens, examples[i].targets.iter().copied());
    }
    batch
}

impl Plan {
    /// Tokens read in all steps.
    pub fn tokens(&self, examples: &[Example]) -> usize {
        self.seen().map(|i| examples[i].tokens.len()).sum()
    }

    /// Predictions that carry loss in all steps.
    pub fn targets(&self, examples: &[Example]) -> usize {
        self.seen().map(|i| examples[i].targets.len()).sum()
    }

    /// Tokens of the largest bin: what memory is needed for.
    pub fn largest_bin(&self, examples: &[Example]) -> usize {
        let size = |bin: &Vec<usize>| bin.iter().map(|&i| examples[i].tokens.len()).sum();
        self.steps.iter().flatten().map(size).max().unwrap_or(0)
    }

    /// Tokens of the longest example that is read.
    pub fn longest(&self, examples: &[Example]) -> usize {
        self.seen().map(|i| examples[i].tokens.len()).max().unwrap_or(0)
    }

    fn seen(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().flatten().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_model::Target;
    use std::collections::HashMap;

    fn examples(kinds: &[(Kind, usize, usize)]) -> Vec<Example> {
        let make = |&(kind, count, len): &(Kind, usize, usize)| {
            let targets = vec![Target { row: len - 2, token: 1, weight: 1.0 }];
            let tokens = vec![0; len];
            let example = Example { source: String::new(), kind, tokens, targets };
            std::iter::repeat_n(example, count)
        };
        kinds.iter().flat_map(make).collect()
    }

    const CONFIG: PackConfig = PackConfig {
        tokens: 10_000,
        complete: 0.7,
        lessons: 0.25,
        epochs: 3,
        bin: 100,
        step: 400,
        seed: 1,
        longest: None,
    };

    fn tokens_of(plan: &Plan, examples: &[Example], kind: Kind) -> usize {
        let seen = plan.seen().filter(|&i| examples[i].kind == kind);
        seen.map(|i| examples[i].tokens.len()).sum()
    }

    #[test]
    fn the_mix_is_a_share_of_tokens() {
        let examples = examples(&[(Kind::Complete, 500, 20), (Kind::Fix, 100, 50)]);
        let plan = plan(&examples, &CONFIG);
        assert_eq!(tokens_of(&plan, &examples, Kind::Complete), 7000);
        assert_eq!(tokens_of(&plan, &examples, Kind::Fix), 3000);
        assert_eq!((plan.tokens(&examples), plan.targets(&examples)), (10_000, 350 + 60));
    }

    #[test]
    fn a_plan_from_before_lessons_has_none() {
        let mut old = serde_json::to_value(CONFIG).unwrap();
        old.as_object_mut().unwrap().remove("lessons");
        let read: PackConfig = serde_json::from_value(old).unwrap();
        assert_eq!(read, PackConfig { lessons: 0.0, ..CONFIG });
    }

    #[test]
    fn lessons_are_a_minority_of_what_is_not_completion() {
        let check = |kinds: &[(Kind, usize, usize)], expect: [usize; 3]| {
            let examples = examples(kinds);
            let plan = plan(&examples, &CONFIG);
            assert_eq!(
                Kind::ALL.map(|kind| tokens_of(&plan, &examples, kind)),
                expect,
                "{kinds:?}"
            );
        };
        let [complete, fix, lesson] = Kind::ALL.map(|kind| (kind, 500, 10));
        check(&[complete, fix, lesson], [7000, 2250, 750]);
        check(&[complete, fix, (Kind::Lesson, 10, 10)], [7000, 2700, 300]);
        check(&[complete, lesson], [9250, 0, 750]);
        check(&[fix, lesson], [0, 7500, 2500]);
        check(&[lesson], [0, 0, 10_000]);
    }

    #[test]
    fn a_missing_kind_leaves_its_share_to_the_other() {
        for kind in Kind::ALL {
            let examples = examples(&[(kind, 500, 20)]);
            assert_eq!(plan(&examples, &CONFIG).tokens(&examples), 10_000);
        }
        assert_eq!(plan(&[], &CONFIG), Plan::default());
    }

    #[test]
    fn the_shortest_third_of_fixes_is_taken_first() {
        let examples =
            examples(&[(Kind::Fix, 100, 20), (Kind::Fix, 100, 50), (Kind::Fix, 100, 90)]);
        let lengths = |tokens| {
            let plan = plan(&examples, &PackConfig { tokens, ..CONFIG });
            let lengths = plan.seen().map(|i| examples[i].tokens.len());
            lengths.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(Vec::from_iter(lengths(2_000)), [20]);
        assert_eq!(Vec::from_iter(lengths(4_000)), [20, 50]);
        assert_eq!(Vec::from_iter(lengths(10_000)), [20, 50, 90]);
    }

    #[test]
    fn few_examples_are_repeated_at_most_so_often() {
        let examples = examples(&[(Kind::Fix, 10, 50)]);
        let plan = plan(&examples, &CONFIG);
        let mut seen = HashMap::new();
        plan.seen().for_each(|i| *seen.entry(i).or_insert(0) += 1);
        assert!(seen.len() == 10 && seen.values().all(|&times| times == 3), "{seen:?}");
    }

    #[test]
    fn bins_hold_what_fits_and_steps_are_of_one_size() {
        let examples = examples(&[
            (Kind::Complete, 60, 17),
            (Kind::Complete, 60, 43),
            (Kind::Fix, 20, 99),
            (Kind::Fix, 2, 250),
        ]);
        let plan = plan(&examples, &CONFIG);
        let size = |bin: &Vec<usize>| bin.iter().map(|&i| examples[i].tokens.len()).sum::<usize>();
        for bin in plan.steps.iter().flatten() {
            assert!(size(bin) <= 100 || bin.len() == 1, "only a longer example is over the limit");
        }
        let steps: Vec<usize> = plan.steps.iter().map(|s| s.iter().map(size).sum()).collect();
        assert!(steps.iter().all(|&tokens| (200..=800).contains(&tokens)), "{steps:?}");
        let bins = plan.steps.iter().flatten().count();
        let filled = plan.tokens(&examples) as f64 / (bins * 100) as f64;
        assert!(filled > 0.9, "bins are {filled} full");
        assert_eq!(plan.largest_bin(&examples), 250);
    }

    #[test]
    fn the_seed_decides_the_order() {
        let examples = examples(&[(Kind::Complete, 300, 20), (Kind::Fix, 60, 50)]);
        assert_eq!(plan(&examples, &CONFIG), plan(&examples, &CONFIG));
        let other = PackConfig { seed: 2, ..CONFIG };
        assert_ne!(plan(&examples, &CONFIG), plan(&examples, &other));
    }

    #[test]
    fn kinds_are_spread_over_the_whole_training() {
        let examples = examples(&[(Kind::Complete, 500, 20), (Kind::Fix, 100, 50)]);
        let plan = plan(&examples, &CONFIG);
        let half = Plan { steps: plan.steps[..plan.steps.len() / 2].to_vec() };
        let fix = tokens_of(&half, &examples, Kind::Fix);
        assert!((1200..=1800).contains(&fix), "half of 3,000 in the first half, not {fix}");
    }

    #[test]
    fn a_batch_is_its_examples_end_to_end() {
        let mut examples = examples(&[(Kind::Fix, 2, 3)]);
        examples[1].tokens = vec![7, 8, 9, 10];
        let batch = batch(&examples, &[1, 0]);
        assert_eq!(batch.tokens, [7, 8, 9, 10, 0, 0, 0]);
        assert_eq!(batch.starts, [0, 4, 7]);
        assert_eq!(batch.targets.iter().map(|t| t.row).collect::<Vec<_>>(), [1, 5]);
    }
}
