#!/usr/bin/env python3
"""Draw docs/figures/hessian.png, the picture of the README: docs/figures/hessian.py TRAINED.h5 FIGURE.png

TRAINED.h5 is the series of jobs/adam/transformer_small.yaml; docs/gallery.md has the commands.
"""
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from PIL import Image

NAMES = {"wte": "embedding", "query": "query", "key": "key", "value": "value", "attn.c_proj": "output",
         "c_fc": "MLP in", "mlp.c_proj": "MLP out", "lm_head": "head"}
STEPS = (0, 100, 1000)

result, figure = sys.argv[1:]
plt.rcParams.update({"font.size": 9, "axes.linewidth": 0})
fig, axes = plt.subplots(1, 3, figsize=(10, 3.7), layout="constrained")
with h5py.File(result) as file:
    losses = dict(zip(file["series/step"][:], file["series/loss"][:]))
    for step, axis in zip(STEPS, axes):
        group = next(file[f"steps/{name}"] for name in file["steps"] if int(name) == step)
        names, sizes = group["blocks/name"].asstr()[:], group["blocks/size"][:]
        coupling = group["metrics/coupling"][:].copy()
        np.fill_diagonal(coupling, group["blocks/frobenius"][:])
        mean = coupling / np.sqrt(np.outer(sizes, sizes))  # the root mean square of the entries
        edges = np.concatenate([[0], np.cumsum(sizes)])
        image = axis.pcolormesh(edges, edges, mean, norm=LogNorm(1e-5, 1), cmap="magma", rasterized=True)
        starts, labels = [], []
        for name, begin in zip(names, edges):
            label = next(text for part, text in NAMES.items() if part in name)
            if label not in labels:
                labels.append(label)
                starts.append(begin)
        middle = [(a + b) / 2 for a, b in zip(starts, starts[1:] + [edges[-1]])]
        axis.set(xticks=middle, yticks=middle, title=f"step {step}, loss {losses[step]:.2f}", aspect=1)
        axis.set_xticklabels(labels, rotation=90)
        axis.set_yticklabels(labels if step == 0 else [])
        axis.invert_yaxis()
        axis.tick_params(length=0)
        for begin in starts[1:]:
            axis.axhline(begin, color="white", lw=0.4)
            axis.axvline(begin, color="white", lw=0.4)
    fig.colorbar(image, ax=axes, label="root mean square of the second derivatives", extend="min", pad=0.01)
fig.savefig(figure, dpi=110, bbox_inches="tight")
Image.open(figure).convert("RGB").quantize(128).save(figure, optimize=True)
