"""The command hesse-convert: a checkpoint becomes files that hesse reads."""
import json
import os
import sys

from . import readers
from ..common import INPUT, OUTPUT, Failure, Outputs, Parser, need, reason, run
from .optimiser import Refused, named_states
from .torch_file import load

PROG = "hesse convert"
MODEL, CONFIG, OPTIMISER = "model.safetensors", "config.json", "optimiser.safetensors"


def parse(arguments):
    parser = Parser(prog=PROG, description="Convert a checkpoint of PyTorch, "
                    "Lightning, nanoGPT, llm.c, GPT-NeoX or Hugging Face to "
                    "safetensors.")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a file or a folder")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True,
                        help="the folder that the files are written to")
    parser.add_argument("--config", metavar="FILE", help="the config.json of the "
                        "model, or the .yml of GPT-NeoX")
    parser.add_argument("--dtype", choices=("f32", "f64", "keep"), default="keep",
                        help="the type of the numbers (default: keep)")
    parser.add_argument("--key", help="the key of the state dict in the file; a.b is "
                        "the key b under the key a")
    parser.add_argument("--optimiser", "--optimizer", metavar="FILE",
                        help="a file with the state of the optimiser, such as "
                        "optimizer.pt of Trainer")
    parser.add_argument("--force", action="store_true",
                        help="replace files in the folder")
    return parser.parse_args(arguments)


def main(arguments=None):
    return run(PROG, lambda given: convert(parse(given)), arguments)


def convert(options):
    """Convert a checkpoint and return the summary."""
    need("safetensors", options.checkpoint)
    outputs = Outputs(options.force, inputs(options))
    found = readers.read(options.checkpoint, options.key, options.config,
                         bool(options.optimiser))
    for name in (OPTIMISER,) if found.is_safetensors else (MODEL, CONFIG, OPTIMISER):
        outputs.check(os.path.join(options.output, name))
    check_dense(options.checkpoint, found.tensors)
    if options.config and found.kind != "GPT-NeoX folder":
        found.config = readers.read_json(options.config)
    tensors, tied = without_copies(found.tensors)
    states, note = find_states(options, found, tensors)
    with outputs:
        kept = write(options, outputs, found, tensors, states)
        outputs.commit()
    if not states:
        remove_old_states(options.output)
    return summary(options, found, kept, tied, states, note)


def inputs(options):
    """Return the files that the command reads."""
    path, others = options.checkpoint, [options.config, options.optimiser]
    files = [os.path.join(folder, name) for folder, _, names in os.walk(path)
             for name in names if name != OPTIMISER]
    if os.path.basename(path) == "pytorch_model.bin":
        files.append(os.path.join(os.path.dirname(path), CONFIG))
    return [path] + files + [other for other in others if other]


def check_dense(path, tensors):
    """Fail if a tensor has no plain array of numbers."""
    import torch

    for name, value in tensors.items():
        kind = "on no device" if value.is_meta else \
            "quantized" if value.is_quantized else \
            "sparse" if value.layout != torch.strided else \
            "complex" if value.is_complex() else ""
        if kind:
            raise Failure(INPUT, f"{path}: found the tensor {name}, which is {kind}, "
                                 "expected dense real numbers")


def remove_old_states(folder):
    """Remove the states of the model that --force has just replaced."""
    path = os.path.join(folder, OPTIMISER)
    try:
        if os.path.exists(path):
            os.remove(path)
    except OSError as error:
        raise Failure(OUTPUT, f"{path}: {reason(error)}") from None


def without_copies(tensors):
    """Return the tensors without those that share their memory with an earlier one."""
    seen, kept, tied = {}, {}, []
    for name, value in tensors.items():
        place = (value.untyped_storage().data_ptr(), value.storage_offset(),
                 tuple(value.shape), value.stride(), value.dtype)
        if value.numel() and place in seen:
            tied.append((name, seen[place]))
            continue
        seen[place] = name
        kept[name] = value
    return kept, tied


def find_states(options, found, tensors):
    """Return the named states, and the reason if the checkpoint's own do not fit."""
    state, path = found.optimiser, options.checkpoint
    if options.optimiser:
        path = options.optimiser
        state = load(path)
        if isinstance(state, dict) and "param_groups" not in state:
            state = readers.optimiser_of(state) or state
    if state is None:
        return {}, ""
    try:
        return named_states(state, tensors), ""
    except Refused as refused:
        if options.optimiser:
            raise Failure(INPUT, f"{path}: {refused}") from None
        return {}, f"; the states of the optimiser are not written: {refused}"


def write(options, outputs, found, tensors, states):
    """Write all files under temporary names, and return the tensors as written."""
    folder = options.output
    converted = {name: as_written(value, options.dtype)
                 for name, value in tensors.items()}
    if not found.is_safetensors:
        outputs.write(os.path.join(folder, MODEL), lambda path: save(path, converted))
        if found.config is not None:
            outputs.write(os.path.join(folder, CONFIG),
                          lambda path: save_json(path, found.config))
    if states:
        values = {name: as_written(value, options.dtype)
                  for name, value in states.items()}
        outputs.write(os.path.join(folder, OPTIMISER), lambda path: save(path, values))
    return converted


def as_written(value, dtype):
    """Return a dense tensor of its own memory, of a type that hesse reads."""
    import torch

    readable = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    if value.is_floating_point():
        if dtype != "keep":
            value = value.to(torch.float64 if dtype == "f64" else torch.float32)
        elif value.dtype not in readable:
            value = value.to(torch.float32)
    value = value.contiguous()
    own = value.untyped_storage().nbytes() == value.numel() * value.element_size()
    return value if own else value.clone()


def save(path, tensors):
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from None


def save_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def summary(options, found, tensors, tied, states, note):
    count = sum(value.numel() for value in tensors.values())
    types = sorted({str(value.dtype).removeprefix("torch.")
                    for value in tensors.values()})
    files = [] if found.is_safetensors else [MODEL]
    files += [CONFIG] if found.config is not None and not found.is_safetensors else []
    files += [OPTIMISER] if states else []
    text = (f"{options.checkpoint}: {found.kind}, {len(tensors)} tensors, "
            f"{count} parameters, {', '.join(types)}; wrote {', '.join(files)} to "
            f"{options.output}")
    if tied:
        text += f"; {tied[0][0]} is tied to {tied[0][1]}"
    if found.config is None and not found.is_safetensors:
        text += "; the sizes are not known: give --config, or state them in the job"
    return text + note


if __name__ == "__main__":
    sys.exit(main())
