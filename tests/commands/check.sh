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

run_cases "$@"
