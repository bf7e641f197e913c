"""Every measure of a result again, from the stored spectra, with NumPy.

The formulas are those of docs/math.md, sections 5 to 8 and 11, written a second time and
without the program's code, so that a reader can check the program.
"""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..common import NUMERICAL, Failure
from .reading import Missing, read
from .table import Table, columns_of

if TYPE_CHECKING:
    from .view import Floats, Result, Spectrum

EPSILON = {"double": 2.0**-52, "single": 2.0**-23}  # by the precision of a matrix
LEAST_SQUARES = 1e-280  # smaller sums of squares have lost digits to underflow
LOG_BINS, LOG_FLOOR = 64, 1e-12
CUT = 53 * math.log(2)  # a kernel ends at 2^-53 of its height
CELLS = 1 << 22  # numbers that are computed at once
MOST_ORDER = 1000  # stored matrices up to this order get their eigenvalues again


# Measures of a spectrum.

def noise_floor(size: int, low: float, high: float, precision: str = "double") -> float:
    """Return n eps max |eigenvalue|."""
    return size * EPSILON[precision] * max(abs(low), abs(high))


def check_bounds(size: int, precision: str = "double") -> dict[str, float]:
    """Return the largest value of each check of a matrix of order `size`."""
    root = math.sqrt(size)
    if precision == "single":
        bound, symmetry = 64 * EPSILON[precision] * root, 1e-4
    else:
        bound, symmetry = max(64 * EPSILON[precision] * size, 1e-13 * root), 1e-11
    return {"check_trace": bound, "check_frobenius": bound, "check_symmetry": symmetry}


def condition(values: Floats, floor: float) -> float:
    """Return the largest over the smallest absolute eigenvalue above the floor."""
    sizes = np.abs(values)
    sizes = sizes[sizes > floor]
    return float(sizes.max() / sizes.min()) if len(sizes) else math.nan


