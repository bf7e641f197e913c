"""Results of hesse in Python: open, recompute, compare and run.

    import hesse
    with hesse.open("result.h5") as r:
        r.kind                                # "result", "series", "sweep", "log", ...
        r.blocks["trace"]                     # a column of the table of blocks, NumPy
        r.full.eigenvalues                    # read when it is asked for
        r.block("transformer.wte.weight").density().values
        r.parts["gauss_newton"].blocks        # a share has the interface of a result
        r.metrics["js"], r.metrics.js         # NumPy, xarray
        r.recompute()                         # every measure again, from the spectra

These names are stable: `open`, `compare`, `run`; `File`, `Result`, `Spectrum`, `Density`,
`Table` and `Numbers` with all their names that have no underscore in front. Numbers
in square brackets are NumPy arrays, and need numpy and h5py alone. Names after a dot are
xarray's arrays with named axes, and need xarray.
"""
from .compare import Comparison, compare
from .jobs import ProgramError, run
from .reading import Missing, Numbers
from .recompute import Recomputed
from .table import Table
from .view import Density, File, Result, Spectrum, open

__all__ = ["Comparison", "Density", "File", "Missing", "Numbers", "ProgramError", "Recomputed",
           "Result", "Spectrum", "Table", "compare", "open", "run"]
