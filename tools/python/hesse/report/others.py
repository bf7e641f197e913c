"""Figures of sweeps, landscapes and theories."""
from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..figures import names
from .cases import Input
from .figure import Axis, Cells, Curve, Figure, Limits, View, averaged, means, spaced_log
from .series import both_signs

QUANTITIES = (("frobenius", "Frobenius norm", "Frobenius norm (loss / parameter²)"),
              ("trace", "trace", "trace (loss / parameter²)"),
              ("max", "largest eigenvalue", "largest eigenvalue (loss / parameter²)"),
              ("min", "smallest eigenvalue", "smallest eigenvalue (loss / parameter²)"))


def figures_sweeps(inputs: Sequence[Input], limits: Limits) -> list[Figure]:
    own = [given for given in inputs if given.file.kind == "sweep"]
    axes = list(dict.fromkeys(str(axis) for given in own for axis in given.file.sweep["axis"]))
    return [figure for axis in axes
            if (figure := figure_sweep(own, axis, limits, axes))]


def figure_sweep(own: Sequence[Input], axis: str, limits: Limits, axes: Sequence[str]
                 ) -> Figure | None:
    """The numbers of all points against one axis of the sweep."""
    several = len(own) > 1
    views: dict[str, View] = {}
    rows = []
    numeric = True
    for given in own:
        sweep = given.file.sweep
        labels = [str(label) for label in sweep["axis"]]
        if axis not in labels:
            continue
        column = labels.index(axis)
        values, places = sweep["value"], sweep["label"]
        numeric = bool(np.isfinite(values[:, column]).all())
        lines: dict[tuple[str, ...], list[int]] = {}
        for point in range(len(values)):
            rest = tuple(f"{labels[a]} {places[point, a]}" for a in range(len(labels))
                         if a != column)
            lines.setdefault(rest, []).append(point)
        blocks = [str(block) for block in sweep["block"]]
        short = names.short_names(blocks)
        shares = [("hessian", sweep), *((share, sweep["parts"][share]) for share in
                                        (sweep["parts"].keys() if "parts" in sweep else ()))]
        for share, numbers in shares:
            for quantity, label, title in QUANTITIES:
                if f"{quantity}_mean" not in numbers:
                    continue
                means, errors = numbers[f"{quantity}_mean"], numbers[f"{quantity}_mean_error"]
                if not np.isfinite(means).any():
                    continue
                key = f"{share}-{quantity}"
                view = views.setdefault(key, View(
                    key, f"{label}, {'Hessian' if share == 'hessian' else share.replace('_', ' ')}",
                    Axis(axis.replace("_", " ")), Axis(title), pick=True))
                for rest, points in lines.items():
                    # Names of points are in the order of the sweep, and numbers ascend.
                    points = sorted(points, key=lambda p: values[p, column]) if numeric else points
                    for at, block in enumerate(blocks):
                        y = means[points, at].astype(float)
                        if not np.isfinite(y).any():
                            continue
                        error = np.nan_to_num(errors[points, at])
                        x: Any = values[points, column].astype(float) if numeric else [
                            str(places[p, column]) for p in points]
                        name = ", ".join([*([given.name] if several else []), short[at], *rest])
                        text = name
                        slope = slope_of(numbers if "slope" in numbers else {}, sweep, column,
                                         points, at) if quantity == "frobenius" else None
                        if slope:
                            text += f", slope {slope[0]:.3f}"
                            rows.append([name, share, *slope])
                        view.curves.append(Curve(name, x, y, label=text, low=y - error,
                                                 high=y + error, title=block, line="both",
                                                 file=given.name if several else "",
                                                 shown=len(view.curves) < 8))
    if not views:
        return None
    for view in views.values():
        view.y.scale, view.y.choices = both_signs(view.curves)
        every = np.concatenate([curve.x for curve in view.curves]) if numeric else np.array([0.0])
        if numeric and (every > 0).all():
            view.x.scale, view.x.choices = "log", ("linear", "log")
            if "log" in view.y.choices:
                view.y.scale = "log"
        elif numeric:
            view.x.choices = ("linear", "symlog")
    caption = (f"How the curvature of the blocks depends on {axis.replace('_', ' ')}. A point is a "
               "mean over the repeats, and its bar is the standard error of this mean on both "
               "sides. On two logarithmic axes a power law is a straight line, and its exponent "
               "is the slope.")
    key = "sweep" if len(axes) == 1 else f"sweep-{axes.index(axis) + 1}"
    return Figure(key, f"Sweep over {axis.replace('_', ' ')}", caption, list(views.values()),
                  table=(["line", "share", "slope of log norm", "standard error"], rows)
                  if rows else None)


