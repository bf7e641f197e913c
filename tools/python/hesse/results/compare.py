"""Two results side by side: attributes, blocks, measures and spectra."""
from __future__ import annotations

import html
import math
import os
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from ..common import USAGE, Failure
from .recompute import wasserstein
from .table import Table, cell, columns_of, shorten
from .view import Result, open

if TYPE_CHECKING:
    import pandas

    from .view import Spectrum

Comparable = Union[Result, str, "os.PathLike[str]"]

# Attributes that say how, when and where a file was made, and not what was computed.
OF_THE_RUN = ("created", "command", "host", "ranks", "threads", "environment", "earlier_runs",
              "job", "job_complete", "job_identity", "output_identity", "predicted_seconds",
              "predicted_bytes_per_rank", "wall_seconds", "git_commit", "blas", "blas_mended",
              "blas_threads", "simd", "mpi", "hdf5", "repeatable", "sequences_at_once", "description")
# Columns that depend on the machine or on other blocks, or are rounding errors.
LEFT_OUT = ("seconds", "offset", "check_trace", "check_frobenius", "check_symmetry")
SHOWN = 12


class Comparison:
    """What differs between two results.

    Attributes
    ----------
    attributes
        Table of attributes with different values, `a` and `b`. Those that say how a file
        was made (time, machine, ranks) are left out, and are in `run_attributes`.
    only_a, only_b
        Names of blocks that only one of the results has.
    measures
        Table with one row for each block and measure that differ: `a`, `b`, `difference`
        (b - a), and `relative` (its absolute value over the larger absolute value; NaN if
        only one of the results has the number).
    spectra
        Table with one row for each block of both: `largest` (largest absolute difference of
        the eigenvalues in ascending order; NaN for estimates and different sizes),
        `relative` (over the largest absolute eigenvalue of both), and `wasserstein`.
    """

    def __init__(self, a: Result, b: Result) -> None:
        self.names = (a._title(), b._title())
        if self.names[0] == self.names[1]:
            self.names = (a._where, b._where)
        kept = {name: tuple(result.attributes.get(name) for result in (a, b))
                for name in sorted({*a.attributes, *b.attributes})}
        differ = {name: pair for name, pair in kept.items() if not _same(*pair)}
        times = [name for name in differ
                 if name in OF_THE_RUN or name.startswith(("seconds_", "train_seconds"))]
        self.attributes = _pairs("attribute", {name: pair for name, pair in differ.items()
                                               if name not in times})
        self.run_attributes = _pairs("attribute", {name: differ[name] for name in times})
        of_a, of_b = (dict.fromkeys(result.blocks.index) for result in (a, b))
        self.only_a = [name for name in of_a if name not in of_b]
        self.only_b = [name for name in of_b if name not in of_a]
        pairs = [(a.block(name), b.block(name)) for name in of_a if name in of_b]
        if a.has_full and b.has_full:
            pairs.append((a.full, b.full))
        self.measures = _measures(pairs)
        self.spectra = _spectra(pairs)

    @property
    def same(self) -> bool:
        """True if no block, measure or spectrum differs; attributes do not count."""
        return not (self.only_a or self.only_b or len(self.measures)
                    or self.spectra["wasserstein"].any())

    @property
    def worst(self) -> float:
        """The largest relative difference of eigenvalues of a block; 0 without any."""
        relative = self.spectra["relative"].astype(float)
        return float(np.nanmax(relative, initial=0))

    def to_pandas(self) -> pandas.DataFrame:
        """Return the differences of measures as a DataFrame with one row for each block.

        The columns have two levels, the measure and a, b, difference or relative. Raises
        an error that names the package if pandas is not installed.
        """
        frame = self.measures.to_pandas().reset_index()
        wide = frame.pivot(index="block", columns="measure",
                           values=["a", "b", "difference", "relative"])
        return wide.swaplevel(axis=1).sort_index(axis=1)

    def _most(self) -> Table:
        """The measures that differ most."""
        order = np.argsort(-self.measures["relative"], kind="stable")[:SHOWN]  # NaN is last
        return self.measures.take(order)

    def _parts(self) -> list[str | Table]:
        if self.same and not len(self.attributes):
            return [f"{self.names[0]} and {self.names[1]}: no difference"]
        parts: list[str | Table] = [f"a: {self.names[0]}", f"b: {self.names[1]}"]
        if len(self.attributes):
            parts.append(self.attributes)
        for which, names in (("a", self.only_a), ("b", self.only_b)):
            if names:
                parts.append(f"blocks only in {which}: {', '.join(names)}")
        if len(self.measures):
            shown = self._most()
            parts += [f"{len(self.measures)} measures differ"
                      + (f"; the {SHOWN} that differ most" if len(shown) < len(self.measures)
                         else ""), shown]
        else:
            parts.append("no measure differs")
        parts.append(self.spectra)
        return parts

    def __repr__(self) -> str:
        return "\n\n".join(map(str, self._parts()))

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" if isinstance(part, str)
                       else part._repr_html_() for part in self._parts())


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return bool(np.array_equal(a, b))


