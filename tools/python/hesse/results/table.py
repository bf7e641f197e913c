"""A table in the memory: named columns, and names of its rows."""
from __future__ import annotations

import fnmatch
import html
import math
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..common import need

if TYPE_CHECKING:
    import pandas

LONGEST_NAME = 56
MOST_ROWS = 60


def cell(value: Any) -> str:
    """Return the text of a number or a name in a printed table."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return "-" if math.isnan(value) else f"{float(value):.4g}"
    return str(value)


def shorten(name: str) -> str:
    """Names of blocks differ at the end, so that the beginning is cut off."""
    return name if len(name) <= LONGEST_NAME else "..." + name[3 - LONGEST_NAME:]


def columns_of(rows: Sequence[Sequence[Any]], kinds: Mapping[str, type]) -> dict[str, NDArray[Any]]:
    """Return the columns of a list of rows; `kinds` has their names and types."""
    return {name: np.array([row[at] for row in rows], dtype=kind)
            for at, (name, kind) in enumerate(kinds.items())}


class Table:
    """Named columns of equal length.

    Parameters
    ----------
    index_name
        Heading of the names of the rows, for example "block".
    index
        Names of the rows.
    columns
        A column for every name: arrays with one number or text for every row.
    units
        Units of the columns that have units.
    title
        A line above the printed table.
    """

    def __init__(self, index_name: str, index: Sequence[Any],
                 columns: Mapping[str, NDArray[Any]],
                 units: Mapping[str, str] | None = None, title: str = "") -> None:
        self.index_name = index_name
        self.index = list(index)
        self.columns = dict(columns)
        self.units = dict(units or {})
        self.title = title

    def __len__(self) -> int:
        return len(self.index)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column: an array with one number or text for every row."""
        if name not in self.columns:
            raise KeyError(f"found no column {name}, expected one of "
                           f"{', '.join(self.columns)}")
        return self.columns[name]

    def row(self, name: Any) -> dict[str, Any]:
        """Return the numbers of the row of this name."""
        if name not in self.index:
            raise KeyError(f"found no row {name}, expected one of {self.index_name} "
                           f"{', '.join(map(str, self.index[:8]))}...")
        at = self.index.index(name)
        return {column: values[at] for column, values in self.columns.items()}

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Go through the rows: the name, and the numbers by column."""
        for at, name in enumerate(self.index):
            yield name, {column: values[at] for column, values in self.columns.items()}

    def where(self, pattern: str) -> Table:
        """Return the rows whose names match a glob such as "*.query"."""
        return self.take([fnmatch.fnmatchcase(str(name), pattern) for name in self.index])

    def take(self, chosen: Sequence[bool] | NDArray[Any]) -> Table:
        """Return the rows for which `chosen` is true, or has the numbers of."""
        places = np.asarray(chosen)
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(int)
        return Table(self.index_name, [self.index[int(at)] for at in places],
                     {name: values[places] for name, values in self.columns.items()},
                     self.units, self.title)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a pandas DataFrame; its index has the names of the rows.

        The units of the columns are in `DataFrame.attrs["units"]`. Raises an error that
        names the package if pandas is not installed.
        """
        pd = need("pandas", "a table for pandas")
        frame: pandas.DataFrame = pd.DataFrame(
            self.columns, index=pd.Index(self.index, name=self.index_name))
        frame.attrs["units"] = dict(self.units)
        return frame

    def _cells(self) -> tuple[list[str], list[list[str]], list[bool]]:
        head = [self.index_name, *self.columns]
        rows = [[shorten(str(name)), *(cell(value) for value in numbers.values())]
                for name, numbers in self.take(np.arange(min(len(self), MOST_ROWS))).rows()]
        texts = [True, *(values.dtype.kind in "OUS" for values in self.columns.values())]
        return head, rows, texts

    def _more(self) -> str:
        return f"... and {len(self) - MOST_ROWS} more rows" if len(self) > MOST_ROWS else ""

    def __repr__(self) -> str:
        head, rows, texts = self._cells()
        widths = [max(map(len, column)) for column in zip(head, *rows)]
        lines = ["  ".join(text.ljust(width) if left else text.rjust(width)
                           for text, width, left in zip(row, widths, texts)).rstrip()
                 for row in [head, *rows]]
        return "\n".join([*([self.title] if self.title else []), *lines,
                          *([self._more()] if self._more() else [])])

    def _repr_html_(self) -> str:
        head, rows, texts = self._cells()
        line = "".join(f"<th>{html.escape(name)}</th>" for name in head)
        body = "".join(
            "<tr>" + "".join(
                f"<td style='text-align:{'left' if left else 'right'}'>{html.escape(text)}</td>"
                for text, left in zip(row, texts)) + "</tr>" for row in rows)
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return (f"<table>{caption}<thead><tr>{line}</tr></thead><tbody>{body}</tbody></table>"
                f"{html.escape(self._more())}")
