"""Figures of spectra: their densities, eigenvalues against rank, and the full matrix against its
blocks."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..results.recompute import of_tail, tenth
from .cases import Case, Cases, representatives, spectra
from .figure import (Axis, Curve, Figure, Floats, Limits, View, peaks, spaced, spaced_log)

if TYPE_CHECKING:
    from ..results import Spectrum

EIGENVALUE = "eigenvalue (loss / parameter²)"
SCALINGS = {"raw": "as computed", "tenth": "divided by the 10th largest",
            "trace": "divided by the trace"}
LARGEST_FIT = 20000  # eigenvalues; the search for the best tail of more takes too long


def factors_of(spectrum: Spectrum) -> dict[str, float]:
    """Return what eigenvalues are divided by. A factor that is 0 divides nothing, as in hesse."""
    trace = abs(float(spectrum.measures.get("trace", math.nan)))
    found = {"raw": 1.0, "tenth": tenth(spectrum), "trace": trace}
    return {name: value if value > 0 and math.isfinite(value) else 1.0
            for name, value in found.items()}


def figure_spectra(cases: Cases, limits: Limits) -> Figure | None:
    curves: list[Curve] = []
    densities: list[Curve] = []
    notes, estimated, rows = set(), 0, []
    every = []
    for case in cases:
        own = spectra(case)
        first = representatives(own, 6 if len(cases.files()) == 1 else 2)
        every += [(case, spectrum, spectrum.name in first) for spectrum in own]
    points = limits.of_curve(2 * len(every))
    for case, spectrum, shown in every:
        name = case.label(cases.short[spectrum.name])
        label = name + " (estimated)" * spectrum.estimated
        estimated += spectrum.estimated
        factors = factors_of(spectrum)
        same = dict(name=name, label=label, title=case.label(spectrum.name), file=case.file,
                    frame=case.frame, factors=factors, shown=shown)
        values, masses = spectrum.atoms()
        kept = np.flatnonzero(masses > 0)
        places = kept[spaced(len(kept), points)]
        if len(places) < len(kept):
            notes.add(f"A spectrum with more than {points:,} eigenvalues is drawn from {points:,} "
                      "of them, evenly spaced by rank.")
            masses = np.full(len(places), 1 / len(places)) if spectrum.exact else (
                masses[places] / masses[places].sum())
        else:
            masses = masses[places]
        curves.append(Curve(x=values[places], y=np.array([]), masses=masses, **same))
        rows.append([same["title"], spectrum.size, spectrum.method, float(values[kept[0]]),
                     float(np.median(values[kept])), float(values[kept[-1]])])
        if "density/values" in spectrum:
            densities.append(density_curve(spectrum, factors, points, same, notes))
    if not curves:
        return None
    views = [View("histogram", "histogram", Axis(EIGENVALUE, "symlog",
                                                 ("linear", "symlog", "log")),
                  Axis("share of the eigenvalues in a bin", "linear", ("linear", "log")),
                  "histogram", curves, scalings=SCALINGS, pick=True)]
    if densities:
        views.append(View("density", "density", Axis(EIGENVALUE, "linear",
                                                     ("linear", "symlog", "log")),
                          Axis("density", "log", ("linear", "log")), "curves", densities,
                          scalings=SCALINGS, pick=True))
    caption = (
        "How the eigenvalues of each block are distributed. In the histogram, the height of a bin "
        "is the share of the eigenvalues that fall into it. A symmetric logarithmic axis shows "
        "negative eigenvalues at the left and small ones in the middle, and a logarithmic axis "
        "shows only positive ones. Blocks of different scale can be compared in shape if each is "
        "divided by its 10th largest eigenvalue or by its trace.")
    if estimated:
        caption += (" The spectra marked as estimated come from Lanczos quadrature; the band around "
                    "a density is one standard error over the probes on both sides.")
    return Figure("spectra", "Spectra of the blocks", caption, views, cases.frames,
                  notes=sorted(notes) + [cases.note] * bool(cases.note),
                  table=(["matrix", "order", "method", "smallest", "median", "largest"], rows))


def density_curve(spectrum: Spectrum, factors: dict[str, float], points: int, same: dict,
                  notes: set[str]) -> Curve:
    density = spectrum.density()
    grid, values, error = density.grid, density.values, density.standard_error
    if str(density.settings.get("eigenvalues_divided_by", "1")) != "1":
        grid, values = grid * factors["tenth"], values / factors["tenth"]
        error = None if error is None else error / factors["tenth"]
    places = peaks(values, points)
    if len(places) < len(grid):
        notes.add(f"A density has at most {points:,} points, which keep its highest and lowest "
                  "values.")
    # Far from the spectrum a density is 0 up to rounding, which would stretch the axis.
    low = None if error is None else np.maximum(values - error, 0)[places]
    high = None if error is None else (values + error)[places]
    return Curve(x=grid[places], y=values[places], low=low, high=high, **same)


def figure_rank(cases: Cases, limits: Limits) -> Figure | None:
    """Eigenvalues against rank on two logarithmic axes, with power laws."""
    most = 4 if len(cases.files()) == 1 else 1
    every = []
    for case in cases:
        own = spectra(case)
        first = representatives(own, most)
        every += [(case, spectrum, first) for spectrum in own if spectrum.exact]
    points = limits.of_curve(2 * len(every))
    curves: list[Curve] = []
    rows = []
    notes = set()
    fitted = False
    for case, spectrum, first in every:
        name = case.label(cases.short[spectrum.name])
        same = dict(name=name, title=case.label(spectrum.name), file=case.file, frame=case.frame,
                    shown=spectrum.name in first)
        values = spectrum.eigenvalues
        floor = float(spectrum.measures.get("noise_floor", 0.0))
        for sign, part in ((1, values[values > floor][::-1]), (-1, -values[values < -floor])):
            if not len(part):
                continue
            places = spaced_log(len(part), points)
            if len(places) < len(part):
                notes.add(f"A curve has at most {points:,} points, half of them evenly spaced on "
                          "the logarithmic axis.")
            curves.append(Curve(x=places + 1.0, y=part[places],
                                label=name if sign > 0 else f"{name}, negative, absolute",
                                line="solid" if sign > 0 else "dotted", **same))
        tail = tail_of(spectrum)
        if tail:
            exponent, minimum, count, distance, stored = tail
            fitted = True
            rank = np.geomspace(1, count, 20)
            curves.append(Curve(x=rank, y=minimum * (rank / count) ** (-1 / (exponent - 1)),
                                label=f"{name}, power law {exponent:.2f}", line="dashed", **same))
            rows.append([same["title"], exponent, minimum, count, distance,
                         "in the file" if stored else "fitted here"])
        elif len(values) > LARGEST_FIT and spectrum.measures.get("tail_exponent") is None:
            notes.add(f"No power law is fitted to more than {LARGEST_FIT:,} eigenvalues; "
                      "the job can store one (measures.tail).")
    if not curves:
        return None
    caption = (
        "Each eigenvalue above the noise of rounding against its rank, the largest first. The "
        "absolute values of the negative eigenvalues are dotted. A straight line is a power law.")
    if fitted:
        caption += (" The dashed lines are the power laws that fit the largest eigenvalues best; "
                    "the number is the exponent of their density.")
    return Figure("rank", "Eigenvalues against rank", caption,
                  [View("rank", "rank", Axis("rank", "log", ("log", "linear")),
                        Axis("|eigenvalue| (loss / parameter²)", "log", ("log", "linear")),
                        "curves", curves, pick=True)],
                  cases.frames, notes=sorted(notes),
                  table=(["matrix", "exponent", "tail begins at", "eigenvalues in the tail",
                          "Kolmogorov-Smirnov distance", "power law"], rows) if rows else None)


def tail_of(spectrum: Spectrum) -> tuple[float, float, float, float, bool] | None:
    """Return exponent, minimum, count and distance of a power law, and whether the file has it."""
    stored = {f"tail_{part}": float(spectrum.measures.get(f"tail_{part}", math.nan))
              for part in ("exponent", "minimum", "count", "distance")}
    known = "tail_exponent" in spectrum.measures
    if not known and 10 <= spectrum.size <= LARGEST_FIT:
        stored = of_tail(spectrum.eigenvalues, {})
    found = tuple(stored.values())
    if not all(math.isfinite(value) for value in found) or found[0] <= 1:
        return None
    return (*found, known)  # type: ignore[return-value]


def figure_full(cases: Cases, limits: Limits) -> Figure | None:
    """All eigenvalues of the full matrix against those of its diagonal blocks together."""
    curves = []
    rows = []
    notes = set()
    for case in cases:
        together = together_of(case)
        if together is None:
            continue
        full = case.result.full.eigenvalues[::-1]
        for label, values, line in (("full matrix", full, "solid"),
                                    ("all blocks together", together, "dashed")):
            places = np.union1d(spaced_log(len(values), limits.points),
                                len(values) - 1 - spaced_log(len(values), limits.points // 2))
            if len(places) < len(values):
                notes.add(f"Of more than {limits.points:,} eigenvalues, some stand for all.")
            curves.append(Curve(name=case.label(label), x=places + 1.0, y=values[places], line=line,
                                file=case.file, frame=case.frame))
        rows.append([case.file or "–", cases.frames[case.frame] if case.frame is not None else "–",
                     float(full[0]), float(together[0]), float(full[-1]), float(together[-1])])
    if not curves:
        return None
    caption = (
        "All eigenvalues of the full Hessian and of its diagonal blocks without the rest, in "
        "descending order. Where both curves agree, the Hessian behaves like its blocks; a gap at "
        "the ends means that the coupling between blocks matters.")
    return Figure("full", "The full matrix and its blocks", caption,
                  [View("full", "sorted", Axis("rank", "linear", ("linear", "log")),
                        Axis(EIGENVALUE, "symlog", ("symlog", "linear", "log")), "curves",
                        curves, pick=True)],
                  cases.frames, notes=sorted(notes),
                  table=(["file", "step", "largest, full", "largest, blocks", "smallest, full",
                          "smallest, blocks"], rows))


def together_of(case: Case) -> Floats | None:
    """Return the eigenvalues of all blocks, descending, if the full spectrum and all are exact."""
    result = case.result
    if not (result.has_full and result.full.exact):
        return None
    blocks = list(result)
    if not all(block.exact for block in blocks):
        return None
    return np.sort(np.concatenate([block.eigenvalues for block in blocks]))[::-1]


