//! Forward with a memory of earlier rows: generation row by row, and many branches scored against
//! one shared trunk.

use crate::base::Base;
use crate::batch::Target;
use crate::config::Config;
use crate::decoder::{EngineError, block, go};
use crate::lora::Lora;
use crate::ops::{
    Attended, Cpu, Kept, KeyValues, Norm, Ops as _, Rows, Segment, head_logits, nll_of_rows,
};
use crate::threads::{as_paced, in_pool, paced};
use std::ops::Range;

/// Rows of branches computed at once.
const PACK: usize = 512;

/// Rows of an answer that are read at once while it is written.
pub const WRITTEN: usize = 8;

/// Rows that take as long as it takes to read the weights, which is done once for all rows.
const WEIGHTS: f32 = 1.5;

/// Keys, values and final hidden states of the tokens read so far.
#[derive(Clone, Debug)]
pub struct Cache {
    tokens: usize,
    width: usize,
    /// Per layer: rotated keys, and values.
    layers: Vec<Kept>,
    /// Normed final hidden rows, `[tokens, width]`: what the head reads.
    hidden: Vec<f32>,
}

impl Cache {
    /// An empty cache.
    pub fn new(config: &Config) -> Self {
        Self::keeping(config, KeyValues::default())
    }

    /// An empty cache that keeps its numbers so.
    pub fn keeping(config: &Config, how: KeyValues) -> Self {
        let kept = Kept::new(config.head, config.kv_heads, how);
        let (layers, hidden) = (vec![kept; config.layers], Vec::new());
        Self { tokens: 0, width: config.width, layers, hidden }
    }

    /// One that keeps its numbers in the same way and holds none.
    pub(crate) fn emptied(&self) -> Self {
        let layers = self.layers.iter().map(Kept::emptied).collect();
        Self { tokens: 0, width: self.width, layers, hidden: Vec::new() }
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
        self.layers.iter_mut().for_each(|kept| kept.truncate(self.tokens));
        self.hidden.truncate(self.tokens * self.width);
    }

    /// Logits (`[vocabulary]`) of what follows position `row`.
    ///
    /// # Panics
    /// Where `row` was not read.
    pub fn logits(&self, base: &Base, row: usize) -> Vec<f32> {
        as_paced(|| head_logits(&base.weights, self.hidden_row(row)))
    }

