#!/usr/bin/env bash
# Interpreters of one version: each has its own environment, also when the other one was removed while its environment is in use.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
base=$("${ORACLE_PYTHON:?}" -c 'import os, sys; print(os.path.realpath(sys._base_executable))')
make_wheel wheels lib one
mkdir -p other/bin
ln -s "$(dirname "$base")/../lib" other/lib
python=$work/other/bin/$(basename "$base")
cp "$base" "$python"
"$python" -c 'import os, sys; assert os.path.samefile(sys._base_executable, sys.argv[1])' "$python" ||
  { echo "SKIPPED: a copy of this Python doesn't run"; exit 77; }

build() {
  rtenv env build --offline --python "$1" --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}'
  ok
  env=$out
  equal "$(readlink -f "$env/bin/python")" "$(readlink -f "$1")"
}
build "$python"
first=$env
build "$base"
second=$env
stderr_has "is for another interpreter"
build "$python"
equal "$env $err" "$first "
build "$base"
equal "$env $err" "$second "

rtenv cache pin "$(basename "$first")"
ok
rtenv env rm "$(basename "$second")"
ok
rm -r other
build "$base"
[[ $env != "$first" ]] || fail "the environment of the interpreter that was removed"
