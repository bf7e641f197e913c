#!/bin/bash
set -eu
# shellcheck disable=SC2086
cmake -S . -B build ${CMAKE_ARGS:-} -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
    -DCMAKE_INSTALL_PREFIX="$PREFIX" -DHESSE_ELPA=OFF -DHDF5_ROOT="$PREFIX" \
    -DHESSE_PYTHON_FOLDER="${SP_DIR#"$PREFIX"/}"
cmake --build build -j "${CPU_COUNT:-1}"
cmake --install build
