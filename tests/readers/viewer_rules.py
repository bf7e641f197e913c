"""Follow the rules by which h5web draws NeXus files, for every group: FOLDER LIST.

The rules: https://h5web.panosc.eu/help and the NeXus manual, "NXdata". Attributes are texts.
`default` is the name of a child, or a path. A group of the class NXdata is drawn: `signal` is the
name of a child, an array of numbers. Each of `axes` is "." or the name of a child of numbers with
one dimension, and there is one for every dimension of the signal. Each of `auxiliary_signals` is a
child with the shape of the signal. A child `errors`, or `NAME_errors`, would be its errors.
"""
import sys

import h5py


def texts(group, name):
    value = group.attrs.get(name, [])
    return [x.decode() for x in ([value] if isinstance(value, bytes) else value)]


def numbers(group, name):
    child = group[name]
    assert isinstance(child, h5py.Dataset) and child.dtype.kind in "if", child.name
    assert "/" not in name
    return child


def check(group):
    signal = numbers(group, *texts(group, "signal"))
    assert signal.ndim in (1, 2) and signal.size, signal.name
    axes = texts(group, "axes")
    assert len(axes) == signal.ndim, group.name
    for length, axis in zip(signal.shape, axes):
        assert axis == "." or numbers(group, axis).shape == (length,), (group.name, axis)
        # A dimension without coordinates has no numbers to draw.
        assert axis == "." or not numbers(group, axis).attrs["NAME"].startswith(b"This is")
    for name in texts(group, "auxiliary_signals"):
        assert numbers(group, name).shape == signal.shape, (group.name, name)
    assert "errors" not in group and signal.name + "_errors" not in group
    return [signal.name.rpartition("/")[2]] + axes


def first(group):
    while texts(group, "NX_class") != ["NXdata"]:
        group = group[texts(group, "default")[0]]
        assert isinstance(group, h5py.Group)
    return group


folder, datasets = sys.argv[1:]
print("version", "rules")
pictures = 0
for file in sorted({line.split()[0] for line in open(datasets)}):
    with h5py.File(f"{folder}/{file}.h5") as f:
        assert texts(f, "NX_class") == ["NXroot"]
        print(file, first(f).name[1:], *check(first(f)))

        def visit(name, x):
            global pictures
            if isinstance(x, h5py.Group) and texts(x, "NX_class") == ["NXdata"]:
                check(x)
                pictures += 1
            elif isinstance(x, h5py.Group) and "default" in x.attrs:
                first(x)

        f.visititems(visit)
assert pictures > 100
