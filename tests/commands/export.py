"""Compare a result of hesse with the reference of an exported module.

    export.py RESULT.h5 reference.json
"""
import json
import sys

import h5py
import numpy as np


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        wanted = json.load(file)
    with h5py.File(sys.argv[1]) as file:
        found = {"loss": file.attrs["loss"],
                 "gradient_norm": np.linalg.norm(file["gradient"][:]),
                 "frobenius": file["spectra/full/frobenius"][()],
                 "eigenvalues": file["spectra/full/eigenvalues"][:]}
    good = True
    for name, value in wanted.items():
        gap = np.linalg.norm(np.asarray(found[name]) - np.asarray(value))
        if not gap <= 1e-9 * np.linalg.norm(value):
            print(f"{name} differs by {gap}")
            good = False
    sys.exit(not good)


if __name__ == "__main__":
    main()
