#!/bin/sh
# Tests of the program when standard output fails, when ranks were started differently, when
# it is started without mpirun, and in similar situations.
#
# usage: manners.sh HESSE MPIEXEC [CASE...]
set -u
LC_ALL=C OMP_NUM_THREADS=1
export LC_ALL OMP_NUM_THREADS
hesse=$1 mpiexec=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failures=0

# expect STATUS MESSAGE COMMAND...: the command may be mpi (below); MESSAGE is a pattern for standard error, or empty.
expect() {
    expected=$1 message=$2
    shift 2
    [ "$1" != mpi ] || { shift; set -- "$mpiexec" "$@"; }
    timeout 60 "$@" 2> "$work/err"
    status=$?
    [ $status -eq "$expected" ] || { echo "$*: status $status, expected $expected"; return 1; }
    [ -z "$message" ] || grep -q -e "$message" "$work/err" ||
        { echo "$*: expected a message like '$message'"; return 1; }
    [ $status -eq 0 ] || [ "$(grep -c '^hesse: ' "$work/err")" -eq 1 ] ||
        { echo "$*: expected one line that begins with 'hesse: '"; return 1; }
}

mpi() {
    "$mpiexec" "$@"
}

lacks() {
    ! grep -q -e "$1" "$2"
}

fresh() {
    rm -rf "$work/case"
    mkdir "$work/case"
    cd "$work/case" || exit 1
    cat > job.yaml <<END
model: {family: mlp, widths: [6], seed: 5}
data: {generator: clusters, features: 5, classes: 3, sequences: 6, seed: 1}
END
}

# Every command that prints, to a full disk, a pipe that nobody reads, and a closed file. The
# result of a run is still complete.
full_output() {
    "$hesse" run job.yaml --output there.h5 > run.out 2> "$work/err" || return 1
    for words in 'show there.h5' 'show --verify there.h5' 'plan job.yaml' \
        'plan job.yaml --sbatch' 'check job.yaml' 'show there.h5 --json' 'plan job.yaml --json' \
        'check job.yaml --json' info help --version 'completion zsh' \
        'run job.yaml --force --output there.h5'; do
        # shellcheck disable=SC2086
        expect 6 'standard output: cannot be written' "$hesse" $words > /dev/full &&
            expect 6 'standard output: cannot be written' "$hesse" $words >&- || return 1
        # A pipe whose reader has ended.
        # shellcheck disable=SC2086
        expect 6 'standard output: cannot be written' python3 -c '
import os, signal, sys
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$hesse" $words || { echo "$words, to a closed pipe"; return 1; }
        "$hesse" show --verify there.h5 > /dev/null || return 1
    done
    [ ! -e there.h5.parts ]
}

full_output_of_ranks() {
    expect 6 'standard output: cannot be written' mpi -n 2 sh -c \
        "exec '$hesse' run job.yaml --output there.h5 > /dev/full" || return 1
    "$hesse" show --verify there.h5 > /dev/null && [ ! -e there.h5.parts ]
}

# differ WHAT FIRST SECOND: two ranks run these two shell commands. One launch of two
# programs, "mpirun A : B", would do the same, but mpirun of Open MPI 5.0.7 crashes at every
# such launch.
differ() {
    what=$1
    echo "$2" > rank.0
    echo "$3" > rank.1
    # shellcheck disable=SC2016
    expect 2 "ranks were started with different $what" mpi -n 2 sh -c \
        'exec sh "./rank.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}"' > out || return 1
    [ ! -s out ] && [ ! -e result.h5 ]
}

different_ranks() {
    mkdir elsewhere
    cp job.yaml elsewhere
    cp job.yaml other.yaml
    job="exec '$hesse' run job.yaml --output '$PWD/result.h5'"
    for more in '--set hessian.scope=full' --foo --resume other.yaml; do
        differ arguments "$job" "$job $more" && differ arguments "$job $more" "$job" || return 1
    done
    differ arguments "$job" "exec '$hesse' info" &&
        differ 'working directories' "$job" "cd elsewhere && $job" || return 1
    expect 0 '' mpi -n 2 "$hesse" run job.yaml > out
}

# Two files have one name, as on machines with separate file systems.
different_jobs() {
    unshare -m true 2> /dev/null || { echo 'skipped: files of one name (no unshare)'; return 0; }
    sed 's/seed: 1/seed: 2/' job.yaml > other.yaml
    differ 'job files' "exec '$hesse' run job.yaml" "exec unshare -m sh -c \
        \"mount --bind other.yaml job.yaml && exec '$hesse' run job.yaml\""
}

units() {
    expect 2 "'4', expected a size with a unit, such as 4GiB" \
        "$hesse" plan job.yaml --memory-per-rank 4 &&
        expect 2 'expected a size with a unit, such as 4GiB' \
            "$hesse" plan job.yaml --set hessian.memory=4 &&
        expect 0 '' "$hesse" plan job.yaml --memory-per-rank 4GiB > out
}

