"""Pooling, interpolation and writing to places, in any form.

A linear map of one tensor (interpolation, means over windows, padding, folding) is what
PyTorch makes of unit vectors. A maximum over windows needs the places of each window.
What is written to constant places is found by numbers that name their origin.
"""
import re

import numpy as np
import torch

from .graph_builder import Act
from .lower import STAND_ADD, Data, Par, add, chosen_scatter, handles, is_number, \
    listed, moved, mul, op_name, shape_of, sum_

SOME = 256  # unit vectors at once


@handles("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
         "_upsample_nearest_exact1d", "_upsample_nearest_exact2d",
         "_upsample_nearest_exact3d", "upsample_linear1d", "upsample_bilinear2d",
         "upsample_bicubic2d", "upsample_trilinear3d", "_upsample_bilinear2d_aa",
         "_upsample_bicubic2d_aa", "avg_pool3d", "_adaptive_avg_pool3d",
         "adaptive_avg_pool3d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
         "im2col", "col2im", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d",
         "replication_pad1d", "replication_pad2d", "replication_pad3d", "grid_sampler_2d",
         "grid_sampler_3d", "grid_sampler", "affine_grid_generator")
def linear_map(low, node, x, *rest, **more):
    """Write a linear map of the first argument as sums of few numbers times factors."""
    if any(isinstance(one, (Act, Par)) for one in rest) or not isinstance(x, (Act, Par)):
        low.refuse(node, "has a second argument that depends on parameters, or only one "
                         "that does; give it as an input")
    if any(isinstance(one, Data) and not one.equal() for one in rest):
        low.refuse(node, "has a second argument that depends on the example; make it the "
                         "same for all, or a buffer")
    rest = [one.each[0] if isinstance(one, Data) else one for one in rest]
    x = low.act(x)
    out = torch.Size(shape_of(node))
    count = x.index.size
    if x.shape[0] != 1 or out[0] != 1:
        low.refuse(node, "has no dimension of the examples in front; give it one")
    places, factors = [], []
    for first in range(0, count, SOME):
        own = min(SOME, count - first)
        unit = torch.zeros(own, count, dtype=torch.float64)
        unit[torch.arange(own), first + torch.arange(own)] = 1
        tensors = [one.expand((own,) + tuple(one.shape[1:])) if isinstance(
            one, torch.Tensor) and one.ndim > 1 else one for one in rest]
        y = node.target(unit.reshape((own,) + tuple(x.shape[1:])), *tensors, **more)
        at, number = y.reshape(own, -1).nonzero().unbind(1)
        places.append(torch.stack([number, first + at]))
        factors.append(y.reshape(own, -1)[at, number])
    (number, at), factor = (torch.cat(one, -1).numpy() for one in (places, factors))
    return sparse(low, x, number, at, factor, out)


def sparse(low, x, number, at, factor, shape):
    """Return the numbers y[number] = sum of factor x[at], as few terms for each."""
    order = np.lexsort((at, number))
    number, at, factor = number[order], at[order], factor[order]
    count = int(np.prod(shape, dtype=int))
    terms = np.bincount(number, minlength=count)
    nth = np.arange(len(number)) - np.repeat(np.cumsum(terms) - terms, terms)
    wide = max(int(terms.max(initial=0)), 1)
    index = np.full((count, wide), -1, dtype=np.int64)
    factors = np.zeros((count, wide))
    index[number, nth] = x.index.reshape(-1)[at]
    factors[number, nth] = factor
    if wide == 1 and (factors[index >= 0] == 1).all():
        return Act(x.value, index.reshape(shape))
    y = low.b.order(Act(x.value, index))
    y = low.b.with_table("times_table", y, np.where(index < 0, 1.0, factors))
    y = low.b.reduce("sum_fields", y, [1])
    return Act(y.value, y.index.reshape(shape))


def rank_of(name):
    """Return the dimensions of an operator's images."""
    return int(re.search(r"(\d)d", name).group(1))


def windows(image, shape, kernel, stride, padding, dilation):
    """Return the places in an image of the numbers of each window, -1 outside."""
    rank = len(image)
    found = np.zeros([1] * (2 * rank), dtype=np.int64)
    inside = np.ones([1] * (2 * rank), dtype=bool)
    for d in range(rank):
        at = np.arange(shape[d])[:, None] * stride[d] - padding[d] + \
            np.arange(kernel[d]) * dilation[d]
        size = [1] * (2 * rank)
        size[d], size[rank + d] = at.shape
        found = found * image[d] + at.reshape(size)
        inside = inside & ((at >= 0) & (at < image[d])).reshape(size)
    places = int(np.prod(shape, dtype=int))
    return np.where(inside, found, -1).reshape(places, -1)


