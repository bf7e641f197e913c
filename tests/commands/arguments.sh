#!/bin/sh
# Command lines: wrong ones, --help and --version.
#
# usage: arguments.sh HESSE MPIEXEC [CASE...]
. "$(dirname "$0")/library.sh"

case_no_command() {
    refused 2 'no command, expected .*'
}
case_unknown_command() {
    refused 2 "unknown command 'rum'; the nearest is 'run'.*" rum job.yaml
}
case_no_file() {
    refused 2 'run: no file, expected JOB.yaml.*' run
}
case_two_files() {
    refused 2 'run: .*other.yaml.*' run job.yaml other.yaml
}
case_unknown_option() {
    run_refused 2 "run: unknown option '--ouput'; the nearest is '--output'.*" --ouput x
}
case_unknown_option_on_one_rank() {
    ranks=1
    run_refused 2 "run: unknown option '--ouput'; the nearest is '--output'.*" --ouput x
}
case_option_of_another_command() {
    run_refused 2 "run: unknown option '--ranks', .* another command.*" --ranks 2
}
case_options_that_exclude_each_other() {
    run_refused 2 '--resume and --force: .*' --resume --force
}
case_value_for_an_option_that_takes_none() {
    run_refused 2 '--force=yes: takes no value' --force=yes
}
case_option_without_its_value() {
    run_refused 2 '--output: .*' --output
}
case_no_number_of_ranks() {
    refused 2 "--ranks: found 'many'.*" plan job.yaml --ranks many
}
case_no_size_of_memory() {
    refused 2 "--memory-per-rank: found 'much'.*" plan job.yaml --memory-per-rank much
}

case_help() {
    ranks=2
    works '^usage: hesse COMMAND' --help
    for command in run train check plan show info; do
        works "^usage: hesse $command" "$command" --help
        expect_lines 1 '^usage'
    done
}
case_version() {
    ranks=2
    works '^hesse [0-9]*\.[0-9]*\.[0-9]*$' --version
    expect_lines 1 '^hesse'
    for library in MPI HDF5 BLAS LAPACK ScaLAPACK ELPA libyaml jansson zlib libpng; do
        expect_lines 1 "^$library  *[^ ]"
    done
}
# The tables of the program are JSON that another program reads, and Markdown.
case_tables_of_keys() {
    ranks=1
    works '^hessian.scope' keys
    works '"hessian"' keys --json
    expect 'JSON' python3 -m json.tool "$work/out"
    works '^<!-- generated: ' keys --markdown
}
case_tables_of_the_schema() {
    ranks=1
    works '"schema_version": 2' schema
    expect 'JSON' python3 -m json.tool "$work/out"
    works '^<!-- generated: ' schema --markdown
}
# The graph needs no parameters: nodes in their order, the loss last.
case_graph() {
    ranks=2
    works '"format": "hesse-graph"' graph job.yaml
    expect 'a graph that ends with the loss' python3 - "$work/out" <<'EOF'
import json, sys
graph = json.load(open(sys.argv[1]))
operators = [node["operator"] for node in graph["nodes"]]
assert operators[0] == "embedding" and operators[-1] == "cross_entropy", operators
assert operators.count("softmax") == 2, operators
EOF
    refused 3 '.*config.json.*' graph job.yaml --set model.config=none/config.json
}

run_cases "$@"
