"""Compare a result in single precision with the one of the same job in double precision.

usage: precision.py SINGLE DOUBLE
"""

import sys

import h5py
import numpy as np

TOLERANCE = 2e-5  # of the largest eigenvalue of a matrix, or of all if it is rounding of zero


def spectra(file):
    """Return the name and the eigenvalues of every formed matrix of the Hessian."""
    groups = dict(file["spectra/blocks"]) if "blocks" in file["spectra"] else {}
    if "full" in file["spectra"]:
        groups["full"] = file["spectra/full"]
    return {name: group["eigenvalues"][...] for name, group in groups.items()}


single, double = (h5py.File(path) for path in sys.argv[1:])
assert single.attrs["precision"] in ("single", b"single") and "precision" not in double.attrs
one, other = spectra(single), spectra(double)
assert one.keys() == other.keys() and one
largest = max(np.abs(values).max() for values in other.values())
worst = 0
for name, values in one.items():
    scale = max(np.abs(other[name]).max(), 1e-4 * largest)
    worst = max(worst, np.abs(values - other[name]).max() / scale)
print(f"eigenvalues of {len(one)} matrices differ by {worst:.1e} of the largest")
# Without any difference the job was not obeyed.
assert 0 < worst < TOLERANCE, worst
difference = np.abs(single["metrics/js"][...] - double["metrics/js"][...]).max()
assert difference < 2e-3, difference
for column in ("check_trace", "check_frobenius"):
    bound = 64 * 2.0**-23 * np.sqrt(single["blocks/size"][...])
    assert np.all(single["blocks"][column][...] < bound / 4), column
