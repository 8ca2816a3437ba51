#!/usr/bin/env bash
# The quickstart, as a newcomer runs it, from a copy of the example.
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
use_oracle_uv

cp -r "$project/examples/quickstart" .
rm -rf quickstart/wheels
quickstart/make-wheel
first=$(sha256sum <quickstart/wheels/greeting-1.0-py3-none-any.whl)
rm -rf quickstart/wheels
quickstart/make-wheel
equal "$(sha256sum <quickstart/wheels/greeting-1.0-py3-none-any.whl)" "$first" "the wheel is the same each time"

rtenv run -f quickstart/runtime_env.yaml --working-dir quickstart -- python main.py
ok
stdout_has 'Hello Ada, from a wheel built beside the job.'
stdout_has 'humanize 4.9.0 says: that was 3 minutes ago'
stdout_has 'isolated: True'
rtenv run -f quickstart/runtime_env.yaml --working-dir quickstart -- python main.py
ok
stdout_has 'Hello Ada'
equal "$err" "" "the second time nothing is done, and nothing said"

rtenv doctor
ok
stdout_has 'ok       python'
rtenv version --json
ok
