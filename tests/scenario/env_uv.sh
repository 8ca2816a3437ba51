#!/usr/bin/env bash
# Environments built by uv from the real index: isolated, keyed by content, built once, then reused.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

make_wheel job/wheels own_wheel one
echo 'import six, own_wheel; print(six.__version__, own_wheel.TEXT)' >job/main.py
cat >env.yaml <<'Y'
uv:
  - six==1.16.0
  - ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/own_wheel-1.0-py3-none-any.whl
Y
rtenv env key -f env.yaml --working-dir job
ok
key=$out
rtenv env build -f env.yaml --working-dir job --json
ok
equal "$(field key) $(field built)" "$key True"
equal "$(field path)" "$RTENV_CACHE_DIR/envs/$key"
rtenv run -f env.yaml --working-dir job -- python main.py
ok
equal "$out" "1.16.0 one"
equal "$err" ""

# Warm: nothing is built; neither uv nor the interpreter is started.
RTENV_UV=/no/uv rtenv env build -f env.yaml --working-dir job --json
equal "$(field built)" False

# A script beside the wheel changes nothing; a changed wheel gives another environment.
echo 'import six, own_wheel; print("changed", own_wheel.TEXT)' >job/main.py
rtenv env build -f env.yaml --working-dir job --json
equal "$(field key) $(field built)" "$key False"
make_wheel job/wheels own_wheel two
rtenv run -f env.yaml --working-dir job -- python main.py
ok
equal "$out" "changed two"
stderr_has "building environment"

# Isolated: the interpreter's packages aren't visible.
"$ORACLE_PYTHON" -c 'import ray' 2>/dev/null || fail "the oracle has ray"
rtenv run --python "$ORACLE_PYTHON" --runtime-env-json '{"uv": ["six==1.16.0"]}' -- python -c 'import importlib.util; print(importlib.util.find_spec("ray"))'
equal "$out" None

# Nested files, options, all spellings.
mkdir -p job/more
printf 'six\n-c ../limits.txt\n' >job/more/req.txt
echo 'six<1.17' >job/limits.txt
rtenv run --working-dir job --runtime-env-json '{"uv": {"packages": ["-r $<RAY_RUNTIME_ENV_CREATE_WORKING_DIR>/more/req.txt", "own_wheel"],
  "uv_check": true, "uv_pip_install_options": ["--find-links", "$RAY_RUNTIME_ENV_CREATE_WORKING_DIR/wheels"]}}' -- python main.py
ok
stdout_has "changed two"

# uv_version: that uv is fetched, and cached.
rtenv env build -v --runtime-env-json '{"uv": {"packages": ["six==1.16.0"], "uv_version": "==0.9.0"}}'
ok
chosen=$(echo "$RTENV_CACHE_DIR"/tools/*/bin/uv)
equal "$("$chosen" --version | cut -d' ' -f1-2)" "uv 0.9.0"
# Also beside a list of this machine, which isn't for uv itself.
echo 'six<1.17' >constraints.txt
rtenv env build --runtime-env-json "{\"uv\": {\"packages\": [\"six\"], \"uv_version\": \"==0.9.0\"}, \"env_vars\": {\"UV_CONSTRAINT\": \"$PWD/constraints.txt\"}}"
ok
equal "$(echo "$RTENV_CACHE_DIR"/tools/*/bin/uv)" "$chosen"

# An index's credentials appear neither in the key's parts nor in messages.
rtenv env key --runtime-env-json '{"uv": ["-i https://user:hunter2@127.0.0.1:9/simple", "six"]}' --explain
ok
[[ $out != *hunter2* ]] || fail "a secret is in the key's parts"
rtenv env build --runtime-env-json '{"uv": ["-i https://user:hunter2@127.0.0.1:9/simple", "six"]}'
exits 1
[[ $err != *hunter2* ]] || fail "a secret is shown"

# RTENV_UV may be a relative path.
ln -s "$RTENV_UV" uv-here
RTENV_UV=./uv-here rtenv env build --runtime-env-json '{"uv": ["humanize==4.9.0"]}'
ok

# Concurrent requests build once.
for i in 1 2 3 4; do "$RTENV" env build --runtime-env-json '{"uv": ["six==1.15.0"]}' >"out$i" 2>"err$i" & done
wait
equal "$(cat out? | sort -u | wc -l) $(cat err? | grep -c 'building environment')" "1 1"

