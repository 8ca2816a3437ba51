#!/usr/bin/env bash
# `env build` interrupted by kill -9 at ten moments and by Ctrl-C: the next build just works, nothing is left behind.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

spec='{"uv": ["requests==2.26.0", "humanize==4.9.0"]}'
# Time a build, so that the kills are spread over its duration.
begin=$(date +%s%N)
rtenv env build --runtime-env-json "$spec"
ok
total_ms=$((($(date +%s%N) - begin) / 1000000))
path=$out

for moment in 1 2 3 4 5 6 7 8 9 10; do
  rtenv cache rm --all --yes
  ok
  "$RTENV" env build --runtime-env-json "$spec" >/dev/null 2>&1 &
  pid=$!
  sleep "$(python3 -c "print($total_ms * $moment / 11 / 1000)")"
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  rtenv env build --runtime-env-json "$spec"
  ok
  equal "$out" "$path"
  [[ $err =~ ^(rtenv: building environment [0-9a-f]+ with uv: nothing like it is in the cache)?$ ]] || fail "the next build complains"
  rtenv run --runtime-env-json "$spec" -- python -c 'import requests, humanize; print(requests.__version__)'
  equal "$out" 2.26.0 "after a kill at moment $moment"
  [[ -z $(ls "$RTENV_CACHE_DIR/tmp") ]] || fail "left in tmp"
done

# Ctrl-C: the installer ends too, exit 130, nothing incomplete is left.
rtenv cache rm --all --yes
mkfifo waiting
cat >slow-uv <<SH
#!/bin/sh
echo \$\$ >"$work/waiting"
sleep 1000
SH
chmod +x slow-uv
status=0
# Started by Python, because a shell's background commands ignore SIGINT.
RTENV_UV=$work/slow-uv python3 - "$RTENV" "$spec" <<'PY' >.out 2>.err || status=$?
import os, signal, subprocess, sys
tool = subprocess.Popen([sys.argv[1], "env", "build", "--runtime-env-json", sys.argv[2]])
uv = int(open("waiting").read())
tool.send_signal(signal.SIGINT)
status = tool.wait()
try:
    os.kill(uv, 0)
except ProcessLookupError:
    sys.exit(status)
print("the installer lives on")
PY
out=$(cat .out) err=$(cat .err)
refused 130 interrupted
nothing_half_made
