#!/bin/sh
# The jobs of the papers, each from its own file at a tiny size, and the law behind each: what
# must hold whatever the seed. tests/commands/papers.py has the laws.
#
# usage: papers.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"
ranks=1
jobs=$source/jobs
laws=$source/tests/commands/papers.py

# with_data: take copies of the jobs, beside data that stand in for MNIST and Shakespeare.
with_data() {
    jobs=$work/tree/jobs
    [ -d "$work/tree" ] && return
    mkdir "$work/copy"
    cp -R "$source/jobs" "$work/copy/jobs"
    ln -s "$source/docs" "$work/copy/docs" # the text of quickstart.yaml
    expect 'stand-ins for data' /usr/bin/python3 "$laws" data "$work/copy/jobs/adam"
    expect 'stand-ins for reviews' /usr/bin/python3 "$laws" reviews "$work/copy/jobs/kernels"
    mv "$work/copy" "$work/tree"
}
# job COMMAND FILE OUTPUT WORD...: run a job; a word KEY=VALUE is an override.
job() {
    command=$1 file=$jobs/$2.yaml output=$3
    shift 3
    for word in "$@"; do
        shift
        case $word in
            *=*) set -- "$@" --set "$word" ;;
            *) set -- "$@" "$word" ;;
        esac
    done
    launch "$command" "$file" --output "$output" "$@"
    expect_status 0
}
# law NAME WORD...: a law of papers.py holds.
law() {
    expect "the law $1" /usr/bin/python3 "$laws" "$@"
}
needs_h5py() {
    has_h5py || skip 'no h5py to read results'
}

# Linear transformers.

case_spectrum_at_zero() {
    needs_h5py
    for seed in a=1 b=2; do
        job run linear/spectrum_at_zero "${seed%=*}.h5" data.sequences=1500 output.matrices=true \
            data.seed="${seed#*=}"
    done
    law spectrum_at_zero 1500
}
case_one_layer() {
    needs_h5py
    job train linear/one_layer out model.deviation=1e-9 train.steps=150 train.batch=200 \
        train.learning_rate=0.1 train.evaluate.sequences=10000
    law one_layer 10000
}
case_settings() {
    needs_h5py
    job train linear/settings out train.seeds=0 train.steps=150 train.batch=64 \
        train.stages='[]' train.evaluate.sequences=300 train.evaluate.every=150 \
        train.measures.every=75
    law settings
}
case_covariates() {
    needs_h5py
    job train linear/covariates out model.deviation=1e-3 train.seeds=0 train.steps=80 \
        train.batch=100 train.evaluate.sequences=500 train.measures.robust_condition=false
    law covariates 500
}
case_noise() {
    needs_h5py
    job train linear/noise out data.sequences=2000 train.batch=50 train.measures.noise=400
    job train linear/noise four data.sequences=2000 train.batch=200 train.measures.noise=200 \
        --point setting-normal
    law noise
}
case_smoothness() {
    needs_h5py
    job train linear/smoothness out data.sequences=40 train.batch=all train.order=sequential \
        train.steps=3 train.stages='[0, 1, 2]' train.evaluate.sequences=4 train.measures.every=1 \
        train.measures.examples=batch
    for optimiser in sgd adam; do
        folder=$PWD/out/optimiser-$optimiser
        for step in 0 1; do
            expect 'parameters in the middle of a step' /usr/bin/python3 "$laws" \
                midpoint "$folder" $step middle.safetensors
            a=$folder/stage-00000$step.safetensors
            b=$folder/stage-00000$((step + 1)).safetensors
            set -- --point optimiser-$optimiser data.sequences=40 hessian.scope=full
            job run linear/smoothness $optimiser$step.h5 "$@" \
                "model.checkpoint=$a" "measures.directions=[$a..$b]"
            job run linear/smoothness $optimiser${step}middle.h5 "$@" \
                "model.checkpoint=$PWD/middle.safetensors"
        done
    done
    job train linear/smoothness held --point optimiser-adam train.steps=100 train.batch=50 \
        train.evaluate.sequences=50
    law smoothness
}
case_depth() {
    needs_h5py
    for point in 2-optimiser-sgd 2-optimiser-adam 4-optimiser-sgd 4-optimiser-adam; do
        job train linear/depth out --point depth-$point train.steps=200 train.batch=64 \
            train.stages='[]' train.evaluate.sequences=500 train.evaluate.every=200 \
            train.measures.robust_condition=false
    done
    law depth
}
case_softmax() {
    needs_h5py
    job train linear/softmax out train.seeds=0 train.steps=150 train.batch=64 \
        train.evaluate.sequences=500
    law softmax
}
case_nonlinear() {
    needs_h5py
    job train linear/nonlinear out train.steps=150 train.batch=64 train.evaluate.sequences=300 \
        train.measures.robust_condition=false
    law nonlinear
}
case_rates() {
    needs_h5py
    job train linear/rates out train.steps=3 train.batch=16 train.evaluate.sequences=16
    law rates
}
case_steps_of_signs() {
    needs_h5py
    job train linear/steps_of_signs out data.sequences=20 train.steps=3 \
        train.stages='[0, 1, 2, 3]' train.evaluate.sequences=4
    law steps_of_signs
}