# A setup that exceeds its time limit is ended, with its processes.
cat >slow-uv <<SH
#!/bin/sh
[ "\$1" = venv ] && exit 0
sleep 1000 & echo \$! >sleeper; mv sleeper "$work/sleeper"; wait
SH
chmod +x slow-uv
RTENV_UV=$work/slow-uv rtenv env build --runtime-env-json '{"uv": ["six==1.14.0"], "config": {"setup_timeout_seconds": 1}}'
exits 1
stderr_has 'Timeout: uv pip install took longer than 1 s'
stderr_has setup_timeout_seconds
for _ in $(seq 100); do kill -0 "$(cat sleeper)" 2>/dev/null || break; sleep 0.05; done
if kill -0 "$(cat sleeper)" 2>/dev/null; then fail "the installer's child lives on"; fi
[[ $("$RTENV" cache ls --json | grep -c '"ready":false') -eq 0 ]] || fail "a half-made entry is left"

# Other users can read a command line: credentials of an index aren't in it.
printf '#!/bin/sh\nprintf "%%s\\n" "$@" >>"%s"\nenv | grep ^UV_INDEX_URL= >>"%s"\nexec "%s" "$@"\n' "$work/argv" "$work/variables" "$RTENV_UV" >recording-uv
chmod 755 recording-uv
RTENV_UV=$work/recording-uv rtenv env build --runtime-env-json \
  '{"uv": {"packages": ["six"], "uv_pip_install_options": ["--index-url", "http://user:hidden@127.0.0.1:1/simple"]}}'
exits 1
[[ $out$err != *hidden* ]] || fail "a password is shown"
grep -qx install argv || fail "uv wasn't started"
if grep -q hidden argv; then fail "a password is in uv's command line"; fi
grep -q 'user:hidden@127.0.0.1:1' variables || fail "uv doesn't get the index"

# A disk that an installer finds full is that for rtenv, too.
printf '#!/bin/sh\n[ "$1" = venv ] || { echo "error: No space left on device (os error 28)" >&2; exit 2; }\n' >full-uv
chmod +x full-uv
RTENV_UV=$work/full-uv rtenv env build --runtime-env-json '{"uv": ["six==1.13.0"]}'
refused 6 "No space left on device"

# git asks for the credentials of its URLs, so they aren't in command lines; and what an environment notes of a URL has no secret.
mkdir files && make_wheel files own_wheel one
python3 -c '
import http.server
class Files(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if ".git/" in self.path and not self.headers.get("Authorization"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=x")
            self.end_headers()
        else:
            super().do_GET()
    def log_message(self, *arguments):
        with open("requests", "a") as log:
            print(self.path, self.headers.get("Authorization"), file=log)
serve = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Files(*a, directory="files"))
open("port", "w").write(str(serve.server_port))
serve.serve_forever()' &
server=$!
trap 'kill "$server" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
until [[ -s port ]]; do sleep 0.02; done
host=127.0.0.1:$(cat port)
printf '#!/bin/sh\nprintf "%%s " "$0" "$@" >>"%s"\nexec "%s" "$@"\n' "$work/git-words" "$(command -v git)" >bin-git
mkdir -p bin && mv bin-git bin/git && chmod +x bin/git
PATH=$work/bin:$PATH rtenv env build --runtime-env-json "{\"uv\": [\"x @ git+http://user:hidden@$host/x.git\"]}"
exits 1
[[ -s git-words ]] || fail "git wasn't started"
if grep -q hidden git-words; then fail "a password is in git's command line"; fi
grep -q "/x.git/.* Basic $(printf user:hidden | base64)" requests || fail "git doesn't know the password: $(cat requests)"
rtenv env build --runtime-env-json "{\"uv\": [\"own_wheel @ http://$host/own_wheel-1.0-py3-none-any.whl?sig=hidden&version=2\"]}"
ok
grep -q "version=2" "$out"/lib/python3*/site-packages/own_wheel-1.0.dist-info/direct_url.json || fail "the URL isn't noted"
if grep -rq hidden "$out"; then fail "a secret is in the environment"; fi
equal "$(stat -c %a "$RTENV_CACHE_DIR/uv")" 700
rtenv cache verify
ok
