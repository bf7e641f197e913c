#!/bin/sh
# hesse run if a result, unfinished work or another run already exists: --resume, --force.
#
# usage: resume.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# llama: the case uses the reference of this family.
llama() {
    fresh llama
}
# complete: the same, and the result of its job exists.
complete() {
    llama
    works 'self_attn.q_proj' run job.yaml
}

case_older_file_is_kept() {
    llama
    printf 'an older file' > result.h5
    run_refused 6 'result.h5: is there already; --force replaces it.*'
    expect 'the older file as it was' [ "$(cat result.h5)" = 'an older file' ]
}
case_older_file_is_not_resumed() {
    llama
    printf 'an older file' > result.h5
    run_refused 6 'result.h5: .*not the result of this job.*' --resume
    expect 'the older file as it was' [ "$(cat result.h5)" = 'an older file' ]
}
case_older_file_is_replaced_by_force() {
    llama
    printf 'an older file' > result.h5
    works 'self_attn.q_proj' run job.yaml --force
    works 'self_attn.q_proj' show result.h5
    expect_files result.h5
}
case_complete_result_is_left() {
    complete
    works 'self_attn.q_proj' run job.yaml --resume
    expect_notes 1 '^note: result.h5 is complete'
    works 'self_attn.q_proj' show result.h5
}
case_leftovers_of_a_complete_result_are_removed() {
    complete
    mkdir result.h5.parts # as after a run that was killed at its end
    : > result.h5.parts/lock
    : > result.h5.parts/000001-00000-000000.part.tmp
    works 'self_attn.q_proj' run job.yaml --resume
    expect_files result.h5
    works 'self_attn.q_proj' show result.h5
}

# through_a_link: a run replaces the file that a link names, and the link stays.
through_a_link() {
    ln -s far/real.h5 link.h5
    works 'self_attn.q_proj' run job.yaml --force --output link.h5
    expect 'a link still' [ -h link.h5 ]
    works 'self_attn.q_proj' show far/real.h5
}
case_link_to_an_older_file() {
    llama
    mkdir far
    printf 'an older file' > far/real.h5
    through_a_link
}
case_link_to_no_file() {
    llama
    mkdir far
    through_a_link
}

# locked SECONDS: another run works for SECONDS; its process is $held.
locked() {
    [ -n "$(command -v flock)" ] || skip 'no flock'
    mkdir result.h5.parts
    # One process, so that the kill ends it, and nobody waits for its output.
    flock --no-fork result.h5.parts/lock sleep "$1" &
    held=$!
    trap 'kill $held 2> "$work/kill"' EXIT
    until [ -e result.h5.parts/lock ]; do sleep 0.1; done
}
case_another_run_that_ends_soon_is_waited_for() {
    llama
    locked 3
    works '^hessian' run job.yaml --force
}
case_another_run_is_at_work() {
    llama
    works '^hessian' run job.yaml
    locked 60
    before=$(find . | sort)
    launch run job.yaml --force
    said=$(sed -n 's/^hesse: //p' "$work/err")
    [ "$said" = 'result.h5.parts: another run is at work there' ] ||
        fail "message '$said', expected 'result.h5.parts: another run is at work there'"
    expect 'no file changed' [ "$(find . | sort)" = "$before" ]
}

run_cases "$@"
