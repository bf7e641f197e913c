#!/bin/sh
# Measures besides spectra: directions, errors of blocks, inverse participation ratios.
#
# usage: measures.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# asked: the case's job asks for all measures, for matrices and for eigenvectors. other.safetensors
# is another checkpoint: the first one with its numbers in reverse order.
asked() {
    cat >> job.yaml <<EOF
  matrices: true
hessian:
  parts: [hessian, gauss_newton]
spectrum:
  eigenvectors: 3
measures:
  directions: [gradient, other.safetensors, model.safetensors..other.safetensors]
  block_error: [own]
EOF
    has_h5py || skip 'no h5py makes another checkpoint'
    /usr/bin/python3 - <<'EOF'
import numpy as np
raw = open("model.safetensors", "rb").read()
start = 8 + int.from_bytes(raw[:8], "little")
open("other.safetensors", "wb").write(raw[:start] + np.frombuffer(raw[start:])[::-1].tobytes())
EOF
}

case_numbers_of_numpy() {
    asked
    for ranks in 1 2 4; do
        works 'model.safetensors..other.safetensors gauss_newton' \
            run job.yaml --output "result.$ranks.h5"
        expect 'the numbers of NumPy' /usr/bin/python3 "$source/tests/commands/measures.py" \
            "result.$ranks.h5" gradient other.safetensors model.safetensors..other.safetensors
        /usr/bin/python3 "$source/tools/show_result.py" "result.$ranks.h5" > "$work/python"
        expect 'the same tables from tools/show_result.py' diff "$work/out" "$work/python"
    done
}
# The factors of a perceptron are computed by hand, and those of a linear model are known.
case_kronecker_products() {
    has_h5py || skip 'no h5py compares'
    for file in x.npy y.npy model.safetensors; do
        cat "$source/tests/families/mlp/$file" > $file
    done
    cat > job.yaml <<EOF
model: {family: mlp, widths: [5, 4], activation: tanh, checkpoint: model.safetensors}
data: {inputs: x.npy, labels: y.npy}
hessian: {parts: [hessian, gauss_newton]}
measures: {kronecker: true}
output: {matrices: true, file: result.h5}
EOF
    for ranks in 1 2 4; do
        works 'layers.2.weight *gauss_newton' run job.yaml --output "result.$ranks.h5"
        expect 'the numbers of NumPy' /usr/bin/python3 "$source/tests/commands/kronecker.py" \
            "result.$ranks.h5" mlp
        /usr/bin/python3 "$source/tools/show_result.py" "result.$ranks.h5" > "$work/python"
        expect 'the same tables from tools/show_result.py' diff "$work/out" "$work/python"
    done
}
case_kronecker_of_a_linear_model() {
    has_h5py || skip 'no h5py compares'
    /usr/bin/python3 - <<'EOF'
import numpy as np
r = np.random.default_rng(1)
np.save("x.npy", r.normal(size=(9, 4)))
np.save("y.npy", r.normal(size=(9, 1)))
EOF
    cat > job.yaml <<EOF
model: {family: mlp, widths: [], bias: false, loss: squared_error, seed: 1}
data: {inputs: x.npy, targets: y.npy}
measures: {kronecker: true}
output: {file: result.h5}
EOF
    for ranks in 1 2; do
        works 'layers.0.weight *hessian *1.0000 *1.0000' run job.yaml --force
        expect 'an exact K-FAC' /usr/bin/python3 "$source/tests/commands/kronecker.py" \
            result.h5 linear
    done
}
# A transformer stores [in, out]; heads are slices; the token embedding is tied.
case_kronecker_of_a_transformer() {
    asked
    for ranks in 1 2; do
        works 'attn.c_attn.weight.query.head.1 *hessian' run job.yaml --force \
            --set hessian.partition=head --set measures.kronecker=true
        expect 'the numbers of NumPy' /usr/bin/python3 "$source/tests/commands/kronecker.py" \
            result.h5 gpt2
    done
}
case_kronecker_without_matrices() {
    fresh gpt2
    refused 2 ".*'measures.kronecker' is true, but 'hessian.method: lanczos' forms no .*" \
        run job.yaml --set hessian.method=lanczos --set measures.kronecker=true
}
case_error_of_neurons() {
    asked
    works 'neuron .*gauss_newton' run job.yaml --set hessian.partition=neuron
    expect 'the numbers of NumPy' /usr/bin/python3 "$source/tests/commands/measures.py" result.h5
}
# A partition of the error need not be that of the job; then the share outside of coarser
# blocks is known, too.
case_error_by_other_partitions() {
    asked
    for partition in layer neuron; do
        launch run job.yaml --set hessian.partition=$partition --output $partition.h5 \
            --set 'measures.directions=[gradient]'
        expect_status 0
        sed -n "s/^  $partition .* gradient  *//p" "$work/out" > "$work/$partition"
    done
    works '^  whole .* 0.0000 *1.0000 *0.0000$' run job.yaml \
        --set 'measures.block_error=[own, layer, neuron, whole]'
    sed -n "s/^  layer .* gradient  *//p" "$work/out" > "$work/other.layer"
    sed -n "s/^  neuron .* gradient  *//p" "$work/out" | sed 's/-$//' > "$work/other.neuron"
    sed -i 's/[^ ]*$//' "$work/neuron" # tensors are not finer than neurons
    expect 'the error of layers' diff "$work/layer" "$work/other.layer"
    expect 'the error of neurons' diff -b "$work/neuron" "$work/other.neuron"
    expect 'two shares' [ "$(wc -l < "$work/other.layer")" -eq 2 ]
}
# Blocks that are left out take no part, and matrices need not be formed.
case_directions_of_some_blocks() {
    fresh gpt2
    works '^  gradient  *hessian .* -$' run job.yaml --set 'hessian.only=["*h.1*"]' \
        --set hessian.method=lanczos --set 'measures.directions=[gradient]'
}
# Eigenvectors of a matrix that is not formed serve as well.
case_top_without_matrices() {
    fresh gpt2
    for method in exact lanczos; do
        set -- run job.yaml --set hessian.scope=full --set spectrum.eigenvectors=2 \
            --set 'measures.directions=[gradient]' --set 'measures.block_error=[layer]' \
            --set hessian.method=$method --output $method.h5
        [ $method = exact ] || set -- "$@" --set spectrum.extreme.pairs=3
        works '^  gradient  *hessian .* 0\.[0-9]*$' "$@"
        sed -n '/^curvature/,$p' "$work/out" | sed '/^  layer/s/ *[^ ]*$//' > "$work/$method"
    done
    expect 'the numbers of formed matrices' diff "$work/exact" "$work/lanczos"
    expect 'two eigenvectors' grep -q 'layer *hessian *top 1 ' "$work/exact"
}
case_plan() {
    asked
    works '^directions   up to 222 products' plan job.yaml
    expect_line '^block error  up to 592 products' # 2 shares, 8 vectors, 36 blocks and the whole
}
case_too_many_products() {
    fresh gpt2
    for command in plan run; do
        refused 2 "the error of the .* blocks by neuron takes up to .* ('measures.products')" \
            $command job.yaml --set 'measures.block_error=[neuron]' \
            --set measures.products=100
        refused 2 "the curvature along directions takes .* at most 10 .*" \
            $command job.yaml --set 'measures.directions=[gradient]' \
            --set measures.products=10
    done
}
case_missing_file() {
    fresh gpt2
    refused 3 'none.safetensors: No such file.*' run job.yaml \
        --set 'measures.directions=[none.safetensors]'
}
case_dots_in_a_name() {
    fresh gpt2
    cp model.safetensors a..b.safetensors
    refused 3 "a..b.safetensors: is there, but .*expected a file without '..' in its name" \
        run job.yaml --set 'measures.directions=[a..b.safetensors]'
    rm a..b.safetensors
    refused 2 ".*holds 'a..b..c', expected gradient, FILE or FILE_A..FILE_B.*" \
        run job.yaml --set 'measures.directions=[a..b..c]'
}
# Dots that are a folder separate nothing.
case_folder_above() {
    fresh gpt2
    mkdir inner
    cp job.yaml inner
    works 'd.Sd' run inner/job.yaml --set model.config=../config.json \
        --set model.checkpoint=../model.safetensors --set data.tokens=../tokens.npy \
        --set 'measures.directions=[../model.safetensors]'
    works '\.\./model.safetensors\.\.\.\./model.safetensors *hessian *0.000e+00 *nan' \
        run inner/job.yaml --set model.config=../config.json --force \
        --set model.checkpoint=../model.safetensors --set data.tokens=../tokens.npy \
        --set 'measures.directions=[../model.safetensors..../model.safetensors]'
}
case_wrong_shape() {
    fresh gpt2
    cat "$references/llama/model.safetensors" > other.safetensors
    for command in plan run; do
        refused 3 'other.safetensors: .*' $command job.yaml \
            --set 'measures.directions=[other.safetensors]'
    done
}
# --resume compares the content of directions, and --force spares them.
case_resume_and_force() {
    asked
    works hessian run job.yaml
    launch run job.yaml --resume
    expect_status 0
    expect_notes 1 'is complete; nothing was computed'
    cat model.safetensors > other.safetensors
    refused 6 'result.h5: .*directions.*' run job.yaml --resume
    refused 2 'other.safetensors: the result would replace the checkpoint .*' \
        run job.yaml --force --output other.safetensors
}

run_cases "$@"
