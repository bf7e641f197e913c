"""Read PyTorch files without running code that is stored in them."""
import argparse
import pathlib
import re
import types

from ..common import INPUT, Failure, read_bytes

# Classes that only hold data. Training scripts often store them beside the weights.
SAFE = [argparse.Namespace, types.SimpleNamespace, pathlib.PosixPath,
        pathlib.PurePosixPath]

OTHER_FORMATS = [
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs", "a Git LFS pointer (git lfs pull fetches the file)"),
    (b"<", "a web page"),
]


def load(path):
    """Return what a PyTorch file holds, with its tensors on the CPU."""
    import torch

    start = read_bytes(path, 32)
    if not start.startswith((b"PK\x03\x04", b"\x80")):
        raise Failure(INPUT, f"{path}: found {describe(start)}, expected a file of "
                             "torch.save")
    try:
        with torch.serialization.safe_globals(SAFE):
            return torch.load(path, map_location="cpu", weights_only=True,
                              mmap=start.startswith(b"PK"))
    except Exception as error:
        raise Failure(INPUT, f"{path}: {explain(str(error))}") from None


def describe(start):
    for magic, name in OTHER_FORMATS:
        if start.startswith(magic):
            return name
    return f"the bytes {start[:8].hex(' ')}" if start else "an empty file"


def explain(message):
    """Turn an error of torch.load into one line."""
    match = re.search(r"GLOBAL (\S+)", message)
    if match:
        return (f"found the Python object {match.group(1)}, expected tensors and plain "
                "data; it is not loaded because loading it could run code from the "
                "file (save model.state_dict() instead)")
    return f"found a damaged file ({message.splitlines()[0][:120]}), expected a file " \
           "of torch.save"
