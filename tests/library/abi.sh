#!/usr/bin/env bash
# Programs that were linked against the last release run with this library: abidiff compares the two. Skipped (77) if there is
# no release yet.
# usage: BUILD=… SOURCE=… tests/library/abi.sh
set -euo pipefail

cd "$SOURCE"
tag=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null) || { echo "there is no release yet"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive "$tag" --prefix=source/ | tar -x -C "$work"
[[ -d $work/source/library ]] || { echo "$tag has no library yet"; exit 77; }
cmake -S "$work/source" -B "$work/build" -G Ninja -D CMAKE_BUILD_TYPE=Debug -D CMAKE_CXX_FLAGS_DEBUG="-O0 -g" -D RTENV_TESTS=OFF >"$work/log"
cmake --build "$work/build" --target rtenv_shared >>"$work/log"
# New functions are no problem; a new soname says that older programs aren't expected to run.
old=$(find "$work/build" -name 'librtenv.so.*' -type f) new=$(find "$BUILD" -name 'librtenv.so.*' -type f)
soname() { readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'; }
[[ $(soname "$old") == "$(soname "$new")" ]] || { echo "another soname than $tag"; exit 0; }
abidiff --exported-interfaces-only --no-added-syms --drop-private-types --headers-dir1 "$work/source/include" --headers-dir2 include "$old" "$new"
