"""`hesse image RESULT.h5 -o image.png`: the magnitudes of a stored matrix."""
from __future__ import annotations

import argparse
from typing import Sequence

from .. import results
from ..common import USAGE, Failure, Outputs, Parser, run
from . import matrices

PROG = "hesse image"
ENDINGS = (".png", ".pdf", ".svg")


def cells(word: str) -> int:
    if not word.isdigit() or not 1 <= int(word) <= 4000:
        raise argparse.ArgumentTypeError(f"found '{word}', expected a number from 1 to 4000")
    return int(word)


def parser() -> argparse.ArgumentParser:
    line = Parser(
        prog=PROG, description="Draw the absolute entries of a stored matrix on a logarithmic scale "
        "of colours, with the borders and the names of its blocks. The job of the result must have "
        "output.matrices: true. The matrix may be larger than the memory.",
        epilog="Exit status: 2 for a wrong command line, 3 for an input that is missing or damaged, "
               "6 for an image that cannot be written.")
    line.add_argument("result", metavar="RESULT.h5", help="a result file")
    line.add_argument("-o", "--output", metavar="image.png", required=True,
                      help="file of the image: .png, .pdf or .svg")
    line.add_argument("--part", metavar="SHARE", default="",
                      help="a share of the Hessian, such as gauss_newton (default: the Hessian)")
    line.add_argument("--block", metavar="NAME", action="append", default=[],
                      help="only this block, or blocks that match a pattern; can be repeated")
    line.add_argument("--step", metavar="NUMBER", type=int, help="the step of a series of checkpoints")
    line.add_argument("--largest", action="store_true",
                      help="a cell is its largest entry (default: the root mean square)")
    line.add_argument("--cells", metavar="NUMBER", type=cells, default=matrices.CELLS,
                      help=f"most cells of a side of the image (default {matrices.CELLS})")
    line.add_argument("--title", help="title of the image")
    line.add_argument("--force", action="store_true", help="replace the image")
    return line


def image(arguments: argparse.Namespace) -> str:
    ending = next((e for e in ENDINGS if arguments.output.endswith(e)), "")
    if not ending:
        raise Failure(USAGE, f"-o {arguments.output}: expected a name that ends in .png, .pdf or "
                             ".svg")
    with results.open(arguments.result) as file, Outputs(arguments.force,
                                                        [arguments.result]) as outputs:
        outputs.check(arguments.output)
        result: results.Result = file
        if file.kind == "series":
            if arguments.step is None:
                raise Failure(USAGE, f"{arguments.result}: found a series with the steps "
                                     f"{', '.join(map(str, file.steps))}, expected --step NUMBER")
            result = file.at(arguments.step)
        elif file.kind != "result":
            raise Failure(USAGE, f"{arguments.result}: found a file of the kind {file.kind}, expected "
                                 "a result")
        stored = matrices.find(result, arguments.part, arguments.block)
        reduced = matrices.reduce(stored, arguments.cells, arguments.largest)
        figure = matrices.draw(reduced, arguments.title)
        outputs.write(arguments.output, lambda path: figure.savefig(path, format=ending[1:]))
        outputs.commit()
    text = f"{arguments.result} -> {arguments.output}: {len(reduced.names)} blocks, order " + str(
        reduced.order)
    return text + (f"; {reduced.meaning()}" if reduced.cell > 1 else "")


def main(given: Sequence[str] | None = None) -> int:
    return run(PROG, lambda line: image(parser().parse_args(line)), given)
