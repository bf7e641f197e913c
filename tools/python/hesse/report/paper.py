"""The figures of a report as files for a paper, drawn by Matplotlib.

A figure gives a file for each of its views and scalings. It shows what the page shows at first,
and of a slider the last step.
"""
from __future__ import annotations

import math
import os
from typing import Any, Sequence

import numpy as np

from ..common import Outputs, need
from ..figures import names
from ..figures.style import COLOURS, canvas, colour_bar
from .figure import Axis, Cells, Curve, Figure, Floats, Section, View, histogram, threshold

GREY = "#9AA1A8"
DASHES = {"solid": "-", "both": "-", "dashed": "--", "dotted": ":", "points": "none"}
LABELS = 60  # most names on an axis


def plain(text: str) -> str:
    """Return a text that Matplotlib does not read as a formula."""
    return text.replace("$", r"\$")


def draw_all(sections: Sequence[Section], folder: str, ending: str, outputs: Outputs) -> int:
    """Write all figures into a folder; return their number."""
    count = 0
    for section in sections:
        for figure in section.figures:
            for view in figure.views:
                for scaling in view.scalings or ("",):
                    stem = "-".join([figure.key, *([view.key] if len(figure.views) > 1 else []),
                                     *([scaling] if scaling not in ("", "raw") else [])])
                    path = os.path.join(folder, f"{stem}.{ending}")
                    outputs.check(path)
                    drawn = draw(figure, view, scaling)
                    outputs.write(path, lambda to: drawn.savefig(to, format=ending))
                    need("matplotlib.pyplot", "figures").close(drawn)
                    count += 1
    return count


def draw(figure: Figure, view: View, scaling: str = "") -> Any:
    """Return a figure of Matplotlib of one view."""
    frame = len(figure.frames) - 1
    curves = [curve for curve in view.curves if curve.frame in (None, frame)
              and (curve.shown or not view.pick)]
    names_of_bars = list(dict.fromkeys(name for curve in curves for name in curve.x)) if (
        view.kind in ("bars", "stack")) else []
    surface = any(cells.kind == "surface" for cells in view.cells)
    height = 1.2 + 0.16 * len(names_of_bars) if 0 < len(names_of_bars) <= LABELS else (
        5.4 if view.cells else 4.0)
    drawn, matrix = canvas(1, 1, max(3.0, height),
                           **({"subplot_kw": {"projection": "3d"}} if surface else {}))
    axes = matrix[0][0]
    title = figure.title + (f", {figure.frame_name} {figure.frames[frame]}"
                            if figure.frames and any(item.frame is not None for item in
                                                     [*view.curves, *view.cells]) else "")
    axes.set_title(plain(title + (f", {view.scalings[scaling]}" if scaling not in ("", "raw")
                                  else "")))
    if view.kind in ("bars", "stack"):
        bars(axes, view, curves, names_of_bars)
    elif view.kind == "cells":
        found = [cells for cells in view.cells if cells.frame in (None, frame)]
        if found:
            image(drawn, axes, view, found[0])
    else:
        lines(axes, view, curves, scaling)
    return drawn


def symlog_ticks(values: Sequence[Floats], turn: float) -> list[float]:
    """Return 0 and some powers of ten of both signs, as many as there is room for."""
    every = np.concatenate([np.ravel(np.asarray(v, float)) for v in values] or [np.zeros(1)])
    every = every[np.isfinite(every)]
    low, high = float(every.min(initial=0)), float(every.max(initial=0))
    first = round(math.log10(turn))
    last = math.ceil(math.log10(max(-low, high, turn * 10)))
    powers = [10.0 ** k for k in range(first + 1, last + 1)][::-1]
    powers = powers[::max(1, math.ceil(len(powers) / 4))]
    return [*[-p for p in powers if p / 10 <= -low], 0.0, *[p for p in powers[::-1]
                                                            if p / 10 <= high]]


