"""Tokens and conversations as others spell them.

usage: text.py FOLDER BASE SOURCE BUILD    FOLDER gets what the tests read; BASE is the default base's GGUF
                                           file; SOURCE and BUILD are llama.cpp's, with `bin/llama-server`

Tokens are kept as hashes: ten thousand texts of random pieces are made again by the tests, with the same
generator, from `pieces.json`.
"""

import json
import sys
from pathlib import Path

import gguf
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Tokenizer, Qwen2Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from llama import Server

TEXTS = 10_000
# Ten languages, and what trips tokenizers: emoji, marks, digits of other scripts, spaces of all kinds.
PIECES = [
    "def f(x):\n    return x\n", "self.", "__init__", "lambda a, *b: ", "\n\n\nclass A:\n", "'''doc'''",
    "fn main() {\n", "let mut v = vec![1, 2, 3];", "&'a str", "impl<T> ", "::<u8>()", "#[derive(Debug)]\n",
    "const x = () => {", "`${y}`", "async function*", "=== undefined", "}\n);\r\n", "interface I { a?: number }",
    "func (s *S) Get() (int, error) {\n\t", "if err != nil {\n\t\treturn nil, err\n\t}", ":=", "chan<- ",
    "public static void main(String[] args)", "@Override\n", "List<Map<K, V>>", "0xFFL", "'\\u0041'",
    "#include <stdio.h>\n", "int *p = &a[i++];", "->next", "/* c */ // d\n", "sizeof(struct s)", "0755",
    "std::unique_ptr<T>", "template <typename T>", "nullptr", "operator<<", "1'000'000", "R\"(raw)\"",
    "SELECT * FROM t WHERE id = 42;", "-- c\n", "'it''s'", "LEFT JOIN", "#!/bin/sh\n", "$(ls -la | wc)",
    "\"${x:-1}\"", "&& ! [ -f a ]", "<<'EOF'\n", "puts \"#{a}\"", "do |x, y|\n  end", ":sym => 1", "@@v ||= {}",
    " ", "  ", "    ", "\t", "\n", "\r\n", "\n \n", "\u00a0", "\u3000", "\u200b", "a", "I", "it's", "WE'LL", "don’t",
    "1", "12", "123", "1234", "3.14", "1e-9", "٣", "Ⅷ", "½", "²", "äöü", "Ünï", "naïve", "e\u0301", "ß", "ﬁ", "日本語",
    "한국어", "русский", "עברית", "العربية", "ไทย", "हिन्दी", "🦀", "👩‍💻", "🇩🇪", "❤️", "…", "—", "∀x∈ℝ", "€", "\u0000", "\u007f",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "!!!", "???", "......", "====", "_____", "\\n", "\"", "'",
]
CONVERSATIONS = [
    [("system", "Fix code."), ("user", "x is wrong")],
    [("system", "Fix code."), ("user", "x is wrong"), ("assistant", "line 3"), ("user", "thanks\n")],
    [("system", "é 🦀"), ("user", ""), ("assistant", "a\n\nb"), ("user", "1\n2"), ("assistant", "done")],
]


def draw(state):
    """The constants of Knuth's MMIX; the high half is the number."""
    state[0] = (state[0] * 6364136223846793005 + 1442695040888963407) % 2**64
    return state[0] >> 33


def texts():
    state = [1]
    for _ in range(TEXTS):
        yield "".join(PIECES[draw(state) % len(PIECES)] for _ in range(1 + draw(state) % 10))


def digest(tokens):
    """FNV-1a over the tokens' four bytes each."""
    value = 0x811C9DC5
    for token in tokens:
        for byte in token.to_bytes(4, "little"):
            value = (value ^ byte) * 0x01000193 % 2**32
    return value - 2**32 if value >= 2**31 else value


def digests(encode):
    return torch.tensor([digest(encode(text)) for text in texts()], dtype=torch.int32)


# As in the `tokenizer.json` that Meta publishes, and transformers' `Llama3Converter`.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def llama3(vocabulary, merges):
    tokenizer = Tokenizer(models.BPE(vocabulary, [tuple(m) for m in merges], ignore_merges=True))
    split = pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated", invert=False)
    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_])
    return lambda text: tokenizer.encode(text).ids


def small_vocabulary():
    """Merges learnt from the texts, so that there are many to choose between."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [list(merge) for merge in model["merges"]]


def plain(tokenizer):
    """Tokens of text in which nothing is special."""
    backend = tokenizer.backend_tokenizer
    again = Tokenizer(backend.model)
    again.pre_tokenizer = backend.pre_tokenizer
    if backend.normalizer is not None:
        print(f"{type(tokenizer).__name__} normalises with {backend.normalizer}")
    return lambda text: again.encode(text).ids


def conversations(base, source):
    reader = gguf.GGUFReader(base)
    templates = {"smollm2": reader.get_field("tokenizer.chat_template").contents()}
    for name, file in {"qwen2.5": "Qwen-Qwen2.5-7B-Instruct", "qwen3": "Qwen-Qwen3-0.6B"}.items():
        templates[name] = (source / f"models/templates/{file}.jinja").read_text()
    for name, template in templates.items():
        for turns in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in turns]
            for is_open in [False, True]:
                rendered, _ = render_jinja_template(
                    conversations=[messages], chat_template=template, add_generation_prompt=is_open
                )
                yield {"template": name, "messages": messages, "open": is_open, "text": rendered[0]}


def main(root, base, source, build):
    vocabulary, merges = small_vocabulary()
    known = {
        "gpt-2": digests(plain(GPT2Tokenizer(vocab=vocabulary, merges=[tuple(m) for m in merges]))),
        "qwen2": digests(plain(Qwen2Tokenizer(vocab=vocabulary, merges=[tuple(m) for m in merges]))),
        "llama-bpe": digests(llama3(vocabulary, merges)),
    }
    with Server(build, base, "-c", "256") as server:
        encode = lambda text: server.ask("/tokenize", {"content": text, "parse_special": False})["tokens"]
        known["smollm2"] = digests(encode)
    save_file(known, root / "tokens.safetensors")
    tokens = sorted(vocabulary, key=vocabulary.get)
    facts = {"pieces": PIECES, "texts": TEXTS, "tokens": tokens, "merges": merges}
    (root / "pieces.json").write_text(json.dumps(facts) + "\n")
    (root / "conversations.json").write_text(json.dumps(list(conversations(base, source)), indent=1) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
