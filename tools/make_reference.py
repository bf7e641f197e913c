#!/usr/bin/env python3
"""Make the reference values of tests/reference with PyTorch, in double precision.

    make_reference.py [FOLDER]
    make_reference.py --trained CHECKPOINT

The first command writes, for every case, a folder with config.json, model.safetensors and
tokens.npy, as a user would have them, and reference.safetensors with these results of
PyTorch's automatic differentiation:

    loss                  [1]
    gradient/TENSOR       of the shape of the checkpoint's tensor
    columns               [c, 2] float64: tensor (place in the sorted names) and element
    hessian/TENSOR        [c, shape]: those columns of the Hessian
    gauss_newton/TENSOR   [c, shape]: those columns of its Gauss-Newton part
    eigenvalues           [n]: of the whole Hessian, ascending

The second command prints, in C, the values that tests/curvature/test_trained.c expects for the
trained checkpoint in such a folder (stories260K). They come from the whole blocks of the Hessian
for the first layer's query and key, on one sequence of 32 tokens. It takes two minutes.

Needs numpy, torch and safetensors. The committed values were made with PyTorch 2.13.0.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

torch.set_default_dtype(torch.float64)
COLUMNS = 12


def heads(x, count):
    return x.unflatten(2, (count, -1)).transpose(1, 2)


def attend(q, k, v):
    t = q.shape[2]
    mask = torch.triu(torch.full((t, t), -math.inf), 1)
    s = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask).softmax(-1) @ v
    return s.transpose(1, 2).flatten(2)


ACTIVATIONS = {
    "gelu_new": lambda z: F.gelu(z, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
    "silu": F.silu,
}


def gpt2(c, prefix="transformer.", out_first=False, bias=True):
    """Shapes of the tensors, and the logits as a function of them and the tokens."""
    d, h, layers = c["n_embd"], c["n_inner"], c["n_layer"]
    turn = (lambda s: s[::-1]) if out_first else (lambda s: s)
    shapes = {"wte.weight": (c["vocab_size"], d), "wpe.weight": (c["n_positions"], d)}
    for l in range(layers):
        for name, size in (("attn.c_attn", (d, 3 * d)), ("attn.c_proj", (d, d)),
                           ("mlp.c_fc", (d, h)), ("mlp.c_proj", (h, d))):
            shapes[f"h.{l}.{name}.weight"] = turn(size)
            if bias:
                shapes[f"h.{l}.{name}.bias"] = size[1:]
        for name in ("ln_1", "ln_2"):
            shapes[f"h.{l}.{name}.weight"] = (d,)
            if bias:
                shapes[f"h.{l}.{name}.bias"] = (d,)
    shapes["ln_f.weight"] = (d,)
    if bias:
        shapes["ln_f.bias"] = (d,)
    shapes = {prefix + n: s for n, s in shapes.items()}
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (c["vocab_size"], d)
    act = ACTIVATIONS[c["activation_function"]]

    def logits(w, x):
        def linear(name, z):
            m = w[f"{prefix}{name}.weight"]
            y = z @ (m.T if out_first else m)
            return y + w[f"{prefix}{name}.bias"] if bias else y

        def norm(name, z):
            b = w[f"{prefix}{name}.bias"] if bias else None
            return F.layer_norm(z, (d,), w[f"{prefix}{name}.weight"], b,
                                c["layer_norm_epsilon"])

        a = w[prefix + "wte.weight"][x] + w[prefix + "wpe.weight"][: x.shape[1]]
        for l in range(layers):
            z = linear(f"h.{l}.attn.c_attn", norm(f"h.{l}.ln_1", a))
            a = a + linear(f"h.{l}.attn.c_proj",
                           attend(*(heads(y, c["n_head"]) for y in z.split(d, 2))))
            z = act(linear(f"h.{l}.mlp.c_fc", norm(f"h.{l}.ln_2", a)))
            a = a + linear(f"h.{l}.mlp.c_proj", z)
        head = prefix + "wte.weight" if c["tie_word_embeddings"] else "lm_head.weight"
        return norm("ln_f", a) @ w[head].T

    return shapes, logits


def llama(c, prefix="model."):
    d, h, n, g = (c[k] for k in ("hidden_size", "intermediate_size", "num_attention_heads",
                                 "num_key_value_heads"))
    e = c.get("head_dim", d // n)
    shapes = {"embed_tokens.weight": (c["vocab_size"], d)}
    for l in range(c["num_hidden_layers"]):
        for name, size in (("self_attn.q_proj", (n * e, d)), ("self_attn.k_proj", (g * e, d)),
                           ("self_attn.v_proj", (g * e, d)), ("self_attn.o_proj", (d, n * e)),
                           ("mlp.gate_proj", (h, d)), ("mlp.up_proj", (h, d)),
                           ("mlp.down_proj", (d, h))):
            shapes[f"layers.{l}.{name}.weight"] = size
            if c["attention_bias"] and "attn" in name or c["mlp_bias"] and "mlp" in name:
                shapes[f"layers.{l}.{name}.bias"] = size[:1]
        shapes[f"layers.{l}.input_layernorm.weight"] = (d,)
        shapes[f"layers.{l}.post_attention_layernorm.weight"] = (d,)
    shapes["norm.weight"] = (d,)
    shapes = {prefix + k: s for k, s in shapes.items()}
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (c["vocab_size"], d)
    act = ACTIVATIONS[c["hidden_act"]]

    def norm(a, gain):
        return a * (a.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"]).rsqrt() * gain

    def turn(y):
        f = c["rope_theta"] ** (-torch.arange(0, e, 2) / e)
        angle = torch.outer(torch.arange(y.shape[2]).double(), f)
        cos, sin = torch.cat([angle, angle], 1).cos(), torch.cat([angle, angle], 1).sin()
        return y * cos + torch.cat([-y[..., e // 2:], y[..., : e // 2]], -1) * sin

    def logits(w, x):
        def linear(name, z):
            y = z @ w[f"{prefix}{name}.weight"].T
            b = w.get(f"{prefix}{name}.bias")
            return y if b is None else y + b

        a = w[prefix + "embed_tokens.weight"][x]
        for l in range(c["num_hidden_layers"]):
            p = f"layers.{l}."
            z = norm(a, w[f"{prefix}{p}input_layernorm.weight"])
            q = turn(heads(linear(p + "self_attn.q_proj", z), n))
            k = turn(heads(linear(p + "self_attn.k_proj", z), g))
            v = heads(linear(p + "self_attn.v_proj", z), g)
            k, v = (y.repeat_interleave(n // g, 1) for y in (k, v))
            a = a + linear(p + "self_attn.o_proj", attend(q, k, v))
            z = norm(a, w[f"{prefix}{p}post_attention_layernorm.weight"])
            z = act(linear(p + "mlp.gate_proj", z)) * linear(p + "mlp.up_proj", z)
            a = a + linear(p + "mlp.down_proj", z)
        tied = c["tie_word_embeddings"]
        head = prefix + "embed_tokens.weight" if tied else "lm_head.weight"
        return norm(a, w[prefix + "norm.weight"]) @ w[head].T

    return shapes, logits


GPT2 = dict(model_type="gpt2", vocab_size=11, n_positions=7, n_embd=6, n_layer=2, n_head=2,
            n_inner=8, activation_function="gelu_new", layer_norm_epsilon=1e-5,
            tie_word_embeddings=True)
LLAMA = dict(model_type="llama", vocab_size=11, max_position_embeddings=16, hidden_size=8,
             num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=6, hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0,
             tie_word_embeddings=False, attention_bias=False, mlp_bias=False)

CASES = {
    "gpt2": (gpt2, GPT2, {}, torch.float64),
    "gpt2_untied_erf_f32": (gpt2, dict(GPT2, tie_word_embeddings=False, n_layer=1,
                                       activation_function="gelu"),
                            dict(prefix=""), torch.float32),
    "nanogpt": (gpt2, dict(GPT2, n_layer=1, activation_function="gelu"),
                dict(prefix="_orig_mod.transformer.", out_first=True, bias=False),
                torch.float16),
    "llama": (llama, LLAMA, {}, torch.float64),
    "llama_tied_bias_bf16": (llama, dict(LLAMA, tie_word_embeddings=True, head_dim=4,
                                         attention_bias=True, mlp_bias=True,
                                         rope_theta=100.0), {}, torch.bfloat16),
}


def values(tensors, logits, x, y):
    names = sorted(tensors)
    sizes = [tensors[n].numel() for n in names]

    def unpack(theta):
        return {n: p.view(tensors[n].shape) for n, p in zip(names, theta.split(sizes))}

    def out(theta):
        return logits(unpack(theta), x).flatten(0, 1)

    theta = torch.cat([tensors[n].reshape(-1) for n in names]).requires_grad_(True)
    loss = F.cross_entropy(out(theta), y.flatten())
    g, = torch.autograd.grad(loss, theta, create_graph=True)
    n = len(theta)
    hessian = torch.stack([torch.autograd.grad(g[i], theta, retain_graph=True)[0]
                           for i in range(n)])
    jacobian = torch.autograd.functional.jacobian(out, theta.detach())
    p = out(theta.detach()).softmax(-1)
    curve = (torch.diag_embed(p) - p[:, :, None] * p[:, None, :]) / p.shape[0]
    chosen = torch.arange(COLUMNS) * (n - 1) // (COLUMNS - 1)
    gn = torch.einsum("tvn,tvw,twc->cn", jacobian, curve, jacobian[:, :, chosen])
    ends = np.cumsum(sizes)
    where = [int(np.searchsorted(ends, int(i), side="right")) for i in chosen]
    inside = [int(i) - int(ends[w]) + sizes[w] for i, w in zip(chosen, where)]
    result = {
        "loss": loss.detach().reshape(1),
        "columns": torch.tensor(list(zip(where, inside)), dtype=torch.float64),
        "eigenvalues": torch.linalg.eigvalsh(hessian.detach()),
    }
    rows = {"gradient": g.detach(), "hessian": hessian[chosen].detach(), "gauss_newton": gn}
    for what, all_of_it in rows.items():
        for name, part in zip(names, all_of_it.split(sizes, -1)):
            shape = part.shape[:-1] + tensors[name].shape
            result[f"{what}/{name}"] = part.reshape(shape).contiguous()
    return result


def trained(folder):
    with open(f"{folder}/config.json") as f:
        _, logits = llama(json.load(f))
    tensors = {n: t.double() for n, t in load_file(f"{folder}/model.safetensors").items()}
    names = [f"model.layers.0.self_attn.{x}_proj.weight" for x in "qk"]
    blocks = [tensors[n].requires_grad_(True) for n in names]
    tokens = torch.from_numpy(np.load(f"{folder}/tokens.npy")).long()[:1, :33]
    loss = F.cross_entropy(logits(tensors, tokens[:, :-1]).flatten(0, 1),
                           tokens[:, 1:].flatten())
    gradient = torch.autograd.grad(loss, blocks, create_graph=True)
    for b, name in enumerate(names):
        n = blocks[b].numel()
        columns = [torch.autograd.grad(g, blocks, retain_graph=True)
                   for g in gradient[b].flatten()]
        own = torch.stack([c[b].flatten() for c in columns])
        across = torch.stack([c[1 - b].norm() for c in columns])
        values = torch.linalg.eigvalsh(own)
        print(f'{{"{name}",\n {values[0].item()!r},\n {values[-1].item()!r},\n {{', end="")
        for j in (n // 7, 3 * n // 7, 6 * n // 7):
            i = (j + n // 3) % n
            numbers = (own[j, j], own[j].norm(), across[j], own[j, i])
            print(f"{{{j}, {i}, {', '.join(repr(x.item()) for x in numbers)}}},", end="\n  ")
        print("}},")


def main():
    if sys.argv[1:2] == ["--trained"]:
        return trained(sys.argv[2])
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else f"{here}/../tests/reference"
    for name, (family, config, options, dtype) in CASES.items():
        torch.manual_seed(7)
        shapes, logits = family(config, **options)
        tensors = {}
        for n, shape in shapes.items():
            gain = len(shape) == 1 and n.endswith("weight")
            tensors[n] = ((1.0 if gain else 0.0) + 0.3 * torch.randn(shape)).to(dtype)
        tokens = torch.randint(config["vocab_size"], (3, 6))
        reference = values({n: t.double() for n, t in tensors.items()}, logits,
                           tokens[:, :-1], tokens[:, 1:])
        case = f"{folder}/{name}"
        os.makedirs(case, exist_ok=True)
        with open(f"{case}/config.json", "w") as f:
            json.dump(config, f, indent=1)
            f.write("\n")
        save_file(tensors, f"{case}/model.safetensors")
        save_file(reference, f"{case}/reference.safetensors")
        np.save(f"{case}/tokens.npy", tokens.numpy().astype(np.int32))
        print(f"{name}: {sum(t.numel() for t in tensors.values())} parameters, "
              f"loss {reference['loss'].item():.6f}")


main()
