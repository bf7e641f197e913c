"""The look of all figures that Matplotlib draws: colours, canvas, bars of colours and titles."""
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


def colour_bar(figure, drawn, axes, label, **options):
    """Add the scale of the colours of what was drawn."""
    bar = figure.colorbar(drawn, ax=axes, aspect=30, pad=0.02, label=label, **options)
    bar.outline.set_visible(False)
    bar.ax.grid(False)


def give_title(figure, title):
    """Give a figure its title, if there is one."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10)
