"""The last steps of a graph: fused projections are cut, ids and inputs become those that
hesse reads, parameters get their roles, and what nothing reads is left out."""
import re

import numpy as np

from .graph_builder import Conflict, Node, Refused, Value, places

ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "silu", "tanh", "sigmoid", "leaky_relu",
               "elu", "softplus", "square")
NORMS = ("layernorm", "rmsnorm", "batchnorm")
LINEAR = ("linear", "linear_unbiased")


def readers(builder):
    """Return for every value the nodes that read it."""
    found = {}
    for node in builder.nodes:
        for value in node.inputs:
            found.setdefault(value, []).append(node)
    return found


def drop_unread(builder):
    """Leave out the nodes that the loss does not depend on."""
    needed = {builder.nodes[-1].output}
    for node in reversed(builder.nodes):
        if node.output in needed:
            needed.update(node.inputs)
    builder.nodes = [node for node in builder.nodes if node.output in needed]


def cut_projections(builder):
    """A linear map that others read only slice by slice becomes one for each slice, as
    the query, key and value of a fused projection."""
    read = readers(builder)
    for node in list(builder.nodes):
        if node.operator not in LINEAR:
            continue
        o = node.sizes["outputs"]
        takers = read.get(node.output, [])
        names = [builder.values[value].key for value in node.inputs[1:]]
        if len(takers) < 2 or any(part is not None for _, part in names) or \
                any(len(read[value]) > 1 for value in node.inputs[1:]):
            continue
        sets = [same_channels(builder, taker) for taker in takers]
        if any(one is None for one in sets) or \
                sorted(np.concatenate(sets).tolist()) != list(range(o)):
            continue
        parts = [slice_of(one, o) for one in sets]
        if any(part is None for part in parts):
            continue
        at = builder.nodes.index(node)
        made = []
        for taker, part, own in zip(takers, parts, sets):
            inputs = [node.inputs[0]]
            for value, (name, _) in zip(node.inputs[1:], names):
                old = builder.values[value]
                out_rows = old.extra["out_rows"]
                shape = (len(own), old.cols) if out_rows else (old.rows, len(own))
                inputs.append(builder.add(Value(
                    "parameter", *shape, key=(name, part), extra=dict(old.extra))))
            sizes = dict(node.sizes, outputs=len(own))
            made.append(Node(node.operator, inputs, taker.output, sizes))
            builder.values[taker.output].node = made[-1]
        builder.nodes[at:at + 1] = made
        builder.nodes = [one for one in builder.nodes
                         if not any(one is taker for taker in takers)]


def same_channels(builder, node):
    """Return the channels that a node takes of every token alike, or None."""
    if node.operator == "channels":
        first = node.sizes.get("channel", 0)
        return first + np.arange(node.sizes["outputs"])
    if node.operator != "gather":
        return None
    source = builder.values[node.inputs[0]]
    index = builder.values[node.inputs[1]].numbers.astype(np.int64)
    if len(index) != source.rows or (index < 0).any():
        return None
    own = index[0]
    if (index != np.arange(source.rows)[:, None] * source.cols + own).any():
        return None
    return own


def slice_of(own, total):
    """Return [first, total, groups] of a set of outputs, or None."""
    steps = np.flatnonzero(np.diff(own) != 1)
    groups = len(steps) + 1
    if len(own) % groups or total % groups:
        return None
    first = int(own[0])
    part = (first, total, groups)
    if first + len(own) // groups > total // groups:
        return None
    return part if np.array_equal(places(part, len(own)), own) else None


def set_ids(builder, streams):
    """Let embeddings read the ids of an example: tokens, and types for a second stream
    of the same length. Other streams stand one behind the other as tokens. Returns the
    arrays (tokens, types)."""
    used = [stream for stream in streams
            if any(node.stream is stream for node in builder.nodes)]
    if not used:
        return None, None
    fixed = any(node.ids == "types" for node in builder.nodes)
    if len(used) == 2 and used[0].shape == used[1].shape and not fixed:
        for node in builder.nodes:
            if node.stream is used[1]:
                node.ids = "types"
        return used[0], used[1]
    if len(used) == 1:
        return used[0], None
    joined = np.concatenate(used, axis=1)
    total, nodes = joined.shape[1], []
    first = {id(stream): sum(one.shape[1] for one in used[:i])
             for i, stream in enumerate(used)}
    for node in builder.nodes:
        nodes.append(node)
        if node.operator == "embedding" and node.stream is not None:
            if joined.max() >= node.sizes["channels"]:
                raise Refused("the module reads ids of several inputs, and the largest "
                              f"id {joined.max()} is no row of an embedding of "
                              f"{node.sizes['channels']} rows; give all its embeddings "
                              "enough rows")
            c, t = node.sizes["outputs"], node.stream.shape[1]
            own = first[id(node.stream)] * c + np.arange(t * c).reshape(t, c)
            out = node.output
            node.output = builder.add(Value("result", total, c, node))
            table = builder.add(Value("table", t, c, numbers=own.astype(float)))
            taker = Node("gather", [node.output, table], out,
                         {"channels": c, "outputs": c})
            builder.values[out].node = taker
            nodes.append(taker)
    builder.nodes = nodes
    return joined, None