# A job that is larger than a pipe.
standard_input() {
    for i in 1 2 3 4 5 6 7 8; do
        head -c 20000 /dev/zero | tr '\0' '#'
        echo
    done > long.yaml
    cat job.yaml >> long.yaml
    expect 2 'standard input, expected --output FILE' "$hesse" run - < long.yaml || return 1
    expect 0 '' "$hesse" run - --output one.h5 < long.yaml > one || return 1
    # mpirun of Open MPI 4 itself crashes now and then while it passes standard input on.
    for attempt in 1 2 3; do
        # shellcheck disable=SC2002
        cat long.yaml | expect 0 '' mpi -n 2 "$hesse" run - --force --output two.h5 > two && break
        [ $attempt -lt 3 ] && grep -q 'orte_iof_hnp_read_local_handler' "$work/err" || return 1
    done
    "$hesse" run job.yaml --output one.h5 --force > file || return 1
    rows='^  *[a-z(].* ok$'
    [ "$(grep "$rows" one)" = "$(grep "$rows" file)" ] && grep -q "$rows" two
}

slow_blas() {
    grep -q avx2 /proc/cpuinfo && "$hesse" info 2> err | grep '^BLAS core' | grep -v -q unknown ||
        { echo 'skipped: slow kernels (no OpenBLAS, or no AVX2)'; return 0; }
    lacks '^warning: ' err || return 1
    OPENBLAS_CORETYPE=Prescott "$hesse" info > out 2> err || return 1
    grep -q '^warning: .*blas.* Prescott .*OPENBLAS_CORETYPE=' err || return 1
    OPENBLAS_CORETYPE=Prescott mpi -n 2 "$hesse" run job.yaml > out 2> err || return 1
    [ "$(grep -c '^warning: ' err)" -eq 1 ]
}

# --quiet leaves standard error empty, also where there is something to tell; errors remain.
quiet() {
    "$hesse" run job.yaml --output once.h5 > loud 2> err || return 1
    "$hesse" run job.yaml --output once.h5 --resume > loud 2> err || return 1
    grep -q '^note: once.h5 is complete' err || return 1
    "$hesse" run job.yaml --output once.h5 --resume --quiet > out 2> err || return 1
    [ ! -s err ] && cmp loud out || return 1
    echo 'train: {learning_rate: [0.1, 0.2], steps: 300, batch: 2}' >> job.yaml
    for words in 'run job.yaml --force --output once.h5' 'train job.yaml --output runs' \
        'train job.yaml --output runs --resume' 'landscape job.yaml' info; do
        # shellcheck disable=SC2086
        OPENBLAS_CORETYPE=Prescott mpi -n 2 "$hesse" $words --quiet > out 2> err || return 1
        [ ! -s err ] || { echo "$words: notes"; cat err; return 1; }
    done
    expect 6 'is there already' "$hesse" run job.yaml --output once.h5 --quiet
}

# descendants PID: all processes below it.
descendants() {
    for child in $(cat /proc/"$1"/task/*/children 2> /dev/null); do
        cat /proc/"$child"/comm 2> /dev/null
        descendants "$child"
    done
}

# Open MPI's singletons start a helper, orted, unless a setting forbids it.
no_helper() {
    [ -r /proc/self/task/$$/children ] || { echo 'skipped: no /proc/*/children'; return 0; }
    "$hesse" check job.yaml > out 2> err &
    seen= pid=$!
    while kill -0 "$pid" 2> /dev/null; do seen="$seen$(descendants "$pid")"; done
    wait
    [ -z "$seen" ] || { echo "it started: $seen"; return 1; }
}

# Help needs no MPI, and under mpirun one rank prints it.
help_of_ranks() {
    mpi -n 3 "$hesse" help > out 2> err || return 1
    [ "$(grep -c '^usage: hesse COMMAND' out)" -eq 1 ] || return 1
    mpi -n 3 "$hesse" help rum > out 2> err
    [ $? -eq 2 ] && [ "$(grep -c '^hesse: ' err)" -eq 1 ]
}

# README.md has the commands that the quickstart prints at its end, and they work without
# changes; the run uses a smaller part of the matrix.
after_the_quickstart() {
    sed -n '/^Then you can/,/^Open MPI/p' "$source/README.md" | sed -n '/^```sh/,/^```$/ {/^```/!p}' > next
    sed 's/  *#.*//' next > plain
    [ "$(wc -l < plain)" -ge 4 ] || return 1
    while IFS= read -r line; do
        grep -q -F -e "$line" "$source/tools/quickstart" ||
            { echo "tools/quickstart does not print: $line"; return 1; }
    done < plain
    "$hesse" run job.yaml --output quickstart.h5 > out 2> err || return 1
    mkdir build
    ln -s "$hesse" build/hesse
    ln -s "$source/jobs" "$source/docs" .
    sed '/ run /s/$/ --set hessian.scope=blocks --set hessian.only=[transformer.ln_f.bias]/' \
        plain > script
    env -u OMPI_ALLOW_RUN_AS_ROOT -u OMPI_ALLOW_RUN_AS_ROOT_CONFIRM sh -e script > out 2> err ||
        { cat err; return 1; }
    [ -e second.h5 ]
}

[ $# -gt 0 ] || set -- full_output full_output_of_ranks different_ranks different_jobs units \
    standard_input slow_blas quiet no_helper help_of_ranks \
    after_the_quickstart
for name; do
    fresh
    if "$name" > "$work/said" 2>&1; then
        echo "ok      $name"
        grep '^skipped' "$work/said"
    else
        echo "FAILED  $name"
        cat "$work/said" "$work/err" 2> /dev/null | sed 's/^/        | /' | head -20
        failures=$((failures + 1))
    fi
done
[ $failures -eq 0 ]