def slope_of(numbers: Any, sweep: Any, column: int, points: Sequence[int], block: int
             ) -> tuple[float, float] | None:
    """Return the stored slope of a line of points and its standard error."""
    if "slope" not in numbers or "slope_axis" not in sweep:
        return None
    for line, (axis, first) in enumerate(zip(sweep["slope_axis"], sweep["slope_first"])):
        if int(axis) == column and int(first) in points:
            value = float(numbers["slope"][line, block])
            if math.isfinite(value):
                return value, float(numbers["slope_error"][line, block])
    return None


LANDSCAPE = (("loss", "loss", "loss"),
             ("gradient_norm", "gradient norm", "norm of the gradient (loss / parameter)"),
             ("curvature_x", "curvature along x", "d₁'H d₁ (loss)"),
             ("curvature_y", "curvature along y", "d₂'H d₂ (loss)"),
             ("curvature_xy", "mixed curvature", "d₁'H d₂ (loss)"))


def figures_landscapes(inputs: Sequence[Input], limits: Limits) -> list[Figure]:
    own = [given for given in inputs if given.file.kind == "landscape"]
    lines = [given for given in own if "y" not in given.file.landscape]
    planes = [given for given in own if "y" in given.file.landscape]
    several = len(own) > 1
    found = []
    if lines:
        found.append(figure_line(lines, several))
    for at, given in enumerate(planes):
        found.append(figure_plane(given, f"plane-{at + 1}" if len(planes) > 1 else "plane",
                                  several, limits))
    return found


def table_of(own: Sequence[Input]) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    rows = [[given.name, ", ".join(map(str, given.file.landscape["direction"])),
             *(float(given.file.landscape[key]) for key in
               ("rise", "range", "minima", "nonconvex"))] for given in own]
    return ["file", "directions", "rise of the loss", "range of the loss", "share of local minima",
            "share with negative curvature"], rows


def figure_line(own: Sequence[Input], several: bool) -> Figure:
    views: dict[str, View] = {}
    for given in own:
        landscape = given.file.landscape
        x = landscape["x"]
        direction = str(landscape["direction"][0])
        for key, label, axis in LANDSCAPE:
            if key in landscape:
                view = views.setdefault(key, View(key, label, Axis("coordinate along the direction"),
                                                  Axis(axis), pick=len(own) > 1))
                view.curves.append(Curve(given.name if several else direction, x.astype(float),
                                         landscape[key].astype(float), line="both",
                                         title=direction))
    for view in views.values():
        _, view.y.choices = both_signs(view.curves)
    return Figure("line", "The loss along a direction",
                  "The loss and its curvature at parameters along a line. The network itself is at "
                  "the coordinate 0. Where the curvature is negative, the loss bends downwards.",
                  list(views.values()), table=table_of(own))


def figure_plane(given: Input, key: str, several: bool, limits: Limits) -> Figure:
    landscape = given.file.landscape
    views = []
    notes = []
    first, second = (str(name) for name in landscape["direction"][:2])
    for name, label, axis in LANDSCAPE:
        if name not in landscape:
            continue
        values, side = averaged(landscape[name].astype(float).T, limits.cells)
        x, y = (means(landscape[place].astype(float), side) for place in ("x", "y"))
        if side > 1:
            notes.append(f"A cell is the mean over {side} × {side} points.")
        finite = values[np.isfinite(values)]
        signed = bool(name.startswith("curvature") and len(finite)
                      and finite.min() < 0 < finite.max())
        kinds = (("contour", "contours"), ("surface", "surface")) if name == "loss" else (
            ("contour", ""),)
        for kind, word in kinds:
            views.append(View(f"{name}-{kind}", f"{label}, {word}" if word else label,
                              Axis(f"x, along {first}"), Axis(f"y, along {second}"), "cells",
                              cells=[Cells(x, y, values, axis, signed=signed, kind=kind,
                                           centre=True)]))
    name = f": {given.name}" if several else ""
    return Figure(key, f"Landscape of the loss{name}",
                  "The loss and its curvature in a plane through the parameters of the network, "
                  "which are at (0, 0), marked by a cross. The coordinates are multiples of the two "
                  "directions. The surface needs WebGL in the browser.",
                  views, notes=sorted(set(notes)), table=table_of([given]))


# Theories. Pairs of curves that belong together, in the units of one axis.

PAIRS = (
    ("steps", "steps until convergence", "steps", ("gd_steps", "adam_steps")),
    ("factor", "largest factor of a step, and its bound", "factor of L - L*",
     ("adam_factor", "adam_bound")),
    ("condition", "condition number after preconditioning, relative", "ratio",
     ("condition_ratio",)),
    ("tau", "share of the diagonal", "sum of |diagonal| / sum of |entries|", ("tau",)),
    ("r", "r of the theorem", "largest C₂ / smallest C₁", ("r",)),
)


