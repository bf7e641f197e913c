#!/usr/bin/env python3
"""Train a tiny model and save it as nanoGPT does: ckpt.pt with model and optimiser.

    tests/python/train_nanogpt.py OUT.pt [--tokens FILE.bin] [--compiled] [--steps N]

The names of the modules, the groups of AdamW and the keys of the file are nanoGPT's.
"""
import argparse
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SIZES = {"block_size": 16, "vocab_size": 64, "n_layer": 2, "n_head": 2, "n_embd": 16,
         "bias": False, "dropout": 0.0}


class LayerNorm(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class Attention(nn.Module):
    def __init__(self, width, heads, bias):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width, bias=bias)
        self.c_proj = nn.Linear(width, width, bias=bias)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (y.view(batch, length, self.heads, -1).transpose(1, 2)
                   for y in self.c_attn(x).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(batch, length, width))


class Mlp(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width, bias=bias)
        self.c_proj = nn.Linear(4 * width, width, bias=bias)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, width, heads, bias):
        super().__init__()
        self.ln_1 = LayerNorm(width, bias)
        self.attn = Attention(width, heads, bias)
        self.ln_2 = LayerNorm(width, bias)
        self.mlp = Mlp(width, bias)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, block_size, vocab_size, n_layer, n_head, n_embd, bias, dropout):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocab_size, n_embd),
            "wpe": nn.Embedding(block_size, n_embd),
            "h": nn.ModuleList(Block(n_embd, n_head, bias) for _ in range(n_layer)),
            "ln_f": LayerNorm(n_embd, bias),
        })
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        for name, value in self.named_parameters():
            if value.dim() >= 2:
                scale = math.sqrt(2 * n_layer) if name.endswith("c_proj.weight") else 1
                nn.init.normal_(value, std=0.02 / scale)

    def forward(self, ids, targets):
        t = self.transformer
        x = t.wte(ids) + t.wpe(torch.arange(ids.shape[1]))
        for block in t.h:
            x = block(x)
        logits = self.lm_head(t.ln_f(x))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def make_optimiser(model):
    """Return AdamW with nanoGPT's groups: matrices with decay, the rest without."""
    parameters = list(model.parameters())
    return torch.optim.AdamW([
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": 0.1},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ], lr=3e-3, betas=(0.9, 0.95))


def windows(tokens, starts, length):
    """Return inputs and targets that begin at the given tokens."""
    rows = torch.stack([torch.as_tensor(tokens[s:s + length + 1]) for s in starts])
    return rows[:, :-1], rows[:, 1:]


def train(sizes, tokens, steps):
    torch.manual_seed(0)
    model = GPT(**sizes)
    optimiser = make_optimiser(model)
    length = sizes["block_size"]
    for _ in range(steps):
        starts = torch.randint(len(tokens) - length - 1, (8,)).tolist()
        loss = model(*windows(tokens, starts, length))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model, optimiser


def save(path, model, optimiser, sizes, steps, compiled):
    prefix = "_orig_mod." if compiled else ""
    state = {prefix + name: value for name, value in model.state_dict().items()}
    torch.save({"model": state, "optimizer": optimiser.state_dict(),
                "model_args": sizes, "iter_num": steps,
                "best_val_loss": torch.tensor(1.0), "config": {"dataset": "tiny"}},
               path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--tokens", help="a .bin of 16-bit ids; random ids without it")
    parser.add_argument("--vocabulary", type=int, default=SIZES["vocab_size"])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--bias", action="store_true")
    parser.add_argument("--compiled", action="store_true",
                        help="prefix the names as torch.compile does")
    given = parser.parse_args()
    sizes = {**SIZES, "vocab_size": given.vocabulary, "bias": given.bias}
    tokens = np.fromfile(given.tokens, dtype="<u2") if given.tokens else \
        np.random.default_rng(0).integers(given.vocabulary, size=4096)
    model, optimiser = train(sizes, tokens.astype(np.int64), given.steps)
    save(given.out, model, optimiser, sizes, given.steps, given.compiled)


if __name__ == "__main__":
    main()
