#!/usr/bin/env bash
# Environments built by pip and virtualenv give the same results as by uv.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

make_wheel job/wheels own_wheel one
cat >env.yaml <<'Y'
pip:
  packages:
    - six==1.16.0
    - ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/own_wheel-1.0-py3-none-any.whl
  pip_check: true
Y
rtenv run -f env.yaml --working-dir job -- python -c 'import six, own_wheel, sys; print(six.__version__, own_wheel.TEXT, sys.prefix)'
ok
key=$("$RTENV" env key -f env.yaml --working-dir job)
equal "$out" "1.16.0 one $RTENV_CACHE_DIR/envs/$key"
rtenv env build -f env.yaml --working-dir job --json
equal "$(field built) $(field installer)" "False pip"
[[ $("$RTENV" env key --runtime-env-json '{"uv": ["six"]}') != $("$RTENV" env key --runtime-env-json '{"pip": ["six"]}') ]] || fail "the installer counts"

rtenv env build --runtime-env-json '{"pip": ["no-such-package-of-rtenv"]}'
refused 1 'No matching distribution found for no-such-package-of-rtenv'
rtenv env build --runtime-env-json '{"pip": ["six==1.16.0", "urllib3==1.26.0", "requests==2.32.3", "-c /no/such/file"]}'
refused 3 /no/such/file
