#!/usr/bin/python3
"""Make calls of a run fail, each on each rank in turn, and look how the run ends.

    tests/faults.py FAULTY MPIEXEC [--each N]

FAULTY is the program linked with tests/faulty.c. A run that meets a fault ends within half
a minute, with the status that belongs to it and one message, or goes on where it can do
without; it leaves no result that is not whole, and nothing that keeps the next run, with
--resume, from ending with the right numbers. Of every function, on every rank, N calls are
made to fail (default 2): the first, the last, and some between; 1: the middle one. Needs python3-h5py.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

JOB = """
model: {family: gpt2, layers: 1, heads: 2, width: 4, context: 4, vocabulary: 128, seed: 5}
data: {text: text.txt, sequences: 3, context: 4}
hessian: {scope: both, partition: tensor}
output: {stretch: 0, matrices: %s, file: result.h5}
"""

# The statuses that a fault may end with; 0 where the run can do without.
STATUSES = {
    "hesse_alloc": (4,), "hesse_calloc": (4,), "fopen": (0, 2, 3, 6), "fread": (0, 2, 3, 6),
    "fwrite": (0, 6), "open": (0, 6), "write": (6,), "pwrite": (6,), "pread": (6,),
    "rename": (6,), "fsync": (0, 6), "fflush": (6,), "mkdir": (6,), "posix_fallocate": (6,),
    "H5Fcreate": (6,), "H5Fopen": (3, 6), "H5Dcreate2": (6,), "H5Dwrite": (6,),
    "H5Dread": (3, 6), "H5Gcreate2": (6,), "H5Awrite": (6,), "dsyevd_2stage": (5,),
    "dsterf": (0, 5),  # 0: when the speed of the machine is measured
}


def run(options, words, **extra):
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
                       **extra)
    command = ["timeout", "-s", "KILL", "30", options.mpiexec, "-n", "2",
               options.faulty, "run", "job.yaml"]
    done = subprocess.run(command + words, env=environment, capture_output=True, text=True)
    return done.returncode, [x for x in done.stderr.splitlines() if x.startswith("hesse: ")]


def spectra(path):
    found = {}

    def visit(name, item):
        if name.endswith("/eigenvalues") and name.startswith(("spectra/", "parts/")):
            found[name] = item[()]

    with h5py.File(path) as f:
        f.visititems(visit)
    return found


def same(a, b):
    return a.keys() == b.keys() and all(
        np.abs(a[k] - b[k]).max() <= 1e-12 * np.abs(a[k]).max() + 1e-20 for k in a)


def clean():
    shutil.rmtree("result.h5.parts", ignore_errors=True)
    if os.path.exists("result.h5"):
        os.unlink("result.h5")


def counts(options, words):
    """Calls of every function on every rank in a run without a fault."""
    run(options, words, HESSE_FAULT_COUNTS=os.path.abspath("counts"))
    with open("counts") as f:
        lines = [x.strip().split(":") for x in f]
    os.unlink("counts")
    return sorted((int(r), name, int(n)) for r, name, n in lines)


def chosen(count, each):
    """Calls of so many: the middle one; the first and the last; or those and some between."""
    if each == 1:
        return [count // 2]
    return sorted({i * (count - 1) // (each - 1) for i in range(each)})


def verdict(options, truth, fault, words):
    """What is wrong with a run that meets a fault; None: nothing."""
    status, said = run(options, words, HESSE_FAULT=fault)
    name = fault.split(":")[1]
    if status in (137, -9):
        return "it hangs"
    if status not in STATUSES[name]:
        return f"status {status}, expected {STATUSES[name]}: {said}"
    if len(said) != (status != 0):
        return f"status {status} with {len(said)} messages: {said}"
    if os.path.exists("result.h5") and not same(truth, spectra("result.h5")):
        return "a wrong result"
    if status == 0:
        return None if os.path.exists("result.h5") else "no result"
    status, said = run(options, ["--resume"])
    if status:
        return f"the next run ends with {status}: {said}"
    if not same(truth, spectra("result.h5")):
        return "a wrong result of the next run"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faulty")
    parser.add_argument("mpiexec")
    parser.add_argument("--each", type=int, default=2)
    options = parser.parse_args()
    options.faulty = os.path.abspath(options.faulty)
    there = tempfile.mkdtemp(prefix="hesse-faults-")
    os.chdir(there)
    with open("text.txt", "w") as f:
        f.write("to be or not to be, that is the question")
    failures = runs = 0
    for matrices in ("true", "false"):
        with open("job.yaml", "w") as f:
            f.write(JOB % matrices)
        clean()
        calls = counts(options, [])
        truth = spectra("result.h5")
        for rank, name, count in calls:
            for n in chosen(count, options.each):
                clean()
                fault = f"{rank}:{name}:{n}"
                wrong = verdict(options, truth, fault, [])
                runs += 1
                if wrong:
                    failures += 1
                    print(f"FAILED {fault} of {count}, matrices {matrices}: {wrong}", flush=True)
    shutil.rmtree(there)
    print(f"{runs} faults, {failures} of them with a wrong end")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
