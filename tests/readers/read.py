"""Print datasets in C order with a library of Python: read.py LIBRARY FOLDER LIST."""
import sys

import numpy

library, folder, datasets = sys.argv[1:]


def by_h5py(file, path):
    with module.File(file) as f:
        return f[path][...]


def by_h5netcdf(file, path):
    with module.File(file, "r") as f:
        return f[path][...]


def by_netcdf4(file, path):
    with module.Dataset(file) as f:
        f.set_auto_mask(False)
        return f[path][...]


def by_xarray(file, path):
    group, _, name = path.rpartition("/")
    engine = library.partition("_")[2]
    with module.open_dataset(file, group=group or None,
                             engine=None if engine == "any" else engine) as f:
        return f[name].values


NAMES = {"netcdf4": "netCDF4", "pyfive": "pyfive", "h5netcdf": "h5netcdf", "h5py": "h5py"}
READ = {"netcdf4": by_netcdf4, "pyfive": by_h5py, "h5netcdf": by_h5netcdf, "h5py": by_h5py}
module = __import__(NAMES.get(library, "xarray"))
read = READ.get(library, by_xarray)
print("version", module.__version__)
for line in open(datasets):
    file, path = line.split()
    values = numpy.asarray(read(f"{folder}/{file}.h5", path))
    texts = [x.decode() if isinstance(x, bytes) else x for x in values.ravel().tolist()]
    print(file, path, *texts)
