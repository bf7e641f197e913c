"""Compute the loss of a graph with PyTorch: a second reading of the format of
docs/graph.md, against which exported graphs are checked."""
import math

import torch
import torch.nn.functional as F


def causal(tokens, sizes):
    i, j = torch.arange(tokens)[:, None], torch.arange(tokens)
    seen = torch.ones(tokens, tokens, dtype=torch.bool) if sizes.get("full") else j <= i
    return seen & (j > i - sizes["window"]) if sizes.get("window") else seen


def heads(x, h):
    return x.unflatten(-1, (h, x.shape[-1] // h))


def norm(x, plain, eps, one_plus=None):
    middle = 0 if plain == "rmsnorm" else x.mean(-1, keepdim=True)
    return (x - middle) * torch.rsqrt(((x - middle) ** 2).mean(-1, keepdim=True) + eps)


ELEMENTS = {
    "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "atan": torch.atan, "floor": torch.floor, "round": torch.round, "relu": F.relu, "silu": F.silu, "tanh": torch.tanh, "exp": torch.exp,
    "log": torch.log, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal, "sigmoid": torch.sigmoid, "erf": torch.erf,
    "sin": torch.sin, "cos": torch.cos, "abs": torch.abs, "square": torch.square,
    "positive": lambda x: (x > 0).double(),
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x))}


