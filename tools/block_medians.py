#!/usr/bin/python3
"""Print the median of the absolute entries of stored blocks of the Hessian, and the ratio
of the blocks of value and query (jobs/attention/addition.yaml).

    tools/block_medians.py RESULT...
"""
import sys

import h5py
import numpy


def blocks_of(file):
    """The stored blocks by their names, which may contain slashes."""
    found = {}
    file["hessian/blocks"].visititems(
        lambda name, item: found.update({name: item[...]})
        if isinstance(item, h5py.Dataset) and item.ndim == 2 else None)
    return found


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        with h5py.File(path, "r") as file:
            if "hessian/blocks" not in file:
                sys.exit(f"{path}: has no matrices of blocks, expected output.matrices: true")
            medians = {name: numpy.median(abs(block))
                       for name, block in blocks_of(file).items()}
        print(path)
        for name, median in medians.items():
            print(f"  {name:40} {median:12.4e}")
        ends = {end: [m for n, m in medians.items() if n.endswith(end)]
                for end in ("weight.value", "weight.query")}
        if all(len(m) == 1 for m in ends.values()) and ends["weight.query"][0] > 0:
            print(f"  value / query {ends['weight.value'][0] / ends['weight.query'][0]:.3g}")


if __name__ == "__main__":
    main()
