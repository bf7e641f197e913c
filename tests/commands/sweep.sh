#!/bin/sh
# hesse run of a sweep: all points and repeats in one result, with means and slopes.
#
# usage: sweep.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"
ranks=1

# empty: empty the case's folder.
empty() {
    rm -rf "$work/case"
    mkdir "$work/case"
    cd "$work/case" || exit 1
}

# block KERNEL LOSS REST: the case has a job of a small block of GPT-2 without norms.
block() {
    empty
    cat > job.yaml <<EOF
model: {family: gpt2, layers: 1, heads: 1, width: 8, activation: relu, norm: none, tied: false,
        deviation: 0.28, seed: 7, kernel: $1, loss: $2${3-}}
data: {generator: addition, sequences: 16, seed: 3}
hessian:
  scope: blocks
  only: ["*weight.query", "*weight.value"]
  parts: [hessian, gauss_newton, functional]
  repeats: 2
sweep:
  model: {embedding_deviation: [0.01, 0.02, 0.04]}
output: {file: result.h5}
EOF
}
# numbers PROGRAM FILE...: a Python program with the files as `f`.
numbers() {
    program=$1
    shift
    has_h5py || skip 'no h5py to read results'
    expect "$program" /usr/bin/python3 -c '
import h5py, numpy as np, sys
f = [h5py.File(name)["sweep"] for name in sys.argv[2:]]
def blocks(g):
    return [name.decode() for name in g["block"][()]]
def slope(g, part, end):
    at = [i for i, name in enumerate(blocks(g)) if name.endswith(end)]
    where = g if part == "hessian" else g["parts/" + part]
    return where["slope"][0, at[0]]
exec(sys.argv[1])' "$program" "$@"
}

