"""Figures of blocks: distances between them, measures of each, and shares of the Hessian."""
from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from numpy.typing import NDArray

from ..figures import names
from .cases import Case, Cases
from .figure import Axis, Cells, Curve, Figure, Floats, Limits, View, averaged, spaced

DISTANCES = {**names.DISTANCES, "coupling": "coupling: Frobenius norm (loss / parameter²)"}
SHORT = {"js": "Jensen-Shannon", "js_distance": "Jensen-Shannon, square root",
         "js_raw": "Jensen-Shannon, raw", "js_log": "Jensen-Shannon of logarithms",
         "wasserstein": "Wasserstein", "coupling": "coupling"}
ROUNDING = 1e-13  # a block whose norm is below this part of the largest norm is rounding error
# Measures of a block: column, label, axis, scale.
MEASURES = (
    ("trace_per_parameter", "trace per parameter", "trace / size (loss / parameter²)", "symlog"),
    ("condition", "condition number", "condition number", "log"),
    ("negative_mass", "negative mass", "share of negative eigenvalues in the absolute sum",
     "linear"),
    ("effective_rank", "effective rank", "effective rank", "log"),
    ("max", "largest eigenvalue", "largest eigenvalue (loss / parameter²)", "symlog"),
    ("min", "smallest eigenvalue", "smallest eigenvalue (loss / parameter²)", "symlog"),
    ("frobenius", "Frobenius norm", "Frobenius norm (loss / parameter²)", "log"),
    ("gradient_norm", "gradient norm", "norm of the gradient (loss / parameter)", "log"),
)


def figures_distances(cases: Cases, limits: Limits) -> list[Figure]:
    """A figure for each file, since two matrices cannot be overlaid."""
    found = []
    for at, file in enumerate(cases.files()):
        views: dict[str, View] = {}
        notes, rows, frames = set(), [], False
        for case in cases:
            if case.file != file or "metrics" not in case.result:
                continue
            frames = frames or case.frame is not None
            metrics = case.result.metrics
            index = case.result.blocks.index
            for name in DISTANCES:
                if name not in metrics:
                    continue
                values = metrics[name]
                labels = [cases.short[block] for block in index]
                order = names.orders(index)
                values, side = averaged(values, limits.cells)
                if side > 1:
                    notes.add(f"A cell is the mean over {side} × {side} pairs of neighbouring "
                              "blocks, in the order of the file.")
                    labels = [f"{labels[i]} … {labels[min(i + side, len(labels)) - 1]}"
                              for i in range(0, len(labels), side)]
                    order = {"as in the file": list(range(len(labels)))}
                view = views.setdefault(name, View(name, SHORT[name], Axis("block"),
                                                   Axis("block"), "cells", orders=order))
                view.cells.append(Cells(labels, labels, values, DISTANCES[name],
                                        log=name == "coupling", orders=order, frame=case.frame))
                mean = metrics.attributes(name).get("js0", math.nan)
                rows.append([SHORT[name], step_of(cases, case), float(mean),
                             *farthest(values, labels)])
        if not views:
            continue
        name = f": {file}" if file else ""
        caption = (
            "How far the spectra of two blocks are from each other: a dark cell is a pair of "
            "similar spectra. In the order by group, blocks of the same kind stand side by side, so "
            "that a difference between kinds shows as squares along the diagonal.")
        if "coupling" in views:
            caption += (" The coupling is the Frobenius norm of the piece of the Hessian between "
                        "two blocks, on a logarithmic scale of colours.")
        found.append(Figure(f"distances-{at}" if at else "distances",
                            f"Distances and coupling of blocks{name}", caption,
                            [views[name] for name in DISTANCES if name in views],
                            cases.frames if frames else (), notes=sorted(notes),
                            table=(["measure", "step", "mean over pairs", "largest", "between",
                                    "and"], rows)))
    return found


def step_of(cases: Cases, case: Case) -> str:
    return "–" if case.frame is None else cases.frames[case.frame]


def farthest(values: Floats, labels: Sequence[str]) -> list:
    """Return the largest entry off the diagonal, and its row and column."""
    if len(values) < 2:
        return [math.nan, "–", "–"]
    off = np.where(np.eye(len(values), dtype=bool), -np.inf, np.nan_to_num(values, nan=-np.inf))
    row, column = np.unravel_index(int(np.argmax(off)), off.shape)
    return [float(values[row, column]), labels[row], labels[column]]


def kept_blocks(count: int, limits: Limits, notes: set[str]) -> NDArray[np.int64]:
    """Return the places of the blocks that have bars."""
    kept = spaced(count, limits.points)
    if len(kept) < count:
        notes.add(f"{len(kept):,} of {count:,} blocks are drawn, evenly spaced in the order of the "
                  "file.")
    return kept


