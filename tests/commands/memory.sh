#!/bin/sh
# Limits of memory: one that is too low, one that is just enough for another method, and
# one that a run keeps.
#
# usage: memory.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_not_even_for_the_model() {
    run_refused 4 'program, model and data need .* MiB .* may use 1 MiB.*' \
        --set hessian.memory=1MiB
}
case_not_for_the_full_hessian() {
    run_refused 4 'the full Hessian of order 724 .* MiB.*' \
        --set "hessian.memory=$(beyond 5000)" --set hessian.method=exact
}
case_not_for_the_full_hessian_on_one_rank() {
    ranks=1
    run_refused 4 'the full Hessian of order 724 .*' \
        --set "hessian.memory=$(beyond 5000)" --set hessian.method=exact
}
case_not_for_a_block() {
    run_refused 4 "block 'whole' of order 724 .* MiB.*" \
        --set "hessian.memory=$(beyond 4000)" --set hessian.scope=blocks \
        --set hessian.partition=whole --set hessian.method=exact
}
case_not_for_one_vector() {
    run_refused 4 'the full Hessian of order 724 .* Lanczos.*' \
        --set "hessian.memory=$(beyond 800)" --set hessian.method=lanczos \
        --set hessian.scope=full --set spectrum.lanczos.steps=724
}
case_plan_refuses_too() {
    refused 4 'the full Hessian of order 724 .*' \
        plan job.yaml --memory-per-rank "$(beyond 5000)" --set hessian.method=exact
}
case_auto_runs_lanczos_where_a_matrix_does_not_fit() {
    little=$(beyond 3000)
    works 'ln_f.bias  *6 small' \
        run job.yaml --set "hessian.memory=$little" --set hessian.panel=4
    expect_line '(full)  *724 lanczos'
    launch show result.h5
    expect_line '(full)  *724 lanczos'
    works '^lanczos .* at once' plan job.yaml --memory-per-rank "$little"
}
case_a_run_takes_no_more_than_its_limit() {
    has_h5dump || skip 'no h5dump'
    ranks=1
    cat > deep.yaml <<EOF
model: {family: mlp, widths: [256, 128]}
data: {generator: gaussian, features: 784, classes: 10, sequences: 16}
hessian: {scope: both, method: lanczos, memory: 100MiB}
spectrum: {lanczos: {steps: 20, probes: 3}}
EOF
    works '(full) *235146 *lanczos' run deep.yaml
    h5dump -d /ranks/memory_peak -y -m %.0f -o "$work/peak" deep.h5 > "$work/dump"
    expect 'a peak of at most 100 MiB' [ "$(tr -d ' \n' < "$work/peak")" -le $((100 << 20)) ]
}

run_cases "$@"