# The powers of "What Does It Mean to Be a Transformer?" at a small scale of the data.
case_softmax() {
    block softmax cross_entropy
    works '^  3 points, 6 runs, 0 failed' run job.yaml
    works 'means of 6 runs' show --verify result.h5
    works '^slope of log .functional. against log embedding_deviation' show result.h5
    numbers '
g = f[0]
assert abs(slope(g, "gauss_newton", "query") - 6) < 0.1
assert abs(slope(g, "functional", "query") - 5) < 0.1
assert abs(slope(g, "hessian", "query") - 5) < 0.1
assert abs(slope(g, "hessian", "value") - 2) < 0.1
assert abs(slope(g, "gauss_newton", "value") - 2) < 0.1
assert np.isnan(slope(g, "functional", "value"))
norm, mean, error = (g["frobenius" + end][()] for end in ("", "_mean", "_mean_error"))
pairs = norm.reshape(3, 2, -1)
assert np.allclose(mean, pairs.mean(1), rtol=1e-14)
assert np.allclose(error, pairs.std(1, ddof=1) / 2 ** 0.5, rtol=1e-9)
assert (pairs[:, 0] != pairs[:, 1]).all()
x, y = np.log(g["value"][:, 0]), np.log(mean)
for b in range(y.shape[1]):
    (a, _), cov = np.polyfit(x, y[:, b], 1, cov=True)
    assert abs(g["slope"][0, b] - a) < 1e-9
    assert abs(g["slope_error"][0, b] - cov[0, 0] ** 0.5) < 1e-9
local = np.diff(y, axis=0) / np.diff(x)[:, None]
assert np.allclose(g["local_slope"][()], local, rtol=1e-9)' result.h5
}
case_without_softmax() {
    block linear squared_error ', residual: none'
    works '0 failed' run job.yaml --set model.layers=2
    numbers '
g = f[0]
for end in ("1.attn.c_attn.weight.query", "1.attn.c_attn.weight.value"):
    assert abs(slope(g, "gauss_newton", end) - 18) < 1e-6
    assert np.isnan(slope(g, "functional", end))
for end in ("0.attn.c_attn.weight.query", "0.attn.c_attn.weight.value"):
    assert abs(slope(g, "gauss_newton", end) - 18) < 1e-6
    assert abs(slope(g, "functional", end) - 9) < 0.1' result.h5
    works '0 failed' run job.yaml --output one.h5
    numbers '
for end in ("query", "value"):
    assert abs(slope(f[0], "gauss_newton", end) - 6) < 1e-6
    assert np.isnan(slope(f[0], "functional", end))' one.h5
}
# The derivatives of the networks that only these keys make.
case_derivatives() {
    block linear squared_error ', residual: none, head_bias: true'
    works 'Hessian-vector products: .* ok' check job.yaml --point embedding_deviation-0.04 \
        --set model.layers=2 --set model.embedding_deviation=1
    block softmax squared_error
    works 'Hessian-vector products: .* ok' check job.yaml --point embedding_deviation-0.04 \
        --set model.norm=before
    refused 2 '.*' run job.yaml --set model.loss=regression
}
case_linear_mlp() {
    empty
    cat > job.yaml <<EOF
model: {family: mlp, activation: none, bias: false, loss: squared_error}
data: {generator: gaussian, features: 6, classes: 4, sequences: 16, seed: 1}
sweep:
  depth: {two: {model: {widths: [6]}}, three: {model: {widths: [6, 6]}}}
  data: {scale: [0.01, 0.1, 1]}
output: {file: result.h5}
EOF
    works '6 points, 6 runs, 0 failed' run job.yaml
    numbers '
g = f[0]
assert blocks(g) == ["layers.0.weight", "layers.1.weight", "full", "layers.2.weight"], blocks(g)
assert g["slope"].shape == (2, 4) and (g["slope_axis"][()] == 1).all()
assert np.isnan(g["value"][:, 0]).all()
size = g["size"][()]
assert (size[:3] == [36, 24, 60, 0]).all() and (size[3:] == [36, 36, 96, 24]).all()
own = g["slope"][()][:, [0, 1]]
assert abs(own - 2).max() < 1e-9 and abs(g["slope"][1, 3] - 2) < 1e-9
assert np.isnan(g["slope"][0, 3]) and np.isnan(g["loss_mean_error"][()]).all()
assert (g["max"][()][size > 0] >= g["min"][()][size > 0]).all()' result.h5
}
case_any_number_of_ranks() {
    block softmax cross_entropy
    for ranks in 1 2; do
        works '0 failed' run job.yaml --output "on$ranks.h5"
    done
    numbers '
for name in ("frobenius", "trace", "loss", "parts/functional/frobenius", "slope"):
    a, b = (g[name][()] for g in f)
    assert np.allclose(a, b, rtol=1e-10, atol=1e-12 * np.abs(a).max()), name
assert set(f[0]) == set(f[1])' on1.h5 on2.h5
}
# The repeats of a point are runs of the job with other seeds.
case_repeats_are_seeds() {
    block softmax cross_entropy
    works '0 failed' run job.yaml
    works 'hessian' run job.yaml --output one.h5 --point embedding_deviation-0.02 \
        --set hessian.repeats=1 --set model.seed=8 --set data.seed=4
    has_h5py || skip 'no h5py to read results'
    expect 'the numbers of the run alone' /usr/bin/python3 -c '
import h5py, numpy as np
s, one = h5py.File("result.h5")["sweep"], h5py.File("one.h5")
at = list(zip(s["run_point"][()], s["run_repeat"][()])).index((1, 1))
for name in ("frobenius", "trace", "min", "max"):
    for part in ("", "parts/functional/"):
        a, b = s[part + name][at], one[part + "blocks/" + name][()]
        assert np.allclose(a, b, rtol=1e-10, atol=1e-16), (part, name, a, b)
assert np.isclose(s["loss"][at], one.attrs["loss"], rtol=1e-12)'
}
# Norms without matrices: the estimate is within some standard errors of the norm.
case_estimates() {
    block softmax cross_entropy
    works '0 failed' run job.yaml --set hessian.repeats=1
    works '0 failed' run job.yaml --set hessian.repeats=1 --output estimate.h5 \
        --set hessian.method=lanczos --set spectrum.lanczos.steps=1 \
        --set spectrum.lanczos.probes=1 --set spectrum.hutchinson.probes=400
    numbers '
for part in ("", "parts/gauss_newton/"):
    exact, estimate = (g[part + "frobenius"][()] for g in f)
    assert (abs(estimate / exact - 1) < 0.15).all() and (estimate != exact).all()
assert np.isnan(f[1]["max"][()]).all()
assert not np.isnan(f[0]["max"][()]).any()' result.h5 estimate.h5
}
# A point whose numbers are not finite is named, and the others are there.
case_overflow() {
    block softmax cross_entropy
    launch run job.yaml --set 'sweep.model.embedding_deviation=[0.01, 1e200, 0.02]'
    expect_status 5
    expect_notes 1 '^note: embedding_deviation-1e200, repeat 0: .*not finite'
    expect_notes 1 '^hesse: 2 of 6 runs failed, and result.h5 has the others; the first: emb.*-1e200'
    works 'failed: embedding_deviation-1e200, repeat 1: ' show result.h5
    works 'as it was written' show --verify result.h5
    numbers '
g = f[0]
bad = g["run_point"][()] == 1
assert np.isnan(g["frobenius"][()][bad]).all() and np.isfinite(g["frobenius"][()][~bad]).all()
assert np.isnan(g["frobenius_mean"][1]).all()
assert abs(slope(g, "gauss_newton", "query") - 6) < 0.2
assert [why != b"" for why in g["run_failure"][()]] == list(bad)' result.h5
    launch run job.yaml --force --set 'sweep.model.embedding_deviation=[1e200, 1e201]'
    expect_status 5
    expect_notes 1 '^hesse: all 4 runs failed; the first: '
}
case_kill_and_resume() {
    block softmax cross_entropy
    works '0 failed' run job.yaml --output whole.h5
    "$hesse" run job.yaml --set hessian.repeats=100 > out 2> err &
    pid=$!
    await $pid has_file result.h5.parts -name '*.part'
    kill -TERM $pid
    wait $pid 2> "$work/kill"
    [ ! -e result.h5 ] || fail 'a result is there, expected none'
    expect 'the work is kept' [ -d result.h5.parts ]
    refused 6 'result.h5.parts: holds the work .*' run job.yaml --set hessian.repeats=100
    refused 2 '.*hessian.repeats.*' run job.yaml --resume --set hessian.repeats=99
    refused 3 '.*the digest of the points of the sweep .*' run job.yaml --resume --set hessian.repeats=100 \
        --set 'sweep.model.embedding_deviation=[0.01, 0.02, 0.05]'
    works '0 failed' run job.yaml --resume --set hessian.repeats=100
    works 'run' run job.yaml --set hessian.repeats=100 --output again.h5
    numbers '
assert f[0]["frobenius"][()].tobytes() == f[1]["frobenius"][()].tobytes()' result.h5 again.h5
    works 'sweep' run job.yaml --resume --set hessian.repeats=100
    expect_notes 1 '^note: result.h5 is complete; nothing was computed'
}
case_plan_and_refusals() {
    block softmax cross_entropy
    works '^all points   6 runs (3 points, 2 repeats): about ' plan job.yaml
    works '^point        embedding_deviation-0.02: 2 blocks' plan job.yaml
    refused 2 "'output.matrices' is for one point, .*" run job.yaml --set output.matrices=true
    refused 2 "'measures.kronecker' is for one point, .*" run job.yaml \
        --set measures.kronecker=true
    refused 2 ".*'sweep' has 3 points, which .*" check job.yaml
    refused 2 '--sbatch: .*' plan job.yaml --sbatch
    refused 2 "'hessian.parts' of the first point and of .*parts-hessian_functional differ, .*" run job.yaml \
        --set 'sweep.hessian.parts=[[hessian], [hessian, functional]]'
    works 'sweep' run job.yaml --point embedding_deviation-0.01
    works '1 points, 2 runs' show result.h5
}

run_cases "$@"
