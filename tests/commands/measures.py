"""Compare the measures in a result with NumPy, from the stored full matrix.

usage: measures.py RESULT DIRECTION...

The partition of the job must be the only partition of the error of blocks. A direction is
"gradient", or one or two safetensors files of numbers F64; the second less the first.
"""

import json
import struct
import sys

import h5py
import numpy as np

SHARES = {"hessian": "", "gauss_newton": "parts/gauss_newton/"}


def tensors(path):
    with open(path, "rb") as file:
        raw = file.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    found = {}
    for name, t in header.items():
        if name == "__metadata__":
            continue
        first, end = t["data_offsets"]
        assert t["dtype"] == "F64"
        found[name] = np.frombuffer(raw[8 + size :][first:end]).reshape(t["shape"])
    return found


def in_blocks(file, values):
    """Put tensors of GPT-2 into the order of the blocks, which are parameters."""
    parts = []
    for name in file["blocks/name"].asstr()[...]:
        tensor, _, slice_ = name.rpartition(".")
        if slice_ in ("query", "key", "value"):
            thirds = np.split(values[tensor], 3, axis=-1)
            parts.append(thirds[["query", "key", "value"].index(slice_)].ravel())
        else:
            parts.append(values[name].ravel())
    return np.concatenate(parts)


def agree(what, found, expected, scale=None):
    found, expected = np.asarray(found), np.asarray(expected)
    scale = scale or max(np.abs(expected[np.isfinite(expected)]).max(initial=0), 1e-300)
    same = np.isnan(found) == np.isnan(expected)
    far = np.abs(np.nan_to_num(found) - np.nan_to_num(expected)).max()
    if not same.all() or far > 1e-10 * scale:
        sys.exit(f"{what} is {found}, expected {expected}")


def top(file, prefix, matrix):
    vectors = f"{prefix}spectra/{matrix}/eigenvectors"
    if vectors not in file:
        return None
    v = file[vectors][...]
    return v[-((len(v) + 1) // 2) :]


def in_span(v, d):
    return np.nan if v is None or not d @ d else np.sum((v @ d) ** 2) / (d @ d)


def check_directions(file, given):
    g = file["gradient"][...]
    offset, size = file["blocks/offset"][...], file["blocks/size"][...]
    names = file["blocks/name"].asstr()[...]
    cuts = [slice(o, o + s) for o, s in zip(offset, size)]
    assert len(file["direction"]) == len(given)
    for i, text in enumerate(given):
        files = [tensors(f) for f in text.split("..")] if text != "gradient" else []
        d = in_blocks(file, files[-1]) if files else g
        if len(files) == 2:
            d = d - in_blocks(file, files[0])
        at = file["measures/directions"]
        agree("|d|", at["norm"][i], np.linalg.norm(d))
        agree("|d_b|", at["block_norm"][i], [np.linalg.norm(d[c]) for c in cuts])
        cosine = d @ g / np.linalg.norm(d) / np.linalg.norm(g)
        agree("cosine", at["gradient_cosine"][i], cosine, 1)
        for share, prefix in SHARES.items():
            h, of = file[prefix + "hessian/full"][...], at[share]
            size_of = np.linalg.norm(h) * (d @ d)
            between = [[d[b] @ h[b, c] @ d[c] for c in cuts] for b in cuts]
            agree("d'Sd", of["quadratic"][i], d @ h @ d, size_of)
            agree("d'Sd/|d|^2", of["rayleigh"][i], d @ h @ d / (d @ d), np.linalg.norm(h))
            agree("d_b'Sd_c", of[f"between/{i}"], between, size_of)
            agree("d_b'Sd_b", of["block_quadratic"][i], np.diag(between), size_of)
            agree("in top", of["in_top"][i], in_span(top(file, prefix, "full"), d), 1)
            blocks = [in_span(top(file, prefix, f"blocks/{n}"), d[c]) for n, c in zip(names, cuts)]
            agree("block in top", of["block_in_top"][i], blocks, 1)


def check_block_error(file):
    owner = np.repeat(np.arange(len(file["blocks/size"])), file["blocks/size"][...])
    inside = owner[:, None] == owner[None, :]
    vectors = list(file["block_error_vector"].asstr()[...])
    for share, prefix in SHARES.items():
        h, of = file[prefix + "hessian/full"][...], file[f"measures/block_error/{share}"]
        d = h * inside
        v = top(file, prefix, "full")
        tests = {"gradient": file["gradient"][...]}
        tests.update({f"top {i}": v[-1 - i] for i in range(len(v))})
        outside = np.sum((h - d) ** 2) / np.sum(h**2)
        agree("outside", of["outside"][0], outside)
        assert len(vectors) > len(tests)  # random ones
        for name, x in tests.items():
            i, whole, blocks = vectors.index(name), h @ x, d @ x
            agree("error", of["error"][0, i], np.linalg.norm(whole - blocks) / np.linalg.norm(whole))
            cosine = whole @ blocks / np.linalg.norm(whole) / np.linalg.norm(blocks)
            agree("cosine", of["cosine"][0, i], cosine, 1)


def check_participation(file):
    count = 0

    def check(name, item):
        nonlocal count
        if name.endswith("/eigenvectors"):
            v = item[...]
            ratios = np.sum(v**4, axis=1) / np.sum(v**2, axis=1) ** 2
            agree(name, file[name.replace("eigenvectors", "inverse_participation")], ratios, 1)
            count += 1

    file.visititems(check)
    assert count > 2


with h5py.File(sys.argv[1]) as result:
    if sys.argv[2:]:
        check_directions(result, sys.argv[2:])
    check_block_error(result)
    check_participation(result)