def set_positions(builder, tokens):
    """Embeddings of positions and types read one row for each token of an example;
    others become a spread parameter."""
    for node in builder.nodes:
        if node.operator != "embedding" or node.ids == "tokens":
            continue
        value = builder.values[node.output]
        first, c = node.sizes.get("token", 0), node.sizes["outputs"]
        if value.rows == tokens and (node.ids == "types" or
                                     node.sizes["channels"] - first >= tokens):
            continue
        rows = first + (np.arange(value.rows) if node.ids == "positions"
                        else np.zeros(value.rows, dtype=int))
        index = rows[:, None] * c + np.arange(c)
        table = builder.add(Value("table", value.rows, c, numbers=index.astype(float)))
        node.operator, node.ids, node.sizes = "spread", None, {"channels": c}
        node.inputs = [node.inputs[0], table]


def ids_as_numbers(builder, low):
    """Read ids as unit vectors, because an example also has numbers."""
    for node in builder.nodes:
        if node.operator == "embedding" and node.stream is not None:
            t, classes = node.stream.shape[1], node.sizes["channels"]
            if t * classes > 1 << 20:
                raise Refused("the examples have ids and numbers, and the ids are too "
                              f"many to be unit vectors ({t} x {classes})")
            block = Value("input", t, classes, key="ids")
            block.numbers = (node.stream[:, :, None] == np.arange(classes)).astype(
                float).reshape(len(node.stream), -1)
            node.operator, node.ids = "linear_unbiased", None
            node.inputs = [builder.add(block), node.inputs[0]]
            node.sizes = {"channels": classes, "outputs": node.sizes["outputs"]}
            node.stream = None


def turn_weights(builder):
    """A weight that one linear map reads has its outputs where that map has them."""
    for value, nodes in readers(builder).items():
        node, one = nodes[0], builder.values[value]
        if len(nodes) == 1 and node.operator in LINEAR and node.inputs[1] == value:
            one.extra["out_rows"] = node.sizes.get("out_rows", False)


def set_inputs(builder):
    """Join all numbers of an example to one input; returns its array, or None."""
    used = [v for v in dict.fromkeys(
        value for node in builder.nodes for value in node.inputs)
        if builder.values[v].kind == "input"]
    if not used:
        return None
    if len(used) == 1:
        value = builder.values[used[0]]
        return value.numbers.reshape(-1, value.rows, value.cols)
    blocks = [builder.values[v] for v in used]
    numbers = np.concatenate([one.numbers for one in blocks], axis=1)
    total = numbers.shape[1]
    whole = builder.add(Value("input", 1, total))
    nodes, at = [], 0
    for value, block in zip(used, blocks):
        size = block.rows * block.cols
        index = at + np.arange(size).reshape(block.rows, block.cols)
        at += size
        if block.rows == 1:
            nodes.append(Node("channels", [whole], value,
                              {"channels": total, "outputs": size, "channel": at - size}))
        else:
            table = builder.add(Value("table", block.rows, block.cols,
                                      numbers=index.astype(float)))
            nodes.append(Node("gather", [whole, table], value,
                              {"channels": total, "outputs": block.cols}))
        builder.values[value] = Value("result", block.rows, block.cols, nodes[-1])
    builder.nodes = nodes + builder.nodes
    return numbers[:, None, :]


