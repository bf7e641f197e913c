"""Read folders of training runs, and the statistics of several runs.

A folder holds one run (log.h5), a grid over learning rates and seeds (rate-R-seed-S/log.h5) or a
sweep, whose points are runs or grids. A grid and a sweep have a table, runs.csv, whose column
`folder` names the runs and whose other columns, except RESULTS, are settings.
"""
import csv
import fnmatch
import math
import os
from statistics import NormalDist

# Some network file systems have no locks; HDF5 reads this variable when it is loaded.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import h5py
import numpy as np

from ..common import INPUT, USAGE, Failure, reason

# Columns of runs.csv that are no settings.
RESULTS = ("folder", "learning_rate", "seed", "status", "steps", "loss", "held_out_loss",
           "accuracy")
BOUND = 10  # a run whose loss grows by more than this factor has diverged


class Run:
    """A run: its settings, its numbers, and whether it diverged.

    settings: a dictionary from name to text, with the optimiser and the axes of a sweep.
    """

    def __init__(self, path, settings):
        self.path = path
        with open_file(path) as file:
            wanted = ("train_optimiser", "train_learning_rate", "train_seed")
            if any(name not in file.attrs for name in wanted):
                raise Failure(INPUT, f"{path}: found a file without the attribute "
                                     "train_optimiser, expected the log of a training run")
            self.optimiser = text(file.attrs["train_optimiser"])
            self.rate = float(file.attrs["train_learning_rate"])
            self.seed = int(file.attrs["train_seed"])
            self.diverged = "train_failure" in file.attrs or exploded(file)
        self.settings = {**settings, "optimiser": settings.get("optimiser", self.optimiser)}

    def has(self, name):
        with open_file(self.path) as file:
            return name in file

    def read(self, name):
        """Return a dataset of the log."""
        with open_file(self.path) as file:
            if name not in file:
                group = name.rpartition("/")[0]
                others = sorted(file[group]) if group in file else []
                raise Failure(INPUT, f"{self.path}: found no dataset /{name}, expected one"
                                     + (f"; /{group} has {', '.join(others)}" if others else ""))
            return file[name][...]

    def pair(self, name, until=None):
        """Return the steps and the values of a dataset, up to and including a step."""
        group = name.rpartition("/")[0]
        steps, values = self.read(f"{group}/step" if group else "step"), self.read(name)
        if until is not None:
            values, steps = values[steps <= until], steps[steps <= until]
        return steps, values

    def last(self, name, until=None):
        """Return the last value of a dataset; NaN if it is empty or absent."""
        if not self.has(name):
            return math.nan
        values = self.pair(name, until)[1]
        return float(values[-1]) if len(values) else math.nan

    def matches(self, conditions):
        """Whether the run has the settings (name, pattern); learning_rate and seed are names."""
        found = {**self.settings, "learning_rate": f"{self.rate:g}", "seed": str(self.seed)}
        for name, pattern in conditions:
            if name not in found:
                raise Failure(USAGE, f"{self.path}: found the settings "
                                     f"{', '.join(sorted(found))}, expected '{name}' among them")
            if not fnmatch.fnmatchcase(found[name], pattern):
                return False
        return True


def exploded(file):
    """Whether the last loss is above BOUND times the first: of held-out examples if there are
    some, else the median of the last twentieth of the steps, since batches differ."""
    if len(file.get("evaluate/loss", ())) > 1:
        first, *_, last = file["evaluate/loss"][...]
    elif len(file["loss"]) > 1:
        losses = file["loss"][...]
        first, last = losses[0], np.median(losses[-max(1, len(losses) // 20):])
    else:
        return False
    return not last <= BOUND * abs(first)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def open_file(path):
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if not os.path.exists(path):
            raise Failure(INPUT, f"{path}: No such file or directory") from None
        what = reason(error) if error.errno else "the file is not complete"
        raise Failure(INPUT, f"{path}: found no HDF5 file ({what}), expected one "
                             "that hesse wrote") from None


def find_runs(folder, note=lambda line: None):
    """Return the runs of a folder. note(line) is told of runs that have no log."""
    if not os.path.isdir(folder):
        what = "found a file" if os.path.exists(folder) else "found no folder"
        raise Failure(INPUT, f"{folder}: {what}, expected a folder of training runs")
    if os.path.exists(os.path.join(folder, "log.h5")):
        return [Run(os.path.join(folder, "log.h5"), {})]
    table = os.path.join(folder, "runs.csv")
    runs, without = [], 0
    if os.path.exists(table):
        try:
            with open(table, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeError, csv.Error) as error:
            raise Failure(INPUT, f"{table}: {error}") from None
        if rows and "folder" not in rows[0]:
            raise Failure(INPUT, f"{table}: found no column 'folder', expected one")
        for row in rows:
            path = os.path.join(folder, row["folder"], "log.h5")
            if not os.path.exists(path):
                without += 1
                continue
            runs.append(Run(path, {k: v for k, v in row.items()
                                   if k and k not in RESULTS and v is not None}))
    else:  # a sweep that has not ended, or one point of a sweep
        for where, folders, files in os.walk(folder):
            folders.sort()
            if "log.h5" in files:
                point = os.path.relpath(where, folder)
                if os.path.basename(point).startswith("rate-"):
                    point = os.path.dirname(point)
                runs.append(Run(os.path.join(where, "log.h5"), {"point": point} if point else {}))
    if without:
        note(f"note: {without} run{'s' * (without > 1)} of {table} "
             f"{'have' if without > 1 else 'has'} no log.h5")
    if not runs:
        raise Failure(INPUT, f"{folder}: found no log.h5 in it, expected a folder of training "
                             "runs that have ended")
    return runs


# Statistics.

def mean(values):
    values = np.asarray(values, float)
    return float(values.mean()) if values.size else math.nan


def deviation(values):
    """The standard deviation with n - 1; NaN for fewer than two values or infinite ones."""
    values = np.asarray(values, float)
    if values.size < 2 or not np.isfinite(values).all():
        return math.nan
    return float(values.std(ddof=1))


def moments(values):
    """Mean, standard deviation, skewness and excess kurtosis of a sample, by central moments."""
    values = np.asarray(values, float)
    m = values.mean()
    m2, m3, m4 = (((values - m) ** k).mean() for k in (2, 3, 4))
    if m2 <= 0:
        return float(m), 0.0, math.nan, math.nan
    return float(m), float(m2 ** 0.5), float(m3 / m2 ** 1.5), float(m4 / m2 ** 2 - 3)


def ranks(values):
    """Ranks from 1; equal values have the mean of their ranks."""
    values = np.asarray(values, float)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse.ravel()]


def correlation(x, y):
    """Pearson's correlation; NaN where it is not defined."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def rank_correlation(x, y):
    """Spearman's correlation of two lists."""
    return correlation(ranks(x), ranks(y))


def line(x, y):
    """Intercept and slope of the least-squares line; NaN where it is not defined."""
    if len(x) < 2 or np.ptp(x) == 0:
        return math.nan, math.nan
    slope = correlation(x, y) * np.std(y) / np.std(x) if np.ptp(y) else 0.0
    return float(np.mean(y) - slope * np.mean(x)), float(slope)


def normal_quantiles(n):
    """Medians of the order statistics of n normal numbers (Filliben), as scipy.stats.probplot."""
    places = (np.arange(1, n + 1) - 0.3175) / (n + 0.365)
    places[-1] = 0.5 ** (1 / n)
    places[0] = 1 - places[-1]
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(p)) for p in places])
