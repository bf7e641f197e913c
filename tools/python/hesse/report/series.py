"""Figures of numbers against the step: series of checkpoints and logs of training runs."""
from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

from ..figures import names
from .blocks import MEASURES
from .cases import Input
from .figure import Axis, Curve, Figure, Limits, View, peaks

LABELS = {"js0": "mean Jensen-Shannon divergence of pairs of blocks (nat)",
          "js_distance0": "mean Jensen-Shannon distance of pairs (nat^½)",
          "js_raw0": "mean Jensen-Shannon divergence of pairs, raw",
          "js_log0": "mean Jensen-Shannon divergence of logarithms (nat)",
          "wasserstein0": "mean Wasserstein distance of pairs (loss / parameter²)",
          "loss": "loss", "gradient_norm": "norm of the gradient (loss / parameter)"}


def both_signs(curves: Sequence[Curve]) -> tuple[str, tuple[str, ...]]:
    """Return the scale of an axis for the values of the curves, and the choices of a reader."""
    every = np.concatenate([curve.y for curve in curves]) if curves else np.array([])
    every = every[np.isfinite(every)]
    if not len(every) or not (every > 0).any():
        return "linear", ("linear", "symlog")
    if (every < 0).any():
        return "symlog", ("linear", "symlog")
    positive = every[every > 0]
    return ("log" if positive.max() > 20 * positive.min() else "linear"), ("linear", "log")


def learning_rates(inputs: Sequence[Input]) -> list[tuple[str, float, Any]]:
    """Return name, learning rate and optimiser of every training run among the files."""
    found = []
    for given in inputs:
        attributes = given.file.attributes
        if "train_learning_rate" in attributes:
            found.append((given.name, float(attributes["train_learning_rate"]),
                          attributes.get("train_optimiser", "")))
    return found


def figure_series(inputs: Sequence[Input], limits: Limits) -> Figure | None:
    own = [given for given in inputs if given.file.kind == "series"]
    if not own:
        return None
    several = len(own) > 1
    every = list(dict.fromkeys(name for given in own for name in given.file.blocks.index)) if all(
        "blocks" in given.file for given in own) else []
    if not every:
        every = list(dict.fromkeys(
            name for given in own for step in given.file.steps[:1]
            for name in given.file.at(step).blocks.index))
    short = dict(zip(every, names.short_names(every)))
    groups: dict[str, str] = {}
    for name in every:
        groups.setdefault(names.group_of(name), name)
    first = set(groups.values())
    views: list[View] = []
    rows = []
    for given in own:
        series = given.file.series
        steps = series["step"]
        for key in ("loss", "gradient_norm", "js0", "js_log0", "wasserstein0"):
            if key in series:
                values = series[key]
                add(views, key, LABELS[key].split(" (")[0], LABELS[key],
                    Curve(given.name if several else key.replace("_", " "),
                          steps.astype(float), values, line="both"), pick=False)
        index = list(given.file.at(given.file.steps[0]).blocks.index) if given.file.steps else []
        for key, label, axis, _ in MEASURES:
            column = "block_gradient_norm" if key == "gradient_norm" else key
            if column not in series or series[column].shape != (len(steps), len(index)):
                continue
            values = series[column]
            key = f"block-{key}"
            full = series["full"] if "full" in series else {}
            if column in full:
                name = f"{given.name}: full matrix" if several else "full matrix"
                add(views, key, f"{label} of the blocks", axis,
                    Curve(name, steps.astype(float), full[column], title="(full)",
                          line="both", file=given.name if several else ""))
            for at, block in enumerate(index):
                name = f"{given.name}: {short[block]}" if several else short[block]
                add(views, key, f"{label} of the blocks", axis,
                    Curve(name, steps.astype(float), values[:, at], title=block, line="both",
                          file=given.name if several else "", shown=block in first))
        for at, step in enumerate(steps):
            rows.append([given.name, int(step), *(float(series[key][at]) if key in series else
                                                  math.nan for key in ("loss", "gradient_norm",
                                                                       "js0"))])
    rates = learning_rates(inputs)
    views.sort(key=lambda view: view.key != "block-max")  # the first one that is shown
    for view in views:
        view.y.scale, view.y.choices = both_signs(view.curves)
        if view.key == "block-max":
            # The bound of gradient descent; adaptive optimisers have another one.
            view.lines = [(2 / rate, f"2 / learning rate{f' of {name}' if len(rates) > 1 else ''}")
                          for name, rate, optimiser in rates if rate > 0]
    caption = (
        "Numbers of all checkpoints against the step of training. Choose the blocks to compare in "
        "the list.")
    if rates:
        caption += (" The line 2 / learning rate is the largest curvature at which plain gradient "
                    "descent is stable. It is drawn with the largest eigenvalues, and other "
                    "optimisers have other bounds.")
    return Figure("series", "Along the training", caption, views,
                  table=(["file", "step", "loss", "gradient norm", "mean JS"], rows))


def add(views: list[View], key: str, label: str, axis: str, curve: Curve, pick: bool = True
        ) -> None:
    """Add a curve to the view of this key."""
    view = next((view for view in views if view.key == key), None)
    if view is None:
        view = View(key, label, Axis("step", "linear", ("linear", "log")), Axis(axis), "curves",
                    [], pick=pick)
        views.append(view)
    if np.isfinite(np.asarray(curve.y, float)).any():
        view.curves.append(curve)
        view.pick = view.pick or len({curve.name for curve in view.curves}) > 1


