#!/bin/sh
# hesse run with hessian.method: lanczos, and with auto when it chooses Lanczos.
#
# usage: lanczos.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# lanczos FILE WORD...: a run of twelve steps; its result must pass show --verify.
lanczos() {
    file=$1
    shift
    works '(full)  *724 lanczos' run job.yaml --output "$file" \
        --set hessian.method=lanczos --set spectrum.lanczos.steps=12 "$@"
    cp "$work/err" "$work/notes"
    works 'as it was written, 37 spectra checked' show --verify "$file"
}

case_on_one_rank() {
    ranks=1
    lanczos result.h5
}
case_on_three_ranks() {
    lanczos result.h5
    has_h5py || skip 'no h5py for tools/show_result.py'
    /usr/bin/python3 "$source/tools/show_result.py" result.h5 > "$work/python"
    launch show result.h5
    expect 'the same tables from tools/show_result.py' diff "$work/out" "$work/python"
}
case_published_procedure() {
    lanczos result.h5 --set spectrum.lanczos.procedure=paper --set data.batch=1
}
case_eigenpairs() {
    lanczos result.h5 --set spectrum.extreme.pairs=2 --set spectrum.hutchinson.probes=5 \
        --set spectrum.eigenvectors=1
}
case_eigenpairs_with_too_few_products() {
    lanczos result.h5 --set spectrum.extreme.pairs=2 --set spectrum.extreme.products=10 \
        --set spectrum.extreme.block=1
    expect 'a note that they are not found' grep -q \
        '^note: extreme eigenvalues of [0-9]* matrices are not .* after 1[0-9] products' \
        "$work/notes"
}

# A model that is too wide for the libraries for matrices.
wide() {
    cat > wide.yaml <<EOF
model: {family: mlp, widths: [362]}
data: {generator: gaussian, features: 363, classes: 2, sequences: 2}
hessian: {scope: full, method: lanczos}
spectrum: {lanczos: {steps: 2, probes: 1}}
EOF
}
case_eigenpairs_of_a_wide_model_two_vectors_at_once() {
    wide
    works '(full)  *132494 lanczos' run wide.yaml --set spectrum.extreme.pairs=1 \
        --set spectrum.extreme.block=2 --set spectrum.extreme.products=8
}
case_auto_for_a_block_beyond_the_libraries() {
    wide
    works 'layers.0.weight *131406 *lanczos' \
        plan wide.yaml --set hessian.method=auto --set hessian.scope=blocks
    works 'layers.1.bias *2 small' \
        run wide.yaml --output auto.h5 --set hessian.method=auto --set hessian.scope=blocks
    has_h5dump || skip 'no h5dump reads the attributes of the family'
    expect 'the attribute of its family' h5dump -a model_outputs auto.h5
    expect 'no attribute of another family' \
        [ -z "$(h5dump -a model_heads auto.h5 2> "$work/dump" | grep DATA)" ]
}

run_cases "$@"
