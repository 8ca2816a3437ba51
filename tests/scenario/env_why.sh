#!/usr/bin/env bash
# Why environments have different keys, and how one that is built differs from those in the cache. Nothing needs an index.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}
make_wheel wheels lib one
make_wheel wheels other one

build() {
  rtenv env build --offline --runtime-env-json "$1"
  ok
  key=$(basename "$out")
}
build '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}'
first=$key
stderr_has "building environment $first with uv: nothing like it is in the cache"
build '{"uv": ["./wheels/other-1.0-py3-none-any.whl"]}'
stderr_has "nothing like it is in the cache"

# The nearest is the one with the fewest differences.
make_wheel wheels lib two
build '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"], "env_vars": {"CFLAGS": "-O2", "UV_RESOLUTION": "lowest"}}'
build '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"]}'
second=$key
stderr_has "building environment $second with uv: it differs from ${first:0:12}… by requirement lib-1.0-py3-none-any.whl sha256:"
build '{"uv": ["./wheels/lib-1.0-py3-none-any.whl", "./wheels/other-1.0-py3-none-any.whl"]}'
stderr_has "it differs from ${second:0:12}… by requirement other-1.0-py3-none-any.whl sha256:"
stderr_has "(added)"
rtenv run --offline --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"], "env_vars": {"CFLAGS": "-O3"}}' -- true
ok
stderr_has "by setting CFLAGS -O3"
third=$("$RTENV" env key --runtime-env-json '{"uv": ["./wheels/lib-1.0-py3-none-any.whl"], "env_vars": {"CFLAGS": "-O3"}}')

# env why: a line for each part.
rtenv env why "${second:0:10}" "$third"
ok
equal "$out" "setting CFLAGS -O3 (added)"
rtenv env why "$third" "$second" --json
ok
equal "$out" "{\"differences\":[{\"after\":null,\"before\":\"-O3\",\"part\":\"setting CFLAGS\"}],\"first\":\"$third\",\"second\":\"$second\"}"
rtenv env why "$first" "$third"
equal "$(wc -l <<<"$out")" 2
rtenv env why "$first" "$first"
ok
equal "$out" ""
stderr_has "were built from the same"
rtenv env why "$first" no-such
refused 3 "there is no environment no-such in the cache"
rtenv env why "$first"
exits 2
