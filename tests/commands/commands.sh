#!/bin/sh
# The program as its user meets it: every command, every way of being given wrong input.
# A wrong one ends soon, with its own exit status, one line that begins with "hesse: " and
# says what is wrong, and leaves no file behind; on three ranks as well as on one.
#
# usage: commands.sh HESSE MPIEXEC
set -u
LC_ALL=C
export LC_ALL

hesse=$1
mpiexec=$2
references=$(cd "$(dirname "$0")/../reference" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
ranks=3
failures=0

# The hands.

# fresh MODEL: a new folder with a reference's model and data, and a job for them.
fresh() {
    rm -rf "$work/case"
    mkdir "$work/case"
    cd "$work/case" || exit 1
    for file in config.json model.safetensors tokens.npy; do
        cat "$references/$1/$file" > $file
    done
    cat > job.yaml <<END
model:
  family: ${1%%_*}
  config: config.json
  checkpoint: model.safetensors
data:
  tokens: tokens.npy
output:
  file: result.h5
END
}

# edit FILE PROGRAM: with sed. What a safetensors or .npy file says of itself keeps its
# length, or all offsets after it would be wrong, too.
edit() {
    sed "$2" "$1" > "$work/edited" && cat "$work/edited" > "$1"
}

# patch FILE OFFSET BYTES: BYTES as printf has them.
patch() {
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2> "$work/dd"
}

# cut_to FILE SIZE
cut_to() {
    head -c "$2" "$1" > "$work/edited" && cat "$work/edited" > "$1"
}

# launch WORD...: the program on $ranks ranks, in this folder.
launch() {
    timeout 60 "$mpiexec" -n "$ranks" "$hesse" "$@" \
        > "$work/out" 2> "$work/err" < /dev/null
    status=$?
}

# beyond KIB: a limit of memory so much above what program, model and data take, which differs
# by some 200 KiB from run to run.
beyond() {
    fresh "$model"
    launch run job.yaml --set hessian.memory=1MiB
    sed -n 's/.*model and data need \([0-9.]*\) MiB.*/\1/p' "$work/err" |
        awk -v more="$1" '{ printf "%dKiB", $1 * 1024 + more }'
}

# verdict NAME REASON: a case is good when there is no reason against it.
verdict() {
    if [ -z "$2" ]; then
        echo "ok      $1 ($ranks ranks)"
        return
    fi
    echo "FAILED  $1 ($ranks ranks): $2"
    sed 's/^/        | /' "$work/err" | head -20
    failures=$((failures + 1))
}

# refused NAME STATUS MESSAGE WORD...: MESSAGE is a pattern for all that follows "hesse: ".
refused() {
    name=$1 expected=$2 message=$3
    shift 3
    before=$(find . | sort)
    launch "$@"
    said=$(sed -n 's/^hesse: //p' "$work/err")
    reason=
    if [ $status -ne "$expected" ]; then
        reason="exit status $status, expected $expected"
    elif [ "$(grep -c '^hesse: ' "$work/err")" -ne 1 ]; then
        reason="expected one line that begins with 'hesse: '"
    elif ! printf '%s\n' "$said" | grep -q -x -e "$message"; then
        reason="expected a message like '$message'"
    elif [ "$(find . | sort)" != "$before" ]; then
        reason="left files behind: $(find . | sort | tr '\n' ' ')"
    elif [ -s "$work/out" ]; then
        reason="printed on standard output"
    fi
    verdict "$name" "$reason"
    [ -z "${SHOW_MESSAGES:-}" ] || echo "        > $said"
}

# bad NAME STATUS MESSAGE DAMAGE [WORD...]: refused, after shell commands that do damage.
bad() {
    fresh "$model"
    eval "$4"
    if [ $# -eq 4 ]; then
        refused "$1" "$2" "$3" run job.yaml
    else
        name=$1 expected=$2 message=$3
        shift 4
        refused "$name" "$expected" "$message" "$@"
    fi
}

# works NAME PATTERN WORD...: status 0, and a line of standard output holds the pattern.
works() {
    name=$1 pattern=$2
    shift 2
    launch "$@"
    reason=
    if [ $status -ne 0 ]; then
        reason="exit status $status"
    elif ! grep -q -e "$pattern" "$work/out"; then
        reason="standard output lacks '$pattern'"
    elif grep -q '^hesse: ' "$work/err"; then
        reason="a message, expected none"
    fi
    verdict "$name" "$reason"
}

# holds NAME COMMAND...: the command succeeds.
holds() {
    name=$1
    shift
    if "$@" > "$work/err" 2>&1; then verdict "$name" ''; else verdict "$name" "not so: $*"; fi
}

# folder_holds FILE...: these and no others, beside the inputs.
folder_holds() {
    for file in config.json model.safetensors tokens.npy job.yaml "$@"; do
        echo "./$file"
    done | sort > "$work/expected"
    find . -type f | sort | diff "$work/expected" -
}

# Wrong files.

model=gpt2
weights=model.safetensors
size=$(wc -c < "$references/gpt2/$weights")

bad 'weights: missing' 3 "$weights: No such file.*" 'rm model.safetensors'
bad 'weights: empty' 3 ".*$weights.*" ': > model.safetensors'
bad 'weights: shorter than the first number' 3 ".*$weights.*" 'cut_to model.safetensors 5'
bad 'weights: truncated in the header' 3 ".*$weights.*" 'cut_to model.safetensors 1000'
bad 'weights: truncated in the numbers' 3 ".*$weights.*" 'cut_to model.safetensors $((size - 1))'
bad 'weights: longer than they say' 3 ".*$weights.*" 'printf more >> model.safetensors'
bad 'weights: header longer than the file' 3 ".*$weights.*" \
    'patch model.safetensors 0 "\377\377"'
bad 'weights: header of 2^63 bytes' 3 ".*$weights.*" 'patch model.safetensors 7 "\200"'
bad 'weights: header is no JSON' 3 ".*$weights.*" 'patch model.safetensors 8 "["'
bad 'weights: offsets past the end' 3 ".*$weights.*wte.*" \
    'edit model.safetensors "/wte/s/\[\([0-9]*\),5792\]/[\1,9999]/"'
bad 'weights: overlapping' 3 ".*$weights.*" \
    'edit model.safetensors "s/\[1008,1056\]/[1007,1055]/"'
bad 'weights: offsets that do not fit the shape' 3 ".*$weights.*" \
    'edit model.safetensors "s/\[1008,1056\]/[1008,1048]/"'
bad 'weights: wrong type' 3 ".*$weights.*I64.*" 'edit model.safetensors "s/F64/I64/"'
bad 'weights: a tensor missing' 3 ".*$weights.*ln_f.bias.*" \
    'edit model.safetensors "s/ln_f.bias/ln_f.bios/"'
bad 'weights: a tensor of the wrong shape' 3 ".*$weights.*c_proj.weight.*" \
    'edit model.safetensors "s/\[6,6\]/[4,9]/"'
bad 'weights: not a number' 3 ".*$weights.*" \
    'patch model.safetensors $((size - 8)) "\000\000\000\000\000\000\370\177"'
bad 'weights: infinite' 3 ".*$weights.*" \
    'patch model.safetensors $((size - 8)) "\000\000\000\000\000\000\360\177"'
bad 'weights: a folder' 3 ".*$weights.*" 'rm model.safetensors; mkdir model.safetensors'
bad 'weights: of another family' 3 ".*$weights.*" \
    'cat "$references/llama/$weights" > model.safetensors'

bad 'config: missing' 3 'config.json: No such file.*' 'rm config.json'
bad 'config: empty' 3 '.*config.json.*' ': > config.json'
bad 'config: no JSON' 3 '.*config.json.*' 'edit config.json "s/,$/;/"'
bad 'config: a list' 3 '.*config.json.*' 'echo "[1, 2]" > config.json'
bad 'config: lacks a key' 3 '.*config.json.*n_embd.*' 'edit config.json /n_embd/d'
bad 'config: ill-typed' 3 '.*config.json.*n_layer.*' \
    'edit config.json "s/\"n_layer\": 2/\"n_layer\": \"two\"/"'
bad 'config: out of range' 3 '.*config.json.*n_layer.*' \
    'edit config.json "s/\"n_layer\": 2/\"n_layer\": -2/"'
bad 'config: heads that do not divide the width' 3 '.*config.json.*' \
    'edit config.json "s/\"n_head\": 2/\"n_head\": 4/"'
bad 'config: more layers than the weights' 3 '.*h\.2\..*' \
    'edit config.json "s/\"n_layer\": 2/\"n_layer\": 3/"'
bad 'config: another width than the weights' 3 '.*' \
    'edit config.json "s/\"n_embd\": 6/\"n_embd\": 8/"'
bad 'config: of another family' 3 '.*config.json.*llama.*' \
    'edit config.json "s/\"gpt2\"/\"llama\"/"'
bad 'config: sizes beyond memory' 3 '.*' 'edit config.json "s/\"vocab_size\": 11/\"vocab_size\": 4294967296/"'

bad 'tokens: missing' 3 'tokens.npy: No such file.*' 'rm tokens.npy'
bad 'tokens: empty' 3 '.*tokens.npy.*' ': > tokens.npy'
bad 'tokens: truncated' 3 '.*tokens.npy.*' 'cut_to tokens.npy 199'
bad 'tokens: truncated in the header' 3 '.*tokens.npy.*' 'cut_to tokens.npy 50'
bad 'tokens: no .npy' 3 '.*tokens.npy.*' 'patch tokens.npy 1 "n"'
bad 'tokens: an id outside the vocabulary' 3 '.*tokens.npy.*11.*' \
    'patch tokens.npy 128 "\013"'
bad 'tokens: a negative id' 3 '.*tokens.npy.*-1.*' \
    'patch tokens.npy 128 "\377\377\377\377"'
bad 'tokens: not integers' 3 '.*tokens.npy.*f4.*' 'edit tokens.npy "s/<i4/<f4/"'
bad 'tokens: of rank 3' 3 '.*tokens.npy.*' 'edit tokens.npy "s/(3, 6), }/(3,6,1),}/"'
bad 'tokens: no sequence' 3 '.*tokens.npy.*' \
    'edit tokens.npy "s/(3, 6)/(0, 6)/"; cut_to tokens.npy 128'
bad 'tokens: sequences of one' 3 '.*tokens.npy.*' 'edit tokens.npy "s/(3, 6)/(18,1)/"'
bad 'tokens: padding that linear attention would see' 2 '.*padding is hidden from softmax.*' \
    'patch tokens.npy 168 "\234\377\377\377\234\377\377\377"' \
    run job.yaml --set model.attention=full --set model.kernel=linear
bad 'tokens: fewer sequences than asked for' 3 '.*tokens.npy.*' : \
    run job.yaml --set data.sequences=4
bad 'tokens: shorter than the context' 3 '.*tokens.npy.*' : \
    run job.yaml --set data.context=6

bad 'targets: of examples, for a model that predicts tokens' 2 \
    '.*attention wants 5 rows of targets of an example, one of every token, .* have 1' \
    'printf "model: {family: attention, heads: 1, head_size: 2, output: true}\ndata: {generator: regression, features: 3, examples: 4, sequences: 3}\n" > job.yaml'

bad 'text: no UTF-8' 3 '.*corpus.txt.*' \
    'edit job.yaml "s/tokens: .*/text: corpus.txt/"; printf "ab\377cd" > corpus.txt' \
    run job.yaml --set data.vocabulary=characters

# Wrong jobs.

bad 'job: missing' 2 'nowhere.yaml: .*' : run nowhere.yaml
bad 'job: empty' 2 'job.yaml: .*' ': > job.yaml'
bad 'job: no YAML' 2 'job.yaml:[0-9]*: .*' 'echo "model: [" > job.yaml'
bad 'job: binary' 2 'weights.yaml:1: .*' 'mv model.safetensors weights.yaml' run weights.yaml
bad 'job: a folder' 2 'folder.yaml: .*' 'mkdir folder.yaml' run folder.yaml
bad 'job: unknown section' 2 "job.yaml:9: unknown key 'models' .*'model'.*" \
    'echo "models: {}" >> job.yaml'
bad 'job: misspelt key' 2 "job.yaml:3: unknown key 'confg' in 'model'; .*'config'" \
    'edit job.yaml s/config:/confg:/'
bad 'job: misplaced key' 2 "job.yaml:3: unknown key 'sequences' in 'model'; .*'data'" \
    'edit job.yaml "s/config:.*/sequences: 3/"'
bad 'job: key given twice' 2 'job.yaml:[0-9]*: .*tokens.*' \
    'edit job.yaml "s/^\( *tokens.*\)/\1\\
\1/"'
bad 'job: ill-typed' 2 "job.yaml:9: 'hessian.panel' .*many.*from 1 to 1024.*" \
    'echo "hessian: {panel: many}" >> job.yaml'
bad 'job: 0 sequences' 2 ".*'data.sequences' .*0.*from 1.*" : run job.yaml --set data.sequences=0
bad 'job: unknown word' 2 ".*'hessian.scope' .*'block'.*; the nearest is 'blocks'" : \
    run job.yaml --set hessian.scope=block
bad 'job: no family' 2 "job.yaml: 'model.family' is missing.*" 'edit job.yaml /family/d'
bad 'job: no data' 2 'job.yaml: .*data.tokens.*' 'edit job.yaml "s/data:/data: {}/; /tokens/d"'
bad 'job: --set of an unknown key' 2 ".*--set.*unknown key 'seqences'.*'sequences'.*" : \
    run job.yaml --set data.seqences=4
bad 'job: --set without a value' 2 '.*--set.*KEY=VALUE.*' : run job.yaml --set data.sequences
bad 'job: a block that does not exist' 2 '.*hessian.only.*nothing.*' : \
    run job.yaml --set 'hessian.only=[nothing]'
bad 'job: a context beside a config' 2 ".*'model.context' .*config.*'data.context'.*" : \
    run job.yaml --set model.context=4
bad 'job: sizes beside a config' 2 ".*'model.width' .*config.*" : \
    run job.yaml --set model.width=8

# Too large; nowhere to write.

bad 'memory: not even for the model' 4 'program, model and data need .* MiB .* may use 1 MiB.*' : \
    run job.yaml --set hessian.memory=1MiB
little=$(beyond 5000)
bad 'memory: not for the whole' 4 'the full Hessian of order 724 .* MiB.*' : \
    run job.yaml --set "hessian.memory=$little" --set hessian.method=exact
bad 'memory: not for a block' 4 "block 'whole' of order 724 .* MiB.*" : \
    run job.yaml --set "hessian.memory=$little" --set hessian.scope=blocks \
    --set hessian.partition=whole --set hessian.method=exact
bad 'memory: not for one vector' 4 'the full Hessian of order 724 .* Lanczos.*' : \
    run job.yaml --set "hessian.memory=$(beyond 800)" --set hessian.method=lanczos \
    --set hessian.scope=full --set spectrum.lanczos.steps=724
bad 'memory: plan says so, too' 4 'the full Hessian of order 724 .*' : \
    plan job.yaml --memory-per-rank "$little" --set hessian.method=exact

bad 'output: below a folder that is none' 6 '.*nowhere/result.h5.*' : \
    run job.yaml --output nowhere/result.h5
bad 'output: below a file' 6 '.*config.json/result.h5.*' : \
    run job.yaml --output config.json/result.h5
bad 'output: where nobody may write' 6 '.*/proc/result.h5.*' : \
    run job.yaml --output /proc/result.h5
bad 'output: a folder' 6 '.*folder.*' 'mkdir folder' run job.yaml --output folder
bad 'output: an empty name' 6 '.*expected a file.*' : run job.yaml --output ''

# An input, under any name of it, stays as it is.

# spared NAME INPUT DAMAGE OUTPUT [WORD...]: after shell commands, OUTPUT is INPUT.
spared() {
    what=$1 input=$2 output=$4
    fresh "$model"
    eval "$3"
    shift 4
    cat "$input" > "$work/kept"
    refused "output: $what" 2 \
        "$output: the result would replace the .*$input, expected another --output" \
        run job.yaml "$@" --output "$output"
    holds "output: $what, is as it was" cmp "$input" "$work/kept"
}

# One file of tensors becomes an index and two files, in a folder of their own.
sharded() {
    mkdir shards
    mv model.safetensors shards/one.safetensors
    printf '\002\000\000\000\000\000\000\000{}' > shards/two.safetensors
    echo '{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}' \
        > shards/model.safetensors.index.json
}

bad 'output: the checkpoint, by the job' 2 \
    "./model.safetensors: .* replace the checkpoint .*, expected another 'output.file'" : \
    run job.yaml --set output.file=./model.safetensors
spared 'the checkpoint' model.safetensors : model.safetensors
ranks=1 # rank 0 looks
spared 'the checkpoint by another path' model.safetensors : ./model.safetensors
spared 'the checkpoint by an absolute path' model.safetensors : \
    "$work/case/model.safetensors"
spared 'a link to the checkpoint' model.safetensors \
    'ln -s model.safetensors link.h5' link.h5
spared 'a link to a link' model.safetensors \
    'mkdir far; ln -s ../model.safetensors far/link; ln -s far/link link.h5' link.h5
spared 'what the checkpoint is a link to' model.safetensors \
    'mv model.safetensors blob; ln -s blob model.safetensors' blob
spared 'the same file under two names' model.safetensors \
    'ln model.safetensors same.h5' same.h5
spared 'the job' job.yaml : job.yaml
spared 'the config' config.json : ./config.json
spared 'the tokens' tokens.npy : tokens.npy
spared 'the text' corpus.txt \
    'edit job.yaml "s/tokens: .*/text: corpus.txt/"; echo something > corpus.txt' corpus.txt
spared 'the config of a folder' folder/config.json \
    'mkdir folder; mv config.json folder' folder/config.json --set model.config=folder
spared 'the checkpoint of a folder' folder/model.safetensors \
    'mkdir folder; mv model.safetensors folder' folder/model.safetensors \
    --set model.checkpoint=folder
index=model.safetensors.index.json
spared 'the index of a folder' shards/$index sharded shards/$index \
    --set model.checkpoint=shards
for file in one.safetensors two.safetensors $index; do
    spared "$file of an index" shards/$file sharded shards/$file \
        --set model.checkpoint=shards/$index
done
bad 'output: a circle of links' 6 '.*links' 'ln -s a.h5 b.h5; ln -s b.h5 a.h5' \
    run job.yaml --output a.h5
ranks=3

# Wrong command lines.

fresh gpt2
refused 'command: none' 2 'no command, expected .*'
bad 'command: unknown' 2 "unknown command 'rum'; the nearest is 'run'.*" : rum job.yaml
bad 'command: of a later version' 2 "'train' is not available.*" : train job.yaml
bad 'command: no file' 2 'run: no file, expected JOB.yaml.*' : run
bad 'command: two files' 2 "run: .*other.yaml.*" : run job.yaml other.yaml
bad 'option: unknown' 2 "run: unknown option '--ouput'; the nearest is '--output'.*" : \
    run job.yaml --ouput x
bad 'option: of another command' 2 "run: unknown option '--ranks', .* another command.*" : run job.yaml --ranks 2
bad 'option: two that exclude each other' 2 '--resume and --force: .*' : \
    run job.yaml --resume --force
bad 'option: a value where none is' 2 '--force=yes: takes no value' : run job.yaml --force=yes
bad 'option: without a value' 2 '--output: .*' : run job.yaml --output
bad 'option: no number of ranks' 2 "--ranks: found 'many'.*" : plan job.yaml --ranks many
bad 'option: no size' 2 "--memory-per-rank: found 'much'.*" : \
    plan job.yaml --memory-per-rank much

# Disks: small ones, until one is large enough, and one that nothing can be written to.

# on_disk PATTERN: the run is refused for that reason, and the disk holds no result.
on_disk() {
    launch run job.yaml --output disk/result.h5 --set output.matrices=true
    [ $status -eq 6 ] && [ "$(grep -c '^hesse: ' "$work/err")" -eq 1 ] &&
        grep -q "^hesse: .*$1" "$work/err" && [ ! -e disk/result.h5 ]
}
fresh gpt2
mkdir disk
if mount -t tmpfs -o size=64k tmpfs disk 2> "$work/err"; then
    trap 'cd /; umount "$work/case/disk"; rm -rf "$work"' EXIT
    for room in 64 256 1024 2048 4096 6144; do
        mount -o "remount,size=${room}k" disk
        holds "output: a disk of $room KiB" on_disk 'No space left on device'
        [ ! -e disk/result.h5.parts ] || rm -r disk/result.h5.parts
    done
    mount -o remount,size=32m disk
    works 'output: a disk that is large enough' 'ln_f.bias' \
        run job.yaml --output disk/result.h5 --set output.matrices=true
    rm disk/result.h5
    mount -o remount,ro disk
    holds 'output: a disk that is read-only' on_disk 'Read-only file system'
    umount disk
    trap 'rm -rf "$work"' EXIT
else
    echo 'skipped: small disks (mount is not allowed)'
fi
rmdir disk
bad 'input: gone before the next run' 3 'tokens.npy: No such file.*' \
    'launch run job.yaml; rm tokens.npy result.h5' run job.yaml --resume

# A rank by itself.

ranks=1
bad 'weights: not a number' 3 ".*$weights.*wte.* NaN.*" \
    'patch model.safetensors $((size - 8)) "\000\000\000\000\000\000\370\177"'
bad 'tokens: an id outside the vocabulary' 3 '.*tokens.npy.*11.*' \
    'patch tokens.npy 128 "\013"'
bad 'job: misspelt key' 2 "job.yaml:3: unknown key 'confg' in 'model'; .*'config'" \
    'edit job.yaml s/config:/confg:/'
bad 'memory: not for the whole' 4 'the full Hessian of order 724 .*' : \
    run job.yaml --set "hessian.memory=$(beyond 5000)" --set hessian.method=exact
bad 'output: below a folder that is none' 6 '.*nowhere/result.h5.*' : \
    run job.yaml --output nowhere/result.h5
bad 'option: unknown' 2 "run: unknown option '--ouput'; the nearest is '--output'.*" : \
    run job.yaml --ouput x

# Kernels that a user slows down are told of, once; without AVX2 none are better.

# told: how often.
told() {
    grep -c '^note: OpenBLAS runs with the core Prescott, many times slower' "$work/err"
}
ranks=2
fresh gpt2
if grep -q avx2 /proc/cpuinfo && "$hesse" info | grep '^BLAS core' | grep -v -q unknown; then
    OPENBLAS_CORETYPE=Prescott
    export OPENBLAS_CORETYPE
    works 'run: on slow kernels' 'ln_f.bias' \
        run job.yaml --set 'hessian.only=[transformer.ln_f.bias]'
    holds 'run: says so, once' [ "$(told)" -eq 1 ]
    works 'plan: on slow kernels' '^ranks' plan job.yaml
    holds 'plan: does not mind' [ "$(told)" -eq 0 ]
    unset OPENBLAS_CORETYPE
    works 'run: on good kernels' 'ln_f.bias' \
        run job.yaml --force --set 'hessian.only=[transformer.ln_f.bias]'
    holds 'run: has nothing to say' [ "$(told)" -eq 0 ]
else
    echo 'skipped: slow kernels (no OpenBLAS, or no AVX2)'
fi

# What shows itself.

ranks=2
fresh gpt2
for command in run check plan show info; do
    works "$command --help" "^usage: hesse $command" "$command" --help
    holds "$command --help, once" [ "$(grep -c '^usage' "$work/out")" -eq 1 ]
done
works '--help' '^usage: hesse COMMAND' --help
works '--version' '^hesse [0-9]*\.[0-9]*\.[0-9]*$' --version
holds '--version, once' [ "$(wc -l < "$work/out")" -eq 1 ]
works 'info' 'MPI' info
works 'check' 'symmetry.* ok$' check job.yaml
holds 'check: all laws hold' [ "$(grep -c ' ok$' "$work/out")" -eq 5 ]
works 'plan' '^ranks  *2$' plan job.yaml
works 'plan for other ranks' '^ranks  *64$' \
    plan job.yaml --ranks 64 --memory-per-rank 1GiB
works 'plan: the memory stated' ' of 1 GiB; ' \
    plan job.yaml --ranks 64 --memory-per-rank=1GiB
works 'plan --sbatch' '^#SBATCH --ntasks=8$' \
    plan job.yaml --sbatch --ranks 8 --memory-per-rank=2GiB
cp "$work/out" "$work/planned.sbatch"
holds 'plan --sbatch: a shell script' bash -n "$work/planned.sbatch"
for line in '--mem-per-cpu=' '--time=' '--signal=B:USR1@120' '--requeue'; do
    holds "plan --sbatch: $line" grep -q -e "^#SBATCH $line" "$work/planned.sbatch"
done
holds 'check, plan and info write nothing' folder_holds

# Runs.

# numbers FILE SET...: of datasets of a result, one a line.
numbers() {
    file=$1
    shift
    for set in "$@"; do
        h5dump -d "$set" -y -w 1 -m %.17g -o "$work/set" "$file" > "$work/dump" &&
            tr -s ' ,\n' '\n' < "$work/set"
    done
}

# agree A B: two lists of numbers, to rounding at the scale of the largest.
agree() {
    paste "$1" "$2" | awk 'NF && NF != 2 { bad = 1 }
        NF { d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d
             s = $1 < 0 ? -$1 : $1; if (s > scale) scale = s; n++ }
        END { print n " numbers, difference " worst " at scale " scale
              exit bad || !n || worst > 1e-12 * scale }'
}

compared='/spectra/full/eigenvalues /gradient
    /spectra/blocks/transformer.wte.weight/eigenvalues
    /spectra/blocks/transformer.h.1.attn.c_attn.weight.query/eigenvalues'
fresh gpt2
for ranks in 1 2 3 6; do
    works 'run' 'transformer.h.0.attn.c_attn.weight.query  *36' \
        run job.yaml --output "result.$ranks.h5"
    if [ -z "$(command -v h5dump)" ]; then
        echo 'skipped: the same numbers on any number of ranks (no h5dump)'
        continue
    fi
    # shellcheck disable=SC2086
    numbers "result.$ranks.h5" $compared > "$work/numbers.$ranks"
    holds 'run: the same numbers' agree "$work/numbers.1" "$work/numbers.$ranks"
    works 'run: again' 'hessian' run job.yaml --output again.h5
    # shellcheck disable=SC2086
    numbers again.h5 $compared > "$work/numbers.again"
    rm again.h5
    holds 'run: again, the same bits' cmp "$work/numbers.$ranks" "$work/numbers.again"
done
ranks=3
holds 'run: no file but the results' \
    folder_holds result.1.h5 result.2.h5 result.3.h5 result.6.h5

# near A B: two sizes, to a fifth.
near() {
    awk -v a="$1" -v b="$2" 'BEGIN { print a, b; exit !(a > 0.8 * b && a < 1.25 * b) }'
}
ranks=1
works 'plan: the disk' '^disk  *about [0-9.]* KiB for the result' plan job.yaml
holds 'plan: the disk, as it comes' near \
    "$(sed -n 's/^disk .*about \([0-9.]*\) KiB for the.*/\1/p' "$work/out")" \
    "$(($(wc -c < result.1.h5) / 1024))"
ranks=3
works 'show' 'transformer.h.0.attn.c_attn.weight.query  *36' show result.3.h5
holds 'show: no number is missing' [ "$(grep -c -w nan "$work/out")" -eq 0 ]
refused 'show: missing' 3 'nowhere.h5: No such file.*' show nowhere.h5
refused 'show: no result' 3 'config.json: .*HDF5.*' show config.json
head -c 20000 result.3.h5 > cut.h5
refused 'show: truncated' 3 'cut.h5: .*' show cut.h5
head -c 100 result.3.h5 > cut.h5
refused 'show: truncated at once' 3 'cut.h5: .*' show cut.h5

works 'show --verify' 'as it was written, [0-9]* spectra proven' show --verify result.3.h5
# shellcheck disable=SC2012
bytes=$(wc -c < result.3.h5)
for part in 0 1 2 3 4 5 6 7 8; do
    cat result.3.h5 > flipped.h5
    place=$((part * (bytes - 1) / 8))
    flipped=$(od -An -tu1 -j $place -N 1 flipped.h5)
    patch flipped.h5 $place "$(printf '\\%03o' $((flipped ^ 16)))"
    refused "show --verify: byte $place flipped" 3 'flipped.h5: .*' show --verify flipped.h5
    launch show flipped.h5 # what HDF5 lets through is shown
    holds "show: byte $place flipped" [ $status -eq 0 -o $status -eq 3 ]
done
rm flipped.h5
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import h5py' 2> /dev/null; then
    cp result.3.h5 wrong.h5
    /usr/bin/python3 - wrong.h5 <<'END'
import hashlib, h5py, sys
with h5py.File(sys.argv[1], "r+") as f:
    f["spectra/full/eigenvalues"][-1] *= 1.001
with open(sys.argv[1], "r+b") as f:
    stamp = f.read(512)
    digest = hashlib.sha256(f.read()).hexdigest().encode()
    f.seek(stamp.index(b"\n") + 1)
    f.write(digest)
END
    refused 'show --verify: a wrong eigenvalue, stamped' 5 \
        'wrong.h5: .*trace.*' show --verify wrong.h5
    rm wrong.h5
else
    echo 'skipped: show --verify: a wrong eigenvalue, stamped (no h5py)'
fi

# Without matrices.

model=gpt2 ranks=3
little=$(beyond 5000)
fresh gpt2
lanczos='--set hessian.method=lanczos --set spectrum.lanczos.steps=12'
for ranks in 1 3; do
    # shellcheck disable=SC2086
    works 'run: lanczos' '(full)  *724 lanczos' \
        run job.yaml --output result.$ranks.h5 $lanczos
    works 'show --verify: lanczos' 'as it was written, 37 spectra proven' \
        show --verify result.$ranks.h5
done
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import h5py' 2> /dev/null; then
    /usr/bin/python3 "$references/../../tools/show_result.py" result.3.h5 > "$work/python"
    launch show result.3.h5
    holds 'show_result.py: lanczos' diff "$work/out" "$work/python"
fi
# shellcheck disable=SC2086
works 'run: lanczos, as published' '(full)  *724 lanczos' \
    run job.yaml --output paper.h5 $lanczos --set spectrum.lanczos.procedure=paper \
    --set data.batch=1
works 'show --verify: lanczos, as published' 'as it was written, 37 spectra proven' \
    show --verify paper.h5
works 'run: auto, within little memory' 'ln_f.bias  *6 lapack' \
    run job.yaml --set "hessian.memory=$little" --set hessian.panel=4
launch show result.h5
holds 'run: auto, within little memory: the whole' grep -q '(full)  *724 lanczos' "$work/out"
works 'plan: lanczos' '^lanczos .* at once' plan job.yaml --memory-per-rank "$little"
{ cat job.yaml; echo 'hessian: {blocks: paper-gpt2}'; } > paper.yaml
works 'plan: the blocks of a paper' '^blocks  *13' plan paper.yaml
bad 'job: a list of blocks twice' 2 ".*'hessian.only' stands beside 'hessian.blocks'.*" : \
    run job.yaml --set hessian.blocks=paper-gpt2 --set 'hessian.only=["*"]'
bad 'job: lanczos and matrices' 2 ".*'output.matrices' is true, but.*forms no matrices" : \
    run job.yaml --set hessian.method=lanczos --set output.matrices=true
bad 'job: extreme pairs of all that is formed' 2 ".*'spectrum.extreme.pairs' is for matrices.*" \
    : run job.yaml --set hessian.method=exact --set spectrum.extreme.pairs=1
bad 'job: a sketch alone' 2 ".*sketch' stands without .*probes.*" : \
    run job.yaml --set spectrum.hutchinson.sketch=1
bad 'job: a tolerance too small' 2 '.*tolerance.*from 1e-12 to 1.*' : \
    run job.yaml --set spectrum.extreme.tolerance=1e-15
more='--set spectrum.extreme.pairs=2 --set spectrum.hutchinson.probes=5'
# shellcheck disable=SC2086
works 'plan: eigenpairs' '^eigenpairs   2 at each end to 1e-08' plan job.yaml $lanczos $more
# shellcheck disable=SC2086
works 'run: eigenpairs' '(full)  *724 lanczos' \
    run job.yaml --output pairs.h5 $lanczos $more --set spectrum.eigenvectors=1
works 'show --verify: eigenpairs' 'as it was written, 37 spectra proven' show --verify pairs.h5
# shellcheck disable=SC2086
launch run job.yaml --output few.h5 $lanczos --set spectrum.extreme.pairs=2 \
    --set spectrum.extreme.products=10 --set spectrum.extreme.block=1
cp "$work/err" "$work/notes"
holds 'run: too few products for eigenpairs' \
    grep -q '^note: extreme eigenvalues of [0-9]* matrices are not .* after 1[0-9] products' \
    "$work/notes"
works 'show --verify: too few products for eigenpairs' '37 spectra proven' show --verify few.h5
cat > wide.yaml <<END
model: {family: mlp, widths: [362]}
data: {generator: gaussian, features: 363, classes: 2, sequences: 2}
hessian: {scope: full, method: lanczos}
spectrum: {lanczos: {steps: 2, probes: 1}}
END
works 'run: eigenpairs of a wide model, two vectors at once' '(full)  *132494 lanczos' \
    run wide.yaml --set spectrum.extreme.pairs=1 --set spectrum.extreme.block=2 \
    --set spectrum.extreme.products=8
works 'plan: auto, of a block beyond the libraries for matrices' 'layers.0.weight *131406 *lanczos' \
    plan wide.yaml --set hessian.method=auto --set hessian.scope=blocks
works 'run: auto, of a block beyond the libraries for matrices' 'layers.1.bias *2 lapack' \
    run wide.yaml --output auto.h5 --set hessian.method=auto --set hessian.scope=blocks
if [ -n "$(command -v h5dump)" ]; then
    holds 'run: a result has what its family has' h5dump -a model_outputs auto.h5
    holds 'run: and nothing else' [ -z "$(h5dump -a model_heads auto.h5 2> "$work/dump" | grep DATA)" ]
    ranks=1
    cat > deep.yaml <<END
model: {family: mlp, widths: [256, 128]}
data: {generator: gaussian, features: 784, classes: 10, sequences: 16}
hessian: {scope: both, method: lanczos, memory: 100MiB}
spectrum: {lanczos: {steps: 20, probes: 3}}
END
    works 'run: within its memory' '(full) *235146 *lanczos' run deep.yaml
    h5dump -d /ranks/memory_peak -y -m %.0f -o "$work/peak" deep.h5 > "$work/dump"
    holds 'run: takes no more' [ "$(tr -d ' \n' < "$work/peak")" -le $((100 << 20)) ]
    ranks=3
else
    echo 'skipped: what a result says of its family and memory (no h5dump)'
fi
bad 'job: the paper, and orthogonal' 2 ".*reorthogonalise' is not none.*" : \
    run job.yaml --set spectrum.lanczos.procedure=paper \
    --set spectrum.lanczos.reorthogonalise=full
bad 'job: seconds for the exact' 2 ".*'hessian.seconds' is for 'hessian.method: auto'" : \
    run job.yaml --set hessian.method=exact --set hessian.seconds=1
bad 'job: the published procedure, exactly' 2 \
    ".*'spectrum.lanczos.procedure' is paper, and 'hessian.method: exact'.*" : \
    run job.yaml --set spectrum.lanczos.procedure=paper --set hessian.method=exact
bad 'job: micro-batches of none' 2 ".*'data.batch' is for .*micro_batches'" : \
    run job.yaml --set data.batch=1
bad 'job: micro-batches left over' 2 'micro-batches of 2 sequences .* 3 sequences.*' : \
    run job.yaml --set data.batch=2 --set hessian.reduction=micro_batches

fresh llama
works 'run: llama' 'model.layers.0.self_attn.q_proj.weight  *64' run job.yaml
if [ -n "$(command -v flock)" ]; then
    for seconds in 3 20; do # a run that ends soon is waited for
        mkdir -p result.h5.parts
        flock result.h5.parts/lock sleep $seconds &
        held=$!
        until [ -e result.h5.parts/lock ]; do sleep 0.1; done
        if [ $seconds = 3 ]; then
            works 'run: as soon as another run has ended' '^hessian' run job.yaml --force
        else
            before=$(find . | sort)
            launch run job.yaml --force
            said=$(sed -n 's/^hesse: //p' "$work/err")
            holds 'run: another run is at work' \
                [ "$said" = 'result.h5.parts: another run is at work there' ]
            holds 'run: and nothing is touched' [ "$(find . | sort)" = "$before" ]
        fi
        kill $held 2> "$work/err"
        wait $held
    done
    rm -r result.h5 result.h5.parts
fi
printf 'an older file' > result.h5
refused 'run: an older result' 6 'result.h5: is there already; --force replaces it.*' run job.yaml
refused 'run: an older result of another job' 6 'result.h5: .*not the result of this job.*' \
    run job.yaml --resume
works 'run: replaces an older result' 'self_attn.q_proj' run job.yaml --force
works 'run: leaves a complete one' 'self_attn.q_proj' run job.yaml --resume
holds 'run: says so' [ "$(grep -c '^note: result.h5 is complete' "$work/err")" -eq 1 ]
mkdir result.h5.parts # of a run that was killed as it ended
: > result.h5.parts/lock
: > result.h5.parts/000001-00000-000000.part.tmp
works 'run: leaves a complete one, without its leftovers' 'self_attn.q_proj' run job.yaml --resume
holds 'run: leftovers are gone' folder_holds result.h5
works 'run: the older result is gone' 'self_attn.q_proj' show result.h5
mkdir far
for there in yes no; do
    [ $there = no ] || printf 'an older file' > far/real.h5
    ln -s far/real.h5 link.h5
    works 'run: through a link' 'self_attn.q_proj' run job.yaml --force --output link.h5
    holds 'run: the link is one still' [ -h link.h5 ]
    works 'run: the result is where it points to' 'self_attn.q_proj' show far/real.h5
    rm link.h5 far/real.h5
done
rmdir far
for scope in blocks full both; do
    works "run: scope $scope" '^hessian' run job.yaml --force --set hessian.scope=$scope
    full=$(grep -c '^  (full)  *' "$work/out")
    block=$(grep -c 'q_proj.weight.* lapack .*[0-9]e' "$work/out")
    case $scope in
        blocks) holds "run: scope $scope, alone" [ "$full$block" = 01 ] ;;
        full) holds "run: scope $scope, alone" [ "$full$block" = 10 ] ;;
        both) holds "run: scope $scope, both" [ "$full$block" = 11 ] ;;
    esac