def largest(low, x, rank, windows_, shape):
    """Return the maximum over each window of the last axes."""
    lead = list(x.shape[:-rank])
    pixels = x.index.reshape(int(np.prod(lead, dtype=int)), -1)
    # A place outside is replaced by one inside, which does not change the maximum.
    first = windows_[np.arange(len(windows_)), (windows_ >= 0).argmax(1)]
    at = np.where(windows_ < 0, first[:, None], windows_)
    out = low.b.reduce("max_fields", Act(x.value, pixels[:, at]), [2])
    return Act(out.value, out.index.reshape(lead + list(shape)))


@handles("max_pool3d_with_indices", "max_pool3d")
def max_pool(low, node, x, kernel, stride=None, padding=0, dilation=1, ceil=False):
    """A maximum over windows of any form."""
    name = op_name(node)
    rank = rank_of(name)
    x = low.act(x)
    value = node.meta["val"]
    shape = tuple(value[0].shape if isinstance(value, (tuple, list)) else value.shape)
    kernel = listed(kernel, rank)
    stride, padding, dilation = (listed(one, rank, other) for one, other in (
        (stride, kernel), (padding, [0]), (dilation, [1])))
    at = windows(x.shape[-rank:], shape[-rank:], kernel, stride, padding, dilation)
    y = largest(low, x, rank, at, shape[-rank:])
    return [y, None] if name.endswith("with_indices") else y