def give_roles(builder):
    """Give each parameter value its role."""
    roles = {}
    made = {node.output: node for node in builder.nodes}
    read = readers(builder)

    def give(node, role):
        for value in node.inputs[1:]:
            if builder.values[value].kind == "parameter":
                roles.setdefault(value, role)

    def before(value, role):
        """Walk back to the linear map that makes a value."""
        while value in made:
            node = made[value]
            if node.operator in LINEAR:
                return give(node, role)
            if not (node.operator in ("rotary", "scale", "gather", "channels",
                                      "transpose") or node.operator.startswith(NORMS)):
                return None
            value = node.inputs[0]
        return None

    def after(value):
        """Walk on to the only linear map that reads a value."""
        while True:
            takers = read.get(value, [])
            if len(takers) != 1:
                return None
            if takers[0].operator in LINEAR:
                return takers[0]
            if takers[0].operator not in ("gather", "channels", "scale", "product") and \
                    takers[0].operator not in ACTIVATIONS and \
                    not takers[0].operator.startswith(NORMS):
                return None
            value = takers[0].output

    for node in builder.nodes:
        name = node.operator
        if name == "embedding":
            position = node.ids == "positions"
            roles.setdefault(node.inputs[0], "position" if position else "embedding")
        if name in ("positions", "class_token"):
            roles.setdefault(node.inputs[1],
                             "position" if name == "positions" else "embedding")
        if name.startswith(NORMS):
            give(node, "norm")
        if name in ("conv", "conv_unbiased"):
            give(node, "convolution")
    for node in builder.nodes:
        if node.operator == "scores":
            before(node.inputs[0], "query")
            before(node.inputs[1], "key")
        if node.operator == "mix":
            before(node.inputs[1], "value")
            out = after(node.output)
            if out:
                give(out, "output")
    for node in builder.nodes:
        if node.operator in ACTIVATIONS:
            takers = read.get(node.output, [])
            gated = len(takers) == 1 and takers[0].operator == "product"
            before(node.inputs[0], "gate" if gated else "up")
            if gated:
                for value in takers[0].inputs:
                    if value != node.output:
                        before(value, "up")
            out = after(node.output)
            if out:
                give(out, "down")
    linear = [node for node in builder.nodes if node.operator in LINEAR]
    if linear:
        last = linear[-1]
        for value in last.inputs[1:]:
            if roles.get(value) in (None, "down"):
                roles[value] = "head"
    return roles


def as_json(builder, tokens, roles, statistics):
    """Return the graph as the object that graph.json holds.

    statistics: tensor name -> (mean, deviation), for the initial values."""
    order, number, values = [], {}, []
    for node in builder.nodes:
        for value in node.inputs + [node.output]:
            if value not in number:
                number[value] = len(order)
                order.append(value)
    layers = {}
    for value in order:
        one = builder.values[value]
        if one.kind == "parameter":
            values.append(parameter(builder, one, roles.get(value, "other"), statistics,
                                    layers))
        elif one.kind == "constant":
            values.append({"vectors": [
                dict(base(name, 1, one.cols, "norm", statistics), vector=True)
                for name in one.key], "kind": "constant"})
        elif one.kind == "table":
            values.append(table(one.numbers))
        else:
            values.append({"tokens": one.rows, "width": one.cols, "kind": one.kind})
    nodes = []
    for node in builder.nodes:
        one = {"operator": node.operator, "inputs": [number[v] for v in node.inputs],
               "output": number[node.output], "sizes": node.sizes}
        if node.ids:
            one["ids"] = node.ids
        nodes.append(one)
    new = any("runs" in value for value in values) or \
        any(node.operator in ("atan", "floor", "round") for node in builder.nodes)
    return {"format": "hesse-graph", "version": 2 if new else 1, "tokens": tokens,
            "loss_weight": 0.0, "values": values, "nodes": nodes}


