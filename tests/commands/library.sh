# Shared by the command-line tests. Each file of this folder that has cases reads this one
# first, defines a shell function case_NAME for each case, and ends with `run_cases "$@"`.
#
#     run.sh HESSE MPIEXEC            runs all cases of the file
#     run.sh HESSE MPIEXEC NAME...    runs only those cases
#     run.sh --list                   prints the names of the cases
#
# A case starts in a folder of its own with a small GPT-2 checkpoint, its data and a job
# (see fresh), and ends at its first failed expectation. The other cases still run. A case
# depends on no other one. The variable `ranks` is the number of ranks that launch uses.
# The program's last output is in $work/out, its messages are in $work/err.
#
# A wrong input must end soon with its own exit status and one line that begins with
# "hesse: " and names the error, and it must leave no file behind (see refused).
# shellcheck shell=sh
set -u
LC_ALL=C
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_hwloc_base_binding_policy=none # more ranks than cores, and other tests at the same time
# When a rank ends with an error, mpirun waits a second before it kills the others. The program
# does not need this: its ranks end together, after their message.
OMPI_MCA_odls_base_sigkill_timeout=0
export LC_ALL OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
export OMPI_MCA_hwloc_base_binding_policy OMPI_MCA_odls_base_sigkill_timeout
source=$(cd "$(dirname "$0")/../.." && pwd)
references=$source/tests/reference
ranks=3
python=${python:-/usr/bin/python3}
weights=model.safetensors
size=$(wc -c < "$references/gpt2/$weights") # of the weights, in bytes

# Inputs.

# fresh REFERENCE: empty the case's folder and fill it with a model, data and a job.
fresh() {
    rm -rf "$work/case"
    mkdir "$work/case"
    cd "$work/case" || exit 1
    for file in config.json $weights tokens.npy; do
        cat "$references/$1/$file" > $file
    done
    cat > job.yaml <<EOF
model:
  family: ${1%%_*}
  config: config.json
  checkpoint: model.safetensors
data:
  tokens: tokens.npy
output:
  file: result.h5
EOF
}

# edit FILE PROGRAM: change a file with sed. The headers of safetensors and .npy files must
# keep their lengths, or else all offsets behind them would be wrong, too.
edit() {
    sed "$2" "$1" > "$work/edited" && cat "$work/edited" > "$1"
}

# patch FILE OFFSET BYTES: overwrite bytes, which are written as for printf.
patch() {
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2> "$work/dd"
}

# cut_to FILE SIZE: keep the first SIZE bytes.
cut_to() {
    head -c "$2" "$1" > "$work/edited" && cat "$work/edited" > "$1"
}

# beyond KIB: print a memory limit that is KIB above the need of program, model and data.
# This need differs by some 200 KiB from run to run.
beyond() {
    launch run job.yaml --set hessian.memory=1MiB
    sed -n 's/.*model and data need \([0-9.]*\) MiB.*/\1/p' "$work/err" |
        awk -v more="$1" '{ printf "%dKiB", $1 * 1024 + more }'
}

# has_h5py, has_h5dump: some cases read result files with other programs than ours.
has_h5py() {
    /usr/bin/python3 -c 'import h5py' 2> "$work/import"
}
has_h5dump() {
    [ -n "$(command -v h5dump)" ]
}

# Running the program.