done
for partition in tensor head neuron layer group whole; do
    works "run: partition $partition" '^hessian' \
        run job.yaml --force --set hessian.partition=$partition
done
works 'run: only the blocks named' 'k_proj.weight  *32' \
    run job.yaml --force --set 'hessian.only=["*.q_proj.*", "*.k_proj.*"]'
holds 'run: no others' [ "$(grep -c '_proj.weight' "$work/out")" -eq 2 ]
holds 'run: the folder is clean' folder_holds result.h5

ranks=6
fresh gpt2
works 'run: more ranks than columns' 'ln_f.bias  *6 ' \
    run job.yaml --force --set 'hessian.only=[transformer.ln_f.bias]'
ranks=3
works 'run: a part that is zero there' 'ln_f.bias  *6 ' \
    run job.yaml --force --set 'hessian.only=[transformer.ln_f.bias]' --set 'hessian.parts=[gelu]'
cat > drawn.yaml <<END
model: {family: llama, layers: 1, heads: 2, width: 4, context: 5, vocabulary: 11, seed: 7}
data: {tokens: tokens.npy, sequences: 2}
END
works 'run: no checkpoint' 'mlp.up_proj' run drawn.yaml
holds 'run: the result is named after the job' folder_holds drawn.yaml drawn.h5 result.h5

# Matrices.

fresh llama
works 'run: matrices and parts' '^softmax' run job.yaml --force --set output.matrices=true \
    --set 'hessian.parts=[hessian, gauss_newton, functional, softmax]'
if /usr/bin/python3 -c 'import h5py' 2> "$work/err"; then
    cat > "$work/laws.py" <<'END'
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
END
    holds 'matrices: laws of them' /usr/bin/python3 "$work/laws.py"
else
    echo 'skipped: laws of the matrices (no h5py)'
fi

[ $failures -eq 0 ] || echo "$failures cases failed"
exit $((failures > 0))
