#!/bin/sh
# hesse info: the libraries that the program was built with.
#
# usage: info.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_names_its_libraries() {
    ranks=2
    works MPI info
    expect_files
}

run_cases "$@"
