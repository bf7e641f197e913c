#!/bin/sh
# Networks that are given as graphs: hesse graph, the family graph, general operators, wrong graphs.
#
# usage: graph.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

script=$source/tests/commands/graph.py

# given: make the job that of the graph of its network.
given() {
    launch graph job.yaml
    expect_status 0
    cat "$work/out" > graph.json
    cat > job.yaml <<EOF
model:
  family: graph
  graph: graph.json
  checkpoint: model.safetensors
data:
  tokens: tokens.npy
output:
  file: result.h5
EOF
}

# wrong PROGRAM MESSAGE: after an edit with sed, the graph must be refused.
wrong() {
    given
    edit graph.json "$1"
    run_refused 3 "graph.json: $2 (key: model.graph)"
}

case_every_operator_is_that_of_numpy() {
    ranks=1
    rm -f -- *
    expect 'graphs' /usr/bin/python3 "$script" write_all
    for operator in *; do
        cd "$operator" || exit 1
        works '.*' run job.yaml
        works 'symmetry.* ok$' check job.yaml
        expect_lines 5 ' ok$'
        cd ..
    done
    expect 'the losses of NumPy' /usr/bin/python3 "$script" compare_all
}

case_matrices_are_those_of_differences() {
    ranks=2
    for name in gather spread max_fields rank_fields softmax_fields quotient positive several \
        power runs atan round; do
        rm -f -- *
        /usr/bin/python3 "$script" write "$name" > /dev/null
        works '.*' run job.yaml --set hessian.scope=both --set output.matrices=true
        expect "the matrix of $name" /usr/bin/python3 "$script" hessian result.h5 "$name"
    done
}

case_all_commands() {
    given
    ranks=2
    works '.*' plan job.yaml
    works 'symmetry.* ok$' check job.yaml
    works '.*' run job.yaml --set hessian.partition=head
    works 'graph' show result.h5
    works '.*' show result.h5 --verify
    launch graph job.yaml
    expect_status 0
    expect 'the same graph again' diff "$work/out" graph.json
    works '.*' train job.yaml --set train.steps=3 --set train.optimiser=adamw
    works '.*' landscape job.yaml --set landscape.points=3 --set output.file=l.h5
}

case_heads_and_groups_are_those_of_the_family() {
    ranks=1
    for partition in head group layer neuron; do
        fresh gpt2
        works '.*' run job.yaml --set hessian.partition=$partition
        mv result.h5 family.h5
        given
        works '.*' run job.yaml --set hessian.partition=$partition
        expect "the same blocks by $partition" h5diff family.h5 result.h5 /blocks/name /blocks/name
        expect "the same eigenvalues by $partition" \
            h5diff family.h5 result.h5 /spectra/blocks /spectra/blocks
    done
}

case_groups_of_the_user() {
    ranks=1
    run='run job.yaml --set hessian.scope=blocks --set hessian.partition=group --set hessian.only=[QK,other]'
    works '.*' $run --set 'hessian.groups={QK: ["*.query", "*.key"], wpe: transformer.wpe.weight}'
    expect_lines 1 '^  other  *514 '
    expect_lines 1 '^  QK  *168 '
    h5dump -d blocks/size result.h5 > "$work/family"
    rm result.h5
    given
    works '.*' $run --set 'hessian.groups={QK: ["*.query", "*.key"], wpe: transformer.wpe.weight}'
    h5dump -d blocks/size result.h5 > "$work/graph"
    expect 'the same sizes' diff "$work/family" "$work/graph"
    refused 2 "groups of parameters: 'transformer.wpe.weight' is in 'a' and in 'b', expected one group (key: hessian.groups)" \
        run job.yaml --set 'hessian.groups={a: "*wpe*", b: "*.weight"}' --set output.file=r.h5
    refused 2 "groups of parameters: '\*wqe\*' of 'a' selects no parameter; the nearest name is .*" \
        run job.yaml --set 'hessian.groups={a: "*wqe*"}' --set output.file=r.h5
    refused 2 "--set hessian.groups: 'hessian.groups' is a list, expected a mapping of names to lists of texts.*" \
        run job.yaml --set 'hessian.groups=[a]' --set output.file=r.h5
    refused 2 ".* 'hessian.groups.a' is a mapping, expected a list of texts, as in \[a, b\]" \
        run job.yaml --set 'hessian.groups={a: {b: c}}' --set output.file=r.h5
}

