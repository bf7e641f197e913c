"""The objects that `hesse.open` returns: files, results and spectra.

A file may hold a result, steps of a series, or shares. Each of them is a `Result`: a group
with /blocks, /spectra, /metrics and so on below it. Nothing is read before it is asked for.
"""
from __future__ import annotations

import fnmatch
import html
import os
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Union

import numpy as np
from numpy.typing import NDArray

from ..common import INPUT, Failure, need, reason
from .reading import Missing, Numbers, attributes, is_set, read, to_array
from .table import Table

if TYPE_CHECKING:
    import h5py
    import xarray

    from .compare import Comparison
    from .jobs import Scratch
    from .recompute import Recomputed

Path = Union[str, "os.PathLike[str]"]
Floats = NDArray[np.float64]

SCHEMAS = (1, 2)
# The kind of a file, and a group or a dataset that only this kind has. The order counts:
# the file of a series has places of blocks, too.
KINDS = (("sweep", "sweep"), ("series", "series"), ("landscape", "landscape"),
         ("theory", "theory"), ("log", "learning_rate"), ("result", "blocks"))
# Attributes that a reader wants to see first; the file has more.
HEAD = ("created", "hesse_version", "ranks", "model_family", "parameters", "checkpoint_note",
        "sequences", "context", "loss", "steps", "failed_steps", "points", "partition", "scope",
        "train_optimiser", "wall_seconds")
# Columns of the table that `repr` prints.
SHOWN = ("size", "method", "trace", "frobenius", "min", "max", "condition", "negative_mass",
         "effective_rank", "gradient_norm")


def new_name(name: str) -> str:
    """Return the name that schema 2 has for a dataset of schema 1."""
    return "check_" + name[len("proof_"):] if name.startswith("proof_") else name


@dataclass(frozen=True)
class Density:
    """The density of a spectrum on a grid.

    Attributes
    ----------
    grid
        [points] eigenvalues, equally spaced, in `units`.
    values
        [points] density; its sum times the step of the grid is 1.
    standard_error
        [points] over the probes of a quadrature; None for exact eigenvalues.
    settings
        The settings that the file has: points, bandwidth, deviation and others.
    units
        Units of the grid: "loss / parameter^2", or "1" for scaled eigenvalues.
    """

    grid: Floats
    values: Floats
    standard_error: Floats | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    units: str = "loss / parameter^2"


