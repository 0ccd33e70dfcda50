"""llama.cpp's server behind lines of JSON.

usage: serve.py BUILD BASE.gguf THREADS [FLAG...]    BUILD is llama.cpp's, with `bin/llama-server`

A line in is {"tokens", "write", "keep"}: a prompt, how many tokens to write after it, and whether the
cache of earlier prompts may be used. A line out is what it took, in seconds: `prompt` and `writing` as
the server says, `whole` as a client waits.
"""

import json
import sys
import time
from pathlib import Path

from llama import Server


def main(build, base, threads, *flags):
    with Server(Path(build), base, "-np", "1", "-t", threads, *flags) as server:
        print(json.dumps({"ready": server.process.poll() is None}), flush=True)
        for line in sys.stdin:
            wanted = json.loads(line)
            body = {
                "prompt": wanted["tokens"],
                "n_predict": wanted["write"],
                "cache_prompt": wanted["keep"],
                "temperature": 0,
                "ignore_eos": True,
            }
            start = time.perf_counter()
            timings = server.ask("/completion", body)["timings"]
            whole = time.perf_counter() - start
            prompt, writing = timings["prompt_ms"] / 1e3, timings["predicted_ms"] / 1e3
            told = {"prompt": prompt, "writing": writing, "whole": whole, "read": timings["prompt_n"]}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
