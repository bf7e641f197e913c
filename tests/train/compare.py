#!/usr/bin/env python3
"""Compare a training run with tests/train/reference.json.

    compare.py CASE            print the job of a case as JSON
    compare.py CASE FOLDER     compare the folder of its run

Parameters and losses must agree within 1e-10. Needs numpy and h5py.
"""
import json
import os
import struct
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 20


def tensors(path):
    """The F64 tensors of a safetensors file, flat, by name."""
    with open(path, "rb") as f:
        data = f.read()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    return {name: np.frombuffer(data[8 + length:], "<f8", (x["data_offsets"][1] -
                                x["data_offsets"][0]) // 8, x["data_offsets"][0])
            for name, x in header.items() if name != "__metadata__"}


def main():
    with open(os.path.join(HERE, "reference.json")) as f:
        all_cases = json.load(f)
    if len(sys.argv) == 1:
        print(" ".join(all_cases))
        return
    case = all_cases[sys.argv[1]]
    if len(sys.argv) == 2:
        keys = dict(case["train"], steps=STEPS, order="sequential")
        if keys["optimiser"] != "gd":
            keys["batch"] = 2
        print(json.dumps({"model": {"config": "config.json", "checkpoint": "model.safetensors"},
                          "data": {"tokens": "tokens.npy"}, "train": keys}))
        return
    folder = sys.argv[2]
    found = tensors(f"{folder}/stage-{STEPS:06}.safetensors")
    worst = 0
    for name, values in case["every_29th"].items():
        apart = np.abs(found[name][::29] - values)
        if sys.argv[1] == "sign" and name.endswith("c_attn.bias"):
            apart = apart[:0]  # the sign of a zero gradient: tools/make_training_reference.py
        worst = max(worst, apart.max(initial=0))
    with h5py.File(f"{folder}/log.h5") as f:
        worst = max(worst, np.abs(f["loss"][()] - case["loss"]).max())
    print(f"largest difference {worst:.2e}")
    sys.exit(0 if worst < 1e-10 else 1)


if __name__ == "__main__":
    main()