class Spectrum:
    """The spectrum of a block or of the full matrix, and what was measured of it.

    Attributes
    ----------
    name
        Name of the block, or "(full)".
    size
        n, the order of the matrix.
    offset
        Place of its first coordinate in the gradient and in the full matrix.
    measures
        trace, frobenius, min, max, condition and so on by name: float, int or str.
    """

    def __init__(self, result: Result, name: str, path: str, size: int, offset: int,
                 measures: Mapping[str, Any]) -> None:
        self._result = result
        self._path = path
        self.name = name
        self.size = size
        self.offset = offset
        self.measures: dict[str, Any] = dict(measures)

    @property
    def precision(self) -> str:
        """The precision of the matrix, if it was formed: "double" or "single"."""
        return self._result.precision

    @property
    def _group(self) -> Any:
        place = f"spectra/{self._path}"
        if place not in self._result._group:
            raise Missing(f"{self._result._where}: found no spectrum of {self.name}, "
                          "expected a block that was computed")
        return self._result._group[place]

    def _read(self, name: str, advice: str = "") -> NDArray[Any]:
        if name not in self._group:
            raise Missing(f"{self._result._where}: found no {name} of {self.name}{advice}; "
                          f"expected one of {', '.join(self.keys())}")
        return read(self._group[name])

    def keys(self) -> list[str]:
        """Return the names of the arrays of this spectrum in the file."""
        return [name for name, item in self._group.items() if is_set(item) and item.ndim]

    def __contains__(self, name: object) -> bool:
        return f"spectra/{self._path}/{name}" in self._result._group

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array of this spectrum in the file, such as "residuals"."""
        return self._read(name)

    @property
    def method(self) -> str:
        """How the spectrum was found: exact, lanczos or none."""
        return str(self.measures.get("method", "none"))

    @property
    def exact(self) -> bool:
        """True if all eigenvalues are in the file."""
        return "eigenvalues" in self

    @property
    def estimated(self) -> bool:
        """True if the spectrum is a quadrature: nodes with weights."""
        return "nodes" in self

    @property
    def computed(self) -> bool:
        """True if the file has eigenvalues or a quadrature."""
        return self.exact or self.estimated

    @property
    def eigenvalues(self) -> Floats:
        """[n] all eigenvalues in ascending order, in loss / parameter^2."""
        return self._read("eigenvalues", ", because the spectrum is estimated: .nodes and "
                                         ".weights have a quadrature" if self.estimated else "")

    @property
    def eigenvectors(self) -> Floats:
        """[V, n] eigenvectors of the lowest, then of the highest eigenvalues, one a row."""
        return self._read("eigenvectors")

    @property
    def nodes(self) -> Floats:
        """[probes, steps] nodes of the quadrature, in loss / parameter^2."""
        return self._read("nodes")

    @property
    def weights(self) -> Floats:
        """[probes, steps] weights of the nodes; those of a probe have the sum 1."""
        return self._read("weights")

    def atoms(self) -> tuple[Floats, Floats]:
        """Return the spectrum as points with masses, whether it is exact or estimated.

        Returns
        -------
        values, masses
            [k] ascending eigenvalues, or nodes of all probes; and their masses, which have
            the sum 1.
        """
        if self.exact:
            values = self.eigenvalues
            return values, np.full(len(values), 1 / len(values))
        nodes, weights = self.nodes, self.weights
        order = np.argsort(nodes, axis=None, kind="stable")
        return nodes.ravel()[order], weights.ravel()[order] / len(nodes)

    def density(self) -> Density:
        """Return the density that the file has."""
        if "density" not in self._group:
            raise Missing(f"{self._result._where}: found no density of {self.name}, expected "
                          "spectrum.density in the job; .atoms() has the spectrum itself")
        group = self._group["density"]
        error = read(group["standard_error"]) if "standard_error" in group else None
        settings = attributes(group["values"])
        units = str(attributes(group["grid"]).get("units", ""))
        for name in ("units", "description"):
            settings.pop(name, None)
        return Density(read(group["grid"]), read(group["values"]), error, settings, units)

    @property
    def matrix(self) -> h5py.Dataset:
        """[n, n] the matrix in the file, as a dataset of h5py.

        It is not read: `matrix[:100, :100]` reads a corner, `matrix[...]` all of it.
        """
        place = f"hessian/{self._path}"
        if place not in self._result._group:
            raise Missing(f"{self._result._where}: found no matrix of {self.name}, expected "
                          "output.matrices: true in the job")
        return self._result._group[place]

    @property
    def has_matrix(self) -> bool:
        """True if the file has the matrix itself."""
        return f"hessian/{self._path}" in self._result._group

    @property
    def gradient(self) -> Floats:
        """[n] the entries of the gradient that belong to this matrix, in loss / parameter."""
        return self._result.gradient[self.offset:self.offset + self.size]

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {self.measures[name]:.4g}" for name in
                            ("trace", "frobenius", "min", "max") if name in self.measures)
        return f"<spectrum of {self.name}: size {self.size}, {self.method}, {numbers}>"


class Result:
    """A result: blocks, spectra, distances and measures of one matrix.

    A file with one result, a step of a series and a share of the Hessian have this
    interface. `parent` is the result that a share belongs to; it has the gradient.
    """

    def __init__(self, group: h5py.Group, file: File | None, name: str,
                 parent: Result | None = None) -> None:
        self._group = group
        self._owner = file
        self._parent = parent
        self.name = name

    @property
    def _where(self) -> str:
        place = self._group.name
        return str(self._group.file.filename) + ("" if place == "/" else f": {place}")

    @property
    def file(self) -> File:
        """The file that this result is in."""
        assert self._owner is not None
        return self._owner

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes by name: texts, numbers. A step and a share have those of the file, too.

        A long text that is a dataset of the root (docs/result.md) is here like the others.
        """
        above = self._parent.attributes if self._parent else (
            {} if self._owner is None or self._owner is self else self._owner.attributes)
        found = {**above, **attributes(self._group)}
        for name in ("job", "job_complete", "command", "environment"):
            if name in found and is_set(self._group.get(name)):
                found[name] = str(read(self._group[name])[()])
        return found

    @property
    def loss(self) -> float:
        """The loss at the parameters of this result; NaN if the file has none."""
        return float(self.attributes.get("loss", float("nan")))

    @property
    def precision(self) -> str:
        """The precision of formed matrices: "double", or "single" in a preview."""
        return str(self.attributes.get("precision", "double"))

    @property
    def job(self) -> str:
        """The text of the job file."""
        return str(self.attributes.get("job", ""))

    @cached_property
    def blocks(self) -> Table:
        """The table of the blocks: one row for each, with size, method, trace and so on."""
        if "blocks" not in self._group:
            raise Missing(f"{self._where}: found no blocks, expected a result")
        group = self._group["blocks"]
        columns, units = {}, {}
        if "name" in group:
            names = [str(name) for name in read(group["name"])]
        else:  # a share has the blocks of its result
            assert self._parent is not None
            names = self._parent.blocks.index
            columns = {name: self._parent.blocks[name] for name in ("offset", "size")}
        for name, item in group.items():
            if name == "name" or not is_set(item) or item.shape != (len(names),):
                continue
            columns[new_name(name)] = read(item)
            units[new_name(name)] = str(attributes(item).get("units", ""))
        order = [name for name in SHOWN if name in columns]
        order += [name for name in columns if name not in order]
        return Table("block", names, {name: columns[name] for name in order}, units)

    def block(self, name: str) -> Spectrum:
        """Return the spectrum of a block.

        `name` is the name of the block, or a glob such as "*h.0*query" that matches one
        block alone.
        """
        index = self.blocks.index
        if name in index:
            return self._block_at(index.index(name))
        found = [at for at, known in enumerate(index) if fnmatch.fnmatchcase(known, name)]
        if len(found) == 1:
            return self._block_at(found[0])
        near = ", ".join(index[at] for at in found[:4]) if found else ", ".join(index[:4])
        raise Missing(f"{self._where}: found {len(found)} blocks with the name {name}, expected "
                      f"one; blocks are {near}, ...")

    def _block_at(self, at: int) -> Spectrum:
        measures = {column: value.item() if isinstance(value, np.generic) else value
                    for column, value in ((c, v[at]) for c, v in self.blocks.columns.items())}
        name = self.blocks.index[at]
        return Spectrum(self, name, f"blocks/{name}", int(measures["size"]),
                        int(measures["offset"]), measures)

    def __iter__(self) -> Iterator[Spectrum]:
        """Go through the spectra of all blocks, in the order of the file."""
        return (self._block_at(at) for at in range(len(self.blocks)))

    def find(self, pattern: str) -> list[Spectrum]:
        """Return the spectra of the blocks whose names match a glob such as "*.query"."""
        return [self._block_at(at) for at, name in enumerate(self.blocks.index)
                if fnmatch.fnmatchcase(name, pattern)]

    @property
    def has_full(self) -> bool:
        """True if the file has the spectrum of the full matrix."""
        return "spectra/full" in self._group

    @cached_property
    def full(self) -> Spectrum:
        """The spectrum of the full matrix."""
        if not self.has_full:
            raise Missing(f"{self._where}: found no spectrum of the full matrix, expected "
                          "hessian.scope: full or both in the job")
        group = self._group["spectra/full"]
        measures = {new_name(name): read(item)[()] for name, item in group.items()
                    if is_set(item) and item.ndim == 0}
        measures = {name: value.item() if hasattr(value, "item") else value
                    for name, value in measures.items()}
        return Spectrum(self, "(full)", "full", int(np.sum(self.blocks["size"])), 0, measures)

    @property
    def gradient(self) -> Floats:
        """[N] the gradient, block by block in the order of the blocks, in loss / parameter."""
        if "gradient" in self._group:
            return read(self._group["gradient"])
        if self._parent is not None:
            return self._parent.gradient
        raise Missing(f"{self._where}: found no gradient, expected a result")

    @property
    def matrix(self) -> h5py.Dataset:
        """[N, N] the full matrix in the file, as a dataset of h5py that is not read."""
        place = "hessian/full"
        if place not in self._group:
            raise Missing(f"{self._where}: found no full matrix, expected output.matrices: true "
                          "and hessian.scope: full or both in the job")
        return self._group[place]

    @cached_property
    def parts(self) -> dict[str, Result]:
        """The shares of the Hessian by name; each has the interface of a result."""
        group = self._group.get("parts", {})
        return {name: Result(item, self._owner, name, parent=self)
                for name, item in group.items() if "blocks" in item}

    @property
    def metrics(self) -> Numbers:
        """Distances of spectra and coupling: [B, B] for every name.

        The mean over all pairs is `metrics.attributes("js")["js0"]`.
        """
        return self._numbers("metrics")

    @property
    def measures(self) -> Numbers:
        """What the section `measures` of the job asked for."""
        return self._numbers("measures")

    @property
    def parameters(self) -> Table:
        """The parameter tensors of the model, with tensor, offset, size, rows and columns."""
        group = self._numbers("parameters")
        shape = group["shape"]
        return Table("parameter_tensor", list(group["name"]),
                     {"tensor": group["tensor"], "offset": group["offset"],
                      "size": group["size"], "rows": shape[:, 0], "columns": shape[:, 1]})

    def _numbers(self, place: str) -> Numbers:
        if place not in self._group:
            raise Missing(f"{self._where}: found no {place}, expected one of "
                          f"{', '.join(self._group)}")
        return Numbers(self._group[place])

    def __contains__(self, place: object) -> bool:
        """True if the file has a dataset or a group of this path below this result."""
        return place in self._group

    def to_xarray(self, group: str = "", engine: str | None = None) -> xarray.Dataset:
        """Return the numbers of this result as an xarray.Dataset; they are read lazily.

        Parameters
        ----------
        group
            A group such as "spectra/full" or "blocks". Without one, the Dataset has the
            columns of the blocks, the distances, the gradient, and the eigenvalues and the
            matrix of the full Hessian if the file has them, with the axes `block`,
            `other_block`, `parameter` and `other_parameter`.
        engine
            "netcdf4" or "h5netcdf": xarray's own reader opens the group, which must be
            given. Without it the numbers come through h5py, which reads schema 1, too.
        """
        xr = need("xarray", "a result as a Dataset of xarray")
        if engine is not None:
            place = self._group.name.rstrip("/") + "/" + group
            opened: xarray.Dataset = xr.open_dataset(
                self._group.file.filename, group=place, engine=engine)
            return opened
        if group:
            return self._numbers(group).to_xarray()
        arrays: dict[str, Any] = {}
        for place in ("blocks", "metrics"):
            for name, item in self._group.get(place, {}).items():
                if is_set(item) and (place, name) != ("blocks", "name"):
                    arrays[new_name(name)] = to_array(item, lazy=True)
        for place, name in (("gradient", "gradient"), ("hessian/full", "hessian"),
                            ("spectra/full/eigenvalues", "eigenvalues")):
            if place in self._group:
                arrays[name] = to_array(self._group[place], lazy=True)
        found: xarray.Dataset = xr.Dataset(arrays)
        return found.assign_attrs(self.attributes)

    def recompute(self, matrices: bool = True) -> Recomputed:
        """Compute every measure again from the stored spectra, with NumPy alone.

        Returns a table of stored and recomputed numbers with their differences. With
        `matrices` the numbers that need stored matrices are among them.
        """
        from .recompute import recompute
        return recompute(self, matrices)

    def check(self, tolerance: float = 1e-9) -> float:
        """Compute every measure again; return the worst relative difference.

        Raises `Failure` with the status 5 and one line if it is above the tolerance.
        """
        return self.recompute().check(tolerance)

    def compare(self, other: Result) -> Comparison:
        """Compare this result with another one; see `hesse.compare`."""
        from .compare import compare
        return compare(self, other)

    def _title(self) -> str:
        above = self._parent or (self._owner if self._owner is not self else None)
        if above is None:
            return os.path.basename(str(self._group.file.filename))
        return f"{above._title()}, {self.name}"

    def _table(self) -> Table:
        columns = {name: self.blocks[name] for name in SHOWN if name in self.blocks}
        index = list(self.blocks.index)
        if self.has_full:
            index.append("(full)")
            last = {**self.full.measures, "size": self.full.size}
            columns = {name: np.append(values, [last.get(name, np.nan)])
                       for name, values in columns.items()}
        return Table("block", index, columns)

    def __repr__(self) -> str:
        return f"<{self._title()}: {len(self.blocks)} blocks, loss {self.loss:.6g}>\n" + (
            repr(self._table()))

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(self._title())}</b>, loss {self.loss:.6g}</p>" + (
            self._table()._repr_html_())


