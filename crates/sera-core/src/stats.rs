//! Statistics on paired measurements: medians, and bootstraps clustered by file or commit.
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One paired difference (arm − control) of one item and the cluster it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// File or commit; items of one cluster are drawn together.
    pub cluster: String,
    /// arm − control.
    pub difference: f64,
    /// Weight of the item, tokens for likelihoods and 1 for rates.
    pub weight: f64,
}

/// A weighted mean with its 95 % percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The weighted mean.
    pub mean: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
    /// 95th percentile: one-sided upper bound.
    pub upper95: f64,
}

/// Sums over one cluster's items.
#[derive(Clone, Copy, Default)]
struct Sums {
    weighted: f64,
    weight: f64,
}

/// Cluster bootstrap of the weighted mean difference. Deterministic in `seed` and in the order
/// of neither items nor clusters. Items whose weight is not above 0 or whose difference is not
/// finite are left out.
///
/// `None` for fewer than two clusters: one cluster resampled is always itself, and its interval
/// of no width would pass for certainty. Deviations are widened by √(k / (k − 1)) for k clusters,
/// without which the interval of few clusters is too narrow.
pub fn bootstrap(items: &[Paired], resamples: usize, seed: u64) -> Option<Interval> {
    let clusters = clusters(items);
    if clusters.len() < 2 || resamples == 0 {
        return None;
    }
    let mean = mean(clusters.iter().copied());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = clusters.len() as u64;
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| self::mean((0..count).map(|_| clusters[rng.random_range(0..count) as usize])))
        .collect();
    means.sort_by(f64::total_cmp);
    let widen = (clusters.len() as f64 / (clusters.len() - 1) as f64).sqrt();
    let at = |share: f64| mean + (quantile(&means, share) - mean) * widen;
    Some(Interval { mean, low: at(0.025), high: at(0.975), upper95: at(0.95) })
}

fn clusters(items: &[Paired]) -> Vec<Sums> {
    let mut clusters = BTreeMap::<&str, Vec<(f64, f64)>>::new();
    for item in items.iter().filter(|i| i.weight > 0.0 && i.difference.is_finite()) {
        clusters
            .entry(&item.cluster)
            .or_default()
            .push((item.difference * item.weight, item.weight));
    }
    // Sorted before summing: rounding must not depend on the order of items.
    clusters
        .into_values()
        .map(|mut items| {
            items.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            items.iter().fold(Sums::default(), |sums, (weighted, weight)| Sums {
                weighted: sums.weighted + weighted,
                weight: sums.weight + weight,
            })
        })
        .collect()
}

fn mean(clusters: impl Iterator<Item = Sums>) -> f64 {
    let total = clusters.fold(Sums::default(), |total, cluster| Sums {
        weighted: total.weighted + cluster.weighted,
        weight: total.weight + cluster.weight,
    });
    total.weighted / total.weight
}

/// The value below which `share` of the sorted values lie, between neighbours linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The median, the mean of the middle two where the count is even; `None` for no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| quantile(&sorted, 0.5))
}

/// Sample standard deviation; `None` below two values.
pub fn deviation(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
}

/// The 95th percentile of Student's t by degrees of freedom, one-sided.
const STUDENT95: [(f64, f64); 13] = [
    (1.0, 6.314),
    (2.0, 2.920),
    (3.0, 2.353),
    (4.0, 2.132),
    (5.0, 2.015),
    (6.0, 1.943),
    (8.0, 1.860),
    (10.0, 1.812),
    (15.0, 1.753),
    (20.0, 1.725),
    (30.0, 1.697),
    (60.0, 1.671),
    (f64::INFINITY, 1.645),
];

/// The 95th percentile of Student's t, one-sided, for any degrees of freedom from 1 up; fewer
/// count as 1. Between the table's rows linear in 1 / `freedom`, which errs upwards.
pub fn student95(freedom: f64) -> f64 {
    let inverse = 1.0 / freedom.max(1.0);
    let pair = STUDENT95.windows(2).find(|pair| inverse >= 1.0 / pair[1].0);
    let [(few, high), (many, low)] = pair.map_or([STUDENT95[0]; 2], |pair| [pair[0], pair[1]]);
    let share = (inverse - 1.0 / many) / (1.0 / few - 1.0 / many).max(f64::MIN_POSITIVE);
    low + (high - low) * share
}