def table(numbers):
    """Return a table as JSON, with runs in place of its numbers if these are shorter."""
    rows, cols = numbers.shape
    found = {"rows": rows, "cols": cols, "kind": "table"}
    bits = np.ascontiguousarray(numbers).view(np.int64)
    wide = next(n for n in range(1, cols + 1) if cols % n == 0 and
                (bits[:, n:] == bits[:, :cols - n]).all())
    high = next(n for n in range(1, rows + 1) if rows % n == 0 and
                (bits[n:, :wide] == bits[:rows - n, :wide]).all())
    runs = runs_of(numbers[:high, :wide].reshape(-1))
    if 3 * len(runs) >= rows * cols:
        return {**found, "numbers": [plain(x) for x in numbers.reshape(-1)]}
    tiles = [rows // high, cols // wide]
    return {**found, "runs": runs, **({"tiles": tiles} if tiles != [1, 1] else {})}


def plain(x):
    """Return a number as JSON has it, an integer without a point."""
    return int(x) if x == np.floor(x) and abs(x) < 2 ** 53 and (x or not np.signbit(x)) \
        else float(x)


def runs_of(x):
    """Cut numbers into [count, first, step]; a step other than 0 is one of integers."""
    bits = x.view(np.int64)
    whole = (x == np.floor(x)) & (np.abs(x) < 2 ** 52) & ((x != 0) | ~np.signbit(x))
    same = bits[1:] == bits[:-1]
    step = np.where(whole[1:] & whole[:-1], np.diff(x), np.nan)
    ends = {}
    for name, cuts in (("same", ~same), ("step", step[1:] != step[:-1])):
        places = np.append(np.flatnonzero(cuts), len(x) + 1)
        ends[name] = places[np.searchsorted(places, np.arange(len(x)))]
    runs, at = [], 0
    while at < len(x):
        count = min(int(ends["same"][at]), len(x) - 1) - at + 1
        own = 0
        if count == 1 and at + 2 < len(x) and step[at] == step[at + 1]:
            count = min(int(ends["step"][at]) + 1, len(x) - 1) - at + 1
            own = int(step[at])
        runs.append([count, plain(x[at]), own])
        at += count
    return runs


def base(name, rows, cols, role, statistics):
    found = re.search(r"(?:^|\.)(\d+)(?:\.|$)", name)
    mean, spread = statistics.get(name, (0.0, 0.0))
    return {"name": name, "tensor": name, "rows": rows, "cols": cols, "role": role,
            "layer": int(found.group(1)) if found else -1,
            "init": {"mean": mean, "spread": spread, "uniform": False}}


def parameter(builder, value, role, statistics, layers):
    name, part = value.key
    shape = builder.shapes[name]
    one = base(name, value.rows, value.cols, role, statistics)
    if part is not None:
        word = role if role in ("query", "key", "value") else f"{part[0]}"
        one["name"] = f"{name}.{word}"
        while one["name"] in layers:
            one["name"] += f".{part[0]}"
        one["slice"] = list(part)
    layers[one["name"]] = value
    stored = stored_shape(shape, part is not None)
    if len(stored) == 1 and value.rows == 1:
        one["vector"] = True
    elif len(stored) != 2 or stored != (value.rows, value.cols) and part is None:
        one["shape"] = list(stored)
    if value.extra.get("out_rows"):
        one["out_rows"] = True
    one["kind"] = "parameter"
    return one


def stored_shape(shape, cut=False):
    """Return the shape that a tensor has in the checkpoint: one to four dimensions, and
    two if the graph reads it in slices."""
    if len(shape) == 0:
        return (1,)
    if len(shape) == 3 and cut:
        return (shape[0] * shape[1], shape[2])
    return tuple(shape) if len(shape) <= 4 else \
        (shape[0], int(np.prod(shape[1:], dtype=int)))


def finish(low):
    """Finish the graph of a lowering; returns (graph without statistics, arrays)."""
    builder = low.b
    drop_unread(builder)
    check_slices(builder)
    cut_projections(builder)
    numbers = any(builder.values[v].kind == "input"
                  for node in builder.nodes for v in node.inputs)
    if numbers:
        ids_as_numbers(builder, low)
        tokens, types = None, None
    else:
        tokens, types = set_ids(builder, low.streams)
    inputs = set_inputs(builder)
    if inputs is None and tokens is None:
        raise Refused("the loss depends on no input")
    set_positions(builder, (tokens if inputs is None else inputs).shape[1])
    turn_weights(builder)
    if low.labels is None and low.target is None:
        # One term for each example; hesse reads examples with labels or targets only.
        low.labels = np.zeros((low.examples, 1), dtype=np.int64)
    return {"inputs": inputs, "tokens": tokens, "types": types, "labels": low.labels,
            "targets": low.target}


def check_slices(builder):
    """Every number of a parameter must belong to one value only."""
    used = {}
    for node in builder.nodes:
        for value in node.inputs:
            if builder.values[value].kind == "parameter":
                used.setdefault(builder.values[value].key[0], set()).add(value)
    for name, values in used.items():
        parts = [builder.values[value] for value in values]
        if len(parts) == 1 and parts[0].key[1] is None:
            continue
        if any(value.key[1] is None for value in parts):
            raise Conflict(name)
        count = np.zeros(parts[0].key[1][1], dtype=int)
        for value in parts:
            own = value.rows if value.extra["out_rows"] else value.cols
            count[places(value.key[1], own)] += 1
        if (count != 1).any():
            raise Conflict(name)
