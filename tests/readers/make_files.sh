#!/bin/sh
# Write one file of every kind that the program writes, small, for the tests of readers.
#     make_files.sh HESSE MPIEXEC FOLDER
set -eu
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_hwloc_base_binding_policy
hesse=$1 mpiexec=$2 folder=$3
reference=$(cd "$(dirname "$0")/../reference/gpt2" && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

# write COMMAND NAME: read a job from standard input and write NAME.h5.
write() {
    cat > "$2.yaml"
    timeout 120 "$mpiexec" -n 2 "$hesse" "$1" "$2.yaml" --output "$2.h5" > "$2.out" 2>&1 ||
        { cat "$2.out"; exit 1; }
}

# The eigenvalues of a quadratic are those of its job, so these numbers need no reader.
write run quadratic <<'YAML'
model: {family: quadratic, widths: [1, 2], eigenvalues: [1, 2, 9]}
hessian: {scope: both}
YAML
write run result <<YAML
model: {family: gpt2, config: $reference/config.json, checkpoint: $reference/model.safetensors}
data: {tokens: $reference/tokens.npy}
hessian: {scope: both, only: ["*wte*", "*ln_f*"], parts: [hessian, gauss_newton]}
spectrum: {eigenvectors: 1}
metrics: {distance: [js, wasserstein]}
measures: {index: [0, 1], directions: [gradient]}
output: {matrices: true}
YAML
write run blocks <<YAML
model: {family: gpt2, config: $reference/config.json, checkpoint: $reference/model.safetensors}
data: {tokens: $reference/tokens.npy}
hessian: {scope: blocks, only: ["*ln_*"]}
YAML
write run estimated <<YAML
model: {family: gpt2, config: $reference/config.json, checkpoint: $reference/model.safetensors}
data: {tokens: $reference/tokens.npy}
hessian: {scope: both, only: ["*ln_f*"], method: lanczos}
spectrum: {lanczos: {steps: 6, probes: 2}}
YAML
cat "$reference/model.safetensors" > step10.safetensors
cat "$reference/model.safetensors" > step20.safetensors
write run series <<YAML
model: {family: gpt2, config: $reference/config.json, checkpoints: ["step*.safetensors"]}
data: {tokens: $reference/tokens.npy}
hessian: {scope: both, only: ["*ln_f*"], parts: [hessian, softmax]}
YAML
write run sweep <<'YAML'
model: {family: mlp, widths: [3], loss: squared_error}
data: {generator: gaussian, features: 4, classes: 3, sequences: 6}
hessian: {repeats: 2, parts: [hessian, functional]}
sweep: {data: {scale: [0.1, 1, 2]}}
YAML
write landscape surface <<'YAML'
model: {family: mlp, widths: [5], seed: 1}
data: {generator: clusters, features: 6, classes: 3, sequences: 8}
landscape: {points: [5, 3], directions: [random, random], gradient: true, curvature: true}
YAML
write landscape curve <<'YAML'
model: {family: mlp, widths: [5], seed: 1}
data: {generator: clusters, features: 6, classes: 3, sequences: 8}
landscape: {points: 5, directions: [random], gradient: true}
YAML
write theory theory <<'YAML'
model: {family: quadratic, widths: [1, 2], eigenvalues: [1, 2, 9]}
theory: {draws: 4}
YAML
write theory levels <<'YAML'
model: {family: linear_transformer, layers: 1}
data: {generator: regression, features: 2, examples: 3, sequences: 8}
YAML
write train log <<'YAML'
model: {family: mlp, widths: [5], seed: 1}
data: {generator: clusters, features: 6, classes: 3, sequences: 32}
train: {optimiser: sgd, steps: 8, evaluate: {every: 4, sequences: 4},
        measures: {every: 2, gradient_smoothness: 2}}
YAML
mv log.h5 log
cat log/log.h5 > log.h5

# The tools of HDF5 itself read what the other readers must find.
[ -n "$(command -v h5dump)" ] || exit 0
cat "$reference/../../readers/datasets" > datasets
while read -r file path; do
    h5dump -d "$path" -y -w 1 -m %.17g -o values "$file.h5" > dump
    echo "$file $path $(sed 's/\\000//g' values | tr -d '",' | tr -s ' \n' ' ')"
done < datasets > expected
