//! Forward with a memory of earlier rows: generation row by row, and many branches scored against
//! one shared trunk.

use crate::base::Base;
use crate::batch::Target;
use crate::config::Config;
use crate::decoder::{EngineError, block, go};
use crate::lora::Lora;
use crate::ops::{Cpu, Norm, Ops as _, Past, Rows, Segment, head_logits, nll_of_rows};

/// Rows of branches computed at once.
const PACK: usize = 512;

/// Keys, values and final hidden states of the tokens read so far.
#[derive(Clone, Debug)]
pub struct Cache {
    tokens: usize,
    kv_width: usize,
    width: usize,
    /// Per layer: rotated keys, values, each `[tokens, kv width]`.
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    /// Normed final hidden rows, `[tokens, width]`: what the head reads.
    hidden: Vec<f32>,
}

impl Cache {
    /// An empty cache.
    pub fn new(config: &Config) -> Self {
        Self {
            tokens: 0,
            kv_width: config.kv_width(),
            width: config.width,
            layers: vec![(Vec::new(), Vec::new()); config.layers],
            hidden: Vec::new(),
        }
    }

    /// How many tokens were read.
    pub fn len(&self) -> usize {
        self.tokens
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Forgets all but the first `tokens`.
    pub fn truncate(&mut self, tokens: usize) {
        self.tokens = self.tokens.min(tokens);
        for (keys, values) in &mut self.layers {
            keys.truncate(self.tokens * self.kv_width);
            values.truncate(self.tokens * self.kv_width);
        }
        self.hidden.truncate(self.tokens * self.width);
    }

    /// Logits (`[vocabulary]`) of what follows position `row`.
    ///
    /// # Panics
    /// Where `row` was not read.
    pub fn logits(&self, base: &Base, row: usize) -> Vec<f32> {
        head_logits(&base.weights, self.hidden_row(row))
    }

    /// The same with the head as training computes it.
    #[cfg(test)]
    pub(crate) fn exact_logits(&self, base: &Base, row: usize) -> Vec<f32> {
        crate::ops::exact_head_logits(&base.weights, self.hidden_row(row))
    }

    /// Negative log-likelihoods in nats; a target's `row` is a position in this cache.
    ///
    /// # Panics
    /// Where a target's row was not read or its token is not in the vocabulary.
    pub fn nll(&self, base: &Base, targets: &[Target]) -> Vec<f32> {
        let rows: Vec<_> =
            targets.iter().map(|target| (self.hidden_row(target.row), target.token)).collect();
        nll_of_rows(&base.weights, &rows)
    }

    fn hidden_row(&self, row: usize) -> &[f32] {
        &self.hidden[row * self.width..][..self.width]
    }

    fn past(&self, layer: usize) -> Past<'_> {
        let (keys, values) = &self.layers[layer];
        Past { keys, values }
    }
}

/// Reads `tokens` after what `cache` holds and appends them to it.
///
/// `pause` is called between layers; where it says false, the cache is left as it was.
pub fn forward_cached(
    base: &Base,
    lora: Option<&Lora>,
    tokens: &[u32],
    cache: &mut Cache,
    pause: &dyn Fn() -> bool,
) -> Result<(), EngineError> {
    let before = cache.tokens;
    let segment = Segment { rows: 0..tokens.len(), past: before };
    let mut fresh = Vec::with_capacity(base.config.layers);
    let keep = |qkv: &Rows| fresh.push(keys_and_values(&base.config, qkv));
    // A single token is one that was just written.
    let student = (base, lora, tokens.len() == 1);
    let Some(hidden) = forward(student, tokens, &[segment], cache, keep, pause)? else {
        return Ok(());
    };
    for ((keys, values), (new_keys, new_values)) in cache.layers.iter_mut().zip(fresh) {
        keys.extend(new_keys);
        values.extend(new_values);
    }
    cache.hidden.extend(hidden.data);
    cache.tokens += tokens.len();
    Ok(())
}

fn keys_and_values(config: &Config, qkv: &Rows) -> (Vec<f32>, Vec<f32>) {
    let (from, width) = (config.query_width(), config.kv_width());
    let part = |from: usize| {
        qkv.data.chunks_exact(qkv.width).flat_map(|row| &row[from..from + width]).copied().collect()
    };
    (part(from), part(from + width))
}

