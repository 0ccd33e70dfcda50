//! Adapters written and read again, and everything that must not be read.
use super::*;
use crate::gguf::Gguf;
use std::sync::Arc;

fn base() -> Arc<Base> {
    Base::random(Config::tiny(), 3)
}

/// Every parameter is its own index, so that a misplaced one shows.
fn lora(base: &Base) -> Lora {
    let mut lora = Lora::new(&base.config, &LoraConfig { r: 4, alpha: 8.0, seed: 5 });
    lora.parameters_mut().iter_mut().enumerate().for_each(|(i, n)| *n = i as f32);
    lora
}

#[test]
fn a_peft_folder_gives_the_adapter_back() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    let lora = lora(&base);
    save_peft(dir.path(), &base, &lora).unwrap();
    let read = load_peft(dir.path(), &base).unwrap();
    assert_eq!(read.parameters(), lora.parameters());
    assert_eq!((read.config().r, read.scale()), (4, 2.0));
    assert_eq!(manifest(dir.path()).unwrap().base_digest, base.digest);
}

/// The names and shapes that peft itself writes.
#[test]
fn the_folder_is_spelled_as_peft_spells_it() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    save_peft(dir.path(), &base, &lora(&base)).unwrap();
    let bytes = fs::read(dir.path().join("adapter_model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), 2 * 7 * 2);
    let shape = |name: &str| tensors.tensor(&format!("base_model.model.model.{name}")).unwrap();
    assert_eq!(shape("layers.1.self_attn.k_proj.lora_A.weight").shape(), [4, 48]);
    assert_eq!(shape("layers.1.self_attn.k_proj.lora_B.weight").shape(), [16, 4]);
    assert_eq!(shape("layers.0.mlp.down_proj.lora_A.weight").shape(), [4, 64]);
    let config = fs::read(dir.path().join("adapter_config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["peft_type"], "LORA");
    assert_eq!(config["target_modules"][6], "down_proj");
    assert_eq!((config["r"].as_u64(), config["lora_alpha"].as_f64()), (Some(4), Some(8.0)));
}

#[test]
fn an_adapter_of_another_base_is_refused() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    save_peft(dir.path(), &base, &lora(&base)).unwrap();
    let other = Base::random(Config::tiny(), 4);
    let refused = load_peft(dir.path(), &other);
    assert!(matches!(refused, Err(AdapterError::OtherBase { .. })), "{refused:?}");
}

#[test]
fn what_this_engine_does_not_compute_is_refused() {
    let base = base();
    let check = |key: &str, value: serde_json::Value, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        save_peft(dir.path(), &base, &lora(&base)).unwrap();
        let path = dir.path().join(CONFIG_FILE);
        let mut config: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config[key] = value;
        fs::write(&path, serde_json::to_vec(&config).unwrap()).unwrap();
        let error = load_peft(dir.path(), &base).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error:?} does not say {expected:?}");
    };
    check("use_dora", true.into(), "DoRA");
    check("peft_type", "IA3".into(), "another method");
    check("bias", "all".into(), "biases");
    check("modules_to_save", vec!["lm_head"].into(), "whole layers");
    check("rank_pattern", serde_json::json!({"q_proj": 8}), "ranks by layer");
    check("r", 0.into(), "absurd rank");
    check("r", 8.into(), "does not fit");
    check("r", "four".into(), "malformed");
}

#[test]
fn rs_lora_is_scaled_by_its_root() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    save_peft(dir.path(), &base, &lora(&base)).unwrap();
    let path = dir.path().join(CONFIG_FILE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"use_rslora\": false", "\"use_rslora\": true")).unwrap();
    assert!((load_peft(dir.path(), &base).unwrap().scale() - 4.0).abs() < 1e-6, "8 / √4");
}

#[test]
fn damaged_files_are_errors() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    save_peft(dir.path(), &base, &lora(&base)).unwrap();
    let path = dir.path().join(WEIGHTS_FILE);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(load_peft(dir.path(), &base), Err(AdapterError::Tensors(_))));
    let mut infinite = bytes.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    fs::write(&path, &infinite).unwrap();
    assert!(matches!(load_peft(dir.path(), &base), Err(AdapterError::Tensor(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(load_peft(dir.path(), &base), Err(AdapterError::Io(..))));
}

/// q's and k's B rows go where llama.cpp's converter puts them; the rest stays.
#[test]
fn the_gguf_form_has_llama_cpps_names_and_row_order() {
    let (base, dir) = (base(), tempfile::tempdir().unwrap());
    let (lora, path) = (lora(&base), dir.path().join("adapter.gguf"));
    save_gguf(&path, &base, &lora).unwrap();
    let gguf = Gguf::open(&path).unwrap();
    assert_eq!(gguf.text("general.type"), Some("adapter"));
    assert_eq!(gguf.text("general.architecture"), Some("llama"));
    assert_eq!(gguf.text("adapter.type"), Some("lora"));
    assert_eq!(gguf.float("adapter.lora.alpha"), Some(8.0));
    assert_eq!(gguf.tensors().count(), 2 * 7 * 2);
    for slot in lora.slots() {
        let name = gguf_name(slot);
        let dims = [slot.columns, slot.rows];
        let read = gguf.read(&name, &dims).unwrap();
        let own = &lora.parameters()[slot.range()];
        let rotated = matches!(slot.projection, Projection::Q | Projection::K);
        if slot.factor == Factor::A || !rotated {
            assert_eq!(read, own, "{name}");
            continue;
        }
        // reshape(heads, 2, head / 2).swapaxes(1, 2), as in convert_hf_to_gguf.py.
        let head = base.config.head;
        let mut expected: Vec<f32> = Vec::new();
        for first in (0..slot.rows).step_by(head) {
            for within in 0..head / 2 {
                for part in 0..2 {
                    let row = first + part * head / 2 + within;
                    expected.extend(&own[row * slot.columns..(row + 1) * slot.columns]);
                }
            }
        }
        assert_eq!(read, expected, "{name}");
    }
}