# launch WORD...: run the program on $ranks ranks; $status is its exit status.
launch() {
    launched="hesse $* on $ranks ranks"
    timeout 120 "$mpiexec" -n "$ranks" "$hesse" "$@" \
        > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# await PROCESS COMMAND...: wait until the command succeeds while a process goes on. The case
# fails if the process ends before: on no machine is it killed too early.
await() {
    awaited=$1
    shift
    until "$@" > "$work/await" 2>&1; do
        kill -0 "$awaited" 2> "$work/kill" || fail "the run ended before '$*'"
        sleep 0.05
    done
}
# has_file FOLDER TEST...: find finds a file for which these tests hold.
has_file() {
    [ -n "$(find "$@" 2> "$work/find")" ]
}

# Expectations. The first one that does not hold ends the case.

# fail TEXT: TEXT names the found and the expected value.
fail() {
    echo "FAILED $name: $1${launched:+ ($launched)}"
    sed 's/^/    | /' "$work/err" | head -20
    exit 1
}

# skip REASON: end a case that cannot run on this machine.
skip() {
    echo "skipped $name: $1"
    exit 77
}

# expect_status NUMBER: the exit status of the last launch.
expect_status() {
    [ $status -eq "$1" ] || fail "exit status $status, expected $1"
}

# expect_line PATTERN: a line of standard output holds the pattern.
expect_line() {
    grep -q -e "$1" "$work/out" || fail "standard output has no line with '$1'"
}

# expect_lines NUMBER PATTERN: NUMBER lines of standard output have the pattern.
expect_lines() {
    found=$(grep -c -e "$2" "$work/out")
    [ "$found" -eq "$1" ] || fail "$found lines of standard output have '$2', expected $1"
}

# expect_notes NUMBER PATTERN: NUMBER lines of standard error have the pattern.
expect_notes() {
    found=$(grep -c -e "$2" "$work/err")
    [ "$found" -eq "$1" ] || fail "$found lines of standard error have '$2', expected $1"
}

# expect WHAT COMMAND...: the command succeeds, or else WHAT was expected.
expect() {
    what=$1
    shift
    "$@" > "$work/compared" 2>&1 && return
    fail "expected $what; '$*' found: $(head -5 "$work/compared" | tr '\n' ' ')"
}

# expect_files FILE...: the folder holds these files and the case's inputs, no others.
expect_files() {
    for file in config.json $weights tokens.npy job.yaml "$@"; do
        echo "./$file"
    done | sort > "$work/expected"
    find . -type f | sort > "$work/found"
    expect "no files but inputs and $*" diff "$work/expected" "$work/found"
}

# works PATTERN WORD...: status 0, no message, and a line of standard output with PATTERN.
works() {
    pattern=$1
    shift
    launch "$@"
    expect_status 0
    expect_line "$pattern"
    ! grep -q '^hesse: ' "$work/err" || fail 'a message, expected none'
}

# refused STATUS MESSAGE WORD...: the program ends with that status, no output, no new file,
# and one message, which matches MESSAGE after "hesse: ".
refused() {
    expected=$1 message=$2
    shift 2
    before=$(find . | sort)
    launch "$@"
    expect_status "$expected"
    [ "$(grep -c '^hesse: ' "$work/err")" -eq 1 ] ||
        fail "$(grep -c '^hesse: ' "$work/err") lines begin with 'hesse: ', expected one"
    said=$(sed -n 's/^hesse: //p' "$work/err")
    printf '%s\n' "$said" | grep -q -x -e "$message" ||
        fail "message '$said', expected one like '$message'"
    [ "$(find . | sort)" = "$before" ] ||
        fail "files are left behind: $(find . | sort | tr '\n' ' '), expected none"
    [ ! -s "$work/out" ] || fail 'text on standard output, expected none'
}

# run_refused STATUS MESSAGE [WORD...]: the same for `run job.yaml WORD...`.
run_refused() {
    expected=$1 message=$2
    shift 2
    refused "$expected" "$message" run job.yaml "$@"
}

# script PATH WORD...: run a Python program of the source; $status is its exit status.
script() {
    launched=$*
    path=$source/$1
    shift
    "$python" "$path" "$@" > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# script_refused STATUS MESSAGE PATH WORD...: the program ends with that status, no new file,
# and one line, which matches MESSAGE after the name of the program.
script_refused() {
    expected=$1 message="$(basename "$3" | tr - ' '): $2"
    shift 2
    before=$(find . | sort)
    script "$@"
    expect_status "$expected"
    grep -q -x -e "$message" "$work/err" || fail "expected one line like '$message'"
    [ "$(wc -l < "$work/err")" -eq 1 ] || fail 'more than one line, expected one'
    [ "$(find . | sort)" = "$before" ] || fail 'files are left behind, expected none'
}

# The runner; the last line of every file.
run_cases() {
    all=$(sed -n 's/^case_\([A-Za-z0-9_]*\)() .*/\1/p' "$0")
    if [ "${1:-}" = --list ]; then
        echo "$all"
        exit 0
    fi
    if [ $# -lt 2 ]; then
        echo "usage: $0 HESSE MPIEXEC [CASE...], or $0 --list" >&2
        exit 2
    fi
    hesse=$1 mpiexec=$2
    shift 2
    # shellcheck disable=SC2086
    [ $# -gt 0 ] || set -- $all
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    passed=0 failed=0 skipped=0 launched=
    for name in "$@"; do
        : > "$work/err"
        if ! printf '%s\n' "$all" | grep -q -x -F -e "$name"; then
            echo "FAILED $name: no such case, expected one of those that $0 --list prints"
            failed=$((failed + 1))
            continue
        fi
        (
            fresh gpt2
            "case_$name"
            exit 0
        )
        case $? in
            0) echo "ok $name"; passed=$((passed + 1)) ;;
            77) skipped=$((skipped + 1)) ;;
            *) failed=$((failed + 1)) ;;
        esac
    done
    cd /
    [ $skipped -eq 0 ] || echo "$skipped skipped"
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}
