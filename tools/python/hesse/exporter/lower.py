"""Write the operators of an exported PyTorch program as nodes of a graph.

The program computes the loss of one example (a batch of one). What depends on no parameter
is evaluated: it is a constant, or, where examples differ, data. The rest is written on
demand from the loss backwards, so that what no loss reads is never looked at.
"""
import math
import operator
import re

import numpy as np
import torch

from .graph_builder import HIDDEN, Act, Builder, Choice, Par, Refused, whole

aten = torch.ops.aten
LOW = (torch.float32, torch.float16, torch.bfloat16)


class Data:
    """A tensor without parameters: one value for each example."""

    def __init__(self, each):
        self.each = each

    @property
    def shape(self):
        return tuple(self.each[0].shape)

    @property
    def dtype(self):
        return self.each[0].dtype

    def equal(self):
        return all(torch.equal(one, self.each[0]) for one in self.each[1:])


def is_number(x):
    return isinstance(x, (int, float, bool))


def op_name(node):
    target = node.target
    return target._schema.name.split("::")[1] if hasattr(target, "_schema") else \
        getattr(target, "__name__", str(target))


def module_of(node):
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    names = [(path, kind) for path, kind in stack if path]
    if not names:
        return "the module"
    path, kind = names[-1]
    path = re.sub(r"^(L\['self'\]\.?|module\.?)", "", str(path))
    kind = str(kind).split(".")[-1].rstrip("'>")
    return f"{path} ({kind})" if path else f"the module ({kind})"


HANDLERS = {}


def handles(*names):
    def register(function):
        for name in names:
            HANDLERS[name] = function
        return function
    return register


