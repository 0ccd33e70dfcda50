//! The fused forward and backward against candle's autograd and finite differences.

use super::*;
use crate::config::{Config, Family};
use crate::lora::{Factor, LoraConfig, Projection};
use crate::ops::Composed;
use crate::weights::Precision;
use candle_core::{Device, Var};
use rand::{Rng as _, SeedableRng as _};
use std::sync::Arc;

fn always() -> bool {
    true
}

fn base(precision: Precision) -> Arc<Base> {
    Base::random_with(Config::tiny(), 11, precision)
}

/// One of each family, with all that a family may have.
fn families() -> impl Iterator<Item = Arc<Base>> {
    Family::ALL.into_iter().map(|family| {
        let config = Config { family, ..Config::tiny() };
        let rope_factors = vec![1.0, 1.0, 2.5, 4.0];
        let config = match family {
            Family::Llama => config,
            Family::Qwen2 => Config { rope_factors, ..config },
            Family::Qwen3 => Config { head: 16, tied_head: false, ..config },
        };
        Base::random_with(config, 11, Precision::F32)
    })
}

/// An adapter whose B is not zero, as after some steps.
fn trained(config: &Config, size: f32) -> Lora {
    let mut lora = Lora::new(config, &LoraConfig { r: 4, alpha: 8.0, seed: 3 });
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let slots = lora.slots().to_vec();
    for slot in slots.iter().filter(|slot| slot.factor == Factor::B) {
        for number in &mut lora.parameters_mut()[slot.range()] {
            *number = random.random_range(-size..size);
        }
    }
    lora
}

/// Sequences of unequal length, one of a single token; some rows are no targets, one is thrice,
/// once as what should not follow.
fn batch(config: &Config, lengths: &[usize]) -> Batch {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(8);
    let mut batch = Batch::default();
    for &length in lengths {
        let vocabulary = config.vocabulary as u32;
        let mut draw = || random.random_range(0..vocabulary);
        let tokens: Vec<u32> = (0..length).map(|_| draw()).collect();
        let target =
            |row: usize| Target { row, token: (row as u32 * 7) % 256, weight: 0.5 + row as f32 };
        batch.push(&tokens, (0..length).filter(|row| row % 3 != 1).map(target));
    }
    batch.targets.push(Target { row: 0, token: 9, weight: 2.0 });
    batch.targets.push(Target { row: 0, token: 12, weight: -30.0 });
    batch
}

/// Largest difference between two gradients, relative to the largest number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let largest = b.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let apart = a.iter().zip(b).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    assert_eq!(a.len(), b.len());
    apart / largest
}

#[test]
fn gradients_equal_candles_autograd() {
    for base in families() {
        let lora = trained(&base.config, 0.3);
        check_gradients(&base, &lora, &batch(&base.config, &[37, 1, 70]));
    }
}

fn check_gradients(base: &Base, lora: &Lora, batch: &Batch) {
    let found = loss_and_gradient(base, lora, batch, Keep::Everything, &always).unwrap();

    let theta = Var::new(lora.parameters(), &Device::Cpu).unwrap();
    let oracle = Composed::new(base, Some(lora), &Device::Cpu).unwrap().with_parameters(&theta);
    let h = embed_and_blocks(&oracle, base.config.layers, batch, &always).unwrap();
    let hidden = oracle.norm(Norm::Final, &h).unwrap();
    let weights: Vec<f32> = batch.targets.iter().map(|target| target.weight).collect();
    let nll = oracle.nll(&hidden, &batch.targets).unwrap();
    let weights = candle_core::Tensor::new(weights, &Device::Cpu).unwrap();
    let wanted = (&nll * weights.relu().unwrap()).unwrap();
    let unlikely = (1.0 - nll.neg().unwrap().exp().unwrap()).unwrap().log().unwrap();
    let unwanted = (unlikely * weights.neg().unwrap().relu().unwrap()).unwrap();
    let loss = (wanted - unwanted).unwrap().sum_all().unwrap();
    let store = loss.backward().unwrap();
    let wanted = store.get(&theta).unwrap().to_vec1::<f32>().unwrap();

    let loss = f64::from(loss.to_scalar::<f32>().unwrap());
    assert!((found.loss / loss - 1.0).abs() < 1e-5, "{} {loss}", found.loss);
    for slot in lora.slots() {
        let apart = difference(&found.gradient[slot.range()], &wanted[slot.range()]);
        assert!(apart < 2e-4, "{slot:?}: {apart}");
    }

    let equations = Composed::new(base, Some(lora), &Device::Cpu).unwrap();
    let composed =
        loss_and_gradient_on(&equations, base.config.layers, batch, Keep::Everything, &always)
            .unwrap();
    assert!(difference(&composed.gradient, &wanted) < 2e-4);
}

