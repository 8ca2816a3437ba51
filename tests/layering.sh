#!/usr/bin/env bash
# The layers' include roots hold: what a layer may see compiles, what stands above it doesn't.
# usage: layering.sh COMPILER INCLUDE_ROOTS
set -euo pipefail
compiler=$1 roots=$2

# compiles HEADER LAYER…: with only these layers linked
compiles() {
  local header=$1 layer flags=()
  shift
  for layer; do flags+=("-I$roots/$layer"); done
  echo "#include \"$header\"" | "$compiler" -std=c++20 -fsyntax-only -x c++ "${flags[@]}" - 2>/dev/null
}
compiles pkg/scan.hpp base pkg || { echo "pkg must compile with base and pkg"; exit 1; }
for upper in pkg/scan.hpp cache/cache.hpp envbuild/runtime_env.hpp job/activation.hpp; do
  if compiles "$upper" base; then echo "base can include $upper"; exit 1; fi
done
for upper in cache/cache.hpp envbuild/runtime_env.hpp job/activation.hpp; do
  if compiles "$upper" base pkg; then echo "pkg can include $upper"; exit 1; fi
done
if compiles pkg/scan.hpp base cache; then echo "cache can include pkg"; exit 1; fi
