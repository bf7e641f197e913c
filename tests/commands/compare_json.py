"""Compare an answer of `hesse --json` with another source of the same numbers.

    compare_json.py show ANSWER RESULT.h5     every attribute and dataset, read by h5py
    compare_json.py table ANSWER TABLE        the records of blocks, and the table of `hesse show`
    compare_json.py plan ANSWER TABLE         the blocks of a plan, and the table of `hesse plan`
    compare_json.py checks ANSWER NUMBER      the checks of `hesse check` or `hesse selftest`
"""
import json
import math
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        answer = json.load(file, parse_constant=lambda word: sys.exit(f"{word} is not JSON"))
    assert answer["format"] == 1, answer["format"]
    return answer


def plain(value):
    """A value of h5py as the answer should have it."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if hasattr(value, "tolist") and not isinstance(value, str):
        return plain(value.tolist())
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def attributes_of(thing):
    """The attributes that are numbers or texts. References are not read."""
    import h5py
    found = {}
    for name in thing.attrs:
        if name in ("CLASS", "NAME") or name.startswith("_"):
            continue
        kind = thing.attrs.get_id(name).get_type()
        if isinstance(kind, (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID)) or (
                isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()):
            found[name] = plain(thing.attrs[name])
    return found


def compare_file(answer, path):
    import h5py
    with h5py.File(path) as file:
        assert answer["attributes"] == attributes_of(file)
        groups, datasets = {}, {}
        file.visititems(lambda name, thing: (
            groups if isinstance(thing, h5py.Group) else datasets).update({name: thing}))
        # Scales without coordinates have no numbers.
        datasets = {name: set_ for name, set_ in datasets.items()
                    if not (h5py.h5ds.is_scale(set_.id) and not set_.id.get_storage_size())}
        assert set(answer["groups"]) == set(groups)
        assert set(answer["datasets"]) == set(datasets), \
            set(answer["datasets"]) ^ set(datasets)
        for name, group in groups.items():
            assert answer["groups"][name] == attributes_of(group), name
        for name, dataset in datasets.items():
            entry = answer["datasets"][name]
            assert entry["shape"] == list(dataset.shape), name
            assert entry["axes"] == [dim.label for dim in dataset.dims], name
            assert entry["attributes"] == attributes_of(dataset), name
            values = plain(dataset[()]) if dataset.size <= 100000 else None
            assert entry["values"] == values, (name, entry["values"], values)
        print(len(datasets), "datasets are equal")


def compare_table(answer, path):
    rows = {}
    share = None
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if line.strip() in answer["shares"]:
                share = line.strip()
            elif share and words and words[-1] in ("ok", "-", "WRONG"):
                rows[share, words[0]] = words[1:]
    columns = ["size", "engine", "trace", "frobenius", "min", "max", "condition",
               "negative_mass", "effective_rank", "trace_per_parameter", "gradient_norm",
               "seconds", "checks"]
    seen = 0
    for share, tables in answer["shares"].items():
        full = [dict(tables["full"], name="(full)")] if tables["full"] else []
        for record in tables["blocks"] + full:
            for column, word in zip(columns, rows[share, record["name"]]):
                value = record[column]
                if isinstance(value, float):
                    printed = float(word)
                    assert abs(value - printed) <= 6e-3 * abs(value) + 0.051, (column, word)
                elif value is None:
                    assert word in ("nan", "-nan"), (column, word)
                else:
                    assert str(value) == word, (column, word, value)
            seen += 1
    assert seen == len(rows) > 0, (seen, rows)
    print(seen, "rows are equal")


def compare_plan(answer, path):
    point, = answer["points"]
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    start = next(i for i, words in enumerate(lines) if words[:2] == ["block", "size"])
    rows = [words for words in lines[start + 1:] if words and words[0] != "total"]
    blocks = [[b["name"], str(b["size"]), b["engine"]] for b in point["blocks"]]
    assert blocks == [words[:3] for words in rows], (blocks, rows)
    head = {words[0]: words[1:] for words in lines[:start] if words}
    assert head["parameters"][0] == str(point["parameters"])
    assert head["ranks"][0] == str(point["ranks"])
    assert [w.rstrip(",") for w in head["blocks"]][:1] == [str(len(point["blocks"]))]
    assert sum(b["size"] for b in point["blocks"]) == point["order"]
    for number in (point["memory"]["peak"], point["disk"]["result"], answer["seconds"]):
        assert number > 0, number


def compare_checks(answer, count):
    checks = answer["checks"]
    assert len(checks) == int(count), len(checks)
    assert all(c["passed"] == (c["figure"] <= c["bound"]) for c in checks), checks
    assert answer["passed"] == all(c["passed"] for c in checks)


{"show": compare_file, "table": compare_table, "plan": compare_plan,
 "checks": compare_checks}[sys.argv[1]](load(sys.argv[2]), sys.argv[3])
