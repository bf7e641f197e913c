"""Let silx find the first picture of every file, and check every picture: FOLDER LIST."""
import sys

import h5py
import silx
from silx.io import nxdata

folder, datasets = sys.argv[1:]
print("version", silx.version)
for file in sorted({line.split()[0] for line in open(datasets)}):
    with h5py.File(f"{folder}/{file}.h5") as f:
        first = nxdata.get_default(f, validate=True)
        axes = ["." if a is None else a for a in first.axes_dataset_names]
        print(file, first.group.name[1:], first.signal_dataset_name, *axes)

        def check(name, x):
            if not isinstance(x, h5py.Group):
                return
            if x.attrs["NX_class"] == b"NXdata":
                data = nxdata.NXdata(x)
                assert data.is_valid, (file, name, data.issues)
                assert data.is_curve or data.is_image, (file, name)
            elif "default" in x.attrs:
                assert nxdata.get_default(x) is not None, (file, name)

        f.visititems(check)
