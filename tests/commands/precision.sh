#!/bin/sh
# hessian.precision: single, which previews the numbers of double precision.
#
# usage: precision.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# previews WORD...: the eigenvalues of a job in both precisions agree, and the file of single
# precision is sound and says what it is.
previews() {
    has_h5py || skip 'no h5py compares the results'
    works 'ok$' run job.yaml --output double.h5 "$@"
    works 'precision  *single' run job.yaml --output single.h5 --set hessian.precision=single "$@"
    expect 'all checks within their bounds' [ "$(grep -c 'WRONG$' "$work/out")" = 0 ]
    works 'as it was written' show --verify single.h5
    expect 'eigenvalues as in double precision' \
        /usr/bin/python3 "$source/tests/commands/precision.py" single.h5 double.h5
}

# drawn MODEL DATA: a job of a network that is drawn from a seed.
drawn() {
    cat > job.yaml <<EOF
model: {$1, seed: 2}
data: {$2, seed: 3}
output: {file: result.h5}
EOF
}

case_of_a_checkpoint() {
    previews
}
case_on_one_rank() {
    ranks=1
    previews --set hessian.scope=blocks --set hessian.partition=whole
}
case_on_two_ranks_by_layer() {
    ranks=2
    previews --set hessian.partition=layer --set hessian.scope=both
}
case_with_parts_and_scaling() {
    previews --set 'hessian.parts=[hessian, gauss_newton, functional]' \
        --set measures.scaling.name=gradient
}
case_of_a_llama() {
    fresh llama
    previews
}
case_of_a_perceptron() {
    drawn 'family: mlp, widths: [40, 24]' 'generator: gaussian, features: 30, classes: 4, sequences: 40'
    previews
}
case_of_linear_attention() {
    drawn 'family: linear_transformer, layers: 2' \
        'generator: regression, features: 5, examples: 12, sequences: 60'
    previews
}
case_with_threads() {
    OMP_NUM_THREADS=2
    export OMP_NUM_THREADS
    previews
}

case_needs_double() {
    for key in spectrum.eigenvectors=1 spectrum.engine=lapack 'measures.index=[0]' \
        output.matrices=true measures.kronecker=true; do
        run_refused 2 ".*${key%%=*}.* is for 'hessian.precision: double'.*" \
            --set hessian.precision=single --set "$key"
    done
}
case_needs_matrices() {
    run_refused 2 ".*'hessian.precision' is that of formed matrices, and Lanczos quadrature forms none" \
        --set hessian.precision=single --set hessian.method=lanczos
}
case_plan_needs_less_memory() {
    ranks=1
    printf 'model: {family: mlp, widths: [64]}\n' > large.yaml
    printf 'data: {generator: gaussian, features: 128, classes: 4, sequences: 16}\n' >> large.yaml
    printf 'hessian: {scope: full, method: exact}\n' >> large.yaml
    works '"order": 8516' plan large.yaml --json
    double=$(sed -n 's/.*"peak": \([0-9]*\).*/\1/p' "$work/out")
    expect 'less than a square of numbers' [ "$double" -lt $((8516 * 8516 * 8)) ]
    works '"order": 8516' plan large.yaml --json --set hessian.precision=single
    single=$(sed -n 's/.*"peak": \([0-9]*\).*/\1/p' "$work/out")
    expect 'less memory' [ "$((single + (20 << 20)))" -lt "$double" ]
}

run_cases "$@"