def figures_theories(inputs: Sequence[Input], limits: Limits) -> list[Figure]:
    own = [given for given in inputs if given.file.kind == "theory"]
    if not own:
        return []
    several = len(own) > 1
    found = [figure_numbers(own)]

    def curve(given: Input, name: str, x: Any, y: Any, **style: Any) -> Curve:
        whole = f"{given.name}: {name}" if several else name
        return Curve(whole, np.asarray(x, float), np.asarray(y, float),
                     file=given.name if several else "", **style)

    draws: dict[str, View] = {}
    runs: dict[str, View] = {}
    spectra = View("spectra", "eigenvalues", Axis("rank", "linear", ("linear", "log")),
                   Axis("eigenvalue (loss / parameter²)"), pick=True)
    levels = View("levels", "levels", Axis("level"), Axis("eigenvalue (loss / parameter²)"))
    for given in own:
        theory = given.file.theory
        for key, label, axis, columns in PAIRS:
            for column in columns:
                if column not in theory or "draw" not in theory or column == "gd_steps":
                    continue
                values = np.sort(theory[column])
                view = draws.setdefault(key, View(key, label, Axis("draws, sorted by their value"),
                                                  Axis(axis)))
                view.curves.append(curve(given, column.replace("_", " ").replace("adam", "Adam"),
                                         np.arange(1, len(values) + 1), values, line="both"))
        if "gd_steps" in theory and "steps" in draws:
            count = np.atleast_1d(theory["gd_steps"])
            if np.isfinite(count).any():
                values = np.sort(count) if len(count) > 1 else np.repeat(
                    count, len(theory["draw"]))
                draws["steps"].curves.append(curve(
                    given, "gradient descent steps", np.arange(1, len(values) + 1), values,
                    line="dashed"))
        if "path" in theory:
            path = theory["path"]
            for quantity, axis in (("loss", "loss"),
                                   ("gradient_norm", "norm of the gradient (loss / parameter)")):
                view = runs.setdefault(quantity, View(quantity, quantity.replace("_", " "),
                                                      Axis("step", "linear", ("linear", "log")),
                                                      Axis(axis)))
                for name, word in (("gd", "gradient descent"), ("adam", "Adam")):
                    if f"{name}_{quantity}" in path:
                        view.curves.append(curve(given, word, path["step"],
                                                 path[f"{name}_{quantity}"]))
        if "descent_loss" in theory:
            view = runs.setdefault("descent", View(
                "descent", "descent and its bound", Axis("step", "linear", ("linear", "log")),
                Axis("loss")))
            for name, word, line in (("descent_loss", "loss", "solid"),
                                     ("descent_bound", "bound", "dashed")):
                values = theory[name]
                places = spaced_log(len(values), limits.points)
                view.curves.append(curve(given, word, places, values[places], line=line))
        for name, word in (("eigenvalues", "Hessian"), ("outer_eigenvalues", "outer product"),
                           ("projected_eigenvalues", "Hessian without symmetries"),
                           ("projected_outer_eigenvalues", "outer product without symmetries"),
                           ("singular_values", "singular values of the Jacobian")):
            if name in theory:
                values = np.sort(theory[name])[::-1]
                places = spaced_log(len(values), limits.points)
                spectra.curves.append(curve(given, word, places + 1.0, values[places],
                                            line="both" if len(values) < 60 else "solid"))
        if "level_eigenvalue" in theory:
            rank = np.arange(1, len(theory["level_eigenvalue"]) + 1)
            levels.curves.append(curve(given, "measured, median", rank, theory["level_measured"],
                                       line="both"))
            levels.curves.append(curve(given, "claimed", rank, theory["level_eigenvalue"],
                                       line="dashed"))
    for key, title, caption, views in (
            ("theory-draws", "The draws of the theory", "Each curve has the values of all draws, "
             "sorted separately. A bound holds if its curve is on the right side of the measured "
             "one.", list(draws.values())),
            ("theory-runs", "The runs of the theory", "The loss and the gradient along the runs "
             "that the theory describes.", list(runs.values())),
            ("theory-spectra", "Spectra of the theory", "Eigenvalues in descending order; levels "
             "are the different eigenvalues of a closed form.",
             [view for view in (spectra, levels) if view.curves])):
        for view in views:
            view.y.scale, view.y.choices = both_signs(view.curves)
        if views:
            found.append(Figure(key, title, caption, views))
    return [figure for figure in found if figure]


def figure_numbers(own: Sequence[Input]) -> Figure:
    """A figure without views: the single numbers of the theories with their meaning."""
    rows = []
    for given in own:
        theory = given.file.theory
        for name in theory:
            item = theory[name]
            if isinstance(item, np.ndarray) and item.ndim == 0 or np.isscalar(item):
                rows.append([given.name, name.replace("_", " "), float(item), theory.units(name),
                             theory.description(name)])
    return Figure("theory-numbers", "Numbers of the theory",
                  "Single numbers that were measured, and what the closed forms claim.", [],
                  table=(["file", "number", "value", "unit", "meaning"], rows))