/// Normed final hidden rows of segments that see the trunk's first positions; none for no token.
/// `once` is for a single row that nothing is compared with.
fn forward(
    (base, lora, once): (&Base, Option<&Lora>, bool),
    tokens: &[u32],
    segments: &[Segment],
    trunk: &Cache,
    mut each_layer: impl FnMut(&Rows),
    pause: &dyn Fn() -> bool,
) -> Result<Option<Rows>, EngineError> {
    if tokens.is_empty() {
        return Ok(None);
    }
    if tokens.iter().any(|&token| token as usize >= base.config.vocabulary) {
        return Err(EngineError::Batch("it has a token outside the vocabulary"));
    }
    let positions: Vec<usize> = segments
        .iter()
        .flat_map(|segment| segment.past..segment.past + segment.rows.len())
        .collect();
    let first = positions.iter().copied().min().unwrap_or(0);
    let end = positions.iter().max().map_or(0, |last| last + 1);
    let ops = Cpu::new(base, lora, first..end);
    let ops = if once { ops.once() } else { ops };
    let mut h = ops.embed(tokens)?;
    for layer in 0..base.config.layers {
        go(pause)?;
        (h, _) = block(
            &ops,
            layer,
            h,
            &mut |qkv| {
                let qkv = ops.rotate(qkv, &positions)?;
                let attended = ops.attend_past(&qkv, trunk.past(layer), segments);
                each_layer(&qkv);
                Ok((qkv, attended))
            },
            false,
        )?;
    }
    Ok(Some(ops.norm(Norm::Final, &h)?))
}

/// Tokens that leave the trunk at one of its positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// It follows the trunk's first `at` tokens; at least 1.
    pub at: usize,
    /// What it continues with.
    pub tokens: Vec<u32>,
}

