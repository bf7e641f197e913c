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
