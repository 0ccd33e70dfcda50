"""One LoRA step of PyTorch + PEFT for every line of standard input, timed.

usage: train.py BASE.gguf WAY TYPE THREADS    WAY is padded, single or targets; TYPE is float32 or bfloat16

A line in is a list of [tokens, targets], a target being [row, token, weight]; a line out is the step's
seconds, its weighted mean loss and the most memory this process ever held.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GgufConfig
from transformers.utils import logging

ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
PADDED = 4


def nll(logits, targets):
    """Weighted sum over a sequence's targets."""
    picked = logits[[row for row, _, _ in targets]].float()
    tokens = torch.tensor([token for _, token, _ in targets])
    losses = torch.nn.functional.cross_entropy(picked, tokens, reduction="none")
    return (losses * torch.tensor([weight for _, _, weight in targets])).sum()


def padded(model, batch):
    """Sequences of like length together, all logits: what a length-grouped collator does."""
    longest = max(len(tokens) for tokens, _ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for i, (tokens, _) in enumerate(batch):
        ids[i, : len(tokens)] = torch.tensor(tokens)
        mask[i, : len(tokens)] = 1
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    return sum(nll(rows, targets) for rows, (_, targets) in zip(logits, batch))


def single(model, batch):
    """One sequence at a time, all logits in f32: what `labels` do."""
    ((tokens, targets),) = batch
    return nll(model(input_ids=torch.tensor([tokens])).logits[0].float(), targets)


def only_targets(model, batch):
    """One sequence at a time, the head on the rows that carry loss."""
    ((tokens, targets),) = batch
    inner = model.get_base_model()
    hidden = inner.model(input_ids=torch.tensor([tokens])).last_hidden_state[0]
    rows = hidden[[row for row, _, _ in targets]]
    return nll(inner.lm_head(rows), [(i, token, weight) for i, (_, token, weight) in enumerate(targets)])


WAYS = {"padded": (padded, PADDED), "single": (single, 1), "targets": (only_targets, 1)}


def main(base, way, precision, threads):
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    base = Path(base)
    dtype = getattr(torch, precision)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    # Plain weights: packed ones are slower.
    dense = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        base.parent, gguf_file=base.name, dtype=dtype, quantization_config=dense
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules=ALL_LINEAR, task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.01)
    forward, size = WAYS[way]
    print(json.dumps({"torch": torch.__version__, "peak_gflops": peak(dtype)}), flush=True)
    for line in sys.stdin:
        sequences = sorted(json.loads(line), key=lambda sequence: len(sequence[0]))
        weight = sum(w for _, targets in sequences for _, _, w in targets)
        start, total = time.perf_counter(), 0.0
        optimizer.zero_grad()
        for i in range(0, len(sequences), size):
            loss = forward(model, sequences[i : i + size]) / weight
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        seconds = time.perf_counter() - start
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(json.dumps({"seconds": seconds, "loss": total, "peak_mb": held}), flush=True)


def peak(dtype, size=2048):
    """GFLOP/s of a large square product: what this machine can do."""
    a, b = torch.rand(size, size, dtype=dtype), torch.rand(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


if __name__ == "__main__":
    main(*sys.argv[1:])
