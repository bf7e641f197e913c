#!/bin/sh
# Wrong input files: damaged checkpoints, model configs, tokens and texts.
#
# usage: inputs.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# Weights: a safetensors file.

case_weights_missing() {
    rm model.safetensors
    run_refused 3 "$weights: No such file.*"
}
case_weights_empty() {
    : > model.safetensors
    run_refused 3 ".*$weights.*"
}
case_weights_shorter_than_the_first_number() {
    cut_to model.safetensors 5
    run_refused 3 ".*$weights.*"
}
case_weights_truncated_in_the_header() {
    cut_to model.safetensors 1000
    run_refused 3 ".*$weights.*"
}
case_weights_truncated_in_the_numbers() {
    cut_to model.safetensors $((size - 1))
    run_refused 3 ".*$weights.*"
}
case_weights_longer_than_stated() {
    printf more >> model.safetensors
    run_refused 3 ".*$weights.*"
}
case_weights_with_a_header_longer_than_the_file() {
    patch model.safetensors 0 '\377\377'
    run_refused 3 ".*$weights.*"
}
case_weights_with_a_header_of_2_to_63_bytes() {
    patch model.safetensors 7 '\200'
    run_refused 3 ".*$weights.*"
}
case_weights_with_a_header_that_is_no_json() {
    patch model.safetensors 8 '['
    run_refused 3 ".*$weights.*"
}
case_weights_with_offsets_past_the_end() {
    edit model.safetensors '/wte/s/\[\([0-9]*\),5792\]/[\1,9999]/'
    run_refused 3 ".*$weights.*wte.*"
}
case_weights_that_overlap() {
    edit model.safetensors 's/\[1008,1056\]/[1007,1055]/'
    run_refused 3 ".*$weights.*"
}
case_weights_with_offsets_that_do_not_fit_the_shape() {
    edit model.safetensors 's/\[1008,1056\]/[1008,1048]/'
    run_refused 3 ".*$weights.*"
}
case_weights_of_the_wrong_type() {
    edit model.safetensors s/F64/I64/
    run_refused 3 ".*$weights.*I64.*"
}
case_weights_without_a_tensor() {
    edit model.safetensors s/ln_f.bias/ln_f.bios/
    run_refused 3 ".*$weights.*ln_f.bias.*"
}
case_weights_with_a_tensor_of_the_wrong_shape() {
    edit model.safetensors 's/\[6,6\]/[4,9]/'
    run_refused 3 ".*$weights.*c_proj.weight.*"
}
case_weights_not_a_number() {
    patch model.safetensors $((size - 8)) '\000\000\000\000\000\000\370\177'
    run_refused 3 ".*$weights.*"
}
case_weights_not_a_number_on_one_rank() {
    ranks=1
    patch model.safetensors $((size - 8)) '\000\000\000\000\000\000\370\177'
    run_refused 3 ".*$weights.*wte.* NaN.*"
}
case_weights_infinite() {
    patch model.safetensors $((size - 8)) '\000\000\000\000\000\000\360\177'
    run_refused 3 ".*$weights.*"
}
case_weights_a_folder() {
    rm model.safetensors
    mkdir model.safetensors
    run_refused 3 ".*$weights.*"
}
case_weights_of_another_family() {
    cat "$references/llama/$weights" > model.safetensors
    run_refused 3 ".*$weights.*"
}

# The model's config.json.

