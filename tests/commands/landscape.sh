#!/bin/sh
# hesse landscape: ranks, directions of every kind, the result file, kills, bad input.
#
# usage: landscape.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# surface: the case uses a small GPT-2, and a plane of 5 x 3 points.
surface() {
    fresh gpt2
    cat >> job.yaml <<EOF
landscape: {points: [5, 3], range: [-0.5, 0.5], gradient: true, curvature: true}
EOF
}

# same A B: the results have the same landscapes.
same() {
    has_h5py || skip 'no h5py to compare files'
    expect "the landscape of $1 in $2" /usr/bin/python3 -c '
import h5py, sys
a, b = (h5py.File(f)["landscape"] for f in sys.argv[1:])
assert set(a) == set(b) and len(a) > 10, (set(a), set(b))
for name in a:
    assert a[name].shape == b[name].shape, name
    assert a[name][()].tobytes() == b[name][()].tobytes(), name' "$1" "$2"
}

case_any_number_of_ranks() {
    surface
    for ranks in 1 2 3; do
        works 'd2 = random' landscape job.yaml --output "on$ranks.h5"
    done
    works '^  parameters  *[0-9.]*  *0  *0$' show on1.h5
    works 'as it was written' show on3.h5 --verify
    same on1.h5 on2.h5
    same on1.h5 on3.h5
}
case_file_beside_the_job() {
    surface
    grep -v -e 'output:' -e 'file:' job.yaml > other.yaml
    works 'smallest loss' landscape other.yaml
    expect 'the file beside the job' [ -f other.landscape.h5 ]
    refused 6 'other.landscape.h5: is there already; --force replaces it, .*' \
        landscape other.yaml
    works 'smallest loss' landscape other.yaml --force
    works 'smallest loss' landscape other.yaml --resume
    expect_notes 1 '^note: other.landscape.h5 is complete'
    refused 6 'other.landscape.h5: .*landscape.points.*; --force replaces it' \
        landscape other.yaml --resume --set landscape.points=3
}
case_numbers_of_run() {
    surface
    works 'model_family' run job.yaml --output run.h5 --set hessian.scope=full
    works 'd1 = gradient' landscape job.yaml --output l.h5 \
        --set landscape.directions=gradient --set landscape.points=5 \
        --set 'landscape.range=[-0.01, 0.01]'
    works 'd1 = eigenvector:1' landscape job.yaml --output e.h5 --set landscape.points=5 \
        --set 'landscape.directions=[eigenvector:1, eigenvector:-2]'
    has_h5py || skip 'no h5py to compare numbers'
    expect 'the numbers of hesse run' /usr/bin/python3 -c '
import h5py, numpy as np
run, l, e = (h5py.File(f) for f in ("run.h5", "l.h5", "e.h5"))
near = lambda a, b: np.allclose(a, b, rtol=1e-8, atol=0)
g = np.sqrt((run["gradient"][()] ** 2).sum())
assert near(l["landscape/loss"][2], run.attrs["loss"])
assert near(l["landscape/gradient_norm"][2], g) and near(l["landscape/norm"][0], g)
values = run["spectra/full/eigenvalues"][()]
c = e["landscape/centre_curvature"][()]
assert near(c[0, 0], values[-1]) and near(c[1, 1], values[1]), (c, values)
grid = l["landscape/centre_curvature_grid"][0, 0]
assert abs(grid / l["landscape/centre_curvature"][0, 0] - 1) < 0.01'
}
case_directions_of_checkpoints() {
    surface
    works 'training' train job.yaml --output t --set train.steps=2 \
        --set 'train.stages=[init, 100%]'
    way=t/stage-000000.safetensors..t/stage-000002.safetensors
    works "d1 = $way, norm" landscape job.yaml --output way.h5 --set landscape.points=5 \
        --set 'landscape.range=[0, 1]' --set landscape.directions=$way
    works '^ *0 ' landscape job.yaml --set landscape.points=3 --output end.h5 \
        --set landscape.directions=gradient \
        --set model.checkpoint=t/stage-000002.safetensors
    has_h5py || skip 'no h5py to compare numbers'
    expect 'the loss at the end of the way' /usr/bin/python3 -c '
import h5py
way, end = (h5py.File(f)["landscape/loss"] for f in ("way.h5", "end.h5"))
assert abs(way[4] / end[1] - 1) < 1e-12, (way[4], end[1])'
}

