"""Read folders of GPT-NeoX: layer_XX-model_YY-model_states.pt."""
import glob
import json
import os
import re

from ..common import INPUT, Failure, need, read_bytes
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
MOST_DRIFT = 0.01  # of the largest number: rounding makes copies differ by less

# Settings that change what the model computes: the default of GPT-NeoX, and the values
# that Hugging Face's model can express.
SETTINGS = {"pos_emb": ("learned", ("rotary",)),
            "norm": ("layernorm", ("layernorm", "te_layernorm")),
            "activation": ("gelu", ("gelu", "relu", "silu", "swish")),
            "gpt_j_tied": (False, (False,)), "use_mup": (False, (False,)),
            "moe_num_experts": (1, (1,))}


def is_neox(folder):
    return any(FILE.match(name) for name in os.listdir(folder))


def read(folder, config_path):
    """Return the merged tensors under Hugging Face's names, and the config."""
    settings = read_settings(folder, config_path)
    layers = list_layers(folder)
    tensors, blocks, last = {}, 0, None
    for number, paths in layers.items():
        shards = [load_tensors(path) for path in paths]
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
    check_tensors(folder, tensors, blocks)
    config = make_config(folder, settings, tensors, blocks) if settings else None
    return tensors, config


def load_tensors(path):
    """Return the tensors of one file."""
    import torch

    found = load(path)
    if not isinstance(found, dict):
        raise Failure(INPUT, f"{path}: found an object of type {type(found).__name__}, "
                             "expected a dict of tensors")
    return {name: value for name, value in found.items() if torch.is_tensor(value)}


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


def sizes(width, inner):
    """Return the shapes of the tensors of a layer."""
    norms = {f"{norm}.{kind}": (width,) for norm in NORMS[:2]
             for kind in ("weight", "bias")}
    return {**norms,
            "attention.query_key_value.weight": (3 * width, width),
            "attention.query_key_value.bias": (3 * width,),
            "attention.dense.weight": (width, width),
            "attention.dense.bias": (width,),
            "mlp.dense_h_to_4h.weight": (inner, width),
            "mlp.dense_h_to_4h.bias": (inner,),
            "mlp.dense_4h_to_h.weight": (width, inner),
            "mlp.dense_4h_to_h.bias": (width,)}


def check_tensors(folder, tensors, blocks):
    """Fail unless the tensors are those of Hugging Face's model.

    This finds what GPT-NeoX can train and that model cannot express: grouped heads,
    gated activations, other norms, and layers that are cut in another way.
    """
    rows, width = tensors["gpt_neox.embed_in.weight"].shape
    up = tensors.get("gpt_neox.layers.0.mlp.dense_h_to_4h.weight")
    layer = sizes(width, 4 * width if up is None else up.shape[0])
    expected = {f"gpt_neox.layers.{n}.{name}": shape for n in range(blocks)
                for name, shape in layer.items()}
    expected.update({OUTSIDE["norm.weight"]: (width,), OUTSIDE["norm.bias"]: (width,)})
    optional = {OUTSIDE["final_linear.weight"]: (rows, width)}
    without = [name for name in expected if name.endswith(
        ("query_key_value.bias", "attention.dense.bias"))]
    if not any(name in tensors for name in without):
        for name in without:
            del expected[name]
    for name in expected:
        if name not in tensors:
            raise Failure(INPUT, f"{folder}: found no tensor {name}, expected it")
    expected.update(optional)
    expected["gpt_neox.embed_in.weight"] = (rows, width)
    for name, value in tensors.items():
        if name not in expected:
            raise Failure(INPUT, f"{folder}: found the tensor {name}, expected the "
                                 "tensors of Hugging Face's GPT-NeoX")
        if tuple(value.shape) != expected[name]:
            raise Failure(INPUT, f"{folder}: found the shape {list(value.shape)} for "
                                 f"{name}, expected {list(expected[name])}")


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
        # ranks; otherwise the bias is added after the sum, so the ranks hold copies.
        is_sum = parallel_residual(folder, settings)
        if not is_sum:
            check_copies(folder, name, parts)
        return sum_or_mean(parts, is_sum)
    if name.rsplit(".", 1)[0] in NORMS:
        return sum_or_mean(parts, False)  # copies may differ by rounding
    raise Failure(INPUT, f"{folder}: found the tensor {name} in {len(parts)} shards, "
                         "expected a tensor that this program can merge")


def check_copies(folder, name, parts):
    """Fail if the parts differ by more than rounding."""
    first = parts[0].double()
    apart = max((part.double() - first).abs().max().item() for part in parts)
    if not apart <= MOST_DRIFT * first.abs().max().item():
        raise Failure(INPUT, f"{folder}: found shards of {name} that differ by "
                             f"{apart:.3g}, expected copies of one bias, because "
                             "gpt-j-residual is false in the settings")


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
        for name, value in read_yaml(path).items():
            key = str(name).replace("-", "_")
            if settings.setdefault(key, value) != value:
                raise Failure(INPUT, f"{path}: found another value of '{name}' than in "
                                     f"{', '.join(paths[:paths.index(path)])}, "
                                     "expected one (--config chooses a file)")
    return settings


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


def activation(settings):
    """Return Hugging Face's name of the activation that the model was trained with.

    The fused kernel of GPT-NeoX has the tanh approximation of GELU.
    """
    name = settings.get("activation", "gelu")
    fused = name == "gelu" and settings.get("bias_gelu_fusion", False)
    return "gelu_new" if fused else name


def check_attention(folder, settings):
    """Fail if a layer has another attention than the dense one."""
    # The setting is a list of pairs: the kinds of attention, and their repetitions.
    left = [settings.get("attention_config") or []]
    while left:
        kind = left.pop()
        if isinstance(kind, (list, tuple)):
            left.extend(kind)
        elif isinstance(kind, str) and kind not in ("global", "flash", "all"):
            raise Failure(INPUT, f"{folder}: found the attention '{kind}' in the "
                                 "settings, expected global or flash")


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
    for key, (default, allowed) in SETTINGS.items():
        if settings.get(key, default) not in allowed:
            raise Failure(INPUT, f"{folder}: found {settings.get(key, default)} for "
                                 f"'{key}' in the settings, expected "
                                 f"{' or '.join(map(str, allowed))}")
    check_attention(folder, settings)
    tied = "embed_out.weight" not in tensors
    if tied == bool(settings.get("no_weight_tying", False)):
        raise Failure(INPUT, f"{folder}: found {'no' if tied else 'a'} tensor "
                             "final_linear.weight, expected the opposite for this "
                             "no-weight-tying in the settings")
    inner = tensors["gpt_neox.layers.0.mlp.dense_h_to_4h.weight"].shape[0]
    return {
        "model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"],
        "vocab_size": rows, "hidden_size": width, "num_hidden_layers": blocks,
        "num_attention_heads": settings["num_attention_heads"],
        "max_position_embeddings": settings["max_position_embeddings"],
        "intermediate_size": inner,
        "hidden_act": activation(settings),
        "attention_bias": "gpt_neox.layers.0.attention.dense.bias" in tensors,
        "rotary_pct": settings.get("rotary_pct", 1.0),
        "rotary_emb_base": settings.get("rotary_emb_base", 10000),
        "use_parallel_residual": bool(settings.get("gpt_j_residual", False)),
        "layer_norm_eps": settings.get("layernorm_epsilon", 1e-5),
        "tie_word_embeddings": tied,
    }
