#!/bin/bash
# Tests of several runs with one output at the same time, of --resume with other keys for the
# output, of signals at any moment of the start, and of equal bits from run to run.
#
# usage: runs.sh HESSE MPIEXEC
set -u
hesse=$1
mpiexec=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# verdict NAME COMMAND...: the check is good if the command succeeds.
verdict() {
    name=$1
    shift
    if "$@"; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        failures=$((failures + 1))
        cat "$work"/*.err 2> /dev/null | head -20
    fi
}

# run NAME WORD...: one rank; its status goes to NAME.status, its messages to NAME.err.
run() {
    name=$1
    shift
    timeout 60 "$hesse" run "$@" > "$name.out" 2> "$name.err"
    echo $? > "$name.status"
}

cat > job.yaml << 'END'
model: {family: mlp, widths: [6], seed: 5}
data: {generator: clusters, features: 5, classes: 3, sequences: 6, seed: 1}
output: {file: r.h5}
END

# statuses WANTED: the sorted statuses of a, b and c are WANTED.
statuses() {
    [ "$(sort -n a.status b.status c.status | tr '\n' ' ')" = "$1" ]
}

# seed_is SEED: the result has this seed.
seed_is() {
    "$hesse" show r.h5 --verify > verify.out 2> verify.err && strings -n 8 r.h5 |
        grep -q "model.seed=$1"
}

for option in '' --resume --force; do
    for delay in 0 0.02 0.1; do
        rm -rf r.h5 r.h5.parts
        seed=5
        for name in a b c; do
            seed=$((seed + 1))
            # shellcheck disable=SC2086
            (sleep $delay; [ $name = a ] || sleep $delay; run $name job.yaml --set model.seed=$seed $option) &
        done
        wait
        if [ "$option" = --force ]; then
            verdict "race of $option after $delay s" statuses '0 0 0 '
        else
            verdict "race of ${option:-runs} after $delay s" statuses '0 6 6 '
            seed=5
            for name in a b c; do
                seed=$((seed + 1))
                [ "$(cat $name.status)" -ne 0 ] || verdict 'the result is that of the run that ended well' seed_is $seed
            done
        fi
        verdict 'nothing else is left' [ ! -e r.h5.parts ]
    done
done

# The first run ends while the second waits for the lock: as if it worked on another node.
rm -rf r.h5
run a job.yaml --output first.h5
mkdir r.h5.parts
(flock 9; sleep 2; cp first.h5 r.h5; rm r.h5.parts/lock; rmdir r.h5.parts) 9> r.h5.parts/lock &
sleep 0.3
run b job.yaml --set model.seed=6
wait
verdict 'a result that appears while a run waits stays' cmp -s first.h5 r.h5
verdict 'and the run says so' grep -q 'r.h5: is there already' b.err
verdict 'with status 6' [ "$(cat b.status)" -eq 6 ]

# --resume with other keys for the output.
for set in output.matrices=true 'metrics.distance=[js_log]' spectrum.density.points=77 \
    spectrum.density.bandwidth=0.02 spectrum.eigenvectors=2 hessian.panel=16 model.seed=6; do
    run a job.yaml --resume --set "$set"
    verdict "--resume with $set: status 6" [ "$(cat a.status)" -eq 6 ]
    verdict 'names it' grep -q "^hesse: r.h5: ${set%%=*} was .* and is .* now; --force replaces it" a.err
    verdict 'the result is as it was' cmp -s first.h5 r.h5
done
for set in hessian.memory=1GiB output.stretch=5; do
    run a job.yaml --resume --set "$set"
    verdict "--resume with $set: complete" grep -q 'r.h5 is complete' a.err
done

# Signals at the start: the run ends with status 75 and computes nothing. The loader of
# libraries takes some hundredths of a second; during this time signals have the system's
# action.
for signal in USR1 TERM INT; do
    wrong=
    for delay in 0.3 0.35 0.4 0.45 0.5 0.55 0.6; do
        rm -rf s.h5 s.h5.parts
        # A background job of a shell without job control would ignore SIGINT.
        python3 - "$signal" "$delay" "$hesse" run job.yaml --output s.h5 << 'END' > s.status 2> s.err
import signal, subprocess, sys, time
p = subprocess.Popen(sys.argv[3:], stdout=subprocess.DEVNULL)
time.sleep(float(sys.argv[2]))
p.send_signal(getattr(signal, "SIG" + sys.argv[1]))
print(p.wait(30))
END
        case $(cat s.status) in
        75) [ ! -e s.h5 ] || wrong="$wrong $delay:result" ;;
        0) [ -e s.h5 ] || wrong="$wrong $delay:none" ;;
        *) wrong="$wrong $delay:$(cat s.status)" ;;
        esac
    done
    verdict "SIG$signal at the start:$wrong" [ -z "$wrong" ]
done

# The same bits on the same number of ranks: three ranks are in one row, and its sums have a
# fixed order.
cat > bits.yaml << 'END'
model: {family: mlp, widths: [30, 20], activation: gelu, seed: 5}
data: {generator: clusters, features: 8, classes: 3, sequences: 12, seed: 1}
hessian: {scope: full, partition: whole}
spectrum: {engine: scalapack, eigenvectors: 3}
END
if [ -n "$(command -v h5dump)" ]; then
    for i in 1 2 3 4; do
        timeout 60 "$mpiexec" -n 3 "$hesse" run bits.yaml --output bits.h5 --force \
            > bits.out 2> bits.err
        h5dump -d /spectra/full/eigenvalues -b LE -o bits.bin bits.h5 > dump.out
        cksum < bits.bin
    done | sort -u > bits.sums
    verdict 'the same bits from ScaLAPACK' [ "$(wc -l < bits.sums)" -eq 1 ]
fi
exit $((failures > 0))
