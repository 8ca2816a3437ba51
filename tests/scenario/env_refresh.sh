#!/usr/bin/env bash
# --refresh and --max-age: what isn't pinned is looked at again, beside environments that are in use.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}

# An index whose only package has one version at first.
release() {
  make_wheel index/lib lib "$1" "$1"
  (cd index/lib && for wheel in *.whl; do echo "<a href=\"$wheel\">$wheel</a>"; done >index.html.new && mv index.html.new index.html)
}
release 1.0
cat >serve.py <<'PY'
import http.server, os, sys, time
class Index(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        del self.headers["If-Modified-Since"]  # whose unit is a second
        while os.path.exists("hold"):
            time.sleep(0.02)
        super().do_GET()
    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")  # as a public index does
        super().end_headers()
    def log_message(self, text, *values):
        print(text % values, file=sys.stderr, flush=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Index(*a, directory="index"))
open("port", "w").write(str(server.server_port))
server.serve_forever()
PY
python3 serve.py 2>requests.log &
servers=($!)
trap 'kill "${servers[@]}" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
until [[ -s port ]]; do sleep 0.02; done
index=http://127.0.0.1:$(cat port)
export UV_DEFAULT_INDEX=$index

list='{"uv": ["lib"]}'
version() {
  rtenv run "$@" --runtime-env-json "$list" -- python -c 'import lib; print(lib.TEXT)'
  ok
}
version
equal "$out" 1.0
key=$("$RTENV" env key --runtime-env-json "$list")
release 2.0
version
equal "$out" 1.0 "what is in the cache is used"

# An environment in use stays as it is; the new one is used from then on, with and without the options.
mkfifo go
"$RTENV" run --runtime-env-json "$list" -- python -c 'import sys; print("started", flush=True); sys.stdin.read(); import lib; print(lib.TEXT)' <go >running &
job=$!
exec 9>go
until [[ -s running ]]; do sleep 0.02; done
version --refresh
equal "$out" 2.0
stderr_has "again, because lib isn't pinned"
version
equal "$out" 2.0
[[ $err != *building* ]] || fail "built again"
exec 9>&-
wait $job
equal "$(tail -1 running)" 1.0
old=$RTENV_CACHE_DIR/envs/$key
[[ -d $old ]] || fail "the old one is gone"
rtenv env rm "$key"
ok
version
equal "$out" 2.0

# Of several processes that refresh at once, one builds.
release 3.0
touch hold
for i in 1 2 3; do "$RTENV" env build --refresh --runtime-env-json "$list" >"out$i" 2>"err$i" & pids[i]=$!; done
until [[ $(cat err? | grep -c 'waiting for it') -eq 2 ]]; do sleep 0.05; done
rm hold
wait "${pids[@]}"
equal "$(sort -u out1 out2 out3 | wc -l) $(cat err? | grep -c 'building environment')" "1 1"
version
equal "$out" 3.0

# --max-age: only if it is older.
release 4.0
version --max-age 1h
equal "$out" 3.0
sleep 1.1
version --max-age 1s
equal "$out" 4.0

# Pinned lists are never built anew.
list='{"uv": ["lib==4.0"]}' version
rtenv env build --refresh --runtime-env-json '{"uv": ["lib==4.0"]}' --json
ok
equal "$(field built)" False
stderr_has "there is nothing to refresh"
rtenv env build --max-age 0s --runtime-env-json '{"uv": ["lib==4.0"]}' --json
equal "$(field built)" False

# --no-cache builds beside one that is in use, too.
rtenv cache pin "$(basename "$("$RTENV" env build --runtime-env-json '{"uv": ["lib==4.0"]}')")"
ok
rtenv env build --no-cache --runtime-env-json '{"uv": ["lib==4.0"]}' --json
ok
equal "$(field built)" True

# A range of versions of uv itself.
release_uv() { # VERSION: one that says that it was used
  mkdir -p index/uv
  python3 - "$1" "$RTENV_UV" "$work/used" <<'PY'
import sys, zipfile
version, uv, used = sys.argv[1:]
script = zipfile.ZipInfo(f"uv-{version}.data/scripts/uv")
script.external_attr = 0o755 << 16
name = f"uv-{version}.dist-info"
with zipfile.ZipFile(f"index/uv/uv-{version}-py3-none-any.whl", "w") as z:
    z.writestr(script, f'#!/bin/sh\necho {version} >"{used}"\nexec "{uv}" "$@"\n')
    z.writestr(f"{name}/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
    z.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(f"{name}/RECORD", "".join(f"{item},,\n" for item in [*z.namelist(), f"{name}/RECORD"]))
PY
  (cd index/uv && for wheel in *.whl; do echo "<a href=\"$wheel\">$wheel</a>"; done >index.html.new && mv index.html.new index.html)
}
release_uv 7.0
list='{"uv": {"packages": ["lib"], "uv_version": ">=1"}}'
version
equal "$(cat used)" 7.0
release_uv 7.1
version --no-cache
equal "$(cat used)" 7.1
release_uv 7.2
version --refresh
equal "$(cat used)" 7.2
rm used
version
[[ ! -e used ]] || fail "built again"

# pip asks the index each time.
list='{"pip": ["lib"], "env_vars": {"PIP_INDEX_URL": "'$index'"}}'
version
equal "$out" 4.0
release 5.0
version
equal "$out" 4.0
version --refresh
equal "$out" 5.0

# An archive of a refreshed environment has the key that other machines look for.
rtenv env pack --runtime-env-json "$list" -o env.tar.zst --json
ok
equal "$(field key)" "$("$RTENV" env key --runtime-env-json "$list")"

# A job server with --env-max-age.
list='{"uv": ["lib"]}'
"$RTENV" serve --port 0 --state-dir state --env-max-age 0s >address 2>serve.log &
servers+=($!)
until [[ -s address ]]; do sleep 0.02; done
rtenv job submit --address "$(cat address)" --runtime-env-json "$list" -- python -c 'import lib; print("job:", lib.TEXT)'
ok
stdout_has "job: 5.0"
kill "${servers[1]}" && wait "${servers[1]}" || true

# The index can't be reached: an error, and the old environment stays; with --max-age it is used.
export UV_HTTP_RETRIES=0
kill "${servers[0]}" && wait "${servers[0]}" || true
rtenv env build --refresh --runtime-env-json "$list"
refused 1 "the environment can't be renewed: uv pip install"
stderr_has "the one in the cache is unchanged"
version --max-age 0s
equal "$out" 5.0
stderr_has "warning: the environment can't be renewed, so the one in the cache is used"
version
equal "$out" 5.0
equal "$("$RTENV" cache ls --json | grep -c '"ready":false')" 0
version --offline --max-age 0s
equal "$out" 5.0
[[ -z $err ]] || fail "offline, its age doesn't matter"
rtenv run --offline --refresh --runtime-env-json "$list" -- true
refused 2 "--refresh"
rtenv run --refresh --max-age 1d --runtime-env-json "$list" -- true
exits 2
rtenv run --max-age soon --runtime-env-json "$list" -- true
refused 2 "'soon' isn't a duration"
# The next job doesn't wait for that again at once.
sleep 3
printf '#!/bin/sh\necho "$1" >>"%s"\nexec "%s" "$@"\n' "$work/uv-runs" "$RTENV_UV" >counting-uv
chmod +x counting-uv
export RTENV_UV=$work/counting-uv
for expected in 1 1; do
  version --max-age 3s
  equal "$out" 5.0
  stderr_has "warning: the environment can't be renewed"
  equal "$(grep -c '^pip$' uv-runs)" "$expected"
done
