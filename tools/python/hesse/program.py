"""Find and run the program hesse.

A wheel has the program in the folder bin of this package, and there `hesse` on the PATH is a
launcher for it (`main`).
"""
import os
import pathlib
import shutil
import sys

from .common import USAGE

HERE = pathlib.Path(__file__).resolve().parent
BUNDLED = HERE / "bin" / "hesse"


def find_program(given=None):
    """Return the path of the program hesse, or None.

    given: a path or a name that the caller chose; nothing else is then tried. Otherwise the
    places are, in this order: the environment variable HESSE, the program in a wheel, the build
    folder of a source tree, an installation with this package in its folder share, the PATH.
    """
    if given is not None:
        return shutil.which(given)
    tree = HERE.parents[2]
    for path in (os.environ.get("HESSE"), str(BUNDLED), str(tree / "build" / "hesse"),
                 str(tree / "bin" / "hesse"), "hesse"):
        found = shutil.which(path) if path else None
        if found:
            return found
    return None


def main():
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
