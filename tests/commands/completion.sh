#!/bin/sh
# hesse completion: the scripts for bash, zsh and fish, in these shells.
#
# usage: completion.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

has() {
    [ -n "$(command -v "$1")" ] || skip "no $1"
}

# offers EXPECTED WORD...: the words that the function for bash offers for the last word. An equals
# sign is a word of its own, as in bash.
offers() {
    expected=$1
    shift
    launched="completion of: hesse $*"
    # shellcheck disable=SC2016
    bash -c 'eval "$("$0" completion bash)"; COMP_WORDS=(hesse "$@"); COMP_CWORD=$#
        _hesse; echo "${COMPREPLY[@]}"' "$hesse" "$@" > "$work/out" 2> "$work/err"
    expect "the words '$expected'" [ "$(cat "$work/out")" = "$expected" ]
    expect_notes 0 .
}

case_bash_options() {
    has bash
    offers run ru
    offers --resume run --re
    offers --json plan --js
    offers '' plan --re
    offers '--set --point --ranks --memory-per-rank --full --sbatch --json --help' plan job.yaml --
    offers '--help' --he
    offers check help che
    offers zsh completion z
    expect_lines 1 .
    for command in run train landscape theory check plan graph show keys schema selftest info help; do
        offers $command $command
    done
}
case_bash_keys_and_their_values() {
    has bash
    offers model.family= run job.yaml --set model.fam
    offers 'gpt2 gpt_neox gpt_neo' run job.yaml --set model.family = gp
    offers 'blocks full both' check --set hessian.scope = ''
    offers 'false true' run --set output.matrices = ''
    offers 'full' run --set = hessian.scope = fu
    "$hesse" keys --json > schema.json
    cat > keys.py <<EOF
import json
def leaves(schema, path):
    for name, below in schema.get("properties", {}).items():
        if name == "full" or name == "sweep": continue
        inner = path + [name]
        if below.get("properties"): yield from leaves(below, inner)
        else: yield ".".join(inner)
print("\n".join(sorted(leaves(json.load(open("schema.json")), []))))
EOF
    python3 keys.py > expected
    # shellcheck disable=SC2016
    bash -c 'eval "$("$0" completion bash)"; COMP_WORDS=(hesse run --set ""); COMP_CWORD=3; _hesse
        printf "%s\n" "${COMPREPLY[@]}"' "$hesse" | sed 's/=$//' | sort > found
    [ "$(wc -l < expected)" -gt 100 ] || fail 'few keys, expected all'
    expect 'all keys' diff expected found
}
case_bash_files() {
    has bash
    mkdir folder
    touch other.h5 note.txt
    offers 'job.yaml folder' run ''
    offers 'other.h5 folder' show ''
    offers '' run --output ''
    touch 'my job.yaml'
    offers 'my job.yaml' run my
}
# The keys that a person types. The line is executed, and the program names the completed words.
case_bash_at_a_terminal() {
    has bash
    mkdir bin
    ln -s "$hesse" bin/hesse
    cat > typed <<'EOF'
PATH=$PWD/bin:$PATH; eval "$(hesse completion bash)"; hesse() { echo "<$*>"; }\n
hesse pl\tjo\t--set hessian.sco\tbo\t\n
EOF
    python3 "$source/tests/commands/type_keys.py" bash --norc --noprofile -i < typed > "$work/out"
    launched='typed into bash'
    expect_line '^<plan job.yaml --set hessian.scope=both>'
}
case_zsh_at_a_terminal() {
    has zsh
    mkdir bin
    ln -s "$hesse" bin/hesse
    cat > typed <<'EOF'
PATH=$PWD/bin:$PATH; eval "$(hesse completion zsh)"; hesse() { echo "<$*>" }\n
hesse pl\tjo\t--set hessian.sco\tbo\t\n
hesse run --outp\tx job\t--res\t\n
EOF
    ZDOTDIR=$PWD python3 "$source/tests/commands/type_keys.py" zsh -f -i < typed > "$work/out"
    launched='typed into zsh'
    expect_line '^<plan job.yaml --set hessian.scope=both *>'
    expect_line '^<run --output=x job.yaml --resume *>'
}
case_fish() {
    has fish
    "$hesse" completion fish > hesse.fish
    for line in 'hesse ru' 'hesse run --res' 'hesse show ' 'hesse run --set hessian.scope=b' \
        'hesse completion '; do
        fish --no-config -c "source hesse.fish; complete -C '$line'" 2>> "$work/err"
    done > "$work/out"
    launched='fish'
    expect_line '^run'
    expect_line '^--resume'
    expect_line '^hessian.scope=both'
    expect_line '^bash'
    expect_lines 1 '^fish'
}
case_other_shells() {
    ranks=1
    refused 2 "completion: found 'tcsh', expected bash, zsh or fish" completion tcsh
}

run_cases "$@"
