"""The look of all figures that Matplotlib draws: colours, canvas and short names."""
import os
import re

from ..common import need

# Okabe and Ito's colours without yellow, which is too light for lines.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
WIDTH, DPI = 6.4, 125  # inches, dots per inch: 800 pixels


def canvas(rows=1, columns=1, height=4.0, **options):
    """Return a figure, 800 pixels wide, and its axes as a matrix."""
    need("matplotlib", "figures").use("Agg")
    plot = need("matplotlib.pyplot", "figures")
    plot.rcParams.update({
        "figure.dpi": DPI, "savefig.dpi": DPI, "figure.constrained_layout.use": True,
        "font.size": 9.5, "axes.titlesize": 10, "axes.titlelocation": "left",
        "axes.labelsize": 9.5, "legend.fontsize": 8.5, "legend.frameon": False,
        "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
        "grid.color": "#E4E4E4", "grid.linewidth": 0.6, "axes.axisbelow": True,
        "axes.edgecolor": "#666666", "xtick.color": "#444444", "ytick.color": "#444444",
        "lines.linewidth": 1.6})
    return plot.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False, **options)


# Names of blocks.

def common(names):
    """The beginning that all names share, up to a dot; empty if they are short without it."""
    long = len(names) > 1 and max(map(len, names)) > 28
    stem = os.path.commonprefix(names) if long else ""
    return stem[:stem.rfind(".") + 1]


def short(name, length):
    """Cut a long name at its beginning, where names of blocks are alike."""
    return name if len(name) <= length else "…" + name[1 - length:]


def tick_names(names, room):
    """Return places, labels and borders: a label for each block, or one for the blocks of a tensor
    together if there are many, and no more labels than there is room for."""
    groups = [name for name in names]
    if len(names) > 24:
        groups = [re.sub(r"\.(neuron|head|token|row)\.\d+$", "", name) for name in names]
    starts = [i for i, group in enumerate(groups) if i == 0 or group != groups[i - 1]]
    borders = starts[1:] if len(starts) < len(names) else []
    stem = common(groups)
    ticks, labels = [], []
    for begin, end in zip(starts, [*starts[1:], len(names)]):
        place = (begin + end - 1) / 2
        if not ticks or (place - ticks[-1]) * room >= len(names):
            ticks.append(place)
            labels.append(short(groups[begin][len(stem):], 28))
    return ticks, labels, borders
