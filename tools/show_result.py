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
        "model_family", "model_task", "model_loss", "model_layers", "model_heads",
        "model_width", "parameters", "checkpoint_note", "data_dtype", "data_layout",
        "data_vocabulary", "data_vocabulary_source", "data_mask", "data_labels", "images",
        "data_seed", "sequences", "context", "loss", "steps",
        "failed_steps", "partition", "scope", "precision", "wall_seconds"]

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
SHARES = ["hessian", "gauss_newton", "functional", "linear", "embedding", "layernorm",
          "rmsnorm", "rotary", "scores", "softmax", "mix", "gelu", "relu", "silu",
          "product", "sum", "cross_entropy", "squared_error", "binary_cross_entropy",
          "conv", "pool", "batchnorm", "gaussian", "tanh", "scale", "move"]
LONGEST_NAME = 56


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def texts(dataset):
    return [text(value) for value in dataset[...].flat]


def verdict(n, checks, single):
    """True if the checks are within the bounds of include/hesse/spectrum.h."""
    if math.isnan(checks[0]):
        return "-"
    bound = max(64 * sys.float_info.epsilon * n, 1e-13 * math.sqrt(n))
    symmetry = 1e-11
    if single:
        bound, symmetry = 64 * 2**-23 * math.sqrt(n), 1e-4
    held = checks[0] <= bound and checks[1] <= bound and checks[2] <= symmetry
    return "ok" if held else "WRONG"


def cut(name, width):
    """Names of blocks differ at the end."""
    return name if len(name) <= width else "..." + name[len(name) - (width - 3):]


def print_line(width, name, size, engine, numbers, checks, single):
    name = cut(name, width)
    columns = "".join(f"{x:{shown[2]}}" for x, shown in zip(numbers, SHOWN))
    print(f"  {cut(name, width):<{width}} {size:7d} {engine:<9}{columns} {verdict(size, checks, single):>6}")


def print_head(path, file):
    print(path)
    for name in HEAD:
        value = file.attrs.get(name, b"")
        value = f"{value:.10g}" if isinstance(value, float) else text(value)
        if value and "\n" not in value and len(value) < 2048:
            print(f"  {name:<22} {value}")


def print_part(file, name, prefix):
    names, sizes = texts(file["blocks/name"]), file["blocks/size"][...]
    blocks = file[prefix + "blocks"]
    width = min(max([6] + [len(n) for n in names]), LONGEST_NAME)
    headings = "".join(f"{s[0]:>{s[2].split('.')[0]}}" for s in SHOWN)
    print(f"\n{name}\n  {'block':<{width}} {'size':>7} {'engine':<9}{headings} {'checks':>6}")
    numbers = zip(*(blocks[s[1]][...] for s in SHOWN))
    check_names = [IN_1[c] if file.attrs["schema_version"] == 1 else c for c in CHECKS]
    checks = zip(*(blocks[c][...] for c in check_names))
    single = text(file.attrs.get("precision", "")) == "single"
    for line in zip(names, sizes, texts(blocks["engine"]), numbers, checks):
        if line[2] != "none":  # computed
            print_line(width, *line, single)
    if prefix + "spectra/full" in file:
        full = file[prefix + "spectra/full"]
        print_line(width, "(full)", int(sum(sizes)), text(full["engine"][()]),
                   [full[s[1]][()] for s in SHOWN], [full[c][()] for c in check_names], single)
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
        print(f"  {cut(name, width):<{width}}{line}")
    if full is not None:
        line = "".join(f"{full[s[1]][()]:{s[2]}}" for s in shown)
        if index is not None:
            line += counts(index["full_below"], index["full_uncertain"])
        print(f"  {'(full)':<{width}}{line}")


def name_width(names, least):
    return min(max([least] + [len(n) for n in names]), LONGEST_NAME)


def or_dash(value, form, width):
    return f"{'-':>{width}}" if math.isnan(value) else f"{value:{width}{form}}"


def print_directions(file):
    names, at = texts(file["direction"]), file["measures/directions"]
    width = name_width(names, 9)
    headings = "".join(f"{h:>11}" for h in ("|d|", "cosine", "d'Sd", "d'Sd/|d|^2"))
    print(f"\ncurvature along directions\n  {'direction':<{width}} {'share':<14}{headings}{'in top':>8}")
    for share in (s for s in SHARES if s in at):
        columns = (at["norm"], at["gradient_cosine"], at[share]["quadratic"], at[share]["rayleigh"])
        for i, name in enumerate(names):
            numbers = "".join(f"{c[i]:11.3e}" for c in columns)
            top = or_dash(at[share]["in_top"][i], ".4f", 8)
            print(f"  {cut(name, width):<{width}} {share:<14}{numbers}{top}")


