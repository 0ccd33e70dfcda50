//! What one forward works on: sequences packed end to end without padding, and the rows that count.
use crate::config::Config;
use crate::lora::Projection;

/// Packed sequences with the predictions to score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Tokens of all sequences, one after the other.
    pub tokens: Vec<u32>,
    /// Where sequences begin, and the end: `0, .., tokens.len()`, strictly ascending.
    pub starts: Vec<usize>,
    /// The predictions to score.
    pub targets: Vec<Target>,
}

/// One scored prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The row whose next token is scored.
    pub row: usize,
    /// The token that should follow.
    pub token: u32,
    /// Its weight in the loss. Below 0 the token should *not* follow: then the loss is that much
    /// of −ln(1 − p), its unlikelihood (Welleck et al., arXiv 1908.04319, equation 4).
    pub weight: f32,
}

impl Target {
    /// The loss in nats, given the token's negative log-likelihood.
    pub fn loss(&self, nll: f32) -> f64 {
        match self.weight < 0.0 {
            true => f64::from(self.weight) * f64::from(1.0 - probability(nll)).ln(),
            false => f64::from(self.weight) * f64::from(nll),
        }
    }

    /// What the gradient of the plain negative log-likelihood is multiplied with.
    pub fn slope(&self, nll: f32) -> f32 {
        let p = probability(nll);
        if self.weight < 0.0 { self.weight * p / (1.0 - p) } else { self.weight }
    }
}

/// Bounded, so that the unlikelihood of what is certain stays finite.
fn probability(nll: f32) -> f32 {
    (-nll).exp().min(0.99)
}

impl Batch {
    /// Appends one sequence. Its targets' rows count from its own start.
    pub fn push(&mut self, tokens: &[u32], targets: impl IntoIterator<Item = Target>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.starts.push(self.tokens.len());
        self.targets
            .extend(targets.into_iter().map(|target| Target { row: target.row + start, ..target }));
    }

    /// One sequence in which every token from the one at `from` on is a target of weight 1. The
    /// first token follows nothing and is never one.
    pub fn continuation(tokens: &[u32], from: usize) -> Self {
        let mut batch = Self::default();
        let from = from.max(1);
        let targets = tokens.iter().enumerate().skip(from).map(|(at, &token)| Target {
            row: at - 1,
            token,
            weight: 1.0,
        });
        batch.push(tokens, targets);
        batch
    }

    /// Some sequences with every token but their first a target: the loss is the mean of all.
    pub fn mean_of(sequences: &[Vec<u32>]) -> Self {
        let targets: usize = sequences.iter().map(|sequence| sequence.len().max(1) - 1).sum();
        let weight = 1.0 / targets.max(1) as f32;
        let mut batch = Self::default();
        for sequence in sequences {
            let next = sequence.iter().skip(1).enumerate();
            batch.push(sequence, next.map(|(row, &token)| Target { row, token, weight }));
        }
        batch
    }

    /// Floating-point operations of frozen products and attention: of a forward, and of a forward
    /// with its backward. The adapter's are left out, and what a backward computes again.
    pub fn operations(&self, config: &Config) -> (f64, f64) {
        let shapes = Projection::ALL.iter().map(|projection| projection.shape(config));
        let linear: usize = shapes.map(|(inputs, outputs)| inputs * outputs).sum();
        let products = 2.0 * (linear * config.layers * self.tokens.len()) as f64
            + 2.0 * (config.vocabulary * config.width * self.targets.len()) as f64;
        let pairs: usize = self.starts.windows(2).map(|pair| (pair[1] - pair[0]).pow(2) / 2).sum();
        let attention = 4.0 * (config.layers * config.query_width() * pairs) as f64;
        (products + attention, 2.0 * products + 3.5 * attention)
    }

    /// The reason this batch cannot be computed with `vocabulary` tokens, if there is one.
    pub(crate) fn fault(&self, vocabulary: usize) -> Option<&'static str> {
        let rows = self.tokens.len();
        if rows == 0 {
            return Some("it has no token");
        }
        if self.starts.first() != Some(&0) || self.starts.last() != Some(&rows) {
            return Some("its starts do not span its tokens");
        }
        if self.starts.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Some("its starts do not ascend");
        }
        let known = |token: u32| (token as usize) < vocabulary;
        if !self.tokens.iter().all(|&token| known(token)) {
            return Some("it has a token outside the vocabulary");
        }
        let sound = |target: &Target| target.row < rows && known(target.token);
        if !self.targets.iter().all(sound) {
            return Some("a target lies outside it");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_the_losses_derivative() {
        // Two tokens, the target's logit x and 0: p = 1 / (1 + e^-x).
        let nll = |x: f64| (1.0 + (-x).exp()).ln() as f32;
        for (x, weight) in [(0.0, 2.0), (1.5, 0.5), (-2.0, -1.0), (0.0, -3.0), (2.0, -16.0)] {
            let target = Target { row: 0, token: 0, weight };
            let step = 1e-3;
            let found = (target.loss(nll(x + step)) - target.loss(nll(x - step))) / (2.0 * step);
            let p = f64::from((-nll(x)).exp());
            let expect = f64::from(target.slope(nll(x))) * (p - 1.0);
            assert!((found - expect).abs() < 1e-2 * expect.abs(), "{x} {weight}: {found} {expect}");
        }
        let certain = Target { row: 0, token: 0, weight: -1.0 };
        assert!(certain.loss(0.0).is_finite() && certain.slope(0.0).is_finite());
    }
}
