#!/bin/sh
# hesse selftest: it needs nothing but the program and a temporary folder.
#
# usage: selftest.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_any_number_of_ranks() {
    rm -- *
    for ranks in 1 2 3 5; do
        works '^selftest: all [0-9]* checks passed$' selftest
        expect 'a line for every check' [ "$(grep -c ' ok$' "$work/out")" -eq \
            "$(sed -n 's/^selftest: all \([0-9]*\) .*/\1/p' "$work/out")" ]
        expect_lines 0 FAILED
        expect_notes 0 .
        for check in 'Hessian-vector products' symmetry 'Gauss-Newton part' \
            'sum of the shares' 'panels of neurons' 'eigenvalues by lapack' 'loss, trace' \
            'eigenvalues: traces' 'norms of all pieces' 'Lanczos nodes' 'Lanczos trace' \
            'result file: eigenvalues' 'result file: one changed byte' \
            'stopped run: it stops' 'stopped run: eigenvalues'; do
            expect_lines 1 "^$check.* ok$"
        done
    done
    expect 'no files' [ -z "$(ls)" ]
}
case_every_engine() {
    ranks=2
    launch info
    engines=$(sed -n 's/^engines  *//p' "$work/out" | tr -d ,)
    launch selftest
    for engine in $engines; do expect_lines 1 "^eigenvalues by $engine.* ok$"; done
}
# The folder and the file of the program are not writable, and only TMPDIR is used.
case_read_only() {
    mkdir program place
    cp "$hesse" program/hesse
    chmod 555 program .
    hesse=$PWD/program/hesse
    TMPDIR=$PWD/place
    export TMPDIR
    ranks=1
    works 'checks passed$' selftest
    expect 'an empty folder afterwards' [ -z "$(ls place)" ]
    chmod 755 . program
}
# Open MPI has a place of its own then.
case_no_temporary_folder() {
    launched="hesse selftest in a TMPDIR that nobody can write"
    OMPI_MCA_orte_tmpdir_base=$PWD TMPDIR=/proc "$hesse" selftest > "$work/out" 2> "$work/err"
    status=$?
    expect_status 6
    expect_notes 1 '^hesse: /proc/hesse-selftest-.*: cannot be made: No such file or'
    expect_notes 1 'TMPDIR names another place$'
}
case_json() {
    ranks=2
    launch selftest
    count=$(grep -c ' ok$' "$work/out")
    works '^ "passed": true' selftest --json
    expect "$count checks" /usr/bin/python3 "$source/tests/commands/compare_json.py" checks \
        "$work/out" "$count"
}
# A library of LAPACK with one eigenvalue that is wrong by 1e-9.
case_a_wrong_library_is_found() {
    cat > wrong.c <<END
#include <dlfcn.h>
#include <string.h>
typedef void solver(const char *, const char *, const int *, double *, const int *, double *,
                    double *, const int *, int *, const int *, int *);
solver dsyevd_2stage_;
void dsyevd_2stage_(const char *job, const char *half, const int *n, double *a, const int *lda,
                    double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                    int *info)
{
    void *liblapack = dlopen("liblapack.so.3", RTLD_LAZY);
    void *symbol = dlsym(liblapack, "dsyevd_2stage_");
    solver *real;
    memcpy(&real, &symbol, sizeof real);
    real(job, half, n, a, lda, w, work, lwork, iwork, liwork, info);
    if (*lwork > 0 && *n == 96) w[50] += 1e-9;
}
END
    cc -shared -fPIC wrong.c -o wrong.so -ldl 2> "$work/err" || skip 'no compiler'
    launched='hesse selftest with a wrong library'
    LD_PRELOAD=$PWD/wrong.so "$hesse" selftest > "$work/out" 2> "$work/err"
    status=$?
    expect_status 5
    expect_lines 1 'eigenvalues by lapack.* FAILED$'
    expect_lines 0 'checks passed'
    expect_notes 1 '^hesse: selftest: eigenvalues by lapack: closed form: relative defect .*'
}

run_cases "$@"
