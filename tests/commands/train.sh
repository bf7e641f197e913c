#!/bin/sh
# hesse train: optimisers against PyTorch, stages, logs, grids, resuming, bad input.
#
# usage: train.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# train [KEY: VALUE...]: write a job for 12 steps of two examples, in order.
train() {
    cat > train.yaml <<EOF
model: {config: config.json, checkpoint: model.safetensors}
data: {tokens: tokens.npy}
train:
  steps: 12
  batch: 2
  order: sequential
  learning_rate: 0.01
output: {folder: out}
EOF
    for key in "$@"; do
        echo "$key" | sed 's/^/  /' > "$work/key"
        sed "/^  steps/r $work/key" train.yaml > "$work/edited" &&
            cat "$work/edited" > train.yaml
    done
}
# same FILE FILE: two files are equal, byte for byte.
same() {
    expect "the same bytes in $1 and $2" cmp "$1" "$2"
}

case_every_optimiser_as_in_pytorch() {
    has_h5py || skip 'no h5py for tests/train/compare.py'
    compare=$source/tests/train/compare.py
    ranks=2
    for optimiser in $(/usr/bin/python3 "$compare"); do
        /usr/bin/python3 "$compare" "$optimiser" > "$optimiser.json"
        works 'training' train "$optimiser.json" --output "$optimiser"
        expect "$optimiser as in PyTorch" /usr/bin/python3 "$compare" "$optimiser" "$optimiser"
    done
}
# Every family that run knows is trained for two steps, and its last stage is read again.
case_every_family() {
    ranks=2
    for folder in "$source"/tests/families/*/; do
        family=$(basename "$folder")
        [ -f "$folder/job.yaml" ] || continue
        works '^training' train "$folder/job.yaml" --output "$family" --set train.steps=2 \
            --set train.learning_rate=1e-4
        [ "$family" = quadratic ] || works parameters plan "$folder/job.yaml" \
            --set "model.checkpoint=$PWD/$family/stage-000002.safetensors"
    done
}
# A network that is given as a graph is trained as the one of its family, bit by bit, and the
# folder of the run has everything that is needed to read a stage.
case_a_graph_is_trained_as_its_family() {
    train 'stages: [init, 50%, 100%]' 'measures: {every: 6, by_group: true}'
    launch graph job.yaml
    expect_status 0
    cat "$work/out" > graph.json
    ranks=2
    for optimiser in gd sgd sign rmsprop adam adamw adam_mini muon; do
        [ $optimiser != gd ] || sed '/batch:/d' train.yaml > gd.yaml
        [ $optimiser = gd ] || cat train.yaml > $optimiser.yaml
        for model in 'config: config.json' 'family: graph, graph: graph.json'; do
            sed "s/config: config.json/$model/" $optimiser.yaml > one.yaml
            works '^training' train one.yaml --force --set train.optimiser=$optimiser \
                --set 'hessian.groups={QK: ["*.query", "*.key"]}' --output "${model%%:*}"
        done
        for stage in stage-000006 stage-000012; do
            same config/$stage.safetensors family/$stage.safetensors
        done
    done
    has_h5py && expect 'measures of the groups' /usr/bin/python3 -c '
import h5py, numpy as np
with h5py.File("family/log.h5") as f:
    assert [name.decode() for name in f["path/group"]] == ["other", "QK"]
    norms = f["path/group_gradient_norm"][()]
    assert np.allclose((norms ** 2).sum(1), f["path/gradient_norm"][()] ** 2, rtol=1e-12)
    assert (f["path/group_sharpness"][()] <= f["path/sharpness"][()][:, None] * 1.01).all()'
    expect 'the graph beside the stages' cmp graph.json family/graph.json
    rm graph.json
    sed 's/family: gpt2/family: graph/;s/config: config.json/graph: family/' job.yaml > stage.yaml
    works 'hessian' run stage.yaml --set model.checkpoint=family/stage-000012.safetensors \
        --output one.h5
    works 'hessian' run job.yaml --set model.checkpoint=config/stage-000012.safetensors \
        --output two.h5
    expect 'the same spectra' h5diff one.h5 two.h5 /spectra/blocks /spectra/blocks
}
case_stages_are_checkpoints() {
    train 'stages: [init, 25%, 9, 100%]'
    works 'training' train train.yaml
    expect 'a stage after 3 steps' [ -f out/stage-000003.safetensors ]
    expect 'a state after 9 steps' [ -f out/optimiser-000009.safetensors ]
    expect 'config.json beside the stages' cmp config.json out/config.json
    works 'hessian' run job.yaml --set model.checkpoint=out/stage-000012.safetensors
    works 'hessian' run job.yaml --set model.checkpoint=out/stage-000000.safetensors \
        --output init.h5
}
case_any_number_of_ranks() {
    train
    for ranks in 1 2 4; do
        works 'training' train train.yaml --output "on$ranks"
    done
    has_h5py || skip 'no h5py to compare logs'
    expect 'the same losses up to rounding' /usr/bin/python3 -c '
import h5py, numpy as np
a, b, c = (h5py.File(f"on{n}/log.h5")["loss"][()] for n in (1, 2, 4))
assert max(abs(a - b).max(), abs(a - c).max()) < 1e-12, (a, b, c)'
}
case_resume_gives_the_same_bits() {
    train 'stages: [100%]' 'measures: {every: 100, sharpness: 5}' \
        'evaluate: {every: 100, sequences: 1}'
    edit train.yaml 's/^  steps: 12/  steps: 400/;s/^  order: seq.*/  order: shuffled/'
    edit train.yaml 's/^data: {/data: {sequences: 2, /'
    "$mpiexec" -n 2 "$hesse" train train.yaml --set output.stretch=0 \
        > "$work/out" 2> "$work/err" < /dev/null &
    pid=$!
    await $pid has_file out/unfinished -name state.safetensors
    kill -USR1 $pid
    wait $pid
    status=$?
    [ $status -eq 75 ] || [ $status -eq 0 ] || fail "status $status, expected 75 or 0"
    ranks=2
    works 'training' train train.yaml --resume
    works 'training' train train.yaml --output again
    same out/stage-000400.safetensors again/stage-000400.safetensors
    same out/optimiser-000400.safetensors again/optimiser-000400.safetensors
    expect 'no unfinished work' [ ! -e out/unfinished ]
    launch train train.yaml --resume
    expect_status 0
    expect_notes 1 'out/log.h5 is complete'
}
case_older_files_are_kept() {
    train
    works 'training' train train.yaml
    refused 6 'out/log.h5: is there already; --force .*' train train.yaml
    works 'training' train train.yaml --force
    launch train train.yaml --resume --set train.momentum=0.5 --set train.optimiser=sgd
    expect_status 6
}
case_inputs_are_spared() {
    train
    works 'training' train train.yaml
    refused 2 'out: the folder holds the checkpoint of the job, .*' train train.yaml --force \
        --set model.checkpoint=out/stage-000012.safetensors
}
case_grid() {
    train 'seeds: [1, 2]'
    ranks=3
    works 'rate-0.01-seed-2' train train.yaml --set 'train.learning_rate=[0.01, 0.02]' \
        --set 'data.seed=1'
    expect_lines 4 'rate-0.0[12]-seed-[12]'
    expect 'a log in every folder' [ -f out/rate-0.02-seed-1/log.h5 ]
    expect 'a table of all runs' [ "$(wc -l < out/runs.csv)" -eq 5 ]
    works 'rate-0.01-seed-2' train train.yaml --set 'train.learning_rate=[0.01, 0.02]' \
        --set 'data.seed=1' --resume
}
# Every point of a sweep in a folder of its own; --point takes one, --full the other size.
case_sweep() {
    train
    cat >> train.yaml <<EOF
sweep:
  speed: {slow: {train: {learning_rate: [0.001, 0.002]}}, fast: {train: {learning_rate: 0.01}}}
  train: {optimiser: [sgd, adam]}
full: {train: {steps: 14}}
EOF
    for ranks in 1 3; do
        works 'speed-slow-optimiser-adam/rate-0.002 ' train train.yaml --output "on$ranks"
    done
    expect 'a row for each run' [ "$(wc -l < on3/runs.csv)" = 7 ]
    expect 'columns of the axes' grep -q '^folder,speed,optimiser,learning_rate,' on1/runs.csv
    expect 'the outcomes on any number of ranks' same_columns on1/runs.csv on3/runs.csv
    expect 'a log of one run' [ -f on3/speed-fast-optimiser-sgd/log.h5 ]
    ranks=1
    works 'training' train train.yaml --output one --point speed-fast-optimiser-adam
    expect 'a point alone is the same run' \
        same one/speed-fast-optimiser-adam/stage-000012.safetensors \
        on1/speed-fast-optimiser-adam/stage-000012.safetensors
    works 'training' train train.yaml --output one --resume --point speed-fast-optimiser-adam
    works 'speed-slow-optimiser-sgd/rate-0.001' train train.yaml --output one --resume
    works 'all points   6 runs: about ' plan train.yaml --full
    works '14 steps' plan train.yaml --full
    refused 2 ".*'sweep' has 4 points.*" check train.yaml
    refused 2 '.*expected one of the 4 points.*' train train.yaml --point speed-fast
    refused 2 ".*unknown key 'stepz'.*" plan train.yaml --set full.train.stepz=3
}
# same_columns FILE FILE: tables of runs whose numbers agree to eight digits.
same_columns() {
    /usr/bin/python3 -c '
import csv, sys
a, b = (list(csv.DictReader(open(f))) for f in sys.argv[1:])
for x, y in zip(a, b, strict=True):
    assert x["folder"] == y["folder"] and abs(float(x["loss"]) - float(y["loss"])) < 1e-8
' "$@"
}
case_divergence() {
    train 'optimiser: sgd'
    launch train train.yaml --set train.learning_rate=1e300
    expect_status 5
    expect_notes 1 '^hesse: training diverged at step 1 with learning rate 1e+300: the loss was 2.*'
    works 'train_failure' show out/log.h5
    works 'diverged after 1 steps' train train.yaml --output grid \
        --set 'train.learning_rate=[0.1, 1e300]'
}
case_fresh_examples() {
    cat > fresh.yaml <<EOF
model: {family: mlp, widths: [5]}
data: {generator: clusters, features: 6, classes: 3, sequences: 32}
train: {steps: 8, batch: 4, order: fresh, evaluate: {sequences: 8}, measures: {every: 4, noise: 5}}
EOF
    works 'along the path' train fresh.yaml
    has_h5py || skip 'no h5py to look at the log'
    expect 'four different losses' /usr/bin/python3 -c '
import h5py
f = h5py.File("fresh/log.h5")
assert len(set(f["loss"][:4])) == 4 and f["path/noise"].shape == (2, 5)'
}
case_held_out_examples_of_one_class() {
    for i in 1 2 3 4 5 6 7 8 9; do echo "no $i" >> no; echo "yes $i" >> yes; done
    cat > classes.yaml <<EOF
model: {family: bert, task: classify, layers: 1, width: 4, heads: 1}
data: {texts: [no, yes], context: 5, sequences: 10}
train: {steps: 2, batch: 5, seeds: [0, 1], evaluate: {sequences: 4}}
EOF
    ranks=2
    works 'held-out' train classes.yaml
    expect_notes 0 'held-out examples have'
    works 'held-out' train classes.yaml --force --set data.seed=1
    expect_notes 1 'note: all 4 held-out examples have the label 1, .* the classes alternate'
}
case_measures_on_held_out_examples() {
    cat > held.yaml <<EOF
model: {family: mlp, widths: [5]}
data: {generator: clusters, features: 6, classes: 3, sequences: 32}
train:
  steps: 40
  batch: 4
  evaluate: {sequences: 8, every: 10}
  measures: {every: 1, gradient_smoothness: 2, sharpness: 0, examples: held_out}
EOF
    ranks=2
    works 'along the path' train held.yaml
    works 'along the path' train held.yaml --output batch --set train.measures.examples=batch
    has_h5py || skip 'no h5py to look at the log'
    expect 'the fits of both measures of smoothness' /usr/bin/python3 -c '
import h5py, numpy as np
f, b = h5py.File("held/log.h5"), h5py.File("batch/log.h5")
assert (f["loss"][()] == b["loss"][()]).all()
assert (f["path/gradient_norm"][()] != b["path/gradient_norm"][()]).all()
g = f["path/gradient_norm"][()]
rank = lambda x: np.argsort(np.argsort(x))
for before, after in (("", "smoothness"), ("gradient_", "gradient_smoothness")):
    s = f["path/" + after][()]
    slope, constant = np.polyfit(g, s, 1)
    both = (g > 0) & (s > 0)
    for name, own in ((before + "l0", constant), (before + "l1", slope),
                      (after + "_correlation", np.corrcoef(np.log(g[both]), np.log(s[both]))[0, 1]),
                      (after + "_rank_correlation", np.corrcoef(rank(g), rank(s))[0, 1])):
        assert abs(f.attrs[name] - own) < 1e-8 * (1 + abs(own)), (name, f.attrs[name], own)'
}
case_quadratic_with_the_best_rate() {
    cat > quadratic.yaml <<EOF
model: {family: quadratic, widths: [2, 1], eigenvalues: [1, 3, 5]}
train: {optimiser: gd, steps: 50}
EOF
    works 'train_learning_rate  *0.333' train quadratic.yaml
}
# near_outputs: write a job of gradient descent with backtracking on attention's query alone.
near_outputs() {
    cat > near.yaml <<EOF
model: {family: attention, heads: 1, head_size: 8, values: identity, deviation: 0.3, kernel: gaussian}
data: {generator: outputs, features: 16, context: 3, outputs: 3, sequences: 2}
train:
  optimiser: gd
  only: [query.weight]
  learning_rate: 100
  backtracking: true
  steps: 300
  stop: {loss: 1e-8}
  stages: [init, 100%]
output: {folder: near}
EOF
}
case_backtracking_lets_the_loss_fall() {
    near_outputs
    works training train near.yaml
    # The run ended early, and its last stage is that of its last step.
    works loss train near.yaml --output many --set 'train.seeds=[3, 4]'
    expect 'two runs ended early' [ "$(awk -F, 'NR > 1 && $5 < 300 && $6 <= 1e-8' many/runs.csv | wc -l)" = 2 ]
    expect 'two stages of a run' [ "$(ls near/stage-* | wc -l)" = 2 ]
    has_h5py || skip 'no h5py to read logs'
    expect 'every step lowers the loss enough' /usr/bin/python3 -c '
import h5py, numpy as np
f = h5py.File("near/log.h5")
loss, rate, slope = f["loss"][()], f["learning_rate"][()], np.sum(f["gradient_norm"][()][:, :1] ** 2, 1)
assert len(loss) < 300 and loss[-1] <= 1e-8 < loss[-2], loss[-2:]
assert np.all(np.diff(loss) <= -rate[:-1] * slope[:-1] / 2), np.diff(loss)
assert rate[0] < 100 and np.all(rate[1:] <= 2 * rate[:-1])'
}
case_backtracking_on_any_number_of_ranks() {
    near_outputs
    ranks=2
    works training train near.yaml
    ranks=1
    works training train near.yaml --output one
    has_h5py || skip 'no h5py to read logs'
    expect 'the same losses' /usr/bin/python3 -c '
import h5py, numpy as np
a, b = (h5py.File(f"{name}/log.h5")["loss"][:20] for name in ("near", "one"))
assert np.allclose(a, b, rtol=1e-9, atol=0), (a, b)'
}
# A step of the first rate that is tried has the measures of a step without backtracking.
case_backtracking_and_measures() {
    near_outputs
    for again in true false; do
        works training train near.yaml --output "measures-$again" --set train.steps=1 \
            --set train.learning_rate=0.01 --set "train.backtracking=$again" \
            --set 'train.measures={every: 1, instability: true, smoothness: true}'
    done
    has_h5py || skip 'no h5py to read logs'
    expect 'the same measures' /usr/bin/python3 -c '
import h5py, numpy as np
a, b = (h5py.File(f"measures-{again}/log.h5")["path"] for again in ("true", "false"))
for name in ("instability", "smoothness"):
    x, y = a[name][()], b[name][()]
    assert len(x) == 1 and x[0] > 0 and np.allclose(x, y, rtol=1e-12, atol=0), (name, x, y)'
}
# In the value alone outputs are linear: their change is J times the step, and H = (2 / M) J'"'"'J.
case_instability_of_a_linear_network() {
    has_h5py || skip 'no h5py to read logs'
    for n in 1 2; do
        ranks=$n
        works training train "$source/jobs/kernels/value_alone.yaml" --output out$n \
            --point kernel-gaussian-features-8 --set train.steps=3 \
            --set 'train.stages=[0, 1, 2, 3]' --set 'train.measures={every: 1, instability: true}'
    done
    expect 'the curvature along the step' /usr/bin/python3 -c '
import h5py, numpy as np
a, b = (h5py.File(f"out{n}/kernel-gaussian-features-8/log.h5")["path"] for n in (1, 2))
x = a["instability"][()]
assert len(x) == 3 and np.all(x > 0)
assert np.allclose(x, b["instability"][()], rtol=1e-9, atol=0)
# The smoothness along the step is u H u / |u|^2, and M = 8.
assert np.allclose(x, 4 * np.array(a["smoothness"][()]), rtol=1e-9, atol=0), (x, a["smoothness"][()])'
}
# The initial loss is that of the noise alone, and is not 0 beside the checkpoint of another seed.
case_targets_near_the_outputs() {
    near_outputs
    works training train near.yaml --set data.noise=1e-200 --set train.steps=1
    works training train near.yaml --output far --set train.steps=1 \
        --set "model.checkpoint=$PWD/near/stage-000000.safetensors" --set model.seed=2
    has_h5py || skip 'no h5py to read logs'
    expect 'targets are the outputs' /usr/bin/python3 -c '
import h5py
assert h5py.File("near/log.h5")["loss"][0] == 0
assert h5py.File("far/log.h5")["loss"][0] > 1e-3'
}
case_backtracking_is_for_descent_alone() {
    near_outputs
    refused 2 ".*'train.backtracking' is true, which is for .gd. alone.*" \
        train near.yaml --set train.optimiser=sgd
    refused 2 ".*'train.backtracking' is true, which is for .gd. alone.*" \
        train near.yaml --set train.momentum=0.9
    refused 2 ".*'train.order' is fresh, and the targets of this kind of data .*" \
        train near.yaml --set train.optimiser=sgd --set train.backtracking=false \
        --set train.order=fresh
    refused 2 ".*'train.evaluate.sequences' is given, and this kind of data .*" \
        train near.yaml --set train.evaluate.sequences=1
    refused 2 '.*1 heads give weights for 4 tokens each, which are 4 numbers, and the data want 3; .*' \
        train near.yaml --set data.context=4
}
case_bad_values() {
    train
    refused 2 "--set train.betas: 'train.betas' is for adam, .* and the optimiser is sgd" \
        train train.yaml --set train.optimiser=sgd --set 'train.betas=[0.9, 0.9]'
    refused 2 "--set train.stages: 'train.stages' holds '13', expected init, .*" \
        train train.yaml --set 'train.stages=[13]'
    refused 2 "--set train.batch: 'train.batch' is neither .*" train train.yaml \
        --set train.batch=some
    refused 2 "--set train.order: 'train.order' is fresh, .*" train train.yaml \
        --set train.order=fresh
    refused 2 "--set train.measures.noise: .*needs 'train.measures.every'" train train.yaml \
        --set train.measures.noise=3
    refused 2 "--set train.measures.examples: .*is held_out, which needs held-out .*" \
        train train.yaml --set train.measures.every=1 --set train.measures.examples=held_out
    refused 2 "--set train.measures.examples: .*needs 'train.measures.every'" \
        train train.yaml --set train.measures.examples=batch
    refused 2 "--set train.schedule.kind: 'train.schedule.kind' is step, .*" \
        train train.yaml --set train.schedule.kind=step
    refused 2 "'x\*' selects no parameter to train, .*" train train.yaml --set 'train.only=[x*]'
    refused 2 'a batch of 9 examples, of a dataset of 3; .*' train train.yaml \
        --set train.batch=9
}
case_plan() {
    train
    works 'training     4 runs of 12 steps of 2 examples: .* a step, about .* with 1 rank for' \
        plan train.yaml --ranks 4 --set 'train.learning_rate=[1, 2, 3, 4]'
    works 'training     1 run of 12 steps of 3 examples: .* with 4 ranks for a run' \
        plan train.yaml --ranks 4 --set train.batch=all
    launch plan job.yaml
    expect_lines 0 training
}
case_no_folder() {
    train
    refused 6 'no/such: No such file or directory' train train.yaml --output no/such
}

run_cases "$@"