def set_scale(axes: Any, which: str, axis: Axis, values: Sequence[Floats]) -> None:
    """Give an axis its label and its scale."""
    getattr(axes, f"set_{which}label")(plain(axis.label))
    if axis.scale == "symlog":
        turn = threshold(values)
        getattr(axes, f"set_{which}scale")("symlog", linthresh=turn)
        own = getattr(axes, f"{which}axis")
        own.set_major_locator(need("matplotlib.ticker", "figures").FixedLocator(
            symlog_ticks(values, turn)))
        own.set_minor_locator(need("matplotlib.ticker", "figures").NullLocator())
    elif axis.scale == "log" and any((np.asarray(v, float) > 0).any() for v in values):
        getattr(axes, f"set_{which}scale")("log")


def lines(axes: Any, view: View, curves: Sequence[Curve], scaling: str) -> None:
    order = list(dict.fromkeys(curve.name for curve in curves))
    bins = view.kind == "histogram"
    scaled: list[Curve] = []
    for curve in curves:
        factor = curve.factors.get(scaling, 1.0)
        up = factor if view.scalings and not bins else 1.0
        texts = len(curve.x) and isinstance(curve.x[0], str)
        scaled.append(Curve(curve.name, curve.x if texts else np.asarray(curve.x) / factor,
                            curve.y * up, curve.label,
                            low=None if curve.low is None else curve.low * up,
                            high=None if curve.high is None else curve.high * up,
                            masses=curve.masses, line=curve.line))
    xs = [curve.x for curve in scaled if not (len(curve.x) and isinstance(curve.x[0], str))]
    turn = threshold(xs) if view.x.scale == "symlog" else 1.0
    for curve in scaled:
        colour = COLOURS[order.index(curve.name) % len(COLOURS)]
        label = plain(curve.label or curve.name)
        if bins:
            edges, heights = histogram(curve.x, curve.masses, view.x.scale, turn)
            if len(edges):
                axes.stairs(heights, edges, color=colour, label=label, linewidth=1.3)
            continue
        marked = curve.line in ("both", "points")
        if curve.low is not None and curve.high is not None:
            if marked:
                axes.errorbar(curve.x, curve.y, [curve.y - curve.low, curve.high - curve.y],
                              fmt="none", ecolor=colour, elinewidth=1, capsize=2)
            else:
                axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2,
                                  linewidth=0)
        axes.plot(curve.x, curve.y, linestyle=DASHES[curve.line], color=colour, label=label,
                  marker="o" if marked else None, markersize=3)
    set_scale(axes, "x", Axis(view.scaled_label(scaling), view.x.scale), xs)
    set_scale(axes, "y", view.y, [curve.y for curve in scaled])
    if view.key == "density" and view.y.scale == "log":
        top = max((float(np.nanmax(curve.y)) for curve in scaled if len(curve.y)), default=1.0)
        axes.set_ylim(top * 1e-9, top * 2)
    for value, text in view.lines:
        axes.axhline(value, color="#777777", linewidth=1, linestyle="--")
        axes.annotate(plain(text), (0.01, value), xycoords=("axes fraction", "data"),
                      va="bottom", fontsize=8, color="#555555")
    if len(scaled) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncol=2 if len(scaled) > 3 else 3,
                    handlelength=2)


