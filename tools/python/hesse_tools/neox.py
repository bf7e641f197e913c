"""Read folders of GPT-NeoX: layer_XX-model_YY-model_states.pt."""
import glob
import json
import os
import re

from .common import INPUT, Failure, need, read_bytes
from .torch_file import load

FILE = re.compile(r"layer_(\d+)-model_(\d+)-model_states\.pt$")

# Names in GPT-NeoX, and in Hugging Face's model.
NEW_NAMES = {"mlp.linear1.": "mlp.dense_h_to_4h.", "mlp.linear2.": "mlp.dense_4h_to_h."}
OUTSIDE = {"word_embeddings.weight": "gpt_neox.embed_in.weight",
           "norm.weight": "gpt_neox.final_layer_norm.weight",
           "norm.bias": "gpt_neox.final_layer_norm.bias",
           "final_linear.weight": "embed_out.weight"}

# How the tensors are cut for tensor parallelism. The rest is on every rank.
BY_ROWS = ("word_embeddings.weight", "final_linear.weight",
           "attention.query_key_value.weight", "attention.query_key_value.bias",
           "mlp.dense_h_to_4h.weight", "mlp.dense_h_to_4h.bias")
BY_COLUMNS = ("attention.dense.weight", "mlp.dense_4h_to_h.weight")
ROW_BIASES = ("attention.dense.bias", "mlp.dense_4h_to_h.bias")
NORMS = ("input_layernorm", "post_attention_layernorm", "norm")


def is_neox(folder):
    return any(FILE.match(name) for name in os.listdir(folder))


def read(folder, config_path):
    """Return the merged tensors under Hugging Face's names, and the config."""
    settings = read_settings(folder, config_path)
    layers = list_layers(folder)
    tensors, blocks, last = {}, 0, None
    for number, paths in layers.items():
        shards = [load(path) for path in paths]
        merged = merge_layer(folder, shards, settings)
        inside = any(name.startswith("attention.") for name in merged)
        if inside and last is not None and number != last + 1:
            raise Failure(INPUT, f"{folder}: found layer {number} after layer {last}, "
                                 f"expected layer {last + 1}")
        last = number if inside else last
        for name, value in merged.items():
            full = f"gpt_neox.layers.{blocks}.{name}" if inside else OUTSIDE.get(name)
            if full is None:
                raise Failure(INPUT, f"{paths[0]}: found the tensor {name}, expected "
                                     f"one of {', '.join(OUTSIDE)}")
            tensors.setdefault(full, value)  # a tied embedding is stored twice
        blocks += inside
    if "gpt_neox.embed_in.weight" not in tensors:
        raise Failure(INPUT, f"{folder}: found no word_embeddings.weight, expected it "
                             "in the file of the first layer")
    config = make_config(folder, settings, tensors, blocks) if settings else None
    return tensors, config


def list_layers(folder):
    """Return {layer: paths of its shards}, in order."""
    layers = {}
    for name in sorted(os.listdir(folder)):
        match = FILE.match(name)
        if match:
            shards = layers.setdefault(int(match.group(1)), {})
            shards[int(match.group(2))] = os.path.join(folder, name)
    ranks = len(next(iter(layers.values())))
    for layer, shards in layers.items():
        if sorted(shards) != list(range(ranks)):
            raise Failure(INPUT, f"{folder}: found the shards {sorted(shards)} of "
                                 f"layer {layer}, expected 0 to {ranks - 1}")
    return {n: [layers[n][rank] for rank in range(ranks)] for n in sorted(layers)}


def merge_layer(folder, shards, settings):
    merged = {}
    for name in shards[0]:
        if "rotary_emb" in name or name.endswith("_extra_state"):
            continue
        if any(name not in shard for shard in shards):
            raise Failure(INPUT, f"{folder}: found the tensor {name} in some shards of "
                                 "a layer, expected it in all")
        new = name
        for old, replacement in NEW_NAMES.items():
            new = new.replace(old, replacement)
        merged[new] = merge(folder, new, [shard[name] for shard in shards], settings)
    return merged


