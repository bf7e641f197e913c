"""A part of test_operator.py that runs under mpiexec: ranks together have the numbers of one alone."""
import sys

import numpy as np
from mpi4py import MPI
from scipy.sparse.linalg import eigsh

import hesse
from test_operator import JOBS, random, whole

comm = MPI.COMM_WORLD


def same(values):
    """True if all ranks have the same bits."""
    return len({np.asarray(each).tobytes() for each in comm.allgather(values)}) == 1


def refused(text, function, *arguments, **words):
    try:
        function(*arguments, **words)
    except hesse.Failure as failure:
        assert text in str(failure), failure
        assert same(np.array(list(str(failure).encode())))
        return
    raise AssertionError(f"{function} has succeeded")


def main():
    for job in JOBS.values():
        with hesse.operator(job, comm=comm) as op, hesse.operator(job) as alone:
            n = op.shape[0]
            matrix, expected = whole(op), whole(alone)
            assert same(matrix)
            assert np.abs(matrix - expected).max() <= 1e-13 * np.abs(expected).max()
            assert abs(op.loss() / alone.loss() - 1) < 1e-13
            assert np.abs(op.gradient() - alone.gradient()).max() < 1e-13
            start = random(n)
            values = eigsh(op, 2, v0=start, return_eigenvectors=False, tol=1e-10)
            assert same(values)
            spectrum = np.linalg.eigvalsh(expected)
            largest = np.sort(spectrum[np.argsort(-np.abs(spectrum))[:2]])
            assert np.abs(np.sort(values) - largest).max() < 1e-8 * np.abs(spectrum).max()
            op.parameters = op.parameters + 0.01 * start
            alone.parameters = alone.parameters + 0.01 * start
            assert abs(op.loss() / alone.loss() - 1) < 1e-13
            refused("differ from those of rank 0", op.matvec, start + comm.rank)
            refused("different numbers of vectors", op.matmat, random(n, 1 + comm.rank))
            refused("different shares or blocks", op.select, ("hessian", "functional")[comm.rank])
            assert same(op @ start)  # the operator is good after a refusal
    refused("none.yaml", hesse.operator, "none.yaml", comm=comm)
    refused("different jobs", hesse.operator, JOBS["mlp"], comm=comm, set={"model.seed": comm.rank})
    # Operators that are not closed do no harm at the end.
    main.left = hesse.operator(JOBS["mlp"], comm=comm)
    print("ok", flush=True)


try:
    main()
except hesse.Failure as failure:
    print(failure, flush=True)
    sys.exit(1)
except Exception:  # the other rank would wait
    import traceback
    traceback.print_exc()
    comm.Abort(1)
