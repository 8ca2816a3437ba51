#!/usr/bin/env bash
# Locks: exact versions with hashes, refused for other inputs; offline builds and rebuilds.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
export RTENV_PYTHON=${ORACLE_PYTHON:?}

make_wheel job/wheels lib one
echo 'requests==2.26.0' >job/requirements.txt
cat >env.yaml <<'YAML'
uv:
  - -r ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/requirements.txt
  - ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/lib-1.0-py3-none-any.whl
YAML
rtenv env lock -f env.yaml --working-dir job -o env.lock
ok
equal "$out" env.lock
# Dependencies are in the lock, each with hashes; no path of this machine is.
grep -q '^urllib3==1\.' env.lock && grep -q '^requests==2.26.0 ' env.lock || fail "$(cat env.lock)"
[[ $(grep -c -- '--hash=sha256:' env.lock) -ge 6 ]] || fail "$(cat env.lock)"
# shellcheck disable=SC2016  # a name, not its value
grep -qF 'lib @ file://${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/lib-1.0-py3-none-any.whl' env.lock || fail "$(cat env.lock)"
! grep -F "$work" env.lock || fail "a path of this machine"

rtenv run -f env.yaml --working-dir job --locked env.lock -- python -c 'import requests, lib; print(requests.__version__, lib.TEXT)'
ok
equal "$out" "2.26.0 one"
rtenv env key -f env.yaml --working-dir job --locked env.lock
ok
locked=$out
rtenv env key -f env.yaml --working-dir job
[[ $out != "$locked" ]] || fail "the lock counts"
# A script beside the wheels doesn't invalidate the lock; another package, content or Python does.
echo x >job/main.py
rtenv env build -f env.yaml --working-dir job --locked env.lock --json
equal "$(field key) $(field built)" "$locked False"
sed 's/"python":"[^"]*"/"python":"2.7"/' env.lock >old.lock
rtenv env build -f env.yaml --working-dir job --locked old.lock
refused 2 "is valid for python 2.7"
rtenv env build -f env.yaml --working-dir job --locked env.yaml
refused 2 "isn't a lock"
make_wheel job/wheels lib two
rtenv env build -f env.yaml --working-dir job --locked env.lock
refused 2 "is valid for other packages"
make_wheel job/wheels lib one
# pip installs from it, too.
sed 's/^uv:/pip:/' env.yaml >pip.yaml
rtenv run -f pip.yaml --working-dir job --locked env.lock -- python -c 'import requests, lib; print(requests.__version__)'
ok
equal "$out" 2.26.0
# A file that doesn't match its hash isn't installed.
sed 's/--hash=sha256:..../--hash=sha256:0000/' env.lock >forged.lock
rtenv env build -f env.yaml --working-dir job --locked forged.lock
refused 1 "ash"
rtenv env lock --runtime-env-json '{"uv": {"phases": [["six"], ["flask"]]}}'
refused 2 "can't be locked"
rtenv env lock --runtime-env-json '{"uv": ["./job/wheels/lib-1.0-py3-none-any.whl"]}' -o -
ok
stdout_has "lib @ ./job/wheels/lib-1.0-py3-none-any.whl"

# A lock uses the indexes of the build: another index may have another package of that name.
rtenv env lock --runtime-env-json '{"uv": {"packages": ["six"], "uv_pip_install_options": ["--index-url", "http://127.0.0.1:1/simple"]}}' -o -
exits 1
stderr_has "127.0.0.1:1"

# Also for pip, which has options of its own; but not with settings that uv can't follow.
rtenv env lock --runtime-env-json '{"pip": ["six==1.16.0"]}' -o -
ok
stdout_has "six==1.16.0"
PIP_INDEX_URL=http://127.0.0.1:1/simple rtenv env lock --runtime-env-json '{"pip": ["six"]}' -o -
exits 1
stderr_has "127.0.0.1:1"
mkdir -p home/.config/pip && printf '[global]\nindex-url = http://127.0.0.1:1/simple\n' >home/.config/pip/pip.conf
HOME=$work/home XDG_CONFIG_HOME='' rtenv env lock --runtime-env-json '{"pip": ["six"]}' -o -
refused 2 "settings of a pip.conf"

# --offline: from uv's cache, or an error.
rtenv cache rm --all --yes
rtenv env build -f env.yaml --working-dir job --locked env.lock --offline --json
ok
equal "$(field built)" True
rtenv env build --offline --runtime-env-json '{"uv": ["flask==2.0.0"]}'
refused 1 "network was disabled"
rtenv env build --offline --runtime-env-json '{"pip": ["flask==2.0.0"]}'
refused 1 "No matching distribution"

# --no-cache builds again.
rtenv env build --no-cache --runtime-env-json '{"uv": ["./job/wheels/lib-1.0-py3-none-any.whl"]}' --json
equal "$(field built)" True
rtenv env build --no-cache --runtime-env-json '{"uv": ["./job/wheels/lib-1.0-py3-none-any.whl"]}' --json
equal "$(field built)" True
rtenv env build --runtime-env-json '{"uv": ["./job/wheels/lib-1.0-py3-none-any.whl"]}' --json
equal "$(field built)" False