class File(Result):
    """A file that hesse wrote. `kind` says what it holds.

    kind
        "result": blocks and spectra at the root. "series": `steps`, `at` and `series`.
        "sweep": `sweep`. "log": `log`, of a training run. "theory": `theory`.
        "landscape": `landscape`.
    """

    def __init__(self, path: Path) -> None:
        h5py = need("h5py", "a result of hesse")
        self.path = os.fspath(path)
        self._folder: Scratch | None = None
        try:
            handle = h5py.File(self.path, "r")
        except OSError as error:
            known = os.path.exists(self.path)
            why = reason(error) if error.strerror or not known else str(error)
            raise Failure(INPUT, f"{self.path}: found {why if known else 'no such file'}, "
                                 "expected an HDF5 file that hesse wrote") from None
        super().__init__(handle, None, "hessian")
        self._owner = self
        try:
            self.schema_version = self._version()
            self.kind = self._kind()
        except BaseException:
            handle.close()
            raise

    def _version(self) -> int:
        version = plain_number(self._group.attrs.get("schema_version"))
        if version not in SCHEMAS:
            raise Failure(INPUT, f"{self.path}: found {'no' if version is None else version} "
                                 f"schema_version, expected a result of hesse, schema_version "
                                 f"{SCHEMAS[0]} to {SCHEMAS[-1]}")
        return int(version)

    def _kind(self) -> str:
        for kind, place in KINDS:
            if place in self._group:
                return kind
        raise Failure(INPUT, f"{self.path}: found {', '.join(self._group) or 'nothing'}, expected "
                             f"one of {', '.join(place for _, place in KINDS)}")

    def _keep(self, folder: Scratch | None) -> File:
        """Keep a temporary folder with this file until it is closed."""
        self._folder = folder
        return self

    def close(self) -> None:
        """Close the file. What was read before stays."""
        if self._group:
            self._group.file.close()
        self._folder = None  # the last file of a temporary folder removes it

    def __enter__(self) -> File:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    @property
    def steps(self) -> list[int]:
        """The numbers of the steps of a series that have results, in ascending order."""
        return [int(name) for name in sorted(self._group.get("steps", {}), key=int)]

    def at(self, step: int) -> Result:
        """Return the result of a step of a series."""
        if step in self.steps:
            name = next(name for name in self._group["steps"] if int(name) == step)
            return Result(self._group["steps"][name], self, f"step {step}")
        why = f"expected one of {', '.join(map(str, self.steps))}" if self.steps else (
            "expected the file of a series")
        series = self._group.get("series")
        if series is not None and step in (known := list(read(series["step"]))):
            why = f"which failed: {read(series['failure'])[known.index(step)]}"
        raise Missing(f"{self.path}: found no result of step {step}, {why}")

    @property
    def series(self) -> Numbers:
        """The numbers of all steps side by side: [S] or [S, B]."""
        return self._numbers("series")

    @property
    def sweep(self) -> Numbers:
        """The numbers of all points of a sweep."""
        return self._numbers("sweep")

    @property
    def landscape(self) -> Numbers:
        """The loss and the curvature along one or two directions."""
        return self._numbers("landscape")

    @property
    def theory(self) -> Numbers:
        """Closed forms and bounds beside measured numbers."""
        return self._numbers("theory")

    @property
    def log(self) -> Numbers:
        """The log of a training run: step, loss, learning_rate, evaluate, path and so on."""
        if "learning_rate" not in self._group:
            raise Missing(f"{self.path}: found a file of the kind {self.kind}, expected the log.h5 "
                          "of a training run")
        return Numbers(self._group)

    def to_xarray(self, group: str = "", engine: str | None = None) -> xarray.Dataset:
        """Return a group as an xarray.Dataset; see `Result.to_xarray`.

        Without a group the Dataset of a series has the numbers of all steps, that of a sweep,
        a theory or a landscape the numbers of its group, and that of a log the rows of its
        steps.
        """
        if not group and self.kind in ("series", "sweep", "theory", "landscape"):
            group = self.kind
        if not group and self.kind == "log" and engine is None:
            return self.log.to_xarray()
        return super().to_xarray(group, engine)

    def _head(self) -> dict[str, Any]:
        head = {name: self.attributes[name] for name in HEAD if name in self.attributes}
        if self.kind == "series":
            head["steps"] = ", ".join(map(str, self.steps))
        return head

    def __repr__(self) -> str:
        if not self._group:
            return f"<{self.path}: closed>"
        lines = [f"<hesse {self.kind} {os.path.basename(self.path)}, "
                 f"schema {self.schema_version}>"]
        lines += [f"  {name}: {value}" for name, value in self._head().items()]
        if self.kind == "result":
            lines += [f"  shares: {', '.join(self.parts)}"] if self.parts else []
            lines.append(repr(self._table()))
        else:
            lines.append(repr(self.log if self.kind == "log" else self._numbers(self.kind)))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self._group:
            return html.escape(repr(self))
        head = "".join(f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
                       f"<td style='text-align:left'>{html.escape(str(value))}</td></tr>"
                       for name, value in self._head().items())
        rest = self._table()._repr_html_() if self.kind == "result" else (
            f"<pre>{html.escape(repr(self.log if self.kind == 'log' else self._numbers(self.kind)))}"
            "</pre>")
        return (f"<p><b>{html.escape(os.path.basename(self.path))}</b>: {self.kind}</p>"
                f"<table>{head}</table>{rest}")


def plain_number(value: Any) -> int | None:
    """Return an attribute as an int, or None if it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def open(path: Path) -> File:
    """Open a file that hesse wrote: a result, a series, a sweep, a log, a theory, a landscape.

    Files of version 0.1 (schema 1) and of this version (schema 2) are read alike; the checks
    have the names of schema 2. The file is closed by `close()` or at the end of a `with` block.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    hesse.common.Failure
        The file is missing, is not HDF5, or was not written by hesse. The text is one line;
        `status` is 3.
    """
    return File(path)
