"""Compare the numbers that tools/draw prints with NumPy's, in the folder of a case of draw.sh.

usage: draw.py DRAW
"""
import math
import statistics
import subprocess
import sys

import h5py
import numpy as np

RATES, SEEDS = (0.01, 0.05), (0, 1)


def printed(*words):
    """Return the lines of tools/draw, each as a list of words."""
    done = subprocess.run([sys.executable, sys.argv[1], *words], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def row(lines, *begin):
    """Return the numbers of the only line that begins with these words."""
    found = [line for line in lines if line[:len(begin)] == list(begin)]
    assert len(found) == 1, (begin, lines)
    return [float(word.replace("-", "nan") if word == "-" else word)
            for word in found[0][len(begin):] if word != "best"]


def same(found, expected):
    assert len(found) == len(expected), (found, expected)
    assert np.allclose(found, expected, rtol=2e-4, atol=1e-300, equal_nan=True), (found, expected)


def read(optimiser, rate, name):
    """Return a list with the dataset of each seed."""
    values = []
    for seed in SEEDS:
        with h5py.File(f"{optimiser}/rate-{rate:g}-seed-{seed}/log.h5") as file:
            values.append(file[name][:])
    return np.array(values)


best = {o: min(RATES, key=lambda rate: read(o, rate, "evaluate/loss")[:, -1].mean())
        for o in ("adam", "sgd")}

# The losses of the best learning rates.
lines = printed("loss", "adam", "sgd", "--at", "0,5")
for o, rate in best.items():
    loss, held, accuracy = (read(o, rate, name)[:, -1] for name in
                            ("loss", "evaluate/loss", "evaluate/accuracy"))
    expected = [rate, 2, 0, 9, loss.mean(), loss.std(ddof=1), held.mean(), held.std(ddof=1),
                accuracy.mean()]
    first = [line for line in lines[:4] if line[:1] == [o]]
    same([float(word) for word in first[0][1:]], expected)
    step = read(o, rate, "loss")[:, 5]
    same(row(lines, o, f"{rate:g}", "5"), [step.mean(), step.std(ddof=1), np.median(step)])
ratio = read("sgd", best["sgd"], "loss")[:, 5] / read("adam", best["adam"], "loss")[:, 5]
same(row(lines, "sgd", "/", "adam", "5"), [ratio.mean(), ratio.std(ddof=1), 2])

# The accuracy along the run.
lines = printed("loss", "adam", "--accuracy", "--at", "4")
step = read("adam", best["adam"], "evaluate/accuracy")[:, 1]
same(row(lines, "adam", f"{best['adam']:g}", "4"),
     [step.mean(), step.std(ddof=1), np.median(step)])

# All learning rates.
lines = printed("rates", "adam", "sgd")
for o in best:
    for rate in RATES:
        held = read(o, rate, "evaluate/loss")[:, -1]
        same(row(lines, o, f"{rate:g}"), [2, 0, held.mean(), held.std(ddof=1)])
    assert [line[1] for line in lines if line[0] == o and line[-1] == "best"] == [f"{best[o]:g}"]

# A measure along the path.
lines = printed("path", "sharpness", "adam", "sgd", "--since", "2")
for o, rate in best.items():
    values = read(o, rate, "path/sharpness")[:, 1:]
    medians = np.median(values, axis=1)
    same(row(lines, o, f"{rate:g}"), [2, values.shape[1], medians.mean(), medians.std(ddof=1),
                                      values[:, -1].mean()])

# Smoothness: for one run the fit is that of the program.
with h5py.File("adam/rate-0.05-seed-1/log.h5") as file:
    g, c = file["path/gradient_norm"][:], file["path/smoothness"][:]
    order = [np.argsort(np.argsort(x)) for x in (g, c)]
    above = c > 0
    expected = [len(g), (~above).sum(), file.attrs["l0"], file.attrs["l1"],
                np.corrcoef(*order)[0, 1], file.attrs["smoothness_correlation"]]
lines = printed("smoothness", "adam", "--only", "seed=1", "--only", "learning_rate=0.05")
same(row(lines, "adam", "0.05", "1"), expected)

# Noise: the moments are those of the program, and the correlation that of scipy.stats.probplot.
with h5py.File("noise/log.h5") as file:
    sample = file["path/noise"][0]
    moments = [file[f"path/noise_{name}"][0] for name in
               ("mean", "deviation", "skewness", "kurtosis")]
n = len(sample)
places = [1 - 0.5 ** (1 / n), *((i - 0.3175) / (n + 0.365) for i in range(2, n)), 0.5 ** (1 / n)]
normal = [statistics.NormalDist().inv_cdf(place) for place in places]
lines = printed("noise", "noise")
same(row(lines, "adam")[1:], [0, n, *moments, sample.max() / np.median(sample),
                              np.corrcoef(normal, sample)[0, 1]])

# Result files.
with h5py.File("result.h5") as file:
    js0 = file["metrics/js"].attrs["js0"]
    spectra = {"full": file["spectra/full/eigenvalues"][:]}
    spectra |= {name: group["eigenvalues"][:] for name, group in file["spectra/blocks"].items()}
    coupling = file["metrics/coupling"][:]
    full = file["hessian/full"][:]
    blocks = list(zip(file["blocks/name"].asstr()[:], file["blocks/offset"][:],
                      file["blocks/size"][:]))
lines = printed("spectra", "result.h5", "--blocks", "*", "--blocks", "full")
for name, values in spectra.items():
    tenth = abs(values[max(0, len(values) - 10)])
    same(row(lines, name, "exact"), [values[0], tenth, values[-1],
                                     values[-1] / tenth if tenth else math.nan,
                                     (values < 0).mean()])
lines = printed("coupling", "result.h5")
outside = (coupling - np.diag(np.diag(coupling))).max()
same([float(word) for word in lines[2][:4]],
     [len(coupling), np.linalg.norm(spectra["full"]),
      (np.diag(coupling) ** 2).sum() / (coupling**2).sum(), outside])
lines = printed("matrix", "result.h5")
for name, first, size in blocks:
    part = slice(first, first + size)
    same(row(lines, name), [size, np.median(abs(full[part, part]))])
lines = printed("gap", "one=adam,sgd:result.h5", "two=sgd,adam:result.h5")
last = {o: read(o, rate, "evaluate/loss")[:, -1].mean() for o, rate in best.items()}
for name in ("one", "two"):
    found = row(lines, name)
    same(found[:5], [js0, best["sgd"], last["sgd"], best["adam"], last["adam"]])
    assert math.isclose(found[5], last["sgd"] - last["adam"], rel_tol=1e-3)
