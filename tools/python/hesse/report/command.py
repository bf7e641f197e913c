"""`hesse report RESULT.h5... -o report.html`: one page with figures of results."""
from __future__ import annotations

import argparse
import math
import os
from typing import Any, Sequence

from .. import __version__, results
from ..common import OUTPUT, USAGE, Failure, Outputs, Parser, run
from ..figures import names
from ..results.recompute import check_bounds
from . import blocks, others, page, series, spectra
from .cases import Cases, Input, collect
from .figure import Figure, Limits, Section, number, words

PROG = "hesse report"
# The name of each kind of file, of one and of several.
KINDS = {"result": ("result", "results"), "sweep": ("sweep", "sweeps"),
         "series": ("series of checkpoints", "series of checkpoints"),
         "log": ("log of a training run", "logs of training runs"),
         "landscape": ("landscape", "landscapes"), "theory": ("theory", "theories")}
# Facts of a card: attribute and name.
FACTS = (("loss", "loss"), ("model_family", "model"), ("parameters", "parameters"),
         ("partition", "partition"), ("scope", "matrices"), ("method", "method"),
         ("precision", "precision"),
         ("sequences", "sequences"), ("context", "tokens of a sequence"),
         ("points", "points"), ("repeats", "repeats"), ("train_optimiser", "optimiser"),
         ("train_learning_rate", "learning rate"), ("train_batch", "batch"),
         ("train_failure", "failure"))
# Attributes that are shown at another place, or are long.
ELSEWHERE = ("job", "job_complete", "description")


def check_of(case: results.Result, label: str) -> page.Check:
    """Compare the checks that a result stores with their bounds (docs/result.md)."""
    check = page.Check(label)
    worst, where = 0.0, ""
    matrices = [*([case.full] if case.has_full else []), *case]
    for matrix in matrices:
        if matrix.method != "exact":
            check.estimated += matrix.method == "lanczos"
            continue
        bounds = check_bounds(matrix.size, case.precision)
        ratios = {name: float(matrix.measures[name]) / limit for name, limit in bounds.items()
                  if math.isfinite(float(matrix.measures.get(name, math.nan)))}
        if any(ratio > 1 for ratio in ratios.values()):
            check.failed += 1
        else:
            check.passed += 1
        for name, ratio in ratios.items():
            if ratio > worst:
                worst, where = ratio, f"{matrix.name}, {name.removeprefix('check_')}"
    if where:
        check.detail = f"The largest difference is {worst:.2g} of its bound ({where})."
    return check


def card_of(given: Input) -> page.Card:
    attributes = given.file.attributes
    facts = {}
    for name, label in FACTS:
        if name in attributes:
            facts[label] = number(attributes[name])
    checks: list[page.Check] = []
    if given.file.kind == "result":
        facts["blocks"] = number(len(given.file.blocks))
        checks.append(check_of(given.file, ""))
        checks += [check_of(part, f"share {name}") for name, part in given.file.parts.items()]
    if given.file.kind == "series":
        facts["steps"] = ", ".join(map(str, given.file.steps)) if len(given.file.steps) < 12 else (
            f"{len(given.file.steps)} from {given.file.steps[0]} to {given.file.steps[-1]}")
        checks += [check_of(given.file.at(step), f"step {step}") for step in given.file.steps]
    provenance = {"file": given.path, **{name: number(value) for name, value in
                                         sorted(attributes.items()) if name not in ELSEWHERE}}
    texts = {title: str(attributes[name]) for name, title in
             (("job", "Job"), ("job_complete", "Complete job, with defaults"))
             if attributes.get(name)}
    for name, label in (("created", "created"), ("hesse_version", "version"),
                        ("git_commit", "commit"), ("host", "machine"), ("ranks", "ranks"),
                        ("wall_seconds", "seconds")):
        if name in attributes:
            facts[label] = number(attributes[name])
    if "created" in facts:
        facts["created"] = facts["created"].replace("T", " ").replace("Z", " UTC")
    return page.Card(given.name, KINDS[given.file.kind][0], facts, checks, provenance, texts)


def sections_of(inputs: Sequence[Input], limits: Limits) -> tuple[list[Section], Cases]:
    """Return all figures of the files."""
    cases = collect(inputs, limits.frames)

    def several(*found: Any) -> list[Figure]:
        flat: list[Figure] = []
        for item in found:
            flat += item if isinstance(item, list) else [item] if item is not None else []
        return flat
    plan: list[tuple[str, str, list[Figure]]] = [
        ("training", "Training", several(series.figures_logs(inputs, limits))),
        ("series", "Series of checkpoints", several(series.figure_series(inputs, limits)))]
    if len(cases):
        plan += [
            ("spectra", "Spectra", several(spectra.figure_spectra(cases, limits),
                                           spectra.figure_rank(cases, limits),
                                           spectra.figure_full(cases, limits))),
            ("blocks", "Blocks", several(blocks.figure_measures(cases, limits),
                                         blocks.figures_shares(cases, limits))),
            ("distances", "Distances of blocks", several(blocks.figures_distances(cases, limits)))]
    plan += [("sweeps", "Sweeps", others.figures_sweeps(inputs, limits)),
             ("landscapes", "Landscapes", others.figures_landscapes(inputs, limits)),
             ("theories", "Theory", others.figures_theories(inputs, limits))]
    return [Section(f"section-{key}", title, figures) for key, title, figures in plan
            if figures], cases


