"""Images of stored matrices, which may be larger than the memory.

A matrix is read in stripes of rows, and each cell of the image becomes the root mean square or
the largest absolute value of its entries.
"""
from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from ..common import INPUT, USAGE, Failure, need
from .names import short_names
from .style import canvas, colour_bar, give_title

CELLS = 700  # of a side of an image
STRIPE = 2 ** 22  # entries that are read at once, 32 MiB

Floats = NDArray[np.float64]


class Block(NamedTuple):
    """A diagonal block: its name, its first row in the full matrix, and its order."""

    name: str
    first: int
    size: int


@dataclass
class Stored:
    """Stored matrices of a result: the chosen blocks, and the full matrix if the file has it."""

    blocks: list[Block]
    full: Any
    result: Any

    @property
    def order(self) -> int:
        return sum(block.size for block in self.blocks)

    def starts(self) -> list[int]:
        """Return the first row of every chosen block in the image of all, and the order."""
        return [0, *np.cumsum([block.size for block in self.blocks]).tolist()]

    def matrix(self, block: Block) -> tuple[Any, int]:
        """Return the dataset that holds a block, and the first row of the block in it."""
        if self.full is not None:
            return self.full, block.first
        return self.result.block(block.name).matrix, 0

    def runs(self) -> list[tuple[int, int, int]]:
        """Return runs of chosen blocks that are neighbours in the full matrix: their first row in
        the image, the first row in the matrix, and their length."""
        found: list[tuple[int, int, int]] = []
        for start, block in zip(self.starts(), self.blocks):
            if found and found[-1][1] + found[-1][2] == block.first:
                found[-1] = (*found[-1][:2], found[-1][2] + block.size)
            else:
                found.append((start, block.first, block.size))
        return found

    def pieces(self) -> Iterator[tuple[int, int, Floats]]:
        """Go through all entries: the place of the first row and column in the image, and the
        entries of a stripe."""
        if self.full is not None:
            runs = self.runs()
            for row, first, count in runs:
                for column, left, width in runs:
                    for at, entries in stripes(self.full, first, count, left, width):
                        yield row + at, column, entries
            return
        for start, block in zip(self.starts(), self.blocks):
            for at, entries in stripes(self.matrix(block)[0], 0, block.size, 0, block.size):
                yield start + at, start, entries


