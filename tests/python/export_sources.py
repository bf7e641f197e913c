"""Modules in the style of public training scripts, written anew: a GPT as in nanoGPT and
minGPT, which returns (logits, loss), and a diffusion transformer whose layer norms are
modulated (DiT), which asks for single precision in its time embedding."""
import math

import torch
from torch import nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, width, heads, context, fused, bias):
        super().__init__()
        self.c_attn = nn.Linear(width, 3 * width, bias=bias)
        self.c_proj = nn.Linear(width, width, bias=bias)
        self.dropout = nn.Dropout(0.1)
        self.heads, self.width, self.fused = heads, width, fused
        self.register_buffer("bias", torch.tril(torch.ones(context, context)).view(
            1, 1, context, context))

    def forward(self, x):
        b, t, c = x.size()
        q, k, v = (one.view(b, t, self.heads, c // self.heads).transpose(1, 2)
                   for one in self.c_attn(x).split(self.width, dim=2))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:, :, :t, :t] == 0, float("-inf"))
            y = self.dropout(F.softmax(att, dim=-1)) @ v
        y = y.transpose(1, 2).contiguous().view(b, t, c)
        return self.dropout(self.c_proj(y))


class NewGelu(nn.Module):
    def forward(self, x):
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (
            x + 0.044715 * torch.pow(x, 3.0))))


class Block(nn.Module):
    def __init__(self, width, heads, context, fused, bias):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, bias=bias)
        self.attn = Attention(width, heads, context, fused, bias)
        self.ln_2 = nn.LayerNorm(width, bias=bias)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width, bias=bias), nn.GELU() if fused else NewGelu(),
            nn.Linear(4 * width, width, bias=bias), nn.Dropout(0.1))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt(nn.Module):
    """fused: as nanoGPT, with tied embeddings and without biases; else as minGPT."""

    def __init__(self, fused, vocabulary=7, width=4, heads=2, context=8, layers=1):
        super().__init__()
        bias = not fused
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocabulary, width), "wpe": nn.Embedding(context, width),
            "drop": nn.Dropout(0.1), "h": nn.ModuleList(
                Block(width, heads, context, fused, bias) for _ in range(layers)),
            "ln_f": nn.LayerNorm(width, bias=bias)})
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        if fused:
            self.transformer.wte.weight = self.lm_head.weight

    def forward(self, idx, targets=None):
        pos = torch.arange(0, idx.size(1), dtype=torch.long, device=idx.device)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        for block in self.transformer.h:
            x = block(x)
        logits = self.lm_head(self.transformer.ln_f(x))
        loss = None if targets is None else F.cross_entropy(
            logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
        return logits, loss


def modulate(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class DitBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width),
                                 nn.GELU(approximate="tanh"),
                                 nn.Linear(2 * width, width))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.heads = heads

    def attention(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(
            2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, n, c))

    def forward(self, x, c):
        a, b, g, a2, b2, g2 = self.modulation(c).chunk(6, dim=1)
        x = x + g.unsqueeze(1) * self.attention(modulate(self.norm(x), a, b))
        return x + g2.unsqueeze(1) * self.mlp(modulate(self.norm(x), a2, b2))


class Dit(nn.Module):
    """It returns its loss: the mean squared error of the predicted noise."""

    def __init__(self, width=4, heads=2, patch=2, size=4, classes=3):
        super().__init__()
        self.patch = nn.Conv2d(1, width, patch, stride=patch)
        self.register_buffer("places", torch.randn(1, (size // patch) ** 2, width))
        self.time = nn.Sequential(nn.Linear(8, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width)
        self.block = DitBlock(width, heads)
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.last = nn.Linear(width, patch * patch * 2)
        self.p = patch

    def forward(self, x, t, y, noise):
        x = self.patch(x).flatten(2).transpose(1, 2) + self.places
        rates = torch.exp(-math.log(10000) * torch.arange(0, 4, dtype=torch.float32) / 4)
        angle = t[:, None].float() * rates[None]
        c = self.time(torch.cat([torch.cos(angle), torch.sin(angle)], -1)) + self.label(y)
        x = self.block(x, c)
        shift, scale = self.modulation(c).chunk(2, dim=1)
        x = self.last(modulate(self.norm(x), shift, scale))
        side = int(x.shape[1] ** 0.5)
        x = torch.einsum("nhwpqc->nchpwq", x.reshape(-1, side, side, self.p, self.p, 2))
        found, _ = x.reshape(len(x), 2, side * self.p, side * self.p).chunk(2, dim=1)
        return ((found - noise) ** 2).mean()


IDS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 5, 3, 5]])
NEXT = torch.tensor([[1, 4, 1, 5, -1], [6, 5, 3, 5, 2]])


def nanogpt():
    return Gpt(True), {"idx": IDS, "targets": NEXT}, None, None


def mingpt():
    return Gpt(False), {"idx": IDS, "targets": NEXT}, None, None


def dit():
    return Dit(), {"x": torch.randn(3, 1, 4, 4), "t": torch.tensor([3, 50, 700]),
                   "y": torch.tensor([0, 2, 1]), "noise": torch.randn(3, 1, 4, 4)}, \
        None, None
