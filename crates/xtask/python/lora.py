"""Adapters that Sera wrote for llama.cpp, read by its server.

usage: lora.py FOLDER EXPORTED BUILD    FOLDER has the references, EXPORTED `<model>.gguf` adapters, and BUILD
                                        llama.cpp's `bin/llama-server` and `bin/llama-quantize`
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from llama import Server
from reference import MODELS, VOCABULARY

# The cache in f32: it is halves else.
EXACTLY = ("-fa", "off", "-t", "1", "-ctk", "f32", "-ctv", "f32")


def main(root, exported, build):
    for name in MODELS:
        folder = root / name
        facts = json.loads((folder / "reference.json").read_text())
        wanted = load_file(folder / "reference.safetensors")["adapted"].log_softmax(-1)
        with tempfile.TemporaryDirectory() as scratch:
            # With halves llama.cpp rounds what it multiplies with them, too.
            exact = Path(scratch) / "exact.gguf"
            quantize = [build / "bin/llama-quantize", folder / "model.gguf", exact, "F32"]
            subprocess.run(quantize, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with Server(build, exact, "--lora", exported / f"{name}.gguf", *EXACTLY) as server:
                apart = 0.0
                for row, known in zip(facts["rows"], wanted):
                    found = logarithms(server, facts["tokens"][: row + 1])
                    apart = max(apart, (found - known).abs().max().item())
        print(f"{name}: an adapter written by Sera differs by {apart:.1e} in llama.cpp")
        if not apart < 1e-3:
            sys.exit(f"{name}: the exported adapter computes something else in llama.cpp")


def logarithms(server, tokens):
    """Logarithms of all next tokens' probabilities."""
    body = {"prompt": tokens, "n_predict": 1, "n_probs": VOCABULARY, "temperature": 0, "cache_prompt": False}
    # The server says nothing of a token that begins a character and does not end it; what it says is
    # of the logits before the bias.
    body["logit_bias"] = [["A", 100]]
    (first,) = server.ask("/completion", body)["completion_probabilities"]
    found = torch.empty(VOCABULARY)
    for token in first["top_logprobs"]:
        found[token["id"]] = token["logprob"]
    return found


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
