#!/bin/sh
# The installed files work: the example of docs/ is built with them by pkg-config and by
# CMake, and run.  tests/commands/install.sh BUILD_FOLDER
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
cmake --install "$1" --prefix "$there/installed" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$there/installed" -name hesse.pc)")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
cc "$source/docs/example.c" $(pkg-config --cflags --libs hesse) -o "$there/by_pkg_config"
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046
    c++ "$source/tests/commands/cplusplus.cc" $(pkg-config --cflags --libs hesse) \
        -o "$there/cplusplus"
    "$there/cplusplus" "$source/tests/reference/gpt2/config.json" \
        "$source/tests/reference/gpt2/model.safetensors" "$source/tests/reference/gpt2/tokens.npy"
fi

mkdir "$there/project"
cat >"$there/project/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.20)
project(uses_hesse C)
find_package(hesse REQUIRED)
add_executable(by_cmake $source/docs/example.c)
target_link_libraries(by_cmake hesse::hesse)
EOF
cmake -S "$there/project" -B "$there/build" -DCMAKE_PREFIX_PATH="$there/installed" >/dev/null
cmake --build "$there/build" >/dev/null

for program in "$there/by_pkg_config" "$there/build/by_cmake"; do
    "$program" "$source/tests/reference/gpt2/config.json" \
        "$source/tests/reference/gpt2/model.safetensors" \
        "$source/tests/reference/gpt2/tokens.npy" | grep -q 'curvature along the gradient'
done
test -x "$there/installed/bin/hesse"

# The program checks itself, far from its source, and shells find its completion.
(cd / && "$there/installed/bin/hesse" selftest | grep -q '^selftest: all [0-9]* checks passed$')
for script in bash-completion/completions/hesse zsh/site-functions/_hesse \
    fish/vendor_completions.d/hesse.fish; do
    grep -q 'tokenize' "$there/installed/share/$script"
    grep -q '^hessian.scope=blocks$' "$there/installed/share/$script"
done
bash -c '. "$1" && complete -p hesse' bash \
    "$there/installed/share/bash-completion/completions/hesse" | grep -q _hesse

# The Python commands are found beside the program, and their package is complete.
for command in convert export image report tokenize; do
    if python3 -c 'import numpy' 2>/dev/null; then
        "$there/installed/bin/hesse" $command --help | grep -q "^usage: hesse $command"
    fi
    test -x "$there/installed/bin/hesse-$command"
done

# hesse.operator finds the library of the installation.
if /usr/bin/python3 -c 'import scipy' 2>/dev/null; then
    env -u HESSE_LIBRARY PYTHONPATH="$there/installed/share/hesse/python" PATH=/usr/bin:/bin \
        /usr/bin/python3 -c "
import hesse
from hesse.operators import library
assert library.find().startswith('$there/installed/'), library.find()
with hesse.operator('$source/tests/families/mlp/job.yaml') as op:
    assert op.loss() > 0 and op @ op.gradient() @ op.gradient() != 0"
fi
for file in "$source"/tools/python/hesse/*.py "$source"/tools/python/hesse/*/*.py \
    "$source"/tools/python/hesse/report/page.*; do
    cmp "$file" "$there/installed/share/hesse/python/${file#"$source"/tools/python/}"
done
