#!/usr/bin/python3
"""Make single calls of a run fail, and check how the run ends.

    tests/faults.py FAULTY MPIEXEC [--each N] [FAULT...]

FAULTY is the program linked with tests/faulty.c. A run that meets a fault must either end
with the exit status of that fault and one message, or go on without the call that failed.
It must leave no incomplete result, and the next run, with --resume, must end with the right
numbers.

For each function and each rank, N calls are made to fail, one in each run: the middle call
(N = 1, the default), or calls from the first to the last. The second job, which stores no
matrices, repeats only the functions that it calls more or less often than the first job.
A FAULT, as in RANK:FUNCTION:CALL or 1:fsync:*, selects the faults by shell patterns.

Ranks that wait for one another spin. A run is said to hang when one of its ranks has used
CPU_SECONDS of processor time, a hundred times its need, so a busy machine changes nothing.
WALL_SECONDS end a run that sleeps for ever. Needs python3-h5py.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import shutil
import signal
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

# The statuses that a run may end with when a call of the function fails. Where 0 is among
# them, the run can go on without the call.
STATUSES = {
    "hesse_alloc": (4,), "hesse_calloc": (4,), "fopen": (0, 2, 3, 6), "fread": (0, 2, 3, 6),
    "fwrite": (0, 6), "open": (0, 6), "write": (6,), "pwrite": (6,), "pread": (6,),
    "rename": (6,), "fsync": (0, 6), "fflush": (6,), "mkdir": (6,), "posix_fallocate": (6,),
    "H5Fcreate": (6,), "H5Fopen": (3, 6), "H5Dcreate2": (6,), "H5Dwrite": (6,),
    "H5Dread": (3, 6), "H5Gcreate2": (6,), "H5Awrite": (6,), "dsyevd_2stage": (5,),
    "dsterf": (0, 5),  # 0: when the speed of the machine is measured
}


CPU_SECONDS = 60
WALL_SECONDS = 900


def run(options, folder, words, **extra):
    """The exit status and the messages of a run in a folder; the status is None if it hangs."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
                       OMPI_MCA_odls_base_sigkill_timeout="0", **extra)
    command = ["prlimit", f"--cpu={CPU_SECONDS}", "--core=0",
               "timeout", "-s", "KILL", str(WALL_SECONDS),
               options.mpiexec, "-n", "2", options.faulty, "run", "job.yaml"]
    done = subprocess.run(command + words, env=environment, capture_output=True, text=True,
                          cwd=folder)
    killed = done.returncode in (128 + signal.SIGKILL, -signal.SIGKILL)
    return (None if killed else done.returncode,
            [x for x in done.stderr.splitlines() if x.startswith("hesse: ")])


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


def counts(options, folder):
    """The number of calls of every function on every rank, in a run without a fault."""
    path = os.path.join(folder, "counts")
    status, said = run(options, folder, [], HESSE_FAULT_COUNTS=path)
    if status != 0:
        sys.exit(f"FAILED: a run without a fault ends with status {status}: {said}")
    with open(path) as f:
        lines = [x.strip().split(":") for x in f]
    return {(int(rank), name): int(count) for rank, name, count in lines}


def chosen(count, each):
    """The calls that fail, out of `count`: the middle one, or some from first to last."""
    if each == 1:
        return [count // 2]
    return sorted({i * (count - 1) // (each - 1) for i in range(each)})


def wrong_end(options, folder, truth, fault):
    """What is wrong with the end of a run that meets a fault; None if nothing is."""
    result = os.path.join(folder, "result.h5")
    name = fault.split(":")[1]
    status, said = run(options, folder, [], HESSE_FAULT=fault)
    if status is None:
        return "the run hangs"
    if status not in STATUSES[name]:
        return f"status {status}, expected one of {STATUSES[name]}: {said}"
    if len(said) != (status != 0):
        return f"status {status} with {len(said)} messages: {said}"
    if os.path.exists(result) and not same(truth, spectra(result)):
        return "the result is wrong"
    if status == 0:
        return None if os.path.exists(result) else "there is no result"
    status, said = run(options, folder, ["--resume"])
    if status is None:
        return "the next run hangs"
    if status:
        return f"the next run ends with status {status}: {said}"
    if not same(truth, spectra(result)):
        return "the result of the next run is wrong"
    return None


def prepare(matrices):
    """A new folder with a job and its text."""
    folder = tempfile.mkdtemp(prefix="hesse-faults-")
    with open(os.path.join(folder, "text.txt"), "w") as f:
        f.write("to be or not to be, that is the question")
    with open(os.path.join(folder, "job.yaml"), "w") as f:
        f.write(JOB % matrices)
    return folder


def verdict(options, matrices, truth, fault):
    """One fault in a folder of its own; whether the run ended as it must."""
    folder = prepare(matrices)
    wrong = wrong_end(options, folder, truth, fault)
    shutil.rmtree(folder)
    if wrong:
        print(f"FAILED {fault}, matrices {matrices}: {wrong}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faulty")
    parser.add_argument("mpiexec")
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("faults", nargs="*", metavar="FAULT", default=["*"])
    options = parser.parse_args()
    options.faulty = os.path.abspath(options.faulty)
    known, good = {}, []
    with concurrent.futures.ThreadPoolExecutor(2) as two_at_once:
        for matrices in ("true", "false"):
            folder = prepare(matrices)
            calls = counts(options, folder)
            truth = spectra(os.path.join(folder, "result.h5"))
            shutil.rmtree(folder)
            faults = [f"{rank}:{name}:{n}" for (rank, name), count in sorted(calls.items())
                      if known.get((rank, name)) != count
                      for n in chosen(count, options.each)]
            faults = [x for x in faults
                      if any(fnmatch.fnmatch(x, y) for y in options.faults)]
            good += two_at_once.map(lambda x: verdict(options, matrices, truth, x), faults)
            known = calls
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    sys.exit(not good or not all(good))


if __name__ == "__main__":
    main()