def print_block_error(file):
    partitions, vectors = texts(file["block_error_partition"]), texts(file["block_error_vector"])
    at, wide, width = file["measures/block_error"], name_width(partitions, 9), name_width(vectors, 8)
    print(f"\nblocks alone against the whole\n  {'partition':<{wide}} {'share':<14} {'vector':<{width}}"
          f"{'error':>10}{'cosine':>10}{'outside':>10}")
    for share in (s for s in SHARES if s in at):
        for q, partition in enumerate(partitions):
            outside = or_dash(at[share]["outside"][q], ".4f", 10)
            for j, vector in enumerate(vectors):
                error, cosine = at[share]["error"][q, j], at[share]["cosine"][q, j]
                if not (math.isnan(error) and math.isnan(cosine)):
                    print(f"  {partition:<{wide}} {share:<14} {vector:<{width}}"
                          f"{error:10.4f}{cosine:10.4f}{outside}")


def print_steps(series, columns, reasons):
    widths = [max(11, len(heading)) for heading, _ in columns]
    headings = "".join(f" {c[0]:>{w}}" for c, w in zip(columns, widths))
    print(f"  {'step':>10}{headings}")
    for i, (step, failure) in enumerate(zip(series["step"][...], texts(series["failure"]))):
        line = "".join(f" {c[1][i]:{w}.4e}" for c, w in zip(columns, widths))
        if failure:
            line = f" failed: {failure}" if reasons else " failed"
        print(f"  {step:10d}{line}")


def print_series(file):
    series, names, sizes = file["series"], texts(file["blocks/name"]), file["blocks/size"][...]
    columns = [("loss", series["loss"][...]), ("|gradient|", series["gradient_norm"][...])]
    columns += [(d + "0", series[d + "0"][...]) for d in DISTANCES if d + "0" in series]
    print("\nseries")
    print_steps(series, columns, True)
    numbers = ["trace", "frobenius", "min", "max"]
    for b in sorted(range(len(names)), key=lambda b: -sizes[b])[:3]:
        if "trace" in series:
            print(f"\n{names[b]}, size {sizes[b]}")
            print_steps(series, [(n, series[n][:, b]) for n in numbers], False)
    good = [i for i, failure in enumerate(texts(series["failure"])) if not failure]
    if "trace" in series and len(good) > 1:
        first, last, width = good[0], good[-1], name_width(names, 5)
        steps, shown = series["step"][...], ["trace", "min", "max", "frobenius"]
        print(f"\nblocks at step {steps[first]} > at step {steps[last]}")
        print(f"  {'block':<{width}} {'size':>7}" + "".join(f"  {n:>21}" for n in shown))
        for b, name in enumerate(names):
            ends = "".join(f"  {series[n][first, b]:9.2e} > {series[n][last, b]:9.2e}"
                           for n in shown)
            print(f"  {cut(name, width):<{width}} {sizes[b]:7d}{ends}")
    if "full" in series:
        print(f"\n(full), size {sum(sizes)}")
        print_steps(series, [(n, series["full"][n][...]) for n in numbers], False)


def print_kronecker(file):
    names, at = texts(file["blocks/name"]), file["measures/kronecker"]
    width = name_width(names, 5)
    shown = ("nearest_cosine", "kfac_cosine", "shampoo_cosine", "shampoo_square_cosine",
             "shampoo_examples_cosine", "shampoo_examples_square_cosine",
             "diagonal", "same_output", "same_input")
    headings = "".join(f"{h:>10}" for h in ("nearest", "K-FAC", "Shampoo", "square", "examples", "square",
                                            "diagonal", "output", "input"))
    print("\ncosines of blocks and Kronecker products, and shares of the squared norm")
    print(f"  {'block':<{width}} {'share':<14}{headings}")
    for share in (s for s in SHARES if s in at):
        columns = [at[share][c][...] for c in shown]
        for i, name in enumerate(names):
            if not math.isnan(columns[0][i]):
                numbers = "".join(or_dash(c[i], ".4f", 10) for c in columns)
                print(f"  {cut(name, width):<{width}} {share:<14}{numbers}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: show_result.py RESULT.h5")
    path = sys.argv[1]
    with h5py.File(path, "r") as file:
        if file.attrs.get("schema_version") not in SCHEMAS:
            sys.exit(f"{path}: expected a result of hesse, schema_version {SCHEMAS[0]} to {SCHEMAS[-1]}")
        print_head(path, file)
        if "series" in file:
            print_series(file)
        if "blocks/trace" in file:
            print_part(file, "hessian", "")
        for part in sorted(file.get("parts", {})):
            print_part(file, part, f"parts/{part}/")
        if "direction" in file:
            print_directions(file)
        if "block_error_partition" in file:
            print_block_error(file)
        if "kronecker" in file.get("measures", {}):
            print_kronecker(file)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as `| head` expects
    main()
