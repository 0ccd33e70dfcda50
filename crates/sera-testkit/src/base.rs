//! A base that is trained and served in moments: random weights over single bytes, written as
//! Hugging Face writes a model. It knows nothing, so whatever it is trained on makes it better.
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const LAYERS: usize = 2;
const WIDTH: usize = 48;
const HEADS: usize = 6;
const KV_HEADS: usize = 2;
const FEED_FORWARD: usize = 64;
/// Bytes and markers, and some rows that are no token, as most bases have them.
const VOCABULARY: usize = 320;
/// Longer than any example.
const CONTEXT: usize = 4096;
/// Of weights around zero: what comes out is about as large as what goes in.
const SPREAD: f32 = 0.25;

const MARKERS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Writes the base into a new folder.
///
/// # Panics
/// Where the folder cannot be written.
pub fn tiny_base(folder: &Path) {
    fs::create_dir(folder).expect("the test names a new folder");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("a fresh folder is writable");
    };
    write("config.json", config().to_string().as_bytes());
    write("tokenizer.json", tokenizer().to_string().as_bytes());
    write("model.safetensors", &weights());
}

fn config() -> Value {
    json!({
        "model_type": "llama", "num_hidden_layers": LAYERS, "hidden_size": WIDTH,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "intermediate_size": FEED_FORWARD, "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "rope_theta": 10_000.0,
        "tie_word_embeddings": true,
    })
}

/// The letters by which byte-level vocabularies spell the 256 bytes.
fn letters() -> impl Iterator<Item = char> {
    let mut next = 0x100;
    (0..=0xff_u32).map(move |byte| {
        let printable = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
        let code = if printable { byte } else { next };
        next += u32::from(!printable);
        char::from_u32(code).expect("below the surrogates")
    })
}

fn tokenizer() -> Value {
    let tokens = letters().map(String::from).chain(MARKERS.map(str::to_owned));
    let vocabulary: serde_json::Map<String, Value> =
        tokens.zip(0..).map(|(token, id)| (token, json!(id))).collect();
    let marker = |text: &&str| {
        json!({
            "id": vocabulary[*text], "content": text, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        })
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "post_processor": null, "decoder": null,
        "added_tokens": MARKERS.iter().map(marker).collect::<Vec<_>>(),
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "vocab": vocabulary, "merges": []},
    })
}

/// Names and shapes of all tensors.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let (head, kv) = (WIDTH / HEADS, WIDTH / HEADS * KV_HEADS);
    let mut all = vec![
        ("model.embed_tokens".to_owned(), vec![VOCABULARY, WIDTH]),
        ("model.norm".to_owned(), vec![WIDTH]),
    ];
    for layer in 0..LAYERS {
        let parts = [
            ("input_layernorm", vec![WIDTH]),
            ("post_attention_layernorm", vec![WIDTH]),
            ("self_attn.q_proj", vec![head * HEADS, WIDTH]),
            ("self_attn.k_proj", vec![kv, WIDTH]),
            ("self_attn.v_proj", vec![kv, WIDTH]),
            ("self_attn.o_proj", vec![WIDTH, head * HEADS]),
            ("mlp.gate_proj", vec![FEED_FORWARD, WIDTH]),
            ("mlp.up_proj", vec![FEED_FORWARD, WIDTH]),
            ("mlp.down_proj", vec![WIDTH, FEED_FORWARD]),
        ];
        all.extend(parts.map(|(name, shape)| (format!("model.layers.{layer}.{name}"), shape)));
    }
    all
}

/// A safetensors file: the header's length, the header, the numbers.
fn weights() -> Vec<u8> {
    let (mut header, mut numbers) = (serde_json::Map::new(), Vec::new());
    let mut random = 1;
    for (name, shape) in shapes() {
        let start = numbers.len();
        for _ in 0..shape.iter().product() {
            let number = if shape.len() == 1 { 1.0 } else { SPREAD * uniform(&mut random) };
            numbers.extend_from_slice(&f32::to_le_bytes(number));
        }
        let place = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, numbers.len()]});
        header.insert(format!("{name}.weight"), place);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers].concat()
}

/// The next number of a linear congruential generator, between −1 and 1.
fn uniform(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}
