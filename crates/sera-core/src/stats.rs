//! Statistics on paired measurements: medians, and bootstraps clustered by file or commit.
use serde::{Deserialize, Serialize};

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

/// Cluster bootstrap of the weighted mean difference; `None` for no items. Deterministic in `seed`.
pub fn bootstrap(items: &[Paired], resamples: usize, seed: u64) -> Option<Interval> {
    let _ = (items, resamples, seed);
    todo!()
}

/// The median; `None` for no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let _ = values;
    todo!()
}
