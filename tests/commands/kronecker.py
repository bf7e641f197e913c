"""Compare the Kronecker measures in a result with NumPy, from the stored blocks.

usage: kronecker.py RESULT NETWORK

NETWORK is mlp (a perceptron with tanh and cross entropy, in whose folder are x.npy, y.npy and
model.safetensors), linear (one output and squared error) or gpt2 (blocks by head).
"""

import json
import struct
import sys

import h5py
import numpy as np

SHARES = {"hessian": "", "gauss_newton": "parts/gauss_newton/"}
KINDS = ("kfac", "shampoo", "shampoo_square", "shampoo_examples", "shampoo_examples_square")


def tensors(path):
    with open(path, "rb") as file:
        raw = file.read()
    size = struct.unpack("<Q", raw[:8])[0]
    found = {}
    for name, t in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            first, end = t["data_offsets"]
            found[name] = np.frombuffer(raw[8 + size :][first:end]).reshape(t["shape"])
    return found


def agree(what, found, expected, tolerance=1e-9):
    if not abs(found - expected) <= tolerance:
        sys.exit(f"{what} is {found}, expected {expected}")


def root(m):
    values, vectors = np.linalg.eigh(m)
    values = np.where(values > len(m) * np.finfo(float).eps * values[-1], values, 0)
    return (vectors * np.sqrt(values)) @ vectors.T


def shampoo(each):
    """The factors of the gradients each: [examples, p, q]."""
    return np.einsum("eij,ekj->ik", each, each), np.einsum("eij,eik->jk", each, each)


def fit(s, a, b):
    product = np.kron(a, b)
    c = np.sum(s * product) / np.sum(product**2)
    cosine = np.sum(s * product) / np.linalg.norm(s) / np.linalg.norm(product)
    return np.linalg.norm(s - c * product) / np.linalg.norm(s), cosine


def names(file):
    return list(file["blocks/name"].asstr()[...])


def check_block(file, share, name, s, p, q, factors, out_rows):
    """Compare what does not need factors, and the products that have factors."""
    at, i = file[f"measures/kronecker/{share}"], names(file).index(name)
    r = s.reshape(p, q, p, q).transpose(0, 2, 1, 3).reshape(p * p, q * q)
    largest, norm = np.linalg.svd(r, compute_uv=False)[0], np.linalg.norm(s)
    agree("nearest_cosine", at["nearest_cosine"][i], largest / norm)
    agree("nearest_error^2", at["nearest_error"][i] ** 2, 1 - (largest / norm) ** 2)
    four = s.reshape(p, q, p, q) ** 2
    rows = np.einsum("ikil->", four) / norm**2
    columns = np.einsum("ikjk->", four) / norm**2
    agree("diagonal", at["diagonal"][i], np.sum(np.diag(s) ** 2) / norm**2)
    agree("same_output", at["same_output"][i], rows if out_rows else columns)
    agree("same_input", at["same_input"][i], columns if out_rows else rows)
    for kind in (k for k in KINDS if k in factors):
        error, cosine = fit(s, *factors[kind])
        agree(f"{name} {share} {kind}_error", at[f"{kind}_error"][i], error, 1e-7)
        agree(f"{name} {share} {kind}_cosine", at[f"{kind}_cosine"][i], cosine, 1e-7)


def with_roots(factors):
    for kind in ("shampoo", "shampoo_examples"):
        if kind + "_square" in factors:
            factors[kind] = [root(m) for m in factors[kind + "_square"]]
    return factors


def perceptron():
    """The inputs of the layers and the derivatives of the mean loss in their outputs."""
    x, y, t = np.load("x.npy"), np.load("y.npy"), tensors("model.safetensors")
    inputs = [x]
    for i in range(3):
        z = inputs[-1] @ t[f"layers.{i}.weight"].T + t[f"layers.{i}.bias"]
        inputs.append(np.tanh(z))
    p = np.exp(z - z.max(axis=1, keepdims=True))
    g = p / p.sum(axis=1, keepdims=True)
    g[np.arange(len(y)), y] -= 1
    g /= len(y)
    outputs = [g]
    for i in (2, 1):
        g = g @ t[f"layers.{i}.weight"] * (1 - inputs[i] ** 2)
        outputs.insert(0, g)
    return list(zip(inputs, outputs))


def check_mlp(file):
    for i, (x, g) in enumerate(perceptron()):
        name = f"layers.{i}.weight"
        each = np.einsum("eo,ec->eoc", g, x)
        w = each.sum(axis=0)
        first = file["blocks/offset"][names(file).index(name)]
        stored = file["gradient"][...][first : first + w.size]
        agree("gradient", np.abs(w.ravel() - stored).max(), 0, 1e-14)
        factors = {"kfac": (g.T @ g, x.T @ x), "shampoo_square": shampoo(w[None]),
                   "shampoo_examples_square": shampoo(each)}
        for share, prefix in SHARES.items():
            s = file[f"{prefix}hessian/blocks/{name}"][...]
            check_block(file, share, name, s, *w.shape, with_roots(factors), True)
    bias = names(file).index("layers.0.bias")
    assert all(np.isnan(v[bias]) for v in file["measures/kronecker/hessian"].values())


def check_linear(file):
    at = file["measures/kronecker/hessian"]
    for kind in ("nearest", "kfac"):
        agree(kind, at[f"{kind}_error"][0], 0, 1e-12)
        agree(kind, at[f"{kind}_cosine"][0], 1, 1e-12)
    agree("same_output", at["same_output"][0], 1, 1e-12)
    agree("same_input", at["same_input"][0], at["diagonal"][0], 1e-12)


def check_gpt2(file):
    """Matrices are [in, out], except the embedding. A head has 3 of 6 channels."""
    shapes = {"weight.query": (6, 3), "weight.key": (6, 3), "weight.value": (6, 3),
              "attn.c_proj.weight": (3, 6), "c_fc.weight": (6, 8), "mlp.c_proj.weight": (8, 6),
              "wpe.weight": (7, 6), "wte.weight": (11, 6)}
    checked = 0
    for i, name in enumerate(names(file)):
        at = file["measures/kronecker/hessian"]
        key = [k for k in shapes if k in name]
        if not key:
            assert np.isnan(at["nearest_error"][i]), name
            continue
        p, q = shapes[key[0]]
        first = file["blocks/offset"][i]
        w = file["gradient"][...][first : first + p * q].reshape(p, q)
        table = key[0] in ("wpe.weight", "wte.weight")
        assert np.isnan(at["kfac_error"][i]) == table, name
        for share, prefix in SHARES.items():
            s = file[f"{prefix}hessian/blocks/{name}"][...]
            factors = with_roots({"shampoo_square": shampoo(w[None])})
            check_block(file, share, name, s, p, q, factors, table)
        checked += 1
    assert checked == 2 + 2 * (3 * 2 + 2 + 2), checked


with h5py.File(sys.argv[1]) as result:
    {"mlp": check_mlp, "linear": check_linear, "gpt2": check_gpt2}[sys.argv[2]](result)
