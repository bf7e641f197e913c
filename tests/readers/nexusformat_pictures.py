"""Let nexusformat find the first picture of every file: FOLDER LIST."""
import sys

import nexusformat
from nexusformat.nexus import nxload

folder, datasets = sys.argv[1:]
print("version", nexusformat.__version__)
for file in sorted({line.split()[0] for line in open(datasets)}):
    first = nxload(f"{folder}/{file}.h5").get_default()
    names = [a.nxname if a.nxname in first else "." for a in first.nxaxes]
    assert [len(a) for a in first.nxaxes] == list(first.nxsignal.shape)
    print(file, first.nxpath[1:], first.nxsignal.nxname, *names)
