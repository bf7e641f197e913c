#!/bin/sh
# The commands of docs/SKILL.md work as they stand.
#
# usage: skill.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_commands_work() {
    rm -- *
    mkdir bin
    ln -s "$hesse" bin/hesse
    ln -s "$mpiexec" bin/mpirun
    sed -n '/^```sh$/,/^```$/p' "$source/docs/SKILL.md" | grep -v '^```' > script
    for command in version selftest keys plan check run show train; do
        expect "hesse $command in the document" grep -q "hesse $command" script
    done
    launched='the commands of docs/SKILL.md'
    PATH=$PWD/bin:$PATH OMP_NUM_THREADS=1 timeout 300 sh -e script > "$work/out" 2> "$work/err"
    status=$?
    expect_status 0
    expect_notes 0 '^hesse: '
    expect_line '^selftest: all [0-9]* checks passed$'
    expect_line 'as it was written, [0-9]* spectra checked$'
    expect_line '^layers.0.weight 40 [0-9.e-]* ok$'
    expect_line '^blocks at step 0 > at step 50$'
}
# The table of exit statuses has those of the program.
case_statuses() {
    ranks=1
    launch help
    sed -n 's/^| \([0-9][0-9]*\) | .*/\1/p' "$source/docs/SKILL.md" > found
    { sed 's/^ *//' "$work/out" | tr '\n' ' '; echo; } | sed 's/.*Exit status: 0 done;//' | tr ';' '\n' |
        sed -n 's/^ *\([0-9][0-9]*\) .*/\1/p' > wanted
    expect 'the statuses of the help' diff wanted found
}

run_cases "$@"
