//! Fifty steps against PyTorch with PEFT, whose losses `cargo xtask goldens` wrote.

use crate::optimizer::{Moments, OptimizerConfig};
use sera_model::adapter::import_peft;
use sera_model::{Base, Batch, Keep, Precision, loss_and_gradient};
use serde::Deserialize;
use std::path::Path;

/// What `reference.json` holds of what is compared here.
#[derive(Deserialize)]
struct Facts {
    /// Sequences of a step; the steps go round them.
    batches: Vec<Vec<Vec<u32>>>,
    rates: Vec<f64>,
    losses: Vec<f64>,
    /// Norms of gradients before they were clipped to 1.
    norms: Vec<f64>,
}

#[test]
fn fifty_steps_equal_pytorchs() {
    for name in ["llama", "llama3", "qwen2", "qwen3"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sera-model/goldens").join(name);
        let base = Base::load_with(&folder, Precision::F32).unwrap();
        let facts = std::fs::read(folder.join("reference.json")).unwrap();
        let facts: Facts = serde_json::from_slice(&facts).unwrap();
        let mut lora = import_peft(&folder.join("adapter"), &base).unwrap();
        let config = OptimizerConfig { warm_up: 0.1, ..OptimizerConfig::default() };
        let mut moments = Moments::new(lora.parameters().len());
        let steps = facts.losses.len();
        assert_eq!(steps, 50);
        for step in 0..steps {
            let batch = Batch::mean_of(&facts.batches[step % facts.batches.len()]);
            let mut found =
                loss_and_gradient(&base, &lora, &batch, Keep::Everything, &|| true).unwrap();
            let apart = (found.loss - facts.losses[step]).abs();
            assert!(apart < 1e-3, "{name}, step {step}: {} and {}", found.loss, facts.losses[step]);
            let norm = config.clip(&mut found.gradient);
            assert!((norm / facts.norms[step] - 1.0).abs() < 1e-2, "{name}, step {step}: {norm}");
            let rate = config.rate(step, steps);
            assert!((rate / facts.rates[step] - 1.0).abs() < 1e-9, "{name}, step {step}: {rate}");
            config.update(lora.parameters_mut(), &found.gradient, &mut moments, step, rate);
        }
        assert!(facts.losses[steps - 1] < facts.losses[0] - 0.1, "{name}: it learned something");
    }
}
