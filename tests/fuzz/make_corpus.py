#!/usr/bin/python3
"""Write the seeds of tools/fuzz: valid files, small, and hostile ones.

    tests/fuzz/make_corpus.py HESSE      (HESSE: the program, for a result file)
"""
import gzip
import hashlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
REFERENCE = os.path.join(HERE, "..", "..", "reference")


def put(reader, name, data):
    folder = os.path.join(HERE, reader)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def safetensors(header, data=b""):
    text = header if isinstance(header, str) else json.dumps(header)
    return struct.pack("<Q", len(text)) + text.encode() + data


def tensor(shape, begin, end, dtype="F64"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


put("safetensors", "good", safetensors(
    {"__metadata__": {"format": "pt"}, "wte.weight": tensor([2, 2], 0, 32),
     "b": tensor([4], 32, 40, "BF16"), "c": tensor([], 40, 44, "F32")}, bytes(44)))
put("safetensors", "overflow", safetensors(
    {"a": tensor([2**32, 2**32], 0, 8), "b": tensor([2**63], 0, 2**63)}, bytes(8)))
put("safetensors", "past_the_end", safetensors({"a": tensor([4], 0, 2**40)}, bytes(8)))
put("safetensors", "backwards", safetensors({"a": tensor([1], 8, 0)}, bytes(8)))
put("safetensors", "long_header", struct.pack("<Q", 2**64 - 1) + b"{}")
put("safetensors", "deep", safetensors("[" * 4000 + "]" * 4000))

put("index", "good", json.dumps({"metadata": {}, "weight_map": {"a": "model.safetensors"}}))
put("index", "climbs", json.dumps({"weight_map": {"a": "../../etc/passwd", "b": "/etc/passwd"}}))
put("index", "itself", json.dumps({"weight_map": {"a": "model.safetensors.index.json"}}))
put("index", "deep", "{\"weight_map\":" * 2000)

put("texts", "lines", "1\tgood\n0\tnot so\n")
put("texts", "bytes", b"3\t\xff\xfe\n12345678901\tx\n\n\t\n")
put("images", "idx", struct.pack(">4B3I", 0, 0, 8, 3, 2, 1, 2) + bytes(4))
put("images", "labels", struct.pack(">4BI", 0, 0, 8, 1, 2) + bytes(2))
put("images", "gzip", gzip.compress(bytes(2 * 3073), mtime=0))
put("images", "huge", struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 2**31, 2**31))
put("config", "bert", json.dumps({"model_type": "bert", "id2label": {"0": "a"}}))

for family in ("gpt2", "llama"):
    with open(os.path.join(REFERENCE, family, "config.json"), "rb") as f:
        put("config", family, f.read())
put("config", "huge", json.dumps({"model_type": "gpt2", "n_embd": 10**300, "n_layer": -1}))
put("config", "deep", "[" * 5000)


def npy(header, data):
    text = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


put("npy", "rows", npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }",
                       struct.pack("<6i", 1, 2, 3, 4, 5, -100)))
put("npy", "stream", npy("{'descr': '<u2', 'fortran_order': False, 'shape': (40,), }",
                         bytes(range(40)) * 2))
put("npy", "huge", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (%d, %d), }"
                       % (2**33, 2**33), bytes(8)))
for name, form, data in (("image", "'|u1', 'fortran_order': False, 'shape': (1, 2, 2, 1)", bytes(4)),
                         ("labels", "'<i8', 'fortran_order': False, 'shape': (2,)", bytes(16)),
                         ("numbers", "'<f8', 'fortran_order': False, 'shape': (2, 3)", bytes(48))):
    put("arrays", name, npy("{'descr': " + form + ", }", data))
    put("images", "npy_" + name, npy("{'descr': " + form + ", }", data))
put("bin", "good", bytes(range(48)) * 2)
put("bin", "odd", bytes(7))
put("bin", "llmc", struct.pack("<256i", 20240520, 1, 40, *[0] * 253) + bytes(range(40)) * 2)
put("table", "good", '{"stoi": {"{": 0, "}": 1, ":": 2, " ": 3, ",": 4, "s": 5}}')
put("table", "plain", '{"a": 7, "\\u00e4": 9, "ab": 1}')

