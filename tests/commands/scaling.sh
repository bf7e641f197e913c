#!/bin/sh
# Measures besides spectra: the section `measures` of a job. scaling.py compares their
# datasets with NumPy's numbers from the stored matrices.
#
# usage: scaling.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

moments() {
    /usr/bin/python3 "$source/tests/commands/scaling.py" moments "$@"
}
agrees() {
    expect 'the numbers of NumPy' /usr/bin/python3 "$source/tests/commands/scaling.py" "$@"
}

# Scaling.

# scaled NAME POWER EPSILON [WORD...]: the scaled matrices, spectra and numbers are right.
scaled() {
    quantity=$1 power=$2 epsilon=$3
    shift 3
    has_h5py || skip 'no h5py reads the matrices'
    works '^hessian_scaled$' run job.yaml --set output.matrices=true \
        --set 'hessian.parts=[hessian, gauss_newton]' \
        --set "measures.scaling.name=$quantity" "$@"
    agrees scaling result.h5 "$quantity" "$power" "$epsilon" moments.safetensors
    works '.*spectra checked' show result.h5 --verify
}

case_scaling_by_moments() {
    for ranks in 1 2 4; do
        rm -f result.h5
        moments moments.safetensors $weights extended
        scaled exp_avg_sq 0.5 1e-8 --set measures.scaling.file=moments.safetensors
    done
}
case_scaling_by_bare_moments_on_one_rank() {
    ranks=1
    moments moments.safetensors $weights bare
    scaled exp_avg_sq 0.25 1e-3 --set measures.scaling.file=moments.safetensors \
        --set measures.scaling.power=0.25 --set measures.scaling.epsilon=1e-3
}
case_scaling_by_its_diagonal() {
    for ranks in 1 4; do
        rm -f result.h5
        scaled diagonal 1 1e-3 --set measures.scaling.epsilon=1e-3
    done
}
case_scaling_by_the_gauss_newton_part() {
    scaled gauss_newton 1 1e-3 --set measures.scaling.epsilon=1e-3
}
case_scaling_by_the_gradient() {
    scaled gradient 0.5 1e-3 --set measures.scaling.epsilon=1e-3
}
# A block of a group of ranks, and blocks of single ranks, without the full matrix.
case_scaling_without_the_full_matrix() {
    has_h5py || skip 'no h5py reads the matrices'
    moments moments.safetensors $weights
    for ranks in 1 2 4; do
        works '^hessian_scaled$' run job.yaml --set measures.scaling.name=exp_avg_sq \
            --set measures.scaling.file=moments.safetensors --set hessian.scope=blocks \
            --output "$ranks.h5"
        works 'checked' show "$ranks.h5" --verify
        agrees same 1.h5 "$ranks.h5"
    done
}
# Estimated matrices have the extreme eigenvalues of formed ones.
case_scaling_of_estimates() {
    has_h5py || skip 'no h5py reads the matrices'
    moments moments.safetensors $weights
    set -- --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors --set hessian.scope=blocks \
        --set 'hessian.parts=[hessian, gauss_newton]'
    works '^hessian_scaled$' run job.yaml "$@" --set output.matrices=true --output exact.h5
    for ranks in 1 2 4; do
        works '^hessian_scaled$' run job.yaml "$@" --set hessian.method=lanczos \
            --set spectrum.extreme.pairs=2 --set spectrum.hutchinson.probes=200 \
            --set spectrum.lanczos.probes=3 --output "$ranks.h5"
        works 'checked' show "$ranks.h5" --verify
        agrees estimates "$ranks.h5" exact.h5
    done
}
case_scaling_takes_up_what_was_done() {
    moments moments.safetensors $weights
    works hessian_scaled run job.yaml --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors
    launch run job.yaml --resume --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors
    expect_status 0
    expect_notes 1 'is complete; nothing was computed'
    moments moments.safetensors $weights zero
    run_refused 6 '.*moments.*' --resume --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors
}
case_scaling_by_moments_of_another_shape() {
    moments moments.safetensors $weights short
    run_refused 3 \
        "moments.safetensors: tensor '.*' has shape \[.*\], expected \[.*\] by the model's sizes" \
        --set measures.scaling.name=exp_avg_sq --set measures.scaling.file=moments.safetensors
}
case_scaling_by_a_file_without_moments() {
    cat "$references/llama/$weights" > other.safetensors
    run_refused 3 "other.safetensors: expected a tensor '.*', nearest is '.*'" \
        --set measures.scaling.name=exp_avg_sq --set measures.scaling.file=other.safetensors
}
case_scaling_by_zero() {
    moments moments.safetensors $weights zero
    run_refused 5 ".*wte.weight\[0, 0\]: the scaling by exp_avg_sq is .*above 0" \
        --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors --set measures.scaling.epsilon=0
}
case_scaling_by_a_diagonal_that_is_not_there() {
    run_refused 2 ".*'measures.scaling.name' needs a diagonal.*" \
        --set hessian.method=lanczos --set measures.scaling.name=diagonal
}
case_scaling_by_no_file() {
    run_refused 2 ".*'measures.scaling.name' is exp_avg_sq, expected .*" \
        --set measures.scaling.name=exp_avg_sq
}
case_scaling_by_a_file_that_nothing_needs() {
    run_refused 2 ".*'measures.scaling.file' is for .*" \
        --set measures.scaling.file=model.safetensors
}