def merge(folder, name, parts, settings):
    """Join the slices of a tensor, or reduce its copies to one."""
    import torch

    if len(parts) == 1:
        return parts[0]
    if name in BY_ROWS:
        return torch.cat(parts, dim=0)
    if name in BY_COLUMNS:
        return torch.cat(parts, dim=1)
    if name in ROW_BIASES:
        # With a parallel residual every rank adds its own bias before the sum over
        # ranks; otherwise the ranks hold copies of one bias.
        return sum_or_mean(parts, parallel_residual(folder, settings))
    if name.rsplit(".", 1)[0] in NORMS:
        return sum_or_mean(parts, False)  # copies may differ by rounding
    raise Failure(INPUT, f"{folder}: found the tensor {name} in {len(parts)} shards, "
                         "expected a tensor that this program can merge")


def sum_or_mean(parts, is_sum):
    import torch

    values = torch.stack([part.double() for part in parts])
    return (values.sum(0) if is_sum else values.mean(0)).to(parts[0].dtype)


def parallel_residual(folder, settings):
    if not settings:
        raise Failure(INPUT, f"{folder}: found several shards and no .yml, expected "
                             "the settings of GPT-NeoX to merge the biases (--config)")
    return bool(settings.get("gpt_j_residual", False))


def read_settings(folder, config_path):
    """Return the settings with underscores in their names; several files are merged."""
    paths = [config_path] if config_path else sorted(
        path for pattern in ("*.yml", "configs/*.yml")
        for path in glob.glob(os.path.join(folder, pattern)))
    settings = {}
    for path in paths:
        settings.update(read_yaml(path))
    return {key.replace("-", "_"): value for key, value in settings.items()}


def read_yaml(path):
    text = read_bytes(path).decode("utf-8", "replace")
    try:
        found = json.loads(text) if path.endswith(".json") else \
            need("yaml", path).safe_load(text)
    except Failure:
        raise
    except Exception as error:
        raise Failure(INPUT, f"{path}: found {error}, expected YAML") from None
    if not isinstance(found, dict):
        raise Failure(INPUT, f"{path}: found no settings, expected those of GPT-NeoX")
    return found


def make_config(folder, settings, tensors, blocks):
    """Return Hugging Face's config.json."""
    rows, width = tensors["gpt_neox.embed_in.weight"].shape
    for key, found in (("num_layers", blocks), ("hidden_size", width)):
        if settings.get(key, found) != found:
            raise Failure(INPUT, f"{folder}: found {found} for {key} in the tensors, "
                                 f"expected {settings[key]} as in the settings")
    for key in ("num_attention_heads", "max_position_embeddings"):
        if key not in settings:
            raise Failure(INPUT, f"{folder}: found no '{key}' in the settings, "
                                 "expected a number")
    position = settings.get("pos_emb", "learned")
    if position != "rotary":
        raise Failure(INPUT, f"{folder}: found pos_emb {position}, expected rotary")
    if settings.get("gpt_j_tied", False):
        raise Failure(INPUT, f"{folder}: found gpt_j_tied, expected two layer norms in "
                             "each layer")
    inner = tensors["gpt_neox.layers.0.mlp.dense_h_to_4h.weight"].shape[0]
    return {
        "model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"],
        "vocab_size": rows, "hidden_size": width, "num_hidden_layers": blocks,
        "num_attention_heads": settings["num_attention_heads"],
        "max_position_embeddings": settings["max_position_embeddings"],
        "intermediate_size": inner,
        "hidden_act": settings.get("activation", "gelu"),
        "rotary_pct": settings.get("rotary_pct", 1.0),
        "rotary_emb_base": settings.get("rotary_emb_base", 10000),
        "use_parallel_residual": bool(settings.get("gpt_j_residual", False)),
        "layer_norm_eps": settings.get("layernorm_epsilon", 1e-5),
        "tie_word_embeddings": not settings.get("no_weight_tying", False),
    }
