//! Foresight: whether a long training is worth its time, from a few short ones.
//!
//! Gains grow with data as y = c − a·x^−b, near enough. Short trainings give no more points than
//! the curve has parameters, so no single fit says anything: every exponent of a grid is fitted
//! with weak priors on c and a and weighted by how well it explains the points, and the spread of
//! all curves that the noise allows is the forecast's interval. Pure: it trains nothing, and draws
//! no random number.
use sera_core::stats::{Interval, Paired, effective_clusters, student95};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Shares of the whole training that short trainings have.
pub const SHARES: [f64; 3] = [0.125, 0.25, 0.5];

/// Exponents that curves are fitted with, each as likely as the next before anything is measured.
const EXPONENTS: [f64; 8] = [0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 1.0, 1.5];

/// Nats per token that a gain may plausibly be, and that it may plausibly grow by from the first
/// short training to the whole: standard deviations of the priors, several times what was ever
/// measured (0.17 and 0.1, `docs/evidence.md`).
const GAIN: f64 = 1.0;
const GROWTH: f64 = 0.2;

/// Nats per token that trainings of *complete* differ by in nothing but their seed, where this
/// repository has none to tell: the larger of the two in `docs/evidence.md`.
pub const USUAL_DEVIATION: f64 = 0.02;

/// Gains below this many deviations are not promoted, and not worth a training.
const DEVIATIONS: f64 = 2.0;

/// One short training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its data as a share of the whole training's, above 0 and below 1.
    pub share: f64,
    /// adapter − retrieval on held-out items, lower is better; all trials score the same items.
    pub pairs: Vec<Paired>,
}

impl Trial {
    fn counted(&self) -> impl Iterator<Item = &Paired> {
        self.pairs.iter().filter(|pair| pair.weight > 0.0 && pair.difference.is_finite())
    }
}

/// What a whole training would bring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Predicted gain over base + retrieval in the metric's units, higher is better, the mean over
    /// seeds: its 95 % interval.
    pub gain: Interval,
    /// What it has to exceed.
    pub noise: f64,
    /// Whether to train.
    pub decision: Decision,
}

/// Whether the whole training is worth its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The gain is more likely above the noise than below.
    Train,
    /// It is not.
    Leave,
}

/// Why nothing can be foreseen: then the training itself has to tell.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ForeseeError {
    /// One point lies on every curve.
    #[error("failed to foresee the gain from {0} short trainings: two are needed")]
    TooFewTrials(usize),
    /// A share that is none, or that another trial has.
    #[error("failed to foresee the gain: a share of {0} is not between 0 and 1 or stands twice")]
    Share(f64),
    /// Fewer than two files, of which nothing can be learnt about a third.
    #[error("failed to foresee the gain: held-out items of two files are needed")]
    TooFewClusters,
}

/// Predicts the gain of the whole training. `deviation` is the run-to-run deviation of the metric
/// where one is known, else [`USUAL_DEVIATION`] is taken. As for a bootstrap, items without weight
/// or without a finite difference are left out.
pub fn foresee(trials: &[Trial], deviation: Option<f64>) -> Result<Forecast, ForeseeError> {
    check(trials)?;
    let seed = deviation.unwrap_or(USUAL_DEVIATION);
    let (gains, mut covariance) = measured(trials).ok_or(ForeseeError::TooFewClusters)?;
    for (at, row) in covariance.iter_mut().enumerate() {
        // Seeds differ from trial to trial; the floor keeps what has no noise at all invertible.
        row[at] += seed.powi(2).max(1e-12);
    }
    let curves = curves(trials, &gains, &covariance);
    let freedom = effective_clusters(&trials[0].pairs) - 1.0;
    let stretch = student95(freedom) / student95(f64::INFINITY);
    let gain = mixture(&curves, stretch);
    let noise = DEVIATIONS * seed;
    let decision = if gain.mean > noise { Decision::Train } else { Decision::Leave };
    Ok(Forecast { gain, noise, decision })
}

fn check(trials: &[Trial]) -> Result<(), ForeseeError> {
    if trials.len() < 2 {
        return Err(ForeseeError::TooFewTrials(trials.len()));
    }
    let known = |at: usize| trials[..at].iter().any(|other| other.share == trials[at].share);
    let wrong = |share: f64| !(share > 0.0 && share < 1.0);
    let bad = (0..trials.len()).find(|at| wrong(trials[*at].share) || known(*at));
    bad.map_or(Ok(()), |at| Err(ForeseeError::Share(trials[at].share)))
}