def thinned(steps: Any, values: Any, limits: Limits, figure_notes: set[str]) -> tuple[Any, Any]:
    places = peaks(values, limits.points)
    if len(places) < len(steps):
        figure_notes.add(f"A curve has at most {limits.points:,} points, which keep its highest "
                         "and lowest values.")
    return np.asarray(steps, float)[places], np.asarray(values, float)[places]


def figures_logs(inputs: Sequence[Input], limits: Limits) -> list[Figure]:
    own = [given for given in inputs if given.file.kind == "log"]
    if not own:
        return []
    several = len(own) > 1
    views: list[View] = []
    path: list[View] = []
    notes: set[str] = set()
    rows = []
    for given in own:
        log = given.file.log
        steps = log["step"]
        name = given.name if several else ""

        def put(to: list[View], key: str, label: str, axis: str, curve_name: str, x: Any, y: Any,
                line: str = "solid", shown: bool = True, title: str = "") -> None:
            x, y = thinned(x, y, limits, notes)
            whole = f"{name}: {curve_name}" if name else curve_name
            add(to, key, label, axis, Curve(whole, x, y, line=line, shown=shown, title=title,
                                            file=name))
        put(views, "loss", "loss", "loss", "loss of the batch", steps, log["loss"])
        evaluate = log["evaluate"] if "evaluate" in log else {}
        if "loss" in evaluate and len(evaluate["loss"]):
            put(views, "loss", "loss", "loss", "held-out loss", evaluate["step"],
                evaluate["loss"], "both")
        if "accuracy" in evaluate and np.isfinite(evaluate["accuracy"]).any():
            put(views, "accuracy", "accuracy", "accuracy of held-out examples", "accuracy",
                evaluate["step"], evaluate["accuracy"], "both")
        put(views, "learning_rate", "learning rate", "learning rate", "learning rate", steps,
            log["learning_rate"])
        tensors = [str(tensor) for tensor in log["parameter_tensor"]] if (
            "parameter_tensor" in log) else []
        short = names.short_names(tensors)
        groups: dict[str, str] = {}
        for tensor in tensors:
            groups.setdefault(names.group_of(tensor), tensor)
        for key, label, unit in (("gradient_norm", "gradient norm", "loss / parameter"),
                                 ("update_norm", "update norm", "parameter")):
            if key not in log or log[key].ndim != 2:
                continue
            norms = log[key]
            axis = f"{label.replace(' norm', '')} norm ({unit})"
            put(views, key, label, axis, "all tensors", steps,
                np.sqrt((norms.astype(float) ** 2).sum(axis=1)))
            small = Limits(points=max(100, limits.of_curve(4 * len(tensors)) // 2))
            for at, tensor in enumerate(tensors):
                x, y = thinned(steps, norms[:, at], small, notes)
                whole = f"{name}: {short[at]}" if name else short[at]
                add(views, key, label, axis,
                    Curve(whole, x, y, title=tensor, file=name,
                          shown=not several and tensor in groups.values()))
        if "path" in log:
            numbers = log["path"]
            at = numbers["step"]
            for key in numbers:
                if key == "step" or numbers[key].shape != at.shape:
                    continue
                unit = numbers.units(key)
                label = key.replace("_", " ")
                place = key.replace("threshold", "sharpness")
                put(path, place, place.replace("_", " "),
                    place.replace("_", " ") + (f" ({unit})" if unit not in ("", "1") else ""),
                    label, at, numbers[key], "dashed" if "threshold" in key else "both")
        attributes = given.file.attributes
        rows.append([given.name, str(attributes.get("train_optimiser", "–")),
                     float(attributes.get("train_learning_rate", math.nan)), int(len(steps)),
                     float(log["loss"][0]) if len(steps) else math.nan,
                     float(log["loss"][-1]) if len(steps) else math.nan,
                     float(evaluate["loss"][-1]) if "loss" in evaluate and len(evaluate["loss"])
                     else math.nan, str(attributes.get("train_failure", "no"))])
    path.sort(key=lambda view: view.key != "sharpness")
    found = []
    for figure_views in (views, path):
        for view in figure_views:
            view.y.scale, view.y.choices = both_signs(view.curves)
            if view.key == "accuracy":
                view.y.scale = "linear"
        figure_views[:] = [view for view in figure_views if view.curves]
    found.append(Figure(
        "training", "Training", "The numbers that the training run wrote at its steps. The loss of "
        "a batch varies from batch to batch; the held-out loss is always of the same examples. "
        "The norms of single parameter tensors can be chosen in the list.", views,
        notes=sorted(notes),
        table=(["run", "optimiser", "learning rate", "steps", "first loss", "last loss",
                "last held-out loss", "failure"], rows)))
    if path:
        found.append(Figure(
            "path", "Measures along the training", "What the job measured along the run. The "
            "sharpness is the largest eigenvalue of the Hessian; the dashed threshold is the "
            "largest sharpness at which the optimiser is stable on a quadratic.", path))
    return found
