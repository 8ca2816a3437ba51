#!/usr/bin/env bash
# --offline opens no connection: in a network namespace without an interface, the kernel counts each attempt.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}
if ! unshare -n true 2>/dev/null; then
  echo "SKIPPED: no permission for a network namespace (unshare -n)"
  exit 77
fi

# connections COMMAND…: runs it without a network; sets $attempts to how many connections it, or a child, tried.
cat >counted.sh <<'SH'
attempts() { awk '$1 == "Ip:" && !n { for (i = 1; i <= NF; i++) if ($i == "OutNoRoutes") n = i; next } $1 == "Ip:" { print $n; exit }' /proc/net/snmp; }
before=$(attempts)
status=0
"$@" || status=$?
echo $(($(attempts) - before)) >"$WORK/attempts"
exit "$status"
SH
counted() { WORK=$work unshare -n bash "$work/counted.sh" "$@"; }
counted python3 -c 'import socket; socket.socket().connect(("127.0.0.1", 9))' 2>/dev/null || true
equal "$(cat attempts)" 1 "the kernel counts attempts"

offline() { # WORD…: as rtenv, without a network
  status=0
  counted "$RTENV" "$1" "${@:2}" >"$work/.out" 2>"$work/.err" || status=$?
  out=$(cat "$work/.out") err=$(cat "$work/.err")
  equal "$(cat "$work/attempts")" 0 "connections"
}

# A server with a directory, a module and an index.
make_wheel files/lib lib one
make_wheel files mod two
echo '<a href="lib-1.0-py3-none-any.whl">lib</a>' >files/lib/index.html
mkdir job && echo 'import lib, mod; print(lib.TEXT, mod.TEXT)' >job/main.py
(cd job && python3 -m zipfile -c ../files/job.zip main.py)
python3 -c '
import http.server
serve = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: http.server.SimpleHTTPRequestHandler(*a, directory="files"))
open("port", "w").write(str(serve.server_port))
serve.serve_forever()' 2>requests.log &
server=$!
trap 'kill "$server" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
until [[ -s port ]]; do sleep 0.02; done
url=http://127.0.0.1:$(cat port)
export UV_DEFAULT_INDEX=$url RTENV_REMOTE_CACHE=$url/tier
everything="{\"uv\": [\"lib\"], \"working_dir\": \"$url/job.zip\", \"py_modules\": [\"$url/mod-1.0-py3-none-any.whl\"]}"

# An empty cache: an error at once.
offline run --offline --runtime-env-json "$everything" -- true
refused 3 "job.zip isn't in the cache, and isn't fetched offline"
offline env build --offline --runtime-env-json '{"uv": ["lib"]}'
refused 1 "network"
offline env build --offline --runtime-env-json '{"pip": ["lib"]}'
refused 1 "lib"
offline env build --offline --runtime-env-json '{"uv": {"packages": ["lib"], "uv_version": "==0.9.0"}}'
refused 1 "uv==0.9.0 can't be installed"
offline run --offline --runtime-env-json '{"py_modules": ["s3://bucket/module.zip"]}' -- true
refused 3 "isn't fetched offline"
[[ ! -s requests.log ]] || fail "the server was asked: $(cat requests.log)"
# pip has no option for what a URL names; the server could be reached.
for item in "mod @ $url/mod-1.0-py3-none-any.whl" "--find-links $url/lib/" "-r $url/list.txt" "mod @ git+$url/mod.git"; do
  rtenv env build --offline --runtime-env-json "{\"pip\": [\"$item\", \"lib\"]}"
  exits 1
done
[[ ! -s requests.log ]] || fail "the server was asked by pip: $(cat requests.log)"

# Everything in the cache.
rtenv run --runtime-env-json "$everything" -- python main.py
ok
equal "$out" "one two"
offline run --offline --runtime-env-json "$everything" -- python main.py
ok
equal "$out" "one two"
offline env build --offline --max-age 0s --runtime-env-json '{"uv": ["lib"]}' --json
ok
equal "$(field built)" False

# Built from uv's cache.
rtenv cache rm --all --yes
ok
offline env build --offline --runtime-env-json '{"uv": ["lib"]}' --json
ok
equal "$(field built)" True
