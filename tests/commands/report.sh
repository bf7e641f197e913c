#!/bin/sh
# The pages of hesse report in a browser, its figures as files, and the images of hesse image.
#
# usage: report.sh HESSE MPIEXEC [CASE...]
# The variable `python` names another Python than /usr/bin/python3; `chromium` and `chromedriver`
# name other programs than those of the PATH.
. "$(dirname "$0")/library.sh"
ranks=2

# needs MODULE...: the case is skipped if a Python module is missing.
needs() {
    for module in "$@"; do
        "$python" -c "import $module" 2> "$work/import" || skip "no Python module $module"
    done
}
browser() {
    needs h5py plotly selenium
    for program in "${chromium:-chromium}" "${chromedriver:-chromedriver}"; do
        command -v "$program" > "$work/which" || skip "no $program"
    done
}

# empty: empty the case's folder.
empty() {
    rm -rf "$work/case"
    mkdir "$work/case"
    cd "$work/case" || exit 1
}

# result [WORD...]: write the job of a result with all that a page can show, and run it. Without
# words, the first case that needs the result keeps it for the others.
result() {
    cat > result.yaml <<EOF
model: {family: gpt2, layers: 1, heads: 2, width: 4, context: 18, seed: 1}
data: {generator: addition, sequences: 4}
hessian: {scope: both, parts: [hessian, gauss_newton, functional, softmax, gelu]}
metrics: {distance: [js, js_raw, wasserstein]}
measures: {tail: true}
output: {file: result.h5, matrices: true}
EOF
    if [ $# -gt 0 ] || [ ! -e "$work/result.h5" ]; then
        works 'mean over pairs' run result.yaml "$@"
        [ $# -gt 0 ] || cp result.h5 "$work/result.h5"
    else
        cp "$work/result.h5" result.h5
    fi
}

# makes NAME WORD...: hesse-NAME ends well and says nothing on standard error.
makes() {
    program=tools/python/bin/hesse-$1
    shift
    script "$program" "$@"
    expect_status 0
    [ ! -s "$work/err" ] || fail 'a message, expected none'
}
# says STATUS MESSAGE NAME WORD...: hesse-NAME ends with one message and leaves no file behind.
says() {
    expected=$1 message=$2 program=tools/python/bin/hesse-$3
    shift 3
    script_refused "$expected" "$message" "$program" "$@"
}
# shows [--text TEXT] PAGE FIGURE...: the page passes the checks of report.py in the browser.
shows() {
    expect 'pages that work in a browser' timeout 600 "$python" "$source/tests/commands/report.py" \
        "$@"
}

case_result() {
    browser
    empty
    result
    makes report result.h5 -o result.html
    expect_line '1 file -> result.html (.* MB, 7 figures)'
    shows result.html spectra rank full measures shares-curvature shares-operators distances
}
case_estimated() {
    browser
    empty
    result --set hessian.method=lanczos --set hessian.scope=blocks --set output.matrices=false \
        --set 'hessian.parts=[hessian, gauss_newton]' --set 'spectrum.lanczos.steps=8' \
        --set spectrum.lanczos.probes=4
    makes report result.h5 -o lanczos.html
    shows lanczos.html spectra measures shares-curvature distances
}
case_training() {
    browser
    empty
    result
    works 'step' train result.yaml --output run1 --set train.optimiser=sgd \
        --set train.learning_rate=0.1 --set train.steps=20 --set 'train.stages=[init, 10, 100%]' \
        --set 'train.evaluate={every: 5, sequences: 8}' --set data.sequences=32 \
        --set 'train.measures={every: 5, sharpness: 1}'
    works 'step' run result.yaml --output series.h5 --set output.matrices=false \
        --set 'model.checkpoints=["run1/stage-*.safetensors"]'
    makes report series.h5 run1 -o series.html
    shows --text '2 / learning rate' series.html training path series spectra rank full measures \
        shares-curvature shares-operators distances
}
case_other_files() {
    browser
    empty
    cat > sweep.yaml <<EOF
model: {family: gpt2, layers: 1, heads: 1, width: 4, activation: relu, norm: none, tied: false,
        deviation: 0.28, seed: 7}
data: {generator: addition, sequences: 4, seed: 3}
hessian: {scope: blocks, only: ["*weight.query", "*weight.value"], parts: [hessian, gauss_newton],
          repeats: 2}
sweep:
  model: {embedding_deviation: [0.01, 0.02, 0.04]}
output: {file: sweep.h5}
EOF
    works 'slope' run sweep.yaml
    cat > land.yaml <<EOF
model: {family: gpt2, layers: 1, heads: 2, width: 4, context: 18, seed: 1}
data: {generator: addition, sequences: 4}
landscape: {points: [7, 5], range: [-0.5, 0.5], gradient: true, curvature: true}
EOF
    works 'local minima' landscape land.yaml --output plane.h5
    works 'local minima' landscape land.yaml --output line.h5 \
        --set 'landscape.directions=[gradient]' --set landscape.points=9
    cat > theory.yaml <<EOF
model: {family: quadratic, widths: [2, 3], eigenvalues: [1, 3, 20, 30, 70], seed: 5}
theory: {draws: 5}
EOF
    works 'preconditioned' theory theory.yaml --output theory.h5
    makes report sweep.h5 plane.h5 line.h5 theory.h5 -o others.html
    shows others.html sweep line plane theory-numbers theory-draws theory-runs
}
case_several_files_and_hostile_names() {
    browser
    empty
    result
    "$python" "$source/tests/commands/report.py" --hostile result.h5 hostile.h5 ||
        fail 'cannot write the names'
    result --output second.h5 --set model.seed=2
    makes report 'first</title><script>alert(1)</script>=hostile.h5' second.h5 \
        --title '</title><img src=x onerror=alert(1)>' -o two.html
    shows two.html spectra rank full measures shares-curvature shares-curvature-1 \
        shares-operators shares-operators-1 distances distances-1
}
case_files_for_papers() {
    needs h5py matplotlib
    empty
    result
    makes report result.h5 --png figures --pdf figures
    for name in spectra-histogram spectra-density-tenth rank full measures-condition \
        shares-curvature-trace distances-js distances-coupling; do
        [ "$(head -c 8 "figures/$name.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] ||
            fail "$name.png is no PNG file, expected one"
        [ "$(head -c 5 "figures/$name.pdf")" = '%PDF-' ] || fail "$name.pdf is no PDF file"
    done
    says 6 'figures/spectra-histogram.png: found a file of this name, .*' \
        report result.h5 --png figures
    makes report result.h5 --png figures --force
}
case_numbers() {
    needs h5py plotly
    empty
    result
    makes report result.h5 -o result.html
    expect 'the numbers of the file in the page' "$python" "$source/tests/commands/report.py" \
        --numbers result.html result.h5
}
case_thinned() {
    needs h5py plotly
    empty
    cat > wide.yaml <<EOF
model: {family: mlp, widths: [48], seed: 3}
data: {generator: clusters, features: 60, classes: 3, sequences: 8}
output: {file: wide.h5}
EOF
    works 'mean over pairs' run wide.yaml
    makes report wide.h5 -o wide.html
    expect 'a note' grep -q 'with more than 2,000 eigenvalues is drawn from 2,000' wide.html
}
case_image() {
    needs h5py matplotlib
    empty
    result
    makes image result.h5 -o full.png
    expect_line 'result.h5 -> full.png: 20 blocks, order '
    makes image result.h5 -o share.pdf --part gauss_newton --block '*attn*' --largest
    expect 'cells of NumPy' "$python" "$source/tests/commands/report.py" --cells result.h5
    says 2 '--block none: found 20 blocks (.*), expected .*' image result.h5 -o x.png --block none
    says 2 '--part none: found the shares hessian, .*' image result.h5 -o x.png --part none
    says 6 'full.png: found a file of this name, .*' image result.h5 -o full.png
    says 2 '-o x.gif: expected a name that ends in .*' image result.h5 -o x.gif
    result --output plain.h5 --set output.matrices=false
    says 3 'plain.h5: found no matrices, expected .*' image plain.h5 -o x.png
}
# A matrix of 3.2 GB, most of which HDF5 does not store, in 1.5 GB of address space.
case_image_larger_than_memory() {
    needs h5py matplotlib
    empty
    result
    expect 'a large matrix' "$python" "$source/tests/commands/report.py" --large result.h5 large.h5 \
        20000
    (
        ulimit -v 1500000
        export OPENBLAS_NUM_THREADS=1
        makes image large.h5 -o large.png
        expect_line 'order 20000; a cell .* 29 x 29 entries'
        makes report large.h5 --png figures
    ) || exit 1
}
case_bad_inputs() {
    needs h5py plotly
    empty
    result
    says 2 'found no output, expected -o report.html, .*' report result.h5
    says 2 'the following arguments are required: .*' report
    says 3 'none.h5: found no such file, expected .*' report none.h5 -o x.html
    echo text > text.h5
    says 3 'text.h5: found .*, expected an HDF5 file that hesse wrote' report text.h5 -o x.html
    head -c 3000 result.h5 > cut.h5
    says 3 'cut.h5: found .*, expected an HDF5 file that hesse wrote' report cut.h5 -o x.html
    says 2 'result.h5: found the input file result.h5, expected another .*' \
        report result.h5 -o result.h5 --force
    says 6 '/proc/x.html: .*' report result.h5 -o /proc/x.html
    makes report result.h5 -o x.html
    says 6 'x.html: found a file of this name, .*' report result.h5 -o x.html
    makes report result.h5 -o x.html --force
}

run_cases "$@"
