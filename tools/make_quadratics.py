#!/usr/bin/env python3
"""Make the jobs jobs/adam/quadratic_gpt2.yaml and quadratic_resnet.yaml: quadratics whose blocks
have eigenvalues of blocks of real networks, shifted and scaled to a condition number of 5000.

    hesse run jobs/adam/blocks_gpt2.yaml && hesse run jobs/adam/blocks_resnet.yaml
    tools/make_quadratics.py jobs/adam

Needs h5py and NumPy. These are cases 1 and 2 of "Why Transformers Need Adam" (Zhang et al.,
arXiv:2402.16788, section 3) as far as they are known: the eigenvalues of the paper are not. Two
readings of "sampled from the spectra of four blocks" are made: the largest eigenvalues of each
block, and quantiles of all of them.
"""
import os
import sys

import h5py
import numpy as np

COUNT, CONDITION = 15, 5000

CASES = {
    "gpt2": ("Case 1: a transformer", "a GPT-2", [
        "transformer.wte.weight", "transformer.h.1.attn.c_attn.weight.query",
        "transformer.h.1.attn.c_attn.weight.value", "transformer.h.1.mlp.c_proj.weight"]),
    "resnet": ("Case 2: a convolutional network", "a residual network", [
        "conv1.weight", "layer1.0.conv1.weight", "layer1.0.conv2.weight",
        "layer2.0.conv1.weight"])}


def largest(values):
    return values[-COUNT:]


def quantiles(values):
    return values[np.round(np.linspace(0, len(values) - 1, COUNT)).astype(int)]


def scaled(blocks):
    low, high = min(b.min() for b in blocks), max(b.max() for b in blocks)
    return [1 + (CONDITION - 1) * (b - low) / (high - low) for b in blocks]


def point(name, blocks):
    lines = [", ".join(f"{x:.7g}" for x in b) for b in blocks]
    return (f"    {name}:\n      model:\n        eigenvalues:\n          ["
            + ",\n           ".join(lines) + "]\n")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tools/make_quadratics.py FOLDER")
    for name, (title, network, names) in CASES.items():
        source = os.path.join(sys.argv[1], f"blocks_{name}.h5")
        with h5py.File(source) as file:
            spectra = [file[f"spectra/blocks/{n}/eigenvalues"][()] for n in names]
        with open(os.path.join(sys.argv[1], f"quadratic_{name}.yaml"), "w") as out:
            out.write(f"""\
# {title} of "Why Transformers Need Adam", section 3. The four blocks have eigenvalues of
# blocks of {network} at its initial values (blocks_{name}.yaml), shifted and scaled to a
# condition number of {CONDITION}: the largest ones, or quantiles of all. Made by
# tools/make_quadratics.py, which says what is known of the paper's own numbers.
# docs/results/adam.md has the outcome.
#
#     hesse theory quadratic_{name}.yaml --point reading-largest
model: {{family: quadratic, widths: {[COUNT] * len(names)}}}
sweep:
  reading:
""" + point("largest", scaled([largest(s) for s in spectra]))
                      + point("quantiles", scaled([quantiles(s) for s in spectra])))


main()
