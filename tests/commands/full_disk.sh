#!/bin/sh
# A disk that becomes full at any moment of a run on two ranks: the run ends with status 6 and
# one message within seconds, and leaves no result; or it succeeds, and the result is
# complete.
#
# usage: full_disk.sh HESSE MPIEXEC
set -u
LC_ALL=C OMP_NUM_THREADS=1
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # only root may mount
export LC_ALL OMP_NUM_THREADS OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM

hesse=$1
mpiexec=$2
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
trap 'umount "$disk" 2> /dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
if ! mount -t tmpfs -o size=6m tmpfs "$disk" 2> /dev/null; then
    echo 'skipped: mounting a small disk is not permitted'
    exit 77
fi
cd "$work" || exit 1

echo 'now is the time for all good men to come to the aid of the party' > text.txt
cat > job.yaml <<END
model: {family: llama, layers: 1, heads: 2, kv_heads: 1, width: 4, inner: 6, context: 6, seed: 3}
data: {text: text.txt, sequences: 5, context: 6, vocabulary: characters}
hessian: {scope: both, partition: head, parts: [hessian, softmax, functional]}
spectrum: {eigenvectors: 2}
output: {stretch: 0, matrices: true}
END

ended=0 whole=0 bad=0
for free in 50 400 1000 1250 1400 1550 1700 1850 2000 2150 2300 2450 2600 2750 2900 3500 6000; do
    rm -rf "${disk:?}"/*
    head -c "$((6144 - free))k" /dev/zero > "$disk/fill" 2> /dev/null
    timeout -k 5 30 "$mpiexec" -n 2 "$hesse" run job.yaml \
        --output "$disk/r.h5" > out 2> err < /dev/null
    status=$?
    case $status in
    0)
        whole=$((whole + 1))
        "$hesse" show --verify "$disk/r.h5" > out 2>&1 || status="$status, but a bad file"
        ;;
    6)
        ended=$((ended + 1))
        [ ! -e "$disk/r.h5" ] || status="$status, but a result"
        [ "$(grep -c '^hesse: ' err)" = 1 ] || status="$status, without one message"
        [ -z "$(find "$disk" -name '*.tmp*')" ] || status="$status, but a temporary file"
        ;;
    esac
    case $status in
    0 | 6) ;;
    *)
        bad=$((bad + 1))
        echo "$free KiB free: status $status: $(head -c 200 err)"
        ;;
    esac
done
echo "$whole runs done, $ended ended by a full disk, $bad bad"
[ $bad = 0 ] && [ $ended -ge 5 ] && [ $whole -ge 1 ]