/// Log-probabilities of every token of every branch, each given the trunk before it and the
/// branch's earlier tokens. The trunk must have been read with the same `lora`.
pub fn score_branches(
    base: &Base,
    lora: Option<&Lora>,
    trunk: &Cache,
    branches: &[Branch],
    pause: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f32>>, EngineError> {
    if branches.iter().any(|branch| branch.at == 0 || branch.at > trunk.tokens) {
        return Err(EngineError::Batch("a branch leaves the trunk where there is none"));
    }
    let known = |&token: &u32| (token as usize) < base.config.vocabulary;
    if !branches.iter().all(|branch| branch.tokens.iter().all(known)) {
        return Err(EngineError::Batch("it has a token outside the vocabulary"));
    }
    let mut scores = Vec::with_capacity(branches.len());
    let mut from = 0;
    while from < branches.len() {
        let mut rows = 0;
        let fits = branches[from..].iter().take_while(|branch| {
            rows += branch.tokens.len();
            rows <= PACK
        });
        let count = fits.count().max(1);
        scores.extend(score_pack(base, lora, trunk, &branches[from..from + count], pause)?);
        from += count;
    }
    Ok(scores)
}

fn score_pack(
    base: &Base,
    lora: Option<&Lora>,
    trunk: &Cache,
    branches: &[Branch],
    pause: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f32>>, EngineError> {
    // A branch's last token is predicted but predicts nothing: it is not computed.
    let read = |branch: &Branch| branch.tokens.len().saturating_sub(1);
    let (mut tokens, mut segments) = (Vec::new(), Vec::new());
    for branch in branches {
        let start = tokens.len();
        tokens.extend_from_slice(&branch.tokens[..read(branch)]);
        segments.push(Segment { rows: start..tokens.len(), past: branch.at });
    }
    let hidden = forward((base, lora, false), &tokens, &segments, trunk, |_| (), pause)?;
    let mut rows = Vec::new();
    for (branch, segment) in branches.iter().zip(&segments) {
        for (i, &token) in branch.tokens.iter().enumerate() {
            let row = match (i, &hidden) {
                (0, _) => trunk.hidden_row(branch.at - 1),
                (_, Some(hidden)) => hidden.row(segment.rows.start + i - 1),
                (_, None) => unreachable!("a second token means that rows were computed"),
            };
            rows.push((row, token));
        }
    }
    let nll = nll_of_rows(&base.weights, &rows);
    let mut nll = nll.into_iter();
    let score = |branch: &Branch| nll.by_ref().take(branch.tokens.len()).map(|n| -n).collect();
    Ok(branches.iter().map(score).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::config::Family;
    use crate::decoder::nll;
    use crate::lora::LoraConfig;
    use crate::weights::Precision;
    use std::sync::Arc;

    fn tokens(n: usize, seed: usize) -> Vec<u32> {
        (0..n).map(|i| ((i * 37 + seed * 101 + i * i) % 320) as u32).collect()
    }

    /// A base and an adapter that changes it.
    fn student(precision: Precision) -> (Arc<Base>, Lora) {
        student_of(Family::Llama, precision)
    }

    fn student_of(family: Family, precision: Precision) -> (Arc<Base>, Lora) {
        let config = Config { family, tied_head: family == Family::Llama, ..Config::tiny() };
        let base = Base::random_with(config, 4, precision);
        let mut lora = Lora::new(&base.config, &LoraConfig { r: 4, ..LoraConfig::default() });
        for (i, number) in lora.parameters_mut().iter_mut().enumerate() {
            *number += ((i % 7) as f32 - 3.0) * 0.01;
        }
        (base, lora)
    }

    fn near(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 2e-2, "{a} {b}");
        }
    }

    fn alone(base: &Base, lora: &Lora, tokens: &[u32], from: usize) -> Vec<f32> {
        nll(base, Some(lora), &Batch::continuation(tokens, from), &|| true).unwrap()
    }

    #[test]
    fn reading_in_parts_equals_reading_at_once() {
        let families = Family::ALL.map(|family| (family, Precision::F32));
        for (family, precision) in families.into_iter().chain([(Family::Llama, Precision::Bf16)]) {
            let (base, lora) = student_of(family, precision);
            let all = tokens(90, 1);
            let wanted = alone(&base, &lora, &all, 1);
            for parts in [vec![90], vec![40, 50], vec![1, 1, 60, 1, 27]] {
                let mut cache = Cache::new(&base.config);
                let mut rest = &all[..];
                for part in parts {
                    let (now, later) = rest.split_at(part);
                    forward_cached(&base, Some(&lora), now, &mut cache, &|| true).unwrap();
                    rest = later;
                }
                let targets = Batch::continuation(&all, 1).targets;
                near(&cache.nll(&base, &targets), &wanted);
                let logits = cache.logits(&base, 40);
                let sum: f32 = logits.iter().map(|x| x.exp()).sum();
                near(&[sum.ln() - logits[all[41] as usize]], &wanted[40..41]);
            }
        }
    }

    #[test]
    fn truncated_caches_forget() {
        let (base, lora) = student(Precision::F32);
        let (first, second) = (tokens(30, 1), tokens(25, 2));
        let mut cache = Cache::new(&base.config);
        forward_cached(&base, Some(&lora), &first, &mut cache, &|| true).unwrap();
        cache.truncate(12);
        forward_cached(&base, Some(&lora), &second, &mut cache, &|| true).unwrap();
        let all = [&first[..12], &second].concat();
        assert_eq!(cache.len(), all.len());
        near(
            &cache.nll(&base, &Batch::continuation(&all, 1).targets),
            &alone(&base, &lora, &all, 1),
        );
    }

    #[test]
    fn branches_equal_whole_sequences() {
        for precision in [Precision::F32, Precision::Bf16] {
            let (base, lora) = student(precision);
            let trunk = tokens(120, 3);
            let mut cache = Cache::new(&base.config);
            forward_cached(&base, Some(&lora), &trunk, &mut cache, &|| true).unwrap();
            let lengths = [(1, 5), (120, 40), (60, 1), (77, 0), (33, 300), (119, 300), (1, 1)];
            let branches: Vec<Branch> = lengths
                .iter()
                .enumerate()
                .map(|(i, &(at, n))| Branch { at, tokens: tokens(n, i + 10) })
                .collect();
            let scores = score_branches(&base, Some(&lora), &cache, &branches, &|| true).unwrap();
            assert_eq!(scores.len(), branches.len());
            for (branch, scores) in branches.iter().zip(&scores) {
                let whole = [&trunk[..branch.at], &branch.tokens].concat();
                let wanted: Vec<f32> =
                    alone(&base, &lora, &whole, branch.at).iter().map(|n| -n).collect();
                near(scores, &wanted);
            }
        }
    }

    #[test]
    fn stopping_leaves_the_cache_as_it_was() {
        let (base, lora) = student(Precision::F32);
        let mut cache = Cache::new(&base.config);
        forward_cached(&base, Some(&lora), &tokens(5, 1), &mut cache, &|| true).unwrap();
        let calls = std::cell::Cell::new(0);
        let once = || calls.replace(calls.get() + 1) < 1;
        let stopped = forward_cached(&base, Some(&lora), &tokens(5, 2), &mut cache, &once);
        assert!(matches!(stopped, Err(EngineError::Stopped)));
        assert_eq!((cache.len(), cache.layers[0].0.len()), (5, 5 * base.config.kv_width()));
    }

    #[test]
    fn impossible_branches_are_refused() {
        let (base, lora) = student(Precision::F32);
        let mut cache = Cache::new(&base.config);
        forward_cached(&base, Some(&lora), &tokens(5, 1), &mut cache, &|| true).unwrap();
        for (at, token) in [(0, 1), (6, 1), (2, 320)] {
            let branch = Branch { at, tokens: vec![token] };
            let refused = score_branches(&base, Some(&lora), &cache, &[branch], &|| true);
            assert!(matches!(refused, Err(EngineError::Batch(_))), "{at} {token}");
        }
    }
}
