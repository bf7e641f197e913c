"""Write a graph with general operators, its data and its job, and compute its loss with NumPy.

usage: graph.py write CASE      writes graph.json, x.npy, y.npy and job.yaml; prints the loss
       graph.py write_all       does so in a folder for each case, with the loss in the file loss
       graph.py compare_all     compares the losses of the results in these folders
       graph.py hessian FILE CASE  compares the full matrix with differences of NumPy's loss
"""

import json
import os
import math
import sys

import numpy as np

N, T, C = 3, 4, 6
draws = None


class Graph:
    """Values and nodes, and beside them what they are for the examples."""

    def __init__(self, moves):
        self.values, self.nodes, self.at, self.params = [], [], [], {}
        self.moves = moves  # for some parameters, by name

    def add(self, value, numbers):
        self.values.append(value)
        self.at.append(numbers)
        return len(self.values) - 1

    def numbers(self, x, kind="input"):
        return self.add({"kind": kind, "tokens": x.shape[1], "width": x.shape[2]}, x)

    def param(self, name, rows, cols):
        """Its initial values have no spread: each one is its mean."""
        mean = 0.1 * (len(self.params) + 2)
        self.params[name] = mean + self.moves.get(name, np.zeros((rows, cols)))
        return self.add({"kind": "parameter", "name": name, "tensor": name, "rows": rows,
                         "cols": cols, "layer": -1,
                         "init": {"mean": mean, "spread": 0}}, self.params[name])

    def table(self, numbers, **runs):
        numbers = np.atleast_2d(np.asarray(numbers, dtype=float))
        return self.add({"kind": "table", "rows": numbers.shape[0],
                         "cols": numbers.shape[1], **(runs or {
                             "numbers": [float(one) for one in numbers.reshape(-1)]})},
                        numbers)

    def node(self, operator, inputs, result, ids=None, **sizes):
        loss = np.ndim(result) == 0
        out = self.add({"kind": "result", "tokens": 0 if loss else result.shape[1],
                        "width": 0 if loss else result.shape[2]}, result)
        node = {"operator": operator, "inputs": inputs, "output": out, "sizes": sizes}
        if ids:
            node["ids"] = ids
        self.nodes.append(node)
        return out

    # Operators, with what they are.

    def linear(self, x, w):
        return self.node("linear_unbiased", [x, w], self.at[x] @ self.at[w],
                         channels=self.at[w].shape[0], outputs=self.at[w].shape[1])

    def apply(self, name, x, function, **sizes):
        return self.node(name, [x], function(self.at[x]),
                         channels=self.at[x].shape[2], **sizes)

    def pair(self, name, x, y, function):
        return self.node(name, [x, y], function(self.at[x], self.at[y]),
                         channels=self.at[x].shape[2])

    def gather(self, x, index):
        flat = self.at[x].reshape(N, -1)
        y = np.where(index < 0, 0, flat[:, np.maximum(index, 0).reshape(-1)]
                     .reshape(N, *index.shape))
        return self.node("gather", [x, self.table(index)], y,
                         channels=self.at[x].shape[2], outputs=index.shape[1])

    def spread(self, w, index):
        flat = self.at[w].reshape(-1)
        y = np.broadcast_to(np.where(index < 0, 0, flat[np.maximum(index, 0)]),
                            (N, *index.shape))
        return self.node("spread", [w, self.table(index)], y, channels=index.shape[1])

    def mean_loss(self, x):
        return self.node("mean_loss", [x], self.at[x].sum() / N,
                         channels=self.at[x].shape[2])


erf = np.vectorize(math.erf)
FUNCTIONS = {
    "exp": np.exp, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh,
    "softplus": lambda x: np.log(1 + np.exp(x)), "erf": erf, "sin": np.sin, "cos": np.cos,
    "abs": np.abs, "square": np.square, "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6, "positive": lambda x: 1.0 * (x > 0), "atan": np.arctan,
    "floor": np.floor, "round": np.round}
