#!/bin/sh
# hesse theory: quadratics against hesse train, linear transformers and attention against hesse run,
# ranks, the result file, bad input.
#
# usage: theory.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# quadratic: write a job with two blocks.
quadratic() {
    cat > job.yaml <<EOF
model:
  family: quadratic
  widths: [2, 3]
  eigenvalues: [1, 3, 20, 30, 70]
  seed: 5
theory: {draws: 20}
EOF
}

case_table_and_file() {
    quadratic
    works 'preconditioned' theory job.yaml
    expect_lines 1 '^  *measured  *10 %  *90 %  claimed$'
    expect_lines 1 '^  kappa(H)  *70 *$'
    expect_lines 1 '^    draws in which a step is above it  *0  *0$'
    expect 'the file beside the job' [ -f job.theory.h5 ]
    works 'adam_steps' show job.theory.h5
    works 'as it was written' show job.theory.h5 --verify
    refused 6 'job.theory.h5: is there already; --force replaces it' theory job.yaml
    works 'preconditioned' theory job.yaml --force
    works 'preconditioned' theory job.yaml --set output.file=other.h5
    expect 'the file of the job' [ -f other.h5 ]
    works 'preconditioned' theory job.yaml --output third.h5
    expect 'the file of --output' [ -f third.h5 ]
}
case_draw_0_is_that_of_train() {
    quadratic
    works 'preconditioned' theory job.yaml
    has_h5py || skip 'no h5py to read learning rates'
    rates=$(/usr/bin/python3 -c '
import h5py
t = h5py.File("job.theory.h5")["theory"]
print("%.17g %.17g" % (t["gd_learning_rate"][()], t["adam_learning_rate"][0]))')
    works 'training' train job.yaml --output gd --set train.optimiser=gd \
        --set train.steps=150 --set "train.learning_rate=${rates% *}"
    works 'training' train job.yaml --output adam --set train.optimiser=adam \
        --set 'train.betas=[0, 1]' --set train.epsilon=0 --set train.batch=all \
        --set train.steps=150 --set "train.learning_rate=${rates#* }"
    expect 'the losses of train' /usr/bin/python3 -c '
import h5py, numpy as np
t = h5py.File("job.theory.h5")["theory"]
steps = t["path/step"][()]
for name in "gd", "adam":
    ours, losses = t[f"path/{name}_loss"][()], h5py.File(f"{name}/log.h5")["loss"][()]
    norms = h5py.File(f"{name}/log.h5")["gradient_norm"][()]
    norm = np.sqrt((norms ** 2).sum(axis=1))
    at = steps[steps < 150]
    assert len(at) > 100, len(at)
    assert np.allclose(ours[: len(at)], losses[at], rtol=1e-8, atol=0), name
    got = t[f"path/{name}_gradient_norm"][()][: len(at)]
    assert np.allclose(got, norm[at], rtol=1e-8, atol=1e-11 * norm[0]), name
    first = np.argmax(norm <= 1e-6 * norm[0])
    need = t[f"{name}_steps"][0]
    assert first == need if need < 150 else first == 0, (first, need)'
}
case_any_number_of_ranks() {
    quadratic
    for ranks in 1 3; do
        works 'preconditioned' theory job.yaml --output "on$ranks.h5"
        cp "$work/out" "table$ranks"
    done
    expect 'the same table' cmp table1 table3
    has_h5py || skip 'no h5py to compare files'
    expect 'the same numbers' /usr/bin/python3 -c '
import h5py, numpy as np
a, b = (h5py.File(f"on{n}.h5")["theory"] for n in (1, 3))
names = []
a.visititems(lambda name, x: names.append(name) if isinstance(x, h5py.Dataset) else None)
assert len(names) > 20, names
for name in names:
    assert a[name].shape == b[name].shape and a[name][()].tobytes() == b[name][()].tobytes(), name'
}

# linear: write a job with a sweep over the depth.
linear() {
    cat > linear.yaml <<EOF
model: {family: linear_transformer, layers: 1}
data: {generator: regression, features: 2, examples: 3, sequences: 20}
sweep:
  depth:
    one: {data: {sequences: 5000}}
    two: {model: {layers: 2}}
EOF
}
case_linear_transformer() {
    linear
    works 'pairs in a prompt: 3' theory linear.yaml --point depth-one --output one.h5
    expect_lines 1 'measured on 5000 prompts, claimed for infinitely many'
    expect_lines 1 '^  loss at W = 0 *[12]\.[0-9]*  *2$'
    expect_lines 1 '^    its eigenvalues, level 1  *[0-9. ]*  4 (4 of them)$'
    expect_lines 1 '^  loss at Q = -gamma I .*  1$'
    works 'smallest_loss' show one.h5
    expect_lines 1 '^  4 .* 4$'
    works 'as it was written' show one.h5 --verify
    works 'pairs in a prompt: 3' theory linear.yaml --point depth-two --output two.h5 \
        --set model.seed=3 --set model.deviation=9 --set theory.draws=7
    expect_lines 0 'gamma'
    works 'multiplicity' show two.h5
    ranks=1
    works 'pairs in a prompt: 3' theory linear.yaml --point depth-two --output alone.h5
    has_h5py || skip 'no h5py to compare files'
    expect 'the same numbers' /usr/bin/python3 -c '
import h5py, numpy as np
a, b = (h5py.File(n)["theory"] for n in ("two.h5", "alone.h5"))
assert set(a) == set(b) and len(a["eigenvalues"]) == 16, list(a)
for name in "loss_at_zero", "gradient_norm_at_zero", "trace_at_zero", "eigenvalues":
    assert np.allclose(a[name][()], b[name][()], rtol=1e-12, atol=1e-12), name
total = np.sum(a["level_multiplicity"][()] * a["level_eigenvalue"][()])
assert a["level_multiplicity"].dtype == np.int64
assert abs(total - a["trace_at_zero_claimed"][()]) < 1e-12 * total, total'
}
case_linear_transformer_is_that_of_run() {
    linear
    has_h5py || skip 'no h5py to compare files'
    works 'pairs in a prompt: 3' theory linear.yaml --point depth-two --output two.h5
    works 'full' run linear.yaml --point depth-two --output run.h5 \
        --set model.deviation=1e-12 --set hessian.scope=full
    expect 'the eigenvalues of run' /usr/bin/python3 -c '
import h5py, numpy as np
a = h5py.File("two.h5")["theory/eigenvalues"][()]
b = h5py.File("run.h5")["spectra/full/eigenvalues"][()]
assert np.allclose(a, b, rtol=0, atol=1e-8 * np.abs(b).max()), (a, b)'
}
# refuses MESSAGE SETTING: expect an error of `hesse theory` on the job of linear.
refuses() {
    refused 2 "$1" theory linear.yaml --point depth-one --set "$2"
}
case_linear_transformer_refuses() {
    linear
    refuses 'the kernel of attention is softmax, expected linear, .* (key: model.kernel)' \
        model.kernel=softmax
    refuses 'the mask of attention is causal, expected full, .* (key: model.attention)' \
        model.attention=causal
    refuses 'an MLP before the layers has 3 neurons, expected no MLP, .* (key: model.inner)' \
        model.inner=3
    refuses 'P and Q act on x and y together, expected on x alone, .* (key: model.joint)' \
        model.joint=true
    refuses 'the loss of the network is regression, expected squared_error, .* (key: model.loss)' \
        model.loss=regression
    refuses 'a teacher of 4 neurons makes the labels, expected no teacher, .* (key: data.teacher)' \
        data.teacher=4
    refuses 'model.safetensors: is a checkpoint, and the theory of the family linear_transformer chooses the parameters itself (key: model.checkpoint)' \
        model.checkpoint=model.safetensors
    cat > other.yaml <<EOF
model: {family: linear_transformer}
data: {generator: gaussian}
EOF
    refused 2 'the kind of data is gaussian, expected regression, .* (key: data.generator)' \
        theory other.yaml
}

# attention NAME: the layer and the data of a folder of tests/families.
attention() {
    for file in job.yaml model.safetensors x.npy y.npy; do
        cat "$source/tests/families/$1/$file" > $file
    done
}

case_attention_in_closed_form() {
    attention attention
    works 'with the parameters of model.safetensors' theory job.yaml
    expect_lines 1 '^  *measured  claimed$'
    expect_lines 1 '^  |H_f(V,V)|  *0  *0, difference 0.0e+00$'
    expect_lines 1 '^  |H_o(Q,K)|  *[0-9.e-]*  *[0-9.e-]*, difference [0-9.]*e-1[5-9]$'
    expect_lines 1 '^  largest difference of a block  *[0-9.]*e-1[4-9]  *below 1e-9$'
    expect_lines 1 '^  eigenvalues of H_o that are 0  *4  *at least 4, by symmetries$'
    works 'outer_eigenvalues' show job.theory.h5
    works 'as it was written' show job.theory.h5 --verify
    works 'hessian' run job.yaml --set hessian.scope=full --set output.matrices=true \
        --set 'hessian.parts=[gauss_newton, functional]' --output run.h5
    has_h5py || skip 'no h5py to read matrices'
    expect 'the matrices of run' /usr/bin/python3 -c '
import h5py, numpy as np
t, r = h5py.File("job.theory.h5")["theory"], h5py.File("run.h5")
for ours, share in ("outer", "gauss_newton"), ("functional", "functional"):
    a, b = t[ours][()], r[f"parts/{share}/hessian/full"][()]
    assert np.abs(a - b).max() < 1e-14, share
assert "moments" not in t'
}
case_attention_with_moments() {
    attention attention_linear
    works 'hollow' theory job.yaml --set theory.moments=true --set theory.project=true
    expect_lines 1 '^  largest entry of a diagonal block of H_f (hollow)  *0  *0$'
    expect_lines 1 '^  eigenvalues of H_o that are 0  *5  *at least 5, by symmetries$'
    works 'projected_outer_eigenvalues' show job.theory.h5
    works 'as it was written' show job.theory.h5 --verify
    has_h5py || skip 'no h5py to read moments'
    expect 'moments' /usr/bin/python3 -c '
import h5py, numpy as np
t = h5py.File("job.theory.h5")["theory"]
assert np.abs(t["moments/covariance"][()]).max() > 0.1
assert np.all(t["moments/third"][()] == 0)
assert len(t["projected_eigenvalues"]) == len(t["eigenvalues"]) - 5'
}
case_attention_without_closed_form() {
    attention attention
    refused 2 'the kernel of attention is gaussian, expected one that has closed forms: softmax, linear (key: model.kernel)' \
        theory job.yaml --set model.kernel=gaussian
    refused 2 'the loss of the network is a cross-entropy, expected one that has closed forms: squared_error, regression (key: model.loss)' \
        theory job.yaml --set model.loss=binary
    for step in 1 2; do cat model.safetensors > step$step.safetensors; done
    sed -i 's,checkpoint: .*},checkpoints: ["step*.safetensors"]},' job.yaml
    refused 2 "'model.checkpoints' is given, and a theory has one point" theory job.yaml
}
case_one_matrix_of_attention() {
    set -- "$source/jobs/kernels/value_alone.yaml" --output one.h5 --force
    for kernel in softmax gaussian; do
        for features in 3 4; do
            works 'of which only value.weight is trained' theory "$@" \
                --point kernel-$kernel-features-$features --set train.steps=100
            expect_lines 1 "^  rank of J  *$((2 * features))  *M = 8, for zero loss at all targets$"
            expect_lines 1 "^  heads x inputs H D  *$((2 * features))  *at least N n = 8, for zero loss$"
        done
    done
    works descent_bound show one.h5
    works 'as it was written' show one.h5 --verify
    refused 2 'the learning rate of the run is 1000, expected at most 1 / smoothness = .* (key: train.learning_rate)' \
        theory "$@" --point kernel-softmax-features-4 --set train.learning_rate=1000
    refused 2 'the trained parameters are 2 tensors, expected one that has a theory: .* (key: train.only)' \
        theory "$@" --point kernel-softmax-features-4 --set 'train.only=["[qk]*"]'
    has_h5py || skip 'no h5py to read losses'
    works softmax train "$source/jobs/kernels/value_alone.yaml" --output run --set train.steps=100
    works rank theory "$@" --point kernel-gaussian-features-4 --set train.steps=99
    expect 'the losses of hesse train' /usr/bin/python3 -c '
import h5py, numpy as np
t = h5py.File("one.h5")["theory"]
a, b = t["descent_loss"][()], h5py.File("run/kernel-gaussian-features-4/log.h5")["loss"][()]
assert len(a) == len(b) == 100 and np.allclose(a, b, rtol=1e-12, atol=0)
assert np.all(a <= t["descent_bound"][()] * (1 + 1e-12))'
}
case_query_of_attention() {
    set -- "$source/jobs/kernels/query_alone.yaml" --output one.h5 --force
    works 'floor of the loss, by sums of weights' theory "$@" --point kernel-softmax-size-D32
    expect_lines 1 '^  rank of J at the initial values  *24  *M = 32, .*'
    works 'of which only query.weight' theory "$@" --point kernel-gaussian-size-D8
    expect_lines 1 '^  rank of J at the initial values  *32  *M = 32, .*'
    works 'of which only query.weight' theory "$@" --point kernel-gaussian-size-d3
    expect_lines 1 '^  rank of J at the initial values  *24  *M = 32, .*'
}
case_wrong_input() {
    quadratic
    refused 2 "eigenvalue 1 (from 0) is 0, and the theory needs .* all eigenvalues above 0 (key: model.eigenvalues)" \
        theory job.yaml --set 'model.eigenvalues=[1, 0, 20, 30, 70]'
    refused 2 'the learning rate of gradient descent is 0.03, expected at most 2 / L = 0.0285714, .* (key: theory.learning_rate)' \
        theory job.yaml --set theory.learning_rate=0.03
    refused 2 ".*'theory.draws' is '0', expected an integer from 1 to 1000000" theory job.yaml --set theory.draws=0
    refused 2 ".*'theory.tolerance' is '2', expected a number from .* to 1" theory job.yaml --set theory.tolerance=2
    refused 2 ".*'theory.steps' is '0', expected an integer from 1 to .*" theory job.yaml --set theory.steps=0
    cat > mlp.yaml <<EOF
model: {family: mlp, widths: [4]}
data: {generator: gaussian}
EOF
    refused 2 "'model.family' is mlp, expected a family that has a theory: quadratic, linear_transformer, attention" \
        theory mlp.yaml
    refused 2 'model.safetensors: is a checkpoint, and the theory of the family quadratic chooses the parameters itself (key: model.checkpoint)' \
        theory job.yaml --set model.checkpoint=model.safetensors
    refused 2 "theory: unknown option '--resume', .*" theory job.yaml --resume
}

run_cases "$@"