/// On the card that `GIT_SERA_TEST_DEVICE` names; there is none where the suite usually runs, and
/// `cargo xtask check-cuda` says so.
#[test]
fn a_card_computes_what_the_kernels_compute() {
    let named = std::env::var("GIT_SERA_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    let device = named.parse::<crate::Choice>().unwrap().device().unwrap();
    for base in families() {
        let (config, lora) = (base.config.clone(), trained(&base.config, 0.3));
        let batch = batch(&config, &[37, 1, 70]);
        let of = |base: &Base| {
            let gradient = loss_and_gradient(base, &lora, &batch, Keep::Everything, &always);
            let scored = scored(base, Some(&lora), &batch, &always);
            (gradient.unwrap(), scored.unwrap(), nll(base, None, &batch, &always).unwrap())
        };
        let here = of(&base);
        let there = of(&base.on(device).unwrap());
        assert!((there.0.loss / here.0.loss - 1.0).abs() < 1e-5, "{:?}", config.family);
        assert!(difference(&there.0.gradient, &here.0.gradient) < 2e-4, "{:?}", config.family);
        for (a, b) in there.1.iter().zip(&here.1) {
            assert!((a.nll - b.nll).abs() < 1e-4, "{a:?} {b:?}");
        }
        assert!(difference(&there.2, &here.2) < 1e-4);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let base = base(Precision::F32);
    let mut lora = trained(&base.config, 0.3);
    let batch = batch(&base.config, &[9, 14]);
    let found = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &always).unwrap();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(21);
    // Along random directions: a single number's effect drowns in rounding.
    for slot in lora.slots().to_vec() {
        let direction: Vec<f32> =
            slot.range().map(|_| if random.random() { 1.0 } else { -1.0 }).collect();
        let start = lora.parameters()[slot.range()].to_vec();
        let mut at = |step: f32| {
            for ((number, &start), &d) in
                lora.parameters_mut()[slot.range()].iter_mut().zip(&start).zip(&direction)
            {
                *number = start + step * d;
            }
            let nll = nll(&base, Some(&lora), &batch, &always).unwrap();
            let terms = nll.iter().zip(&batch.targets);
            terms.map(|(n, t)| t.loss(*n)).sum::<f64>()
        };
        let step = 2e-3;
        let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
        at(0.0);
        let inner: f64 = found.gradient[slot.range()]
            .iter()
            .zip(&direction)
            .map(|(&g, &d)| f64::from(g) * f64::from(d))
            .sum();
        let size: f64 =
            found.gradient[slot.range()].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        assert!((inner - slope).abs() < 0.03 * size.max(1.0), "{slot:?}: {inner} {slope} {size}");
    }
}

#[test]
fn bf16_stays_near_f32() {
    let (exact, rounded) = (base(Precision::F32), base(Precision::Bf16));
    let lora = trained(&exact.config, 0.1);
    let batch = batch(&exact.config, &[40, 25]);
    let wanted = loss_and_gradient(&exact, &lora, &batch, Keep::Everything, &always).unwrap();
    let found = loss_and_gradient(&rounded, &lora, &batch, Keep::Everything, &always).unwrap();
    assert!((found.loss / wanted.loss - 1.0).abs() < 5e-3, "{} {}", found.loss, wanted.loss);
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    let (f, w) = (&found.gradient, &wanted.gradient);
    let cosine = dot(f, w) / (dot(f, f) * dot(w, w)).sqrt();
    assert!(cosine > 0.999, "{cosine}");
}

#[test]
fn packing_changes_nothing() {
    for precision in [Precision::F32, Precision::Bf16] {
        let base = base(precision);
        let packed = batch(&base.config, &[33, 5, 64]);
        let together = nll(&base, None, &packed, &always).unwrap();
        for pair in packed.starts.windows(2) {
            let mut single = Batch::default();
            let own = packed.targets.iter().enumerate();
            let own: Vec<_> = own.filter(|(_, t)| (pair[0]..pair[1]).contains(&t.row)).collect();
            let moved = own.iter().map(|(_, t)| Target { row: t.row - pair[0], ..**t });
            single.push(&packed.tokens[pair[0]..pair[1]], moved);
            let alone = nll(&base, None, &single, &always).unwrap();
            for ((at, _), alone) in own.iter().zip(alone) {
                assert!((together[*at] - alone).abs() < 2e-2, "{precision:?}");
            }
        }
    }
}

#[test]
fn a_new_adapter_changes_nothing() {
    let base = base(Precision::fastest());
    let lora = Lora::new(&base.config, &LoraConfig::default());
    let batch = batch(&base.config, &[20]);
    let without = nll(&base, None, &batch, &always).unwrap();
    assert_eq!(nll(&base, Some(&lora), &batch, &always).unwrap(), without);
}

#[test]
fn every_slot_is_alive_after_two_steps() {
    for precision in [Precision::F32, Precision::Bf16] {
        let base = base(precision);
        let mut lora = Lora::new(&base.config, &LoraConfig::default());
        let batch = batch(&base.config, &[30, 31]);
        let first = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &always).unwrap();
        // B is zero, so A has no gradient yet; and the check must be able to say so.
        let dead = dead_slots(&lora, &first.gradient);
        assert!(dead.iter().all(|slot| slot.factor == Factor::A));
        assert_eq!(dead.len(), base.config.layers * Projection::ALL.len());
        for (number, g) in lora.parameters_mut().iter_mut().zip(&first.gradient) {
            *number -= 1e-3 * g;
        }
        let second = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &always).unwrap();
        assert_eq!(dead_slots(&lora, &second.gradient), Vec::<&Slot>::new());
        assert!(second.loss < first.loss);
    }
}