def open_inputs(given: Sequence[str]) -> list[Input]:
    """Open the files. NAME=FILE gives a name; without it the name comes from the path."""
    found = []
    for word in given:
        name, equals, path = word.partition("=")
        if not equals or os.path.exists(word):
            name, path = "", word
        if os.path.isdir(path) and os.path.exists(os.path.join(path, "log.h5")):
            path = os.path.join(path, "log.h5")
        found.append(Input(name, path, results.open(path)))
    for item in found:
        if not item.name:
            base = os.path.basename(item.path)
            folder = os.path.basename(os.path.dirname(os.path.abspath(item.path)))
            item.name = folder if base == "log.h5" else base.removesuffix(".h5")
    taken = [item.name for item in found]
    for item in found:
        if taken.count(item.name) > 1:
            item.name = item.path
    taken = [item.name for item in found]
    for at, item in enumerate(found):
        if taken.count(item.name) > 1:
            item.name = f"{item.name} ({taken[:at].count(item.name) + 1})"
    return found


def make_page(inputs: Sequence[Input], title: str) -> tuple[str, list[Section]]:
    """Return the page. If it is too large, its figures are made anew with fewer points."""
    plotly = page.packed(page.library())
    limits = Limits()
    kinds = [given.file.kind for given in inputs]
    subtitle = ", ".join(f"{kinds.count(kind)} {KINDS[kind][kinds.count(kind) > 1]}"
                         for kind in dict.fromkeys(kinds))
    while True:
        sections, cases = sections_of(inputs, limits)
        groups = {short: names.group_of(name) for name, short in cases.short.items()}
        cards = [card_of(given) for given in inputs]
        text = page.render(title, f"Figures of {subtitle} of hesse.", cards, sections, plotly,
                           groups, __version__)
        size = len(text.encode())
        if size <= page.LARGEST:
            return text, sections
        if limits.points <= 50:
            raise Failure(OUTPUT, f"the page: found {size:,} bytes with the fewest points, expected "
                                  f"at most {page.LARGEST:,}; give fewer files")
        limits = limits.smaller()


def parser() -> argparse.ArgumentParser:
    main_parser = Parser(
        prog=PROG, description="Write one HTML page with figures of results of hesse. "
        "The page needs no network.",
        epilog="NAME=FILE gives a file a name for legends. A folder of a training run stands for "
               "its log.h5. Exit status: 2 for a wrong command line, 3 for an input that is missing "
               "or damaged, 6 for an output that cannot be written.")
    main_parser.add_argument("files", nargs="+", metavar="RESULT.h5",
                             help="result, series, sweep, log of training, landscape or theory")
    main_parser.add_argument("-o", "--output", metavar="report.html", help="the page")
    main_parser.add_argument("--png", metavar="FOLDER", help="also write the figures as PNG files")
    main_parser.add_argument("--pdf", metavar="FOLDER", help="also write the figures as PDF files")
    main_parser.add_argument("--title", default="Curvature report", help="title of the page")
    main_parser.add_argument("--force", action="store_true", help="replace files")
    return main_parser


def report(arguments: argparse.Namespace) -> str:
    if not (arguments.output or arguments.png or arguments.pdf):
        raise Failure(USAGE, "found no output, expected -o report.html, --png FOLDER or --pdf "
                             "FOLDER; --help explains the options")
    inputs = open_inputs(arguments.files)
    written: list[str] = []
    with Outputs(arguments.force, [given.path for given in inputs]) as outputs:
        if arguments.output:
            outputs.check(arguments.output)
            text, sections = make_page(inputs, arguments.title)

            def write(path: str) -> None:
                with open(path, "w", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            outputs.write(arguments.output, write)
            written.append(f"{arguments.output} ({len(text.encode()) / 1e6:.1f} MB, "
                           f"{words(sum(len(s.figures) for s in sections), 'figure')})")
        if arguments.png or arguments.pdf:
            from . import paper
            sections, _ = sections_of(inputs, Limits())
        for folder, ending in ((arguments.png, "png"), (arguments.pdf, "pdf")):
            if folder:
                count = paper.draw_all(sections, folder, ending, outputs)
                written.append(f"{folder} ({words(count, 'figure')})")
        outputs.commit()
    return f"{words(len(inputs), 'file')} -> {', '.join(written)}"


def main(given: Sequence[str] | None = None) -> int:
    return run(PROG, lambda line: report(parser().parse_args(line)), given)
