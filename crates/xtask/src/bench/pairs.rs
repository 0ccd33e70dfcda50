//! Two sides measured in turn, so that a machine that grows slower grows slower for both.
use sera_core::stats::median;

/// Pairs that a comparison is made of.
pub(super) const PAIRS: usize = 7;

/// What each side did a second, pair by pair.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(Vec<(f64, f64)>);

impl Pairs {
    /// Adds what ours and theirs did a second.
    pub(super) fn push(&mut self, ours: f64, theirs: f64) {
        self.0.push((ours, theirs));
    }

    /// Median of ours.
    pub(super) fn ours(&self) -> f64 {
        self.median(|(ours, _)| ours)
    }

    /// Median of theirs.
    pub(super) fn theirs(&self) -> f64 {
        self.median(|(_, theirs)| theirs)
    }

    /// Median of the pairs' ratios, ours over theirs.
    pub(super) fn ratio(&self) -> f64 {
        self.median(|(ours, theirs)| ours / theirs)
    }

    /// `ratio (lowest–highest)`.
    pub(super) fn told(&self) -> String {
        let ratios = self.0.iter().map(|(ours, theirs)| ours / theirs);
        let low = ratios.clone().fold(f64::INFINITY, f64::min);
        let high = ratios.fold(0.0, f64::max);
        format!("{:.2} ({low:.2}–{high:.2})", self.ratio())
    }

    fn median(&self, of: impl Fn((f64, f64)) -> f64) -> f64 {
        median(&self.0.iter().copied().map(of).collect::<Vec<_>>()).unwrap_or(f64::NAN)
    }
}
