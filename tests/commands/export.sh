#!/bin/sh
# Graphs that hesse-export wrote, and the numbers that PyTorch computed for their modules
# (tools/make_export_reference.py).
#
# usage: export.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# exported NAME: copy the files of a module to the case's folder.
exported() {
    rm -rf -- "$work/case"
    cp -r "$source/tests/export/$1" "$work/case"
    cd "$work/case" || exit 1
}

case_modules_have_the_hessian_of_pytorch() {
    ranks=2
    for folder in "$source"/tests/export/*/; do
        exported "$(basename "$folder")"
        works '.*' run job.yaml --set hessian.scope=full --set hessian.method=exact --output result.h5
        expect "the numbers of $folder" \
            /usr/bin/python3 "$source/tests/commands/export.py" result.h5 reference.json
    done
}

case_derivatives_are_those_of_differences() {
    ranks=1
    for name in t5 lstm odd15; do
        exported $name
        works 'symmetry.* ok$' check job.yaml
    done
}

# Each layer of attention is cut by its own number of heads, and the blocks are those of the
# full matrix.
case_heads_of_each_layer() {
    ranks=2
    exported heads
    works '.*' run job.yaml --set hessian.partition=head --set hessian.scope=both \
        --set output.matrices=true --output result.h5
    expect 'blocks of the full matrix' /usr/bin/python3 - <<'EOF'
import h5py
import numpy as np
with h5py.File("result.h5") as f:
    names = [name.decode() for name in f["blocks/name"][:]]
    h, first, size = f["hessian/full"][()], f["blocks/offset"][:], f["blocks/size"][:]
    for name, at, n in zip(names, first, size):
        values = np.linalg.eigvalsh(h[at:at + n, at:at + n])
        assert abs(values - f[f"spectra/blocks/{name}/eigenvalues"][:]).max() < 1e-12
for layer, query, key in (("full", 3, 3), ("grouped", 4, 2), ("cross", 2, 1)):
    for what, heads in (("query", query), ("key", key), ("value", key), ("output", query)):
        own = [name for name in names if name.startswith(f"{layer}.{what}.weight.head.")]
        assert len(own) == heads, (layer, what, own)
EOF
}

case_the_graph_is_printed_again() {
    ranks=1
    for name in gpt2 odd17; do
        exported $name
        launch graph job.yaml
        expect_status 0
        cat "$work/out" > graph.json
        works '.*' run job.yaml --set hessian.scope=full --output result.h5
        expect 'the same numbers' \
            /usr/bin/python3 "$source/tests/commands/export.py" result.h5 reference.json
    done
}

case_gpt2_has_the_nodes_of_the_family() {
    ranks=1
    exported gpt2
    cat > family.yaml <<EOF
model: {family: gpt2, layers: 1, width: 4, heads: 2, context: 8, vocabulary: 7, checkpoint: model.safetensors}
data: {inputs: inputs.npy, labels: labels.npy}
EOF
    for job in job family; do
        launch graph $job.yaml
        expect_status 0
        # All but the initial values, which the exporter takes from the numbers themselves.
        # Numbers are cut to 14 digits after the point.
        sed -n 's/\(\.[0-9]\{14\}\)[0-9]*/\1/;/"init": {/,/}/!p' "$work/out" > $job.json
    done
    expect 'the same graph' diff job.json family.json
}

run_cases "$@"