class Lowering:
    """inputs: for each user input of the program its Data or another value;
    params: placeholder -> the name of a parameter; buffers: placeholder -> tensor."""

    def __init__(self, graph, inputs, params, buffers, shapes, spread, names):
        self.b = Builder(shapes, spread)
        self.graph, self.names = graph, names
        self.env = {}
        self.streams, self.blocks, self.target, self.labels = [], [], None, None
        self.examples, self.coupled = 1, None
        self.moving = set()  # the nodes that depend on parameters
        for node in graph.nodes:
            if node.op == "placeholder" and node.name in params or \
                    any(one in self.moving for one in node.all_input_nodes):
                self.moving.add(node)
        self.buffer_names = {}
        for node in graph.nodes:
            if node.op == "placeholder":
                if node.name in params:
                    name = params[node.name]
                    shape = shapes[name]
                    count = int(np.prod(shape, dtype=int))
                    self.env[node] = Par(name, np.arange(count).reshape(shape))
                elif node.name in buffers:
                    self.env[node] = buffers[node.name][1]
                    self.buffer_names[id(buffers[node.name][1])] = buffers[node.name][0]
                else:
                    self.env[node] = inputs[node.name]

    # Values of the program's nodes

    def get(self, node):
        if not isinstance(node, torch.fx.Node):
            return node
        if node not in self.env:
            self.env[node] = self.compute(node)
        return self.env[node]

    def refuse(self, node, why):
        raise Refused(f"{module_of(node)}: operator {op_name(node)}: {why}")

    def arguments(self, node):
        get = self.get
        return torch.fx.node.map_arg(node.args, get), \
            torch.fx.node.map_arg(node.kwargs, get)

    def compute(self, node):
        if node.op == "get_attr":
            value = self.graph.owning_module
            for part in node.target.split("."):
                value = getattr(value, part)
            return value.detach()
        if node.op != "call_function":
            raise Refused(f"{node.op} {node.target} is not supported")
        pattern = self.pattern(node) if node in self.moving else None
        if pattern is not None:
            return pattern
        if node.target is operator.getitem:
            return self.get(node.args[0])[node.args[1]]
        args, kwargs = self.arguments(node)
        found = []
        scan(args, found), scan(kwargs, found)
        if not any(isinstance(x, (Act, Choice, Par)) for x in found):
            try:
                return self.fold(node, args, kwargs, [x for x in found
                                                      if isinstance(x, Data)])
            except RuntimeError as error:
                self.refuse(node, f"cannot be computed ({str(error).splitlines()[0]})")
        name = op_name(node)
        handler = HANDLERS.get(name)
        if handler is None:
            self.refuse(node, reason_of(node, name))
        try:
            return handler(self, node, *args, **kwargs)
        except (TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
            self.refuse(node, "is called in a form that is not known "
                              f"({type(error).__name__}: {error})")

    def fold(self, node, args, kwargs, data):
        """Evaluate an operator that no parameter reaches."""
        tags = getattr(node.target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            self.refuse(node, "draws random numbers; give them as an input of the "
                              "module, or call module.eval()")
        kwargs = {k: torch.float64 if v in LOW else v for k, v in kwargs.items()
                  if k not in ("pin_memory", "device")} if kwargs else {}
        args = tuple(torch.float64 if isinstance(x, torch.dtype) and x in LOW else x
                     for x in args)
        function = torch.reshape if op_name(node) in ("view", "_unsafe_view") and \
            not isinstance(args[1], torch.dtype) else node.target
        if not data:
            return function(*args, **kwargs)
        count = len(data[0].each)
        each = [function(*pick(args, i), **pick(kwargs, i))
                for i in range(count)]
        if isinstance(each[0], (tuple, list)):
            return [Data([one[i] for one in each]) for i in range(len(each[0]))]
        out = Data(each)
        moved = op_name(node) in VIEWS
        return each[0] if out.equal() and not moved and \
            not (count == 1 and out.dtype.is_floating_point) else out

    # Forms that a value can be asked for

    def act(self, x, near=None):
        """Return any value as an activation."""
        if isinstance(x, Act):
            return x
        if isinstance(x, Par):
            return self.b.spread_whole(x)
        if isinstance(x, Data):
            return self.block(x)
        if isinstance(x, Choice):
            return chosen_numbers(self, x)
        if is_number(x):
            x = torch.tensor(float(x))
        if near is None:
            raise Refused("a constant stands where an activation is needed")
        return self.b.constant(near, x.double().numpy())

    def block(self, data, kind="input"):
        """Return numbers of the examples as an activation."""
        for known, act in self.blocks:
            if known is data:
                return act
        shape = data.shape
        width = shape[-1] if shape else 1
        if len(shape) == 4:  # an image: its pixels are tokens
            order = np.arange(int(np.prod(shape))).reshape(shape).transpose(0, 2, 3, 1)
            width = shape[1]
        else:
            order = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
        count = order.size
        place = np.empty(count, dtype=np.int64)
        place[order.reshape(-1)] = np.arange(count)
        from .graph_builder import Value
        value = self.b.add(Value("input", count // width, width, key=len(self.blocks)))
        numbers = np.stack([one.double().numpy().reshape(-1)[order.reshape(-1)]
                            for one in data.each])
        if not np.isfinite(numbers).all():
            numbers = np.where(np.isneginf(numbers), HIDDEN, numbers)
            if not np.isfinite(numbers).all():
                raise Refused("the examples hold numbers that are not finite")
        self.b.values[value].numbers = numbers
        act = Act(value, place.reshape(shape))
        self.blocks.append((data, act))
        return act

    def stream(self, data):
        """Return the stream of ids that equals some data, and the order in it."""
        ids = np.stack([one.numpy().reshape(-1) for one in data.each]).astype(np.int64)
        for stream in self.streams:
            if stream.shape == ids.shape and (stream == ids).all():
                return stream
        self.streams.append(ids)
        return ids

    def matching(self, x, y):
        """Return a pair as activations."""
        x, y = (self.act(v) if isinstance(v, Choice) else v for v in (x, y))
        near = next((v for v in (x, y) if isinstance(v, Act)), None)
        a, b = x, y
        if isinstance(a, Par) and isinstance(b, Act):
            return self.b.spread_act(a, b), b
        if isinstance(b, Par) and isinstance(a, Act):
            return a, self.b.spread_act(b, a)
        a = self.act(a, near)
        return a, self.act(b, near or a)

    # Patterns

    def pattern(self, node):
        name = op_name(node)
        if name == "mul":
            return self.rms_norm(node) or self.gelu_tanh(node) or self.gelu(node) or \
                self.silu(node)
        if name == "add":
            return self.rotary(node)
        if name == "cat":
            return self.partial_rotary(node)
        return None

    def args_of(self, node, name):
        if not isinstance(node, torch.fx.Node):
            return None
        node = self.plain(node)
        if node.op != "call_function" or op_name(node) != name or node.kwargs:
            return None
        return [self.plain(x) if isinstance(x, torch.fx.Node) else x
                for x in node.args]

    def plain(self, node):
        """Skip operators that change nothing."""
        while isinstance(node, torch.fx.Node) and node.op == "call_function" and \
                op_name(node) in SAME and node.args and (
                    op_name(node) not in CONVERSIONS or
                    floating(node) and floating(node.args[0])):
            node = node.args[0]
        return node

    def both_ways(self, node, name):
        args = self.args_of(node, name)
        if args and len(args) == 2:
            yield args
            yield args[::-1]

    def number(self, x):
        """Return a constant's only number, or None."""
        if is_number(x):
            return float(x)
        if isinstance(x, torch.fx.Node) and self.is_constant(x):
            value = self.get(x)
            if isinstance(value, torch.Tensor) and value.numel() == 1:
                return float(value)
        return None

    def is_constant(self, node):
        """Return true if no parameter and no data reach a node."""
        return node not in self.moving and isinstance(self.get(node), torch.Tensor)

    def rms_norm(self, node):
        for w, n in self.both_ways(node, "mul"):
            core = isinstance(n, torch.fx.Node) and isinstance(w, torch.fx.Node) and \
                self.rms_core(n)
            if not core:
                continue
            x, eps = core
            one_plus = False
            for one, inner in self.both_ways(w, "add"):
                if self.number(one) == 1:
                    w, one_plus = inner, True
                    break
            weight = self.get(w) if isinstance(w, torch.fx.Node) else None
            if isinstance(weight, Par):
                return self.rms(self.get(x), weight, eps, one_plus)
        return None

    def rms_core(self, node):
        """Match x / sqrt(mean(x^2) + eps) over the last axis: (x, eps)."""
        pairs = [(x, self.args_of(r, "rsqrt")) for x, r in self.both_ways(node, "mul")]
        args = self.args_of(node, "div")
        if args and self.args_of(args[1], "sqrt"):
            pairs.append((args[0], self.args_of(args[1], "sqrt")))
        for x, inside in pairs:
            if not inside or not isinstance(x, torch.fx.Node):
                continue
            for mean, eps in self.both_ways(inside[0], "add"):
                eps, mean = self.number(eps), self.args_of(mean, "mean")
                if eps is None or not mean or len(mean) < 3 or not mean[2] or \
                        list(mean[1]) not in ([-1], [len(shape_of(x)) - 1]):
                    continue
                square = self.args_of(mean[0], "pow")
                if square and square[1] == 2 and square[0] is self.plain(x):
                    return x, eps
                square = self.args_of(mean[0], "mul")
                if square and square[0] is square[1] is self.plain(x):
                    return x, eps
        return None

    def rms(self, x, weight, eps, one_plus=False):
        e = x.shape[-1]
        if not isinstance(x, Act) or self.b.part_of(weight) != (None, False) or \
                weight.shape != (e,):
            return None
        value, h, field = self.b.fields(x, e)
        source = self.b.values[value]
        w = self.b.param(weight.name, 1, e)
        name = "rmsnorm" + "_one_plus" * one_plus + "_heads" * (h > 1)
        sizes = {"heads": h} if h > 1 else {}
        out = self.b.node(name, [value, w], source.rows, source.cols,
                          channels=source.cols, constant=eps, **sizes)
        return Act(out, (field[:, None] * e + np.arange(e)).reshape(x.shape))

    def factors(self, node):
        """Return the number and the other factors of a product."""
        number, rest, stack = 1.0, [], [node]
        while stack:
            one = stack.pop()
            value = self.number(one)
            args = None if value is not None else self.args_of(one, "mul") or \
                self.args_of(one, "div")
            if value is not None:
                number *= value
            elif args and op_name(self.plain(one)) == "mul":
                stack.extend(args)
            elif args and self.number(args[1]) is not None:
                number /= self.number(args[1])
                stack.append(args[0])
            else:
                rest.append(self.plain(one))
        return number, rest

    def one_plus(self, node, name):
        """Match 1 + f(u), and return u."""
        for one, f in self.both_ways(node, "add"):
            args = self.args_of(f, name)
            if self.number(one) == 1 and args:
                return args[0]
        return None

    def gelu_tanh(self, node):
        number, rest = self.factors(node)
        if abs(number - 0.5) > 1e-12 or len(rest) != 2:
            return None
        for x, other in (rest, rest[::-1]):
            u = self.one_plus(other, "tanh")
            if u is None:
                continue
            outer, inner = self.factors(u)
            if len(inner) != 1:
                continue
            for lin, cube in self.both_ways(inner[0], "add"):
                c, rest3 = self.factors(cube) if isinstance(cube, torch.fx.Node) \
                    else (0, [])
                power = len(rest3) == 1 and self.args_of(rest3[0], "pow")
                cubed = power and power[1] == 3 and power[0] is x or \
                    len(rest3) == 3 and all(one is x for one in rest3)
                if lin is x and cubed and abs(outer - math.sqrt(2 / math.pi)) < 1e-15 \
                        and abs(c - 0.044715) < 1e-15:
                    return self.known(x, "gelu_tanh")
        return None

    def gelu(self, node):
        number, rest = self.factors(node)
        if abs(number - 0.5) > 1e-12 or len(rest) != 2:
            return None
        for x, other in (rest, rest[::-1]):
            u = self.one_plus(other, "erf")
            if u is not None:
                c, inner = self.factors(u)
                if inner == [x] and abs(c - math.sqrt(0.5)) < 1e-15:
                    return self.known(x, "gelu")
        return None

    def silu(self, node):
        for x, s in self.both_ways(node, "mul"):
            args = self.args_of(s, "sigmoid")
            if args and args[0] is x:
                return self.known(x, "silu")
        return None

    def known(self, node, name):
        x = self.get(node)
        return self.b.unary(name, x) if isinstance(x, Act) else None

    def rotary_parts(self, node):
        """Match x cos + rotate_half(x) sin: (x node, cos, sin)."""
        for left, right in self.both_ways(node, "add"):
            for x, cos in self.both_ways(left, "mul"):
                for turned, sin in self.both_ways(right, "mul"):
                    if not all(isinstance(one, torch.fx.Node)
                               for one in (x, cos, turned, sin)):
                        continue
                    cat = self.args_of(turned, "cat")
                    if not cat or len(cat[0]) != 2 or len(cat) < 2:
                        continue
                    rank = len(shape_of(x))
                    if cat[1] not in (-1, rank - 1):
                        continue
                    neg = self.args_of(cat[0][0], "neg")
                    e = shape_of(x)[-1]
                    if not neg or e % 2 or \
                            not self.is_slice(neg[0], x, e // 2, e) or \
                            not self.is_slice(cat[0][1], x, 0, e // 2):
                        continue
                    if self.is_constant(cos) and self.is_constant(sin):
                        return x, self.get(cos), self.get(sin)
        return None

    def is_slice(self, node, of, first, end):
        """Return true if a node is channels first ... end - 1 of another."""
        node = self.plain(node)
        if node.op == "call_function" and node.target is operator.getitem:
            parts = self.plain(node.args[0])
            own = shape_of(node)[-1]
            return op_name(parts) in ("split", "split_with_sizes", "chunk") and \
                self.plain(parts.args[0]) is self.plain(of) and own == end - first and \
                first == own * node.args[1]
        args = self.args_of(node, "slice")
        if not args or args[0] is not self.plain(of):
            return False
        rank, size = len(shape_of(of)), shape_of(of)[-1]
        dim, start, stop = (args + [0, None, None])[1:4] if len(args) < 4 else args[1:4]
        start = 0 if start is None else start
        stop = size if stop is None else stop
        start, stop = (min(v + size if v < 0 else v, size) for v in (start, stop))
        return dim in (-1, rank - 1) and (start, stop) == (first, end) and \
            (len(args) < 5 or args[4] == 1)

    def frequencies(self, cos, sin, shape):
        """Return the factor and the frequencies of a rotary table, or None."""
        t, e = shape[-2], shape[-1]
        cos, sin = (np.broadcast_to(one.double().numpy(), shape) for one in (cos, sin))
        cos, sin = (one.reshape(-1, t, e) for one in (cos, sin))
        half = e // 2
        if (cos != cos[:1]).any() or (sin != sin[:1]).any():
            return None
        cos, sin = cos[0], sin[0]
        if (cos[:, :half] != cos[:, half:]).any() or \
                (sin[:, :half] != sin[:, half:]).any() or t < 2 or (sin[0] != 0).any():
            return None
        a = cos[0, 0]
        w = np.arctan2(sin[1, :half], cos[1, :half])
        # An angle above pi at position 1 is not seen; whole turns change no product.
        angle = np.arange(t)[:, None] * w
        good = a > 0 and np.allclose(cos[:, :half], a * np.cos(angle), rtol=0,
                                     atol=1e-13 * t) and \
            np.allclose(sin[:, :half], a * np.sin(angle), rtol=0, atol=1e-13 * t)
        return (float(a), w) if good else None

    def rotary(self, node):
        parts = self.rotary_parts(node)
        if not parts:
            return None
        x = self.get(parts[0])
        return self.turn(x, parts[1], parts[2], x.shape[-1]) \
            if isinstance(x, Act) else None

    def turn(self, x, cos, sin, o):
        """Rotate the first o channels of x, whose last axes are tokens, channels."""
        t, e = x.shape[-2:]
        found = self.frequencies(cos, sin, x.shape[:-1] + (o,))
        if not found:
            return None
        a, w = found
        heads = x.index.reshape(-1, t, e)
        value = self.b.heads_last(x.value, heads)
        h = len(heads)
        if self.b.values[value].rows != t:
            return None
        out = self.b.node("rotary", [value, self.b.table(w)], t, h * e, channels=h * e,
                          outputs=o, heads=h, constant=a)
        index = np.arange(t * h * e).reshape(t, h, e).transpose(1, 0, 2)
        return Act(out, index.reshape(x.shape))

    def partial_rotary(self, node):
        """Match cat(rotary(x[..., :o]), x[..., o:])."""
        args = self.args_of(node, "cat")
        if not args or len(args[0]) != 2 or len(args) < 2:
            return None
        first, rest = (self.plain(one) for one in args[0])
        parts = self.rotary_parts(first) if isinstance(first, torch.fx.Node) else None
        if not parts or args[1] not in (-1, len(shape_of(first)) - 1):
            return None
        o = shape_of(first)[-1]
        source = self.args_of(parts[0], "slice")
        x = source and source[0]
        if not isinstance(x, torch.fx.Node) or \
                not self.is_slice(parts[0], x, 0, o) or \
                not self.is_slice(rest, x, o, shape_of(x)[-1]):
            return None
        value = self.get(x)
        return self.turn(value, parts[1], parts[2], o) if isinstance(value, Act) \
            else None


def scan(x, found):
    if isinstance(x, (Act, Choice, Par, Data)):
        found.append(x)
    elif isinstance(x, (list, tuple)):
        for one in x:
            scan(one, found)
    elif isinstance(x, dict):
        for one in x.values():
            scan(one, found)


def pick(x, i):
    if isinstance(x, Data):
        return x.each[i]
    if isinstance(x, (list, tuple)):
        return type(x)(pick(one, i) for one in x)
    if isinstance(x, dict):
        return {k: pick(one, i) for k, one in x.items()}
    return x


def shape_of(node):
    return tuple(int(s) for s in node.meta["val"].shape)


def floating(node):
    value = node.meta.get("val")
    return isinstance(value, torch.Tensor) and value.dtype.is_floating_point


CONVERSIONS = ("_to_copy", "to", "type_as")
SAME = ("clone", "alias", "contiguous", "lift_fresh_copy", "lift_fresh",
        "_conj", "resolve_neg", "resolve_conj") + CONVERSIONS
VIEWS = ("view", "reshape", "_unsafe_view", "permute", "transpose", "t", "unsqueeze",
         "squeeze", "expand", "select", "slice", "flatten", "unflatten", "clone",
         "alias", "detach", "_to_copy", "contiguous", "unbind", "split",
         "split_with_sizes", "chunk", "movedim")

UNDIFFERENTIABLE = {"nonzero", "bincount", "histc"}
REASONS = {
    "hardsigmoid": "has no second derivatives in PyTorch; write clamp(x / 6 + 0.5, 0, 1)",
    "_embedding_bag": "has no second derivatives in PyTorch; use nn.Embedding, and a sum or "
                      "a mean of its rows",
    "_cdist_forward": "has no second derivatives in PyTorch; write the norms of the "
                      "differences",
    **dict.fromkeys(("_linalg_det", "_linalg_slogdet", "linalg_inv_ex", "_linalg_solve_ex",
                     "linalg_cholesky_ex", "_linalg_svd", "_linalg_eigh", "linalg_qr",
                     "linalg_matrix_exp", "triangular_solve", "linalg_lu_factor_ex"),
                    "solves or decomposes matrices that depend on parameters, and a graph "
                    "has products of matrices only")}


def reason_of(node, name):
    if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        return "draws random numbers; give them as an input, or call module.eval()"
    if name in REASONS:
        return REASONS[name]
    if name in UNDIFFERENTIABLE:
        return ("has no derivative, and the loss depends on it through parameters; "
                "compute it from the data alone, or give the choice as an input")
    if name in ("detach", "detach_"):
        return ("stops the gradient, and then the matrix is no Hessian of the loss; "
                "remove detach() or torch.no_grad() there")
    if name in ("cond", "while_loop", "map_impl", "scan"):
        return "is control flow that depends on data; write it without the condition"
    return "is not known; write it with the operators of docs/your-own-model.md"


def axes_of(x, dim):
    rank = len(x.shape)
    if dim is None or dim == []:
        return list(range(rank))
    dims = [dim] if isinstance(dim, int) else list(dim)
    return [d % rank for d in dims] if rank else []


def with_kept(out, x, axes, keepdim):
    if not keepdim:
        return out
    shape = [1 if i in axes else s for i, s in enumerate(x.shape)]
    return Act(out.value, out.index.reshape(shape))


# Views

def moved(x, function):
    if isinstance(x, Choice):
        index = np.stack([function(one) for one in x.hot.index])
        return Choice(Act(x.hot.value, index))
    return type(x)(x.value if isinstance(x, Act) else x.name, function(x.index))


@handles("view", "reshape", "_unsafe_view", "view_copy")
def view(low, node, x, shape):
    return moved(x, lambda i: i.reshape(shape))


@handles("permute")
def permute(low, node, x, dims):
    return moved(x, lambda i: i.transpose([d % max(i.ndim, 1) for d in dims]))


@handles("transpose")
def transpose(low, node, x, a, b):
    return moved(x, lambda i: i.swapaxes(a, b))


@handles("t", "numpy_T", "adjoint", "mT")
def t(low, node, x):
    return moved(x, lambda i: i.swapaxes(-1, -2) if i.ndim > 1 else i)


@handles("unsqueeze")
def unsqueeze(low, node, x, dim):
    return moved(x, lambda i: np.expand_dims(i, dim))


@handles("squeeze")
def squeeze(low, node, x, dim=None):
    dims = axes_of(x, dim)
    return moved(x, lambda i: i.reshape([s for d, s in enumerate(i.shape)
                                         if s != 1 or d not in dims]))


@handles("flatten")
def flatten(low, node, x, start=0, end=-1):
    def shape(i):
        a, b = start % i.ndim, end % i.ndim
        return i.reshape(i.shape[:a] + (-1,) + i.shape[b + 1:])
    return moved(x, shape)


@handles("unflatten")
def unflatten(low, node, x, dim, sizes):
    return moved(x, lambda i: i.reshape(
        i.shape[:dim % i.ndim] + tuple(sizes) + i.shape[dim % i.ndim + 1:]))


@handles("expand")
def expand(low, node, x, shape, implicit=False):
    rank = len(shape)
    return moved(x, lambda i: np.broadcast_to(i, [
        i.shape[d - rank + i.ndim] if s == -1 else s for d, s in enumerate(shape)]))


@handles("repeat")
def repeat(low, node, x, repeats):
    return moved(x, lambda i: np.tile(i, repeats))


@handles("select")
def select(low, node, x, dim, at):
    return moved(x, lambda i: np.take(i, at, axis=dim))


@handles("slice")
def slice_(low, node, x, dim=0, start=None, end=None, step=1):
    def cut(i):
        which = [slice(None)] * i.ndim
        which[dim % i.ndim] = slice(start, end, step)
        return i[tuple(which)]
    return moved(x, cut)


@handles("split_with_sizes")
def split_with_sizes(low, node, x, sizes, dim=0):
    at = np.cumsum(sizes)[:-1]
    return [moved(x, lambda i, n=n: np.split(i, at, axis=dim)[n])
            for n in range(len(sizes))]


@handles("split", "chunk", "tensor_split")
def split(low, node, x, size, dim=0):
    n = x.shape[dim]
    if op_name(node) != "split":
        size = -(-n // size)
    sizes = [min(size, n - at) for at in range(0, n, size)]
    return split_with_sizes(low, node, x, sizes, dim)


@handles("unbind")
def unbind(low, node, x, dim=0):
    return [select(low, node, x, dim, i) for i in range(x.shape[dim])]


@handles("flip")
def flip(low, node, x, dims):
    return moved(x, lambda i: np.flip(i, dims))


@handles("roll")
def roll(low, node, x, shifts, dims=()):
    return moved(x, lambda i: np.roll(i, shifts, tuple(dims)) if dims
                 else np.roll(i, shifts))


@handles("movedim")
def movedim(low, node, x, a, b):
    return moved(x, lambda i: np.moveaxis(i, a, b))


@handles("diagonal")
def diagonal(low, node, x, offset=0, a=0, b=1):
    return moved(x, lambda i: np.diagonal(i, offset, a, b))


@handles("as_strided")
def as_strided(low, node, x, size, stride, offset=None):
    low.refuse(node, "reads memory by strides; use view, transpose or unfold")


@handles("unfold")
def unfold(low, node, x, dim, size, step):
    return moved(x, lambda i: np.moveaxis(np.stack(
        [np.take(i, range(a, a + size), axis=dim)
         for a in range(0, i.shape[dim] - size + 1, step)], axis=dim), dim + 1, -1))


@handles("constant_pad_nd", "pad")
def constant_pad(low, node, x, pad, *rest):
    value = next((v for v in rest if is_number(v)), 0)
    width = [(0, 0)] * len(x.shape)
    for n in range(len(pad) // 2):
        width[-1 - n] = (pad[2 * n], pad[2 * n + 1])
    if any(a < 0 or b < 0 for a, b in width):
        cut = tuple(slice(max(-a, 0), s + min(b, 0))
                    for (a, b), s in zip(width, x.shape))
        x = moved(x, lambda i: i[cut])
        width = [(max(a, 0), max(b, 0)) for a, b in width]
    if isinstance(x, Par):
        x = low.act(x)
    out = Act(x.value, np.pad(x.index, width, constant_values=-1))
    if value:
        out = low.b.with_table("add_table", out,
                               np.where(out.index < 0, float(value), 0.0))
    return out


@handles("index_select")
def index_select(low, node, x, dim, at):
    if isinstance(at, Choice):
        return chosen_index(low, node, x, [None] * (dim % len(x.shape)) + [at])
    if isinstance(at, Data):
        if not at.equal():
            low.refuse(node, "takes places that depend on the example; only embeddings "
                             "may do so")
        at = at.each[0]
    return moved(x, lambda i: np.take(i, at.numpy(), axis=dim))


@handles("index")
def index(low, node, x, indices):
    if any(isinstance(one, Choice) for one in indices):
        return chosen_index(low, node, x, indices)
    if isinstance(x, (torch.Tensor, Data)):
        low.refuse(node, "takes places that depend on parameters")
    at = []
    for one in indices:
        if isinstance(one, Data):
            if isinstance(x, Par) and len(indices) == 1 and len(x.shape) == 2:
                return embedding(low, node, x, one)
            if not one.equal():
                low.refuse(node, "takes places that depend on the example; only "
                                 "embeddings may do so")
            one = one.each[0]
        elif isinstance(one, (Act, Par)):
            low.refuse(node, "takes places that depend on parameters")
        at.append(slice(None) if one is None else one.numpy())
    return moved(x, lambda i: i[tuple(at)])


@handles("gather")
def gather(low, node, x, dim, at, sparse_grad=False):
    if isinstance(at, Choice):
        return chosen_gather(low, x, dim % len(x.shape), at)
    if isinstance(at, Data) and not at.equal():
        classes = x.shape[dim]
        hot = Data([torch.nn.functional.one_hot(one, classes).double()
                    for one in at.each])  # ..., chosen, classes
        y = moved(x, lambda i: np.broadcast_to(
            np.expand_dims(np.moveaxis(i, dim, -1), -2),
            np.moveaxis(np.empty(at.shape), dim, -1).shape + (classes,)))
        hot = Data([one.movedim(dim, -2) for one in hot.each])
        out = low.b.binary("product", low.act(y), low.act(hot))
        out = low.b.reduce("sum_fields", out, [len(out.shape) - 1])
        return Act(out.value, np.moveaxis(out.index, -1, dim))
    if isinstance(at, Data):
        at = at.each[0]
    if isinstance(at, (Act, Par)) or isinstance(x, (torch.Tensor, Data)):
        low.refuse(node, "takes places that depend on parameters")
    cut = tuple(slice(0, s) if d != dim % len(x.shape) else slice(None)
                for d, s in enumerate(at.shape))
    return moved(x, lambda i: np.take_along_axis(i[cut], at.numpy(), dim))


@handles("cat")
def cat(low, node, parts, dim=0):
    parts = [one for one in parts if not (len(one.shape) == 1 and one.shape[0] == 0)]
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if all(isinstance(one, Par) for one in parts):
        if all(one.name == first.name for one in parts):
            return Par(first.name, np.concatenate([one.index for one in parts], dim))
    rank = len(first.shape)
    dim %= rank
    classed = class_token(low, parts, dim) if len(parts) > 1 else None
    if classed is not None:
        return classed
    if all(isinstance(one, Act) and one.value == first.value for one in parts):
        return Act(first.value, np.concatenate([one.index for one in parts], dim))
    ends = np.cumsum([one.shape[dim] for one in parts])
    total = list(first.shape)
    total[dim] = int(ends[-1])
    by_value, constants = {}, None
    for one, end in zip(parts, ends):
        where = [slice(None)] * rank
        where[dim] = slice(int(end) - one.shape[dim], int(end))
        if isinstance(one, torch.Tensor):
            if constants is None:
                constants = np.zeros(total)
            constants[tuple(where)] = one.double().numpy()
            continue
        one = low.act(one)
        places = by_value.setdefault(one.value, np.full(total, -1, dtype=np.int64))
        places[tuple(where)] = one.index
    joined = append(low, parts, dim) if constants is None else None
    if joined is not None:
        return joined
    out = None
    for value, places in by_value.items():
        # Each part is put in its place among zeros, and the sum is the whole.
        act = low.b.order(Act(value, places))
        out = act if out is None else low.b.binary("sum", out, act)
    if constants is not None and constants.any():
        out = low.b.with_table("add_table", out, constants)
    return out


def append(low, parts, dim):
    """Two activations of the same tokens, one beside the other."""
    if len(parts) != 2 or dim != len(parts[0].shape) - 1:
        return None
    pair, widths = [low.act(one) for one in parts], [one.shape[-1] for one in parts]
    tokens = pair[0].index.size // widths[0]
    for act, width in zip(pair, widths):
        value = low.b.values[act.value]
        if value.cols != width or value.rows != tokens or \
                not whole(act.index, act.index.size):
            return None
    out = low.b.node("append", [one.value for one in pair], tokens, sum(widths),
                     channels=widths[0], outputs=widths[1])
    return Act(out, np.arange(tokens * sum(widths)).reshape(
        pair[0].shape[:-1] + (sum(widths),)))


def class_token(low, parts, dim):
    """Parameters of one token before all tokens."""
    x = parts[-1]
    if not isinstance(x, Act) or len(x.shape) != 3 or dim != 1:
        return None
    c = x.shape[2]
    for par in parts[:-1]:
        if not isinstance(par, Par) or par.index.size != c or \
                not whole(par.index, c) or par.name in low.b.spread_only or \
                int(np.prod(low.b.shapes[par.name], dtype=int)) != c:
            return None
    value, _, rows = low.b.fields(x, c, heads=False)
    tokens = x.shape[1]
    if not whole(rows, tokens):
        value = low.b.gather(value, rows[:, None] * c + np.arange(c))
    for par in reversed(parts[:-1]):
        tokens += 1
        value = low.b.node("class_token", [value, low.b.param(par.name, 1, c)], tokens,
                           c, channels=c)
    return Act(value, np.arange(tokens * c).reshape(1, tokens, c))


@handles("stack")
def stack(low, node, parts, dim=0):
    rank = len(parts[0].shape) + 1
    return cat(low, node, [one.unsqueeze(dim) if isinstance(one, torch.Tensor) else
                           Data([e.unsqueeze(dim) for e in one.each])
                           if isinstance(one, Data) else
                           unsqueeze(low, node, one, dim % rank) for one in parts],
               dim % rank)


@handles(*(name for name in SAME if name not in CONVERSIONS))
def same(low, node, x, *rest, **more):
    return x


@handles("dropout", "native_dropout", "feature_dropout", "alpha_dropout")
def dropout(low, node, x, p, train):
    if train and p:
        low.refuse(node, "draws random numbers; use training=self.training there")
    return [x, None] if op_name(node).startswith("native") else x


@handles("copy")
def copy(low, node, x, y, *rest):
    """The functional form of an assignment in place."""
    shape = tuple(x.shape)
    if isinstance(y, torch.Tensor):
        return y.expand(shape)
    return moved(low.act(y), lambda i: np.broadcast_to(i, shape))


@handles(*CONVERSIONS)
def convert(low, node, x, *rest, **more):
    kind = node.meta["val"].dtype
    if kind == torch.bool:
        return compare(low, node_named(node, "ne"), x, 0)
    if not kind.is_floating_point and floating(node.args[0]):
        low.refuse(node, "turns numbers that depend on parameters into integers, which "
                         "has no derivative")
    return low.act(x) if kind.is_floating_point and isinstance(x, Choice) else x


# Elementwise operators

UNARY = {name: name for name in (
    "relu", "silu", "tanh", "sigmoid", "exp", "log", "sqrt", "rsqrt", "reciprocal",
    "erf", "sin", "cos", "abs", "square", "atan", "floor", "round")}


@handles(*UNARY)
def unary(low, node, x):
    return low.b.unary(UNARY[op_name(node)], low.act(x))


@handles("round")
def round_(low, node, x, *, decimals=0):
    x = low.b.scale(low.act(x), 10.0 ** decimals)
    return low.b.scale(low.b.unary("round", x), 10.0 ** -decimals)


@handles("ceil")
def ceil(low, node, x):
    return low.b.scale(low.b.unary("floor", low.b.scale(low.act(x), -1.0)), -1.0)


@handles("trunc", "fix")
def trunc(low, node, x):
    size = low.b.unary("floor", low.b.unary("abs", low.act(x)))
    return low.b.binary("product", size, sign(low, node, x))


@handles("frac")
def frac(low, node, x):
    return add(low, STAND_SUB, low.act(x), trunc(low, node, x))


@handles("fmod", "remainder")
def remainder(low, node, x, y):
    """x - y trunc(x / y), or with the floor. The quotient is a step function."""
    part = trunc if op_name(node) == "fmod" else floored
    steps = part(low, node, div(low, node, x, y))
    return add(low, STAND_SUB, low.act(x), mul(low, node, steps, y))


def floored(low, node, x):
    return low.b.unary("floor", low.act(x))


@handles("floor_divide")
def floor_divide(low, node, x, y):
    return floored(low, node, div(low, node, x, y))


@handles("sinh", "cosh")
def hyperbolic(low, node, x):
    x = low.act(x)
    up, down = low.b.unary("exp", x), low.b.unary("exp", low.b.scale(x, -1.0))
    minus = -1.0 if op_name(node) == "sinh" else 1.0
    return low.b.scale(low.b.binary("sum", up, low.b.scale(down, minus)), 0.5)


@handles("tan")
def tan(low, node, x):
    x = low.act(x)
    return low.b.binary("quotient", low.b.unary("sin", x), low.b.unary("cos", x))


@handles("asinh", "acosh")
def area(low, node, x):
    """log(x + sqrt(x^2 + 1)), or with - 1."""
    x = low.act(x)
    one = 1 if op_name(node) == "asinh" else -1
    root = low.b.unary("sqrt", shifted(low, low.b.unary("square", x), one))
    return low.b.unary("log", low.b.binary("sum", x, root))


@handles("atanh")
def atanh(low, node, x):
    x = low.act(x)
    return low.b.scale(low.b.binary("sum", low.b.unary("log", shifted(low, x, 1)),
                                    low.b.scale(low.b.unary("log", opposite(low, x)),
                                                -1.0)), 0.5)


@handles("asin", "acos")
def arcsine(low, node, x):
    """atan(x / sqrt(1 - x^2)), and pi / 2 minus this."""
    x = low.act(x)
    root = low.b.unary("rsqrt", opposite(low, low.b.unary("square", x)))
    out = low.b.unary("atan", low.b.binary("product", x, root))
    return out if op_name(node) == "asin" else \
        shifted(low, low.b.scale(out, -1.0), math.pi / 2)


@handles("atan2")
def atan2(low, node, y, x):
    """2 atan(y / (|(x, y)| + x)), which is infinite on the negative half of the axis."""
    y, x = (low.act(v) for v in low.matching(y, x))
    size = low.b.unary("sqrt", low.b.binary("sum", low.b.unary("square", x),
                                            low.b.unary("square", y)))
    half = low.b.binary("quotient", y, low.b.binary("sum", size, x))
    return low.b.scale(low.b.unary("atan", half), 2.0)


@handles("hypot")
def hypot(low, node, x, y):
    x, y = low.matching(x, y)
    return low.b.unary("sqrt", low.b.binary("sum", low.b.unary("square", x),
                                            low.b.unary("square", y)))


@handles("exp2")
def exp2(low, node, x):
    return low.b.unary("exp", low.b.scale(low.act(x), math.log(2)))


@handles("erfc")
def erfc(low, node, x):
    return opposite(low, low.b.unary("erf", low.act(x)))


@handles("copysign")
def copysign(low, node, x, y):
    if is_number(y) or isinstance(y, torch.Tensor):
        y = torch.as_tensor(y)
        return mul(low, node, low.b.unary("abs", low.act(x)),
                   torch.where(torch.signbit(y), -1.0, 1.0).double())
    below = low.b.unary("positive", low.b.scale(low.act(y), -1.0))
    return low.b.binary("product", low.b.unary("abs", low.act(x)),
                        shifted(low, low.b.scale(below, -2.0), 1))


@handles("isnan", "isinf", "isfinite")
def finite(low, node, x):
    """Numbers that are not finite end a run, so that all others are finite."""
    return torch.full(tuple(x.shape), op_name(node) == "isfinite")


@handles("rrelu_with_noise_functional", "rrelu_with_noise", "rrelu")
def rrelu(low, node, x, *rest, **more):
    numbers = [one for one in rest if is_number(one) and not isinstance(one, bool)]
    lower, upper = numbers[:2] if len(numbers) > 1 else (1 / 8, 1 / 3)
    if any(one is True for one in rest) or more.get("training"):
        low.refuse(node, "draws random numbers; call module.eval()")
    out = leaky_relu(low, node, x, (lower + upper) / 2)
    return [out, None] if op_name(node).endswith("functional") else out


@handles("gelu")
def gelu(low, node, x, approximate="none"):
    return low.b.unary("gelu" if approximate == "none" else "gelu_tanh", low.act(x))


@handles("neg")
def neg(low, node, x):
    return low.b.scale(low.act(x), -1.0)


@handles("pow")
def power(low, node, x, p):
    if isinstance(p, torch.Tensor) and p.numel() == 1:
        p = float(p)
    if not is_number(p):
        if isinstance(x, (torch.Tensor, float, int)):  # b^p = exp(p log b)
            base = np.log(float(x))
            return low.b.unary("exp", low.b.scale(low.act(p), base))
        # x^p = exp(p log x), which PyTorch needs for the derivatives in p, too
        log = low.b.unary("log", low.act(x))
        return low.b.unary("exp", low.act(mul(low, node, log, p)))
    x = low.act(x)
    names = {2: "square", 0.5: "sqrt", -0.5: "rsqrt", -1: "reciprocal"}
    if p == 1:
        return x
    if p in names:
        return low.b.unary(names[p], x)
    if p == 3:
        return low.b.binary("product", low.b.unary("square", x), x)
    return low.b.unary("power", x, constant=float(p))


def shifted(low, x, a):
    return low.b.with_table("add_table", x, float(a))


@handles("add", "sub", "rsub", "subtract")
def add(low, node, x, y, *rest, alpha=1):
    alpha = rest[0] if rest else alpha
    if op_name(node) == "rsub":
        x, y = y, x
    minus = op_name(node) != "add"
    factor = -alpha if minus else alpha
    if isinstance(y, (int, float, torch.Tensor)):
        numbers = factor * (y.double().numpy() if isinstance(y, torch.Tensor)
                            else np.float64(y))
        return low.b.with_table("add_table", low.act(x), masked(low, node, numbers))
    if isinstance(x, (int, float, torch.Tensor)):
        numbers = x.double().numpy() if isinstance(x, torch.Tensor) else np.float64(x)
        return low.b.with_table("add_table", low.b.scale(low.act(y), factor),
                                masked(low, node, numbers))
    if factor == 1:
        for act, par in ((x, y), (y, x)):
            out = positions(low, act, par)
            if out is not None:
                return out
    a, b = low.matching(x, y)
    return low.b.binary("sum", a, low.b.scale(b, float(factor)))


def masked(low, node, numbers):
    """Write minus infinity, and numbers near it, as hesse reads it."""
    if np.isposinf(numbers).any() or np.isnan(numbers).any():
        low.refuse(node, "adds an infinite number, or none")
    return np.where(numbers < HIDDEN, HIDDEN, numbers)


def positions(low, act, par):
    """x + W, with a row of W for each token."""
    if not isinstance(act, Act) or not isinstance(par, Par) or \
            par.name in low.b.spread_only:
        return None
    value = low.b.values[act.value]
    count = int(np.prod(low.b.shapes[par.name], dtype=int))
    if value.rows < 2 or count != value.rows * value.cols or not low.b.once(act):
        return None
    try:
        index = np.broadcast_to(par.index, act.shape)
    except ValueError:
        return None
    if not whole(index.reshape(-1)[low.b.layout(act.index, act)], count):
        return None
    matrix = low.b.matrices.get(par.name)
    if matrix and matrix[:2] != (value.rows, value.cols):
        return None
    w = low.b.param(par.name, value.rows, value.cols, True)
    out = low.b.node("positions", [act.value, w], value.rows, value.cols,
                     channels=value.cols)
    return Act(out, act.index)


@handles("mul", "multiply")
def mul(low, node, x, y):
    for a, b in ((x, y), (y, x)):
        if isinstance(b, (int, float)):
            return low.b.scale(low.act(a), float(b))
        if isinstance(b, torch.Tensor):
            if not b.any():
                return torch.zeros(np.broadcast_shapes(tuple(a.shape), tuple(b.shape)))
            return low.b.with_table("times_table", low.act(a), b.double().numpy())
    return low.b.binary("product", *low.matching(x, y))


@handles("div", "divide", "true_divide")
def div(low, node, x, y, rounding_mode=None):
    if rounding_mode is not None:
        low.refuse(node, "rounds, which has no derivative")
    if isinstance(y, (int, float)):
        return low.b.scale(low.act(x), 1.0 / y)
    if isinstance(y, torch.Tensor):
        return low.b.with_table("times_table", low.act(x), 1 / y.double().numpy())
    if isinstance(x, (int, float, torch.Tensor)):
        return mul(low, node, low.b.unary("reciprocal", low.act(y)), x)
    return low.b.binary("quotient", *low.matching(x, y))


@handles("addcmul")
def addcmul(low, node, x, a, b, value=1):
    return add(low, node_named(node, "add"), x,
               mul(low, node, mul(low, node, a, b), float(value)))


@handles("lerp")
def lerp(low, node, x, y, w):
    return low.b.binary("sum", low.act(x), low.act(mul(low, node, low.b.binary(
        "sum", low.act(y), low.b.scale(low.act(x), -1.0)), w)))


@handles("where")
def where(low, node, condition, x, y):
    if isinstance(condition, Act):
        return where_chosen(low, node, condition, x, y)
    if isinstance(condition, Data):
        if not condition.equal():
            keep = Data([one.double() for one in condition.each])
            drop = Data([1 - one.double() for one in condition.each])
            for part, other, mask in ((x, y, drop), (y, x, keep)):
                number = part if is_number(part) else float(part) \
                    if isinstance(part, torch.Tensor) and part.numel() == 1 else None
                if number is not None and number <= -1e30 and isinstance(other, Act):
                    return low.b.binary("sum", other, low.b.scale(
                        low.act(mask), max(number, HIDDEN)))
            near = next((v for v in (x, y) if isinstance(v, Act)), None)
            a = low.b.binary("product", low.act(x, near), low.act(keep))
            b = low.b.binary("product", low.act(y, near), low.act(drop))
            return low.b.binary("sum", a, b)
        condition = condition.each[0]
    shape = np.broadcast_shapes(*(tuple(getattr(one, "shape", ()))
                                  for one in (condition, x, y)))
    condition = np.broadcast_to(condition.numpy().astype(bool), shape)
    out, constants = None, np.zeros(shape)
    for part, mine in ((x, condition), (y, ~condition)):
        if isinstance(part, (int, float, torch.Tensor)):
            numbers = part.double().numpy() if isinstance(part, torch.Tensor) \
                else np.float64(part)
            constants += np.where(mine, np.maximum(numbers, HIDDEN), 0)
        else:
            part = low.act(part)
            part = Act(part.value, np.broadcast_to(part.index, shape))
            hides = not isinstance(x, Act) or not isinstance(y, Act)
            if hides and mine.any() and not mine.all():
                other = y if part.value == getattr(low.act(x) if isinstance(
                    x, (Act, Par, Data)) else None, "value", None) else x
                far = other if is_number(other) else float(other.max()) \
                    if isinstance(other, torch.Tensor) else 0
                if far <= -1e30:  # the softmax that follows does not see these
                    out = part
                    continue
            act = part if mine.all() else low.b.with_table(
                "times_table", part, mine.astype(float)) if mine.any() else None
            if act is not None:
                out = act if out is None else low.b.binary("sum", out, act)
    if constants.any():
        out = low.b.with_table("add_table", out, constants)
    return out


@handles("masked_fill")
def masked_fill(low, node, x, mask, value):
    return where(low, node, mask, value, x)


@handles("leaky_relu")
def leaky_relu(low, node, x, slope=0.01):
    return low.b.unary("leaky_relu", low.act(x), constant=float(slope))


@handles("elu", "celu")
def elu(low, node, x, alpha=1, scale=1, input_scale=1):
    if op_name(node) == "celu":
        input_scale = 1 / alpha
    x = low.act(x)
    if input_scale == 1:
        return low.b.scale(low.b.unary("elu", x, constant=float(alpha)), float(scale))
    return low.b.scale(low.b.unary("elu", low.b.scale(x, float(input_scale)),
                                   constant=float(alpha * input_scale)),
                       scale / input_scale)


@handles("selu")
def selu(low, node, x):
    return low.b.scale(low.b.unary("elu", low.act(x), constant=1.6732632423543772848),
                       1.0507009873554804934)


@handles("softplus")
def softplus(low, node, x, beta=1, threshold=20):
    x = low.b.scale(low.act(x), float(beta))
    return low.b.scale(low.b.unary("softplus", x), 1 / beta)


@handles("log_sigmoid", "log_sigmoid_forward")
def log_sigmoid(low, node, x):
    out = low.b.scale(low.b.unary("softplus", low.b.scale(low.act(x), -1.0)), -1.0)
    return [out, None] if op_name(node) == "log_sigmoid_forward" else out


@handles("mish")
def mish(low, node, x):
    x = low.act(x)
    return low.b.binary("product", x, low.b.unary("tanh", low.b.unary("softplus", x)))


@handles("log1p")
def log1p(low, node, x):
    x = low.act(x)
    source = low.b.values[x.value].node
    if source and source.operator == "exp":
        return low.b.unary("softplus", Act(source.inputs[0], x.index))
    return low.b.unary("log", shifted(low, x, 1))


@handles("expm1")
def expm1(low, node, x):
    return shifted(low, low.b.unary("exp", low.act(x)), -1)


@handles("log2", "log10")
def log_base(low, node, x):
    base = 2 if op_name(node) == "log2" else 10
    return low.b.scale(low.b.unary("log", low.act(x)), 1 / math.log(base))


@handles("hardtanh", "clamp", "relu6", "clamp_min", "clamp_max", "clip")
def clamp(low, node, x, low_=None, high=None, **more):
    name = op_name(node)
    low_, high = more.get("min", low_), more.get("max", high)
    if name == "hardtanh" and low_ is None:
        low_, high = -1, 1
    if name == "relu6":
        low_, high = 0, 6
    if name == "clamp_max":
        low_, high = None, low_
    x = low.act(x)
    if not all(one is None or is_number(one) for one in (low_, high)):
        for limit, name in ((low_, "maximum"), (high, "minimum")):
            x = x if limit is None else maximum(low, node_named(node, name, ""), x, limit)
        return x
    low_, high = (one if one is not None and math.isfinite(one) else None
                  for one in (low_, high))
    if low_ is None and high is None:
        return x
    # min(max(x, a), b) = a + relu(x - a) - relu(x - b)
    if low_ is None:
        over = low.b.unary("relu", shifted(low, x, -high))
        return low.b.binary("sum", x, low.b.scale(over, -1.0))
    out = low.b.unary("relu", shifted(low, x, -low_))
    if high is not None:
        over = low.b.unary("relu", shifted(low, x, -high))
        out = low.b.binary("sum", out, low.b.scale(over, -1.0))
    return shifted(low, out, low_)


@handles("hardswish")
def hardswish(low, node, x):
    x = low.act(x)
    gate = low.b.scale(clamp(low, node, shifted(low, x, 3), 0, 6), 1 / 6)
    return low.b.binary("product", x, gate)


@handles("prelu", "_prelu_kernel")
def prelu(low, node, x, w):
    x = low.act(x)
    if isinstance(w, Par) and w.index.size > 1 and w.index.ndim == 1:
        w = Par(w.name, w.index.reshape([1, -1] + [1] * (len(x.shape) - 2)))
    below = low.b.unary("relu", low.b.scale(x, -1.0))
    return low.b.binary("sum", low.b.unary("relu", x),
                        low.b.scale(low.act(mul(low, node, below, w)), -1.0))


@handles("maximum", "minimum", "max", "min")
def maximum(low, node, x, y=None, keepdim=False):
    name = op_name(node)
    sign = 1.0 if name.startswith("max") else -1.0
    if y is None or isinstance(y, int) and "dim" in str(node.target):
        x = low.b.scale(low.act(x), sign)
        axes = axes_of(x, y)
        out = low.b.scale(low.b.reduce("max_fields", x, axes), sign)
        out = with_kept(out, x, axes, keepdim)
        return out if y is None else [out, ranked(low, x, y, 1, keepdim)[1]]
    x, y = (low.act(v) if isinstance(v, Choice) else v for v in (x, y))
    near = next((v for v in (x, y) if isinstance(v, Act)), None)
    a, b = low.act(x, near), low.act(y, near)
    # max(a, b) = b + relu(a - b)
    gap = low.b.binary("sum", low.b.scale(a, sign), low.b.scale(b, -sign))
    over = low.b.scale(low.b.unary("relu", gap), sign)
    return low.b.binary("sum", b, over)


@handles("amax", "amin")
def amax(low, node, x, dim=(), keepdim=False):
    sign = 1.0 if op_name(node) == "amax" else -1.0
    x = low.b.scale(low.act(x), sign)
    axes = axes_of(x, list(dim) if not isinstance(dim, int) else dim)
    return with_kept(low.b.scale(low.b.reduce("max_fields", x, axes), sign), x, axes,
                     keepdim)


@handles("logaddexp")
def logaddexp(low, node, x, y):
    near = next((v for v in (x, y) if isinstance(v, Act)), None)
    a, b = low.act(x, near), low.act(y, near)
    gap = low.b.binary("sum", a, low.b.scale(b, -1.0))
    return low.b.binary("sum", b, low.b.unary("softplus", gap))


@handles("glu")
def glu(low, node, x, dim=-1):
    a, b = split_with_sizes(low, node, x, [x.shape[dim] // 2] * 2, dim)
    return low.b.binary("product", low.act(a), low.b.unary("sigmoid", low.act(b)))


@handles("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
def filled(low, node, x, *rest, **more):
    name = op_name(node)
    shape = tuple(rest[0]) if name.startswith("new") else x.shape
    number = 0.0 if "zeros" in name else 1.0 if "ones" in name else float(
        rest[1] if name == "new_full" else rest[0])
    dtype = more.get("dtype") or torch.float64
    return torch.full(shape, number, dtype=torch.float64 if dtype in LOW else dtype)


# Conditions and choices: numbers 0 and 1 whose derivatives are 0

def above(low, x, y):
    """Return 1 where x > y, else 0."""
    gap = low.act(add(low, STAND_SUB, x, y))
    return low.b.unary("positive", gap)


def opposite(low, x):
    return shifted(low, low.b.scale(low.act(x), -1.0), 1)


@handles("gt", "lt", "ge", "le", "eq", "ne", "greater", "less", "greater_equal",
         "less_equal", "not_equal")
def compare(low, node, x, y):
    name = op_name(node)
    if is_number(y) and math.isinf(y):  # no number is as large
        holds = name in (("lt", "less", "le", "less_equal", "ne", "not_equal") if y > 0
                         else ("gt", "greater", "ge", "greater_equal", "ne", "not_equal"))
        return torch.full(tuple(x.shape), holds)
    if isinstance(y, Choice) and not isinstance(x, (Act, Choice, Par)):
        x, y = y, x
    if name in ("eq", "ne") and isinstance(x, Choice) and (
            isinstance(y, int) or isinstance(y, torch.Tensor)):
        out = chosen_is(x, y)
    elif name in ("gt", "greater", "le", "less_equal"):
        out = above(low, x, y)
    elif name in ("lt", "less", "ge", "greater_equal"):
        out = above(low, y, x)
    else:
        out = opposite(low, low.b.binary("sum", above(low, x, y), above(low, y, x)))
    return opposite(low, out) if name in ("ge", "greater_equal", "le", "less_equal",
                                          "ne", "not_equal") else out


def chosen_is(x, y):
    """Return 1 where a choice equals constant integers."""
    y = np.asarray(y)
    shape = np.broadcast_shapes(x.shape, y.shape)
    count = x.hot.shape[0]
    hot = np.broadcast_to(x.hot.index, (count,) + shape) if len(x.shape) == len(shape) \
        else np.broadcast_to(x.hot.index.reshape(
            (count,) + (1,) * (len(shape) - len(x.shape)) + x.shape), (count,) + shape)
    y = np.broadcast_to(y, shape)
    index = np.take_along_axis(hot, np.clip(y, 0, count - 1)[None], 0)[0]
    return Act(x.hot.value, np.where((y >= 0) & (y < count), index, -1))


@handles("logical_not", "bitwise_not")
def logical_not(low, node, x):
    if node.meta["val"].dtype != torch.bool:
        low.refuse(node, "computes with the digits of integers")
    return opposite(low, true(low, x))


def true(low, x):
    """Return conditions as numbers 0 and 1."""
    if isinstance(x, torch.Tensor):
        return x.bool().double()
    if isinstance(x, Data):
        return Data([one.bool().double() for one in x.each])
    return x


@handles("logical_and", "logical_or", "bitwise_and", "bitwise_or", "logical_xor",
         "bitwise_xor")
def logical(low, node, x, y):
    if node.meta["val"].dtype != torch.bool or not all(
            isinstance(v, bool) or one_bool(v) for v in node.args[:2]):
        low.refuse(node, "computes with the digits of integers, or with numbers as "
                         "conditions; compare them first (x != 0)")
    x, y = true(low, x), true(low, y)
    name, both = op_name(node), mul(low, node, x, y)
    if name.endswith("and"):
        return both
    total = add(low, STAND_ADD, x, y)
    return add(low, STAND_SUB, total, mul(low, node, both, 2.0)
               if name.endswith("xor") else both)


def one_bool(node):
    value = getattr(node, "meta", {}).get("val")
    return isinstance(value, torch.Tensor) and value.dtype == torch.bool


@handles("any", "all")
def any_(low, node, x, dim=None, keepdim=False):
    x = low.act(x) if one_bool(node.args[0]) else low.act(
        compare(low, node_named(node, "ne"), x, 0))
    axes = axes_of(x, dim)
    every = op_name(node) == "all"
    out = low.b.reduce("sum_fields", opposite(low, x) if every else x, axes)
    out = low.b.unary("positive", shifted(low, out, -0.5))
    return with_kept(opposite(low, out) if every else out, x, axes, keepdim)


@handles("sign", "sgn")
def sign(low, node, x):
    x = low.act(x)
    below = low.b.unary("positive", low.b.scale(x, -1.0))
    return low.b.binary("sum", low.b.unary("positive", x), low.b.scale(below, -1.0))


@handles("bucketize", "searchsorted")
def bucketize(low, node, x, bounds, *rest, right=False, **more):
    """The number of constant bounds below x, or up to x."""
    if op_name(node) == "searchsorted":
        x, bounds = bounds, x
    if not isinstance(bounds, torch.Tensor) or bounds.ndim != 1 or \
            not isinstance(x, (Act, Par)):
        low.refuse(node, "has bounds that are no constant vector; compare with them, and "
                         "add")
    x = unsqueeze(low, node, low.act(x), -1)
    under = opposite(low, above(low, bounds, x)) if right or more.get("side") == "right" \
        else above(low, x, bounds)
    return low.b.reduce("sum_fields", under, [len(under.shape) - 1])


def where_chosen(low, node, condition, x, y):
    """y + c (x - y), or with a number that hides: y + -1e308 c."""
    def hides(part):
        number = part if is_number(part) else float(part) if isinstance(
            part, torch.Tensor) and part.numel() == 1 else 0
        return number <= -1e30
    if hides(x) and hides(y):
        low.refuse(node, "chooses among numbers that are minus infinity")
    for part, other, mask in ((x, y, condition), (y, x, None)):
        if hides(part):
            mask = opposite(low, condition) if mask is None else mask
            return low.act(add(low, STAND_ADD, low.act(other, condition),
                               low.b.scale(mask, HIDDEN)))
    chosen = mul(low, node, condition, x)
    rest = mul(low, node, opposite(low, condition), y)
    return add(low, STAND_ADD, chosen, rest)


def ranked(low, x, dim, count, keepdim=True, largest=True):
    """Return the count largest numbers along an axis, in order, and their places."""
    x = low.act(x)
    dim %= max(len(x.shape), 1)
    last = Act(x.value, np.moveaxis(x.index, dim, -1))
    n = last.shape[-1]
    source = last if largest else low.b.scale(last, -1.0)
    value, h, field = low.b.fields(source, n)
    held = low.b.values[value]
    out = low.b.node("rank_fields", [value], held.rows, held.cols, channels=held.cols,
                     heads=h)
    rank = Act(out, (field[:, None] * n + np.arange(n)).reshape(last.shape))
    above_ = [low.b.unary("positive", shifted(low, low.b.scale(rank, -1.0), j + 0.5))
              for j in range(count)]  # 1 for the numbers of rank 0 ... j
    hots = [one if j == 0 else low.b.binary("sum", one, low.b.scale(above_[j - 1], -1.0))
            for j, one in enumerate(above_)]
    hot = hots[0]
    hot = Act(hot.value, hot.index[..., None, :]) if count == 1 else cat(
        low, None, [Act(one.value, one.index[..., None, :]) for one in hots],
        len(last.shape) - 1)  # ..., place, integer
    wide = Act(last.value, np.broadcast_to(last.index[..., None, :], hot.shape))
    values = low.b.reduce("sum_fields", low.b.binary("product", hot, wide),
                          [len(hot.shape) - 1])
    values = Act(values.value, np.moveaxis(values.index, -1, dim))
    choice = Choice(Act(hot.value, np.moveaxis(np.moveaxis(hot.index, -1, 0), -1,
                                               dim + 1)))
    if not keepdim:
        values, choice = (moved(one, lambda i: np.squeeze(i, dim))
                          for one in (values, choice))
    return [values, choice]


@handles("topk")
def topk(low, node, x, count, dim=-1, largest=True, sorted_=True):
    return ranked(low, x, dim, count, largest=largest)


@handles("sort", "argsort")
def sort(low, node, x, *rest, **more):
    rest = list(rest)
    if rest and (rest[0] is None or isinstance(rest[0], bool)) and \
            "stable" in str(node.target):
        rest.pop(0)  # sort.stable(x, stable, dim, descending)
    dim = more.get("dim", rest[0] if rest else -1)
    descending = more.get("descending", rest[1] if len(rest) > 1 else False)
    out = ranked(low, x, dim, x.shape[dim], largest=descending)
    return out[1] if op_name(node) == "argsort" else out


@handles("argmax", "argmin")
def argmax(low, node, x, dim=None, keepdim=False):
    x = low.act(x)
    if dim is None:
        if keepdim:
            low.refuse(node, "keeps the dimensions of a whole tensor; give dim")
        x, dim = Act(x.value, x.index.reshape(-1)), 0
    return ranked(low, x, dim, 1, keepdim, op_name(node) == "argmax")[1]


def chosen_numbers(low, x):
    """Return a choice as numbers."""
    count = x.hot.shape[0]
    numbers = np.arange(count).reshape((-1,) + (1,) * len(x.shape))
    return low.b.reduce("sum_fields", low.b.with_table("times_table", x.hot, numbers),
                        [0])


@handles("one_hot")
def one_hot(low, node, x, classes=-1):
    count = node.meta["val"].shape[-1]
    return chosen_is(unsqueeze(low, node, x, -1), torch.arange(count))


def chosen_sum(low, hot, index, x):
    """Sum hot times what is taken for each choice, over the choices."""
    index = Act(x.value, index)
    hot = Act(hot.value, np.broadcast_to(hot.index, index.shape))
    return low.b.reduce("sum_fields", low.b.binary("product", hot, index), [0])


def chosen_index(low, node, x, indices):
    """x[..., choice, ...]: the sum over all choices, of which one counts."""
    if sum(isinstance(one, Choice) for one in indices) != 1 or any(
            isinstance(one, (Act, Par)) for one in indices):
        low.refuse(node, "takes places that depend on parameters, more than one at once")
    where_ = next(i for i, one in enumerate(indices) if isinstance(one, Choice))
    choice, count = indices[where_], x.shape[where_]
    if choice.hot.shape[0] > count:
        choice = Choice(Act(choice.hot.value, choice.hot.index[:count]))
    if sum(one is not None for one in indices) == 1 and where_ == 0 and \
            isinstance(x, (Par, torch.Tensor)):
        rest = tuple(x.shape[1:])
        flat = x[:choice.hot.shape[0]].reshape(choice.hot.shape[0], -1) \
            if isinstance(x, torch.Tensor) else \
            moved(x, lambda i: i[:choice.hot.shape[0]].reshape(choice.hot.shape[0], -1))
        hot = moved(choice.hot, lambda i: np.moveaxis(i, 0, -1).reshape(-1, len(i)))
        out = matmul(low, node, hot, flat)
        return moved(out, lambda i: i.reshape(choice.shape + rest))
    x = low.act(x, choice.hot)
    given = {i: one.each[0] if isinstance(one, Data) and one.equal() else one
             for i, one in enumerate(indices) if one is not None}
    if any(isinstance(one, Data) for one in given.values()):
        low.refuse(node, "takes places that depend on the example and on parameters")
    taken = []
    for c in range(choice.hot.shape[0]):
        at = [slice(None)] * len(indices)
        for i, one in given.items():
            at[i] = np.full(choice.shape, c) if i == where_ else one.numpy()
        taken.append(x.index[tuple(at)])
    shape = np.broadcast_shapes(*(tuple(one.shape) for one in given.values()))
    places_ = sorted(given)
    first = places_[0] if places_ == list(range(places_[0], places_[-1] + 1)) else 0
    after = taken[0].ndim - first - len(shape)
    hot = choice.hot.index.reshape((len(taken),) + (1,) * (len(shape) -
                                                           len(choice.shape)) +
                                   choice.shape)
    hot = hot.reshape((len(taken),) + (1,) * first + hot.shape[1:] + (1,) * after)
    return chosen_sum(low, Act(choice.hot.value, hot), np.stack(taken), x)


def chosen_gather(low, x, dim, at):
    x = low.act(x, at.hot)
    cut = tuple(slice(0, s) if d != dim else slice(None) for d, s in enumerate(at.shape))
    taken = [np.broadcast_to(np.take(x.index[cut], [c], axis=dim), at.shape)
             for c in range(min(at.hot.shape[0], x.shape[dim]))]
    hot = Act(at.hot.value, at.hot.index[:len(taken)])
    return chosen_sum(low, hot, np.stack(taken), x)


def chosen_scatter(low, node, x, dim, at, y, reduce=None):
    """Put numbers in the chosen places along an axis; the places of scatter differ."""
    if reduce is not None or not isinstance(at, Choice):
        low.refuse(node, "writes in a form that is not known; its places are expected "
                         "to be constants, or to come from topk, sort or argmax")
    dim %= len(x.shape)
    if any(a != b for d, (a, b) in enumerate(zip(x.shape, at.shape)) if d != dim):
        low.refuse(node, "writes to a part of the tensor only")
    hot = moved(at.hot, lambda i: np.moveaxis(i, dim + 1, -1))  # class, ..., place
    hot = Act(hot.value, hot.index[:x.shape[dim]])
    if isinstance(y, (Act, Par, Data, Choice)):
        y = low.act(y)
        y = Act(y.value, y.index[tuple(slice(0, s) for s in at.shape)])
        y = Act(y.value, np.moveaxis(y.index, dim, -1)[None])
    elif isinstance(y, torch.Tensor) and y.ndim:
        y = y[tuple(slice(0, s) for s in at.shape)].movedim(dim, -1)[None]
    axis = [len(hot.shape) - 1]
    put = mul(low, node, hot, y if not is_number(y) else float(y))
    put = low.b.reduce("sum_fields", put, axis) if isinstance(put, Act) else \
        torch.zeros(hot.shape[:-1], dtype=torch.float64)
    put = moved(put, lambda i: np.moveaxis(i, 0, dim)) if isinstance(put, Act) else \
        put.movedim(0, dim)
    if op_name(node) == "scatter":
        free = opposite(low, low.b.reduce("sum_fields", hot, axis))
        free = Act(free.value, np.moveaxis(free.index, 0, dim))
        if isinstance(x, torch.Tensor) and not x.any():
            return put
        if isinstance(x, torch.Tensor) and (x == HIDDEN).all() or \
                isinstance(x, torch.Tensor) and torch.isneginf(x).all():
            return add(low, STAND_ADD, put, low.b.scale(free, HIDDEN))
        x = mul(low, node, free, x)
    return add(low, STAND_ADD, x, put)


# Reductions

@handles("sum")
def sum_(low, node, x, dim=None, keepdim=False, dtype=None):
    x = low.act(x)
    axes = axes_of(x, dim)
    return with_kept(low.b.reduce("sum_fields", x, axes), x, axes, keepdim)


@handles("mean")
def mean(low, node, x, dim=None, keepdim=False, dtype=None):
    x = low.act(x)
    axes = axes_of(x, dim)
    return with_kept(low.b.mean(x, axes), x, axes, keepdim)


@handles("var", "var_mean", "std")
def var(low, node, x, dim=None, *rest, correction=None, keepdim=False, unbiased=None):
    x = low.act(x)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if rest:
        unbiased = rest[0] if isinstance(rest[0], bool) else unbiased
        keepdim = rest[1] if len(rest) > 1 else keepdim
    correction = (1 if unbiased is None else int(unbiased)) if correction is None \
        else correction
    axes = axes_of(x, dim)
    count = int(np.prod([x.shape[i] for i in axes], dtype=int))
    middle = with_kept(low.b.mean(x, axes), x, axes, True)
    apart = low.b.binary("sum", x, low.b.scale(middle, -1.0))
    out = low.b.reduce("sum_fields", low.b.unary("square", apart), axes)
    out = with_kept(low.b.scale(out, 1 / (count - correction)), x, axes, keepdim)
    if op_name(node) == "std":
        return low.b.unary("sqrt", out)
    if op_name(node) == "var":
        return out
    return [out, middle if keepdim else Act(middle.value,
                                            middle.index.squeeze(tuple(axes)))]


@handles("linalg_vector_norm", "norm")
def norm(low, node, x, p=2, dim=None, keepdim=False, dtype=None):
    x = low.act(x)
    axes = axes_of(x, dim)
    if p == 1:
        out = low.b.reduce("sum_fields", low.b.unary("abs", x), axes)
    elif p == 2:
        out = low.b.unary("sqrt", low.b.reduce("sum_fields", low.b.unary("square", x),
                                               axes))
    elif math.isinf(p):
        sign_ = math.copysign(1.0, p)
        out = low.b.scale(low.b.reduce("max_fields", low.b.scale(
            low.b.unary("abs", x), sign_), axes), sign_)
    elif p:
        powers = low.b.unary("power", low.b.unary("abs", x), constant=float(p))
        out = low.b.unary("power", low.b.reduce("sum_fields", powers, axes),
                          constant=1 / p)
    else:
        low.refuse(node, "has order 0, which counts; compare the numbers with 0, and sum")
    return with_kept(out, x, axes, keepdim)


@handles("_softmax", "softmax", "_safe_softmax")
def softmax(low, node, x, dim, *rest, **more):
    x = low.act(x)
    last = Act(x.value, np.moveaxis(x.index, dim, -1))
    out = low.b.softmax(last)
    return Act(out.value, np.moveaxis(out.index, -1, dim))


def log_sum(low, x, axes):
    top = low.b.reduce("max_fields", x, axes)
    less = low.b.binary("sum", x, low.b.scale(with_kept(top, x, axes, True), -1.0))
    total = low.b.reduce("sum_fields", low.b.unary("exp", less), axes)
    return low.b.binary("sum", low.b.unary("log", total), top)


@handles("_log_softmax", "log_softmax")
def log_softmax(low, node, x, dim, *rest, **more):
    x = low.act(x)
    axes = axes_of(x, dim)
    total = with_kept(log_sum(low, x, axes), x, axes, True)
    return low.b.binary("sum", x, low.b.scale(total, -1.0))


@handles("logsumexp")
def logsumexp(low, node, x, dim, keepdim=False):
    x = low.act(x)
    axes = axes_of(x, dim)
    return with_kept(log_sum(low, x, axes), x, axes, keepdim)


@handles("cumsum")
def cumsum(low, node, x, dim, dtype=None):
    x = low.act(x)
    last = Act(x.value, np.moveaxis(x.index, dim, -1))
    n = last.shape[-1]
    out = matmul(low, node, last, torch.triu(torch.ones(n, n, dtype=torch.float64)))
    return Act(out.value, np.moveaxis(out.index, -1, dim))


def one_by_one(low, x, dim, function):
    """Return the results of function(result so far, next number) along an axis."""
    x = low.act(x)
    dim %= max(len(x.shape), 1)
    parts = [Act(x.value, np.take(x.index, [i], axis=dim)) for i in range(x.shape[dim])]
    for i in range(1, len(parts)):
        parts[i] = function(parts[i - 1], parts[i])
    return parts, dim


@handles("prod", "cumprod")
def product(low, node, x, dim=None, keepdim=False, dtype=None):
    x = low.act(x)
    if dim is None:
        x, dim = Act(x.value, x.index.reshape(-1)), 0
    parts, dim = one_by_one(low, x, dim, lambda a, b: low.b.binary("product", a, b))
    if op_name(node) == "cumprod":
        return cat(low, node, parts, dim)
    return parts[-1] if keepdim else moved(parts[-1], lambda i: i.squeeze(dim))


@handles("cummax", "cummin", "logcumsumexp")
def cumulative(low, node, x, dim):
    name = op_name(node)
    stand = node_named(node, {"cummax": "maximum", "cummin": "minimum",
                              "logcumsumexp": "logaddexp"}[name], "")
    function = logaddexp if name == "logcumsumexp" else maximum
    parts, dim = one_by_one(low, x, dim, lambda a, b: function(low, stand, a, b))
    out = cat(low, node, parts, dim)
    return out if name == "logcumsumexp" else [out, None]


@handles("median", "kthvalue", "nanmedian")
def kth(low, node, x, *rest, **more):
    """The kth smallest number along an axis, and its place."""
    x, rest = low.act(x), list(rest)
    k = rest.pop(0) if op_name(node) == "kthvalue" else None
    whole_ = k is None and not rest
    if whole_:
        x = Act(x.value, x.index.reshape(-1))
    dim = rest[0] if rest else more.get("dim", -1)
    keepdim = rest[1] if len(rest) > 1 else more.get("keepdim", False)
    k = (x.shape[dim] + 1) // 2 if k is None else k
    values, choice = ranked(low, x, dim, k, largest=False)
    cut = [moved(one, lambda i: np.take(i, [k - 1], axis=dim)) for one in (values, choice)]
    if whole_ or not keepdim:
        cut = [moved(one, lambda i: np.squeeze(i, dim)) for one in cut]
    return cut[0] if whole_ else cut


# Products

@handles("linear")
def linear(low, node, x, w, bias=None):
    if isinstance(x, Data):
        x = low.act(x)
    if isinstance(x, torch.Tensor) and isinstance(w, Par):
        if not bool(x.any()) and isinstance(bias, Par):
            return moved(bias, lambda i: np.broadcast_to(i, tuple(x.shape[:-1]) +
                                                         i.shape))
        x = low.b.constant(low.act(w), x.double().numpy())
    if isinstance(w, Par) and isinstance(x, Act) and len(w.shape) == 2 and \
            (bias is None or isinstance(bias, Par)):
        out = low.b.linear(x, w, bias)
        if out is not None:
            return out
    out = matmul(low, node, x, w.t() if isinstance(w, torch.Tensor) else t(low, node, w))
    return out if bias is None else add(low, node_named(node, "add"), out, bias)


@handles("matmul", "mm", "bmm", "mv", "dot")
def matmul(low, node, x, y):
    if isinstance(x, Data):
        x = low.act(x)
    if isinstance(y, Data):
        y = low.act(y)
    if len(y.shape) == 1:
        out = matmul(low, node, x, y.unsqueeze(1) if isinstance(y, torch.Tensor)
                     else unsqueeze(low, node, y, 1))
        return squeeze(low, node, out, -1)
    if len(x.shape) == 1:
        out = matmul(low, node, x.unsqueeze(0) if isinstance(x, torch.Tensor)
                     else unsqueeze(low, node, x, 0), y)
        return squeeze(low, node, out, -2)
    if isinstance(y, Par) and isinstance(x, Act) and \
            all(s == 1 for s in y.shape[:-2]):
        out = low.b.linear(x, Par(y.name, y.index.reshape(y.shape[-2:]).T), None)
        if out is not None:
            return out
    if isinstance(x, Par) and isinstance(y, Act) and \
            all(s == 1 for s in x.shape[:-2]):
        turned = Act(y.value, y.index.swapaxes(-1, -2))
        out = low.b.linear(turned, Par(x.name, x.index.reshape(x.shape[-2:])), None)
        if out is not None:
            return Act(out.value, out.index.swapaxes(-1, -2))
    near = next((v for v in (x, y) if isinstance(v, Act)), None)
    if near is None:
        near = low.act(next(v for v in (x, y) if isinstance(v, Par)))
    a, b = low.act(x, near), low.act(y, near)
    m, k = a.shape[-2:]
    n = b.shape[-1]
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    # One factor without outer axes: its rows and those of all outer axes are the same.
    if all(s == 1 for s in b.shape[:-2]) and int(np.prod(outer, dtype=int)) > 1 and \
            not (low.b.values[a.value].node and
                 low.b.values[a.value].node.operator.startswith("softmax")):
        flat = Act(a.value, a.index.reshape(1, -1, k))
        out = low.b.product_of_matrices(flat, Act(b.value, b.index.reshape(1, k, n)))
        return Act(out.value, out.index.reshape(outer + (m, n)))
    a = Act(a.value, np.broadcast_to(a.index, outer + (m, k)).reshape(-1, m, k))
    b = Act(b.value, np.broadcast_to(b.index, outer + (k, n)).reshape(-1, k, n))
    out = low.b.product_of_matrices(a, b)
    return Act(out.value, out.index.reshape(outer + (m, n)))


@handles("addmm", "baddbmm")
def addmm(low, node, bias, x, w, beta=1, alpha=1):
    if beta == alpha == 1 and isinstance(bias, Par) and len(bias.shape) == 1 and \
            isinstance(w, Par) and len(w.shape) == 2 and isinstance(x, (Act, Data)):
        out = low.b.linear(low.act(x), Par(w.name, w.index.T), bias)
        if out is not None:
            return out
    out = matmul(low, node, x, w)
    out = low.b.scale(out, float(alpha))
    return add(low, node_named(node, "add"), out, bias, alpha=beta)


@handles("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu")
def attention(low, node, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, *,
              scale=None, enable_gqa=False):
    mask = attn_mask
    if dropout_p:
        low.refuse(node, "has dropout, which draws random numbers; call module.eval()")
    q, k, v = (low.act(x) for x in (q, k, v))
    e = q.shape[-1]
    scale = 1 / math.sqrt(e) if scale is None else scale
    if enable_gqa:
        k, v = (moved(x, lambda i: np.repeat(i, q.shape[-3] // i.shape[-3], axis=-3))
                for x in (k, v))
    outer = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = (Act(x.value, np.broadcast_to(x.index, outer + x.shape[-2:]).reshape(
        (-1,) + x.shape[-2:])) for x in (q, k, v))
    m, n = q.shape[1], k.shape[1]
    s = low.b.scores(q, k, float(scale))
    if is_causal:
        mask = torch.ones(m, n, dtype=torch.bool).tril()
    if mask is not None:
        s = Act(s.value, s.index.reshape(outer + (m, n)))
        boolean = mask.dtype == torch.bool if isinstance(mask, (torch.Tensor, Data)) \
            else False
        if isinstance(mask, Data) and mask.equal():
            mask = mask.each[0]
        if boolean:
            mask = Data([torch.where(one, 0.0, HIDDEN).double() for one in mask.each]) \
                if isinstance(mask, Data) else torch.where(mask, 0.0, HIDDEN).double()
            if isinstance(mask, torch.Tensor) and (mask < 0).all(-1).any():
                low.refuse(node, "has a row of the mask that hides all tokens")
        if isinstance(mask, Data):
            mask = Data([one.double().clamp(min=HIDDEN) for one in mask.each])
            s = low.b.binary("sum", s, low.act(mask))
        else:
            s = low.act(add(low, node_named(node, "add"), s, mask))
    p = low.b.softmax(Act(s.value, s.index.reshape(-1, m, n)))
    out = low.b.mix(p, v)
    return Act(out.value, out.index.reshape(outer + (m, v.shape[-1])))


def node_named(node, name, overload="Tensor"):
    """Stand in for a node of another operator in messages and names."""
    class Stand:
        packet = getattr(torch.ops.aten, name)
        target = getattr(packet, overload or packet.overloads()[0])
        meta = node.meta
    return Stand()


class Stand:
    """A node of an operator that another one is made of."""

    def __init__(self, name):
        self.target, self.meta = getattr(torch.ops.aten, name).Tensor, {}


STAND_ADD, STAND_SUB = Stand("add"), Stand("sub")


@handles("embedding")
def embedding(low, node, w, ids, *rest):
    if isinstance(ids, Choice):
        return chosen_index(low, node, w, [ids])
    if isinstance(w, (torch.Tensor, Data)):
        low.refuse(node, "has ids that depend on parameters")
    if not isinstance(w, Par):
        if isinstance(ids, Data) and not ids.equal():
            low.refuse(node, "reads a table that is computed; apply the computation "
                             "after the embedding")
        ids = ids.each[0] if isinstance(ids, Data) else ids
        return moved(w, lambda i: i[ids.numpy()])
    count, c = w.shape
    b = low.b
    fast = whole(w.index, int(np.prod(b.shapes[w.name]))) and \
        w.name not in b.spread_only and len(b.shapes[w.name]) == 2
    if isinstance(ids, Data):
        if not fast:
            hot = Data([torch.nn.functional.one_hot(one, count).double()
                        for one in ids.each])
            return matmul(low, node, hot, w)
        stream = low.stream(ids)
        if stream.min() < 0 or stream.max() >= count:
            low.refuse(node, f"has ids from {stream.min()} to {stream.max()}, expected "
                             f"0 to {count - 1}")
        tokens = stream.shape[1]
        value = b.node("embedding", [b.param(w.name, count, c, True)], tokens, c,
                       "tokens", stream, channels=count, outputs=c)
        return Act(value, np.arange(tokens * c).reshape(ids.shape + (c,)))
    flat = ids.numpy().reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >= count):
        low.refuse(node, f"has ids from {flat.min()} to {flat.max()}, expected 0 to "
                         f"{count - 1}")
    if fast and flat.size > 1 and np.array_equal(flat, flat[0] + np.arange(flat.size)):
        value = b.node("embedding", [b.param(w.name, count, c, True)], flat.size, c,
                       "positions", channels=count, outputs=c, token=int(flat[0]))
        return Act(value, np.arange(flat.size * c).reshape(tuple(ids.shape) + (c,)))
    if fast and flat.size > 1 and (flat == 0).all():
        value = b.node("embedding", [b.param(w.name, count, c, True)], flat.size, c,
                       "types", channels=count, outputs=c)
        return Act(value, np.arange(flat.size * c).reshape(tuple(ids.shape) + (c,)))
    return moved(w, lambda i: i[ids.numpy()])


# Normalisation

@handles("native_layer_norm", "layer_norm")
def layer_norm(low, node, x, shape, w=None, bias=None, eps=1e-5, *rest):
    x = low.act(x)
    e = int(np.prod(shape))
    flat = Act(x.value, x.index.reshape(-1, e))
    b = low.b
    vectors = [one for one in (w, bias) if one is not None]
    fast = all(isinstance(one, Par) and
               whole(one.index, int(np.prod(b.shapes[one.name]))) and
               one.name not in b.spread_only for one in vectors) and \
        not (w is None and bias is not None)
    value, h, field = b.fields(flat, e)
    if h > 1 and (not fast or len(vectors) != 2):
        value, h, field = b.fields(flat, e, heads=False)
    source = b.values[value]
    name = "layernorm_plain"
    if fast and vectors:
        name = ("layernorm" if bias is not None else "layernorm_unbiased") + \
            "_heads" * (h > 1)
    params = [b.param(one.name, 1, e) for one in vectors] if fast else []
    sizes = {"heads": h} if h > 1 else {}
    out = b.node(name, [value] + params, source.rows, source.cols,
                 channels=source.cols, constant=float(eps), **sizes)
    out = Act(out, (field[:, None] * e + np.arange(e)).reshape(x.shape))
    if not fast:
        out = out if w is None else mul(low, node, out, w)
        out = out if bias is None else add(low, node_named(node, "add"), out, bias)
    return [out, None, None] if op_name(node).startswith("native") else out


@handles("rms_norm", "_fused_rms_norm")
def rms_norm(low, node, x, shape, w=None, eps=None):
    x = low.act(x)
    eps = 2.0 ** -52 if eps is None else eps
    out = low.rms(x, w, float(eps)) if isinstance(w, Par) and len(shape) == 1 else None
    if out is None:
        axes = list(range(len(x.shape) - len(shape), len(x.shape)))
        square = with_kept(low.b.mean(low.b.unary("square", x), axes), x, axes, True)
        r = low.b.unary("rsqrt", shifted(low, square, eps))
        out = low.b.binary("product", x, r)
        out = out if w is None else mul(low, node, out, w)
    return [out, None] if op_name(node).startswith("_fused") else out


def along_channels(x, rank):
    """Return a vector with an axis for each of the tensor's, channels second."""
    shape = [1, -1] + [1] * (rank - 2)
    return x.reshape(shape) if isinstance(x, torch.Tensor) else \
        moved(x, lambda i: i.reshape(shape))


@handles("native_group_norm", "group_norm")
def group_norm(low, node, x, *rest):
    x = low.act(x)
    if op_name(node) == "group_norm":
        groups, w, bias, eps = (list(rest) + [None, None, 1e-5][len(rest) - 1:])[:4]
    else:
        w, bias, _, _, _, groups, eps = rest
    rows = Act(x.value, x.index.reshape(groups, -1))
    e = rows.shape[1]
    value, _, field = low.b.fields(rows, e, heads=False)
    source = low.b.values[value]
    out = low.b.node("layernorm_plain", [value], source.rows, e, channels=e,
                     constant=float(eps))
    out = Act(out, (field[:, None] * e + np.arange(e)).reshape(x.shape))
    if w is not None:
        out = mul(low, node, out, along_channels(w, len(x.shape)))
    if bias is not None:
        out = add(low, node_named(node, "add"), out, along_channels(bias, len(x.shape)))
    return [out, None, None] if op_name(node).startswith("native") else out


@handles("instance_norm")
def instance_norm(low, node, x, w, bias, mean_, var_, own, momentum, eps, fast=False):
    if own:
        return group_norm(low, node_named(node, "group_norm", ""), x, x.shape[1], w, bias,
                          eps)
    return batch_norm(low, node_named(node, "batch_norm", ""), x, w, bias, mean_, var_,
                      False, momentum, eps, False)


@handles("_native_batch_norm_legit_no_training", "_native_batch_norm_legit",
         "_native_batch_norm_legit_functional", "native_batch_norm", "batch_norm")
def batch_norm(low, node, x, w, bias, *rest):
    name = op_name(node)
    x = low.act(x)
    numbers = [one for one in rest if is_number(one) and not isinstance(one, bool)]
    flags = [one for one in rest if isinstance(one, bool)]
    statistics = [one for one in rest if isinstance(one, torch.Tensor)]
    eps = float(numbers[1])
    training = bool(flags[0]) if flags else False
    rank, c = len(x.shape), x.shape[1]
    last = Act(x.value, np.moveaxis(x.index, 1, -1))
    affine = isinstance(w, Par) and isinstance(bias, Par)
    if training:
        if not affine:
            low.refuse(node, "has no weight and bias in training mode; use affine=True, "
                             "or call module.eval()")
        value, _, rows = low.b.fields(last, c, heads=False)
        source = low.b.values[value]
        out = low.b.node("batchnorm", [value, low.b.param(w.name, 1, c),
                                       low.b.param(bias.name, 1, c)], source.rows, c,
                         channels=c, constant=eps)
        low.coupled = module_of(node)
    elif affine and all(id(one) in low.buffer_names for one in statistics):
        value, _, rows = low.b.fields(last, c, heads=False)
        source = low.b.values[value]
        names = tuple(low.buffer_names[id(one)] for one in statistics)
        key = ("constant", names)
        if key not in low.b.known:
            from .graph_builder import Value
            low.b.known[key] = low.b.add(Value("constant", 2, c, key=names))
        out = low.b.node("batchnorm_given", [value, low.b.param(w.name, 1, c),
                                             low.b.param(bias.name, 1, c),
                                             low.b.known[key]], source.rows, c,
                         channels=c, constant=eps)
    else:
        r = 1 / torch.sqrt(statistics[1].double() + eps)
        shape = [1, -1] + [1] * (rank - 2)
        y = low.b.with_table("times_table", x, r.reshape(shape).numpy())
        y = low.b.with_table("add_table", y,
                             (-statistics[0] * r).reshape(shape).numpy())
        y = y if w is None else mul(low, node, y, along_channels(w, rank))
        y = y if bias is None else add(low, node_named(node, "add"), y,
                                       along_channels(bias, rank))
        return y if name == "batch_norm" else [y] + [None] * 4
    index = (rows[:, None] * c + np.arange(c)).reshape(last.shape)
    y = Act(out, np.moveaxis(index, -1, 1))
    return y if name == "batch_norm" else [y] + [None] * 4


# Images

def windows(size, kernel, stride, dilation):
    places_ = (size - dilation * (kernel - 1) - 1) // stride + 1
    return np.arange(places_)[:, None] * stride + np.arange(kernel) * dilation


@handles("convolution")
def convolution(low, node, x, w, bias, stride, padding, dilation, transposed,
                output_padding, groups):
    x = low.act(x)
    rank = len(x.shape) - 2
    if isinstance(padding, str):
        low.refuse(node, "has padding by a word")
    stride, padding, dilation = (list(one) * rank if len(one) == 1 else list(one)
                                 for one in (stride, padding, dilation))
    b = low.b
    if transposed:
        return transposed_convolution(low, node, x, w, bias, stride, padding, dilation,
                                      output_padding, groups)
    kernel = list(w.shape[2:])
    c, o = x.shape[1], w.shape[0]
    image = list(x.shape[2:])
    plain = groups == 1 and isinstance(w, Par) and whole(w.index, w.index.size) and \
        w.name not in b.spread_only and w.index.size == int(np.prod(b.shapes[w.name])) and \
        (bias is None or isinstance(bias, Par) and b.part_of(bias)[0] is None)
    if plain and rank <= 2 and set(dilation) <= {1} and len(set(stride)) == 1 and \
            (rank == 2 and len(set(padding)) == 1 or rank == 1 and not padding[0]) and \
            all(p < k for p, k in zip(padding, kernel)):
        rows, cols = image if rank == 2 else [1] + image
        kr, kc = kernel if rank == 2 else [1] + kernel
        pixels = Act(x.value, np.moveaxis(x.index[0], 0, -1).reshape(-1, c))
        value = b.gather(pixels.value, pixels.index)
        out_image = [(s + 2 * p - k) // stride[0] + 1
                     for s, p, k in zip(image, padding, kernel)]
        tokens = int(np.prod(out_image))
        inputs = [value, b.param(w.name, o, c * kr * kc, True)]
        if bias is not None:
            inputs.append(b.param(bias.name, 1, o))
        out = b.node("conv" if bias is not None else "conv_unbiased", inputs, tokens, o,
                     channels=c, outputs=o, rows=rows, cols=cols, kernel_rows=kr,
                     kernel_cols=kc, stride=stride[0], pad=padding[0])
        index = np.arange(tokens * o).reshape(out_image + [o])
        return Act(out, np.moveaxis(index, -1, 0)[None])
    # Patches are gathered, and then it is a linear map.
    pad = np.pad(x.index[0], [(0, 0)] + [(p, p) for p in padding], constant_values=-1)
    return patches_times(low, node, pad, x.value, w, bias, stride, dilation, groups)


def patches_times(low, node, pad, value, w, bias, stride, dilation, groups):
    b = low.b
    rank = pad.ndim - 1
    kernel = list(w.shape[2:])
    c, o = pad.shape[0], w.shape[0]
    patch = pad
    for d in range(rank):  # each axis becomes places, and its kernel goes to the end
        at = windows(pad.shape[1 + d], kernel[d], stride[d], dilation[d])
        patch = np.moveaxis(np.take(patch, at, axis=1 + d), 2 + d, -1)
    out_image = list(patch.shape[1:1 + rank])
    q = int(np.prod(kernel))
    tokens = int(np.prod(out_image))
    patch = patch.reshape(c, tokens, q).transpose(1, 0, 2)  # places, channels, kernel
    if groups == 1:
        out = linear(low, node, Act(value, patch.reshape(tokens, c * q)),
                     moved(w, lambda i: i.reshape(o, c * q)) if not isinstance(
                         w, torch.Tensor) else w.reshape(o, c * q), bias)
        bias = None
    else:
        each, mine = c // groups, o // groups
        index = np.repeat(patch.reshape(tokens, groups, 1, each * q), mine, axis=2)
        x = Act(value, index.reshape(tokens, o, each * q))
        flat = w.reshape(1, o, -1) if isinstance(w, torch.Tensor) else \
            moved(w, lambda i: i.reshape(1, o, -1))
        x = b.order(Act(x.value, x.index.reshape(tokens, -1)))
        x = Act(x.value, x.index.reshape(tokens, o, each * q))
        out = b.reduce("sum_fields", mul(low, node, x, flat), [2])
    if bias is not None:
        out = add(low, node_named(node, "add"), out,
                  bias.reshape(1, o) if isinstance(bias, torch.Tensor) else
                  moved(bias, lambda i: i.reshape(1, o)))
    index = out.index.reshape(out_image + [o])
    return Act(out.value, np.moveaxis(index, -1, 0)[None])


def transposed_convolution(low, node, x, w, bias, stride, padding, dilation,
                           output_padding, groups):
    """Zeros are put between the pixels, and the kernel is reversed."""
    rank = len(x.shape) - 2
    kernel = w.shape[2:]
    size = [(s - 1) * st + 1 for s, st in zip(x.shape[2:], stride)]
    wide = np.full([x.shape[1]] + size, -1, dtype=np.int64)
    wide[(slice(None),) + tuple(slice(None, None, s) for s in stride)] = x.index[0]
    width = []
    for p, k, d, more in zip(padding, kernel, dilation, output_padding):
        edge = d * (k - 1) - p
        width.append((edge, edge + more))
    wide = wide[(slice(None),) + tuple(  # more padding than the kernel cuts pixels off
        slice(max(-a, 0), n + min(b_, 0)) for (a, b_), n in zip(width, wide.shape[1:]))]
    wide = np.pad(wide, [(0, 0)] + [(max(a, 0), max(b_, 0)) for a, b_ in width],
                  constant_values=-1)

    def turned(i):  # inputs x outputs / groups -> outputs x inputs / groups, reversed
        c, o = i.shape[:2]
        i = i.reshape((groups, c // groups, o) + tuple(kernel)).swapaxes(1, 2)
        i = i.reshape((groups * o, c // groups) + tuple(kernel))
        return np.flip(i, tuple(range(2, 2 + rank)))
    w = torch.from_numpy(turned(w.numpy()).copy()) if isinstance(w, torch.Tensor) else \
        moved(w, turned)
    return patches_times(low, node, wide, x.value, w, bias, [1] * rank, dilation, groups)


def listed(x, rank, default=None):
    x = default if x is None or x == [] else x
    x = [x] if isinstance(x, int) else list(x)
    return x * rank if len(x) == 1 else x


@handles("slice_scatter", "select_scatter")
def scatter(low, node, x, y, dim=0, start=None, end=None, step=1):
    which = [slice(None)] * len(x.shape)
    if op_name(node) == "select_scatter":
        which[dim] = slice(start, start + 1 or None)
        y = moved(y, lambda i: np.expand_dims(i, dim)) if isinstance(y, (Act, Par)) \
            else y.unsqueeze(dim)
    else:
        which[dim] = slice(start, end, step)
    shape = tuple(x.shape)
    mine = np.zeros(shape, dtype=bool)
    mine[tuple(which)] = True
    near = next((v for v in (x, y) if isinstance(v, Act)), None)
    if isinstance(y, torch.Tensor):
        wide = torch.zeros(shape, dtype=torch.float64)
        wide[tuple(which)] = y.double()
    else:
        y = low.act(y, near)
        index_ = np.full(shape, -1, dtype=np.int64)
        index_[tuple(which)] = y.index
        wide = Act(y.value, index_)
    if isinstance(x, torch.Tensor) and isinstance(wide, Act):
        rest = np.where(mine, 0, x.double().numpy())
        return low.b.with_table("add_table", wide, rest) if rest.any() else wide
    x = low.act(x)
    rest = Act(x.value, np.where(mine, -1, x.index))
    if isinstance(wide, torch.Tensor):
        return low.b.with_table("add_table", rest, wide.numpy())
    return low.b.binary("sum", rest, wide)


# Losses

REDUCTIONS = {0: "none", 1: "mean", 2: "sum"}


def loss_of(low, node):
    """Write the program's result, a loss, as the last node; return the reduction."""
    last = low.plain(node)
    while last.op == "call_function" and op_name(last) in VIEWS and \
            op_name(last) != "detach":
        last = low.plain(last.args[0])
    name = op_name(last) if last.op == "call_function" else ""
    args = low.arguments(last)[0] if name in LOSSES else ()
    out = None
    if name == "cross_entropy_loss":
        out = cross_entropy(low, *args)
    elif name in ("mse_loss", "binary_cross_entropy_with_logits"):
        out = compared(low, name, *args)
    if out:
        return out
    x = low.get(last)
    if not isinstance(x, (Act, Par)):
        raise Refused("the loss depends on no parameter")
    if x.index.size != 1:
        raise Refused(f"the loss has {x.index.size} numbers, expected one (give loss=)")
    x = low.b.order(Act(low.act(x).value, low.act(x).index.reshape(1, 1)))
    low.b.node("mean_loss", [x.value], 0, 0, channels=1)
    return "mean"


LOSSES = ("cross_entropy_loss", "mse_loss", "binary_cross_entropy_with_logits")


def cross_entropy(low, x, y, weight=None, reduction=1, ignore=-100, smoothing=0.0):
    if weight is not None or smoothing or REDUCTIONS[reduction] == "none" or \
            not isinstance(y, (Data, torch.Tensor)) or y.dtype.is_floating_point or \
            not isinstance(x, Act):
        return None
    if isinstance(y, torch.Tensor):
        y = Data([y] * low.examples)
    x = Act(x.value, np.moveaxis(x.index, 1, -1)) if len(x.shape) > 1 else x
    classes = x.shape[-1]
    labels = np.stack([one.numpy().reshape(-1) for one in y.each]).astype(np.int64)
    labels = np.where(labels == ignore, -100, labels)
    if (labels >= classes).any() or (labels[labels != -100] < 0).any():
        raise Refused(f"labels are from {labels.min()} to {labels.max()}, expected 0 to "
                      f"{classes - 1}, or {ignore} to ignore one")
    value, _, rows = low.b.fields(x, classes, heads=False)
    tokens = low.b.values[value].rows
    if len(rows) != tokens or len(set(rows.tolist())) != tokens:
        ordered = low.b.order(Act(x.value, x.index.reshape(-1, classes)))
        value, rows = ordered.value, np.arange(len(rows))
        tokens = len(rows)
    low.labels = np.empty((len(labels), tokens), dtype=np.int64)
    low.labels[:, rows] = labels
    low.b.node("cross_entropy", [value], 0, 0, "labels", channels=classes)
    return REDUCTIONS[reduction]


def compared(low, name, x, y, *rest):
    reduction = next((one for one in rest if isinstance(one, int)), 1)
    if isinstance(x, (Data, torch.Tensor)) and name == "mse_loss":
        x, y = y, x
    if any(one is not None and not isinstance(one, int) for one in rest) or \
            REDUCTIONS[reduction] == "none" or not isinstance(x, Act) or \
            not isinstance(y, (Data, torch.Tensor)) or tuple(x.shape) != tuple(y.shape):
        return None
    if isinstance(y, torch.Tensor):
        y = Data([y] * low.examples)
    if not low.b.once(x):
        x = low.b.order(x)
    value = low.b.values[x.value]
    place = low.b.layout(x.index, x).reshape(-1)
    low.target = np.stack([one.double().numpy().reshape(-1)[place] for one in y.each])
    if not np.isfinite(low.target).all():
        raise Refused("the targets hold numbers that are not finite")
    from .graph_builder import Value
    target = low.b.add(Value("target", value.rows, value.cols))
    low.target = low.target.reshape(-1, value.rows, value.cols)
    kind = "squared_error" if name == "mse_loss" else "binary_cross_entropy"
    low.b.node(kind, [x.value, target], 0, 0, channels=value.cols)
    return REDUCTIONS[reduction]


@handles("mse_loss")
def mse_loss(low, node, x, y, reduction=1):
    out = low.b.unary("square", low.act(add(low, node_named(node, "sub"), x, y)))
    return reduced(low, out, reduction)


@handles("l1_loss")
def l1_loss(low, node, x, y, reduction=1):
    out = low.b.unary("abs", low.act(add(low, node_named(node, "sub"), x, y)))
    return reduced(low, out, reduction)


def reduced(low, x, reduction):
    kind = REDUCTIONS[reduction]
    axes = list(range(len(x.shape)))
    return x if kind == "none" else low.b.mean(x, axes) if kind == "mean" else \
        low.b.reduce("sum_fields", x, axes)


@handles("binary_cross_entropy_with_logits")
def bce(low, node, x, y, weight=None, pos_weight=None, reduction=1):
    """(1 - y) x + (1 + (pos_weight - 1) y) softplus(-x)."""
    x = low.act(x)
    down = low.b.unary("softplus", low.b.scale(x, -1.0))
    minus = node_named(node, "sub")
    if pos_weight is not None:
        down = low.act(mul(low, node, down, fold2(
            lambda t, p: 1 + (p - 1) * t, y, pos_weight)))
    out = low.act(add(low, node_named(node, "add"), mul(
        low, node, x, fold2(lambda t, _: 1 - t, y, None)), down))
    if weight is not None:
        out = low.act(mul(low, node, out, weight))
    return reduced(low, out, reduction)


def fold2(function, a, b):
    if isinstance(a, Data):
        return Data([function(one, b) for one in a.each])
    return function(a, b)


@handles("cross_entropy_loss")
def cross_entropy_general(low, node, x, y, weight=None, reduction=1, ignore=-100,
                          smoothing=0.0):
    """By general operators: weights of classes, smoothing, probabilities as labels."""
    if isinstance(y, (Act, Par)):
        low.refuse(node, "has labels that depend on parameters")
    axis = 1 if len(x.shape) > 1 else 0
    classes = x.shape[axis]
    logp = log_softmax(low, node, x, axis)

    def coefficients(label):
        """Return the factor of each log-probability, and the weight of the mean."""
        if label.dtype.is_floating_point:
            hot = label.double().movedim(axis, -1)
            hot = hot * (1 - smoothing) + smoothing / classes
            hot = hot if weight is None else hot * weight.double()
            total = torch.tensor(float(hot[..., 0].numel()))
        else:
            kept = label != ignore
            hot = torch.nn.functional.one_hot(label.clamp(min=0), classes).double()
            w = torch.ones(classes, dtype=torch.float64) if weight is None else \
                weight.double()
            own = w[label.clamp(min=0)] * kept
            hot = (1 - smoothing) * hot * own[..., None] + \
                smoothing / classes * w * kept[..., None]
            total = own.sum()
        kind = REDUCTIONS[reduction]
        return -hot.movedim(-1, axis) / (total if kind == "mean" else 1)
    factors = Data([coefficients(one) for one in y.each]) if isinstance(y, Data) else \
        coefficients(y)
    out = low.act(mul(low, node, logp, factors))
    axes = [axis] if REDUCTIONS[reduction] == "none" else range(len(out.shape))
    return low.b.reduce("sum_fields", out, list(axes))


@handles("nll_loss_nd", "nll_loss", "nll_loss_forward")
def nll_loss(low, node, x, y, weight=None, reduction=1, ignore=-100):
    def coefficients(label):
        kept = label != ignore
        classes = x.shape[1 if len(x.shape) > 1 else 0]
        hot = torch.nn.functional.one_hot(label.clamp(min=0), classes).double()
        own = kept.double() if weight is None else \
            weight.double()[label.clamp(min=0)] * kept
        hot = -hot * own[..., None] / (own.sum() if REDUCTIONS[reduction] == "mean"
                                       else 1)
        return hot.movedim(-1, 1) if len(x.shape) > 1 else hot
    factors = Data([coefficients(one) for one in y.each]) if isinstance(y, Data) else \
        coefficients(y)
    out = low.act(mul(low, node, x, factors))
    if REDUCTIONS[reduction] == "none":
        low.refuse(node, "has the reduction none")
    out = low.b.reduce("sum_fields", out, list(range(len(out.shape))))
    return [out, None] if op_name(node).endswith("forward") else out
