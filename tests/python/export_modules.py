"""Small modules for the tests of hesse-export: random ones, and ones that are refused."""
import random

import torch
from torch import nn
import torch.nn.functional as F


class Step(nn.Module):
    """One random operation on examples of tokens x channels; it keeps their rank."""

    def __init__(self, kind, tokens, width, rng):
        super().__init__()
        self.kind, self.tokens, self.width = kind, tokens, width
        self.out = (tokens, width)

        def weight(*shape):
            return nn.Parameter(0.5 * torch.randn(shape))
        if kind == "linear":
            o = rng.randint(1, 5)
            self.layer, self.out = nn.Linear(width, o, bias=rng.random() < 0.7), (tokens, o)
        elif kind == "tokens":
            o = rng.randint(1, 4)
            self.w, self.out = weight(o, tokens), (o, width)
        elif kind == "function":
            self.name = rng.choice(["tanh", "sigmoid", "gelu", "silu", "softplus", "elu",
                                    "exp", "sin", "square", "erf", "mish", "hardswish",
                                    "log1p", "rsqrt", "leaky", "power", "hand_gelu"])
        elif kind == "norm":
            self.layer = rng.choice([
                lambda: nn.LayerNorm(width), lambda: nn.RMSNorm(width, eps=1e-3),
                lambda: nn.LayerNorm(width, elementwise_affine=False),
                lambda: nn.LayerNorm(width, bias=False),
                lambda: nn.LayerNorm((tokens, width))])()
            for p in self.layer.parameters():
                nn.init.normal_(p, 1.0, 0.3)
        elif kind == "attention":
            self.w = weight(3, width, 4)
            self.causal, self.out = rng.random() < 0.5, (tokens, 4)
            self.scale = rng.choice([None, 0.3])
        elif kind == "hand_attention":
            self.q, self.k = weight(width, 3), weight(width, 3)
            self.register_buffer("mask", torch.rand(tokens, tokens).tril() > 0.2)
            self.mask.fill_diagonal_(True)
        elif kind == "scale":
            self.w = weight(*rng.choice([(width,), (tokens, 1), (tokens, width), ()]))
        elif kind == "shift":
            self.w = weight(*rng.choice([(width,), (tokens, 1), (tokens, width), ()]))
        elif kind == "convolution":
            o, k = rng.randint(1, 4), rng.randint(1, tokens)
            self.layer = nn.Conv1d(width, o, k, padding=rng.randint(0, 1),
                                   dilation=1 if k > 2 else rng.randint(1, 2)
                                   if 2 * (k - 1) < tokens else 1)
            with torch.no_grad():
                self.out = (self.layer(torch.zeros(1, width, tokens)).shape[2], o)
        elif kind == "twice":
            self.out = (tokens, 2 * width)
        elif kind == "cut":
            self.first = rng.randrange(width)
            self.out = (tokens, width - self.first)
        elif kind == "turn":
            self.out = (width, tokens)
        elif kind == "fold":
            self.out = (tokens * width, 1) if rng.random() < 0.5 else (1, tokens * width)
        elif kind == "pair":
            self.w, self.out = weight(width, width, 2), (tokens, 2)
        elif kind == "divide":
            self.w = weight(width)

    def forward(self, x):
        kind = self.kind
        if kind in ("linear", "norm"):
            return self.layer(x)
        if kind == "tokens":
            return self.w @ x
        if kind == "function":
            return {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu,
                    "silu": F.silu, "softplus": F.softplus, "elu": F.elu,
                    "exp": lambda y: torch.exp(0.3 * y), "sin": torch.sin,
                    "square": lambda y: 0.3 * y ** 2, "erf": torch.erf, "mish": F.mish,
                    "hardswish": F.hardswish, "leaky": lambda y: F.leaky_relu(y, 0.1),
                    "log1p": lambda y: torch.log1p(y * y),
                    "rsqrt": lambda y: torch.rsqrt(1 + y * y),
                    "power": lambda y: (1 + y * y) ** 1.3,
                    "hand_gelu": lambda y: 0.5 * y * (1 + torch.tanh(
                        0.7978845608028654 * (y + 0.044715 * y ** 3)))}[self.name](x)
        if kind == "attention":
            q, k, v = (x @ w for w in self.w)
            q, k, v = (y.unflatten(-1, (2, 2)).transpose(1, 2) for y in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal,
                                               scale=self.scale)
            return y.transpose(1, 2).flatten(-2)
        if kind == "hand_attention":
            s = (x @ self.q) @ (x @ self.k).transpose(-1, -2)
            return torch.softmax(s.masked_fill(~self.mask, float("-inf")), -1) @ x
        if kind == "scale":
            return x * self.w
        if kind == "shift":
            return x + self.w
        if kind == "convolution":
            return self.layer(x.transpose(1, 2)).transpose(1, 2)
        if kind == "residual":
            return x + torch.tanh(x.flip(1))
        if kind == "twice":
            return torch.cat([x, x.roll(1, 1) * x], -1)
        if kind == "cut":
            return x[..., self.first:]
        if kind == "turn":
            return x.mT
        if kind == "fold":
            return x.reshape(len(x), *self.out)
        if kind == "pair":
            return torch.einsum("btc,bsd,cdo->bto", x, x, self.w) / self.tokens
        if kind == "divide":
            return x / (1 + (x * self.w).square().sum(-1, keepdim=True))
        if kind == "centre":
            return x - x.mean(1, keepdim=True) + x.amax(-1, keepdim=True)
        if kind == "spread":
            return x / (0.5 + x.var(-1, keepdim=True, unbiased=False))
        if kind == "sum":
            return x.cumsum(1)
        return torch.log_softmax(x, -1)


KINDS = ("linear", "linear", "function", "function", "function", "tokens", "norm",
         "attention", "hand_attention", "scale", "shift", "convolution", "residual",
         "twice", "cut", "turn", "fold", "pair", "divide", "centre", "spread", "sum",
         "log_softmax")


class Odd(nn.Module):
    """Random steps, and a linear layer at the end."""

    def __init__(self, seed):
        super().__init__()
        rng = random.Random(seed)
        torch.manual_seed(seed)
        self.start = shape = (rng.randint(2, 5), rng.randint(2, 4))
        self.steps = nn.ModuleList()
        for _ in range(rng.randint(3, 7)):
            kind = rng.choice(KINDS)
            if shape[0] * shape[1] > 40 and kind in ("twice",):
                continue
            if shape[1] < 2 and kind in ("norm", "spread", "log_softmax"):
                continue
            step = Step(kind, *shape, rng)
            shape = step.out
            self.steps.append(step)
        self.last = nn.Linear(shape[0] * shape[1], 3)

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        return self.last(x.flatten(1))


def odd(seed):
    """Return a module, its example, its loss and its target."""
    module = Odd(seed)
    x = torch.randn(3, *module.start)
    kind = ("cross_entropy", "mse", "bce")[seed % 3]
    target = torch.randint(3, (3,)) if kind == "cross_entropy" else \
        torch.randn(3, 3) if kind == "mse" else torch.randint(2, (3, 3)).double()
    return module, x, kind, target
