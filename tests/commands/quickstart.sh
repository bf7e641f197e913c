#!/bin/sh
# The job that a newcomer runs first, on two ranks. Its result is read by the two programs
# that print results, and by HDF5's own tool.
#
# usage: quickstart.sh HESSE MPIEXEC
set -eu
hesse=$1
mpiexec=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
trap 'exit 1' HUP INT TERM
cd "$there"

fail() {
    echo "FAILED: $1"
    exit 1
}

"$mpiexec" -n 2 "$hesse" train "$source/jobs/quickstart.yaml" --output trained \
    --set data.sequences=512 > train || fail "exit status $?"
"$mpiexec" -n 2 "$hesse" run "$source/jobs/quickstart.yaml" --output series.h5 \
    --set "model.checkpoints=['$there/trained/stage-*.safetensors']" > series ||
    fail "exit status $?"
grep -q '^blocks at step 0 > at step 200$' series || fail 'no blocks before and after'
rm -r trained train series series.h5
"$mpiexec" -n 2 "$hesse" run "$source/jobs/quickstart.yaml" \
    --output result.h5 > run || fail "exit status $?"
[ "$(ls)" = "$(printf 'result.h5\nrun')" ] || fail "expected a result alone, found $(ls)"
"$hesse" show result.h5 > show
cmp run show || fail 'what run printed is not what show prints'
grep -q '^  (full) .* ok$' show || fail 'no line of the full matrix, or its proofs fail'

if /usr/bin/python3 -c 'import h5py' 2> error; then
    /usr/bin/python3 "$source/tools/show_result.py" result.h5 > tables
    diff show tables || fail 'show and tools/show_result.py print different tables'
else
    echo 'skipped: tools/show_result.py (no h5py)'
fi
if [ -n "$(command -v h5dump)" ]; then
    h5dump -H result.h5 > header
    grep -q 'ATTRIBUTE "description"' header || fail 'no dataset has a description'
else
    echo 'skipped: descriptions (no h5dump)'
fi
