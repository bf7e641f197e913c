#!/usr/bin/env python3
"""tools/benchmark --against: its statistics on numbers that are known, and the form of its answer for a
build beside itself. No time decides about this test.

usage: benchmark_pairs.py BUILD
"""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

TOOL = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "benchmark")
BUILD = os.path.abspath(sys.argv[1])
FIGURES = 11  # of all items with --quick


def load():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("benchmark", TOOL)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("benchmark", loader))
    loader.exec_module(module)
    return module


def run(*arguments):
    done = subprocess.run([sys.executable, TOOL, "--build", BUILD, "--quick", "--ranks", "2",
                           *arguments], capture_output=True, text=True)
    print(done.stdout, done.stderr)
    if done.returncode == 77:
        sys.exit(77)
    return done


def intervals(tool):
    """The ends of the intervals for the median, from tables of the binomial distribution."""
    for count, cut in ((1, 0), (2, 0), (4, 0), (5, 0), (7, 0), (8, 1), (10, 1), (11, 2), (20, 5)):
        ratios = [float((7 * i) % count) if count % 7 else float(i) for i in range(count)]
        found = tool.interval(ratios)
        assert found == (cut, count - 1 - cut), (count, found)


def verdicts(tool):
    """Seconds of the old build, factors of the new one, and the verdict."""
    old = [1.0, 2.0, 4.0, 3.0, 8.0]  # the machine changes, the ratios do not
    for factors, ratio, verdict in (([1.1, 1.2, 1.05, 1.12, 1.3], 1.12, "slower"),
                                    ([0.5, 0.51, 0.6, 0.52, 0.4], 0.51, "faster"),
                                    ([0.9, 1.1, 1.2, 1.3, 1.1], 1.1, "the same"),
                                    ([1.01, 1.02, 1.02, 1.03, 1.02], 1.02, "the same")):
        row = tool.compared("x", "x", 1, [(o, 6e9) for o in old],
                            [(o * f, 6e9) for o, f in zip(old, factors)])
        assert abs(row["ratio"] - ratio) < 1e-12 and row["verdict"] == verdict, row
        assert row["old"] == 3
        assert abs(row["gflops"] - 6 / row["new"]) < 1e-9


def beside_itself(folder):
    """Every figure is there, as it was measured, in the file and in the table."""
    file = os.path.join(folder, "pairs.json")
    done = run("--against", BUILD, "--pairs", "1", "--json", file, "--markdown")
    assert done.returncode == 0, done.returncode
    with open(file) as f:
        answer = json.load(f)
    rows = answer["figures"]
    assert len(rows) == len({r["figure"] for r in rows}) == FIGURES, len(rows)
    assert answer["old"] == answer["new"] and answer["new"]["kernels"] != "unknown"
    assert all(rate > 1e6 for rate in answer["dgemm"])
    for row in rows:
        (old, new), = row["pairs"]
        assert old > 0 and new > 0 and row["old"] == old and row["new"] == new
        assert row["ratio"] == new / old and row["interval"] == [new / old, new / old]
        assert row["verdict"] == "not known"
        assert f"\n| {row['figure']} | {row['ranks']} | " in done.stdout
    assert any(r["old"] != r["new"] for r in rows), "one build was run for both"
    assert done.stdout.count("\n| ") == FIGURES + 2


def another_build(folder):
    """A build without one program, and with one that says that it takes no time."""
    for name in ("hesse", "mpiexec"):
        os.symlink(os.path.join(BUILD, name), os.path.join(folder, name))
    engines = os.path.join(folder, "benchmark_engines")
    with open(engines, "w") as f:
        f.write("#!/bin/sh\necho auto 200 1e-9\n")
    os.chmod(engines, 0o755)
    done = run("--against", folder, "--only", "panels,eigen")
    assert done.returncode == 1, done.returncode
    assert done.stdout.count("old build: there is no benchmark_panels") == 3
    assert "slower by more than 5 %: eigenvalues, order 200, ranks: 2" in done.stdout
    assert "order 1000" not in done.stdout


def mistakes():
    for arguments, text in ((["--against", "/nowhere"], "found /nowhere, expected"),
                            (["--against", BUILD, "--only", "ranks"], "found ranks, expected"),
                            (["--against", BUILD, "--pairs", "0"], "found 0, expected")):
        done = run(*arguments)
        assert done.returncode == 2 and text in done.stderr, done.returncode


def main():
    tool = load()
    intervals(tool)
    verdicts(tool)
    mistakes()
    with tempfile.TemporaryDirectory() as folder:
        beside_itself(folder)
    with tempfile.TemporaryDirectory() as folder:
        another_build(folder)


if __name__ == "__main__":
    main()