    /// The same of every position from `row` on, `[positions, vocabulary]`.
    ///
    /// # Panics
    /// Where `row` was not read.
    pub(crate) fn logits_from(&self, base: &Base, row: usize) -> Vec<f32> {
        as_paced(|| head_logits(&base.weights, &self.hidden[row * self.width..]))
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

    /// Appends positions: of every layer the keys and values of all rows, of which these are its.
    fn append(&mut self, config: &Config, fresh: &[Vec<f32>], rows: Range<usize>, hidden: &Rows) {
        let width = config.kv_width();
        for (kept, fresh) in self.layers.iter_mut().zip(fresh) {
            let fresh = &fresh[rows.start * 2 * width..rows.end * 2 * width];
            kept.extend(fresh.chunks_exact(2 * width).map(|row| row.split_at(width)));
        }
        let numbers = rows.start * self.width..rows.end * self.width;
        self.hidden.extend_from_slice(&hidden.data[numbers]);
        self.tokens += rows.len();
    }

    fn hidden_row(&self, row: usize) -> &[f32] {
        &self.hidden[row * self.width..][..self.width]
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
    pause: &(dyn Fn() -> bool + Sync),
) -> Result<(), EngineError> {
    let positions: Vec<usize> = (cache.tokens..cache.tokens + tokens.len()).collect();
    in_pool(|| {
        let ops = ops(base, lora, &positions);
        let mut fresh = Vec::with_capacity(base.config.layers);
        let attend = |layer: usize, qkv: &Rows| {
            fresh.push(qkv.columns(base.config.query_width()));
            ops.attend_past(qkv, &cache.layers[layer])
        };
        if let Some(hidden) = forward((base, &ops), tokens, &positions, attend, pause)? {
            cache.append(&base.config, &fresh, 0..tokens.len(), &hidden);
        }
        Ok(())
    })
}

/// What one of several answers goes on with.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The adapter it is written with.
    pub lora: Option<&'a Lora>,
    /// What was read before.
    pub cache: &'a mut Cache,
    /// At most [`WRITTEN`] tokens: one that was just written, and guesses at what follows.
    pub tokens: &'a [u32],
}

/// Reads the last tokens of some answers that are being written, and appends them to their caches.
/// Weights are read once for all, in few bits; an answer gets the same bits as if it were alone.
///
/// `pause` is called between layers; where it says false, the caches are left as they were.
pub fn forward_written(
    base: &Base,
    turns: &mut [Turn<'_>],
    pause: &(dyn Fn() -> bool + Sync),
) -> Result<(), EngineError> {
    if turns.iter().any(|turn| turn.tokens.len() > WRITTEN) {
        return Err(EngineError::Batch("an answer goes on with too many tokens"));
    }
    let mut tokens = Vec::new();
    let (mut positions, mut rows, mut loras) = (Vec::new(), Vec::new(), Vec::new());
    for turn in &*turns {
        rows.push(tokens.len()..tokens.len() + turn.tokens.len());
        positions.extend(turn.cache.tokens..turn.cache.tokens + turn.tokens.len());
        tokens.extend_from_slice(turn.tokens);
        loras.extend(std::iter::repeat_n(turn.lora, turn.tokens.len()));
    }
    if tokens.is_empty() {
        return Ok(());
    }
    paced(WEIGHTS + tokens.len() as f32, || {
        let ops = ops(base, None, &positions).few(loras);
        let mut fresh = Vec::with_capacity(base.config.layers);
        let attend = |layer: usize, qkv: &Rows| {
            fresh.push(qkv.columns(base.config.query_width()));
            let past = turns.iter().map(|turn| &turn.cache.layers[layer]);
            ops.attend_each(qkv, rows.iter().cloned().zip(past))
        };
        if let Some(hidden) = forward((base, &ops), &tokens, &positions, attend, pause)? {
            for (turn, rows) in turns.iter_mut().zip(rows) {
                turn.cache.append(&base.config, &fresh, rows, &hidden);
            }
        }
        Ok(())
    })
}

/// [`forward_written`], and the logits after every token of every answer, `[tokens, vocabulary]`.
pub(crate) fn write_together(
    base: &Base,
    turns: &mut [Turn<'_>],
    pause: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Vec<f32>>, EngineError> {
    forward_written(base, turns, pause)?;
    let fresh = |turn: &Turn<'_>| (turn.cache.len() - turn.tokens.len()) * turn.cache.width;
    let hidden: Vec<&[f32]> = turns.iter().map(|turn| &turn.cache.hidden[fresh(turn)..]).collect();
    let mut logits = as_paced(|| head_logits(&base.weights, &hidden.concat()));
    let mut own = |turn: &Turn<'_>| {
        let rest = logits.split_off(turn.tokens.len() * base.config.vocabulary);
        std::mem::replace(&mut logits, rest)
    };
    Ok(turns.iter().map(&mut own).collect())
}

/// Kernels for rows at these positions.
fn ops<'a>(base: &'a Base, lora: Option<&'a Lora>, positions: &[usize]) -> Cpu<'a> {
    let first = positions.iter().copied().min().unwrap_or(0);
    let end = positions.iter().max().map_or(0, |last| last + 1);
    Cpu::new(base, lora, first..end)
}

/// Normed final hidden rows; none for no token. `attend` is given a layer and rotated rows.
fn forward(
    (base, ops): (&Base, &Cpu<'_>),
    tokens: &[u32],
    positions: &[usize],
    mut attend: impl FnMut(usize, &Rows) -> Attended<Rows>,
    pause: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Rows>, EngineError> {
    if tokens.is_empty() {
        return Ok(None);
    }
    if tokens.iter().any(|&token| token as usize >= base.config.vocabulary) {
        return Err(EngineError::Batch("it has a token outside the vocabulary"));
    }
    let mut h = ops.embed(tokens)?;
    for layer in 0..base.config.layers {
        go(pause)?;
        let mut attend = |qkv| {
            let qkv = ops.rotate(qkv, positions)?;
            let attended = attend(layer, &qkv);
            Ok((qkv, attended))
        };
        (h, _) = block(ops, layer, h, &mut attend, false)?;
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
    pause: &(dyn Fn() -> bool + Sync),
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
        let pack = &branches[from..from + count];
        scores.extend(in_pool(|| score_pack(base, lora, trunk, pack, pause))?);
        from += count;
    }
    Ok(scores)
}

fn score_pack(
    base: &Base,
    lora: Option<&Lora>,
    trunk: &Cache,
    branches: &[Branch],
    pause: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Vec<f32>>, EngineError> {
    // A branch's last token is predicted but predicts nothing: it is not computed.
    let read = |branch: &Branch| branch.tokens.len().saturating_sub(1);
    let (mut tokens, mut segments) = (Vec::new(), Vec::new());
    for branch in branches {
        let start = tokens.len();
        tokens.extend_from_slice(&branch.tokens[..read(branch)]);
        segments.push(Segment { rows: start..tokens.len(), past: branch.at });
    }
    let position = |segment: &Segment| segment.past..segment.past + segment.rows.len();
    let positions: Vec<usize> = segments.iter().flat_map(position).collect();
    let ops = ops(base, lora, &positions);
    let attend =
        |layer: usize, qkv: &Rows| ops.attend_expanded(qkv, &trunk.layers[layer], &segments);
    let hidden = forward((base, &ops), &tokens, &positions, attend, pause)?;
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn tokens(n: usize, seed: usize) -> Vec<u32> {
        (0..n).map(|i| ((i * 37 + seed * 101 + i * i) % 320) as u32).collect()
    }

    /// A base and an adapter that changes it.
    fn student(precision: Precision) -> (Arc<Base>, Lora) {
        student_of(Family::Llama, precision)
    }

    fn student_of(family: Family, precision: Precision) -> (Arc<Base>, Lora) {
        let config = Config { family, tied_head: family == Family::Llama, ..Config::tiny() };
        student_with(config, precision)
    }

    fn student_with(config: Config, precision: Precision) -> (Arc<Base>, Lora) {
        let base = Base::random_with(config, 4, precision);
        let mut lora = Lora::new(&base.config, &LoraConfig { r: 4, ..LoraConfig::default() });
        for (i, number) in lora.parameters_mut().iter_mut().enumerate() {
            *number += ((i % 7) as f32 - 3.0) * 0.01;
        }
        (base, lora)
    }

    fn near(a: &[f32], b: &[f32]) {
        within(2e-2, a, b);
    }

    fn within(far: f32, a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < far, "{a} {b}");
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
    fn answers_written_together_are_the_same_bits_as_alone() {
        for precision in [Precision::F32, Precision::Bf16] {
            // Rows of whole blocks, as kernels for few rows want them.
            let config = Config { width: 64, heads: 8, ..Config::tiny() };
            let (base, lora) = student_with(config, precision);
            let same = |a: &[f32], b: &[f32]| match crate::ops::few_fit(64) {
                true => assert_eq!(a, b),
                false => near(a, b),
            };
            let parts = [(Some(&lora), 70, 3), (None, 1, 1), (Some(&lora), 9, 8)];
            let cache = |(lora, before, _): (Option<&Lora>, usize, usize)| {
                let mut cache = Cache::new(&base.config);
                forward_cached(&base, lora, &tokens(before, before), &mut cache, &|| true).unwrap();
                cache
            };
            let new: Vec<Vec<u32>> = parts.iter().map(|&(_, _, n)| tokens(n, 50 + n)).collect();
            let mut together = parts.map(cache);
            let mut turns: Vec<Turn<'_>> = (parts.iter().zip(&mut together).zip(&new))
                .map(|((&(lora, ..), cache), tokens)| Turn { lora, cache, tokens })
                .collect();
            forward_written(&base, &mut turns, &|| true).unwrap();
            for ((part, together), new) in parts.into_iter().zip(&together).zip(&new) {
                let (mut alone, mut exact) = (cache(part), cache(part));
                for token in new {
                    let tokens = std::slice::from_ref(token);
                    let turn = Turn { lora: part.0, cache: &mut alone, tokens };
                    forward_written(&base, &mut [turn], &|| true).unwrap();
                }
                let logits = |cache: &Cache| cache.logits(&base, cache.len() - 1);
                assert_eq!(together.len(), alone.len());
                // Rows read together see each other exactly, rows read before as they are kept.
                match new.len() {
                    1 => same(&logits(together), &logits(&alone)),
                    _ => near(&logits(together), &logits(&alone)),
                }
                forward_cached(&base, part.0, new, &mut exact, &|| true).unwrap();
                let apart = logits(together).into_iter().zip(logits(&exact));
                assert!(apart.into_iter().all(|(a, b)| (a - b).abs() < 0.05), "bits of weights");
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
        // In bf16 the trunk itself is met in bf16.
        for (precision, far) in [(Precision::F32, 2e-2), (Precision::Bf16, 5e-2)] {
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
                within(far, scores, &wanted);
            }
        }
    }

    #[test]
    fn stopping_leaves_the_cache_as_it_was() {
        let (base, lora) = student(Precision::F32);
        let mut cache = Cache::new(&base.config);
        forward_cached(&base, Some(&lora), &tokens(5, 1), &mut cache, &|| true).unwrap();
        let calls = AtomicUsize::new(0);
        let once = || calls.fetch_add(1, Ordering::Relaxed) < 1;
        let stopped = forward_cached(&base, Some(&lora), &tokens(5, 2), &mut cache, &once);
        assert!(matches!(stopped, Err(EngineError::Stopped)));
        assert_eq!((cache.len(), cache.layers[0].len()), (5, 5));
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
