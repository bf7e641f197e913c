#!/usr/bin/env python3
"""Write the references of tests/commands/export.sh: modules that hesse-export exports,
and their loss, gradient and Hessian by PyTorch.

    tools/make_export_reference.py [CASE...]

It needs torch, transformers, safetensors and h5py. The graph comes from the exporter; the
numbers come from the module itself, by automatic differentiation of PyTorch row by row.
"""
import json
import os
import shutil
import sys
import warnings

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tools", "python"),
                os.path.join(ROOT, "tests", "python")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from torch import nn  # noqa: E402

import export_modules  # noqa: E402
import export_sources  # noqa: E402
from hesse.exporter.export import Export, export, settings  # noqa: E402

SIZES = dict(hidden_size=4, num_hidden_layers=1, num_attention_heads=2,
             intermediate_size=6, vocab_size=7, max_position_embeddings=8,
             tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
             pad_token_id=None)
IDS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 5, 3, 5]])


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 3, 2, batch_first=True)
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.layer(x).mean(1))


class Tied(nn.Module):
    """An autoencoder that uses its weight in both layouts."""

    def __init__(self):
        super().__init__()
        self.both = nn.Parameter(torch.randn(5, 3))
        self.turned = nn.Parameter(torch.randn(3, 4))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        h = torch.tanh(x @ self.both.T)
        return self.head(torch.tanh(h @ self.both @ self.turned)).mean(1)


class Attention(nn.Module):
    def __init__(self, heads, groups, size):
        super().__init__()
        self.heads, self.groups = heads, groups
        self.query = nn.Linear(6, heads * size)
        self.key = nn.Linear(6, groups * size, bias=False)
        self.value = nn.Linear(6, groups * size)
        self.output = nn.Linear(heads * size, 6)

    def forward(self, x, memory):
        def split(y, heads):
            return y.unflatten(-1, (heads, -1)).transpose(1, 2)
        q, k, v = split(self.query(x), self.heads), split(self.key(memory), self.groups), \
            split(self.value(memory), self.groups)
        y = nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return x + self.output(y.transpose(1, 2).flatten(2))


class Heads(nn.Module):
    """Layers of attention with different numbers of heads, also over other tokens."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 6)
        self.full = Attention(3, 3, 2)
        self.grouped = Attention(4, 2, 1)
        self.cross = Attention(2, 1, 2)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = self.first(x)
        x = self.grouped(x, self.full(x, x))
        pooled = nn.functional.avg_pool1d(x.transpose(1, 2), 2).transpose(1, 2)
        return self.head(self.cross(pooled, x).mean(1))


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.GroupNorm(2, 4), nn.SiLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def language(name, **more):
    kind = getattr(transformers, name)
    return kind(kind.config_class(**{**SIZES, **more})), \
        dict(input_ids=IDS, labels=IDS), None, None


def image(module):
    return module, torch.randn(3, 1, 6, 6), "cross_entropy", torch.tensor([0, 2, 1])


CASES = {
    "gpt2": lambda: (transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_embd=4, n_layer=1, n_head=2, n_positions=8, vocab_size=7, bos_token_id=1,
        eos_token_id=2)), dict(input_ids=IDS, labels=IDS), None, None),
    "qwen3": lambda: language("Qwen3ForCausalLM", num_key_value_heads=1, head_dim=4),
    "gpt_neox": lambda: language("GPTNeoXForCausalLM", hidden_size=8, rotary_pct=0.5),
    "t5": lambda: (transformers.T5ForConditionalGeneration(transformers.T5Config(
        d_model=4, d_kv=2, d_ff=6, num_layers=1, num_decoder_layers=1, num_heads=2,
        vocab_size=7, relative_attention_num_buckets=8, decoder_start_token_id=0,
        pad_token_id=0)), dict(input_ids=IDS, labels=IDS[:, :3].contiguous()), None,
        None),
    "lstm": lambda: (Lstm(), torch.randn(3, 4, 2), "cross_entropy",
                     torch.tensor([0, 1, 1])),
    "encoder": lambda: (Encoder(), torch.randn(3, 4, 4), "cross_entropy",
                        torch.tensor([0, 2, 1])),
    "convolutions": lambda: image(convolutions().eval()),
    "batch_norm": lambda: image(convolutions()),
    "tied": lambda: (Tied(), torch.randn(3, 2, 3), "mse", torch.randn(3, 2)),
    "heads": lambda: (Heads(), torch.randn(2, 4, 2), "cross_entropy",
                      torch.tensor([0, 1])),
    "smoothing": lambda: (nn.Sequential(nn.Linear(3, 4), nn.Softplus(),
                                        nn.Linear(4, 3)), torch.randn(4, 3),
                          nn.CrossEntropyLoss(label_smoothing=0.1),
                          torch.tensor([0, 2, 1, 1])),
    "binary": lambda: (nn.Sequential(nn.Linear(3, 4), nn.ELU(), nn.Linear(4, 2)),
                       torch.randn(4, 3), "bce", torch.tensor(
                           [[0., 1.], [1., 1.], [0., 0.], [1., 0.]])),
    "nanogpt": export_sources.nanogpt,
    "dit": export_sources.dit,
    "mixtral": lambda: language("MixtralForCausalLM", num_key_value_heads=1,
                                num_local_experts=3, num_experts_per_tok=2),
    "modernbert": lambda: language(
        "ModernBertForMaskedLM", num_hidden_layers=2, local_attention=2, pad_token_id=0,
        layer_types=["full_attention", "sliding_attention"], cls_token_id=1,
        sep_token_id=2),
    "mamba": lambda: language("MambaForCausalLM", state_size=2, expand=1,
                              time_step_rank=1),
    **{f"odd{seed}": lambda seed=seed: export_modules.odd(seed)
       for seed in (3, 9, 10, 15, 16, 17)},
}


def make(name):
    torch.manual_seed(5)
    module, example, loss, target = CASES[name]()
    with torch.no_grad():  # norms and biases are not 1 and 0
        for p in module.parameters():
            p.add_(0.2 * torch.randn(p.shape).to(p.dtype))
    folder = os.path.join(ROOT, "tests", "export", name)
    shutil.rmtree(folder, ignore_errors=True)
    print(name, export(module, example, loss=loss, target=target, folder=folder))
    with settings(torch):
        made = Export(module, example, loss, target)
        parameters = list(made.parameters.values())
        # Where the module computes in part in single precision, its exported program
        # computes the same in double precision.
        value = made.program_loss() if made.low_precision else \
            made.wrapped(*made.slice(0, made.count))
        g = torch.cat([one.reshape(-1) for one in torch.autograd.grad(
            value, parameters, create_graph=True)])
        rows = []
        for one in g:
            row = torch.autograd.grad(one, parameters, retain_graph=True,
                                      allow_unused=True)
            rows.append(torch.cat([(torch.zeros_like(p) if r is None else r).reshape(-1)
                                   for r, p in zip(row, parameters)]))
        h = torch.stack(rows)
    values = np.linalg.eigvalsh((0.5 * (h + h.T)).numpy())
    with open(os.path.join(folder, "reference.json"), "w", encoding="utf-8") as file:
        json.dump({"loss": float(value), "gradient_norm": float(g.norm()),
                   "frobenius": float(h.norm()), "eigenvalues": values.tolist()}, file)
        file.write("\n")


def main():
    transformers.utils.logging.set_verbosity_error()
    for name in sys.argv[1:] or CASES:
        make(name)


if __name__ == "__main__":
    main()
