"""One HTML page with all figures, which needs no network."""
from __future__ import annotations

import base64
import gzip
import html
import importlib.resources
import json
import math
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import numpy as np

from ..common import need
from ..figures import names
from .figure import LARGEST_TABLE, Axis, Cells, Curve, Figure, Section, View, number

LARGEST = 6_000_000  # bytes of a page


@dataclass
class Check:
    """The checks of one result: how many spectra passed, and the worst of them."""

    label: str
    passed: int = 0
    failed: int = 0
    estimated: int = 0
    detail: str = ""


@dataclass
class Card:
    """What the page says about one file. facts: names and values. details: long texts by title."""

    title: str
    kind: str
    facts: Mapping[str, str]
    checks: list[Check] = field(default_factory=list)
    provenance: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def escape(text: Any) -> str:
    return html.escape(str(text), quote=True)


# JSON.

def numbers(values: Any) -> list[Any]:
    """Return a list for JSON: numbers with six digits, None for what is not finite, or texts."""
    values = np.asarray(values)
    if values.dtype.kind in "OUS":
        return [str(value) for value in values]
    return [float(f"{value:.6g}") if math.isfinite(value) else None
            for value in values.astype(float).tolist()]


def axis_data(axis: Axis) -> dict[str, Any]:
    return {"label": axis.label, "scale": axis.scale, "choices": axis.choices}


def curve_data(curve: Curve) -> dict[str, Any]:
    data: dict[str, Any] = {"name": curve.name, "label": curve.label or curve.name,
                            "title": curve.title, "x": numbers(curve.x), "y": numbers(curve.y),
                            "groups": list(curve.groups), "group": curve.group,
                            "frame": curve.frame, "line": curve.line, "shown": curve.shown,
                            "factors": {name: float(value) for name, value in
                                        curve.factors.items()}}
    for name in ("low", "high", "masses"):
        if getattr(curve, name) is not None:
            data[name] = numbers(getattr(curve, name))
    return data


def cells_data(cells: Cells) -> dict[str, Any]:
    return {"x": numbers(cells.x), "y": numbers(cells.y),
            "values": [numbers(row) for row in cells.values], "label": cells.label,
            "log": cells.log, "signed": cells.signed, "kind": cells.kind, "frame": cells.frame,
            "centre": cells.centre,
            "orders": {name: [int(at) for at in places] for name, places in cells.orders.items()}}


def view_data(view: View) -> dict[str, Any]:
    return {"key": view.key, "label": view.label, "kind": view.kind, "x": axis_data(view.x),
            "y": axis_data(view.y), "pick": view.pick, "scalings": dict(view.scalings),
            "scaled": {name: view.scaled_label(name) for name in view.scalings},
            "orders": {name: [int(at) for at in places] for name, places in view.orders.items()},
            "lines": [[float(value), text] for value, text in view.lines],
            "curves": [curve_data(curve) for curve in view.curves],
            "cells": [cells_data(cells) for cells in view.cells]}


def figure_data(figure: Figure) -> dict[str, Any]:
    return {"key": figure.key, "title": figure.title, "frames": list(figure.frames),
            "frame_name": figure.frame_name, "views": [view_data(view) for view in figure.views]}


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def library() -> str:
    """Return the text of plotly.js, from the installed Python package."""
    return need("plotly.offline", "figures of the page").get_plotlyjs()


# HTML.

