#!/usr/bin/env python3
"""Print a result file as tables, as `hesse show` does; needs h5py alone.

    tools/show_result.py RESULT.h5

Also an example of how to read such a file; docs/result.md lists all that is in it.
"""
import math
import os
import signal
import sys

# Some network file systems have no locks; HDF5 reads this variable when it is loaded.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
import h5py

SCHEMAS = (1, 2)

# The attributes that a reader wants to see first; the file has more.
HEAD = ["created", "command", "hesse_version", "git_commit", "host", "ranks", "blas",
        "model_family", "model_layers", "model_heads", "model_width", "parameters",
        "data_dtype", "data_layout", "sequences", "context", "loss", "partition", "scope",
        "wall_seconds"]

# heading, dataset, format; a width for each
SHOWN = [
    ("trace", "trace", "10.2e"),
    ("frobenius", "frobenius", "10.2e"),
    ("min", "min", "10.2e"),
    ("max", "max", "10.2e"),
    ("condition", "condition", "10.2e"),
    ("neg", "negative_mass", "6.3f"),
    ("rank", "effective_rank", "8.1f"),
    ("trace/par", "trace_per_parameter", "10.2e"),
    ("|gradient|", "gradient_norm", "11.2e"),
    ("seconds", "seconds", "8.2f"),
]
# The same for numbers that only some jobs ask for.
EXTRAS = [
    ("condition before / here", "condition_ratio", "25.2e"),
    ("tail exponent", "tail_exponent", "15.3f"),
    ("from", "tail_minimum", "10.2e"),
    ("count", "tail_count", "7.0f"),
    ("KS", "tail_distance", "8.3f"),
]
CHECKS = ["check_trace", "check_frobenius", "check_symmetry"]
IN_1 = {name: name.replace("check", "proof") for name in CHECKS}  # names in schema 1
DISTANCES = ["js", "js_distance", "js_raw", "js_log", "wasserstein"]
LONGEST_NAME = 56


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def texts(dataset):
    return [text(value) for value in dataset[...].flat]


def verdict(n, checks):
    """True if the checks are within the bounds of include/hesse/spectrum.h."""
    if math.isnan(checks[0]):
        return "-"
    bound = max(64 * sys.float_info.epsilon * n, 1e-13 * math.sqrt(n))
    return "ok" if checks[0] <= bound and checks[1] <= bound and checks[2] <= 1e-11 else "WRONG"


def short(name, width):
    return "..." + name[len(name) - (width - 3):] if len(name) > width else name


def print_line(width, name, size, engine, numbers, checks):
    columns = "".join(f"{x:{shown[2]}}" for x, shown in zip(numbers, SHOWN))
    print(f"  {short(name, width):<{width}} {size:7d} {engine:<9}{columns} {verdict(size, checks):>6}")


def print_head(path, file):
    print(path)
    for name in HEAD:
        value = file.attrs.get(name, b"")
        value = f"{value:.10g}" if isinstance(value, float) else text(value)
        if value and "\n" not in value and len(value) < 2048:
            print(f"  {name:<16} {value}")


def print_part(file, name, prefix):
    names, sizes = texts(file["blocks/name"]), file["blocks/size"][...]
    blocks = file[prefix + "blocks"]
    width = min(max([6] + [len(n) for n in names]), LONGEST_NAME)
    headings = "".join(f"{s[0]:>{s[2].split('.')[0]}}" for s in SHOWN)
    print(f"\n{name}\n  {'block':<{width}} {'size':>7} {'engine':<9}{headings} {'checks':>6}")
    numbers = zip(*(blocks[s[1]][...] for s in SHOWN))
    check_names = [IN_1[c] if file.attrs["schema_version"] == 1 else c for c in CHECKS]
    checks = zip(*(blocks[c][...] for c in check_names))
    for line in zip(names, sizes, texts(blocks["engine"]), numbers, checks):
        if line[2] != "none":  # computed
            print_line(width, *line)
    if prefix + "spectra/full" in file:
        full = file[prefix + "spectra/full"]
        print_line(width, "(full)", int(sum(sizes)), text(full["engine"][()]),
                   [full[s[1]][()] for s in SHOWN], [full[c][()] for c in check_names])
    metrics = file.get(prefix + "metrics", {})
    means = [f"{d} {metrics[d].attrs['js0']:.4g}" for d in DISTANCES if d in metrics]
    if means and len(names) > 1:
        print("  mean over pairs of blocks: " + ", ".join(means))
    print_extras(file, prefix, names, width)


def counts(below, uncertain):
    cells = ["-" if b < 0 else f"{b} ({u})" if u > 0 else str(b)
             for b, u in zip(below, uncertain)]
    return "".join(f"{cell:>16}" for cell in cells)


def print_extras(file, prefix, names, width):
    blocks, index = file[prefix + "blocks"], file.get(prefix + "measures/index")
    full = file.get(prefix + "spectra/full")
    shown = [s for s in EXTRAS if s[1] in blocks]
    if not shown and index is None:
        return
    headings = "".join(f"{s[0]:>{s[2].split('.')[0]}}" for s in shown)
    if index is not None:
        headings += "".join(f"{f'below {t:.3g}':>16}" for t in index["value"])
    print(f"  {'block':<{width}}{headings}")
    for b, name in enumerate(names):
        if text(blocks["engine"][b]) == "none":
            continue
        line = "".join(f"{blocks[s[1]][b]:{s[2]}}" for s in shown)
        if index is not None:
            line += counts(index["below"][b], index["uncertain"][b])
        print(f"  {short(name, width):<{width}}{line}")
    if full is not None:
        line = "".join(f"{full[s[1]][()]:{s[2]}}" for s in shown)
        if index is not None:
            line += counts(index["full_below"], index["full_uncertain"])
        print(f"  {'(full)':<{width}}{line}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: show_result.py RESULT.h5")
    path = sys.argv[1]
    with h5py.File(path, "r") as file:
        if file.attrs.get("schema_version") not in SCHEMAS:
            sys.exit(f"{path}: expected a result of hesse, schema_version {SCHEMAS[0]} to {SCHEMAS[-1]}")
        print_head(path, file)
        if "blocks/trace" in file:
            print_part(file, "hessian", "")
        for part in sorted(file.get("parts", {})):
            print_part(file, part, f"parts/{part}/")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as `| head` expects
    main()