/// Weighted mean gains of the trials, and their covariance by clusters: what items have in common
/// under all trainings moves all points alike, and bends no curve. `None` below two clusters.
fn measured(trials: &[Trial]) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    let sums: Vec<(f64, f64)> = trials
        .iter()
        .map(|trial| {
            let sum = |of: &dyn Fn(&Paired) -> f64| trial.counted().map(of).sum::<f64>();
            (sum(&|pair| -pair.difference * pair.weight), sum(&|pair| pair.weight))
        })
        .collect();
    let gains: Vec<f64> = sums.iter().map(|(sum, weight)| sum / weight).collect();
    // By cluster, how far each trial's mean is moved by it.
    let mut moves = BTreeMap::<&str, Vec<f64>>::new();
    for (at, trial) in trials.iter().enumerate() {
        for pair in trial.counted() {
            let moved = pair.weight * (-pair.difference - gains[at]) / sums[at].1;
            moves.entry(&pair.cluster).or_insert_with(|| vec![0.0; trials.len()])[at] += moved;
        }
    }
    let clusters = moves.len() as f64;
    if clusters < 2.0 || gains.iter().any(|gain| !gain.is_finite()) {
        return None;
    }
    let cell = |a: usize, b: usize| {
        let sum: f64 = moves.values().map(|moved| moved[a] * moved[b]).sum();
        sum * clusters / (clusters - 1.0)
    };
    let all = 0..trials.len();
    Some((gains, all.clone().map(|a| all.clone().map(|b| cell(a, b)).collect()).collect()))
}

/// What one exponent's curve says of the whole training.
#[derive(Clone, Copy, Debug)]
struct Curve {
    /// Its gain.
    mean: f64,
    /// The variance of that.
    variance: f64,
    /// How likely the points are on such a curve, relative to the others; sums to 1.
    weight: f64,
}

/// The curves of all exponents. With p = c − a, the gain of the whole, y = p − a·(x^−b − 1) is
/// linear in p and a, so that their posterior under normal priors has a closed form.
fn curves(trials: &[Trial], gains: &[f64], covariance: &[Vec<f64>]) -> Vec<Curve> {
    let least = trials.iter().map(|trial| trial.share).fold(1.0, f64::min);
    let fit = |exponent: f64| {
        let lacks = |share: f64| share.powf(-exponent) - 1.0;
        // In units of the growth from the least share to the whole.
        let lack: Vec<f64> = trials.iter().map(|t| lacks(t.share) / lacks(least)).collect();
        let cell = |a: usize, b: usize| {
            covariance[a][b] + GAIN.powi(2) + GROWTH.powi(2) * lack[a] * lack[b]
        };
        let all = 0..trials.len();
        let total = all.clone().map(|a| all.clone().map(|b| cell(a, b)).collect()).collect();
        let root = Root::of(total);
        let (points, shared) = (root.half(gains), root.half(&vec![GAIN.powi(2); trials.len()]));
        let mean = dot(&shared, &points);
        let variance = GAIN.powi(2) - dot(&shared, &shared);
        (mean, variance, -0.5 * dot(&points, &points) - root.log_diagonal())
    };
    let fits: Vec<_> = EXPONENTS.into_iter().map(fit).collect();
    let best = fits.iter().map(|fit| fit.2).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = fits.iter().map(|fit| (fit.2 - best).exp()).sum();
    let curve = |(mean, variance, likely): (f64, f64, f64)| Curve {
        mean,
        variance,
        weight: (likely - best).exp() / total,
    };
    fits.into_iter().map(curve).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The Cholesky root of a positive matrix, lower triangle.
struct Root(Vec<Vec<f64>>);

impl Root {
    fn of(mut matrix: Vec<Vec<f64>>) -> Self {
        for row in 0..matrix.len() {
            for column in 0..=row {
                let known = dot(&matrix[row][..column], &matrix[column][..column]);
                let rest = matrix[row][column] - known;
                matrix[row][column] =
                    if row == column { rest.sqrt() } else { rest / matrix[column][column] };
            }
        }
        Self(matrix)
    }

    /// Root⁻¹ · values.
    fn half(&self, values: &[f64]) -> Vec<f64> {
        let mut solved = Vec::with_capacity(values.len());
        for (row, value) in self.0.iter().zip(values) {
            let at = solved.len();
            solved.push((value - dot(&row[..at], &solved)) / row[at]);
        }
        solved
    }

    /// Half the logarithm of the matrix's determinant.
    fn log_diagonal(&self) -> f64 {
        self.0.iter().enumerate().map(|(at, row)| row[at].ln()).sum()
    }
}

/// Mean and percentiles of all curves together, deviations widened by `stretch`.
fn mixture(curves: &[Curve], stretch: f64) -> Interval {
    let mean = curves.iter().map(|curve| curve.weight * curve.mean).sum();
    let below = |value: f64| {
        let share =
            |c: &Curve| c.weight * normal_below((value - c.mean) / (stretch * c.variance.sqrt()));
        curves.iter().map(share).sum::<f64>()
    };
    let at = |wanted: f64| {
        let (mut low, mut high) = (-10.0 * GAIN * stretch, 10.0 * GAIN * stretch);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if below(middle) < wanted { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    };
    Interval { mean, low: at(0.025), high: at(0.975), upper95: at(0.95) }
}

/// Share of the standard normal below `z`, to 1e-7 (Abramowitz and Stegun, 26.2.17).
fn normal_below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let terms = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = terms.iter().rev().fold(0.0, |sum, term| (sum + term) * t);
    let above = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt() * sum;
    if z < 0.0 { above } else { 1.0 - above }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { mean, low, high, .. } = self.gain;
        let than = match self.decision {
            Decision::Train => "above",
            Decision::Leave => "not above",
        };
        let noise = self.noise;
        write!(
            f,
            "predicted gain over base + retrieval {mean:+.3} [{low:+.3}, {high:+.3}], {than} the \
             noise of another seed ({noise:.3})"
        )
    }
}

#[cfg(test)]
mod tests;
