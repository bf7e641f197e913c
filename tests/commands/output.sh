#!/bin/sh
# Result files: places where none can be written, inputs that they must not replace, full
# disks.
#
# usage: output.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_below_a_missing_folder() {
    run_refused 6 '.*nowhere/result.h5.*' --output nowhere/result.h5
}
case_below_a_missing_folder_on_one_rank() {
    ranks=1
    run_refused 6 '.*nowhere/result.h5.*' --output nowhere/result.h5
}
case_below_a_file() {
    run_refused 6 '.*config.json/result.h5.*' --output config.json/result.h5
}
case_where_nobody_may_write() {
    run_refused 6 '.*/proc/result.h5.*' --output /proc/result.h5
}
case_a_folder() {
    mkdir folder
    run_refused 6 '.*folder.*' --output folder
}
case_an_empty_name() {
    run_refused 6 '.*expected a file.*' --output ''
}
case_links_in_a_circle() {
    ranks=1
    ln -s a.h5 b.h5
    ln -s b.h5 a.h5
    run_refused 6 '.*links' --output a.h5
}

# An input is never replaced, under any name of the output. Rank 0 compares the files, so
# one rank is enough.

# spared INPUT OUTPUT [WORD...]: the run is refused and INPUT is unchanged.
spared() {
    input=$1 output=$2
    shift 2
    cat "$input" > "$work/kept"
    run_refused 2 "$output: the result would replace the .*$input, expected another --output" \
        "$@" --output "$output"
    expect "$input as it was" cmp "$input" "$work/kept"
}

# in_shards: the weights become an index and two files, in a separate folder.
index=$weights.index.json
in_shards() {
    mkdir shards
    mv model.safetensors shards/one.safetensors
    printf '\002\000\000\000\000\000\000\000{}' > shards/two.safetensors
    echo '{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}' > shards/$index
}

case_the_weights_by_the_job() {
    run_refused 2 \
        "./model.safetensors: .* replace the checkpoint .*, expected another 'output.file'" \
        --set output.file=./model.safetensors
}
case_the_weights() {
    spared model.safetensors model.safetensors
}
case_the_weights_by_another_path() {
    ranks=1
    spared model.safetensors ./model.safetensors
}
case_the_weights_by_an_absolute_path() {
    ranks=1
    spared model.safetensors "$work/case/model.safetensors"
}
case_a_link_to_the_weights() {
    ranks=1
    ln -s model.safetensors link.h5
    spared model.safetensors link.h5
}
case_a_link_to_a_link_to_the_weights() {
    ranks=1
    mkdir far
    ln -s ../model.safetensors far/link
    ln -s far/link link.h5
    spared model.safetensors link.h5
}
case_the_target_of_a_link_that_names_the_weights() {
    ranks=1
    mv model.safetensors blob
    ln -s blob model.safetensors
    spared model.safetensors blob
}
case_a_hard_link_to_the_weights() {
    ranks=1
    ln model.safetensors same.h5
    spared model.safetensors same.h5
}
case_the_job() {
    ranks=1
    spared job.yaml job.yaml
}
case_the_config() {
    ranks=1
    spared config.json ./config.json
}
case_the_tokens() {
    ranks=1
    spared tokens.npy tokens.npy
}
case_the_text() {
    ranks=1
    edit job.yaml 's/tokens: .*/text: corpus.txt/'
    echo something > corpus.txt
    spared corpus.txt corpus.txt
}
# Labels are the numbers of the files, in their order.
texts_of() {
    ranks=1
    printf 'abcdefgh\n' > one.txt
    printf 'hgfedcba\n' > two.txt
    cat > job.yaml << EOF
model: {family: bert, task: classify, layers: 1, heads: 1, width: 2, inner: 2, context: 4}
data: {texts: [one.txt, two.txt], sequences: 2}
EOF
}
case_the_first_of_two_texts() {
    texts_of
    spared one.txt one.txt --force
}
case_the_second_of_two_texts() {
    texts_of
    spared two.txt ./two.txt --force
}
case_the_config_of_a_folder() {
    ranks=1
    mkdir folder
    mv config.json folder
    spared folder/config.json folder/config.json --set model.config=folder
}
case_the_weights_of_a_folder() {
    ranks=1
    mkdir folder
    mv model.safetensors folder
    spared folder/model.safetensors folder/model.safetensors --set model.checkpoint=folder
}
case_the_index_of_a_folder() {
    ranks=1
    in_shards
    spared shards/$index shards/$index --set model.checkpoint=shards
}
case_the_index() {
    ranks=1
    in_shards
    spared shards/$index shards/$index --set model.checkpoint=shards/$index
}
case_the_first_shard() {
    ranks=1
    in_shards
    spared shards/one.safetensors shards/one.safetensors --set model.checkpoint=shards/$index
}
case_the_second_shard() {
    ranks=1
    in_shards
    spared shards/two.safetensors shards/two.safetensors --set model.checkpoint=shards/$index
}

# Disks. These cases need the right to mount.

# on_disk SIZE: mount a disk at the folder disk, until the case ends.
on_disk() {
    mkdir disk
    mount -t tmpfs -o "size=$1" tmpfs disk 2> "$work/mount" || skip 'mount is not allowed'
    trap 'cd /; umount "$work/case/disk"' EXIT
}

# no_room REASON: the run ends with REASON, and the disk holds no result.
no_room() {
    launch run job.yaml --output disk/result.h5 --set output.matrices=true
    expect_status 6
    expect_notes 1 '^hesse: '
    expect_notes 1 "^hesse: .*$1"
    expect 'no result' [ ! -e disk/result.h5 ]
}

case_disks_that_are_too_small() {
    on_disk 64k
    for room in 64 256 1024 2048 4096 6144; do
        mount -o "remount,size=${room}k" disk
        no_room 'No space left on device'
        [ ! -e disk/result.h5.parts ] || rm -r disk/result.h5.parts
    done
    mount -o remount,size=32m disk
    works 'ln_f.bias' run job.yaml --output disk/result.h5 --set output.matrices=true
}
case_a_disk_that_is_read_only() {
    on_disk 32m
    mount -o remount,ro disk
    no_room 'Read-only file system'
}

# Three runs at once have one output and different seeds. One writes the result, and
# the others end with the status of an output that exists or is being written.
case_runs_at_the_same_time() {
    pids=
    for seed in 1 2 3; do
        timeout 60 "$hesse" run job.yaml --set data.seed=$seed --output race.h5 \
            > "race.$seed" 2>&1 &
        pids="$pids $!"
    done
    ended=
    for pid in $pids; do
        code=0
        wait "$pid" || code=$?
        ended="$ended $code"
    done
    sorted=$(printf '%s\n' $ended | sort -n | tr '\n' ' ')
    expect "statuses 0, 6 and 6, found $sorted" [ "$sorted" = '0 6 6 ' ]
    works 'as it was written.*' show --verify race.h5
    expect 'no folder of part files' [ ! -e race.h5.parts ]
}

run_cases "$@"
