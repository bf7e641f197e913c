#!/bin/sh
# The option --json: the answers are JSON, and have the numbers of the files and the tables.
#
# usage: json.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"
ranks=1

# compare WHAT OTHER: the answer in $work/out has the numbers of OTHER.
compare() {
    expect "the numbers of $2" /usr/bin/python3 "$source/tests/commands/compare_json.py" "$1" \
        "$work/out" "$2"
}

# answers FILE: `show --json` has everything in the file.
answers() {
    has_h5py || skip 'no h5py to compare with'
    works '^ "command": "show"' show "$1" --json
    compare show "$1"
}

# perceptron: write a small job with everything that a training run needs.
perceptron() {
    cat > job.yaml <<EOF
model: {family: mlp, widths: [4], seed: 5}
data: {generator: clusters, features: 3, classes: 3, sequences: 6, seed: 1}
train: {optimiser: adamw, learning_rate: 0.01, steps: 4, batch: 3, stages: [init, 2, 100%]}
EOF
}

case_result() {
    works ok run job.yaml --set 'hessian.parts=[hessian, gauss_newton]' --set hessian.scope=both
    cat "$work/out" > table
    answers result.h5
    compare table table
}
case_estimates_have_no_checks() {
    works lanczos run job.yaml --set hessian.method=lanczos --set hessian.scope=both
    answers result.h5
    expect 'null for NaN' grep -q '"check_trace": null' "$work/out"
    expect 'no verdict' grep -q '"checks": "-"' "$work/out"
}
case_result_of_schema_1() {
    answers "$source/tests/output/schema_1_exact.h5"
    expect 'present names of columns' grep -q '^ *"check_trace"' "$work/out"
}
case_log_series_and_sweep() {
    perceptron
    launch train job.yaml --output run1 --quiet
    expect_status 0
    answers run1/log.h5
    launch run job.yaml --set 'model.checkpoints=[run1/stage-*.safetensors]' --output series.h5
    expect_status 0
    answers series.h5
    launch run job.yaml --set hessian.repeats=2 --output repeats.h5
    expect_status 0
    answers repeats.h5
}
case_theory_and_landscape() {
    perceptron
    launch landscape job.yaml --set 'landscape.points=[5]' --output landscape.h5
    expect_status 0
    answers landscape.h5
    cat > job.yaml <<EOF
model: {family: quadratic, widths: [2, 3], eigenvalues: [1, 3, 20, 30, 70], seed: 5}
theory: {draws: 5}
EOF
    launch theory job.yaml --output theory.h5
    expect_status 0
    answers theory.h5
}
case_large_datasets_have_no_values() {
    cat > job.yaml <<EOF
model: {family: mlp, widths: [40], seed: 5}
data: {generator: clusters, features: 4, classes: 4, sequences: 2, seed: 1}
hessian: {scope: full}
output: {matrices: true}
EOF
    launch run job.yaml --output large.h5
    expect_status 0
    answers large.h5
    expect 'a matrix without its values' grep -q '"values": null' "$work/out"
}
case_attribute_without_a_value() {
    has_h5py || skip 'no h5py to write it with'
    works ok run job.yaml
    /usr/bin/python3 -c 'import h5py
with h5py.File("result.h5", "r+") as f: f.attrs["note"] = h5py.Empty("S2000")'
    works '"command": "show"' show result.h5 --json
    expect 'no value' sh -c "! grep -q note '$work/out'"
}
case_verified() {
    works ok run job.yaml
    works '"verified": true' show result.h5 --verify --json
    patch result.h5 20000 'x'
    refused 3 'result.h5: .*' show result.h5 --verify --json
    refused 3 'nowhere.h5: .*' show nowhere.h5 --json
}
case_plan() {
    works '^block ' plan job.yaml --ranks 3
    cat "$work/out" > table
    works '"command": "plan"' plan job.yaml --ranks 3 --json
    compare plan table
    refused 2 '--json and --sbatch: .*' plan job.yaml --json --sbatch
}
case_plan_of_a_sweep_and_of_training() {
    perceptron
    works '"products_of_a_step"' plan job.yaml --json
    echo 'sweep: {model: {seed: [1, 2, 3]}}' >> job.yaml
    works '"point": "seed-2"' plan job.yaml --json
    expect 'three points' [ "$(grep -c '"point": ' "$work/out")" -eq 3 ]
    perceptron
    works '"repeats": 3' plan job.yaml --json --set hessian.repeats=3
}
case_info_and_version() {
    ranks=2
    for command in info version; do
        works '"hdf5": "[0-9.]*, parallel"' $command --json
        expect 'JSON' python3 -m json.tool "$work/out"
    done
    works '"ranks": 2' info --json
    ranks=1
    works '"units": "FLOP/s"' info --json
}
case_check() {
    ranks=2
    works '"loss": ' check job.yaml --json
    compare checks 5
    expect_lines 1 '^{'
}

run_cases "$@"
