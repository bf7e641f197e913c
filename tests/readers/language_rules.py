"""Check what MATLAB and Julia need: RESULT.md FOLDER LIST.

Both read HDF5 files by rules that this script checks with h5py, because neither can be installed
everywhere: the file begins with HDF5's signature, types are those that both know, and the paths
and attributes of the examples in the documentation exist.
"""
import re
import sys

import h5py

docs, folder, datasets = sys.argv[1:]
SIGNATURE = b"\x89HDF\r\n\x1a\n"
print("version", "rules")


def check_type(name, kind):
    known = isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()
    if isinstance(kind, (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID)):
        known = kind.get_size() in (4, 8)
    assert known, (name, kind)


def check(name, x):
    if isinstance(x, h5py.Dataset):
        check_type(name, x.id.get_type())
        assert x.chunks is None and x.compression is None, name
    for attribute in x.attrs:
        if attribute not in ("DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"):
            check_type(name, h5py.h5a.open(x.id, attribute.encode()).get_type())


for file in sorted({line.split()[0] for line in open(datasets)}):
    assert open(f"{folder}/{file}.h5", "rb").read(8) == SIGNATURE, file
    with h5py.File(f"{folder}/{file}.h5") as f:
        check("/", f)
        f.visititems(check)

text = open(docs).read()
with h5py.File(f"{folder}/result.h5") as f:
    name = f["blocks/name"].asstr()[0]
    julia = re.search(r"```julia\n(.*?)```", text, re.S).group(1)
    paths = re.findall(r'f\["([^"]+)"\]', julia)
    matlab = re.search(r"```matlab\n(.*?)```", text, re.S).group(1)
    paths += re.findall(r'h5read\("result.h5", "(/[^"]*[^"/])"\)', matlab)
    assert len(paths) >= 5, paths
    for path in paths:
        assert path in f, path
    assert f"spectra/blocks/{name}/eigenvectors" in f
    for path, attribute in re.findall(r'h5readatt\("result.h5", "([^"]+)", "(\w+)"\)', matlab):
        assert attribute in f[path].attrs, attribute
    for attribute in re.findall(r'read_attribute\(f, "(\w+)"\)', julia):
        assert attribute in f.attrs, attribute