@handles("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(low, node, x, size):
    rank = rank_of(op_name(node))
    x = low.act(x)
    image = x.shape[-rank:]
    size = listed(size, rank)
    ends = [[(i * s // n, -(-(i + 1) * s // n)) for i in range(n)]
            for s, n in zip(image, size)]
    all_ = np.arange(int(np.prod(image, dtype=int))).reshape(image)
    fields = [all_[tuple(slice(*ends[d][i]) for d, i in enumerate(place))].reshape(-1)
              for place in np.ndindex(*size)]
    at = np.full((len(fields), max(map(len, fields))), -1, dtype=np.int64)
    for row, one in zip(at, fields):
        row[:len(one)] = one
    return [largest(low, x, rank, at, size), None]


@handles("max_pool2d_with_indices", "max_pool2d", "max_pool1d", "avg_pool2d",
         "avg_pool1d", "max_pool1d_with_indices")
def pool(low, node, x, kernel, stride=None, padding=0, *rest, **more):
    name = op_name(node)
    rank = 1 if "1d" in name else 2
    given = (x, kernel, stride, padding, *rest)
    x = low.act(x)
    kernel = listed(kernel, rank)
    stride, padding = listed(stride, rank, kernel), listed(padding, rank, [0])
    largest = name.startswith("max")
    rest = list(rest)
    dilation = listed(rest.pop(0), rank) if largest and rest else [1] * rank
    ceil = rest.pop(0) if rest else more.get("ceil_mode", False)
    counted = rest.pop(0) if rest and not largest else more.get("count_include_pad",
                                                                True)
    image, c = list(x.shape[-rank:]), x.shape[-rank - 1]
    pixels = x.index.reshape([-1] + image)
    b = low.b
    with_list = name.endswith("with_indices")
    square = len(set(stride)) == 1 and len(set(padding)) == 1 and \
        set(dilation) == {1} and (rank == 2 or not padding[0]) and not ceil and \
        (not rest or rest[0] is None)
    if square and (largest or counted or not padding[0]):
        value = b.gather(x.value, np.moveaxis(pixels, 0, -1).reshape(-1, len(pixels)))
        rows, cols = image if rank == 2 else [1] + image
        kr, kc = kernel if rank == 2 else [1] + kernel
        shape = [(s + 2 * p - k) // stride[0] + 1
                 for s, p, k in zip(image, padding, kernel)]
        out = b.node("max_pool" if largest else "average_pool", [value],
                     int(np.prod(shape)), len(pixels), channels=len(pixels), rows=rows,
                     cols=cols, kernel_rows=kr, kernel_cols=kc, stride=stride[0],
                     pad=padding[0])
        index = np.arange(int(np.prod(shape)) * len(pixels)).reshape(
            shape + [len(pixels)])
        y = Act(out, np.moveaxis(index, -1, 0).reshape(list(x.shape[:-rank]) + shape))
        return [y, None] if with_list else y
    if largest:
        return max_pool(low, node, *given)
    return linear_map(low, node, *given, **more)


@handles("adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool1d")
def adaptive(low, node, x, size):
    x = low.act(x)
    rank = 1 if "1d" in op_name(node) else 2
    image = list(x.shape[-rank:])
    size = [s if n is None else n for s, n in zip(image, listed(size, rank))]
    pixels = x.index.reshape([-1] + image)
    value = low.b.gather(x.value, np.moveaxis(pixels, 0, -1).reshape(-1, len(pixels)))
    rows, cols = image if rank == 2 else [1] + image
    kr, kc = size if rank == 2 else [1] + size
    tokens = kr * kc
    out = low.b.node("adaptive_pool", [value], tokens, len(pixels),
                     channels=len(pixels), rows=rows, cols=cols, kernel_rows=kr,
                     kernel_cols=kc)
    index = np.arange(tokens * len(pixels)).reshape(size + [len(pixels)])
    return Act(out, np.moveaxis(index, -1, 0).reshape(list(x.shape[:-rank]) + size))


@handles("_trilinear")
def trilinear(low, node, a, b, c, wide_a, wide_b, wide_c, axes, unroll=1):
    """The sum over axes of the product of three tensors, of nn.Bilinear."""
    parts = []
    for one, wide in ((a, wide_a), (b, wide_b), (c, wide_c)):
        for axis in sorted(wide):
            one = one.unsqueeze(axis) if isinstance(one, torch.Tensor) else \
                Data([each.unsqueeze(axis) for each in one.each]) \
                if isinstance(one, Data) else \
                moved(one, lambda i, d=axis: np.expand_dims(i, d))
        parts.append(one)
    out = mul(low, STAND_ADD, mul(low, STAND_ADD, parts[0], parts[1]), parts[2])
    return sum_(low, node, out, sorted(axes))


def taken(low, x, at):
    """Return the numbers of x at flat places, 0 at the place -1."""
    if isinstance(x, torch.Tensor):
        flat = x.double().numpy().reshape(-1)
        return torch.from_numpy(np.where(at < 0, 0.0, flat[np.maximum(at, 0)]))
    x = low.act(x)
    return Act(x.value, np.where(at < 0, -1, x.index.reshape(-1)[np.maximum(at, 0)]))


def written(low, x, y, write):
    """Return write(x, y), which puts numbers of y in the places of numbers of x."""
    n = int(np.prod(tuple(x.shape), dtype=int))
    m = int(np.prod(tuple(y.shape), dtype=int))
    found = write(torch.arange(n, dtype=torch.float64).reshape(tuple(x.shape)),
                  torch.arange(n, n + m, dtype=torch.float64).reshape(tuple(y.shape)))
    origin = found.numpy().astype(np.int64)
    a = taken(low, x, np.where(origin < n, origin, -1))
    b = taken(low, y, np.where(origin < n, -1, origin - n))
    if isinstance(a, Act) and isinstance(b, Act) and a.value == b.value:
        return Act(a.value, np.where(origin < n, a.index, b.index))
    return add(low, STAND_ADD, a, b)


def added(low, x, y, write):
    """Return write(x, y), which adds numbers of y to numbers of x."""
    m = int(np.prod(tuple(y.shape), dtype=int))
    zero, number, at = torch.zeros(tuple(x.shape), dtype=torch.float64), [], []
    for i in range(m):
        unit = torch.zeros(m, dtype=torch.float64)
        unit[i] = 1
        places = write(zero, unit.reshape(tuple(y.shape))).reshape(-1).nonzero()[:, 0]
        number.append(places.numpy()), at.append(np.full(len(places), i))
    if isinstance(y, torch.Tensor):
        return add(low, STAND_ADD, x, write(zero, y.double()))
    number, at = np.concatenate(number), np.concatenate(at)
    more = sparse(low, low.act(y), number, at, np.ones(len(at)), tuple(x.shape))
    return more if isinstance(x, torch.Tensor) and not x.any() else \
        add(low, STAND_ADD, x, more)


@handles("scatter", "scatter_add")
def scatter(low, node, x, dim, at, y, reduce=None):
    at = at.each[0] if isinstance(at, Data) and at.equal() else at
    if reduce is not None or not isinstance(at, torch.Tensor):
        return chosen_scatter(low, node, x, dim, at, y, reduce)
    put = written if op_name(node) == "scatter" else added
    y = torch.full(tuple(at.shape), float(y)) if is_number(y) else y
    return put(low, x, y, lambda a, b: getattr(torch, op_name(node))(a, dim, at, b))


@handles("index_put", "_unsafe_index_put")
def index_put(low, node, x, places, y, accumulate=False):
    places = [one.each[0] if isinstance(one, Data) and one.equal() else one
              for one in places]
    if not all(one is None or isinstance(one, torch.Tensor) for one in places):
        low.refuse(node, "writes to places that depend on the example or on parameters; "
                         "multiply by a condition instead")
    write = torch.ops.aten.index_put.default
    if accumulate:
        return added(low, x, y, lambda a, b: write(a, places, b, True))
    return written(low, x, y, lambda a, b: write(a, places, b))


@handles("masked_scatter")
def masked_scatter(low, node, x, mask, y):
    if isinstance(mask, Data) and mask.equal():
        mask = mask.each[0]
    if not isinstance(mask, torch.Tensor):
        low.refuse(node, "has a mask that depends on the example or on parameters; use "
                         "where")
    return written(low, x, y, lambda a, b: torch.masked_scatter(a, mask, b))


@handles("scatter_reduce")
def scatter_reduce(low, node, x, dim, at, y, reduce, include_self=True):
    at = at.each[0] if isinstance(at, Data) and at.equal() else at
    if reduce != "sum" or not include_self or not isinstance(at, torch.Tensor):
        low.refuse(node, "is known for constant places and sums only")
    return added(low, x, y, lambda a, b: torch.scatter_add(a, dim, at, b))