#[test]
fn results_are_the_same_bits_every_time() {
    let base = base(Precision::fastest());
    let lora = trained(&base.config, 0.2);
    let batch = batch(&base.config, &[100, 80, 3]);
    let first = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &always).unwrap();
    for _ in 0..5 {
        assert_eq!(
            loss_and_gradient(&base, &lora, &batch, Keep::Everything, &always).unwrap(),
            first
        );
    }
}

#[test]
fn computing_blocks_twice_gives_the_same_bits() {
    let precisions = [base(Precision::F32), base(Precision::Bf16)];
    for base in precisions.into_iter().chain(families()) {
        let lora = trained(&base.config, 0.2);
        let batch = batch(&base.config, &[50, 1, 31]);
        let gradient = |keep| loss_and_gradient(&base, &lora, &batch, keep, &always).unwrap();
        assert_eq!(gradient(Keep::Inputs), gradient(Keep::Everything), "{:?}", base.config.family);
    }
}

#[test]
fn it_stops_when_told_to() {
    let base = base(Precision::F32);
    let lora = trained(&base.config, 0.2);
    let batch = batch(&base.config, &[10]);
    for allowed in 0..2 * base.config.layers {
        let left = std::cell::Cell::new(allowed);
        let pause = || left.replace(left.get().saturating_sub(1)) > 0;
        let stopped = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &pause);
        assert!(matches!(stopped, Err(EngineError::Stopped)), "{allowed}");
    }
}

#[test]
fn impossible_batches_are_refused() {
    let base = base(Precision::F32);
    let good = batch(&base.config, &[10, 4]);
    let spoil: [fn(&mut Batch); 6] = [
        |batch| batch.tokens.clear(),
        |batch| batch.tokens[3] = 320,
        |batch| batch.starts = vec![0, 10],
        |batch| batch.starts = vec![0, 10, 10, 14],
        |batch| batch.targets[0].row = 14,
        |batch| batch.targets[0].token = 320,
    ];
    for (i, spoil) in spoil.iter().enumerate() {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(matches!(nll(&base, None, &bad, &always), Err(EngineError::Batch(_))), "{i}");
    }
    assert!(nll(&base, None, &good, &always).is_ok());
}
