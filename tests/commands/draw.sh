#!/bin/sh
# The figures of tools/draw and the numbers that it prints, from small runs of the program.
#
# usage: draw.sh HESSE MPIEXEC [CASE...]
# The variable `python` names another Python than /usr/bin/python3.
. "$(dirname "$0")/library.sh"
ranks=2
has_h5py() {
    "$python" -c 'import h5py' 2> "$work/import"
}

# runs: the folders adam and sgd with a grid of two learning rates and two seeds each, one run in
# the folder noise, and a result file with the spectra of the blocks and of the full matrix.
runs() {
    has_h5py || skip 'no h5py to read the logs'
    cat > train.yaml <<EOT
model: {family: mlp, widths: [5], seed: 3}
data: {generator: clusters, features: 6, classes: 3, sequences: 32}
train:
  optimiser: adam
  learning_rate: [0.01, 0.05]
  seeds: [0, 1]
  steps: 9
  batch: 4
  order: fresh
  evaluate: {every: 4, sequences: 8}
  measures: {every: 2, sharpness: 3, robust_condition: true}
EOT
    works 'seed' train train.yaml --output adam
    works 'seed' train train.yaml --output sgd --set train.optimiser=sgd
    sed '/seeds/d' train.yaml > noise.yaml
    works 'noise' train noise.yaml --set train.learning_rate=0.01 --set train.steps=1 \
        --set train.measures.noise=40
    sed '/^train/,$d' train.yaml > spectra.yaml
    cat >> spectra.yaml <<EOT
hessian: {scope: both}
metrics: {distance: [js]}
output: {file: result.h5, matrices: true}
EOT
    works 'mean over pairs' run spectra.yaml
}

draw() {
    script tools/draw "$@"
}
# draw_refused STATUS MESSAGE WORD...
draw_refused() {
    expected=$1 message=$2
    shift 2
    script_refused "$expected" "$message" tools/draw "$@"
}

case_numbers_of_numpy() {
    runs
    expect 'the numbers of NumPy' "$python" "$source/tests/commands/draw.py" "$source/tools/draw"
}
case_figures() {
    runs
    "$python" -c 'import matplotlib' 2> "$work/import" || skip 'no matplotlib'
    i=0
    for words in 'loss adam sgd' 'loss adam --held-out --all-rates --band deviation' \
        'loss adam sgd --accuracy' 'rates adam sgd' 'path sharpness,threshold adam sgd' 'smoothness adam sgd' 'noise noise' \
        'spectra result.h5' 'spectra result.h5 --blocks * --scale tenth --bandwidth 0.1' \
        'coupling result.h5' 'matrix result.h5' 'gap one=adam,sgd:result.h5 two=adam,sgd:result.h5'; do
        i=$((i + 1))
        set -f
        # shellcheck disable=SC2086
        draw $words -o "$i.png"
        set +f
        expect_status 0
        [ ! -s "$work/err" ] || fail 'a message, expected none'
        [ "$(head -c 8 "$i.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] ||
            fail 'no PNG file, expected one'
        [ "$(wc -c < "$i.png")" -lt 80000 ] || fail "$(wc -c < "$i.png") bytes, expected fewer"
    done
    draw loss adam -o figure.svg
    expect_status 0
    expect 'an SVG file' grep -q '<svg' figure.svg
}
# A sweep has a table with further columns; a folder without a table is searched.
case_sweep() {
    runs
    mkdir sweep
    cp -R adam sweep/setting-few
    cp -R sgd sweep/setting-many
    {
        echo folder,setting,learning_rate,seed,status,steps,loss,held_out_loss,accuracy
        sed '1d; s,^[^/]*/,,; s,^\([^\,]*\),setting-few/\1\,few,' adam/runs.csv
        sed '1d; s,^\([^\,]*\),setting-many/\1\,many,' sgd/runs.csv
        echo setting-few/rate-9,few,9,0,75,0,nan,nan,nan
    } > sweep/runs.csv
    draw loss sweep --panels setting
    expect_status 0
    expect 'a note of the run without a log' grep -q 'draw: note: 1 run of sweep/runs.csv has no' \
        "$work/err"
    expect_line '^few  *adam  *0.0[15]  *2 '
    expect_line '^many  *sgd  *0.0[15]  *2 '
    draw rates sweep --only setting=few --only seed=1
    expect_status 0
    expect_lines 2 'adam  *0.0[15]  *1 '
    expect_lines 0 sgd
    rm sweep/runs.csv
    draw loss sweep
    expect_status 0
    expect_line "^adam  *"
    draw loss sweep/setting-few/rate-0.01-seed-0
    expect_status 0
    expect_line '^adam  *0.01  *1 '
    mkdir other
    cp -R adam other/adam
    draw loss adam other/adam
    expect_status 0
    expect_line '^adam  *adam '
    expect_line '^other/adam  *adam '
    draw loss First=adam Second=sgd
    expect_status 0
    expect_line '^First  *adam '
}
case_diverged() {
    runs
    works 'diverged' train train.yaml --output adam --force --set train.optimiser=sgd \
        --set 'train.learning_rate=[1e300, 1e6, 0.01]'
    draw rates adam
    expect_status 0
    expect_line '^sgd  *0.01  *2  *0 .* best$'
    expect_line '^sgd  *1e+06  *2  *2  *-  *-$'
    expect_line '^sgd  *1e+300  *2  *2  *-  *-$'
    draw loss adam
    expect_status 0
    expect_line '^sgd  *0.01 '
}
case_bad_inputs() {
    runs
    draw_refused 3 'none: found no folder, expected a folder of training runs' loss none
    draw_refused 3 'job.yaml: found a file, expected .*' loss job.yaml
    mkdir empty
    draw_refused 3 'empty: found no log.h5 in it, expected .*' loss empty
    cp result.h5 empty/log.h5
    draw_refused 3 'empty/log.h5: .*without the attribute train_optimiser, expected the log .*' \
        loss empty
    echo no > empty/log.h5
    draw_refused 3 'empty/log.h5: found no HDF5 file .*' rates empty
    draw_refused 3 'adam/rate-[^:]*: found no dataset /path/sharp, .*; /path has .*sharpness.*' \
        path sharp adam
    draw_refused 2 "--panels size: found the settings .*, expected one of them" \
        loss adam --panels size
    draw_refused 2 ".*found the settings .*, expected 'size' among them" loss adam --only size=3
    draw_refused 2 '-o figure.txt: expected a name that ends in .png, .svg or .pdf' \
        loss adam -o figure.txt
    draw_refused 2 '--at 3: found values at the steps 0 to 8, .*' path sharpness adam --at 3
    draw_refused 3 'adam/rate-0.01-seed-0/log.h5: found no /spectra, .*' \
        spectra adam/rate-0.01-seed-0/log.h5
    draw_refused 2 'result.h5: no spectrum of a block matches x\*; found .*' \
        spectra result.h5 --blocks 'x*'
    draw_refused 2 "'adam': expected NAME=RUNS_FOLDER:RESULT.h5" gap adam
    draw_refused 2 'adam: found 0 settings with the optimiser sgd .*, expected one .*' \
        gap one=adam:result.h5
    draw_refused 2 "argument FIGURE: invalid choice: 'pie'.*" pie
    "$python" -c 'import matplotlib' 2> "$work/import" || skip 'no matplotlib'
    draw_refused 6 'no/figure.png: No such file or directory' loss adam -o no/figure.png
}

run_cases "$@"
