"""Datasets that xarray reads piece by piece."""
from __future__ import annotations

from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing


class _Lazy(BackendArray):  # type: ignore[misc, unused-ignore]
    """An HDF5 dataset for xarray's lazy indexing."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.shape = dataset.shape
        self.dtype = dataset.dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC,
            lambda basic: self._read(basic))

    def _read(self, basic: tuple[Any, ...]) -> Any:
        # HDF5 has no negative strides.
        turned = tuple(slice(None, None, -1) if isinstance(k, slice) and (k.step or 1) < 0
                       else slice(None) for k in basic if isinstance(k, slice))
        ahead = tuple(_forward(k, size) for k, size in zip(basic, self.shape))
        return np.asarray(self.dataset[ahead])[turned]


def _forward(key: Any, size: int) -> Any:
    if not isinstance(key, slice) or (key.step or 1) > 0:
        return key
    places = range(*key.indices(size))
    return slice(places[-1], places[0] + 1, -places.step) if len(places) else slice(0, 0)


def wrap(dataset: Any) -> Any:
    """Return a dataset as an array that xarray reads when it needs the numbers."""
    return indexing.LazilyIndexedArray(_Lazy(dataset))
