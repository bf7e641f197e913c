"""Figures and tables from training runs and result files; tools/draw is the command.

Every function draw_NAME(arguments) prints the numbers of a figure, and draws it if the arguments
have an output file. Without one matplotlib is not loaded.
"""
import argparse
import fnmatch
import math
import os
import sys

from ..common import INPUT, OUTPUT, USAGE, Failure, Parser, need, reason
from .. import results
from . import matrices
from .names import DISTANCES, common, short, tick_names
from .runs import (correlation, deviation, find_runs, line, mean, moments, normal_quantiles, np,
                   open_file, rank_correlation, text)
from .style import COLOURS, canvas, colour_bar, give_title

OF_OPTIMISER = {"adam": 0, "adamw": 0, "sgd": 1, "gd": 2, "sign": 3, "adam_mini": 4, "muon": 5}
STYLES = ["-", (0, (6, 2)), (0, (1, 1.5))]  # for curves beyond the last colour
LARGEST = 80000  # bytes of a PNG; a larger one is stored with fewer colours
LABELS = {
    "loss": "loss of the batch",
    "evaluate/loss": "held-out loss",
    "evaluate/accuracy": "held-out accuracy",
    "gradient_norm": "norm of the gradient",
    "smoothness": "directional smoothness",
    "gradient_smoothness": "smoothness from gradients",
    "sharpness": "sharpness",
    "threshold": "threshold of stability",
    "preconditioned_sharpness": "preconditioned sharpness",
    "preconditioned_threshold": "threshold of stability, preconditioned",
    "robust_condition": "robust condition number",
    "critical_rate": "critical learning rate",
    "noise_mean": "mean of the gradient noise",
    "noise_deviation": "standard deviation of the gradient noise",
    "noise_skewness": "skewness of the gradient noise",
    "noise_kurtosis": "excess kurtosis of the gradient noise",
    "noise_tail_index": "tail index of the gradient noise",
    "class_gradient_norm": "norm of the gradient of a class",
    "class_trace": "trace of the Hessian of a class",
    "instability": "squared change of the outputs\nover that of the parameters",
}
CURVATURE = ("smoothness", "gradient_smoothness", "sharpness", "threshold", "class_trace")
GRADIENT = ("gradient_norm", "noise_mean", "noise_deviation", "class_gradient_norm")


# Text.

def number(value):
    return value if isinstance(value, str) else f"{value:d}" if isinstance(
        value, (int, np.integer)) else "-" if math.isnan(value) else f"{value:.5g}"


def show(head, rows):
    """Print a table; columns of numbers are at the right."""
    cells = [head] + [[number(cell) for cell in row] for row in rows]
    left = [all(isinstance(row[i], str) for row in rows) for i in range(len(head))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join(cell.ljust(width) if at_left else cell.rjust(width)
                        for cell, width, at_left in zip(row, widths, left)).rstrip())


def note(message):
    print(f"draw: {message}", file=sys.stderr)


def plural(count, noun):
    return f"{count} {noun}{'s' * (count != 1)}"


# Drawing.

def save(figure, path):
    """Write a figure, and print its name."""
    try:
        if path.endswith(".png"):
            figure.savefig(path, metadata={"Software": None}, pil_kwargs={"optimize": True})
            image = need("PIL.Image", "figures")
            for count in (128, 64):
                if os.path.getsize(path) > LARGEST:
                    with image.open(path) as picture:
                        few = picture.convert("RGB").quantize(count, dither=image.Dither.NONE)
                    few.save(path, optimize=True)
        else:
            figure.savefig(path)
    except OSError as error:
        raise Failure(OUTPUT, f"{path}: {reason(error)}") from None
    print(f"\n{path}")


def legend(axes, count):
    if count > 6:  # below the axes
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=3, handlelength=2)
    elif count > 1:
        axes.legend(loc="best", handlelength=1.6)


def log_axis(axis, values):
    """Make the y axis logarithmic if all values are above 0."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0:
        axis.set_yscale("log")
        # A range of a decade or two would have too few labels, or products such as 2 x 10^0.
        size = values.max() / values.min()
        if size < 100:
            ticker = need("matplotlib.ticker", "figures")
            axis.yaxis.set_major_locator(
                ticker.LogLocator(subs=(1, 2, 3, 5) if size < 12 else (1, 2, 5)))
            axis.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
            axis.yaxis.set_minor_formatter(ticker.NullFormatter())


# Groups of runs that differ in learning rate and seed only.

class Group:
    """The runs of a setting, by their learning rate."""

    def __init__(self, key, runs):
        self.key = key  # name -> text
        self.rates = {}
        for run in sorted(runs, key=lambda run: (run.rate, run.seed)):
            self.rates.setdefault(run.rate, []).append(run)
        self.label = self.panel = ""
        self.colour, self.style = COLOURS[0], STYLES[0]

    def score(self, rate, quantity, until):
        """The mean over seeds of the last value of a quantity; NaN if a run diverged."""
        runs = self.rates[rate]
        if any(run.diverged for run in runs):
            return math.nan
        return mean([run.last(quantity, until) for run in runs])

    def judged_by(self):
        every = [run for runs in self.rates.values() for run in runs]
        return "evaluate/loss" if all(run.has("evaluate/loss") for run in every) else "loss"

    def best(self, until=None):
        """The learning rate with the lowest last loss, held-out where there is one; None if all
        diverged."""
        quantity = self.judged_by()
        scores = {rate: self.score(rate, quantity, until) for rate in self.rates}
        scores = {rate: score for rate, score in scores.items() if math.isfinite(score)}
        return min(scores, key=scores.get) if scores else None


def named(argument):
    """Split NAME=FOLDER; without a name it is the folder's own."""
    name, equals, folder = argument.partition("=")
    if equals and not os.path.exists(argument):
        return name, folder
    return os.path.basename(os.path.normpath(argument)), argument


def find_groups(arguments):
    """Return the groups of the runs in all folders, with labels, panels and colours."""
    groups = {}
    bases = [named(given)[0] for given in arguments.folders]
    for given in arguments.folders:
        name, folder = named(given)
        if bases.count(name) > 1 and folder == given:  # a/run and b/run are two settings
            name = os.path.normpath(folder)
        for run in find_runs(folder, note):
            if run.matches(arguments.only):
                key = {"folder": name, **run.settings}
                groups.setdefault(tuple(sorted(key.items())), (key, []))[1].append(run)
    if not groups:
        raise Failure(INPUT, f"{arguments.folders[0]}: found no runs that --only selects, "
                             "expected one or more")
    groups = [Group(key, runs) for key, runs in groups.values()]
    fields = list(dict.fromkeys(name for group in groups for name in group.key))
    panels = getattr(arguments, "panels", None)
    if panels and panels not in fields:
        raise Failure(USAGE, f"--panels {panels}: found the settings {', '.join(fields)}, "
                             "expected one of them")
    # Without names that the user gave, folders are named only if nothing else tells them apart.
    by_name = any(named(given)[1] != given for given in arguments.folders)
    values = {f: {g.key.get(f, "") for g in groups} for f in fields}
    shown = [f for f in fields if len(values[f]) > 1 and f != panels
             and (f != "folder" or by_name)]
    if by_name and len(values["folder"]) == len(groups):
        shown = ["folder"] * (panels != "folder")

    def unique(some):
        labels = {tuple(g.key.get(f, "") for f in [*some, panels]) for g in groups}
        return len(labels) == len(groups)
    if not unique(shown):
        shown.insert(0, "folder")
    if "point" in shown and unique([f for f in shown if f != "point"]):
        shown.remove("point")
    for group in groups:
        group.shown = {f: group.key.get(f, "") for f in shown}
        group.label = ", ".join(v if f in ("folder", "optimiser", "point") else f"{f} {v}"
                                for f, v in group.shown.items() if v)
        group.label = group.label or group.key["optimiser"]
        group.panel = group.key.get(panels, "") if panels else ""
    paint(groups)
    return groups