# killed SIGNAL [LAUNCHER...]: a run that gets the signal when it has saved some points.
killed() {
    signal=$1
    shift
    "$@" "$hesse" landscape job.yaml --set landscape.points=101 --set output.stretch=0.2 \
        > "$work/out" 2> "$work/err" < /dev/null &
    pid=$!
    await $pid has_file result.h5.parts -name '*.part'
    kill "-$signal" $pid
    wait $pid 2> "$work/kill"
    status=$?
    expect 'the work of the run' [ -d result.h5.parts ]
}
# resumed: the run goes on, and ends with the numbers of a run without a signal.
resumed() {
    works 'smallest loss' landscape job.yaml --resume --set landscape.points=101
    expect 'no work' [ ! -e result.h5.parts ]
    same whole.h5 result.h5
    rm result.h5
}
case_resume_after_signals() {
    surface
    works 'smallest loss' landscape job.yaml --set landscape.points=101 --output whole.h5
    killed USR1 "$mpiexec" -n 2
    expect_status 75
    refused 6 'result.h5.parts: holds the work of a run that did not finish; .*' \
        landscape job.yaml --set landscape.points=101
    refused 2 '.*landscape.seed.*; --resume expects the same, --force begins anew' \
        landscape job.yaml --resume --set landscape.points=101 --set landscape.seed=1
    resumed
    killed TERM
    expect_status 75
    resumed
    killed KILL
    expect_status 137
    resumed
}
case_wrong_input() {
    surface
    grep -v landscape job.yaml > plain.yaml
    refused 2 '0 is not among the 10 points of an axis from -1 to 1; .* (key: landscape.points)' \
        landscape plain.yaml --set landscape.points=10
    refused 2 ".*'landscape.directions' holds 'eigenvector:0', expected eigenvector:K with .*" \
        landscape plain.yaml --set landscape.directions=eigenvector:0
    refused 2 ".*'landscape.directions' holds 'eigenvector', expected eigenvector:K with .*" \
        landscape plain.yaml --set landscape.directions=eigenvector
    refused 2 ".*'landscape.directions' has the same direction twice, .*" \
        landscape plain.yaml --set 'landscape.directions=[gradient, gradient]'
    refused 2 ".*'landscape.directions' .*3.*" \
        landscape plain.yaml --set 'landscape.directions=[random, random, random]'
    refused 2 ".*'landscape.range' has 3 numbers, .*" \
        landscape plain.yaml --set 'landscape.range=[0, 1, 2]'
    refused 2 ".*'landscape.range' has ends that do not ascend, .*" \
        landscape plain.yaml --set 'landscape.range=[1, 0]'
    refused 2 ".*'landscape.points' has 2 numbers for one direction" \
        landscape plain.yaml --set landscape.directions=random --set 'landscape.points=[3, 3]'
    refused 3 'none.safetensors: .*' landscape plain.yaml \
        --set landscape.directions=none.safetensors
    cp model.safetensors other.safetensors
    edit other.safetensors 's/ln_f/ln_g/g'
    refused 3 'other.safetensors: .*ln_[fg].*' landscape plain.yaml \
        --set landscape.directions=other.safetensors
    refused 3 'the direction model.safetensors..model.safetensors has the norm 0.*' \
        landscape plain.yaml --set landscape.directions=model.safetensors..model.safetensors
    refused 2 'model.safetensors: the result would replace the checkpoint .*' \
        landscape plain.yaml --force --output model.safetensors
}

run_cases "$@"
