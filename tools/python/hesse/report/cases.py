"""The results that a report shows: files, and the steps of series."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Iterator, Sequence

from ..figures import names
from .figure import spaced

if TYPE_CHECKING:
    from ..results import File, Result, Spectrum


@dataclass
class Input:
    """A file that was given, and its name in legends."""

    name: str
    path: str
    file: File


@dataclass
class Case:
    """A result in figures. file: its name, empty if there is one file only. frame: its place on
    the slider over steps; None for a result without steps."""

    file: str
    frame: int | None
    result: Result

    def label(self, text: str) -> str:
        return f"{self.file}: {text}" if self.file else text


@dataclass
class Cases:
    """All results of a report, with the labels of the slider and short names of the blocks."""

    cases: list[Case] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        every = list(dict.fromkeys(name for case in self.cases
                                   for name in case.result.blocks.index))
        self.short = dict(zip(every, names.short_names(every)))
        self.short["(full)"] = "full matrix"

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def files(self) -> list[str]:
        return list(dict.fromkeys(case.file for case in self.cases))


def collect(inputs: Sequence[Input], most_frames: int) -> Cases:
    """Return the results of all files that have some."""
    several = sum(given.file.kind in ("result", "series") for given in inputs) > 1
    steps = sorted({step for given in inputs if given.file.kind == "series"
                    for step in given.file.steps})
    kept = steps
    note = ""
    if len(steps) > most_frames:
        kept = [steps[at] for at in spaced(len(steps), most_frames)]
        note = f"The slider has {len(kept)} of the {len(steps)} steps."
    cases = []
    for given in inputs:
        name = given.name if several else ""
        if given.file.kind == "result":
            cases.append(Case(name, None, given.file))
        elif given.file.kind == "series":
            cases += [Case(name, at, given.file.at(step)) for at, step in enumerate(kept)
                      if step in given.file.steps]
    return Cases(cases, [str(step) for step in kept], note)


def spectra(case: Case) -> list[Spectrum]:
    """Return the spectra of a result that were computed: the full matrix and the blocks."""
    result = case.result
    found = [result.full] if result.has_full else []
    return [spectrum for spectrum in [*found, *result] if spectrum.computed]


def representatives(spectra_of: Sequence[Spectrum], count: int) -> set[str]:
    """Return names of blocks to begin with: the full matrix, and the largest block of each group,
    which shows how different blocks are."""
    chosen: dict[str, Spectrum] = {}
    for spectrum in spectra_of:
        group = "full" if spectrum.name == "(full)" else names.group_of(spectrum.name)
        if group not in chosen or spectrum.size > chosen[group].size:
            chosen[group] = spectrum
    order = ["full", *names.GROUPS]
    found = [chosen[group].name for group in order if group in chosen][:count]
    for spectrum in spectra_of:  # with few groups, the first blocks, too
        if len(found) < min(4, count) and spectrum.name not in found:
            found.append(spectrum.name)
    return set(found)