def paint(groups):
    """Colour by optimiser if no panel has an optimiser twice, else by label."""
    pairs = [(g.panel, g.key["optimiser"]) for g in groups]
    if len(set(pairs)) == len(pairs):
        names = list(dict.fromkeys(g.key["optimiser"] for g in groups))
        fixed = [OF_OPTIMISER.get(name, -1) for name in names]
        if -1 in fixed or len(set(fixed)) < len(fixed):
            fixed = range(len(names))
        colours = dict(zip(names, fixed))
        for group in groups:
            group.colour = COLOURS[colours[group.key["optimiser"]] % len(COLOURS)]
    else:
        names = list(dict.fromkeys(g.label for g in groups))
        for group in groups:
            at = names.index(group.label)
            group.colour = COLOURS[at % len(COLOURS)]
            group.style = STYLES[at // len(COLOURS) % len(STYLES)]


def chosen(groups, arguments):
    """Return triples of a group, its learning rate and the runs that are drawn."""
    found = []
    for group in groups:
        if getattr(arguments, "all_rates", False):
            found += [(group, rate, runs) for rate, runs in group.rates.items()]
            continue
        best = group.best(arguments.until)
        if best is None:
            if len(group.rates) > 1:
                note(f"note: all learning rates of {group.label} diverged, and it is left out")
                continue
            best = next(iter(group.rates))
        found.append((group, best, group.rates[best]))
    if not found:
        raise Failure(INPUT, f"{arguments.folders[0]}: found no run that did not diverge, "
                             "expected one or more")
    if getattr(arguments, "all_rates", False):
        for i, (group, rate, runs) in enumerate(found):
            copy = Group(group.key, runs)
            copy.shown, copy.panel = group.shown, group.panel
            copy.label = f"{group.label}, {rate:g}"
            copy.colour = COLOURS[i % len(COLOURS)]
            copy.style = STYLES[i // len(COLOURS) % len(STYLES)]
            found[i] = copy, rate, runs
    return found


def together(runs, quantity, until, column=None):
    """Return the steps that all runs have, and a matrix of the values, a row for each run."""
    pairs = []
    for run in runs:
        steps, values = run.pair(quantity, until)
        if values.ndim > 1:
            if column is None or column >= values.shape[1]:
                raise Failure(USAGE, f"{run.path}: /{quantity} has {values.shape[1]} columns, "
                                     f"expected the number of one after its name, as in "
                                     f"{quantity.rpartition('/')[2]}:0")
            values = values[:, column]
        elif column is not None:
            raise Failure(USAGE, f"{run.path}: /{quantity} has one number for a step, expected "
                                 "its name without a column")
        pairs.append((steps, values))
    common = pairs[0][0]
    for steps, _ in pairs[1:]:
        common = np.intersect1d(common, steps)
    return common, np.array([values[np.isin(steps, common)] for steps, values in pairs])


def blocks_of(steps, values, size):
    """Means over blocks of so many steps; the last block can be shorter."""
    if size < 2:
        return steps, values
    starts = np.arange(0, len(steps), size)
    counts = np.diff(np.append(starts, len(steps)))
    return (np.add.reduceat(steps.astype(float), starts) / counts,
            np.add.reduceat(values, starts, axis=1) / counts)


def middle(values, arguments):
    return (np.median if arguments.middle == "median" else np.mean)(values, axis=0)


def draw_curve(axes, steps, values, arguments, **style):
    """Draw the mean over seeds and a band."""
    centre = middle(values, arguments)
    axes.plot(steps, centre, **style)
    if len(values) > 1 and arguments.band != "none":
        low, high = values.min(axis=0), values.max(axis=0)
        if arguments.band == "deviation":
            spread = values.std(axis=0, ddof=1)
            low, high = centre - spread, centre + spread
        axes.fill_between(steps, low, high, color=style["color"], alpha=0.18, linewidth=0)


def panels_of(found):
    return list(dict.fromkeys(group.panel for group, *_ in found))


def panel_title(arguments, panel):
    """The value of a panel with its setting; the name of a folder tells enough."""
    return panel if arguments.panels == "folder" else f"{arguments.panels} {panel}"


def spread_of(arguments, found):
    """Say in a title what a curve and its band are."""
    if max(len(runs) for *_, runs in found) < 2:
        return ""
    band = {"range": ", band: smallest to largest", "none": "",
            "deviation": ", band: ± standard deviation"}[arguments.band]
    return f"{arguments.middle} over seeds{band}"


def ratios(found, quantity, steps, arguments, column=None):
    """Print, for two curves of a panel, the ratio of their values at some steps: of the same seeds
    if both have the same, else of the means."""
    rows = []
    for panel in panels_of(found):
        pair = [item for item in found if item[0].panel == panel]
        if len(pair) != 2:
            continue
        # The optimiser that is worse stands above, as in the papers.
        pair.sort(key=lambda item: OF_OPTIMISER.get(item[0].key["optimiser"], 9) == 0)
        (a, _, first), (b, _, second) = pair
        for step in steps:
            found_a, found_b = (dict(zip((r.seed for r in runs), at_step(
                *together(runs, quantity, None, column), step))) for runs in (first, second))
            seeds = sorted(set(found_a) & set(found_b))
            if seeds and len(found_a) == len(first) and len(found_b) == len(second):
                each = [found_a[s] / found_b[s] if found_b[s] else math.nan for s in seeds]
            else:
                below = mean(list(found_b.values()))
                each = [mean(list(found_a.values())) / below if below else math.nan]
            rows.append([*([panel] if panel else []), f"{a.label} / {b.label}", step, mean(each),
                         deviation(each), len(each)])
    if rows:
        print(f"\nratios of {quantity.rpartition('/')[2]}, mean and standard deviation over pairs "
              "of runs with the same seed")
        show([*([arguments.panels] if panels_of(found) != [""] else []), "ratio", "step", "mean",
              "sd", "pairs"], rows)


def at_step(steps, values, step):
    if step not in steps:
        raise Failure(USAGE, f"--at {step}: found values at the steps {steps[0]} to {steps[-1]}, "
                             "expected one of the steps that were measured")
    return values[:, list(steps).index(step)]


def columns_of(groups, panels):
    """The names and values of the first columns of a table."""
    names = list(dict.fromkeys([*([panels] if panels else []),
                                *(f for g in groups for f in g.shown), "optimiser"]))
    return names, {id(g): [g.panel if f == panels else g.shown.get(f, g.key.get(f, ""))
                           for f in names] for g in groups}


def draw_loss(arguments):
    groups = find_groups(arguments)
    found = chosen(groups, arguments)
    names, first = columns_of([g for g, *_ in found], arguments.panels)
    rows = []
    for group, rate, runs in found:
        last, held, accuracy = ([run.last(name, arguments.until) for run in runs] for name in
                                ("loss", "evaluate/loss", "evaluate/accuracy"))
        rows.append([*first[id(group)], rate, len(runs), sum(run.diverged for run in runs),
                     max(len(run.pair("step", arguments.until)[0]) for run in runs), mean(last),
                     deviation(last), mean(held), deviation(held), mean(accuracy)])
    kind = "all learning rates" if arguments.all_rates else (
        "the best learning rate of each setting, by the mean over seeds of the last "
        + ("held-out loss" if all(g.judged_by() != "loss" for g in groups) else "loss"))
    print(kind)
    show([*names, "rate", "seeds", "diverged", "steps", "loss", "sd", "held-out", "sd",
          "accuracy"], rows)
    quantity = ("evaluate/accuracy" if arguments.accuracy else
                "evaluate/loss" if arguments.held_out else "loss")
    arguments.linear |= arguments.accuracy
    if arguments.at or quantity != "loss":
        steps = arguments.at or [int(together(found[0][2], quantity, arguments.until)[0][-1])]
        values_at(found, quantity, steps, names, first)
        ratios(found, quantity, steps, arguments)
    if arguments.output:
        draw_against_steps(found, [(quantity, None)], arguments, "step",
                           LABELS[quantity])


def values_at(found, quantity, steps, names, first, column=None):
    rows = []
    for group, rate, runs in found:
        for step in steps:
            values = at_step(*together(runs, quantity, None, column), step)
            rows.append([*first[id(group)], rate, step, mean(values), deviation(values),
                         float(np.median(values))])
    print(f"\n{quantity.removeprefix('path/')}, over seeds")
    show([*names, "rate", "step", "mean", "sd", "median"], rows)


def draw_against_steps(found, quantities, arguments, x_label, y_label):
    """A panel for each value of --panels, with a curve for each group and quantity."""
    panels = panels_of(found)
    columns = min(len(panels), 3)
    rows = -(-len(panels) // columns)
    figure, matrix = canvas(rows, columns, 4.0 if rows == 1 else 2.7 * rows, sharex=True,
                            sharey=rows > 1)
    drawn, size = [[] for _ in panels], 1
    for group, rate, runs in found:
        at = panels.index(group.panel)
        axes = matrix[at // columns][at % columns]
        for i, (quantity, column) in enumerate(quantities):
            if not all(run.has(quantity) for run in runs) and i > 0:
                continue
            steps, values = together(runs, quantity, arguments.until, column)
            if quantity == "loss":
                size = arguments.smooth or -(-len(steps) // 250)
                steps, values = blocks_of(steps, values, size)
            kept = np.isfinite(values).all(axis=0)
            if not kept.any():
                continue
            label = f"{group.label}, rate {rate:g}" if not arguments.all_rates else group.label
            label += " (diverged)" * any(run.diverged for run in runs)
            draw_curve(axes, steps[kept], values[:, kept], arguments, color=group.colour,
                       linestyle=group.style if i == 0 else (0, (4, 2)),
                       label=label if i == 0 else None)
            drawn[at].append(values[:, kept].ravel())
    if size > 1:
        y_label += f"\nmeans of {size} steps"
    for at, panel in enumerate(panels):
        axes = matrix[at // columns][at % columns]
        if drawn[at] and not arguments.linear:
            log_axis(axes, np.concatenate(drawn[at]))
        if quantities[0][0] in ("loss", "evaluate/loss") and drawn[at]:
            # A loss that diverges would flatten the others.
            highest = 20 * max(abs(values[0]) for values in drawn[at])
            lowest = min(values.min() for values in drawn[at])
            if axes.get_ylim()[1] > 5 * highest and 0 < lowest < highest:
                axes.set_ylim(0.7 * lowest, highest)
        if panel:
            axes.set_title(panel_title(arguments, panel))
        legend(axes, len(axes.get_legend_handles_labels()[0]))
        if at // columns == rows - 1:
            axes.set_xlabel(x_label)
        if at % columns == 0:
            axes.set_ylabel(y_label)
    for at in range(len(panels), rows * columns):
        matrix[at // columns][at % columns].axis("off")
    spread = spread_of(arguments, found)
    title = arguments.title or spread[:1].upper() + spread[1:]
    give_title(figure, title)
    save(figure, arguments.output)


def draw_rates(arguments):
    groups = find_groups(arguments)
    names, first = columns_of(groups, arguments.panels)
    quantity = arguments.quantity
    if not quantity:
        quantity = "held_out" if all(g.judged_by() != "loss" for g in groups) else "loss"
    dataset = {"loss": "loss", "held_out": "evaluate/loss",
               "accuracy": "evaluate/accuracy"}[quantity]
    rows = []
    for group in groups:
        best = group.best(arguments.until)
        for rate, runs in group.rates.items():
            well = [run.last(dataset, arguments.until) for run in runs if not run.diverged]
            rows.append([*first[id(group)], rate, len(runs), len(runs) - len(well), mean(well),
                         deviation(well), "best" if rate == best else ""])
    print(f"last {LABELS[dataset]}, mean over the seeds that did not diverge; best: the rate with "
          "the lowest last\nheld-out loss, or loss, among those at which no run diverged")
    show([*names, "rate", "seeds", "diverged", "mean", "sd", ""], rows)
    if not arguments.output:
        return
    panels = list(dict.fromkeys(group.panel for group in groups))
    figure, matrix = canvas(1, len(panels), sharex=True, sharey=quantity == "accuracy")
    for panel, axes in zip(panels, matrix[0]):
        drawn, lost = [], []
        for group in (g for g in groups if g.panel == panel):
            points = [(rate, [run.last(dataset, arguments.until) for run in runs
                              if not run.diverged]) for rate, runs in group.rates.items()]
            some = [(rate, v) for rate, v in points if v and np.isfinite(v).all()]
            axes.plot([r for r, _ in some], [mean(v) for _, v in some], linestyle=group.style,
                      marker="o", markersize=4, color=group.colour, label=group.label)
            for rate, v in some:
                axes.plot([rate] * len(v), v, "_", markersize=9, color=group.colour, alpha=0.6)
                drawn += v
            lost += [(rate, group.colour) for rate, runs in group.rates.items()
                     if any(run.diverged for run in runs)]
        axes.set_xscale("log")
        rate_ticks(axes, sorted({rate for g in groups for rate in g.rates}), len(panels))
        if quantity != "accuracy":
            log_axis(axes, drawn)
        for rate, colour in lost:
            axes.plot([rate], [0.98], "x", color=colour, markersize=7,
                      transform=axes.get_xaxis_transform(), clip_on=False)
        if panel:
            axes.set_title(panel_title(arguments, panel) if len(panels) < 4 else panel)
        axes.set_xlabel("learning rate")
        if len(panels) < 3 or axes is matrix[0][-1]:
            legend(axes, len(axes.get_legend_handles_labels()[0]))
    matrix[0][0].set_ylabel(f"last {LABELS[dataset]}")
    lost = any(run.diverged for g in groups for runs in g.rates.values() for run in runs)
    figure.suptitle(arguments.title or "Point: mean over seeds, bars: seeds"
                    + ", cross: a run diverged" * lost, x=0.01, ha="left", fontsize=10)
    save(figure, arguments.output)


def rate_ticks(axes, rates, panels):
    """Mark the learning rates themselves, those that have room for their labels."""
    ticker = need("matplotlib.ticker", "figures")
    gap = math.log(max(rates) / min(rates)) / max(2, 10 // panels)
    marked = []
    for rate in sorted(rates):
        if not marked or math.log(rate / marked[-1]) >= gap * 0.99:
            marked.append(rate)
    axes.xaxis.set_major_locator(ticker.FixedLocator(marked))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def quantity_of(word):
    name, colon, column = word.partition(":")
    if colon and not column.isdigit():
        raise Failure(USAGE, f"the quantity '{word}': expected a column's number after ':'")
    return f"path/{name}", int(column) if colon else None


def draw_path(arguments):
    groups = find_groups(arguments)
    found = chosen(groups, arguments)
    names, first = columns_of([g for g, *_ in found], arguments.panels)
    quantities = [quantity_of(word) for word in arguments.quantity.split(",")]
    quantity, column = quantities[0]
    name = quantity.removeprefix("path/")
    rows = []
    for group, rate, runs in found:
        steps, values = together(runs, quantity, arguments.until, column)
        after = values[:, steps >= arguments.since]
        each = [float(np.median(v[~np.isnan(v)])) if not np.isnan(v).all() else math.nan
                for v in after]
        rows.append([*first[id(group)], rate, len(runs), after.shape[1], mean(each),
                     deviation(each), *([mean(after[:, -1])] if after.shape[1] else [math.nan])])
    print(f"{arguments.quantity}: the median over the steps measured from step {arguments.since}, "
          "its mean and sd over seeds, and the last value")
    show([*names, "rate", "seeds", "steps", "median", "sd", "last"], rows)
    if arguments.at:
        values_at(found, quantity, arguments.at, names, first, column)
        ratios(found, quantity, arguments.at, arguments, column)
    if arguments.output:
        unit = next((u for us, u in ((CURVATURE, "loss / parameter²"),
                                     (GRADIENT, "loss / parameter")) if name in us), "")
        label = LABELS.get(name, name.replace("_", " ")) + (f" ({unit})" if unit else "")
        if len(quantities) > 1:
            label += "\ndashed: " + LABELS.get(quantities[1][0].removeprefix("path/"),
                                              quantities[1][0].removeprefix("path/"))
        draw_against_steps(found, quantities, arguments, "step", label)


def draw_smoothness(arguments):
    found = chosen(find_groups(arguments), arguments)
    names, first = columns_of([g for g, *_ in found], None)
    rows, clouds = [], []
    for group, rate, runs in found:
        parts = []
        for run in runs:
            steps, curvature = run.pair(f"path/{arguments.quantity}", arguments.until)
            gradient = run.pair("path/gradient_norm", arguments.until)[1]
            parts.append(np.array([steps, gradient, curvature], float))
        cloud = np.concatenate(parts, axis=1)
        cloud = cloud[:, np.isfinite(cloud).all(axis=0) & (cloud[0] >= arguments.since)]
        _, g, c = cloud
        l0, l1 = line(g, c)
        above = (g > 0) & (c > 0)
        rows.append([*first[id(group)], rate, len(runs), len(g), int((~above).sum()), l0, l1,
                     rank_correlation(g, c),
                     correlation(np.log(g[above]), np.log(c[above]))])
        clouds.append((group, rate, cloud[:, above], l0, l1))
    print(f"fit: {arguments.quantity} = L0 + L1 |g| by least squares; rank: Spearman's "
          "correlation;\nlog: Pearson's correlation of logarithms, where both are above 0 (the "
          "column <= 0 counts the others)")
    show([*names, "rate", "seeds", "points", "<= 0", "L0", "L1", "rank", "log"], rows)
    if not arguments.output:
        return
    columns = 2 if len(clouds) in (2, 4) else min(len(clouds), 3)
    lines = -(-len(clouds) // columns)
    figure, matrix = canvas(lines, columns, 4.0 if lines == 1 else 2.6 * lines, sharex=True,
                            sharey=True)
    steps = np.concatenate([cloud[0] for _, _, cloud, _, _ in clouds])
    if not len(steps):
        raise Failure(INPUT, f"{arguments.folders[0]}: found no step at which the gradient and "
                             f"/path/{arguments.quantity} are above 0, expected one or more")
    points = None
    for axes, (group, rate, (at, g, c), l0, l1) in zip(matrix.ravel(), clouds):
        points = axes.scatter(g, c, c=at, s=9, cmap="viridis", linewidths=0,
                              vmin=steps.min(), vmax=steps.max())
        axes.set_xscale("log")
        axes.set_yscale("log")
        if len(g) > 1:
            x = np.geomspace(g.min(), g.max(), 200)
            fit = l0 + l1 * x
            axes.plot(x[fit > 0], fit[fit > 0], "-", color="#D55E00",
                      label=f"{l0:.3g} {'-' if l1 < 0 else '+'} {abs(l1):.3g} |g|")
            axes.legend(loc="upper left", handlelength=1.2)
        axes.set_title(f"{group.label}{', ' if columns < 3 else chr(10)}rate {rate:g}",
                       fontsize=10 if columns < 3 else 8.5)
    # Room for the points and the legends; the lines of the fits may leave it.
    heights = np.concatenate([cloud[2] for _, _, cloud, _, _ in clouds])
    room = (heights.max() / heights.min()) ** 0.15 * 1.2
    matrix[0][0].set_ylim(heights.min() / 1.3, heights.max() * room)
    for axes in matrix.ravel()[len(clouds):]:
        axes.axis("off")
    figure.supxlabel("norm of the gradient (loss / parameter)", fontsize=9.5)
    figure.supylabel(f"{LABELS.get(arguments.quantity, arguments.quantity)} (loss / parameter²)",
                     fontsize=9.5)
    colour_bar(figure, points, matrix.ravel().tolist(), "step")
    give_title(figure, arguments.title)
    save(figure, arguments.output)


def draw_noise(arguments):
    groups = find_groups(arguments)
    names, first = columns_of(groups, None)
    rows, samples = [], []
    for group in groups:
        # Before the first step the learning rate does not matter, so one is enough.
        runs = next(iter(group.rates.values()))
        for run in runs:
            steps, noise = run.pair("path/noise")
            if arguments.step is not None and arguments.step not in steps:
                raise Failure(USAGE, f"--step {arguments.step}: {run.path} has the steps "
                                     f"{', '.join(map(str, steps))}, expected one of them")
            at = 0 if arguments.step is None else list(steps).index(arguments.step)
            sample = np.sort(noise[at][np.isfinite(noise[at])]) if len(noise) else np.array([])
            if len(sample) < 3:
                raise Failure(INPUT, f"{run.path}: found {len(sample)} distances in /path/noise, "
                                     "expected three or more")
            quantiles = normal_quantiles(len(sample))
            rows.append([*first[id(group)], run.seed, int(steps[at]), len(sample),
                         *moments(sample), float(sample[-1] / np.median(sample)),
                         correlation(quantiles, sample)])
            if run is runs[0]:
                samples.append((group, sample, quantiles))
    print("distances |g_k - g| of the gradients of mini-batches from the gradient of all examples; "
          "QQ r: the\ncorrelation of the normal quantile-quantile plot")
    show([*names, "seed", "step", "batches", "mean", "sd", "skewness", "kurtosis", "max/median",
          "QQ r"], rows)
    if not arguments.output:
        return
    # A sample has two axes side by side, and a row has two samples.
    count = len(samples)
    rows = -(-count // 2)
    figure, matrix = canvas(1, 2, 3.4) if count == 1 else canvas(rows, 4, 0.8 + 2.1 * rows)
    for axes in matrix.ravel()[2 * count:]:
        axes.axis("off")
    for i, (group, sample, quantiles) in enumerate(samples):
        left, right = matrix.ravel()[2 * i:2 * i + 2]
        left.hist(sample, bins=min(100, max(10, int(2 * len(sample) ** 0.5))), density=True,
                  color=COLOURS[0], alpha=0.85)
        left.grid(False)
        intercept, slope = line(quantiles, sample)
        right.plot(quantiles, intercept + slope * quantiles, "-", color=COLOURS[1], linewidth=1.2)
        right.plot(quantiles, sample, ".", markersize=3, color=COLOURS[0])
        m, s, skewness, kurtosis = moments(sample)
        if count == 1:
            left.set_title(f"mean {m:.3g}, sd {s:.2g}")
            right.set_title(f"skewness {skewness:.2f}, excess kurtosis {kurtosis:.1f}")
            left.set_ylabel("density (parameter / loss)")
            right.set_ylabel("distance (loss / parameter)")
        else:
            left.set_title(group.label)
            right.set_title(f"skewness {skewness:.2f}, excess\nkurtosis {kurtosis:.1f}",
                            fontsize=8.5)
        if i >= count - 2:
            left.set_xlabel("distance (loss / parameter)", fontsize=None if count == 1 else 8.5)
            right.set_xlabel("normal quantile", fontsize=None if count == 1 else 8.5)
    give_title(figure, arguments.title)
    save(figure, arguments.output)


# Result files.

def results_of(path, wanted, steps):
    """Return pairs of a step (None without a series) and the group of its result.

    wanted: a group or dataset that each result must have. steps: a list, or None for all."""
    file = open_file(path)
    if "steps" in file:
        found = [(int(name), file["steps"][name]) for name in sorted(file["steps"], key=int)]
        missing = sorted(set(steps or []) - {step for step, _ in found})
        if missing:
            raise Failure(USAGE, f"--steps {missing[0]}: {path} has the steps "
                                 f"{', '.join(str(s) for s, _ in found)}, expected some of them")
        found = [(step, group) for step, group in found if not steps or step in steps]
    else:
        found = [(None, file)]
    found = [(step, group) for step, group in found if wanted in group]
    if not found:
        raise Failure(INPUT, f"{path}: found no /{wanted}, expected a result file that has it")
    return found


class Spectrum:
    """The eigenvalues or the quadrature of a matrix of a result, and its density."""

    def __init__(self, group):
        self.density = group.get("density")
        if "eigenvalues" in group:
            values = group["eigenvalues"][...]
            self.atoms, self.mass = values, np.full(len(values), 1 / len(values))
            self.tenth = abs(values[-10] if len(values) >= 10 else values[0])
        elif "nodes" in group:
            nodes, weights, taken = (group[name][...] for name in ("nodes", "weights", "taken"))
            self.atoms, self.mass = nodes.ravel(), weights.ravel() / len(nodes)
            self.tenth = abs(np.mean([row[max(0, t - 10)] for row, t in zip(nodes, taken)]))
        else:
            raise KeyError
        self.estimated = "nodes" in group

    def curve(self, tenth, width):
        """Return the grid and the density. width: the standard deviation of the kernel in the units
        of the grid; None: the density in the file, or else a hundredth of the range."""
        divide = (tenth and self.tenth) or 1.0  # a 10th that is 0 divides nothing, as in hesse
        if self.density is not None and width is None:
            grid, values = (self.density[name][...] for name in ("grid", "values"))
            if text(self.density["values"].attrs.get("eigenvalues_divided_by", "1")) != "1":
                divide = 1.0  # the program has divided already
            return grid / divide, values * divide
        kept = self.mass > 0
        atoms, mass = self.atoms[kept] / divide, self.mass[kept]
        width = width or 0.01 * (np.ptp(atoms) or 1.0)
        # Points near the atoms, a quarter of the width apart; the density is 0 elsewhere.
        near = atoms[:, None] + width * np.arange(-6, 6.25, 0.5)
        grid = np.unique(np.concatenate([np.round(near.ravel() / width * 4) * (width / 4), atoms]))
        values = np.zeros(len(grid))
        for some in np.array_split(np.arange(len(atoms)), len(atoms) // 200 + 1):
            shift = (grid[:, None] - atoms[some]) / width
            values += np.exp(-0.5 * shift**2) @ mass[some]
        return grid, values / (width * (2 * math.pi) ** 0.5)


def draw_spectra(arguments):
    rows, curves = [], {}
    tenth = arguments.scale == "tenth"
    several = len(arguments.results) > 1
    for given in arguments.results:
        name, path = named(given)
        name = name.removesuffix(".h5")
        for step, result in results_of(path, "spectra", arguments.steps):
            spectra = result["spectra"]
            blocks = list(spectra["blocks"]) if "blocks" in spectra else []
            if "blocks/name" in result:  # in the order of the parameters
                order = [text(b) for b in result["blocks/name"][...]]
                blocks = [block for block in order if block in blocks]
            if arguments.blocks:
                matrices = [b for b in blocks if any(fnmatch.fnmatchcase(b, glob)
                                                     for glob in arguments.blocks)]
                if "full" in arguments.blocks and "full" in spectra:
                    matrices.insert(0, "full")
                if not matrices:
                    raise Failure(USAGE, f"{path}: no spectrum of a block matches "
                                         f"{' '.join(arguments.blocks)}; found {', '.join(blocks)}")
            else:
                matrices = ["full"] if "full" in spectra else blocks
            for matrix in matrices:
                group = spectra["full" if matrix == "full" else f"blocks/{matrix}"]
                try:
                    spectrum = Spectrum(group)
                except KeyError:
                    raise Failure(INPUT, f"{path}: found neither eigenvalues nor nodes in "
                                         f"{group.name}, expected one of them") from None
                label = ", ".join([*([name] if several else []),
                                   *([f"step {step}"] if step is not None else [])])
                curves.setdefault(matrix, []).append((label, step, spectrum))
                atoms, mass = spectrum.atoms, spectrum.mass
                rows.append([*([name] if several else []), *([step] if step is not None else []),
                             matrix, "estimate" if spectrum.estimated else "exact",
                             float(atoms.min()), float(spectrum.tenth), float(atoms.max()),
                             float(atoms.max() / spectrum.tenth) if spectrum.tenth else math.nan,
                             float(mass[atoms < 0].sum())])
    if len({len(row) for row in rows}) > 1:
        raise Failure(USAGE, f"{' '.join(arguments.results)}: found a series of checkpoints and "
                             "single results, expected one kind")
    if len(curves) > 12:
        raise Failure(USAGE, f"{arguments.results[0]}: found {len(curves)} matrices, expected at "
                             "most 12 (--blocks selects some)")
    series = any(step is not None for step in (s for c in curves.values() for _, s, _ in c))
    print("10th: the 10th largest eigenvalue; below 0: the share of the eigenvalues")
    show([*(["file"] if several else []), *(["step"] if series else []), "matrix", "method", "min",
          "10th", "max", "max/10th", "below 0"], rows)
    if not arguments.output:
        return
    columns = min(len(curves), 2 if len(curves) in (2, 4) else 3)
    lines = -(-len(curves) // columns)
    height = 2.3 * lines if lines > 1 else 4.0 if columns == 1 else 3.6
    figure, matrix = canvas(lines, columns, height)
    colours = need("matplotlib.pyplot", "figures").get_cmap("viridis")
    stem = common([name for name in curves if name != "full"])
    for at, (name, found) in enumerate(curves.items()):
        axes = matrix[at // columns][at % columns]
        highest, ends, places = 0.0, [], []
        for i, (label, step, spectrum) in enumerate(found):
            grid, values = spectrum.curve(tenth, arguments.bandwidth)
            colour = COLOURS[i % len(COLOURS)] if not series or several else colours(
                0.9 * i / max(1, len(found) - 1))
            axes.plot(grid, values, color=colour, label=label, linewidth=1.3)
            highest = max(highest, values.max())
            ends.append(values.max())
            places.append((grid, values))
        floor = highest * arguments.floor
        axes.set_yscale("log")
        axes.set_ylim(floor, highest * 3)
        inside = np.concatenate([grid[values > floor] for grid, values in places])
        margin = 0.03 * np.ptp(inside) or 0.1 * abs(inside[0]) or 1.0
        axes.set_xlim(inside.min() - margin, inside.max() + margin)
        axes.set_title("full matrix" if name == "full" else short(
            name[len(stem):], 38 if columns < 3 else 28), fontsize=10 if columns < 3 else 8)
        if at == 0 and len(found) > 1:
            axes.legend(loc="upper right", handlelength=1.2)
        axes.locator_params(axis="x", nbins=8 if columns == 1 else 4)
    figure.supxlabel("eigenvalue / 10th largest" if tenth else "eigenvalue (loss / parameter²)",
                     fontsize=9.5)
    figure.supylabel("density" if tenth else "density (parameter² / loss)", fontsize=9.5)
    for at in range(len(curves), lines * columns):
        matrix[at // columns][at % columns].axis("off")
    give_title(figure, arguments.title)
    save(figure, arguments.output)


def draw_coupling(arguments):
    found = results_of(arguments.result, "metrics/coupling", arguments.steps)
    if len(found) > 6:  # as even as possible, with the first and the last
        found = [found[round(i * (len(found) - 1) / 5)] for i in range(6)]
        note("note: six of the steps are drawn (--steps chooses them)")
    rows, images = [], []
    for step, result in found:
        coupling = result["metrics/coupling"][...]
        names = [text(name) for name in result["blocks/name"][...]]
        squares = coupling**2
        total, inside = squares.sum(), np.trace(squares)
        largest = coupling - np.diag(np.diag(coupling))
        i, j = np.unravel_index(np.argmax(largest), largest.shape)
        rows.append([*([step] if step is not None else []), len(names), float(total**0.5),
                     float(inside / total) if total else math.nan, float(largest[i, j]),
                     f"{names[i]}, {names[j]}"])
        images.append((step, names, coupling))
    print("inside: the share of the squared Frobenius norm in the diagonal blocks")
    show([*(["step"] if found[0][0] is not None else []), "blocks", "frobenius", "inside",
          "largest outside", "between"], rows)
    if not arguments.output:
        return
    count = len(images)
    columns = 1 if count == 1 else 2 if count in (2, 3, 4) else 3
    lines = -(-count // columns)
    height = {1: 5.2, 2: 2.5, 3: 1.9}[columns]
    figure, matrix = canvas(lines, columns, height * lines + 0.25)
    colours = need("matplotlib.colors", "figures")
    every = np.concatenate([coupling[coupling > 0] for *_, coupling in images])
    top = every.max() if len(every) else 1.0
    low = max(np.quantile(every, 0.01), top * 1e-6) if len(every) else 0.1
    norm = colours.LogNorm(min(low, top / 10), top)
    shades = need("matplotlib.pyplot", "figures").get_cmap(
        "viridis", 256 if max(len(names) for _, names, _ in images) <= 24 else 32).copy()
    shades.set_bad("white")
    image = None
    for at, (step, names, coupling) in enumerate(images):
        axes = matrix[at // columns][at % columns]
        clipped = np.where(coupling > 0, np.maximum(coupling, norm.vmin), np.nan)
        image = axes.imshow(clipped, norm=norm, cmap=shades, interpolation="nearest")
        axes.grid(False)
        axes.set_title("" if step is None else f"step {step}")
        ticks, labels, borders = tick_names(names, int(height * 9))
        for border in borders:
            axes.axhline(border - 0.5, color="white", linewidth=0.3)
            axes.axvline(border - 0.5, color="white", linewidth=0.3)
        size = 7.5 if len(names) < 14 else 6
        axes.set_yticks(ticks, labels if at % columns == 0 else [""] * len(ticks), fontsize=size)
        axes.set_xticks(ticks, labels if columns == 1 else [""] * len(ticks), fontsize=size,
                        rotation=90)
        axes.tick_params(length=2)
    for at in range(count, lines * columns):
        matrix[at // columns][at % columns].axis("off")
    colour_bar(figure, image, matrix.ravel().tolist(), "Frobenius norm (loss / parameter²)",
               extend="min" if len(every) and every.min() < norm.vmin else "neither")
    give_title(figure, arguments.title)
    save(figure, arguments.output)


def draw_matrix(arguments):
    with results.open(arguments.result) as file:
        stored = matrices.find(file)
        medians = [matrices.median_of(stored, block) for block in stored.blocks]
        print("median: of the absolute entries of the diagonal block")
        show(["block", "order", "median"], [[block.name, block.size, median] for block, median in
                                            zip(stored.blocks, medians)])
        ends = {end: [m for block, m in zip(stored.blocks, medians) if block.name.endswith(end)]
                for end in ("weight.value", "weight.query")}
        if all(len(m) == 1 for m in ends.values()) and ends["weight.query"][0] > 0:
            print(f"\nvalue / query {ends['weight.value'][0] / ends['weight.query'][0]:.4g}")
        image = matrices.reduce(stored)
    if image.cell > 1:
        note(f"note: {image.meaning()}")
    if arguments.output:
        save(matrices.draw(image, arguments.title), arguments.output)


def draw_gap(arguments):
    rows = []
    optimisers = arguments.optimisers
    for given in arguments.pairs:
        name, equals, rest = given.partition("=")
        folders, colon, result = rest.rpartition(":")
        if not (equals and colon and name and folders and result):
            raise Failure(USAGE, f"'{given}': expected NAME=RUNS_FOLDER:RESULT.h5")
        arguments.folders = folders.split(",")
        arguments.panels = None
        groups = find_groups(arguments)
        last = []
        for optimiser in optimisers:
            own = [g for g in groups if fnmatch.fnmatchcase(g.key["optimiser"], optimiser)]
            if len(own) != 1:
                settings = "; ".join(g.label for g in groups)
                raise Failure(USAGE, f"{folders}: found {plural(len(own), 'setting')} with the "
                                     f"optimiser {optimiser} (settings: {settings}), expected one "
                                     "(--optimisers and --only select)")
            best = own[0].best(arguments.until)
            runs = own[0].rates[best] if best is not None else []
            held = own[0].judged_by()
            if arguments.quantity == "accuracy":
                held = "evaluate/accuracy"
            last.append((best if best is not None else math.nan,
                         mean([run.last(held, arguments.until) for run in runs])))
        step, group = results_of(result, f"metrics/{arguments.distance}",
                                 arguments.steps)[0]
        js0 = float(group[f"metrics/{arguments.distance}"].attrs["js0"])
        a, b = last[0][1], last[1][1]
        gap = {"difference": a - b, "ratio": a / b if b else math.nan, "accuracy": b - a}[
            arguments.quantity]
        rows.append([name, js0, *last[0], *last[1], gap])
    x, y = [row[1] for row in rows], [row[-1] for row in rows]
    which = {"difference": "{0} - {1}, last losses", "ratio": "{0} / {1}, last losses",
             "accuracy": "{1} - {0}, last accuracies"}[arguments.quantity].format(
                 *(optimiser.rstrip("*") for optimiser in optimisers))
    print(f"gap: {which} (held-out where there are such), means over seeds at the best rates; "
          f"js0 of {arguments.distance}")
    show(["name", "js0", f"{optimisers[0]} rate", f"{optimisers[0]}", f"{optimisers[1]} rate",
          f"{optimisers[1]}", "gap"], rows)
    fine = np.isfinite(x) & np.isfinite(y)
    print(f"rank correlation of js0 and gap: "
          f"{number(rank_correlation(np.array(x)[fine], np.array(y)[fine]))} "
          f"({plural(int(fine.sum()), 'pair')})")
    if not arguments.output:
        return
    figure, matrix = canvas()
    axes = matrix[0][0]
    axes.plot(x, y, "o", color=COLOURS[0], markersize=6)
    for name, a, b in zip((row[0] for row in rows), x, y):
        if math.isfinite(a) and math.isfinite(b):
            axes.annotate(name, (a, b), xytext=(6, 4), textcoords="offset points", fontsize=8.5)
    if min(x) > 0 and max(x) / min(x) > 10:
        axes.set_xscale("log")
    if arguments.quantity == "ratio":
        log_axis(axes, y)
    axes.axhline(1 if arguments.quantity == "ratio" else 0, color="#888888", linewidth=0.8)
    axes.margins(x=0.15, y=0.12)
    axes.set_xlabel(DISTANCES.get(arguments.distance, arguments.distance)
                    + ",\nmean over pairs of blocks")
    axes.set_ylabel(f"gap: {which}")
    if arguments.title:
        axes.set_title(arguments.title)
    save(figure, arguments.output)


# The command line.

def condition(word):
    name, equals, pattern = word.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"'{word}', expected SETTING=PATTERN")
    return name, pattern


def steps_list(word):
    try:
        return [int(part) for part in word.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{word}', expected step numbers such as 0,100") from None


def optimiser_pair(word):
    pair = word.split(",")
    if len(pair) != 2:
        raise argparse.ArgumentTypeError(f"'{word}', expected two optimisers such as sgd,adam*")
    return pair


def at_least(lowest, kind):
    def convert(word):
        try:
            value = kind(word)
        except ValueError:
            value = math.nan
        if not lowest <= value < math.inf:
            raise argparse.ArgumentTypeError(f"'{word}', expected a number from {lowest:g} on")
        return value
    return convert


FOLDERS = """A folder holds one training run (log.h5), a grid over learning rates and seeds, or a
sweep. NAME=FOLDER gives it a name for the legend. Runs that differ only in the seed are one
curve, and of several learning rates the one with the lowest last held-out loss is taken (the last
loss, if there are no held-out examples), as a mean over seeds. A rate at which a run diverged is
not taken: a run that stopped, or one whose last loss is above ten times its first."""


def parser():
    main = Parser(prog="draw", formatter_class=argparse.RawDescriptionHelpFormatter,
                  description="Draw figures of training runs and result files of hesse, and print "
                              "their numbers as tables.",
                  epilog="draw FIGURE --help explains the options of a figure. Without -o only "
                         "the table is printed.\nExit status: 2 for a wrong command line, 3 for "
                         "an input that is missing or damaged, 6 for a\nfigure that cannot be "
                         "written.")
    figures = main.add_subparsers(dest="figure", metavar="FIGURE", required=True)
    nothing_below = at_least(0, int)

    def add(name, function, summary, text_below=""):
        one = figures.add_parser(name, help=summary, description=f"Draw the {summary}.",
                                 epilog=text_below)
        one.set_defaults(function=function)
        one.add_argument("-o", "--output", metavar="FIGURE.png",
                         help="file of the figure: .png, .svg or .pdf")
        one.add_argument("--title", help="title of the figure")
        return one

    def runs(one, pairs=False):
        if not pairs:
            one.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of runs")
        one.add_argument("--only", action="append", default=[], type=condition,
                         metavar="SETTING=PATTERN",
                         help="only runs with this setting: an axis of the sweep, optimiser, "
                              "learning_rate or seed; can be repeated")
        one.add_argument("--until", type=nothing_below, metavar="STEP",
                         help="leave out what comes after this step")

    def curves(one):
        one.add_argument("--panels", metavar="SETTING", help="a panel for each of its values")
        one.add_argument("--band", choices=["range", "deviation", "none"], default="range",
                         help="band around a curve: smallest to largest seed (default), or the "
                              "standard deviation over seeds on both sides")
        one.add_argument("--middle", choices=["mean", "median"], default="mean",
                         help="the curve is the mean (default) or the median over seeds")
        one.add_argument("--all-rates", action="store_true",
                         help="draw every learning rate, not only the best one")
        one.add_argument("--linear", action="store_true", help="no logarithmic axis")
        one.add_argument("--at", type=steps_list, metavar="STEP,...",
                         help="also print the values at these steps, and their ratio if there are "
                              "two curves")

    loss = add("loss", draw_loss, "loss against the step, a curve for each setting of runs",
               FOLDERS)
    runs(loss)
    curves(loss)
    held = loss.add_mutually_exclusive_group()
    held.add_argument("--held-out", action="store_true", help="the loss of held-out examples")
    held.add_argument("--accuracy", action="store_true",
                      help="the accuracy on held-out examples, on a linear axis")
    loss.add_argument("--smooth", type=at_least(1, int), metavar="STEPS",
                      help="draw means over so many steps (default: as few as give 250 points)")

    rates = add("rates", draw_rates, "last loss or accuracy against the learning rate", FOLDERS)
    runs(rates)
    rates.add_argument("--quantity", choices=["held_out", "loss", "accuracy"],
                       help="held-out loss (default, if there is one), loss of the last batch, or "
                            "held-out accuracy")
    rates.add_argument("--panels", metavar="SETTING", help="a panel for each of its values")

    path = add("path", draw_path, "measures along runs against the step", FOLDERS)
    path.add_argument("quantity", metavar="QUANTITY",
                      help="a dataset of /path in log.h5, such as sharpness or robust_condition. "
                           "sharpness,threshold draws the second one dashed; class_trace:2 is "
                           "column 2")
    runs(path)
    curves(path)
    path.add_argument("--since", type=nothing_below, default=0, metavar="STEP",
                      help="first step of the medians in the table")

    smooth = add("smoothness", draw_smoothness,
                 "smoothness against the norm of the gradient, coloured by the step", FOLDERS)
    runs(smooth)
    smooth.add_argument("--quantity", default="smoothness", metavar="NAME",
                        help="the dataset of /path: smoothness (default), along the update, or "
                             "another one such as gradient_smoothness, from gradients")
    smooth.add_argument("--since", type=nothing_below, default=0, metavar="STEP",
                        help="leave out what comes before this step")

    noise = add("noise", draw_noise, "histogram and normal quantile-quantile plot of the gradient "
                "noise", "The figure shows the first seed of each setting, at its lowest learning "
                "rate; the table has all seeds.")
    runs(noise)
    noise.add_argument("--step", type=nothing_below, help="the step (default: the first measured)")

    spectra = add("spectra", draw_spectra, "densities of eigenvalues")
    spectra.add_argument("results", nargs="+", metavar="RESULT.h5",
                         help="result file; NAME=RESULT.h5 names it. All steps of a series are "
                              "overlaid")
    spectra.add_argument("--blocks", action="append", metavar="PATTERN",
                         help="blocks, a panel for each; 'full' is the full matrix. Can be "
                              "repeated. Default: the full matrix if it has a spectrum, else all "
                              "blocks")
    spectra.add_argument("--scale", choices=["none", "tenth"], default="none",
                         help="tenth: divide eigenvalues by the 10th largest")
    spectra.add_argument("--bandwidth", type=at_least(1e-300, float), metavar="WIDTH",
                         help="draw the density anew, with a Gaussian kernel of this standard "
                              "deviation, in units of the horizontal axis and equal for all "
                              "curves (default: the density in the file)")
    spectra.add_argument("--floor", type=at_least(1e-300, float), default=1e-5,
                         help="lowest density that is drawn, relative to the highest "
                              "(default 1e-5)")
    spectra.add_argument("--steps", type=steps_list, metavar="STEP,...", help="steps of a series")

    coupling = add("coupling", draw_coupling, "Frobenius norms between blocks as an image")
    coupling.add_argument("result", metavar="RESULT.h5",
                          help="result file of a job with hessian.scope: both")
    coupling.add_argument("--steps", type=steps_list, metavar="STEP,...",
                          help="steps of a series")

    matrix = add("matrix", draw_matrix, "absolute entries of stored matrices as an image")
    matrix.add_argument("result", metavar="RESULT.h5",
                        help="result file of a job with output.matrices: true; the whole matrix if "
                             "it is there, else its diagonal blocks")

    gap = add("gap", draw_gap, "gap between two optimisers against the distance of the blocks",
              "The runs are compared at the best learning rate of each optimiser. The distance is "
              "that of the first step of a series, or of the first one of --steps.")
    gap.add_argument("pairs", nargs="+", metavar="NAME=RUNS[,RUNS]:RESULT.h5",
                     help="folders of runs with both optimisers, and a result file with "
                          "metrics.distance")
    runs(gap, pairs=True)
    gap.add_argument("--optimisers", type=optimiser_pair, default=["sgd", "adam*"],
                     metavar="FIRST,SECOND", help="default: sgd,adam*")
    gap.add_argument("--quantity", choices=["difference", "ratio", "accuracy"],
                     default="difference", help="difference (default) or ratio of the last losses, "
                     "or difference of the last accuracies")
    gap.add_argument("--distance", default="js", help="js (default), js_distance, js_raw, js_log "
                     "or wasserstein")
    gap.add_argument("--steps", type=steps_list, metavar="STEP,...",
                     help="the step of a series of checkpoints")
    return main


def main(words=None):
    try:
        arguments = parser().parse_args(words)
        if arguments.output and not arguments.output.endswith((".png", ".svg", ".pdf")):
            raise Failure(USAGE, f"-o {arguments.output}: expected a name that ends in .png, .svg "
                                 "or .pdf")
        arguments.function(arguments)
        sys.stdout.flush()
        return 0
    except Failure as failure:
        print(f"draw: {failure}", file=sys.stderr)
        return failure.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        print(f"draw: {getattr(error, 'filename', None) or 'standard output'}: {reason(error)}",
              file=sys.stderr)
        return OUTPUT
