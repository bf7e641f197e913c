"""A network as a graph in the format of docs/graph.md, while it is made.

An activation is a matrix of tokens x channels. `Act` names single numbers of an
activation: its array `index` has the shape that the tensor has in PyTorch, and holds the
place of each number (token * channels + channel), or -1 for a zero. So views, slices,
transposes and expansions only compute with index arrays, and a node that moves numbers is
written only where an operator needs another order.
"""
import dataclasses

import numpy as np

MOST = 1 << 24  # the largest size that hesse reads
HIDDEN = -1e308  # what a mask adds to a score that softmax must not see


class Refused(Exception):
    """The module cannot be written as a graph; the text says why."""


@dataclasses.dataclass
class Act:
    value: int
    index: np.ndarray

    @property
    def shape(self):
        return self.index.shape


@dataclasses.dataclass
class Par:
    """Numbers of a parameter: places in its row-major order."""
    name: str
    index: np.ndarray

    @property
    def shape(self):
        return self.index.shape


@dataclasses.dataclass
class Choice:
    """Integers that parameters choose, such as the experts of a token. `hot` has a first
    axis for the integers that can be chosen; its numbers are 1 for the chosen one, else
    0."""
    hot: Act

    @property
    def shape(self):
        return self.hot.shape[1:]


@dataclasses.dataclass
class Value:
    kind: str
    rows: int = 0  # tokens of an activation
    cols: int = 0  # its width
    node: object = None
    numbers: np.ndarray = None  # of a table
    key: object = None  # (tensor, slice) of a parameter; stream or block of an input
    extra: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Node:
    operator: str
    inputs: list
    output: int
    sizes: dict
    ids: str = None
    stream: object = None  # of an embedding: the stream of ids that it reads


class Conflict(Exception):
    """Two uses of a parameter need different matrices; it must be spread."""

    def __init__(self, name):
        self.name = name


def whole(index, count):
    """Return true if an index array lists all places once and in order."""
    return index.size == count and np.array_equal(index.reshape(-1), np.arange(count))


