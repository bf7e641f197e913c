#!/bin/sh
# The version that CMakeLists.txt has is repeated in these files, and is the same there.
cd "$(dirname "$0")/.." || exit 2
version=$(sed -n 's/^project(hesse VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
bad=0

# same FILE PROGRAM: the sed program prints the version of the file.
same() {
    found=$(sed -n "$2" "$1")
    [ "$found" = "$version" ] && return
    echo "$1: found version '$found', expected '$version' as in CMakeLists.txt"
    bad=1
}

[ -n "$version" ] || { echo 'CMakeLists.txt: found no version'; exit 1; }
same CITATION.cff 's/^version: //p'
same docs/hesse.1 's/^\.TH HESSE 1 "" "hesse \([0-9.]*\)".*/\1/p'
same tools/python/hesse/__init__.py 's/^__version__ = "\(.*\)"$/\1/p'
grep -q '^dynamic = .*"version"' tools/python/pyproject.toml ||
    same tools/python/pyproject.toml 's/^version = "\(.*\)"$/\1/p'

# The first chapter of the changes is about this version.
chapter=$(sed -n 's/^## //p' CHANGELOG.md | head -1)
case $chapter in
    "$version"*|"Unreleased (${version%.*})") ;;
    *) echo "CHANGELOG.md: the first chapter is '$chapter', expected one about $version"; bad=1 ;;
esac

# The citation has what its format requires, and a valid form if cffconvert is there.
for key in cff-version message title authors license type; do
    grep -q "^$key:" CITATION.cff || { echo "CITATION.cff: found no '$key'"; bad=1; }
done
if command -v cffconvert > /dev/null; then
    cffconvert --validate > /dev/null || { echo 'CITATION.cff is not valid'; bad=1; }
fi
exit $bad
