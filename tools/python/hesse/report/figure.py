"""The description of a figure, which knows no renderer.

A figure has one view or several, of which a reader sees one at a time. A view has curves
(with bars among them) or cells. `page` and `paper` draw the same descriptions.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Sequence, Union

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SCALES = {"linear": "linear", "log": "logarithmic", "symlog": "symmetric logarithmic"}
Values = Union[Floats, Sequence[str]]
LARGEST_TABLE = 200  # rows of a table beside a figure


@dataclass
class Limits:
    """How much of a result a report holds.

    points: of a curve. total: points of a figure. cells: of a side of an image. frames: steps
    of a slider.
    """

    points: int = 2000
    total: int = 300_000
    cells: int = 500
    frames: int = 24

    def smaller(self) -> Limits:
        return Limits(max(50, self.points // 2), self.total // 2, max(50, self.cells // 2),
                      max(4, self.frames // 2))

    def of_curve(self, curves: int) -> int:
        """Return the points of a curve in a figure with so many curves."""
        return max(50, min(self.points, self.total // max(1, curves)))


@dataclass
class Axis:
    """An axis: its label, its scale and the scales that a reader can choose."""

    label: str
    scale: str = "linear"
    choices: tuple[str, ...] = ()


@dataclass
class Curve:
    """A curve, a set of points or a set of bars.

    Parameters
    ----------
    name
        What a reader chooses by: curves of one name appear and vanish together.
    x, y
        [points] numbers. The x of bars are texts.
    label
        Text of the legend; the name without one.
    title
        The whole name, for a tooltip.
    low, high
        [points] ends of a band or of error bars.
    masses
        [points] if given, x are values with these masses, and a view draws their histogram.
    group
        Colours curves that a reader does not choose among, and bars; see `names.GROUPS`.
    groups
        Groups of single bars.
    file, frame
        Name of the file, and the number of the frame of a slider; None is every frame.
    line
        "solid", "dashed", "dotted", "points" or "both".
    shown
        Whether it is drawn before a reader chooses.
    factors
        A number for each scaling of the view: x is divided by it. The densities y are
        multiplied by it.
    """

    name: str
    x: Values
    y: Floats
    label: str = ""
    title: str = ""
    low: Floats | None = None
    high: Floats | None = None
    masses: Floats | None = None
    group: str = ""
    groups: Sequence[str] = ()
    file: str = ""
    frame: int | None = None
    line: str = "solid"
    shown: bool = True
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Cells:
    """An image: values [rows, columns] over names or numbers.

    orders: for each way to sort the names, the places in that order. kind: "image", "contour"
    or "surface". signed: zero is the middle of the colours.
    """

    x: Values
    y: Values
    values: Floats
    label: str
    log: bool = False
    signed: bool = False
    kind: str = "image"
    orders: Mapping[str, Sequence[int]] = field(default_factory=dict)
    frame: int | None = None
    centre: bool = False


@dataclass
class View:
    """One picture of a figure.

    kind: "curves", "histogram", "bars", "stack" or "cells". scalings: names and labels of the
    `factors` of the curves. pick: a reader chooses among the curves. orders: ways to sort bars,
    each with the places of the bars. lines: horizontal lines with labels.
    """

    key: str
    label: str
    x: Axis
    y: Axis
    kind: str = "curves"
    curves: list[Curve] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    scalings: Mapping[str, str] = field(default_factory=dict)
    pick: bool = False
    orders: Mapping[str, Sequence[int]] = field(default_factory=dict)
    lines: list[tuple[float, str]] = field(default_factory=list)

    def scaled_label(self, scaling: str) -> str:
        """Return the label of the x axis: numbers that are divided have no unit."""
        if scaling in ("", "raw") or scaling not in self.scalings:
            return self.x.label
        return f"{self.x.label.split(' (')[0]}, {self.scalings[scaling]}"


@dataclass
class Figure:
    """A figure: a title, words that explain it, and views.

    key: an identifier, also the stem of file names. frames: labels of the positions of a
    slider. notes: what was left out. table: the head and the rows of a table of its numbers.
    """

    key: str
    title: str
    caption: str
    views: list[View]
    frames: Sequence[str] = ()
    frame_name: str = "step"
    notes: list[str] = field(default_factory=list)
    table: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None

    def note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)


@dataclass
class Section:
    """Figures under one heading."""

    key: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    intro: str = ""


# Thinning.

def spaced(count: int, limit: int) -> NDArray[np.int64]:
    """Return at most `limit` places among `count`, evenly spaced, with the first and the last."""
    if count <= limit:
        return np.arange(count)
    return np.unique(np.round(np.linspace(0, count - 1, limit)).astype(np.int64))


def spaced_log(count: int, limit: int) -> NDArray[np.int64]:
    """As `spaced`, and half of the places are evenly spaced for a logarithmic axis."""
    if count <= limit:
        return np.arange(count)
    half = np.round(np.geomspace(1, count, limit // 2)).astype(np.int64) - 1
    return np.union1d(half, spaced(count, limit - limit // 2))


def peaks(y: Floats, limit: int) -> NDArray[np.int64]:
    """Return at most `limit` places that keep the highest and the lowest values of a curve.

    The curve is cut into pieces of equal length, and of each piece the places of its largest
    and its smallest value are kept.
    """
    count = len(y)
    if count <= limit:
        return np.arange(count)
    finite = np.nan_to_num(np.asarray(y, float), nan=0.0, posinf=0.0, neginf=0.0)
    found = {0, count - 1}
    for piece in np.array_split(np.arange(count), max(1, limit // 2 - 1)):
        found.add(int(piece[np.argmax(finite[piece])]))
        found.add(int(piece[np.argmin(finite[piece])]))
    return np.array(sorted(found))


def means(values: Floats, side: int, axis: int = 0) -> Floats:
    """Return the means of neighbours, `side` of them, along an axis; the last mean may be of fewer."""
    starts = np.arange(0, values.shape[axis], side)
    counts = np.diff([*starts, values.shape[axis]])
    shape = [1] * values.ndim
    shape[axis] = -1
    found: Floats = np.add.reduceat(values, starts, axis=axis) / counts.reshape(shape)
    return found


def averaged(values: Floats, limit: int) -> tuple[Floats, int]:
    """Return means over squares of a matrix with at most `limit` rows and columns, and the side of
    a square."""
    side = -(-max(values.shape) // limit) if values.size else 1
    if side <= 1:
        return values, 1
    return means(means(values, side, 0), side, 1), side


# Axes.

def threshold(values: Iterable[Floats]) -> float:
    """Return the value around which a symmetric logarithmic axis turns from linear to logarithmic.

    It is a power of ten near the tenth percentile of the absolute values, at most eight decades
    below the largest.
    """
    found = [np.abs(np.asarray(v, float)) for v in values]
    every = np.concatenate(found) if found else np.array([])
    every = every[np.isfinite(every) & (every > 0)]
    if not len(every):
        return 1.0
    low = max(float(np.quantile(every, 0.1)), float(every.max()) * 1e-8)
    return float(10.0 ** math.floor(math.log10(low)))


def histogram(x: Floats, masses: Floats, scale: str, turn: float, bins: int = 80
              ) -> tuple[Floats, Floats]:
    """Return edges and masses of bins of equal width on an axis of this scale."""
    kept = np.isfinite(x) & (masses > 0) & ((x > 0) if scale == "log" else True)
    x, masses = x[kept], masses[kept]
    if not len(x):
        return np.array([]), np.array([])
    there, back = transform(scale, turn)
    t = there(x)
    low, high = float(t.min()), float(t.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    return back(edges), np.histogram(t, edges, weights=masses)[0]


def transform(scale: str, turn: float) -> tuple[Any, Any]:
    """Return the function from values to places of an axis, and its inverse."""
    if scale == "log":
        return np.log10, lambda t: 10.0 ** t
    if scale == "symlog":
        return (lambda v: np.sign(v) * np.log10(1 + np.abs(v) / turn),
                lambda t: np.sign(t) * turn * (10.0 ** np.abs(t) - 1))
    return (lambda v: v), (lambda t: t)


# Text.

def words(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def number(value: Any) -> str:
    """Return a number for a table or a label."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}"
    if isinstance(value, (float, np.floating)):
        return "–" if math.isnan(value) else f"{float(value):.4g}"
    return str(value)