def bars(axes: Any, view: View, curves: Sequence[Curve], labels: Sequence[str]) -> None:
    places = next(iter(view.orders.values()), range(len(labels)))
    first = list(curves[0].x) if curves else []
    ordered = [first[at] for at in places] if len(list(places)) == len(first) else list(labels)
    ordered += [name for name in labels if name not in ordered]
    at = {name: place for place, name in enumerate(ordered)}
    order = list(dict.fromkeys(curve.name for curve in curves))
    up, down = np.zeros(len(ordered)), np.zeros(len(ordered))
    for curve in curves:
        where = np.array([at[name] for name in curve.x])
        values = np.nan_to_num(curve.y)
        colour = COLOURS[order.index(curve.name) % len(COLOURS)]
        if view.kind == "stack":
            base = np.where(values >= 0, up[where], down[where])
            axes.barh(where, values, 0.75, base, color=GREY if curve.group == "rest" else colour,
                      label=plain(curve.name))
            up[where] += np.maximum(values, 0)
            down[where] += np.minimum(values, 0)
            continue
        error = None if curve.low is None or curve.high is None else [
            np.nan_to_num(curve.y - curve.low), np.nan_to_num(curve.high - curve.y)]
        if len(order) > 1:
            width = 0.8 / len(order)
            axes.barh(where + (order.index(curve.name) - (len(order) - 1) / 2) * width, curve.y,
                      width, xerr=error, color=colour, label=plain(curve.label or curve.name))
            continue
        axes.barh(where, curve.y, 0.75, xerr=error, color=[group_colour(g) for g in curve.groups],
                  error_kw={"elinewidth": 0.8})
        for group in names.GROUPS:
            if group in curve.groups:
                axes.barh([0], [np.nan], color=group_colour(group), label=group)
    set_scale(axes, "x", view.y, [curve.y for curve in curves])
    if len(ordered) <= LABELS:
        axes.set_yticks(range(len(ordered)), [plain(name) for name in ordered], fontsize=7)
    else:
        axes.set_yticks([])
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    handles, texts = axes.get_legend_handles_labels()
    if texts:
        axes.legend(handles, texts, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def group_colour(group: str) -> str:
    return GREY if group == "Other" else COLOURS[names.GROUPS.index(group) % len(COLOURS)]


def image(drawn: Any, axes: Any, view: View, cells: Cells) -> None:
    colours = need("matplotlib.colors", "figures")
    values = np.asarray(cells.values, float)
    order = list(cells.orders.values())[1] if len(cells.orders) > 1 else None
    if order is not None:
        values = values[np.ix_(order, order)]
    top = float(np.nanmax(np.abs(values), initial=0)) or 1.0
    style: dict[str, Any] = {"cmap": "viridis"}
    if cells.signed:
        style = {"cmap": "BrBG", "vmin": -top, "vmax": top}
    elif cells.log:
        positive = values[values > 0]
        low = float(positive.min()) if len(positive) else top / 10
        style["norm"] = colours.LogNorm(max(low, top * 1e-8), top)
        values = np.where(values > 0, values, np.nan)
    if cells.kind == "surface":
        x, y = np.meshgrid(cells.x, cells.y)
        axes.plot_surface(x, y, values, rcount=60, ccount=60, linewidth=0, **style)
        axes.set_zlabel(plain(cells.label))
        axes.set_xlabel(plain(view.x.label))
        axes.set_ylabel(plain(view.y.label))
        return
    axes.grid(False)
    if cells.kind == "contour":
        mapped = axes.contourf(cells.x, cells.y, values, 24, **style)
        axes.contour(cells.x, cells.y, values, 24, colors="black", linewidths=0.3, alpha=0.5)
        axes.set_aspect("equal")
        if cells.centre:
            axes.plot([0], [0], "x", color="white", markersize=8, markeredgewidth=2.5)
            axes.plot([0], [0], "x", color="black", markersize=7, markeredgewidth=1)
        axes.set_xlabel(plain(view.x.label))
        axes.set_ylabel(plain(view.y.label))
    else:
        mapped = axes.imshow(values, interpolation="nearest", **style)
        labels = [plain(str(cells.x[at])) for at in (order if order is not None
                                                     else range(len(cells.x)))]
        if len(labels) <= LABELS:
            size = 7 if len(labels) < 30 else 5
            axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size)
            axes.set_yticks(range(len(labels)), labels, fontsize=size)
        else:
            axes.set_xticks([])
            axes.set_yticks([])
    colour_bar(drawn, mapped, axes, plain(cells.label))