# more_tensors FACTOR: add a mask to the checkpoint, and its embedding times FACTOR as a head.
more_tensors() {
    /usr/bin/python3 - "$1" <<'EOF'
import json, struct, sys
import numpy as np
raw = open("model.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
wte = next(name for name in header if name.endswith("wte.weight"))
first, end = header[wte]["data_offsets"]
head = (np.frombuffer(data[first:end]) * float(sys.argv[1])).tobytes()
header["lm_head.weight"] = dict(header[wte], data_offsets=[len(data), len(data) + len(head)])
header["transformer.h.0.attn.bias"] = {
    "dtype": "F64", "shape": [1],
    "data_offsets": [len(data) + len(head), len(data) + len(head) + 8]}
text = json.dumps(header).encode()
open("model.safetensors", "wb").write(
    struct.pack("<Q", len(text)) + text + data + head + bytes(8))
EOF
}

case_tensors_that_are_ignored() {
    ranks=2
    cat model.safetensors > "$work/plain"
    more_tensors 1
    given
    works '.*lm_head.weight (equal to the tied embedding), transformer.h.0.attn.bias.*' run job.yaml
    works '"copy"' graph job.yaml
    expect 'the same graph again' diff "$work/out" graph.json
    expect_lines 1 '"transformer.h.0.attn.bias"'
    cat "$work/plain" > model.safetensors
    more_tensors 2
    refused 3 "model.safetensors: 'lm_head.weight' differs from 'transformer.wte.weight', .*" \
        run job.yaml --force
    edit graph.json 's/"transformer.h.0.attn.bias"/"transformer.h.1.attn.bias"/'
    refused 3 "model.safetensors: tensor 'transformer.h.0.attn.bias' is no parameter of this model.*" \
        run job.yaml --force
}

# A node has a weight's outputs where it says, whatever the layout of the parameter is: by
# columns, by tokens, by neurons, and for Kronecker products.
case_layouts_are_those_of_the_nodes() {
    given
    options='--set hessian.scope=both --set output.matrices=true --set measures.kronecker=true'
    ranks=1
    works '.*' run job.yaml $options --output first.h5
    /usr/bin/python3 - <<'EOF'
import json
g = json.load(open("graph.json"))
turned = 0
for node in g["nodes"]:
    value = g["values"][node["inputs"][1]] if node["operator"].startswith("linear") else {}
    if value.get("kind") != "parameter" or "slice" in value or value["role"] == "embedding":
        continue
    turned += 1
    if not value.pop("out_rows", False):
        value["out_rows"] = True
assert turned > 2
json.dump(g, open("graph.json", "w"))
EOF
    for ranks in 1 2; do
        works '.*' run job.yaml $options --output turned$ranks.h5
        expect 'the same matrices' h5diff -d 1e-12 first.h5 turned$ranks.h5 /hessian/full /hessian/full
        expect 'the same Kronecker products' /usr/bin/python3 -c "
import h5py, numpy as np
one, other = (h5py.File(name)['measures/kronecker/hessian'] for name in
              ('first.h5', 'turned$ranks.h5'))
known = 0
for name in one:
    a, b = one[name][()], other[name][()]
    assert np.allclose(a, b, rtol=0, atol=1e-8, equal_nan=True), name
    known += np.isfinite(a).sum()
assert known > 50"
        works '.*' run job.yaml --set hessian.partition=neuron --set hessian.scope=both \
            --set output.matrices=true --output neurons$ranks.h5
        expect 'the sums of squares' /usr/bin/python3 -c "
import h5py, numpy as np
one, other = h5py.File('first.h5'), h5py.File('neurons$ranks.h5')
norms = [np.linalg.norm(f['hessian/full'][()]) for f in (one, other)]
traces = [np.trace(f['hessian/full'][()]) for f in (one, other)] + [other['blocks/trace'][()].sum()]
assert np.ptp(norms) < 1e-12 * norms[0] and np.ptp(traces) < 1e-10, (norms, traces)
values = [np.linalg.eigvalsh(f['hessian/full'][()]) for f in (one, other)]
assert abs(values[0] - values[1]).max() < 1e-11"
    done
}

case_without_a_checkpoint() {
    given
    edit job.yaml /checkpoint/d
    works '.*' run job.yaml
}

case_of_another_checkpoint() {
    given
    edit graph.json 's/"tensor": "transformer.wpe.weight"/"tensor": "transformer.wpo.weight"/'
    run_refused 3 "model.safetensors: expected a tensor 'transformer.wpo.weight', nearest is .*"
}

case_other_data() {
    given
    edit job.yaml 's/tokens.npy/tokens.npy, context: 2/;s/tokens: \(.*\)/{tokens: \1}/'
    edit job.yaml 's/^data:/data:/'
    run_refused 2 'model: an example of the graph has [0-9]* tokens, and the data have 2.*'
}

case_another_version() {
    wrong 's/"version": 1/"version": 3/' 'graph: "version" is 3, expected a whole number from 1 to 2'
}
case_no_json() {
    wrong '1s/{/[/' 'no valid JSON: .*'
}
case_unknown_operator() {
    wrong 's/"gelu_tanh"/"gelu_tan"/' \
        'node [0-9]*: "operator" is "gelu_tan", expected the name of an operator, the nearest is "gelu_tanh"'
}
case_operator_of_a_later_version() {
    wrong 's/"gelu_tanh"/"atan"/' \
        'node [0-9]*: "operator" is "atan", expected an operator of this version; "version": 2 has it'
}
case_unknown_key() {
    wrong 's/"loss_weight"/"loss_weigth"/' \
        'graph: there is no key "loss_weigth", the nearest is "loss_weight"'
}
case_unknown_size() {
    wrong 's/"outputs"/"output"/' \
        'node [0-9]* ([a-z]*): there is no size "output", the nearest is "outputs"'
}
case_cycle() {
    given
    /usr/bin/python3 - <<'EOF'
import json
g = json.load(open("graph.json"))
g["nodes"][3]["inputs"][0] = g["nodes"][5]["output"]
json.dump(g, open("graph.json", "w"))
EOF
    run_refused 3 'graph.json: node 3 ([a-z]*): "inputs" is .*, expected values before its own output,.*no cycles (key: model.graph)'
}
case_value_that_nothing_reads() {
    given
    /usr/bin/python3 - <<'EOF'
import json
g = json.load(open("graph.json"))
g["values"].insert(0, {"kind": "table", "rows": 1, "cols": 1, "numbers": [0.5]})
for node in g["nodes"]:
    node["output"] += 1
    node["inputs"] = [i + 1 for i in node["inputs"]]
json.dump(g, open("graph.json", "w"))
EOF
    run_refused 3 'graph.json: value 0: no node reads this value, expected one (key: model.graph)'
}
case_no_loss() {
    given
    /usr/bin/python3 - <<'EOF'
import json
g = json.load(open("graph.json"))
g["nodes"].pop()
g["values"].pop()
json.dump(g, open("graph.json", "w"))
EOF
    run_refused 3 'graph.json: graph: "nodes" is .*, expected a loss as the last node (key: model.graph)'
}
case_wrong_shape() {
    wrong 's/"channels": \([0-9]\)/"channels": 1\1/' 'node [0-9]* ([a-z]*): "inputs" is .*, expected as input [0-9] .*'
}
case_places_outside() {
    ranks=1
    rm -f -- *
    /usr/bin/python3 "$script" write gather > /dev/null
    edit graph.json 's/\[2\.0, /[24.0, /'
    run_refused 3 'graph.json: node 2 (gather): .*places from -1 to 23, and number 0 .* is 24 .*'
}
# wrong_runs VERSION TABLE MESSAGE: replace the mask of a graph by a table, which must be refused.
wrong_runs() {
    ranks=1
    rm -f -- *
    /usr/bin/python3 "$script" write mask > /dev/null
    /usr/bin/python3 - "$1" "$2" <<'EOF'
import json, sys
g = json.load(open("graph.json"))
g["version"] = int(sys.argv[1])
at = next(i for i, v in enumerate(g["values"]) if v["kind"] == "table")
old = g["values"][at]
g["values"][at] = dict({"kind": "table", "rows": old["rows"], "cols": old["cols"]},
                       **json.loads(sys.argv[2]))
json.dump(g, open("graph.json", "w"))
EOF
    run_refused 3 "graph.json: value [0-9]*: $3 (key: model.graph)"
}
case_wrong_runs() {
    wrong_runs 1 '{"runs": [[1, 0, 0]]}' 'there is no key "runs", the nearest is "rows"'
    wrong_runs 2 '{"runs": [[1, 0, 0]]}' '"runs" is .*, expected rows x cols numbers with their tiles'
    wrong_runs 2 '{"numbers": [1], "runs": [[1, 0, 0]]}' '"runs" is .*, expected either numbers or runs'
    wrong_runs 2 '{"numbers": [1], "tiles": [1, 1]}' '"tiles" is .*, expected tiles only of runs'
    wrong_runs 2 '{"runs": []}' '"runs" is .*, expected a list of \[count, first, step\]'
    wrong_runs 2 '{"runs": [[2.5, 0, 0]]}' '"runs" is .*, expected \[count, first, step\], whole .*'
    wrong_runs 2 '{"runs": [[2, 0.5, 1]]}' '"runs" is .*, expected \[count, first, step\], whole .*'
    wrong_runs 2 '{"runs": [[1, 0]]}' '"runs" is .*, expected \[count, first, step\], whole .*'
    wrong_runs 2 '{"runs": [[1, 0, 0]], "tiles": [0, 1]}' '"tiles" is .*, expected two numbers that divide rows and cols'
    wrong_runs 2 '{"runs": [[1, 0, 0]], "tiles": [1, 1000]}' '"tiles" is .*, expected two numbers that divide rows and cols'
}
case_missing_file() {
    given
    rm graph.json
    run_refused 3 'graph.json: No such file.*(key: model.graph)'
}

run_cases "$@"
