#!/bin/sh
# hesse plan: the predicted time and memory of a run, and batch scripts for it.
#
# usage: plan.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_for_the_ranks_that_run_it() {
    ranks=2
    works '^ranks  *2$' plan job.yaml
    expect_files
}
case_for_other_ranks() {
    ranks=2
    works '^ranks  *64$' plan job.yaml --ranks 64 --memory-per-rank 1GiB
}
case_states_the_memory() {
    ranks=2
    works ' of 1 GiB; ' plan job.yaml --ranks 64 --memory-per-rank=1GiB
}
case_batch_script() {
    ranks=2
    works '^#SBATCH --ntasks=8$' plan job.yaml --sbatch --ranks 8 --memory-per-rank=2GiB
    expect 'a shell script' bash -n "$work/out"
    for line in '--mem-per-cpu=' '--time=' '--signal=B:USR1@120' '--requeue'; do
        expect_line "^#SBATCH $line"
    done
    expect_files
}
case_blocks_of_a_paper() {
    { cat job.yaml; echo 'hessian: {blocks: paper-gpt2}'; } > paper.yaml
    works '^blocks  *13' plan paper.yaml
}
case_eigenpairs() {
    works '^eigenpairs   2 at each end to 1e-08' plan job.yaml \
        --set hessian.method=lanczos --set spectrum.lanczos.steps=12 \
        --set spectrum.extreme.pairs=2 --set spectrum.hutchinson.probes=5
}

# near A B: two sizes differ by less than a fifth.
near() {
    awk -v a="$1" -v b="$2" 'BEGIN { print a, b; exit !(a > 0.8 * b && a < 1.25 * b) }'
}
case_size_of_the_result() {
    ranks=1
    works '^hessian' run job.yaml
    works '^disk  *about [0-9.]* KiB for the result' plan job.yaml
    expect 'the size of the result' near \
        "$(sed -n 's/^disk .*about \([0-9.]*\) KiB for the.*/\1/p' "$work/out")" \
        "$(($(wc -c < result.h5) / 1024))"
}

run_cases "$@"
