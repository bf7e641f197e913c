#!/bin/sh
# Commands that are programs of their own: hesse-NAME beside hesse or on the PATH.
#
# usage: external.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# program FILE: write a program that prints its words, each in brackets, and ends with status 7.
program() {
    mkdir -p "$(dirname "$1")"
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nprintf "[%%s]" "$@"; echo; exit 7\n' > "$1"
    chmod +x "$1"
}

# alone WORD...: run a copy of the program that has no Python commands near it, without MPI.
alone() {
    launched="hesse $*"
    mkdir -p bin
    [ -x bin/hesse ] || cp "$hesse" bin/hesse
    timeout 60 env PATH="$PWD/path" bin/hesse "$@" > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# says STATUS MESSAGE WORD...: alone ends with this status and one message.
says() {
    expected=$1 message=$2
    shift 2
    alone "$@"
    expect_status "$expected"
    expect_notes 1 ''
    expect_notes 1 "^hesse: $message"
}

case_arguments_and_status() {
    for folder in bin path; do
        program $folder/hesse-other-$folder
        alone other-$folder a 'b c' '' --help -x
        expect_status 7
        expect_line '^\[a\]\[b c\]\[\]\[--help\]\[-x\]$'
    done
}
case_beside_comes_before_the_path() {
    program bin/hesse-other
    program path/hesse-other
    edit path/hesse-other s/7/8/
    alone other
    expect_status 7
}
case_not_a_program() {
    mkdir -p path/hesse-folder
    : > path/hesse-file
    says 2 "unknown command 'folder'; the nearest" folder
    says 2 "unknown command 'file'; the nearest" file
    program hesse-hidden
    says 2 "unknown command '../hesse-hidden'" ../hesse-hidden
    program path/hesse-run
    says 2 'run: no file, expected JOB.yaml' run
}
case_does_not_start() {
    program path/hesse-other
    printf '#!%s/none\n' "$PWD" > path/hesse-other
    says 2 '.*/path/hesse-other: cannot be started: ' other
}
case_nearest_of_both_kinds() {
    program path/hesse-other
    says 2 "unknown command 'othr'; the nearest is 'other'" othr
    says 2 "unknown command 'rum'; the nearest is 'run'" rum
    says 2 "unknown command 'othr'; the nearest is 'other'" help othr
}
case_python_is_not_installed() {
    says 2 "'convert' is the program hesse-convert, found neither" convert model.pt
    says 2 "'export' is the program hesse-export, found neither" export model.py
    says 2 "'tokenize' is the program hesse-tokenize, found neither" help tokenize
}
case_help() {
    program path/hesse-other
    program path/hesse-run
    mkdir bin
    ln -s ../path/hesse-other bin/hesse-other
    alone help
    expect_status 0
    expect_lines 1 '^  other '
    expect_lines 1 '^  run '
    expect_lines 0 '^  convert '
    for words in 'help other' '--help other' '-h other'; do
        # shellcheck disable=SC2086
        alone $words
        expect_status 7
        expect_line '^\[--help\]$'
    done
    alone completion bash
    expect_line 'words=.* version other'
}
case_ranks() {
    program path/hesse-other
    PATH=$PWD/path:$PATH
    refused 2 'other: found 3 ranks, expected one, .*' other a
    refused 2 'other: found 3 ranks, expected one, .*' help other
    ranks=1
    launch other a
    expect_status 7
    expect_line '^\[a\]$'
}
case_python_of_the_source_tree() {
    [ -n "$(command -v python3)" ] || skip 'no python3'
    mkdir -p tree/build tree/tools
    cp "$hesse" tree/build/hesse
    ln -s "$source/tools/python" tree/tools/python
    for command in convert export image report tokenize; do
        tree/build/hesse help > "$work/out"
        expect_lines 1 "^  $command  *[A-Z]"
        tree/build/hesse help $command > "$work/out" 2> "$work/err"
        status=$?
        grep -q numpy "$work/err" && skip 'no numpy'
        expect_status 0
        expect_line "^usage: hesse $command"
    done
}

run_cases "$@"