def figure_measures(cases: Cases, limits: Limits) -> Figure | None:
    """Bars of each measure, coloured by group."""
    views = []
    notes: set[str] = set()
    for key, label, axis, scale in MEASURES:
        curves, order = [], {}
        for case in cases:
            table = case.result.blocks
            if key not in table:
                continue
            index, values = list(table.index), table[key].astype(float)
            if not np.isfinite(values).any():
                continue
            kept = kept_blocks(len(index), limits, notes)
            index = [index[at] for at in kept]
            low = high = None
            if key == "trace_per_parameter" and (table["trace_error"] > 0).any():
                error = np.nan_to_num(table["trace_error"] / table["size"])[kept]
                low, high = values[kept] - error, values[kept] + error
            curves.append(Curve(case.file or label, [cases.short[name] for name in index],
                                values[kept], label=case.file, low=low, high=high,
                                groups=[names.group_of(name) for name in index], file=case.file,
                                frame=case.frame))
            if not order:
                order = names.orders(index)
        if curves:
            several = len({curve.name for curve in curves}) > 1
            found = np.concatenate([curve.y for curve in curves])
            found = found[np.isfinite(found)]
            # One sign needs no symmetric axis.
            signed = bool((found < 0).any())
            used = "log" if scale == "symlog" and not signed and (found > 0).any() else scale
            views.append(View(key, label, Axis("block"),
                              Axis(axis, used, ("linear", "symlog" if signed else "log")), "bars",
                              curves, orders=order, pick=several))
    if not views:
        return None
    caption = (
        "One number of each block. The colour of a bar is "
        + ("the group of the block" if len(cases.files()) == 1 else "its file") + ". The condition "
        "number is the largest absolute eigenvalue divided by the smallest above rounding, the "
        "negative mass is the weight of negative eigenvalues, and the effective rank counts the "
        "eigenvalues that matter. A bar is missing where a number does not exist.")
    case = cases.cases[-1]
    table = case.result.blocks
    columns = [key for key, *_ in MEASURES if key in table]
    rows = [[name, names.group_of(name), int(table["size"][at]),
             *(float(table[key][at]) for key in columns)]
            for at, name in enumerate(table.index)]
    words = {key: label for key, label, *_ in MEASURES}
    last = f" (of {case.file or 'the file'}"
    last += f", step {step_of(cases, case)})" if case.frame is not None else ")"
    return Figure("measures", "Measures of the blocks", caption, views, cases.frames,
                  notes=sorted(notes),
                  table=(["block" + (last if len(cases) > 1 else ""), "group", "size",
                          *(words[key] for key in columns)], rows))


def figures_shares(cases: Cases, limits: Limits) -> list[Figure]:
    """Stacked bars of the shares of the trace and of the squared Frobenius norm."""
    found = []
    for at, file in enumerate(cases.files()):
        own = [case for case in cases if case.file == file and case.result.parts]
        for kind, chosen in (("curvature", ("gauss_newton", "functional")), ("operators", None)):
            notes: set[str] = set()
            views = shares_views(cases, own, chosen, limits, notes)
            if not views:
                continue
            name = f": {file}" if file else ""
            caption = (
                "How much of each block's Hessian belongs to "
                + ("the Gauss-Newton part and the functional part, which is the rest"
                   if kind == "curvature" else "each kind of operator")
                + ". The relative bars are divided by the sum of their absolute values, so that "
                  "all have the length 1; negative ones go to the left. A block that is zero up to "
                  "rounding has no bar. The trace of the Hessian is the sum of the traces of its "
                  "shares. Squared norms do not add up in this way. The grey "
                  "bar is the rest: shares that the job did not ask for, and for squared norms the "
                  "scalar products between shares.")
            found.append(Figure(
                f"shares-{kind}" + (f"-{at}" if at else ""),
                ("Gauss-Newton and functional shares" if kind == "curvature" else
                 "Shares of the operators") + name, caption, views,
                cases.frames if any(case.frame is not None for case in own) else (),
                notes=sorted(notes)))
    return found


def shares_views(cases: Cases, own: Sequence[Case], chosen: Sequence[str] | None,
                 limits: Limits, notes: set[str]) -> list[View]:
    stacks: dict[str, list[Curve]] = {}
    order: dict[str, list[int]] = {}
    for case in own:
        parts = {name: part for name, part in case.result.parts.items()
                 if not name.endswith("_scaled")
                 and (name in chosen if chosen else name not in ("gauss_newton", "functional"))}
        if not parts:
            continue
        table = case.result.blocks
        kept = kept_blocks(len(table.index), limits, notes)
        index = [table.index[at] for at in kept]
        order = order or names.orders(index)
        labels = [cases.short[name] for name in index]
        size = table["frobenius"][kept].astype(float)
        zero = size <= ROUNDING * np.nanmax(size, initial=0)
        for column, power in (("trace", 1), ("frobenius", 2)):
            whole = table[column][kept].astype(float) ** power
            pieces = {name.replace("_", "-" if name == "gauss_newton" else " "):
                      part.blocks[column][kept].astype(float) ** power
                      for name, part in sorted(parts.items())}
            rest = whole - sum(pieces.values())
            noise = 1e-9 * (np.abs(whole) + sum(np.abs(piece) for piece in pieces.values()))
            if (np.abs(rest) > noise).any():
                pieces["the rest" if power == 1 else "rest and scalar products"] = rest
            total = sum(np.abs(piece) for piece in pieces.values())
            for relative in (True, False):
                key = column + ("-relative" if relative else "")
                for name, piece in pieces.items():
                    with np.errstate(invalid="ignore", divide="ignore"):
                        part = np.where((total > 0) & ~zero, piece / total, np.nan)
                    stacks.setdefault(key, []).append(
                        Curve(name, labels, part if relative else piece,
                              group="rest" if "rest" in name else "",
                              frame=case.frame))
    words = {"trace-relative": ("trace, relative", "part of the absolute sum"),
             "frobenius-relative": ("squared Frobenius norm, relative", "part of the absolute sum"),
             "trace": ("trace", "trace (loss / parameter²)"),
             "frobenius": ("squared Frobenius norm", "squared norm (loss² / parameter⁴)")}
    return [View(key, label, Axis("block"), Axis(axis, "linear"), "stack", stacks[key],
                 orders=order) for key, (label, axis) in words.items() if key in stacks]
