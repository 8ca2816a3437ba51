#!/usr/bin/env bash
# Bad input: one clear error message, the documented exit status, nothing incomplete left behind.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv
mkdir job
echo 'print(1)' >job/main.py

# Usage.
rtenv
exits 2
stderr_has 'Usage: rtenv'
rtenv pakc dir
refused 2 "unknown command 'pakc'; did you mean 'pack'?"
rtenv pack job --compres store
refused 2 "unknown option '--compres'; did you mean '--compress'?"
rtenv pack job --compress zstd
refused 2 "'zstd' isn't one of auto, store, fast, best"
rtenv hash job --scheme md5
refused 2 "'md5' isn't one of xxh3, ray, sha256"
rtenv run -f x --runtime-env-json '{}' -- true
exits 2
rtenv cache gc --max-size lots
refused 2 "'lots' isn't a size"
rtenv cache rm --all
refused 2 "--all removes every entry"
rtenv cache rm 0123
refused 3 "there is no entry 0123 in the cache"

# Directories.
for command in pack hash; do
  rtenv "$command" none
  refused 3 "directory none doesn't exist"
  rtenv "$command" job/main.py
  refused 2 "job/main.py isn't a directory"
done
if [[ $(id -u) -eq 0 ]]; then
  # Root may read everything, so another user runs this.
  chmod 755 "$work"
  mkdir -m 700 secret
  status=0 out='' err=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$RTENV" hash secret 2>&1 >/dev/null) || status=$?
  refused 4 "cannot open"
fi
[[ -z $(find . -maxdepth 1 -name '*ray_pkg*') ]] || fail "a half-written package is left"

# runtime_env.
bad_env() { # STATUS MESSAGE YAML
  printf '%s\n' "$3" >env.yaml
  rtenv run -f env.yaml --working-dir job -- python3 main.py
  refused "$1" "$2"
  rtenv env build -f env.yaml --working-dir job
  refused "$1" "$2"
  nothing_half_made
}
bad_env 2 'env.yaml, line 3, column 2' $'uv:\n  - six\n ]'
bad_env 2 "unknown field 'env_var'" 'env_var: {A: b}'
stderr_has "did you mean 'env_vars'?"
bad_env 2 "runtime_env['uv']['packages'] must be a list of strings, got str" 'uv: {packages: six}'
bad_env 2 "exclude each other" $'uv: [six]\npip: [six]'
bad_env 2 "runtime_env['conda'] is a field of Ray" 'conda: base'
bad_env 1 'no-such-package-of-rtenv' 'uv: [no-such-package-of-rtenv]'
stderr_has 'uv pip install ended with exit code 1'
stderr_has 'was not found in the package registry'
bad_env 3 '/wheels/none-1.0-py3-none-any.whl' 'uv: ["${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/none-1.0-py3-none-any.whl"]'
[[ $err == *"$RTENV_CACHE_DIR/trees/_ray_pkg_"* ]] || fail "the path isn't expanded"
rtenv run -f none.yaml -- true
refused 3 none.yaml
rtenv run --runtime-env-json '{"uv": [six' -- true
refused 2 '--runtime-env-json, line 1, column 9: syntax error'
rtenv run --env NOVALUE -- true
refused 2 '--env expects NAME=VALUE'
rtenv run --python 9.9 --runtime-env-json '{"uv": ["six"]}' -- true
refused 3 "'python9.9' isn't in PATH"
RTENV_UV=/no/uv rtenv run --runtime-env-json '{"uv": ["six"]}' -- true
refused 3 'RTENV_UV: there is no program /no/uv'
nothing_half_made

# working_dir.
rtenv run --working-dir none -- true
refused 3 "working_dir: none doesn't exist"
rtenv run --working-dir job/main.py -- true
refused 2 "isn't an archive that can be a working_dir"
rtenv run --working-dir 's3://bucket/x.zip?token=hunter2' -- true
refused 2 's3://bucket/x.zip?…'
[[ $err != *hunter2* ]] || fail "a secret is shown"
rtenv run --working-dir local://relative -- true
refused 2 "isn't absolute"

# A command that doesn't exist or isn't executable.
rtenv run -- no-such-command
exits 127
stderr_has "'no-such-command' isn't in PATH"
rtenv run --working-dir job -- ./main.py
exits 126
stderr_has "isn't executable"

# Errors as JSON.
rtenv hash none --json
exits 3
equal "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["error"]["code"])' "$err")" not_found
