"""Check the datasets of `measures` in result files with NumPy, from stored matrices.

usage: scaling.py moments FILE.safetensors LIKE.safetensors   write second moments
       scaling.py scaling RESULT QUANTITY POWER EPSILON [FILE.safetensors]
       scaling.py estimates ESTIMATED EXACT
       scaling.py same RESULT RESULT
       scaling.py tail RESULT
       scaling.py index RESULT VALUE...
"""
import json
import struct
import sys

import numpy

try:
    import h5py
except ImportError:
    h5py = None


def read_tensors(path):
    with open(path, "rb") as f:
        length, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(length))
        data = f.read()
    types = {"F64": "<f8", "F32": "<f4"}
    return {name: numpy.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]],
                                   types[t["dtype"]]).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__"}


def write_tensors(path, tensors):
    header, data = {}, b""
    for name, values in tensors.items():
        values = numpy.ascontiguousarray(values, "<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def moments(path, like, *options):
    """Positive numbers of many sizes for every tensor of a checkpoint."""
    random = numpy.random.default_rng(1)
    ending = "" if "bare" in options else ".exp_avg_sq"
    tensors = {name + ending: 10.0 ** random.uniform(-8, -2, values.shape)
               for name, values in read_tensors(like).items()}
    if "extended" in options:
        tensors.update({name.replace("_sq", ""): values
                        for name, values in tensors.items()})
    if "short" in options:
        first = sorted(tensors)[0]
        tensors[first] = tensors[first][:-1]
    if "zero" in options:
        for values in tensors.values():
            values *= 0
    write_tensors(path, tensors)


def ordered(f, path):
    """The numbers of a state in the order of the blocks of a GPT-2 by tensor."""
    tensors = read_tensors(path)
    numbers = []
    for name in f["blocks/name"][()]:
        name = name.decode()
        slices = [name.endswith(end) for end in (".query", ".key", ".value")]
        tensor = name.rsplit(".", 1)[0] if any(slices) else name
        values = tensors.get(tensor + ".exp_avg_sq", tensors.get(tensor))
        if any(slices):
            values = numpy.split(values, 3, axis=-1)[slices.index(True)]
        numbers.append(values.ravel())
    return numpy.concatenate(numbers)


def close(found, expected, size=None, tolerance=1e-9):
    size = numpy.abs(expected).max() if size is None else size
    worst = numpy.abs(numpy.asarray(found) - expected).max()
    assert worst <= tolerance * size, (found, expected, worst, size)


def condition(eigenvalues):
    sizes = numpy.abs(eigenvalues)
    floor = len(sizes) * numpy.finfo(float).eps * sizes.max()
    sizes = sizes[sizes > floor]
    return sizes.max() / sizes.min()


def blocks_of(f):
    return zip((name.decode() for name in f["blocks/name"][()]),
               f["blocks/offset"][()], f["blocks/size"][()])


def scaling(result, quantity, power, epsilon, path=None):
    f = h5py.File(result)
    for share in ["hessian", "gauss_newton"]:
        base = f if share == "hessian" else f["parts"][share]
        scaled = f["parts"][share + "_scaled"]
        full = base["hessian/full"][()]
        numbers = {"exp_avg_sq": lambda: ordered(f, path),
                   "diagonal": lambda: numpy.diag(full),
                   "gauss_newton": lambda: numpy.diag(f["parts/gauss_newton/hessian/full"]),
                   "gradient": lambda: f["gradient"][()] ** 2}[quantity]()
        d = numpy.abs(numbers) ** float(power) + float(epsilon)
        close(scaled["measures/scaling/divisor"][()] / d, numpy.ones(len(d)))
        expected = full / numpy.sqrt(numpy.outer(d, d))
        close(scaled["hessian/full"][()], expected)
        check_matrix(expected, scaled["spectra/full"], base["spectra/full"])
        assert scaled["blocks/max"].attrs["units"] == b"loss / (parameter^2 D)"
        for b, (name, first, size) in enumerate(blocks_of(f)):
            block = expected[first:first + size, first:first + size]
            close(scaled["hessian/blocks"][name][()], block)
            found = scaled["spectra/blocks"][name]
            close(found["eigenvalues"][()], numpy.linalg.eigvalsh(block),
                  size=numpy.linalg.norm(block, 2))
            ratio = base["blocks/condition"][b] / scaled["blocks/condition"][b]
            close(scaled["blocks/condition_ratio"][b], ratio)
        coupling = [[numpy.linalg.norm(expected[i:i + m, j:j + n])
                     for _, j, n in blocks_of(f)] for _, i, m in blocks_of(f)]
        close(scaled["metrics/coupling"][()], numpy.array(coupling))


def check_matrix(expected, scaled, base):
    eigenvalues = numpy.linalg.eigvalsh(expected)
    close(scaled["eigenvalues"][()], eigenvalues, size=numpy.abs(eigenvalues).max())
    close(scaled["trace"][()], numpy.trace(expected), size=numpy.linalg.norm(expected))
    close(scaled["frobenius"][()], numpy.linalg.norm(expected))
    close(scaled["condition"][()], condition(scaled["eigenvalues"][()]))
    close(scaled["condition_ratio"][()], base["condition"][()] / scaled["condition"][()])


def estimates(estimated, exact):
    """Extreme eigenvalues of estimated matrices are those of the formed ones."""
    f, g = h5py.File(estimated), h5py.File(exact)
    for share in ["parts/hessian_scaled", "parts/gauss_newton_scaled"]:
        for name, _, _ in blocks_of(f):
            found = f[share]["spectra/blocks"][name]
            values = g[share]["spectra/blocks"][name]["eigenvalues"][()]
            extreme = found["extreme_eigenvalues"][()]
            if numpy.abs(values).max() <= found["extreme_eigenvalues"].attrs["noise"]:
                continue  # the block of a key's bias is zero except for rounding
            count = len(extreme) // 2
            outer = numpy.concatenate([values[:count], values[len(values) - count:]])
            close(extreme, outer, size=numpy.abs(values).max(), tolerance=1e-6)
            # With as many steps as rows, the nodes are the eigenvalues.
            nodes = found["nodes"][()]
            close(nodes.max(), values[-1], size=numpy.abs(values).max(), tolerance=1e-6)
            # The mean of z'Sz over signs z has the variance of the entries off the
            # diagonal.
            diagonal = numpy.diag(g[share]["hessian/blocks"][name][()])
            error = found["diagonal_error"][()]
            far = numpy.abs(found["diagonal"][()] - diagonal)
            assert (far <= 8 * error + 1e-9 * numpy.abs(values).max()).all(), name


def shares_of(f):
    return [f] + [f["parts"][name] for name in f.get("parts", {})]


def spectra_of(f, share):
    """Every block and the full matrix: its group and its row; None for the latter."""
    for b, (name, _, _) in enumerate(blocks_of(f)):
        yield share["spectra/blocks"][name], b
    if "full" in share["spectra"]:
        yield share["spectra/full"], None


def fit(x):
    """The definition of Clauset, Shalizi & Newman (2009)."""
    x = x[x > len(x) * numpy.finfo(float).eps * numpy.abs(x).max()]
    best = [numpy.nan] * 3 + [numpy.inf]
    for minimum in numpy.unique(x):
        tail = numpy.sort(x[x >= minimum])
        logs = numpy.log(tail / minimum).sum()
        if logs > 0:
            exponent = 1 + len(tail) / logs
            law = 1 - (tail / minimum) ** (1 - exponent)
            before = numpy.searchsorted(tail, tail, "left") / len(tail)
            after = numpy.searchsorted(tail, tail, "right") / len(tail)
            distance = max(numpy.abs(law - before).max(), numpy.abs(law - after).max())
            if distance < best[3]:
                best = [exponent, minimum, len(tail), distance]
    return best if best[3] < numpy.inf else [numpy.nan] * 4


def tail(result):
    names = ["tail_exponent", "tail_minimum", "tail_count", "tail_distance"]
    f = h5py.File(result)
    fitted = 0
    for share in shares_of(f):
        for group, b in spectra_of(f, share):
            found = [(group[n] if b is None else share["blocks"][n])[() if b is None else b]
                     for n in names]
            expected = fit(group["eigenvalues"][()])
            fitted += not numpy.isnan(expected[0])
            # Distances that are equal up to rounding may choose another minimum.
            numpy.testing.assert_allclose(found[3], expected[3], rtol=1e-9)
            if expected[2] != 2:
                numpy.testing.assert_allclose(found, expected, rtol=1e-9)
    assert fitted > 10


def index(result, *values):
    f = h5py.File(result)
    for share in shares_of(f):
        counts = share["measures/index"]
        numpy.testing.assert_array_equal(counts["value"], [float(v) for v in values])
        for group, b in spectra_of(f, share):
            matrix = share["hessian/full"][()]
            if b is not None:
                matrix = share["hessian/blocks"][group.name.rsplit("/", 1)[1]][()]
            eigenvalues = numpy.linalg.eigvalsh(matrix)
            near = len(eigenvalues) * numpy.finfo(float).eps * numpy.abs(eigenvalues).max()
            for i, t in enumerate(counts["value"]):
                below = counts["full_below"][i] if b is None else counts["below"][b, i]
                unsure = counts["full_uncertain"][i] if b is None else \
                    counts["uncertain"][b, i]
                assert 0 <= unsure
                assert (eigenvalues < t - near).sum() <= below <= (eigenvalues < t + near).sum()
                if unsure == 0:
                    assert below == (eigenvalues < t).sum(), (group.name, t)


def same(one, other):
    """Two results have the same eigenvalues up to rounding."""
    f, g = h5py.File(one), h5py.File(other)
    for share in ["/", "parts/hessian_scaled"]:
        for name, _, _ in blocks_of(f):
            expected = f[share]["spectra/blocks"][name]["eigenvalues"][()]
            close(g[share]["spectra/blocks"][name]["eigenvalues"][()], expected)


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    {"moments": moments, "scaling": scaling, "estimates": estimates,
     "same": same, "tail": tail, "index": index}[command](*words)