case_config_missing() {
    rm config.json
    run_refused 3 'config.json: No such file.*'
}
case_config_empty() {
    : > config.json
    run_refused 3 '.*config.json.*'
}
case_config_no_json() {
    edit config.json 's/,$/;/'
    run_refused 3 '.*config.json.*'
}
case_config_a_list() {
    echo '[1, 2]' > config.json
    run_refused 3 '.*config.json.*'
}
case_config_without_a_key() {
    edit config.json /n_embd/d
    run_refused 3 '.*config.json.*n_embd.*'
}
case_config_of_the_wrong_type() {
    edit config.json 's/"n_layer": 2/"n_layer": "two"/'
    run_refused 3 '.*config.json.*n_layer.*'
}
case_config_out_of_range() {
    edit config.json 's/"n_layer": 2/"n_layer": -2/'
    run_refused 3 '.*config.json.*n_layer.*'
}
case_config_with_heads_that_do_not_divide_the_width() {
    edit config.json 's/"n_head": 2/"n_head": 4/'
    run_refused 3 '.*config.json.*'
}
case_config_with_more_layers_than_the_weights() {
    edit config.json 's/"n_layer": 2/"n_layer": 3/'
    run_refused 3 '.*h\.2\..*'
}
case_config_with_another_width_than_the_weights() {
    edit config.json 's/"n_embd": 6/"n_embd": 8/'
    run_refused 3 '.*'
}
case_config_of_another_family() {
    edit config.json 's/"gpt2"/"llama"/'
    run_refused 3 '.*config.json.*llama.*'
}
case_config_with_sizes_beyond_memory() {
    edit config.json 's/"vocab_size": 11/"vocab_size": 4294967296/'
    run_refused 3 '.*'
}

# Tokens: a .npy file.

case_tokens_missing() {
    rm tokens.npy
    run_refused 3 'tokens.npy: No such file.*'
}
case_tokens_missing_when_a_run_is_resumed() {
    launch run job.yaml
    expect_status 0
    rm tokens.npy result.h5
    run_refused 3 'tokens.npy: No such file.*' --resume
}
case_tokens_empty() {
    : > tokens.npy
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_truncated() {
    cut_to tokens.npy 199
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_truncated_in_the_header() {
    cut_to tokens.npy 50
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_no_npy() {
    patch tokens.npy 1 n
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_outside_the_vocabulary() {
    patch tokens.npy 128 '\013'
    run_refused 3 '.*tokens.npy.*11.*'
}
case_tokens_outside_the_vocabulary_on_one_rank() {
    ranks=1
    patch tokens.npy 128 '\013'
    run_refused 3 '.*tokens.npy.*11.*'
}
case_tokens_negative() {
    patch tokens.npy 128 '\377\377\377\377'
    run_refused 3 '.*tokens.npy.*-1.*'
}
case_tokens_not_integers() {
    edit tokens.npy 's/<i4/<f4/'
    run_refused 3 '.*tokens.npy.*f4.*'
}
case_tokens_in_three_dimensions() {
    edit tokens.npy 's/(3, 6), }/(3,6,1),}/'
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_without_a_sequence() {
    edit tokens.npy 's/(3, 6)/(0, 6)/'
    cut_to tokens.npy 128
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_in_sequences_of_one() {
    edit tokens.npy 's/(3, 6)/(18,1)/'
    run_refused 3 '.*tokens.npy.*'
}
case_tokens_with_padding_that_linear_attention_would_see() {
    patch tokens.npy 168 '\234\377\377\377\234\377\377\377'
    run_refused 2 '.*padding is hidden from softmax.*' \
        --set model.attention=full --set model.kernel=linear
}
case_tokens_fewer_sequences_than_asked_for() {
    run_refused 3 '.*tokens.npy.*' --set data.sequences=4
}
case_tokens_shorter_than_the_context() {
    run_refused 3 '.*tokens.npy.*' --set data.context=6
}

# Other data.

case_targets_of_examples_for_a_model_that_predicts_tokens() {
    cat > job.yaml <<EOF
model: {family: attention, heads: 1, head_size: 2, output: true}
data: {generator: regression, features: 3, examples: 4, sequences: 3}
EOF
    run_refused 2 \
        '.*attention wants 5 rows of targets of an example, one of every token, .* have 1'
}
case_text_no_utf_8() {
    edit job.yaml 's/tokens: .*/text: corpus.txt/'
    printf 'ab\377cd' > corpus.txt
    run_refused 3 '.*corpus.txt.*' --set data.vocabulary=characters
}

run_cases "$@"
