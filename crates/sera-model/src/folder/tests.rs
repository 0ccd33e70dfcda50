//! A random base written as Hugging Face writes it must compute what the base itself does.
use super::*;
use crate::base::{Base, LoadError};
use crate::batch::Batch;
use crate::decoder::nll;
use crate::ops::Group;
use crate::tokenizer::Vocabulary;
use crate::weights::Precision;
use safetensors::tensor::TensorView;
use std::sync::Arc;

fn base() -> Arc<Base> {
    Base::random_with(Config::tiny(), 3, Precision::F32)
}

/// Every tensor of `base` by its Hugging Face name.
fn tensors(base: &Base) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let config = &base.config;
    let mut all = vec![
        (
            "model.embed_tokens.weight".to_owned(),
            vec![config.vocabulary, config.width],
            base.weights.embedding.numbers(),
        ),
        ("model.norm.weight".to_owned(), vec![config.width], base.weights.final_norm.clone()),
    ];
    for (i, layer) in base.weights.layers.iter().enumerate() {
        let norms = [
            ("input_layernorm", &layer.attention_norm),
            ("post_attention_layernorm", &layer.mlp_norm),
        ];
        for (name, numbers) in norms {
            let name = format!("model.layers.{i}.{name}.weight");
            all.push((name, vec![config.width], numbers.clone()));
        }
        for group in Group::ALL {
            let mut numbers = layer.group(group).numbers();
            for projection in group.projections() {
                let (inputs, outputs) = projection.shape(config);
                let rest = numbers.split_off(inputs * outputs);
                let name = format!("model.layers.{i}.{}.weight", projection.hf_name());
                all.push((name, vec![outputs, inputs], std::mem::replace(&mut numbers, rest)));
            }
        }
    }
    all
}

fn shard(tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let views = tensors.iter().map(|(name, shape, numbers)| {
        let bytes = bytemuck::cast_slice(numbers);
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn config(base: &Base) -> serde_json::Value {
    let c = &base.config;
    serde_json::json!({
        "model_type": "llama", "num_hidden_layers": c.layers, "hidden_size": c.width,
        "num_attention_heads": c.heads, "num_key_value_heads": c.kv_heads,
        "intermediate_size": c.feed_forward, "vocab_size": c.vocabulary,
        "max_position_embeddings": c.context, "rms_norm_eps": c.norm_epsilon,
        "rope_theta": c.rope_base, "rope_scaling": null, "tie_word_embeddings": true,
    })
}

fn write(dir: &Path, base: &Base, config: &serde_json::Value) {
    fs::write(dir.join(CONFIG), config.to_string()).unwrap();
    let mut vocabulary = Vocabulary::bytes();
    vocabulary.pre_tokenizer = "smollm".to_owned();
    let tokenizer = crate::tokenizer::tests::json(&vocabulary).to_string();
    fs::write(dir.join(TOKENIZER), tokenizer).unwrap();
    fs::write(dir.join(SINGLE), shard(&tensors(base))).unwrap();
}

fn check_computes_the_same(dir: &Path, base: &Base) {
    let loaded = Base::load_with(dir, Precision::F32).unwrap();
    let batch = Batch::continuation(&loaded.tokenizer.encode("def f(x):\n    return x"), 1);
    let of = |base: &Base| nll(base, None, &batch, &|| true).unwrap();
    assert_eq!(of(&loaded), of(base));
}

#[test]
fn one_file_or_several_compute_the_same() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    write(dir.path(), &base, &config(&base));
    check_computes_the_same(dir.path(), &base);
    let whole = Base::load_with(dir.path(), Precision::F32).unwrap().digest.clone();

    fs::remove_file(dir.path().join(SINGLE)).unwrap();
    let tensors = tensors(&base);
    let mut map = BTreeMap::new();
    for (file, part) in ["a.safetensors", "b.safetensors"].into_iter().zip(tensors.chunks(10)) {
        fs::write(dir.path().join(file), shard(part)).unwrap();
        map.extend(part.iter().map(|(name, ..)| (name.clone(), file)));
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map});
    fs::write(dir.path().join(INDEX), index.to_string()).unwrap();
    check_computes_the_same(dir.path(), &base);
    let split = Base::load_with(dir.path(), Precision::F32).unwrap().digest.clone();
    assert!(whole.len() == 64 && whole != split, "other files, another digest");
}

#[test]
fn what_cannot_be_computed_or_trusted_is_refused() {
    let base = base();
    let check = |change: &dyn Fn(&Path, &mut serde_json::Value), expected: &str| {
        let (dir, mut config) = (tempfile::tempdir().unwrap(), config(&base));
        write(dir.path(), &base, &config);
        change(dir.path(), &mut config);
        fs::write(dir.path().join(CONFIG), config.to_string()).unwrap();
        let error: LoadError =
            Base::load_with(dir.path(), Precision::F32).map(|_| ()).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error} does not say {expected:?}");
    };
    check(&|_, c| c["model_type"] = "mamba".into(), "architecture mamba");
    check(&|_, c| c["tie_word_embeddings"] = false.into(), "lacks the tensor lm_head.weight");
    check(&|_, c| c["rope_scaling"] = serde_json::json!({"type": "yarn"}), "rope scaling");
    check(&|_, c| c["rope_scaling"] = serde_json::json!({"type": "linear"}), "factor");
    check(&|_, c| c["use_sliding_window"] = true.into(), "a sliding window");
    check(&|_, c| c["attention_bias"] = true.into(), "biases");
    check(&|_, c| c["num_hidden_layers"] = 3.into(), "lacks the tensor model.layers.2");
    check(&|_, c| c["intermediate_size"] = 65.into(), "has shape");
    check(&|_, c| c["hidden_size"] = "wide".into(), "config.json is malformed");
    check(&|d, _| fs::remove_file(d.join(TOKENIZER)).unwrap(), "failed to read");
    check(&|d, _| fs::remove_file(d.join(SINGLE)).unwrap(), "failed to read");
    let cut = |dir: &Path, keep: usize| {
        let bytes = fs::read(dir.join(SINGLE)).unwrap();
        fs::write(dir.join(SINGLE), &bytes[..keep.min(bytes.len() - 8)]).unwrap();
    };
    check(&|d, _| cut(d, 4), "failed to read");
    check(&|d, _| cut(d, 100), "too large");
    check(&|d, _| cut(d, usize::MAX), "truncated");
    let index = serde_json::json!({"weight_map": {"a": "../a.safetensors"}}).to_string();
    check(&|d, _| fs::write(d.join(INDEX), &index).unwrap(), "no file of the folder");
}
