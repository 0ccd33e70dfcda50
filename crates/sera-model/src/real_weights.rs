//! Tests of the engine on the default base's real weights.

use crate::testing::default_base;
use crate::{
    Base, Batch, Branch, Cache, Keep, Lora, LoraConfig, Precision, Turn, dead_slots,
    forward_cached, forward_written, loss_and_gradient, nll, score_branches,
};
use std::sync::{Arc, OnceLock};

/// Ordinary Python of no repository in particular.
const SAMPLE: &str = r#"import json
import os
from dataclasses import dataclass
from typing import Dict, List, Optional


@dataclass
class Entry:
    """One row of the inventory."""

    name: str
    count: int
    price: float

    def total(self) -> float:
        return self.count * self.price


class Inventory:
    """A collection of entries, saved as JSON."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.entries: Dict[str, Entry] = {}

    def add(self, name: str, count: int, price: float) -> Entry:
        if count < 0:
            raise ValueError("count must not be negative")
        entry = self.entries.get(name)
        if entry is None:
            entry = Entry(name, count, price)
            self.entries[name] = entry
        else:
            entry.count += count
            entry.price = price
        return entry

    def remove(self, name: str) -> Optional[Entry]:
        return self.entries.pop(name, None)

    def total(self) -> float:
        return sum(entry.total() for entry in self.entries.values())

    def names(self) -> List[str]:
        return sorted(self.entries)

    def save(self) -> None:
        data = [vars(entry) for entry in self.entries.values()]
        with open(self.path, "w") as f:
            json.dump(data, f, indent=2)

    def load(self) -> None:
        if not os.path.exists(self.path):
            return
        with open(self.path) as f:
            for item in json.load(f):
                self.add(item["name"], item["count"], item["price"])
"#;

/// The base, loaded once for all tests of this file.
fn base(precision: Precision) -> Option<Arc<Base>> {
    static EXACT: OnceLock<Option<Arc<Base>>> = OnceLock::new();
    static ROUNDED: OnceLock<Option<Arc<Base>>> = OnceLock::new();
    let cell = match precision {
        Precision::F32 => &EXACT,
        Precision::Bf16 => &ROUNDED,
    };
    cell.get_or_init(|| {
        default_base().map(|path| Base::load_with(&path, precision).expect("the base loads"))
    })
    .clone()
}

fn mean_nll(base: &Base, text: &str) -> f32 {
    let batch = Batch::continuation(&base.tokenizer.encode(text), 1);
    let nll = nll(base, None, &batch, &|| true).unwrap();
    nll.iter().sum::<f32>() / nll.len() as f32
}

#[test]
fn python_is_likely() {
    for precision in [Precision::F32, Precision::Bf16] {
        let Some(base) = base(precision) else { return };
        let found = mean_nll(&base, SAMPLE);
        assert!((0.5..2.0).contains(&found), "{precision:?}: {found} nats per token");
        // Words in another order are not: the positions are really used.
        let shuffled: Vec<&str> = SAMPLE.split_whitespace().rev().collect();
        assert!(mean_nll(&base, &shuffled.join(" ")) > found + 1.0);
    }
}

#[test]
fn precisions_agree_on_real_weights() {
    let (Some(exact), Some(rounded)) = (base(Precision::F32), base(Precision::Bf16)) else {
        return;
    };
    let (exact, rounded) = (mean_nll(&exact, SAMPLE), mean_nll(&rounded, SAMPLE));
    assert!((exact - rounded).abs() < 0.01, "{exact} {rounded}");
}

#[test]
fn serving_and_training_see_the_same_likelihood() {
    let Some(base) = base(Precision::fastest()) else { return };
    let tokens = base.tokenizer.encode(SAMPLE);
    let from = 200;
    let trained: f32 =
        nll(&base, None, &Batch::continuation(&tokens, from), &|| true).unwrap().iter().sum();
    let mut cache = Cache::new(&base.config);
    for part in tokens[..from + 20].chunks(64) {
        forward_cached(&base, None, part, &mut cache, &|| true).unwrap();
    }
    let branch = Branch { at: from, tokens: tokens[from..].to_vec() };
    let scores = score_branches(&base, None, &cache, &[branch], &|| true).unwrap();
    let served = -scores[0].iter().sum::<f32>();
    assert!((served / trained - 1.0).abs() < 0.01, "{served} {trained}");
}

/// Σ p (ln p − ln q) of two rows of logits, in nats.
fn divergence(exact: &[f32], rounded: &[f32]) -> f64 {
    let log_sum = |row: &[f32]| row.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
    let (p, q) = (log_sum(exact), log_sum(rounded));
    let both = exact.iter().zip(rounded).map(|(&a, &b)| (f64::from(a) - p, f64::from(b) - q));
    both.map(|(p, q)| p.exp() * (p - q)).sum()
}

/// Mean divergence of what follows each of some tokens, read at once in f32, from what is said of
/// it where `read` reads them in the precision that serves, nats.
fn apart(
    read: impl Fn(&Base, &[u32], &mut Cache),
    logits: impl Fn(&Cache, &Base, usize) -> Vec<f32>,
) -> Option<f64> {
    let (exact, served) = (base(Precision::F32)?, base(Precision::fastest())?);
    let tokens = &exact.tokenizer.encode(SAMPLE)[..150];
    let (mut whole, mut parts) = (Cache::new(&exact.config), Cache::new(&served.config));
    forward_cached(&exact, None, tokens, &mut whole, &|| true).unwrap();
    read(&served, tokens, &mut parts);
    let at = |row| divergence(&whole.exact_logits(&exact, row), &logits(&parts, &served, row));
    Some((0..tokens.len()).map(at).sum::<f64>() / tokens.len() as f64)
}

/// Tokens read one by one, as they are when they were just written, may round weights further.
#[test]
fn what_is_written_by_hardly_differs_from_what_is_trained() {
    let one_by_one = |base: &Base, tokens: &[u32], cache: &mut Cache| {
        for token in tokens {
            let turn = Turn { lora: None, cache, tokens: &[*token] };
            forward_written(base, &mut [turn], &|| true).unwrap();
        }
    };
    let Some(mean) = apart(one_by_one, Cache::logits) else { return };
    assert!(mean < 1e-3, "{mean} nats");
}

/// Parts of a prompt may meet what was read before in bf16.
#[test]
fn a_prompt_read_in_parts_hardly_differs_from_one_read_at_once() {
    let in_parts = |base: &Base, tokens: &[u32], cache: &mut Cache| {
        for part in tokens.chunks(25) {
            forward_cached(base, None, part, cache, &|| true).unwrap();
        }
    };
    let Some(mean) = apart(in_parts, Cache::exact_logits) else { return };
    assert!(mean < 1e-3, "{mean} nats");
}

#[test]
fn training_lowers_the_loss_and_reaches_every_slot() {
    let Some(base) = base(Precision::fastest()) else { return };
    let mut lora = Lora::new(&base.config, &LoraConfig::default());
    let batch = Batch::continuation(&base.tokenizer.encode(SAMPLE), 1);
    let mut losses = Vec::new();
    for step in 0..4 {
        let found = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &|| true).unwrap();
        losses.push(found.loss / batch.targets.len() as f64);
        let dead = dead_slots(&lora, &found.gradient);
        assert!(step == 0 || dead.is_empty(), "step {step}: {dead:?}");
        let size = found.gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
        for (number, g) in lora.parameters_mut().iter_mut().zip(&found.gradient) {
            *number -= 0.1 * g / size;
        }
    }
    assert!(losses.is_sorted_by(|a, b| a > b) && losses[3] < 0.9 * losses[0], "{losses:?}");
}

#[test]
fn a_greedy_answer_is_sensible() {
    let Some(base) = base(Precision::fastest()) else { return };
    for (prompt, wanted) in [
        ("The capital of France is", "Paris"),
        ("def add(a, b):\n    return a +", "b"),
        ("for i in", "range"),
    ] {
        let mut cache = Cache::new(&base.config);
        let mut next = base.tokenizer.encode(prompt);
        let mut written = Vec::new();
        for _ in 0..6 {
            forward_cached(&base, None, &next, &mut cache, &|| true).unwrap();
            let logits = cache.logits(&base, cache.len() - 1);
            let best = (0u32..).zip(logits).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
            written.push(best);
            next = vec![best];
        }
        let text = base.tokenizer.decode(&written);
        assert!(text.contains(wanted), "{prompt:?} was continued by {text:?}");
    }
}
