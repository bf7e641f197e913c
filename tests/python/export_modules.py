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


def image(x):
    """Return tokens x channels as one image for each example."""
    return x[:, None]


# Pieces without parameters: functions of examples of tokens x channels.
PIECES = {
    "round": lambda x: x + 0.1 * torch.round(3 * x),
    "floor": lambda x: x * torch.floor(2 * x), "ceil": lambda x: x * torch.ceil(2 * x),
    "trunc": lambda x: x * torch.trunc(3 * x), "frac": lambda x: torch.frac(3 * x) * x,
    "remainder": lambda x: torch.remainder(x, 0.7) * x, "sign": lambda x: x.sign() * x * x,
    "where": lambda x: torch.where(x > 0.1, torch.sin(x), x * x),
    "clamp": lambda x: x.clamp(-0.4, 0.5) * x,
    "clamp_tensor": lambda x: x.clamp(max=x.mean(-1, keepdim=True) + 0.3),
    "abs": lambda x: x.abs() * x.cos(), "minimum": lambda x: torch.minimum(x, x.flip(1)),
    "max": lambda x: x * x.max(-1, keepdim=True)[0],
    "amin": lambda x: x * x.amin((1, 2), keepdim=True),
    "sort": lambda x: x.sort(1)[0] * 0.5, "topk": lambda x: x.topk(1, 1)[0],
    "median": lambda x: x - x.median(1, keepdim=True)[0],
    "cumprod": lambda x: (1 + 0.3 * x).cumprod(1), "prod": lambda x: x + x.prod(
        -1, keepdim=True), "logcumsumexp": lambda x: x.logcumsumexp(1),
    "cummax": lambda x: x.cummax(-1)[0], "norm": lambda x: x * x.norm(
        dim=-1, keepdim=True), "norm3": lambda x: x * torch.linalg.vector_norm(
            x, 3, -1, keepdim=True), "normalize": lambda x: F.normalize(x, dim=1),
    "logsumexp": lambda x: x - x.logsumexp(-1, keepdim=True), "glu": lambda x: F.glu(
        torch.cat([x, x.sin()], -1)), "selu": F.selu, "softsign": F.softsign,
    "hardshrink": lambda x: F.hardshrink(x, 0.2), "atan": torch.atan,
    "asin": lambda x: torch.asin(0.4 * x.tanh()), "atan2": lambda x: torch.atan2(
        x, 1.5 + x.square()), "sinh": lambda x: torch.sinh(0.5 * x),
    "atanh": lambda x: torch.atanh(0.4 * x.tanh()), "asinh": torch.asinh,
    "exponent": lambda x: (1 + x * x) ** (0.3 * x), "xlogy": lambda x: torch.xlogy(
        x, 1 + x * x), "average": lambda x: F.avg_pool1d(x.mT, 2, 1, 1).mT,
    "average2": lambda x: F.avg_pool2d(image(x), 3, 2, 1, count_include_pad=False)[:, 0],
    "largest": lambda x: F.max_pool1d(x.mT, 2, 1, 1).mT,
    "largest2": lambda x: F.max_pool2d(image(x), (2, 1), (1, 2))[:, 0],
    "adaptive": lambda x: F.adaptive_avg_pool2d(image(x), (3, 2))[:, 0],
    "adaptive_max": lambda x: F.adaptive_max_pool2d(image(x), (2, 3))[:, 0],
    "nearest": lambda x: F.interpolate(x.mT, 6).mT, "bilinear": lambda x: F.interpolate(
        image(x), (3, 5), mode="bilinear")[:, 0], "bicubic": lambda x: F.interpolate(
            image(x), (5, 3), mode="bicubic", align_corners=True)[:, 0],
    "reflect": lambda x: F.pad(x.mT, (1, 1), mode="reflect").mT,
    "replicate": lambda x: F.pad(x, (1, 0), mode="replicate"),
    "circular": lambda x: F.pad(x, (0, 1), mode="circular"),
    "mask": lambda x: x[:, torch.arange(x.shape[1]) != 1],
    "scatter": lambda x: x.scatter(1, torch.ones_like(x[:, :1]).long(), 2 * x[:, -1:]),
    "index_add": lambda x: x.index_add(1, torch.tensor([1, 1]), x[:, :2].sin()),
    "bucketize": lambda x: x * torch.bucketize(x, torch.tensor([-0.2, 0.3])),
    "einsum": lambda x: torch.einsum("btc,bsc,bsd->btd", x, x, x) / x.shape[1]}