def table(head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> str:
    right = [all(not isinstance(row[at], str) for row in rows) for at in range(len(head))]
    style = [' class="number"' if number_column else "" for number_column in right]
    lines = [f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
             f'<table><thead><tr>',
             *(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(head, style)),
             "</tr></thead><tbody>"]
    for row in rows[:LARGEST_TABLE]:
        first, *rest = row
        lines.append(f'<tr><th scope="row"{style[0]}>{escape(number(first))}</th>' + "".join(
            f"<td{kind}>{escape(number(value))}</td>" for value, kind in zip(rest, style[1:]))
            + "</tr>")
    lines.append("</tbody></table></div>")
    if len(rows) > LARGEST_TABLE:
        lines.append(f"<p>The table has {LARGEST_TABLE} of {len(rows):,} rows.</p>")
    return "".join(lines)


def summary_table(figure: Figure) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Return what every curve and image of a figure holds: its size and its range."""
    rows: list[list[Any]] = []
    for view in figure.views:
        for curve in view.curves:
            y = np.asarray(curve.x if view.kind == "histogram" else curve.y, float)
            y = y[np.isfinite(y)]
            frame = figure.frames[curve.frame] if curve.frame is not None else "–"
            rows.append([curve.label or curve.name, view.label, frame, len(curve.x),
                         *((float(y.min()), float(y.max())) if len(y) else (math.nan, math.nan))])
        for cells in view.cells:
            values = cells.values[np.isfinite(cells.values)]
            frame = figure.frames[cells.frame] if cells.frame is not None else "–"
            rows.append([cells.label, view.label, frame, int(cells.values.size),
                         *((float(values.min()), float(values.max())) if len(values)
                           else (math.nan, math.nan))])
    return ["curve or image", "view", figure.frame_name, "points", "smallest", "largest"], rows


def figure_html(figure: Figure) -> str:
    key = escape(figure.key)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in figure.notes)
    head, rows = figure.table or summary_table(figure)
    numbers_of = table(head, rows, f"Numbers of the figure {figure.title}") if rows else ""
    if not figure.views:
        return (f'<figure id="figure-{key}"><h3 id="title-{key}">{escape(figure.title)}</h3>'
                f"{numbers_of}<figcaption><p>{escape(figure.caption)}</p></figcaption></figure>")
    details = (f'<details class="numbers"><summary>Numbers of this figure</summary>{numbers_of}'
               "</details>") if rows else ""
    return (f'<figure id="figure-{key}" class="drawn" aria-labelledby="title-{key}">'
            f'<h3 id="title-{key}">{escape(figure.title)}</h3>'
            f'<div class="controls" role="group" aria-label="Settings of {escape(figure.title)}">'
            f'</div><div class="plot" role="img" aria-label="{escape(figure.title)}. '
            f'{escape(figure.caption)}"></div><ul class="legend" aria-label="Legend"></ul>'
            f"<figcaption><p>{escape(figure.caption)}</p>{notes}</figcaption>{details}</figure>")


def check_html(check: Check) -> str:
    if check.failed:
        state, text = "bad", f"✗ {check.failed} checks failed"
    elif check.passed:
        state, text = "good", f"✓ all {check.passed} spectra passed their checks"
    else:
        state, text = "plain", "not checked: all spectra are estimated"
    more = f"; {check.estimated} are estimated and have no checks" if (
        check.estimated and check.passed) else ""
    where = f"{escape(check.label)}: " if check.label else ""
    return (f'<p>{where}<span class="pill {state}">{escape(text)}</span>{escape(more)}. '
            f"{escape(check.detail)}</p>")


def card_html(card: Card) -> str:
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
                    for name, value in card.facts.items())
    provenance = table(["attribute", "value"], [[n, v] for n, v in card.provenance.items()],
                       f"Origin of {card.title}")
    texts = "".join(
        f'<details class="job"><summary>{escape(title)}</summary>'
        f'<pre tabindex="0" aria-label="{escape(title)}">{escape(text)}</pre></details>'
        for title, text in card.texts.items())
    return (f'<article class="card"><h3>{escape(card.title)} '
            f'<span class="pill plain">{escape(card.kind)}</span></h3>'
            f'<dl class="facts">{facts}</dl>{"".join(map(check_html, card.checks))}'
            f'<details class="job"><summary>Origin: program, machine and settings</summary>'
            f"{provenance}</details>{texts}</article>")


def contents(sections: Sequence[Section]) -> str:
    lines = ['<nav aria-label="Contents"><details open><summary>Contents</summary><ol>'
             '<li><a class="top" href="#summary">Summary</a></li>']
    for section in sections:
        lines.append(f'<li><a class="top" href="#{escape(section.key)}">{escape(section.title)}</a>')
        if len(section.figures) > 1:
            lines.append("<ol>" + "".join(
                f'<li><a href="#figure-{escape(figure.key)}">{escape(figure.title)}</a></li>'
                for figure in section.figures) + "</ol>")
        lines.append("</li>")
    return "".join(lines) + "</ol></details></nav>"


def asset(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


def render(title: str, subtitle: str, cards: Sequence[Card], sections: Sequence[Section],
           plotly: str, group_names: Mapping[str, str], version: str) -> str:
    """Return the page.

    plotly: the compressed library. group_names: the group of every name on an axis.
    """
    figures = [figure for section in sections for figure in section.figures if figure.views]
    data = {"groups": list(names.GROUPS), "meaning": names.MEANING, "groupOf": dict(group_names),
            "figures": [figure_data(figure) for figure in figures]}
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    body = "".join(
        f'<section id="{escape(section.key)}" aria-labelledby="heading-{escape(section.key)}">'
        f'<h2 id="heading-{escape(section.key)}">{escape(section.title)}</h2>'
        + (f'<p class="intro">{escape(section.intro)}</p>' if section.intro else "")
        + "".join(map(figure_html, section.figures)) + "</section>" for section in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="hesse {escape(version)}">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{asset("page.css")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<div><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></div>
<button type="button" id="theme" aria-pressed="false" hidden>Dark colours</button>
</header>
<div class="layout">
{contents(sections)}
<main id="main">
<p class="alert" id="alert" role="alert"></p>
<noscript><p class="card">The figures need JavaScript. The tables below have their numbers.</p></noscript>
<section id="summary" aria-labelledby="heading-summary"><h2 id="heading-summary">Summary</h2>
<div class="cards">{"".join(map(card_html, cards))}</div></section>
{body}
</main>
</div>
<footer>Made by hesse {escape(version)}. The page needs no network. It contains plotly.js, which
has the MIT licence.</footer>
<script type="text/plain" id="data">{packed(text)}</script>
<script type="text/plain" id="plotly">{plotly}</script>
<script>
{asset("page.js")}</script>
</body>
</html>
"""