# Why transformers need Adam.

case_heterogeneity() {
    needs_h5py
    with_data
    for point in c-1-optimiser-sgd c-1-optimiser-adam c-8-optimiser-sgd c-8-optimiser-adam; do
        job train adam/heterogeneity "$point" --point $point train.steps=150 data.sequences=1000 \
            train.evaluate.sequences=1000 train.stages='[]'
    done
    law gap
}
case_factors() {
    needs_h5py
    with_data
    set -- model.widths='[6, 6, 6]' data.size=4 data.sequences=20
    job train adam/heterogeneity out --point c-4-optimiser-sgd "$@" train.batch=4 train.steps=1 \
        train.learning_rate=1e-8 train.evaluate.sequences=4
    expect 'a checkpoint with multiplied layers' /usr/bin/python3 "$laws" multiply \
        out/c-4-optimiser-sgd multiplied.safetensors
    job run adam/heterogeneity factors.h5 --point c-4-optimiser-sgd "$@" \
        "model.checkpoint=$PWD/out/c-4-optimiser-sgd/stage-000000.safetensors"
    job run adam/heterogeneity multiplied.h5 --point c-1-optimiser-sgd "$@" \
        "model.checkpoint=$PWD/multiplied.safetensors"
    law factors
}
# mlp FILE KEY=VALUE...: train an MLP of clusters, and its Hessian at the beginning and the end.
mlp() {
    needs_h5py
    network=$1
    shift
    job train "$network" out train.steps=300 train.batch=50 train.learning_rate=0.03 "$@"
    for stage in first=000000 last=000300; do
        job run "$network" "${stage%=*}.h5" output.matrices=true "$@" \
            "model.checkpoint=$PWD/out/stage-${stage#*=}.safetensors"
    done
    law mlp
}
case_mlp_clusters() {
    mlp adam/mlp_clusters data.features=16 data.classes=16 data.sequences=200
    for classes in 4 16 64; do
        job run adam/mlp_clusters c$classes.h5 data.features=16 data.classes=$classes \
            data.sequences=400
    done
    law classes 4 16 64
}
case_mlp_cifar() {
    mlp adam/mlp_cifar data.features=48 data.classes=10 data.sequences=200
}
case_mlp_mnist() {
    needs_h5py
    with_data
    job train adam/mlp_mnist out data.sequences=30 train.steps=1
    job run adam/mlp_mnist result.h5 data.sequences=30 'hessian.only=["layers.1.*"]' \
        output.matrices=true "model.checkpoint=$PWD/out/stage-000000.safetensors"
    law cross_entropy "$jobs/adam/mnist/t10k-images-idx3-ubyte.gz" \
        "$jobs/adam/mnist/t10k-labels-idx1-ubyte.gz" 30
}
case_transformer_small() {
    needs_h5py
    set -- model.width=8 model.inner=8 model.heads=2 data.sequences=32
    job train adam/transformer_small out "$@" train.steps=150 train.batch=16 \
        train.schedule.warmup=10 train.evaluate.sequences=32
    for stage in first=000000 last=000150; do
        job run adam/transformer_small "${stage%=*}.h5" "$@" output.matrices=true \
            metrics.distance='[]' "model.checkpoint=$PWD/out/stage-${stage#*=}.safetensors"
    done
    law transformer 12
}
case_architectures() {
    needs_h5py
    with_data
    set -- train.batch=8 data.sequences=200 train.stages='[]' train.evaluate.sequences=50
    job train adam/architectures out "$@" train.steps=8
    for optimiser in sgd adam; do
        job train adam/architectures $optimiser "$@" train.steps=100 \
            --point network-gpt2-optimiser-$optimiser
    done
    law architectures
}
case_quadratics() {
    needs_h5py
    for name in heterogeneous homogeneous; do
        job theory adam/quadratic_$name $name.h5 theory.draws=50
        job run adam/quadratic_$name $name.run.h5
    done
    law quadratics
}
case_quadratics_of_networks() {
    needs_h5py
    for name in gpt2 resnet; do
        for reading in largest quantiles; do
            job theory adam/quadratic_$name $name-$reading.h5 --point reading-$reading \
                theory.draws=5
        done
    done
    law cases_1_and_2 largest quantiles
}