class Layer(nn.Module):
    """A random layer of torch.nn, between tensors of tokens x channels."""

    def __init__(self, kind, tokens, width):
        super().__init__()
        self.kind, self.out = kind, (tokens, width)
        if kind == "group":
            self.layer = nn.GroupNorm(1 if width % 2 else 2, width)
        elif kind == "instance":
            self.layer = nn.InstanceNorm1d(width, affine=True)
        elif kind == "given":
            self.layer = nn.BatchNorm1d(width).eval()
            self.layer.running_mean.normal_()
        elif kind == "transposed":
            self.layer = nn.ConvTranspose1d(width, 3, 2, stride=2, padding=1,
                                            output_padding=1)
        elif kind == "convolution2":
            self.layer = nn.Conv2d(1, 2, (2, 1), padding="same", dilation=(1, 2))
        elif kind == "convolution3":
            self.layer = nn.Conv3d(1, 2, (1, 2, 1))
        elif kind == "prelu":
            self.layer = nn.PReLU(width)
        elif kind == "bilinear":
            self.layer = nn.Bilinear(width, width, 2)
        elif kind == "attention":
            self.layer = nn.MultiheadAttention(width, 1, batch_first=True, add_bias_kv=True)
        elif kind in ("rnn", "gru", "lstm"):
            self.layer = getattr(nn, kind.upper())(width, 2, batch_first=True,
                                                   bidirectional=kind == "gru")
        elif kind == "weight_norm":
            self.layer = torch.nn.utils.parametrizations.weight_norm(nn.Linear(width, 3))
        with torch.no_grad():
            self.out = self(torch.zeros(2, tokens, width)).shape[1:]

    def forward(self, x):
        kind, layer = self.kind, self.layer
        if kind in ("group", "instance", "given", "transposed", "prelu"):
            return layer(x.mT).mT
        if kind == "convolution2":
            return layer(image(x)).flatten(1, 2)
        if kind == "convolution3":
            return layer(image(image(x))).flatten(1, 3)
        if kind == "bilinear":
            return layer(x, x.flip(1))
        if kind == "attention":
            return layer(x, x[:, :2], x[:, :2])[0]
        if kind in ("rnn", "gru", "lstm"):
            return layer(x)[0]
        return layer(x)


LAYERS = ("group", "instance", "given", "transposed", "convolution2", "convolution3",
          "prelu", "bilinear", "attention", "rnn", "gru", "lstm", "weight_norm")


class Mixed(nn.Module):
    """Every third piece and layer from a number on, with linear maps between them."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        names = [*PIECES, *LAYERS]
        random.Random(7).shuffle(names)
        self.names, self.steps = names[seed::MIXED], nn.ModuleList()
        self.inputs = nn.ModuleList()
        self.start = shape = (3, 3)
        for name in self.names:
            self.inputs.append(nn.Linear(shape[1], 3))
            shape = (shape[0], 3)
            if name in LAYERS:
                self.steps.append(Layer(name, *shape))
                shape = self.steps[-1].out
            else:
                self.steps.append(nn.Identity())
                shape = PIECES[name](torch.rand(2, *shape)).shape[1:]
        self.last = nn.Linear(shape[0] * shape[1], 2)

    def forward(self, x):
        for name, before, step in zip(self.names, self.inputs, self.steps):
            x = before(x)
            x = step(x) if name in LAYERS else PIECES[name](x)
        return self.last(x.flatten(1))


MIXED = 24  # modules that have all pieces and layers between them


def mixed(seed):
    """Return a module, its example, its loss and its target."""
    module = Mixed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.1 * torch.randn(p.shape))
    return module, torch.randn(2, *module.start), "mse", torch.randn(2, 2)


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
