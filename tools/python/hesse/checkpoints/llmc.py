"""Read the model files of llm.c (model.bin)."""
import math
import os

import numpy as np

from ..common import INPUT, Failure, read_bytes

MAGIC = 20240326
HEADER_BYTES = 256 * 4


def is_llmc(path):
    return read_bytes(path, 4) == np.int32(MAGIC).tobytes()


def shapes(context, vocabulary, layers, width):
    """Return the tensors in the order of the file, as pairs of name and shape."""
    c = width
    return [
        ("wte", (vocabulary, c)), ("wpe", (context, c)),
        ("ln_1.weight", (layers, c)), ("ln_1.bias", (layers, c)),
        ("attn.c_attn.weight", (layers, 3 * c, c)),
        ("attn.c_attn.bias", (layers, 3 * c)),
        ("attn.c_proj.weight", (layers, c, c)), ("attn.c_proj.bias", (layers, c)),
        ("ln_2.weight", (layers, c)), ("ln_2.bias", (layers, c)),
        ("mlp.c_fc.weight", (layers, 4 * c, c)), ("mlp.c_fc.bias", (layers, 4 * c)),
        ("mlp.c_proj.weight", (layers, c, 4 * c)), ("mlp.c_proj.bias", (layers, c)),
        ("ln_f.weight", (c,)), ("ln_f.bias", (c,)),
    ]


def read(path):
    """Return the tensors under GPT-2 names, outputs first, and the config."""
    import torch

    header = np.fromfile(path, dtype="<i4", count=256)
    if len(header) < 256:
        raise Failure(INPUT, f"{path}: found {len(header) * 4} bytes, expected a "
                             f"header of {HEADER_BYTES}")
    version, context, vocabulary, layers, heads, width, padded = map(int, header[1:8])
    item = {3: 4, 5: 2}.get(version)
    if item is None:
        raise Failure(INPUT, f"{path}: found version {version} of llm.c's format, "
                             "expected 3 (float32) or 5 (bfloat16)")
    if min(context, vocabulary, layers, heads, width) < 1 or padded < vocabulary:
        raise Failure(INPUT, f"{path}: found the sizes {list(map(int, header[2:8]))}, "
                             "expected positive ones, and a padded vocabulary that is "
                             "not below the vocabulary")
    if width % heads:
        raise Failure(INPUT, f"{path}: found {heads} heads and the width {width}, "
                             "expected a width that the heads divide")
    order = shapes(context, padded, layers, width)
    expected = HEADER_BYTES + item * sum(math.prod(s) for _, s in order)
    if os.path.getsize(path) != expected:
        raise Failure(INPUT, f"{path}: found {os.path.getsize(path)} bytes, expected "
                             f"{expected} for the sizes in the header")
    numbers = torch.from_file(path, size=expected // item,
                              dtype=torch.float32 if item == 4 else torch.bfloat16)
    at, tensors = HEADER_BYTES // item, {}
    for name, shape in order:
        size = math.prod(shape)
        place(tensors, name, numbers[at:at + size].reshape(shape))
        at += size
    embedding = tensors["transformer.wte.weight"]
    tensors["transformer.wte.weight"] = embedding[:vocabulary]
    # llm.c has the tanh approximation of GELU, as Hugging Face's GPT-2 has.
    config = {"model_type": "gpt2", "n_positions": context, "vocab_size": vocabulary,
              "n_layer": layers, "n_head": heads, "n_embd": width,
              "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}
    return tensors, config


def place(tensors, name, values):
    """Store a tensor of the file: one for each layer, or one for the model."""
    if name in ("wte", "wpe"):
        tensors[f"transformer.{name}.weight"] = values
    elif name.startswith("ln_f"):
        tensors[f"transformer.{name}"] = values
    else:
        for layer, value in enumerate(values):
            tensors[f"transformer.h.{layer}.{name}"] = value