class Builder:
    def __init__(self, shapes, spread):
        self.values, self.nodes, self.known = [], [], {}
        self.shapes = shapes  # shape of every parameter's tensor
        self.spread_only = spread  # parameters that no fast operator may read
        self.matrices = {}  # tensor -> (rows, cols, out_rows)
        self.params = {}  # (tensor, slice) -> value
        self.slices = {}  # tensor -> set of slices; None is the whole

    # Values

    def add(self, value):
        if max(value.rows, value.cols) > MOST or value.rows * value.cols >= 1 << 31:
            raise Refused(f"an array of {value.rows} x {value.cols} numbers for one "
                          f"example is too large, expected at most {MOST} tokens and "
                          "channels")
        self.values.append(value)
        return len(self.values) - 1

    def node(self, operator, inputs, tokens, width, ids=None, stream=None, **sizes):
        sizes = {name: size for name, size in sizes.items() if size not in (0, False)}
        key = (operator, tuple(inputs), ids, id(stream), tuple(sorted(sizes.items())))
        if key in self.known:
            return self.known[key]
        node = Node(operator, list(inputs), len(self.values), sizes, ids, stream)
        out = self.add(Value("result", tokens, width, node))
        self.nodes.append(node)
        self.known[key] = out
        return out

    def table(self, numbers):
        numbers = np.atleast_2d(np.asarray(numbers, dtype=float))
        if not np.isfinite(numbers).all():
            raise Refused("a constant holds numbers that are not finite")
        key = ("table", numbers.shape, numbers.tobytes())
        if key not in self.known:
            self.known[key] = self.add(Value("table", *numbers.shape, numbers=numbers))
        return self.known[key]

    def param(self, name, rows, cols, out_rows=False, part=None):
        """Return the value of a parameter as a matrix; part: (first, total, groups)."""
        if name in self.spread_only and part is not None:
            raise Conflict(name)
        matrix = (rows, cols, out_rows) if part is None else (out_rows, part[1])
        if self.matrices.setdefault(name, matrix)[:2] != matrix[:2]:
            raise Conflict(name)
        self.slices.setdefault(name, set()).add(part)
        key = (name, part)
        if key not in self.params:
            self.params[key] = self.add(Value(
                "parameter", rows, cols, key=key, extra={"out_rows": out_rows}))
        return self.params[key]

    def whole_param(self, name):
        """Return the value of a parameter whatever its matrix is."""
        if name in self.matrices and None in self.slices[name]:
            return self.params[name, None]
        shape = self.shapes[name]
        rows = shape[0] if len(shape) > 1 else 1
        return self.param(name, rows, int(np.prod(shape, dtype=int)) // rows,
                          len(shape) > 1)

    # Moves

    def spread(self, par, index):
        """Return a value with the numbers of a parameter; index is tokens x channels."""
        value = self.whole_param(par.name)
        return self.node("spread", [value, self.table(index)], *index.shape,
                         channels=index.shape[1])

    def gather(self, value, index):
        """Return a value with numbers of another one; index is tokens x channels."""
        index = np.asarray(index)
        source = self.values[value]
        if index.shape == (source.rows, source.cols) and whole(index, index.size):
            return value
        while source.node and source.node.operator in ("gather", "channels", "select",
                                                       "transpose"):
            places_ = self.places_of(source.node)
            index = np.where(index < 0, -1, places_.reshape(-1)[index])
            value = source.node.inputs[0]
            source = self.values[value]
        t, c = source.rows, source.cols
        tokens, width = index.shape
        if index.shape == (t, c) and whole(index, index.size):
            return value
        if tokens == t and index[0, 0] >= 0 and np.array_equal(
                index, np.arange(t)[:, None] * c + index[0]) and \
                np.array_equal(index[0], index[0, 0] + np.arange(width)):
            return self.node("channels", [value], t, width, channels=c, outputs=width,
                             channel=int(index[0, 0]))
        if tokens == 1 and width == c and index[0, 0] >= 0 and \
                index[0, 0] % c == 0 and np.array_equal(index[0], index[0, 0] +
                                                        np.arange(c)):
            return self.node("select", [value], 1, c, channels=c,
                             token=int(index[0, 0]) // c)
        if tokens == c and width == t and np.array_equal(
                index, np.arange(t * c).reshape(t, c).T):
            return self.node("transpose", [value], c, t, channels=c)
        return self.node("gather", [value, self.table(index)], tokens, width,
                         channels=c, outputs=width)

    def places_of(self, node):
        """Return which numbers a node that only moves numbers takes."""
        source = self.values[node.inputs[0]]
        all_ = np.arange(source.rows * source.cols).reshape(source.rows, source.cols)
        if node.operator == "gather":
            return self.values[node.inputs[1]].numbers.astype(np.int64)
        if node.operator == "channels":
            first = node.sizes.get("channel", 0)
            return all_[:, first:first + node.sizes["outputs"]]
        if node.operator == "select":
            return all_[node.sizes.get("token", 0)][None]
        return all_.T

    def order(self, act):
        """Return the value with the act's numbers in its own order, tokens first."""
        shape = act.shape
        width = shape[-1] if shape else 1
        tokens = act.index.size // width if width else 0
        value = self.gather(act.value, act.index.reshape(tokens, width))
        return Act(value, np.arange(act.index.size).reshape(shape))

    def covers(self, act):
        """Return true if every number of the value is one of the act's."""
        value = self.values[act.value]
        count = value.rows * value.cols
        if act.index.size < count or (act.index < 0).any():
            return False
        seen = np.zeros(count, dtype=bool)
        seen[act.index.reshape(-1)] = True
        return bool(seen.all())

    def once(self, act):
        value = self.values[act.value]
        return act.index.size == value.rows * value.cols and self.covers(act)

    def fields(self, act, e, heads=True):
        """Return a value whose fields of e channels are the act's rows: (value, fields
        of a token, the field of each row)."""
        index = act.index.reshape(-1, e)
        value, first = self.values[act.value], index[:, 0]
        fits = value.cols % e == 0 and (heads or value.cols == e) and \
            (first >= 0).all() and (first % e == 0).all() and \
            np.array_equal(index, first[:, None] + np.arange(e)) and self.covers(act)
        if fits:
            return act.value, value.cols // e, first // e
        kept, back = np.unique(index, axis=0, return_inverse=True)
        if len(kept) < len(index):  # rows that are repeated are computed once
            order = np.sort(np.unique(back, return_index=True)[1])
            number = np.empty(len(kept), dtype=int)
            number[back.reshape(-1)[order]] = np.arange(len(order))
            return self.gather(act.value, index[order]), 1, number[back.reshape(-1)]
        return self.gather(act.value, index), 1, np.arange(len(index))

    # Elementwise operators

    def unary(self, operator, act, **sizes):
        if not self.covers(act):
            act = self.order(act)
        value = self.values[act.value]
        out = self.node(operator, [act.value], value.rows, value.cols,
                        channels=value.cols, **sizes)
        return Act(out, act.index)

    def scale(self, act, a):
        if a == 1:
            return act
        source = self.values[act.value].node
        if source and source.operator == "scale":
            return self.scale(Act(source.inputs[0], act.index),
                              a * source.sizes["constant"])
        if source and source.operator == "scores" and a:
            value = self.values[act.value]
            sizes = dict(source.sizes, constant=float(a * source.sizes["constant"]))
            return Act(self.node("scores", source.inputs, value.rows, value.cols,
                                 **sizes), act.index)
        return self.unary("scale", act, constant=float(a)) if a else self.zeros(act)

    def zeros(self, act):
        return Act(act.value, np.full(act.shape, -1))

    def layout(self, index, act):
        """Return for every place of the act's value the element of the tensor."""
        value = self.values[act.value]
        inverse = np.empty(index.size, dtype=np.int64)
        inverse[act.index.reshape(-1)] = np.arange(index.size)
        return inverse.reshape(value.rows, value.cols)

    def binary(self, operator, a, b):
        """Apply an operator of two activations of one shape."""
        shape = np.broadcast_shapes(a.shape, b.shape)
        a = Act(a.value, np.broadcast_to(a.index, shape))
        b = Act(b.value, np.broadcast_to(b.index, shape))
        for act, other in ((a, b), (b, a)):
            if (act.index < 0).all():
                return other if operator == "sum" else act
        options = []
        for act, other in ((a, b), (b, a)):
            if self.once(act):
                place = self.layout(act.index, act)
                moved = other.index.reshape(-1)[place]
                same = whole(moved, moved.size) and \
                    moved.shape == (self.values[other.value].rows,
                                    self.values[other.value].cols)
                options.append((not same, len(options), act, other, moved))
        if not options:
            a = self.order(a)
            return self.binary(operator, a, b)
        _, _, act, other, moved = min(options, key=lambda option: option[:2])
        value = self.values[act.value]
        second = self.gather(other.value, moved)
        pair = [act.value, second] if act is a else [second, act.value]
        if operator in ("sum", "product"):
            pair.sort()  # the earlier value stands first, as in the families
        out = self.node(operator, pair, value.rows, value.cols, channels=value.cols)
        return Act(out, act.index)

    def with_table(self, operator, act, numbers):
        """Apply add_table or times_table with an array that broadcasts."""
        numbers = np.asarray(numbers, dtype=float)
        if numbers.size == 1 or (numbers == numbers.reshape(-1)[0]).all():
            one = float(numbers.reshape(-1)[0])
            shape = np.broadcast_shapes(act.shape, numbers.shape)
            act = Act(act.value, np.broadcast_to(act.index, shape))
            if operator == "times_table":
                return self.scale(act, one)
            if one == 0:
                return act
            numbers = np.full((1, 1), one)
            if not self.covers(act):
                act = self.order(act)
            value = self.values[act.value]
            return Act(self.node(operator, [act.value, self.table(numbers)], value.rows,
                                 value.cols, channels=value.cols), act.index)
        shape = np.broadcast_shapes(act.shape, numbers.shape)
        act = Act(act.value, np.broadcast_to(act.index, shape))
        if not self.once(act):
            act = self.order(act)
        numbers = np.broadcast_to(numbers, shape).reshape(-1)[
            self.layout(act.index, act)]
        if (numbers == numbers[:1]).all():
            numbers = numbers[:1]
        value = self.values[act.value]
        out = self.node(operator, [act.value, self.table(numbers)], value.rows,
                        value.cols, channels=value.cols)
        return Act(out, act.index)

    def constant(self, near, numbers):
        """Return constants as an activation, which needs some other activation."""
        numbers = np.asarray(numbers, dtype=float)
        flat = numbers.reshape(-1, numbers.shape[-1] if numbers.ndim else 1)
        zero = self.node("gather", [near.value, self.table(np.full(flat.shape, -1))],
                         *flat.shape, channels=self.values[near.value].cols,
                         outputs=flat.shape[1])
        out = self.node("add_table", [zero, self.table(flat)], *flat.shape,
                        channels=flat.shape[1])
        return Act(out, np.arange(numbers.size).reshape(numbers.shape))

    # Reductions and products

    def reduce(self, operator, act, axes):
        """Sum or maximum over axes, which become one."""
        rest = [i for i in range(act.index.ndim) if i not in axes]
        index = act.index.transpose(rest + list(axes))
        shape = index.shape[:len(rest)]
        e = int(np.prod(index.shape[len(rest):], dtype=int))
        if e == 1:
            return Act(act.value, index.reshape(shape))
        value, h, field = self.fields(Act(act.value, index.reshape(-1, e)), e)
        tokens = self.values[value].rows
        out = self.node(operator, [value], tokens, h, channels=h * e, heads=h)
        return Act(out, field.reshape(shape))

    def mean(self, act, axes):
        count = int(np.prod([act.shape[i] for i in axes], dtype=int))
        value = self.values[act.value]
        rest = [i for i in range(act.index.ndim) if i not in axes]
        index = act.index.transpose(rest + list(axes)).reshape(-1, count)
        if count == value.rows and value.rows > 1 and len(index) == value.cols and \
                np.array_equal(np.sort(index[:, 0] % value.cols),
                               np.arange(value.cols)) and \
                np.array_equal(np.sort(index, axis=1),
                               np.arange(count) * value.cols +
                               (index[:, :1] % value.cols)):
            out = self.node("mean_pool", [act.value], 1, value.cols,
                            channels=value.cols)
            shape = [act.shape[i] for i in rest]
            return Act(out, (index[:, 0] % value.cols).reshape(shape))
        return self.scale(self.reduce("sum_fields", act, axes), 1 / count)

    def linear(self, act, weight, bias):
        """x W', for a weight that is a parameter of outputs x channels, or its
        transpose; bias: Par or None. Returns None if the weight does not fit."""
        o, c = weight.shape
        part, out_rows = self.part_of(weight)
        if part is False:
            return None
        pair = [part]
        if bias is not None:
            bias_part, _ = self.part_of(bias)
            if bias_part is False or len(self.shapes[bias.name]) != 1:
                out = self.linear(act, weight, None)
                return out and self.binary("sum", out, self.spread_act(bias, out))
            pair.append(bias_part)
        value, _, rows = self.fields(act, c, heads=False)
        w = self.param(weight.name, *((o, c) if out_rows else (c, o)), out_rows, part)
        inputs = [value, w]
        if bias is not None:
            inputs.append(self.param(bias.name, 1, o, False, pair[1]))
        tokens = self.values[value].rows
        out = self.node("linear" if bias is not None else "linear_unbiased", inputs,
                        tokens, o, channels=c, outputs=o, out_rows=out_rows)
        index = rows[:, None] * o + np.arange(o)
        return Act(out, index.reshape(act.shape[:-1] + (o,)))

    def spread_act(self, par, like):
        shape = np.broadcast_shapes(par.shape, like.shape)
        index = np.broadcast_to(par.index, shape)
        if self.once(like) and like.shape == shape:
            place = self.layout(like.index, like)
            return Act(self.spread(par, index.reshape(-1)[place]), like.index)
        return self.spread_whole(Par(par.name, index))

    def spread_whole(self, par):
        width = par.shape[-1] if par.shape else 1
        value = self.spread(par, par.index.reshape(-1, width))
        return Act(value, np.arange(par.index.size).reshape(par.shape))

    def part_of(self, par):
        """Return the slice of a tensor that a matrix outputs x channels, or a vector,
        is (None: the whole; False: it is no slice), and whether outputs are rows."""
        shape = self.shapes[par.name]
        if par.name in self.spread_only:
            return False, False
        count = int(np.prod(shape, dtype=int))
        if par.index.ndim == 1:
            first, own = int(par.index[0]), par.index.size
            if not np.array_equal(par.index, first + np.arange(own)):
                return False, False
            return (None if own == count else (first, count, 1)), False
        o, c = par.shape
        if whole(par.index, count):
            return None, True
        if len(shape) == 3:  # a stack of matrices, which the checkpoint holds as one
            shape = (shape[0] * shape[1], shape[2])
        if len(shape) != 2:
            return False, False
        if whole(par.index.T, count):
            return None, False
        first = int(par.index[0, 0])
        if first % c == 0 and c == shape[1] and np.array_equal(
                par.index.reshape(-1), first + np.arange(o * c)):
            return (first // c, shape[0], 1), True
        if c == shape[0] and first < shape[1] and np.array_equal(
                par.index.T, np.arange(c)[:, None] * shape[1] + first + np.arange(o)):
            return (first, shape[1], 1), False
        return False, False

    def product_of_matrices(self, a, b):
        """a: heads x M x K, b: heads x K x N."""
        heads, m, k = a.shape
        n = b.shape[2]
        mixes = self.values[a.value].node and \
            self.values[a.value].node.operator.startswith("softmax")
        if m == k and (mixes or m != n) and not (m == n and not mixes):
            return self.mix(a, b)
        if m == n or max(m, n) ** 2 * k <= max(m, k) ** 2 * n and not mixes:
            return self.scores(a, Act(b.value, b.index.transpose(0, 2, 1)))
        return self.mix(a, b)

    @staticmethod
    def groups(index):
        """Return the number of different key heads that consecutive heads share."""
        heads = len(index)
        for g in range(1, heads):
            if heads % g == 0:
                grouped = index.reshape(g, heads // g, *index.shape[1:])
                if (grouped == grouped[:, :1]).all():
                    return g
        return heads

    @staticmethod
    def padded(index, axis, size):
        """Append zeros along an axis."""
        width = [(0, 0)] * index.ndim
        width[axis] = (0, size - index.shape[axis])
        return np.pad(index, width, constant_values=-1)

    def heads_last(self, value, index):
        """Gather heads x tokens x channels to tokens x (heads channels)."""
        h, t, e = index.shape
        return self.gather(value, index.transpose(1, 0, 2).reshape(t, h * e))

    def unscaled(self, act):
        """Return an activation before it was scaled, and the factor."""
        node, factor = self.values[act.value].node, 1.0
        while node and node.operator == "scale":
            factor *= node.sizes["constant"]
            act = Act(node.inputs[0], act.index)
            node = self.values[act.value].node
        return act, factor

    def scores(self, q, k, factor=1.0):
        """q: heads x M x e, k: heads x N x e; returns heads x M x N, factor q k'."""
        q, of_q = self.unscaled(q)
        k, of_k = self.unscaled(k)
        factor *= of_q * of_k
        heads, m, e = q.shape
        n = k.shape[1]
        t = max(m, n)
        g = self.groups(k.index)
        qv = self.heads_last(q.value, self.padded(q.index, 1, t))
        kv = self.heads_last(k.value, self.padded(k.index[::heads // g], 1, t))
        out = self.node("scores", [qv, kv], t, heads * t, channels=heads * e, heads=heads,
                        kv_heads=g, full=True, constant=factor)
        index = np.arange(t * heads * t).reshape(t, heads, t).transpose(1, 0, 2)
        return Act(out, index[:, :m, :n])

    def mix(self, p, v):
        """p: heads x M x K, v: heads x K x e; returns heads x M x e."""
        heads, m, k = p.shape
        e = v.shape[2]
        t = max(m, k)
        g = self.groups(v.index)
        index = self.padded(self.padded(p.index, 1, t), 2, t)
        pv = self.heads_last(p.value, index)
        vv = self.heads_last(v.value, self.padded(v.index[::heads // g], 1, t))
        source = self.values[pv].node
        causal = source and source.operator == "softmax" and \
            not source.sizes.get("full") and source.sizes["heads"] == heads
        near = source.sizes.get("window", 0) if causal else 0
        out = self.node("mix", [pv, vv], t, heads * e, channels=heads * e, heads=heads,
                        kv_heads=g, full=not causal, window=near)
        index = np.arange(t * heads * e).reshape(t, heads, e).transpose(1, 0, 2)
        return Act(out, index[:, :m])

    def softmax(self, act):
        """Softmax over the last axis."""
        e = act.shape[-1]
        value, h, field = self.fields(act, e)
        index = (field[:, None] * e + np.arange(e)).reshape(act.shape)
        source = self.values[value]
        node, mask = source.node, None
        if node and node.operator == "add_table":
            mask = self.values[node.inputs[1]].numbers
            node = self.values[node.inputs[0]].node
        if node and node.operator == "scores" and node.sizes["heads"] == h and \
                source.rows == e and node.sizes.get("full"):
            seen = visible(mask, e, h)
            if seen is not None:
                sizes = dict(node.sizes, full=seen == "full",
                             window=seen if isinstance(seen, int) else 0)
                if seen != "full":
                    value = self.node("scores", node.inputs, e, h * e, **sizes)
                elif mask is not None:
                    value = node.output
                sizes.pop("constant", None)
                constant = node.sizes.get("constant", 0)
                out = self.node("softmax", [value], e, h * e, ids="visible",
                                constant=constant, **sizes)
                return Act(out, index)
        out = self.node("softmax_fields", [value], source.rows, source.cols,
                        channels=source.cols, heads=h)
        return Act(out, index)


def visible(mask, t, h):
    """Return what attention sees under a mask of additions: "full", "causal", a window
    (the number of tokens), or None for another mask."""
    if mask is None:
        return "full"
    if mask.shape != (t, h * t):
        return None
    mask = mask.reshape(t, h, t)
    if (mask != mask[:, :1]).any():
        return None
    mask = mask[:, 0]
    hidden = mask <= -1e30
    if (mask[~hidden] != 0).any():
        return None
    if not hidden.any():
        return "full"
    i, j = np.indices((t, t))
    if (hidden == (j > i)).all():
        return "causal"
    near = int((~hidden).sum(1).max())
    return near if (hidden == ((j > i) | (j <= i - near))).all() else None


def places(part, own):
    """Return the outputs of a tensor that a slice takes."""
    first, total, groups = part
    each = own // groups
    return np.concatenate([g * (total // groups) + first + np.arange(each)
                           for g in range(groups)])
