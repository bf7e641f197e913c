#!/bin/sh
# hesse run: numbers, scopes, partitions, parts and matrices of dense runs.
#
# usage: run.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# numbers FILE DATASET...: print datasets of a result, one number in each line.
numbers() {
    file=$1
    shift
    for set in "$@"; do
        h5dump -d "$set" -y -w 1 -m %.17g -o "$work/set" "$file" > "$work/dump" &&
            tr -s ' ,\n' '\n' < "$work/set"
    done
}

# agree A B: two lists of numbers are equal up to rounding, at the scale of the largest.
agree() {
    paste "$1" "$2" | awk 'NF && NF != 2 { bad = 1 }
        NF { d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d
             s = $1 < 0 ? -$1 : $1; if (s > scale) scale = s; n++ }
        END { print n " numbers, difference " worst " at scale " scale
              exit bad || !n || worst > 1e-12 * scale }'
}

# Runs give the same numbers on any number of ranks, and the same bits when repeated.
compared='/spectra/full/eigenvalues /gradient
    /spectra/blocks/transformer.wte.weight/eigenvalues
    /spectra/blocks/transformer.h.1.attn.c_attn.weight.query/eigenvalues'
case_same_numbers_on_any_ranks() {
    for ranks in 1 2 3 6; do
        works 'transformer.h.0.attn.c_attn.weight.query  *36' \
            run job.yaml --output "result.$ranks.h5"
        has_h5dump || continue
        # shellcheck disable=SC2086
        numbers "result.$ranks.h5" $compared > "$work/numbers.$ranks"
        expect 'the numbers of one rank' agree "$work/numbers.1" "$work/numbers.$ranks"
    done
    expect_files result.1.h5 result.2.h5 result.3.h5 result.6.h5
    has_h5dump || skip 'no h5dump compares the numbers'
}
case_same_bits_when_run_again() {
    has_h5dump || skip 'no h5dump'
    for ranks in 1 2 3 6; do
        for file in first.h5 again.h5; do
            works hessian run job.yaml --output $file
            # shellcheck disable=SC2086
            numbers $file $compared > "$work/numbers.$file"
            rm $file
        done
        expect 'the bits of the first run' cmp "$work/numbers.first.h5" "$work/numbers.again.h5"
    done
}

# scope NAME FULL BLOCKS: there are FULL lines of the full Hessian, and BLOCKS of the block
# of queries.
scope() {
    fresh llama
    works '^hessian' run job.yaml --set "hessian.scope=$1"
    expect_lines "$2" '^  (full)  *'
    expect_lines "$3" 'q_proj.weight.* small .*[0-9]e'
}
case_scope_blocks() { scope blocks 0 1; }
case_scope_full() { scope full 1 0; }
case_scope_both() { scope both 1 1; }

partition() {
    fresh llama
    works '^hessian' run job.yaml --set "hessian.partition=$1"
}
case_partition_tensor() { partition tensor; }
case_partition_head() { partition head; }
case_partition_neuron() { partition neuron; }
case_partition_layer() { partition layer; }
case_partition_group() { partition group; }
case_partition_whole() { partition whole; }

case_llama() {
    fresh llama
    works 'model.layers.0.self_attn.q_proj.weight  *64' run job.yaml
    expect_files result.h5
}
case_only_the_blocks_named() {
    fresh llama
    works 'k_proj.weight  *32' run job.yaml --set 'hessian.only=["*.q_proj.*", "*.k_proj.*"]'
    expect_lines 2 '_proj.weight'
    expect_files result.h5
}
case_more_ranks_than_columns() {
    ranks=6
    works 'ln_f.bias  *6 ' run job.yaml --set 'hessian.only=[transformer.ln_f.bias]'
}
case_share_that_is_zero() {
    works 'ln_f.bias  *6 ' run job.yaml \
        --set 'hessian.only=[transformer.ln_f.bias]' --set 'hessian.parts=[gelu]'
}
case_no_checkpoint() {
    cat > drawn.yaml <<EOF
model: {family: llama, layers: 1, heads: 2, width: 4, context: 5, vocabulary: 11, seed: 7}
data: {tokens: tokens.npy, sequences: 2}
EOF
    works 'mlp.up_proj' run drawn.yaml
    expect_files drawn.yaml drawn.h5
}

case_laws_of_matrices() {
    fresh llama
    works '^softmax' run job.yaml --set output.matrices=true \
        --set 'hessian.parts=[hessian, gauss_newton, functional, softmax]'
    has_h5py || skip 'no h5py reads the matrices'
    cat > "$work/laws.py" <<EOF
import h5py, numpy
f = h5py.File("result.h5")
h, g, r = (f[p + "hessian/full"][()]
           for p in ("", "parts/gauss_newton/", "parts/functional/"))
scale = abs(h).max()
assert (h == h.T).all(), "the Hessian is not symmetric"
assert abs(h - g - r).max() < 1e-13 * scale, "parts do not add up"
assert numpy.linalg.eigvalsh(g)[0] > -1e-12 * scale, "Gauss-Newton is not >= 0"
def solved(matrix, values):
    assert abs(numpy.linalg.eigvalsh(matrix[()]) - values[()]).max() < 1e-12 * scale
for p in ("", "parts/gauss_newton/", "parts/functional/", "parts/softmax/"):
    solved(f[p + "hessian/full"], f[p + "spectra/full/eigenvalues"])
for i, name in enumerate(f["blocks/name"].asstr()):
    a, n = f["blocks/offset"][i], f["blocks/size"][i]
    block = f["hessian/blocks"][name]
    assert abs(block[()] - h[a:a + n, a:a + n]).max() < 1e-13 * scale, name
    solved(block, f["spectra/blocks"][name]["eigenvalues"])
EOF
    expect 'matrices that keep their laws' /usr/bin/python3 "$work/laws.py"
}

# OpenBLAS kernels that a user slowed down are reported, once. Without AVX2 there are no
# faster ones.
case_slow_kernels_are_reported() {
    ranks=2
    slow='^warning: .* with the core Prescott multiplies matrices .* times slower'
    grep -q avx2 /proc/cpuinfo || skip 'no AVX2'
    "$hesse" info | grep '^BLAS core' | grep -v -q unknown || skip 'no OpenBLAS'
    OPENBLAS_CORETYPE=Prescott
    export OPENBLAS_CORETYPE
    works 'ln_f.bias' run job.yaml --set 'hessian.only=[transformer.ln_f.bias]'
    expect_notes 1 "$slow"
    works '^ranks' plan job.yaml
    expect_notes 0 "$slow"
    unset OPENBLAS_CORETYPE
    works 'ln_f.bias' run job.yaml --force --set 'hessian.only=[transformer.ln_f.bias]'
    expect_notes 0 "$slow"
}

# A single rank computes such a block by the engine band, whose matrix is half stored.
case_a_library_for_a_large_block_of_one_rank() {
    ranks=1
    cat > large.yaml <<EOF
model: {family: mlp, widths: [48]}
data: {generator: gaussian, features: 40, classes: 3, sequences: 4}
hessian: {scope: blocks, only: [layers.0.weight]}
output: {file: result.h5}
EOF
    for engine in scalapack elpa lapack; do
        works 'layers.0.weight  *1920 .* ok$' run large.yaml --force --set spectrum.engine=$engine
    done
}

run_cases "$@"
