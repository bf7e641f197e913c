"""Datasets and attributes of a file as NumPy arrays and as xarray's arrays.

Names and axes come from the file itself, so that this module knows no dataset by name.
"""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Iterator

# Some network file systems have no locks; HDF5 reads this variable when it is loaded.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from ..common import INPUT, Failure, need  # noqa: E402

if TYPE_CHECKING:
    import h5py
    import xarray

# An empty dimension of netCDF-4 has this at the beginning of its attribute NAME.
SCALE = b"DIMENSION_SCALE"
EMPTY_SCALE = b"This is a netCDF dimension but not a netCDF variable"


class Missing(Failure, LookupError, AttributeError):
    """What was asked for is not in the file. Its text says what is there instead."""

    def __init__(self, text: str) -> None:
        super().__init__(INPUT, text)


def plain(value: Any) -> Any:
    """Return an attribute as a text, a number or an array."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return plain(value.item()) if value.ndim == 0 else texts_of(value)
    return value.item() if isinstance(value, np.generic) else value


def read(dataset: h5py.Dataset) -> NDArray[Any]:
    """Read a dataset; texts become Python's texts in an array of objects."""
    return texts_of(np.asarray(dataset[()]))


def texts_of(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array whose texts are Python's texts; other arrays stay as they are."""
    if not values.size or not isinstance(values.flat[0], bytes):
        return values
    texts = [text.decode("utf-8", "replace") for text in values.flat]
    return np.array(texts, dtype=object).reshape(values.shape)


def attributes(item: Any) -> dict[str, Any]:
    """Return the attributes that are numbers or texts.

    The lists of references, by which HDF5 attaches scales to axes, are left out unread:
    they can be very long.
    """
    internal = ("DIMENSION_LIST", "DIMENSION_LABELS", "REFERENCE_LIST", "CLASS", "NAME",
                "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict")
    return {name: plain(item.attrs[name]) for name in item.attrs if name not in internal}


def is_set(item: Any) -> bool:
    """True for a dataset with numbers, false for groups and dimensions without them."""
    return hasattr(item, "shape") and not (
        "NAME" in item.attrs and bytes(item.attrs["NAME"]).startswith(EMPTY_SCALE))


def axes(dataset: h5py.Dataset) -> list[tuple[str, Any]]:
    """Return a name and the dataset of the coordinates, or None, for every axis."""
    found: list[tuple[str, Any]] = []
    for place in range(dataset.ndim):
        axis = dataset.dims[place]
        scale = axis[0] if len(axis) else None
        name = axis.label or (scale.name.rsplit("/", 1)[-1] if scale is not None
                              else f"axis_{place}")
        if any(name == other for other, _ in found):
            name = f"other_{name}"
        found.append((name, scale if scale is not None and is_set(scale) else None))
    return found


def to_array(dataset: h5py.Dataset, lazy: bool = False) -> xarray.DataArray:
    """Return a dataset as an xarray.DataArray with the names and coordinates of its axes."""
    xr = need("xarray", f"{dataset.name} as an array of xarray")
    found = axes(dataset)
    names = [name for name, _ in found]
    coordinates = {name: (name, read(scale)) for name, scale in found if scale is not None}
    values: Any = read(dataset)
    if lazy and dataset.dtype.kind != "S":
        from .lazy import wrap
        values = wrap(dataset)
    variable = xr.Variable(names, values, attrs=attributes(dataset))
    array: xarray.DataArray = xr.DataArray(
        variable, coords=coordinates, name=dataset.name.rsplit("/", 1)[-1])
    return array


class Numbers:
    """The datasets of a group. They are read when they are asked for.

    `numbers["loss"]` is a NumPy array, and `numbers.loss` an xarray.DataArray with named
    axes. A group within the group is another `Numbers` in both cases.
    """

    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def _item(self, name: str) -> Any:
        if name not in self._group:
            raise Missing(f"{self._group.file.filename}: found no {name} in "
                          f"{self._group.name}, expected one of {', '.join(self)}")
        return self._group[name]

    def __getitem__(self, name: str) -> Any:
        item = self._item(name)
        return read(item) if hasattr(item, "shape") else Numbers(item)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        item = self._item(name)
        return to_array(item) if hasattr(item, "shape") else Numbers(item)

    def __contains__(self, name: object) -> bool:
        return name in self._group

    def __iter__(self) -> Iterator[str]:
        return (name for name, item in self._group.items()
                if is_set(item) or not hasattr(item, "shape"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __dir__(self) -> list[str]:
        return sorted([*object.__dir__(self), *self])

    def keys(self) -> list[str]:
        """Return the names of datasets and groups."""
        return list(self)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the dataset of this name as a NumPy array, or the default."""
        return self[name] if name in self else default

    def attributes(self, name: str = "") -> dict[str, Any]:
        """Return the attributes of a dataset, or of the group without a name."""
        return attributes(self._item(name) if name else self._group)

    def units(self, name: str) -> str:
        """Return the units of a dataset, such as "loss / parameter^2"."""
        return str(self.attributes(name).get("units", ""))

    def description(self, name: str) -> str:
        """Return the meaning of a dataset in words."""
        return str(self.attributes(name).get("description", ""))

    def axes(self, name: str) -> list[str]:
        """Return the names of the axes of a dataset."""
        return [axis for axis, _ in axes(self._item(name))]

    def to_xarray(self) -> xarray.Dataset:
        """Return all datasets of this group as an xarray.Dataset; they are read lazily."""
        xr = need("xarray", f"{self._group.name} as a Dataset of xarray")
        items = {name: self._group[name] for name in self
                 if hasattr(self._group[name], "shape")}
        arrays = {name: to_array(item, lazy=True) for name, item in items.items()}
        scales = [name for name, item in items.items() if item.attrs.get("CLASS") == SCALE]
        found: xarray.Dataset = xr.Dataset(
            {name: array for name, array in arrays.items() if name not in scales},
            coords={name: arrays[name] for name in scales})
        return found.assign_attrs(attributes(self._group))

    def __repr__(self) -> str:
        lines = [f"<numbers of {self._group.name}>"]
        for name in self:
            item = self._group[name]
            if not hasattr(item, "shape"):
                lines.append(f"  {name}/")
                continue
            sizes = ", ".join(f"{axis} {size}" for (axis, _), size in zip(axes(item), item.shape))
            lines.append(f"  {name} [{sizes}]  {attributes(item).get('description', '')}".rstrip())
        return "\n".join(lines)
