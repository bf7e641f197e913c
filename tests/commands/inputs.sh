#!/bin/sh
# Wrong input files: damaged checkpoints, model configs, tokens and texts.
#
# usage: inputs.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

# Weights: a safetensors file.

case_weights_missing() {
    rm model.safetensors
    run_refused 3 "$weights: No such file.*(key: model.checkpoint)"
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

# Folders, and files in other formats.

# as_folder: the model is a folder, for config and checkpoint alike.
as_folder() {
    mkdir model
    mv config.json model.safetensors model
    edit job.yaml 's/config.json/model/; s/model.safetensors/model/'
}
# digests: of the config and the checkpoint of a result.
digests() {
    has_h5dump || return
    h5dump -a config_sha256 -a checkpoint_sha256 result.h5 | grep '(0)'
}
case_folders_stand_for_their_files() {
    ranks=1
    launch run job.yaml
    expect_status 0
    files=$(digests)
    rm result.h5
    as_folder
    for command in plan check run; do
        launch $command job.yaml
        expect_status 0
    done
    folders=$(digests)
    [ "$files" = "$folders" ] || fail "found digests '$folders', expected '$files'"
}
case_folders_of_links_are_read() {
    as_folder
    mkdir blobs
    for file in config.json model.safetensors; do
        mv model/$file blobs
        ln -s ../blobs/$file model/$file
    done
    ranks=1
    launch run job.yaml
    expect_status 0
}
case_folder_with_a_file_and_an_index() {
    as_folder
    echo '{"weight_map": {"a": "b.safetensors"}}' > model/model.safetensors.index.json
    run_refused 3 'model: found model.safetensors and .*; name the file that is meant.*'
}
case_folder_with_weights_of_pytorch() {
    as_folder
    mv model/model.safetensors model/pytorch_model.bin
    run_refused 3 'model: found pytorch_model.bin, .*`hesse convert` (keys: .*model.checkpoint)'
}
case_folder_without_a_config() {
    as_folder
    rm model/config.json
    run_refused 3 'model/config.json: No such file.*(key: model.config)'
}
case_files_that_are_pipes() {
    for file in config.json model.safetensors tokens.npy; do
        mv $file kept
        mkfifo $file
        run_refused 3 "$file: is no regular file, expected a file (key: .*)"
        rm $file
        mv kept $file
    done
}
case_config_a_web_page() {
    echo '<!DOCTYPE html><html></html>' > config.json
    run_refused 3 'config.json: found a web page .*, expected a JSON text; download .*'
}
case_tokens_a_pointer_of_git_lfs() {
    printf 'version https://git-lfs.github.com/spec/v1\nsize 5\n' > tokens.npy
    run_refused 3 'tokens.npy: found a pointer of Git LFS, .*; run `git lfs pull`.*'
}

# The model's config.json.

case_config_missing() {
    rm config.json
    run_refused 3 'config.json: No such file.*(key: model.config)'
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
    run_refused 3 'tokens.npy: No such file.*(key: data.tokens)'
}
case_other_files_missing() {
    ranks=1
    for key in mask types labels; do
        cat > job.yaml <<EOF
model: {family: bert, layers: 1, heads: 1, width: 2, inner: 2, task: tokens}
data: {inputs: tokens.npy, labels: tokens.npy, $key: nowhere.npy}
EOF
        edit job.yaml "s/labels: tokens.npy, labels/labels/"
        run_refused 3 "nowhere.npy: No such file.*(key: data.$key)"
    done
    cat > job.yaml <<EOF
model: {family: bert, layers: 1, heads: 1, width: 2, inner: 2, task: classify}
data: {texts: [nowhere]}
EOF
    run_refused 3 'nowhere: No such file.*(key: data.texts)'
    edit job.yaml 's/texts: .nowhere./images: nowhere/'
    run_refused 3 'nowhere: No such file.*(key: data.images)'
    edit job.yaml 's/images: nowhere/text: nowhere, context: 4/; s/classify/masked/'
    run_refused 3 'nowhere: No such file.*(key: data.text)'
}
case_tokens_missing_when_a_run_is_resumed() {
    launch run job.yaml
    expect_status 0
    rm tokens.npy result.h5
    run_refused 3 'tokens.npy: No such file.*' --resume
}
case_tokens_with_rows_longer_than_the_model() {
    edit config.json 's/"n_positions": 7/"n_positions": 4/'
    run_refused 3 '.*tokens.npy: found rows of 6 tokens, expected at most 5 .*(key: data.context)'
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
case_tokens_with_padding_that_nothing_hides() {
    edit config.json '1s/{/{"pad_token_id": 4,/'
    patch tokens.npy 168 '\004\000\000\000\004\000\000\000'
    run_refused 3 '.*tokens.npy: row 1 .from 0. begins or ends with 4, the model.s id.*(keys: data.mask, data.padding)'
    ranks=1
    launch plan job.yaml --set data.padding=4
    expect_status 0
}
case_tokens_fewer_sequences_than_asked_for() {
    run_refused 3 '.*tokens.npy.*' --set data.sequences=4
}
case_tokens_shorter_than_the_context() {
    run_refused 3 '.*tokens.npy.*' --set data.context=6
}

# Checkpoints of timm: its LayerNorm adds 1e-6, and that of transformers 1e-12.

# loss_with [OPTION...]: of the case's job.
loss_with() {
    launch run job.yaml --force "$@"
    expect_status 0
    sed -n 's/^  loss  *//p' "$work/out"
}
case_timm_has_another_epsilon() {
    has_h5py || skip 'no numpy'
    /usr/bin/python3 - <<EOF
import json, numpy
rng = numpy.random.default_rng(1)
shapes = {"patch_embed.proj.weight": (2, 1, 1, 1), "patch_embed.proj.bias": (2,), "cls_token": (1, 1, 2),
          "pos_embed": (1, 5, 2), "norm.weight": (2,), "norm.bias": (2,), "head.weight": (2, 2),
          "head.bias": (2,)}
for name, rows, columns in (("attn.qkv", 6, 2), ("attn.proj", 2, 2), ("mlp.fc1", 3, 2), ("mlp.fc2", 2, 3)):
    shapes["blocks.0." + name + ".weight"], shapes["blocks.0." + name + ".bias"] = (rows, columns), (rows,)
for name in ("norm1", "norm2"):
    shapes["blocks.0." + name + ".weight"] = shapes["blocks.0." + name + ".bias"] = (2,)
header, data = {}, b""
for name, shape in shapes.items():
    new = (1e-2 * rng.standard_normal(shape)).astype("<f8").tobytes()
    header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [len(data), len(data) + len(new)]}
    data += new
header = json.dumps(header).encode()
with open("model.safetensors", "wb") as f:
    f.write(len(header).to_bytes(8, "little") + header + data)
numpy.save("x.npy", rng.integers(0, 256, (3, 2, 2), "u1"))
numpy.save("y.npy", numpy.array([0, 1, 0]))
EOF
    cat > job.yaml <<EOF
model: {family: vit, layers: 1, heads: 1, width: 2, inner: 3, patch: 1, checkpoint: model.safetensors}
data: {images: x.npy, labels: y.npy}
output: {file: result.h5}
EOF
    ranks=1
    timm=$(loss_with --set model.norm_eps=1e-6)
    other=$(loss_with --set model.norm_eps=1e-12)
    none=$(loss_with)
    [ "$none" = "$timm" ] || fail "found a loss of $none, expected $timm"
    [ "$other" != "$timm" ] || fail "the loss is $timm for another epsilon, too"
    has_h5dump || return
    h5dump -a model_norm_eps result.h5 | grep -q '(0): 1e-06' || fail 'the result has another epsilon'
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
case_tokens_of_32_bits_without_a_word_of_it() {
    printf '\001\000\000\000\002\000\000\000\003\000\000\000\001\000\000\000' > t.bin
    edit job.yaml 's/tokens: .*/tokens: t.bin/'
    run_refused 3 't.bin: found ids that read well with 32 bits.*the bits of an id: 32.*(key: data.width)' \
        --set data.context=3
    ranks=1
    launch run job.yaml --set data.context=3 --set data.width=32
    expect_status 0
    launch show result.h5
    expect_line 'data_dtype  *uint32'
    expect_line 'data_layout  *stream'
}
case_text_of_another_vocabulary() {
    edit job.yaml 's/tokens: .*/text: corpus.txt/'
    echo abcabcabc > corpus.txt
    run_refused 3 'corpus.txt: found a vocabulary of 256 bytes, .*hesse tokenize.*'
    run_refused 3 'corpus.txt: found a vocabulary of 4 characters, .*' \
        --set data.vocabulary=characters
    printf '{"stoi": {"a": 2, "b": 0, "c": 9, "\\n": 1}}' > meta.json
    ranks=1
    launch run job.yaml --set data.vocabulary=characters --set data.table=meta.json
    expect_status 0
    launch show result.h5
    expect_line 'data_dtype  *characters'
}
case_text_with_a_table_and_bytes() {
    edit job.yaml 's/tokens: .*/text: corpus.txt/'
    echo abcabcabc > corpus.txt
    echo '{"a": 2}' > meta.json
    run_refused 2 'meta.json: found a table of characters, expected characters as .*' \
        --set data.table=meta.json
}
case_text_no_utf_8() {
    edit job.yaml 's/tokens: .*/text: corpus.txt/'
    printf 'ab\377cd' > corpus.txt
    run_refused 3 '.*corpus.txt.*' --set data.vocabulary=characters
}

run_cases "$@"
