"""Computes with PyTorch, Transformers, PEFT and gguf-py what Sera must compute, on tiny random models.

usage: reference.py make FOLDER            writes one folder for each model of MODELS, and decoded.safetensors
       reference.py check FOLDER EXPORTED   compares logits with adapters that Sera wrote
"""

import json
import math
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
VOCABULARY = 260
SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    "bos_token_id": 257,
    "eos_token_id": 257,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
# name: (model_type, what differs from SHAPE, LoRA's own switches)
MODELS = {
    "llama": ("llama", {"tie_word_embeddings": True}, {}),
    "llama3": ("llama", {"tie_word_embeddings": False, "rope_parameters": LLAMA3}, {}),
    "qwen2": ("qwen2", {"tie_word_embeddings": True}, {"use_rslora": True}),
    "qwen3": (
        "qwen3",
        {"tie_word_embeddings": False, "head_dim": 16},
        {"target_modules": ["q_proj", "v_proj", "down_proj"]},
    ),
}
ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS = 50
BATCHES = 5
LENGTHS = [40, 23]


def vocabulary():
    """Tokens and merges: all bytes, and one merge so that there is something to merge."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    return letters + ["in"], [("i", "n")]


def tokenizer():
    tokens, merges = vocabulary()
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(SPECIALS)
    return tokenizer


def randomise(model, seed):
    """Numbers that f16 holds exactly, large enough that every part of the model is felt."""
    draw = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        spread = 0.3 if parameter.dim() == 1 else (3.0 / parameter.shape[-1]) ** 0.5
        middle = 1.0 if "norm" in name else 0.0
        numbers = torch.rand(parameter.shape, generator=draw) * 2 - 1
        parameter.data = (middle + spread * numbers).half().float()


def make_model(name, folder):
    model_type, changes, _ = MODELS[name]
    config = AutoConfig.for_model(model_type, **{**SHAPE, **changes})
    model = AutoModelForCausalLM.from_config(config)
    randomise(model, seed=len(name))
    model.half().save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    # Read again: `half` also rounded what is not saved, the rotary frequencies.
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def logits(model, tokens):
    with torch.no_grad():
        return model(input_ids=tokens.unsqueeze(0)).logits[0]


def paired(rows, heads):
    """`LlamaModel.permute` of llama.cpp's convert_hf_to_gguf.py."""
    shape = rows.shape
    return rows.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def write_gguf(name, model, path):
    """The same model as llama.cpp's converter writes it."""
    config, kind = model.config, MODELS[name][0]
    out = gguf.GGUFWriter(path, kind)
    out.add_name(name)
    out.add_block_count(config.num_hidden_layers)
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    if kind == "qwen3":
        out.add_key_length(config.head_dim)
        out.add_value_length(config.head_dim)
    tokens, merges = vocabulary()
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens + SPECIALS)
    out.add_token_types([gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(SPECIALS))
    out.add_token_merges([" ".join(pair) for pair in merges])
    if name == "llama3":
        inverse = model.model.rotary_emb.inv_freq
        head = config.hidden_size // config.num_attention_heads
        plain = 1.0 / 10000.0 ** (torch.arange(0, head, 2).float() / head)
        out.add_tensor("rope_freqs.weight", (plain / inverse).numpy().astype(np.float32))
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, kind.upper()), config.num_hidden_layers)
    for hf, tensor in model.state_dict().items():
        if hf == "lm_head.weight" and config.tie_word_embeddings:
            continue
        numbers = tensor.numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        projection = hf.split(".")[-2]
        if kind == "llama" and projection in heads:
            numbers = paired(numbers, heads[projection])
        wanted = np.float32 if numbers.ndim == 1 else np.float16
        out.add_tensor(names.get_name(hf, try_suffixes=(".weight", ".bias")), numbers.astype(wanted))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def adapt(name, model):
    """An adapter as after some steps: neither factor is zero."""
    switches = {"target_modules": ALL_LINEAR, **MODELS[name][2]}
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, task_type="CAUSAL_LM", **switches)
    adapted = get_peft_model(model, config)
    draw = torch.Generator().manual_seed(7)
    for _, parameter in trained(adapted):
        parameter.data = 0.2 * (torch.rand(parameter.shape, generator=draw) * 2 - 1)
    return adapted


def settle(path, name):
    """PEFT writes where the base lay, and a set in any order."""
    config = json.loads(path.read_text())
    config |= {"base_model_name_or_path": name, "target_modules": sorted(config["target_modules"])}
    path.write_text(json.dumps(config, indent=2) + "\n")