ABOVE_0 = {"log": np.log, "sqrt": np.sqrt, "rsqrt": lambda x: x ** -0.5,
           "reciprocal": lambda x: 1 / x}
OF_CONSTANT = {
    "power": (3.0, lambda x: x ** 3), "leaky_relu": (0.1, lambda x: np.where(x > 0, x, x / 10)),
    "elu": (0.7, lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)))}
FIELDS = {
    "sum_fields": lambda x: x.sum(-1), "max_fields": lambda x: x.max(-1),
    "rank_fields": lambda x: (x[..., None, :] > x[..., None]).sum(-1).reshape(N, T, C),
    "softmax_fields": lambda x: (np.exp(x) / np.exp(x).sum(-1, keepdims=True))
    .reshape(N, T, C)}
PAIRS = {"sum": np.add, "product": np.multiply, "quotient": np.divide,
         "maximum": np.maximum, "minimum": np.minimum}
MOVES = ("gather", "spread", "add_table", "times_table", "mask", "runs")
LOSSES = ("squared", "several")
CASES = [*FUNCTIONS, *ABOVE_0, *OF_CONSTANT, *FIELDS, *PAIRS, *MOVES, *LOSSES]


def build(case, moves={}):
    """Return the graph, with moved parameters, and the targets."""
    global draws
    draws = np.random.default_rng(7)
    g = Graph(moves)
    x = g.numbers(draws.normal(size=(N, T, C)))
    h = g.linear(x, g.param("w", C, C))  # all its channels are equal
    m = draws.normal(size=(1, C))
    h = g.node("times_table", [h, g.table(m)], g.at[h] * m, channels=C)
    index = draws.integers(-1, T * C, size=(5, 3))
    index[0] = [2, 3, 4]  # they lie one after the other
    if case in FUNCTIONS:
        y = g.apply(case, h, FUNCTIONS[case])
    elif case in ABOVE_0:
        h = g.apply("square", h, np.square)
        h = g.node("add_table", [h, g.table([[0.5]])], g.at[h] + 0.5, channels=C)
        y = g.apply(case, h, ABOVE_0[case])
    elif case in OF_CONSTANT:
        a, function = OF_CONSTANT[case]
        y = g.apply(case, h, function, constant=a)
    elif case in FIELDS:
        y = g.apply(case, h, lambda v: FIELDS[case](v.reshape(N, T, 2, C // 2)), heads=2)
    elif case in PAIRS:
        other = g.apply("exp", g.linear(x, g.param("v", C, C)), np.exp)
        y = g.pair(case, h, other, PAIRS[case])
    elif case == "gather":
        y = g.gather(h, index)
    elif case == "spread":
        w = g.spread(g.param("v", 4, C), index)
        y = g.pair("product", g.gather(h, index), w, np.multiply)
    elif case in ("add_table", "times_table"):
        y = h
        operation = np.add if case == "add_table" else np.multiply
        for shape in ((T, C), (1, C), (1, 1)):
            m = draws.normal(size=shape)
            y = g.node(case, [y, g.table(m)], operation(g.at[y], m), channels=C)
    elif case == "runs":  # a pattern of 2 x 2 numbers over T x C, and the places of a move
        pattern = np.tile([[1.5, 2], [-0.5, -0.5]], (T // 2, C // 2))
        m = g.table(pattern, runs=[[1, 1.5, 0], [1, 2, 0], [2, -0.5, 0]],
                    tiles=[T // 2, C // 2])
        y = g.node("times_table", [h, m], g.at[h] * pattern, channels=C)
        index = np.array([[11, 9], [7, -1]])
        places = g.table(index, runs=[[3, 11, -2], [1, -1, 0]])
        flat = g.at[y].reshape(N, -1)
        y = g.node("gather", [y, places], np.where(index < 0, 0, flat[:, index]),
                   channels=C, outputs=2)
    elif case == "mask":
        hidden = np.where(draws.random((T, C)) < 0.4, -1e308, 0)
        hidden[:, 0] = 0
        m = g.node("add_table", [h, g.table(hidden)], g.at[h] + hidden, channels=C)
        e = np.where(hidden < 0, 0, np.exp(g.at[h]))
        y = g.node("softmax_fields", [m], e / e.sum(-1, keepdims=True), channels=C, heads=1)
    else:
        y = h
    if case in ("positive", "rank_fields", "floor", "round"):  # alone, they have no derivatives
        y = g.pair("product", h, y, np.multiply)
    y = g.apply("tanh", y, np.tanh)
    wanted = draws.normal(size=g.at[y].shape)
    if case == "several":  # a loss of its own, with targets
        target = g.numbers(wanted, "target")
        away = g.apply("scale", target, lambda v: -v, constant=-1.0)
        error = g.apply("square", g.pair("sum", y, away, np.add), np.square)
        g.mean_loss(error)
    else:
        target = g.numbers(wanted, "target")
        g.node("squared_error", [y, target],
               np.mean((g.at[y] - g.at[target]) ** 2), channels=g.at[y].shape[2])
    return g, wanted


def write(case):
    g, wanted = build(case)
    np.save("x.npy", g.at[0])
    np.save("y.npy", wanted)
    with open("graph.json", "w") as file:
        version = 2 if case in ("atan", "floor", "round", "runs") else 1
        json.dump({"format": "hesse-graph", "version": version, "tokens": T,
                   "values": g.values, "nodes": g.nodes}, file)
    with open("job.yaml", "w") as file:
        file.write("model: {family: graph, graph: graph.json}\n"
                   "data: {inputs: x.npy, targets: y.npy}\n"
                   "hessian: {scope: full}\noutput: {file: result.h5}\n")
    return repr(float(g.at[-1]))


def write_all():
    for case in CASES:
        os.mkdir(case)
        os.chdir(case)
        with open("loss", "w") as file:
            file.write(write(case))
        os.chdir("..")


def compare_all():
    import h5py
    for case in CASES:
        with h5py.File(f"{case}/result.h5") as file:
            found = float(file.attrs["loss"])
        with open(f"{case}/loss") as file:
            loss = float(file.read())
        assert abs(found - loss) < 1e-13 * max(1, abs(loss)), (case, found, loss)


def loss_at(case, names, sizes, v):
    parts = np.split(v, np.cumsum(sizes)[:-1])
    shapes = {name: one.shape for name, one in build(case)[0].params.items()}
    moves = {name: part.reshape(shapes[name]) for name, part in zip(names, parts)}
    return float(build(case, moves)[0].at[-1])


def hessian(path, case):
    import h5py
    with h5py.File(path) as file:
        found = file["hessian/full"][...]
        names = [str(one).rstrip("\0") for one in file["blocks/name"].asstr()[...]]
    params = build(case)[0].params
    sizes = [params[name].size for name in names]
    n, step = sum(sizes), 1e-3
    unit = step * np.eye(n)
    rng = np.random.default_rng(1)
    for _ in range(60):  # a sample of the entries, all kinds of blocks among them
        i, j = rng.integers(0, n, 2)
        four = [loss_at(case, names, sizes, a * unit[i] + b * unit[j])
                for a in (1, -1) for b in (1, -1)]
        wanted = (four[0] - four[1] - four[2] + four[3]) / (4 * step * step)
        assert abs(found[i, j] - wanted) < 2e-5 * abs(found).max() + 1e-8, (
            i, j, found[i, j], wanted)


if sys.argv[1] == "write":
    print(write(sys.argv[2]))
elif sys.argv[1] == "hessian":
    hessian(sys.argv[2], sys.argv[3])
else:
    {"write_all": write_all, "compare_all": compare_all}[sys.argv[1]]()