def _pairs(heading: str, pairs: dict[str, Any]) -> Table:
    def short(value: Any) -> str:
        return shorten(" ".join(("-" if value is None else cell(value)).split()))

    rows = [tuple(map(short, pair)) for pair in pairs.values()]
    return Table(heading, list(pairs), columns_of(rows, {"a": object, "b": object}))


def _measures(pairs: list[tuple[Spectrum, Spectrum]]) -> Table:
    names, rows = [], []
    for a, b in pairs:
        for measure in [*a.measures, *(m for m in b.measures if m not in a.measures)]:
            left = a.measures.get(measure, math.nan)
            right = b.measures.get(measure, math.nan)
            if (measure in LEFT_OUT or isinstance(left, str) or isinstance(right, str)
                    or _same(float(left), float(right))):
                continue
            size = max(abs(left), abs(right))
            far = right - left
            relative = abs(far) / size if math.isfinite(size) else math.nan
            names.append(a.name)
            rows.append((measure, left, right, far, relative))
    kinds = {"measure": object, "a": float, "b": float, "difference": float, "relative": float}
    return Table("block", names, columns_of(rows, kinds))


def _spectra(pairs: list[tuple[Spectrum, Spectrum]]) -> Table:
    names, rows = [], []
    for a, b in pairs:
        if not (a.computed and b.computed):
            continue
        left, right = a.atoms(), b.atoms()
        largest = relative = math.nan
        if a.exact and b.exact and a.size == b.size:
            largest = float(np.abs(left[0] - right[0]).max())
            size = max(float(np.abs(left[0]).max()), float(np.abs(right[0]).max()))
            relative = largest / size if size > 0 else 0.0
        names.append(a.name)
        rows.append((a.size, largest, relative, wasserstein(left, right)))
    kinds = {"size": int, "largest": float, "relative": float, "wasserstein": float}
    return Table("block", names, columns_of(rows, kinds), title="differences of the spectra")


def compare(a: Comparable, b: Comparable) -> Comparison:
    """Compare two results: files, steps of a series, or shares.

    Parameters
    ----------
    a, b
        Paths, or what `hesse.open`, `File.at` and `Result.parts` return. A path of a series
        stands for its last step.

    Raises
    ------
    hesse.common.Failure
        One of them has no blocks: it is a log, a sweep, a theory or a landscape.
    """
    with_blocks = []
    opened = []
    try:
        for item in (a, b):
            if not isinstance(item, Result):
                item = open(item)
                opened.append(item)
            kind = getattr(item, "kind", "result")
            if kind == "series" and item.file.steps:
                item = item.file.at(item.file.steps[-1])
            elif kind != "result":
                raise Failure(USAGE, f"{item._where}: found a file of the kind {kind}, expected a "
                                     "result, or a series with the result of a step, to compare")
            with_blocks.append(item)
        return Comparison(*with_blocks)
    finally:
        for file in opened:
            file.close()
