#!/bin/sh
# The recipes of tools/packages are of this version and can be read; module files set the paths.
#
# usage: packages.sh VERSION
set -eu
version=$1
cd "$(dirname "$0")/../../tools/packages"
there=$(mktemp -d)
trap 'rm -rf "$there"' EXIT
failures=0

fail() {
    echo "$1" >&2
    failures=$((failures + 1))
}

grep -q "version(\"$version\"" spack/package.py || fail "spack/package.py: expected version $version"
grep -q "version: \"$version\"" conda/recipe.yaml || fail "conda/recipe.yaml: expected version $version"
grep -q "^version = '$version'" "easybuild/hesse-$version-foss-2023b.eb" ||
    fail "easybuild: expected a recipe of version $version"
grep -q "^version = \"$version\"" ../python/pyproject.toml ||
    fail "tools/python/pyproject.toml: expected version $version"
for file in build conda/build.sh; do
    sh -n $file || fail "$file: expected a script of the shell"
done
for file in spack/package.py easybuild/*.eb wheel.py; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" ||
        fail "$file: expected Python"
done
# The Apptainer image gets every file that an installation copies from the top folder.
for file in $(sed -n 's/^install(FILES \([A-Z][A-Za-z. ]*\) DESTINATION.*/\1/p' ../../CMakeLists.txt); do
    grep -q "^    $file /source/" apptainer/hesse.def || fail "apptainer/hesse.def: expected the file $file"
done

# check COMMAND...: it prints shell commands that load the module; the paths must then be set.
check() {
    "$@" >"$there/set" 2>"$there/err" || { cat "$there/err" >&2; fail "$1: expected to load the module"; }
    (
        . "$there/set"
        case :$PATH: in *:/opt/hesse/$version/bin:*) ;; *) exit 1 ;; esac
        case :$PYTHONPATH: in *:/opt/hesse/$version/share/hesse/python:*) ;; *) exit 1 ;; esac
        [ "$HESSE_ROOT" = "/opt/hesse/$version" ]
    ) || fail "$1: expected that the module sets PATH, PYTHONPATH and HESSE_ROOT"
}
mkdir -p "$there/modules/hesse" "$there/modules-lua/hesse"
cp modules/hesse.tcl "$there/modules/hesse/$version"
cp modules/hesse.lua "$there/modules-lua/hesse/$version.lua"
for tcl in /usr/lib/*/modulecmd.tcl /usr/share/modules/libexec/modulecmd.tcl; do
    [ ! -f "$tcl" ] || { MODULEPATH="$there/modules" check "$tcl" sh load "hesse/$version"; break; }
done
lmod=/usr/share/lmod/lmod/libexec/lmod
[ ! -f $lmod ] || MODULEPATH="$there/modules-lua" check $lmod sh load "hesse/$version"
exit $failures