def robust_condition(values: Floats, floor: float) -> float:
    """Return the largest eigenvalue over the lower median of the absolute eigenvalues."""
    median = float(np.sort(np.abs(values))[(len(values) - 1) // 2])
    largest = float(values[-1])
    if median > floor:
        return largest / median
    return math.inf if largest > floor else math.nan


def negative_mass(values: Floats, masses: Floats, floor: float) -> float:
    """Return the share of the negative eigenvalues in the sum of absolute eigenvalues."""
    sizes = np.where(np.abs(values) > floor, np.abs(values), 0) * masses
    return float(sizes[values < 0].sum() / sizes.sum()) if sizes.sum() > 0 else 0.0


def entropy_rank(values: Floats) -> float:
    """Return exp(-sum p log p) with p = |eigenvalue| / sum; 0 for a zero matrix."""
    sizes = np.abs(values)
    if not sizes.sum() > 0:
        return 0.0
    shares = sizes[sizes > 0] / sizes.sum()
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def of_eigenvalues(values: Floats, trace: float, frobenius: float,
                   precision: str = "double") -> dict[str, float]:
    """Return the measures of exact eigenvalues.

    `trace` and `frobenius` are the stored ones, with which the checks compare.
    """
    size = len(values)
    floor = noise_floor(size, float(values[0]), float(values[-1]), precision)
    long = values.astype(np.longdouble)
    total, squares = float(long.sum()), float((long * long).sum())
    found = {
        "trace": total,
        "frobenius": math.sqrt(squares),
        "min": float(values[0]),
        "max": float(values[-1]),
        "condition": condition(values, floor),
        "robust_condition": robust_condition(values, floor),
        "negative_mass": negative_mass(values, np.ones(size), floor),
        "effective_rank": entropy_rank(values),
        "trace_per_parameter": total / size,
        "noise_floor": floor,
        "trace_error": 0.0,
        "frobenius_error": 0.0,
    }
    if frobenius == 0:
        found["check_trace"] = found["check_frobenius"] = 0.0 if total == trace else math.inf
    elif frobenius * frobenius >= LEAST_SQUARES:
        found["check_trace"] = abs(float(long.sum() - np.longdouble(trace))) / frobenius
        found["check_frobenius"] = abs(squares / frobenius**2 - 1)
    return found


def of_quadrature(spectrum: Spectrum) -> dict[str, float]:
    """Return the measures of nodes [probes, steps] with weights."""
    nodes, weights, size = spectrum.nodes, spectrum.weights, spectrum.size
    probes = len(nodes)
    traces = size * np.sum(weights * nodes, axis=1)
    squares = size * np.sum(weights * nodes**2, axis=1)
    trace, square = float(traces.mean()), float(squares.mean())

    def error(moments: Floats) -> float:
        return float(moments.std(ddof=1) / math.sqrt(probes)) if probes > 1 else math.nan

    low, high = float(nodes.min()), float(nodes.max())
    floor = noise_floor(size, low, high)
    sizes = np.abs(nodes)
    masses = np.where(sizes > floor, weights, 0) / probes
    mean = float(np.sum(masses * sizes))
    rank = 0.0
    if mean > 0:
        logs = np.sum(masses * sizes * np.log(np.where(sizes > 0, sizes, 1)))
        rank = max(1.0, math.exp(math.log(size * mean) - logs / mean))
    ends = spectrum["extreme_eigenvalues"] if "extreme_eigenvalues" in spectrum else (low, high)
    frobenius = math.sqrt(square)
    return {
        "trace": trace,
        "frobenius": frobenius,
        "min": float(ends[0]),
        "max": float(ends[-1]),
        "condition": math.nan,
        "robust_condition": math.nan,
        "negative_mass": negative_mass(nodes.ravel(), weights.ravel(), floor),
        "effective_rank": rank,
        "trace_per_parameter": trace / size,
        "noise_floor": floor,
        "dominance": math.nan,
        "trace_error": error(traces),
        "frobenius_error": error(squares) / (2 * frobenius) if frobenius > 0 else error(squares),
        "check_trace": math.nan,
        "check_frobenius": math.nan,
        "check_symmetry": math.nan,
    }


def tail(values: Floats, precision: str = "double") -> dict[str, Floats]:
    """Return the candidates of a power law for the largest eigenvalues.

    Returns
    -------
    minimum, exponent, count, distance
        [candidates] an eigenvalue at which a tail may begin, the exponent of greatest
        likelihood, the number of eigenvalues in the tail and the Kolmogorov-Smirnov
        distance; infinite where a candidate was given up because another one is better.
    """
    floor = noise_floor(len(values), float(values[0]), float(values[-1]), precision)
    x = values[values > floor]
    logs = np.log(x)
    above = np.cumsum(logs[::-1])[::-1]
    found: list[tuple[float, float, float, float]] = []
    best = math.inf
    for first in range(len(x) - 1, -1, -1):
        if first > 0 and not logs[first] > logs[first - 1]:
            continue  # its tail begins at an equal one
        count = len(x) - first
        total = above[first] - count * logs[first]
        if not total > 0 or logs[-1] == logs[first]:
            continue
        exponent = 1 + count / total
        at = logs[first:]
        # A few points show that most candidates are worse than the best one.
        for step in (max(1, count // 64), 1):
            some = at[::step]
            law = -np.expm1((1 - exponent) * (some - at[0]))
            before = np.searchsorted(at, some, "left") / count
            after = np.searchsorted(at, some, "right") / count
            distance = float(max((law - before).max(), (after - law).max()))
            if distance > best * (1 + 1e-9) + 1e-15 or step == 1:
                break
        best = min(best, distance)
        found.append((float(x[first]), exponent, float(count), distance))
    columns = np.array(found).reshape(-1, 4).T
    return dict(zip(("minimum", "exponent", "count", "distance"), columns))


def of_tail(values: Floats, stored: Mapping[str, Any],
            precision: str = "double") -> dict[str, float]:
    """Return the best tail; of several that are as good, the one that the file has."""
    candidates = tail(values, precision)
    names = ("exponent", "minimum", "count", "distance")
    if not len(candidates["distance"]):
        return {f"tail_{name}": math.nan for name in names}
    least = candidates["distance"].min()
    good = np.flatnonzero(candidates["distance"] <= least * (1 + 1e-9) + 1e-14)
    near = np.abs(candidates["minimum"][good] - stored.get("tail_minimum", math.nan))
    at = good[int(np.argmin(np.nan_to_num(near, nan=math.inf)))]
    return {f"tail_{name}": float(candidates[name][at]) for name in names}


# Densities and distances.

def kernel_masses(values: Floats, masses: Floats, first: float, step: float, points: int,
                  deviation: float) -> Floats:
    """Return the masses [points] of a spectrum on a grid.

    Every eigenvalue becomes a Gaussian kernel with the sum of its mass. The kernel is cut
    off below 2^-53 of its value at the grid point nearest to it.
    """
    found = np.zeros(points)
    places = (values - first) / step
    near = np.clip(np.rint(places), 0, points - 1)
    shift = near - places
    steepness = (step / deviation) ** 2 / 2
    # |k|^2 + 2 k shift is at least |k| (|k| - 1), as |shift| is at most 1/2 in the grid.
    reach = min(points - 1, 1 + math.ceil(0.5 + math.sqrt(0.25 + CUT / steepness)))
    offsets = np.arange(-reach, reach + 1)
    for begin in range(0, len(values), max(1, CELLS // len(offsets))):
        part = slice(begin, begin + max(1, CELLS // len(offsets)))
        power = steepness * (offsets * (offsets + 2 * shift[part, None]))
        at = near[part, None].astype(int) + offsets
        inside = (at >= 0) & (at < points) & (power <= CUT)
        kernels = np.where(inside, np.exp(-np.where(inside, power, 0)), 0)
        kernels *= (masses[part] / kernels.sum(axis=1))[:, None]
        found += np.bincount(at[inside], weights=kernels[inside], minlength=points)
    return found


def tenth(spectrum: Spectrum) -> float:
    """Return |the 10th largest eigenvalue|, or of the smallest if there are fewer than 10; for a
    quadrature, of the mean over the probes."""
    if spectrum.exact:
        values = spectrum.eigenvalues
        return abs(float(values[max(0, len(values) - 10)]))
    return abs(float(np.mean([row[max(0, int(last) - 10)] for row, last in
                              zip(spectrum.nodes, spectrum["taken"])])))


def unit_of(spectrum: Spectrum, settings: Mapping[str, Any]) -> float:
    """Return the number by which eigenvalues are divided: 1, or |the 10th largest|."""
    if str(settings.get("eigenvalues_divided_by", "1")) == "1":
        return 1.0
    return tenth(spectrum) or 1.0


def density(spectrum: Spectrum) -> tuple[Floats, Floats | None]:
    """Return the density [points] on the stored grid, and its standard error or None."""
    settings = spectrum.density().settings
    first, step = float(settings["first"]), float(settings["step"])
    points, deviation = int(settings["points"]), float(settings["deviation"])
    unit = unit_of(spectrum, settings)
    if spectrum.exact:
        values, masses = spectrum.atoms()
        return kernel_masses(values / unit, masses, first, step, points, deviation) / step, None
    probes = np.array([kernel_masses(nodes / unit, weights, first, step, points, deviation) / step
                       for nodes, weights in zip(spectrum.nodes, spectrum.weights)])
    error = (probes.std(axis=0, ddof=1) / math.sqrt(len(probes)) if len(probes) > 1
             else np.full(points, math.nan))
    return probes.mean(axis=0), error


def divergences(p: Floats, others: Floats) -> Floats:
    """Return the Jensen-Shannon divergences [k] of masses [G] and others [k, G], in nats."""
    found = np.empty(len(others))
    for begin in range(0, len(others), max(1, CELLS // len(p))):
        q = others[begin:begin + max(1, CELLS // len(p))]
        m = (p + q) / 2
        # 0 log 0 = 0, and where m is 0, p and q are 0, too.
        left = np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / np.where(m > 0, m, 1)), 0)
        right = np.where(q > 0, q * np.log(np.where(q > 0, q, 1) / np.where(m > 0, m, 1)), 0)
        found[begin:begin + len(q)] = (left.sum(axis=1) + right.sum(axis=1)) / 2
    clipped: Floats = np.clip(found, 0, math.log(2))
    return clipped


def wasserstein(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> float:
    """Return the integral of |F - G| for two lists of ascending values with masses."""
    values = np.concatenate([a[0], b[0]])
    order = np.argsort(values, kind="stable")
    jumps = np.concatenate([a[1], -b[1]])[order]
    return float(np.sum(np.abs(np.cumsum(jumps)[:-1]) * np.diff(values[order])))


def log_histogram(values: Floats, masses: Floats, first: float, step: float) -> Floats:
    """Return masses in 64 bins of log(max(value, 0) + 1e-12)."""
    logs = np.log(np.maximum(values, 0) + LOG_FLOOR)
    places = (logs - first) / step if step > 0 else np.zeros(len(logs))
    bins = np.clip(places, 0, LOG_BINS - 1).astype(int)
    return np.bincount(bins, weights=masses, minlength=LOG_BINS).astype(float)


def distance(name: str, result: Result) -> Floats:
    """Return a distance [B, B] between all pairs of blocks; NaN for blocks without a spectrum."""
    settings = result.metrics.attributes(name)
    spectra = list(result)
    matrix = np.full((len(spectra), len(spectra)), math.nan)
    chosen = [at for at, spectrum in enumerate(spectra) if spectrum.computed]
    atoms = []
    for at in chosen:
        values, masses = spectra[at].atoms()
        atoms.append((values / unit_of(spectra[at], settings), masses))
    ends = {float(end) for points, _ in atoms for end in (points[0], points[-1])}
    if name == "wasserstein":
        rows = [np.array([wasserstein(a, b) for b in atoms[:i]]) for i, a in enumerate(atoms)]
    elif len(ends) == 1:  # all eigenvalues are equal, and the grid has no width
        rows = [np.zeros(i) for i in range(len(atoms))]
    else:
        first, step = float(settings["first"]), float(settings["step"])
        if name == "js_log":
            masses = np.array([log_histogram(*one, first, step) for one in atoms])
        else:
            masses = np.array([kernel_masses(*one, first, step, int(settings["points"]),
                                             float(settings["deviation"])) for one in atoms])
        rows = [divergences(one, masses[:i]) for i, one in enumerate(masses)]
        if name == "js_distance":
            rows = [np.sqrt(row) for row in rows]
        if name == "js_raw":
            rows = [row / step for row in rows]
    for i, a in enumerate(chosen):
        matrix[a, a] = 0
        matrix[a, chosen[:i]] = matrix[chosen[:i], a] = rows[i]
    return matrix


# Stored matrices.

def row_chunks(matrix: Any) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Read a matrix some rows at a time."""
    rows = max(1, CELLS // max(1, matrix.shape[1]))
    for begin in range(0, matrix.shape[0], rows):
        part = slice(begin, min(begin + rows, matrix.shape[0]))
        yield part, np.asarray(matrix[part])


def of_matrix(spectrum: Spectrum) -> dict[str, float]:
    """Return trace, Frobenius norm and dominance of a stored matrix."""
    diagonal, squares, absolute = [], 0.0, 0.0
    for part, rows in row_chunks(spectrum.matrix):
        diagonal.append(rows[np.arange(len(rows)), np.arange(part.start, part.stop)])
        squares += float(np.sum(rows * rows))
        absolute += float(np.sum(np.abs(rows)))
    entries = np.concatenate(diagonal)
    return {"trace": float(entries.sum()), "frobenius": math.sqrt(squares),
            "dominance": float(np.abs(entries).sum()) / absolute if absolute > 0 else math.nan}


def coupling(result: Result) -> Floats:
    """Return the Frobenius norms [B, B] of the pieces of the stored full matrix."""
    sizes = [int(size) for size in result.blocks["size"]]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    found = np.zeros((len(sizes), len(sizes)))
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    for part, rows in row_chunks(result.matrix):
        np.add.at(found, owner[part], np.add.reduceat(rows * rows, starts, axis=1))
    return np.sqrt(found)


# All of it, as rows of a table.

class Recomputed(Table):
    """Stored and recomputed numbers, one row for each.

    The columns are `where` (step, share and block), `stored`, `recomputed`, `difference`
    and `relative`: the absolute difference over a size that suits the measure (for the
    trace, for example, at least the Frobenius norm). Of an array, such as a density or a
    matrix of distances, the row has the entry with the largest difference.
    """

    @property
    def worst(self) -> float:
        """The largest relative difference."""
        return float(self["relative"].max()) if len(self) else 0.0

    def check(self, tolerance: float = 1e-9) -> float:
        """Return the worst relative difference; raise `Failure` if it is above the tolerance."""
        if not len(self):
            raise Failure(NUMERICAL, f"{self.title}: found no number to recompute, expected spectra")
        at = int(np.argmax(self["relative"]))
        if not self.worst <= tolerance:
            raise Failure(
                NUMERICAL,
                f"{self.title}: {self['where'][at]}: found {self.index[at]} "
                f"{self['stored'][at]:.12g}, expected {self['recomputed'][at]:.12g} by its "
                f"spectrum (relative difference {self.worst:.2g}, tolerance {tolerance:.2g})")
        return self.worst

    def by_measure(self) -> Table:
        """Return a row for every measure: how many numbers, and the worst difference."""
        names = list(dict.fromkeys(self.index))
        index = np.array(self.index, dtype=object)
        counts, worst, where = [], [], []
        for name in names:
            at = np.flatnonzero(index == name)
            counts.append(len(at))
            place = at[int(np.argmax(self["relative"][at]))]
            worst.append(self["relative"][place])
            where.append(self["where"][place] if worst[-1] > 0 else "")
        return Table("measure", names, {"numbers": np.array(counts, dtype=int),
                                        "worst": np.array(worst, dtype=float),
                                        "where": np.array(where, dtype=object)},
                     title=f"{self.title}: {len(self)} numbers recomputed, worst relative "
                           f"difference {self.worst:.2g}")

    def __repr__(self) -> str:
        return repr(self.by_measure())

    def _repr_html_(self) -> str:
        return self.by_measure()._repr_html_()


class _Rows:
    """The rows of a table while they are found."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.cells: list[tuple[str, float, float, float, float]] = []

    def add(self, where: str, name: str, stored: Any, found: Any, size: float = 0) -> None:
        """Add a row; `size` is the least number to which the difference is relative."""
        a, b = np.broadcast_arrays(np.asarray(stored, float), np.asarray(found, float))
        a, b = a.ravel(), b.ravel()
        if not len(a):
            return
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        with np.errstate(invalid="ignore"):
            far = np.where(same, 0, np.abs(a - b))
        far = np.where(np.isnan(far), math.inf, far)
        at = int(np.argmax(far))
        finite = np.concatenate([a[np.isfinite(a)], b[np.isfinite(b)]])
        least = max(size, float(np.abs(finite).max(initial=0)))
        relative = 0.0 if far[at] == 0 else float(far[at]) / least if least > 0 else math.inf
        self.names.append(name)
        self.cells.append((where, float(a[at]), float(b[at]), float(far[at]), relative))

    def table(self, title: str) -> Recomputed:
        kinds = {"where": object, "stored": float, "recomputed": float, "difference": float,
                 "relative": float}
        return Recomputed("measure", self.names, columns_of(self.cells, kinds), title=title)


def _add_spectrum(rows: _Rows, where: str, spectrum: Spectrum) -> None:
    stored = spectrum.measures
    norm = float(stored["frobenius"])
    if spectrum.exact:
        values = spectrum.eigenvalues
        precision = spectrum.precision
        found = of_eigenvalues(values, float(stored["trace"]), norm, precision)
        if "tail_exponent" in stored:
            found.update(of_tail(values, stored, precision))
    else:
        found = of_quadrature(spectrum)
    gradient = spectrum.gradient
    found["gradient_norm"] = float(np.linalg.norm(gradient))
    ends = max(abs(found["min"]), abs(found["max"]))
    sizes = {"trace": norm, "trace_error": norm, "frobenius_error": norm, "min": ends,
             "max": ends, "trace_per_parameter": norm / spectrum.size, "negative_mass": 1,
             "check_trace": 1, "check_frobenius": 1}
    for name, value in found.items():
        if name in stored:
            rows.add(where, name, stored[name], value, sizes.get(name, 0))
    if "density" in spectrum:
        values, error = density(spectrum)
        kept = spectrum.density()
        rows.add(where, "density", kept.values, values)
        if error is not None and kept.standard_error is not None:
            rows.add(where, "density standard_error", kept.standard_error, error,
                     float(np.abs(kept.values).max()))
    if "inverse_participation" in spectrum:
        vectors = spectrum.eigenvectors
        squares = vectors**2
        rows.add(where, "inverse_participation", spectrum["inverse_participation"],
                 np.sum(squares**2, axis=1) / np.sum(squares, axis=1) ** 2)


def _add_matrix(rows: _Rows, where: str, spectrum: Spectrum) -> None:
    stored, norm = spectrum.measures, float(spectrum.measures["frobenius"])
    for name, value in of_matrix(spectrum).items():
        if name in stored:
            rows.add(where, f"{name} of the matrix", stored[name], value,
                     norm if name == "trace" else 0)
    if not spectrum.exact or spectrum.size > MOST_ORDER:
        return
    matrix = np.asarray(spectrum.matrix)
    values = spectrum.eigenvalues
    rows.add(where, "eigenvalues of the matrix", values, np.linalg.eigvalsh(matrix))
    if "eigenvectors" in spectrum and "residuals" in spectrum:
        vectors = spectrum.eigenvectors
        low = len(vectors) // 2
        of_vectors = np.concatenate([values[:low], values[len(values) - len(vectors) + low:]])
        left = np.linalg.norm(vectors @ matrix - of_vectors[:, None] * vectors, axis=1)
        rows.add(where, "residuals of the matrix", spectrum["residuals"], left,
                 float(np.abs(values).max()))


def _add_index(rows: _Rows, where: str, result: Result) -> None:
    """Count the eigenvalues below the values of measures.index.

    Eigenvalues nearer than the noise floor may be counted on either side.
    """
    group = result.measures["index"]
    below, uncertain = group.get("below"), group.get("uncertain")
    pairs = [(spectrum, below[at], uncertain[at]) for at, spectrum in enumerate(result)] \
        if below is not None else []
    if result.has_full and "full_below" in group:
        pairs.append((result.full, group["full_below"], group["full_uncertain"]))
    for spectrum, counts, unsure in pairs:
        if not spectrum.exact:
            continue
        found = np.array([np.sum(spectrum.eigenvalues < t) for t in group["value"]])
        kept = np.where((counts < 0) | (np.abs(found - counts) <= unsure), counts, found)
        rows.add(f"{where}{spectrum.name}", "index below", counts, kept)


def _add_result(rows: _Rows, where: str, result: Result, matrices: bool) -> None:
    spectra = [*result, *([result.full] if result.has_full else [])]
    for spectrum in spectra:
        if spectrum.computed:
            _add_spectrum(rows, where + spectrum.name, spectrum)
        if matrices and spectrum.has_matrix and spectrum.computed:
            _add_matrix(rows, where + spectrum.name, spectrum)
    if "metrics" in result:
        for name in result.metrics:
            if name == "coupling":
                if matrices and "hessian/full" in result:
                    rows.add(f"{where}metrics", name, result.metrics[name], coupling(result))
                continue
            matrix = distance(name, result)
            stored = result.metrics[name]
            # A square root magnifies the rounding of divergences that are almost 0.
            power = 2 if name == "js_distance" else 1
            rows.add(f"{where}metrics", name, stored**power, matrix**power)
            pairs = stored[np.tril_indices(len(stored), -1)]
            pairs = pairs[~np.isnan(pairs)]
            rows.add(f"{where}metrics", f"{name} js0", result.metrics.attributes(name)["js0"],
                     pairs.mean() if len(pairs) else 0)
    if "measures/index" in result:
        _add_index(rows, where, result)
    base = result.name[: -len("_scaled")] if result.name.endswith("_scaled") else ""
    if base and "condition_ratio" in result.blocks and result._parent is not None:
        unscaled = result._parent.parts.get(base, result._parent)
        rows.add(f"{where}blocks", "condition_ratio", result.blocks["condition_ratio"],
                 unscaled.blocks["condition"] / result.blocks["condition"])
    for name, part in result.parts.items():
        _add_result(rows, f"{where}{name}: ", part, matrices)


def _add_overlap(rows: _Rows, where: str, stored: Floats, spectra: list[Spectrum | None]) -> None:
    """Compare the overlaps of leading eigenvectors between neighbouring steps."""
    def leading(spectrum: Spectrum | None) -> Floats | None:
        if spectrum is None or "eigenvectors" not in spectrum:
            return None
        vectors = spectrum.eigenvectors
        return vectors[len(vectors) // 2:]

    for at in range(1, len(spectra)):
        before, now = leading(spectra[at - 1]), leading(spectra[at])
        value = math.nan
        if before is not None and now is not None:
            cosines = np.sum((before @ now.T) ** 2)
            value = float(cosines / min(len(before), len(now)))
        rows.add(where, "series overlap", stored[at], value, 1)


def _add_series(rows: _Rows, result: Any) -> None:
    """Compare the numbers of /series with those of the steps."""
    numbers = list(result.series["step"])
    steps = [result.at(step) if step in result.steps else None for step in numbers]
    shares = {"": result.series}
    if "parts" in result.series:
        shares.update({f"{name}: ": result.series["parts"][name]
                       for name in result.series["parts"]})
    for prefix, series in shares.items():
        share = prefix[:-2]
        views = [step.parts.get(share) if step and share else step for step in steps]
        full = series.get("full") if "full" in series else None
        for at, view in enumerate(views):
            if view is None:
                continue
            where = f"series, step {numbers[at]}" + (f": {share}" if share else "")
            for name in view.blocks:
                kept = f"block_{name}" if f"block_{name}" in series else name
                if kept in series and view.blocks[name].dtype.kind == "f":
                    rows.add(where, f"series {kept}", series[kept][at], view.blocks[name])
                if full is not None and name in full and view.has_full:
                    rows.add(where, f"series full {name}", full[name][at],
                             view.full.measures[name])
            if "metrics" in view:
                for name in view.metrics:
                    if f"{name}0" in series:
                        rows.add(where, f"series {name}0", series[f"{name}0"][at],
                                 view.metrics.attributes(name)["js0"])
        if "overlap" in series:
            for b, name in enumerate(result.blocks.index):
                _add_overlap(rows, f"series: {prefix}{name}", series["overlap"][:, b],
                             [view.block(name) if view else None for view in views])
        if full is not None and "overlap" in full:
            _add_overlap(rows, f"series: {prefix}(full)", full["overlap"],
                         [view.full if view and view.has_full else None for view in views])
    losses = [step.loss if step else math.nan for step in steps]
    rows.add("series", "series loss", result.series["loss"], losses)
    norms = [float(np.linalg.norm(step.gradient)) if step else math.nan for step in steps]
    rows.add("series", "series gradient_norm", result.series["gradient_norm"], norms)


def recompute(result: Result, matrices: bool = True) -> Recomputed:
    """Compute every measure of a result, of its shares and of its steps again.

    Parameters
    ----------
    result
        A file with one result or with a series, a step, or a share.
    matrices
        Whether stored matrices are read, too: their trace, Frobenius norm, dominance and
        coupling, and up to the order 1000 their eigenvalues.
    """
    rows = _Rows()
    kind = getattr(result, "kind", "result")
    if kind not in ("result", "series"):
        raise Missing(f"{result._where}: found a file of the kind {kind}, expected a result or "
                      "a series, which have spectra")
    if kind == "series":
        _add_series(rows, result)
        for step in result.file.steps:
            _add_result(rows, f"step {step}: ", result.file.at(step), matrices)
    else:
        _add_result(rows, "", result, matrices)
    return rows.table(result._where)
