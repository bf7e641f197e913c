#!/bin/sh
# hesse check: the laws of derivatives on a job's model and data.
#
# usage: check.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_all_laws_hold() {
    ranks=2
    works 'symmetry.* ok$' check job.yaml
    expect_lines 5 ' ok$'
    expect_files
}

case_neurons_of_jobs_with_other_blocks() {
    ranks=1
    works 'panels of neurons.* ok$' check job.yaml --set hessian.partition=layer \
        --set 'hessian.only=[transformer.h.0.ln_1]' --set spectrum.eigenvectors=2
    expect_lines 5 ' ok$'
}

run_cases "$@"
