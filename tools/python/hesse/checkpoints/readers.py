"""Find the kind of a checkpoint by its content, and read it."""
import json
import os
from dataclasses import dataclass
from typing import Optional

from . import llmc, neox
from ..common import INPUT, Failure, need, read_bytes
from .torch_file import load

NESTED = ("model", "state_dict", "model_state_dict", "module", "params")
SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
AS_IT_IS = "hesse reads this as it is"


@dataclass
class Checkpoint:
    """A model: its tensors in the order of the file, and what is known beside."""

    kind: str
    tensors: dict
    config: Optional[dict] = None
    optimiser: Optional[object] = None
    is_safetensors: bool = False  # the model itself needs no conversion


def read(path, key, config_path, for_optimiser):
    """Return the Checkpoint of a file or folder."""
    if not os.path.exists(path):
        raise Failure(INPUT, f"{path}: found no file or folder, expected a checkpoint")
    need("torch", path)
    if os.path.isdir(path):
        return read_folder(path, key, config_path, for_optimiser)
    if path.endswith(".safetensors"):
        raise Failure(INPUT, f"{path}: found safetensors, expected another kind; "
                             f"{AS_IT_IS}")
    if llmc.is_llmc(path):
        return Checkpoint("llm.c model", *llmc.read(path))
    return read_file(path, load(path), key)


def read_folder(path, key, config_path, for_optimiser):
    names = os.listdir(path)
    if any(name.endswith(".safetensors") for name in names):
        if not for_optimiser:
            raise Failure(INPUT, f"{path}: found safetensors, expected another kind; "
                                 f"{AS_IT_IS}")
        return read_safetensors(path)
    if neox.is_neox(path):
        return Checkpoint("GPT-NeoX folder", *neox.read(path, config_path))
    if "pytorch_model.bin.index.json" in names:
        tensors = read_shards(path)
    elif "pytorch_model.bin" in names:
        file = os.path.join(path, "pytorch_model.bin")
        tensors = read_file(file, load(file), key).tensors
    else:
        raise Failure(INPUT, f"{path}: found no model in this folder, expected "
                             "pytorch_model.bin, its index, or layer files of GPT-NeoX "
                             "(give the file itself if it has another name)")
    return Checkpoint("Hugging Face folder", tensors, config_of_folder(path))


def config_of_folder(path):
    file = os.path.join(path, "config.json")
    return read_json(file) if os.path.exists(file) else None


def read_json(path):
    try:
        found = json.loads(read_bytes(path))
    except ValueError as error:
        raise Failure(INPUT, f"{path}: found {error}, expected JSON") from None
    if not isinstance(found, dict):
        raise Failure(INPUT, f"{path}: found no JSON object, expected one")
    return found


def read_shards(path):
    """Return the tensors of all shards, in the order in which the shards hold them."""
    index = os.path.join(path, "pytorch_model.bin.index.json")
    where = read_json(index).get("weight_map")
    if not isinstance(where, dict):
        raise Failure(INPUT, f"{index}: found no weight_map, expected one")
    tensors = {}
    for shard in sorted(set(where.values())):
        if os.path.basename(shard) != shard:
            raise Failure(INPUT, f"{index}: found the shard '{shard}', expected a file "
                                 "in the same folder")
        file = os.path.join(path, shard)
        tensors.update(read_file(file, load(file), None).tensors)
    missing = sorted(set(where) - set(tensors))
    if missing:
        raise Failure(INPUT, f"{index}: found the shards without {missing[0]}, "
                             "expected every tensor of the weight_map")
    return tensors


def read_file(path, found, key):
    """Recognise what torch.load returned."""
    if not isinstance(found, dict):
        raise Failure(INPUT, f"{path}: found an object of type {type(found).__name__}, "
                             "expected a state dict")
    if key:
        return Checkpoint(f"state dict under '{key}'", select(path, found, key),
                          optimiser=optimiser_of(found))
    if is_state_dict(found):
        return Checkpoint("state dict", only_tensors(found), config_beside(path))
    name = find_nested(path, found)
    tensors = only_tensors(found[name])
    if name == "model" and isinstance(found.get("model_args"), dict):
        return Checkpoint("nanoGPT checkpoint", tensors,
                          nanogpt_config(path, found["model_args"], tensors),
                          optimiser_of(found))
    kind = "Lightning checkpoint" if "pytorch-lightning_version" in found else \
        f"state dict under '{name}'"
    return Checkpoint(kind, tensors, optimiser=optimiser_of(found))


