#!/bin/sh
# Let one reader print some datasets of every kind of file, and compare them with what h5dump
# finds and with numbers that are known. If docs/result.md has an example for the reader, it runs,
# too.
#     run.sh READER FOLDER [PYTHON]
# FOLDER has the files of make_files.sh. The exit status is 77 if the reader is not installed.
set -u
reader=$1 folder=$2 python=${3:-/usr/bin/python3}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HDF5_USE_FILE_LOCKING=FALSE LC_ALL=C.UTF-8
export HDF5_USE_FILE_LOCKING LC_ALL
datasets=$here/datasets

skip() {
    echo "skipped: $1"
    exit 77
}

fail() {
    echo "FAILED: $1"
    sed 's/^/    | /' "$work/err" | head -20
    exit 1
}

# need_module NAME...: the reader is a module of Python.
need_module() {
    for module; do
        $python -c "import $module" 2> "$work/err" || skip "$python has no $module"
    done
}

# need_program NAME
need_program() {
    [ -n "$(command -v "$1")" ] || skip "no $1"
}

# Arrays of texts need netCDF-C 4.9.1: older versions write beyond their memory.
has_new_netcdf() {
    $python -c 'import re, sys, netCDF4 as n
sys.exit([int(x) for x in re.findall(r"\d+", n.__netcdf4libversion__)[:3]] < [4, 9, 1])'
}

# numbers_only: leave out the datasets of texts.
numbers_only() {
    grep -vE '/(name|label)$' "$here/datasets" > "$work/datasets"
    datasets=$work/datasets
}

# example HEADING LANGUAGE: print the code below a heading of docs/result.md.
example() {
    awk -v heading="**$1" -v begin="\`\`\`$2" '
        index($0, "**") == 1 { found = index($0, heading) == 1 }
        found && $0 == begin { inside = 1; next }
        inside && $0 == "```" { exit }
        inside' "$here/../../docs/result.md"
}

case $reader in
h5py | h5netcdf | pyfive)
    need_module "$reader" numpy
    set -- "$python" "$here/read.py" "$reader"
    ;;
netcdf4)
    need_module netCDF4
    has_new_netcdf || numbers_only
    set -- "$python" "$here/read.py" netcdf4
    ;;
xarray_any | xarray_netcdf4)
    need_module xarray netCDF4
    has_new_netcdf || skip 'netCDF-C is older than 4.9.1'
    set -- "$python" "$here/read.py" "$reader"
    ;;
xarray_h5netcdf)
    need_module xarray h5netcdf
    set -- "$python" "$here/read.py" "$reader"
    ;;
silx)
    need_module silx h5py
    set -- "$python" "$here/silx_pictures.py"
    ;;
nexusformat)
    need_module nexusformat h5py
    set -- "$python" "$here/nexusformat_pictures.py"
    ;;
viewers)
    need_module h5py
    set -- "$python" "$here/viewer_rules.py"
    ;;
languages)
    need_module h5py
    set -- "$python" "$here/language_rules.py" "$here/../../docs/result.md"
    ;;
ncdump)
    need_program ncdump
    numbers_only
    set -- sh "$here/ncdump.sh"
    ;;
h5dump)
    need_program h5dump
    set -- sh -c "cat '$folder/expected'" h5dump
    ;;
octave)
    need_program octave-cli
    set -- octave-cli --no-history --no-init-file -q "$here/read.m"
    ;;
rhdf5 | hdf5r)
    need_program Rscript
    Rscript -e "library($reader)" > "$work/out" 2> "$work/err" || skip "R has no $reader"
    set -- Rscript "$here/read_$reader.R"
    ;;
julia)
    need_program julia
    julia -e 'using HDF5' 2> "$work/err" || skip 'Julia has no HDF5.jl'
    set -- julia "$here/read.jl"
    ;;
*)
    echo "no such reader: $reader"
    exit 2
    ;;
esac
timeout 300 "$@" "$folder" "$datasets" > "$work/out" 2> "$work/err" ||
    fail "the exit status of $reader is $?"
sed -n 's/^version/version of the reader:/p' "$work/out"

# compare FILE TOLERANCE TEXT: every line of the file is a line of the reader, and numbers differ by
# no more than this part of them.
compare() {
    awk -v tolerance="$2" '
        function near(a, b) {
            return a ~ /^[-+0-9.]/ && b ~ /^[-+0-9.]/ && (a - b) ^ 2 <= (tolerance * a) ^ 2
        }
        FNR == NR { line[$1 " " $2] = $0; next }
        {
            count = split(line[$1 " " $2], found, " ")
            good = count == NF
            for (i = 3; good && i <= NF; i++)
                good = $i == found[i] || tolower($i) == tolower(found[i]) ||
                       near($i, found[i])
            if (!good) {
                print $1, $2, ": found", substr(line[$1 " " $2], 1, 200)
                print "   expected", substr($0, 1, 200)
                bad = 1
            }
        }
        END { exit bad || FNR == 0 }' "$work/out" "$1" > "$work/err" || fail "$3"
}
case $reader in
silx | nexusformat | viewers) compare "$here/pictures" 0 'other pictures than expected' ;;
languages) ;;
*)
    [ -s "$folder/expected" ] || skip 'no h5dump to compare with'
    while read -r dataset; do
        grep "^$dataset " "$folder/expected" || echo "$dataset is not in the list of expected values"
    done < "$datasets" > "$work/expected"
    compare "$work/expected" 0 'other values than those of h5dump'
    compare "$here/known" 1e-12 'other values than those of the job'
    ;;
esac

# run_example FILE COMMAND...: run the code of the documentation beside result.h5.
run_example() {
    [ -s "$1" ] || fail 'docs/result.md has no example'
    cat "$folder/result.h5" > "$work/result.h5"
    file=$1
    shift
    (cd "$work" && timeout 300 "$@" "$file") > "$work/shown" 2> "$work/err" ||
        fail 'the example of docs/result.md fails'
    [ -s "$work/shown" ] || fail 'the example of docs/result.md prints nothing'
}
case $reader in
h5py) example 'Python, h5py' python > "$work/example.py" && run_example "$work/example.py" "$python" ;;
netcdf4) example 'Python, netCDF4' python > "$work/example.py" && run_example "$work/example.py" "$python" ;;
xarray_any)
    if $python -c 'import xarray; xarray.open_datatree' 2> "$work/err"; then
        example 'Python, xarray** (with netCDF-C' python > "$work/example.py"
        run_example "$work/example.py" "$python"
    fi
    ;;
xarray_h5netcdf)
    example 'Python, xarray with h5netcdf' python > "$work/example.py"
    run_example "$work/example.py" "$python"
    ;;
octave)
    example Octave octave > "$work/example.m"
    run_example "$work/example.m" octave-cli --no-history --no-init-file -q
    ;;
rhdf5) example R r > "$work/example.R" && run_example "$work/example.R" Rscript ;;
julia) example Julia julia > "$work/example.jl" && run_example "$work/example.jl" julia ;;
h5dump) example 'Command line' sh > "$work/example.sh" && run_example "$work/example.sh" sh -e ;;
esac
exit 0
