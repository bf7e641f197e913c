#!/usr/bin/python3
"""Run a job on virtual nodes, take one away, and resume what is left.

    tests/nodes.py HESSE MPIEXEC

Two nodes with a network of 1 Gbit/s must give the numbers of one machine. If a node loses its
power or its link, the run must end with one message that says so, must leave no result, and
must keep its part files; with --resume it must end with the same numbers without computing
everything again. Skipped where tools/virtual_nodes cannot make nodes. Needs python3-h5py.
"""
import glob
import os
import subprocess
import sys
import tempfile
import time

try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

HERE = os.path.dirname(os.path.abspath(__file__))
JOB = """
model: {family: gpt2, layers: 3, heads: 2, width: 12, context: 16, vocabulary: 128, seed: 5}
data: {text: text.txt, sequences: 24, context: 16}
hessian: {scope: blocks, partition: layer}
output: {stretch: 0.05, file: result.h5}
"""
# docs/clusters.md recommends these settings with longer times.
KEEPALIVE = ["--mca", "oob_tcp_keepalive_time", "2", "--mca", "oob_tcp_keepalive_intvl", "1",
             "--mca", "oob_tcp_keepalive_probes", "3"]
LOST = "ORTE has lost communication with a remote daemon."
LIMIT = 120  # seconds of a run, far above its need


def on_nodes(options, folder, *words):
    command = [os.path.join(HERE, "../tools/virtual_nodes"), "--rate", "1gbit", "--mpiexec",
               options[2], *words, "--", options[1], "run", "job.yaml", "--quiet", "--resume"]
    start = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stderr, time.monotonic() - start


def spectra(folder, result="result.h5"):
    """The eigenvalues of a result, and how many runs it took before the last."""
    with h5py.File(os.path.join(folder, result)) as f:
        blocks = f["spectra/blocks"]
        return {name: blocks[name]["eigenvalues"][()] for name in blocks}, \
            int(f.attrs["earlier_runs"])


def differs(truth, found):
    if truth.keys() != found.keys():
        return "other blocks"
    for name, values in truth.items():
        far = np.abs(values - found[name]).max()
        if not far <= 1e-12 * np.abs(values).max() + 1e-20:
            return f"eigenvalues of {name} differ by {far}"
    return None


def lost(options, truth, how):
    """What is wrong with a run whose node is lost; None if nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        result, parts = (os.path.join(folder, x) for x in ("result.h5", "result.h5.parts"))
        status, said, seconds = on_nodes(options, folder, *KEEPALIVE, "--lose", f"node2={how}",
                                         "--when", os.path.join(parts, "*.part"))
        kept = len(glob.glob(os.path.join(parts, "*.part")))
        print(f"        | {how}: status {status} after {seconds:.0f} s, {kept} part files")
        if "loses its" not in said:
            return "the run ended before the node was lost"
        if status == 0 or os.path.exists(result):
            return f"status {status}, expected an error and no result"
        if said.count(LOST) != 1:
            return f"expected one message that a daemon is lost: {said}"
        if not kept:
            return "no part file is left"
        status, said, _ = on_nodes(options, folder)
        if status:
            return f"with --resume the status is {status}: {said}"
        found, earlier = spectra(folder)
        return differs(truth, found) or (None if earlier == 1 else f"{earlier} earlier runs")


def prepare(folder):
    with open(os.path.join(folder, "job.yaml"), "w") as f:
        f.write(JOB)
    with open(os.path.join(folder, "text.txt"), "w") as f:
        f.write("to be or not to be, that is the question " * 40)


def main():
    options = [sys.argv[0], os.path.abspath(sys.argv[1]), sys.argv[2]]
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        status, said, _ = on_nodes(options, folder)
        if status == 77:
            print("skipped:", said.strip())
            return 77
        if status:
            print(f"FAILED  a run on two nodes: status {status}: {said}")
            return 1
        truth, _ = spectra(folder)
        os.remove(os.path.join(folder, "result.h5"))
        subprocess.run([options[1], "run", "job.yaml", "--quiet"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        cases = {"two nodes": differs(truth, spectra(folder)[0])}
    for how in ("power", "link"):
        cases[f"a node that loses its {how}"] = lost(options, truth, how)
    for name, wrong in cases.items():
        print(f"FAILED  {name}: {wrong}" if wrong else f"ok      {name}")
        failures += wrong is not None
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
