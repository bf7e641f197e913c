#!/bin/sh
# hesse run, show, plan and check on a series of checkpoints (model.checkpoints).
#
# usage: series.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# A number of transformer.ln_f.weight is at this place of a checkpoint, and takes these values.
place=$((size - 912))
half='\000\000\000\000\000\000\340\077'     # 0.5
quarter='\000\000\000\000\000\000\320\077'  # 0.25
infinite='\000\000\000\000\000\000\360\177' # which no checkpoint may hold
huge='\234\165\000\210\074\344\067\176'     # 1e300, with which the loss overflows

# series: three checkpoints, with steps that sort in another way than their names.
series() {
    fresh gpt2
    mkdir ckpt
    for step in 5 40 300; do cp $weights ckpt/step$step.safetensors; done
    patch ckpt/step40.safetensors $place "$half"
    patch ckpt/step300.safetensors $place "$quarter"
    edit job.yaml 's,checkpoint: .*,checkpoints: ["ckpt/step*.safetensors"],'
}

# single STEP: the result of a run of this checkpoint alone is single.STEP.h5.
single() {
    fresh_job=$(sed "s,checkpoints: .*,checkpoint: ckpt/step$1.safetensors," job.yaml)
    printf '%s\n' "$fresh_job" > "single.$1.yaml"
    [ $# -gt 1 ] || set -- "$1" --force
    name_of=$1
    shift
    launch run "single.$name_of.yaml" --output "single.$name_of.h5" "$@"
    expect_status 0
}

# equal STEP: the results of a step are those of its single run, bit for bit, except times.
equal() {
    number=$(printf %06d "$1")
    for set in gradient parameters spectra/blocks spectra/full/eigenvalues spectra/full/trace \
        spectra/full/density metrics blocks/trace blocks/frobenius blocks/min \
        blocks/max blocks/condition blocks/robust_condition blocks/negative_mass \
        blocks/effective_rank blocks/check_symmetry blocks/gradient_norm parts/gauss_newton/spectra/blocks; do
        expect "the $set of a single run of step $1" \
            h5diff result.h5 "single.$1.h5" "/steps/$number/$set" "/$set"
    done
}

# value FILE DATASET: print a dataset without blanks; attribute FILE NAME: an attribute.
value() {
    h5dump -d "$2" -y -w 0 -m %.17g -o "$work/set" "$1" > "$work/dump" && tr -d ' \n' < "$work/set"
}
attribute() {
    h5dump -a "$2" -y -m %.17g "$1" | sed -n '/DATA {/,/}/p' | sed -n 2p | tr -d ' "'
}

case_steps_are_those_of_single_runs() {
    [ -n "$(command -v h5diff)" ] || skip 'no h5diff'
    for ranks in 1 2; do
        series
        set -- --set hessian.scope=both --set 'hessian.parts=[hessian,gauss_newton]'
        works '^series' run job.yaml "$@"
        for step in 5 40 300; do
            single $step "$@"
            equal $step
        done
        expect 'ascending steps' [ "$(value result.h5 /series/step)" = 5,40,300 ]
        [ "$(attribute result.h5 /steps)" = 3 ] || fail 'not 3 steps'
        [ "$(attribute result.h5 /failed_steps)" = 0 ] || fail 'not 0 failed steps'
        works 'of 3 steps checked' show result.h5 --verify
        works '^series' show result.h5
        expect_lines 5 '^  *300 ' # series, three blocks, the full matrix
    done
}
case_overlap_of_eigenvectors() {
    has_h5py || skip 'no h5py'
    series
    works '^series' run job.yaml --set hessian.scope=both --set spectrum.eigenvectors=3
    expect 'the overlaps of NumPy' /usr/bin/python3 -c '
import h5py, numpy
f = h5py.File("result.h5")
places = [("series/overlap", b, "blocks/" + n.decode()) for b, n in enumerate(f["blocks/name"])]
places += [("series/full/overlap", None, "full")]
for name, b, matrix in places:
    steps = [f[f"steps/{s:06}/spectra/{matrix}/eigenvectors"][()] for s in f["series/step"]]
    found = f[name][()] if b is None else f[name][:, b]
    assert numpy.isnan(found[0])
    for i in 1, 2:
        top = [v[len(v) // 2:] for v in steps[i - 1:i + 1]]
        expected = numpy.linalg.norm(top[0] @ top[1].T)**2 / len(top[0])
        assert abs(found[i] - expected) < 1e-12, (matrix, found[i], expected)'
}
case_series_of_a_training_run() {
    has_h5py || skip 'no h5py'
    cat > train.yaml <<EOF
model: {config: config.json, checkpoint: model.safetensors}
data: {tokens: tokens.npy}
train: {steps: 4, batch: 2, stages: [2, 4]}
output: {folder: out}
EOF
    works '^training' train train.yaml
    edit job.yaml 's,checkpoint: .*,checkpoints: ["out/stage-*.safetensors"],'
    works '^series' run job.yaml --set measures.scaling.name=exp_avg_sq \
        --set 'measures.scaling.file=out/optimiser-*.safetensors'
    expect 'steps with moments of their own' /usr/bin/python3 -c '
import h5py
f = h5py.File("result.h5")
divisors = [f[f"steps/{s:06}/parts/hessian_scaled/measures/scaling/divisor"][()] for s in (2, 4)]
assert f["series/parts/hessian_scaled/max"].shape[0] == 2
assert (divisors[0] != divisors[1]).any()'
}
case_series_has_the_numbers_of_the_steps() {
    has_h5py || skip 'no h5py'
    series
    works '^series' run job.yaml --set hessian.scope=both --set 'hessian.parts=[hessian,softmax]'
    cat > "$work/check.py" << 'END'
import h5py, numpy
f = h5py.File("result.h5")
for i, step in enumerate(f["series/step"][:]):
    one = f[f"steps/{step:06d}"]
    assert f["series/loss"][i] == one.attrs["loss"]
    assert abs(f["series/gradient_norm"][i] / numpy.linalg.norm(one["gradient"][:]) - 1) < 1e-14
    for way, part in ("", ""), ("parts/softmax/", "parts/softmax/"):
        for name in one[f"{part}blocks"]:
            inner = "block_gradient_norm" if name == "gradient_norm" else name
            if one[f"{part}blocks/{name}"].dtype != numpy.float64: continue
            series = f[f"series/{way}{inner}"]
            assert numpy.array_equal(series[i], one[f"{part}blocks/{name}"][:], equal_nan=True), name
            assert series.dims[0][0].name == "/series/step" and series.dims[1][0].name == "/block"
            assert f[f"series/{way}full/{name}"][i] == one[f"{part}spectra/full/{name}"][()]
        for name in one[f"{part}metrics"]:
            if "js0" not in one[f"{part}metrics/{name}"].attrs: continue
            assert f[f"series/{way}{name}0"][i] == one[f"{part}metrics/{name}"].attrs["js0"]
END
    expect 'the numbers of the steps' /usr/bin/python3 "$work/check.py"
}
case_show_in_python_prints_the_same() {
    has_h5py || skip 'no h5py for tools/show_result.py'
    series
    cut_to ckpt/step40.safetensors 5000
    launch run job.yaml --set hessian.scope=both
    works '^series' show result.h5
    /usr/bin/python3 "$source/tools/show_result.py" result.h5 > "$work/python"
    expect 'the same tables from tools/show_result.py' diff "$work/out" "$work/python"
}

# fails STATUS REASON: one step of the series fails, the others are as in single runs.
fails() {
    launch run job.yaml
    expect_status "$1"
    expect_notes 1 "^note: step 40: .*$2"
    expect_notes 1 "^hesse: 1 of 3 steps failed, and result.h5 has the others; the first: .*$2"
    works "^  *40 failed: .*$2" show result.h5
    works 'of 2 steps checked' show result.h5 --verify
    [ ! -e result.h5.parts ] || fail 'result.h5.parts is there, expected none'
    has_h5dump || skip 'no h5dump'
    case $(value result.h5 /series/loss) in
        *,*nan*,*) ;;
        *) fail "losses $(value result.h5 /series/loss), expected the second to be NaN" ;;
    esac
    expect 'no group of the failed step' [ -z "$(h5dump -n result.h5 | grep /steps/000040)" ]
    works 'result.h5' run job.yaml --resume
    expect_notes 1 'is complete'
}
case_damaged_checkpoint() {
    for ranks in 1 2; do
        series
        cut_to ckpt/step40.safetensors 5000
        fails 3 'found 5000 bytes'
    done
}
case_damaged_first_checkpoint() {
    series
    cut_to ckpt/step5.safetensors 5000
    launch run job.yaml
    expect_status 3
    expect_notes 1 '^note: step 5: .*found 5000 bytes'
    works 'of 2 steps checked' show result.h5 --verify
    [ -n "$(command -v h5diff)" ] || skip 'no h5diff'
    single 40
    h5diff result.h5 single.40.h5 /steps/000040/gradient /gradient || fail 'another gradient'
}
case_numbers_that_are_not_finite() {
    series
    patch ckpt/step40.safetensors $place "$infinite"
    fails 3 'step40.safetensors: '
}
case_loss_that_is_not_finite() {
    series
    patch ckpt/step40.safetensors $place "$huge"
    fails 5 ' finite'
}
case_checkpoint_of_another_shape() {
    series
    edit ckpt/step40.safetensors 's/"shape":\[6,8\]/"shape":[8,6]/'
    fails 3 "tensor 'transformer.h.[01].mlp.c_fc.weight' has shape .*8.*expected"
}
case_all_steps_fail() {
    series
    for step in 5 40 300; do cut_to ckpt/step$step.safetensors 5000; done
    run_refused 3 'ckpt/step5.safetensors: found 5000 bytes.*'
    series
    for step in 5 40 300; do patch ckpt/step$step.safetensors $place "$huge"; done
    launch run job.yaml
    expect_status 5
    expect_files ckpt/step5.safetensors ckpt/step40.safetensors ckpt/step300.safetensors
}

case_patterns_and_steps() {
    series
    run_refused 3 'ckpt/none\*: no checkpoint has this name or matches this pattern' \
        --set 'model.checkpoints=["ckpt/step5*", "ckpt/none*"]'
    run_refused 3 'ckpt/none.safetensors: no checkpoint .*' \
        --set 'model.checkpoints=[ckpt/none.safetensors]'
    run_refused 2 'ckpt/step5.safetensors: step 5 comes after step 40, expected ascending steps' \
        --set 'model.checkpoints=[ckpt/step40.safetensors, ckpt/step5.safetensors]'
    cp $weights ckpt/x-00005.safetensors
    run_refused 2 'two checkpoints with the same step, 5: ckpt/step5.safetensors and ckpt/x-00005.safetensors' \
        --set 'model.checkpoints=["ckpt/*5.safetensors"]'
    rm ckpt/x-00005.safetensors
    run_refused 2 "job.yaml: 'series.step' has 2 numbers, expected one for each of 3 checkpoints" \
        --set 'series.step=[1, 2]'
    run_refused 2 '.*step 2 comes after step 3, expected ascending steps' --set 'series.step=[1, 3, 2]'
    run_refused 2 ".*'series.step' is 'nam', expected name, or a list.*" --set series.step=nam
    run_refused 2 ".*'model.checkpoints' stands beside 'model.checkpoint', expected one of them" \
        --set model.checkpoint=$weights
    run_refused 2 './model.safetensors: expected a number .* in the name, .*' \
        --set model.checkpoints=[./model.safetensors]
    works '^ *10000000000 ' run job.yaml --set 'series.step=[1, 20, 10000000000]'
}
case_step_of_a_folder() {
    series
    for step in 9 10; do
        mkdir -p "run2/checkpoint-$step"
        mv ckpt/step$((step == 9 ? 5 : 40)).safetensors "run2/checkpoint-$step/$weights"
    done
    works '^  *10  ' run job.yaml --set 'model.checkpoints=["run2/checkpoint-*"]'
    expect_lines 5 '^  *9 .*e'
    works '^ *10 ' run job.yaml --set "model.checkpoints=[\"run2/*/$weights\"]" --force
}
case_steps_need_a_series() {
    run_refused 2 ".*'series.step' is for 'model.checkpoints'" --set series.step=name
}
case_checkpoints_are_not_replaced() {
    series
    run_refused 2 'ckpt/step40.safetensors: the result would replace the checkpoints .*' \
        --output ckpt/step40.safetensors --force
}
case_plan_and_check() {
    series
    works '^checkpoints  3, steps 5 to 300: ' plan job.yaml
    works . check job.yaml
    works . graph job.yaml
}

# A job whose steps take a second or so each, because it asks for many probes.
slow() {
    series
    set -- 'hessian.method=lanczos' 'spectrum.lanczos.probes=400' 'output.stretch=0' \
        'hessian.only=["*c_fc*"]'
    for set in "$@"; do settings="$settings --set $set"; done
}
# killed SIGNAL LANDMARK WORD...: a run that gets the signal when the landmark is true.
killed() {
    signal=$1 landmark=$2
    shift 2
    # shellcheck disable=SC2086
    "$hesse" run job.yaml $settings "$@" > "$work/out" 2> "$work/err" &
    process=$!
    await $process "$landmark"
    kill "-$signal" $process
    wait $process 2> "$work/kill"
    status=$?
    [ $status -ne 0 ] || fail 'the run ended before its signal'
    [ ! -e result.h5 ] || fail 'a result is there, expected none'
}
# The file that becomes the result has the first step.
first_step_is_written() {
    has_file result.h5.parts -name '*.tmp' -size +20k ! -name '*.part.tmp'
}
# The same, and work is on the disk that a KILL cannot take away. It waits there for a second.
first_step_is_saved() {
    first_step_is_written && has_file result.h5.parts -name '*.part'
}
# The second run has finished work of its own.
second_run_works() {
    has_file result.h5.parts -name '000002-*'
}
# work_is_there: a run without --resume tells of the work of the killed ones.
work_is_there() {
    # shellcheck disable=SC2086
    launch run job.yaml $settings
    expect_status 6
    expect_notes 1 'result.h5.parts: holds the work of a run that did not finish'
}
case_killed_and_resumed() {
    [ -n "$(command -v h5diff)" ] || skip 'no h5diff'
    ranks=1
    settings=
    slow
    # shellcheck disable=SC2086
    works '^series' run job.yaml $settings --output whole.h5
    killed KILL first_step_is_saved
    work_is_there
    killed TERM second_run_works --resume
    expect_status 75
    work_is_there
    expect 'no record of the first run again in the second' /usr/bin/python3 -c '
import glob, struct
runs = {1: [], 2: []}
for path in glob.glob("result.h5.parts/*.part"):
    with open(path, "rb") as f:
        part = f.read()
    at = 128
    while at < len(part) - 64:  # the digest of the file
        *name, count, _ = struct.unpack_from("8i2Q", part, at)
        runs[int(path[16:22])].append(tuple(name))
        at += 48 + 8 * count
print({run: len(names) for run, names in runs.items()}, set(runs[1]) & set(runs[2]))
assert runs[1] and runs[2] and not set(runs[1]) & set(runs[2])'
    # shellcheck disable=SC2086
    works '^series' run job.yaml $settings --resume
    [ ! -e result.h5.parts ] || fail 'result.h5.parts is there, expected none'
    for step in 000005 000040 000300; do
        # The probes of a lost block are multiplied in other groups: rounding differs.
        expect 'the gradient of a run without a kill' \
            h5diff result.h5 whole.h5 "/steps/$step/gradient" "/steps/$step/gradient"
        for set in trace max effective_rank; do
            expect "the $set of a run without a kill" h5diff -p 1e-9 \
                result.h5 whole.h5 "/steps/$step/blocks/$set" "/steps/$step/blocks/$set"
        done
    done
    expect 'two earlier runs' [ "$(attribute result.h5 /earlier_runs)" -eq 2 ]
}
case_resume_compares_the_checkpoints() {
    series
    works '^series' run job.yaml
    patch ckpt/step300.safetensors $place "$half"
    run_refused 6 'result.h5: the digest of the series of checkpoints was .* and is .* now; --force replaces it' --resume
}

run_cases "$@"