# Power laws of the largest eigenvalues.

case_tail() {
    has_h5py || skip 'no h5py reads the result'
    for ranks in 1 2 4; do
        works 'tail exponent' run job.yaml --set measures.tail=true \
            --set 'hessian.parts=[hessian, gauss_newton]' --output "$ranks.h5"
        agrees tail "$ranks.h5"
        works 'checked' show "$ranks.h5" --verify
    done
}
case_tail_of_estimates_is_not_fitted() {
    works ' nan ' run job.yaml --set measures.tail=true --set hessian.method=lanczos \
        --set hessian.scope=blocks
    works 'checked' show result.h5 --verify
}

# Counts of eigenvalues.

case_index() {
    has_h5py || skip 'no h5py reads the matrices'
    moments moments.safetensors $weights
    for ranks in 1 2 4; do
        works 'below 0 .*below -0.001' run job.yaml --set 'measures.index=[0, -1e-3, 0.05]' \
            --set output.matrices=true --output "$ranks.h5" \
            --set measures.scaling.name=exp_avg_sq \
            --set measures.scaling.file=moments.safetensors
        agrees index "$ranks.h5" 0 -1e-3 0.05
        works 'checked' show "$ranks.h5" --verify
    done
}
case_index_without_the_full_matrix() {
    has_h5py || skip 'no h5py reads the result'
    for ranks in 1 4; do
        works 'below 0' run job.yaml --set 'measures.index=[0]' \
            --set hessian.scope=blocks --output "$ranks.h5"
        works 'checked' show "$ranks.h5" --verify
    done
}
case_index_of_estimates() {
    ranks=1
    works ' -$' run job.yaml --set 'measures.index=[0]' --set hessian.method=lanczos \
        --set hessian.scope=blocks
    works 'checked' show result.h5 --verify
}
# `show` and tools/show_result.py print the same, with all measures.
case_show_prints_the_measures() {
    has_h5py || skip 'no h5py for tools/show_result.py'
    moments moments.safetensors $weights
    works 'below 0' run job.yaml --set 'measures.index=[0, 1]' --set measures.tail=true \
        --set measures.scaling.name=exp_avg_sq \
        --set measures.scaling.file=moments.safetensors
    works 'condition before' show result.h5
    /usr/bin/python3 "$source/tools/show_result.py" result.h5 > "$work/python"
    expect 'the same tables from tools/show_result.py' diff "$work/out" "$work/python"
}
case_no_values_of_the_index() {
    run_refused 2 ".*'measures.index'.*" --set 'measures.index=[]'
}

run_cases "$@"