def stripes(dataset: Any, first: int, count: int, left: int, width: int
            ) -> Iterator[tuple[int, Floats]]:
    """Read rows `first` to `first + count` of some columns, a stripe at a time."""
    rows = max(1, STRIPE // max(1, width))
    for at in range(0, count, rows):
        until = min(at + rows, count)
        yield at, dataset[first + at:first + until, left:left + width]


@dataclass
class Image:
    """The image of a matrix: values [cells, cells], NaN where nothing is stored.

    order: rows of the matrix. cell: rows of a cell. starts: first rows of the blocks, and the
    order. largest: a cell is its largest entry, else the root mean square.
    """

    values: Floats
    order: int
    cell: int
    starts: list[int]
    names: list[str]
    largest: bool = False

    def meaning(self) -> str:
        what = "largest absolute value" if self.largest else "root mean square"
        return f"a cell of the image is the {what} of {self.cell} x {self.cell} entries"


def find(result: Any, share: str = "", patterns: Sequence[str] = ()) -> Stored:
    """Return the stored matrices of a result: of a share of the Hessian, and of the blocks that match
    one of the patterns."""
    if share and share not in ("hessian", "full"):
        if share not in result.parts:
            raise Failure(USAGE, f"--part {share}: found the shares "
                                 f"{', '.join(['hessian', *result.parts])}, expected one of them")
        result = result.parts[share]
    where = result.file.path
    if "hessian/full" not in result and "hessian/blocks" not in result:
        raise Failure(INPUT, f"{where}: found no matrices, expected a result file of a job with "
                             "output.matrices: true")
    table = result.blocks
    blocks = [Block(name, int(first), int(size)) for name, first, size in
              zip(table.index, table["offset"], table["size"])]
    full = result.matrix if "hessian/full" in result else None
    blocks = [block for block in blocks if full is not None or result.block(block.name).has_matrix]
    if patterns:
        chosen = [block for block in blocks
                  if any(block.name == p or fnmatch.fnmatchcase(block.name, p) for p in patterns)]
        if not chosen:
            some = ", ".join(block.name for block in blocks[:3])
            raise Failure(USAGE, f"--block {patterns[0]}: found {len(blocks)} blocks ({some} and so "
                                 "on), expected the name of one of them")
        blocks = chosen
    return Stored(blocks, full, result)


def reduce(stored: Stored, cells: int = CELLS, largest: bool = False) -> Image:
    """Return the image of the chosen blocks, side by side, with at most `cells` cells a side."""
    order = stored.order
    cell = -(-order // cells)
    side = -(-order // cell)
    found, counts = np.zeros((side, side)), np.zeros((side, side))
    for row, column, entries in stored.pieces():
        high, above = cuts(row, entries.shape[0], cell)
        wide, left = cuts(column, entries.shape[1], cell)
        values = np.abs(entries) if largest else entries ** 2
        gather = np.maximum if largest else np.add
        values = gather.reduceat(gather.reduceat(values, above, axis=0), left, axis=1)
        place = np.ix_(high, wide)
        found[place] = gather(found[place], values)
        counts[place] += np.outer(np.diff([*above, entries.shape[0]]),
                                  np.diff([*left, entries.shape[1]]))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = found if largest else np.sqrt(found / counts)
    return Image(np.where(counts > 0, values, np.nan), order, cell, stored.starts(),
                 [block.name for block in stored.blocks], largest)


def cuts(first: int, count: int, cell: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cells that rows `first` to `first + count` fall into, and for each cell the place of
    its first row among these rows."""
    cells = np.arange(first // cell, (first + count - 1) // cell + 1)
    return cells, np.maximum(cells * cell - first, 0)


def median_of(stored: Stored, block: Block) -> float:
    """Return the median of the absolute entries of a diagonal block, which is read as a whole."""
    dataset, first = stored.matrix(block)
    until = first + block.size
    return float(np.median(np.abs(dataset[first:until, first:until])))


def draw(image: Image, title: str | None = None) -> Any:
    """Return a figure of Matplotlib: magnitudes on a logarithmic scale, with borders and names."""
    figure, axes_of = canvas(1, 1, 7.0)
    axes = axes_of[0][0]
    colours = need("matplotlib.colors", "figures")
    positive = image.values[image.values > 0]
    top = positive.max() if len(positive) else 1.0
    low = max(np.quantile(positive, 0.01), top * 1e-8) if len(positive) else 0.1
    norm = colours.LogNorm(min(low, top / 10), top)
    shades = need("matplotlib.pyplot", "figures").get_cmap("viridis").copy()
    shades.set_bad("white")
    shown = np.where(image.values > 0, np.maximum(image.values, norm.vmin), np.nan)
    drawn = axes.imshow(shown, norm=norm, cmap=shades, interpolation="nearest",
                        extent=(0, image.order, image.order, 0))
    axes.grid(False)
    for border in image.starts[1:-1]:
        axes.axhline(border, color="white", linewidth=0.4)
        axes.axvline(border, color="white", linewidth=0.4)
    # Names of blocks that are too narrow would lie upon each other.
    sizes = np.diff(image.starts)
    wide = [i for i, size in enumerate(sizes) if size >= image.order / 45]
    middles = [(image.starts[i] + image.starts[i + 1]) / 2 for i in wide]
    short = short_names(image.names)
    labels = [short[i].replace("$", r"\$") for i in wide]
    axes.set_yticks(middles, labels, fontsize=7.5)
    axes.set_xticks(middles, labels, fontsize=7.5, rotation=90)
    axes.tick_params(length=2)
    colour_bar(figure, drawn, axes, "|entry| (loss / parameter²)", shrink=0.75,
               extend="min" if len(positive) and positive.min() < norm.vmin else "neither")
    give_title(figure, title)
    return figure
