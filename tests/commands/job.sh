#!/bin/sh
# Wrong job files: keys, values, and keys that contradict each other.
#
# usage: job.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# The file.

case_missing() {
    refused 2 'nowhere.yaml: .*' run nowhere.yaml
}
case_empty() {
    : > job.yaml
    run_refused 2 'job.yaml: .*'
}
case_no_yaml() {
    echo 'model: [' > job.yaml
    run_refused 2 'job.yaml:[0-9]*: .*'
}
case_binary() {
    mv model.safetensors weights.yaml
    refused 2 'weights.yaml:1: .*' run weights.yaml
}
case_a_folder() {
    mkdir folder.yaml
    refused 2 'folder.yaml: .*' run folder.yaml
}

# Keys and values.

case_unknown_section() {
    echo 'models: {}' >> job.yaml
    run_refused 2 "job.yaml:9: unknown key 'models' .*'model'.*"
}
case_misspelt_key() {
    edit job.yaml s/config:/confg:/
    run_refused 2 "job.yaml:3: unknown key 'confg' in 'model'; .*'config'"
}
case_misspelt_key_on_one_rank() {
    ranks=1
    edit job.yaml s/config:/confg:/
    run_refused 2 "job.yaml:3: unknown key 'confg' in 'model'; .*'config'"
}
case_misplaced_key() {
    edit job.yaml 's/config:.*/sequences: 3/'
    run_refused 2 "job.yaml:3: unknown key 'sequences' in 'model'; .*'data' or .*"
}
case_key_given_twice() {
    edit job.yaml 's/^\( *tokens.*\)/\1\
\1/'
    run_refused 2 'job.yaml:[0-9]*: .*tokens.*'
}
case_value_of_the_wrong_type() {
    echo 'hessian: {panel: many}' >> job.yaml
    run_refused 2 "job.yaml:9: 'hessian.panel' .*many.*from 1 to 1024.*"
}
case_no_sequences() {
    run_refused 2 ".*'data.sequences' .*0.*from 1.*" --set data.sequences=0
}
case_unknown_word() {
    run_refused 2 ".*'hessian.scope' .*'block'.*; the nearest is 'blocks'" \
        --set hessian.scope=block
}
case_no_family() {
    edit job.yaml 's/  family:.*/  seed: 1/; /config/d; /checkpoint/d'
    run_refused 2 "job.yaml: 'model.family' is missing.*"
}
case_no_data() {
    edit job.yaml 's/data:/data: {}/; /tokens/d'
    run_refused 2 'job.yaml: .*data.tokens.*'
}
case_set_of_an_unknown_key() {
    run_refused 2 ".*--set.*unknown key 'seqences'.*'sequences'.*" --set data.seqences=4
}
case_set_without_a_value() {
    run_refused 2 '.*--set.*KEY=VALUE.*' --set data.sequences
}
case_unknown_block() {
    run_refused 2 "the pattern 'nothing' selects no block; .*" --set 'hessian.only=[nothing]'
}
case_tolerance_too_small() {
    run_refused 2 '.*tolerance.*from 1e-12 to 1.*' --set spectrum.extreme.tolerance=1e-15
}

# Keys that contradict each other.

case_context_beside_a_config() {
    run_refused 2 ".*'model.context' .*config.*'data.context'.*" --set model.context=4
}
case_sizes_beside_a_config() {
    run_refused 2 ".*'model.width' .*config.*" --set model.width=8
}
case_two_lists_of_blocks() {
    run_refused 2 ".*'hessian.only' stands beside 'hessian.blocks'.*" \
        --set hessian.blocks=paper-gpt2 --set 'hessian.only=["*"]'
}
case_lanczos_and_matrices() {
    run_refused 2 ".*'output.matrices' is true, but.*forms no matrices" \
        --set hessian.method=lanczos --set output.matrices=true
}
case_extreme_pairs_of_dense_matrices() {
    run_refused 2 ".*'spectrum.extreme.pairs' is for matrices.*" \
        --set hessian.method=exact --set spectrum.extreme.pairs=1
}
case_sketch_without_probes() {
    run_refused 2 ".*sketch' stands without .*probes.*" --set spectrum.hutchinson.sketch=1
}
case_published_procedure_with_reorthogonalisation() {
    run_refused 2 ".*reorthogonalise' is not none.*" \
        --set spectrum.lanczos.procedure=paper --set spectrum.lanczos.reorthogonalise=full
}
case_published_procedure_with_the_exact_method() {
    run_refused 2 ".*'spectrum.lanczos.procedure' is paper, and 'hessian.method: exact'.*" \
        --set spectrum.lanczos.procedure=paper --set hessian.method=exact
}
case_seconds_with_the_exact_method() {
    run_refused 2 ".*'hessian.seconds' is for 'hessian.method: auto'" \
        --set hessian.method=exact --set hessian.seconds=1
}
case_batch_size_without_micro_batches() {
    run_refused 2 ".*'data.batch' is for .*micro_batches'" --set data.batch=1
}
case_micro_batches_that_do_not_divide_the_sequences() {
    run_refused 2 'micro-batches of 2 examples do not divide a batch of 3' \
        --set data.batch=2 --set hessian.reduction=micro_batches
}
case_norms_after_each_sum_of_gpt2() {
    run_refused 2 '.*gpt2 with norms after each sum, expected them before .*' --set model.norm=after
}
case_encoders_that_do_not_pool() {
    printf 'good\n' > good
    printf 'bad\n' > bad
    echo '{model: {family: bert, task: classify}, data: {texts: [good, bad]}}' > bert.yaml
    echo '{model: {family: bert}, data: {text: good, context: 4, mask_rate: 1}}' > masked.yaml
    echo '{model: {family: vit}, data: {generator: pathfinder}}' > vit.yaml
    refused 2 '.*bert without norms, expected them before .*' run bert.yaml --set model.norm=none
    refused 2 '.*the mean of the tokens tells the class of a sequence.*' run masked.yaml \
        --set model.pooling=mean
    refused 2 '.*a distillation token and the mean of all tokens, expected one.*' run vit.yaml \
        --set model.pooling=mean --set model.distillation=token
    refused 2 '.*a vocabulary of words and of characters, expected one.*' run bert.yaml \
        --set data.words=3 --set data.vocabulary=characters
}

run_cases "$@"