with open(os.path.join(HERE, "..", "..", "..", "jobs", "quickstart.yaml"), "rb") as f:
    put("job", "quickstart", f.read())
put("job", "all", "model: {family: llama, layers: 1, heads: 2, width: 8, seed: 3}\n"
    "data: {text: a.txt, vocabulary: characters, sequences: 2, context: 4}\n"
    "hessian: {scope: full, partition: head, only: ['*'], parts: [softmax], panel: 7}\n"
    "spectrum: {eigenvectors: 1, engine: band, density: {points: 9, bandwidth: 0.1}}\n"
    "metrics: {distance: []}\noutput: {file: a.h5, matrices: true, stretch: 3}\n")
put("job", "anchors", "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)))
put("job", "deep", "a: " + "[" * 3000)

IDENTITY = "0123456789abcdef" * 4


def part(records):
    head = b"hesse part 1\n".ljust(16, b"\0") + IDENTITY.encode() + bytes(48)
    body, digest = head, hashlib.sha256(head)
    for what, checksum, count, data in records:
        fixed = struct.pack("<8iQQ", *what, count, checksum)
        body += fixed + data
        digest.update(fixed)
    return body + digest.hexdigest().encode()


put("part", "empty", part([]))
put("part", "nothing_in_it", part([((2, 0, 1, 1, 0, 0, 0, 0), 0, 0, b"")]))
put("part", "huge_count", part([((1, 0, 0, 1, 0, 0, 8, 0), 0, 2**61, bytes(64))]))
put("manifest", "good", json.dumps({"format": 1, "inputs": {"data": "00"},
                                    "job": {"hessian.scope": "full"}, "program": "hesse"}))
put("manifest", "other", json.dumps({"format": 2, "inputs": 3, "job": {"a": ["b"]}}))

there = tempfile.mkdtemp()
WRITE = os.path.join(HERE, "..", "..", "commands", "graph.py")
for case in ("gather", "spread", "mask", "runs", "several", "power", "sum_fields"):
    subprocess.run([sys.executable, WRITE, "write", case], cwd=there, check=True,
                   stdout=subprocess.DEVNULL)
    with open(os.path.join(there, "graph.json"), "rb") as f:
        put("graph", case, f.read())
for name, job in {
        "gpt2": "model: {family: gpt2, layers: 1, heads: 1, width: 2, context: 2}\n"
                "data: {text: job.yaml, sequences: 1}\n",
        "resnet": "model: {family: resnet, width: 1, blocks: [1], batch_norm: evaluation}\n"
                  "data: {generator: pathfinder, sequences: 2}\n",
        "linear_transformer": "model: {family: linear_transformer, layers: 1}\n"
                              "data: {generator: regression, features: 2, examples: 2, "
                              "sequences: 2}\n"}.items():
    with open(os.path.join(there, "job.yaml"), "w") as f:
        f.write(job)
    put("graph", name, subprocess.run(
        [os.path.abspath(sys.argv[1]), "graph", "job.yaml"], cwd=there, check=True,
        stdout=subprocess.PIPE).stdout)
with open(os.path.join(there, "job.yaml"), "w") as f:
    f.write("model: {family: gpt2, layers: 1, heads: 1, width: 1, context: 1, vocabulary: 128}\n"
            "data: {text: job.yaml, sequences: 1}\n"
            "hessian: {scope: both, only: ['*.ln_f.*']}\nspectrum: {density: {points: 2}}\n"
            "metrics: {distance: [js]}\n")
# The file tells its command line: let it be without a path.
subprocess.run(["hesse", "run", "job.yaml"], executable=os.path.abspath(sys.argv[1]), cwd=there, check=True,
               stdout=subprocess.DEVNULL)
shutil.copy(os.path.join(there, "job.h5"), os.path.join(HERE, "..", "good.hdf5"))
shutil.rmtree(there)
for edits in range(5):
    put("result", "edit_%d" % edits, bytes([7 * edits, 20, edits, 5, 9, 1, 1, 1, 2] * 3))