# Unraveling the gradient descent dynamics of transformers.

case_value_alone() {
    needs_h5py
    for point in softmax-features-3 softmax-features-8 gaussian-features-8; do
        job theory kernels/value_alone $point.h5 --point kernel-$point train.steps=300
    done
    job theory kernels/value_alone output.h5 --point kernel-gaussian-features-8 train.steps=300 \
        'train.only=[output.weight]' train.learning_rate=1e-3
    law value_alone
}
# The words of a class tell it, so both kernels learn it.
case_text() {
    needs_h5py
    with_data
    job train kernels/text out model.width=16 model.inner=16 model.context=16 data.context=16 \
        data.sequences=300 train.seeds=0 train.steps=150 train.evaluate.sequences=100 \
        train.evaluate.every=50 train.schedule.warmup=10 train.learning_rate=0.01
    law text
}
case_pathfinder() {
    needs_h5py
    job train kernels/pathfinder out model.width=8 model.inner=8 model.patch=8 \
        data.sequences=64 train.seeds=0 train.steps=60 train.evaluate.sequences=16 \
        train.evaluate.every=30 train.schedule.warmup=5 train.batch=64 train.learning_rate=0.01
    law pathfinder
}
case_two_stage() {
    needs_h5py
    with_data
    set -- model.width=8 model.inner=8 model.context=16 data.context=16 data.sequences=64 \
        train.steps=20 train.schedule.warmup=2 train.evaluate.sequences=20 \
        train.measures='{every: 1, instability: true, sharpness: 0}'
    job train kernels/two_stage_1 first "$@"
    common=$PWD/first/stage-000020.safetensors
    job train kernels/two_stage_2 second "$@" "model.checkpoint=$common" 'train.stages=[init, 100%]'
    for kernel in softmax gaussian; do
        last=$PWD/second/kernel-$kernel/stage-000020.safetensors
        job landscape kernels/two_stage_2 $kernel.h5 --point kernel-$kernel "$@" \
            "model.checkpoint=$last" landscape.points=5 \
            "landscape.directions=[$common..$PWD/second/kernel-softmax/stage-000020.safetensors, $common..$PWD/second/kernel-gaussian/stage-000020.safetensors]"
    done
    for kernel in softmax gaussian; do
        expect 'the stages begin alike' cmp second/kernel-$kernel/stage-000000.safetensors \
            second/kernel-softmax/stage-000000.safetensors
    done
    law two_stage
}
case_query_alone() {
    for point in softmax-size-D32 gaussian-size-D32 gaussian-size-D6 gaussian-size-d3; do
        job train kernels/query_alone $point --point kernel-$point train.seeds='[0, 1, 2]' \
            train.steps=600
    done
    law query_alone
}
# Every job file, in both sizes and at all points, is accepted; only files may be missing that
# no test has: a trained model, and the stages of another job.
case_every_job() {
    needs_h5py
    with_data
    for file in "$jobs"/*.yaml "$jobs"/*/*.yaml; do
        set -- # few examples: most of the time would go into drawing them
        ! grep -q 'generator:.*sequences:' "$file" || set -- --set data.sequences=64
        ! grep -q 'evaluate:.*sequences:' "$file" || set -- "$@" --set train.evaluate.sequences=16
        accepted plan "$file" "$@"
        ! grep -q '^full:' "$file" || accepted plan "$file" --full "$@"
    done
}
# accepted WORD...: the program takes a job, or only a file is missing.
accepted() {
    launch "$@"
    [ "$status" -eq 0 ] && return
    expect_status 3
    expect_notes 1 '^hesse: .*: \(No such file or directory\|no checkpoint has this name\)'
    expect_notes 1 '^hesse: .*\(stories260K\|/small_gpt2\|/two_stage_1\)/'
}

run_cases "$@"