def trained(adapted):
    return [(n.replace(".default", ""), p) for n, p in adapted.named_parameters() if p.requires_grad]


def rates():
    """Five steps of warm-up, then a cosine to a tenth."""
    warm, highest, floor = 5, 2e-3, 0.1
    for at in range(1, STEPS + 1):
        if at <= warm:
            yield highest * at / warm
            continue
        done = (at - warm) / (STEPS - warm)
        yield highest * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done)))


def train(adapted, batches):
    """Mean loss of all predictions of every step; the first gradient, before clipping."""
    parameters = [p for _, p in trained(adapted)]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01)
    losses, norms, first = [], [], None
    for step, rate in enumerate(rates()):
        optimizer.zero_grad()
        sequences = batches[step % BATCHES]
        targets = sum(len(s) - 1 for s in sequences)
        loss = 0.0
        for sequence in sequences:
            tokens = torch.tensor(sequence)
            predicted = adapted(input_ids=tokens.unsqueeze(0)).logits[0, :-1]
            loss = loss + torch.nn.functional.cross_entropy(predicted, tokens[1:], reduction="sum")
        loss = loss / targets
        loss.backward()
        if first is None:
            first = {n: p.grad.clone() for n, p in trained(adapted)}
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
    return losses, norms, first


def make(root):
    for name in MODELS:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        model = make_model(name, folder)
        draw = torch.Generator().manual_seed(3)
        tokens = torch.randint(0, VOCABULARY, (90,), generator=draw)
        rows = torch.arange(4, 90, 17)
        write_gguf(name, model, folder / "model.gguf")
        reference = {"logits": logits(model, tokens)[rows].contiguous()}
        adapted = adapt(name, model)
        adapted.save_pretrained(folder / "adapter")
        settle(folder / "adapter" / "adapter_config.json", name)
        reference["adapted"] = logits(adapted, tokens)[rows].contiguous()
        random = lambda n: torch.randint(0, VOCABULARY, (n,), generator=draw).tolist()
        batches = [[random(n) for n in LENGTHS] for _ in range(BATCHES)]
        losses, norms, gradient = train(adapted, batches)
        save_file({**reference, **gradient}, folder / "reference.safetensors")
        facts = {
            "tokens": tokens.tolist(),
            "rows": rows.tolist(),
            "batches": batches,
            "rates": list(rates()),
            "losses": losses,
            "norms": norms,
        }
        (folder / "reference.json").write_text(json.dumps(facts) + "\n")
        for extra in ["adapter/README.md", "generation_config.json"]:
            (folder / extra).unlink(missing_ok=True)
    save_file(decoded(), root / "decoded.safetensors")


def decoded():
    """Random blocks of every encoding with the numbers that gguf-py reads in them."""
    draw = np.random.default_rng(1)
    kinds = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
    out = {}
    for kind in kinds:
        code = gguf.GGMLQuantizationType[kind]
        _, size = gguf.GGML_QUANT_SIZES[code]
        blocks = draw.integers(0, 256, (3, size), dtype=np.uint8)
        # Where halves stand: random bits of an exponent would be infinite.
        scales = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
        scales |= {"Q2_K": (80, 82), "Q3_K": (108,)}
        for at in scales.get(kind, (0,)):
            halves = draw.uniform(-0.1, 0.1, 3).astype(np.float16)
            blocks[:, at : at + 2] = halves.view(np.uint8).reshape(3, 2)
        numbers = gguf.quants.dequantize(blocks, code)
        out[f"{kind}.bytes"] = torch.from_numpy(blocks.reshape(-1).copy())
        out[f"{kind}.numbers"] = torch.from_numpy(numbers.reshape(-1).astype(np.float32))
    return out


def check(root, exported):
    """Largest difference of logits between PEFT's own adapter and the one Sera wrote."""
    for name in MODELS:
        folder = root / name
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        adapted = PeftModel.from_pretrained(model, exported / name)
        facts = json.loads((folder / "reference.json").read_text())
        found = logits(adapted, torch.tensor(facts["tokens"]))[torch.tensor(facts["rows"])]
        wanted = load_file(folder / "reference.safetensors")["adapted"]
        apart = (found - wanted).abs().max().item()
        print(f"{name}: an adapter read and written by Sera differs by {apart:.1e} in PEFT")
        if not apart < 1e-3:
            sys.exit(f"{name}: the exported adapter computes something else")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    {"make": make, "check": check}[sys.argv[1]](*map(Path, sys.argv[2:]))