/// How many clusters of one size would say as much as these, by weight: (Σw)² / Σw².
pub fn effective_clusters(items: &[Paired]) -> f64 {
    let clusters = clusters(items);
    let sum: f64 = clusters.iter().map(|sums| sums.weight).sum();
    let squares: f64 = clusters.iter().map(|sums| sums.weight.powi(2)).sum();
    sum.powi(2) / squares.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(cluster: usize, difference: f64, weight: f64) -> Paired {
        Paired { cluster: cluster.to_string(), difference, weight }
    }

    /// A normal draw by the sum of twelve uniforms.
    fn normal(rng: &mut ChaCha8Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    #[test]
    fn medians() {
        let cases: [(&[f64], Option<f64>); 4] = [
            (&[], None),
            (&[3.0], Some(3.0)),
            (&[9.0, 1.0, 2.0], Some(2.0)),
            (&[4.0, 1.0], Some(2.5)),
        ];
        for (values, expect) in cases {
            assert_eq!(median(values), expect, "of {values:?}");
        }
    }

    #[test]
    fn mean_is_weighted_and_nothing_else_counts() {
        let items =
            [item(0, 1.0, 3.0), item(1, 5.0, 1.0), item(2, f64::NAN, 1.0), item(3, 9.0, 0.0)];
        let interval = bootstrap(&items, 200, 1).unwrap();
        assert_eq!(interval.mean, 2.0);
        assert!(interval.low <= 2.0 && interval.upper95 <= interval.high);
    }

    #[test]
    fn one_cluster_proves_nothing() {
        assert_eq!(bootstrap(&[], 100, 1), None);
        assert_eq!(bootstrap(&[item(0, -1.0, 1.0), item(0, -2.0, 1.0)], 100, 1), None);
    }

    #[test]
    fn order_of_items_does_not_matter_and_the_seed_does() {
        let mut items: Vec<Paired> =
            (0..30).map(|i| item(i % 7, (i as f64).sin(), 1.0 + (i % 3) as f64)).collect();
        let first = bootstrap(&items, 500, 3);
        items.reverse();
        assert_eq!(bootstrap(&items, 500, 3), first);
        assert_ne!(bootstrap(&items, 500, 4), first);
    }

    /// How often 300 simulated intervals cover the true mean 0 and bound it from above.
    fn coverage(clusters: usize, per_cluster: usize) -> (f64, f64) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut covered, mut bounded) = (0, 0);
        for trial in 0..300 {
            let mut items = Vec::new();
            for cluster in 0..clusters {
                let shared = normal(&mut rng);
                for _ in 0..per_cluster {
                    let difference = shared + 0.5 * normal(&mut rng);
                    items.push(item(cluster, difference, rng.random_range(1.0..3.0)));
                }
            }
            let interval = bootstrap(&items, 400, trial).unwrap();
            covered += usize::from(interval.low <= 0.0 && 0.0 <= interval.high);
            bounded += usize::from(interval.upper95 >= 0.0);
        }
        (covered as f64 / 300.0, bounded as f64 / 300.0)
    }

    #[test]
    fn intervals_cover_the_truth_as_often_as_they_say() {
        for (clusters, per_cluster) in [(40, 5), (12, 5)] {
            let (covered, bounded) = coverage(clusters, per_cluster);
            assert!((0.90..=0.985).contains(&covered), "{clusters} clusters cover {covered}");
            assert!((0.90..=0.985).contains(&bounded), "{clusters} clusters bound {bounded}");
        }
    }

    #[test]
    fn deviation_needs_two_values() {
        for (values, expect) in
            [(&[][..], None), (&[3.0][..], None), (&[1.0, 3.0][..], Some(2f64.sqrt()))]
        {
            assert_eq!(deviation(values), expect, "{values:?}");
        }
    }

    #[test]
    fn few_degrees_of_freedom_ask_for_more() {
        for (freedom, expect) in
            [(0.3, 6.314), (1.0, 6.314), (2.0, 2.920), (12.0, 1.7825), (60.0, 1.671), (1e9, 1.645)]
        {
            let found = student95(freedom);
            assert!((found - expect).abs() < 1e-4, "t of {freedom} is {found}");
        }
        let all: Vec<f64> = (10..900).map(|tenth| student95(f64::from(tenth) / 10.0)).collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn clusters_count_by_their_weight() {
        let cases: [(&[Paired], f64); 4] = [
            (&[], 0.0),
            (&[item(0, 1.0, 2.0), item(0, 2.0, 1.0)], 1.0),
            (&[item(0, 1.0, 3.0), item(1, 2.0, 3.0)], 2.0),
            (&[item(0, 1.0, 3.0), item(1, 2.0, 1.0)], 1.6),
        ];
        for (items, expect) in cases {
            assert!((effective_clusters(items) - expect).abs() < 1e-12, "{items:?}");
        }
    }

    /// Values that can be worked out on paper: two clusters of one item give three means, with
    /// chances of 1/4, 1/2, 1/4, so that the outer percentiles are the items, widened by √2.
    #[test]
    fn intervals_of_tiny_inputs() {
        let check = |items: &[Paired], expect: [f64; 4]| {
            let Interval { mean, low, high, upper95 } = bootstrap(items, 2_000, 9).unwrap();
            for (found, expect) in [mean, low, high, upper95].into_iter().zip(expect) {
                assert!((found - expect).abs() < 1e-9, "{found} for {expect}");
            }
        };
        let root = 2f64.sqrt();
        check(
            &[item(0, -3.0, 1.0), item(1, -1.0, 1.0)],
            [-2.0, -2.0 - root, -2.0 + root, -2.0 + root],
        );
        check(
            &[item(0, -3.0, 3.0), item(1, 1.0, 1.0)],
            [-2.0, -2.0 - root, -2.0 + 3.0 * root, -2.0 + 3.0 * root],
        );
        check(&[item(0, -0.5, 1.0), item(1, -0.5, 9.0), item(2, -0.5, 4.0)], [-0.5; 4]);
        // The other of three clusters is missed by (2/3)³ = 30 % of the resamples, drawn twice by
        // 22 % and alone by 4 %: percentiles 2.5, 95 and 97.5 are all, two and all of them.
        let widen = 1.5f64.sqrt();
        let three = [item(0, 0.0, 1.0), item(1, 0.0, 1.0), item(2, -3.0, 1.0)];
        check(&three, [-1.0, -1.0 - 2.0 * widen, -1.0 + widen, -1.0 + widen]);
    }

    #[test]
    fn items_of_one_file_are_not_independent() {
        let items: Vec<Paired> =
            (0..100).map(|i| item(i / 10, ((i / 10) % 2) as f64, 1.0)).collect();
        let alone: Vec<Paired> =
            items.iter().enumerate().map(|(i, x)| item(i, x.difference, 1.0)).collect();
        let width = |items: &[Paired]| bootstrap(items, 1000, 1).map(|i| i.high - i.low).unwrap();
        assert!(width(&items) > 2.0 * width(&alone));
    }
}
