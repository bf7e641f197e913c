"""Find and run the program hesse.

A wheel has the program in the folder bin of this package, and there `hesse` on the PATH is a
launcher for it (`main`).
"""
from __future__ import annotations

import os
import pathlib
import shutil
import sys
from typing import Iterator

from .common import USAGE, Failure

HERE = pathlib.Path(__file__).resolve().parent
BUNDLED = HERE / "bin" / "hesse"
INSTALLED = ("share", "hesse", "python", "hesse")  # the package below an installation by CMake


def _places() -> Iterator[str]:
    """Go through the places beside the package where the program may be."""
    yield str(BUNDLED)
    if HERE.parts[-len(INSTALLED):] == INSTALLED:
        yield str(HERE.parents[len(INSTALLED) - 1] / "bin" / "hesse")
    else:
        yield str(HERE.parents[2] / "build" / "hesse")  # of the source tree


def find_program(given: str | os.PathLike[str] | None = None) -> str | None:
    """Return the path of the program hesse, or None.

    It is `given`, a path or a name; or it is named by the variable HESSE, beside this package (in
    a wheel, in an installation, in the folder `build` of the source tree), or on the PATH, in this
    order. Raises `Failure` if there is no program `given`, or none that HESSE names.
    """
    named = os.fspath(given) if given else os.environ.get("HESSE")
    for place in [named] if named else [*_places(), "hesse"]:
        found = shutil.which(place)
        if found:
            return os.path.abspath(found)
    if named:
        raise Failure(USAGE, f"{named}: found no program of this name")
    return None


def main() -> int:
    """Replace this process by the program of a wheel, with the same words."""
    if not os.access(BUNDLED, os.X_OK):
        print(f"hesse: {BUNDLED}: found no program, expected that of the wheel", file=sys.stderr)
        return USAGE
    # Commands in Python, and mpirun, are beside the launcher, whose folder the PATH may lack.
    beside = str(pathlib.Path(sys.argv[0]).absolute().parent)
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if beside not in folders:
        os.environ["PATH"] = os.pathsep.join([beside, *folders])
    os.execv(BUNDLED, ["hesse", *sys.argv[1:]])
