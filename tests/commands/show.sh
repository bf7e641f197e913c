#!/bin/sh
# hesse show: the tables of a result file, damaged files, and --verify.
#
# usage: show.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# shown: the result of the case's job, computed once for all cases of this file.
shown() {
    if [ ! -e "$work/shown.h5" ]; then
        launch run job.yaml --output ready.h5
        expect_status 0
        mv ready.h5 "$work/shown.h5"
    fi
    cat "$work/shown.h5" > result.h5
}

case_tables() {
    shown
    works 'transformer.h.0.attn.c_attn.weight.query  *36' show result.h5
    expect_lines 0 '\<nan\>'
}
case_reading_of_data() {
    shown
    works 'data_vocabulary_source  *the model' show result.h5
    expect_line 'data_dtype  *int32'
    expect_line 'data_layout  *rows'
    expect_line 'data_mask  *padding by -100'
    expect_line 'data_labels  *the next token'
}
case_task_of_an_encoder() {
    cat > job.yaml <<EOF
model: {family: bert, layers: 1, heads: 1, width: 2, inner: 2, task: masked}
data: {tokens: tokens.npy}
output: {file: result.h5}
EOF
    ranks=1
    launch run job.yaml
    expect_status 0
    works 'model_task  *masked' show result.h5
}
# waits IDLE BUSY PLANNED PATTERN: with these seconds of rank 1, and 10 s of rank 0, there is such a
# line.
waits() {
    cat > "$work/waits.py" <<EOF
import h5py, sys
with h5py.File("result.h5", "r+") as f:
    for name, second in zip(("idle", "busy", "busy_predicted"), map(float, sys.argv[1:])):
        f["ranks"][name][...] = [0 if name == "idle" else 10, second]
EOF
    expect 'a change of the file' /usr/bin/python3 "$work/waits.py" "$1" "$2" "$3"
    launch show result.h5
    expect_line "$4"
}
case_ranks_that_wait() {
    has_h5py || skip 'no h5py changes the file'
    ranks=2
    works '^hessian' run job.yaml
    expect_lines 0 '^rank '
    waits 3 7 7 '^rank 1 of 2 waited 3 s of 10 s for the others (30 %): the schedule planned 30 %'
    waits 4 6 10 '^rank 1 of 2 waited 4 s of 10 s .*: rank 0 took 1 times the planned time, and this'
    waits 10 0 0 '^rank 1 of 2 waited 10 s of 10 s for the others (100 %): the schedule planned 100'
    waits 0.4 9 9 '(full)\|hessian'
    expect_lines 0 '^rank '
}
case_missing() {
    refused 3 'nowhere.h5: No such file.*' show nowhere.h5
}
case_no_result() {
    refused 3 'config.json: .*HDF5.*' show config.json
}
case_truncated() {
    shown
    cut_to result.h5 20000
    refused 3 'result.h5: .*' show result.h5
}
case_truncated_at_the_start() {
    shown
    cut_to result.h5 100
    refused 3 'result.h5: .*' show result.h5
}
case_verify() {
    shown
    works 'as it was written, [0-9]* spectra checked' show --verify result.h5
}

# flipped EIGHTHS: with one bit flipped there, show --verify refuses the file, and show
# either refuses it or prints what HDF5 reads from it.
flipped() {
    shown
    place=$(($1 * ($(wc -c < result.h5) - 1) / 8))
    byte=$(od -An -tu1 -j $place -N 1 result.h5)
    patch result.h5 $place "$(printf '\\%03o' $((byte ^ 16)))"
    refused 3 'result.h5: .*' show --verify result.h5
    launch show result.h5
    expect 'exit status 0 or 3' [ $status -eq 0 -o $status -eq 3 ]
}
case_bit_flipped_in_the_first_byte() { flipped 0; }
case_bit_flipped_at_1_8() { flipped 1; }
case_bit_flipped_at_2_8() { flipped 2; }
case_bit_flipped_at_3_8() { flipped 3; }
case_bit_flipped_at_4_8() { flipped 4; }
case_bit_flipped_at_5_8() { flipped 5; }
case_bit_flipped_at_6_8() { flipped 6; }
case_bit_flipped_at_7_8() { flipped 7; }
case_bit_flipped_in_the_last_byte() { flipped 8; }

case_verify_a_wrong_eigenvalue_with_a_right_digest() {
    has_h5py || skip 'no h5py'
    shown
    /usr/bin/python3 - result.h5 <<EOF
import hashlib, h5py, sys
with h5py.File(sys.argv[1], "r+") as f:
    f["spectra/full/eigenvalues"][-1] *= 1.001
with open(sys.argv[1], "r+b") as f:
    digest = hashlib.sha256(f.read()).hexdigest().encode()
    words = b"\nhesse result; SHA-256 of the bytes before these 128:\n"
    f.write((words + digest + b"\n").ljust(128, b"\0"))
EOF
    refused 5 'result.h5: .*trace.*' show --verify result.h5
}

run_cases "$@"