def config_beside(path):
    """Return the config of a Hugging Face folder if the file is a model of one."""
    folder, name = os.path.split(path)
    return config_of_folder(folder) if name == "pytorch_model.bin" else None


def is_state_dict(value):
    """Return true if the value maps names to tensors, and to nothing else."""
    import torch

    return isinstance(value, dict) and len(only_tensors(value)) > 0 and all(
        isinstance(name, str) and (torch.is_tensor(item) or "_extra_state" in name)
        for name, item in value.items())


def only_tensors(state):
    import torch

    return {name: item for name, item in state.items() if torch.is_tensor(item)}


def select(path, found, key):
    """Return the state dict under a key; dots go down into nested dicts."""
    value = found
    for part in [key] if key in found else key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if not is_state_dict(value):
        raise Failure(INPUT, f"{path}: found no state dict under '{key}', expected "
                             f"one; the keys are {', '.join(map(str, found))}")
    return only_tensors(value)


def find_nested(path, found):
    """Return the one key whose value is the state dict of the model."""
    states = [name for name, value in found.items() if is_state_dict(value)]
    usual = [name for name in states if name in NESTED]
    if len(usual) == 1 and len(states) == 1:
        return usual[0]
    keys = ", ".join(map(str, states or list(found)[:20]))
    what = "state dicts under" if states else "no state dict, but the keys"
    raise Failure(INPUT, f"{path}: found {what} {keys}, expected one state dict under "
                         f"{', '.join(NESTED)}; choose it with --key")


def nanogpt_config(path, arguments, tensors):
    keys = ("block_size", "vocab_size", "n_layer", "n_head", "n_embd", "bias")
    config = {"model_type": "gpt2"}
    config.update({key: arguments[key] for key in keys
                   if arguments.get(key) is not None})
    if "vocab_size" not in config:
        rows = [value.shape[0] for name, value in tensors.items()
                if name.endswith("wte.weight")]
        config.update({"vocab_size": rows[0]} if rows else {})
    missing = [key for key in keys if key not in config and key != "bias"]
    if missing:
        raise Failure(INPUT, f"{path}: found model_args without {', '.join(missing)}, "
                             "expected the sizes of the model")
    return config


def optimiser_of(found):
    """Return the state of the optimiser in a checkpoint, a list of them, or None."""
    if isinstance(found.get("optimizer_states"), (list, tuple)):
        states = found["optimizer_states"]
        return states[0] if len(states) == 1 else (list(states) or None)
    for name in ("optimizer", "optimizer_state_dict"):
        if found.get(name):
            return found[name]
    return None


def read_safetensors(path):
    """Read a safetensors folder in the order of the model's own parameters.

    A safetensors file is sorted by name. The optimiser numbers the parameters in the
    order of the model, which only the library's model knows.
    """
    from safetensors import safe_open

    transformers = need("transformers", path)
    import torch

    tensors = {}
    for name in sorted(os.listdir(path)):
        if name.endswith(".safetensors") and name != "optimiser.safetensors":
            with safe_open(os.path.join(path, name), "pt") as file:
                tensors.update({key: file.get_tensor(key) for key in file.keys()})
    config = transformers.AutoConfig.from_pretrained(path, local_files_only=True,
                                                     trust_remote_code=False)
    model_class = getattr(transformers, (config.architectures or [""])[0], None)
    if model_class is None:
        raise Failure(INPUT, f"{path}: found architectures {config.architectures} in "
                             "config.json, expected a class of transformers")
    with torch.device("meta"):
        order = [name for name, _ in model_class(config).named_parameters()]
    if sorted(order) != sorted(tensors):
        odd = sorted(set(order) ^ set(tensors))
        raise Failure(INPUT, f"{path}: found other tensors than the parameters of "
                             f"{config.architectures[0]} ({odd[0]}), expected the same")
    return Checkpoint("Hugging Face folder of safetensors",
                      {name: tensors[name] for name in order}, is_safetensors=True)