def table(value):
    """Return the numbers of a table, rows x cols."""
    shape = value["rows"], value["cols"]
    if "numbers" in value:
        return torch.tensor(value["numbers"], dtype=torch.float64).reshape(shape)
    down, across = value.get("tiles", (1, 1))
    runs = torch.tensor(value["runs"], dtype=torch.float64)
    count = runs[:, 0].long()
    starts, first, step = (x.repeat_interleave(count) for x in (
        count.cumsum(0) - count, runs[:, 1], runs[:, 2]))
    place = torch.arange(len(starts)) - starts
    pattern = torch.where(step == 0, first, first + step * place)
    return pattern.reshape(shape[0] // down, shape[1] // across).tile(down, across)


class Network:
    """A graph with its parameters.

    tensors: the checkpoint, name -> tensor; data: tokens, types, inputs, targets and
    labels of the examples, where the graph reads them."""

    def __init__(self, graph, tensors, data):
        self.graph, self.tensors = graph, tensors
        self.data = {k: torch.as_tensor(v) for k, v in data.items() if v is not None}
        self.count = len(next(iter(self.data.values())))

    def loss(self, parameters, reduction="mean"):
        """Return the loss at parameters that replace tensors of the checkpoint."""
        values = []
        result = iter(self.graph["nodes"])
        for value in self.graph["values"]:
            kind = value["kind"]
            if kind == "parameter":
                values.append(self.parameter(value, parameters))
            elif kind == "constant":
                values.append(torch.stack([self.tensors[one["tensor"]].double()
                                           for one in value["vectors"]]))
            elif kind == "table":
                values.append(table(value))
            elif kind in ("input", "target"):
                x = self.data["inputs" if kind == "input" else "targets"].double()
                values.append(x.reshape(-1, value["tokens"], value["width"]))
            else:
                node = next(result)
                y = self.apply(node, [values[i] for i in node["inputs"]], reduction)
                shape = (value["tokens"], value["width"])
                assert tuple(y.shape[1:]) == shape or shape == (0, 0), (node, y.shape)
                values.append(y)
        return values[-1]

    def parameter(self, value, parameters):
        x = parameters.get(value["tensor"])
        x = self.tensors[value["tensor"]].double() if x is None else x
        if "slice" in value:
            first, total, groups = value["slice"]
            rows = value.get("out_rows", False)
            own = (value["rows"] if rows else value["cols"]) // groups
            at = [g * (total // groups) + first + i for g in range(groups)
                  for i in range(own)]
            x = x[at] if rows or x.ndim == 1 else x[:, at]
        return x.reshape(value["rows"], value["cols"])

    def apply(self, node, x, reduction):
        name, s = node["operator"], node["sizes"]
        a, h = s.get("constant", 0.0), s.get("heads", 1)
        function = getattr(self, "op_" + name, None)
        if function:
            return function(node, s, *x)
        if name in ELEMENTS:
            return ELEMENTS[name](x[0])
        if name == "power":
            return x[0] ** a
        if name == "leaky_relu":
            return F.leaky_relu(x[0], a)
        if name == "elu":
            return F.elu(x[0], a)
        if name == "scale":
            return a * x[0]
        if name in ("sum", "add_table"):
            return x[0] + x[1]
        if name in ("product", "times_table"):
            return x[0] * x[1]
        if name == "quotient":
            return x[0] / x[1]
        if name in ("sum_fields", "max_fields", "softmax_fields"):
            y = heads(x[0], h)
            return y.sum(-1) if name == "sum_fields" else y.amax(-1) \
                if name == "max_fields" else torch.softmax(
                    y.masked_fill(y <= -1e300, -math.inf), -1).flatten(-2)
        if name.startswith(("layernorm", "rmsnorm")):
            y = heads(x[0], h if name.endswith("_heads") else 1)
            y = norm(y, name.split("_")[0], a)
            if len(x) > 1:
                y = y * (x[1] + (1 if "one_plus" in name else 0))
            return (y + x[2] if len(x) > 2 else y).flatten(-2)
        if name.startswith("linear"):
            y = x[0] @ (x[1].T if s.get("out_rows") else x[1])
            return y + x[2] if len(x) > 2 else y
        if name.startswith("conv"):
            y = F.conv2d(self.image(x[0], s), x[1].reshape(
                -1, s["channels"], s["kernel_rows"], s["kernel_cols"]), None,
                s["stride"], s.get("pad", 0)).flatten(2).transpose(1, 2)
            return y + x[2] if len(x) > 2 else y
        if name.startswith("batchnorm"):
            mean, var = x[3] if len(x) > 3 else (
                x[0].mean((0, 1)), x[0].var((0, 1), unbiased=False))
            return (x[0] - mean) / torch.sqrt(var + a) * x[1] + x[2]
        return self.measure(name, x, a, reduction)

    @staticmethod
    def image(x, s):
        return x.transpose(1, 2).unflatten(-1, (s["rows"], s["cols"]))

    def measure(self, name, x, a, reduction):
        """Losses."""
        terms = None
        if name == "cross_entropy":
            labels = self.data["labels"].reshape(x[0].shape[:2])
            terms = (labels >= 0).sum()
            total = F.cross_entropy(x[0].transpose(1, 2), labels.clamp(min=-100),
                                    reduction="sum")
        elif name == "squared_error":
            total = ((x[0] - x[1]) ** 2).sum()
        elif name == "binary_cross_entropy":
            total = F.binary_cross_entropy_with_logits(x[0], x[1], reduction="sum")
        elif name == "mean_loss":
            total, terms = x[0].sum(), self.count
        else:
            raise NotImplementedError(name)
        terms = x[0].numel() if terms is None else terms
        return total / terms if reduction == "mean" else total

    def op_embedding(self, node, s, w):
        token = s.get("token", 0)
        if node["ids"] == "tokens":
            return w[self.data["tokens"].long() + token]
        out = self.graph["values"][node["output"]]["tokens"]
        if node["ids"] == "types" and "types" in self.data:
            return w[self.data["types"].long() + token]
        at = torch.arange(out) if node["ids"] == "positions" else torch.zeros(
            out, dtype=torch.long)
        return w[at + token].expand(self.count, -1, -1)

    def op_rotary(self, node, s, x, w):
        y, o = heads(x, s["heads"]), s["outputs"]
        angle = (torch.arange(x.shape[1])[:, None] * w).unsqueeze(1)
        first, second = y[..., :o // 2], y[..., o // 2:o]
        c, d = s["constant"] * torch.cos(angle), s["constant"] * torch.sin(angle)
        return torch.cat([c * first - d * second, d * first + c * second,
                          y[..., o:]], -1).flatten(-2)

    def op_scores(self, node, s, q, k):
        h, g = s["heads"], s["kv_heads"]
        q, k = heads(q, h), heads(k, g).repeat_interleave(h // g, 2)
        y = s.get("constant", 0.0) * torch.einsum("nihe,njhe->nihj", q, k)
        return (y * causal(y.shape[1], s)[:, None]).flatten(-2)

    def op_softmax(self, node, s, x):
        y = heads(x, s["heads"])
        seen = causal(y.shape[1], s)[:, None]
        return torch.softmax(y.masked_fill(~seen, -math.inf), -1).flatten(-2)

    def op_mix(self, node, s, p, v):
        h, g = s["heads"], s["kv_heads"]
        p, v = heads(p, h), heads(v, g).repeat_interleave(h // g, 2)
        p = p * causal(p.shape[1], s)[:, None]
        return torch.einsum("nihj,njhe->nihe", p, v).flatten(-2)

    def op_gather(self, node, s, x, index):
        index = index.long()
        y = x.flatten(1)[:, index.clamp(min=0).reshape(-1)].unflatten(1, index.shape)
        return y * (index >= 0)

    def op_spread(self, node, s, w, index):
        index = index.long()
        y = w.reshape(-1)[index.clamp(min=0).reshape(-1)].reshape(index.shape)
        return (y * (index >= 0)).expand(self.count, -1, -1)

    def op_rank_fields(self, node, s, x):
        y = heads(x, s.get("heads", 1))
        order = torch.argsort(y, dim=-1, descending=True, stable=True)
        return torch.argsort(order, -1).double().flatten(-2)

    def op_channels(self, node, s, x):
        first = s.get("channel", 0)
        return x[..., first:first + s["outputs"]]

    def op_select(self, node, s, x):
        return x[:, s.get("token", 0)][:, None]

    def op_transpose(self, node, s, x):
        return x.transpose(1, 2)

    def op_append(self, node, s, x, y):
        return torch.cat([x, y], -1)

    def op_mean_pool(self, node, s, x):
        return x.mean(1, keepdim=True)

    def op_class_token(self, node, s, x, w):
        return torch.cat([w.expand(len(x), 1, -1), x], 1)

    def op_positions(self, node, s, x, w):
        return x + w

    def pooled(self, function, s, x):
        return function(self.image(x, s)).flatten(2).transpose(1, 2)

    def op_max_pool(self, node, s, x):
        return self.pooled(lambda y: F.max_pool2d(
            y, (s["kernel_rows"], s["kernel_cols"]), s["stride"], s.get("pad", 0)), s, x)

    def op_average_pool(self, node, s, x):
        return self.pooled(lambda y: F.avg_pool2d(
            y, (s["kernel_rows"], s["kernel_cols"]), s["stride"], s.get("pad", 0)), s, x)

    def op_adaptive_pool(self, node, s, x):
        return self.pooled(lambda y: F.adaptive_avg_pool2d(
            y, (s["kernel_rows"], s["kernel_cols"])), s, x)
