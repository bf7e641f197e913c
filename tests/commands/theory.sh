#!/bin/sh
# hesse theory: quadratics against hesse train, attention against hesse run, ranks, the result file, bad input.
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
# attention NAME: the layer and the data of a folder of tests/families.
attention() {
    for file in job.yaml model.safetensors x.npy y.npy; do
        cat "$source/tests/families/$1/$file" > $file
    done
}

case_attention_in_closed_form() {
    attention attention
    works 'theory of attention at model.safetensors' theory job.yaml
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
    refused 2 'the loss of attention is a cross-entropy, expected one that has closed forms: squared_error, regression (key: model.loss)' \
        theory job.yaml --set model.loss=binary
    for step in 1 2; do cat model.safetensors > step$step.safetensors; done
    sed -i 's,checkpoint: .*},checkpoints: ["step*.safetensors"]},' job.yaml
    refused 2 "'model.checkpoints' is given, and a theory has one point" theory job.yaml
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
    refused 2 "'model.family' is mlp, expected a family that has a theory: quadratic, attention" \
        theory mlp.yaml
    refused 2 "'model.checkpoint' is given, and the theory draws parameters from 'model.seed'" \
        theory job.yaml --set model.checkpoint=model.safetensors
    refused 2 "theory: unknown option '--resume', .*" theory job.yaml --resume
}

run_cases "$@"
